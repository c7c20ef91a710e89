//! UPER in a binary envelope, as one vendor's units publish it (recorded on a real road).
//!
//! ```text
//! rsuId      8 bytes, text, padded with NUL
//! time       8 bytes, little-endian, milliseconds since 1970
//! count      1 byte, BSMs only: how often the rest is there
//! length     2 bytes, little-endian, bytes of the message
//! message    the UPER MessageFrame, as it was received
//! ```
//!
//! Topics are `V2X.RSU.X.UP` and `V2X.RSU.X.{rsuId}.DOWN`. How the unit is goes up as JSON, every
//! three seconds. Neither sampling nor operations can be changed here, and what comes down is not
//! answered.

use std::fmt::Display;

use rsu_firmware::message::{MessageFrame, RoadSideInformation};
use rsu_firmware::time::{Span, Timestamp};
use rsu_firmware::uper::Profile;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::topics::{Contract, Subject, Topics};
use super::{AlertSource, Dialect, Form, Report, Stream, Unwritable};
use crate::downlink::{
    Command, CommandKind, Downlink, MapBroadcast, Refusal, RsiBroadcast, RsmBroadcast, Unreadable,
};
use crate::json;
use crate::platform::content::{Alert, Heartbeat, RsuStatus};
use crate::platform::unit::{RsuId, Unit};

const CONTRACT: Contract = Contract {
    reports: &[
        (Stream::Heartbeat, "V2X.RSU.STATE.UP"),
        (Stream::Map, "V2X.RSU.MAP.UP"),
        (Stream::Spat, "V2X.RSU.SPAT.UP"),
        (Stream::Bsm, "V2X.RSU.BSM.UP"),
        (Stream::Rsm, "V2X.RSU.RSM.UP"),
        (Stream::Rsi, "V2X.RSU.RSI.UP"),
    ],
    commands: &[
        (CommandKind::Map, "V2X.RSU.MAP.{id}.DOWN"),
        (CommandKind::Rsi, "V2X.RSU.RSI.{id}.DOWN"),
        (CommandKind::Rsm, "V2X.RSU.RSM.{id}.DOWN"),
        (CommandKind::Spat, "V2X.RSU.SPAT.{id}.DOWN"),
    ],
    acknowledgements: &[],
    answer_suffix: None,
};

/// The platform expects to hear of the unit that often.
const STATE_INTERVAL: Span = Span::from_millis(3_000);

/// The binary dialect for one RSU.
#[derive(Clone, Debug)]
pub struct Envelope {
    topics: Topics,
    sender: Sender,
    id: String,
    profile: Profile,
}

/// The identifier as it stands in the envelope.
type Sender = [u8; Envelope::ID_BYTES];

impl Envelope {
    /// Bytes that the envelope has for the identifier of the unit.
    pub const ID_BYTES: usize = 8;

    /// The dialect as `unit` speaks it, if its identifier fits; `profile` is the edition of the
    /// message set that the platform sends.
    pub fn new(unit: &Unit, profile: Profile) -> Option<Self> {
        Some(Self {
            topics: Topics::new(&CONTRACT, unit),
            sender: sender(&unit.id)?,
            id: unit.id.to_string(),
            profile,
        })
    }

    fn header(&self, now: Timestamp, payload: &mut Vec<u8>) {
        payload.extend_from_slice(&self.sender);
        payload.extend_from_slice(&now.as_millis().to_le_bytes());
    }

    /// The message in the envelope of a command.
    fn open<'a>(&self, payload: &'a [u8]) -> Result<(Timestamp, &'a [u8]), Fault> {
        let cut = || Fault::Bad(format!("{} bytes are no envelope", payload.len()));
        let (sender, rest) = payload
            .split_first_chunk::<{ Self::ID_BYTES }>()
            .ok_or_else(cut)?;
        let (time, rest) = rest.split_first_chunk().ok_or_else(cut)?;
        let (length, message) = rest.split_first_chunk().ok_or_else(cut)?;
        if *sender != self.sender {
            return Err(Fault::AnotherUnit);
        }
        let length = usize::from(u16::from_le_bytes(*length));
        if length != message.len() {
            let text = format!("length: {length}, and {} bytes follow", message.len());
            return Err(Fault::Bad(text));
        }
        let time = Timestamp::from_millis(i64::from_le_bytes(*time));
        Ok((time, message))
    }

    fn command(&self, kind: CommandKind, payload: &[u8]) -> Result<Downlink, Fault> {
        let (issued, message) = self.open(payload)?;
        let message = MessageFrame::decode(message, self.profile);
        let message = message.map_err(|error| Fault::Bad(format!("the message: {error}")))?;
        let command = match (kind, &message) {
            (CommandKind::Map, MessageFrame::Map(map)) => Command::Map(MapBroadcast {
                map_slice: String::new(),
                etag: String::new(),
                map: detached(map)?,
            }),
            (CommandKind::Spat, MessageFrame::Spat(spat)) => Command::Spat(detached(spat)?),
            (CommandKind::Rsm, MessageFrame::Rsm(rsm)) => Command::Rsm(RsmBroadcast {
                messages: vec![detached(rsm)?],
            }),
            (CommandKind::Rsi, MessageFrame::Rsi(rsi)) => Command::Rsi(only_event(rsi, issued)?),
            _ => return Err(Fault::Bad(format!("the message is no {}", kind.name()))),
        };
        Ok(Downlink {
            issued: Some(issued),
            ..Downlink::new(command)
        })
    }
}

