//! Application identifiers and the messages they stand for.

use super::Dropped;

/// An application identifier (AID), 0..=[`Aid::VALUE_MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Aid(u32);

/// What a DSM carries, as its AID says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MessageKind {
    /// Basic safety message of a vehicle.
    Bsm,
    /// Geometry of intersections.
    Map,
    /// Signal phase and timing.
    Spat,
    /// Roadside information: signs and events.
    Rsi,
    /// Roadside safety message: detected participants.
    Rsm,
    /// Certificate management, revocation lists, misbehaviour reports (YD/T 3957).
    Security,
}

impl Aid {
    /// BSM of an ordinary vehicle, sent regularly.
    pub const BSM_REGULAR: Self = Self(111);
    /// BSM of an ordinary vehicle, sent at an event.
    pub const BSM_EVENT: Self = Self(112);
    /// BSM of an emergency vehicle, sent regularly.
    pub const BSM_EMERGENCY_REGULAR: Self = Self(113);
    /// BSM of an emergency vehicle, sent at an event.
    pub const BSM_EMERGENCY_EVENT: Self = Self(114);
    /// MAP.
    pub const MAP: Self = Self(3618);
    /// SPAT.
    pub const SPAT: Self = Self(3619);
    /// RSI that does not change: signs.
    pub const RSI_STATIC: Self = Self(3620);
    /// RSI that changes now and then.
    pub const RSI_SEMI_STATIC: Self = Self(3621);
    /// RSI that changes from message to message.
    pub const RSI_DYNAMIC: Self = Self(3622);
    /// RSM.
    pub const RSM: Self = Self(3623);
    /// Certificate management.
    pub const CERTIFICATES: Self = Self(3627);
    /// Certificate revocation lists.
    pub const REVOCATION: Self = Self(3628);
    /// Misbehaviour reports.
    pub const MISBEHAVIOUR: Self = Self(3629);

    /// The greatest value that four bytes of p-encoding hold.
    pub const VALUE_MAX: u32 = FOUR_BYTES_FROM + 0x0FFF_FFFF;
    /// The most bytes of a p-encoding.
    pub const LENGTH_MAX: usize = 4;

    /// An AID, if p-encoding can hold the value.
    pub const fn new(value: u32) -> Option<Self> {
        if value <= Self::VALUE_MAX {
            Some(Self(value))
        } else {
            None
        }
    }

    /// The number.
    pub const fn value(self) -> u32 {
        self.0
    }

    /// The message that a DSM with this AID carries; `None` for an AID not registered here.
    pub const fn kind(self) -> Option<MessageKind> {
        Some(match self {
            Self::BSM_REGULAR
            | Self::BSM_EVENT
            | Self::BSM_EMERGENCY_REGULAR
            | Self::BSM_EMERGENCY_EVENT => MessageKind::Bsm,
            Self::MAP => MessageKind::Map,
            Self::SPAT => MessageKind::Spat,
            Self::RSI_STATIC | Self::RSI_SEMI_STATIC | Self::RSI_DYNAMIC => MessageKind::Rsi,
            Self::RSM => MessageKind::Rsm,
            Self::CERTIFICATES | Self::REVOCATION | Self::MISBEHAVIOUR => MessageKind::Security,
            _ => return None,
        })
    }

    /// Reads a p-encoded AID (as in IEEE 1609.12) and returns what follows it.
    ///
    /// The leading ones of the first byte tell how many bytes follow, and each length begins where
    /// the shorter one ends, so that every value has exactly one encoding.
    pub(super) fn parse(bytes: &[u8]) -> Result<(Self, &[u8]), Dropped> {
        let first = *bytes.first().ok_or(Dropped::TruncatedHeader)?;
        let (length, prefix, from) = match first.leading_ones() {
            0 => (1, 0, 0),
            1 => (2, 0x8000, TWO_BYTES_FROM),
            2 => (3, 0x00C0_0000, THREE_BYTES_FROM),
            3 => (4, 0xE000_0000, FOUR_BYTES_FROM),
            _ => return Err(Dropped::BadAid),
        };
        let (encoded, rest) = bytes
            .split_at_checked(length)
            .ok_or(Dropped::TruncatedHeader)?;
        let encoded = encoded
            .iter()
            .fold(0, |value: u32, &byte| value << 8 | u32::from(byte));
        Ok((Self((encoded ^ prefix) + from), rest))
    }

    /// The p-encoding and how many of its bytes count.
    pub(super) const fn encode(self) -> ([u8; Self::LENGTH_MAX], usize) {
        let value = self.0;
        if value < TWO_BYTES_FROM {
            ((value << 24).to_be_bytes(), 1)
        } else if value < THREE_BYTES_FROM {
            (((value - TWO_BYTES_FROM + 0x8000) << 16).to_be_bytes(), 2)
        } else if value < FOUR_BYTES_FROM {
            let encoded = value - THREE_BYTES_FROM + 0x00C0_0000;
            ((encoded << 8).to_be_bytes(), 3)
        } else {
            ((value - FOUR_BYTES_FROM + 0xE000_0000).to_be_bytes(), 4)
        }
    }
}

const TWO_BYTES_FROM: u32 = 0x80;
const THREE_BYTES_FROM: u32 = TWO_BYTES_FROM + 0x4000;
const FOUR_BYTES_FROM: u32 = THREE_BYTES_FROM + 0x20_0000;
