//! What an uplink tells while it works, for latencies and the watchdog.

use std::time::Duration;

/// Hears from the uplink's task, which it must not hold up.
pub trait Monitor: Send + Sync {
    /// The task makes progress: at least once a second, also while there is no broker.
    fn alive(&self) {}

    /// A live publish was written to the socket, `waited` after it was handed over.
    fn live_written(&self, stream: &'static str, waited: Duration) {
        let _ = (stream, waited);
    }

    /// The broker acknowledged a record, `waited` after it was appended to its outbox.
    fn acknowledged(&self, outbox: &'static str, waited: Duration) {
        let _ = (outbox, waited);
    }
}

/// Nobody listens.
pub(super) struct Unmonitored;

impl Monitor for Unmonitored {}
