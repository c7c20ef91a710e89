//! Traffic that is kept until the broker acknowledges it.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::Notify;

use super::publish::{Publish, Refusal};

/// A store of records that go out in order, at QoS 1, each at least once.
///
/// Sequence numbers start at 1 and grow; gaps are allowed. No method waits.
pub trait Outbox: Send + Sync {
    /// The first record whose sequence number is above `sequence`; `None` while there is none,
    /// or it is still being fetched.
    fn next_after(&self, sequence: u64) -> Option<OutboxRecord>;

    /// Everything up to and with `sequence` has arrived and will not be asked for again.
    fn ack(&self, sequence: u64);

    /// No broker will take this record: it is put aside and counted, does not come from
    /// [`Outbox::next_after`] any more, and holds up nothing behind it.
    fn quarantine(&self, sequence: u64, why: &Poison);

    /// Told whenever [`Outbox::next_after`] may have more to give. One permit is enough: the
    /// uplink is the only listener.
    fn changed(&self) -> &Notify;

    /// What is held now and was dropped so far.
    fn stats(&self) -> OutboxStats;
}

/// A record and its place in the outbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxRecord {
    /// Place in the outbox, from 1.
    pub sequence: u64,
    /// When it was appended; `None` for one that an earlier run of the program appended.
    pub appended: Option<Instant>,
    /// What goes to the broker.
    pub publish: Publish,
}

/// Why no broker will ever take a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Poison {
    /// It cannot be made a packet, or no longer: the size limit may have changed since.
    #[error(transparent)]
    Unsendable(#[from] Refusal),
    /// The broker cut this many connections over it, the last one when nothing but this record
    /// was under way.
    #[error("the broker cut {connections} connections over it")]
    CutsConnection {
        /// Connections that ended with this record as the oldest unacknowledged one.
        connections: u32,
    },
}

/// What an outbox holds and dropped.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OutboxStats {
    /// Records not yet acknowledged.
    pub records: u64,
    /// Topic and payload bytes of these.
    pub bytes: u64,
    /// Sequence number of the newest record that was ever appended, 0 before the first.
    pub last_sequence: u64,
    /// Records dropped, oldest first, because a limit of the store was reached.
    pub dropped_full: u64,
    /// Refused at the door: larger than a packet may be.
    pub too_large: u64,
    /// Refused at the door: no valid topic name.
    pub invalid_topic: u64,
    /// Records put aside because no broker would take them.
    pub quarantined: u64,
}

impl std::ops::AddAssign for OutboxStats {
    /// Adds up what several outboxes of one name hold.
    fn add_assign(&mut self, other: Self) {
        self.records += other.records;
        self.bytes += other.bytes;
        self.last_sequence = self.last_sequence.max(other.last_sequence);
        self.dropped_full += other.dropped_full;
        self.too_large += other.too_large;
        self.invalid_topic += other.invalid_topic;
        self.quarantined += other.quarantined;
    }
}

/// How much a [`MemoryOutbox`] holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutboxLimits {
    /// Most records held.
    pub records_max: usize,
    /// Most topic and payload bytes held.
    pub bytes_max: usize,
    /// Largest MQTT packet that a record may become; the same as
    /// [`Settings::packet_bytes_max`](super::Settings::packet_bytes_max).
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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn outbox(records_max: usize, bytes_max: usize) -> MemoryOutbox {
        MemoryOutbox::new(OutboxLimits {
            records_max,
            bytes_max,
            packet_bytes_max: 100,
        })
    }

    fn payload_after(outbox: &MemoryOutbox, sequence: u64) -> Option<String> {
        let record = outbox.next_after(sequence)?;
        Some(String::from_utf8(record.publish.payload.to_vec()).unwrap())
    }

    #[test]
    fn records_come_in_order_and_stay_until_they_are_acknowledged() {
        let outbox = outbox(10, 1000);
        for payload in ["1", "2", "3"] {
            outbox.append(Publish::new("a", payload)).unwrap();
        }
        assert_eq!(payload_after(&outbox, 0).as_deref(), Some("1"));
        assert_eq!(payload_after(&outbox, 1).as_deref(), Some("2"));
        outbox.ack(2);
        assert_eq!(payload_after(&outbox, 0).as_deref(), Some("3"));
        assert_eq!(payload_after(&outbox, 3), None);
        outbox.ack(3);
        let empty = OutboxStats {
            last_sequence: 3,
            ..OutboxStats::default()
        };
        assert_eq!(outbox.stats(), empty);
    }

    #[test]
    fn the_record_limit_drops_the_oldest_and_counts_it() {
        let outbox = outbox(2, 1000);
        for payload in ["1", "2", "3"] {
            outbox.append(Publish::new("a", payload)).unwrap();
        }
        assert_eq!(payload_after(&outbox, 0).as_deref(), Some("2"));
        assert_eq!(outbox.stats().dropped_full, 1);
    }

    #[test]
    fn the_byte_limit_drops_as_many_as_it_takes() {
        let outbox = outbox(100, 10);
        for payload in ["12", "34", "56"] {
            outbox.append(Publish::new("a", payload)).unwrap();
        }
        outbox.append(Publish::new("a", "7890123")).unwrap();
        assert_eq!(payload_after(&outbox, 0).as_deref(), Some("7890123"));
        let stats = outbox.stats();
        assert_eq!((stats.records, stats.bytes, stats.dropped_full), (1, 8, 3));
    }

    #[test]
    fn a_record_larger_than_the_whole_outbox_is_dropped_and_counted() {
        let outbox = outbox(100, 4);
        outbox.append(Publish::new("a", "12345")).unwrap();
        assert_eq!(outbox.next_after(0), None);
        assert_eq!(outbox.stats().dropped_full, 1);
    }

    #[test]
    fn acknowledging_what_was_already_dropped_is_harmless() {
        let outbox = outbox(1, 1000);
        outbox.append(Publish::new("a", "1")).unwrap();
        outbox.append(Publish::new("a", "2")).unwrap();
        outbox.ack(1);
        assert_eq!(payload_after(&outbox, 1).as_deref(), Some("2"));
    }

    #[test]
    fn a_quarantined_record_is_counted_and_comes_no_more() {
        let outbox = outbox(10, 1000);
        for payload in ["1", "2", "3"] {
            outbox.append(Publish::new("a", payload)).unwrap();
        }
        let why = Poison::CutsConnection { connections: 3 };
        outbox.quarantine(2, &why);
        outbox.quarantine(2, &why);
        assert_eq!(payload_after(&outbox, 1).as_deref(), Some("3"));
        let stats = outbox.stats();
        assert_eq!((stats.records, stats.bytes, stats.quarantined), (2, 4, 1));
    }

    #[test]
    fn what_no_broker_could_take_is_refused_at_the_door() {
        let outbox = outbox(10, 1000);
        let large = Publish::new("a", vec![0; 100]);
        assert!(matches!(
            outbox.append(large),
            Err(Refusal::TooLarge { .. })
        ));
        let unnamed = Publish::new("", "1");
        assert_eq!(outbox.append(unnamed), Err(Refusal::InvalidTopic));
        let stats = outbox.stats();
        assert_eq!(
            (stats.records, stats.too_large, stats.invalid_topic),
            (0, 1, 1)
        );
    }
}
