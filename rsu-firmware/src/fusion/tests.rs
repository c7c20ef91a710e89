#![allow(clippy::unwrap_used)]

extern crate std;

use std::boxed::Box;
use std::vec::Vec;

use super::input::*;
use super::*;

const JUNCTION: NodeId = node(100);
const SOUTH: NodeId = node(1);
const EAST: NodeId = node(2);
const STRAIGHT: u8 = 11;
const LEFT: u8 = 12;

const fn node(id: u16) -> NodeId {
    NodeId {
        region: Some(500),
        id,
    }
}

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(1_700_000_000_000 + millis)
}

fn reference() -> Position {
    Position::new(297_215_000, 1_065_623_000).unwrap()
}

/// A position in m north and east of the reference.
fn place(east_m: f64, north_m: f64) -> Option<Position> {
    let north = north_m / 0.011_086;
    let east = east_m / (0.011_140_6 * 29.7215_f64.to_radians().cos());
    reference().offset(north.round() as i32, east.round() as i32)
}

fn approach(upstream: NodeId) -> ApproachInput {
    ApproachInput {
        upstream,
        speed_limit_mps: Some(16.7),
        width_m: None,
    }
}

fn lane(id: u8) -> LaneInput {
    LaneInput {
        id,
        width_m: Some(3.5),
        speed_limit_mps: None,
        maneuvers: Maneuvers::default(),
    }
}

fn governed_by(phase: u8) -> Connection {
    Connection {
        remote: EAST,
        lane: None,
        maneuvers: Maneuvers::default(),
        phase: Some(phase),
    }
}

/// An approach from the south, northbound, whose stop line is 15 m before the reference: lane 1
/// (left turn) 2 m east of it, lane 2 and 3 (straight) to the right.
fn build(fusion: &mut Fusion<64>, now: Timestamp) -> Result<MapChange, MapError> {
    let mut builder = fusion
        .begin_junction(now, JUNCTION, Some(reference()))
        .unwrap();
    builder.approach(&approach(SOUTH))?;
    for (id, phase) in [(1, LEFT), (2, STRAIGHT), (3, STRAIGHT)] {
        builder.lane(&lane(id))?;
        let east_m = 2.0 + 3.5 * f64::from(id - 1);
        for north_m in [-215.0, -115.0, -15.0] {
            builder.lane_point(place(east_m, north_m))?;
        }
        builder.connection(governed_by(phase))?;
    }
    builder.commit()
}

fn fusion() -> Box<Fusion<64>> {
    let mut fusion = Box::new(Fusion::new());
    assert_eq!(build(&mut fusion, at(0)), Ok(MapChange::Changed));
    fusion
}

fn id(number: u64) -> VehicleId {
    VehicleId(number.to_be_bytes())
}

/// A car of 4 m that drives north.
fn report(
    number: u64,
    time: Timestamp,
    east_m: f64,
    north_m: f64,
    speed_mps: f32,
) -> VehicleReport {
    VehicleReport {
        id: id(number),
        generated: time,
        position: place(east_m, north_m),
        position_sigma_m: Some(0.4),
        speed_mps: Some(speed_mps),
        heading_deg: Some(0.0),
        length_m: Some(4.0),
        width_m: Some(1.8),
    }
}

#[derive(Debug, PartialEq)]
struct Seen {
    link: NodeId,
    lane: u8,
    distance_m: f32,
}

fn see(fusion: &mut Fusion<64>, report: &VehicleReport) -> Option<Seen> {
    let vehicle = fusion.handle_vehicle(report.generated, report);
    Some(Seen {
        link: vehicle.link()?,
        lane: vehicle.lane()?,
        distance_m: vehicle.distance_to_stop_m()?,
    })
}

fn tell_light(fusion: &mut Fusion<64>, now: Timestamp, phase: u8, light: Light, tenths: u16) {
    let marks = TimeMarks {
        likely_end: tenths,
        ..TimeMarks::default()
    };
    let mut signals = fusion.begin_signals(now, JUNCTION, now).unwrap();
    signals.phase(phase);
    signals.announce(&Announcement::counting_down(light, &marks, now));
}

