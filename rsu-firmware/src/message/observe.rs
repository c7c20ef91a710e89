//! What the fusion learns from messages: MAP, SPAT and BSM in its terms.

use super::{
    AllowedManeuvers, BasicSafetyMessage, DSecond, Heading, IntersectionState, Lane,
    LaneTypeAttributes, Latitude, LightState, Link, Longitude, MapData, MinuteOfTheYear, Node,
    NodeReferenceId, PositionConfidence, PositionOffsetLl, PositionOffsetLlv, Spat, Speed,
    SpeedLimitList, SpeedLimitType, TimeChangeDetails,
};
use crate::fusion::input::{
    Announcement, ApproachInput, Connection, LaneInput, Light, Maneuvers, NodeId, Position,
    TimeMarks, VehicleId, VehicleReport,
};
use crate::fusion::{Fusion, JunctionBuilder, MapChange, MapError, VehicleView};
use crate::time::Timestamp;

const SPEED_UNIT_MPS: f32 = 0.02;
const CENTIMETRE_M: f32 = 0.01;

/// Takes in the geometry of all nodes of a MAP that have approaches. `refused` is told each node
/// whose geometry was not taken over, and why.
pub fn map<const N: usize>(
    fusion: &mut Fusion<N>,
    now: Timestamp,
    map: &MapData<'_>,
    mut refused: impl FnMut(NodeId, MapError),
) {
    for node in &map.nodes {
        let id = node_id(&node.id);
        if let Some(Err(error)) = build_node(fusion, now, id, &node) {
            refused(id, error);
        }
    }
}

fn build_node<const N: usize>(
    fusion: &mut Fusion<N>,
    now: Timestamp,
    id: NodeId,
    node: &Node<'_>,
) -> Option<Result<MapChange, MapError>> {
    let links = node.in_links.as_ref()?;
    let reference = position(node.ref_pos.lat, node.ref_pos.long);
    let mut builder = fusion.begin_junction(now, id, reference)?;
    if let Some(reference) = reference {
        // The builder keeps its first error and tells it when asked to commit.
        let _ = links
            .iter()
            .try_for_each(|link| build_link(&mut builder, reference, &link));
    }
    Some(builder.commit())
}

fn build_link<const N: usize>(
    builder: &mut JunctionBuilder<'_, N>,
    reference: Position,
    link: &Link<'_>,
) -> Result<(), MapError> {
    if !link.lanes.iter().any(|lane| is_for_vehicles(&lane)) {
        return Ok(());
    }
    builder.approach(&ApproachInput {
        upstream: node_id(&link.upstream_node_id),
        speed_limit_mps: link.speed_limits.as_ref().and_then(speed_limit_mps),
        width_m: link.link_width.map(|width| centimetres(width.value())),
    })?;
    for point in link.points.iter().flatten() {
        builder.approach_point(offset(reference, &point.pos_offset))?;
    }
    for movement in link.movements.iter().flatten() {
        builder.movement(Connection {
            remote: node_id(&movement.remote_intersection),
            lane: None,
            maneuvers: Maneuvers::default(),
            phase: movement.phase_id.map(|phase| phase.value()),
        })?;
    }
    for lane in link.lanes.iter().filter(is_for_vehicles) {
        build_lane(builder, reference, &lane)?;
    }
    Ok(())
}

fn build_lane<const N: usize>(
    builder: &mut JunctionBuilder<'_, N>,
    reference: Position,
    lane: &Lane<'_>,
) -> Result<(), MapError> {
    builder.lane(&LaneInput {
        id: lane.lane_id.value(),
        width_m: lane.lane_width.map(|width| centimetres(width.value())),
        speed_limit_mps: lane.speed_limits.as_ref().and_then(speed_limit_mps),
        maneuvers: lane.maneuvers.map_or(Maneuvers::default(), maneuvers),
    })?;
    for point in lane.points.iter().flatten() {
        builder.lane_point(offset(reference, &point.pos_offset))?;
    }
    for connection in lane.connects_to.iter().flatten() {
        let target = connection.connecting_lane;
        builder.connection(Connection {
            remote: node_id(&connection.remote_intersection),
            lane: target.as_ref().map(|target| target.lane.value()),
            maneuvers: target
                .and_then(|target| target.maneuver)
                .map_or(Maneuvers::default(), maneuvers),
            phase: connection.phase_id.map(|phase| phase.value()),
        })?;
    }
    Ok(())
}

