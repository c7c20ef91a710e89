//! A time server (NTP, RFC 5905) with the host's clock, on a port that needs no privilege.

use std::net::UdpSocket;
use std::time::{SystemTime, UNIX_EPOCH};

/// From 1900, where NTP begins, to 1970.
const UNIX_EPOCH_NTP_S: u64 = 2_208_988_800;
const PACKET_BYTES: usize = 48;

/// Answers for as long as the test runs; gives the port.
pub(crate) fn serve() -> u16 {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = socket.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let mut request = [0; PACKET_BYTES];
        while let Ok((length, client)) = socket.recv_from(&mut request) {
            let received = now();
            if length == PACKET_BYTES {
                let _ = socket.send_to(&answer(&request, received), client);
            }
        }
    });
    port
}

fn answer(request: &[u8; PACKET_BYTES], received: [u8; 8]) -> [u8; PACKET_BYTES] {
    // Version 4, a server; the best stratum; precision of about a microsecond.
    let mut answer = [0; PACKET_BYTES];
    answer[..4].copy_from_slice(&[0b00_100_100, 1, request[2], 0xEC]);
    answer[12..16].copy_from_slice(b"TEST");
    answer[16..24].copy_from_slice(&received);
    answer[24..32].copy_from_slice(&request[40..48]);
    answer[32..40].copy_from_slice(&received);
    answer[40..48].copy_from_slice(&now());
    answer
}

/// Seconds and their fraction, 32 bits each.
fn now() -> [u8; 8] {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let fraction = (u64::from(now.subsec_nanos()) << 32) / 1_000_000_000;
    (((now.as_secs() + UNIX_EPOCH_NTP_S) << 32) | fraction).to_be_bytes()
}
