//! What follows from commands, for others to carry out.

use tokio::sync::mpsc;

use super::answer::{Answer, Refusal};
use super::command::{
    InformationQuery, LogLevel, LogUpload, PlatformAcknowledgement, RecordsQuery, SamplingChange,
    SeqNum, Upgrade,
};
use super::transmit::BroadcastChange;
use rsu_firmware::time::Span;

/// One thing to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Tell the platform how a command went.
    Answer(Answer),
    /// Report more or less from now on.
    Sampling(SamplingChange),
    /// From now on, between two heartbeats; zero: none.
    HeartbeatInterval(Span),
    /// From now on, between two reports of running information; zero: none.
    RunningInformationInterval(Span),
    /// Log so much from now on.
    LogLevel(LogLevel),
    /// Turn to this broker; where it cannot be reached, the configured ones are still there.
    Broker(String),
    /// Tell the versions, to the question of this number.
    Versions(Option<SeqNum>),
    /// Tell at once how the machine and the program are doing.
    RunStatus,
    /// Answer a question about the unit.
    Information(InformationQuery, Option<SeqNum>),
    /// Say again who the unit is.
    Introduction,
    /// Put the log there.
    LogUpload(LogUpload),
    /// Send kept records again.
    Replay(RecordsQuery),
    /// Change the software, by the command of this number.
    Upgrade(Upgrade, SeqNum),
    /// Start the machine anew.
    Reboot,
    /// The platform has taken in what was reported.
    Acknowledged(PlatformAcknowledgement),
    /// Tell how far a broadcast has come.
    Broadcast(BroadcastChange),
}

/// An effect that someone is to carry out.
#[derive(Debug)]
pub struct Order {
    /// What is to be done.
    pub effect: Effect,
    pub(super) done: Option<Done>,
}

/// Tells that a task is done.
#[derive(Debug)]
pub(super) struct Done {
    pub(super) task: u64,
    pub(super) finished: mpsc::UnboundedSender<Finished>,
}

/// A task is done, or cannot be.
#[derive(Debug)]
pub(super) struct Finished {
    pub(super) task: u64,
    pub(super) refusal: Option<Refusal>,
}

impl Order {
    /// Says that it is done, or why it cannot be: of an answer or report when it is durable, of
    /// a reboot when it has been asked for. What is not said to be done is ordered again after a
    /// restart.
    pub fn finish(self, outcome: Result<(), Refusal>) {
        let Some(Done { task, finished }) = self.done else {
            return;
        };
        let refusal = outcome.err();
        // Nobody listens any more when the program ends; the task is ordered again then.
        let _ = finished.send(Finished { task, refusal });
    }
}
