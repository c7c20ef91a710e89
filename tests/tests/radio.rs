//! Frames reach the core as they were received: from traces in every wrapping, and over UDP.

use std::collections::BTreeMap;
use std::io::Read;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use quinn_udp::{Transmit, UdpSocketState};
use rsu_firmware::network::{self, Adaptation, DSM_LENGTH_MAX};
use rsu_gateway::radio::Radio;
use rsu_gateway::radio::trace::{BLOCK_LENGTH_MAX, Pace, Skipped, Trace};
use rsu_gateway::radio::udp::Udp;
use tests::captures::{self, Endian, PcapNg};

const USER0: u16 = 147;
const ETHERNET: u16 = 1;
const RAW: u16 = 101;
const COOKED_V1: u16 = 113;
const COOKED_V2: u16 = 276;

/// What a radio lent, kept.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Delivered {
    packet: u64,
    time_us: i64,
    restarted: bool,
    bytes: Vec<u8>,
}

async fn receive(radio: &mut impl Radio) -> Result<Option<Delivered>, String> {
    let frame = radio.receive().await.map_err(|error| error.to_string())?;
    Ok(frame.map(|frame| Delivered {
        packet: frame.packet,
        time_us: frame.received.time.as_micros(),
        restarted: frame.restarted,
        bytes: frame.received.bytes.to_vec(),
    }))
}

/// Everything up to the end of the trace, and the error that ended it.
async fn drain(trace: &mut Trace) -> (Vec<Delivered>, Option<String>) {
    let mut delivered = Vec::new();
    loop {
        match receive(trace).await {
            Ok(Some(frame)) => delivered.push(frame),
            Ok(None) => return (delivered, None),
            Err(error) => return (delivered, Some(error)),
        }
    }
}

async fn drain_bytes(capture: Vec<u8>) -> (Vec<Delivered>, Option<String>) {
    drain(&mut Trace::from_bytes("memory", capture, Pace::Max)).await
}

fn trace_file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("traces")
        .join(name)
}

/// The first frames of a bundled trace, with times in nanoseconds.
async fn some_packets() -> Vec<captures::Packet> {
    let mut trace =
        Trace::open(&trace_file("arterial-2019.pcapng"), Pace::Max).expect("is bundled");
    let mut packets = Vec::new();
    while packets.len() < 40 {
        let frame = receive(&mut trace).await.expect("is sound");
        let frame = frame.expect("is longer");
        packets.push((frame.time_us as u64 * 1_000, frame.bytes));
    }
    packets
}

fn counts(trace: &Trace) -> BTreeMap<&'static str, u64> {
    trace
        .skipped()
        .filter(|&(_, count)| count > 0)
        .map(|(reason, count)| (reason.name(), count))
        .collect()
}

#[tokio::test]
async fn a_trace_delivers_every_frame_with_its_number_and_time() {
    let mut trace =
        Trace::open(&trace_file("arterial-2019.pcapng"), Pace::Max).expect("is bundled");
    let (frames, error) = drain(&mut trace).await;
    assert_eq!(error, None);
    assert_eq!(frames.len(), 2_642);
    assert_eq!(counts(&trace), BTreeMap::new());
    assert_eq!(Some(trace.position_bytes()), trace.length_bytes());
    assert!(frames.iter().map(|frame| frame.packet).eq(0..2_642));
    for frame in &frames {
        network::parse(&frame.bytes, Adaptation::Present, DSM_LENGTH_MAX).expect("is DSMP");
    }

    let file = std::fs::File::open(trace_file("arterial-2019.truth.csv.gz")).expect("is bundled");
    let mut truth = String::new();
    flate2::read::GzDecoder::new(file)
        .read_to_string(&mut truth)
        .expect("is text");
    let rows = truth.lines().skip(1);
    assert_eq!(rows.clone().count(), 2_420);
    for row in rows {
        let mut fields = row.split(',');
        let packet: usize = fields.next().and_then(|n| n.parse().ok()).expect("packet");
        let time_s: f64 = fields.next().and_then(|t| t.parse().ok()).expect("time");
        let time_us = (time_s * 1e6).round() as i64;
        assert!(
            (frames[packet].time_us - time_us).abs() <= 1,
            "packet {packet}"
        );
    }
}

