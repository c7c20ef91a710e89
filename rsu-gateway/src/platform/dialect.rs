//! How a platform wants to be spoken to: the same reports, in its own topics and payloads.

#[cfg(test)]
mod asyncapi;
mod contents;
mod envelope;
mod name;
mod openv2x;
#[cfg(test)]
mod samples;
mod tits0117;
mod tits0180;
mod topics;

use std::fmt;

use rsu_firmware::message::{MapData, RoadsideSafetyMessage, Spat};
use rsu_firmware::time::{Span, Timestamp};
use serde::{Deserialize, Serialize};

pub use envelope::Envelope;
pub use name::{DialectName, Unspeakable, named};
pub use openv2x::OpenV2x;
pub use tits0117::Tits0117;
pub use tits0180::Tits0180;
#[cfg(test)]
pub(super) use topics::Contract;
pub use topics::Topics;

use super::bsm_batch::BsmBatch;
use super::content::{
    Acknowledgement, AlarmUp, Alert, BasicStatus, BroadcastStatus, GapUp, Heartbeat, Info,
    InformationResponse, PresenceUp, RunningInformation, UpgradeStatus, Versions,
};
use super::junction::JunctionSnapshot;
use super::traffic::Traffic;
use crate::downlink::{Answer, Downlink, Unreadable};

/// Turns reports into publishes of one platform contract.
pub trait Dialect: Send {
    /// The topics of the contract, for one unit.
    fn topics(&self) -> &Topics;

    /// Whether the contract has a place for reports of `stream`; others need not be made.
    fn carries(&self, stream: Stream) -> bool {
        self.topics().carry(stream)
    }

    /// The longest time between two heartbeats after which the platform still takes the unit for
    /// online, where it has such a limit.
    fn heartbeat_interval_max(&self) -> Option<Span> {
        None
    }

    /// Topic filters of everything that the platform sends down.
    fn downlink_filters(&self) -> Vec<String> {
        self.topics().filters()
    }

    /// Writes the payload of `report`, as of `now`, behind what the buffer holds.
    ///
    /// # Errors
    /// The contract has no such report, or its values have no JSON form.
    fn write(
        &self,
        now: Timestamp,
        report: &Report<'_>,
        payload: &mut Vec<u8>,
    ) -> Result<Form, Unwritable>;

    /// Reads what the platform sent down.
    ///
    /// # Errors
    /// What is wrong, and where: in words that the platform gets as its answer.
    fn read(&self, topic: &str, payload: &[u8]) -> Result<Downlink, Unreadable>;
}

/// What the platform is told.
#[derive(Clone, Copy)]
#[allow(missing_docs, reason = "the types say it")]
pub enum Report<'a> {
    Info(&'a Info<'a>),
    BasicStatus(&'a BasicStatus<'a>),
    Heartbeat(&'a Heartbeat<'a>),
    RunningInformation(&'a RunningInformation<'a>),
    Map(MapReport<'a>),
    Spat(Relayed<'a, Spat<'a>>),
    Bsm(&'a BsmBatch),
    Rsm(Relayed<'a, RoadsideSafetyMessage<'a>>),
    Rsi(RsiReport<'a>),
    Junction(&'a JunctionSnapshot<'a>),
    Answer(&'a Answer),
    Versions(&'a Versions<'a>),
    Information(&'a InformationResponse<'a>),
    Broadcast(&'a BroadcastStatus<'a>),
    Traffic(&'a Traffic),
    Alarm(&'a AlarmUp<'a>),
    Gap(&'a GapUp<'a>),
    Presence(&'a PresenceUp<'a>),
    Upgrade(&'a UpgradeStatus<'a>),
}

/// A message as it was received, and what it says.
pub struct Relayed<'a, M> {
    /// The UPER bytes of its MessageFrame.
    pub bytes: &'a [u8],
    /// The same, decoded.
    pub message: &'a M,
}

// Derived, they would demand the same of the message.
impl<M> Clone for Relayed<'_, M> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<M> Copy for Relayed<'_, M> {}

/// A MAP, and how the platform refers to it.
#[derive(Clone, Copy)]
pub struct MapReport<'a> {
    /// The message.
    pub map: Relayed<'a, MapData<'a>>,
    /// The part of the road network that the map covers.
    pub map_slice: &'a str,
    /// Changes when the geometry does.
    pub etag: &'a str,
    /// What is asked of the platform.
    pub acknowledgement: Acknowledgement,
}

/// One traffic event or sign.
#[derive(Clone, Copy)]
pub struct RsiReport<'a> {
    /// The event.
    pub alert: &'a Alert,
    /// How it became known.
    pub source: AlertSource<'a>,
    /// What is asked of the platform.
    pub acknowledgement: Acknowledgement,
}

/// How an event became known. A contract that relays messages as they are tells a message once,
/// however many events it brings.
#[derive(Clone, Copy)]
pub enum AlertSource<'a> {
    /// By this message, the UPER bytes of its MessageFrame.
    Message(&'a [u8]),
    /// By the message that brought the event reported before it.
    SameMessage,
    /// It is not repeated any more: it has ended.
    Silence,
}

impl Report<'_> {
    /// The number by which the platform is to acknowledge it, if it is.
    pub(super) fn acknowledgement_asked(&self) -> Option<u64> {
        match self {
            Self::Info(info) => info.seq_num,
            Self::Map(report) => report.acknowledgement.seq_num,
            Self::Rsi(report) => report.acknowledgement.seq_num,
            _ => None,
        }
    }

    /// Which stream the report belongs to.
    pub fn stream(&self) -> Stream {
        match self {
            Self::Info(_) => Stream::Info,
            Self::BasicStatus(_) => Stream::BasicStatus,
            Self::Heartbeat(_) => Stream::Heartbeat,
            Self::RunningInformation(_) => Stream::RunningInformation,
            Self::Map(_) => Stream::Map,
            Self::Spat(_) => Stream::Spat,
            Self::Bsm(_) => Stream::Bsm,
            Self::Rsm(_) => Stream::Rsm,
            Self::Rsi(_) => Stream::Rsi,
            Self::Junction(_) => Stream::Junction,
            Self::Answer(_) => Stream::Answer,
            Self::Versions(_) => Stream::Versions,
            Self::Information(_) => Stream::Information,
            Self::Broadcast(_) => Stream::Broadcast,
            Self::Traffic(_) => Stream::Traffic,
            Self::Alarm(_) => Stream::Alarm,
            Self::Gap(_) => Stream::Gap,
            Self::Presence(_) => Stream::Presence,
            Self::Upgrade(_) => Stream::Upgrade,
        }
    }
}

