//! What is to become of a command: a decision without any effect.

use rsu_firmware::time::{Span, Timestamp};
use rsu_firmware::uper::Profile;

use super::answer::{Answer, Refusal, Unreadable};
use super::broadcast::{Broadcast, BroadcastKey, broadcasts_max};
use super::command::{
    Command, CommandKind, Downlink, Operations, PlatformAcknowledgement, RsiBroadcast,
};
use super::compose::Composer;
use super::ledger::{Digest, Known, Outcome};
use super::state::{Change, InForce, Judged, Reply, State, Task, TaskOrder};
use crate::http;
use crate::mqtt::BrokerAddress;
use crate::platform::Unit;

/// What the commands are judged by.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Who is commanded.
    pub unit: Unit,
    /// The edition of the message set that is sent.
    pub profile: Profile,
    /// How old a command may be that says when it was sent; any age, if `None`.
    pub age_max: Option<Span>,
    /// What tells this run of the machine from others (`/proc/sys/kernel/random/boot_id`).
    pub boot_id: String,
}

/// A publish of the platform.
#[derive(Debug)]
pub(super) struct Arrival {
    pub(super) read: Result<Downlink, Unreadable>,
    pub(super) digest: Digest,
    pub(super) is_retained: bool,
}

/// The time, and whether the clock can be relied upon.
#[derive(Clone, Copy, Debug)]
pub(super) struct Now {
    pub(super) time: Timestamp,
    pub(super) is_trusted: bool,
}

/// What is to become of a publish.
#[derive(Debug)]
pub(super) enum Verdict {
    /// Nothing.
    UnknownTopic,
    /// Nothing.
    AcknowledgementUnreadable,
    Acknowledged(PlatformAcknowledgement),
    /// It is to be answered as before, once it has been carried out.
    Repeated(Option<Answer>),
    /// It goes on the air for the moment it is worth something.
    Relayed(Change),
    Accepted {
        judged: Judged,
        is_number_used: bool,
    },
    Refused {
        reason: Reason,
        answer: Answer,
    },
}

/// Why a command is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    Malformed,
    Retained,
    Foreign,
    Expired,
    Impossible,
}

#[derive(Debug)]
pub(super) struct Judge {
    settings: Settings,
    composer: Composer,
}

/// What a command leads to.
#[derive(Default)]
struct Consequence {
    change: Option<Change>,
    tasks: Vec<Task>,
    /// It is answered when its task is done, not before.
    answers_when_done: bool,
}

impl Judge {
    pub(super) fn new(settings: Settings) -> Self {
        Self {
            composer: Composer::new(&settings.unit, settings.profile),
            settings,
        }
    }

    pub(super) fn boot_id(&self) -> &str {
        &self.settings.boot_id
    }

    pub(super) fn judge(&self, state: &State, now: Now, arrival: Arrival) -> Verdict {
        let downlink = match arrival.read {
            Ok(downlink) => downlink,
            Err(Unreadable::UnknownTopic) => return Verdict::UnknownTopic,
            Err(Unreadable::Acknowledgement(_)) => return Verdict::AcknowledgementUnreadable,
            Err(Unreadable::Command {
                kind,
                seq_num,
                refusal,
            }) => {
                return Verdict::Refused {
                    reason: Reason::Malformed,
                    answer: Answer {
                        kind,
                        seq_num,
                        refusal: Some(refusal),
                    },
                };
            }
        };
        if let Command::Acknowledgement(acknowledgement) = downlink.command {
            return Verdict::Acknowledged(acknowledgement);
        }
        let kind = downlink.command.kind();
        let seq_num = downlink.seq_num.clone();
        let answer = |refusal| Answer {
            kind,
            seq_num: seq_num.clone(),
            refusal,
        };
        let mut is_number_used = false;
        if let Some(seq_num) = seq_num.as_ref().filter(|_| has_effect(kind)) {
            match state.ledger.find(kind, seq_num, arrival.digest) {
                Known::New => {}
                Known::NumberUsed => is_number_used = true,
                Known::Repeated(taken) => {
                    let refusal = match &taken.outcome {
                        Outcome::Underway => return Verdict::Repeated(None),
                        Outcome::Done if !downlink.wants_answer => return Verdict::Repeated(None),
                        Outcome::Done => None,
                        Outcome::Failed(refusal) => Some(refusal.clone()),
                    };
                    return Verdict::Repeated(Some(answer(refusal)));
                }
            }
        }
        let refused = |(reason, refusal)| Verdict::Refused {
            reason,
            answer: answer(Some(refusal)),
        };
        if let Err(refusal) = self.check(now, arrival.is_retained, &downlink) {
            return refused(refusal);
        }
        let is_relayed = is_live(kind) && !downlink.wants_answer;
        let wants_answer = downlink.wants_answer;
        let consequence = match self.consequence(state, now, downlink) {
            Ok(consequence) => consequence,
            Err(refusal) => return refused(refusal),
        };
        if is_relayed && let Some(change) = consequence.change {
            return Verdict::Relayed(change);
        }
        let answers_when_done = consequence.answers_when_done;
        let reply = seq_num.clone().filter(|_| answers_when_done);
        let reply = reply.map(|seq_num| Reply {
            kind,
            seq_num,
            always: wants_answer,
        });
        // The answer first: what follows may end the run.
        let at_once = (wants_answer && !answers_when_done).then(|| Task::Answer(answer(None)));
        let tasks = at_once.into_iter().chain(consequence.tasks);
        let order = |task: Task| TaskOrder {
            reply: reply.clone().filter(|_| !matches!(task, Task::Answer(_))),
            task,
        };
        let tasks = tasks.map(order).collect();
        let outcome = match answers_when_done {
            true => Outcome::Underway,
            false => Outcome::Done,
        };
        let taken = seq_num.clone().filter(|_| has_effect(kind));
        Verdict::Accepted {
            judged: Judged {
                taken: taken.map(|seq_num| (kind, seq_num, arrival.digest, outcome)),
                change: consequence.change,
                tasks,
            },
            is_number_used,
        }
    }