/// Takes in the lights of all intersections of a SPAT.
///
/// Their times count from the intersection's own time stamp, else from that of the message, else
/// from `now`.
pub fn spat<const N: usize>(fusion: &mut Fusion<N>, now: Timestamp, spat: &Spat<'_>) {
    for intersection in &spat.intersections {
        let generated = generated(spat, &intersection, now);
        let node = node_id(&intersection.intersection_id);
        let Some(mut signals) = fusion.begin_signals(now, node, generated) else {
            continue;
        };
        for phase in &intersection.phases {
            signals.phase(phase.id.value());
            for state in &phase.phase_states {
                let light = light(state.light);
                signals.announce(&announcement(light, state.timing.as_ref(), generated));
            }
        }
    }
}

fn generated(spat: &Spat<'_>, intersection: &IntersectionState<'_>, now: Timestamp) -> Timestamp {
    let stamps = [
        (intersection.moy, intersection.time_stamp),
        (spat.moy, spat.time_stamp),
    ];
    let resolve = |stamp: (Option<MinuteOfTheYear>, Option<DSecond>)| match stamp {
        (Some(minute), Some(millis)) => {
            Timestamp::from_minute_of_year(minute.value(), millis.value(), now)
        }
        (None, Some(millis)) => Timestamp::from_millis_in_minute(millis.value(), now),
        // A minute alone is too coarse to count tenths of seconds from.
        (_, None) => None,
    };
    stamps.into_iter().find_map(resolve).unwrap_or(now)
}

fn announcement(
    light: Light,
    timing: Option<&TimeChangeDetails<'_>>,
    generated: Timestamp,
) -> Announcement {
    match timing {
        Some(TimeChangeDetails::Counting(times)) => {
            let marks = TimeMarks {
                start: times.start_time.value(),
                min_end: times.min_end_time.map(|mark| mark.value()),
                max_end: times.max_end_time.map(|mark| mark.value()),
                likely_end: times.likely_end_time.value(),
                next_start: times.next_start_time.map(|mark| mark.value()),
                next_end: times.next_duration.map(|mark| mark.value()),
            };
            Announcement::counting_down(light, &marks, generated)
        }
        Some(TimeChangeDetails::UtcTiming(times)) => {
            let marks = TimeMarks {
                start: times.start_utc_time.value(),
                min_end: times.min_end_utc_time.map(|mark| mark.value()),
                max_end: times.max_end_utc_time.map(|mark| mark.value()),
                likely_end: times.likely_end_utc_time.value(),
                next_start: times.next_start_utc_time.map(|mark| mark.value()),
                next_end: times.next_end_utc_time.map(|mark| mark.value()),
            };
            Announcement::within_hour(light, &marks, generated)
        }
        Some(TimeChangeDetails::Unknown(..)) | None => Announcement::untimed(light),
    }
}

/// Takes in a BSM and tells what is now known about the vehicle.
pub fn bsm<'f, const N: usize>(
    fusion: &'f mut Fusion<N>,
    now: Timestamp,
    bsm: &BasicSafetyMessage<'_>,
) -> VehicleView<'f> {
    let speed = Some(bsm.speed).filter(|speed| *speed != Speed::UNKNOWN);
    let heading = Some(bsm.heading).filter(|heading| *heading != Heading::UNKNOWN);
    fusion.handle_vehicle(
        now,
        &VehicleReport {
            id: VehicleId(bsm.id.0),
            generated: Timestamp::from_millis_in_minute(bsm.sec_mark.value(), now).unwrap_or(now),
            position: position(bsm.pos.lat, bsm.pos.long),
            position_sigma_m: position_sigma_m(bsm),
            speed_mps: speed.map(|speed| f32::from(speed.value()) * SPEED_UNIT_MPS),
            heading_deg: heading.map(|heading| f32::from(heading.value()) * 0.0125),
            length_m: Some(centimetres(bsm.size.length.value())),
            width_m: Some(centimetres(bsm.size.width.value())),
        },
    )
}

