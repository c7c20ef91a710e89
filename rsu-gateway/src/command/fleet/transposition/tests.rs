#![allow(clippy::unwrap_used)]

use std::path::Path;

use rsu_firmware::message::{IntersectionState, Node};
use rsu_firmware::network::{self, Adaptation, DSM_LENGTH_MAX, HEADER_LENGTH_MAX};
use rsu_firmware::pc5::Received;
use rsu_firmware::rsu::{Heard, Rsu, Settings};
use rsu_firmware::uper::Profile;
use serde_json::json;

use super::super::recording::Recording;
use super::*;

const PROFILE: Profile = Profile::Ydt3709_2020;

/// 2023-11-14T22:13:20Z, 40 s before a full minute.
const RECORDED: Timestamp = Timestamp::from_millis(1_700_000_000_000);

fn message(jer: &serde_json::Value) -> MessageFrame<'static> {
    serde_json::from_str(&jer.to_string()).unwrap()
}

fn transposed(number: u16, later: Span, mut message: MessageFrame<'_>) -> MessageFrame<'_> {
    Transposition::new(number, 9).transpose(&mut message, RECORDED, RECORDED + later);
    message
}

async fn recording() -> Recording {
    let trace = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../tests/traces/arterial.pcapng"
    );
    Recording::read(Path::new(trace)).await.unwrap()
}

#[test]
fn units_stand_in_a_square() {
    let place = |number| {
        let Transposition { north, east, .. } = Transposition::new(number, 7);
        (north / SPACING, east / SPACING)
    };
    let places: Vec<_> = (0..7).map(place).collect();
    assert_eq!(
        places,
        [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (2, 0)]
    );
}

#[test]
fn every_vector_is_still_a_message_afterwards() {
    let mut buffer = vec![0; 1 << 16];
    let mut changed = 0;
    for vector in ::tests::vectors::read("day1-ydt3709-2020") {
        let original = MessageFrame::decode(&vector.uper, PROFILE).unwrap();
        let there = transposed(5, Span::from_millis(7_260_500), original.clone());
        changed += usize::from(there != original);
        let length = there.encode(&mut buffer, PROFILE).unwrap();
        let decoded = MessageFrame::decode(&buffer[..length], PROFILE).unwrap();
        assert_eq!(decoded, there);
    }
    assert!(changed > 100, "{changed}");
}

#[test]
fn a_vehicle_is_another_elsewhere_and_its_time_goes_on() {
    let mut vehicle = ::tests::vectors::read("day1-ydt3709-2020")
        .into_iter()
        .find(|vector| vector.jer.get("bsmFrame").is_some())
        .unwrap()
        .jer;
    let bsm = &mut vehicle["bsmFrame"];
    bsm["id"] = json!("0011223344556677");
    bsm["secMark"] = json!(19_900);
    bsm["pos"] = json!({"lat": 297_215_000, "long": 1_065_623_000});
    let MessageFrame::Bsm(there) = transposed(258, Span::from_millis(40_200), message(&vehicle))
    else {
        panic!("a BSM")
    };
    assert_eq!(there.id.0, [0x01, 0x13, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77]);
    assert_eq!(there.sec_mark.value(), 100);
    let Transposition { north, east, .. } = Transposition::new(258, 9);
    assert_eq!(i64::from(there.pos.lat.value()), 297_215_000 + north);
    assert_eq!(i64::from(there.pos.long.value()), 1_065_623_000 + east);
}

