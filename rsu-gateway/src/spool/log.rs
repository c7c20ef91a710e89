//! The log: segments one after the other, and the cursor. Synchronous, for one thread.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::cursor::{Cursor, Position};
use super::fs::{self, File, Fs, Open};
use super::gap::{Gap, Reason};
use super::ledger::Ledger;
use super::reader::Reader;
use super::record::{Record, SpoolId};
use super::recovery::{self, Recovery};
use super::segment::{self, Encoder, GAP_BYTES, HEADER_BYTES, Header, Losses, Seal, record_bytes};
use super::settings::Settings;

/// Most segments kept, however small.
pub(super) const SEGMENTS_MAX: usize = 4096;
/// Numbers reserved ahead. An end without notice wastes the rest of them.
pub const RESERVED: u64 = 1 << 16;
/// Most bytes written at once.
const COMMIT_BYTES_MAX: usize = 1 << 20;
/// Segments that the floor of free space does not take away.
const SEGMENTS_BELOW_FLOOR: usize = 2;

/// Records on disk: appended, read in order, settled once they have arrived.
///
/// Nothing is announced before it is durable. After a failed sync the segment is left as it is,
/// and what was not announced is written again, to another one.
pub struct Log {
    pub(super) fs: Arc<dyn Fs>,
    pub(super) folder: PathBuf,
    pub(super) settings: Settings,
    pub(super) id: SpoolId,
    pub(super) boot: u64,
    pub(super) cursor: Cursor,
    pub(super) ledger: Ledger,
    /// The highest number that is committed or passed over.
    pub(super) last: u64,
    /// The oldest first.
    pub(super) segments: VecDeque<Segment>,
    /// Writes to the newest segment.
    pub(super) writer: Option<Writer>,
    pub(super) buffer: Vec<u8>,
    /// Reads that failed, and failed again.
    pub(super) reads_failed: u64,
    /// The cursor does not know the latest gaps.
    pub(super) has_unsaved_gaps: bool,
}

/// A segment that is kept.
#[derive(Clone, Copy, Debug)]
pub(super) struct Segment {
    pub(super) base: u64,
    /// The highest number in it; one below the base while there is none.
    pub(super) last: u64,
    /// Its length, as far as it is durable.
    pub(super) bytes: u64,
}

#[derive(Debug)]
pub(super) struct Writer {
    pub(super) file: Box<dyn File>,
    pub(super) seal: Seal,
    /// All before it is durable.
    pub(super) offset: usize,
}

impl Log {
    /// Opens the log in a folder, which is made if there is none, and finds out what it holds.
    ///
    /// # Errors
    /// The folder can neither be made nor read. What is wrong with single files is not an error
    /// but told in [`Recovery`].
    pub fn open(
        fs: Arc<dyn Fs>,
        folder: &Path,
        settings: Settings,
    ) -> io::Result<(Self, Recovery)> {
        recovery::open(fs, folder, settings)
    }

    /// Who numbers the records, as long as their numbers are [reserved](Log::reserved).
    pub fn id(&self) -> SpoolId {
        self.id
    }

    /// The highest number that is committed or passed over; the next record must be above it.
    pub fn last(&self) -> u64 {
        self.last
    }

    /// Records up to this number have arrived or were given up.
    pub fn settled(&self) -> u64 {
        self.ledger.settled
    }

    /// The highest number that may be given out under the spool's id.
    pub fn reserved(&self) -> u64 {
        self.cursor.reserved()
    }

    /// The gaps that are known, in order: all that are not settled yet and some older ones.
    pub fn gaps(&self) -> impl DoubleEndedIterator<Item = &Gap> {
        self.ledger.gaps.iter()
    }

    /// Records lost since installation.
    pub fn losses(&self) -> Losses {
        self.ledger.losses
    }

    /// Bytes of all segments.
    pub fn bytes(&self) -> u64 {
        self.segments.iter().map(|segment| segment.bytes).sum()
    }

    /// Records that have not arrived yet.
    pub fn waiting_records(&self) -> u64 {
        self.ledger
            .records(self.ledger.settled.saturating_add(1), self.last)
    }

