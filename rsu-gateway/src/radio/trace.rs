//! Replay of recorded traces: pcap and pcapng files, or one in memory.
//!
//! A packet is the frame itself (link type USER0, which PC5 traces have) or the frame in UDP over
//! IPv4 or IPv6 in Ethernet, Linux cooked capture, or nothing. Every other packet is skipped and
//! counted by its reason. What lies before a defect of the file is delivered before the error.

mod capture;
mod format;
mod link;
mod pace;

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Cursor};
use std::ops::Range;
use std::path::Path;

use pcap_parser::nom::Offset;
use rsu_firmware::pc5::Received;
use rsu_firmware::time::Timestamp;
use tokio::time::Instant;

pub use capture::BLOCK_LENGTH_MAX;
pub use pace::{Pace, PaceError};

use super::{Frame, Radio, RadioError};
use capture::{Capture, Source};
use pace::Schedule;

/// A trace as radio: its frames have the times at which they were recorded.
#[derive(Debug)]
pub struct Trace {
    name: String,
    length_bytes: Option<u64>,
    capture: Capture,
    schedule: Schedule,
    looped: bool,
    ended: bool,
    round: Round,
    /// The frame that is read and not yet delivered.
    next: Option<Next>,
    skipped: [u64; Skipped::ALL.len()],
}

/// What is known of the running round through the trace.
#[derive(Debug, Default)]
struct Round {
    packets: u64,
    frames: u64,
    /// A round before this one has ended.
    restarted: bool,
    /// The time of the latest packet, and of the packets after it that have none.
    time: Timestamp,
}

#[derive(Debug)]
struct Next {
    time: Timestamp,
    due: Option<Instant>,
    packet: u64,
    restarted: bool,
    bytes: Range<usize>,
}

/// Why a packet of a trace is not delivered. `skipped as usize` indexes an array of counters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Skipped {
    /// The capture kept only the packet's beginning.
    CutOff,
    /// The packet names an interface that the file does not describe.
    UnknownInterface,
    /// pcapng's obsolete Packet Block.
    ObsoleteBlock,
    /// The link type is none of those that can hold frames.
    UnknownLinkType,
    /// A header of the packet contradicts itself or the packet's length.
    Malformed,
    /// Neither IPv4 nor IPv6.
    NotIp,
    /// A fragment of an IP packet.
    Fragment,
    /// IP, but not UDP.
    NotUdp,
}

impl Skipped {
    /// Every reason, in the order of their indices.
    pub const ALL: [Self; 8] = [
        Self::CutOff,
        Self::UnknownInterface,
        Self::ObsoleteBlock,
        Self::UnknownLinkType,
        Self::Malformed,
        Self::NotIp,
        Self::Fragment,
        Self::NotUdp,
    ];

    /// The counter's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::CutOff => "cut_off",
            Self::UnknownInterface => "unknown_interface",
            Self::ObsoleteBlock => "obsolete_block",
            Self::UnknownLinkType => "unknown_link_type",
            Self::Malformed => "malformed",
            Self::NotIp => "not_ip",
            Self::Fragment => "fragment",
            Self::NotUdp => "not_udp",
        }
    }
}

/// What is wrong with a trace, and where.
#[derive(Debug, thiserror::Error)]
pub enum TraceError {
    /// There is no such file, or it may not be read.
    #[error("{trace}: {error}")]
    Unopened {
        /// The file.
        trace: String,
        /// What the system says.
        error: io::Error,
    },
    /// The trace cannot be read to its end.
    #[error("{trace}, byte {offset}: {fault}")]
    Broken {
        /// The file's path, or the name of a trace in memory.
        trace: String,
        /// Where the block or packet begins that could not be read, in bytes.
        offset: u64,
        /// What is wrong there.
        fault: TraceFault,
    },
}

/// What is wrong with a trace.
#[derive(Debug, thiserror::Error)]
pub enum TraceFault {
    /// The system does not let it be read.
    #[error("cannot be read: {0}")]
    Unreadable(io::Error),
    /// The first bytes are those of another kind of file.
    #[error("neither pcap nor pcapng begins like this")]
    UnknownFormat,
    /// A block's contents contradict its length or type.
    #[error("the block is malformed")]
    Malformed,
    /// The file ends before the block does.
    #[error("the file ends inside the block or packet that begins here")]
    Truncated,
    /// A block is longer than [`BLOCK_LENGTH_MAX`].
    #[error("the block or packet is longer than {BLOCK_LENGTH_MAX} bytes")]
    TooLong,
}

