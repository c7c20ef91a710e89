//! The broker's end of the wire: it takes everything, and notes what came when.
//!
//! It is no more than what a client needs to be content, so that little of what is measured is its
//! doing.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Instant;

use tests::traffic::Kind;

/// What came in one publish.
#[derive(Clone, Copy)]
pub(crate) struct Arrival {
    pub(crate) kind: Kind,
    /// So many messages.
    pub(crate) messages: usize,
    pub(crate) at: Instant,
}

/// Listens until the program ends.
pub(crate) struct Sink {
    address: SocketAddr,
    arrivals: Arc<Mutex<Vec<Arrival>>>,
}

impl Sink {
    pub(crate) fn start() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let arrivals = Arc::new(Mutex::new(Vec::with_capacity(1 << 20)));
        let noted = arrivals.clone();
        thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let noted = noted.clone();
                // A client that is killed cuts its connection.
                thread::spawn(move || drop(serve(connection, &noted)));
            }
        });
        Ok(Self { address, arrivals })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// What came since this was asked last.
    pub(crate) fn take(&self) -> Vec<Arrival> {
        std::mem::take(&mut *lock(&self.arrivals))
    }

    /// How many publishes have come since [`Sink::take`].
    pub(crate) fn count(&self) -> usize {
        lock(&self.arrivals).len()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn serve(mut connection: TcpStream, arrivals: &Mutex<Vec<Arrival>>) -> io::Result<()> {
    connection.set_nodelay(true)?;
    let mut buffer = vec![0; 1 << 20];
    let mut filled = 0;
    loop {
        let length = connection.read(&mut buffer[filled..])?;
        if length == 0 {
            return Ok(());
        }
        let at = Instant::now();
        filled += length;
        let mut taken = 0;
        let mut came = lock(arrivals);
        while let Some((packet, length)) = packet(&buffer[taken..filled]) {
            if let Some(answer) = answer(&packet) {
                connection.write_all(&answer)?;
            }
            came.extend(arrival(&packet, at));
            taken += length;
        }
        drop(came);
        buffer.copy_within(taken..filled, 0);
        filled -= taken;
    }
}

/// The first byte of an MQTT packet, and what follows its length.
struct Packet<'b> {
    head: u8,
    body: &'b [u8],
}

/// Topics of the comparison.
const COMPARISON: &[u8] = b"rsu/comparison/";

const CONNECT: u8 = 1;
const PUBLISH: u8 = 3;
const SUBSCRIBE: u8 = 8;
const PING: u8 = 12;

/// The packet at the beginning of `bytes`, if it is whole, and its length.
fn packet(bytes: &[u8]) -> Option<(Packet<'_>, usize)> {
    let (head, rest) = bytes.split_first()?;
    let digits = rest.iter().position(|byte| byte & 0x80 == 0)? + 1;
    let digit = |(place, byte): (usize, &u8)| usize::from(byte & 0x7F) << (7 * place);
    let length: usize = rest[..digits].iter().enumerate().map(digit).sum();
    let body = rest.get(digits..digits + length)?;
    Some((Packet { head: *head, body }, 1 + digits + length))
}

fn answer(packet: &Packet<'_>) -> Option<Vec<u8>> {
    match packet.head >> 4 {
        CONNECT => Some(vec![0x20, 2, 0, 0]),
        PUBLISH if packet.head & 0x06 != 0 => {
            let (_, rest) = topic(packet.body)?;
            Some([&[0x40, 2], rest.get(..2)?].concat())
        }
        SUBSCRIBE => {
            let mut filters = 0;
            let mut rest = packet.body.get(2..)?;
            while let Some((_, behind)) = topic(rest) {
                filters += 1;
                rest = behind.get(1..)?;
            }
            let header = [0x90, 2 + filters, packet.body[0], packet.body[1]];
            Some([&header[..], &vec![1; usize::from(filters)]].concat())
        }
        PING => Some(vec![0xD0, 0]),
        _ => None,
    }
}

/// What of a packet forwards frames.
fn arrival(packet: &Packet<'_>, at: Instant) -> Option<Arrival> {
    if packet.head >> 4 != PUBLISH {
        return None;
    }
    let (topic, rest) = topic(packet.body)?;
    let kinds: [(&[u8], Kind); 3] = [
        (b"/bsm/up", Kind::Bsm),
        (b"/spat/up", Kind::Spat),
        (b"/map/up", Kind::Map),
    ];
    let (_, kind) = *kinds.iter().find(|(end, _)| topic.ends_with(end))?;
    // Ours sends BSMs in lists, which begin with their length.
    let is_list = kind == Kind::Bsm && !topic.starts_with(COMPARISON);
    let messages = if is_list {
        usize::from(*rest.first()?)
    } else {
        1
    };
    Some(Arrival { kind, messages, at })
}

/// A string with its length before it, and what is behind.
fn topic(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let length = usize::from(u16::from_be_bytes([*bytes.first()?, *bytes.get(1)?]));
    bytes.get(2..)?.split_at_checked(length)
}
