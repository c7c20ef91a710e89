//! Records for the uplink to deliver, without a disk.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use rsu_gateway::mqtt::{Outbox, OutboxRecord, OutboxStats, Poison, Publish, Refusal};
use tokio::sync::Notify;

/// How much a [`MemoryOutbox`] holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutboxLimits {
    /// Most records held.
    pub records_max: usize,
    /// Most topic and payload bytes held.
    pub bytes_max: usize,
    /// Largest MQTT packet that a record may become; the same as
    /// `packet_bytes_max` of the uplink.
    pub packet_bytes_max: usize,
}

/// An outbox that forgets with the process.
#[derive(Debug)]
pub struct MemoryOutbox {
    limits: OutboxLimits,
    held: Mutex<Held>,
    changed: Notify,
}

#[derive(Debug)]
struct Held {
    records: VecDeque<OutboxRecord>,
    next_sequence: u64,
    bytes: usize,
    dropped_full: u64,
    too_large: u64,
    invalid_topic: u64,
    quarantined: u64,
}

impl MemoryOutbox {
    /// An empty outbox.
    pub fn new(limits: OutboxLimits) -> Self {
        Self {
            limits,
            held: Mutex::new(Held {
                records: VecDeque::new(),
                next_sequence: 1,
                bytes: 0,
                dropped_full: 0,
                too_large: 0,
                invalid_topic: 0,
                quarantined: 0,
            }),
            changed: Notify::new(),
        }
    }

    /// Appends a record; at a limit the oldest give way, and `dropped_full` counts them.
    /// Returns its sequence number.
    ///
    /// # Errors
    /// A record that no broker could take is refused and counted.
    pub fn append(&self, publish: Publish) -> Result<u64, Refusal> {
        let mut held = self.held();
        if let Err(refusal) = publish.check(self.limits.packet_bytes_max) {
            match refusal {
                Refusal::TooLarge { .. } => held.too_large += 1,
                Refusal::InvalidTopic => held.invalid_topic += 1,
            }
            return Err(refusal);
        }
        let sequence = held.next_sequence;
        held.next_sequence += 1;
        held.bytes += publish.size();
        held.records.push_back(OutboxRecord {
            sequence,
            appended: Some(Instant::now()),
            publish,
        });
        while held.records.len() > self.limits.records_max || held.bytes > self.limits.bytes_max {
            held.pop_oldest();
            held.dropped_full += 1;
        }
        drop(held);
        self.changed.notify_one();
        Ok(sequence)
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    fn pop_oldest(&mut self) {
        if let Some(oldest) = self.records.pop_front() {
            self.bytes -= oldest.publish.size();
        }
    }
}

impl Outbox for MemoryOutbox {
    fn next_after(&self, sequence: u64) -> Option<OutboxRecord> {
        let held = self.held();
        let index = held
            .records
            .partition_point(|record| record.sequence <= sequence);
        held.records.get(index).cloned()
    }

    fn ack(&self, sequence: u64) {
        let mut held = self.held();
        while held
            .records
            .front()
            .is_some_and(|oldest| oldest.sequence <= sequence)
        {
            held.pop_oldest();
        }
    }

    fn quarantine(&self, sequence: u64, _: &Poison) {
        let mut held = self.held();
        let found = held.records.binary_search_by_key(&sequence, |r| r.sequence);
        if let Some(record) = found.ok().and_then(|index| held.records.remove(index)) {
            held.bytes -= record.publish.size();
            held.quarantined += 1;
        }
    }

    fn changed(&self) -> &Notify {
        &self.changed
    }

    fn stats(&self) -> OutboxStats {
        let held = self.held();
        OutboxStats {
            records: held.records.len() as u64,
            bytes: held.bytes as u64,
            last_sequence: held.next_sequence - 1,
            dropped_full: held.dropped_full,
            too_large: held.too_large,
            invalid_topic: held.invalid_topic,
            quarantined: held.quarantined,
        }
    }
}
