//! V2X.RSU.SPAT.UP.
//!
//! The draft writes `intersections{...}` although a SPAT holds up to 32 of them: it is an array
//! here. It has no time, without which a countdown means nothing: `moy` and `timeStamp` are added,
//! in the message and in each intersection, with the meaning they have in the SPAT. `timing` is
//! the TimeChangeDetails of the SPAT in JER.

use rsu_firmware::message::{
    DSecond, DescriptiveName, IntersectionState, IntersectionStateList, IntersectionStatusObject,
    MinuteOfTheYear, NodeReferenceId, Phase, PhaseList, PhaseStateList, Spat,
};
use serde::{Serialize, Serializer};

/// The lights of all intersections of one SPAT.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct SpatUp<'a> {
    /// A name for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub name: Option<&'a DescriptiveName<'a>>,
    /// Minute of the UTC year (ours).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(with = "Option<u32>", range(max = 527040)))]
    pub moy: Option<MinuteOfTheYear>,
    /// Milliseconds within that minute (ours).
    #[serde(rename = "timeStamp", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(with = "Option<u16>"))]
    pub time_stamp: Option<DSecond>,
    /// The intersections.
    #[serde(serialize_with = "intersections")]
    #[cfg_attr(test, schemars(with = "Vec<IntersectionContent<'static>>"))]
    pub intersections: &'a IntersectionStateList<'a>,
}

/// The lights of one intersection.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct IntersectionContent<'a> {
    /// The node of the MAP.
    #[serde(rename = "intersectionId")]
    #[cfg_attr(test, schemars(with = "super::schema::NodeReference"))]
    pub intersection_id: NodeReferenceId,
    /// The names of the bits that are set.
    #[serde(serialize_with = "status")]
    #[cfg_attr(test, schemars(schema_with = "super::schema::status"))]
    pub status: IntersectionStatusObject,
    /// Minute of the UTC year (ours).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(with = "Option<u32>", range(max = 527040)))]
    pub moy: Option<MinuteOfTheYear>,
    /// Milliseconds within that minute (ours).
    #[serde(rename = "timeStamp", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(with = "Option<u16>"))]
    pub time_stamp: Option<DSecond>,
    /// The phases.
    #[serde(serialize_with = "phases")]
    #[cfg_attr(test, schemars(with = "Vec<PhaseContent<'static>>"))]
    pub phases: PhaseList<'a>,
}

/// One phase.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PhaseContent<'a> {
    /// The number that lanes and connections of the MAP refer to.
    #[serde(rename = "phaseId")]
    pub phase_id: u8,
    /// `{light, timing}` each, the current one and those that follow.
    #[serde(rename = "phaseStates")]
    #[cfg_attr(test, schemars(schema_with = "super::schema::phase_states"))]
    pub phase_states: PhaseStateList<'a>,
}

impl<'a> From<&'a Spat<'a>> for SpatUp<'a> {
    fn from(spat: &'a Spat<'a>) -> Self {
        Self {
            name: spat.name.as_ref(),
            moy: spat.moy,
            time_stamp: spat.time_stamp,
            intersections: &spat.intersections,
        }
    }
}

impl<'a> From<IntersectionState<'a>> for IntersectionContent<'a> {
    fn from(state: IntersectionState<'a>) -> Self {
        Self {
            intersection_id: state.intersection_id,
            status: state.status,
            moy: state.moy,
            time_stamp: state.time_stamp,
            phases: state.phases,
        }
    }
}

impl<'a> From<Phase<'a>> for PhaseContent<'a> {
    fn from(phase: Phase<'a>) -> Self {
        Self {
            phase_id: phase.id.value(),
            phase_states: phase.phase_states,
        }
    }
}

fn intersections<S: Serializer>(
    list: &&IntersectionStateList<'_>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(list.iter().map(IntersectionContent::from))
}

fn phases<S: Serializer>(list: &PhaseList<'_>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(list.iter().map(PhaseContent::from))
}

fn status<S: Serializer>(
    status: &IntersectionStatusObject,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(status.ids())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{from_value, json, to_value};

    #[test]
    fn a_spat_in_the_fields_of_the_draft() {
        let timing = json!({"counting": {"startTime": 0, "likelyEndTime": 123, "maxEndTime": 200}});
        let spat: Spat<'_> = from_value(json!({
            "msgCnt": 5, "moy": 1000, "timeStamp": 30_500, "name": "Crossing",
            "intersections": [{
                "intersectionId": {"region": 1, "id": 10},
                "status": "0500",
                "timeStamp": 30_400,
                "phases": [{"id": 2, "phaseStates": [
                    {"light": "red", "timing": timing},
                    {"light": "protected-green"},
                ]}],
            }],
        }))
        .expect("a SPAT");
        assert_eq!(
            to_value(SpatUp::from(&spat)).expect("JSON"),
            json!({
                "name": "Crossing", "moy": 1000, "timeStamp": 30_500,
                "intersections": [{
                    "intersectionId": {"region": 1, "id": 10},
                    "status": ["fixedTimeOperation", "standbyOperation"],
                    "timeStamp": 30_400,
                    "phases": [{"phaseId": 2, "phaseStates": [
                        {"light": "red", "timing": timing},
                        {"light": "protected-green"},
                    ]}],
                }],
            }),
        );
    }
}
