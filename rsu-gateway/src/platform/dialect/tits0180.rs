//! T/ITS 0180.1-2021: topics `rsu/{rsuId}/...` around the contents of T/ITS 0117.
//!
//! BSMs go up as the binary list of [`BsmBatch`](crate::platform::BsmBatch), everything else is
//! JSON; the document `rsu-gateway/schema/asyncapi.json` tells all of it. The standard lists no
//! topic for heartbeats, some queries and the log, and has no place for what the unit makes of its
//! messages: those topics are ours.

use rsu_firmware::time::Timestamp;

use super::topics::{Contract, Topics};
use super::{Dialect, Form, Report, Stream, Unwritable, contents};
use crate::downlink::{CommandKind, Downlink, Unreadable};
use crate::platform::unit::Unit;

pub(super) const CONTRACT: Contract = Contract {
    reports: &[
        (Stream::Info, "rsu/{id}/info/up"),
        (Stream::BasicStatus, "rsu/{id}/basic-status/up"),
        (Stream::Heartbeat, "rsu/{id}/heartbeat/up"),
        (Stream::RunningInformation, "rsu/{id}/run-status/up"),
        (Stream::Map, "rsu/{id}/map/up"),
        (Stream::Spat, "rsu/{id}/spat/up"),
        (Stream::Bsm, "rsu/{id}/bsm/up"),
        (Stream::Rsm, "rsu/{id}/rsm/up"),
        (Stream::Rsi, "rsu/{id}/rsi/up"),
        (Stream::Versions, "rsu/{id}/versions/up"),
        (Stream::Upgrade, "rsu/{id}/upgrade-status/up"),
        // Ours.
        (Stream::Junction, "rsu/{id}/junction/up"),
        (Stream::Traffic, "rsu/{id}/traffic/up"),
        (Stream::Alarm, "rsu/{id}/alarm/up"),
        (Stream::Gap, "rsu/{id}/gap/up"),
        (Stream::Presence, "rsu/{id}/presence/up"),
        (Stream::Information, "rsu/{id}/info/query/response"),
        (Stream::Broadcast, "rsu/{id}/broadcast/up"),
    ],
    commands: &[
        (CommandKind::Sampling, "rsu/{id}/config/down"),
        (CommandKind::Map, "rsu/{id}/map/down"),
        (CommandKind::Rsi, "rsu/{id}/rsi/down"),
        (CommandKind::Rsm, "rsu/{id}/rsm/down"),
        (CommandKind::Spat, "rsu/{id}/spat/down"),
        (CommandKind::Versions, "rsu/{id}/versions/query"),
        (CommandKind::Operations, "rsu/{id}/om-config/down"),
        (CommandKind::Upgrade, "rsu/{id}/upgrade/down"),
        // Ours.
        (CommandKind::RunStatus, "rsu/{id}/run-status/query"),
        (CommandKind::Information, "rsu/{id}/info/query"),
        (CommandKind::LogUpload, "rsu/{id}/log/down"),
        (CommandKind::Records, "rsu/{id}/records/query"),
    ],
    acknowledgements: &[
        (Stream::Info, "rsu/{id}/info/up/ack"),
        (Stream::Map, "rsu/{id}/map/up/ack"),
        (Stream::Rsi, "rsu/{id}/rsi/up/ack"),
    ],
    answer_suffix: Some("/ack"),
};

/// The dialect of T/ITS 0180.1 for one RSU.
#[derive(Clone, Debug)]
pub struct Tits0180 {
    topics: Topics,
}

impl Tits0180 {
    /// The dialect as `unit` speaks it.
    pub fn new(unit: &Unit) -> Self {
        Self {
            topics: Topics::new(&CONTRACT, unit),
        }
    }

    /// Which unit reports on `topic`, and on which stream; `None` for topics of other kinds.
    pub fn reported(topic: &str) -> Option<(&str, Stream)> {
        let (id, report) = topic.strip_prefix("rsu/")?.split_once('/')?;
        let is_it = |topic: &str| topic.strip_prefix("rsu/{id}/") == Some(report);
        let mut reports = CONTRACT.reports.iter();
        let (stream, _) = reports.find(|(_, topic)| is_it(topic))?;
        Some((id, *stream))
    }
}

impl Dialect for Tits0180 {
    fn topics(&self) -> &Topics {
        &self.topics
    }

    fn write(
        &self,
        _: Timestamp,
        report: &Report<'_>,
        payload: &mut Vec<u8>,
    ) -> Result<Form, Unwritable> {
        contents::write(report, payload)
    }

    fn read(&self, topic: &str, payload: &[u8]) -> Result<Downlink, Unreadable> {
        contents::read(self.topics.subject(topic)?, payload)
    }
}
