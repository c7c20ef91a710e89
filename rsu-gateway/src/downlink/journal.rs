//! The journal: every step of the [`State`] on disk before anything follows from it.
//!
//! One file, `commands.journal`: records of {length (u32 LE), CRC-32 of the rest (u32 LE), an
//! [`Entry`] as JSON}. The first holds a whole state, the others one step each. A commit appends
//! records and syncs once; when the file has grown by [`GROWTH_BYTES_MAX`], or after any error, the
//! file is replaced atomically by one with the state alone. So a crash leaves all of a commit or,
//! where its records are cut, a beginning of it: each record is one command with everything that
//! follows from it.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use flate2::Crc;

use super::state::{Entry, State};
use crate::json;
use crate::spool::fs::{self, File, Fs, Open};

const FILE_NAME: &str = "commands.journal";

/// Largest file that is read; more than ten times what all limits together allow.
const FILE_BYTES_MAX: usize = 64 << 20;

/// So much may the file grow before it is written anew.
const GROWTH_BYTES_MAX: u64 = 256 << 10;

const HEADER_BYTES: usize = 8;

#[derive(Debug)]
pub(super) struct Journal {
    fs: Arc<dyn Fs>,
    path: PathBuf,
    /// Where the next record goes; none after an error.
    end: Option<End>,
}

#[derive(Debug)]
struct End {
    file: Box<dyn File>,
    offset: u64,
    rewrite_at: u64,
}

/// What was found on disk.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) state: State,
    /// Bytes that are no record.
    pub(super) damaged_bytes: u64,
}

impl Journal {
    /// Reads what is there. Nothing is written before the first commit.
    pub(super) fn open(fs: Arc<dyn Fs>, folder: &Path) -> io::Result<(Self, Found)> {
        let path = folder.join(FILE_NAME);
        let found = match fs::read(&*fs, &path, FILE_BYTES_MAX) {
            Ok(bytes) => read(&bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Found::default(),
            Err(error) => return Err(error),
        };
        let end = None;
        Ok((Self { fs, path, end }, found))
    }

    /// Makes `entries` durable, which lead to the state `after`.
    ///
    /// # Errors
    /// Those of the file system. Whether the entries are on disk is unknown then; they are not any
    /// more after the next commit that succeeds.
    pub(super) fn commit(&mut self, entries: &[Entry], after: &State) -> io::Result<()> {
        let mut records = Vec::new();
        for entry in entries {
            write(entry, &mut records)?;
        }
        match self.end.take() {
            Some(end) if end.offset + (records.len() as u64) < end.rewrite_at => {
                self.append(end, &records)
            }
            _ => self.rewrite(after),
        }
    }

    fn append(&mut self, mut end: End, records: &[u8]) -> io::Result<()> {
        fs::write_all_at(&mut *end.file, records, end.offset)?;
        end.file.sync()?;
        end.offset += records.len() as u64;
        self.end = Some(end);
        Ok(())
    }

    fn rewrite(&mut self, state: &State) -> io::Result<()> {
        let mut record = Vec::new();
        write(&Entry::State(Box::new(state.clone())), &mut record)?;
        fs::replace(&*self.fs, &self.path, &record)?;
        let offset = record.len() as u64;
        self.end = Some(End {
            file: self.fs.open(&self.path, Open::Write)?,
            offset,
            rewrite_at: offset + GROWTH_BYTES_MAX,
        });
        Ok(())
    }
}

fn write(entry: &Entry, records: &mut Vec<u8>) -> io::Result<()> {
    let begin = records.len();
    records.extend_from_slice(&[0; HEADER_BYTES]);
    serde_json::to_writer(&mut *records, entry)?;
    let body = records.get(begin + HEADER_BYTES..).unwrap_or_default();
    let length = u32::try_from(body.len()).map_err(|_| io::ErrorKind::FileTooLarge)?;
    let header = [length.to_le_bytes(), checksum(body).to_le_bytes()].concat();
    if let Some(place) = records.get_mut(begin..begin + HEADER_BYTES) {
        place.copy_from_slice(&header);
    }
    Ok(())
}

/// Follows all records; after a damaged one, goes on with the next that is whole.
fn read(mut bytes: &[u8]) -> Found {
    let mut found = Found::default();
    while !bytes.is_empty() {
        match record(bytes) {
            Some((entry, rest)) => {
                found.state.apply(&entry);
                bytes = rest;
            }
            None => {
                found.damaged_bytes += 1;
                bytes = bytes.get(1..).unwrap_or_default();
            }
        }
    }
    found
}

fn record(bytes: &[u8]) -> Option<(Entry, &[u8])> {
    let (header, rest) = bytes.split_first_chunk::<HEADER_BYTES>()?;
    let [l0, l1, l2, l3, c0, c1, c2, c3] = *header;
    let length = usize::try_from(u32::from_le_bytes([l0, l1, l2, l3])).ok()?;
    let (body, rest) = rest.split_at_checked(length)?;
    // A cheap look first: where records are searched for, most of what comes by is none.
    let is_record =
        body.starts_with(b"{") && checksum(body) == u32::from_le_bytes([c0, c1, c2, c3]);
    if !is_record {
        return None;
    }
    Some((json::read(body).ok()?, rest))
}

fn checksum(bytes: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(bytes);
    crc.sum()
}
