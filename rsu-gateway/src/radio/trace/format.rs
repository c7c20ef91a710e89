//! The file formats pcap and pcapng: from a file's bytes to its packets.

use std::ops::Range;

use pcap_parser::nom::{Err as Nom, Offset};
use pcap_parser::traits::PcapNGPacketBlock;
use pcap_parser::{
    Block, EnhancedPacketBlock, InterfaceDescriptionBlock, Linktype, OptionCode, PcapError,
    PcapHeader, SimplePacketBlock, parse_block_be, parse_block_le, parse_pcap_frame,
    parse_pcap_frame_be, parse_pcap_frame_modified, parse_pcap_header,
};
use rsu_firmware::time::Timestamp;

use super::Skipped;

/// The most interfaces of a section; packets of further ones are skipped.
const INTERFACES_MAX: usize = 256;

/// A file's format, with what its headers said so far.
#[derive(Debug)]
pub(super) enum Format {
    Pcap(PcapHeader),
    PcapNg {
        big_endian: bool,
        interfaces: Vec<Interface>,
    },
}

/// What one block or packet record was.
#[derive(Debug)]
pub(super) struct Parsed {
    /// How many bytes it takes.
    pub(super) length: usize,
    /// The packet, if it held one.
    pub(super) packet: Option<Packet>,
}

/// A captured packet.
#[derive(Clone, Debug)]
pub(super) struct Packet {
    /// When it was captured; `None` where the file does not say.
    pub(super) time: Option<Timestamp>,
    /// What its bytes begin with, or why they are of no use.
    pub(super) link: Result<Linktype, Skipped>,
    /// Where its bytes lie.
    pub(super) bytes: Range<usize>,
}

/// Why bytes were not parsed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unparsed {
    /// More of them are needed.
    Incomplete,
    /// They are not what the format has there.
    Malformed,
}

#[derive(Debug)]
pub(super) struct Interface {
    link: Linktype,
    ticks_per_second: u128,
    offset_s: i64,
    /// The longest part of a packet that was captured, in bytes; 0 for all of it.
    snap_length: u32,
}

impl Format {
    /// Tells the format from a file's first bytes. Returns how many of them it takes, too.
    pub(super) fn detect(bytes: &[u8]) -> Result<(Self, usize), Unparsed> {
        const SECTION_HEADER: [u8; 4] = [0x0A, 0x0D, 0x0D, 0x0A];
        let magic: &[u8; 4] = bytes.first_chunk().ok_or(Unparsed::Incomplete)?;
        if *magic == SECTION_HEADER {
            let format = Self::PcapNg {
                big_endian: false,
                interfaces: Vec::new(),
            };
            return Ok((format, 0));
        }
        let (rest, header) = parse_pcap_header(bytes)?;
        Ok((Self::Pcap(header), bytes.len() - rest.len()))
    }

    /// Parses the block or packet record that `bytes` begin with.
    pub(super) fn parse(&mut self, bytes: &[u8]) -> Result<Parsed, Unparsed> {
        match self {
            Self::Pcap(header) => parse_record(header, bytes),
            Self::PcapNg {
                big_endian,
                interfaces,
            } => parse_block(big_endian, interfaces, bytes),
        }
    }
}

fn parse_record(header: &PcapHeader, bytes: &[u8]) -> Result<Parsed, Unparsed> {
    let (rest, record) = if header.is_modified_format() {
        parse_pcap_frame_modified(bytes)
    } else if header.is_bigendian() {
        parse_pcap_frame_be(bytes)
    } else {
        parse_pcap_frame(bytes)
    }?;
    let micros = match header.is_nanosecond_precision() {
        true => record.ts_usec / 1_000,
        false => record.ts_usec,
    };
    let time = i64::from(record.ts_sec) * 1_000_000 + i64::from(micros);
    // The upper half of the field tells of frame check sequences.
    let link = Linktype(header.network.0 & 0xFFFF);
    Ok(Parsed {
        length: bytes.len() - rest.len(),
        packet: Some(Packet {
            time: Some(Timestamp::from_micros(time)),
            link: whole(record.data.len(), record.origlen).map(|()| link),
            bytes: range_in(bytes, record.data),
        }),
    })
}