#[tokio::test]
async fn the_frames_are_the_same_in_every_wrapping_and_file_format() {
    type Wrap = fn(&[u8]) -> Vec<u8>;
    let wrappings: [(u16, Wrap); 10] = [
        (USER0, |frame| frame.to_vec()),
        (RAW, captures::ipv4),
        (RAW, captures::ipv6),
        (ETHERNET, |f| captures::ethernet(0, &captures::ipv4(f))),
        (ETHERNET, |f| captures::ethernet(1, &captures::ipv6(f))),
        (ETHERNET, |f| captures::ethernet(2, &captures::ipv4(f))),
        (COOKED_V1, |f| captures::cooked_v1(&captures::ipv4(f))),
        (COOKED_V1, |f| captures::cooked_v1(&captures::ipv6(f))),
        (COOKED_V2, |f| captures::cooked_v2(&captures::ipv4(f))),
        (COOKED_V2, |f| captures::cooked_v2(&captures::ipv6(f))),
    ];
    let packets = some_packets().await;
    let expected: Vec<_> = (0..)
        .zip(&packets)
        .map(|(packet, (time_ns, bytes))| Delivered {
            packet,
            time_us: (time_ns / 1_000) as i64,
            restarted: false,
            bytes: bytes.clone(),
        })
        .collect();

    for (link, wrap) in wrappings {
        let wrapped: Vec<_> = packets
            .iter()
            .map(|(time_ns, bytes)| (*time_ns, wrap(bytes)))
            .collect();
        for endian in [Endian::Big, Endian::Little] {
            for nanoseconds in [false, true] {
                let file = captures::pcap(endian, nanoseconds, link.into(), &wrapped);
                assert_eq!(drain_bytes(file).await, (expected.clone(), None));
            }
            let mut file = PcapNg::new(endian);
            file.interface(link, None, None);
            for (time_ns, bytes) in &wrapped {
                file.enhanced(0, time_ns / 1_000, bytes);
            }
            assert_eq!(drain_bytes(file.file()).await, (expected.clone(), None));
        }
    }
}

#[tokio::test]
async fn sections_and_interfaces_have_clocks_of_their_own() {
    const TIME_S: u64 = 1_700_000_000;
    let mut file = PcapNg::new(Endian::Little);
    file.interface(USER0, None, None);
    file.interface(USER0, Some(9), None);
    file.enhanced(0, TIME_S * 1_000_000 + 250_000, &[0]);
    file.enhanced(1, TIME_S * 1_000_000_000 + 250_000_999, &[1]);
    file.section(Endian::Big);
    file.interface(USER0, Some(0x80 | 10), None);
    file.interface(USER0, Some(3), Some(1_000_000_000));
    file.interface(USER0, Some(3), Some(-1));
    file.interface(USER0, Some(0x7F), None);
    file.enhanced(0, TIME_S * 1_024 + 256, &[2]);
    file.enhanced(1, (TIME_S - 1_000_000_000) * 1_000 + 250, &[3]);
    file.enhanced(2, (TIME_S + 1) * 1_000 + 250, &[4]);
    file.enhanced(3, u64::MAX, &[5]);
    file.section(Endian::Little);
    file.interface(USER0, Some(6), Some(i64::MAX));
    file.enhanced(0, u64::MAX, &[6]);

    let (frames, error) = drain_bytes(file.file()).await;
    assert_eq!(error, None);
    let times: Vec<_> = frames.iter().map(|frame| frame.time_us).collect();
    let time_us = TIME_S as i64 * 1_000_000 + 250_000;
    assert_eq!(
        times,
        [time_us, time_us, time_us, time_us, time_us, 0, i64::MAX]
    );
}

#[tokio::test]
async fn simple_packets_take_the_time_of_the_packet_before_them() {
    let mut file = PcapNg::new(Endian::Little);
    file.interface(USER0, None, None);
    file.enhanced(0, 1_700_000_000_000_000, &[0]);
    file.simple(&[1, 2, 3, 4, 5]);
    let (frames, error) = drain_bytes(file.file()).await;
    assert_eq!(error, None);
    assert_eq!(frames[1].time_us, 1_700_000_000_000_000);
    assert_eq!(frames[1].bytes, [1, 2, 3, 4, 5]);
}

