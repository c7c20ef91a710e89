//! V2X.RSU.RSM.DOWN: the inverse of RSM.UP.

use rsu_firmware::message::{
    DSecond, Heading, MsgCount, ParticipantData, ParticipantId, ParticipantType, Position3D,
    PositionConfidence, PositionConfidenceSet, PositionOffsetLlv, RoadsideSafetyMessage,
    SourceType, Speed, VehicleHeight, VehicleLength, VehicleSize, VehicleWidth,
};
use rsu_firmware::uper::FixedOctetString;
use serde::{Deserialize, Deserializer};

use super::command::OneOrMany;
use super::{Location, offset_to};
use crate::downlink::RsmBroadcast;

#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct RsmDown {
    #[serde(alias = "Rsms")]
    #[cfg_attr(test, schemars(with = "OneOrMany<Fields>"))]
    rsms: OneOrMany<Message>,
}

/// Sender and count are not the platform's business.
struct Message(RoadsideSafetyMessage<'static>);

#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "ParticipantsDown"))]
#[serde(rename_all = "camelCase")]
struct Fields {
    ref_pos: Location,
    participants: Vec<Participant>,
}

#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "ParticipantDown"))]
#[serde(rename_all = "camelCase")]
struct Participant {
    #[cfg_attr(test, schemars(schema_with = "super::schema::participant_type"))]
    ptc_type: ParticipantType,
    #[cfg_attr(test, schemars(with = "u16"))]
    ptc_id: ParticipantId,
    #[cfg_attr(test, schemars(schema_with = "super::schema::source_type"))]
    source: SourceType,
    #[cfg_attr(test, schemars(with = "Option<u16>"))]
    sec_mark: Option<DSecond>,
    pos: Location,
    #[cfg_attr(test, schemars(schema_with = "super::schema::accuracy"))]
    accuracy: Option<PositionConfidence>,
    #[cfg_attr(test, schemars(with = "Option<u16>", range(max = 8191)))]
    speed: Option<Speed>,
    #[cfg_attr(test, schemars(with = "Option<u16>", range(max = 28800)))]
    heading: Option<Heading>,
    size: Size,
}

#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "ParticipantSizeDown"))]
struct Size {
    #[cfg_attr(test, schemars(with = "u16"))]
    width: VehicleWidth,
    #[cfg_attr(test, schemars(with = "u16"))]
    length: VehicleLength,
    #[cfg_attr(test, schemars(with = "Option<u8>"))]
    height: Option<VehicleHeight>,
}

/// "Not known" in a DSecond.
const SEC_MARK_UNKNOWN: DSecond = DSecond::saturating(65_535);

impl From<RsmDown> for RsmBroadcast {
    fn from(down: RsmDown) -> Self {
        let OneOrMany(messages) = down.rsms;
        Self {
            messages: messages.into_iter().map(|Message(rsm)| rsm).collect(),
        }
    }
}

impl<'de> Deserialize<'de> for Message {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let fields = Fields::deserialize(deserializer)?;
        fields
            .into_message()
            .map(Self)
            .map_err(serde::de::Error::custom)
    }
}

impl Fields {
    fn into_message(self) -> Result<RoadsideSafetyMessage<'static>, String> {
        let reference = Position3D::try_from(self.ref_pos);
        let reference = reference.map_err(|error| format!("refPos.{error}"))?;
        let participants = self.participants.into_iter().enumerate();
        let participants = participants.map(|(place, participant)| {
            let pos = offset_to(&reference, &participant.pos)
                .map_err(|error| format!("participants[{place}].pos.{error}"))?;
            Ok(participant.at(pos))
        });
        Ok(RoadsideSafetyMessage {
            msg_cnt: MsgCount::saturating(0),
            id: FixedOctetString([0; 8]),
            participants: participants.collect::<Result<Vec<_>, String>>()?.into(),
            ref_pos: reference,
        })
    }
}

impl Participant {
    fn at(self, pos: PositionOffsetLlv) -> ParticipantData {
        ParticipantData {
            ptc_type: self.ptc_type,
            ptc_id: self.ptc_id,
            source: self.source,
            id: None,
            sec_mark: self.sec_mark.unwrap_or(SEC_MARK_UNKNOWN),
            pos,
            pos_confidence: PositionConfidenceSet {
                pos: self.accuracy.unwrap_or(PositionConfidence::Unavailable),
                elevation: None,
            },
            transmission: None,
            speed: self.speed.unwrap_or(Speed::UNKNOWN),
            heading: self.heading.unwrap_or(Heading::UNKNOWN),
            angle: None,
            motion_cfd: None,
            accel_set: None,
            size: VehicleSize {
                width: self.size.width,
                length: self.size.length,
                height: self.size.height,
            },
            vehicle_class: None,
        }
    }
}
