//! Traffic on the lanes of a junction, summed up over an interval: our own report, durable, so that
//! no minute of it is missing after an outage.
//!
//! It counts the vehicles that are heard: where a tenth of them is equipped, a tenth is counted.

use std::collections::BTreeMap;

use rsu_firmware::time::{Span, Timestamp};
use serde::Serialize;

use super::junction::{JunctionSnapshot, Node, Vehicle, VehicleId};

/// What happened on the lanes of one junction between two moments.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(title = "Traffic at a junction"))]
#[serde(rename_all = "camelCase")]
pub struct Traffic {
    /// The roadside unit that reports.
    pub rsu_id: String,
    /// The junction, by its node in the MAP.
    pub node: Node,
    /// Begin, in milliseconds since 1970-01-01T00:00:00Z.
    pub from_ms: i64,
    /// End, likewise.
    pub to_ms: i64,
    /// All lanes on which a vehicle was heard.
    pub lanes: Vec<LaneTraffic>,
}

/// What happened on one lane.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct LaneTraffic {
    /// The link it belongs to, by its upstream node.
    pub link: Node,
    /// Its number in the MAP.
    pub lane: u8,
    /// Vehicles that crossed the stop line from this lane.
    pub passed: u32,
    /// Mean speed of the vehicles on the lane, over all snapshots, m/s.
    pub mean_speed: Option<f32>,
    /// Most vehicles that waited in a row at one moment.
    pub queue_count_max: usize,
    /// The longest such row, in m.
    pub queue_length_m_max: f32,
}

/// Sums up, junction by junction.
#[derive(Debug)]
pub(super) struct TrafficCounter {
    interval: Span,
    junctions: BTreeMap<NodeKey, Junction>,
}

type NodeKey = (Option<u16>, u16);
type LaneKey = (NodeKey, u8);

/// A vehicle that leaves its approach from nearer than this has crossed the stop line: at 25 m/s
/// that is the way of one second.
const CROSSED_WITHIN_M: f32 = 25.0;

#[derive(Debug)]
struct Junction {
    since: Timestamp,
    lanes: BTreeMap<LaneKey, Sums>,
    /// The vehicles before the stop line in the latest snapshot; replaced with each.
    approaching: BTreeMap<[u8; 8], Approaching>,
}

#[derive(Clone, Copy, Debug)]
struct Approaching {
    link: Node,
    lane: u8,
    distance_m: f32,
}

#[derive(Clone, Copy, Debug)]
struct Sums {
    traffic: LaneTraffic,
    speed_sum: f64,
    speeds: u32,
}

impl TrafficCounter {
    /// Sums up over `interval`; not at all, if that is zero.
    pub(super) fn new(interval: Span) -> Self {
        Self {
            interval,
            junctions: BTreeMap::new(),
        }
    }

    /// Takes a snapshot in. Returns what happened until then, when the interval is over: intervals
    /// begin at whole multiples of their length since 1970, as clocks show them.
    pub(super) fn observe(&mut self, snapshot: &JunctionSnapshot<'_>) -> Option<Traffic> {
        if self.interval <= Span::default() {
            return None;
        }
        let now = snapshot.time;
        // Nodes are as many as the fusion holds; this is for maps that change for years.
        if self.junctions.len() >= JUNCTIONS_MAX
            && !self.junctions.contains_key(&key(snapshot.node))
        {
            self.junctions.pop_first();
        }
        let junction = self
            .junctions
            .entry(key(snapshot.node))
            .or_insert_with(|| Junction::new(now));
        let ended = junction.poll(now, self.interval, snapshot);
        junction.observe(snapshot);
        ended
    }
}

/// Junctions that are summed up at a time.
const JUNCTIONS_MAX: usize = 16;

impl Junction {
    fn new(since: Timestamp) -> Self {
        Self {
            since,
            lanes: BTreeMap::new(),
            approaching: BTreeMap::new(),
        }
    }

