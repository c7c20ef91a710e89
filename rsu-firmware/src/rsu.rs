//! The roadside unit itself: what it does with a frame. No clock and no socket: the caller brings
//! frames with their time, and takes what follows from them.

use crate::fusion::input::NodeId;
use crate::fusion::{Fusion, MapError, VEHICLES, VehicleView};
use crate::message::{MessageFrame, observe};
use crate::network::{self, Adaptation, Aid, MessageKind};
use crate::pc5::Received;
use crate::stats::{DropReason, FrameKind, Stats};
use crate::time::Timestamp;
use crate::uper::{self, Profile};

/// How the frames of this site are to be read.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// The edition of the message set.
    pub profile: Profile,
    /// Whether the radio delivers the adaptation byte.
    pub adaptation: Adaptation,
    /// The longest payload of a frame, in bytes.
    pub payload_length_max: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            profile: Profile::default(),
            adaptation: Adaptation::Present,
            payload_length_max: network::DSM_LENGTH_MAX,
        }
    }
}

/// The core: frames in, what they mean out. Keeps up to `N` vehicles.
pub struct Rsu<const N: usize = VEHICLES> {
    settings: Settings,
    fusion: Fusion<N>,
    stats: Stats,
}

/// A message that was received.
pub struct Heard<'f, 'a> {
    /// The application it was sent to.
    pub aid: Aid,
    /// The MessageFrame as it was on the air.
    pub bytes: &'a [u8],
    /// What it says.
    pub message: MessageFrame<'a>,
    /// What is now known about the vehicle, if it was a BSM.
    pub vehicle: Option<VehicleView<'f>>,
    /// The node whose geometry could not be used, if it was a MAP, and why.
    pub refused_node: Option<(NodeId, MapError)>,
    /// Whether more bytes came behind it.
    pub trailing: bool,
}

/// A frame that was dropped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Dropped {
    /// By the network layer.
    Network(network::Dropped),
    /// Its message breaks a rule of the schema.
    Message(uper::Error),
    /// Its message is not of the kind that the AID announces.
    AidMismatch {
        /// The kind announced.
        announced: MessageKind,
        /// The kind found.
        found: FrameKind,
    },
    /// It belongs to the security management.
    Security,
}

impl Dropped {
    /// The counter that was raised.
    pub fn reason(&self) -> DropReason {
        match self {
            Self::Network(dropped) => DropReason::Network(*dropped),
            Self::Message(error) => DropReason::Message(error.kind),
            Self::AidMismatch { .. } => DropReason::AidMismatch,
            Self::Security => DropReason::Security,
        }
    }
}

impl<const N: usize> Rsu<N> {
    /// A unit that has heard nothing yet. It is large: keep it in a `static` or a `Box`.
    #[inline(always)]
    pub const fn new(settings: Settings) -> Self {
        Self {
            settings,
            fusion: Fusion::new(),
            stats: Stats::new(),
        }
    }

    /// What was received and dropped so far.
    pub fn stats(&self) -> &Stats {
        &self.stats
    }

    /// The picture of the junctions.
    pub fn fusion(&self) -> &Fusion<N> {
        &self.fusion
    }

    /// The picture of the junctions, to take a snapshot.
    pub fn fusion_mut(&mut self) -> &mut Fusion<N> {
        &mut self.fusion
    }

    /// Takes in a frame. A frame that is dropped changes nothing but its counter.
    ///
    /// # Errors
    /// Why the frame was dropped.
    pub fn handle_frame<'a>(&mut self, received: &Received<'a>) -> Result<Heard<'_, 'a>, Dropped> {
        let mut heard = match self.settings.open(received.bytes) {
            Ok(heard) => heard,
            Err(dropped) => {
                self.stats.count_dropped(dropped.reason());
                return Err(dropped);
            }
        };
        self.observe(received.time, &mut heard);
        Ok(heard)
    }

    fn observe<'f>(&'f mut self, now: Timestamp, heard: &mut Heard<'f, '_>) {
        self.stats.count_delivered(kind_of(&heard.message));
        if heard.trailing {
            self.stats.count_trailing();
        }
        let fusion = &mut self.fusion;
        match &heard.message {
            MessageFrame::Bsm(bsm) => heard.vehicle = Some(observe::bsm(fusion, now, bsm)),
            MessageFrame::Map(map) => {
                observe::map(fusion, now, map, |node, error| {
                    heard.refused_node = Some((node, error));
                });
            }
            MessageFrame::Spat(spat) => observe::spat(fusion, now, spat),
            MessageFrame::Rsi(_) | MessageFrame::Rsm(_) | MessageFrame::Unknown(..) => {}
        }
    }
}

impl Settings {
    fn open<'a>(&self, frame: &'a [u8]) -> Result<Heard<'static, 'a>, Dropped> {
        let dsm = network::parse(frame, self.adaptation, self.payload_length_max)
            .map_err(Dropped::Network)?;
        let announced = dsm.kind().map_err(Dropped::Network)?;
        if announced == MessageKind::Security {
            return Err(Dropped::Security);
        }
        let (message, length) = match MessageFrame::decode_prefix(dsm.payload, self.profile) {
            Ok(decoded) => decoded,
            Err(error) => return Err(Dropped::Message(error)),
        };
        let found = kind_of(&message);
        if found != FrameKind::Opaque && found != FrameKind::Known(announced) {
            return Err(Dropped::AidMismatch { announced, found });
        }
        Ok(Heard {
            aid: dsm.aid,
            bytes: dsm.payload.get(..length).unwrap_or(dsm.payload),
            message,
            vehicle: None,
            refused_node: None,
            trailing: length < dsm.payload.len() || dsm.trailing_length > 0,
        })
    }
}

fn kind_of(message: &MessageFrame<'_>) -> FrameKind {
    FrameKind::Known(match message {
        MessageFrame::Bsm(_) => MessageKind::Bsm,
        MessageFrame::Map(_) => MessageKind::Map,
        MessageFrame::Rsm(_) => MessageKind::Rsm,
        MessageFrame::Spat(_) => MessageKind::Spat,
        MessageFrame::Rsi(_) => MessageKind::Rsi,
        MessageFrame::Unknown(..) => return FrameKind::Opaque,
    })
}
