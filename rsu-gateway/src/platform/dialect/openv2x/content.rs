//! Contents that OpenV2X has in a form of its own; the others are those of T/ITS 0117.

use std::fmt::Write;

use rsu_firmware::message::{
    IntersectionState, NodeReferenceId, Phase, PhaseState, RoadsideSafetyMessage, Spat,
    TimeChangeDetails,
};
use rsu_firmware::time::Timestamp;
use serde::Serialize;
use serde_json::{Value, json, to_value};

use super::xml_map;
use crate::platform::content::{self, Acknowledgement, Alert};
use crate::platform::dialect::{MapReport, RsiReport};
use crate::platform::utc::UtcTime;

/// MAP/UP, the map as if made from XML.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct MapUp<'a> {
    map_slice: &'a str,
    map: Value,
    e_tag: &'a str,
    #[serde(flatten)]
    acknowledgement: Acknowledgement,
}

impl<'a> MapUp<'a> {
    pub(super) fn new(report: &MapReport<'a>) -> serde_json::Result<Self> {
        Ok(Self {
            map_slice: report.map_slice,
            map: xml_map::from_jer(to_value(report.map.message)?),
            e_tag: report.etag,
            acknowledgement: report.acknowledgement,
        })
    }
}

/// RSI/UP: a list of events, here always one.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RsiUp<'a> {
    rsi_source_type: &'static str,
    rsi_source_id: String,
    rsi_datas: [&'a Alert; 1],
    #[serde(flatten)]
    acknowledgement: Acknowledgement,
}

impl<'a> From<&RsiReport<'a>> for RsiUp<'a> {
    fn from(report: &RsiReport<'a>) -> Self {
        let content = content::RsiUp::from(report);
        Self {
            rsi_source_type: content.rsi_source_type,
            rsi_source_id: content.rsi_source_id.to_string(),
            rsi_datas: [content.rsi],
            acknowledgement: content.acknowledgement,
        }
    }
}

/// RSM/UP: `{name, id, content: {rsms}}`. Participants have a number among all units, and how they
/// are known is told by its number in the message set.
pub(super) fn rsm_up(message: &RoadsideSafetyMessage<'_>) -> serde_json::Result<Value> {
    let mut content = to_value(content::RsmUp::from(message))?;
    let participants = content.pointer_mut("/rsms/0/participants");
    let written = participants.and_then(Value::as_array_mut);
    for (written, data) in written
        .into_iter()
        .flatten()
        .zip(message.participants.iter())
    {
        let track = format!("{}-{}", message.id, data.ptc_id.value());
        written["global_track_id"] = track.into();
        written["source"] = data.source.index().into();
    }
    Ok(json!({"name": null, "id": message.id.to_string(), "content": content}))
}

/// SPAT/UP: the light of each phase, and since when that is known; countdowns have no place.
#[derive(Serialize)]
pub(super) struct SpatUp {
    name: Option<String>,
    intersections: Vec<Intersection>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Intersection {
    intersection_id: String,
    /// Whether it is online.
    status: bool,
    phases: Vec<PhaseNow>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PhaseNow {
    phase_id: String,
    phase_states: LightNow,
}

#[derive(Serialize)]
struct LightNow {
    light: Value,
    /// `2026-01-31 23:59:59`, UTC.
    timing: String,
}

impl SpatUp {
    pub(super) fn new(spat: &Spat<'_>, now: Timestamp) -> serde_json::Result<Self> {
        let intersections = spat.intersections.iter();
        Ok(Self {
            name: spat.name.as_ref().map(ToString::to_string),
            intersections: intersections
                .map(|state| Intersection::new(&state, now))
                .collect::<Result<_, _>>()?,
        })
    }
}

impl Intersection {
    fn new(state: &IntersectionState<'_>, now: Timestamp) -> serde_json::Result<Self> {
        let time = UtcTime(now).to_string().replace('T', " ");
        let (timing, _) = time.split_once('.').unwrap_or((&time, ""));
        let phase = |phase: Phase<'_>| {
            Ok(PhaseNow {
                phase_id: phase.id.value().to_string(),
                phase_states: LightNow {
                    light: to_value(current(&phase).map(|state| state.light))?,
                    timing: timing.to_owned(),
                },
            })
        };
        Ok(Self {
            intersection_id: node_name(&state.intersection_id),
            status: true,
            phases: state.phases.iter().map(phase).collect::<Result<_, _>>()?,
        })
    }
}

/// The state that is on: the first one whose countdown to its begin has ended.
fn current<'a>(phase: &'a Phase<'_>) -> Option<PhaseState<'a>> {
    let is_on = |state: &PhaseState<'_>| match &state.timing {
        Some(TimeChangeDetails::Counting(counting)) => counting.start_time.value() == 0,
        _ => true,
    };
    let mut states = phase.phase_states.iter();
    states.clone().find(is_on).or_else(|| states.next())
}

/// `10-17`, or `17` for a node without region.
fn node_name(node: &NodeReferenceId) -> String {
    let mut name = String::new();
    if let Some(region) = node.region {
        let _ = write!(name, "{}-", region.value());
    }
    let _ = write!(name, "{}", node.id.value());
    name
}
