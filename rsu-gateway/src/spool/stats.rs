//! How a spool is doing.

use std::io;

use rsu_firmware::time::Timestamp;

use super::record::SpoolId;
use super::segment::Losses;

/// How a spool is doing. Counters count from the start of the program unless they say otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SpoolStats {
    /// Who numbers the records.
    pub id: SpoolId,
    /// The newest number given out, or passed over by an earlier run.
    pub last_sequence: u64,
    /// The newest number that is durable.
    pub committed: u64,
    /// Up to this number all have arrived or were given up.
    pub settled: u64,
    /// Records that have not arrived yet.
    pub records: u64,
    /// Bytes of these, on disk and in memory; on disk estimated where a part of a segment has
    /// arrived.
    pub bytes: u64,
    /// When the oldest of these was appended, by the clock of that moment; `None` if there is
    /// none, or it has still to be read from disk.
    pub oldest: Option<Timestamp>,
    /// Records that arrived, for an estimate of how fast it drains.
    pub arrived: u64,
    /// Bytes of all segments, with those that are only kept to be asked for.
    pub disk_bytes: u64,
    /// Records and bytes that wait in memory for the disk.
    pub queue_records: u64,
    /// See `queue_records`.
    pub queue_bytes: u64,
    /// Records lost since installation.
    pub losses: Losses,
    /// Refused at the door: larger than a packet may be.
    pub too_large: u64,
    /// Refused at the door: no valid topic name.
    pub invalid_topic: u64,
    /// Refused at the door: the spool was closed.
    pub closed: u64,
    /// Records that no broker takes.
    pub quarantined: u64,
    /// Files put aside, with those of earlier runs: segments of another device or format.
    pub set_aside_files: u64,
    /// Whether the disk takes what is written.
    pub condition: Condition,
    /// Failures by kind.
    pub failures: Failures,
    /// The latest failure.
    pub last_error: Option<String>,
}

/// Whether the disk takes what is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Condition {
    /// It does.
    #[default]
    Working,
    /// It is full.
    NoSpace,
    /// It is mounted read-only.
    ReadOnly,
    /// It fails in another way.
    Failing,
}

impl Condition {
    pub(super) fn of(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull
            | io::ErrorKind::QuotaExceeded
            | io::ErrorKind::FileTooLarge => Self::NoSpace,
            io::ErrorKind::ReadOnlyFilesystem => Self::ReadOnly,
            _ => Self::Failing,
        }
    }

    /// Short name, for logs and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Working => "working",
            Self::NoSpace => "no_space",
            Self::ReadOnly => "read_only",
            Self::Failing => "failing",
        }
    }
}

/// Operations on the disk that failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Failures {
    /// Writes and syncs: the disk was full.
    pub no_space: u64,
    /// Writes and syncs: mounted read-only.
    pub read_only: u64,
    /// Writes and syncs: anything else.
    pub write: u64,
    /// Reads.
    pub read: u64,
}

impl Failures {
    pub(super) fn count(&mut self, condition: Condition) {
        let counter = match condition {
            Condition::NoSpace => &mut self.no_space,
            Condition::ReadOnly => &mut self.read_only,
            Condition::Working | Condition::Failing => &mut self.write,
        };
        *counter += 1;
    }
}
