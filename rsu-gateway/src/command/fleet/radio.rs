//! The radio of a virtual unit: a recording, transposed, for ever.

use std::sync::Arc;
use std::time::Duration;

use rsu_firmware::message::MessageFrame;
use rsu_firmware::network::{self, DSM_LENGTH_MAX, HEADER_LENGTH_MAX};
use rsu_firmware::pc5::Received;
use rsu_firmware::rsu;
use rsu_firmware::time::{Span, Timestamp};
use tokio::time::{Instant, sleep_until};

use super::recording::{RecordedFrame, Recording};
use super::transposition::Transposition;
use crate::clock;
use crate::radio::{Frame, Radio, RadioError};

/// What is delivered so much after its time is late.
pub(super) const LATE: Duration = Duration::from_millis(50);

/// Delivers the frames of a recording at recorded pace, as the unit of a transposition hears them.
///
/// Each message is decoded, transposed and encoded again. What cannot be decoded is delivered as it
/// was recorded.
pub(super) struct VirtualRadio {
    recording: Arc<Recording>,
    transposer: Transposer,
    /// The number of the next frame.
    next: usize,
    round_began: Instant,
    /// The part of the first round that is left out.
    skipped: Duration,
    counts: Counts,
}

/// What was delivered, and what not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    /// Frames delivered.
    pub(super) frames: u64,
    /// Those of them that were more than [`LATE`] late.
    pub(super) late: u64,
    /// Frames that are too long once they are transposed.
    pub(super) left_out: u64,
}

impl VirtualRadio {
    /// Begins now, `phase` into the recording.
    pub(super) fn new(
        recording: Arc<Recording>,
        phase: Duration,
        transposition: Transposition,
        settings: rsu::Settings,
    ) -> Self {
        Self {
            next: recording.first_from(phase),
            recording,
            transposer: Transposer::new(transposition, settings),
            round_began: Instant::now(),
            skipped: phase,
            counts: Counts::default(),
        }
    }

    pub(super) fn counts(&self) -> Counts {
        self.counts
    }

    fn due(&self, frame: RecordedFrame<'_>) -> Instant {
        self.round_began + frame.offset.saturating_sub(self.skipped)
    }

    fn begin_round(&mut self) {
        self.round_began += self.recording.round().saturating_sub(self.skipped);
        self.skipped = Duration::ZERO;
        self.next = 0;
    }
}

impl Radio for VirtualRadio {
    async fn receive(&mut self) -> Result<Option<Frame<'_>>, RadioError> {
        let recording = self.recording.clone();
        loop {
            let Some(frame) = recording.frame(self.next) else {
                self.begin_round();
                continue;
            };
            let due = self.due(frame);
            sleep_until(due).await;
            self.next += 1;

            let late = due.elapsed();
            let received = clock::now();
            let late_us = i64::try_from(late.as_micros()).unwrap_or(i64::MAX);
            let sent = received - Span::from_micros(late_us);
            if self.transposer.transpose(frame, sent).is_err() {
                self.counts.left_out += 1;
                continue;
            }
            self.counts.frames += 1;
            self.counts.late += u64::from(late > LATE);
            return Ok(Some(Frame {
                received: Received {
                    time: received,
                    rssi_dbm: None,
                    bytes: self.transposer.transposed(),
                },
                packet: self.counts.frames,
                restarted: false,
            }));
        }
    }
}

/// Makes the frames that the unit hears of those that were recorded.
struct Transposer {
    transposition: Transposition,
    settings: rsu::Settings,
    message: Box<[u8]>,
    frame: Box<[u8]>,
    frame_length: usize,
}

/// A frame cannot carry the message any more.
struct TooLong;

impl Transposer {
    fn new(transposition: Transposition, settings: rsu::Settings) -> Self {
        Self {
            transposition,
            settings,
            message: vec![0; DSM_LENGTH_MAX].into(),
            frame: vec![0; HEADER_LENGTH_MAX + DSM_LENGTH_MAX].into(),
            frame_length: 0,
        }
    }

    fn transpose(&mut self, recorded: RecordedFrame<'_>, sent: Timestamp) -> Result<(), TooLong> {
        let settings = &self.settings;
        let dsm = network::parse(recorded.bytes, settings.adaptation, DSM_LENGTH_MAX);
        let decoded = dsm.ok().and_then(|dsm| {
            let message = MessageFrame::decode(dsm.payload, settings.profile);
            Some((dsm.aid, message.ok()?))
        });
        let Some((aid, mut message)) = decoded else {
            return self.keep(recorded.bytes);
        };
        self.transposition
            .transpose(&mut message, recorded.time, sent);
        let length = message.encode(&mut self.message, settings.profile);
        let message = length.ok().and_then(|length| self.message.get(..length));
        let message = message.ok_or(TooLong)?;
        let built = network::build(
            aid,
            message,
            settings.adaptation,
            DSM_LENGTH_MAX,
            &mut self.frame,
        );
        self.frame_length = built.map_err(|_| TooLong)?;
        Ok(())
    }

    fn keep(&mut self, frame: &[u8]) -> Result<(), TooLong> {
        let place = self.frame.get_mut(..frame.len()).ok_or(TooLong)?;
        place.copy_from_slice(frame);
        self.frame_length = frame.len();
        Ok(())
    }

    fn transposed(&self) -> &[u8] {
        self.frame.get(..self.frame_length).unwrap_or_default()
    }
}
