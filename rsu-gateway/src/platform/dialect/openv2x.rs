//! The platform OpenV2X, as its device service speaks MQTT: topics `V2X/RSU/...`, JSON, QoS 0.
//!
//! A unit is known by its serial number: info about an unknown one makes it a candidate, which
//! somebody has to accept. It is online for 15 s after each heartbeat. The contents are those of
//! T/ITS 0117 but for MAP, SPAT, RSM and RSI, see [`content`] and [`xml_map`]. BSMs and versions
//! have no place. Of what the platform calls cooperative driving (CLC, DNP, SDS and others, all
//! Day-II) nothing is taken.

mod content;
mod reading;
mod xml_map;

use rsu_firmware::time::{Span, Timestamp};

use super::topics::{Contract, Subject, Topics};
use super::{Dialect, Form, Report, Stream, Unwritable, contents};
use crate::downlink::{CommandKind, Downlink, Unreadable};
use crate::platform::unit::{RsuId, Unit};

const CONTRACT: Contract = Contract {
    reports: &[
        (Stream::Info, "V2X/RSU/INFO/UP"),
        (Stream::BasicStatus, "V2X/RSU/BaseINFO/UP"),
        (Stream::Heartbeat, "V2X/RSU/HB/UP"),
        (Stream::RunningInformation, "V2X/RSU/RunningInfo/UP"),
        (Stream::Information, "V2X/RSU/INFOQuery/Response"),
        (Stream::Map, "V2X/RSU/{id}/MAP/UP"),
        (Stream::Spat, "V2X/RSU/{id}/SPAT/UP"),
        (Stream::Rsm, "V2X/RSU/{id}/RSM/UP"),
        (Stream::Rsi, "V2X/RSU/{id}/RSI/UP"),
    ],
    commands: &[
        (CommandKind::Sampling, "V2X/RSU/{esn}/CONFIG/DOWN"),
        (CommandKind::Map, "V2X/RSU/{esn}/MAP/DOWN"),
        (CommandKind::Rsi, "V2X/RSU/{esn}/RSI/DOWN"),
        (CommandKind::Rsm, "V2X/RSU/{esn}/RSM/DOWN"),
        (CommandKind::Operations, "V2X/RSU/{esn}/MNG/DOWN"),
        (CommandKind::Information, "V2X/RSU/{esn}/INFOQuery"),
        // Downwards, despite the name.
        (CommandKind::LogUpload, "V2X/RSU/{esn}/Log/UP"),
        // To all units: say again who you are.
        (CommandKind::Introduction, "V2X/RSU/REG/TICE"),
    ],
    acknowledgements: &[],
    answer_suffix: Some("/ACK"),
};

/// Two out of three heartbeats may be lost before the platform takes the unit for offline.
const HEARTBEAT_INTERVAL_MAX: Span = Span::from_millis(5_000);

/// The dialect of OpenV2X for one RSU.
#[derive(Clone, Debug)]
pub struct OpenV2x {
    topics: Topics,
}

impl OpenV2x {
    /// The dialect as `unit` speaks it, if its serial number may stand in a topic.
    pub fn new(unit: &Unit) -> Option<Self> {
        let _is_a_level: RsuId = unit.esn.parse().ok()?;
        Some(Self {
            topics: Topics::new(&CONTRACT, unit),
        })
    }
}

impl Dialect for OpenV2x {
    fn topics(&self) -> &Topics {
        &self.topics
    }

    fn heartbeat_interval_max(&self) -> Option<Span> {
        Some(HEARTBEAT_INTERVAL_MAX)
    }

    fn write(
        &self,
        now: Timestamp,
        report: &Report<'_>,
        payload: &mut Vec<u8>,
    ) -> Result<Form, Unwritable> {
        match report {
            Report::Map(map) => serde_json::to_writer(payload, &content::MapUp::new(map)?)?,
            Report::Spat(spat) => {
                serde_json::to_writer(payload, &content::SpatUp::new(spat.message, now)?)?;
            }
            Report::Rsm(rsm) => serde_json::to_writer(payload, &content::rsm_up(rsm.message)?)?,
            Report::Rsi(rsi) => serde_json::to_writer(payload, &content::RsiUp::from(rsi))?,
            other => return contents::write(other, payload),
        }
        Ok(Form::Object)
    }

    fn read(&self, topic: &str, payload: &[u8]) -> Result<Downlink, Unreadable> {
        let subject = self.topics.subject(topic)?;
        match subject {
            // It tells other parts of the platform about the units, and a unit nothing.
            Subject::Command(CommandKind::Introduction) => contents::read(subject, b""),
            Subject::Command(kind) => match reading::translated(kind, payload) {
                Some(translated) => contents::read(subject, &translated),
                None => contents::read(subject, payload),
            },
            Subject::Acknowledgement(_) => contents::read(subject, payload),
        }
    }
}
