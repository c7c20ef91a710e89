#![allow(clippy::unwrap_used)]

use super::*;
use crate::downlink::{Command, RsiBroadcast};
use crate::platform::Alert;
use crate::platform::content::{RsmUp, SpatUp, read_command};
use proptest::prelude::*;
use rsu_firmware::message::RoadSideInformation;
use serde_json::{Value, json, to_value};

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(1_767_225_600_000 + millis)
}

fn composer() -> Composer {
    Composer::new(&Unit::named("R328328".parse().unwrap()), Profile::default())
}

fn command(kind: CommandKind, payload: &Value) -> Command {
    let read = read_command(kind, payload.to_string().as_bytes());
    read.unwrap_or_else(|error| panic!("{error}")).command
}

fn rsi(payload: &Value) -> RsiBroadcast {
    match command(CommandKind::Rsi, payload) {
        Command::Rsi(rsi) => rsi,
        other => panic!("{other:?}"),
    }
}

fn spat(payload: &Value) -> Spat<'static> {
    match command(CommandKind::Spat, payload) {
        Command::Spat(spat) => spat,
        other => panic!("{other:?}"),
    }
}

fn rsm(payload: &Value) -> RsmBroadcast {
    match command(CommandKind::Rsm, payload) {
        Command::Rsm(rsm) => rsm,
        other => panic!("{other:?}"),
    }
}

/// What vehicles receive.
fn sent(mut broadcast: Broadcast) -> Vec<u8> {
    let mut buffer = vec![0; MESSAGE_BYTES_MAX];
    let count = MsgCount::saturating(7);
    let length = broadcast
        .encode(count, Profile::default(), &mut buffer)
        .unwrap();
    buffer.truncate(length);
    buffer
}

fn event() -> Value {
    let position = json!({"lat": 295_000_002, "lon": 1_065_000_001});
    let behind = json!({"lat": 295_010_002, "lon": 1_065_300_001, "ele": 2500});
    json!({"rsiSourceType": "police", "rsi": {
        "alertID": "A-1", "duration": 120_000, "eventStatus": true,
        "timeStamp": "2026-01-01T00:00:00.000Z", "eventClass": "AbnormalTraffic",
        "eventType": 501, "eventSource": "police", "eventConfidence": 180,
        "eventPosition": [position], "eventRadius": 300, "eventDescription": "道路施工",
        "eventPriority": 5,
        "referencePaths": [{"active_path": [position, behind], "path_radius": 40}],
    }})
}

#[test]
fn an_event_reaches_the_vehicles_as_it_would_reach_the_platform() {
    let payload = event();
    let broadcast = composer().rsi(at(0), true, 5, rsi(&payload)).unwrap();
    assert_eq!(broadcast.class, BroadcastClass::RsiSemiStatic);
    assert_eq!(broadcast.until_ms, Some(at(120_000).as_millis()));
    assert!(!broadcast.once);
    let bytes = sent(broadcast);
    let MessageFrame::Rsi(heard) = MessageFrame::decode(&bytes, Profile::default()).unwrap() else {
        panic!("no RSI");
    };
    assert_eq!(heard.id.0, *b"\0R328328");
    let heard: Vec<_> = Alert::of(&heard, at(0)).collect();
    let mut heard = to_value(heard.first().unwrap()).unwrap();
    assert_eq!(heard["alertID"], "0052333238333238-rte-5");
    // The minutes of a message round the end up.
    assert_eq!(heard["duration"], 120_000);
    heard["alertID"] = "A-1".into();
    assert_eq!(heard, payload["rsi"]);
}

#[test]
fn a_sign_is_static_and_an_event_of_duration_zero_is_sent_once() {
    let mut payload = event();
    payload["rsi"]["eventClass"] = "TrafficSign".into();
    payload["rsi"]["eventSource"] = "unknown".into();
    let broadcast = composer().rsi(at(0), true, 5, rsi(&payload)).unwrap();
    assert_eq!(broadcast.class, BroadcastClass::RsiStatic);
    payload["rsi"]["duration"] = 0.into();
    let broadcast = composer().rsi(at(0), true, 5, rsi(&payload)).unwrap();
    assert!(broadcast.once && broadcast.until_ms.is_none());
}