/// The error ellipse is told at one standard deviation, the confidence set as the radius that
/// holds 95 % of the positions: 2.45 standard deviations in the plane.
fn position_sigma_m(bsm: &BasicSafetyMessage<'_>) -> Option<f32> {
    const SEMI_MAJOR_UNKNOWN: u8 = 255;
    let ellipse = bsm.pos_accuracy.as_ref();
    let semi_major = ellipse.map(|ellipse| ellipse.semi_major.value());
    if let Some(semi_major) = semi_major.filter(|value| *value != SEMI_MAJOR_UNKNOWN) {
        return Some(f32::from(semi_major) * 0.05);
    }
    let radius_m = match bsm.pos_confidence.as_ref()?.pos {
        PositionConfidence::Unavailable => return None,
        PositionConfidence::A500m => 500.0,
        PositionConfidence::A200m => 200.0,
        PositionConfidence::A100m => 100.0,
        PositionConfidence::A50m => 50.0,
        PositionConfidence::A20m => 20.0,
        PositionConfidence::A10m => 10.0,
        PositionConfidence::A5m => 5.0,
        PositionConfidence::A2m => 2.0,
        PositionConfidence::A1m => 1.0,
        PositionConfidence::A50cm => 0.5,
        PositionConfidence::A20cm => 0.2,
        PositionConfidence::A10cm => 0.1,
        PositionConfidence::A5cm => 0.05,
        PositionConfidence::A2cm => 0.02,
        PositionConfidence::A1cm => 0.01,
    };
    Some(radius_m / 2.45)
}

fn is_for_vehicles(lane: &Lane<'_>) -> bool {
    let lane_type = lane.lane_attributes.as_ref().map(|a| &a.lane_type);
    matches!(
        lane_type,
        None | Some(LaneTypeAttributes::Vehicle(_) | LaneTypeAttributes::Unknown(..))
    )
}

/// The limit for ordinary vehicles, else the first one that is told.
fn speed_limit_mps(limits: &SpeedLimitList<'_>) -> Option<f32> {
    let ordinary = |kind| kind == SpeedLimitType::VehicleMaxSpeed;
    limits
        .iter()
        .find(|limit| ordinary(limit.kind))
        .or_else(|| limits.iter().next())
        .filter(|limit| limit.speed != Speed::UNKNOWN)
        .map(|limit| f32::from(limit.speed.value()) * SPEED_UNIT_MPS)
}

fn light(light: LightState) -> Light {
    match light {
        LightState::Unavailable | LightState::Unknown(_) => Light::Unavailable,
        LightState::Dark => Light::Dark,
        LightState::FlashingRed => Light::FlashingRed,
        LightState::Red => Light::Red,
        LightState::FlashingGreen => Light::FlashingGreen,
        LightState::PermissiveGreen => Light::PermissiveGreen,
        LightState::ProtectedGreen => Light::ProtectedGreen,
        LightState::Yellow => Light::Yellow,
        LightState::FlashingYellow => Light::FlashingYellow,
    }
}

fn maneuvers(allowed: AllowedManeuvers) -> Maneuvers {
    Maneuvers {
        straight: allowed.has(AllowedManeuvers::STRAIGHT),
        left: allowed.has(AllowedManeuvers::LEFT),
        right: allowed.has(AllowedManeuvers::RIGHT),
        u_turn: allowed.has(AllowedManeuvers::U_TURN),
    }
}

fn node_id(id: &NodeReferenceId) -> NodeId {
    NodeId {
        region: id.region.map(|region| region.value()),
        id: id.id.value(),
    }
}

fn position(latitude: Latitude, longitude: Longitude) -> Option<Position> {
    Position::new(latitude.value(), longitude.value())
}

/// Where a point is: relative to the node's position, or absolute.
fn offset(reference: Position, offset: &PositionOffsetLlv) -> Option<Position> {
    let (north, east) = match &offset.offset_ll {
        PositionOffsetLl::Ll1(o) => (o.lat.value(), o.lon.value()),
        PositionOffsetLl::Ll2(o) => (o.lat.value(), o.lon.value()),
        PositionOffsetLl::Ll3(o) => (o.lat.value(), o.lon.value()),
        PositionOffsetLl::Ll4(o) => (o.lat.value(), o.lon.value()),
        PositionOffsetLl::Ll5(o) => (o.lat.value(), o.lon.value()),
        PositionOffsetLl::Ll6(o) => (o.lat.value(), o.lon.value()),
        PositionOffsetLl::LatLon(absolute) => return position(absolute.lat, absolute.lon),
    };
    reference.offset(north, east)
}

fn centimetres(value: u16) -> f32 {
    f32::from(value) * CENTIMETRE_M
}