#[test]
fn a_vehicle_is_told_lane_distance_and_light() {
    let mut fusion = fusion();
    tell_light(&mut fusion, at(0), STRAIGHT, Light::Red, 100);
    let vehicle = fusion.handle_vehicle(at(500), &report(7, at(490), 5.4, -67.0, 12.0));
    assert_eq!(vehicle.junction(), Some(JUNCTION));
    assert_eq!(vehicle.link(), Some(SOUTH));
    assert_eq!(vehicle.lane(), Some(2));
    assert!(vehicle.lane_confidence().unwrap() > 0.99);
    // 52 m from the centre to the stop line, 50 m from the front bumper.
    assert!((vehicle.distance_to_stop_m().unwrap() - 50.0).abs() < 0.1);
    let signals: Vec<_> = vehicle.signals().collect();
    assert_eq!(signals.len(), 1);
    assert_eq!(signals[0].id, STRAIGHT);
    assert_eq!(signals[0].state.light, Light::Red);
    assert_eq!(
        signals[0].state.change.likely,
        Some(Span::from_millis(9_500))
    );
}

#[test]
fn who_drives_away_or_stands_in_the_junction_is_on_no_approach() {
    let mut fusion = fusion();
    let mut away = report(1, at(0), 2.0, -60.0, 10.0);
    away.heading_deg = Some(180.0);
    assert_eq!(see(&mut fusion, &away), None);
    assert_eq!(see(&mut fusion, &report(2, at(0), 2.0, 0.0, 0.0)), None);
    let mut crossing = report(3, at(0), 2.0, -60.0, 10.0);
    crossing.heading_deg = Some(90.0);
    assert_eq!(see(&mut fusion, &crossing), None);
}

#[test]
fn the_heading_of_a_standing_vehicle_is_not_believed() {
    let mut fusion = fusion();
    assert!(see(&mut fusion, &report(1, at(0), 5.5, -40.0, 5.0)).is_some());
    for second in 1..60 {
        let mut standing = report(1, at(1_000 * second), 5.5, -37.0, 0.1);
        standing.heading_deg = Some((second * 97 % 360) as f32);
        assert_eq!(see(&mut fusion, &standing).unwrap().lane, 2, "{second}");
    }
}

#[test]
fn who_seems_to_stop_just_beyond_the_line_stands_before_it() {
    let mut fusion = fusion();
    // The front is measured 0.5 m too far all along.
    assert!(see(&mut fusion, &report(1, at(0), 5.5, -20.0, 4.0)).is_some());
    for second in 1..10 {
        let stopped = report(1, at(1_000 * second), 5.5, -16.5, 0.0);
        let seen = see(&mut fusion, &stopped).unwrap();
        assert!(seen.distance_m >= 0.0 && seen.distance_m < 1.5, "{seen:?}");
    }
    let moving = report(1, at(10_500), 5.5, -14.0, 4.0);
    assert_eq!(see(&mut fusion, &moving), None);
    let waiting_in_the_junction = report(1, at(11_500), 5.5, -12.5, 0.0);
    assert_eq!(see(&mut fusion, &waiting_in_the_junction), None);
}

#[test]
fn driving_sideways_is_a_lane_change_though_the_position_wanders_as_far() {
    let mut fusion = fusion();
    // 3.5 m to the right in 4 s at 12 m/s, by heading and by position.
    let lateral_mps = 3.5 / 4.0;
    let mut seen = None;
    for step in 0..=120 {
        let time_s = f64::from(step) / 10.0;
        let sideways_s = (time_s - 3.0).clamp(0.0, 4.0);
        let mut report = report(
            1,
            at(i64::from(step) * 100),
            5.5 + lateral_mps * sideways_s,
            -210.0 + 12.0 * time_s,
            12.0,
        );
        report.position_sigma_m = Some(1.2);
        if sideways_s > 0.0 && sideways_s < 4.0 {
            report.heading_deg = Some((lateral_mps / 12.0).asin().to_degrees() as f32);
        }
        let vehicle = fusion.handle_vehicle(report.generated, &report);
        seen = Some((vehicle.lane().unwrap(), vehicle.lane_confidence().unwrap()));
        if step == 30 {
            assert_eq!(seen.unwrap().0, 2);
        }
    }
    let (lane, confidence) = seen.unwrap();
    assert_eq!(lane, 3);
    assert!(confidence > 0.8, "{confidence}");
}

