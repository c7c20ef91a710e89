//! BSM: what a vehicle says of itself, ten times a second.

use super::{
    AccelerationSet4Way, CoarseHeading, Confidence, DSecond, Heading, MotionConfidenceSet,
    MsgCount, Position3D, PositionConfidenceSet, PositionOffsetLlv, PositionalAccuracy, Speed,
    SteeringWheelAngle, TemporaryId, TimeConfidence, TransmissionState, VehicleClassification,
    VehicleSize,
};
use crate::uper::{
    Element, Observer, OnlyIn2019, Profile, Reader, SequenceOf, Size, Writer, bit_string,
    enumerated, flexible_bit_string, integer, sequence,
};

sequence! {
    /// Basic safety message (MSG_BasicSafetyMessage).
    pub struct BasicSafetyMessage<'a>: extensible {
        /// Counts the messages of this vehicle.
        "msgCnt" msg_cnt: MsgCount,
        /// The vehicle; drawn anew from time to time.
        "id" id: TemporaryId,
        /// When the values were valid.
        "secMark" sec_mark: DSecond,
        /// How exact that time is.
        "timeConfidence" time_confidence: Option<TimeConfidence>,
        /// The centre of the vehicle.
        "pos" pos: Position3D,
        /// The error ellipse of the position.
        "posAccuracy" pos_accuracy: Option<PositionalAccuracy>,
        /// How exact the position is.
        "posConfidence" pos_confidence: Option<PositionConfidenceSet>,
        /// The gear.
        "transmission" transmission: TransmissionState,
        /// The speed.
        "speed" speed: Speed,
        /// Where the front points.
        "heading" heading: Heading,
        /// The steering wheel.
        "angle" angle: Option<SteeringWheelAngle>,
        /// How exact the motion is.
        "motionCfd" motion_cfd: Option<MotionConfidenceSet>,
        /// The acceleration.
        "accelSet" accel_set: AccelerationSet4Way,
        /// The brakes.
        "brakes" brakes: BrakeSystemStatus,
        /// The size.
        "size" size: VehicleSize,
        /// The kind of vehicle.
        "vehicleClass" vehicle_class: VehicleClassification,
        /// Events, the path behind and ahead, lights.
        "safetyExt" safety_ext: Option<VehicleSafetyExtensions<'a>>,
        /// What an emergency vehicle adds.
        "emergencyExt" emergency_ext: Option<VehicleEmergencyExtensions>,
    }

    /// The brakes and what controls them (DF_BrakeSystemStatus).
    pub struct BrakeSystemStatus {
        /// The pedal (spelt so in the standard).
        "brakePadel" brake_padel: Option<BrakePedalStatus>,
        /// Which wheels are braked.
        "wheelBrakes" wheel_brakes: Option<BrakeAppliedStatus>,
        /// Traction control.
        "traction" traction: Option<TractionControlStatus>,
        /// Anti-lock brakes.
        "abs" abs: Option<AntiLockBrakeStatus>,
        /// Stability control.
        "scs" scs: Option<StabilityControlStatus>,
        /// Brake boost.
        "brakeBoost" brake_boost: Option<BrakeBoostApplied>,
        /// Auxiliary brakes.
        "auxBrakes" aux_brakes: Option<AuxiliaryBrakeStatus>,
    }

    /// What matters for safety beside the motion (DF_VehicleSafetyExtensions).
    pub struct VehicleSafetyExtensions<'a>: extensible {
        /// What is happening to the vehicle.
        "events" events: Option<VehicleEventFlags<'a>>,
        /// Where it came from.
        "pathHistory" path_history: Option<PathHistory<'a>>,
        /// Where it is likely to go.
        "pathPrediction" path_prediction: Option<PathPrediction>,
        /// Which lights are on.
        "lights" lights: Option<ExteriorLights<'a>>,
    }

    /// Points that the vehicle has passed (DF_PathHistory).
    pub struct PathHistory<'a>: extensible {
        /// What the points are relative to; the position of the message where absent.
        "initialPosition" initial_position: Option<FullPositionVector>,
        /// The state of the satellite receiver.
        "currGNSSstatus" curr_gnss_status: Option<GnssStatus>,
        /// The points, the latest first.
        "crumbData" crumb_data: PathHistoryPointList<'a>,
    }

    /// A position with all that goes with it (DF_FullPositionVector).
    pub struct FullPositionVector: extensible {
        /// When it was valid.
        "utcTime" utc_time: Option<DDateTime>,
        /// The position.
        "pos" pos: Position3D,
        /// The heading there.
        "heading" heading: Option<Heading>,
        /// The gear there.
        "transmission" transmission: Option<TransmissionState>,
        /// The speed there.
        "speed" speed: Option<Speed>,
        /// How exact the position is.
        "posAccuracy" pos_accuracy: Option<PosAccuracy>,
        /// How exact the position is, in steps (spelt so in the 2019 edition).
        "posConficence" pos_conficence: OnlyIn2019<PositionConfidenceSet>,
        /// How exact the time is.
        "timeConfidence" time_confidence: Option<TimeConfidence>,
        /// How exact the motion is.
        "motionCfd" motion_cfd: Option<MotionConfidenceSet>,
    }

    /// Date and time, UTC (DF_DDateTime).
    pub struct DDateTime {
        /// Year.
        "year" year: Option<DYear>,
        /// Month.
        "month" month: Option<DMonth>,
        /// Day.
        "day" day: Option<DDay>,
        /// Hour.
        "hour" hour: Option<DHour>,
        /// Minute.
        "minute" minute: Option<DMinute>,
        /// Millisecond.
        "second" second: Option<DSecond>,
        /// Difference of the local time.
        "offset" offset: Option<DTimeOffset>,
    }

    /// A point that the vehicle has passed (DF_PathHistoryPoint).
    pub struct PathHistoryPoint: extensible => path_history_point {
        /// Where, relative to the initial position.
        "llvOffset" llv_offset: PositionOffsetLlv,
        /// How long ago.
        "timeOffset" time_offset: TimeOffset,
        /// How fast.
        "speed" speed: Option<Speed>,
        /// How exact the position is.
        "posAccuracy" pos_accuracy: Option<PositionConfidenceSet>,
        /// The heading there.
        "heading" heading: Option<CoarseHeading>,
    }

    /// Where the vehicle is likely to go (DF_PathPrediction).
    pub struct PathPrediction: extensible {
        /// The radius of its way.
        "radiusOfCurve" radius_of_curve: RadiusOfCurvature,
        /// How sure that is.
        "confidence" confidence: Confidence,
    }

    /// What an emergency vehicle is doing (DF_VehicleEmergencyExtensions).
    pub struct VehicleEmergencyExtensions: extensible {
        /// Whether and how it is on duty.
        "responseType" response_type: Option<ResponseType>,
        /// The siren.
        "sirenUse" siren_use: Option<SirenInUse>,
        /// The light bar.
        "lightsUse" lights_use: Option<LightbarInUse>,
    }
}

