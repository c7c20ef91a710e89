//! A trace in memory, read once for all units.

use std::ops::Range;
use std::path::Path;
use std::time::Duration;

use rsu_firmware::message::{MessageFrame, Position3D};
use rsu_firmware::network;
use rsu_firmware::rsu;
use rsu_firmware::time::{Span, Timestamp};

use crate::radio::Radio;
use crate::radio::RadioError;
use crate::radio::trace::{Pace, Trace, TraceError};

/// Most bytes of frames that are kept.
const BYTES_MAX: usize = 256 << 20;

/// A longer pause is a leap of the recorded clock, which is not waited for.
const STEP_MAX: Span = Span::from_millis(60_000);

/// The frames of a trace, to be played again and again.
pub(super) struct Recording {
    frames: Vec<Recorded>,
    bytes: Vec<u8>,
    length: Duration,
}

struct Recorded {
    time: Timestamp,
    /// From the beginning of the recording.
    offset: Duration,
    bytes: Range<usize>,
}

/// One frame of a recording.
#[derive(Clone, Copy)]
pub(super) struct RecordedFrame<'a> {
    /// When it was received.
    pub(super) time: Timestamp,
    /// How long after the beginning of the recording.
    pub(super) offset: Duration,
    /// The frame.
    pub(super) bytes: &'a [u8],
}

/// Why a trace cannot be played.
#[derive(Debug, thiserror::Error)]
pub(super) enum RecordingError {
    #[error(transparent)]
    Unopened(#[from] TraceError),
    #[error(transparent)]
    Unreadable(#[from] RadioError),
    #[error("{trace}: there is no frame in it, and {packets} packets of other kinds")]
    Empty { trace: String, packets: u64 },
    #[error("{trace}: longer than {max} MB of frames; cut it first, for example with editcap -c")]
    TooLong { trace: String, max: usize },
}

impl Recording {
    /// Reads a trace to its end.
    pub(super) async fn read(path: &Path) -> Result<Self, RecordingError> {
        let mut trace = Trace::open(path, Pace::Max)?;
        let mut recording = Self {
            frames: Vec::new(),
            bytes: Vec::new(),
            length: Duration::ZERO,
        };
        while let Some(frame) = trace.receive().await? {
            recording.add(frame.received.time, frame.received.bytes);
            if recording.bytes.len() > BYTES_MAX {
                return Err(RecordingError::TooLong {
                    trace: path.display().to_string(),
                    max: BYTES_MAX >> 20,
                });
            }
        }
        if recording.frames.is_empty() {
            return Err(RecordingError::Empty {
                trace: path.display().to_string(),
                packets: trace.packets(),
            });
        }
        Ok(recording)
    }

    fn add(&mut self, time: Timestamp, bytes: &[u8]) {
        let step = self
            .frames
            .last()
            .map_or(Span::default(), |last| time - last.time);
        let step = match (Span::default()..=STEP_MAX).contains(&step) {
            true => Duration::from_micros(step.as_micros().unsigned_abs()),
            false => Duration::ZERO,
        };
        let offset = self.length + step;
        let start = self.bytes.len();
        self.bytes.extend_from_slice(bytes);
        self.frames.push(Recorded {
            time,
            offset,
            bytes: start..self.bytes.len(),
        });
        self.length = offset;
    }

    /// How many frames there are; at least one.
    pub(super) fn len(&self) -> usize {
        self.frames.len()
    }

    /// After which time it begins again: that of its frames, and a second more for the messages
    /// that come once a second.
    pub(super) fn round(&self) -> Duration {
        self.length + Duration::from_secs(1)
    }

    /// The number of the first frame not before `offset`.
    pub(super) fn first_from(&self, offset: Duration) -> usize {
        self.frames.partition_point(|frame| frame.offset < offset)
    }

    /// A frame by its number.
    pub(super) fn frame(&self, number: usize) -> Option<RecordedFrame<'_>> {
        let frame = self.frames.get(number)?;
        Some(RecordedFrame {
            time: frame.time,
            offset: frame.offset,
            bytes: self.bytes.get(frame.bytes.clone())?,
        })
    }

    /// Where it was recorded: the first node of its first MAP, or else its first vehicle.
    pub(super) fn position(&self, settings: &rsu::Settings) -> Option<Position3D> {
        let positions = || {
            let frames = (0..self.len()).filter_map(|number| self.frame(number));
            frames.filter_map(|frame| position(frame.bytes, settings))
        };
        let of_map = positions().find_map(|(position, is_map)| is_map.then_some(position));
        of_map.or_else(|| positions().next().map(|(position, _)| position))
    }
}

/// The position that a frame tells, and whether it is a MAP's.
fn position(frame: &[u8], settings: &rsu::Settings) -> Option<(Position3D, bool)> {
    let dsm = network::parse(frame, settings.adaptation, settings.payload_length_max).ok()?;
    match MessageFrame::decode(dsm.payload, settings.profile).ok()? {
        MessageFrame::Map(map) => Some((map.nodes.iter().next()?.ref_pos, true)),
        MessageFrame::Bsm(bsm) => Some((bsm.pos, false)),
        _ => None,
    }
}
