//! Frames offered over UDP at a rate; those that are due together go with one system call.

use std::io::{self, IoSlice};
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsRawFd;
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::sys::socket::{ControlMessage, MsgFlags, sendmsg};
use rsu_gateway::clock;
use tests::traffic::{Kind, Traffic};

/// A sleep takes longer than asked for; what is due within it goes together.
const SLEEP_MIN: Duration = Duration::from_micros(50);

/// Traffic on its way to a program.
pub(crate) struct Offer {
    traffic: Traffic,
    datagrams: Datagrams,
}

impl Offer {
    /// Of `traffic` to the program that listens at `to`.
    pub(crate) fn new(traffic: Traffic, to: SocketAddr) -> io::Result<Self> {
        let socket = UdpSocket::bind("127.0.0.1:0")?;
        socket.connect(to)?;
        let datagrams = Datagrams {
            socket,
            waiting: Vec::with_capacity(DATAGRAMS_MAX),
            bytes: Vec::new(),
            sent: Vec::new(),
        };
        Ok(Self { traffic, datagrams })
    }

    /// The lights, once. Perhaps nobody listens.
    pub(crate) fn try_spat(&mut self) {
        let frame = self.traffic.spat(clock::now());
        drop(self.datagrams.socket.send(frame));
    }

    /// The mix, so many frames per second, for `time`, or longer where that is too much for it.
    /// Returns what was sent, and when.
    pub(crate) fn send_at(
        &mut self,
        rate: u32,
        time: Duration,
    ) -> io::Result<Vec<(Kind, Instant)>> {
        let began = Instant::now();
        let count = (f64::from(rate) * time.as_secs_f64()) as u32;
        let mut now = began;
        for number in 0..count {
            let due = began + Duration::from_secs_f64(f64::from(number) / f64::from(rate));
            if due > now {
                self.datagrams.send()?;
                now = Instant::now();
            }
            if due > now + SLEEP_MIN {
                sleep(due - now);
                now = Instant::now();
            }
            let (kind, frame) = self.traffic.next(clock::now());
            self.datagrams.add(kind, frame)?;
        }
        self.datagrams.send()?;
        Ok(std::mem::take(&mut self.datagrams.sent))
    }
}

/// Datagrams that go together. Linux cuts them out of what it is given (`UDP_SEGMENT`), so they have
/// one length.
struct Datagrams {
    socket: UdpSocket,
    waiting: Vec<Kind>,
    bytes: Vec<u8>,
    sent: Vec<(Kind, Instant)>,
}

/// So many are cut out at most.
const DATAGRAMS_MAX: usize = 64;

impl Datagrams {
    fn add(&mut self, kind: Kind, frame: &[u8]) -> io::Result<()> {
        let is_alike = self.bytes.len() == frame.len() * self.waiting.len();
        if !is_alike || self.waiting.len() == DATAGRAMS_MAX {
            self.send()?;
        }
        self.waiting.push(kind);
        self.bytes.extend_from_slice(frame);
        Ok(())
    }

    fn send(&mut self) -> io::Result<()> {
        let count = self.waiting.len();
        if count == 0 {
            return Ok(());
        }
        let length = (self.bytes.len() / count) as u16;
        let now = Instant::now();
        self.sent
            .extend(self.waiting.drain(..).map(|kind| (kind, now)));
        sendmsg::<()>(
            self.socket.as_raw_fd(),
            &[IoSlice::new(&self.bytes)],
            &[ControlMessage::UdpGsoSegments(&length)],
            MsgFlags::empty(),
            None,
        )?;
        self.bytes.clear();
        Ok(())
    }
}
