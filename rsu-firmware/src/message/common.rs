//! Elements that several messages share.

use crate::uper::{FixedOctetString, Ia5String, enumerated, integer, sequence};

/// A vehicle, road side unit or device, by an identifier that it may change (OCTET STRING (8)).
pub type TemporaryId = FixedOctetString<8>;

/// A name for people (DE_DescriptiveName).
pub type DescriptiveName<'a> = Ia5String<'a, 1, 63>;

integer! {
    /// Counts the messages of one kind of one sender, modulo 128 (DE_MsgCount).
    pub struct MsgCount(u8) in 0..=127;

    /// Milliseconds within the minute, UTC; 60000 and more in a leap second, 65535 unknown
    /// (DE_DSecond).
    pub struct DSecond(u16) in 0..=65535;

    /// Minutes since the beginning of the year, UTC; 527040 unknown (DE_MinuteOfTheYear).
    pub struct MinuteOfTheYear(u32) in 0..=527040;

    /// 1e-7 degrees, north positive; 900000001 unknown (DE_Latitude).
    pub struct Latitude(i32) in -900000000..=900000001;

    /// 1e-7 degrees, east positive; 1800000001 unknown (DE_Longitude).
    pub struct Longitude(i32) in -1799999999..=1800000001;

    /// 0.1 m above the reference ellipsoid; -4096 unknown (DE_Elevation).
    pub struct Elevation(i32) in -4096..=61439;

    /// 0.02 m/s; 8191 unknown (DE_Speed).
    pub struct Speed(u16) in 0..=8191;

    /// 0.0125 degrees clockwise from north; 28800 unknown (DE_Heading).
    pub struct Heading(u16) in 0..=28800;

    /// 1.5 degrees clockwise from north; 240 unknown (DE_CoarseHeading).
    pub struct CoarseHeading(u8) in 0..=240;

    /// 1.5 degrees, to the right positive; 127 unknown (DE_SteeringWheelAngle).
    pub struct SteeringWheelAngle(i8) in -126..=127;

    /// 0.01 m/s2, 2001 unknown (DE_Acceleration).
    pub struct Acceleration(i16) in -2000..=2001;

    /// 0.02 g; -127 unknown (DE_VerticalAcceleration).
    pub struct VerticalAcceleration(i8) in -127..=127;

    /// 0.01 degrees/s, clockwise positive (DE_YawRate).
    pub struct YawRate(i16) in -32767..=32767;

    /// 1 cm; 0 unknown (DE_VehicleWidth).
    pub struct VehicleWidth(u16) in 0..=1023;

    /// 1 cm; 0 unknown (DE_VehicleLength).
    pub struct VehicleLength(u16) in 0..=4095;

    /// 5 cm; 0 unknown (DE_VehicleHeight).
    pub struct VehicleHeight(u8) in 0..=127;

    /// 0.5 % (DE_Confidence).
    pub struct Confidence(u8) in 0..=200;

    /// 0.1 m (DE_Radius).
    pub struct Radius(u16) in 0..=65535;

    /// What kind of vehicle: 10 passenger, 20 light truck, 25 truck, 40 motorcycle, 50 transit,
    /// 60 emergency, 80 traveller, 90 infrastructure, 93 trailer (DE_BasicVehicleClass).
    pub struct BasicVehicleClass(u8) in 0..=255;

    /// 1 gasoline, 2 ethanol, 3 diesel, 4 electric, 5 hybrid, 6 hydrogen, 7 liquid and 8 compressed
    /// natural gas, 9 propane; 0 unknown (DE_FuelType).
    pub struct FuelType(u8) in 0..=15;

    /// The authority that numbers the nodes (DE_RoadRegulatorID).
    pub struct RoadRegulatorId(u16) in 0..=65535;

    /// The number of a node within its region (DE_NodeID).
    pub struct NodeId(u16) in 0..=65535;

    /// 0.05 m; 255 unknown (DE_SemiMajorAxisAccuracy).
    pub struct SemiMajorAxisAccuracy(u8) in 0..=255;

    /// 0.05 m; 255 unknown (DE_SemiMinorAxisAccuracy).
    pub struct SemiMinorAxisAccuracy(u8) in 0..=255;

    /// 0.0054932479 degrees from north; 65535 unknown (DE_SemiMajorAxisOrientation).
    pub struct SemiMajorAxisOrientation(u16) in 0..=65535;
}

