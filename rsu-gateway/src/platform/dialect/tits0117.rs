//! T/ITS 0117, consultation draft of 2020: topics `V2X.RSU.X.UP` and `V2X.RSU.X.DOWN`.
//!
//! All units share these topics (to MQTT a dot is a character like any other), so the contents
//! must tell who they are from and for. Where the draft has no `rsuId` in them, it is added in
//! front; BSMs are a binary list without room for it, and so only for platforms with one unit or
//! an own broker for each. What comes down without `rsuId` and `rsuEsn` is meant for every unit.

use rsu_firmware::time::Timestamp;
use serde::Deserialize;
use serde_json::json;

use super::topics::{Contract, Topics};
use super::{Dialect, Form, Report, Stream, Unwritable, contents};
use crate::downlink::{CommandKind, Downlink, Unreadable};
use crate::platform::unit::{RsuId, Unit};

const CONTRACT: Contract = Contract {
    reports: &[
        (Stream::Info, "V2X.RSU.INFO.UP"),
        (Stream::BasicStatus, "V2X.RSU.BaseINFO.UP"),
        (Stream::Heartbeat, "V2X.RSU.HB.UP"),
        (Stream::RunningInformation, "V2X.RSU.RunningInfo.UP"),
        (Stream::Map, "V2X.RSU.MAP.UP"),
        (Stream::Spat, "V2X.RSU.SPAT.UP"),
        (Stream::Bsm, "V2X.RSU.BSM.UP"),
        (Stream::Rsm, "V2X.RSU.RSM.UP"),
        (Stream::Rsi, "V2X.RSU.RSI.UP"),
        (Stream::Versions, "V2X.RSU.OTA.UP"),
        (Stream::Information, "V2X.RSU.INFOQuery.Response"),
        // Ours.
        (Stream::Junction, "V2X.RSU.Junction.UP"),
        (Stream::Traffic, "V2X.RSU.Traffic.UP"),
        (Stream::Alarm, "V2X.RSU.Alarm.UP"),
        (Stream::Gap, "V2X.RSU.Gap.UP"),
        (Stream::Broadcast, "V2X.RSU.Broadcast.UP"),
        (Stream::Upgrade, "V2X.RSU.OTAStatus.UP"),
    ],
    commands: &[
        (CommandKind::Sampling, "V2X.RSU.CONFIG.DOWN"),
        (CommandKind::Map, "V2X.RSU.MAP.DOWN"),
        (CommandKind::Rsi, "V2X.RSU.RSI.DOWN"),
        (CommandKind::Rsm, "V2X.RSU.RSM.DOWN"),
        (CommandKind::Spat, "V2X.RSU.SPAT.DOWN"),
        (CommandKind::Information, "V2X.RSU.INFOQuery"),
        (CommandKind::Operations, "V2X.RSU.MNG.DOWN"),
        // Downwards, despite the name.
        (CommandKind::LogUpload, "V2X.RSU.Log.UP"),
        (CommandKind::Upgrade, "V2X.RSU.OTA.DOWN"),
        // Ours.
        (CommandKind::Records, "V2X.RSU.Records.DOWN"),
    ],
    acknowledgements: &[
        (Stream::Info, "V2X.RSU.INFO.UP.ACK"),
        (Stream::Map, "V2X.RSU.MAP.UP.ACK"),
        (Stream::Rsi, "V2X.RSU.RSI.UP.ACK"),
    ],
    answer_suffix: Some(".ACK"),
};

/// The dialect of T/ITS 0117 for one RSU.
#[derive(Clone, Debug)]
pub struct Tits0117 {
    topics: Topics,
    id: RsuId,
    esn: String,
}

impl Tits0117 {
    /// The dialect as `unit` speaks it.
    pub fn new(unit: &Unit) -> Self {
        Self {
            topics: Topics::new(&CONTRACT, unit),
            id: unit.id.clone(),
            esn: unit.esn.clone(),
        }
    }

    /// Whether `payload` names this unit, or none. What cannot be read is for whom it may concern.
    fn is_addressed(&self, payload: &[u8]) -> bool {
        let Addressee { rsu_id, rsu_esn } = serde_json::from_slice(payload).unwrap_or_default();
        rsu_id.is_none_or(|id| id == self.id.as_ref()) && rsu_esn.is_none_or(|esn| esn == self.esn)
    }
}

impl Dialect for Tits0117 {
    fn topics(&self) -> &Topics {
        &self.topics
    }

    fn write(
        &self,
        _: Timestamp,
        report: &Report<'_>,
        payload: &mut Vec<u8>,
    ) -> Result<Form, Unwritable> {
        let start = payload.len();
        let form = contents::write(report, payload)?;
        if is_anonymous(report) {
            let sender = format!("\"rsuId\":{},", json!(self.id.as_ref()));
            payload.splice(start + 1..start + 1, sender.into_bytes());
        }
        Ok(form)
    }

    fn read(&self, topic: &str, payload: &[u8]) -> Result<Downlink, Unreadable> {
        let subject = self.topics.subject(topic)?;
        match self.is_addressed(payload) {
            true => contents::read(subject, payload),
            false => Err(Unreadable::UnknownTopic),
        }
    }
}

/// Whom a payload names, whatever else it says.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Addressee {
    rsu_id: Option<String>,
    rsu_esn: Option<String>,
}

/// Whether the content is an object that does not tell whose it is.
fn is_anonymous(report: &Report<'_>) -> bool {
    matches!(
        report,
        Report::Map(_) | Report::Spat(_) | Report::Rsm(_) | Report::Rsi(_) | Report::Answer(_)
    )
}
