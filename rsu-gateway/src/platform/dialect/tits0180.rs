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

use super::{Dialect, Form, Report, Stream, Unwritable};
use crate::platform::content;
use crate::platform::unit::RsuId;

/// What the platform sends down, below `rsu/{rsuId}/`.
const DOWNLINKS: [&str; 11] = [
    "info/up/ack",
    "config/down",
    "map/up/ack",
    "map/down",
    "spat/down",
    "rsm/down",
    "rsi/up/ack",
    "rsi/down",
    "versions/query",
    "upgrade/down",
    "om-config/down",
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

    const fn topic(stream: Stream) -> &'static str {
        match stream {
            Stream::Info => "info/up",
            Stream::BasicStatus => "basic-status/up",
            Stream::Heartbeat => "heartbeat/up",
            Stream::RunningInformation => "run-status/up",
            Stream::Map => "map/up",
            Stream::Spat => "spat/up",
            Stream::Bsm => "bsm/up",
            Stream::Rsm => "rsm/up",
            Stream::Rsi => "rsi/up",
            Stream::Junction => "junction/up",
        }
    }
}

impl Dialect for Tits0180 {
    fn downlink_filters(&self) -> Vec<String> {
        let filter = |topic| format!("{}{topic}", self.prefix);
        DOWNLINKS.into_iter().map(filter).collect()
    }

    fn write(
        &self,
        report: &Report<'_>,
        topic: &mut String,
        payload: &mut Vec<u8>,
    ) -> Result<Form, Unwritable> {
        topic.push_str(&self.prefix);
        topic.push_str(Self::topic(report.stream()));
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
        }
        Ok(Form::Object)
    }
}
