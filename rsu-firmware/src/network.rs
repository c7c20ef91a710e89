//! The network layer (YD/T 3707-2020): from a frame to the message it carries, and back.
//!
//! ```text
//! adaptation   protocol type          1 byte: 0 IPv6, 4 DSMP, 5 IPv4
//! DSMP         version                3 bits, 0
//!              extension indicator    1 bit
//!              reserved               4 bits, 0
//!              extension              where indicated
//!              AID                    1..4 bytes, p-encoded
//!              length                 2 bytes, big-endian, of the payload
//!              payload
//! ```

mod aid;
mod extension;
#[cfg(test)]
mod tests;

pub use aid::{Aid, MessageKind};
pub use extension::{Extension, Extensions};

/// The largest payload of a DSM in bytes that the standard's default allows (`DsmMaxLength`).
pub const DSM_LENGTH_MAX: usize = 1_400;

/// The most bytes [`build`] puts before the payload: adaptation, DSMP, AID, length.
pub const HEADER_LENGTH_MAX: usize = 1 + 1 + Aid::LENGTH_MAX + 2;

/// Whether frames begin with the adaptation layer's protocol type.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Adaptation {
    /// The first byte is the protocol type.
    #[default]
    Present,
    /// The radio took the protocol type off: the first byte is the DSMP header.
    Absent,
}

/// A dedicated short message, lent from its frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dsm<'a> {
    /// The application the payload is for.
    pub aid: Aid,
    /// The header's extension elements, usually none.
    pub extensions: Extensions<'a>,
    /// The message: a `MessageFrame` or a secured message.
    pub payload: &'a [u8],
    /// Bytes behind the payload that its length does not cover. Some radio modules pad frames, so
    /// they do no harm; they are worth counting.
    pub trailing_length: usize,
}

impl Dsm<'_> {
    /// What the payload is, or that nobody here has registered for its AID.
    pub fn kind(&self) -> Result<MessageKind, Dropped> {
        self.aid.kind().ok_or(Dropped::UnknownAid)
    }
}

/// Why the network layer does not deliver a frame. `dropped as usize` indexes an array of counters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Dropped {
    /// The protocol type is IPv4 or IPv6.
    IpPacket,
    /// The protocol type is one of the reserved values.
    UnknownProtocol,
    /// The DSMP version is not 0.
    UnknownVersion,
    /// A reserved bit of the DSMP header is set. Version 0 has them all 0; a set one most often
    /// means that [`Adaptation`] is configured as absent where it is present.
    ReservedBits,
    /// The frame ends inside the header.
    TruncatedHeader,
    /// An extension element is longer than the frame.
    BadExtension,
    /// The first byte of the AID is no p-encoding (`0xF0..=0xFF`).
    BadAid,
    /// The length is greater than what follows it.
    TruncatedPayload,
    /// The payload is longer than the limit.
    PayloadTooLong,
    /// The AID is well-formed but not registered here.
    UnknownAid,
}

impl Dropped {
    /// Every reason, in the order of their indices.
    pub const ALL: [Self; 10] = [
        Self::IpPacket,
        Self::UnknownProtocol,
        Self::UnknownVersion,
        Self::ReservedBits,
        Self::TruncatedHeader,
        Self::BadExtension,
        Self::BadAid,
        Self::TruncatedPayload,
        Self::PayloadTooLong,
        Self::UnknownAid,
    ];

    /// The counter's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::IpPacket => "ip_packet",
            Self::UnknownProtocol => "unknown_protocol",
            Self::UnknownVersion => "unknown_version",
            Self::ReservedBits => "reserved_bits",
            Self::TruncatedHeader => "truncated_header",
            Self::BadExtension => "bad_extension",
            Self::BadAid => "bad_aid",
            Self::TruncatedPayload => "truncated_payload",
            Self::PayloadTooLong => "payload_too_long",
            Self::UnknownAid => "unknown_aid",
        }
    }
}

/// Why a DSM cannot be built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BuildError {
    /// The payload is longer than the limit or than the length field can say.
    PayloadTooLong,
    /// The frame does not fit into the buffer.
    BufferTooSmall,
}

impl core::fmt::Display for BuildError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::PayloadTooLong => "the payload is longer than a DSM may be",
            Self::BufferTooSmall => "the frame does not fit into the buffer",
        })
    }
}

impl core::error::Error for BuildError {}

/// Takes the headers off a frame.
///
/// A payload of more than `payload_length_max` bytes (usually [`DSM_LENGTH_MAX`]) is dropped. A DSM
/// for an application unknown here is delivered; [`Dsm::kind`] tells.
pub fn parse(
    frame: &[u8],
    adaptation: Adaptation,
    payload_length_max: usize,
) -> Result<Dsm<'_>, Dropped> {
    let dsmp = match adaptation {
        Adaptation::Absent => frame,
        Adaptation::Present => match frame.split_first().ok_or(Dropped::TruncatedHeader)? {
            (&PROTOCOL_DSMP, rest) => rest,
            (&(PROTOCOL_IPV4 | PROTOCOL_IPV6), _) => return Err(Dropped::IpPacket),
            _ => return Err(Dropped::UnknownProtocol),
        },
    };

    let (&header, rest) = dsmp.split_first().ok_or(Dropped::TruncatedHeader)?;
    if header >> VERSION_SHIFT != 0 {
        return Err(Dropped::UnknownVersion);
    }
    if header & RESERVED_MASK != 0 {
        return Err(Dropped::ReservedBits);
    }
    let (extensions, rest) = match header & EXTENSION_INDICATOR {
        0 => (Extensions::default(), rest),
        _ => Extensions::parse(rest)?,
    };
    let (aid, rest) = Aid::parse(rest)?;
    let (length, rest) = rest.split_first_chunk().ok_or(Dropped::TruncatedHeader)?;
    let length = usize::from(u16::from_be_bytes(*length));
    if length > payload_length_max {
        return Err(Dropped::PayloadTooLong);
    }
    let (payload, trailing) = rest
        .split_at_checked(length)
        .ok_or(Dropped::TruncatedPayload)?;
    Ok(Dsm {
        aid,
        extensions,
        payload,
        trailing_length: trailing.len(),
    })
}

/// Writes the frame that carries `payload` to the application `aid`, without extension elements,
/// and returns its length in bytes.
pub fn build(
    aid: Aid,
    payload: &[u8],
    adaptation: Adaptation,
    payload_length_max: usize,
    frame: &mut [u8],
) -> Result<usize, BuildError> {
    let length = u16::try_from(payload.len())
        .ok()
        .filter(|&length| usize::from(length) <= payload_length_max)
        .ok_or(BuildError::PayloadTooLong)?;
    let protocol: &[u8] = match adaptation {
        Adaptation::Present => &[PROTOCOL_DSMP],
        Adaptation::Absent => &[],
    };

    let (aid, aid_length) = aid.encode();
    let parts = [
        protocol,
        &[0],
        aid.get(..aid_length).unwrap_or_default(),
        &length.to_be_bytes(),
        payload,
    ];
    let mut end = 0;
    for part in parts {
        frame
            .get_mut(end..)
            .and_then(|rest| rest.get_mut(..part.len()))
            .ok_or(BuildError::BufferTooSmall)?
            .copy_from_slice(part);
        end += part.len();
    }
    Ok(end)
}

const PROTOCOL_IPV6: u8 = 0;
const PROTOCOL_DSMP: u8 = 4;
const PROTOCOL_IPV4: u8 = 5;

const VERSION_SHIFT: u32 = 5;
const EXTENSION_INDICATOR: u8 = 0x10;
const RESERVED_MASK: u8 = 0x0F;