fn parse_block(
    big_endian: &mut bool,
    interfaces: &mut Vec<Interface>,
    bytes: &[u8],
) -> Result<Parsed, Unparsed> {
    let (rest, block) = match big_endian {
        true => parse_block_be(bytes),
        false => parse_block_le(bytes),
    }?;
    let packet = match block {
        Block::SectionHeader(section) => {
            *big_endian = section.big_endian();
            interfaces.clear();
            None
        }
        Block::InterfaceDescription(description) => {
            if interfaces.len() < INTERFACES_MAX {
                interfaces.push(Interface::new(&description, *big_endian));
            }
            None
        }
        Block::EnhancedPacket(packet) => Some(enhanced_packet(&packet, interfaces, bytes)),
        Block::SimplePacket(packet) => Some(simple_packet(&packet, interfaces, bytes)),
        Block::Unknown(unknown) if is_obsolete_packet(unknown.block_type) => Some(Packet {
            time: None,
            link: Err(Skipped::ObsoleteBlock),
            bytes: range_in(bytes, unknown.data),
        }),
        _ => None,
    };
    Ok(Parsed {
        length: bytes.len() - rest.len(),
        packet,
    })
}

fn enhanced_packet(
    packet: &EnhancedPacketBlock<'_>,
    interfaces: &[Interface],
    block: &[u8],
) -> Packet {
    let interface = usize::try_from(packet.if_id)
        .ok()
        .and_then(|id| interfaces.get(id))
        .ok_or(Skipped::UnknownInterface);
    let data = packet.packet_data();
    let ticks = u64::from(packet.ts_high) << 32 | u64::from(packet.ts_low);
    Packet {
        time: interface.ok().map(|interface| interface.time(ticks)),
        link: interface
            .and_then(|interface| whole(data.len(), packet.origlen).map(|()| interface.link)),
        bytes: range_in(block, data),
    }
}

/// A simple packet belongs to the first interface and has neither time nor captured length.
fn simple_packet(packet: &SimplePacketBlock<'_>, interfaces: &[Interface], block: &[u8]) -> Packet {
    let interface = interfaces.first().ok_or(Skipped::UnknownInterface);
    let snap_length = interface.map_or(0, |interface| interface.snap_length);
    let data = match (packet.packet_data(), snap_length) {
        (data, 0) => data,
        (data, limit) => data.get(..limit as usize).unwrap_or(data),
    };
    Packet {
        time: None,
        link: interface
            .and_then(|interface| whole(data.len(), packet.origlen).map(|()| interface.link)),
        bytes: range_in(block, data),
    }
}

impl Interface {
    fn new(description: &InterfaceDescriptionBlock<'_>, big_endian: bool) -> Self {
        let option = |code| {
            let mut options = description.options.iter();
            options.find(|option| option.code == code)
        };
        // The library's own reading of these two knows neither powers of two nor big-endian.
        let resolution = option(OptionCode::IfTsresol).and_then(|option| option.value.first());
        let offset = option(OptionCode::IfTsoffset).and_then(|option| option.value.first_chunk());
        Self {
            link: description.linktype,
            ticks_per_second: ticks_per_second(resolution.copied().unwrap_or(MICROSECONDS)),
            offset_s: match offset {
                None => 0,
                Some(bytes) if big_endian => i64::from_be_bytes(*bytes),
                Some(bytes) => i64::from_le_bytes(*bytes),
            },
            snap_length: description.snaplen,
        }
    }

    fn time(&self, ticks: u64) -> Timestamp {
        let micros = u128::from(ticks) * 1_000_000 / self.ticks_per_second;
        let micros = i64::try_from(micros).unwrap_or(i64::MAX);
        let offset = self.offset_s.saturating_mul(1_000_000);
        Timestamp::from_micros(micros.saturating_add(offset))
    }
}

/// `if_tsresol` where the option is absent.
const MICROSECONDS: u8 = 6;

/// The meaning of `if_tsresol`: a negative power of 10 or, with the top bit set, of 2.
fn ticks_per_second(resolution: u8) -> u128 {
    let exponent = u32::from(resolution & 0x7F);
    match resolution & 0x80 {
        // Beyond the type's range, all that a 64-bit tick can count is less than a microsecond.
        0 => 10_u128.checked_pow(exponent).unwrap_or(u128::MAX),
        _ => 1 << exponent,
    }
}

fn whole(captured: usize, original: u32) -> Result<(), Skipped> {
    match captured < original as usize {
        true => Err(Skipped::CutOff),
        false => Ok(()),
    }
}

/// The type of pcapng's Packet Block, which the Enhanced Packet Block has replaced; blocks give
/// their type as read in little-endian.
fn is_obsolete_packet(block_type: u32) -> bool {
    block_type == 2 || block_type == 2_u32.swap_bytes()
}

fn range_in(bytes: &[u8], part: &[u8]) -> Range<usize> {
    let start = bytes.offset(part);
    start..start + part.len()
}

impl From<Nom<PcapError<&[u8]>>> for Unparsed {
    fn from(error: Nom<PcapError<&[u8]>>) -> Self {
        match error {
            Nom::Incomplete(_) => Self::Incomplete,
            Nom::Error(_) | Nom::Failure(_) => Self::Malformed,
        }
    }
}
