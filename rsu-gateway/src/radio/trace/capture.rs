//! Reading a capture file packet by packet, in bounded memory.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Cursor, Read, Seek};
use std::ops::Range;

use super::TraceFault;
use super::format::{Format, Packet, Unparsed};

/// The longest block or packet record that is read, in bytes.
pub const BLOCK_LENGTH_MAX: usize = 1 << 20;

/// Where a capture's bytes come from.
#[derive(Debug)]
pub(super) enum Source {
    File(File),
    Bytes(Cursor<Cow<'static, [u8]>>),
}

/// A capture that is being read.
#[derive(Debug)]
pub(super) struct Capture {
    source: Source,
    buffer: Box<[u8]>,
    /// The part of the buffer that was read and not yet parsed.
    unparsed: Range<usize>,
    /// Where in the file `unparsed` begins, in bytes.
    offset: u64,
    /// `None` until the first bytes are read.
    format: Option<Format>,
}

impl Capture {
    /// Begins to read a capture: what follows is its first packet.
    pub(super) fn new(source: Source) -> Self {
        Self {
            source,
            buffer: vec![0; BLOCK_LENGTH_MAX].into(),
            unparsed: 0..0,
            offset: 0,
            format: None,
        }
    }

    /// Goes back to the first packet.
    pub(super) fn rewind(&mut self) -> io::Result<()> {
        match &mut self.source {
            Source::File(file) => file.rewind()?,
            Source::Bytes(bytes) => bytes.rewind()?,
        }
        self.unparsed = 0..0;
        self.offset = 0;
        self.format = None;
        Ok(())
    }

    /// Where in the file the next block or packet begins, in bytes.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// The bytes at a packet's place, until the next packet is read.
    pub(super) fn bytes(&self, place: Range<usize>) -> &[u8] {
        self.buffer.get(place).unwrap_or_default()
    }

    /// The next packet; `None` at the end of the file.
    pub(super) fn next_packet(&mut self) -> Result<Option<Packet>, TraceFault> {
        loop {
            let start = self.unparsed.start;
            let unparsed = self.buffer.get(self.unparsed.clone()).unwrap_or_default();
            let parsed = match &mut self.format {
                None => Format::detect(unparsed).map(|(format, length)| {
                    self.format = Some(format);
                    (length, None)
                }),
                Some(format) if !unparsed.is_empty() => format
                    .parse(unparsed)
                    .map(|parsed| (parsed.length, parsed.packet)),
                Some(_) => Err(Unparsed::Incomplete),
            };
            match parsed {
                Ok((length, packet)) => {
                    self.unparsed.start += length;
                    self.offset += length as u64;
                    if let Some(packet) = packet {
                        let bytes = start + packet.bytes.start..start + packet.bytes.end;
                        return Ok(Some(Packet { bytes, ..packet }));
                    }
                }
                Err(Unparsed::Incomplete) if self.fill()? => {}
                Err(Unparsed::Incomplete) if self.format.is_some() && self.unparsed.is_empty() => {
                    return Ok(None);
                }
                Err(Unparsed::Incomplete) => return Err(TraceFault::Truncated),
                Err(Unparsed::Malformed) if self.format.is_none() => {
                    return Err(TraceFault::UnknownFormat);
                }
                Err(Unparsed::Malformed) => return Err(TraceFault::Malformed),
            }
        }
    }

    /// Reads on; false at the end of the file.
    fn fill(&mut self) -> Result<bool, TraceFault> {
        self.buffer.copy_within(self.unparsed.clone(), 0);
        self.unparsed = 0..self.unparsed.len();
        let free = self.buffer.get_mut(self.unparsed.end..);
        let free = free.filter(|free| !free.is_empty());
        let free = free.ok_or(TraceFault::TooLong)?;
        let length = loop {
            match self.source.read(free) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => break read.map_err(TraceFault::Unreadable)?,
            }
        };
        self.unparsed.end += length;
        Ok(length > 0)
    }
}

impl Read for Source {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::File(file) => file.read(buffer),
            Self::Bytes(bytes) => bytes.read(buffer),
        }
    }
}
