//! Which topic means what: the tables of a contract, with the names of one unit filled in.

use super::{Report, Stream, Unwritable};
use crate::downlink::{CommandKind, Unreadable};
use crate::platform::unit::Unit;

/// The topics of a contract. `{id}` and `{esn}` stand for identifier and serial number of the unit.
pub(in crate::platform) struct Contract {
    /// Where reports go; streams that are not named have no place in the contract. Answers have no
    /// topic of their own.
    pub(in crate::platform) reports: &'static [(Stream, &'static str)],
    /// Where commands come from. Answers to a kind go to its first topic, with `answer_suffix`.
    pub(in crate::platform) commands: &'static [(CommandKind, &'static str)],
    /// Where the platform acknowledges reports.
    pub(in crate::platform) acknowledgements: &'static [(Stream, &'static str)],
    /// What makes the topic of a command that of its answer; none, where commands are not answered.
    pub(in crate::platform) answer_suffix: Option<&'static str>,
}

/// What has come down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    Command(CommandKind),
    Acknowledgement(Stream),
}

/// The topics of one unit.
#[derive(Clone, Debug)]
pub struct Topics {
    reports: Vec<(Stream, String)>,
    answers: Vec<(CommandKind, String)>,
    downlinks: Vec<(String, Subject)>,
}

impl Topics {
    pub(in crate::platform) fn new(contract: &Contract, unit: &Unit) -> Self {
        let name = |topic: &str| {
            let topic = topic.replace("{id}", unit.id.as_ref());
            topic.replace("{esn}", &unit.esn)
        };
        let reports = contract.reports.iter();
        let commands = contract.commands.iter();
        let acknowledgements = contract.acknowledgements.iter();
        let answers = contract.answer_suffix.map(|suffix| {
            let answer = |(kind, topic): &(_, &str)| (*kind, name(topic) + suffix);
            commands.clone().map(answer).collect()
        });
        let subjects = commands
            .map(|(kind, topic)| (name(topic), Subject::Command(*kind)))
            .chain(
                acknowledgements
                    .map(|(stream, topic)| (name(topic), Subject::Acknowledgement(*stream))),
            );
        Self {
            reports: reports
                .map(|(stream, topic)| (*stream, name(topic)))
                .collect(),
            answers: answers.unwrap_or_default(),
            downlinks: subjects.collect(),
        }
    }

    /// Whether the contract has a place for `stream`.
    pub(super) fn carry(&self, stream: Stream) -> bool {
        match stream {
            Stream::Answer => !self.answers.is_empty(),
            _ => self.reports.iter().any(|(carried, _)| *carried == stream),
        }
    }

    /// Everything that comes down.
    pub(super) fn filters(&self) -> Vec<String> {
        let topics = self.downlinks.iter().map(|(topic, _)| topic.clone());
        topics.collect()
    }

    /// The topic of `report`.
    pub(in crate::platform) fn of(&self, report: &Report<'_>) -> Result<&str, Unwritable> {
        let topic = match report {
            Report::Answer(answer) => of(&self.answers, answer.kind),
            _ => of(&self.reports, report.stream()),
        };
        topic.ok_or(Unwritable::NotInContract)
    }

    /// What `topic` is about.
    pub(super) fn subject(&self, topic: &str) -> Result<Subject, Unreadable> {
        let mut downlinks = self.downlinks.iter();
        let found = downlinks.find(|(downlink, _)| downlink == topic);
        found.map_or(Err(Unreadable::UnknownTopic), |(_, subject)| Ok(*subject))
    }
}

fn of<K: PartialEq>(topics: &[(K, String)], key: K) -> Option<&str> {
    let found = topics.iter().find(|(of, _)| *of == key);
    found.map(|(_, topic)| topic.as_str())
}