impl Latitude {
    /// Not known.
    pub const UNKNOWN: Self = Self(900000001);
}

impl Longitude {
    /// Not known.
    pub const UNKNOWN: Self = Self(1800000001);
}

impl Speed {
    /// Not known.
    pub const UNKNOWN: Self = Self(8191);
}

impl Heading {
    /// Not known.
    pub const UNKNOWN: Self = Self(28800);
}

sequence! {
    /// A node of the road network (DF_NodeReferenceID).
    pub struct NodeReferenceId {
        /// Who numbers the nodes.
        "region" region: Option<RoadRegulatorId>,
        /// The number.
        "id" id: NodeId,
    }

    /// A position in WGS 84 (DF_Position3D).
    pub struct Position3D {
        /// Latitude.
        "lat" lat: Latitude,
        /// Longitude.
        "long" long: Longitude,
        /// Height above the ellipsoid.
        "elevation" elevation: Option<Elevation>,
    }

    /// The ellipse of the position error (DF_PositionalAccuracy).
    pub struct PositionalAccuracy {
        /// Its semi-major axis.
        "semiMajor" semi_major: SemiMajorAxisAccuracy,
        /// Its semi-minor axis.
        "semiMinor" semi_minor: SemiMinorAxisAccuracy,
        /// The direction of the semi-major axis.
        "orientation" orientation: SemiMajorAxisOrientation,
    }

    /// How exact a position is (DF_PositionConfidenceSet).
    pub struct PositionConfidenceSet {
        /// In the plane.
        "pos" pos: PositionConfidence,
        /// In height.
        "elevation" elevation: Option<ElevationConfidence>,
    }

    /// How exact the motion is known (DF_MotionConfidenceSet).
    pub struct MotionConfidenceSet {
        /// Of the speed.
        "speedCfd" speed_cfd: Option<SpeedConfidence>,
        /// Of the heading.
        "headingCfd" heading_cfd: Option<HeadingConfidence>,
        /// Of the steering wheel.
        "steerCfd" steer_cfd: Option<SteeringWheelAngleConfidence>,
    }

    /// Acceleration along the axes of the vehicle (DF_AccelerationSet4Way).
    pub struct AccelerationSet4Way {
        /// Forward.
        "long" long: Acceleration,
        /// To the right.
        "lat" lat: Acceleration,
        /// Up.
        "vert" vert: VerticalAcceleration,
        /// Turning.
        "yaw" yaw: YawRate,
    }

    /// The box around a vehicle (DF_VehicleSize).
    pub struct VehicleSize {
        /// Width.
        "width" width: VehicleWidth,
        /// Length.
        "length" length: VehicleLength,
        /// Height.
        "height" height: Option<VehicleHeight>,
    }

    /// What kind of vehicle it is (DF_VehicleClassification).
    pub struct VehicleClassification: extensible {
        /// Its class.
        "classification" classification: BasicVehicleClass,
        /// What drives it.
        "fuelType" fuel_type: Option<FuelType>,
    }
}