    /// The bytes that these take on disk, estimated where a part of a segment is settled.
    pub fn waiting_bytes(&self) -> u64 {
        let waiting = |segment: &Segment| {
            let numbers = (segment.last + 1).saturating_sub(segment.base);
            let first = segment.base.max(self.ledger.settled.saturating_add(1));
            let waiting = (segment.last + 1).saturating_sub(first);
            let share = u128::from(segment.bytes) * u128::from(waiting);
            (share / u128::from(numbers.max(1))) as u64
        };
        self.segments.iter().map(waiting).sum()
    }

    /// Begins to read behind a number.
    pub fn reader(&self, after: u64) -> Reader {
        Reader::new(after)
    }

    /// Commits records in the order of their numbers, as many at once as is wise, and returns
    /// how many of them are durable now.
    ///
    /// # Errors
    /// Those of the file system: none of the records is announced. They can be committed again.
    pub fn commit<'a>(&mut self, records: impl Iterator<Item = &'a Record>) -> io::Result<usize> {
        let mut records = records.peekable();
        let Some(first) = records.peek() else {
            return Ok(0);
        };
        let first_bytes = record_bytes(&first.publish);
        let mut writer = match self.writer.take() {
            Some(writer) if writer.offset + first_bytes <= self.segment_bytes() => writer,
            _ => self.begin_segment(first.sequence)?,
        };

        let room = self.segment_bytes() - writer.offset.min(self.segment_bytes());
        self.buffer.clear();
        let mut encoder = Encoder {
            seal: writer.seal,
            begin: writer.offset,
            bytes: &mut self.buffer,
        };
        let mut gaps = 0;
        for gap in self.ledger.unlogged() {
            if encoder.bytes.len() + GAP_BYTES + first_bytes > room {
                break;
            }
            encoder.gap(gap);
            gaps += 1;
        }
        let (mut count, mut last) = (0, self.last);
        for record in records {
            let bytes = encoder.bytes.len() + record_bytes(&record.publish);
            if count > 0 && bytes > room.min(COMMIT_BYTES_MAX) {
                break;
            }
            encoder.record(record);
            (count, last) = (count + 1, record.sequence);
        }

        if let Err(error) = fs::write_all_at(&mut *writer.file, &self.buffer, writer.offset as u64)
        {
            // Most often the disk is full: the segment can go on if the rest is cut off.
            if writer.file.set_len(writer.offset as u64).is_ok() {
                self.writer = Some(writer);
            }
            return Err(error);
        }
        writer.file.sync()?;

        writer.offset += self.buffer.len();
        if let Some(segment) = self.segments.back_mut() {
            segment.bytes = writer.offset as u64;
            segment.last = last;
        }
        self.writer = Some(writer);
        self.last = last;
        self.ledger.logged(gaps);
        Ok(count)
    }

    /// Records up to a number have arrived. Saved with the next [`Log::save`].
    pub fn settle(&mut self, sequence: u64) {
        self.ledger.settled = self.ledger.settled.max(sequence);
    }

    /// Notes a gap. It is durable after the next [`Log::save`] or [`Log::commit`].
    pub fn note(&mut self, gap: Gap) {
        self.has_unsaved_gaps = true;
        self.ledger.note(gap);
    }

    /// Makes durable what is settled and noted.
    pub fn save(&mut self) -> io::Result<()> {
        let reserved = self.cursor.reserved_max().max(self.last);
        let position = self.position(&self.ledger, reserved, false);
        self.cursor.save(&*self.fs, &position)?;
        self.has_unsaved_gaps = false;
        Ok(())
    }

    /// Reserves numbers ahead of `last_given` if few are left.
    pub fn reserve(&mut self, last_given: u64) -> io::Result<()> {
        if self.cursor.reserved() >= last_given.saturating_add(RESERVED / 2) {
            return Ok(());
        }
        let reserved = last_given.max(self.last).saturating_add(RESERVED);
        let position = self.position(&self.ledger, reserved, false);
        self.cursor.save(&*self.fs, &position)?;
        self.cursor.save(&*self.fs, &position)
    }

    /// Makes durable how far it came, so that the next run passes over no number. No number
    /// above [`Log::last`] must have been given out.
    pub fn close(mut self) -> io::Result<()> {
        let position = self.position(&self.ledger, self.last, true);
        self.cursor.save(&*self.fs, &position)?;
        self.cursor.save(&*self.fs, &position)
    }

    /// Gives up the oldest segment but the newest: what has arrived, or, if `unsettled` ones may
    /// go, what has not. Returns whether there was one to give up.
    pub fn drop_oldest(&mut self, unsettled: bool) -> io::Result<bool> {
        let spared = usize::from(self.writer.is_some());
        let oldest = self.segments.iter().take(self.segments.len() - spared);
        let Some(&oldest) = oldest.into_iter().next() else {
            return Ok(false);
        };
        // First the ledger, then the file: a cut in between must neither hide a loss nor make one
        // of what has arrived.
        let mut ledger = self.ledger.clone();
        if oldest.last > ledger.settled {
            if !unsettled {
                return Ok(false);
            }
            let (first, last) = (oldest.base.max(ledger.settled + 1), oldest.last);
            tracing::warn!(first, last, "dropped the oldest records: no room");
            ledger.note(Gap {
                first,
                last,
                reason: Reason::NoRoom,
            });
            ledger.settled = oldest.last;
        }
        if oldest.last > self.cursor.settled() {
            let reserved = self.cursor.reserved_max().max(self.last);
            let position = self.position(&ledger, reserved, false);
            self.cursor.save(&*self.fs, &position)?;
            self.ledger = ledger;
        }
        match self.fs.remove(&self.path(oldest.base)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => {
                self.segments.pop_front();
                Ok(true)
            }
        }
    }

    fn begin_segment(&mut self, base: u64) -> io::Result<Writer> {
        // One without a committed record is left from a failure: its place is taken.
        let newest = self.segments.back();
        if newest.is_some_and(|newest| newest.last < newest.base)
            && let Some(unused) = self.segments.pop_back()
        {
            match self.fs.remove(&self.path(unused.base)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    self.segments.push_back(unused);
                    return Err(error);
                }
                _ => {}
            }
        }
        self.make_room()?;
        let path = self.path(base);
        let writer = self.create(&path, base).inspect_err(|_| {
            // It may not be there; if it stays, it holds nothing.
            drop(self.fs.remove(&path));
        })?;
        self.segments.push_back(Segment {
            base,
            last: base.saturating_sub(1),
            bytes: HEADER_BYTES as u64,
        });
        Ok(writer)
    }

    fn create(&self, path: &Path, base: u64) -> io::Result<Writer> {
        let header = Header {
            id: self.id,
            base,
            boot: self.boot,
            settled: self.ledger.settled,
            losses: self.ledger.losses,
        };
        let mut file = self.fs.open(path, Open::Create)?;
        fs::write_all_at(&mut *file, &header.encode(), 0)?;
        file.sync()?;
        self.fs.sync_folder(&self.folder)?;
        Ok(Writer {
            file,
            seal: Seal::new(self.id, base),
            offset: HEADER_BYTES,
        })
    }

    /// Gives up old segments until another one fits.
    fn make_room(&mut self) -> io::Result<()> {
        let segment_bytes = self.settings.segment_bytes;
        while self.bytes() + segment_bytes > self.settings.quota_bytes
            || self.segments.len() >= SEGMENTS_MAX
        {
            if !self.drop_oldest(true)? {
                break;
            }
        }
        // At the floor, first what has arrived; if that is not enough, one for one.
        while self.is_at_floor()? {
            if !self.drop_oldest(false)? {
                if self.segments.len() > SEGMENTS_BELOW_FLOOR {
                    self.drop_oldest(true)?;
                }
                break;
            }
        }
        Ok(())
    }

    fn is_at_floor(&self) -> io::Result<bool> {
        let free = self.fs.free_bytes(&self.folder)?;
        let needed = self.settings.free_bytes_min + self.settings.segment_bytes;
        Ok(free < needed)
    }

    fn segment_bytes(&self) -> usize {
        usize::try_from(self.settings.segment_bytes).unwrap_or(usize::MAX)
    }

    pub(super) fn path(&self, base: u64) -> PathBuf {
        self.folder.join(segment::name(base))
    }

    fn position(&self, ledger: &Ledger, reserved: u64, is_closed: bool) -> Position {
        Position {
            id: self.id,
            boot: self.boot,
            settled: ledger.settled,
            reserved,
            losses: ledger.losses,
            is_closed,
            gaps: ledger.latest(),
        }
    }
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Log")
            .field("folder", &self.folder)
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}
