//! Positions.

use rsu_firmware::message::{
    Elevation, Position3D, PositionOffsetLl, PositionOffsetLlv, VerticalOffset,
};
use serde::Serialize;

/// A position in WGS 84 (`Location` of T/ITS 0117).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Location {
    /// 1e-7 degrees, north positive; 900000001 unknown.
    pub lat: i32,
    /// 1e-7 degrees, east positive; 1800000001 unknown.
    pub lon: i32,
    /// 0.1 m above the ellipsoid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ele: Option<i32>,
}

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
    Some(reference? + i32::from(offset))
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
