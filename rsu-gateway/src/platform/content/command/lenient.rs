//! What the draft writes in more than one way.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// A number or switch, as such or as text: `5`, `"5"`; of switches also `true`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::platform::content) struct Lenient<T>(pub(in crate::platform::content) T);

/// What can be made of an integer.
pub(in crate::platform::content) trait OfInteger: Sized {
    /// The value that `number` stands for, or why there is none.
    fn of_integer(number: i64) -> Result<Self, String>;
}

impl OfInteger for i64 {
    fn of_integer(number: i64) -> Result<Self, String> {
        Ok(number)
    }
}

impl OfInteger for u64 {
    fn of_integer(number: i64) -> Result<Self, String> {
        Self::try_from(number).map_err(|_| format!("{number} is negative"))
    }
}

impl OfInteger for u8 {
    fn of_integer(number: i64) -> Result<Self, String> {
        Self::try_from(number).map_err(|_| format!("{number} is not within 0..=255"))
    }
}

impl OfInteger for bool {
    fn of_integer(number: i64) -> Result<Self, String> {
        match number {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(format!("{number} is neither 0 nor 1")),
        }
    }
}

impl<'de, T: OfInteger> Deserialize<'de> for Lenient<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = deserializer.deserialize_any(IntegerVisitor)?;
        T::of_integer(number).map(Self).map_err(D::Error::custom)
    }
}

struct IntegerVisitor;

impl Visitor<'_> for IntegerVisitor {
    type Value = i64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an integer")
    }

    fn visit_bool<E: Error>(self, switch: bool) -> Result<i64, E> {
        Ok(switch.into())
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<i64, E> {
        Ok(number)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<i64, E> {
        i64::try_from(number).map_err(|_| E::custom(format_args!("{number} is too large")))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<i64, E> {
        let is_switch = |name: &str| text.eq_ignore_ascii_case(name);
        match text.trim().parse() {
            Ok(number) => Ok(number),
            Err(_) if is_switch("true") => Ok(1),
            Err(_) if is_switch("false") => Ok(0),
            Err(_) => Err(E::custom(format_args!("{text:?} is no integer"))),
        }
    }
}

/// A list, or a single element of it without the brackets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::platform::content) struct OneOrMany<T>(pub(in crate::platform::content) Vec<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for OneOrMany<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OneOrManyVisitor(PhantomData))
    }
}

struct OneOrManyVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for OneOrManyVisitor<T> {
    type Value = OneOrMany<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of objects, or an object")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<OneOrMany<T>, A::Error> {
        Vec::deserialize(SeqAccessDeserializer::new(list)).map(OneOrMany)
    }

    fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<OneOrMany<T>, A::Error> {
        let one = T::deserialize(MapAccessDeserializer::new(object))?;
        Ok(OneOrMany(vec![one]))
    }
}
