//! Reading on through the segments.

use std::io;
use std::path::Path;

use super::fs::{self, File, Fs, Open};
use super::gap::{Gap, Reason};
use super::log::{Log, Segment};
use super::record::Record;
use super::segment::{Entry, Found, HEADER_BYTES, Scan, Seal};

/// Read and tried again in one go; what cannot be read costs so much at most.
const CHUNK_BYTES: usize = 64 << 10;
const ATTEMPTS: usize = 3;

/// A place in the log from which it is read on.
#[derive(Debug)]
pub struct Reader {
    after: u64,
    loaded: Option<Loaded>,
}

/// The segment that is being read.
#[derive(Debug)]
struct Loaded {
    base: u64,
    bytes: Vec<u8>,
    offset: usize,
}

/// How much is read at once; one record always is.
#[derive(Clone, Copy, Debug)]
pub struct ReadLimits {
    /// No record above this number.
    pub last: u64,
    /// Most topic and payload bytes.
    pub bytes_max: usize,
    /// Most records.
    pub records_max: usize,
}

impl Reader {
    pub(super) fn new(after: u64) -> Self {
        Self {
            after,
            loaded: None,
        }
    }

    /// The number behind which it reads on: up to it, all that the log has was read.
    pub fn after(&self) -> u64 {
        self.after
    }

    /// Goes on behind a higher number.
    pub fn skip_to(&mut self, sequence: u64) {
        self.after = self.after.max(sequence);
    }

    /// Lets go of the memory that it reads into.
    pub(super) fn rest(&mut self) {
        self.loaded = None;
    }

    /// Reads on. Numbers that turn out to be missing are noted in the log, unless they are
    /// settled.
    pub fn read(&mut self, log: &mut Log, limits: ReadLimits) -> Vec<Record> {
        let mut records = Vec::new();
        let mut bytes_left = limits.bytes_max;
        while self.after < limits.last
            && let Some(segment) = log.segment_behind(self.after)
        {
            let Some(mut loaded) = self.load(log, segment) else {
                self.arrive_at(log, segment.last.min(limits.last));
                continue;
            };
            let mut scan = Scan {
                seal: Seal::new(log.id(), segment.base),
                bytes: &loaded.bytes,
                offset: loaded.offset,
            };
            let mut full = false;
            let mut end = segment.last;
            while let Some(found) = scan.next() {
                if let Found::Entry { entry, .. } = found
                    && let Entry::Record(record) = entry
                    && (self.after + 1..=segment.last).contains(&record.sequence)
                {
                    full = records.len() >= limits.records_max
                        || (!records.is_empty() && record.size() > bytes_left);
                    if full || record.sequence > limits.last {
                        end = record.sequence - 1;
                        break;
                    }
                    log.note_missing(self.after + 1, record.sequence - 1);
                    bytes_left = bytes_left.saturating_sub(record.size());
                    self.after = record.sequence;
                    records.push(record.to_record());
                }
                loaded.offset = scan.offset;
            }
            self.loaded = Some(loaded);
            self.arrive_at(log, end.min(limits.last));
            if full {
                break;
            }
        }
        records
    }

    fn arrive_at(&mut self, log: &mut Log, sequence: u64) {
        log.note_missing(self.after.saturating_add(1), sequence);
        self.after = self.after.max(sequence);
    }

    fn load(&mut self, log: &mut Log, segment: Segment) -> Option<Loaded> {
        let mut loaded = match self.loaded.take() {
            Some(loaded) if loaded.base == segment.base => loaded,
            _ => Loaded {
                base: segment.base,
                bytes: Vec::new(),
                offset: HEADER_BYTES,
            },
        };
        let bytes = usize::try_from(segment.bytes).ok()?;
        if loaded.bytes.len() < bytes {
            let path = log.path(segment.base);
            let unread = append_file(&*log.fs, &path, &mut loaded.bytes, bytes);
            log.reads_failed += u64::from(unread.is_err());
            if let Err(error) = unread {
                tracing::warn!(%error, path = %path.display(), "cannot read what is spooled");
            }
        }
        Some(loaded)
    }
}

impl Log {
    fn segment_behind(&self, after: u64) -> Option<Segment> {
        let index = self
            .segments
            .partition_point(|segment| segment.last <= after);
        self.segments.get(index).copied()
    }

    /// Notes what is missing of a range, as far as it waits and nothing explains it.
    fn note_missing(&mut self, first: u64, last: u64) {
        let first = first.max(self.ledger.settled.saturating_add(1));
        for missing in self.ledger.gaps.unexplained(first..=last) {
            let (first, last) = missing.into_inner();
            tracing::warn!(first, last, "records are damaged or cannot be read");
            self.note(Gap {
                first,
                last,
                reason: Reason::Damaged,
            });
        }
    }
}

/// Appends a file from where `bytes` end up to a length; zeros stand for what cannot be read.
///
/// # Errors
/// The last error of reading, when all the rest was read or made up.
pub(super) fn append_file(
    fs: &dyn Fs,
    path: &Path,
    bytes: &mut Vec<u8>,
    len: usize,
) -> io::Result<()> {
    let file = match fs.open(path, Open::Read) {
        Ok(file) => file,
        Err(error) => {
            bytes.resize(len, 0);
            return Err(error);
        }
    };
    let mut result = Ok(());
    while bytes.len() < len {
        let begin = bytes.len();
        let end = len.min(begin + CHUNK_BYTES);
        bytes.resize(end, 0);
        let Some(chunk) = bytes.get_mut(begin..) else {
            break;
        };
        if let Err(error) = read_chunk(&*file, chunk, begin as u64) {
            chunk.fill(0);
            result = Err(error);
        }
    }
    result
}

fn read_chunk(file: &dyn File, chunk: &mut [u8], offset: u64) -> io::Result<()> {
    let mut result = Ok(());
    for _ in 0..ATTEMPTS {
        result = fs::read_full_at(file, chunk, offset).map(drop);
        if result.is_ok() {
            break;
        }
    }
    result
}