/// The points of a path history.
pub type PathHistoryPointList<'a> = SequenceOf<'a, PathHistoryPoint, Size<1, 23>>;

/// `FullPositionVector.posAccuracy`, which has another type in each edition.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(untagged))]
pub enum PosAccuracy {
    /// Since 2020.
    Confidence(PositionConfidenceSet),
    /// In the 2019 edition.
    Ellipse(PositionalAccuracy),
}

impl<'a> Element<'a> for PosAccuracy {
    #[inline(always)]
    fn decode<O: Observer<'a>>(reader: &mut Reader<'a>, observer: &mut O) -> Self {
        match reader.profile() {
            Profile::Ydt3709_2020 => Self::Confidence(Element::decode(reader, observer)),
            Profile::Tcsae53_2019 => Self::Ellipse(Element::decode(reader, observer)),
        }
    }

    #[inline(always)]
    fn encode<O: Observer<'a>>(&self, writer: &mut Writer<'_, O>) {
        let profile = match self {
            Self::Confidence(_) => Profile::Ydt3709_2020,
            Self::Ellipse(_) => Profile::Tcsae53_2019,
        };
        writer.check(writer.profile() == profile, crate::uper::ErrorKind::Profile);
        match self {
            Self::Confidence(confidence) => confidence.encode(writer),
            Self::Ellipse(ellipse) => ellipse.encode(writer),
        }
    }
}

