//! The segment file: a header, then entries without space between them, appended and never
//! changed. Its name is its base, `00000000000000000042.segment`. Numbers are little-endian,
//! checksums CRC-32C (Castagnoli).
//!
//! Header, 64 bytes:
//!
//! | offset | bytes | what |
//! |-------:|------:|------|
//! | 0  | 8 | `RSUSPOOL` |
//! | 8  | 4 | version of the format, 1 |
//! | 12 | 8 | spool id |
//! | 20 | 8 | base: no record in the file has a lower sequence number |
//! | 28 | 8 | boot: how many times the spool had been opened |
//! | 36 | 8 | settled: records up to this number had arrived or been given up |
//! | 44 | 8 | records dropped for want of room since installation |
//! | 52 | 8 | records lost to damage since installation |
//! | 60 | 4 | checksum of the 60 bytes before |
//!
//! Entry, 40 bytes and its body:
//!
//! | offset | bytes | what |
//! |-------:|------:|------|
//! | 0  | 4 | checksum of the other 36 bytes |
//! | 4  | 4 | checksum of the body |
//! | 8  | 4 | length of the payload |
//! | 12 | 2 | length of the topic |
//! | 14 | 1 | kind: 1 record, 2 gap |
//! | 15 | 1 | flags: bit 0 retain, bits 1-2 clock (0 unknown, 1 synchronized, 2 unsynchronized) |
//! | 16 | 8 | sequence number; of a gap, its first |
//! | 24 | 8 | time, microseconds since 1970, signed |
//! | 32 | 4 | error of the clock in ms as a float, NaN where unknown |
//! | 36 | 4 | offset in the file up to which all was durable before this entry was written |
//! | 40 |   | topic, payload; of a gap, its last sequence number (8) and the reason (1) |
//!
//! Every checksum of an entry begins with the spool id, the base and the entry's offset in the
//! file. So an entry is valid in its place only: neither a payload that looks like an entry nor
//! what an older file left on the disk is ever taken for one. As the header of an entry has its
//! own checksum, damage of a body costs that entry; damage of a header costs as much, because
//! the next valid header is searched for byte by byte.
//!
//! When a later segment has a base at or below an entry's number, the entry was written again
//! there, after a failure, and does not count.

use rsu_firmware::time::Timestamp;

use super::fields::Fields;
use super::gap::{Gap, Reason};
use super::record::{Record, SpoolId, Stamp};
use crate::clock::{ClockQuality, Synchronization};
use crate::mqtt::Publish;

pub(super) const HEADER_BYTES: usize = 64;
pub(super) const ENTRY_HEADER_BYTES: usize = 40;
pub(super) const GAP_BYTES: usize = ENTRY_HEADER_BYTES + 9;

const MAGIC: [u8; 8] = *b"RSUSPOOL";
const VERSION: u32 = 1;
const SUFFIX: &str = ".segment";

const RECORD: u8 = 1;
const GAP: u8 = 2;
const RETAIN: u8 = 1;

/// The name of the segment that begins with `base`.
pub(super) fn name(base: u64) -> String {
    format!("{base:020}{SUFFIX}")
}

/// The base in a segment's name; `None` for other files.
pub(super) fn base_of(name: &str) -> Option<u64> {
    let base = name.strip_suffix(SUFFIX)?.parse().ok()?;
    (self::name(base) == name).then_some(base)
}

/// What a segment says about itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) id: SpoolId,
    pub(super) base: u64,
    pub(super) boot: u64,
    pub(super) settled: u64,
    pub(super) losses: Losses,
}

/// Records lost since installation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Losses {
    /// Because there was no room for them, on disk or in memory.
    pub dropped: u64,
    /// Because what held them was damaged or is gone.
    pub damaged: u64,
}

/// Why a header cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HeaderFault {
    Damaged,
    Version,
}

