//! Who this roadside unit is.

use std::fmt;
use std::str::FromStr;

/// The identity of the RSU as the platform knows it.
#[derive(Clone, Debug)]
pub struct Unit {
    /// Names the unit in topics and contents.
    pub id: RsuId,
    /// Electronic serial number.
    pub esn: String,
    /// A name for people.
    pub name: String,
    /// Version of the software.
    pub software_version: String,
    /// Version of the hardware, where known.
    pub hardware_version: Option<String>,
    /// Administrative region, six digits, where known.
    pub region_id: Option<String>,
    /// Where the unit stands, where known.
    pub position: Option<UnitPosition>,
    /// The part of the road network that its map covers.
    pub map_slice: String,
}

impl Unit {
    /// A unit of which nothing but the name is known.
    pub fn named(id: RsuId) -> Self {
        Self {
            esn: id.to_string(),
            name: String::new(),
            software_version: env!("CARGO_PKG_VERSION").into(),
            hardware_version: None,
            region_id: None,
            position: None,
            map_slice: String::new(),
            id,
        }
    }
}

/// Where the unit stands (WGS 84).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct UnitPosition {
    /// Degrees, east positive.
    pub longitude_deg: f64,
    /// Degrees, north positive.
    pub latitude_deg: f64,
    /// Height above the ellipsoid in m, where known.
    pub altitude_m: Option<f64>,
}

/// The identifier of an RSU: a level of an MQTT topic, 1..=64 bytes without `/`, `+`, `#`,
/// white space and control characters.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RsuId(String);

impl RsuId {
    /// Most bytes of an identifier.
    pub const BYTES_MAX: usize = 64;
}

/// Not an [`RsuId`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no RSU id: 1 to 64 bytes without '/', '+', '#', white space and control characters"
)]
pub struct InvalidRsuId(String);

impl FromStr for RsuId {
    type Err = InvalidRsuId;

    fn from_str(text: &str) -> Result<Self, InvalidRsuId> {
        let forbidden =
            |c: char| matches!(c, '/' | '+' | '#') || c.is_control() || c.is_whitespace();
        if text.is_empty() || text.len() > Self::BYTES_MAX || text.contains(forbidden) {
            return Err(InvalidRsuId(text.chars().take(Self::BYTES_MAX).collect()));
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for RsuId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AsRef<str> for RsuId {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_one_level_of_a_topic() {
        for good in ["R328328", "重庆-1", "a"] {
            assert_eq!(
                good.parse::<RsuId>().map(|id| id.to_string()),
                Ok(good.into())
            );
        }
        let long = "x".repeat(65);
        for bad in ["", "a/b", "+", "a#", "a b", "a\0", &long] {
            assert!(bad.parse::<RsuId>().is_err(), "{bad:?}");
        }
    }
}