    fn poll(
        &mut self,
        now: Timestamp,
        interval: Span,
        snapshot: &JunctionSnapshot<'_>,
    ) -> Option<Traffic> {
        let number = |time: Timestamp| time.as_micros().div_euclid(interval.as_micros());
        if number(now) == number(self.since) {
            return None;
        }
        let lanes = std::mem::take(&mut self.lanes).into_values();
        let ended = Traffic {
            rsu_id: snapshot.rsu_id.to_owned(),
            node: snapshot.node,
            from_ms: self.since.as_millis(),
            to_ms: now.as_millis(),
            lanes: lanes.map(Sums::traffic).collect(),
        };
        self.since = now;
        (!ended.lanes.is_empty()).then_some(ended)
    }

    fn observe(&mut self, snapshot: &JunctionSnapshot<'_>) {
        for lane in &snapshot.lanes {
            if lane.queue.count > 0 {
                let traffic = &mut self.sums(lane.link, lane.lane).traffic;
                traffic.queue_count_max = traffic.queue_count_max.max(lane.queue.count);
                traffic.queue_length_m_max = traffic.queue_length_m_max.max(lane.queue.length_m);
            }
        }
        let before = std::mem::take(&mut self.approaching);
        for vehicle in &snapshot.vehicles {
            let VehicleId(id) = vehicle.id;
            let now = Approaching::of(vehicle);
            if let Some(before) = before.get(&id)
                && before.has_crossed(now)
            {
                self.sums(before.link, before.lane).traffic.passed += 1;
            }
            if let Some(now) = now {
                if let Some(speed) = vehicle.speed {
                    let sums = self.sums(now.link, now.lane);
                    sums.speed_sum += f64::from(speed);
                    sums.speeds += 1;
                }
                self.approaching.insert(id, now);
            }
        }
    }

    fn sums(&mut self, link: Node, lane: u8) -> &mut Sums {
        let lanes = self.lanes.entry((key(link), lane));
        lanes.or_insert_with(|| Sums::new(link, lane))
    }
}

impl Approaching {
    /// Where a vehicle is that has not reached the stop line.
    fn of(vehicle: &Vehicle) -> Option<Self> {
        let approaching = Self {
            link: vehicle.link?,
            lane: vehicle.lane?,
            distance_m: vehicle.distance_to_stop?,
        };
        (approaching.distance_m > 0.0).then_some(approaching)
    }

    fn has_crossed(&self, now: Option<Self>) -> bool {
        let is_on_the_link = now.is_some_and(|now| now.link == self.link);
        !is_on_the_link && self.distance_m < CROSSED_WITHIN_M
    }
}

impl Sums {
    fn new(link: Node, lane: u8) -> Self {
        Self {
            traffic: LaneTraffic {
                link,
                lane,
                passed: 0,
                mean_speed: None,
                queue_count_max: 0,
                queue_length_m_max: 0.0,
            },
            speed_sum: 0.0,
            speeds: 0,
        }
    }

    fn traffic(self) -> LaneTraffic {
        let mean = self.speed_sum / f64::from(self.speeds.max(1));
        LaneTraffic {
            mean_speed: (self.speeds > 0).then_some((mean * 100.0).round() as f32 / 100.0),
            ..self.traffic
        }
    }
}