#[test]
fn what_an_event_cannot_say_is_named() {
    let refusal = |change: fn(&mut Value)| {
        let mut payload = event();
        change(&mut payload["rsi"]);
        let refusal = composer().rsi(at(0), true, 5, rsi(&payload)).unwrap_err();
        refusal.text().to_owned()
    };
    let two = |rsi: &mut Value| {
        let one = rsi["eventPosition"][0].clone();
        rsi["eventPosition"].as_array_mut().unwrap().push(one);
    };
    assert!(refusal(two).contains("rsi.eventPosition: 2 positions"));
    let nowhere = |rsi: &mut Value| {
        rsi["eventPosition"] = json!([]);
        rsi["referencePaths"] = json!([]);
    };
    assert!(refusal(nowhere).contains("the unit knows no position"));
    assert!(refusal(|rsi| rsi["eventPriority"] = 8.into()).contains("rsi.eventPriority: 8"));
    assert!(refusal(|rsi| rsi["duration"] = (-1).into()).contains("rsi.duration"));
    assert!(refusal(|rsi| rsi["alertID"] = "".into()).contains("rsi.alertID"));
    let over = |rsi: &mut Value| rsi["timeStamp"] = "2025-12-31T00:00:00Z".into();
    assert!(refusal(over).contains("rsi.duration: is over"));
    assert!(refusal(|rsi| rsi["eventDescription"] = "🚧".into()).contains("GBK"));
    let off = |rsi: &mut Value| rsi["eventPosition"][0]["lat"] = 900_000_002.into();
    assert!(refusal(off).contains("rsi.eventPosition: lat is out of range"));
    let short = |rsi: &mut Value| {
        rsi["referencePaths"][0]["active_path"]
            .as_array_mut()
            .unwrap()
            .truncate(1);
    };
    let text = refusal(short);
    assert!(
        text.contains("rsiFrame.rtes[0].referencePaths[0].activePath"),
        "{text}"
    );
}

fn lights() -> Value {
    json!({"name": "Crossing", "moy": 0, "timeStamp": 500, "intersections": [{
        "intersectionId": {"region": 1, "id": 10},
        "status": ["fixedTimeOperation"],
        "phases": [{"phaseId": 2, "phaseStates": [{
            "light": "red",
            "timing": {"counting": {"startTime": 0, "likelyEndTime": 123}},
        }]}],
    }]})
}

#[test]
fn lights_reach_the_vehicles_as_they_would_reach_the_platform() {
    let broadcast = composer().spat(at(600), true, spat(&lights())).unwrap();
    assert_eq!(broadcast.key.id, "1-10");
    let bytes = sent(broadcast);
    let MessageFrame::Spat(heard) = MessageFrame::decode(&bytes, Profile::default()).unwrap()
    else {
        panic!("no SPAT");
    };
    assert_eq!(to_value(SpatUp::from(&heard)).unwrap(), lights());
}

#[test]
fn lights_without_a_time_count_from_now_and_old_ones_are_refused() {
    let mut payload = lights();
    let old = composer()
        .spat(at(4_000), true, spat(&payload))
        .unwrap_err();
    assert!(old.text().starts_with("timeStamp: 3500 ms ago"), "{old}");
    let untrusted = composer().spat(at(4_000), false, spat(&payload));
    assert!(
        untrusted.is_ok(),
        "a clock that may be wrong makes nothing old"
    );
    let members = payload.as_object_mut().unwrap();
    members.remove("moy");
    members.remove("timeStamp");
    // As the draft has it: an object where there is one intersection.
    payload["intersections"] = payload["intersections"][0].clone();
    let broadcast = composer().spat(at(61_250), true, spat(&payload)).unwrap();
    let MessageFrame::Spat(spat) = &broadcast.message else {
        panic!("no SPAT");
    };
    assert_eq!(spat.moy.unwrap().value(), 1);
    assert_eq!(spat.time_stamp.unwrap().value(), 1_250);
}