impl Dialect for Envelope {
    fn topics(&self) -> &Topics {
        &self.topics
    }

    fn heartbeat_interval_max(&self) -> Option<Span> {
        Some(STATE_INTERVAL)
    }

    fn write(
        &self,
        now: Timestamp,
        report: &Report<'_>,
        payload: &mut Vec<u8>,
    ) -> Result<Form, Unwritable> {
        match report {
            Report::Heartbeat(heartbeat) => {
                serde_json::to_writer(payload, &State::new(&self.id, heartbeat))?;
                return Ok(Form::Object);
            }
            Report::Bsm(batch) => {
                self.header(now, payload);
                payload.push(u8::try_from(batch.len()).unwrap_or(u8::MAX));
                for message in batch.messages() {
                    append(message, payload)?;
                }
            }
            Report::Map(map) => self.relay(now, map.map.bytes, payload)?,
            Report::Spat(spat) => self.relay(now, spat.bytes, payload)?,
            Report::Rsm(rsm) => self.relay(now, rsm.bytes, payload)?,
            Report::Rsi(rsi) => match rsi.source {
                AlertSource::Message(bytes) => self.relay(now, bytes, payload)?,
                // That an event has ended is told by silence, here as on the air.
                AlertSource::SameMessage | AlertSource::Silence => return Err(Unwritable::Told),
            },
            _ => return Err(Unwritable::NotInContract),
        }
        Ok(Form::Complete)
    }

    fn read(&self, topic: &str, payload: &[u8]) -> Result<Downlink, Unreadable> {
        let Subject::Command(kind) = self.topics.subject(topic)? else {
            return Err(Unreadable::UnknownTopic);
        };
        self.command(kind, payload).map_err(|fault| match fault {
            Fault::AnotherUnit => Unreadable::UnknownTopic,
            Fault::Bad(text) => Unreadable::Command {
                kind,
                seq_num: None,
                refusal: Refusal::bad_parameter(text),
            },
        })
    }
}

impl Envelope {
    fn relay(
        &self,
        now: Timestamp,
        message: &[u8],
        payload: &mut Vec<u8>,
    ) -> Result<(), Unwritable> {
        self.header(now, payload);
        append(message, payload)
    }
}

/// Why a publish is no command.
enum Fault {
    AnotherUnit,
    Bad(String),
}

/// `{base{tm,ID},errList[{module:code}]}`
#[derive(Serialize)]
struct State<'a> {
    base: StateBase<'a>,
    #[serde(rename = "errList")]
    err_list: &'static [ModuleError],
}

#[derive(Serialize)]
struct StateBase<'a> {
    tm: i64,
    #[serde(rename = "ID")]
    id: &'a str,
}

/// The contract does not list modules and codes: the unit as a whole is the one module.
#[derive(Serialize)]
struct ModuleError {
    rsu: u8,
}

impl<'a> State<'a> {
    fn new(id: &'a str, heartbeat: &Heartbeat<'_>) -> Self {
        Self {
            base: StateBase {
                tm: heartbeat.header.timestamp,
                id,
            },
            err_list: match heartbeat.rsu_status {
                RsuStatus::Normal => &[],
                RsuStatus::Fault => &[ModuleError { rsu: 1 }],
            },
        }
    }
}

fn sender(id: &RsuId) -> Option<Sender> {
    let id = id.as_ref().as_bytes();
    let mut sender = Sender::default();
    sender.get_mut(..id.len())?.copy_from_slice(id);
    Some(sender)
}

fn append(message: &[u8], payload: &mut Vec<u8>) -> Result<(), Unwritable> {
    let length = u16::try_from(message.len()).map_err(|_| Unwritable::NotInContract)?;
    payload.extend_from_slice(&length.to_le_bytes());
    payload.extend_from_slice(message);
    Ok(())
}

/// The same message with memory of its own.
fn detached<T: DeserializeOwned>(message: &impl Serialize) -> Result<T, Fault> {
    let bad = |error: &dyn Display| Fault::Bad(format!("the message: {error}"));
    let text = serde_json::to_vec(message).map_err(|error| bad(&error))?;
    json::read(&text).map_err(|error| bad(&error))
}

/// The event of an RSI. What the platform sends is held event by event, so there must be just one.
fn only_event(rsi: &RoadSideInformation<'_>, issued: Timestamp) -> Result<RsiBroadcast, Fault> {
    let mut alerts = Alert::of(rsi, issued);
    match (alerts.next(), alerts.next()) {
        (Some(alert), None) => Ok(RsiBroadcast {
            alert: detached(&alert)?,
            etag: None,
        }),
        (first, _) => {
            let count = first.map_or(0, |_| 2 + alerts.count());
            let text = format!("the message: {count} events and signs, not one");
            Err(Fault::Bad(text))
        }
    }
}
