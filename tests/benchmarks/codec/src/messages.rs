//! What is worked on: the vectors, a sample of the traces, and the recorded messages where present.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use pcap_parser::{Block, PcapBlock, PcapNGCapture};
use rsu_firmware::message::MessageFrame;
use rsu_firmware::network::{self, Adaptation, Aid, MessageKind};
use rsu_firmware::uper::Profile;

/// No message is longer, in bytes.
pub const MESSAGE_LENGTH_MAX: usize = 1 << 16;

/// At most so many messages of a kind are taken from a trace, spread over its length.
const FROM_TRACE_MAX: usize = 120;

/// A message to work on.
#[derive(Clone, Debug)]
pub struct Message {
    /// What it is.
    pub kind: MessageKind,
    /// The MessageFrame in UPER.
    pub bytes: Vec<u8>,
    /// The phase to be found in it: of a SPAT the one in the middle, else 0.
    pub phase: u8,
}

impl Message {
    /// The message in these bytes, if they are one of a kind that is known.
    pub fn new(bytes: Vec<u8>) -> Option<Self> {
        let mut phase = 0;
        let kind = match MessageFrame::decode(&bytes, Profile::Ydt3709_2020).ok()? {
            MessageFrame::Bsm(_) => MessageKind::Bsm,
            MessageFrame::Map(_) => MessageKind::Map,
            MessageFrame::Rsi(_) => MessageKind::Rsi,
            MessageFrame::Rsm(_) => MessageKind::Rsm,
            MessageFrame::Spat(spat) => {
                let intersections = spat.intersections.iter();
                let phases = intersections.flat_map(|i| i.phases.iter().collect::<Vec<_>>());
                let phases: Vec<_> = phases.map(|phase| phase.id.value()).collect();
                phase = *phases.get(phases.len() / 2)?;
                MessageKind::Spat
            }
            MessageFrame::Unknown(..) => return None,
        };
        Some(Self { kind, bytes, phase })
    }
}

/// The messages, and how many of them are recorded.
#[derive(Debug)]
pub struct Messages {
    /// All of them.
    pub all: Vec<Message>,
    /// How many of them come from `../shared/recorded`.
    pub recorded: usize,
}

impl Messages {
    /// Reads all that there are.
    ///
    /// # Panics
    /// If the vectors or traces are not as expected.
    pub fn read() -> Self {
        let mut messages = Self::bundled();
        let recorded = recorded();
        messages.recorded = recorded.len();
        messages.all.extend(recorded);
        messages
    }

    /// Reads what is part of the project: the same wherever it is built.
    ///
    /// # Panics
    /// As [`read`](Self::read).
    pub fn bundled() -> Self {
        let mut all = vectors();
        all.extend(trace());
        Self { all, recorded: 0 }
    }

    /// Those of one kind.
    pub fn of(&self, kind: MessageKind) -> Vec<Message> {
        let of_kind = self.all.iter().filter(|message| message.kind == kind);
        of_kind.cloned().collect()
    }
}

/// The application that a message of this kind is sent to.
pub(crate) fn aid(kind: MessageKind) -> Aid {
    match kind {
        MessageKind::Bsm => Aid::BSM_REGULAR,
        MessageKind::Map => Aid::MAP,
        MessageKind::Spat => Aid::SPAT,
        MessageKind::Rsi => Aid::RSI_DYNAMIC,
        MessageKind::Rsm => Aid::RSM,
        MessageKind::Security => Aid::CERTIFICATES,
    }
}

fn tests_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn vectors() -> Vec<Message> {
    let path = tests_folder().join("vectors/day1-ydt3709-2020.jsonl.gz");
    let file = File::open(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let message = |line: String| {
        let vector: serde_json::Value = serde_json::from_str(&line).expect("JSON");
        let bytes = hex::decode(vector["uper"].as_str().expect("hex")).expect("hex");
        Message::new(bytes).expect("a message")
    };
    let lines = BufReader::new(GzDecoder::new(file)).lines();
    lines.map(|line| message(line.expect("a line"))).collect()
}

fn trace() -> Vec<Message> {
    let path = tests_folder().join("traces/arterial.pcapng");
    let file = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let capture = PcapNGCapture::from_file(&file).expect("a capture");
    let frames = capture.iter().filter_map(|block| match block {
        PcapBlock::NG(Block::EnhancedPacket(packet)) => Some(packet.data),
        _ => None,
    });
    let message = |frame| {
        let dsm = network::parse(frame, Adaptation::Present, MESSAGE_LENGTH_MAX).ok()?;
        Message::new(dsm.payload.to_vec())
    };
    let messages: Vec<_> = frames.filter_map(message).collect();
    let kinds = [MessageKind::Bsm, MessageKind::Map, MessageKind::Spat];
    let sample = |kind| {
        let of_kind = messages.iter().filter(move |message| message.kind == kind);
        let of_kind: Vec<_> = of_kind.cloned().collect();
        let step = of_kind.len().div_ceil(FROM_TRACE_MAX).max(1);
        of_kind.into_iter().step_by(step)
    };
    kinds.into_iter().flat_map(sample).collect()
}

/// What others recorded, where it lies beside the project; those that follow the profile.
fn recorded() -> Vec<Message> {
    let folder = tests_folder().join("../../shared/recorded/cn/uper-recorded");
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths: Vec<_> = entries.map(|entry| entry.path()).collect();
    paths.sort();
    let message = |path: PathBuf| {
        let hex = path.to_str()?.strip_suffix(".hex")?;
        let other_profile = hex.ends_with(".tcsae53-2019");
        let bytes = fs::read_to_string(&path).ok().filter(|_| !other_profile)?;
        let bytes = hex::decode(bytes.trim()).ok()?;
        let message = MessageFrame::decode_prefix(&bytes, Profile::Ydt3709_2020).ok();
        let (_, length) = message?;
        Message::new(bytes.get(..length)?.to_vec())
    };
    paths.into_iter().filter_map(message).collect()
}
