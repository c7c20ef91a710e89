//! What those who append and send share with the thread that does the disk's work.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use super::log::Log;
use super::record::{Record, RecordId, SpoolId};
use super::settings::Settings;
use super::state::{Queued, State};

/// The thread shows that it lives at least so often.
pub(super) const PULSE_INTERVAL: Duration = Duration::from_millis(500);

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) settings: Settings,
    /// Locked while a payload is made.
    door: Mutex<Door>,
    /// Locked for a few instructions, never during disk work.
    state: Mutex<State>,
    wake: Condvar,
    /// For the uplink.
    pub(super) changed: Notify,
    pulse: AtomicU64,
    /// Who hears how long each record took to become durable.
    pub(super) monitor: OnceLock<Monitor>,
}

/// Hears from the thread, which it must not hold up.
pub(super) struct Monitor(pub(super) Box<dyn Fn(Duration) + Send + Sync>);

impl fmt::Debug for Monitor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Monitor(..)")
    }
}

/// Gives out the numbers.
#[derive(Debug)]
pub(super) struct Door {
    pub(super) next: u64,
    pub(super) id: SpoolId,
    /// Numbers up to this one are given out under `id`; those above, while the disk cannot
    /// reserve them, under `id_unreserved`, which this run alone has.
    pub(super) reserved: u64,
    pub(super) id_unreserved: SpoolId,
    pub(super) buffer: Vec<u8>,
}

impl Door {
    pub(super) fn next_id(&self) -> RecordId {
        let is_reserved = self.next <= self.reserved;
        RecordId {
            spool: if is_reserved {
                self.id
            } else {
                self.id_unreserved
            },
            sequence: self.next,
        }
    }
}

impl Shared {
    pub(super) fn new(log: &Log, settings: Settings, id_unreserved: SpoolId) -> Self {
        Self {
            settings,
            door: Mutex::new(Door {
                next: log.last().saturating_add(1),
                id: log.id(),
                reserved: log.reserved(),
                id_unreserved,
                buffer: Vec::new(),
            }),
            state: Mutex::new(State::new(log, &settings)),
            wake: Condvar::new(),
            changed: Notify::new(),
            pulse: AtomicU64::new(0),
            monitor: OnceLock::new(),
        }
    }

    pub(super) fn door(&self) -> MutexGuard<'_, Door> {
        self.door.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state and wakes the thread.
    pub(super) fn order<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.state();
        let result = change(&mut state);
        state.is_urgent = true;
        drop(state);
        self.wake.notify_one();
        result
    }

    /// Takes a record in for the disk.
    pub(super) fn enqueue(&self, record: Record) {
        let mut state = self.state();
        let appended = Instant::now();
        state.push(Queued { record, appended }, self.settings.queue_bytes_max);
        let is_refusing = state.retry_at.is_some();
        let is_news = state.is_news_for_disk();
        drop(state);
        if is_news {
            self.wake.notify_one();
        }
        if is_refusing {
            self.changed.notify_one();
        }
    }

    /// Waits until the thread has something to do; a while at most.
    pub(super) fn wait(&self) -> MutexGuard<'_, State> {
        self.pulse.fetch_add(1, Relaxed);
        let begin = Instant::now();
        let mut state = self.state();
        loop {
            let now = Instant::now();
            let pause = state.pause(now, self.settings.commit_interval);
            let waited = now.duration_since(begin);
            let left = pause.min(PULSE_INTERVAL.saturating_sub(waited));
            if left.is_zero() {
                state.is_urgent = false;
                return state;
            }
            let woken = self.wake.wait_timeout(state, left);
            (state, _) = woken.unwrap_or_else(PoisonError::into_inner);
        }
    }

    pub(super) fn pulse(&self) -> u64 {
        self.pulse.load(Relaxed)
    }
}
