//! The radio module: frames of a recorded junction by UDP, at recorded pace, in a loop.

use std::net::UdpSocket;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use pcap_parser::{Block, parse_block_le};

/// Sends until it is dropped.
pub(crate) struct Traffic(Arc<AtomicBool>);

impl Traffic {
    pub(crate) fn start(port: u16) -> Self {
        let frames = frames();
        let stopped = Arc::new(AtomicBool::new(false));
        let stop = Arc::clone(&stopped);
        thread::spawn(move || {
            let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
            while !stop.load(Ordering::Relaxed) {
                let start = Instant::now();
                for (at, frame) in &frames {
                    thread::sleep(at.saturating_sub(start.elapsed()));
                    if stop.load(Ordering::Relaxed) {
                        return;
                    }
                    // Nobody listens while the machine is off.
                    let _ = socket.send_to(frame, ("127.0.0.1", port));
                }
            }
        });
        Self(stopped)
    }
}

impl Drop for Traffic {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Frames with the time since the first one.
fn frames() -> Vec<(Duration, Vec<u8>)> {
    let trace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/traces/arterial.pcapng");
    let bytes = std::fs::read(&trace).unwrap();
    let mut rest = &bytes[..];
    let mut frames = Vec::new();
    let mut first_us = None;
    while let Ok((after, block)) = parse_block_le(rest) {
        if let Block::EnhancedPacket(packet) = block {
            let time_us = u64::from(packet.ts_high) << 32 | u64::from(packet.ts_low);
            let first_us = *first_us.get_or_insert(time_us);
            let frame = &packet.data[..packet.caplen as usize];
            frames.push((Duration::from_micros(time_us - first_us), frame.to_vec()));
        }
        rest = after;
    }
    assert!(
        rest.is_empty() && frames.len() > 1_000,
        "{} frames",
        frames.len()
    );
    frames
}
