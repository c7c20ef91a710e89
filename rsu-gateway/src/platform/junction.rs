//! The fused junction, ten times a second: our own report, in SI units and with the names of the
//! members explained in `rsu-gateway/schema/junction.schema.json`, which is generated from here.

mod snapshot;

use rsu_firmware::time::Timestamp;
use serde::{Serialize, Serializer};

use super::utc::UtcTime;
use crate::clock::ClockQuality;

/// Everything that is known about one junction at one moment.
///
/// `null` means that a value is not known; no member is ever left out.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(title = "Fused junction", deny_unknown_fields))]
#[serde(rename_all = "camelCase")]
pub struct JunctionSnapshot<'a> {
    /// The roadside unit that reports.
    pub rsu_id: &'a str,
    /// Counts the snapshots of this unit since its start, from 1.
    pub seq: u64,
    /// The moment, UTC, ISO 8601 with milliseconds.
    #[cfg_attr(test, schemars(with = "String", extend("format" = "date-time")))]
    #[serde(serialize_with = "utc")]
    pub time: Timestamp,
    /// The same in milliseconds since 1970-01-01T00:00:00Z.
    pub time_ms: i64,
    /// How good the clock of the roadside unit is.
    pub clock: ClockQuality,
    /// The junction, by its node in the MAP.
    pub node: Node,
    /// Since the controller stamped the lights, in ms; null when none were received.
    pub signals_age_ms: Option<i64>,
    /// All signal phases, in the order of their first announcement.
    pub phases: Vec<Phase>,
    /// All lanes that lead to the junction: by link, from left to right.
    pub lanes: Vec<Lane>,
    /// All vehicles heard of within 2 s that drive to this junction, lane by lane from the stop
    /// line upstream, and then those that are on no approach of any junction.
    pub vehicles: Vec<Vehicle>,
}

/// A node of the road network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(deny_unknown_fields))]
pub struct Node {
    /// The authority that numbers the nodes.
    pub region: Option<u16>,
    /// The number.
    pub id: u16,
}

/// What a signal phase shows.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(deny_unknown_fields))]
#[serde(rename_all = "camelCase")]
pub struct Phase {
    /// The number of the phase in MAP and SPAT.
    pub phase_id: u8,
    /// The light now.
    pub light: Light,
    /// Until it changes; null when nothing is known about it, or it is more than an hour.
    pub time_to_change: Option<TimeToChange>,
}

/// Seconds until a light changes, 0 or more.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(deny_unknown_fields))]
pub struct TimeToChange {
    /// At the earliest.
    #[cfg_attr(test, schemars(range(min = 0)))]
    pub min: Option<f64>,
    /// Most likely.
    #[cfg_attr(test, schemars(range(min = 0)))]
    pub likely: Option<f64>,
    /// At the latest.
    #[cfg_attr(test, schemars(range(min = 0)))]
    pub max: Option<f64>,
}

/// LightState of the message set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Light {
    /// Not known.
    Unavailable,
    /// Out of order or switched off.
    Dark,
    /// Stop, then go with care.
    FlashingRed,
    /// Stop.
    Red,
    /// Green that is about to end.
    FlashingGreen,
    /// Go, giving way to conflicting traffic.
    PermissiveGreen,
    /// Go, no conflicting traffic.
    ProtectedGreen,
    /// Stop if that is safe.
    Yellow,
    /// Go with care.
    FlashingYellow,
}

/// A lane that leads to the junction.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(deny_unknown_fields))]
pub struct Lane {
    /// The link it belongs to, by its upstream node.
    pub link: Node,
    /// Its number in the MAP.
    pub lane: u8,
    /// The phases that govern it.
    pub phases: Vec<u8>,
    /// The vehicles that are most likely on it, from the stop line upstream.
    pub vehicles: Vec<VehicleId>,
    /// Those of them that wait.
    pub queue: Queue,
}

/// The standing vehicles (below 1.4 m/s) in an unbroken row from the stop line upstream.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(deny_unknown_fields))]
#[serde(rename_all = "camelCase")]
pub struct Queue {
    /// How many of those that are heard.
    pub count: usize,
    /// From the stop line to the rear of the last one, in m.
    #[cfg_attr(test, schemars(range(min = 0)))]
    pub length_m: f32,
}

/// A vehicle.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(deny_unknown_fields))]
#[serde(rename_all = "camelCase")]
pub struct Vehicle {
    /// The temporary id that it sends; it changes it from time to time.
    pub id: VehicleId,
    /// Its centre, as last reported.
    pub position: Option<Position>,
    /// m/s.
    #[cfg_attr(test, schemars(range(min = 0)))]
    pub speed: Option<f32>,
    /// Degrees clockwise from north.
    #[cfg_attr(test, schemars(range(min = 0, max = 360)))]
    pub heading: Option<f32>,
    /// The link it is on, by its upstream node; null when it is on no approach.
    pub link: Option<Node>,
    /// The number of the lane it is most likely on.
    pub lane: Option<u8>,
    /// How likely that lane is.
    #[cfg_attr(test, schemars(range(min = 0, max = 1)))]
    pub lane_confidence: Option<f32>,
    /// From its front bumper to the stop line along the lane, in m; negative beyond the line.
    pub distance_to_stop: Option<f32>,
    /// The phases that govern its lane.
    pub signals: Vec<Phase>,
    /// Since its last message was received, in ms.
    #[cfg_attr(test, schemars(range(min = 0)))]
    pub age_ms: i64,
}

/// A position in WGS 84, in degrees.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(deny_unknown_fields))]
pub struct Position {
    /// North positive.
    #[cfg_attr(test, schemars(range(min = -90, max = 90)))]
    pub lat: f64,
    /// East positive.
    #[cfg_attr(test, schemars(range(min = -180, max = 180)))]
    pub lon: f64,
}

/// The temporary id of a vehicle as 16 upper-case hex digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(transparent))]
pub struct VehicleId(
    #[cfg_attr(test, schemars(with = "String", regex(pattern = "^[0-9A-F]{16}$")))] pub [u8; 8],
);

impl Serialize for VehicleId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{:016X}", u64::from_be_bytes(self.0)))
    }
}

fn utc<S: Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    UtcTime(*time).serialize(serializer)
}

#[cfg(test)]
mod tests;
