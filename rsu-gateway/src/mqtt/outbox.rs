//! Traffic that is kept until the broker acknowledges it.

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
