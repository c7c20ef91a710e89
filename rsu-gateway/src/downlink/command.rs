//! What a platform may send down, whatever its contract and payloads.

use std::fmt;

use rsu_firmware::message::{MapData, RoadsideSafetyMessage, Spat};
use rsu_firmware::time::{Span, Timestamp};
use semver::Version;
use serde::{Deserialize, Serialize};

use crate::platform::content::Alert;
use crate::platform::sampling::{Limit, Rate, SampleMode};
use crate::platform::{Class, Sampling, Stream};

/// A command, or an acknowledgement, as a [`Dialect`](crate::platform::Dialect) has read it.
#[derive(Clone, Debug, PartialEq)]
pub struct Downlink {
    /// The number that the answer carries.
    pub seq_num: Option<SeqNum>,
    /// Whom the payload names, beside its topic.
    pub addressee: Addressee,
    /// When the platform sent it, where it says so.
    pub issued: Option<Timestamp>,
    /// From when on it must not be carried out any more, where it says so (ours).
    pub expires: Option<Timestamp>,
    /// The platform asks for an answer. A refusal is told in any case.
    pub wants_answer: bool,
    /// What is to be done.
    pub command: Command,
}

impl Downlink {
    /// A command that says nothing but what is to be done.
    pub fn new(command: Command) -> Self {
        Self {
            seq_num: None,
            addressee: Addressee::default(),
            issued: None,
            expires: None,
            wants_answer: false,
            command,
        }
    }
}

/// The number of a command: text of 1..=64 characters, in most contracts digits. It comes back as
/// it came.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SeqNum(String);

impl SeqNum {
    /// Most characters of a number.
    pub const CHARS_MAX: usize = 64;
}

/// Not a [`SeqNum`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} characters, not 1 to 64")]
pub struct InvalidSeqNum(usize);

impl TryFrom<String> for SeqNum {
    type Error = InvalidSeqNum;

    fn try_from(text: String) -> Result<Self, InvalidSeqNum> {
        match text.chars().count() {
            1..=Self::CHARS_MAX => Ok(Self(text)),
            count => Err(InvalidSeqNum(count)),
        }
    }
}

impl From<SeqNum> for String {
    fn from(SeqNum(text): SeqNum) -> Self {
        text
    }
}

impl AsRef<str> for SeqNum {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SeqNum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whom a payload names; what it leaves out is whoever the topic belongs to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Addressee {
    /// Identifier of the unit.
    pub rsu_id: Option<String>,
    /// Electronic serial number of the unit.
    pub rsu_esn: Option<String>,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Report more or less.
    Sampling(SamplingChange),
    /// Broadcast a map in place of the one of the same slice.
    Map(MapBroadcast),
    /// Broadcast an event or sign, or end that.
    Rsi(RsiBroadcast),
    /// Broadcast participants in place of those before.
    Rsm(RsmBroadcast),
    /// Broadcast lights in place of those of the same intersections.
    Spat(Spat<'static>),
    /// Tell the versions.
    Versions,
    /// Tell at once how the machine and the program are doing.
    RunStatus,
    /// Operate the unit.
    Operations(Operations),
    /// Put the log where the platform can read it.
    LogUpload(LogUpload),
    /// Tell something of the unit.
    Information(InformationQuery),
    /// Send kept records again.
    Records(RecordsQuery),
    /// Say again who the unit is, as on a new connection.
    Introduction,
    /// Change the software.
    Upgrade(Upgrade),
    /// The platform has taken in what the unit sent. Not a command, and not answered.
    Acknowledgement(PlatformAcknowledgement),
}

impl Command {
    /// The kind of the command.
    pub const fn kind(&self) -> CommandKind {
        match self {
            Self::Sampling(_) => CommandKind::Sampling,
            Self::Map(_) => CommandKind::Map,
            Self::Rsi(_) => CommandKind::Rsi,
            Self::Rsm(_) => CommandKind::Rsm,
            Self::Spat(_) => CommandKind::Spat,
            Self::Versions => CommandKind::Versions,
            Self::RunStatus => CommandKind::RunStatus,
            Self::Operations(_) => CommandKind::Operations,
            Self::LogUpload(_) => CommandKind::LogUpload,
            Self::Information(_) => CommandKind::Information,
            Self::Records(_) => CommandKind::Records,
            Self::Introduction => CommandKind::Introduction,
            Self::Upgrade(_) => CommandKind::Upgrade,
            Self::Acknowledgement(_) => CommandKind::Acknowledgement,
        }
    }
}

/// What kind of command it is; sequence numbers count within a kind. `kind as usize` indexes an
/// array.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names say it")]
pub enum CommandKind {
    Sampling,
    Map,
    Rsi,
    Rsm,
    Spat,
    Versions,
    RunStatus,
    Operations,
    LogUpload,
    Information,
    Records,
    Introduction,
    Upgrade,
    Acknowledgement,
}

impl CommandKind {
    /// Every kind, in the order of their indices.
    pub const ALL: [Self; 14] = [
        Self::Sampling,
        Self::Map,
        Self::Rsi,
        Self::Rsm,
        Self::Spat,
        Self::Versions,
        Self::RunStatus,
        Self::Operations,
        Self::LogUpload,
        Self::Information,
        Self::Records,
        Self::Introduction,
        Self::Upgrade,
        Self::Acknowledgement,
    ];

