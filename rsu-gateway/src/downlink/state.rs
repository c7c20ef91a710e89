//! What the platform has ordered: all that a restart must not forget.

use std::collections::VecDeque;

use rsu_firmware::time::Span;
use serde::{Deserialize, Serialize};

use super::answer::{Answer, Refusal};
use super::broadcast::{Broadcast, BroadcastKey, broadcasts_max};
use super::command::{
    AddressChange, CommandKind, InformationQuery, LogLevel, LogUpload, Operations, RecordsQuery,
    SamplingChange, SeqNum, Upgrade,
};
use super::compose::number_of;
use super::ledger::{Digest, Ledger, Outcome};

/// The state after a number of [`Entry`]s; the same entries always lead to the same state.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct State {
    pub(super) in_force: InForce,
    pub(super) broadcasts: Vec<Broadcast>,
    pub(super) ledger: Ledger,
    pub(super) pending: VecDeque<Pending>,
    next_task: u64,
}

/// What commands have changed in the configuration; what is `None` is as configured.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct InForce {
    /// How much is reported.
    pub sampling: SamplingChange,
    /// What is logged.
    pub log_level: Option<LogLevel>,
    /// The broker to turn to, and when.
    pub address: Option<AddressChange>,
    heartbeat_interval_ms: Option<i64>,
    running_information_interval_ms: Option<i64>,
}

impl InForce {
    /// Between two heartbeats; zero: none.
    pub fn heartbeat_interval(&self) -> Option<Span> {
        self.heartbeat_interval_ms.map(Span::from_millis)
    }

    /// Between two reports of running information; zero: none.
    pub fn running_information_interval(&self) -> Option<Span> {
        self.running_information_interval_ms.map(Span::from_millis)
    }

    fn then(self, later: &Self) -> Self {
        Self {
            sampling: self.sampling.then(&later.sampling),
            log_level: later.log_level.or(self.log_level),
            address: later.address.clone().or(self.address),
            heartbeat_interval_ms: later.heartbeat_interval_ms.or(self.heartbeat_interval_ms),
            running_information_interval_ms: later
                .running_information_interval_ms
                .or(self.running_information_interval_ms),
        }
    }
}

impl From<SamplingChange> for InForce {
    fn from(sampling: SamplingChange) -> Self {
        Self {
            sampling,
            ..Self::default()
        }
    }
}

impl From<&Operations> for InForce {
    fn from(operations: &Operations) -> Self {
        Self {
            log_level: operations.log_level,
            address: operations.address_change.clone(),
            heartbeat_interval_ms: operations.heartbeat_interval.map(Span::as_millis),
            running_information_interval_ms: operations
                .running_information_interval
                .map(Span::as_millis),
            ..Self::default()
        }
    }
}

/// Something that has been accepted and is not done yet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Pending {
    pub(super) id: u64,
    #[serde(flatten)]
    pub(super) order: TaskOrder,
}

/// Something to do, and who waits for how it went.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct TaskOrder {
    pub(super) task: Task,
    /// The command that is answered when it is done.
    pub(super) reply: Option<Reply>,
}

/// Which command is to be answered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Reply {
    pub(super) kind: CommandKind,
    pub(super) seq_num: SeqNum,
    /// Also when all is well.
    pub(super) always: bool,
}

/// Something to do once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Task {
    Answer(Answer),
    Versions(Option<SeqNum>),
    RunStatus,
    Information(InformationQuery, Option<SeqNum>),
    Introduction,
    LogUpload(LogUpload),
    Replay(RecordsQuery),
    Upgrade(Upgrade, SeqNum),
    /// Done as soon as the machine runs with another boot id than this.
    Reboot {
        boot_id: String,
    },
}

/// A step from one state to the next: what the journal keeps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Entry {
    /// All that was before is in here.
    State(Box<State>),
    /// A command was judged.
    Judged(Box<Judged>),
    /// A task is done, or cannot be.
    Finished { task: u64, refusal: Option<Refusal> },
    /// A broadcast is over.
    Ended(BroadcastKey),
}

/// What follows from a command.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Judged {
    /// How it is known again.
    pub(super) taken: Option<(CommandKind, SeqNum, Digest, Outcome)>,
    pub(super) change: Option<Change>,
    pub(super) tasks: Vec<TaskOrder>,
}