/// What kind of report it is; one topic each in most contracts. `stream as usize` indexes an array.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Stream {
    Info,
    BasicStatus,
    Heartbeat,
    RunningInformation,
    Map,
    Spat,
    Bsm,
    Rsm,
    Rsi,
    Junction,
    Answer,
    Versions,
    Information,
    Broadcast,
    Traffic,
    Alarm,
    Gap,
    Presence,
    Upgrade,
}

impl Stream {
    /// Every stream, in the order of their indices.
    pub const ALL: [Self; 19] = [
        Self::Info,
        Self::BasicStatus,
        Self::Heartbeat,
        Self::RunningInformation,
        Self::Map,
        Self::Spat,
        Self::Bsm,
        Self::Rsm,
        Self::Rsi,
        Self::Junction,
        Self::Answer,
        Self::Versions,
        Self::Information,
        Self::Broadcast,
        Self::Traffic,
        Self::Alarm,
        Self::Gap,
        Self::Presence,
        Self::Upgrade,
    ];

    /// A name for counters and queues.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::BasicStatus => "basic_status",
            Self::Heartbeat => "heartbeat",
            Self::RunningInformation => "running_information",
            Self::Map => "map",
            Self::Spat => "spat",
            Self::Bsm => "bsm",
            Self::Rsm => "rsm",
            Self::Rsi => "rsi",
            Self::Junction => "junction",
            Self::Answer => "answer",
            Self::Versions => "versions",
            Self::Information => "information",
            Self::Broadcast => "broadcast",
            Self::Traffic => "traffic",
            Self::Alarm => "alarm",
            Self::Gap => "gap",
            Self::Presence => "presence",
            Self::Upgrade => "upgrade",
        }
    }
}

/// What becomes of a publish while the broker cannot be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// Worth something only while it is new: QoS 0, the newest stays.
    Live,
    /// Worth keeping while the broker cannot be reached, within a quota: then on disk, and sent
    /// later at QoS 1; like [`Class::Live`] otherwise.
    Spilled,
    /// On disk before it is sent, in order, until the broker acknowledges it: QoS 1.
    Durable,
}

/// What a dialect made of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A JSON object, which takes the member `record` with number, time and clock quality.
    Object,
    /// Complete as it is: binary, or stamped by itself.
    Complete,
}

/// A finished publish, lent for the time of one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outgoing<'a> {
    /// What kind of report it is.
    pub stream: Stream,
    /// How it is to be treated.
    pub class: Class,
    /// What the payload is.
    pub form: Form,
    /// Topic name.
    pub topic: &'a str,
    /// Payload.
    pub payload: &'a [u8],
}

/// Why a dialect did not write a report.
#[derive(Debug)]
pub enum Unwritable {
    /// The contract has no place for it.
    NotInContract,
    /// What it says has been told with an earlier report.
    Told,
    /// The JSON form could not be written.
    Json(serde_json::Error),
}

impl fmt::Display for Unwritable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Told => f.write_str("told with an earlier report"),
            Self::NotInContract => f.write_str("the platform contract has no such report"),
            Self::Json(error) => write!(f, "no JSON form: {error}"),
        }
    }
}

impl std::error::Error for Unwritable {}

impl From<serde_json::Error> for Unwritable {
    fn from(error: serde_json::Error) -> Self {
        Self::Json(error)
    }
}

#[cfg(test)]
mod tests;
