//! Recording of received frames to pcapng files, rotated by size, bounded in number.
//!
//! The radio's task lays a packet into memory and goes on; a thread of its own writes what has
//! gathered to the disk, whole packets only, at least every [`FLUSH_INTERVAL`]. A slow or full disk
//! costs recorded packets, each counted, and never the radio's time.

mod folder;
mod pcapng;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use rsu_firmware::pc5::Received;
use rsu_firmware::time::Timestamp;

use folder::Folder;

/// How long a received packet waits in memory at most, as long as the disk keeps up.
pub const FLUSH_INTERVAL: Duration = Duration::from_millis(200);

/// The most bytes that wait for the disk: about two seconds of a full 20 MHz channel.
pub const QUEUE_BYTES_MAX: usize = 4 << 20;

/// The least that [`Limits::file_bytes_max`] may be.
pub const FILE_BYTES_MIN: u64 = 64 << 10;

/// How much of the disk a recording may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The size at which a file is closed and the next begun, in bytes; at least
    /// [`FILE_BYTES_MIN`].
    pub file_bytes_max: u64,
    /// How many files are kept, those of earlier runs included; at least 1. The oldest goes first.
    pub files_max: usize,
}

impl Default for Limits {
    /// A gigabyte in files of 64 MiB.
    fn default() -> Self {
        Self {
            file_bytes_max: 64 << 20,
            files_max: 16,
        }
    }
}

/// Why recording cannot start.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// A limit is too low to record anything.
    #[error("recording needs files of at least {FILE_BYTES_MIN} bytes and at least one file")]
    LimitTooLow,
    /// The folder can neither be read nor made.
    #[error("cannot record to {folder}: {error}", folder = folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What the system says.
        error: io::Error,
    },
}

/// What became of the packets given to a [`Recorder`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Packets written to a file.
    pub written: u64,
    /// Packets dropped because too many were waiting for the disk.
    pub dropped: u64,
    /// Packets lost because the disk did not take them.
    pub failed: u64,
}

/// A running recording. Dropping it writes what is still in memory and waits for that.
#[derive(Debug)]
pub struct Recorder {
    shared: Arc<Shared>,
    writer: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    queue: Mutex<Queue>,
    queue_bytes_max: usize,
    /// The queue is half full or closed.
    urgent: Condvar,
    written: AtomicU64,
    dropped: AtomicU64,
    failed: AtomicU64,
}

/// Packets as they will stand in the file.
#[derive(Debug)]
struct Queue {
    blocks: Vec<u8>,
    packets: u64,
    /// When the first of them was received.
    begin: Timestamp,
    closed: bool,
}

impl Recorder {
    /// Starts to record into a folder, which is made if there is none. A file is begun with the
    /// first packet.
    pub fn start(folder: &Path, limits: Limits) -> Result<Self, RecordError> {
        if limits.file_bytes_max < FILE_BYTES_MIN || limits.files_max == 0 {
            return Err(RecordError::LimitTooLow);
        }
        let folder_error = |error| RecordError::Folder {
            folder: folder.to_owned(),
            error,
        };
        // What waits has to fit into one file.
        let file_bytes_max = usize::try_from(limits.file_bytes_max).unwrap_or(usize::MAX);
        let queue_bytes_max = QUEUE_BYTES_MAX.min(file_bytes_max - pcapng::HEADER.len());
        let shared = Arc::new(Shared {
            queue: Mutex::new(Queue::with_capacity(queue_bytes_max)),
            queue_bytes_max,
            urgent: Condvar::new(),
            written: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
            failed: AtomicU64::new(0),
        });
        let opened = Folder::open(folder, limits).map_err(folder_error)?;
        let writer = std::thread::Builder::new()
            .name("recorder".to_owned())
            .spawn({
                let shared = Arc::clone(&shared);
                move || shared.write_to(opened)
            })
            .map_err(folder_error)?;
        Ok(Self {
            shared,
            writer: Some(writer),
        })
    }

    /// Records a frame. Neither waits for the disk nor allocates.
    pub fn record(&self, received: &Received<'_>) {
        let mut queue = self.shared.lock();
        let length = queue.blocks.len() + pcapng::packet_length(received.bytes);
        if length > self.shared.queue_bytes_max {
            self.shared.dropped.fetch_add(1, Relaxed);
            return;
        }
        if queue.packets == 0 {
            queue.begin = received.time;
        }
        pcapng::append_packet(&mut queue.blocks, received);
        queue.packets += 1;
        if length > self.shared.queue_bytes_max / 2 {
            self.shared.urgent.notify_one();
        }
    }

    /// What became of the packets so far.
    pub fn counts(&self) -> Counts {
        Counts {
            written: self.shared.written.load(Relaxed),
            dropped: self.shared.dropped.load(Relaxed),
            failed: self.shared.failed.load(Relaxed),
        }
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.urgent.notify_one();
        if let Some(Err(_)) = self.writer.take().map(JoinHandle::join) {
            tracing::error!("the recording ended early");
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write_to(&self, mut folder: Folder) {
        let mut batch = Queue::with_capacity(self.queue_bytes_max);
        let mut failing = false;
        while !batch.closed {
            self.take(&mut batch);
            if batch.packets == 0 {
                continue;
            }
            match folder.append(&batch.blocks, batch.begin) {
                Ok(()) => {
                    self.written.fetch_add(batch.packets, Relaxed);
                    if failing {
                        tracing::info!("the recording goes on");
                    }
                    failing = false;
                }
                Err(error) => {
                    self.failed.fetch_add(batch.packets, Relaxed);
                    if !failing {
                        tracing::warn!(%error, "the recording loses packets");
                    }
                    failing = true;
                }
            }
        }
    }

    /// Exchanges the queue for an emptied batch once there is reason to write.
    fn take(&self, batch: &mut Queue) {
        batch.blocks.clear();
        batch.packets = 0;
        let patient =
            |queue: &mut Queue| !queue.closed && queue.blocks.len() <= self.queue_bytes_max / 2;
        let waited = self
            .urgent
            .wait_timeout_while(self.lock(), FLUSH_INTERVAL, patient);
        let (mut queue, _) = waited.unwrap_or_else(PoisonError::into_inner);
        std::mem::swap(&mut *queue, batch);
    }
}

impl Queue {
    fn with_capacity(bytes: usize) -> Self {
        Self {
            blocks: Vec::with_capacity(bytes),
            packets: 0,
            begin: Timestamp::default(),
            closed: false,
        }
    }
}
