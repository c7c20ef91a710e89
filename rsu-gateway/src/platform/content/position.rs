//! Positions.

use rsu_firmware::message::{
    Elevation, Latitude, Longitude, OffsetLlB12, OffsetLlB14, OffsetLlB16, OffsetLlB18,
    OffsetLlB22, OffsetLlB24, Position3D, PositionLl24B, PositionLl28B, PositionLl32B,
    PositionLl36B, PositionLl44B, PositionLl48B, PositionLlMd64B, PositionOffsetLl,
    PositionOffsetLlv, VerticalOffset,
};
use serde::{Deserialize, Serialize};

/// A position in WGS 84 (`Location` of T/ITS 0117).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Location {
    /// 1e-7 degrees, north positive; 900000001 unknown.
    pub lat: i32,
    /// 1e-7 degrees, east positive; 1800000001 unknown.
    pub lon: i32,
    /// 0.1 m above the ellipsoid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ele: Option<i32>,
}

impl TryFrom<Location> for Position3D {
    type Error = OutOfRange;

    fn try_from(location: Location) -> Result<Self, OutOfRange> {
        let elevation = location
            .ele
            .map(|ele| Elevation::new(ele).ok_or(OutOfRange("ele")));
        Ok(Self {
            lat: Latitude::new(location.lat).ok_or(OutOfRange("lat"))?,
            long: Longitude::new(location.lon).ok_or(OutOfRange("lon"))?,
            elevation: elevation.transpose()?,
        })
    }
}

/// A member of a [`Location`] that no position has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} is out of range")]
pub struct OutOfRange(&'static str);

/// -4096 stands for unknown.
const ELEVATION_UNKNOWN: i32 = Elevation::MIN;

impl From<&Position3D> for Location {
    fn from(position: &Position3D) -> Self {
        let elevation = position.elevation.map(Elevation::value);
        Self {
            lat: position.lat.value(),
            lon: position.long.value(),
            ele: elevation.filter(|ele| *ele != ELEVATION_UNKNOWN),
        }
    }
}

/// The position that lies `offset` away from `reference`. The platform gets positions, never
/// offsets.
pub fn location_at(reference: &Position3D, offset: &PositionOffsetLlv) -> Location {
    let reference = Location::from(reference);
    let (lon, lat) = match &offset.offset_ll {
        PositionOffsetLl::Ll1(ll) => (ll.lon.value(), ll.lat.value()),
        PositionOffsetLl::Ll2(ll) => (ll.lon.value(), ll.lat.value()),
        PositionOffsetLl::Ll3(ll) => (ll.lon.value(), ll.lat.value()),
        PositionOffsetLl::Ll4(ll) => (ll.lon.value(), ll.lat.value()),
        PositionOffsetLl::Ll5(ll) => (ll.lon.value(), ll.lat.value()),
        PositionOffsetLl::Ll6(ll) => (ll.lon.value(), ll.lat.value()),
        PositionOffsetLl::LatLon(ll) => {
            return Location {
                lat: ll.lat.value(),
                lon: ll.lon.value(),
                ele: elevation_at(reference.ele, offset.offset_v.as_ref()),
            };
        }
    };
    Location {
        lat: reference.lat.saturating_add(lat),
        lon: reference.lon.saturating_add(lon),
        ele: elevation_at(reference.ele, offset.offset_v.as_ref()),
    }
}

/// What is added to `reference` to be at `location`, in as few bits as it takes: the inverse of
/// [`location_at`].
///
/// # Errors
/// The location is none on earth.
pub fn offset_to(
    reference: &Position3D,
    location: &Location,
) -> Result<PositionOffsetLlv, OutOfRange> {
    let position = Position3D::try_from(*location)?;
    let reference = Location::from(reference);
    // Both are within the globe, which is less than half of what the type holds.
    let lon = location.lon.saturating_sub(reference.lon);
    let lat = location.lat.saturating_sub(reference.lat);
    macro_rules! offset {
        ($($alternative:ident $position:ident $axis:ident;)+) => {
            $(if let (Some(lon), Some(lat)) = ($axis::new(lon), $axis::new(lat)) {
                PositionOffsetLl::$alternative($position { lon, lat })
            } else)+ {
                PositionOffsetLl::LatLon(PositionLlMd64B {
                    lon: position.long,
                    lat: position.lat,
                })
            }
        };
    }
    let offset_ll = offset! {
        Ll1 PositionLl24B OffsetLlB12;
        Ll2 PositionLl28B OffsetLlB14;
        Ll3 PositionLl32B OffsetLlB16;
        Ll4 PositionLl36B OffsetLlB18;
        Ll5 PositionLl44B OffsetLlB22;
        Ll6 PositionLl48B OffsetLlB24;
    };
    let elevation = position.elevation;
    let elevation = elevation.unwrap_or(Elevation::saturating(ELEVATION_UNKNOWN.into()));
    let is_level = location.ele == reference.ele;
    let offset_v = (!is_level).then_some(VerticalOffset::Elevation(elevation));
    Ok(PositionOffsetLlv {
        offset_ll,
        offset_v,
    })
}

/// Without an offset, something is as high as its reference; with an offset to an unknown height,
/// its height is unknown.
fn elevation_at(reference: Option<i32>, offset: Option<&VerticalOffset>) -> Option<i32> {
    let offset = match offset {
        None => 0,
        Some(VerticalOffset::Offset1(v)) => v.value(),
        Some(VerticalOffset::Offset2(v)) => v.value(),
        Some(VerticalOffset::Offset3(v)) => v.value(),
        Some(VerticalOffset::Offset4(v)) => v.value(),
        Some(VerticalOffset::Offset5(v)) => v.value(),
        Some(VerticalOffset::Offset6(v)) => v.value(),
        Some(VerticalOffset::Elevation(elevation)) => {
            return Some(elevation.value()).filter(|ele| *ele != ELEVATION_UNKNOWN);
        }
    };
    Some(reference? + offset)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{from_value, json};

    fn at(reference: serde_json::Value, offset: serde_json::Value) -> Location {
        let reference: Position3D = from_value(reference).expect("a position");
        let offset: PositionOffsetLlv = from_value(offset).expect("an offset");
        location_at(&reference, &offset)
    }

    #[test]
    fn an_offset_is_added_longitude_first_on_the_wire() {
        assert_eq!(
            at(
                json!({"lat": 295_000_000, "long": 1_065_000_000, "elevation": 2500}),
                json!({"offsetLL": {"position-LL3": {"lon": 100, "lat": -200}}, "offsetV": {"offset1": -5}}),
            ),
            Location {
                lat: 294_999_800,
                lon: 1_065_000_100,
                ele: Some(2495)
            },
        );
    }

    #[test]
    fn an_absolute_position_is_no_offset() {
        let position = json!({"offsetLL": {"position-LatLon": {"lon": 7, "lat": 8}}});
        assert_eq!(
            at(json!({"lat": 1, "long": 1}), position),
            Location {
                lat: 8,
                lon: 7,
                ele: None
            },
        );
    }

    #[test]
    fn an_offset_from_an_unknown_height_is_unknown() {
        let offset =
            json!({"offsetLL": {"position-LL1": {"lon": 0, "lat": 0}}, "offsetV": {"offset1": 5}});
        for reference in [
            json!({"lat": 1, "long": 2}),
            json!({"lat": 1, "long": 2, "elevation": -4096}),
        ] {
            assert_eq!(at(reference, offset.clone()).ele, None);
        }
    }
}
