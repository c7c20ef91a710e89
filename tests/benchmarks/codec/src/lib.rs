//! The codec beside those that a user could pick instead: the same work on the same messages.

pub mod drive;
pub mod messages;
mod ours;
pub mod peers;

pub use ours::Ours;

use rsu_firmware::network::MessageKind;

/// A codec for the profile ydt3709-2020.
pub trait Codec {
    /// How people call it.
    const NAME: &'static str;

    /// A message in memory, as it is kept to be encoded.
    type Message;

    /// Decodes a message to be kept.
    ///
    /// # Errors
    /// What the codec has against it.
    fn keep(bytes: &[u8]) -> Result<Self::Message, String>;

    /// Writes a message and says how many bytes it takes.
    fn encode(message: &Self::Message, buffer: &mut Vec<u8>) -> usize;

    /// Decodes a message and adds up all that is in it: numbers, indices of enumerations, bit
    /// strings and octet strings of a fixed size as numbers, octets and characters of others.
    fn decode(bytes: &[u8]) -> u64;

    /// Who sent a BSM, where it is and how fast: its `id`, `lat`, `long` and `speed`, added up.
    fn peek(bytes: &[u8]) -> u64;

    /// The first state of the first phase with this number in a SPAT: its light and the time of
    /// its likely end, added up.
    fn find(bytes: &[u8], phase: u8) -> u64;
}

/// What there is to do with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// [`Codec::decode`].
    Decode,
    /// [`Codec::peek`].
    Peek,
    /// [`Codec::find`].
    Find,
    /// [`Codec::encode`].
    Encode,
    /// All that a unit does with a frame; only ours can.
    Handle,
}

impl Work {
    /// What can be compared.
    pub const COMPARED: [Self; 4] = [Self::Decode, Self::Peek, Self::Find, Self::Encode];

    /// How it is called in tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Decode => "decode and visit every field",
            Self::Peek => "peek at four fields, not validated",
            Self::Find => "find one phase",
            Self::Encode => "encode",
            Self::Handle => "handle frame",
        }
    }

    /// Its name in a file, and by its first letter the order to a driver.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Decode => "decode",
            Self::Peek => "peek",
            Self::Find => "find",
            Self::Encode => "encode",
            Self::Handle => "handle",
        }
    }

    /// Which messages it is done with.
    pub const fn kinds(self) -> &'static [MessageKind] {
        const ALL: &[MessageKind] = &[
            MessageKind::Bsm,
            MessageKind::Spat,
            MessageKind::Map,
            MessageKind::Rsi,
            MessageKind::Rsm,
        ];
        match self {
            Self::Peek => &[MessageKind::Bsm],
            Self::Find => &[MessageKind::Spat],
            Self::Decode | Self::Encode | Self::Handle => ALL,
        }
    }
}
