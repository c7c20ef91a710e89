//! The cursor file: how far the records have arrived and which numbers may have been given out.
//!
//! Two slots, at 0 and at 4096 bytes, are written in place by turns, so that a cut while writing
//! one leaves the other. The valid slot with the higher generation counts. A lost cursor loses
//! no record: what has arrived is sent again, and numbers go on far above all that are known.
//!
//! | offset | bytes | what |
//! |-------:|------:|------|
//! | 0  | 8 | `RSUCURSR` |
//! | 8  | 4 | version of the format, 1 |
//! | 12 | 8 | generation |
//! | 20 | 8 | spool id |
//! | 28 | 8 | boot: how many times the spool has been opened |
//! | 36 | 8 | settled: records up to this number have arrived or were given up |
//! | 44 | 8 | reserved: no number above it has been given out under the spool's id |
//! | 52 | 8 | records dropped for want of room since installation |
//! | 60 | 8 | records lost to damage since installation |
//! | 68 | 1 | 1 when the spool was closed: reserved is the last number committed |
//! | 69 | 1 | number of gaps, at most 64 |
//! | 70 | 17 each | the latest gaps: first, last, reason |
//! | 2044 | 4 | CRC-32C of the bytes before |

use std::io;
use std::path::{Path, PathBuf};

use super::fields::Fields;
use super::fs::{self, File, Fs, Open};
use super::gap::{Gap, Reason};
use super::record::SpoolId;
use super::segment::Losses;

pub(super) const NAME: &str = "cursor";
/// The latest gaps that a slot has room for.
pub(super) const GAPS_MAX: usize = 64;

const MAGIC: [u8; 8] = *b"RSUCURSR";
const VERSION: u32 = 1;
const SLOT_BYTES: usize = 2048;
const CHECKSUM_BYTES: usize = 4;
/// Apart, so that they share no page of the flash.
const SLOT_DISTANCE: u64 = 4096;

/// What a slot tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Position {
    pub(super) id: SpoolId,
    pub(super) boot: u64,
    pub(super) settled: u64,
    pub(super) reserved: u64,
    pub(super) losses: Losses,
    pub(super) is_closed: bool,
    /// At most [`GAPS_MAX`].
    pub(super) gaps: Vec<Gap>,
}

/// The file.
#[derive(Debug)]
pub(super) struct Cursor {
    path: PathBuf,
    file: Option<Box<dyn File>>,
    generation: u64,
    /// What the latest slot says is settled.
    settled: u64,
    /// What each slot reserves, 0 for one that is not valid.
    reserved: [u64; 2],
}

impl Cursor {
    /// Reads the cursor of a folder; the position is `None` if it is not there or both slots are
    /// damaged.
    ///
    /// # Errors
    /// The file is there and cannot be read.
    pub(super) fn load(fs: &dyn Fs, folder: &Path) -> io::Result<(Self, Option<Position>)> {
        let mut cursor = Self::new(folder);
        let file = match fs.open(&cursor.path, Open::Read) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((cursor, None)),
            file => file?,
        };
        let mut latest = None;
        for (slot, reserved) in cursor.reserved.iter_mut().enumerate() {
            let mut bytes = vec![0; SLOT_BYTES];
            fs::read_full_at(&*file, &mut bytes, slot as u64 * SLOT_DISTANCE)?;
            let Some((generation, position)) = decode(&bytes) else {
                continue;
            };
            *reserved = position.reserved;
            if latest.is_none() || generation > cursor.generation {
                (cursor.generation, cursor.settled) = (generation, position.settled);
                latest = Some(position);
            }
        }
        Ok((cursor, latest))
    }

    /// One that has not been written yet.
    pub(super) fn new(folder: &Path) -> Self {
        Self {
            path: folder.join(NAME),
            file: None,
            generation: 0,
            settled: 0,
            reserved: [0; 2],
        }
    }

    /// What is durably settled.
    pub(super) fn settled(&self) -> u64 {
        self.settled
    }

    /// The highest number that may be given out: whichever slot is lost, the other reserves it.
    pub(super) fn reserved(&self) -> u64 {
        let [a, b] = self.reserved;
        a.min(b)
    }

    /// The highest number that any slot reserves.
    pub(super) fn reserved_max(&self) -> u64 {
        let [a, b] = self.reserved;
        a.max(b)
    }

    /// Writes a slot durably. After an error the same slot is written again next time, and the
    /// other still holds.
    pub(super) fn save(&mut self, fs: &dyn Fs, position: &Position) -> io::Result<()> {
        let mut file = match self.file.take() {
            Some(file) => file,
            None => self.open(fs)?,
        };
        let generation = self.generation + 1;
        let slot = generation % 2;
        fs::write_all_at(
            &mut *file,
            &encode(generation, position),
            slot * SLOT_DISTANCE,
        )?;
        file.sync()?;
        self.file = Some(file);
        (self.generation, self.settled) = (generation, position.settled);
        if let Some(reserved) = self.reserved.get_mut(slot as usize) {
            *reserved = position.reserved;
        }
        Ok(())
    }

    fn open(&self, fs: &dyn Fs) -> io::Result<Box<dyn File>> {
        match fs.open(&self.path, Open::Write) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            file => return file,
        }
        let mut file = fs.open(&self.path, Open::Create)?;
        // All the space it will ever need: on a full disk it must still take a slot.
        let bytes = SLOT_DISTANCE as usize + SLOT_BYTES;
        fs::write_all_at(&mut *file, &vec![0; bytes], 0)?;
        file.sync()?;
        fs.sync_folder(self.path.parent().unwrap_or(Path::new(".")))?;
        Ok(file)
    }
}

