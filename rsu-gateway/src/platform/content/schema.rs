//! Schemas of what JSON schemas cannot be derived from: types of the message set, and what is
//! written or read by hand.

use std::borrow::Cow;

use rsu_firmware::message::{
    EventSource, IntersectionStatusObject, LightState, ParticipantType, PositionConfidence,
    SourceType,
};
use schemars::generate::SchemaGenerator;
use schemars::{JsonSchema, Schema, json_schema};

use super::{Location, Participant};

/// The members that ask for an acknowledgement.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase")]
#[allow(dead_code, reason = "only its schema is of use")]
pub(super) struct AskedAcknowledgement {
    /// Whether the platform shall acknowledge.
    ack: bool,
    /// The number that the acknowledgement carries; only with `ack`.
    #[serde(skip_serializing_if = "Option::is_none")]
    seq_num: Option<String>,
}

/// NodeReferenceID.
#[derive(JsonSchema)]
#[allow(dead_code, reason = "only its schema is of use")]
pub(super) struct NodeReference {
    /// The authority that numbers the nodes.
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<u16>,
    /// The number.
    id: u16,
}

/// The participants that one roadside unit perceives.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase")]
#[allow(dead_code, reason = "only its schema is of use")]
pub(super) struct Participants {
    /// Where the unit stands.
    ref_pos: Location,
    /// The participants.
    participants: Vec<Participant>,
}

pub(super) fn map(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "description": "MapData of the message set in JER (ITU-T X.697).",
        "type": "object",
        "required": ["msgCnt", "nodes"],
        "properties": {
            "msgCnt": {"type": "integer", "minimum": 0, "maximum": 127},
            "nodes": {"type": "array", "minItems": 1, "maxItems": 32, "items": {"type": "object"}},
        },
    })
}

pub(super) fn phase_states(_: &mut SchemaGenerator) -> Schema {
    let light = ids(LightState::ALL.iter().filter_map(|light| light.id()));
    json_schema!({
        "description": "The current state and those that follow, in JER.",
        "type": "array",
        "minItems": 1,
        "maxItems": 16,
        "items": {
            "type": "object",
            "required": ["light"],
            "properties": {
                "light": light,
                "timing": {"description": "TimeChangeDetails in JER.", "type": "object"},
            },
        },
    })
}

pub(super) fn reference_links(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "description": "Links of the MAP: ReferenceLink in JER.",
        "type": "array",
        "items": {
            "type": "object",
            "required": ["upstreamNodeId", "downstreamNodeId"],
        },
    })
}

pub(super) fn status(_: &mut SchemaGenerator) -> Schema {
    let names = IntersectionStatusObject::IDS.iter().map(|(_, id)| *id);
    let names: Vec<_> = names.collect();
    json_schema!({
        "description": "The names of the bits that are set.",
        "type": "array",
        "items": {"enum": names},
    })
}

pub(super) fn temporary_id(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "pattern": "^[0-9A-F]{16}$"})
}

pub(super) fn event_source(_: &mut SchemaGenerator) -> Schema {
    ids(EventSource::ALL.iter().filter_map(|source| source.id()))
}

pub(super) fn participant_type(_: &mut SchemaGenerator) -> Schema {
    ids(ParticipantType::ALL.iter().filter_map(|kind| kind.id()))
}

pub(super) fn source_type(_: &mut SchemaGenerator) -> Schema {
    ids(SourceType::ALL.iter().filter_map(|source| source.id()))
}

pub(super) fn accuracy(_: &mut SchemaGenerator) -> Schema {
    ids(PositionConfidence::ALL
        .iter()
        .filter_map(|accuracy| accuracy.id()))
}

/// The identifiers of an enumeration. What a later edition adds has a number instead.
fn ids(ids: impl Iterator<Item = &'static str>) -> Schema {
    let ids: Vec<_> = ids.collect();
    json_schema!({"anyOf": [{"enum": ids}, {"type": "string", "pattern": "^extension:[0-9]+$"}]})
}

/// What the platform says to a report.
pub(in crate::platform) fn acknowledgement(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<super::answer::Acknowledged>()
}

/// What may be there and must be empty.
pub(super) fn empty(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "description": "Must be empty.",
        "type": ["null", "string", "array", "object"],
        "maxLength": 0,
        "maxItems": 0,
        "maxProperties": 0,
    })
}

impl<T> JsonSchema for super::command::Lenient<T> {
    fn schema_name() -> Cow<'static, str> {
        "Integer".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "An integer, as such or as text; a switch also as true or false.",
            "anyOf": [
                {"type": ["integer", "boolean"]},
                {"type": "string", "pattern": "^\\s*([-+]?[0-9]+|[Tt]rue|[Ff]alse)\\s*$"},
            ],
        })
    }
}

impl<T: JsonSchema> JsonSchema for super::command::OneOrMany<T> {
    fn schema_name() -> Cow<'static, str> {
        format!("OneOrMany{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let one = generator.subschema_for::<T>();
        json_schema!({"anyOf": [{"type": "array", "items": one}, one]})
    }
}
