//! Points in time as people and platforms read them.

use std::fmt;

use rsu_firmware::time::Timestamp;
use serde::de::{Deserialize, Deserializer, Error};
use serde::{Serialize, Serializer};
use time::format_description::well_known::Iso8601;
use time::macros::format_description;
use time::{OffsetDateTime, PrimitiveDateTime};

/// A UTC time written as `2026-01-31T23:59:59.999Z` (ISO 8601); times outside of the years
/// -9999..=9999 are written as the nearest one inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UtcTime(pub Timestamp);

impl fmt::Display for UtcTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let format = format_description!(
            "[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z"
        );
        let micros = self.0.as_micros();
        let nearest = if micros < 0 {
            PrimitiveDateTime::MIN
        } else {
            PrimitiveDateTime::MAX
        };
        let time = OffsetDateTime::from_unix_timestamp_nanos(i128::from(micros) * 1_000)
            .unwrap_or(nearest.assume_utc());
        let text = time.format(&format).map_err(|_| fmt::Error)?;
        f.write_str(&text)
    }
}

impl Serialize for UtcTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for UtcTime {
    /// Any ISO 8601 time with an offset.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let time = OffsetDateTime::parse(&text, &Iso8601::DEFAULT).map_err(|_| {
            D::Error::custom(format_args!(
                "{text:?} is no time like 2026-01-31T23:59:59.999Z"
            ))
        })?;
        let micros =
            i64::try_from(time.unix_timestamp_nanos() / 1_000).map_err(D::Error::custom)?;
        Ok(Self(Timestamp::from_micros(micros)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_to_the_millisecond() {
        let text = |micros| UtcTime(Timestamp::from_micros(micros)).to_string();
        assert_eq!(text(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(text(1_795_345_605_123_999), "2026-11-22T11:06:45.123Z");
        assert_eq!(text(-1), "1969-12-31T23:59:59.999Z");
    }

    #[test]
    fn what_was_written_is_read() {
        let read = |text: &str| serde_json::from_value::<UtcTime>(text.into());
        let time = UtcTime(Timestamp::from_micros(1_795_345_605_123_000));
        assert_eq!(read(&time.to_string()).ok(), Some(time));
        assert_eq!(read("2026-11-22T19:06:45.123+08:00").ok(), Some(time));
        for bad in ["", "2026-11-22", "2026-11-22T11:06:45", "yesterday"] {
            let error = read(bad).expect_err(bad).to_string();
            assert!(error.contains("is no time"), "{error}");
        }
    }

    #[test]
    fn no_time_is_too_far() {
        for micros in [i64::MIN, i64::MAX] {
            let text = UtcTime(Timestamp::from_micros(micros)).to_string();
            assert!(text.ends_with('Z'), "{text}");
        }
    }
}
