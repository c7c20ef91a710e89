//! V2X.RSU.SPAT.DOWN: the inverse of SPAT.UP.

use std::fmt;

use rsu_firmware::message::{
    DSecond, IntersectionState, IntersectionStatusObject, MinuteOfTheYear, MsgCount,
    NodeReferenceId, Phase, PhaseId, PhaseState, Spat,
};
use serde::Deserialize;
use serde::de::value::StrDeserializer;
use serde::de::{Deserializer, Error, IntoDeserializer, SeqAccess, Visitor};

use super::command::OneOrMany;

#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct SpatDown {
    name: Option<String>,
    #[cfg_attr(test, schemars(with = "Option<u32>", range(max = 527040)))]
    moy: Option<MinuteOfTheYear>,
    #[serde(rename = "timeStamp")]
    #[cfg_attr(test, schemars(with = "Option<u16>"))]
    time_stamp: Option<DSecond>,
    intersections: OneOrMany<Intersection>,
}

#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "IntersectionDown"))]
struct Intersection {
    #[serde(rename = "intersectionId")]
    #[cfg_attr(test, schemars(with = "super::schema::NodeReference"))]
    intersection_id: NodeReferenceId,
    #[cfg_attr(test, schemars(schema_with = "super::schema::status"))]
    status: Status,
    #[cfg_attr(test, schemars(with = "Option<u32>", range(max = 527040)))]
    moy: Option<MinuteOfTheYear>,
    #[serde(rename = "timeStamp")]
    #[cfg_attr(test, schemars(with = "Option<u16>"))]
    time_stamp: Option<DSecond>,
    phases: OneOrMany<PhaseDown>,
}

#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
struct PhaseDown {
    #[cfg_attr(test, schemars(with = "u8"))]
    phase_id: PhaseId,
    #[cfg_attr(test, schemars(schema_with = "super::schema::phase_states"))]
    phase_states: OneOrMany<PhaseState<'static>>,
}

impl From<SpatDown> for Spat<'static> {
    fn from(down: SpatDown) -> Self {
        let OneOrMany(intersections) = down.intersections;
        let intersections = intersections.into_iter().map(IntersectionState::from);
        Self {
            msg_cnt: MsgCount::saturating(0),
            moy: down.moy,
            time_stamp: down.time_stamp,
            name: down.name.map(Into::into),
            intersections: intersections.collect::<Vec<_>>().into(),
        }
    }
}

impl From<Intersection> for IntersectionState<'static> {
    fn from(intersection: Intersection) -> Self {
        let OneOrMany(phases) = intersection.phases;
        let phases = phases.into_iter().map(Phase::from);
        Self {
            intersection_id: intersection.intersection_id,
            status: intersection.status.0,
            moy: intersection.moy,
            time_stamp: intersection.time_stamp,
            time_confidence: None,
            phases: phases.collect::<Vec<_>>().into(),
        }
    }
}

impl From<PhaseDown> for Phase<'static> {
    fn from(phase: PhaseDown) -> Self {
        let OneOrMany(states) = phase.phase_states;
        Self {
            id: phase.phase_id,
            phase_states: states.into(),
        }
    }
}

/// The names of the bits that are set, or all bits as hex.
struct Status(IntersectionStatusObject);

impl<'de> Deserialize<'de> for Status {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StatusVisitor)
    }
}

struct StatusVisitor;

impl<'de> Visitor<'de> for StatusVisitor {
    type Value = Status;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of names of bits")
    }

    fn visit_str<E: Error>(self, hex: &str) -> Result<Status, E> {
        let text: StrDeserializer<'_, E> = hex.into_deserializer();
        IntersectionStatusObject::deserialize(text).map(Status)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut names: A) -> Result<Status, A::Error> {
        let mut status = IntersectionStatusObject::empty();
        while let Some(name) = names.next_element::<String>()? {
            let named = IntersectionStatusObject::IDS.iter();
            let bit = named.clone().find(|(_, id)| *id == name);
            let (bit, _) = bit.ok_or_else(|| {
                A::Error::custom(format_args!("{name:?} is no status of an intersection"))
            })?;
            status = status.with(*bit);
        }
        Ok(Status(status))
    }
}
