//! The spool: what was promised to the platform waits here, on disk, until it has arrived.
//!
//! [`Spool::append`] gives a record the next number of the spool and lays it into memory; a
//! thread of the spool's own writes what has gathered to the log and makes it durable with one
//! sync (group commit). Only then the uplink sees it, through [`Outbox`]. Once it has arrived it
//! is kept until its space is needed, so that it can be asked for again ([`Spool::replay`]).
//!
//! ```text
//! append -> queue -> commit -> segments -> window -> uplink
//!          (memory)            (disk)     (memory)     |
//!                     cursor <------------------------ ack
//! ```
//!
//! The promise: what was announced as committed is sent, in order, at least once, whatever
//! happens to the power; a number never comes twice for one spool id; and what is lost, to
//! damage, to a full disk or to the quota, is told as a [`Gap`]. While the disk takes nothing,
//! records go out from memory, without having been announced as committed.
//!
//! The formats are described where they are implemented: segments in `segment.rs`, the cursor in
//! `cursor.rs`. Every file operation goes through [`fs::Fs`].

pub mod fs;

mod cursor;
mod disk;
mod fields;
mod gap;
mod ledger;
mod log;
mod reader;
mod record;
mod recovery;
mod replay;
mod segment;
mod segment_file;
mod settings;
mod shared;
mod state;
mod stats;
mod window;

use std::io;
use std::ops::RangeInclusive;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::{Notify, oneshot};
use tokio::time::timeout;
use tracing::{info, warn};

use crate::mqtt::{self, Outbox, OutboxRecord, OutboxStats, Poison, Publish};

pub use gap::{Gap, Reason};
pub use log::{Log, RESERVED};
pub use reader::{ReadLimits, Reader};
pub use record::{Record, RecordId, SpoolId, Stamp};
pub use recovery::Recovery;
pub use replay::{Replay, TooManyReplays};
pub use segment::Losses;
pub use settings::{Settings, SettingsError};
pub use state::Uncommitted;
pub use stats::{Condition, Failures, SpoolStats};

use disk::Disk;
use replay::{REPLAYS_MAX, Range};
use shared::{Monitor, Shared};
use state::Flush;

/// A handle to a running spool; clones are handles to the same one. None of its methods waits
/// for the disk. When the last handle is gone the spool writes what it has and ends.
#[derive(Clone, Debug)]
pub struct Spool(Arc<Handle>);

#[derive(Debug)]
struct Handle {
    shared: Arc<Shared>,
}

/// Why a record is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No broker could take it.
    #[error(transparent)]
    Unsendable(#[from] mqtt::Refusal),
    /// The spool was closed.
    #[error("the spool is closed")]
    Closed,
}

impl Spool {
    /// Opens the spool in a folder, which is made if there is none, and starts its thread.
    ///
    /// # Errors
    /// A setting is out of its range, the folder can neither be made nor read, or no thread can
    /// be started. What is wrong with single files, or a disk that cannot be written, is no
    /// error: [`Recovery`] and [`SpoolStats::condition`] tell.
    pub fn open(
        fs: Arc<dyn fs::Fs>,
        folder: &Path,
        settings: Settings,
    ) -> io::Result<(Self, Recovery)> {
        let invalid = |error| io::Error::new(io::ErrorKind::InvalidInput, error);
        settings.check().map_err(invalid)?;
        let (log, recovery) = Log::open(fs, folder, settings)?;
        if recovery.is_worth_a_warning() {
            warn!(folder = %folder.display(), ?recovery, "opened the spool: not all is well");
        } else {
            info!(folder = %folder.display(), records = recovery.records, "opened the spool");
        }
        let shared = Arc::new(Shared::new(&log, settings, SpoolId::draw()?));
        shared.state().stats.set_aside_files = recovery.set_aside_files;
        shared.state().stats.last_error.clone_from(&recovery.error);
        let mut disk = Disk::new(log, Arc::clone(&shared));
        disk.report(Instant::now());
        std::thread::Builder::new()
            .name("spool".to_owned())
            .spawn(move || disk.run())?;
        Ok((Self(Arc::new(Handle { shared })), recovery))
    }

    /// Takes a record in and returns its number. `make` writes the payload, into which the
    /// record's id can go; it must not call the spool.
    ///
    /// Never blocks: when the disk takes nothing and the queue in memory is full, the oldest
    /// record of the queue is dropped and told in a gap.
    ///
    /// # Errors
    /// The record is not taken and has no number.
    pub fn append(
        &self,
        stamp: Stamp,
        topic: &str,
        make: &mut dyn FnMut(&RecordId, &mut Vec<u8>),
    ) -> Result<u64, Refusal> {
        let shared = self.shared();
        let mut door = shared.door();
        let id = door.next_id();
        door.buffer.clear();
        make(&id, &mut door.buffer);
        let publish = Publish::new(topic, Bytes::copy_from_slice(&door.buffer));
        let sendable = publish.check(shared.settings.packet_bytes_max);
        let mut state = shared.state();
        let stats = &mut state.stats;
        let refused = match sendable {
            Err(mqtt::Refusal::TooLarge { .. }) => Some(&mut stats.too_large),
            Err(mqtt::Refusal::InvalidTopic) => Some(&mut stats.invalid_topic),
            Ok(()) if state.close.is_some() => Some(&mut state.stats.closed),
            Ok(()) => None,
        };
        if let Some(counter) = refused {
            *counter += 1;
            sendable?;
            return Err(Refusal::Closed);
        }
        drop(state);
        let sequence = id.sequence;
        shared.enqueue(Record {
            sequence,
            stamp,
            publish,
        });
        door.next = sequence.saturating_add(1);
        Ok(sequence)
    }

