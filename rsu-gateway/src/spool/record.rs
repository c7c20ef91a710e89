//! What the spool holds.

use std::fmt;

use rsu_firmware::time::Timestamp;

use crate::clock::ClockQuality;
use crate::mqtt::Publish;

/// The random number of a spool, drawn when its folder was blank: tells it from those of other
/// devices and from one that was lost. Shown as 16 hex digits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SpoolId(pub u64);

impl fmt::Display for SpoolId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl SpoolId {
    /// A new one, from the kernel's random numbers.
    pub(super) fn draw() -> std::io::Result<Self> {
        let mut bytes = [0; 8];
        let flags = rustix::rand::GetRandomFlags::empty();
        rustix::rand::getrandom(&mut bytes, flags)?;
        Ok(Self(u64::from_le_bytes(bytes)))
    }
}

/// What tells a record from every other, for good: the pair never comes again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RecordId {
    /// Who numbered it.
    pub spool: SpoolId,
    /// Place in the order, from 1; numbers may be missing, none comes twice.
    pub sequence: u64,
}

/// When something was, and how far that can be trusted. The spool orders nothing by it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Stamp {
    /// When, by the clock of the unit.
    pub time: Timestamp,
    /// How good the clock was.
    pub clock: ClockQuality,
}

/// A record.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Place in the order, from 1.
    pub sequence: u64,
    /// When it was appended.
    pub stamp: Stamp,
    /// What goes to the broker.
    pub publish: Publish,
}