#[tokio::test]
async fn what_holds_no_frame_is_skipped_under_its_reason_and_keeps_its_number() {
    const ARP: &[u8] = &[
        0, 1, 8, 0, 6, 4, 0, 1, 2, 2, 2, 2, 2, 2, 192, 0, 2, 1, 0, 0, 0, 0, 0, 0, 192, 0, 2, 2,
    ];
    let udp = captures::ipv4(b"frame");
    let mut fragment = udp.clone();
    fragment[6] = 0x20;
    let mut icmp = udp.clone();
    icmp[9] = 1;
    let mut arp = captures::ethernet(0, &udp);
    arp.truncate(12);
    arp.extend([0x08, 0x06]);
    arp.extend(ARP);

    let mut file = PcapNg::new(Endian::Little);
    for link in [RAW, ETHERNET, USER0, 105] {
        file.interface(link, None, None);
    }
    file.enhanced(0, 0, &udp);
    file.enhanced_cut(2, 1, b"begin", 500);
    file.enhanced(4, 2, b"no such interface");
    file.block(2, &[0; 24]);
    file.enhanced(3, 3, b"wireless");
    file.enhanced(0, 4, &udp[..30]);
    file.enhanced(1, 5, &arp);
    file.enhanced(0, 6, &fragment);
    file.enhanced(0, 7, &icmp);
    file.enhanced(2, 8, b"frame");

    let mut trace = Trace::from_bytes("memory", file.file(), Pace::Max);
    let (frames, error) = drain(&mut trace).await;
    assert_eq!(error, None);
    let numbers: Vec<_> = frames.iter().map(|frame| frame.packet).collect();
    assert_eq!(numbers, [0, 9]);
    assert_eq!(trace.packets(), 10);
    let each_once = Skipped::ALL.map(|reason| (reason.name(), 1)).into();
    assert_eq!(counts(&trace), each_once);
}

#[tokio::test]
async fn a_truncated_file_delivers_the_packets_before_the_cut_and_tells_where_it_is() {
    let packets: Vec<_> = (0..4).map(|n| (n, vec![n as u8; 5])).collect();
    let mut pcapng = PcapNg::new(Endian::Little);
    pcapng.interface(USER0, None, None);
    let mut ends = vec![28, pcapng.file().len()];
    for (time, bytes) in &packets {
        pcapng.enhanced(0, *time, bytes);
        ends.push(pcapng.file().len());
    }
    let pcap = captures::pcap(Endian::Big, false, USER0.into(), &packets);
    let pcap_ends = vec![24, 45, 66, 87, 108];

    for (file, ends, headers) in [(pcapng.file(), ends, 2), (pcap, pcap_ends, 1)] {
        assert_eq!(ends.last(), Some(&file.len()));
        for cut in 1..file.len() {
            let (frames, error) = drain_bytes(file[..cut].to_vec()).await;
            let whole = ends.iter().filter(|&&end| end <= cut).count();
            assert_eq!(frames.len(), whole.saturating_sub(headers), "cut at {cut}");
            let begin = whole.checked_sub(1).map_or(0, |last| ends[last]);
            let expected = (begin != cut).then(|| {
                format!(
                    "memory, byte {begin}: the file ends inside the block or packet that begins here"
                )
            });
            assert_eq!(error, expected, "cut at {cut}");
        }
    }
}

#[tokio::test]
async fn a_file_that_is_no_capture_is_an_error_that_names_it() {
    let unknown = drain_bytes(b"{\"not\": \"a capture\"}".to_vec()).await.1;
    assert_eq!(
        unknown.as_deref(),
        Some("memory, byte 0: neither pcap nor pcapng begins like this")
    );
    let missing = Trace::open("/nonexistent/trace.pcapng".as_ref(), Pace::Max);
    let missing = missing.expect_err("there is no such file").to_string();
    assert!(
        missing.starts_with("/nonexistent/trace.pcapng: No such file"),
        "{missing}"
    );
    let folder = trace_file("");
    let mut trace = Trace::open(&folder, Pace::Max).expect("can be opened");
    let error = drain(&mut trace).await.1.expect("cannot be read");
    assert!(
        error.contains("byte 0: cannot be read: Is a directory"),
        "{error}"
    );
}

#[tokio::test]
async fn a_block_beyond_the_limit_is_an_error_and_not_a_matter_of_memory() {
    let packets = [(0, vec![7; 100]), (1, vec![8; BLOCK_LENGTH_MAX])];
    let file = captures::pcap(Endian::Little, false, USER0.into(), &packets);
    let (frames, error) = drain_bytes(file).await;
    assert_eq!(frames.len(), 1);
    let expected = "memory, byte 140: the block or packet is longer than 1048576 bytes";
    assert_eq!(error.as_deref(), Some(expected));
}

#[tokio::test]
async fn after_an_error_the_input_has_ended() {
    let file = captures::pcap(Endian::Little, false, USER0.into(), &[(0, vec![7; 9])]);
    let cut = file[..file.len() - 1].to_vec();
    let mut trace = Trace::from_bytes("memory", cut, Pace::Max);
    assert!(receive(&mut trace).await.is_err());
    assert_eq!(receive(&mut trace).await, Ok(None));
}

