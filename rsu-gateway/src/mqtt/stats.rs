//! What the uplink has done so far, for the terminal view and the running information.

use std::time::Instant;

use super::fault::Fault;
use super::live::LiveStats;
use super::outbox::OutboxStats;

/// A snapshot of the uplink. Counters count from its start.
#[derive(Debug, Clone, Default)]
pub struct UplinkStats {
    /// Since when the broker has been connected; `None` while it is not.
    pub connected_since: Option<Instant>,
    /// Connections made.
    pub connections: u64,
    /// Attempts and connections that failed.
    pub failures: u64,
    /// Why the latest of them failed.
    pub last_error: Option<String>,
    /// The kind of that.
    pub fault: Option<Fault>,
    /// The broker that is connected, or was last tried.
    pub broker: Option<String>,
    /// What is wrong with the certificate files, or with our own certificate. A broker's
    /// certificate that is wrong is a [`Fault::Certificate`] in `fault`.
    pub certificate_fault: Option<String>,
    /// Whole days for which our own certificate is still valid; negative when it is not.
    pub certificate_days_left: Option<i64>,
    /// Topic filters that the broker refused when it was last connected.
    pub refused_filters: Vec<String>,
    /// QoS 1 publishes under way now.
    pub in_flight: usize,
    /// Live traffic, a class each, in the order of registration.
    pub live: Vec<(&'static str, LiveStats)>,
    /// Traffic of the outboxes, in their order of preference.
    pub outboxes: Vec<(&'static str, OutboxTraffic)>,
    /// Publishes of the on-connect hook.
    pub on_connect: OnConnectStats,
    /// What came down.
    pub received: ReceivedStats,
}

/// Traffic of one outbox since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OutboxTraffic {
    /// Publishes written to a connection, repetitions included.
    pub published: u64,
    /// Payload bytes of these.
    pub published_bytes: u64,
    /// Publishes handed to a connection after an earlier one took them and broke.
    pub resent: u64,
    /// Acknowledgements that came.
    pub acknowledged: u64,
    /// What it holds now and dropped.
    pub held: OutboxStats,
}

impl UplinkStats {
    /// The sum of one number over all outboxes.
    pub fn outbox_sum(&self, number: impl Fn(&OutboxTraffic) -> u64) -> u64 {
        self.outboxes
            .iter()
            .map(|(_, traffic)| number(traffic))
            .sum()
    }

    /// The sum of one number over all streams of live traffic.
    pub fn live_sum(&self, number: impl Fn(&LiveStats) -> u64) -> u64 {
        self.live.iter().map(|(_, stats)| number(stats)).sum()
    }
}

/// Publishes of the on-connect hook since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OnConnectStats {
    /// Publishes written to a connection.
    pub published: u64,
    /// Acknowledgements that came.
    pub acknowledged: u64,
    /// Refused at the door: too large, or no valid topic name.
    pub dropped_unsendable: u64,
}

/// What came down since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ReceivedStats {
    /// Publishes handed to the reader.
    pub publishes: u64,
    /// Payload bytes of these.
    pub bytes: u64,
    /// Dropped: the payload was larger than `received_bytes_max`.
    pub too_large: u64,
    /// Not taken: as many waited already as may, or nobody reads.
    pub dropped_full: u64,
    /// Topic filters that the broker refused.
    pub filters_refused: u64,
}
