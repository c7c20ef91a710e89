//! MAPs that contradict themselves: the geometry in force stays.

use rsu_firmware::fusion::MapError;
use rsu_firmware::network::MessageKind;
use rsu_firmware::pc5::Received;
use rsu_firmware::stats::FrameKind;
use rsu_firmware::uper::Profile;
use serde_json::{Value, json};

use crate::site::{Site, frame_of};

const MAP: FrameKind = FrameKind::Known(MessageKind::Map);

fn link(map: &mut Value) -> &mut Value {
    &mut map["mapFrame"]["nodes"][0]["inLinks"][0]
}

fn lane(map: &mut Value) -> &mut Value {
    &mut link(map)["lanes"][0]
}

fn duplicate_lane(map: &mut Value) {
    lane(map)["laneID"] = json!(2);
}

fn duplicate_approach(map: &mut Value) {
    let links = &mut map["mapFrame"]["nodes"][0]["inLinks"];
    links[1]["upstreamNodeId"] = links[0]["upstreamNodeId"].clone();
}

fn leads_away(map: &mut Value) {
    lane(map)["points"].as_array_mut().unwrap().reverse();
}

fn ten_kilometres_off(map: &mut Value) {
    let there = json!({"lat": 298_115_000, "lon": 1_065_623_000});
    lane(map)["points"][0]["posOffset"]["offsetLL"] = json!({"position-LatLon": there});
}

fn nowhere_on_earth(map: &mut Value) {
    let unknown = json!({"lat": 900_000_001, "lon": 1_800_000_000});
    lane(map)["points"][0]["posOffset"]["offsetLL"] = json!({"position-LatLon": unknown});
}

fn without_reference(map: &mut Value) {
    map["mapFrame"]["nodes"][0]["refPos"]["lat"] = json!(900_000_001);
}

fn all_points_in_one(map: &mut Value) {
    let points = &mut lane(map)["points"];
    let first = points[0].clone();
    points.as_array_mut().unwrap().fill(first);
}

fn without_line(map: &mut Value) {
    link(map).as_object_mut().unwrap().remove("points");
    lane(map).as_object_mut().unwrap().remove("points");
}

/// What is done to a MAP, and whether it is refused for that.
type Case = (fn(&mut Value), fn(&MapError) -> bool);

#[test]
fn a_map_that_contradicts_itself_is_refused_and_the_one_before_stays() {
    let cases: [Case; 8] = [
        (duplicate_lane, |e| {
            matches!(e, MapError::DuplicateLane { lane: 2, .. })
        }),
        (duplicate_approach, |e| {
            matches!(e, MapError::DuplicateApproach { .. })
        }),
        (leads_away, |e| {
            matches!(e, MapError::LeadsAway { lane: 1, .. })
        }),
        (ten_kilometres_off, |e| matches!(e, MapError::TooFar { .. })),
        (nowhere_on_earth, |e| matches!(e, MapError::TooFar { .. })),
        (without_reference, |e| matches!(e, MapError::NoReference)),
        (all_points_in_one, |e| {
            matches!(e, MapError::NoLength { lane: 1, .. })
        }),
        (without_line, |e| {
            matches!(e, MapError::NoLine { lane: 1, .. })
        }),
    ];
    let mut site = Site::new();
    let good = site.last(MAP);
    for (contradict, is_told) in cases {
        let mut map = good.clone();
        contradict(&mut map);
        let bytes = frame_of(&map, Profile::default());
        let received = Received {
            time: site.now,
            rssi_dbm: None,
            bytes: &bytes,
        };
        let raised = site.raised(|site| {
            let heard = site.station().handle_frame(&received).unwrap();
            let (node, error) = heard.refused_node.unwrap();
            assert_eq!((node.region, node.id), (Some(500), 100));
            assert!(is_told(&error), "{error}");
        });
        assert_eq!(raised, [("map_contradictory", 1)].into());
    }
    site.assert_goes_on();
}

#[test]
fn junctions_beyond_the_limit_are_counted_and_leave_those_that_are_there() {
    const OTHERS: u64 = 1_000;
    let mut site = Site::new();
    let mut map = site.last(MAP);
    let raised = site.raised(|site| {
        for id in 0..OTHERS {
            map["mapFrame"]["nodes"][0]["id"] = json!({"region": 9, "id": id});
            assert_eq!(site.receive_message(&map), Ok(None));
        }
    });
    let room = rsu_firmware::fusion::JUNCTIONS as u64 - 1;
    assert_eq!(raised, [("map_junction_limit", OTHERS - room)].into());
    let now = site.now;
    let picture = site.station().rsu().fusion_mut().snapshot(now);
    assert_eq!(picture.junctions().count(), rsu_firmware::fusion::JUNCTIONS);
}

/// The shorter way round the earth, and where a degree of longitude has no length.
#[test]
fn a_junction_may_lie_on_the_date_line() {
    let mut site = Site::new();
    let point =
        |lon: i64| json!({"posOffset": {"offsetLL": {"position-LatLon": {"lon": lon, "lat": 0}}}});
    let map = |latitude: i64| {
        json!({"mapFrame": {"msgCnt": 0, "nodes": [{
            "id": {"id": 7}, "refPos": {"lat": latitude, "long": 1_799_999_000},
            "inLinks": [{
                "upstreamNodeId": {"id": 8}, "linkWidth": 350,
                "lanes": [{"laneID": 3, "points": [point(-1_799_980_000), point(1_799_999_500)]}],
            }],
        }]}})
    };
    let raised = site.raised(|site| _ = site.receive_message(&map(0)));
    assert_eq!(raised, [].into());

    let mut bsm = site.last(FrameKind::Known(MessageKind::Bsm));
    let content = &mut bsm["bsmFrame"];
    content["id"] = json!("0102030405060708");
    content["pos"] = json!({"lat": 0, "long": -1_799_990_000});
    content["heading"] = json!(21_600);
    let place = site.receive_message(&bsm).unwrap().unwrap();
    assert_eq!((place.0.map(|node| node.id), place.1), (Some(8), Some(3)));

    let raised = site.raised(|site| _ = site.receive_message(&map(900_000_000)));
    assert_eq!(raised, [("map_contradictory", 1)].into());
    site.assert_goes_on();
}