integer! {
    /// Year; 0 unknown (DE_DYear).
    pub struct DYear(u16) in 0..=4095;
    /// Month; 0 unknown (DE_DMonth).
    pub struct DMonth(u8) in 0..=12;
    /// Day; 0 unknown (DE_DDay).
    pub struct DDay(u8) in 0..=31;
    /// Hour; 24 and more unknown (DE_DHour).
    pub struct DHour(u8) in 0..=31, 0..=24 in 2019;
    /// Minute; 60 unknown (DE_DMinute).
    pub struct DMinute(u8) in 0..=60;
    /// Minutes east of UTC (DE_DTimeOffset).
    pub struct DTimeOffset(i16) in -840..=840, -720..=721 in 2019;
    /// 10 ms; 65535 unknown (DE_TimeOffset).
    pub struct TimeOffset(u16) in 1..=65535;
    /// 0.1 m, to the right positive; 32767 straight (DE_RadiusOfCurvature).
    pub struct RadiusOfCurvature(i16) in -32767..=32767;
}

enumerated! {
    /// The brake pedal (DE_BrakePedalStatus).
    pub enum BrakePedalStatus {
        /// Not known.
        Unavailable = 0 "unavailable",
        /// Not pressed.
        Off = 1 "off",
        /// Pressed.
        On = 2 "on",
    }

    /// Traction control (DE_TractionControlStatus).
    pub enum TractionControlStatus {
        /// Not known, or not fitted.
        Unavailable = 0 "unavailable",
        /// Switched off.
        Off = 1 "off",
        /// Ready.
        On = 2 "on",
        /// At work.
        Engaged = 3 "engaged",
    }

    /// Anti-lock brakes (DE_AntiLockBrakeStatus).
    pub enum AntiLockBrakeStatus {
        /// Not known, or not fitted.
        Unavailable = 0 "unavailable",
        /// Switched off.
        Off = 1 "off",
        /// Ready.
        On = 2 "on",
        /// At work.
        Engaged = 3 "engaged",
    }

    /// Stability control (DE_StabilityControlStatus).
    pub enum StabilityControlStatus {
        /// Not known, or not fitted.
        Unavailable = 0 "unavailable",
        /// Switched off.
        Off = 1 "off",
        /// Ready.
        On = 2 "on",
        /// At work.
        Engaged = 3 "engaged",
    }

    /// Brake boost (DE_BrakeBoostApplied).
    pub enum BrakeBoostApplied {
        /// Not known, or not fitted.
        Unavailable = 0 "unavailable",
        /// Not applied.
        Off = 1 "off",
        /// Applied.
        On = 2 "on",
    }

    /// Auxiliary brakes (DE_AuxiliaryBrakeStatus).
    pub enum AuxiliaryBrakeStatus {
        /// Not known, or not fitted.
        Unavailable = 0 "unavailable",
        /// Released.
        Off = 1 "off",
        /// Applied.
        On = 2 "on",
        /// Reserved.
        Reserved = 3 "reserved",
    }

    /// Whether and how an emergency vehicle is on duty (DE_ResponseType).
    pub enum ResponseType: extensible {
        /// Not on duty, or no such vehicle.
        NotInUseOrNotEquipped = 0 "notInUseOrNotEquipped",
        /// On the way to an emergency.
        Emergency = 1 "emergency",
        /// On duty, no emergency.
        NonEmergency = 2 "nonEmergency",
        /// In pursuit.
        Pursuit = 3 "pursuit",
        /// Standing at its place of work.
        Stationary = 4 "stationary",
        /// Moving slowly.
        SlowMoving = 5 "slowMoving",
        /// Moving and stopping.
        StopAndGoMovement = 6 "stopAndGoMovement",
    }

    /// The siren (DE_SirenInUse).
    pub enum SirenInUse {
        /// Not known, or not fitted.
        Unavailable = 0 "unavailable",
        /// Off.
        NotInUse = 1 "notInUse",
        /// On.
        InUse = 2 "inUse",
        /// Reserved.
        Reserved = 3 "reserved",
    }

    /// The light bar (DE_LightbarInUse).
    pub enum LightbarInUse {
        /// Not known, or not fitted.
        Unavailable = 0 "unavailable",
        /// Off.
        NotInUse = 1 "notInUse",
        /// On.
        InUse = 2 "inUse",
        /// Yellow caution lights.
        YellowCautionLights = 3 "yellowCautionLights",
        /// School bus lights (spelt so in the standard).
        SchoolBusLights = 4 "schooldBusLights",
        /// Arrow signs.
        ArrowSignsActive = 5 "arrowSignsActive",
        /// Slow moving vehicle.
        SlowMovingVehicle = 6 "slowMovingVehicle",
        /// Frequent stops.
        FreqStops = 7 "freqStops",
    }
}

