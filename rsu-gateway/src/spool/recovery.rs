//! Opening a spool: finding out what an earlier run, a power cut or damage has left.

use std::collections::VecDeque;
use std::io;
use std::path::Path;
use std::sync::Arc;

use super::cursor::{Cursor, Position};
use super::fs::{Fs, Open};
use super::gap::{Gap, Reason};
use super::ledger::Ledger;
use super::log::{Log, Segment, Writer};
use super::record::SpoolId;
use super::segment::{Entry, Found, Losses, Seal};
use super::segment_file::{self, SegmentFile};
use super::settings::Settings;

/// With the cursor lost, numbers go on so far above the highest one found: more than any spool
/// can hold at a time.
const RENUMBERED: u64 = 1 << 32;

/// What was found when a spool was opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovery {
    /// Who numbers the records.
    pub id: SpoolId,
    /// How many times the spool was opened, with this time.
    pub boot: u64,
    /// The folder held no spool: everything is new.
    pub is_new: bool,
    /// The cursor was lost: what has arrived may be sent again.
    pub cursor_lost: bool,
    /// The last run ended without closing the spool.
    pub unclosed: bool,
    /// Records that wait.
    pub records: u64,
    /// Gaps that were found now.
    pub gaps: Vec<Gap>,
    /// Files put aside now: segments of another device, of another version of the format, or
    /// without anything that can be read.
    pub set_aside: Vec<String>,
    /// How many files are aside, with these.
    pub set_aside_files: u64,
    /// Bytes of an unfinished commit that were cut off.
    pub cut_bytes: u64,
    /// The first error of the file system; the spool was opened nevertheless.
    pub error: Option<String>,
}

pub(super) fn open(
    fs: Arc<dyn Fs>,
    folder: &Path,
    settings: Settings,
) -> io::Result<(Log, Recovery)> {
    let mut recovery = Recovery::default();
    let created = fs.create_folder(folder);
    let names = fs.list(folder)?;
    recovery.keep(created);
    let (cursor, position) = match Cursor::load(&*fs, folder) {
        Ok(loaded) => loaded,
        Err(error) => {
            recovery.keep(Err(error));
            (Cursor::new(folder), None)
        }
    };
    let mut files = segment_file::find(&*fs, folder, &names, &mut recovery);
    let known_id = match &position {
        Some(position) => Some(position.id),
        None => segment_file::likeliest_id(&files),
    };
    let id = known_id.map_or_else(SpoolId::draw, Ok)?;
    recovery.is_new = known_id.is_none();
    recovery.cursor_lost = position.is_none() && !recovery.is_new;
    recovery.unclosed = position.as_ref().is_some_and(|p| !p.is_closed);
    files.retain_mut(|file| file.is_kept(&*fs, id, &mut recovery));
    let aside = names.iter().filter(|name| segment_file::is_aside(name));
    recovery.set_aside_files = (aside.count() + recovery.set_aside.len()) as u64;

    let mut log = Log {
        fs,
        folder: folder.to_owned(),
        settings,
        id,
        boot: 1,
        cursor,
        ledger: Ledger::default(),
        last: 0,
        segments: VecDeque::new(),
        writer: None,
        buffer: Vec::new(),
        reads_failed: 0,
        has_unsaved_gaps: false,
    };
    take_in_position(&mut log, position.as_ref(), &files);
    segment_file::tell_settled(&mut files, log.settled());
    let mut found = take_in_segments(&mut log, &mut files, &mut recovery);
    log.ledger
        .restore(&found.gaps, position.as_ref().map_or(&[], |p| &p.gaps));
    found.pass_over(&mut log, position.as_ref(), &recovery);
    recovery.gaps = found.note_missing(&mut log, &files, recovery.unclosed);

    let resumed = resume_newest(&mut log, &files, &mut recovery);
    recovery.keep(resumed);
    let reserved = log.reserve(log.last);
    recovery.keep(reserved);
    recovery.id = id;
    recovery.boot = log.boot;
    recovery.records = log.waiting_records();
    Ok((log, recovery))
}

impl Recovery {
    pub(super) fn is_worth_a_warning(&self) -> bool {
        let is_loss = |gap: &Gap| gap.reason != Reason::Unfinished;
        self.cursor_lost
            || self.error.is_some()
            || !self.set_aside.is_empty()
            || self.gaps.iter().any(is_loss)
    }

    pub(super) fn keep(&mut self, result: io::Result<()>) {
        if let Err(error) = result {
            self.error.get_or_insert(error.to_string());
        }
    }
}

fn take_in_position(log: &mut Log, position: Option<&Position>, files: &[SegmentFile]) {
    if let Some(position) = position {
        log.boot = position.boot.saturating_add(1);
        log.settle(position.settled);
        log.ledger.losses = position.losses;
        return;
    }
    // What the segments knew when they were begun.
    for header in files.iter().filter_map(|file| file.header.ok()) {
        log.boot = log.boot.max(header.boot.saturating_add(1));
        log.settle(header.settled);
        log.ledger.losses = Losses {
            dropped: log.ledger.losses.dropped.max(header.losses.dropped),
            damaged: log.ledger.losses.damaged.max(header.losses.damaged),
        };
    }
}

/// What the segments hold and what they lack.
#[derive(Default)]
struct Contents {
    /// The highest number found, or settled.
    last: u64,
    /// The gaps that were written to the log.
    gaps: Vec<Gap>,
    missing: Vec<Missing>,
    /// Damage since the last record.
    damage: Option<Damage>,
}

