//! Work on messages, pass by pass, as ordered over a pipe: what is counted by valgrind, by qemu
//! and by an allocator. The driver of asn1c speaks the same protocol.
//!
//! Input, little-endian: the number of messages (4 bytes), then each with the phase to find
//! (1 byte), its length (4 bytes) and its bytes; then an order for each pass, the first letter of
//! the work. Each pass is answered with a line: nanoseconds, sum of what was seen, allocations.

use std::io::{self, BufRead, Read, Write};
use std::str::FromStr;
use std::time::Instant;

use rsu_firmware::network::{self, Adaptation};
use rsu_firmware::pc5::Received;
use rsu_firmware::rsu::{Rsu, Settings};
use rsu_firmware::time::Timestamp;

use crate::messages::{MESSAGE_LENGTH_MAX, Message};
use crate::{Codec, Work};

/// What came of the work with every message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pass {
    /// How long it took.
    pub nanoseconds: u64,
    /// All that was seen, added up.
    pub sum: u64,
    /// How often memory was allocated, where that was counted.
    pub allocations: u64,
}

impl FromStr for Pass {
    type Err = io::Error;

    fn from_str(line: &str) -> io::Result<Self> {
        let malformed = || io::Error::other(format!("{line:?} is no answer of a driver"));
        let mut numbers = line.split_whitespace().map(str::parse);
        let mut number = || numbers.next().and_then(Result::ok).ok_or_else(malformed);
        Ok(Self {
            nanoseconds: number()?,
            sum: number()?,
            allocations: number()?,
        })
    }
}

impl Work {
    /// How a driver is told to do it.
    pub fn order(self) -> u8 {
        self.id().as_bytes()[0]
    }

    fn ordered(order: u8) -> Option<Self> {
        let mut all = Self::COMPARED.into_iter().chain([Self::Handle]);
        all.find(|work| work.order() == order)
    }
}

/// Messages, and what one codec needs to work on them.
pub struct Bench<C: Codec> {
    messages: Vec<Message>,
    kept: Vec<C::Message>,
    frames: Frames,
    buffer: Vec<u8>,
}

impl<C: Codec> Bench<C> {
    /// A codec that will work on these messages.
    ///
    /// # Errors
    /// Which message the codec refuses or writes otherwise than it was.
    pub fn new(messages: &[Message]) -> Result<Self, String> {
        let mut buffer = vec![0; MESSAGE_LENGTH_MAX];
        let mut kept = Vec::new();
        for Message { bytes, .. } in messages {
            let hex = || format!("{}: {}", C::NAME, hex::encode(bytes));
            let message = C::keep(bytes).map_err(|error| format!("{}: {error}", hex()))?;
            let length = C::encode(&message, &mut buffer);
            if buffer.get(..length) != Some(bytes) {
                return Err(format!("{}: comes out otherwise than it went in", hex()));
            }
            kept.push(message);
        }
        Ok(Self {
            messages: messages.to_vec(),
            kept,
            frames: Frames::default(),
            buffer,
        })
    }

    /// Does the work with every message once.
    pub fn pass(&mut self, work: Work) -> Pass {
        if work == Work::Handle {
            self.frames.build(&self.messages);
        }
        let begin = Instant::now();
        let sum = self.sum(work);
        Pass {
            nanoseconds: begin.elapsed().as_nanos() as u64,
            sum,
            allocations: 0,
        }
    }

    /// What is seen when every message is worked on.
    pub fn sum(&mut self, work: Work) -> u64 {
        let messages = self.messages.iter();
        match work {
            Work::Decode => add(messages.map(|message| C::decode(&message.bytes))),
            Work::Peek => add(messages.map(|message| C::peek(&message.bytes))),
            Work::Find => add(messages.map(|message| C::find(&message.bytes, message.phase))),
            Work::Encode => {
                let buffer = &mut self.buffer;
                add(self
                    .kept
                    .iter()
                    .map(|message| C::encode(message, buffer) as u64))
            }
            Work::Handle => self.frames.handle(),
        }
    }
}

