//! OCTET STRING and IA5String.

use super::units::Units;
use super::{Element, Observer, Reader, Writer};
use core::fmt;

/// An OCTET STRING of fixed size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FixedOctetString<const N: usize>(pub [u8; N]);

impl<'a, const N: usize> Element<'a> for FixedOctetString<N> {
    #[inline(always)]
    fn decode<O: Observer<'a>>(reader: &mut Reader<'a>, _observer: &mut O) -> Self {
        let mut octets = [0; N];
        for chunk in octets.chunks_mut(4) {
            let width = chunk.len() as u32 * 8;
            let word = (reader.bits(width) << (u64::BITS - width)).to_be_bytes();
            for (to, from) in chunk.iter_mut().zip(word) {
                *to = from;
            }
        }
        Self(octets)
    }

    #[inline(always)]
    fn encode<O: Observer<'a>>(&self, writer: &mut Writer<'_, O>) {
        for chunk in self.0.chunks(4) {
            let word = |word, octet: &u8| word << 8 | u64::from(*octet);
            writer.bits(chunk.iter().fold(0, word), chunk.len() as u32 * 8);
        }
    }
}

impl<const N: usize> fmt::Display for FixedOctetString<N> {
    /// Upper-case hex.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|octet| write!(f, "{octet:02X}"))
    }
}

/// An OCTET STRING of `MIN..=MAX` octets, on the wire or in memory.
#[derive(Clone)]
pub struct OctetString<'a, const MIN: usize, const MAX: usize>(Units<'a, 8>);

/// An IA5String (7-bit ASCII) of `MIN..=MAX` characters, on the wire or in memory.
#[derive(Clone)]
pub struct Ia5String<'a, const MIN: usize, const MAX: usize>(Units<'a, 7>);

macro_rules! string_element {
    ($name:ident) => {
        impl<'a, const MIN: usize, const MAX: usize> $name<'a, MIN, MAX> {
            /// The number of octets.
            pub fn len(&self) -> usize {
                self.0.len()
            }

            /// Whether there is none.
            pub fn is_empty(&self) -> bool {
                self.len() == 0
            }

            /// The octets, in order; they need not be aligned on the wire.
            pub fn octets(&self) -> impl Iterator<Item = u8> + '_ {
                self.0.iter()
            }
        }

        impl<'a, const MIN: usize, const MAX: usize> Element<'a> for $name<'a, MIN, MAX> {
            #[inline(always)]
            fn decode<O: Observer<'a>>(reader: &mut Reader<'a>, _observer: &mut O) -> Self {
                Self(Units::decode_constrained(reader, MIN, MAX))
            }

            #[inline(always)]
            fn encode<O: Observer<'a>>(&self, writer: &mut Writer<'_, O>) {
                writer.apart(|writer| self.0.encode_constrained(writer, MIN, MAX));
            }
        }

        impl<const MIN: usize, const MAX: usize> PartialEq for $name<'_, MIN, MAX> {
            fn eq(&self, other: &Self) -> bool {
                self.octets().eq(other.octets())
            }
        }

        impl<const MIN: usize, const MAX: usize> fmt::Debug for $name<'_, MIN, MAX> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "\"{self}\"")
            }
        }
    };
}

string_element!(OctetString);
string_element!(Ia5String);

impl<'a, const MIN: usize, const MAX: usize> OctetString<'a, MIN, MAX> {
    /// A string to be encoded. Its size is checked then.
    pub const fn new(octets: &'a [u8]) -> Self {
        Self(Units::Slice(octets))
    }
}

impl<'a, const MIN: usize, const MAX: usize> Ia5String<'a, MIN, MAX> {
    /// A string to be encoded. Its size and characters are checked then.
    pub const fn new(text: &'a str) -> Self {
        Self(Units::Slice(text.as_bytes()))
    }
}

impl<const MIN: usize, const MAX: usize> fmt::Display for OctetString<'_, MIN, MAX> {
    /// Upper-case hex.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.octets().try_for_each(|octet| write!(f, "{octet:02X}"))
    }
}

impl<const MIN: usize, const MAX: usize> fmt::Display for Ia5String<'_, MIN, MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write;
        self.octets()
            .try_for_each(|octet| f.write_char(char::from(octet)))
    }
}

/// A string of its own, where there is an allocator. Its size is checked when it is encoded.
#[cfg(feature = "serde")]
impl<const MIN: usize, const MAX: usize> From<alloc::vec::Vec<u8>> for OctetString<'_, MIN, MAX> {
    fn from(octets: alloc::vec::Vec<u8>) -> Self {
        Self(Units::Boxed(octets.into()))
    }
}

/// A string of its own, where there is an allocator. Its size and characters are checked when it
/// is encoded.
#[cfg(feature = "serde")]
impl<const MIN: usize, const MAX: usize> From<alloc::string::String> for Ia5String<'_, MIN, MAX> {
    fn from(text: alloc::string::String) -> Self {
        Self(Units::Boxed(text.into_bytes().into()))
    }
}

#[cfg(feature = "serde")]
mod json {
    use super::{FixedOctetString, Ia5String, OctetString, Units};
    use crate::jer;
    use alloc::string::String;
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

    impl<const N: usize> Serialize for FixedOctetString<N> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_str(self)
        }
    }

    impl<'de, const N: usize> Deserialize<'de> for FixedOctetString<N> {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            let octets = jer::octets(deserializer)?;
            let len = octets.len();
            let fixed = octets.try_into();
            fixed.map(Self).map_err(|_| {
                D::Error::custom(format_args!("size: {len} octets where {N} are demanded"))
            })
        }
    }

    impl<const MIN: usize, const MAX: usize> Serialize for OctetString<'_, MIN, MAX> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_str(self)
        }
    }

    impl<'de, const MIN: usize, const MAX: usize> Deserialize<'de> for OctetString<'_, MIN, MAX> {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            Ok(Self(Units::Boxed(jer::octets(deserializer)?.into())))
        }
    }

    impl<const MIN: usize, const MAX: usize> Serialize for Ia5String<'_, MIN, MAX> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_str(self)
        }
    }

    impl<'de, const MIN: usize, const MAX: usize> Deserialize<'de> for Ia5String<'_, MIN, MAX> {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            let text = String::deserialize(deserializer)?;
            Ok(Self(Units::Boxed(text.into_bytes().into())))
        }
    }
}
