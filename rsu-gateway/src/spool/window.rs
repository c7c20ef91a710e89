//! Records in memory that may be sent, read ahead of the uplink.

use std::collections::VecDeque;
use std::time::Instant;

use rsu_firmware::time::Timestamp;

use super::record::Record;
use super::settings::Settings;
use crate::mqtt::OutboxRecord;

/// Records in memory that may be sent: all that are durable and not settled, up to a number.
#[derive(Debug)]
pub(super) struct Window {
    records: VecDeque<Ahead>,
    bytes: usize,
    bytes_max: usize,
    records_max: usize,
    /// Up to this number there is nothing that is neither settled nor in the window.
    pub(super) loaded: u64,
}

#[derive(Debug)]
struct Ahead {
    record: OutboxRecord,
    time: Timestamp,
}

impl Window {
    /// An empty one that begins behind a number.
    pub(super) fn new(settings: &Settings, after: u64) -> Self {
        Self {
            records: VecDeque::new(),
            bytes: 0,
            bytes_max: settings.read_ahead_bytes_max,
            records_max: settings.read_ahead_records_max,
            loaded: after,
        }
    }

    pub(super) fn next_after(&self, sequence: u64) -> Option<OutboxRecord> {
        let is_before = |ahead: &Ahead| ahead.record.sequence <= sequence;
        let index = self.records.partition_point(is_before);
        self.records.get(index).map(|ahead| ahead.record.clone())
    }

    pub(super) fn push(&mut self, record: &Record, appended: Option<Instant>) {
        self.bytes += record.publish.size();
        self.loaded = record.sequence;
        self.records.push_back(Ahead {
            record: OutboxRecord {
                sequence: record.sequence,
                appended,
                publish: record.publish.clone(),
            },
            time: record.stamp.time,
        });
    }

    /// Takes out the records up to a number; returns how many.
    pub(super) fn settle(&mut self, sequence: u64) -> u64 {
        let mut count = 0;
        while let Some(oldest) = self.records.front()
            && oldest.record.sequence <= sequence
        {
            self.bytes -= oldest.record.publish.size();
            self.records.pop_front();
            count += 1;
        }
        self.loaded = self.loaded.max(sequence);
        count
    }

    pub(super) fn len(&self) -> usize {
        self.records.len()
    }

    /// Topic and payload bytes of its records.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// When the oldest record in it was appended.
    pub(super) fn oldest(&self) -> Option<Timestamp> {
        self.records.front().map(|oldest| oldest.time)
    }

    /// Bytes and records that it still takes.
    pub(super) fn room(&self) -> (usize, usize) {
        (
            self.bytes_max.saturating_sub(self.bytes),
            self.records_max.saturating_sub(self.records.len()),
        )
    }

    /// Whether a record of this size may be added.
    pub(super) fn takes(&self, size: usize) -> bool {
        let (bytes, records) = self.room();
        self.records.is_empty() || (size <= bytes && records > 0)
    }

    /// Whether so little is left in it that it is worth waking who reads on.
    pub(super) fn is_low(&self) -> bool {
        self.bytes <= self.bytes_max / 2 && self.records.len() <= self.records_max / 2
    }
}
