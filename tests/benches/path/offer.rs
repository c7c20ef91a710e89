//! Frames offered over UDP at a rate, as a radio hands them over: those of a subframe together. They
//! are made beforehand, and those of one length go with one system call, so that the sender's
//! processor can offer as many as possible.

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::thread::sleep;
use std::time::{Duration, Instant};

use quinn_udp::{Transmit, UdpSocketState};
use rsu_firmware::time::Span;
use rsu_gateway::clock;
use tests::traffic::{Kind, Traffic};

/// What PC5 radios send at a time (3GPP TS 36.211, 4).
const SUBFRAME: Duration = Duration::from_millis(1);

/// A frame is made in less.
const MAKING_MAX: Duration = Duration::from_micros(1);

/// Traffic on its way to a program.
pub(crate) struct Offer {
    traffic: Traffic,
    socket: UdpSocket,
    state: UdpSocketState,
    to: SocketAddr,
}

/// Frames that are to be sent at a rate, one after the other in memory.
pub(crate) struct Prepared {
    rate: u32,
    frames: Vec<(Kind, u16)>,
    bytes: Vec<u8>,
}

impl Offer {
    /// Of `traffic` to the program that listens at `to`.
    pub(crate) fn new(traffic: Traffic, to: SocketAddr) -> io::Result<Self> {
        let socket = UdpSocket::bind("127.0.0.1:0")?;
        let state = UdpSocketState::new((&socket).into())?;
        Ok(Self {
            traffic,
            socket,
            state,
            to,
        })
    }

    /// The lights, once. Perhaps nobody listens.
    pub(crate) fn try_spat(&mut self) {
        let frame = self.traffic.spat(clock::now());
        drop(self.socket.send_to(frame, self.to));
    }

    /// Makes the mix, so many frames per second for `time`, with the times at which they will be due.
    pub(crate) fn prepare(&mut self, rate: u32, time: Duration) -> Prepared {
        let count = (f64::from(rate) * time.as_secs_f64()) as u32;
        let making = MAKING_MAX * count;
        let made = Instant::now() + making;
        let stamp = clock::now() + Span::from_micros(making.as_micros() as i64);
        let mut frames = Vec::with_capacity(count as usize);
        let mut bytes = Vec::new();
        for number in 0..count {
            let due = Span::from_micros(i64::from(number) * 1_000_000 / i64::from(rate));
            let (kind, frame) = self.traffic.next(stamp + due);
            frames.push((kind, frame.len() as u16));
            bytes.extend_from_slice(frame);
        }
        sleep(made.saturating_duration_since(Instant::now()));
        Prepared {
            rate,
            frames,
            bytes,
        }
    }

    /// Sends them, as fast as they are due, or in more time where that is too fast. Returns what
    /// was sent, and when.
    pub(crate) fn send(&self, prepared: &Prepared) -> io::Result<Vec<(Kind, Instant)>> {
        let mut sent = Vec::with_capacity(prepared.frames.len());
        let mut bytes = prepared.bytes.as_slice();
        let begin = Instant::now();
        let mut end = Duration::ZERO;
        while sent.len() < prepared.frames.len() {
            end += SUBFRAME;
            sleep(end.saturating_sub(begin.elapsed()));
            let due = prepared.due(end);
            while sent.len() < due {
                let (kinds, length) = prepared.alike(sent.len(), due);
                let (contents, rest) = bytes.split_at(kinds.len() * usize::from(length));
                let together = Transmit {
                    destination: self.to,
                    ecn: None,
                    contents,
                    segment_size: Some(length.into()),
                    src_ip: None,
                };
                let now = Instant::now();
                self.state.try_send((&self.socket).into(), &together)?;
                sent.extend(kinds.iter().map(|(kind, _)| (*kind, now)));
                bytes = rest;
            }
        }
        Ok(sent)
    }
}

/// Linux cuts at most so many datagrams out of what it is given (`UDP_SEGMENT`).
const DATAGRAMS_MAX: usize = 64;

impl Prepared {
    /// How many frames are due after so much time.
    fn due(&self, after: Duration) -> usize {
        let due = (after.as_secs_f64() * f64::from(self.rate)).ceil() as usize;
        due.min(self.frames.len())
    }

    /// The frames from `first` on, one at least, that come before `end` and are of one length, which
    /// is told.
    fn alike(&self, first: usize, end: usize) -> (&[(Kind, u16)], u16) {
        let (_, length) = self.frames[first];
        let frames = self.frames[first..end].iter().take(DATAGRAMS_MAX);
        let alike = frames.take_while(|(_, of)| *of == length).count();
        (&self.frames[first..first + alike], length)
    }
}
