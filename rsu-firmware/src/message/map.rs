//! MAP: nodes, the links that lead into them, and the lanes of the links.

use super::{
    DescriptiveName, MinuteOfTheYear, MsgCount, NodeReferenceId, PhaseId, Position3D,
    PositionOffsetLlv, Speed,
};
use crate::uper::{
    MandatoryIn2020, SequenceOf, Size, SizeByProfile, bit_string, choice, enumerated,
    flexible_bit_string, integer, sequence,
};

sequence! {
    /// The roads around intersections (MSG_MAP).
    pub struct MapData<'a>: extensible {
        /// Counts the messages of this sender.
        "msgCnt" msg_cnt: MsgCount,
        /// The minute in which the message was made.
        "timeStamp" time_stamp: Option<MinuteOfTheYear>,
        /// The nodes.
        "nodes" nodes: NodeList<'a>,
    }

    /// A node of the road network: an intersection, or the end of a link (DF_Node).
    pub struct Node<'a>: extensible => node {
        /// A name for people.
        "name" name: Option<DescriptiveName<'a>>,
        /// Its identifier.
        "id" id: NodeReferenceId,
        /// What the points of its links and lanes are relative to.
        "refPos" ref_pos: Position3D,
        /// The links that lead into it.
        "inLinks" in_links: Option<LinkList<'a>>,
    }

    /// A road that leads from another node into this one (DF_Link).
    pub struct Link<'a>: extensible => link {
        /// A name for people.
        "name" name: Option<DescriptiveName<'a>>,
        /// Where it begins.
        "upstreamNodeId" upstream_node_id: NodeReferenceId,
        /// How fast one may go.
        "speedLimits" speed_limits: Option<SpeedLimitList<'a>>,
        /// Its width.
        "linkWidth" link_width: MandatoryIn2020<LaneWidth>,
        /// Its centre line, in the direction of travel.
        "points" points: Option<PointList<'a>>,
        /// Where it leads to.
        "movements" movements: Option<MovementList<'a>>,
        /// Its lanes.
        "lanes" lanes: LaneList<'a>,
    }

    /// A lane (DF_Lane).
    pub struct Lane<'a>: extensible => lane {
        /// Its number, from left to right from 1 by T/CSAE 159.
        "laneID" lane_id: LaneId,
        /// Its width.
        "laneWidth" lane_width: Option<LaneWidth>,
        /// Who may use it.
        "laneAttributes" lane_attributes: Option<LaneAttributes<'a>>,
        /// What is allowed at its end.
        "maneuvers" maneuvers: Option<AllowedManeuvers>,
        /// Where it leads to.
        "connectsTo" connects_to: Option<ConnectsToList<'a>>,
        /// How fast one may go.
        "speedLimits" speed_limits: Option<SpeedLimitList<'a>>,
        /// Its centre line, in the direction of travel.
        "points" points: Option<PointList<'a>>,
    }

    /// Where a lane leads to (DF_Connection).
    pub struct Connection => connection {
        /// The next node.
        "remoteIntersection" remote_intersection: NodeReferenceId,
        /// The lane there.
        "connectingLane" connecting_lane: Option<ConnectingLane>,
        /// The phase that governs it.
        "phaseId" phase_id: Option<PhaseId>,
    }

    /// The lane behind an intersection (DF_ConnectingLane).
    pub struct ConnectingLane {
        /// Its number.
        "lane" lane: LaneId,
        /// The manoeuvre that leads there.
        "maneuver" maneuver: Option<AllowedManeuvers>,
    }

    /// Where a link leads to (DF_Movement).
    pub struct Movement => movement {
        /// The next node.
        "remoteIntersection" remote_intersection: NodeReferenceId,
        /// The phase that governs it.
        "phaseId" phase_id: Option<PhaseId>,
    }

    /// A speed limit and what it is for (DF_RegulatorySpeedLimit).
    pub struct RegulatorySpeedLimit => speed_limit {
        /// What it is for.
        "type" kind: SpeedLimitType,
        /// The limit.
        "speed" speed: Speed,
    }

    /// A point of a centre line (DF_RoadPoint).
    pub struct RoadPoint: extensible => road_point {
        /// Relative to the node.
        "posOffset" pos_offset: PositionOffsetLlv,
    }

    /// Who may use a lane (DF_LaneAttributes).
    pub struct LaneAttributes<'a> {
        /// With whom it is shared.
        "shareWith" share_with: Option<LaneSharing>,
        /// What kind of lane it is.
        "laneType" lane_type: LaneTypeAttributes<'a>,
    }
}

