//! An intersection with as many lanes as wished, and vehicles that drive towards it.

use std::f64::consts::TAU;

use rsu_firmware::message::MessageFrame;
use rsu_firmware::network::{self, Adaptation, Aid, HEADER_LENGTH_MAX};
use rsu_firmware::time::Timestamp;
use rsu_firmware::uper::Profile;
use serde_json::{Value, json};

/// Straight approaches from all sides, with the lanes dealt out evenly.
pub(crate) struct Roads {
    approaches: usize,
    lanes_per_approach: usize,
    sent: usize,
}

const CENTRE_LAT: f64 = 29.7;
const CENTRE_LONG: f64 = 106.5;
const METRES_PER_DEGREE: f64 = 111_200.0;
const LENGTH_M: f64 = 200.0;
const STOP_LINE_M: f64 = 30.0;
const LANE_WIDTH_M: f64 = 3.5;
const POINTS_PER_LANE: usize = 8;
const SPEED_MPS: f64 = 10.0;
const APPROACHES_MAX: usize = 8;

impl Roads {
    /// With so many lanes, a multiple of the number of approaches.
    pub(crate) fn new(lanes: usize) -> Self {
        let approaches = lanes.min(APPROACHES_MAX);
        Self {
            approaches,
            lanes_per_approach: lanes / approaches,
            sent: 0,
        }
    }

    /// The frame of the MAP.
    pub(crate) fn map(&self) -> Vec<u8> {
        let links: Vec<Value> = (0..self.approaches)
            .map(|approach| self.link(approach))
            .collect();
        let (lat, long) = degrees_e7(0.0, 0.0);
        frame(
            Aid::MAP,
            &json!({"mapFrame": {"msgCnt": 0, "nodes": [{
                "id": {"region": 1, "id": 1},
                "refPos": {"lat": lat, "long": long},
                "inLinks": links,
            }]}}),
        )
    }

    fn link(&self, approach: usize) -> Value {
        let lanes: Vec<Value> = (0..self.lanes_per_approach)
            .map(|lane| {
                let last = (POINTS_PER_LANE - 1) as f64;
                let points = (0..POINTS_PER_LANE).map(|point| {
                    let ahead_m = LENGTH_M - (LENGTH_M - STOP_LINE_M) * point as f64 / last;
                    let (east_m, north_m) = self.place(approach, lane, ahead_m);
                    let (lat, long) = degrees_e7(east_m, north_m);
                    let (here_lat, here_long) = degrees_e7(0.0, 0.0);
                    json!({"posOffset": {"offsetLL": {"position-LL4":
                        {"lon": long - here_long, "lat": lat - here_lat}}}})
                });
                json!({"laneID": lane + 1, "laneWidth": 350,
                    "points": points.collect::<Vec<_>>()})
            })
            .collect();
        json!({
            "upstreamNodeId": {"region": 1, "id": 100 + approach},
            "linkWidth": 350 * self.lanes_per_approach,
            "lanes": lanes,
        })
    }

    /// The frame of the vehicle whose turn it is, of so many.
    pub(crate) fn bsm(&mut self, now: Timestamp, vehicles: usize) -> Vec<u8> {
        let (vehicle, round) = (self.sent % vehicles, self.sent / vehicles);
        self.sent += 1;
        let lanes = self.approaches * self.lanes_per_approach;
        let (approach, lane) = (vehicle % self.approaches, vehicle % lanes / self.approaches);
        let row = vehicle / lanes;
        let driven_m = SPEED_MPS / 10.0 * round as f64 + 7.0 * row as f64;
        let ahead_m = LENGTH_M - driven_m % (LENGTH_M - STOP_LINE_M);
        let (east_m, north_m) = self.place(approach, lane, ahead_m);
        let (lat, long) = degrees_e7(east_m, north_m);
        let heading_deg = (self.direction(approach).to_degrees() + 180.0).rem_euclid(360.0);
        frame(
            Aid::BSM_REGULAR,
            &json!({"bsmFrame": {
                "msgCnt": round % 128,
                "id": format!("{vehicle:016X}"),
                "secMark": now.minute_of_year().1,
                "pos": {"lat": lat, "long": long},
                "transmission": "forwardGears",
                "speed": (SPEED_MPS / 0.02) as u16,
                "heading": (heading_deg / 0.0125) as u16,
                "accelSet": {"long": 0, "lat": 0, "vert": 0, "yaw": 0},
                "brakes": {},
                "size": {"width": 180, "length": 450},
                "vehicleClass": {"classification": 10},
            }}),
        )
    }

    /// From where an approach comes, clockwise from north.
    fn direction(&self, approach: usize) -> f64 {
        TAU * approach as f64 / self.approaches as f64
    }

    /// East and north of the centre, in m, on a lane, that far before the centre.
    fn place(&self, approach: usize, lane: usize, ahead_m: f64) -> (f64, f64) {
        let (sine, cosine) = self.direction(approach).sin_cos();
        let aside_m = LANE_WIDTH_M * (lane as f64 + 0.5);
        (
            ahead_m * sine - aside_m * cosine,
            ahead_m * cosine + aside_m * sine,
        )
    }
}

fn degrees_e7(east_m: f64, north_m: f64) -> (i64, i64) {
    let lat = CENTRE_LAT + north_m / METRES_PER_DEGREE;
    let long = CENTRE_LONG + east_m / METRES_PER_DEGREE / CENTRE_LAT.to_radians().cos();
    ((lat * 1e7) as i64, (long * 1e7) as i64)
}

fn frame(aid: Aid, jer: &Value) -> Vec<u8> {
    let text = jer.to_string();
    let message: MessageFrame<'_> = serde_json::from_str(&text).expect("a message");
    let mut bytes = vec![0; 1 << 16];
    let length = message.encode(&mut bytes, Profile::Ydt3709_2020);
    bytes.truncate(length.expect("within the schema"));
    let mut frame = vec![0; HEADER_LENGTH_MAX + bytes.len()];
    let length = network::build(
        aid,
        &bytes,
        Adaptation::Present,
        usize::from(u16::MAX),
        &mut frame,
    );
    frame.truncate(length.expect("within a frame"));
    frame
}