enumerated! {
    /// How exact a position is in the plane, 95 % (DE_PositionConfidence).
    pub enum PositionConfidence {
        /// Not known.
        Unavailable = 0 "unavailable",
        /// 500 m.
        A500m = 1 "a500m",
        /// 200 m.
        A200m = 2 "a200m",
        /// 100 m.
        A100m = 3 "a100m",
        /// 50 m.
        A50m = 4 "a50m",
        /// 20 m.
        A20m = 5 "a20m",
        /// 10 m.
        A10m = 6 "a10m",
        /// 5 m.
        A5m = 7 "a5m",
        /// 2 m.
        A2m = 8 "a2m",
        /// 1 m.
        A1m = 9 "a1m",
        /// 50 cm.
        A50cm = 10 "a50cm",
        /// 20 cm.
        A20cm = 11 "a20cm",
        /// 10 cm.
        A10cm = 12 "a10cm",
        /// 5 cm.
        A5cm = 13 "a5cm",
        /// 2 cm.
        A2cm = 14 "a2cm",
        /// 1 cm.
        A1cm = 15 "a1cm",
    }

    /// How exact a height is, 95 % (DE_ElevationConfidence).
    pub enum ElevationConfidence {
        /// Not known.
        Unavailable = 0 "unavailable",
        /// 500 m.
        Elev500_00 = 1 "elev-500-00",
        /// 200 m.
        Elev200_00 = 2 "elev-200-00",
        /// 100 m.
        Elev100_00 = 3 "elev-100-00",
        /// 50 m.
        Elev050_00 = 4 "elev-050-00",
        /// 20 m.
        Elev020_00 = 5 "elev-020-00",
        /// 10 m.
        Elev010_00 = 6 "elev-010-00",
        /// 5 m.
        Elev005_00 = 7 "elev-005-00",
        /// 2 m.
        Elev002_00 = 8 "elev-002-00",
        /// 1 m.
        Elev001_00 = 9 "elev-001-00",
        /// 0.50 m.
        Elev000_50 = 10 "elev-000-50",
        /// 0.20 m.
        Elev000_20 = 11 "elev-000-20",
        /// 0.10 m.
        Elev000_10 = 12 "elev-000-10",
        /// 0.05 m.
        Elev000_05 = 13 "elev-000-05",
        /// 0.02 m.
        Elev000_02 = 14 "elev-000-02",
        /// 0.01 m.
        Elev000_01 = 15 "elev-000-01",
    }

    /// How exact a time is, 95 %, in seconds (DE_TimeConfidence).
    pub enum TimeConfidence {
        /// Not known.
        Unavailable = 0 "unavailable",
        /// 100 s.
        Time100_000 = 1 "time-100-000",
        /// 50 s.
        Time050_000 = 2 "time-050-000",
        /// 20 s.
        Time020_000 = 3 "time-020-000",
        /// 10 s.
        Time010_000 = 4 "time-010-000",
        /// 2 s.
        Time002_000 = 5 "time-002-000",
        /// 1 s.
        Time001_000 = 6 "time-001-000",
        /// 0.500 s.
        Time000_500 = 7 "time-000-500",
        /// 0.200 s.
        Time000_200 = 8 "time-000-200",
        /// 0.100 s.
        Time000_100 = 9 "time-000-100",
        /// 0.050 s.
        Time000_050 = 10 "time-000-050",
        /// 0.020 s.
        Time000_020 = 11 "time-000-020",
        /// 0.010 s.
        Time000_010 = 12 "time-000-010",
        /// 0.005 s.
        Time000_005 = 13 "time-000-005",
        /// 0.002 s.
        Time000_002 = 14 "time-000-002",
        /// 0.001 s.
        Time000_001 = 15 "time-000-001",
        /// 0.0005 s.
        Time000_000_5 = 16 "time-000-000-5",
        /// 0.0002 s.
        Time000_000_2 = 17 "time-000-000-2",
        /// 0.0001 s.
        Time000_000_1 = 18 "time-000-000-1",
        /// 0.00005 s.
        Time000_000_05 = 19 "time-000-000-05",
        /// 0.00002 s.
        Time000_000_02 = 20 "time-000-000-02",
        /// 0.00001 s.
        Time000_000_01 = 21 "time-000-000-01",
        /// 0.000005 s.
        Time000_000_005 = 22 "time-000-000-005",
        /// 0.000002 s.
        Time000_000_002 = 23 "time-000-000-002",
        /// 0.000001 s.
        Time000_000_001 = 24 "time-000-000-001",
        /// 0.0000005 s.
        Time000_000_000_5 = 25 "time-000-000-000-5",
        /// 0.0000002 s.
        Time000_000_000_2 = 26 "time-000-000-000-2",
        /// 0.0000001 s.
        Time000_000_000_1 = 27 "time-000-000-000-1",
        /// 0.00000005 s.
        Time000_000_000_05 = 28 "time-000-000-000-05",
        /// 0.00000002 s.
        Time000_000_000_02 = 29 "time-000-000-000-02",
        /// 0.00000001 s.
        Time000_000_000_01 = 30 "time-000-000-000-01",
        /// 0.000000005 s.
        Time000_000_000_005 = 31 "time-000-000-000-005",
        /// 0.000000002 s.
        Time000_000_000_002 = 32 "time-000-000-000-002",
        /// 0.000000001 s.
        Time000_000_000_001 = 33 "time-000-000-000-001",
        /// 0.0000000005 s.
        Time000_000_000_000_5 = 34 "time-000-000-000-000-5",
        /// 0.0000000002 s.
        Time000_000_000_000_2 = 35 "time-000-000-000-000-2",
        /// 0.0000000001 s.
        Time000_000_000_000_1 = 36 "time-000-000-000-000-1",
        /// 0.00000000005 s.
        Time000_000_000_000_05 = 37 "time-000-000-000-000-05",
        /// 0.00000000002 s.
        Time000_000_000_000_02 = 38 "time-000-000-000-000-02",
        /// 0.00000000001 s.
        Time000_000_000_000_01 = 39 "time-000-000-000-000-01",
    }

    /// How exact a heading is, in degrees (DE_HeadingConfidence).
    pub enum HeadingConfidence {
        /// Not known.
        Unavailable = 0 "unavailable",
        /// 10 degrees.
        Prec10deg = 1 "prec10deg",
        /// 5 degrees.
        Prec05deg = 2 "prec05deg",
        /// 1 degrees.
        Prec01deg = 3 "prec01deg",
        /// 0.1 degrees.
        Prec0_1deg = 4 "prec0-1deg",
        /// 0.05 degrees.
        Prec0_05deg = 5 "prec0-05deg",
        /// 0.01 degrees.
        Prec0_01deg = 6 "prec0-01deg",
        /// 0.0125 degrees.
        Prec0_0125deg = 7 "prec0-0125deg",
    }

    /// How exact a speed is, in m/s (DE_SpeedConfidence).
    pub enum SpeedConfidence {
        /// Not known.
        Unavailable = 0 "unavailable",
        /// 100 m/s.
        Prec100ms = 1 "prec100ms",
        /// 10 m/s.
        Prec10ms = 2 "prec10ms",
        /// 5 m/s.
        Prec5ms = 3 "prec5ms",
        /// 1 m/s.
        Prec1ms = 4 "prec1ms",
        /// 0.1 m/s.
        Prec0_1ms = 5 "prec0-1ms",
        /// 0.05 m/s.
        Prec0_05ms = 6 "prec0-05ms",
        /// 0.01 m/s.
        Prec0_01ms = 7 "prec0-01ms",
    }

    /// How exact the angle of the steering wheel is, in degrees (DE_SteeringWheelAngleConfidence).
    pub enum SteeringWheelAngleConfidence {
        /// Not known.
        Unavailable = 0 "unavailable",
        /// 2 degrees.
        Prec2deg = 1 "prec2deg",
        /// 1 degrees.
        Prec1deg = 2 "prec1deg",
        /// 0.02 degrees.
        Prec0_02deg = 3 "prec0-02deg",
    }

    /// The gear (DE_TransmissionState).
    pub enum TransmissionState {
        /// Neutral.
        Neutral = 0 "neutral",
        /// Parked.
        Park = 1 "park",
        /// Forward.
        ForwardGears = 2 "forwardGears",
        /// Backward.
        ReverseGears = 3 "reverseGears",
        /// Reserved.
        Reserved1 = 4 "reserved1",
        /// Reserved.
        Reserved2 = 5 "reserved2",
        /// Reserved.
        Reserved3 = 6 "reserved3",
        /// Not known.
        Unavailable = 7 "unavailable",
    }
}