#[test]
fn lights_keep_their_distance_to_the_time_of_the_message() {
    let spat = json!({"spatFrame": {
        "msgCnt": 0, "moy": 457_333, "timeStamp": 19_900,
        "intersections": [{
            "intersectionId": {"region": 500, "id": 100}, "status": "0000", "timeStamp": 19_900,
            "phases": [{"id": 1, "phaseStates": [
                {"light": "red", "timing": {"counting": {"startTime": 0, "likelyEndTime": 600}}},
                {"light": "yellow", "timing": {"utcTiming":
                    {"startUTCTime": 35_990, "likelyEndUTCTime": 36_001}}}]}],
        }],
    }});
    let MessageFrame::Spat(there) = transposed(1, Span::from_millis(3_640_200), message(&spat))
    else {
        panic!("a SPAT")
    };
    assert_eq!(there.moy.map(MinuteOfTheYear::value), Some(457_394));
    assert_eq!(there.time_stamp.map(DSecond::value), Some(100));
    let states: Vec<IntersectionState<'_>> = there.intersections.iter().collect();
    assert_eq!(
        states[0].intersection_id.region.map(RoadRegulatorId::value),
        Some(501)
    );
    assert_eq!(states[0].time_stamp.map(DSecond::value), Some(100));
    let phase = states[0].phases.iter().next().unwrap();
    let timings: Vec<_> = phase
        .phase_states
        .iter()
        .map(|state| state.timing.clone().unwrap())
        .collect();
    let TimeChangeDetails::Counting(counting) = &timings[0] else {
        panic!("counting down")
    };
    assert_eq!(counting.likely_end_time.value(), 600);
    let TimeChangeDetails::UtcTiming(utc) = &timings[1] else {
        panic!("a point in time")
    };
    assert_eq!(utc.start_utc_time.value(), 392);
    assert_eq!(utc.likely_end_utc_time, TimeMark::UNKNOWN);
}

#[test]
fn what_is_not_known_stays_unknown() {
    let mut position = Position3D {
        lat: Latitude::saturating(i64::MAX),
        long: Longitude::saturating(i64::MAX),
        elevation: None,
    };
    let unknown = position.clone();
    Transposition::new(3, 9).position(&mut position);
    assert_eq!(position, unknown);
}

/// What a unit makes of a BSM: the lane, and the distance to the stop line in m.
fn seen(heard: &Heard<'_, '_>) -> Option<(u8, f32)> {
    let vehicle = heard.vehicle.as_ref()?;
    vehicle.lane().zip(vehicle.distance_to_stop_m())
}

#[tokio::test]
async fn a_transposed_junction_is_fused_as_the_recorded_one() {
    let recording = recording().await;
    let settings = Settings::default();
    let transposition = Transposition::new(7, 9);
    let later = Span::from_millis(86_400_000 * 400 + 12_345);
    let mut here = Box::new(Rsu::<512>::new(settings));
    let mut there = Box::new(Rsu::<512>::new(settings));
    let mut message_bytes = vec![0; DSM_LENGTH_MAX];
    let mut frame_bytes = vec![0; HEADER_LENGTH_MAX + DSM_LENGTH_MAX];
    let (mut on_lanes, mut nodes) = (0, Vec::new());
    for number in 0..recording.len().min(8_000) {
        let recorded = recording.frame(number).unwrap();
        let dsm = network::parse(recorded.bytes, Adaptation::Present, DSM_LENGTH_MAX).unwrap();
        let mut message = MessageFrame::decode(dsm.payload, PROFILE).unwrap();
        transposition.transpose(&mut message, recorded.time, recorded.time + later);
        if let MessageFrame::Map(map) = &message {
            nodes.extend(map.nodes.iter().map(|node: Node<'_>| node.id));
        }
        let length = message.encode(&mut message_bytes, PROFILE).unwrap();
        let payload = &message_bytes[..length];
        let built = network::build(
            dsm.aid,
            payload,
            Adaptation::Present,
            DSM_LENGTH_MAX,
            &mut frame_bytes,
        );
        let received = |time, bytes| Received {
            time,
            rssi_dbm: None,
            bytes,
        };
        let heard_here = here
            .handle_frame(&received(recorded.time, recorded.bytes))
            .unwrap();
        let heard_there = there
            .handle_frame(&received(
                recorded.time + later,
                &frame_bytes[..built.unwrap()],
            ))
            .unwrap();
        let (seen_here, seen_there) = (seen(&heard_here), seen(&heard_there));
        assert_eq!(
            seen_here.map(|(lane, _)| lane),
            seen_there.map(|(lane, _)| lane)
        );
        if let Some(((_, here), (_, there))) = seen_here.zip(seen_there) {
            assert!((here - there).abs() < 0.5, "{here} {there}");
            on_lanes += 1;
        }
    }
    assert!(on_lanes > 1_000, "{on_lanes}");
    assert!(!nodes.is_empty());
    let are_own = |node: &NodeReferenceId| node.region.is_some_and(|region| region.value() == 507);
    assert!(nodes.iter().all(are_own), "{nodes:?}");
}
