//! The few blocks of pcapng that a recording has, in little-endian.

use rsu_firmware::pc5::Received;

/// A section header and its only interface: link type USER0 (147), whose packets are frames, with
/// time stamps in microseconds.
pub(super) const HEADER: [u8; 48] = *b"\
    \x0A\x0D\x0D\x0A\x1C\0\0\0\
    \x4D\x3C\x2B\x1A\x01\0\0\0\
    \xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\
    \x1C\0\0\0\
    \x01\0\0\0\x14\0\0\0\
    \x93\0\0\0\0\0\0\0\
    \x14\0\0\0";

/// How many bytes a frame takes in the file.
pub(super) const fn packet_length(frame: &[u8]) -> usize {
    PACKET_OVERHEAD + frame.len().next_multiple_of(ALIGNMENT)
}

/// Writes a frame as Enhanced Packet Block.
pub(super) fn append_packet(file: &mut Vec<u8>, received: &Received<'_>) {
    let frame = received.bytes;
    let block_length = packet_length(frame) as u32;
    let frame_length = frame.len() as u32;
    // A time before 1970 cannot be written.
    let micros = u64::try_from(received.time.as_micros()).unwrap_or(0);
    let fields = [
        ENHANCED_PACKET,
        block_length,
        INTERFACE,
        (micros >> 32) as u32,
        micros as u32,
        frame_length,
        frame_length,
    ];
    file.extend(fields.into_iter().flat_map(u32::to_le_bytes));
    file.extend_from_slice(frame);
    let padding = frame.len().next_multiple_of(ALIGNMENT) - frame.len();
    file.extend(std::iter::repeat_n(0, padding));
    file.extend_from_slice(&block_length.to_le_bytes());
}

const ENHANCED_PACKET: u32 = 6;
const INTERFACE: u32 = 0;
/// Type, length and five fields before the frame, the length again behind it, four bytes each.
const PACKET_OVERHEAD: usize = 32;
const ALIGNMENT: usize = 4;
