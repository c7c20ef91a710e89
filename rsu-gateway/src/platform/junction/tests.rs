#![allow(clippy::unwrap_used)]

use jsonschema::Validator;
use rsu_firmware::fusion::Fusion;
use rsu_firmware::message::{BasicSafetyMessage, MapData, Spat, observe};
use schemars::generate::SchemaSettings;
use serde_json::{Value, json, to_value};

use super::*;
use crate::platform::schema_file;

const NOW: Timestamp = Timestamp::from_millis(1_767_225_600_000);

/// The schema as it is generated from the types.
fn generated() -> Value {
    let generator = SchemaSettings::draft2020_12()
        .for_serialize()
        .into_generator();
    let mut schema = generator
        .into_root_schema_for::<JunctionSnapshot<'_>>()
        .to_value();
    schema["$id"] = "junction.schema.json".into();
    schema
}

/// The schema that is checked in, for users.
fn checked_in() -> Value {
    serde_json::from_str(include_str!("../../../schema/junction.schema.json")).unwrap()
}

fn validator() -> Validator {
    jsonschema::options()
        .should_validate_formats(true)
        .build(&checked_in())
        .unwrap()
}

/// A road from the south with two lanes, whose phase 3 is red for 12 s.
fn junction() -> Box<Fusion> {
    let mut fusion = Box::new(Fusion::new());
    let point = |lon: i32, lat: i32| json!({"posOffset": {"offsetLL": {"position-LL5": {"lon": lon, "lat": lat}}}});
    let lane = |id: u8, lon: i32| {
        json!({
            "laneID": id,
            "connectsTo": [{"remoteIntersection": {"region": 1, "id": 2}, "phaseId": 3}],
            "points": [point(lon, -20_000), point(lon, -2_000)],
        })
    };
    let map: MapData<'_> = serde_json::from_value(json!({
        "msgCnt": 0,
        "nodes": [{
            "id": {"region": 1, "id": 10},
            "refPos": {"lat": 295_000_000, "long": 1_065_000_000},
            "inLinks": [{
                "upstreamNodeId": {"id": 11}, "linkWidth": 700, "lanes": [lane(1, 0), lane(2, 360)],
            }],
        }],
    }))
    .unwrap();
    observe::map(&mut *fusion, NOW, &map, |node, error| {
        panic!("{node:?}: {error:?}")
    });
    let timing = json!({"counting": {
        "startTime": 0, "minEndTime": 100, "maxEndTime": 150, "likelyEndTime": 120,
    }});
    let spat: Spat<'_> = serde_json::from_value(json!({
        "msgCnt": 0,
        "intersections": [{
            "intersectionId": {"region": 1, "id": 10}, "status": "0000",
            "phases": [
                {"id": 3, "phaseStates": [{"light": "red", "timing": timing}]},
                {"id": 4, "phaseStates": [{"light": "flashing-yellow"}]},
            ],
        }],
    }))
    .unwrap();
    observe::spat(&mut *fusion, NOW, &spat);
    fusion
}

fn drive(fusion: &mut Fusion, id: &str, latitude: i32, speed: u16) {
    let bsm: BasicSafetyMessage<'_> = serde_json::from_value(json!({
        "msgCnt": 0, "id": id, "secMark": 0,
        "pos": {"lat": latitude, "long": 1_065_000_000},
        "transmission": "forwardGears", "speed": speed, "heading": 0,
        "accelSet": {"long": 0, "lat": 0, "vert": 0, "yaw": 0},
        "brakes": {}, "size": {"width": 180, "length": 400},
        "vehicleClass": {"classification": 10},
    }))
    .unwrap();
    observe::bsm(fusion, NOW, &bsm);
}

fn snapshot(fusion: &mut Fusion) -> Value {
    let picture = fusion.snapshot(NOW);
    let junction = picture.junctions().next().unwrap();
    let clock = ClockQuality::default();
    to_value(JunctionSnapshot::new("R1", 7, clock, &picture, &junction)).unwrap()
}

fn assert_valid(snapshot: &Value) {
    let errors: Vec<String> = validator()
        .iter_errors(snapshot)
        .map(|error| format!("{error} at {}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{errors:#?}\n{snapshot:#}");
}

#[test]
fn the_schema_that_is_checked_in_is_the_one_of_the_types() {
    schema_file::assert_current("junction.schema.json", &generated());
}

#[test]
fn a_snapshot_tells_lights_lanes_and_vehicles() {
    let mut fusion = junction();
    drive(&mut fusion, "00000000000000AA", 295_000_000 - 3_000, 0);
    let snapshot = snapshot(&mut fusion);
    assert_valid(&snapshot);

    let change = json!({"min": 10.0, "likely": 12.0, "max": 15.0});
    let red = json!({"phaseId": 3, "light": "red", "timeToChange": change});
    assert_eq!(snapshot["time"], "2026-01-01T00:00:00.000Z");
    assert_eq!(snapshot["timeMs"], 1_767_225_600_000_i64);
    assert_eq!(
        snapshot["clock"],
        json!({"synchronization": "unknown", "errorMs": null})
    );
    assert_eq!(snapshot["node"], json!({"region": 1, "id": 10}));
    assert_eq!(
        snapshot["phases"],
        json!([red, {"phaseId": 4, "light": "flashing-yellow", "timeToChange": null}])
    );
    let lane = &snapshot["lanes"][0];
    assert_eq!(lane["link"], json!({"region": null, "id": 11}));
    assert_eq!((&lane["lane"], &lane["phases"]), (&json!(1), &json!([3])));
    assert_eq!(lane["vehicles"], json!(["00000000000000AA"]));
    assert_eq!(lane["queue"]["count"], 1);
    let vehicle = &snapshot["vehicles"][0];
    assert_eq!(vehicle["position"], json!({"lat": 29.4997, "lon": 106.5}));
    assert_eq!(vehicle["signals"], json!([red]));
    assert_eq!(vehicle["lane"], 1);
    // 1000e-7 degrees of latitude to the end of the lane, less half the length of the vehicle.
    let distance = vehicle["distanceToStop"].as_f64().unwrap();
    assert!((distance - (11.08 - 2.0)).abs() < 0.1, "{distance}");
}

#[test]
fn every_picture_is_valid() {
    let mut fusion = junction();
    assert_valid(&snapshot(&mut fusion));
    for (number, (latitude, speed)) in [(294_985_000, 8191), (295_100_000, 0), (900_000_001, 700)]
        .into_iter()
        .enumerate()
    {
        drive(&mut fusion, &format!("{number:016X}"), latitude, speed);
        assert_valid(&snapshot(&mut fusion));
    }
    let vehicles = &snapshot(&mut fusion)["vehicles"];
    assert_eq!(vehicles.as_array().map(Vec::len), Some(3));
}

#[test]
fn the_schema_refuses_what_is_not_a_snapshot() {
    let good = snapshot(&mut junction());
    for (member, value) in [
        ("seq", json!(-1)),
        ("time", json!("yesterday")),
        ("node", json!({"id": 1})),
        (
            "phases",
            json!([{"phaseId": 1, "light": "green", "timeToChange": null}]),
        ),
        ("surprise", json!(1)),
    ] {
        let mut bad = good.clone();
        bad[member] = value;
        assert!(!validator().is_valid(&bad), "{member}");
    }
}
