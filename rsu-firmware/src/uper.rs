//! Unaligned PER (ITU-T X.691) over borrowed bytes.
//!
//! Every message element is defined once, with the macros of [`macros`]; the definition gives the
//! view, the decoder, the encoder and, with the feature `serde`, the JSON form (ITU-T X.697).
//!
//! Decoding validates the whole message and hands out values; only lists and strings stay on the
//! wire, as [`SequenceOf`], [`OctetString`] and [`Ia5String`], and are read again when they are
//! walked. Because the first walk has checked everything, the second cannot fail. Who wants every
//! element of a long list in one pass lends a [`Visitor`](crate::message::Visitor) to the decoder.

mod bit_string;
mod element;
mod error;
mod integers;
mod list;
pub(crate) mod macros;
mod open_type;
mod reader;
mod string;
#[cfg(test)]
mod tests;
mod units;
mod writer;

pub use bit_string::FlexibleBitString;
pub use element::{Element, MandatoryIn2020, OnlyIn2019, OptionalIn2019};
pub use error::{Error, ErrorKind, Fault, FieldPath};
pub use list::{Bounds, Elements, SequenceOf, Size, SizeByProfile};
pub use open_type::OpenType;
pub use reader::{Observer, Reader};
pub use string::{FixedOctetString, Ia5String, OctetString};
pub use writer::{Encoding, Writer};

pub(crate) use error::Tracer;
pub(crate) use integers::{Alternatives, ChoiceOfIntegers, Integers, Range};
pub(crate) use macros::{bit_string, choice, enumerated, flexible_bit_string, integer, sequence};

/// Which edition of the Day-I message set is on the wire. They share their first nibble, so a
/// message does not tell: the profile is a configuration value and never guessed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Profile {
    /// YD/T 3709-2020.
    #[default]
    Ydt3709_2020,
    /// T/CSAE 53 as released on 2019-07-24.
    Tcsae53_2019,
}

impl Profile {
    /// Both editions.
    pub const ALL: [Self; 2] = [Self::Ydt3709_2020, Self::Tcsae53_2019];

    /// The name used on the command line and in configuration.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ydt3709_2020 => "ydt3709-2020",
            Self::Tcsae53_2019 => "tcsae53-2019",
        }
    }
}

/// How many bits hold a value of `0..=span`.
pub(crate) const fn width_of(span: u64) -> u32 {
    u64::BITS - span.leading_zeros()
}
