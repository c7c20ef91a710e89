//! What the platform wants vehicles to hear, as messages of the message set.

use rsu_firmware::message::{MessageFrame, MsgCount};
use rsu_firmware::network::{Aid, DSM_LENGTH_MAX};
use rsu_firmware::time::{Span, Timestamp};
use rsu_firmware::uper::Profile;
use serde::{Deserialize, Serialize};

use super::answer::Refusal;
use super::command::CommandKind;

/// A message to send again and again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Broadcast {
    /// Which broadcast it is; another with the same key takes its place.
    pub key: BroadcastKey,
    /// How it is sent.
    pub class: BroadcastClass,
    /// Changes when the content does, as the platform says.
    pub etag: Option<String>,
    /// The message. Its count is set whenever it is sent.
    pub message: MessageFrame<'static>,
    /// It is sent a single time.
    pub once: bool,
    /// When it was accepted, in milliseconds since 1970.
    pub since_ms: i64,
    /// When it ends by itself, likewise.
    pub until_ms: Option<i64>,
}

/// What tells broadcasts apart.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct BroadcastKey {
    /// MAP, RSI, RSM or SPAT.
    pub kind: CommandKind,
    /// The map slice, the `alertID`, the place in the list of RSMs, or the intersections.
    pub id: String,
}

/// How a broadcast is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "as the AIDs")]
pub enum BroadcastClass {
    Map,
    Spat,
    Rsm,
    RsiStatic,
    RsiSemiStatic,
    RsiDynamic,
}

impl BroadcastClass {
    /// The application identifier of its frames.
    pub const fn aid(self) -> Aid {
        match self {
            Self::Map => Aid::MAP,
            Self::Spat => Aid::SPAT,
            Self::Rsm => Aid::RSM,
            Self::RsiStatic => Aid::RSI_STATIC,
            Self::RsiSemiStatic => Aid::RSI_SEMI_STATIC,
            Self::RsiDynamic => Aid::RSI_DYNAMIC,
        }
    }

    /// Between two repetitions (T/CSAE 159; of a SPAT 100..=500 ms).
    pub const fn interval(self) -> Span {
        Span::from_millis(match self {
            Self::Map | Self::RsiStatic => 1_000,
            Self::RsiSemiStatic => 500,
            Self::Spat => 200,
            Self::Rsm | Self::RsiDynamic => 100,
        })
    }

    /// How long a message may be repeated without being renewed, where it tells of something that
    /// moves on: the platform renews lights at least every second (T/ITS 0180.1).
    pub const fn validity(self) -> Option<Span> {
        match self {
            Self::Spat => Some(Span::from_millis(3_000)),
            Self::Rsm => Some(Span::from_millis(1_000)),
            Self::Map | Self::RsiStatic | Self::RsiSemiStatic | Self::RsiDynamic => None,
        }
    }
}

/// How many broadcasts of a kind are held; none of the kinds that are no broadcasts.
pub const fn broadcasts_max(kind: CommandKind) -> usize {
    match kind {
        CommandKind::Map | CommandKind::Spat | CommandKind::Rsm => 16,
        CommandKind::Rsi => RSI_BROADCASTS_MAX,
        _ => 0,
    }
}

/// How many events and signs of the platform are held (`maxRsiNum`).
pub const RSI_BROADCASTS_MAX: usize = 64;

/// Broadcasts of all kinds that are held.
pub const TRANSMIT_MESSAGES_MAX: usize = 3 * 16 + RSI_BROADCASTS_MAX;

impl Broadcast {
    /// Whether it is over at `now`. What lasts for long ends by the clock only while that
    /// `is_trusted`; what lasts for seconds ends as well when the clock jumps.
    pub fn has_ended(&self, now: Timestamp, is_trusted: bool) -> bool {
        let now = now.as_millis();
        let is_over = self.until_ms.is_some_and(|until| now >= until);
        match self.class.validity() {
            Some(_) => is_over || now < self.since_ms,
            None => is_over && is_trusted,
        }
    }

    /// Encodes the message with the count `count`; returns the length.
    ///
    /// # Errors
    /// The field that the edition does not allow, or that the message is longer than a frame.
    pub fn encode(
        &mut self,
        count: MsgCount,
        profile: Profile,
        buffer: &mut [u8],
    ) -> Result<usize, Refusal> {
        match &mut self.message {
            MessageFrame::Map(map) => map.msg_cnt = count,
            MessageFrame::Spat(spat) => spat.msg_cnt = count,
            MessageFrame::Rsm(rsm) => rsm.msg_cnt = count,
            MessageFrame::Rsi(rsi) => rsi.msg_cnt = count,
            MessageFrame::Bsm(_) | MessageFrame::Unknown(..) => {}
        }
        let length = self
            .message
            .encode(buffer, profile)
            .map_err(|error| Refusal::bad_parameter(format!("{}: {}", error.field, error.kind)))?;
        if length > DSM_LENGTH_MAX {
            let text = format!("{length} bytes, a frame carries {DSM_LENGTH_MAX}");
            return Err(Refusal::bad_parameter(text));
        }
        Ok(length)
    }
}

/// Room for a message that is too long for a frame, so that its length can be told.
pub(super) const MESSAGE_BYTES_MAX: usize = 64 * 1024;