fn key(node: Node) -> NodeKey {
    (node.region, node.id)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::junction::{Lane, Queue};
    use super::*;
    use crate::clock::ClockQuality;

    const NODE: Node = Node {
        region: None,
        id: 100,
    };
    const LINK: Node = Node {
        region: None,
        id: 101,
    };

    /// Whole minutes and seconds behind one.
    fn at(minute: i64, second: i64) -> Timestamp {
        Timestamp::from_millis((29_000_000 + minute) * 60_000 + second * 1_000)
    }

    fn vehicle(id: u8, distance_m: Option<f32>, speed: f32) -> Vehicle {
        Vehicle {
            id: VehicleId([id; 8]),
            position: None,
            speed: Some(speed),
            heading: None,
            link: distance_m.map(|_| LINK),
            lane: distance_m.map(|_| 1),
            lane_confidence: None,
            distance_to_stop: distance_m,
            signals: Vec::new(),
            age_ms: 0,
        }
    }

    fn snapshot(
        time: Timestamp,
        vehicles: Vec<Vehicle>,
        queue: usize,
    ) -> JunctionSnapshot<'static> {
        JunctionSnapshot {
            rsu_id: "R1",
            seq: 1,
            time,
            time_ms: time.as_millis(),
            clock: ClockQuality::default(),
            node: NODE,
            signals_age_ms: None,
            phases: Vec::new(),
            lanes: vec![Lane {
                link: LINK,
                lane: 1,
                phases: Vec::new(),
                vehicles: Vec::new(),
                queue: Queue {
                    count: queue,
                    length_m: queue as f32 * 6.0,
                },
            }],
            vehicles,
        }
    }

    fn counter() -> TrafficCounter {
        TrafficCounter::new(Span::from_millis(60_000))
    }

    #[test]
    fn a_minute_is_told_when_the_next_has_begun() {
        let mut counter = counter();
        let mut observe = |time, vehicles, queue| counter.observe(&snapshot(time, vehicles, queue));
        assert_eq!(
            observe(at(0, 50), vec![vehicle(1, Some(20.0), 10.0)], 2),
            None
        );
        assert_eq!(
            observe(at(0, 51), vec![vehicle(1, Some(10.0), 20.0)], 3),
            None
        );
        assert_eq!(
            observe(at(0, 52), vec![vehicle(1, Some(-1.0), 20.0)], 1),
            None
        );
        let minute = observe(at(1, 0), vec![], 0).unwrap();
        assert_eq!(
            (minute.from_ms, minute.to_ms),
            (at(0, 50).as_millis(), at(1, 0).as_millis())
        );
        let [lane] = minute.lanes[..] else {
            panic!("{minute:?}")
        };
        assert_eq!((lane.passed, lane.mean_speed), (1, Some(15.0)));
        assert_eq!((lane.queue_count_max, lane.queue_length_m_max), (3, 18.0));
        assert_eq!(
            observe(at(2, 0), vec![], 0),
            None,
            "nothing happened in that minute"
        );
    }

    #[test]
    fn a_vehicle_passes_once_and_only_over_the_stop_line() {
        let mut counter = counter();
        for (second, vehicles) in [
            (
                0,
                vec![
                    vehicle(1, Some(8.0), 9.0),
                    vehicle(2, Some(150.0), 9.0),
                    vehicle(3, Some(5.0), 9.0),
                ],
            ),
            // 1 is in the junction, 2 turned into a yard, 3 is not heard any more.
            (1, vec![vehicle(1, None, 9.0), vehicle(2, None, 9.0)]),
            (2, vec![vehicle(1, None, 9.0)]),
        ] {
            counter.observe(&snapshot(at(0, second), vehicles, 0));
        }
        let minute = counter.observe(&snapshot(at(1, 0), vec![], 0)).unwrap();
        assert_eq!(minute.lanes[0].passed, 1);
    }

    #[test]
    fn a_clock_that_jumps_ends_the_interval() {
        let mut counter = counter();
        counter.observe(&snapshot(at(10, 0), vec![], 1));
        let back = counter.observe(&snapshot(at(0, 0), vec![], 0)).unwrap();
        assert!(back.to_ms < back.from_ms);
    }

    #[test]
    fn junctions_without_number_do_not_grow_the_table() {
        let mut counter = counter();
        for id in 0..100 {
            let node = Node { region: None, id };
            counter.observe(&JunctionSnapshot {
                node,
                ..snapshot(at(0, 0), vec![], 0)
            });
        }
        assert_eq!(counter.junctions.len(), JUNCTIONS_MAX);
    }
}