fn encode(generation: u64, position: &Position) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(SLOT_BYTES);
    bytes.extend(MAGIC);
    bytes.extend(VERSION.to_le_bytes());
    for field in [
        generation,
        position.id.0,
        position.boot,
        position.settled,
        position.reserved,
        position.losses.dropped,
        position.losses.damaged,
    ] {
        bytes.extend(field.to_le_bytes());
    }
    let newest = position.gaps.len().saturating_sub(GAPS_MAX);
    let gaps = position.gaps.get(newest..).unwrap_or_default();
    bytes.extend([u8::from(position.is_closed), gaps.len() as u8]);
    for gap in gaps {
        bytes.extend(gap.first.to_le_bytes());
        bytes.extend(gap.last.to_le_bytes());
        bytes.push(gap.reason.code());
    }
    bytes.resize(SLOT_BYTES - CHECKSUM_BYTES, 0);
    bytes.extend(crc32c::crc32c(&bytes).to_le_bytes());
    bytes
}

fn decode(bytes: &[u8]) -> Option<(u64, Position)> {
    let (covered, checksum) = bytes.get(..SLOT_BYTES)?.split_last_chunk()?;
    if u32::from_le_bytes(*checksum) != crc32c::crc32c(covered) {
        return None;
    }
    let mut fields = Fields(covered);
    if fields.array()? != MAGIC || fields.u32()? != VERSION {
        return None;
    }
    let generation = fields.u64()?;
    let mut position = Position {
        id: SpoolId(fields.u64()?),
        boot: fields.u64()?,
        settled: fields.u64()?,
        reserved: fields.u64()?,
        losses: Losses {
            dropped: fields.u64()?,
            damaged: fields.u64()?,
        },
        is_closed: fields.u8()? == 1,
        gaps: Vec::new(),
    };
    for _ in 0..fields.u8()? {
        position.gaps.push(Gap {
            first: fields.u64()?,
            last: fields.u64()?,
            reason: Reason::from_code(fields.u8()?)?,
        });
    }
    Some((generation, position))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::fs::Memory;
    use super::*;

    fn position(reserved: u64) -> Position {
        Position {
            id: SpoolId(7),
            boot: 3,
            settled: 41,
            reserved,
            losses: Losses {
                dropped: 5,
                damaged: 6,
            },
            is_closed: true,
            gaps: vec![
                Gap {
                    first: 1,
                    last: 2,
                    reason: Reason::NoRoom
                };
                GAPS_MAX
            ],
        }
    }

    fn folder() -> (Memory, &'static Path) {
        let (fs, folder) = (Memory::new(), Path::new("/spool"));
        fs.create_folder(folder).unwrap();
        (fs, folder)
    }

    #[test]
    fn the_latest_position_reads_back() {
        let (fs, folder) = folder();
        let (mut cursor, found) = Cursor::load(&fs, folder).unwrap();
        assert_eq!(found, None);
        for reserved in 1..=5 {
            cursor.save(&fs, &position(reserved)).unwrap();
            let (cursor, found) = Cursor::load(&fs, folder).unwrap();
            assert_eq!(found, Some(position(reserved)));
            assert_eq!(cursor.reserved_max(), reserved);
        }
    }

    #[test]
    fn a_number_is_reserved_once_both_slots_say_so() {
        let (fs, folder) = folder();
        let mut cursor = Cursor::new(folder);
        cursor.save(&fs, &position(10)).unwrap();
        assert_eq!(cursor.reserved(), 0);
        cursor.save(&fs, &position(20)).unwrap();
        assert_eq!(cursor.reserved(), 10);
    }

    #[test]
    fn any_flipped_bit_costs_its_slot_and_not_the_other() {
        let (fs, folder) = folder();
        let mut cursor = Cursor::new(folder);
        cursor.save(&fs, &position(10)).unwrap();
        cursor.save(&fs, &position(20)).unwrap();
        let path = folder.join(NAME);
        let intact = fs::read(&fs, &path, 1 << 20).unwrap();
        for bit in 0..8 * intact.len() {
            let mut flipped = intact.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            fs::replace(&fs, &path, &flipped).unwrap();
            let (_, found) = Cursor::load(&fs, folder).unwrap();
            // The first save went to slot 1, the second, newer one to slot 0.
            let expected = if bit / 8 < SLOT_BYTES { 10 } else { 20 };
            assert_eq!(found.unwrap().reserved, expected, "bit {bit}");
        }
    }
}
