//! Sending again what is still kept.

use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::reader::Reader;
use super::shared::Shared;
use super::window::Window;
use crate::mqtt::{Outbox, OutboxRecord, OutboxStats, Poison};

/// Most replays at the same time.
pub(super) const REPLAYS_MAX: usize = 4;

/// Records of a range that are still kept, arrived or not, as they were first sent. Numbers that
/// are not kept any more are left out.
#[derive(Debug)]
pub struct Replay {
    pub(super) shared: Arc<Shared>,
    pub(super) range: Arc<Range>,
}

/// Too many replays are under way already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{REPLAYS_MAX} ranges are being sent again already")]
pub struct TooManyReplays;

#[derive(Debug)]
pub(super) struct Range {
    pub(super) last: u64,
    /// The thread's alone.
    pub(super) reader: Mutex<Reader>,
    window: Mutex<Window>,
    pub(super) changed: Notify,
}

impl Range {
    pub(super) fn new(shared: &Shared, numbers: RangeInclusive<u64>) -> Self {
        let after = numbers.start().saturating_sub(1);
        Self {
            last: *numbers.end(),
            reader: Mutex::new(Reader::new(after)),
            window: Mutex::new(Window::new(&shared.settings, after)),
            changed: Notify::new(),
        }
    }

    pub(super) fn window(&self) -> MutexGuard<'_, Window> {
        self.window.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Replay {
    /// Whether all of it has arrived.
    pub fn is_finished(&self) -> bool {
        let window = self.range.window();
        window.len() == 0 && window.loaded >= self.range.last
    }
}

impl Outbox for Replay {
    fn next_after(&self, sequence: u64) -> Option<OutboxRecord> {
        self.range.window().next_after(sequence)
    }

    fn ack(&self, sequence: u64) {
        self.range.window().settle(sequence.min(self.range.last));
        self.shared.order(|_| {});
    }

    fn quarantine(&self, sequence: u64, why: &Poison) {
        tracing::warn!(sequence, %why, "passed over a record that was asked for again");
    }

    fn changed(&self) -> &Notify {
        &self.range.changed
    }

    /// Of what is in memory: the rest is counted where it is read.
    fn stats(&self) -> OutboxStats {
        let window = self.range.window();
        OutboxStats {
            records: window.len() as u64,
            bytes: window.bytes() as u64,
            last_sequence: self.range.last,
            ..OutboxStats::default()
        }
    }
}
