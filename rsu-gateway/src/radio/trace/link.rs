//! From a captured packet to the frame in it.

use etherparse::{EtherType, SlicedPacket, TransportSlice, err::packet::SliceError};
use pcap_parser::Linktype;

use super::Skipped;

/// The link type reserved for private use that PC5 traces have: a packet is a frame.
const PC5: Linktype = Linktype(147);

/// Takes away what the capture has around the frame.
pub(super) fn frame(link: Linktype, packet: &[u8]) -> Result<&[u8], Skipped> {
    match link {
        PC5 => Ok(packet),
        Linktype::ETHERNET => udp_payload(SlicedPacket::from_ethernet(packet)),
        Linktype::RAW | Linktype::IPV4 | Linktype::IPV6 => {
            udp_payload(SlicedPacket::from_ip(packet))
        }
        Linktype::LINUX_SLL => cooked(packet, COOKED_V1),
        Linktype::LINUX_SLL2 => cooked(packet, COOKED_V2),
        _ => Err(Skipped::UnknownLinkType),
    }
}

/// The shape of a Linux cooked capture's header.
struct Cooked {
    protocol_at: usize,
    length: usize,
}

const COOKED_V1: Cooked = Cooked {
    protocol_at: 14,
    length: 16,
};
const COOKED_V2: Cooked = Cooked {
    protocol_at: 0,
    length: 20,
};

fn cooked(packet: &[u8], shape: Cooked) -> Result<&[u8], Skipped> {
    let (header, payload) = packet
        .split_at_checked(shape.length)
        .ok_or(Skipped::Malformed)?;
    let protocol = header
        .get(shape.protocol_at..)
        .and_then(|bytes| bytes.first_chunk())
        .ok_or(Skipped::Malformed)?;
    let ether_type = EtherType(u16::from_be_bytes(*protocol));
    udp_payload(SlicedPacket::from_ether_type(ether_type, payload))
}

fn udp_payload<'a>(packet: Result<SlicedPacket<'a>, SliceError>) -> Result<&'a [u8], Skipped> {
    let packet = packet.map_err(|_| Skipped::Malformed)?;
    let ip_payload = packet.net.as_ref().and_then(|net| net.ip_payload_ref());
    if ip_payload.ok_or(Skipped::NotIp)?.fragmented {
        return Err(Skipped::Fragment);
    }
    match packet.transport {
        Some(TransportSlice::Udp(udp)) => Ok(udp.payload()),
        _ => Err(Skipped::NotUdp),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Link types with the beginning of a packet that leads on to IP.
    fn links() -> impl Strategy<Value = (Linktype, Vec<u8>)> {
        let cooked = |length, at: usize| {
            let mut header = vec![0; length];
            header[at..at + 2].copy_from_slice(&[0x08, 0x00]);
            header
        };
        prop_oneof![
            Just((PC5, vec![])),
            Just((Linktype::RAW, vec![0x45, 0])),
            Just((Linktype::RAW, vec![0x60, 0, 0, 0])),
            Just((Linktype::ETHERNET, cooked(14, 12))),
            Just((Linktype::LINUX_SLL, cooked(16, 14))),
            Just((Linktype::LINUX_SLL2, cooked(20, 0))),
            any::<i32>().prop_map(|link| (Linktype(link), vec![])),
        ]
    }

    proptest! {
        #[test]
        fn a_frame_is_a_part_of_its_packet_or_there_is_a_reason(
            (link, mut packet) in links(),
            rest in prop::collection::vec(any::<u8>(), 0..80),
            bare in any::<bool>(),
        ) {
            match bare {
                true => packet = rest,
                false => packet.extend(rest),
            }
            if let Ok(frame) = frame(link, &packet) {
                prop_assert!(packet.as_ptr_range().contains(&frame.as_ptr()) || frame.is_empty());
                prop_assert!(frame.len() <= packet.len());
            }
        }
    }
}
