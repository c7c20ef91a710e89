//! What the unit says of itself: V2X.RSU.INFO.UP, HB.UP, BaseINFO.UP, RunningInfo.UP.
//!
//! The draft does not list the values of `rsuStatus`, nor what `version` in INFO is the version of
//! (here: of the software), nor the unit of `timestamp` (here: ms since 1970, as in MNG.DOWN).

use rsu_firmware::time::Timestamp;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::Acknowledgement;
use crate::health::system::SystemSample;
use crate::health::{SpoolFigures, Stage, StageLatency};
use crate::platform::sampling::{Limit, Rate, SampleMode, UpFilters};
use crate::platform::unit::{Unit, UnitPosition};

/// `protocolVersion` of the 2020 draft.
pub const PROTOCOL_VERSION: &str = "V1.0";

/// How the unit is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum RsuStatus {
    /// At work.
    #[default]
    Normal,
    /// Something it needs is missing.
    Fault,
}

/// Published first after every connect.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Info<'a> {
    /// Identifier.
    pub rsu_id: &'a str,
    /// Electronic serial number.
    pub rsu_esn: &'a str,
    /// A name for people.
    pub rsu_name: &'a str,
    /// Of the software.
    pub version: &'a str,
    /// How the unit is.
    pub rsu_status: RsuStatus,
    /// Where the unit stands.
    pub location: InfoLocation,
    /// What is in force.
    pub config: Config<'a>,
    /// Whether to acknowledge.
    pub ack: bool,
    /// An integer in this message only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seq_num: Option<u64>,
}

impl<'a> Info<'a> {
    /// The information on `unit`.
    pub fn new(
        unit: &'a Unit,
        rsu_status: RsuStatus,
        config: Config<'a>,
        acknowledgement: Acknowledgement,
    ) -> Self {
        Self {
            rsu_id: unit.id.as_ref(),
            rsu_esn: &unit.esn,
            rsu_name: &unit.name,
            version: &unit.software_version,
            rsu_status,
            location: unit.position.into(),
            config,
            ack: acknowledgement.seq_num.is_some(),
            seq_num: acknowledgement.seq_num,
        }
    }
}

/// Degrees; 180.0000001 and 90.0000001 where unknown.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct InfoLocation {
    /// East positive.
    pub lon: f64,
    /// North positive.
    pub lat: f64,
}

impl From<Option<UnitPosition>> for InfoLocation {
    fn from(position: Option<UnitPosition>) -> Self {
        position.map_or(
            Self {
                lon: 180.000_000_1,
                lat: 90.000_000_1,
            },
            |position| Self {
                lon: position.longitude_deg,
                lat: position.latitude_deg,
            },
        )
    }
}

/// `config` of INFO.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Config<'a> {
    /// The map last received.
    pub map_config: MapConfig<'a>,
    /// How BSMs are sampled.
    pub bsm_config: BsmConfig<'a>,
    /// Which RSIs are held.
    pub rsi_config: RsiConfig<'a>,
    /// How SPATs are limited.
    pub spat_config: StreamConfig<'a>,
    /// How RSMs are limited.
    pub rsm_config: StreamConfig<'a>,
}

/// The map that is in force.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct MapConfig<'a> {
    /// The part of the road network.
    #[serde(rename = "mapSlice")]
    pub map_slice: &'a str,
    /// Its tag; empty before any map was received.
    #[serde(rename = "eTag")]
    pub etag: &'a str,
}

/// How BSMs are sampled.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct BsmConfig<'a> {
    /// Of all, or of each vehicle.
    pub sample_mode: SampleMode,
    /// Messages per second that are asked for.
    pub sample_rate: Rate,
    /// Messages per second as `up_limit` leaves them now.
    pub actual_sample_rate: Rate,
    /// Messages per second in all; 0: none.
    pub up_limit: Rate,
    /// As configured.
    #[serde(skip_serializing_if = "UpFilters::is_empty")]
    pub up_filters: &'a UpFilters,
}

/// Which RSIs from the platform are held.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct RsiConfig<'a> {
    /// How many at most.
    pub max_rsi_num: usize,
    /// How many now.
    pub cur_rsi_num: usize,
    /// Which these are.
    pub down_rsis: Vec<DownRsi>,
    /// As configured.
    #[serde(skip_serializing_if = "UpFilters::is_empty")]
    pub up_filters: &'a UpFilters,
}

/// An RSI from the platform.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct DownRsi {
    /// As the platform calls it.
    #[serde(rename = "alertID")]
    pub alert_id: String,
    /// As the platform has given it; empty, if it has not.
    #[serde(rename = "eTag")]
    pub etag: String,
}

/// How a stream is limited.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct StreamConfig<'a> {
    /// Towards the platform.
    pub up_limit: Limit,
    /// From the platform.
    pub down_limit: Limit,
    /// As configured.
    #[serde(skip_serializing_if = "UpFilters::is_empty")]
    pub up_filters: &'a UpFilters,
}

