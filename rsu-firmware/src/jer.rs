//! What the JSON Encoding Rules (ITU-T X.697) need beside serde's derived code.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::marker::PhantomData;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};

/// The name that stands for the unknown addition `index` of an enumeration or choice. No
/// identifier of ASN.1 holds a colon.
pub(crate) const EXTENSION_PREFIX: &str = "extension:";

/// The index in a name with [`EXTENSION_PREFIX`].
pub(crate) fn extension_index(name: &str) -> Option<u32> {
    let digits = name.strip_prefix(EXTENSION_PREFIX)?;
    let plain = digits == "0" || digits.starts_with(|c: char| matches!(c, '1'..='9'));
    digits.parse().ok().filter(|_| plain)
}

/// The octets of a string of hex digits (X.697 24).
pub(crate) fn octets<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let digit = |c: u8| char::from(c).to_digit(16).map(|d| d as u8);
    text.as_bytes()
        .chunks(2)
        .map(|pair| match *pair {
            [high, low] => Some(digit(high)? << 4 | digit(low)?),
            _ => None,
        })
        .collect::<Option<Vec<u8>>>()
        .ok_or_else(|| D::Error::custom("an even number of hex digits is expected"))
}

/// A bit string of fixed `size` as hex, padded with zero bits on the right (X.697 23).
pub(crate) fn serialize_bits<S: Serializer>(
    bits: u64,
    size: u32,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let octets = size.div_ceil(8);
    let padded = bits << (octets * 8 - size);
    let digits = octets as usize * 2;
    serializer.collect_str(&format_args!("{padded:0digits$X}"))
}

/// A bit string of fixed `size`, right-aligned.
pub(crate) fn bits<'de, D: Deserializer<'de>>(deserializer: D, size: u32) -> Result<u64, D::Error> {
    let octets = octets(deserializer)?;
    let padding = size.div_ceil(8) * 8 - size;
    let padded = octets
        .iter()
        .fold(0, |all, &octet| all << 8 | u64::from(octet));
    if octets.len() != size.div_ceil(8) as usize || padded % (1 << padding) != 0 {
        return Err(D::Error::custom(format_args!(
            "size: hex of {size} bits, padded with zero bits, is expected"
        )));
    }
    Ok(padded >> padding)
}

/// A CHOICE is an object with one member (X.697 30).
pub(crate) fn serialize_member<S: Serializer>(
    serializer: S,
    id: &str,
    value: &impl Serialize,
) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(1))?;
    map.serialize_entry(id, value)?;
    map.end()
}

/// The one member of a CHOICE. `pick` reads the value that belongs to an identifier, if there is
/// such an alternative; it is a trait because it must work for the map of any deserializer.
pub(crate) trait Alternatives<'de>: Sized {
    /// The ASN.1 name of the choice.
    const NAME: &'static str;
    /// Reads the alternative called `id`; none where there is no such alternative.
    fn read<A: MapAccess<'de>>(id: &str, map: &mut A) -> Result<Option<Self>, A::Error>;
}

/// Reads a CHOICE.
pub(crate) fn choice<'de, D: Deserializer<'de>, T: Alternatives<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    struct OneMember<T>(PhantomData<T>);

    impl<'de, T: Alternatives<'de>> Visitor<'de> for OneMember<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "an object with one alternative of {}", T::NAME)
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<T, A::Error> {
            let Some(id) = map.next_key::<String>()? else {
                return Err(A::Error::custom(format_args!(
                    "alternative: {} has none",
                    T::NAME
                )));
            };
            let value = T::read(&id, &mut map)?.ok_or_else(|| {
                A::Error::custom(format_args!("alternative: {} has no \"{id}\"", T::NAME))
            })?;
            match map.next_key::<String>()? {
                Some(second) => Err(A::Error::custom(format_args!(
                    "alternative: {} has both \"{id}\" and \"{second}\"",
                    T::NAME
                ))),
                None => Ok(value),
            }
        }
    }

    deserializer.deserialize_map(OneMember(PhantomData))
}
