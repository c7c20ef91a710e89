//! Writes captures as other programs would, independently of what the product writes and reads.

/// A packet: its time in nanoseconds since 1970, and its bytes.
pub type Packet = (u64, Vec<u8>);

/// The order of a file's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endian {
    /// The greatest first.
    Big,
    /// The least first.
    Little,
}

impl Endian {
    fn u16(self, value: u16) -> [u8; 2] {
        match self {
            Self::Big => value.to_be_bytes(),
            Self::Little => value.to_le_bytes(),
        }
    }

    fn u32(self, value: u32) -> [u8; 4] {
        match self {
            Self::Big => value.to_be_bytes(),
            Self::Little => value.to_le_bytes(),
        }
    }

    fn u64(self, value: u64) -> [u8; 8] {
        match self {
            Self::Big => value.to_be_bytes(),
            Self::Little => value.to_le_bytes(),
        }
    }
}

/// A pcap file with microseconds, or nanoseconds, in its time stamps.
pub fn pcap(endian: Endian, nanoseconds: bool, link: u32, packets: &[Packet]) -> Vec<u8> {
    let (magic, unit_ns) = match nanoseconds {
        true => (0xA1B2_3C4D, 1),
        false => (0xA1B2_C3D4, 1_000),
    };
    let mut file = Vec::new();
    file.extend(endian.u32(magic));
    file.extend(endian.u16(2));
    file.extend(endian.u16(4));
    for field in [0, 0, 0x4_0000, link] {
        file.extend(endian.u32(field));
    }
    for (time_ns, bytes) in packets {
        let fraction = time_ns % 1_000_000_000 / unit_ns;
        let length = bytes.len() as u32;
        for field in [
            (time_ns / 1_000_000_000) as u32,
            fraction as u32,
            length,
            length,
        ] {
            file.extend(endian.u32(field));
        }
        file.extend_from_slice(bytes);
    }
    file
}

/// A pcapng file, block by block.
#[derive(Debug)]
pub struct PcapNg {
    endian: Endian,
    file: Vec<u8>,
}

impl PcapNg {
    /// A file with one section that is still empty.
    pub fn new(endian: Endian) -> Self {
        let mut file = Self {
            endian,
            file: Vec::new(),
        };
        file.section(endian);
        file
    }

    /// Begins a section.
    pub fn section(&mut self, endian: Endian) {
        self.endian = endian;
        let body = [
            &endian.u32(0x1A2B_3C4D)[..],
            &endian.u16(1),
            &endian.u16(0),
            &[0xFF; 8],
        ];
        self.block(0x0A0D_0D0A, &body.concat());
    }

    /// Describes an interface, with the options `if_tsresol` and `if_tsoffset` where given.
    pub fn interface(&mut self, link: u16, resolution: Option<u8>, offset_s: Option<i64>) {
        let endian = self.endian;
        let mut body = [&endian.u16(link)[..], &[0; 6]].concat();
        if let Some(resolution) = resolution {
            body.extend([endian.u16(9), endian.u16(1)].concat());
            body.extend([resolution, 0, 0, 0]);
        }
        if let Some(offset) = offset_s {
            body.extend([endian.u16(14), endian.u16(8)].concat());
            body.extend(endian.u64(offset as u64));
        }
        if body.len() > 8 {
            body.extend([0; 4]);
        }
        self.block(1, &body);
    }

    /// Adds an enhanced packet, stamped in the ticks of its interface.
    pub fn enhanced(&mut self, interface: u32, ticks: u64, bytes: &[u8]) {
        self.enhanced_cut(interface, ticks, bytes, bytes.len() as u32);
    }

    /// Adds an enhanced packet of which only the beginning was captured.
    pub fn enhanced_cut(&mut self, interface: u32, ticks: u64, bytes: &[u8], original: u32) {
        let endian = self.endian;
        let fields = [
            interface,
            (ticks >> 32) as u32,
            ticks as u32,
            bytes.len() as u32,
            original,
        ];
        let fields = fields.map(|field| endian.u32(field)).concat();
        self.block(6, &[&fields[..], bytes].concat());
    }

    /// Adds a simple packet.
    pub fn simple(&mut self, bytes: &[u8]) {
        let length = self.endian.u32(bytes.len() as u32);
        self.block(3, &[&length[..], bytes].concat());
    }

    /// Adds any block; the padding is seen to.
    pub fn block(&mut self, block_type: u32, body: &[u8]) {
        let padded = body.len().next_multiple_of(4);
        let length = self.endian.u32(12 + padded as u32);
        self.file.extend(self.endian.u32(block_type));
        self.file.extend(length);
        self.file.extend_from_slice(body);
        self.file.extend(vec![0; padded - body.len()]);
        self.file.extend(length);
    }

    /// The file so far.
    pub fn file(&self) -> Vec<u8> {
        self.file.clone()
    }
}

/// The bytes as UDP payload in IPv4.
pub fn ipv4(payload: &[u8]) -> Vec<u8> {
    let udp = udp(payload);
    let length = 20 + udp.len() as u16;
    let mut packet = vec![0x45, 0];
    packet.extend(length.to_be_bytes());
    packet.extend([0, 0, 0x40, 0, 64, 17, 0, 0]);
    packet.extend([192, 0, 2, 1, 192, 0, 2, 2]);
    packet.extend(udp);
    packet
}

/// The bytes as UDP payload in IPv6.
pub fn ipv6(payload: &[u8]) -> Vec<u8> {
    let udp = udp(payload);
    let mut packet = vec![0x60, 0, 0, 0];
    packet.extend((udp.len() as u16).to_be_bytes());
    packet.extend([17, 64]);
    packet.extend([0x20; 32]);
    packet.extend(udp);
    packet
}

fn udp(payload: &[u8]) -> Vec<u8> {
    let ports_and_length = [40_000, 30_000, 8 + payload.len() as u16];
    let mut datagram = ports_and_length.map(u16::to_be_bytes).concat();
    datagram.extend([0, 0]);
    datagram.extend_from_slice(payload);
    datagram
}

/// An IP packet in Ethernet with as many 802.1Q tags.
pub fn ethernet(tags: usize, ip: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x02; 12];
    frame.extend([0x81, 0x00, 0x00, 0x07].repeat(tags));
    frame.extend(ether_type(ip));
    frame.extend_from_slice(ip);
    frame
}

/// An IP packet in a Linux cooked capture, version 1.
pub fn cooked_v1(ip: &[u8]) -> Vec<u8> {
    let header = [0, 0, 0, 1, 0, 6, 2, 2, 2, 2, 2, 2, 0, 0];
    [&header[..], &ether_type(ip), ip].concat()
}

/// An IP packet in a Linux cooked capture, version 2.
pub fn cooked_v2(ip: &[u8]) -> Vec<u8> {
    let header = [0, 0, 0, 0, 0, 3, 0, 1, 0, 6, 2, 2, 2, 2, 2, 2, 0, 0];
    [&ether_type(ip), &header[..], ip].concat()
}

fn ether_type(ip: &[u8]) -> [u8; 2] {
    match ip[0] >> 4 {
        4 => [0x08, 0x00],
        _ => [0x86, 0xDD],
    }
}