/// The nodes of a MAP.
pub type NodeList<'a> = SequenceOf<'a, Node<'a>, SizeByProfile<1, 32, 1, 63>>;
/// The links into a node.
pub type LinkList<'a> = SequenceOf<'a, Link<'a>, Size<1, 32>>;
/// The lanes of a link.
pub type LaneList<'a> = SequenceOf<'a, Lane<'a>, Size<1, 32>>;
/// The nodes behind a link.
pub type MovementList<'a> = SequenceOf<'a, Movement, Size<1, 32>>;
/// The lanes behind a lane.
pub type ConnectsToList<'a> = SequenceOf<'a, Connection, SizeByProfile<1, 8, 1, 16>>;
/// Speed limits.
pub type SpeedLimitList<'a> = SequenceOf<'a, RegulatorySpeedLimit, Size<1, 9>>;
/// A line.
pub type PointList<'a> = SequenceOf<'a, RoadPoint, Size<2, 31>>;

integer! {
    /// The number of a lane within its link (DE_LaneID).
    pub struct LaneId(u8) in 0..=255;

    /// 1 cm (DE_LaneWidth).
    pub struct LaneWidth(u16) in 0..=32767;
}

choice! {
    /// What kind of lane it is, and its properties (DF_LaneTypeAttributes).
    pub enum LaneTypeAttributes<'a>: extensible {
        /// For motor vehicles.
        Vehicle(LaneAttributesVehicle<'a>) = 0 "vehicle",
        /// Crosswalk.
        Crosswalk(LaneAttributesCrosswalk) = 1 "crosswalk",
        /// For bicycles.
        BikeLane(LaneAttributesBike) = 2 "bikeLane",
        /// For pedestrians.
        Sidewalk(LaneAttributesSidewalk) = 3 "sidewalk",
        /// Median or barrier.
        Median(LaneAttributesBarrier) = 4 "median",
        /// Guiding lines through the intersection.
        Striping(LaneAttributesStriping) = 5 "striping",
        /// For trams and trains.
        TrackedVehicle(LaneAttributesTrackedVehicle) = 6 "trackedVehicle",
        /// For parking.
        Parking(LaneAttributesParking) = 7 "parking",
    }
}

enumerated! {
    /// What a speed limit is for (DE_SpeedLimitType).
    pub enum SpeedLimitType: extensible {
        /// Not known.
        Unspecified = 0 "unknown",
        /// In a school zone.
        MaxSpeedInSchoolZone = 1 "maxSpeedInSchoolZone",
        /// In a school zone when children are present.
        MaxSpeedInSchoolZoneWhenChildrenArePresent = 2 "maxSpeedInSchoolZoneWhenChildrenArePresent",
        /// In a construction zone.
        MaxSpeedInConstructionZone = 3 "maxSpeedInConstructionZone",
        /// The least for vehicles.
        VehicleMinSpeed = 4 "vehicleMinSpeed",
        /// The most for vehicles.
        VehicleMaxSpeed = 5 "vehicleMaxSpeed",
        /// The most for vehicles at night.
        VehicleNightMaxSpeed = 6 "vehicleNightMaxSpeed",
        /// The least for trucks.
        TruckMinSpeed = 7 "truckMinSpeed",
        /// The most for trucks.
        TruckMaxSpeed = 8 "truckMaxSpeed",
        /// The most for trucks at night.
        TruckNightMaxSpeed = 9 "truckNightMaxSpeed",
        /// The least for vehicles with trailers.
        VehiclesWithTrailersMinSpeed = 10 "vehiclesWithTrailersMinSpeed",
        /// The most for vehicles with trailers.
        VehiclesWithTrailersMaxSpeed = 11 "vehiclesWithTrailersMaxSpeed",
        /// The most for vehicles with trailers at night.
        VehiclesWithTrailersNightMaxSpeed = 12 "vehiclesWithTrailersNightMaxSpeed",
    }
}

