//! V2X.RSU.MAP.UP.

use rsu_firmware::message::MapData;
use serde::Serialize;

use super::Acknowledgement;
use crate::platform::dialect::MapReport;

/// A MAP: `{mapSlice, map, eTag, ack, seqNum}`.
#[derive(Serialize)]
pub struct MapUp<'a> {
    /// The part of the road network that the map covers.
    #[serde(rename = "mapSlice")]
    pub map_slice: &'a str,
    /// The message in JER, the fields of the standard.
    pub map: &'a MapData<'a>,
    /// Changes when the geometry does.
    #[serde(rename = "eTag")]
    pub etag: &'a str,
    /// Whether and how to acknowledge.
    #[serde(flatten)]
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