#[tokio::test]
async fn a_looped_trace_begins_again_with_the_same_times() {
    let packets = [(5_000, b"one".to_vec()), (9_000, b"two".to_vec())];
    let file = captures::pcap(Endian::Little, false, USER0.into(), &packets);
    let mut trace = Trace::from_bytes("memory", file, Pace::Max).looped();
    let mut seen = Vec::new();
    for _ in 0..5 {
        let frame = receive(&mut trace).await.expect("goes on");
        let frame = frame.expect("goes on");
        seen.push((frame.packet, frame.time_us, frame.restarted));
    }
    assert_eq!(
        seen,
        [
            (0, 5, false),
            (1, 9, false),
            (0, 5, true),
            (1, 9, false),
            (0, 5, true)
        ]
    );
}

#[tokio::test]
async fn a_looped_trace_without_frames_ends() {
    let packets = [(0, b"no IP".to_vec())];
    let file = captures::pcap(Endian::Little, false, RAW.into(), &packets);
    let mut trace = Trace::from_bytes("memory", file, Pace::Max).looped();
    assert_eq!(receive(&mut trace).await, Ok(None));
}

#[tokio::test]
async fn giving_up_waiting_loses_no_frame() {
    let packets = [(0, b"one".to_vec()), (50_000_000, b"two".to_vec())];
    let file = captures::pcap(Endian::Little, false, USER0.into(), &packets);
    let mut trace = Trace::from_bytes("memory", file, Pace::Recorded);
    let first = receive(&mut trace).await.expect("is sound");
    assert_eq!(first.map(|frame| frame.packet), Some(0));
    for _ in 0..3 {
        // Whether it is due by then or not: what was not delivered comes next.
        let early = tokio::time::timeout(Duration::ZERO, receive(&mut trace)).await;
        if let Ok(frame) = early {
            return assert_eq!(frame.expect("is sound").map(|frame| frame.packet), Some(1));
        }
    }
    let second = receive(&mut trace).await.expect("is sound");
    assert_eq!(second.map(|frame| frame.packet), Some(1));
}

#[tokio::test]
async fn no_mutilated_capture_does_more_than_end_or_skip() {
    const MUTANTS_EACH: usize = 1_000;
    let packets = some_packets().await;
    let packets = &packets[..6];
    let over = |wrap: fn(&[u8]) -> Vec<u8>| -> Vec<captures::Packet> {
        packets
            .iter()
            .map(|(time, bytes)| (*time, wrap(bytes)))
            .collect()
    };
    let ethernet = over(|frame| captures::ethernet(1, &captures::ipv4(frame)));
    let cooked = over(|frame| captures::cooked_v2(&captures::ipv6(frame)));
    let mut pcapng = PcapNg::new(Endian::Big);
    pcapng.interface(ETHERNET, Some(9), Some(3));
    pcapng.interface(USER0, None, None);
    for ((time, bytes), (_, frame)) in ethernet.iter().zip(packets) {
        pcapng.enhanced(0, *time, bytes);
        pcapng.enhanced(1, *time, frame);
        pcapng.simple(bytes);
    }
    pcapng.section(Endian::Little);
    pcapng.interface(USER0, Some(0x8A), None);
    pcapng.enhanced(0, 1 << 40, &packets[0].1);
    let files = [
        pcapng.file(),
        captures::pcap(Endian::Little, false, ETHERNET.into(), &ethernet),
        captures::pcap(Endian::Big, true, COOKED_V2.into(), &cooked),
        captures::pcap(Endian::Little, true, USER0.into(), packets),
    ];

    let mut random = fastrand::Rng::with_seed(1);
    for file in files {
        for _ in 0..MUTANTS_EACH {
            let mut mutant = file.clone();
            for _ in 0..random.usize(1..=8) {
                let at = random.usize(..mutant.len());
                match random.u8(..4) {
                    0 => mutant[at] = random.u8(..),
                    1 => mutant[at] ^= 1 << random.u32(..8),
                    2 => mutant[at] = [0x00, 0x7F, 0x80, 0xFF][random.usize(..4)],
                    _ => drop(mutant.drain(at..(at + random.usize(..16)).min(mutant.len()))),
                }
            }
            let length = mutant.len();
            let mut trace = Trace::from_bytes("mutant", mutant, Pace::Max);
            let (frames, _) = drain(&mut trace).await;
            let skipped: u64 = trace.skipped().map(|(_, count)| count).sum();
            assert_eq!(frames.len() as u64 + skipped, trace.packets());
            let delivered: usize = frames.iter().map(|frame| frame.bytes.len()).sum();
            assert!(delivered <= length);
        }
    }
}