impl Header {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEADER_BYTES);
        bytes.extend(MAGIC);
        bytes.extend(VERSION.to_le_bytes());
        for field in [
            self.id.0,
            self.base,
            self.boot,
            self.settled,
            self.losses.dropped,
            self.losses.damaged,
        ] {
            bytes.extend(field.to_le_bytes());
        }
        bytes.extend(crc32c::crc32c(&bytes).to_le_bytes());
        bytes
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, HeaderFault> {
        Self::fields(bytes).unwrap_or(Err(HeaderFault::Damaged))
    }

    fn fields(bytes: &[u8]) -> Option<Result<Self, HeaderFault>> {
        let (covered, checksum) = bytes.get(..HEADER_BYTES)?.split_last_chunk()?;
        let mut fields = Fields(covered);
        if fields.array()? != MAGIC || u32::from_le_bytes(*checksum) != crc32c::crc32c(covered) {
            return None;
        }
        if fields.u32()? != VERSION {
            return Some(Err(HeaderFault::Version));
        }
        Some(Ok(Self {
            id: SpoolId(fields.u64()?),
            base: fields.u64()?,
            boot: fields.u64()?,
            settled: fields.u64()?,
            losses: Losses {
                dropped: fields.u64()?,
                damaged: fields.u64()?,
            },
        }))
    }
}

/// What binds the checksums of entries to their segment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seal(u32);

impl Seal {
    pub(super) fn new(id: SpoolId, base: u64) -> Self {
        let seed = crc32c::crc32c(&id.0.to_le_bytes());
        Self(crc32c::crc32c_append(seed, &base.to_le_bytes()))
    }

    fn checksum(self, offset: usize, bytes: &[u8]) -> u32 {
        let seed = crc32c::crc32c_append(self.0, &(offset as u64).to_le_bytes());
        crc32c::crc32c_append(seed, bytes)
    }
}

/// The bytes that a record takes in a segment.
pub(super) fn record_bytes(publish: &Publish) -> usize {
    ENTRY_HEADER_BYTES + publish.size()
}

/// Appends entries to bytes that will stand at an offset of a segment.
#[derive(Debug)]
pub(super) struct Encoder<'a> {
    pub(super) seal: Seal,
    /// Where in the segment `bytes` begin; all before it is durable.
    pub(super) begin: usize,
    pub(super) bytes: &'a mut Vec<u8>,
}

impl Encoder<'_> {
    pub(super) fn record(&mut self, record: &Record) {
        let Publish {
            topic,
            payload,
            retain,
        } = &record.publish;
        let flags = u8::from(*retain) | synchronization_code(record.stamp.clock.synchronization);
        let body = [topic.as_bytes(), payload];
        self.entry(RECORD, flags, record.sequence, record.stamp, body);
    }

    pub(super) fn gap(&mut self, gap: &Gap) {
        let last = gap.last.to_le_bytes();
        let mut payload = last.to_vec();
        payload.push(gap.reason.code());
        self.entry(GAP, 0, gap.first, Stamp::default(), [&[], &payload]);
    }

    fn entry(&mut self, kind: u8, flags: u8, sequence: u64, stamp: Stamp, body: [&[u8]; 2]) {
        let [topic, payload] = body;
        let offset = self.begin + self.bytes.len();
        let body_checksum = crc32c::crc32c_append(self.seal.checksum(offset, topic), payload);
        let mut header = Vec::with_capacity(ENTRY_HEADER_BYTES - 4);
        header.extend(body_checksum.to_le_bytes());
        header.extend((payload.len() as u32).to_le_bytes());
        header.extend((topic.len() as u16).to_le_bytes());
        header.extend([kind, flags]);
        header.extend(sequence.to_le_bytes());
        header.extend(stamp.time.as_micros().to_le_bytes());
        header.extend(stamp.clock.error_ms.unwrap_or(f32::NAN).to_le_bytes());
        header.extend((self.begin as u32).to_le_bytes());
        let header_checksum = self.seal.checksum(offset, &header);
        self.bytes.extend(header_checksum.to_le_bytes());
        self.bytes.extend(header);
        self.bytes.extend(topic);
        self.bytes.extend(payload);
    }
}

/// What a segment holds, read.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Entry<'a> {
    Record(RecordView<'a>),
    Gap(Gap),
}

/// A record that lies in the segment's bytes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct RecordView<'a> {
    pub(super) sequence: u64,
    pub(super) stamp: Stamp,
    pub(super) retain: bool,
    pub(super) topic: &'a str,
    pub(super) payload: &'a [u8],
}

impl RecordView<'_> {
    pub(super) fn size(&self) -> usize {
        self.topic.len() + self.payload.len()
    }

    pub(super) fn to_record(self) -> Record {
        let mut publish = Publish::new(self.topic, self.payload.to_vec());
        publish.retain = self.retain;
        Record {
            sequence: self.sequence,
            stamp: self.stamp,
            publish,
        }
    }
}

