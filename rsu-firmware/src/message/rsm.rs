//! RSM: the traffic participants that the roadside perceives.

use super::{
    AccelerationSet4Way, DSecond, Heading, MotionConfidenceSet, MsgCount, Position3D,
    PositionConfidenceSet, PositionOffsetLlv, Speed, SteeringWheelAngle, TemporaryId,
    TransmissionState, VehicleClassification, VehicleSize,
};
use crate::uper::{SequenceOf, Size, enumerated, integer, sequence};

sequence! {
    /// Roadside safety message (MSG_RSM).
    pub struct RoadsideSafetyMessage<'a>: extensible {
        /// Counts the messages of this sender.
        "msgCnt" msg_cnt: MsgCount,
        /// The road side unit.
        "id" id: TemporaryId,
        /// What the positions are relative to.
        "refPos" ref_pos: Position3D,
        /// The participants.
        "participants" participants: ParticipantList<'a>,
    }

    /// A traffic participant (DF_ParticipantData).
    pub struct ParticipantData: extensible => participant {
        /// What it is.
        "ptcType" ptc_type: ParticipantType,
        /// Its number; 0 is the road side unit itself (T/CSAE 159).
        "ptcId" ptc_id: ParticipantId,
        /// How it is known.
        "source" source: SourceType,
        /// Its identifier in its own BSM, where it sends any.
        "id" id: Option<TemporaryId>,
        /// When the values were valid.
        "secMark" sec_mark: DSecond,
        /// Where it is, relative to the message.
        "pos" pos: PositionOffsetLlv,
        /// How exact the position is.
        "posConfidence" pos_confidence: PositionConfidenceSet,
        /// The gear.
        "transmission" transmission: Option<TransmissionState>,
        /// The speed.
        "speed" speed: Speed,
        /// Where it heads.
        "heading" heading: Heading,
        /// The steering wheel.
        "angle" angle: Option<SteeringWheelAngle>,
        /// How exact the motion is.
        "motionCfd" motion_cfd: Option<MotionConfidenceSet>,
        /// The acceleration.
        "accelSet" accel_set: Option<AccelerationSet4Way>,
        /// The size.
        "size" size: VehicleSize,
        /// What kind of vehicle.
        "vehicleClass" vehicle_class: Option<VehicleClassification>,
    }
}

/// The participants of a message.
pub type ParticipantList<'a> = SequenceOf<'a, ParticipantData, Size<1, 16>>;

integer! {
    /// The number of a participant within its message.
    pub struct ParticipantId(u16) in 0..=65535;
}

enumerated! {
    /// What a participant is (DE_ParticipantType).
    pub enum ParticipantType: extensible {
        /// Not known.
        Unspecified = 0 "unknown",
        /// A motor vehicle.
        Motor = 1 "motor",
        /// A vehicle without a motor.
        NonMotor = 2 "non-motor",
        /// A pedestrian.
        Pedestrian = 3 "pedestrian",
        /// The road side unit itself.
        Rsu = 4 "rsu",
    }

    /// How a participant is known (DE_SourceType).
    pub enum SourceType: extensible {
        /// Not known.
        Unspecified = 0 "unknown",
        /// The sender itself.
        Selfinfo = 1 "selfinfo",
        /// Its own messages.
        V2x = 2 "v2x",
        /// A camera.
        Video = 3 "video",
        /// A radar.
        MicrowaveRadar = 4 "microwaveRadar",
        /// A loop in the road.
        Loop = 5 "loop",
        /// A lidar.
        Lidar = 6 "lidar",
        /// Several of these.
        Integrated = 7 "integrated",
    }
}