/// What heartbeat, basic status and running information begin with.
#[derive(Clone, Copy, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Header<'a> {
    /// Counts the messages of this kind.
    #[serde(serialize_with = "as_text")]
    #[cfg_attr(test, schemars(with = "String"))]
    pub seq_num: u64,
    /// Identifier.
    pub rsu_id: &'a str,
    /// Electronic serial number.
    pub rsu_esn: &'a str,
    /// Milliseconds since 1970.
    pub timestamp: i64,
    /// Of the contract.
    pub protocol_version: &'static str,
}

impl<'a> Header<'a> {
    /// The header of the message numbered `seq_num`.
    pub fn new(unit: &'a Unit, seq_num: u64, now: Timestamp) -> Self {
        Self {
            seq_num,
            rsu_id: unit.id.as_ref(),
            rsu_esn: &unit.esn,
            timestamp: now.as_millis(),
            protocol_version: PROTOCOL_VERSION,
        }
    }
}

fn as_text<S: Serializer>(number: &u64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(number)
}

/// The unit is alive.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Heartbeat<'a> {
    /// Who and when.
    #[serde(flatten)]
    pub header: Header<'a>,
    /// How the unit is.
    #[serde(rename = "rsuStatus")]
    pub rsu_status: RsuStatus,
    /// Never asked for.
    pub ack: bool,
}

/// What the unit is made of; at start and when it changes.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct BasicStatus<'a> {
    /// Who and when.
    #[serde(flatten)]
    pub header: Header<'a>,
    /// Administrative region, six digits.
    #[serde(rename = "regionId", skip_serializing_if = "Option::is_none")]
    pub region_id: Option<&'a str>,
    /// How the unit is.
    #[serde(rename = "rsuStatus")]
    pub rsu_status: RsuStatus,
    /// Where it stands; left out where unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<GeographicPosition>,
    /// `other`: the draft knows http, https, ftp, sftp and this (sic).
    pub transprotocal: &'static str,
    /// Version.
    #[serde(rename = "SoftwareVersion")]
    pub software_version: &'a str,
    /// Version.
    #[serde(rename = "hardwareVersion", skip_serializing_if = "Option::is_none")]
    pub hardware_version: Option<&'a str>,
    /// Never asked for.
    pub ack: bool,
}

/// `location` of BaseINFO, with capitals as in the draft.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct GeographicPosition {
    /// Degrees, east positive.
    #[serde(rename = "Lon")]
    pub lon: f64,
    /// Degrees, north positive.
    #[serde(rename = "Lat")]
    pub lat: f64,
    /// m above the ellipsoid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alt: Option<f64>,
}

impl<'a> BasicStatus<'a> {
    /// The status of `unit`.
    pub fn new(unit: &'a Unit, header: Header<'a>, rsu_status: RsuStatus) -> Self {
        Self {
            header,
            region_id: unit.region_id.as_deref(),
            rsu_status,
            location: unit.position.map(|position| GeographicPosition {
                lon: position.longitude_deg,
                lat: position.latitude_deg,
                alt: position.altitude_m,
            }),
            transprotocal: "other",
            software_version: &unit.software_version,
            hardware_version: unit.hardware_version.as_deref(),
            ack: false,
        }
    }
}

/// How the machine and the program are doing.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct RunningInformation<'a> {
    /// Who and when.
    #[serde(flatten)]
    pub header: Header<'a>,
    /// The machine.
    pub running_info: &'a SystemSample,
    /// What was dropped since the start, by reason (ours).
    #[serde(serialize_with = "as_map")]
    #[cfg_attr(test, schemars(with = "std::collections::BTreeMap<String, u64>"))]
    pub drops: &'a [(&'a str, u64)],
    /// What each stage has handled since the start (ours).
    #[serde(serialize_with = "as_map")]
    #[cfg_attr(test, schemars(with = "std::collections::BTreeMap<String, u64>"))]
    pub stages: &'a [(&'a str, u64)],
    /// What waits for the broker (ours).
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub spools: &'a [SpoolFigures],
    /// How long each stage takes (ours).
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "by_stage")]
    #[cfg_attr(
        test,
        schemars(with = "Option<std::collections::BTreeMap<String, StageLatency>>")
    )]
    pub latency: Option<&'a [StageLatency; Stage::ALL.len()]>,
    /// Never asked for.
    pub ack: bool,
}

fn as_map<S: Serializer>(entries: &&[(&str, u64)], serializer: S) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(entries.len()))?;
    for (name, count) in *entries {
        map.serialize_entry(name, count)?;
    }
    map.end()
}

fn by_stage<S: Serializer>(
    latency: &Option<&[StageLatency; Stage::ALL.len()]>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let stages = Stage::ALL
        .into_iter()
        .zip(latency.iter().copied().flatten());
    serializer.collect_map(stages.map(|(stage, latency)| (stage.name(), latency)))
}
