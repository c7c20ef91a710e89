//! A counter for each kind of message and for each reason a frame was dropped.

use crate::network::{self, MessageKind};
use crate::uper::ErrorKind;

/// Why a frame was dropped. Every dropped frame has exactly one reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DropReason {
    /// The network layer does not deliver it.
    Network(network::Dropped),
    /// The message breaks a rule of the schema.
    Message(ErrorKind),
    /// The message is not of the kind that its AID announces.
    AidMismatch,
    /// Certificates, revocation lists and misbehaviour reports are not handled.
    Security,
}

impl DropReason {
    const COUNT: usize = network::Dropped::ALL.len() + ErrorKind::ALL.len() + 2;

    /// Every reason.
    pub fn all() -> impl Iterator<Item = Self> {
        let network = network::Dropped::ALL.into_iter().map(Self::Network);
        let message = ErrorKind::ALL.into_iter().map(Self::Message);
        network
            .chain(message)
            .chain([Self::AidMismatch, Self::Security])
    }

    /// The counter's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Network(dropped) => dropped.name(),
            Self::Message(kind) => kind.counter(),
            Self::AidMismatch => "aid_mismatch",
            Self::Security => "security",
        }
    }

    const fn index(self) -> usize {
        let messages = network::Dropped::ALL.len();
        match self {
            Self::Network(dropped) => dropped as usize,
            Self::Message(kind) => messages + kind as usize,
            Self::AidMismatch => Self::COUNT - 2,
            Self::Security => Self::COUNT - 1,
        }
    }
}

/// What a frame was, for counting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FrameKind {
    /// A message of a known kind.
    Known(MessageKind),
    /// A MessageFrame alternative of a later edition, passed on as it is.
    Opaque,
}

impl FrameKind {
    /// Every kind of frame that is delivered.
    pub const ALL: [Self; 6] = [
        Self::Known(MessageKind::Bsm),
        Self::Known(MessageKind::Map),
        Self::Known(MessageKind::Spat),
        Self::Known(MessageKind::Rsi),
        Self::Known(MessageKind::Rsm),
        Self::Opaque,
    ];

    /// The counter's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Known(MessageKind::Bsm) => "bsm",
            Self::Known(MessageKind::Map) => "map",
            Self::Known(MessageKind::Spat) => "spat",
            Self::Known(MessageKind::Rsi) => "rsi",
            Self::Known(MessageKind::Rsm) => "rsm",
            Self::Known(MessageKind::Security) => "security",
            Self::Opaque => "opaque",
        }
    }
}

/// Counters since the start.
#[derive(Clone, Debug)]
pub struct Stats {
    delivered: [u64; FrameKind::ALL.len()],
    dropped: [u64; DropReason::COUNT],
    trailing: u64,
}

impl Stats {
    pub(crate) const fn new() -> Self {
        Self {
            delivered: [0; FrameKind::ALL.len()],
            dropped: [0; DropReason::COUNT],
            trailing: 0,
        }
    }

    pub(crate) fn count_delivered(&mut self, kind: FrameKind) {
        let counters = FrameKind::ALL.iter().zip(&mut self.delivered);
        counters
            .filter(|(counted, _)| **counted == kind)
            .for_each(|(_, counter)| *counter += 1);
    }

    pub(crate) fn count_dropped(&mut self, reason: DropReason) {
        if let Some(counter) = self.dropped.get_mut(reason.index()) {
            *counter += 1;
        }
    }

    pub(crate) fn count_trailing(&mut self) {
        self.trailing += 1;
    }

    /// Messages delivered, by kind.
    pub fn delivered(&self) -> impl Iterator<Item = (FrameKind, u64)> + '_ {
        FrameKind::ALL.into_iter().zip(self.delivered)
    }

    /// Frames dropped, by reason.
    pub fn dropped(&self) -> impl Iterator<Item = (DropReason, u64)> + '_ {
        DropReason::all().zip(self.dropped)
    }

    /// Delivered frames that had bytes behind the message or the payload.
    pub fn trailing(&self) -> u64 {
        self.trailing
    }

    /// All frames that were handled.
    pub fn frames(&self) -> u64 {
        self.delivered.iter().sum::<u64>() + self.dropped.iter().sum::<u64>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_a_counter_of_its_own() {
        let mut stats = Stats::new();
        for (at, reason) in DropReason::all().enumerate() {
            for _ in 0..=at {
                stats.count_dropped(reason);
            }
        }
        let counts = stats.dropped().map(|(_, count)| count);
        assert!(counts.eq(1..=DropReason::COUNT as u64));
    }

    #[test]
    fn every_counter_has_a_name_of_its_own() {
        let dropped = DropReason::all().map(DropReason::name);
        let delivered = FrameKind::ALL.into_iter().map(FrameKind::name);
        let mut names: std::vec::Vec<_> = dropped.collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), DropReason::COUNT);
        let mut names: std::vec::Vec<_> = delivered.collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), FrameKind::ALL.len());
    }
}