/// Numbers that are not there, whether or not a gap explains it.
struct Missing {
    first: u64,
    last: u64,
    cause: Cause,
}

enum Cause {
    /// Where they should be there is something else.
    Damage(Damage),
    /// Nothing tells that they were there.
    Absence(Reason),
}

#[derive(Clone, Copy)]
struct Damage {
    file: usize,
    offset: usize,
}

/// Reads one segment after the other; only the newest stays loaded.
fn take_in_segments(log: &mut Log, files: &mut [SegmentFile], recovery: &mut Recovery) -> Contents {
    let mut contents = Contents {
        last: log.settled(),
        ..Contents::default()
    };
    let newest = files.len().saturating_sub(1);
    let mut rest = files.iter_mut().enumerate().peekable();
    while let Some((index, file)) = rest.next() {
        // What has its place in the next segment was written again there.
        let next_base = rest.peek().map(|(_, next)| next.base);
        let end = next_base.map_or(u64::MAX, |base| base.saturating_sub(1));
        file.load(&*log.fs, recovery);
        let last = contents.take_in(log.id, index, file, end);
        log.segments.push_back(Segment {
            base: file.base,
            last: if file.is_settled { end } else { last },
            bytes: file.len,
        });
        if index < newest {
            file.unload();
        }
    }
    contents
}

impl Contents {
    /// Takes in a segment up to the number `end`; returns the last number in it.
    fn take_in(&mut self, id: SpoolId, index: usize, file: &SegmentFile, end: u64) -> u64 {
        let damage_at = |offset| {
            Some(Damage {
                file: index,
                offset,
            })
        };
        let mut last = file.base.saturating_sub(1);
        if file.is_unreadable {
            self.damage = damage_at(0);
        }
        for found in file.scan(id) {
            match found {
                Found::Damage { at } => self.damage = damage_at(at),
                Found::Entry { entry, .. } => match entry {
                    Entry::Gap(gap) => self.gaps.push(gap),
                    Entry::Record(record) if (last + 1..=end).contains(&record.sequence) => {
                        last = record.sequence;
                        self.arrive_at(last, Reason::FileMissing);
                    }
                    Entry::Record(_) => {}
                },
            }
        }
        last
    }

    fn arrive_at(&mut self, sequence: u64, otherwise: Reason) {
        let damage = self.damage.take();
        if sequence > self.last.saturating_add(1) {
            self.missing.push(Missing {
                first: self.last + 1,
                last: sequence - 1,
                cause: damage.map_or(Cause::Absence(otherwise), Cause::Damage),
            });
        }
        self.last = self.last.max(sequence);
    }

    /// Passes over the numbers that may have been given out.
    fn pass_over(&mut self, log: &mut Log, position: Option<&Position>, recovery: &Recovery) {
        let (last, reason) = match position {
            Some(position) if position.is_closed => (position.reserved, Reason::FileMissing),
            Some(position) => (position.reserved, Reason::Unfinished),
            None if recovery.is_new => (0, Reason::Renumbered),
            None => {
                let newest = log.segments.back().map_or(0, |newest| newest.base);
                let last = self.last.max(newest).saturating_add(RENUMBERED);
                (last, Reason::Renumbered)
            }
        };
        log.last = last.max(self.last);
        if !matches!(position, Some(position) if position.is_closed) {
            // At the end damage is nothing but the end.
            self.damage = None;
        }
        self.arrive_at(log.last.saturating_add(1), reason);
    }

    /// Notes what is missing and not explained yet.
    fn note_missing(&self, log: &mut Log, files: &[SegmentFile], unclosed: bool) -> Vec<Gap> {
        let newest = files.len().saturating_sub(1);
        let durable = files.last().map_or(0, |file| file.durable_before(log.id));
        let mut gaps = Vec::new();
        for missing in &self.missing {
            let reason = match missing.cause {
                Cause::Damage(Damage { file, offset })
                    if unclosed && file == newest && offset >= durable =>
                {
                    Reason::Unfinished
                }
                Cause::Damage(_) => Reason::Damaged,
                Cause::Absence(reason) => reason,
            };
            let unexplained = log.ledger.gaps.unexplained(missing.first..=missing.last);
            gaps.extend(unexplained.into_iter().map(|part| Gap {
                first: *part.start(),
                last: *part.end(),
                reason,
            }));
        }
        for &gap in &gaps {
            log.note(gap);
        }
        gaps
    }
}

/// Makes durable what the newest segment holds, cuts off an unfinished commit, and goes on
/// writing to it, unless it is damaged.
fn resume_newest(log: &mut Log, files: &[SegmentFile], recovery: &mut Recovery) -> io::Result<()> {
    let Some(newest) = files.last() else {
        return Ok(());
    };
    let mut file = log.fs.open(&newest.path, Open::Write)?;
    file.sync()?;
    let is_end_expected = recovery.unclosed || recovery.cursor_lost;
    let Some(end) = newest.end_of_entries(log.id) else {
        return Ok(());
    };
    if end < newest.bytes.len() {
        if !is_end_expected {
            return Ok(());
        }
        file.set_len(end as u64)?;
        file.sync()?;
        recovery.cut_bytes = (newest.bytes.len() - end) as u64;
    }
    if let Some(segment) = log.segments.back_mut() {
        segment.bytes = end as u64;
    }
    log.writer = Some(Writer {
        file,
        seal: Seal::new(log.id, newest.base),
        offset: end,
    });
    Ok(())
}
