//! Vehicles that are nowhere, and vehicles without number.

use allocation_counter::measure;
use rsu_firmware::fusion::VEHICLES;
use rsu_firmware::network::MessageKind;
use rsu_firmware::pc5::Received;
use rsu_firmware::stats::FrameKind;
use rsu_firmware::uper::Profile;
use serde_json::{Value, json};

use crate::site::{Site, drive, frame_of};

const BSM: FrameKind = FrameKind::Known(MessageKind::Bsm);

fn stranger(site: &Site, number: u64) -> Value {
    let mut bsm = site.last(BSM);
    bsm["bsmFrame"]["id"] = json!(format!("{number:016X}"));
    bsm
}

#[test]
fn a_vehicle_that_does_not_know_where_it_is_has_no_lane() {
    let mut site = Site::new();
    for (unknown, latitude, longitude) in [
        (true, 900_000_001_i64, 1_065_623_000),
        (true, 297_215_000, 1_800_000_001),
        (true, 900_000_001, 1_800_000_001),
        (false, 900_000_000, 0),
        (false, -900_000_000, -1_799_999_999),
        (false, 0, 1_800_000_000),
        (false, 297_215_000, -1_065_623_000),
        (false, -297_215_000, 1_065_623_000),
    ] {
        let mut bsm = stranger(&site, latitude.cast_unsigned());
        bsm["bsmFrame"]["pos"] = json!({"lat": latitude, "long": longitude});
        let raised = site.raised(|site| {
            assert_eq!(
                site.receive_message(&bsm),
                Ok(Some((None, None))),
                "{latitude} {longitude}"
            );
        });
        let without = raised
            .get("vehicle_without_position")
            .copied()
            .unwrap_or_default();
        assert_eq!(
            without,
            u64::from(unknown),
            "{latitude} {longitude}: {raised:?}"
        );
    }
    site.assert_goes_on();
}

/// The ends of the first lane that the MAP describes.
fn lane_ends(site: &Site) -> [[i64; 2]; 2] {
    let map = site.last(FrameKind::Known(MessageKind::Map));
    let node = &map["mapFrame"]["nodes"][0];
    let points = node["inLinks"][0]["lanes"][0]["points"].as_array().unwrap();
    [points.first(), points.last()].map(|point| {
        let offset = point.unwrap()["posOffset"]["offsetLL"].as_object().unwrap();
        let offset = offset.values().next().unwrap();
        let along = |reference: &str, axis: &str| {
            node["refPos"][reference].as_i64().unwrap() + offset[axis].as_i64().unwrap()
        };
        [along("lat", "lat"), along("long", "lon")]
    })
}

/// Most of an approach in 100 ms, and then to the other side of the earth.
#[test]
fn a_vehicle_that_jumps_is_counted_and_followed_from_there() {
    let mut site = Site::new();
    let [begin, end] = lane_ends(&site);
    let mut bsm = stranger(&site, 1);
    let mark = bsm["bsmFrame"]["secMark"].as_i64().unwrap();
    let mut drive_to = |share, later_ms: i64| {
        let length_m = drive(&mut bsm, begin, end, share);
        assert!(length_m > 200.0, "{length_m}");
        bsm["bsmFrame"]["secMark"] = json!((mark + later_ms) % 60_000);
        bsm.clone()
    };
    let [far, near] = [drive_to(0.1, 0), drive_to(0.9, 100)];
    let place = site.receive_message(&far).unwrap();
    assert_eq!(place.and_then(|(_, lane)| lane), Some(1));
    let raised = site.raised(|site| {
        let place = site.receive_message(&near).unwrap();
        assert_eq!(place.and_then(|(_, lane)| lane), Some(1));
    });
    assert_eq!(raised, [("vehicle_jumped", 1)].into());

    let mut antipode = drive_to(0.9, 200);
    antipode["bsmFrame"]["pos"] = json!({"lat": -297_215_000, "long": -737_000_000});
    assert_eq!(site.receive_message(&antipode), Ok(Some((None, None))));
    site.assert_goes_on();
}

/// Each id is heard once: the table stays as large as it is, and those not heard of longest make
/// way.
#[test]
fn twenty_thousand_vehicles_fit_into_the_memory_of_a_few() {
    const STRANGERS: u64 = 20_000;
    let mut site = Site::new();
    let frames: Vec<_> = {
        let mut bsm = stranger(&site, 0);
        let mut frame = |number: u64| {
            bsm["bsmFrame"]["id"] = json!(format!("{number:016X}"));
            frame_of(&bsm, Profile::default())
        };
        (0..STRANGERS).map(&mut frame).collect()
    };
    let now = site.now;
    let station = site.station();
    let allocations = measure(|| {
        for bytes in &frames {
            let received = Received {
                time: now,
                rssi_dbm: None,
                bytes,
            };
            assert!(station.handle_frame(&received).is_ok());
        }
    });
    assert_eq!(allocations.count_total, 0);
    assert_eq!(
        station.rsu().fusion_mut().snapshot(now).vehicles().len(),
        VEHICLES
    );
    let evicted = site.counters()["vehicle_evicted"];
    let room = VEHICLES as u64;
    assert!(
        (STRANGERS - room..=STRANGERS).contains(&evicted),
        "{evicted}"
    );
    site.assert_goes_on();
}
