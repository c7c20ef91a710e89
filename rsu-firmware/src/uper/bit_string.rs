//! BIT STRING of extensible size.

use super::units::Units;
use super::{Element, Observer, Reader, Writer};
use core::fmt;

/// A BIT STRING (SIZE(ROOT, ...)), ROOT at most 32: of ROOT bits, or of any other number where
/// the sender follows a later edition.
#[derive(Clone)]
pub struct FlexibleBitString<'a, const ROOT: u32>(Bits<'a>);

#[derive(Clone)]
enum Bits<'a> {
    /// Right-aligned: bit 0 of the ASN.1 type is the most significant of ROOT bits.
    Root(u32),
    /// Marked as extended on the wire.
    Extended(Units<'a, 1>),
}

impl<'a, const ROOT: u32> FlexibleBitString<'a, ROOT> {
    /// A string of ROOT bits, bit 0 of the ASN.1 type leftmost; what exceeds ROOT is cut off.
    pub const fn new(bits: u32) -> Self {
        Self(Bits::Root(bits & (u32::MAX >> (u32::BITS - ROOT))))
    }

    /// The number of bits.
    pub fn len(&self) -> usize {
        match &self.0 {
            Bits::Root(_) => ROOT as usize,
            Bits::Extended(bits) => bits.len(),
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bits as a number, bit 0 of the ASN.1 type leftmost, if they are ROOT.
    pub fn root(&self) -> Option<u32> {
        match self.0 {
            Bits::Root(bits) => Some(bits),
            Bits::Extended(_) => None,
        }
    }

    /// Whether the bit numbered `bit` in the ASN.1 type is set; bits that were not sent are not.
    pub fn has(&self, bit: u32) -> bool {
        match &self.0 {
            Bits::Root(bits) => bit < ROOT && (bits >> (ROOT - 1 - bit)) & 1 == 1,
            Bits::Extended(bits) => bits.iter().nth(bit as usize) == Some(1),
        }
    }

    /// The bits in order.
    pub fn iter(&self) -> impl Iterator<Item = bool> + '_ {
        let (root, extended) = match &self.0 {
            Bits::Root(_) => (ROOT, None),
            Bits::Extended(bits) => (0, Some(bits.iter())),
        };
        (0..root)
            .map(|bit| self.has(bit))
            .chain(extended.into_iter().flatten().map(|bit| bit == 1))
    }
}

impl<'a, const ROOT: u32> Element<'a> for FlexibleBitString<'a, ROOT> {
    #[inline(always)]
    fn decode<O: Observer<'a>>(reader: &mut Reader<'a>, observer: &mut O) -> Self {
        Self(if reader.flag() {
            Bits::Extended(Units::decode(reader, observer))
        } else {
            Bits::Root(reader.bits(ROOT) as u32)
        })
    }

    #[inline(always)]
    fn encode<O: Observer<'a>>(&self, writer: &mut Writer<'_, O>) {
        match &self.0 {
            Bits::Root(bits) => writer.bits(u64::from(*bits), ROOT + 1),
            Bits::Extended(bits) => {
                writer.apart(|writer| {
                    // At this size the sender should not have marked it (X.691 16.6).
                    let is_root = bits.len() == ROOT as usize;
                    writer.flag(!is_root);
                    match is_root {
                        true => bits.iter().for_each(|bit| writer.flag(bit == 1)),
                        false => bits.encode(writer),
                    }
                });
                writer.reserve(ROOT + 1);
            }
        }
    }
}

impl<const ROOT: u32> PartialEq for FlexibleBitString<'_, ROOT> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl<const ROOT: u32> fmt::Debug for FlexibleBitString<'_, ROOT> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("0b")?;
        self.iter()
            .try_for_each(|bit| write!(f, "{}", u8::from(bit)))
    }
}

#[cfg(feature = "serde")]
mod json {
    use super::{Bits, FlexibleBitString, Units};
    use crate::jer;
    use alloc::string::String;
    use alloc::vec::Vec;
    use core::fmt::Write;
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

    /// X.697 23: hex padded on the right, and how many of its bits count.
    #[derive(Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Jer<V> {
        value: V,
        length: usize,
    }

    #[derive(Deserialize)]
    #[serde(transparent)]
    struct Octets(#[serde(deserialize_with = "jer::octets")] Vec<u8>);

    impl<const ROOT: u32> Serialize for FlexibleBitString<'_, ROOT> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let mut bits = self.iter().peekable();
            let mut value = String::new();
            while bits.peek().is_some() {
                let octet = (0..8).fold(0, |octet, _| {
                    octet << 1 | u8::from(bits.next() == Some(true))
                });
                write!(value, "{octet:02X}").map_err(serde::ser::Error::custom)?;
            }
            let length = self.len();
            Jer { value, length }.serialize(serializer)
        }
    }

    impl<'de, const ROOT: u32> Deserialize<'de> for FlexibleBitString<'_, ROOT> {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            let Jer { value, length } = Jer::<Octets>::deserialize(deserializer)?;
            if length.div_ceil(8) != value.0.len() {
                let octets = value.0.len();
                return Err(D::Error::custom(format_args!(
                    "size: {octets} octets do not hold {length} bits"
                )));
            }
            let bits = value
                .0
                .iter()
                .flat_map(|octet| (0..8).rev().map(move |bit| octet >> bit & 1));
            if bits.clone().skip(length).any(|bit| bit == 1) {
                return Err(D::Error::custom(format_args!(
                    "size: {length} bits, padded with zero bits, are expected"
                )));
            }
            Ok(Self(if length == ROOT as usize {
                Bits::Root(
                    bits.take(length)
                        .fold(0, |all, bit| all << 1 | u32::from(bit)),
                )
            } else {
                Bits::Extended(Units::Boxed(bits.take(length).collect()))
            }))
        }
    }
}