/// What changes for good.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Change {
    InForce(InForce),
    Put(Box<Broadcast>),
    /// In place of all RSMs.
    Rsms(Vec<Broadcast>),
    End(BroadcastKey),
}

impl State {
    pub(super) fn apply(&mut self, entry: &Entry) {
        match entry {
            Entry::State(state) => *self = (**state).clone(),
            Entry::Judged(judged) => {
                if let Some((kind, seq_num, digest, outcome)) = judged.taken.clone() {
                    self.ledger.take(kind, seq_num, digest, outcome);
                }
                if let Some(change) = &judged.change {
                    self.change(change);
                }
                for order in &judged.tasks {
                    self.add(order.clone());
                }
            }
            Entry::Finished { task, refusal } => self.finish(*task, refusal.as_ref()),
            Entry::Ended(key) => self.broadcasts.retain(|held| held.key != *key),
        }
    }

    fn change(&mut self, change: &Change) {
        match change {
            Change::InForce(later) => {
                self.in_force = std::mem::take(&mut self.in_force).then(later);
            }
            Change::Put(broadcast) => self.put((**broadcast).clone()),
            Change::Rsms(broadcasts) => {
                self.broadcasts
                    .retain(|held| held.key.kind != CommandKind::Rsm);
                for broadcast in broadcasts {
                    self.put(broadcast.clone());
                }
            }
            Change::End(key) => self.broadcasts.retain(|held| held.key != *key),
        }
    }

    /// As [`Transmit::put`](super::Transmit::put) does.
    fn put(&mut self, broadcast: Broadcast) {
        self.broadcasts.retain(|held| held.key != broadcast.key);
        let kind = broadcast.key.kind;
        let of_kind = |held: &&Broadcast| held.key.kind == kind;
        if self.broadcasts.iter().filter(of_kind).count() >= broadcasts_max(kind) {
            let oldest = self.broadcasts.iter().filter(of_kind);
            let oldest = oldest.min_by_key(|held| held.since_ms);
            if let Some(key) = oldest.map(|held| held.key.clone()) {
                self.broadcasts.retain(|held| held.key != key);
            }
        }
        self.broadcasts.push(broadcast);
    }

    fn add(&mut self, order: TaskOrder) {
        let id = self.next_task;
        self.next_task = self.next_task.wrapping_add(1);
        self.pending.push_back(Pending { id, order });
    }

    fn finish(&mut self, task: u64, refusal: Option<&Refusal>) {
        let place = self.pending.iter().position(|pending| pending.id == task);
        let Some(done) = place.and_then(|place| self.pending.remove(place)) else {
            return;
        };
        let Some(Reply {
            kind,
            seq_num,
            always,
        }) = done.order.reply
        else {
            return;
        };
        let outcome = match refusal {
            None => Outcome::Done,
            Some(refusal) => Outcome::Failed(refusal.clone()),
        };
        self.ledger.finish(kind, &seq_num, outcome);
        if refusal.is_none() && !always {
            return;
        }
        self.add(TaskOrder {
            task: Task::Answer(Answer {
                kind,
                seq_num: Some(seq_num),
                refusal: refusal.cloned(),
            }),
            reply: None,
        });
    }

    /// The number of the next task.
    pub(super) fn next_task(&self) -> u64 {
        self.next_task
    }

    /// Whether a broadcast with this key is held, or one more of its kind can be.
    pub(super) fn has_room(&self, key: &BroadcastKey) -> bool {
        let mut of_kind = self
            .broadcasts
            .iter()
            .filter(|held| held.key.kind == key.kind);
        of_kind.clone().count() < broadcasts_max(key.kind) || of_kind.any(|held| held.key == *key)
    }

    /// The number by which vehicles know the event or sign `key`, or one that is free.
    pub(super) fn alert_number(&self, key: &BroadcastKey) -> Option<u8> {
        let held = self.broadcasts.iter();
        if let Some(known) = held.clone().find(|held| held.key == *key) {
            return number_of(known);
        }
        let used: Vec<u8> = held.filter_map(number_of).collect();
        (0..=u8::MAX).find(|number| !used.contains(number))
    }
}