    /// A name for logs and the audit.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sampling => "sampling",
            Self::Map => "map",
            Self::Rsi => "rsi",
            Self::Rsm => "rsm",
            Self::Spat => "spat",
            Self::Versions => "versions",
            Self::RunStatus => "run_status",
            Self::Operations => "operations",
            Self::LogUpload => "log_upload",
            Self::Information => "information",
            Self::Records => "records",
            Self::Introduction => "introduction",
            Self::Upgrade => "upgrade",
            Self::Acknowledgement => "acknowledgement",
        }
    }
}

/// What of the sampling changes; what is `None` stays.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "as in BsmSampling and StreamLimits")]
pub struct SamplingChange {
    pub bsm_mode: Option<SampleMode>,
    pub bsm_rate: Option<Rate>,
    pub bsm_up_limit: Option<Rate>,
    pub map_up: Option<Limit>,
    pub spat_up: Option<Limit>,
    pub rsm_up: Option<Limit>,
}

impl SamplingChange {
    /// This change, and then `later`.
    pub fn then(self, later: &Self) -> Self {
        Self {
            bsm_mode: later.bsm_mode.or(self.bsm_mode),
            bsm_rate: later.bsm_rate.or(self.bsm_rate),
            bsm_up_limit: later.bsm_up_limit.or(self.bsm_up_limit),
            map_up: later.map_up.or(self.map_up),
            spat_up: later.spat_up.or(self.spat_up),
            rsm_up: later.rsm_up.or(self.rsm_up),
        }
    }

    /// Changes `sampling`.
    pub fn apply_to(&self, sampling: &mut Sampling) {
        fn set<T: Copy>(value: &mut T, change: Option<T>) {
            *value = change.unwrap_or(*value);
        }
        set(&mut sampling.bsm.mode, self.bsm_mode);
        set(&mut sampling.bsm.rate, self.bsm_rate);
        set(&mut sampling.bsm.up_limit, self.bsm_up_limit);
        set(&mut sampling.map.up, self.map_up);
        set(&mut sampling.spat.up, self.spat_up);
        set(&mut sampling.rsm.up, self.rsm_up);
    }
}

/// A map to broadcast.
#[derive(Clone, Debug, PartialEq)]
pub struct MapBroadcast {
    /// The part of the road network that it covers.
    pub map_slice: String,
    /// Changes when the map does.
    pub etag: String,
    /// The map. Its count is set when it goes on the air.
    pub map: MapData<'static>,
}

/// An event or sign to broadcast.
#[derive(Clone, Debug, PartialEq)]
pub struct RsiBroadcast {
    /// By the identifier that the platform gave it. `event_status` false ends it, `duration` 0
    /// broadcasts it once.
    pub alert: Alert<String>,
    /// Changes when the event does.
    pub etag: Option<String>,
}

/// Participants to broadcast.
#[derive(Clone, Debug, PartialEq)]
pub struct RsmBroadcast {
    /// One message each. Sender and count are set when they go on the air.
    pub messages: Vec<RoadsideSafetyMessage<'static>>,
}

/// What to change in the operation of the unit; what is `None` stays.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Operations {
    /// Between two heartbeats; zero: none.
    pub heartbeat_interval: Option<Span>,
    /// Between two reports of running information; zero: none.
    pub running_information_interval: Option<Span>,
    /// What is logged.
    pub log_level: Option<LogLevel>,
    /// Start the machine anew.
    pub reboot: bool,
    /// Turn to another broker.
    pub address_change: Option<AddressChange>,
}

/// What is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs, reason = "the names say it")]
pub enum LogLevel {
    Debug,
    Info,
    Warn,
    Error,
    Off,
}

/// The broker moves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddressChange {
    /// The address of the new broker (`cssUrl`).
    pub url: String,
    /// When, in milliseconds since 1970; now, if `None`.
    pub at_ms: Option<i64>,
}

/// Where to put the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogUpload {
    /// An address to PUT to; which transports it may name is not the dialect's business.
    pub url: String,
    /// Who logs in there, and the password.
    pub login: Option<(String, String)>,
}

/// Another software to run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Upgrade {
    /// Its version.
    pub version: Version,
    /// Where its bundle is.
    pub url: String,
    /// Who logs in there, and the password.
    pub login: Option<(String, String)>,
    /// How long the bundle is, where the platform says so.
    pub bytes: Option<u64>,
    /// MD5 of the bundle, 32 lower-case hex digits, where the platform says so.
    pub md5: Option<String>,
    /// SHA-256 of the bundle, 64 lower-case hex digits, where the platform says so.
    pub sha256: Option<String>,
    /// The hardware that it is for, where the platform says so.
    pub hardware_version: Option<String>,
    /// When to start it, in milliseconds since 1970; as soon as it is installed, if `None`.
    pub at_ms: Option<i64>,
}

/// A question about the unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InformationQuery {
    /// About what.
    pub subject: InformationSubject,
    /// Of which time.
    pub interval: InformationInterval,
}

/// What a question is about (`InfoId`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum InformationSubject {
    /// How the machine and the program are doing.
    RunningInformation,
    /// How many messages of each kind.
    V2xStatistics,
    /// The devices that the unit is made of.
    Devices,
}

/// Of which time (`Interval`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub enum InformationInterval {
    LastHour,
    LastDay,
    LastWeek,
    SinceStart,
}

/// Which kept records to send again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordsQuery {
    /// Spilled or durable; live ones are not kept.
    pub class: Class,
    /// The first number.
    pub from: u64,
    /// The last number.
    pub to: u64,
}

/// What the platform says to what the unit sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlatformAcknowledgement {
    /// Info, MAP or RSI.
    pub stream: Stream,
    /// The number that the unit had given.
    pub seq_num: u64,
    /// What is wrong with it; nothing, if `None`.
    pub fault: Option<String>,
}