#[test]
fn who_does_not_move_off_at_green_is_hardly_in_that_lane() {
    let mut fusion = fusion();
    let confidence = |fusion: &mut Fusion<64>, millis: i64| {
        // On the line between lane 1 (left) and lane 2 (straight), a little to the right.
        let mut report = report(1, at(millis), 3.9, -19.0, 0.0);
        report.position_sigma_m = Some(1.2);
        let vehicle = fusion.handle_vehicle(at(millis), &report);
        (vehicle.lane().unwrap(), vehicle.lane_confidence().unwrap())
    };
    assert_eq!(confidence(&mut fusion, 0).0, 2);
    for millis in (100..6_000).step_by(100) {
        tell_light(
            &mut fusion,
            at(millis),
            STRAIGHT,
            Light::ProtectedGreen,
            200,
        );
        tell_light(&mut fusion, at(millis), LEFT, Light::Red, 200);
        confidence(&mut fusion, millis);
    }
    let (lane, confidence) = confidence(&mut fusion, 6_000);
    assert_eq!(lane, 1);
    assert!(confidence > 0.8, "{confidence}");
}

#[test]
fn absurd_reports_are_counted_and_followed_nowhere() {
    let mut fusion = fusion();
    let mut nowhere = report(1, at(0), 5.5, -60.0, 10.0);
    nowhere.position = Position::new(900_000_001, 1_800_000_001);
    assert_eq!(see(&mut fusion, &nowhere), None);
    assert_eq!(fusion.counters().vehicle_without_position, 1);

    let mut antipode = report(2, at(0), 5.5, -60.0, 10.0);
    antipode.position = Position::new(-297_215_000, -734_377_000);
    assert_eq!(see(&mut fusion, &antipode), None);

    let mut silent = report(3, at(0), 5.5, -60.0, 10.0);
    (silent.speed_mps, silent.heading_deg) = (None, None);
    (silent.length_m, silent.width_m) = (Some(0.0), None);
    silent.position_sigma_m = Some(f32::NAN);
    assert_eq!(see(&mut fusion, &silent).unwrap().lane, 2);

    assert!(see(&mut fusion, &report(4, at(0), 5.5, -200.0, 10.0)).is_some());
    assert!(see(&mut fusion, &report(4, at(100), 5.5, -60.0, 10.0)).is_some());
    assert_eq!(fusion.counters().vehicle_jumped, 1);
}

#[test]
fn late_reports_change_nothing_but_a_clock_that_stands_still_is_overruled() {
    let mut fusion = fusion();
    let first = see(&mut fusion, &report(1, at(100), 5.5, -60.0, 10.0));
    let late = report(1, at(50), 5.5, -61.0, 10.0);
    let vehicle = fusion.handle_vehicle(at(110), &late);
    assert_eq!(
        vehicle.distance_to_stop_m(),
        first.map(|seen| seen.distance_m)
    );
    assert_eq!(fusion.counters().vehicle_out_of_order, 1);

    let stuck = report(1, at(100), 5.5, -40.0, 10.0);
    let vehicle = fusion.handle_vehicle(at(2_100), &stuck);
    assert!((vehicle.distance_to_stop_m().unwrap() - 23.0).abs() < 0.1);
}

#[test]
fn thousands_of_ids_find_room_for_the_latest() {
    let mut fusion = fusion();
    for number in 0..5_000 {
        let report = report(number, at(number as i64), 5.5, -60.0, 10.0);
        assert!(see(&mut fusion, &report).is_some());
    }
    assert_eq!(fusion.counters().vehicle_evicted, 5_000 - 64);
    let mut ids: Vec<_> = fusion
        .snapshot(at(5_000))
        .vehicles()
        .map(|vehicle| vehicle.id())
        .collect();
    ids.sort();
    assert_eq!(ids, (5_000 - 64..5_000).map(id).collect::<Vec<_>>());
}

