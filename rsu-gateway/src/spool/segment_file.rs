//! The segment files that are found when a spool is opened.

use std::io;
use std::path::{Path, PathBuf};

use super::fs::{Fs, Open};
use super::reader::append_file;
use super::record::SpoolId;
use super::recovery::Recovery;
use super::segment::{self, Found, HEADER_BYTES, Header, HeaderFault, Scan, Seal};
use super::settings::Settings;

const ASIDE_SUFFIX: &str = ".aside";
/// Names that are tried for a file that is put aside.
const ASIDE_NAMES_MAX: usize = 1000;

/// A segment file.
pub(super) struct SegmentFile {
    pub(super) path: PathBuf,
    /// By its name.
    pub(super) base: u64,
    pub(super) header: Result<Header, HeaderFault>,
    /// What is loaded of it, from its beginning.
    pub(super) bytes: Vec<u8>,
    /// All of it has arrived, so that it is not read.
    pub(super) is_settled: bool,
    /// The file system gave an error instead of some of its bytes.
    pub(super) is_unreadable: bool,
    /// In bytes.
    pub(super) len: u64,
}

/// Whether this file was put aside.
pub(super) fn is_aside(name: &str) -> bool {
    name.ends_with(ASIDE_SUFFIX)
}

/// Finds the segments of a folder, in the order of their bases, and reads their headers.
pub(super) fn find(
    fs: &dyn Fs,
    folder: &Path,
    names: &[String],
    recovery: &mut Recovery,
) -> Vec<SegmentFile> {
    let mut bases: Vec<u64> = names
        .iter()
        .filter_map(|name| segment::base_of(name))
        .collect();
    bases.sort_unstable();
    let files = bases.into_iter().map(|base| {
        let mut file = SegmentFile {
            path: folder.join(segment::name(base)),
            base,
            header: Err(HeaderFault::Damaged),
            bytes: Vec::new(),
            is_settled: false,
            is_unreadable: false,
            len: 0,
        };
        let len = fs.open(&file.path, Open::Read).and_then(|file| file.len());
        match len {
            Ok(len) => file.len = len.min(Settings::SEGMENT_BYTES_MAX),
            Err(error) => file.note_unreadable(error, recovery),
        }
        file.read_to(fs, HEADER_BYTES as u64, recovery);
        file.header = Header::decode(&file.bytes);
        file
    });
    files.collect()
}

/// The spool that most segments belong to; of several, that of the newest one.
pub(super) fn likeliest_id(files: &[SegmentFile]) -> Option<SpoolId> {
    let ids = || files.iter().filter_map(|file| Some(file.header.ok()?.id));
    ids().max_by_key(|id| ids().filter(|other| other == id).count())
}

/// Finds out which segments have arrived as a whole. A segment ends where the next one begins.
pub(super) fn tell_settled(files: &mut [SegmentFile], settled: u64) {
    let mut next_base = u64::MAX;
    for file in files.iter_mut().rev() {
        file.is_settled = next_base.saturating_sub(1) <= settled;
        next_base = file.base;
    }
}

impl SegmentFile {
    /// Whether it belongs to this spool; if not, it is put aside.
    pub(super) fn is_kept(&mut self, fs: &dyn Fs, id: SpoolId, recovery: &mut Recovery) -> bool {
        let is_ours = match self.header {
            Ok(header) => header.id == id && header.base == self.base,
            Err(HeaderFault::Version) => false,
            // The checksums of its entries tell.
            Err(HeaderFault::Damaged) => {
                self.load(fs, recovery);
                let mut found = self.scan(id);
                self.is_unreadable || found.any(|found| matches!(found, Found::Entry { .. }))
            }
        };
        if !is_ours {
            let moved = self.put_aside(fs, recovery);
            recovery.keep(moved);
        }
        self.unload();
        is_ours
    }

    /// Reads all of it, unless it is settled.
    pub(super) fn load(&mut self, fs: &dyn Fs, recovery: &mut Recovery) {
        if !self.is_settled {
            self.read_to(fs, u64::MAX, recovery);
        }
    }

    /// Lets go of what was read: all of them at once would be too much for the memory.
    pub(super) fn unload(&mut self) {
        self.bytes = Vec::new();
    }

    /// Gives it a name under which nothing touches it any more, or removes it if it is blank.
    fn put_aside(&self, fs: &dyn Fs, recovery: &mut Recovery) -> io::Result<()> {
        if self.header.is_err() && self.bytes.iter().all(|&byte| byte == 0) {
            return fs.remove(&self.path);
        }
        for number in 0..ASIDE_NAMES_MAX {
            let name = format!("{}.{number}{ASIDE_SUFFIX}", segment::name(self.base));
            let path = self.path.with_file_name(&name);
            if fs.open(&path, Open::Read).is_err() {
                fs.rename(&self.path, &path)?;
                recovery.set_aside.push(name);
                return Ok(());
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }

    pub(super) fn scan(&self, id: SpoolId) -> Scan<'_> {
        Scan {
            seal: Seal::new(id, self.base),
            bytes: if self.is_settled { &[] } else { &self.bytes },
            offset: HEADER_BYTES,
        }
    }

    /// The length that was durable before the last valid entry was written.
    pub(super) fn durable_before(&self, id: SpoolId) -> usize {
        let durable = self.scan(id).filter_map(|found| match found {
            Found::Entry { durable_before, .. } => Some(durable_before),
            Found::Damage { .. } => None,
        });
        durable.last().unwrap_or(0)
    }

    /// Where the entries end; `None` if there is damage before that.
    pub(super) fn end_of_entries(&self, id: SpoolId) -> Option<usize> {
        self.header.ok()?;
        let mut scan = self.scan(id);
        let mut end = HEADER_BYTES;
        let mut is_damaged = self.is_unreadable;
        while let Some(found) = scan.next() {
            match found {
                Found::Damage { .. } => is_damaged = true,
                Found::Entry { .. } if is_damaged => return None,
                Found::Entry { .. } => end = scan.offset,
            }
        }
        (!self.is_unreadable).then_some(end)
    }

    fn read_to(&mut self, fs: &dyn Fs, len: u64, recovery: &mut Recovery) {
        let len = usize::try_from(len.min(self.len)).unwrap_or(usize::MAX);
        if let Err(error) = append_file(fs, &self.path, &mut self.bytes, len) {
            self.note_unreadable(error, recovery);
        }
    }

    fn note_unreadable(&mut self, error: io::Error, recovery: &mut Recovery) {
        self.is_unreadable = true;
        recovery.keep(Err(error));
    }
}
