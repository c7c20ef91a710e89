//! T/ITS 0180.1-2021: topics `rsu/{rsuId}/...` around the contents of T/ITS 0117.
//!
//! | report | topic | payload |
//! |---|---|---|
//! | info | `info/up` | JSON |
//! | basic status | `basic-status/up` | JSON |
//! | heartbeat | `heartbeat/up` (the standard lists no topic for it) | JSON |
//! | running information | `run-status/up` | JSON |
//! | MAP | `map/up` | JSON, `map` in JER |
//! | SPAT | `spat/up` | JSON |
//! | BSM | `bsm/up` | binary list, see [`BsmBatch`](crate::platform::BsmBatch) |
//! | RSM | `rsm/up` | JSON |
//! | RSI | `rsi/up` | JSON, one event or sign |
//! | fused junction | `junction/up` (our own) | JSON, see [`junction`](crate::platform::junction) |
//! | traffic of an interval | `traffic/up` (our own) | JSON, see [`Traffic`](crate::platform::Traffic) |
//! | answer to a command | the topic of the command with `/ack` | JSON |
//! | versions | `versions/up` | JSON |
//! | answer to a question | `info/query/response` (our own) | JSON |
//! | state of a broadcast | `broadcast/up` (our own) | JSON |
//!
//! Commands come on `config/down`, `map/down`, `rsi/down`, `rsm/down`, `spat/down`,
//! `versions/query`, `om-config/down`, `upgrade/down` and, where the standard names no topic, on
//! our own `run-status/query`, `info/query`, `log/down` and `records/query`; all are JSON.

use rsu_firmware::time::Timestamp;

use super::{Dialect, Form, Report, Stream, Unwritable};
use crate::downlink::{CommandKind, Downlink, Unreadable};
use crate::platform::content;
use crate::platform::unit::RsuId;

/// The topics of commands, below `rsu/{rsuId}/`. The answer goes to the same with `/ack`.
const COMMANDS: [(&str, CommandKind); 12] = [
    ("config/down", CommandKind::Sampling),
    ("map/down", CommandKind::Map),
    ("rsi/down", CommandKind::Rsi),
    ("rsm/down", CommandKind::Rsm),
    ("spat/down", CommandKind::Spat),
    ("versions/query", CommandKind::Versions),
    ("run-status/query", CommandKind::RunStatus),
    ("info/query", CommandKind::Information),
    ("om-config/down", CommandKind::Operations),
    ("log/down", CommandKind::LogUpload),
    ("records/query", CommandKind::Records),
    ("upgrade/down", CommandKind::Upgrade),
];

/// The topics on which the platform acknowledges, below `rsu/{rsuId}/`.
const ACKNOWLEDGEMENTS: [(&str, Stream); 3] = [
    ("info/up/ack", Stream::Info),
    ("map/up/ack", Stream::Map),
    ("rsi/up/ack", Stream::Rsi),
];

/// The dialect of T/ITS 0180.1 for one RSU.
#[derive(Clone, Debug)]
pub struct Tits0180 {
    /// `rsu/{rsuId}/`
    prefix: String,
}

impl Tits0180 {
    /// The dialect as the RSU called `id` speaks it.
    pub fn new(id: &RsuId) -> Self {
        Self {
            prefix: format!("rsu/{id}/"),
        }
    }

    fn topic(report: &Report<'_>) -> Result<&'static str, Unwritable> {
        Ok(match report {
            Report::Info(_) => "info/up",
            Report::BasicStatus(_) => "basic-status/up",
            Report::Heartbeat(_) => "heartbeat/up",
            Report::RunningInformation(_) => "run-status/up",
            Report::Map(_) => "map/up",
            Report::Spat(_) => "spat/up",
            Report::Bsm(_) => "bsm/up",
            Report::Rsm(_) => "rsm/up",
            Report::Rsi(_) => "rsi/up",
            Report::Junction(_) => "junction/up",
            Report::Answer(answer) => {
                let of_kind = COMMANDS.iter().find(|(_, kind)| *kind == answer.kind);
                of_kind.ok_or(Unwritable::NotInContract)?.0
            }
            Report::Versions(_) => "versions/up",
            Report::Information(_) => "info/query/response",
            Report::Broadcast(_) => "broadcast/up",
            Report::Traffic(_) => "traffic/up",
        })
    }
}

impl Dialect for Tits0180 {
    fn carries(&self, _: Stream) -> bool {
        true
    }

    fn downlink_filters(&self) -> Vec<String> {
        let commands = COMMANDS.iter().map(|(topic, _)| topic);
        let acknowledgements = ACKNOWLEDGEMENTS.iter().map(|(topic, _)| topic);
        let filter = |topic| format!("{}{topic}", self.prefix);
        commands.chain(acknowledgements).map(filter).collect()
    }

    fn write(
        &self,
        _: Timestamp,
        report: &Report<'_>,
        topic: &mut String,
        payload: &mut Vec<u8>,
    ) -> Result<Form, Unwritable> {
        topic.push_str(&self.prefix);
        topic.push_str(Self::topic(report)?);
        match report {
            Report::Info(info) => serde_json::to_writer(payload, info)?,
            Report::BasicStatus(status) => serde_json::to_writer(payload, status)?,
            Report::Heartbeat(heartbeat) => serde_json::to_writer(payload, heartbeat)?,
            Report::RunningInformation(info) => serde_json::to_writer(payload, info)?,
            Report::Map(map) => serde_json::to_writer(payload, &content::MapUp::from(map))?,
            Report::Spat(spat) => {
                serde_json::to_writer(payload, &content::SpatUp::from(spat.message))?;
            }
            Report::Bsm(batch) => {
                batch.write(payload);
                return Ok(Form::Complete);
            }
            Report::Rsm(rsm) => {
                serde_json::to_writer(payload, &content::RsmUp::from(rsm.message))?;
            }
            Report::Rsi(rsi) => serde_json::to_writer(payload, &content::RsiUp::from(rsi))?,
            Report::Junction(snapshot) => {
                serde_json::to_writer(payload, snapshot)?;
                return Ok(Form::Complete);
            }
            Report::Answer(answer) => {
                topic.push_str("/ack");
                serde_json::to_writer(payload, &content::AnswerContent::from(*answer))?;
            }
            Report::Versions(versions) => serde_json::to_writer(payload, versions)?,
            Report::Information(response) => serde_json::to_writer(payload, response)?,
            Report::Broadcast(status) => serde_json::to_writer(payload, status)?,
            Report::Traffic(traffic) => serde_json::to_writer(payload, traffic)?,
        }
        Ok(Form::Object)
    }

    fn read(&self, topic: &str, payload: &[u8]) -> Result<Downlink, Unreadable> {
        let topic = topic.strip_prefix(&self.prefix);
        let topic = topic.ok_or(Unreadable::UnknownTopic)?;
        if let Some((_, kind)) = COMMANDS.iter().find(|(command, _)| *command == topic) {
            return content::read_command(*kind, payload);
        }
        let acknowledged = ACKNOWLEDGEMENTS.iter().find(|(ack, _)| *ack == topic);
        let (_, stream) = acknowledged.ok_or(Unreadable::UnknownTopic)?;
        content::read_acknowledgement(*stream, payload)
    }
}