#[test]
fn a_clock_that_is_set_back_clears_vehicles_and_lights_but_not_the_map() {
    let mut fusion = fusion();
    tell_light(&mut fusion, at(60_000), STRAIGHT, Light::Red, 100);
    see(&mut fusion, &report(1, at(60_000), 5.5, -60.0, 10.0)).unwrap();
    // Within what reordering explains, nothing happens.
    fusion.snapshot(at(59_000));
    assert_eq!(fusion.counters().clock_stepped_back, 0);

    let seen = see(&mut fusion, &report(2, at(0), 5.5, -60.0, 10.0));
    assert_eq!(seen.unwrap().lane, 2);
    assert_eq!(fusion.counters().clock_stepped_back, 1);
    let snapshot = fusion.snapshot(at(0));
    assert_eq!(snapshot.vehicles().len(), 1);
    assert_eq!(snapshot.junctions().next().unwrap().phases().count(), 0);
}

#[test]
fn silent_vehicles_leave_the_picture() {
    let mut fusion = fusion();
    see(&mut fusion, &report(1, at(0), 5.5, -60.0, 10.0)).unwrap();
    assert_eq!(fusion.snapshot(at(2_000)).vehicles().len(), 1);
    assert_eq!(fusion.snapshot(at(2_001)).vehicles().len(), 0);
}

#[test]
fn a_snapshot_tells_lanes_in_order_and_their_queues() {
    let mut fusion = fusion();
    tell_light(&mut fusion, at(0), LEFT, Light::Yellow, 30);
    // Lane 2 from the stop line: standing at 1 m and 8 m, a gap of 9 m, standing, then driving.
    for (number, north_m, speed_mps) in [
        (4, -60.0, 9.0),
        (2, -25.0, 0.0),
        (1, -18.0, 0.0),
        (3, -38.0, 0.5),
    ] {
        see(&mut fusion, &report(number, at(0), 5.5, north_m, speed_mps)).unwrap();
    }
    see(&mut fusion, &report(5, at(0), 9.0, -50.0, 0.0)).unwrap();
    assert_eq!(see(&mut fusion, &report(6, at(0), 90.0, 50.0, 9.0)), None);

    let snapshot = fusion.snapshot(at(100));
    let junctions: Vec<_> = snapshot.junctions().collect();
    assert_eq!(junctions.len(), 1);
    let phases: Vec<_> = junctions[0].phases().map(|phase| phase.id).collect();
    assert_eq!(phases, [LEFT]);
    let approaches: Vec<_> = junctions[0].approaches().collect();
    assert_eq!(approaches.len(), 1);
    assert_eq!(approaches[0].upstream(), SOUTH);
    let lanes: Vec<_> = approaches[0].lanes().collect();
    assert_eq!(
        lanes.iter().map(LaneView::id).collect::<Vec<_>>(),
        [1, 2, 3]
    );
    let vehicles = |lane: &LaneView<'_>| lane.vehicles().map(|v| v.id()).collect::<Vec<_>>();
    assert_eq!(vehicles(&lanes[0]), []);
    assert_eq!(vehicles(&lanes[1]), [id(1), id(2), id(3), id(4)]);
    assert_eq!(vehicles(&lanes[2]), [id(5)]);

    let queue = lanes[1].queue();
    assert_eq!(queue.vehicles, 3);
    assert!((queue.length_m - 25.0).abs() < 0.1, "{queue:?}");
    // The one vehicle of lane 3 stands 33 m up the road: that is not the queue of this light.
    assert_eq!(lanes[2].queue(), Queue::default());
    assert_eq!(snapshot.vehicles().last().unwrap().id(), id(6));
}

#[test]
fn the_same_map_again_keeps_what_is_known() {
    let mut fusion = fusion();
    see(&mut fusion, &report(1, at(0), 5.5, -60.0, 10.0)).unwrap();
    assert_eq!(build(&mut fusion, at(1_000)), Ok(MapChange::Unchanged));
    let snapshot = fusion.snapshot(at(1_000));
    assert_eq!(snapshot.vehicles().next().unwrap().lane(), Some(2));
}

