//! V2X.RSU.RSM.UP.
//!
//! `pos` is the position of the participant, not its offset from `refPos`; `accuracy` is the
//! identifier of its position confidence (`a1m`, ...). Optional members are left out where the
//! value is unknown.

use rsu_firmware::message::{
    Heading, ParticipantData, ParticipantList, ParticipantType, Position3D, PositionConfidence,
    RoadsideSafetyMessage, SourceType, Speed, VehicleHeight, VehicleLength, VehicleSize,
    VehicleWidth,
};
use serde::{Serialize, Serializer};

use super::{Location, location_at};

/// `{rsms: [...]}`; one message each.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RsmUp<'a> {
    /// The messages.
    #[cfg_attr(test, schemars(with = "[super::schema::Participants; 1]"))]
    pub rsms: [RsmContent<'a>; 1],
}

/// The participants that one roadside unit perceives.
pub struct RsmContent<'a> {
    reference: &'a Position3D,
    participants: &'a ParticipantList<'a>,
}

/// One participant.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Participant {
    /// What it is.
    #[cfg_attr(test, schemars(schema_with = "super::schema::participant_type"))]
    pub ptc_type: ParticipantType,
    /// Its number.
    pub ptc_id: u16,
    /// How it is known.
    #[cfg_attr(test, schemars(schema_with = "super::schema::source_type"))]
    pub source: SourceType,
    /// Milliseconds within the minute.
    pub sec_mark: u16,
    /// Where it is.
    pub pos: Location,
    /// How exact that is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(schema_with = "super::schema::accuracy"))]
    pub accuracy: Option<PositionConfidence>,
    /// 0.02 m/s.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub speed: Option<u16>,
    /// 0.0125 degrees.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub heading: Option<u16>,
    /// The box around it.
    pub size: ParticipantSize,
}

/// The box around a participant.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ParticipantSize {
    /// 1 cm; 0 unknown.
    #[cfg_attr(test, schemars(with = "u16"))]
    pub width: VehicleWidth,
    /// 1 cm; 0 unknown.
    #[cfg_attr(test, schemars(with = "u16"))]
    pub length: VehicleLength,
    /// 5 cm; 0 unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(with = "Option<u8>"))]
    pub height: Option<VehicleHeight>,
}

impl<'a> From<&'a RoadsideSafetyMessage<'a>> for RsmUp<'a> {
    fn from(message: &'a RoadsideSafetyMessage<'a>) -> Self {
        Self {
            rsms: [RsmContent {
                reference: &message.ref_pos,
                participants: &message.participants,
            }],
        }
    }
}

impl Serialize for RsmContent<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct;
        let mut content = serializer.serialize_struct("RsmContent", 2)?;
        content.serialize_field("refPos", &Location::from(self.reference))?;
        content.serialize_field("participants", &Participants(self))?;
        content.end()
    }
}

struct Participants<'a, 'b>(&'b RsmContent<'a>);

impl Serialize for Participants<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(content) = self;
        let participant = |data| Participant::new(content.reference, &data);
        serializer.collect_seq(content.participants.iter().map(participant))
    }
}

impl Participant {
    fn new(reference: &Position3D, data: &ParticipantData) -> Self {
        let accuracy = Some(data.pos_confidence.pos);
        Self {
            ptc_type: data.ptc_type,
            ptc_id: data.ptc_id.value(),
            source: data.source,
            sec_mark: data.sec_mark.value(),
            pos: location_at(reference, &data.pos),
            accuracy: accuracy.filter(|a| *a != PositionConfidence::Unavailable),
            speed: Some(data.speed)
                .filter(|speed| *speed != Speed::UNKNOWN)
                .map(Speed::value),
            heading: Some(data.heading)
                .filter(|heading| *heading != Heading::UNKNOWN)
                .map(Heading::value),
            size: ParticipantSize::from(&data.size),
        }
    }
}

impl From<&VehicleSize> for ParticipantSize {
    fn from(size: &VehicleSize) -> Self {
        Self {
            width: size.width,
            length: size.length,
            height: size.height,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{from_value, json, to_value};

    #[test]
    fn participants_are_where_they_are_and_unknown_values_are_left_out() {
        let rsm: RoadsideSafetyMessage<'_> = from_value(json!({
            "msgCnt": 0, "id": "3132333435363738",
            "refPos": {"lat": 295_000_000, "long": 1_065_000_000},
            "participants": [
                {
                    "ptcType": "motor", "ptcId": 7, "source": "lidar", "secMark": 100,
                    "pos": {"offsetLL": {"position-LL1": {"lon": 10, "lat": -20}}},
                    "posConfidence": {"pos": "a1m"}, "speed": 500, "heading": 7200,
                    "size": {"width": 180, "length": 450, "height": 30},
                },
                {
                    "ptcType": "non-motor", "ptcId": 8, "source": "unknown", "secMark": 101,
                    "pos": {"offsetLL": {"position-LL1": {"lon": 0, "lat": 0}}},
                    "posConfidence": {"pos": "unavailable"}, "speed": 8191, "heading": 28800,
                    "size": {"width": 0, "length": 0},
                },
            ],
        }))
        .expect("an RSM");
        assert_eq!(
            to_value(RsmUp::from(&rsm)).expect("JSON"),
            json!({"rsms": [{
                "refPos": {"lat": 295_000_000, "lon": 1_065_000_000},
                "participants": [
                    {
                        "ptcType": "motor", "ptcId": 7, "source": "lidar", "secMark": 100,
                        "pos": {"lat": 294_999_980, "lon": 1_065_000_010},
                        "accuracy": "a1m", "speed": 500, "heading": 7200,
                        "size": {"width": 180, "length": 450, "height": 30},
                    },
                    {
                        "ptcType": "non-motor", "ptcId": 8, "source": "unknown", "secMark": 101,
                        "pos": {"lat": 295_000_000, "lon": 1_065_000_000},
                        "size": {"width": 0, "length": 0},
                    },
                ],
            }]}),
        );
    }
}