bit_string! {
    /// What is allowed at the end of a lane (DE_AllowedManeuvers).
    pub struct AllowedManeuvers(u16; 12) {
        /// Straight on.
        STRAIGHT = 0 "maneuverStraightAllowed",
        /// Left.
        LEFT = 1 "maneuverLeftAllowed",
        /// Right.
        RIGHT = 2 "maneuverRightAllowed",
        /// Turning back.
        U_TURN = 3 "maneuverUTurnAllowed",
        /// Left on red.
        LEFT_TURN_ON_RED = 4 "maneuverLeftTurnOnRedAllowed",
        /// Right on red.
        RIGHT_TURN_ON_RED = 5 "maneuverRightTurnOnRedAllowed",
        /// Changing the lane.
        LANE_CHANGE = 6 "maneuverLaneChangeAllowed",
        /// No stopping.
        NO_STOPPING = 7 "maneuverNoStoppingAllowed",
        /// Always giving way.
        YIELD_ALWAYS = 8 "yieldAllwaysRequired",
        /// Stopping first.
        GO_WITH_HALT = 9 "goWithHalt",
        /// With caution.
        CAUTION = 10 "caution",
        /// Reserved.
        RESERVED1 = 11 "reserved1",
    }

    /// With whom a lane is shared (DE_LaneSharing).
    pub struct LaneSharing(u16; 10) {
        /// Another lane overlaps.
        OVERLAPPING_LANE_DESCRIPTION_PROVIDED = 0 "overlappingLaneDescriptionProvided",
        /// Several lanes described as one.
        MULTIPLE_LANES_TREATED_AS_ONE_LANE = 1 "multipleLanesTreatedAsOneLane",
        /// Non-motorised traffic of other kinds.
        OTHER_NON_MOTORIZED_TRAFFIC_TYPES = 2 "otherNonMotorizedTrafficTypes",
        /// Cars.
        INDIVIDUAL_MOTORIZED_VEHICLE_TRAFFIC = 3 "individualMotorizedVehicleTraffic",
        /// Buses.
        BUS_VEHICLE_TRAFFIC = 4 "busVehicleTraffic",
        /// Taxis.
        TAXI_VEHICLE_TRAFFIC = 5 "taxiVehicleTraffic",
        /// Pedestrians.
        PEDESTRIANS_TRAFFIC = 6 "pedestriansTraffic",
        /// Cyclists.
        CYCLIST_VEHICLE_TRAFFIC = 7 "cyclistVehicleTraffic",
        /// Trams and trains.
        TRACKED_VEHICLE_TRAFFIC = 8 "trackedVehicleTraffic",
        /// Pedestrians (named twice in the standard).
        PEDESTRIAN_TRAFFIC = 9 "pedestrianTraffic",
    }

    /// A crosswalk (DE_LaneAttributes-Crosswalk).
    pub struct LaneAttributesCrosswalk(u16; 16) {
        /// May be withdrawn.
        CROSSWALK_REVOCABLE_LANE = 0 "crosswalkRevocableLane",
        /// Bicycles allowed (spelt so in the standard).
        BICYLE_USE_ALLOWED = 1 "bicyleUseAllowed",
        /// A bridge.
        IS_XWALK_FLY_OVER_LANE = 2 "isXwalkFlyOverLane",
        /// Fixed cycle.
        FIXED_CYCLE_TIME = 3 "fixedCycleTime",
        /// A cycle for each direction.
        BI_DIRECTIONAL_CYCLE_TIMES = 4 "biDirectionalCycleTimes",
        /// Has a button.
        HAS_PUSH_TO_WALK_BUTTON = 5 "hasPushToWalkButton",
        /// Has sound.
        AUDIO_SUPPORT = 6 "audioSupport",
        /// Requested by radio.
        RF_SIGNAL_REQUEST_PRESENT = 7 "rfSignalRequestPresent",
        /// Partly without a light.
        UNSIGNALIZED_SEGMENTS_PRESENT = 8 "unsignalizedSegmentsPresent",
    }

    /// A bicycle lane (DE_LaneAttributes-Bike).
    pub struct LaneAttributesBike(u16; 16) {
        /// May be withdrawn.
        BIKE_REVOCABLE_LANE = 0 "bikeRevocableLane",
        /// Pedestrians allowed.
        PEDESTRIAN_USE_ALLOWED = 1 "pedestrianUseAllowed",
        /// A bridge.
        IS_BIKE_FLY_OVER_LANE = 2 "isBikeFlyOverLane",
        /// Fixed cycle.
        FIXED_CYCLE_TIME = 3 "fixedCycleTime",
        /// A cycle for each direction.
        BI_DIRECTIONAL_CYCLE_TIMES = 4 "biDirectionalCycleTimes",
        /// Behind a barrier.
        ISOLATED_BY_BARRIER = 5 "isolatedByBarrier",
        /// Partly without a light.
        UNSIGNALIZED_SEGMENTS_PRESENT = 6 "unsignalizedSegmentsPresent",
    }

    /// A sidewalk (DE_LaneAttributes-Sidewalk).
    pub struct LaneAttributesSidewalk(u16; 16) {
        /// May be withdrawn.
        SIDEWALK_REVOCABLE_LANE = 0 "sidewalk-RevocableLane",
        /// Bicycles allowed (spelt so in the standard).
        BICYLE_USE_ALLOWED = 1 "bicyleUseAllowed",
        /// A bridge.
        IS_SIDEWALK_FLY_OVER_LANE = 2 "isSidewalkFlyOverLane",
        /// Bicycles to be pushed.
        WALK_BIKES = 3 "walkBikes",
    }

    /// A median or barrier (DE_LaneAttributes-Barrier).
    pub struct LaneAttributesBarrier(u16; 16) {
        /// May be withdrawn.
        MEDIAN_REVOCABLE_LANE = 0 "median-RevocableLane",
        /// Median.
        MEDIAN = 1 "median",
        /// White hatching.
        WHITE_LINE_HASHING = 2 "whiteLineHashing",
        /// A line.
        STRIPED_LINES = 3 "stripedLines",
        /// A double line.
        DOUBLE_STRIPED_LINES = 4 "doubleStripedLines",
        /// Cones.
        TRAFFIC_CONES = 5 "trafficCones",
        /// A construction barrier.
        CONSTRUCTION_BARRIER = 6 "constructionBarrier",
        /// Channels.
        TRAFFIC_CHANNELS = 7 "trafficChannels",
        /// Low curbs.
        LOW_CURBS = 8 "lowCurbs",
        /// High curbs.
        HIGH_CURBS = 9 "highCurbs",
    }

    /// Guiding lines (DE_LaneAttributes-Striping).
    pub struct LaneAttributesStriping(u16; 16) {
        /// May be withdrawn.
        STRIPE_TO_CONNECTING_LANES_REVOCABLE_LANE = 0 "stripeToConnectingLanesRevocableLane",
        /// On the left.
        STRIPE_DRAW_ON_LEFT = 1 "stripeDrawOnLeft",
        /// On the right.
        STRIPE_DRAW_ON_RIGHT = 2 "stripeDrawOnRight",
        /// To the lanes on the left.
        STRIPE_TO_CONNECTING_LANES_LEFT = 3 "stripeToConnectingLanesLeft",
        /// To the lanes on the right.
        STRIPE_TO_CONNECTING_LANES_RIGHT = 4 "stripeToConnectingLanesRight",
        /// To the lanes ahead.
        STRIPE_TO_CONNECTING_LANES_AHEAD = 5 "stripeToConnectingLanesAhead",
    }

    /// Rails (DE_LaneAttributes-TrackedVehicle).
    pub struct LaneAttributesTrackedVehicle(u16; 16) {
        /// May be withdrawn.
        SPEC_REVOCABLE_LANE = 0 "spec-RevocableLane",
        /// Commuter trains.
        SPEC_COMMUTER_RAIL_ROAD_TRACK = 1 "spec-commuterRailRoadTrack",
        /// Trams.
        SPEC_LIGHT_RAIL_ROAD_TRACK = 2 "spec-lightRailRoadTrack",
        /// Trains.
        SPEC_HEAVY_RAIL_ROAD_TRACK = 3 "spec-heavyRailRoadTrack",
        /// Others.
        SPEC_OTHER_RAIL_TYPE = 4 "spec-otherRailType",
    }

    /// Parking (DE_LaneAttributes-Parking).
    pub struct LaneAttributesParking(u16; 16) {
        /// May be withdrawn.
        PARKING_REVOCABLE_LANE = 0 "parkingRevocableLane",
        /// Parallel to the road.
        PARALLEL_PARKING_IN_USE = 1 "parallelParkingInUse",
        /// At an angle to the road.
        HEAD_IN_PARKING_IN_USE = 2 "headInParkingInUse",
        /// Forbidden.
        DO_NOT_PARK_ZONE = 3 "doNotParkZone",
        /// For buses.
        PARKING_FOR_BUS_USE = 4 "parkingForBusUse",
        /// For taxis.
        PARKING_FOR_TAXI_USE = 5 "parkingForTaxiUse",
        /// Not for the public.
        NO_PUBLIC_PARKING_USE = 6 "noPublicParkingUse",
    }
}

flexible_bit_string! {
    /// A lane for motor vehicles (DE_LaneAttributes-Vehicle).
    pub struct LaneAttributesVehicle(8) {
        /// May be withdrawn.
        IS_VEHICLE_REVOCABLE_LANE = 0 "isVehicleRevocableLane",
        /// A bridge.
        IS_VEHICLE_FLY_OVER_LANE = 1 "isVehicleFlyOverLane",
        /// For full cars.
        HOV_LANE_USE_ONLY = 2 "hovLaneUseOnly",
        /// For buses.
        RESTRICTED_TO_BUS_USE = 3 "restrictedToBusUse",
        /// For taxis.
        RESTRICTED_TO_TAXI_USE = 4 "restrictedToTaxiUse",
        /// Not for the public.
        RESTRICTED_FROM_PUBLIC_USE = 5 "restrictedFromPublicUse",
        /// Has an infrared beacon.
        HAS_IR_BEACON_COVERAGE = 6 "hasIRbeaconCoverage",
        /// On request.
        PERMISSION_ON_REQUEST = 7 "permissionOnRequest",
    }
}
