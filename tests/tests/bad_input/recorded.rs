//! The MAP of real equipment: absolute positions, and one very wide lane a link. It is not ours to
//! hand on: it is read from beside the workspace, and where it is missing the test says so and
//! passes.
#![expect(
    clippy::print_stdout,
    reason = "how many messages were read is part of the result"
)]

use std::fs;
use std::path::Path;

use rsu_firmware::fusion::input::Light;
use rsu_firmware::network::{Aid, MessageKind};
use rsu_firmware::pc5::Received;
use rsu_firmware::rsu;
use rsu_firmware::stats::FrameKind;
use rsu_firmware::time::Timestamp;
use rsu_firmware::uper::Profile;
use rsu_gateway::station::Station;
use serde_json::{Value, json};

use crate::site::{Site, drive, frame_of, framed};

const MAP: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../shared/recorded/cn/uper-recorded/map-rsu-envelope.tcsae53-2019.hex"
);
const PROFILE: Profile = Profile::Tcsae53_2019;
const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

#[test]
fn the_lanes_of_a_real_map_are_of_use() {
    let Ok(text) = fs::read_to_string(MAP) else {
        println!("{MAP} is absent: nothing was read");
        return;
    };
    let uper = hex::decode(text.split_whitespace().collect::<String>()).unwrap();
    let jer = Path::new(MAP).with_extension("jer.json");
    let map: Value = serde_json::from_str(&fs::read_to_string(jer).unwrap()).unwrap();
    let settings = rsu::Settings {
        profile: PROFILE,
        ..rsu::Settings::default()
    };
    let mut station = Station::new(settings, None);
    let frame = framed(Aid::MAP, &uper);
    let heard = station.handle_frame(&received(&frame)).unwrap();
    assert_eq!(heard.refused_node, None);

    let mut bsm = Site::new().last(FrameKind::Known(MessageKind::Bsm));
    let links = map["mapFrame"]["nodes"][0]["inLinks"].as_array().unwrap();
    for (number, link) in links.iter().enumerate() {
        let points = link["lanes"][0]["points"].as_array().unwrap();
        let ends = [&points[0], points.last().unwrap()];
        let [from, to] = ends.map(|point| {
            let position = &point["posOffset"]["offsetLL"]["position-LatLon"];
            ["lat", "lon"].map(|axis| position[axis].as_i64().unwrap())
        });
        bsm["bsmFrame"]["id"] = json!(format!("{number:016X}"));
        let half_m = drive(&mut bsm, from, to, 0.5) / 2.0;

        let frame = frame_of(&bsm, PROFILE);
        let vehicle = station
            .handle_frame(&received(&frame))
            .unwrap()
            .vehicle
            .unwrap();
        let upstream = vehicle
            .link()
            .map(|node| json!({"region": node.region, "id": node.id}));
        assert_eq!(upstream, Some(link["upstreamNodeId"].clone()));
        assert_eq!(vehicle.lane(), Some(1));
        assert!(vehicle.lane_confidence().unwrap() > 0.9);
        let distance_m = f64::from(vehicle.distance_to_stop_m().unwrap());
        assert!(
            (distance_m / half_m - 1.0).abs() < 0.05,
            "{distance_m} of {half_m} m"
        );
        let phases = link["lanes"][0]["connectsTo"].as_array().unwrap();
        let governing = phases
            .iter()
            .map(|connection| connection["phaseId"].as_u64());
        let signals: Vec<_> = vehicle.signals().collect();
        assert!(governing.eq(signals.iter().map(|signal| Some(u64::from(signal.id)))));
        let unknown = signals
            .iter()
            .all(|signal| signal.state.light == Light::Unavailable);
        assert!(unknown, "no SPAT came");
    }
    println!("recorded MAPs read: 1, with {} links", links.len());
}

fn received(bytes: &[u8]) -> Received<'_> {
    Received {
        time: NOW,
        rssi_dbm: None,
        bytes,
    }
}
