//! The contents of extensions that this version does not know.

use super::units::Units;
use super::{Element, Observer, Reader, Writer};
use core::fmt;

/// The octets of an open type (X.691 11.2), kept as they are.
#[derive(Clone)]
pub struct OpenType<'a>(Units<'a, 8>);

impl<'a> OpenType<'a> {
    /// An open type to be encoded.
    pub const fn new(contents: &'a [u8]) -> Self {
        Self(Units::Slice(contents))
    }

    /// The number of octets.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The octets, which need not be aligned on the wire.
    pub fn octets(&self) -> impl Iterator<Item = u8> + '_ {
        self.0.iter()
    }
}

impl<'a> Element<'a> for OpenType<'a> {
    #[inline(always)]
    fn decode<O: Observer<'a>>(reader: &mut Reader<'a>, observer: &mut O) -> Self {
        Self(Units::decode(reader, observer))
    }

    fn encode<O: Observer<'a>>(&self, writer: &mut Writer<'_, O>) {
        self.0.encode(writer);
    }
}

impl PartialEq for OpenType<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.octets().eq(other.octets())
    }
}

impl fmt::Display for OpenType<'_> {
    /// Upper-case hex.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.octets().try_for_each(|octet| write!(f, "{octet:02X}"))
    }
}

impl fmt::Debug for OpenType<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OpenType({self})")
    }
}

#[cfg(feature = "serde")]
mod json {
    use super::{OpenType, Units};
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    impl Serialize for OpenType<'_> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_str(self)
        }
    }

    impl<'de> Deserialize<'de> for OpenType<'_> {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            let octets = crate::jer::octets(deserializer)?;
            Ok(Self(Units::Boxed(octets.into())))
        }
    }
}