/// Goes through the entries of a segment.
#[derive(Clone, Debug)]
pub(super) struct Scan<'a> {
    pub(super) seal: Seal,
    /// The whole segment.
    pub(super) bytes: &'a [u8],
    /// Where it goes on.
    pub(super) offset: usize,
}

/// What a [`Scan`] comes upon.
#[derive(Clone, Debug)]
pub(super) enum Found<'a> {
    Entry {
        entry: Entry<'a>,
        /// All before this offset was durable when it was written.
        durable_before: usize,
    },
    /// No valid entry from this offset to where the scan goes on.
    Damage { at: usize },
}

impl<'a> Iterator for Scan<'a> {
    type Item = Found<'a>;

    fn next(&mut self) -> Option<Found<'a>> {
        let at = self.offset;
        if at >= self.bytes.len() {
            return None;
        }
        let Some(header) = self.header(at) else {
            let mut candidates = at + 1..self.bytes.len();
            let next = candidates.find(|&offset| self.header(offset).is_some());
            self.offset = next.unwrap_or(self.bytes.len());
            return Some(Found::Damage { at });
        };
        self.offset = at
            .saturating_add(header.entry_bytes())
            .min(self.bytes.len());
        Some(match self.entry(at, &header) {
            Some(entry) => Found::Entry {
                entry,
                durable_before: header.durable_before,
            },
            None => Found::Damage { at },
        })
    }
}

struct EntryHeader {
    body_checksum: u32,
    payload_bytes: usize,
    topic_bytes: usize,
    kind: u8,
    flags: u8,
    sequence: u64,
    stamp: Stamp,
    durable_before: usize,
}

impl EntryHeader {
    fn entry_bytes(&self) -> usize {
        ENTRY_HEADER_BYTES + self.topic_bytes + self.payload_bytes
    }
}

impl<'a> Scan<'a> {
    fn header(&self, at: usize) -> Option<EntryHeader> {
        let bytes = self.bytes.get(at..)?.get(..ENTRY_HEADER_BYTES)?;
        // Spares most of the checksums where a header is searched for.
        if !matches!(bytes.get(14), Some(&(RECORD | GAP))) {
            return None;
        }
        let (checksum, covered) = bytes.split_first_chunk()?;
        if u32::from_le_bytes(*checksum) != self.seal.checksum(at, covered) {
            return None;
        }
        let mut fields = Fields(covered);
        let body_checksum = fields.u32()?;
        let payload_bytes = fields.u32()? as usize;
        let topic_bytes = fields.u16()?.into();
        let (kind, flags) = (fields.u8()?, fields.u8()?);
        let sequence = fields.u64()?;
        let time = Timestamp::from_micros(fields.i64()?);
        let error_ms = Some(fields.f32()?).filter(|error| !error.is_nan());
        let clock = ClockQuality {
            synchronization: synchronization(flags),
            error_ms,
        };
        Some(EntryHeader {
            body_checksum,
            payload_bytes,
            topic_bytes,
            kind,
            flags,
            sequence,
            stamp: Stamp { time, clock },
            durable_before: fields.u32()? as usize,
        })
    }

    fn entry(&self, at: usize, header: &EntryHeader) -> Option<Entry<'a>> {
        let mut body = Fields(self.bytes.get(at + ENTRY_HEADER_BYTES..)?);
        let topic = body.bytes(header.topic_bytes)?;
        let payload = body.bytes(header.payload_bytes)?;
        let checksum = crc32c::crc32c_append(self.seal.checksum(at, topic), payload);
        if checksum != header.body_checksum {
            return None;
        }
        if header.kind == RECORD {
            return Some(Entry::Record(RecordView {
                sequence: header.sequence,
                stamp: header.stamp,
                retain: header.flags & RETAIN != 0,
                topic: std::str::from_utf8(topic).ok()?,
                payload,
            }));
        }
        let mut fields = Fields(payload);
        Some(Entry::Gap(Gap {
            first: header.sequence,
            last: fields.u64()?,
            reason: Reason::from_code(fields.u8()?)?,
        }))
    }
}

fn synchronization_code(synchronization: Synchronization) -> u8 {
    match synchronization {
        Synchronization::Unknown => 0,
        Synchronization::Synchronized => 1 << 1,
        Synchronization::Unsynchronized => 2 << 1,
    }
}

fn synchronization(flags: u8) -> Synchronization {
    match flags >> 1 & 0b11 {
        1 => Synchronization::Synchronized,
        2 => Synchronization::Unsynchronized,
        _ => Synchronization::Unknown,
    }
}