fn add(values: impl Iterator<Item = u64>) -> u64 {
    values.fold(0, u64::wrapping_add)
}

/// The messages in frames, and the unit that hears them.
#[derive(Default)]
struct Frames {
    unit: Option<Box<Rsu>>,
    frames: Vec<Vec<u8>>,
}

impl Frames {
    fn build(&mut self, messages: &[Message]) {
        if self.unit.is_some() {
            return;
        }
        let settings = Settings {
            payload_length_max: MESSAGE_LENGTH_MAX,
            ..Settings::default()
        };
        self.unit = Some(Box::new(Rsu::new(settings)));
        for Message { kind, bytes, .. } in messages {
            let mut frame = vec![0; bytes.len() + network::HEADER_LENGTH_MAX];
            let length = network::build(
                crate::messages::aid(*kind),
                bytes,
                Adaptation::Present,
                MESSAGE_LENGTH_MAX,
                &mut frame,
            );
            frame.truncate(length.expect("the frame has room"));
            self.frames.push(frame);
        }
    }

    /// All at the same moment: what a unit makes of the lapse of time is not what is measured.
    fn handle(&mut self) -> u64 {
        let Some(unit) = &mut self.unit else {
            return 0;
        };
        let received = |frame| Received {
            time: Timestamp::from_millis(1_700_000_000_000),
            rssi_dbm: None,
            bytes: frame,
        };
        let frames = self.frames.iter();
        add(frames.map(|frame| u64::from(unit.handle_frame(&received(frame)).is_ok())))
    }
}

/// Reads messages and orders, and answers them. `count` does a piece of work and says how often
/// memory was allocated in it.
///
/// # Errors
/// What is wrong with the input or the output.
pub fn serve<C: Codec>(
    mut input: impl BufRead,
    mut output: impl Write,
    mut count: impl FnMut(&mut dyn FnMut()) -> u64,
) -> io::Result<()> {
    let messages = read_messages(&mut input)?;
    let mut bench = Bench::<C>::new(&messages).map_err(io::Error::other)?;
    for order in input.bytes() {
        let order = order?;
        let work = Work::ordered(order)
            .ok_or_else(|| io::Error::other(format!("{} is no order", order.escape_ascii())))?;
        let mut pass = None;
        let allocations = count(&mut || pass = Some(bench.pass(work)));
        let Pass {
            nanoseconds, sum, ..
        } = pass.ok_or_else(|| io::Error::other("no pass"))?;
        writeln!(output, "{nanoseconds} {sum} {allocations}")?;
        output.flush()?;
    }
    Ok(())
}

/// Writes messages as a driver reads them.
///
/// # Errors
/// What is wrong with the output.
pub fn write_messages(messages: &[Message], output: &mut impl Write) -> io::Result<()> {
    output.write_all(&(messages.len() as u32).to_le_bytes())?;
    for Message { bytes, phase, .. } in messages {
        output.write_all(&[*phase])?;
        output.write_all(&(bytes.len() as u32).to_le_bytes())?;
        output.write_all(bytes)?;
    }
    Ok(())
}

fn read_messages(input: &mut impl Read) -> io::Result<Vec<Message>> {
    let mut word = [0; 4];
    input.read_exact(&mut word)?;
    let mut messages = Vec::new();
    for _ in 0..u32::from_le_bytes(word) {
        let mut phase = [0];
        input.read_exact(&mut phase)?;
        input.read_exact(&mut word)?;
        let length = u32::from_le_bytes(word) as usize;
        let mut bytes = vec![0; length.min(MESSAGE_LENGTH_MAX)];
        input.read_exact(&mut bytes)?;
        let message = Message::new(bytes).ok_or_else(|| io::Error::other("no such message"))?;
        messages.push(Message {
            phase: phase[0],
            ..message
        });
    }
    Ok(messages)
}