bit_string! {
    /// Which wheels are braked (DE_BrakeAppliedStatus).
    pub struct BrakeAppliedStatus(u8; 5) {
        /// Not known.
        UNAVAILABLE = 0 "unavailable",
        /// Left front.
        LEFT_FRONT = 1 "leftFront",
        /// Left rear.
        LEFT_REAR = 2 "leftRear",
        /// Right front.
        RIGHT_FRONT = 3 "rightFront",
        /// Right rear.
        RIGHT_REAR = 4 "rightRear",
    }

    /// The satellite receiver (DE_GNSSstatus).
    pub struct GnssStatus(u8; 8) {
        /// Not known, or not fitted.
        UNAVAILABLE = 0 "unavailable",
        /// Working.
        IS_HEALTHY = 1 "isHealthy",
        /// Monitored.
        IS_MONITORED = 2 "isMonitored",
        /// A base station.
        BASE_STATION_TYPE = 3 "baseStationType",
        /// A dilution of precision above 5 (spelt so in the standard).
        A_PDOP_OF_UNDER_5 = 4 "aPDOPofUnder5",
        /// Fewer than 5 satellites.
        IN_VIEW_OF_UNDER_5 = 5 "inViewOfUnder5",
        /// Local corrections.
        LOCAL_CORRECTIONS_PRESENT = 6 "localCorrectionsPresent",
        /// Network corrections.
        NETWORK_CORRECTIONS_PRESENT = 7 "networkCorrectionsPresent",
    }
}

flexible_bit_string! {
    /// What is happening to the vehicle (DE_VehicleEventFlags).
    pub struct VehicleEventFlags(13) {
        /// Hazard lights on.
        HAZARD_LIGHTS = 0 "eventHazardLights",
        /// About to pass, or past, a stop line against the rules.
        STOP_LINE_VIOLATION = 1 "eventStopLineViolation",
        /// Anti-lock brakes at work.
        ABS_ACTIVATED = 2 "eventABSactivated",
        /// Traction control at work.
        TRACTION_CONTROL_LOSS = 3 "eventTractionControlLoss",
        /// Stability control at work.
        STABILITY_CONTROL_ACTIVATED = 4 "eventStabilityControlactivated",
        /// Carrying hazardous materials.
        HAZARDOUS_MATERIALS = 5 "eventHazardousMaterials",
        /// Reserved.
        RESERVED1 = 6 "eventReserved1",
        /// Braking harder than 0.4 g.
        HARD_BRAKING = 7 "eventHardBraking",
        /// The lights have changed.
        LIGHTS_CHANGED = 8 "eventLightsChanged",
        /// The wipers have changed.
        WIPERS_CHANGED = 9 "eventWipersChanged",
        /// A flat tire.
        FLAT_TIRE = 10 "eventFlatTire",
        /// Broken down.
        DISABLED_VEHICLE = 11 "eventDisabledVehicle",
        /// An air bag was deployed.
        AIR_BAG_DEPLOYMENT = 12 "eventAirBagDeployment",
    }

    /// Which lights are on (DE_ExteriorLights).
    pub struct ExteriorLights(9) {
        /// Low beam.
        LOW_BEAM_HEADLIGHTS_ON = 0 "lowBeamHeadlightsOn",
        /// High beam.
        HIGH_BEAM_HEADLIGHTS_ON = 1 "highBeamHeadlightsOn",
        /// Turning left.
        LEFT_TURN_SIGNAL_ON = 2 "leftTurnSignalOn",
        /// Turning right.
        RIGHT_TURN_SIGNAL_ON = 3 "rightTurnSignalOn",
        /// Hazard lights.
        HAZARD_SIGNAL_ON = 4 "hazardSignalOn",
        /// Switched by a sensor.
        AUTOMATIC_LIGHT_CONTROL_ON = 5 "automaticLightControlOn",
        /// Daytime running lights.
        DAYTIME_RUNNING_LIGHTS_ON = 6 "daytimeRunningLightsOn",
        /// Fog lights.
        FOG_LIGHT_ON = 7 "fogLightOn",
        /// Parking lights.
        PARKING_LIGHTS_ON = 8 "parkingLightsOn",
    }
}