#[tokio::test]
async fn datagrams_arrive_over_ipv4_and_ipv6() {
    for (bind, send) in [("127.0.0.1:0", "127.0.0.1:0"), ("[::1]:0", "[::1]:0")] {
        let mut radio = Udp::bind(bind.parse().expect("an address")).expect("binds");
        exchange(&mut radio, send).await;
    }
}

#[tokio::test]
async fn the_unspecified_ipv6_address_takes_both() {
    let mut radio = Udp::bind("[::]:0".parse().expect("an address")).expect("binds");
    exchange(&mut radio, "127.0.0.1:0").await;
    exchange(&mut radio, "[::1]:0").await;
}

/// Sends datagrams of every kind of length from an address to the radio at the same host.
async fn exchange(radio: &mut Udp, from: &str) {
    let sender = std::net::UdpSocket::bind(from).expect("binds");
    let port = radio.local_address().expect("is bound").port();
    let host = sender.local_addr().expect("is bound").ip();
    let to = SocketAddr::new(host, port);

    let mut last_time_us = 0;
    for length in [1, 300, 1_500, 9_000, 65_507, 0, 7] {
        let sent: Vec<u8> = (0..length).map(|n| n as u8).collect();
        sender.send_to(&sent, to).expect("fits into a datagram");
        let waiting = tokio::time::timeout(Duration::from_secs(10), receive(radio));
        let frame = waiting.await.expect("arrives").expect("never fails");
        let frame = frame.expect("never ends");
        assert_eq!(frame.bytes, sent);
        assert!(frame.time_us >= last_time_us);
        assert!(!frame.restarted);
        last_time_us = frame.time_us;
    }
}

#[tokio::test]
async fn what_waits_already_comes_together_and_in_order() {
    let mut radio = Udp::bind("127.0.0.1:0".parse().expect("an address")).expect("binds");
    let sender = std::net::UdpSocket::bind("127.0.0.1:0").expect("binds");
    let to = radio.local_address().expect("is bound");
    for number in 0..100_u8 {
        let datagram = vec![number; usize::from(number)];
        sender.send_to(&datagram, to).expect("is sent");
    }
    let (mut number, mut groups) = (0_u8, 0);
    while number < 100 {
        groups += 1;
        let mut next = radio.receive().await.expect("never fails");
        while let Some(frame) = next {
            assert_eq!(frame.received.bytes, vec![number; usize::from(number)]);
            assert_eq!(frame.packet, u64::from(number));
            number += 1;
            next = radio.next_received();
        }
    }
    assert_eq!((number, groups), (100, 7), "sixteen at a time");
}

#[tokio::test]
async fn a_bundle_of_the_kernel_comes_apart_into_its_datagrams() {
    let bundle: Vec<u8> = (0..3_163_u32).map(|n| n as u8).collect();
    for (bind, from) in [
        ("127.0.0.1:0", "127.0.0.1:0"),
        ("[::]:0", "127.0.0.1:0"),
        ("[::]:0", "[::1]:0"),
    ] {
        let mut radio = Udp::bind(bind.parse().expect("an address")).expect("binds");
        let sender = std::net::UdpSocket::bind(from).expect("binds");
        let port = radio.local_address().expect("is bound").port();
        let host = sender.local_addr().expect("is bound").ip();
        let state = UdpSocketState::new((&sender).into()).expect("is a UDP socket");
        let of_fifty = Transmit {
            destination: (host, port).into(),
            ecn: None,
            contents: &bundle,
            segment_size: Some(50),
            src_ip: None,
        };
        state
            .try_send((&sender).into(), &of_fifty)
            .expect("is sent");
        sender.send_to(b"", (host, port)).expect("is sent");
        sender.send_to(b"alone", (host, port)).expect("is sent");

        let mut received = Vec::new();
        let mut next = radio.receive().await.expect("never fails");
        while let Some(frame) = next {
            assert_eq!(frame.packet, received.len() as u64);
            received.push(frame.received.bytes.to_vec());
            next = radio.next_received();
        }
        let mut sent: Vec<&[u8]> = bundle.chunks(50).collect();
        sent.extend([b"".as_slice(), b"alone"]);
        assert_eq!(received, sent, "{from} to {bind}, all with one system call");
    }
}

#[tokio::test]
async fn an_address_that_cannot_be_bound_is_an_error() {
    let taken = Udp::bind("127.0.0.1:0".parse().expect("an address")).expect("binds");
    let again = Udp::bind(taken.local_address().expect("is bound"));
    let error = again.expect_err("is taken");
    assert_eq!(error.kind(), std::io::ErrorKind::AddrInUse);
}