    /// Whether the command is for this unit, and now.
    fn check(
        &self,
        now: Now,
        is_retained: bool,
        downlink: &Downlink,
    ) -> Result<(), (Reason, Refusal)> {
        let refused = |reason, text| Err((reason, Refusal::bad_parameter(text)));
        if is_retained {
            let text = "a retained publish is no command: it may be older than what is in force";
            return refused(Reason::Retained, text.to_owned());
        }
        let unit = &self.settings.unit;
        let addressee = &downlink.addressee;
        let members = [
            ("rsuId", &addressee.rsu_id, unit.id.as_ref()),
            ("rsuEsn", &addressee.rsu_esn, &unit.esn),
        ];
        for (member, told, own) in members {
            if let Some(told) = told.as_ref().filter(|told| **told != own) {
                return refused(
                    Reason::Foreign,
                    format!("{member}: {told:?} is not this unit"),
                );
            }
        }
        let past = |time: Option<Timestamp>| now.is_trusted.then_some(now.time - time?);
        if let Some(late) = past(downlink.expires).filter(|late| *late > Span::default()) {
            let text = format!("expires: {} ms ago", late.as_millis());
            return refused(Reason::Expired, text);
        }
        if let (Some(age), Some(max)) = (past(downlink.issued), self.settings.age_max)
            && age > max
        {
            let (age, max) = (age.as_millis(), max.as_millis());
            let text = format!("timestamp: {age} ms ago, at most {max} ms");
            return refused(Reason::Expired, text);
        }
        let needs_number = matches!(
            downlink.command.kind(),
            CommandKind::Operations | CommandKind::LogUpload | CommandKind::Upgrade
        );
        if needs_number && downlink.seq_num.is_none() {
            return Err((Reason::Malformed, number_missing()));
        }
        Ok(())
    }

