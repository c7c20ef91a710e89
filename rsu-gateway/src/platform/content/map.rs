//! V2X.RSU.MAP.UP and MAP.DOWN.

use rsu_firmware::message::MapData;
use serde::{Deserialize, Serialize};

use super::Acknowledgement;
use crate::downlink::MapBroadcast;
use crate::platform::dialect::MapReport;

/// A MAP: `{mapSlice, map, eTag, ack, seqNum}`.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct MapUp<'a> {
    /// The part of the road network that the map covers.
    #[serde(rename = "mapSlice")]
    pub map_slice: &'a str,
    /// The message in JER, the fields of the standard.
    #[cfg_attr(test, schemars(schema_with = "super::schema::map"))]
    pub map: &'a MapData<'a>,
    /// Changes when the geometry does.
    #[serde(rename = "eTag")]
    pub etag: &'a str,
    /// Whether and how to acknowledge.
    #[serde(flatten)]
    #[cfg_attr(test, schemars(with = "super::schema::AskedAcknowledgement"))]
    pub acknowledgement: Acknowledgement,
}

impl<'a> From<&MapReport<'a>> for MapUp<'a> {
    fn from(report: &MapReport<'a>) -> Self {
        Self {
            map_slice: report.map_slice,
            map: report.map.message,
            etag: report.etag,
            acknowledgement: report.acknowledgement,
        }
    }
}

/// A MAP to broadcast, as in MAP.UP.
#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct MapDown {
    #[serde(rename = "mapSlice")]
    map_slice: String,
    #[cfg_attr(test, schemars(schema_with = "super::schema::map"))]
    map: MapData<'static>,
    #[serde(rename = "eTag")]
    etag: String,
}

impl From<MapDown> for MapBroadcast {
    fn from(down: MapDown) -> Self {
        let MapDown {
            map_slice,
            map,
            etag,
        } = down;
        Self {
            map_slice,
            etag,
            map,
        }
    }
}