    /// Waits until a record is durable.
    ///
    /// # Errors
    /// It will not be.
    pub async fn committed(&self, sequence: u64) -> Result<(), Uncommitted> {
        let waiting = self.shared().state().wait_for(sequence)?;
        let Some(durable) = waiting else {
            return Ok(());
        };
        durable.await.map_err(|_| {
            if self.shared().state().is_closed {
                Uncommitted::Closed
            } else {
                Uncommitted::Dropped
            }
        })
    }

    /// Has all that was appended so far written at once, and waits until it is durable, for a
    /// while at most. Returns whether it is.
    pub async fn flush(&self, patience: Duration) -> bool {
        let (done, durable) = oneshot::channel();
        self.shared().order(|state| {
            let sequence = state.stats.last_sequence;
            state.flushes.push(Flush { sequence, done });
            state.retry_at = state.retry_at.map(|_| Instant::now());
        });
        matches!(timeout(patience, durable).await, Ok(Ok(())))
    }

    /// Has all that was appended written, for a while at most, and ends the spool. From now on
    /// nothing is taken. Returns whether all is durable.
    pub async fn close(&self, patience: Duration) -> bool {
        let is_durable = self.flush(patience).await;
        let (end, ended) = oneshot::channel();
        self.shared().order(|state| {
            if !state.is_closed {
                state.ends.push(end);
            }
        });
        self.0.end();
        // Its sender is let go at the end.
        timeout(patience, ended).await.is_ok() && is_durable
    }

    /// Sends the records of a range again, as far as they are kept. Dropping it ends that.
    ///
    /// # Errors
    /// Too many ranges are being sent again.
    pub fn replay(&self, numbers: RangeInclusive<u64>) -> Result<Replay, TooManyReplays> {
        let shared = self.shared();
        let committed = shared.state().stats.committed;
        let numbers = *numbers.start()..=committed.min(*numbers.end());
        let range = Arc::new(Range::new(shared, numbers));
        shared.order(|state| {
            state.ranges.retain(|range| range.strong_count() > 0);
            if state.ranges.len() >= REPLAYS_MAX {
                return Err(TooManyReplays);
            }
            state.ranges.push(Arc::downgrade(&range));
            Ok(())
        })?;
        Ok(Replay {
            shared: Arc::clone(shared),
            range,
        })
    }

    /// The gaps that are known, in order of their numbers: all that the uplink has still to pass
    /// and some older ones, about a thousand at most.
    pub fn gaps(&self) -> Vec<Gap> {
        self.shared().state().known_gaps.clone()
    }

    /// Tells `monitor`, from the spool's thread, how long each record took to become durable. Only
    /// the first one is told.
    pub fn monitor(&self, monitor: impl Fn(Duration) + Send + Sync + 'static) {
        let monitor = Monitor(Box::new(monitor));
        let _ = self.shared().monitor.set(monitor);
    }

    /// How it is doing.
    pub fn stats(&self) -> SpoolStats {
        self.shared().state().stats()
    }

    /// Grows at least every second while the spool's thread is well.
    pub fn pulse(&self) -> u64 {
        self.shared().pulse()
    }

    fn shared(&self) -> &Arc<Shared> {
        &self.0.shared
    }
}

impl Handle {
    /// What is in memory gets one more try.
    fn end(&self) {
        self.shared.order(|state| {
            state.close.get_or_insert_with(Instant::now);
            state.retry_at = state.retry_at.map(|_| Instant::now());
        });
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.end();
    }
}

impl Outbox for Spool {
    fn next_after(&self, sequence: u64) -> Option<OutboxRecord> {
        self.shared().state().next_after(sequence)
    }

    fn ack(&self, sequence: u64) {
        let is_reading_due = self.shared().state().settle(sequence);
        if is_reading_due {
            self.shared().order(|_| {});
        }
    }

    fn quarantine(&self, sequence: u64, why: &Poison) {
        warn!(sequence, %why, "put a record aside that no broker takes");
        let gap = Gap {
            first: sequence,
            last: sequence,
            reason: Reason::Quarantined,
        };
        self.shared().order(|state| {
            state.stats.quarantined += 1;
            state.gaps_to_note.push(gap);
        });
    }

    fn changed(&self) -> &Notify {
        &self.shared().changed
    }

    fn stats(&self) -> OutboxStats {
        let stats = Self::stats(self);
        OutboxStats {
            records: stats.records,
            bytes: stats.bytes,
            last_sequence: stats.last_sequence,
            dropped_full: stats.losses.dropped,
            too_large: stats.too_large,
            invalid_topic: stats.invalid_topic,
            quarantined: stats.quarantined,
        }
    }
}
