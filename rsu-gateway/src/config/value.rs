//! Values that are checked where they stand in the file, so that an error shows their line.

use std::fmt::Display;
use std::str::FromStr;

use serde::de::{Deserialize, Deserializer, Error};

/// A whole number of `MIN..=MAX`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Within<const MIN: i64, const MAX: i64>(pub(super) i64);

impl<const MIN: i64, const MAX: i64> Within<MIN, MAX> {
    /// As a size; ranges of sizes do not go below zero.
    pub(super) fn size(self) -> usize {
        usize::try_from(self.0).unwrap_or_default()
    }
}

impl<'de, const MIN: i64, const MAX: i64> Deserialize<'de> for Within<MIN, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = i64::deserialize(deserializer)?;
        if !(MIN..=MAX).contains(&value) {
            return Err(D::Error::custom(format_args!(
                "{value} is out of range: it must be from {MIN} to {MAX}"
            )));
        }
        Ok(Self(value))
    }
}

/// A number of `MIN..=MAX`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct WithinFloat<const MIN: i32, const MAX: i32>(pub(super) f64);

impl<'de, const MIN: i32, const MAX: i32> Deserialize<'de> for WithinFloat<MIN, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = f64::deserialize(deserializer)?;
        if !(f64::from(MIN)..=f64::from(MAX)).contains(&value) {
            return Err(D::Error::custom(format_args!(
                "{value} is out of range: it must be from {MIN} to {MAX}"
            )));
        }
        Ok(Self(value))
    }
}

/// A text with a meaning of its own.
#[derive(Clone, Debug)]
pub(super) struct Parsed<T>(pub(super) T);

impl<'de, T: FromStr<Err: Display>> Deserialize<'de> for Parsed<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map(Self).map_err(D::Error::custom)
    }
}

/// Defaults for single keys of a section that has required ones.
macro_rules! defaults {
    ($($name:ident = $value:expr;)+) => {$(
        fn $name<const MIN: i64, const MAX: i64>() -> $crate::config::value::Within<MIN, MAX> {
            $crate::config::value::Within($value)
        }
    )+};
}

pub(super) use defaults;
