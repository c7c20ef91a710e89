//! From the views of the fusion to a snapshot.

use rsu_firmware::fusion::input::{self, NodeId};
use rsu_firmware::fusion::{
    self, ApproachView, Countdown, JunctionView, LaneView, PhaseView, VehicleView,
};
use rsu_firmware::time::Span;

use super::{
    JunctionSnapshot, Lane, Light, Node, Phase, Position, Queue, TimeToChange, Vehicle, VehicleId,
};
use crate::clock::ClockQuality;

impl<'a> JunctionSnapshot<'a> {
    /// What `picture` shows of `junction`.
    pub fn new(
        rsu_id: &'a str,
        seq: u64,
        clock: ClockQuality,
        picture: &fusion::Snapshot<'_>,
        junction: &JunctionView<'_>,
    ) -> Self {
        let time = picture.time();
        let is_here = |vehicle: &VehicleView<'_>| {
            vehicle
                .junction()
                .is_none_or(|node| node == junction.node())
        };
        let lanes = |approach: ApproachView<'_>| {
            let link = approach.upstream().into();
            approach
                .lanes()
                .map(|lane| Lane::new(link, &lane))
                .collect::<Vec<_>>()
        };
        Self {
            rsu_id,
            seq,
            time,
            time_ms: time.as_millis(),
            clock,
            node: junction.node().into(),
            signals_age_ms: junction
                .signals_generated()
                .map(|then| (time - then).as_millis()),
            phases: junction.phases().map(Phase::from).collect(),
            lanes: junction.approaches().flat_map(lanes).collect(),
            vehicles: picture
                .vehicles()
                .filter(is_here)
                .map(Vehicle::from)
                .collect(),
        }
    }
}

impl Lane {
    fn new(link: Node, lane: &LaneView<'_>) -> Self {
        let queue = lane.queue();
        Self {
            link,
            lane: lane.id(),
            phases: lane.phases().map(|phase| phase.id).collect(),
            vehicles: lane
                .vehicles()
                .map(|vehicle| VehicleId(vehicle.id().0))
                .collect(),
            queue: Queue {
                count: queue.vehicles,
                length_m: known(queue.length_m, HUNDREDTHS).unwrap_or(0.0),
            },
        }
    }
}

impl From<VehicleView<'_>> for Vehicle {
    fn from(vehicle: VehicleView<'_>) -> Self {
        let report = vehicle.report();
        Self {
            id: VehicleId(vehicle.id().0),
            position: report
                .and_then(|report| report.position)
                .map(Position::from),
            speed: vehicle
                .speed_mps()
                .and_then(|speed| known(speed, HUNDREDTHS)),
            heading: report
                .and_then(|report| report.heading_deg)
                .and_then(|heading| known(heading, TEN_THOUSANDTHS)),
            link: vehicle.link().map(Node::from),
            lane: vehicle.lane(),
            lane_confidence: vehicle
                .lane_confidence()
                .and_then(|c| known(c, THOUSANDTHS)),
            distance_to_stop: vehicle
                .distance_to_stop_m()
                .and_then(|m| known(m, HUNDREDTHS)),
            signals: vehicle.signals().map(Phase::from).collect(),
            age_ms: vehicle.age().as_millis(),
        }
    }
}

/// How many digits a number is worth, as a factor.
const HUNDREDTHS: f32 = 100.0;
const THOUSANDTHS: f32 = 1_000.0;
const TEN_THOUSANDTHS: f32 = 10_000.0;

/// The number to so many digits; JSON has none for what is not finite.
fn known(value: f32, digits: f32) -> Option<f32> {
    let rounded = (value * digits).round() / digits;
    rounded.is_finite().then_some(rounded)
}

impl From<PhaseView> for Phase {
    fn from(phase: PhaseView) -> Self {
        Self {
            phase_id: phase.id,
            light: phase.state.light.into(),
            time_to_change: TimeToChange::new(&phase.state.change),
        }
    }
}

impl TimeToChange {
    fn new(change: &Countdown) -> Option<Self> {
        let seconds = |span: Span| span.as_millis() as f64 / 1_000.0;
        (*change != Countdown::default()).then(|| Self {
            min: change.min.map(seconds),
            likely: change.likely.map(seconds),
            max: change.max.map(seconds),
        })
    }
}

impl From<input::Position> for Position {
    fn from(position: input::Position) -> Self {
        Self {
            lat: f64::from(position.latitude_e7()) / 1e7,
            lon: f64::from(position.longitude_e7()) / 1e7,
        }
    }
}

impl From<NodeId> for Node {
    fn from(node: NodeId) -> Self {
        Self {
            region: node.region,
            id: node.id,
        }
    }
}

impl From<input::Light> for Light {
    fn from(light: input::Light) -> Self {
        match light {
            input::Light::Unavailable => Self::Unavailable,
            input::Light::Dark => Self::Dark,
            input::Light::FlashingRed => Self::FlashingRed,
            input::Light::Red => Self::Red,
            input::Light::FlashingGreen => Self::FlashingGreen,
            input::Light::PermissiveGreen => Self::PermissiveGreen,
            input::Light::ProtectedGreen => Self::ProtectedGreen,
            input::Light::Yellow => Self::Yellow,
            input::Light::FlashingYellow => Self::FlashingYellow,
        }
    }
}