impl Trace {
    /// Opens a trace file.
    ///
    /// Reading it blocks the calling task for a block of the file now and then.
    pub fn open(path: &Path, pace: Pace) -> Result<Self, TraceError> {
        let name = path.display().to_string();
        match File::open(path).and_then(|file| Ok((file.metadata()?, file))) {
            Ok((metadata, file)) => {
                let length = metadata.is_file().then_some(metadata.len());
                Ok(Self::new(name, length, Source::File(file), pace))
            }
            Err(error) => Err(TraceError::Unopened { trace: name, error }),
        }
    }

    /// A trace whose file is in memory, for example part of the program.
    pub fn from_bytes(name: &str, bytes: impl Into<Cow<'static, [u8]>>, pace: Pace) -> Self {
        let bytes = bytes.into();
        let length = bytes.len() as u64;
        let source = Source::Bytes(Cursor::new(bytes));
        Self::new(name.to_owned(), Some(length), source, pace)
    }

    /// Begins again whenever the trace ends, with the same times: what the messages say of the
    /// time stays true to the times of their frames. [`Frame::restarted`] marks each new round.
    pub fn looped(mut self) -> Self {
        self.looped = true;
        self
    }

    /// How many packets were skipped so far, by reason.
    pub fn skipped(&self) -> impl Iterator<Item = (Skipped, u64)> + '_ {
        Skipped::ALL.into_iter().zip(self.skipped)
    }

    /// How many packets of the running round were read, those skipped included.
    pub fn packets(&self) -> u64 {
        self.round.packets
    }

    /// How far the trace was read in the running round, in bytes.
    pub fn position_bytes(&self) -> u64 {
        self.capture.offset()
    }

    /// The length of the trace in bytes, where it is known before its end.
    pub fn length_bytes(&self) -> Option<u64> {
        self.length_bytes
    }

    fn new(name: String, length_bytes: Option<u64>, source: Source, pace: Pace) -> Self {
        Self {
            name,
            length_bytes,
            capture: Capture::new(source),
            schedule: Schedule::new(pace),
            looped: false,
            ended: false,
            round: Round::default(),
            next: None,
            skipped: [0; Skipped::ALL.len()],
        }
    }

    /// Reads up to the next frame, over the ends of rounds.
    fn read(&mut self) -> Result<Option<Next>, TraceFault> {
        loop {
            if let Some(next) = self.read_in_round()? {
                return Ok(Some(next));
            }
            // A round without a frame would be followed by the same without end.
            if !self.looped || self.round.frames == 0 {
                return Ok(None);
            }
            self.capture.rewind().map_err(TraceFault::Unreadable)?;
            self.schedule.restart();
            self.round = Round {
                restarted: true,
                ..Round::default()
            };
        }
    }

    fn read_in_round(&mut self) -> Result<Option<Next>, TraceFault> {
        while let Some(packet) = self.capture.next_packet()? {
            let number = self.round.packets;
            self.round.packets += 1;
            let time = packet.time.unwrap_or(self.round.time);
            self.round.time = time;

            let bytes = self.capture.bytes(packet.bytes.clone());
            match packet.link.and_then(|link| link::frame(link, bytes)) {
                Ok(frame) => {
                    let start = packet.bytes.start + bytes.offset(frame);
                    let restarted = self.round.restarted && self.round.frames == 0;
                    self.round.frames += 1;
                    return Ok(Some(Next {
                        time,
                        due: self.schedule.due(time),
                        packet: number,
                        restarted,
                        bytes: start..start + frame.len(),
                    }));
                }
                Err(reason) => {
                    if let Some(count) = self.skipped.get_mut(reason as usize) {
                        *count += 1;
                    }
                    tracing::debug!(trace = %self.name, packet = number, reason = reason.name(), "skipped");
                }
            }
        }
        Ok(None)
    }
}

impl Radio for Trace {
    async fn receive(&mut self) -> Result<Option<Frame<'_>>, RadioError> {
        if self.next.is_none() && !self.ended {
            let read = self.read();
            self.ended = !matches!(read, Ok(Some(_)));
            self.next = read.map_err(|fault| TraceError::Broken {
                trace: self.name.clone(),
                offset: self.capture.offset(),
                fault,
            })?;
        }

        match self.next.as_ref().and_then(|next| next.due) {
            Some(due) => tokio::time::sleep_until(due).await,
            // A trace at full speed still lets the other tasks run.
            None => tokio::task::coop::consume_budget().await,
        }
        Ok(self.next.take().map(|next| Frame {
            received: Received {
                time: next.time,
                rssi_dbm: None,
                bytes: self.capture.bytes(next.bytes),
            },
            packet: next.packet,
            restarted: next.restarted,
        }))
    }
}