#[test]
fn a_map_that_is_not_right_changes_nothing() {
    type Build = fn(&mut JunctionBuilder<'_, 64>) -> Result<(), MapError>;
    let upstream = EAST;
    let cases: &[(Build, MapError)] = &[
        (
            |b| {
                for _ in 0..2 {
                    b.approach(&approach(EAST))?;
                    b.lane(&lane(1))?;
                    b.lane_point(place(100.0, 0.0))?;
                    b.lane_point(place(10.0, 0.0))?;
                }
                Ok(())
            },
            MapError::DuplicateApproach { upstream },
        ),
        (
            |b| {
                b.approach(&approach(EAST))?;
                for _ in 0..2 {
                    b.lane(&lane(4))?;
                    b.lane_point(place(100.0, 0.0))?;
                    b.lane_point(place(10.0, 0.0))?;
                }
                Ok(())
            },
            MapError::DuplicateLane { upstream, lane: 4 },
        ),
        (
            |b| {
                b.approach(&approach(EAST))?;
                b.lane(&lane(4))
            },
            MapError::NoLine { upstream, lane: 4 },
        ),
        (
            |b| {
                b.approach(&approach(EAST))?;
                b.lane(&lane(4))?;
                b.lane_point(place(100.0, 0.0))?;
                b.lane_point(place(100.0, 0.5))
            },
            MapError::NoLength { upstream, lane: 4 },
        ),
        (
            |b| {
                b.approach(&approach(EAST))?;
                b.lane(&lane(4))?;
                b.lane_point(place(10.0, 0.0))?;
                b.lane_point(place(100.0, 0.0))
            },
            MapError::LeadsAway { upstream, lane: 4 },
        ),
        (
            |b| {
                b.approach(&approach(EAST))?;
                b.lane(&lane(4))?;
                b.lane_point(place(60_000.0, 0.0))
            },
            MapError::TooFar { upstream },
        ),
        (
            |b| {
                b.approach(&approach(EAST))?;
                b.approach_point(Position::new(900_000_001, 0))
            },
            MapError::TooFar { upstream },
        ),
        (
            |b| b.approach(&approach(EAST)),
            MapError::NoLanes { upstream },
        ),
        (|b| b.lane(&lane(1)), MapError::OutOfOrder),
        (
            |b| b.connection(governed_by(STRAIGHT)),
            MapError::OutOfOrder,
        ),
        (
            |b| {
                b.approach(&approach(EAST))?;
                for id in 0..40 {
                    b.lane(&lane(id))?;
                    b.lane_point(place(100.0, f64::from(id)))?;
                    b.lane_point(place(10.0, f64::from(id)))?;
                }
                Ok(())
            },
            MapError::Limit {
                limit: "lanes of an approach",
                value: LANES_PER_APPROACH,
            },
        ),
        (
            |b| {
                b.approach(&approach(EAST))?;
                b.lane(&lane(1))?;
                (0..100).try_for_each(|step| b.lane_point(place(300.0 - f64::from(step), 0.0)))
            },
            MapError::Limit {
                limit: "points of a lane",
                value: POINTS_PER_LINE,
            },
        ),
    ];
    let mut fusion = fusion();
    for (number, (steps, expected)) in cases.iter().enumerate() {
        let mut builder = fusion
            .begin_junction(at(0), JUNCTION, Some(reference()))
            .unwrap();
        let _ = steps(&mut builder);
        assert_eq!(builder.commit(), Err(*expected), "case {number}");
        let seen = see(&mut fusion, &report(number as u64, at(0), 5.5, -60.0, 9.0));
        assert_eq!(seen.unwrap().lane, 2, "case {number}");
    }
    let builder = fusion.begin_junction(at(0), JUNCTION, None).unwrap();
    assert_eq!(builder.commit(), Err(MapError::NoReference));
    assert_eq!(fusion.counters().map_limit, 2);
    assert_eq!(fusion.counters().map_contradictory, 11);
}

#[test]
fn one_wide_lane_with_points_of_its_link_only_is_enough() {
    let mut fusion: Box<Fusion<64>> = Box::default();
    let mut builder = fusion
        .begin_junction(at(0), JUNCTION, Some(reference()))
        .unwrap();
    builder
        .approach(&ApproachInput {
            width_m: Some(22.0),
            ..approach(SOUTH)
        })
        .unwrap();
    builder.approach_point(place(0.0, -215.0)).unwrap();
    builder.approach_point(place(0.0, -15.0)).unwrap();
    builder.movement(governed_by(33)).unwrap();
    builder
        .lane(&LaneInput {
            width_m: None,
            ..lane(1)
        })
        .unwrap();
    assert_eq!(builder.commit(), Ok(MapChange::Changed));
    for (number, east_m) in [(1, -10.0), (2, 0.0), (3, 10.0)] {
        let vehicle = fusion.handle_vehicle(at(0), &report(number, at(0), east_m, -67.0, 9.0));
        assert_eq!((vehicle.link(), vehicle.lane()), (Some(SOUTH), Some(1)));
        assert_eq!(vehicle.lane_confidence(), Some(1.0));
        assert!((vehicle.distance_to_stop_m().unwrap() - 50.0).abs() < 0.1);
        assert_eq!(vehicle.signals().map(|signal| signal.id).next(), Some(33));
    }
    let beside = report(4, at(0), 20.0, -67.0, 9.0);
    assert_eq!(see(&mut fusion, &beside), None);
}

#[test]
fn lanes_without_points_share_the_width_of_their_link() {
    let mut fusion: Box<Fusion<64>> = Box::default();
    let mut builder = fusion
        .begin_junction(at(0), JUNCTION, Some(reference()))
        .unwrap();
    builder
        .approach(&ApproachInput {
            width_m: Some(10.5),
            ..approach(SOUTH)
        })
        .unwrap();
    builder.approach_point(place(0.0, -215.0)).unwrap();
    builder.approach_point(place(0.0, -15.0)).unwrap();
    for id in [1, 2, 3] {
        builder.lane(&lane(id)).unwrap();
    }
    assert_eq!(builder.commit(), Ok(MapChange::Changed));
    for (lane, east_m) in [(1, -3.5), (2, 0.0), (3, 3.5)] {
        let report = report(u64::from(lane), at(0), east_m, -67.0, 9.0);
        assert_eq!(see(&mut fusion, &report).unwrap().lane, lane);
    }
}

#[test]
fn lights_wait_for_their_map() {
    let mut fusion: Box<Fusion<64>> = Box::default();
    tell_light(&mut fusion, at(0), STRAIGHT, Light::Red, 100);
    assert_eq!(fusion.counters().signals_unknown_junction, 1);
    build(&mut fusion, at(100)).unwrap();
    let vehicle = fusion.handle_vehicle(at(200), &report(1, at(200), 5.5, -60.0, 9.0));
    assert_eq!(vehicle.signals().next().unwrap().state.light, Light::Red);
}

#[test]
fn lights_of_many_unknown_junctions_take_no_more_than_their_room() {
    let mut fusion = fusion();
    for number in 0..1_000 {
        let signals = fusion.begin_signals(at(0), node(1_000 + number), at(0));
        assert_eq!(signals.is_some(), usize::from(number) < JUNCTIONS - 1);
    }
    assert_eq!(fusion.counters().signals_unknown_junction, 1_000);
}

#[test]
fn junctions_make_way_when_they_are_not_heard_of() {
    let mut fusion: Box<Fusion<64>> = Box::default();
    let mut add = |id: u16, now: Timestamp| {
        let mut builder = fusion.begin_junction(now, node(id), Some(reference()))?;
        builder.approach(&approach(EAST)).unwrap();
        builder.lane(&lane(1)).unwrap();
        builder.lane_point(place(100.0, 0.0)).unwrap();
        builder.lane_point(place(10.0, 0.0)).unwrap();
        builder.commit().ok()
    };
    for id in 0..JUNCTIONS as u16 {
        assert!(add(id, at(i64::from(id))).is_some());
    }
    assert_eq!(add(50, at(1_000)), None);
    assert_eq!(add(1, at(50_000)), Some(MapChange::Unchanged));
    assert_eq!(add(50, at(61_000)), Some(MapChange::Changed));
    let ids: Vec<_> = fusion
        .snapshot(at(61_000))
        .junctions()
        .map(|junction| junction.node().id)
        .collect();
    assert_eq!(ids, [50, 1, 2, 3]);
    assert_eq!(fusion.counters().map_junction_limit, 1);
}

#[test]
fn old_signals_do_not_replace_newer_ones_and_wrong_clocks_are_overruled() {
    let mut fusion = fusion();
    tell_light(&mut fusion, at(1_000), STRAIGHT, Light::Red, 100);
    assert!(fusion.begin_signals(at(1_050), JUNCTION, at(900)).is_none());
    assert_eq!(fusion.counters().signals_out_of_order, 1);

    // Half an hour off: the countdown still holds from reception.
    let generated = at(-1_800_000);
    let marks = TimeMarks {
        likely_end: 50,
        ..TimeMarks::default()
    };
    let mut signals = fusion
        .begin_signals(at(1_100), JUNCTION, generated)
        .unwrap();
    signals.phase(STRAIGHT);
    signals.announce(&Announcement::counting_down(
        Light::Yellow,
        &marks,
        generated,
    ));
    drop(signals);
    assert_eq!(fusion.counters().signals_clock_off, 1);
    let snapshot = fusion.snapshot(at(2_100));
    let phase = snapshot.junctions().next().unwrap().phases().next();
    let state = phase.unwrap().state;
    assert_eq!(state.light, Light::Yellow);
    assert_eq!(state.change.likely, Some(Span::from_millis(4_000)));
}

#[test]
fn phases_and_announcements_beyond_their_limits_are_counted() {
    let mut fusion = fusion();
    let mut signals = fusion.begin_signals(at(0), JUNCTION, at(0)).unwrap();
    for id in 0..=255 {
        signals.phase(id);
        for _ in 0..20 {
            signals.announce(&Announcement::untimed(Light::Red));
        }
    }
    drop(signals);
    let counters = fusion.counters();
    assert_eq!(counters.phase_limit, 256 - PHASES_PER_JUNCTION as u64);
    assert_eq!(
        counters.announcement_limit,
        (PHASES_PER_JUNCTION * (20 - ANNOUNCEMENTS_PER_PHASE)) as u64
    );
}

mod any_input {
    use proptest::prelude::*;

    use super::*;

    fn number() -> impl Strategy<Value = Option<f32>> {
        prop_oneof![
            Just(None),
            (-1.0_f32..60.0).prop_map(Some),
            any::<f32>().prop_map(Some),
        ]
    }

    fn time() -> impl Strategy<Value = Timestamp> {
        prop_oneof![
            20 => (-3_000_i64..30_000).prop_map(at),
            1 => any::<i64>().prop_map(Timestamp::from_micros),
        ]
    }

    fn position() -> impl Strategy<Value = Option<Position>> {
        prop_oneof![
            10 => (-30.0..30.0, -250.0..30.0).prop_map(|(east, north)| place(east, north)),
            1 => (any::<i32>(), any::<i32>()).prop_map(|(lat, long)| Position::new(lat, long)),
        ]
    }

    prop_compose! {
        fn vehicle()(
            number in 0_u64..100,
            generated in time(),
            position in position(),
            numbers in [number(), number(), number(), number(), number()],
        ) -> VehicleReport {
            let [position_sigma_m, speed_mps, heading_deg, length_m, width_m] = numbers;
            VehicleReport {
                id: id(number),
                generated,
                position,
                position_sigma_m,
                speed_mps,
                heading_deg,
                length_m,
                width_m,
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn vehicles_are_told_something_sensible(
            reports in prop::collection::vec((time(), vehicle()), 1..200),
        ) {
            let mut fusion = fusion();
            tell_light(&mut fusion, at(0), STRAIGHT, Light::ProtectedGreen, 100);
            for (now, report) in &reports {
                let vehicle = fusion.handle_vehicle(*now, report);
                prop_assert_eq!(vehicle.link().is_some(), vehicle.lane().is_some());
                if let Some(confidence) = vehicle.lane_confidence() {
                    prop_assert!((0.0..=1.001).contains(&confidence));
                }
                if let Some(distance_m) = vehicle.distance_to_stop_m() {
                    prop_assert!((0.0..500.0).contains(&distance_m), "{distance_m}");
                }
            }
            let now = reports.last().unwrap().0;
            let snapshot = fusion.snapshot(now);
            let listed: usize = snapshot
                .junctions()
                .flat_map(|junction| junction.approaches())
                .flat_map(|approach| approach.lanes())
                .map(|lane| lane.vehicles().len())
                .sum();
            let on_approaches = snapshot.vehicles().filter(|v| v.link().is_some()).count();
            prop_assert_eq!(listed, on_approaches);
        }
    }
}
