//! Frames offered over UDP at a rate. They are made beforehand, and those that are due together go
//! with one system call, so that the sender's processor can offer as many as possible.

use std::io::{self, IoSlice};
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsRawFd;
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::sys::socket::{ControlMessage, MsgFlags, sendmsg};
use rsu_firmware::time::Span;
use rsu_gateway::clock;
use tests::traffic::{Kind, Traffic};

/// A sleep takes longer than asked for; what is due within it goes together.
const SLEEP_MIN: Duration = Duration::from_micros(50);

/// A frame is made in less.
const MAKING_MAX: Duration = Duration::from_micros(1);

/// Traffic on its way to a program.
pub(crate) struct Offer {
    traffic: Traffic,
    socket: UdpSocket,
}

/// Frames that are to be sent at a rate, one after the other in memory.
pub(crate) struct Prepared {
    rate: u32,
    begin: Instant,
    frames: Vec<(Kind, u16)>,
    bytes: Vec<u8>,
}

impl Offer {
    /// Of `traffic` to the program that listens at `to`.
    pub(crate) fn new(traffic: Traffic, to: SocketAddr) -> io::Result<Self> {
        let socket = UdpSocket::bind("127.0.0.1:0")?;
        socket.connect(to)?;
        Ok(Self { traffic, socket })
    }

    /// The lights, once. Perhaps nobody listens.
    pub(crate) fn try_spat(&mut self) {
        let frame = self.traffic.spat(clock::now());
        drop(self.socket.send(frame));
    }

    /// Makes the mix, so many frames per second for `time`, with the times at which they will be due.
    pub(crate) fn prepare(&mut self, rate: u32, time: Duration) -> Prepared {
        let count = (f64::from(rate) * time.as_secs_f64()) as u32;
        let making = MAKING_MAX * count;
        let begin = Instant::now() + making;
        let stamp = clock::now() + Span::from_micros(making.as_micros() as i64);
        let mut frames = Vec::with_capacity(count as usize);
        let mut bytes = Vec::new();
        for number in 0..count {
            let due = Span::from_micros(i64::from(number) * 1_000_000 / i64::from(rate));
            let (kind, frame) = self.traffic.next(stamp + due);
            frames.push((kind, frame.len() as u16));
            bytes.extend_from_slice(frame);
        }
        sleep(begin.saturating_duration_since(Instant::now()));
        Prepared {
            rate,
            begin,
            frames,
            bytes,
        }
    }

    /// Sends them, as fast as they are due, or in more time where that is too fast. Returns what
    /// was sent, and when.
    pub(crate) fn send(&self, prepared: &Prepared) -> io::Result<Vec<(Kind, Instant)>> {
        let mut sent = Vec::with_capacity(prepared.frames.len());
        let mut bytes = prepared.bytes.as_slice();
        let mut now = Instant::now();
        while sent.len() < prepared.frames.len() {
            let due = prepared.due(sent.len());
            if due > now {
                now = Instant::now();
            }
            if due > now + SLEEP_MIN {
                sleep(due - now);
                now = Instant::now();
            }
            let (kinds, length) = prepared.alike(sent.len(), now);
            let (together, rest) = bytes.split_at(kinds.len() * usize::from(length));
            sendmsg::<()>(
                self.socket.as_raw_fd(),
                &[IoSlice::new(together)],
                &[ControlMessage::UdpGsoSegments(&length)],
                MsgFlags::empty(),
                None,
            )?;
            sent.extend(kinds.iter().map(|(kind, _)| (*kind, now)));
            bytes = rest;
        }
        Ok(sent)
    }
}

/// Linux cuts at most so many datagrams out of what it is given (`UDP_SEGMENT`).
const DATAGRAMS_MAX: usize = 64;

impl Prepared {
    fn due(&self, number: usize) -> Instant {
        self.begin + Duration::from_secs_f64(number as f64 / f64::from(self.rate))
    }

    /// The frames from `first` on that go together at `now`, one at least: those that are due and of
    /// one length, which is told.
    fn alike(&self, first: usize, now: Instant) -> (&[(Kind, u16)], u16) {
        let frames = &self.frames[first..];
        let (_, length) = frames[0];
        let due = ((now - self.begin).as_secs_f64() * f64::from(self.rate)) as usize + 1;
        let due = due.saturating_sub(first).clamp(1, DATAGRAMS_MAX);
        let alike = frames.iter().take(due).take_while(|(_, of)| *of == length);
        (&frames[..alike.count()], length)
    }
}