    fn consequence(
        &self,
        state: &State,
        now: Now,
        downlink: Downlink,
    ) -> Result<Consequence, (Reason, Refusal)> {
        let malformed = |refusal| (Reason::Malformed, refusal);
        let seq_num = downlink.seq_num;
        let change = |change| Consequence {
            change: Some(change),
            ..Consequence::default()
        };
        let task = |task| Consequence {
            tasks: vec![task],
            ..Consequence::default()
        };
        Ok(match downlink.command {
            Command::Sampling(sampling) => change(Change::InForce(sampling.into())),
            Command::Map(map) => {
                let broadcast = self.composer.map(now.time, map).map_err(malformed)?;
                change(put(state, broadcast)?)
            }
            Command::Rsi(rsi) => change(self.rsi(state, now, rsi)?),
            Command::Rsm(rsm) => {
                let max = broadcasts_max(CommandKind::Rsm);
                if rsm.messages.len() > max {
                    let text = format!("rsms: {} messages, at most {max}", rsm.messages.len());
                    return Err(malformed(Refusal::bad_parameter(text)));
                }
                let broadcasts = self.composer.rsm(now.time, rsm).map_err(malformed)?;
                change(Change::Rsms(broadcasts))
            }
            Command::Spat(spat) => {
                let composed = self.composer.spat(now.time, now.is_trusted, spat);
                change(Change::Put(Box::new(composed.map_err(malformed)?)))
            }
            Command::Operations(operations) => self.operations(&operations).map_err(malformed)?,
            Command::Versions => task(Task::Versions(seq_num)),
            Command::RunStatus => task(Task::RunStatus),
            Command::Information(query) => task(Task::Information(query, seq_num)),
            Command::Introduction => task(Task::Introduction),
            Command::Records(query) => task(Task::Replay(query)),
            Command::LogUpload(upload) => {
                check_url("uploadUrl", &upload.url).map_err(malformed)?;
                Consequence {
                    answers_when_done: true,
                    ..task(Task::LogUpload(upload))
                }
            }
            Command::Upgrade(upgrade) => {
                check_url("downloadUrl", &upgrade.url).map_err(malformed)?;
                let Some(seq_num) = seq_num else {
                    return Err(malformed(number_missing()));
                };
                Consequence {
                    answers_when_done: true,
                    ..task(Task::Upgrade(upgrade, seq_num))
                }
            }
            Command::Acknowledgement(_) => {
                let text = "an acknowledgement is no command";
                return Err(malformed(Refusal::bad_parameter(text)));
            }
        })
    }

    fn rsi(&self, state: &State, now: Now, rsi: RsiBroadcast) -> Result<Change, (Reason, Refusal)> {
        let key = BroadcastKey {
            kind: CommandKind::Rsi,
            id: rsi.alert.alert_id.clone(),
        };
        if !rsi.alert.event_status {
            return Ok(Change::End(key));
        }
        // There are more numbers than broadcasts of the kind.
        let number = state.alert_number(&key).unwrap_or_default();
        let composed = self.composer.rsi(now.time, now.is_trusted, number, rsi);
        put(
            state,
            composed.map_err(|refusal| (Reason::Malformed, refusal))?,
        )
    }

    fn operations(&self, operations: &Operations) -> Result<Consequence, Refusal> {
        if let Some(address) = &operations.address_change {
            let parsed = address.url.parse::<BrokerAddress>();
            parsed
                .map_err(|error| Refusal::bad_parameter(format!("addressChg.cssUrl: {error}")))?;
        }
        let reboot = || Task::Reboot {
            boot_id: self.settings.boot_id.clone(),
        };
        let in_force = InForce::from(operations);
        Ok(Consequence {
            change: (in_force != InForce::default()).then_some(Change::InForce(in_force)),
            tasks: operations.reboot.then(reboot).into_iter().collect(),
            answers_when_done: false,
        })
    }
}

fn put(state: &State, broadcast: Broadcast) -> Result<Change, (Reason, Refusal)> {
    if !state.has_room(&broadcast.key) {
        let kind = broadcast.key.kind;
        let (max, name) = (broadcasts_max(kind), kind.name());
        let text = format!("{max} broadcasts of kind {name} are held already");
        return Err((Reason::Impossible, Refusal::local_error(text)));
    }
    Ok(Change::Put(Box::new(broadcast)))
}

fn number_missing() -> Refusal {
    Refusal::bad_parameter("seqNum: is missing")
}

fn check_url(member: &str, url: &str) -> Result<(), Refusal> {
    let scheme = http::scheme_of(url);
    let checked = scheme.map_err(|what| Refusal::bad_parameter(format!("{member}: {what}")));
    checked.map(drop)
}

/// Whether it matters that a command is carried out once. Mere questions are answered as often as
/// they are asked.
const fn has_effect(kind: CommandKind) -> bool {
    matches!(
        kind,
        CommandKind::Sampling
            | CommandKind::Map
            | CommandKind::Rsi
            | CommandKind::Rsm
            | CommandKind::Spat
            | CommandKind::Operations
            | CommandKind::LogUpload
            | CommandKind::Records
            | CommandKind::Upgrade
    )
}

/// Whether commands of a kind come many times a second and are worth nothing a moment later.
/// Unless the platform asks for an answer, they are not kept: flash would wear for nothing.
const fn is_live(kind: CommandKind) -> bool {
    matches!(kind, CommandKind::Rsm | CommandKind::Spat)
}