fn participants() -> Value {
    json!({"rsms": [{
        "refPos": {"lat": 295_000_000, "lon": 1_065_000_000},
        "participants": [{
            "ptcType": "motor", "ptcId": 7, "source": "lidar", "secMark": 100,
            "pos": {"lat": 294_999_980, "lon": 1_065_000_010, "ele": 12},
            "accuracy": "a1m", "speed": 500, "heading": 7200,
            "size": {"width": 180, "length": 450, "height": 30},
        }, {
            "ptcType": "pedestrian", "ptcId": 8, "source": "video", "secMark": 65_535,
            "pos": {"lat": -295_000_000, "lon": -1_065_000_000},
            "size": {"width": 0, "length": 0},
        }],
    }]})
}

#[test]
fn participants_reach_the_vehicles_as_they_would_reach_the_platform() {
    let broadcasts = composer().rsm(at(0), rsm(&participants())).unwrap();
    let [broadcast] = broadcasts.try_into().unwrap();
    let bytes = sent(broadcast);
    let MessageFrame::Rsm(heard) = MessageFrame::decode(&bytes, Profile::default()).unwrap() else {
        panic!("no RSM");
    };
    assert_eq!(to_value(RsmUp::from(&heard)).unwrap(), participants());
}

#[test]
fn a_message_longer_than_a_frame_is_refused_with_its_length() {
    let node = json!({"id": {"id": 7}, "refPos": {"lat": 0, "long": 0}, "inLinks": [{
        "upstreamNodeId": {"id": 8}, "linkWidth": 300, "lanes": [{
            "laneID": 1,
            "points": vec![json!({"posOffset": {"offsetLL": {"position-LL6": {"lon": 0, "lat": 0}}}}); 31],
        }],
    }]});
    let payload = |nodes: usize| {
        let map = json!({"msgCnt": 0, "nodes": vec![node.clone(); nodes]});
        json!({"mapSlice": "1", "eTag": "t", "map": map})
    };
    let compose = |nodes| match command(CommandKind::Map, &payload(nodes)) {
        Command::Map(map) => composer().map(at(0), map),
        other => panic!("{other:?}"),
    };
    assert!(compose(1).is_ok());
    let refusal = compose(20).unwrap_err();
    assert!(
        refusal.text().ends_with("a frame carries 1400"),
        "{refusal}"
    );
    let refusal = compose(64).unwrap_err();
    assert!(refusal.text().starts_with("mapFrame.nodes"), "{refusal}");
}

#[test]
fn an_identifier_is_eight_bytes_however_long_the_name_is() {
    let id = |name: &str| sender_id(&name.parse().unwrap()).0;
    assert_eq!(id("R1"), *b"\0\0\0\0\0\0R1");
    assert_eq!(id("RSU-2026-000123"), *b"6-000123");
}

proptest! {
    #[test]
    fn every_position_on_earth_is_reached_from_every_other(
        from in (-900_000_000..=900_000_000i32, -1_799_999_999..=1_800_000_000i32),
        to in (-900_000_000..=900_000_000i32, -1_799_999_999..=1_800_000_000i32),
        near in (-3_000..3_000i32, -3_000..3_000i32),
        ele in proptest::option::of(-4_095..61_440i32),
    ) {
        use crate::platform::content::{Location, location_at, offset_to};
        use rsu_firmware::message::Position3D;
        let reference = Location { lat: from.0, lon: from.1, ele: None };
        let near = Location {
            lat: (from.0 + near.0).clamp(-900_000_000, 900_000_000),
            lon: (from.1 + near.1).clamp(-1_799_999_999, 1_800_000_000),
            ele,
        };
        let far = Location { lat: to.0, lon: to.1, ele };
        let reference = Position3D::try_from(reference).unwrap();
        for location in [near, far] {
            let offset = offset_to(&reference, &location).unwrap();
            prop_assert_eq!(location_at(&reference, &offset), location);
        }
    }

    #[test]
    fn a_decoded_rsi_is_told_as_it_was_composed(number: u8, duration in 60_000..86_400_000i64) {
        let mut payload = event();
        payload["rsi"]["duration"] = duration.into();
        let broadcast = composer().rsi(at(0), true, number, rsi(&payload)).unwrap();
        prop_assert_eq!(number_of(&broadcast), Some(number));
        let MessageFrame::Rsi(message) = &broadcast.message else { panic!("no RSI") };
        let message: &RoadSideInformation<'_> = message;
        let alert = Alert::of(message, at(0)).next().unwrap();
        prop_assert!((duration..duration + 60_000).contains(&alert.duration));
    }
}
