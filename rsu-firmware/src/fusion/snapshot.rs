//! Views of the fused picture: junctions, approaches, lanes, phases, vehicles; without copies.

use core::cmp::Ordering;

use super::input::{LaneInput, NodeId, VehicleId, VehicleReport};
use super::intersection::{Approach, Junction, Lane};
use super::signal::{PhaseState, Signals};
use super::track::{Place, STANDING_MPS_MAX, length_m};
use super::vehicle::{Entry, Slot, Vehicle};
use super::{JUNCTIONS, ROOMS};
use crate::time::{Span, Timestamp};

/// Vehicles further apart than this are not in one queue, nor is the first one this far from the
/// stop line. Wider than between two standing vehicles, as not every vehicle has a radio: it
/// leaves room for one that is not heard.
pub const QUEUE_GAP_M_MAX: f32 = 12.0;

/// What all views look at.
#[derive(Clone, Copy)]
pub(super) struct Picture<'a> {
    pub(super) now: Timestamp,
    pub(super) geometries: &'a [Junction; ROOMS],
    pub(super) rooms: &'a [usize; ROOMS],
    pub(super) signals: &'a [Signals; JUNCTIONS],
    pub(super) vehicles: &'a [Entry],
}

impl<'a> Picture<'a> {
    fn junction(&self, number: u8) -> Option<&'a Junction> {
        let room = *self.rooms.get(usize::from(number))?;
        self.geometries.get(room)
    }

    fn approach(&self, place: Place) -> Option<(&'a Junction, &'a Approach)> {
        let junction = self.junction(place.junction)?;
        let approach = junction.approaches().get(usize::from(place.approach))?;
        Some((junction, approach))
    }

    fn lane(&self, place: Place) -> Option<(&'a Junction, &'a Approach, &'a Lane)> {
        let (junction, approach) = self.approach(place)?;
        let lane = junction.lanes(approach).get(usize::from(place.lane))?;
        Some((junction, approach, lane))
    }

    fn vehicle(&self, slot: Slot) -> Option<&'a Vehicle> {
        self.vehicles.get(usize::from(slot))?.vehicle.as_ref()
    }

    fn phase(&self, junction: u8, id: u8) -> PhaseView {
        let signals = self.signals.get(usize::from(junction));
        let known = signals.and_then(|signals| signals.phase(id));
        PhaseView {
            id,
            state: known.map_or(PhaseState::default(), |phase| phase.state(self.now)),
        }
    }

    fn phases_of_lane(
        self,
        number: u8,
        junction: &'a Junction,
        approach: &'a Approach,
        lane: &'a Lane,
    ) -> impl Iterator<Item = PhaseView> + Clone + use<'a> {
        junction
            .phases(approach, lane)
            .map(move |id| self.phase(number, id))
    }
}

/// The order of a snapshot: by lane from the stop line upstream, then those on no approach.
pub(super) fn compare(a: Option<&Vehicle>, b: Option<&Vehicle>) -> Ordering {
    let place = |vehicle: Option<&Vehicle>| vehicle.and_then(|vehicle| vehicle.track.place);
    match (place(a), place(b)) {
        (Some(a), Some(b)) => lane_of(a)
            .cmp(&lane_of(b))
            .then(a.distance_m.total_cmp(&b.distance_m)),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => Ordering::Equal,
    }
}

fn lane_of(place: Place) -> (u8, u8, u8) {
    (place.junction, place.approach, place.lane)
}

/// The fused picture at one moment.
#[derive(Clone, Copy)]
pub struct Snapshot<'a> {
    picture: Picture<'a>,
    order: &'a [Slot],
}

impl<'a> Snapshot<'a> {
    pub(super) fn new(picture: Picture<'a>, order: &'a [Slot]) -> Self {
        Self { picture, order }
    }

    /// The moment.
    pub fn time(&self) -> Timestamp {
        self.picture.now
    }

    /// The junctions whose geometry is known.
    pub fn junctions(&self) -> impl Iterator<Item = JunctionView<'a>> + use<'a> {
        let (picture, order) = (self.picture, self.order);
        (0_u8..)
            .take(JUNCTIONS)
            .filter_map(move |number| {
                let junction = picture.junction(number)?;
                Some((number, junction, junction.node?))
            })
            .map(move |(number, junction, node)| JunctionView {
                picture,
                order,
                number,
                junction,
                node,
            })
    }

    /// All vehicles heard of lately: by junction, approach and lane from the stop line upstream,
    /// then those that are on no approach.
    pub fn vehicles(&self) -> impl ExactSizeIterator<Item = VehicleView<'a>> + use<'a> {
        let picture = self.picture;
        self.order
            .iter()
            .map(move |slot| VehicleView::new(picture, *slot))
    }
}

/// One junction.
#[derive(Clone, Copy)]
pub struct JunctionView<'a> {
    picture: Picture<'a>,
    order: &'a [Slot],
    number: u8,
    junction: &'a Junction,
    node: NodeId,
}

impl<'a> JunctionView<'a> {
    /// Which one.
    pub fn node(&self) -> NodeId {
        self.node
    }

    /// When its lights were last told, by the sender's clock; `None` when never.
    pub fn signals_generated(&self) -> Option<Timestamp> {
        let signals = self.picture.signals.get(usize::from(self.number))?;
        (!signals.phases.is_empty()).then_some(signals.generated)
    }

    /// All phases that were announced, in the order of their first announcement.
    pub fn phases(&self) -> impl Iterator<Item = PhaseView> + use<'a> {
        let now = self.picture.now;
        let signals = self.picture.signals.get(usize::from(self.number));
        signals
            .into_iter()
            .flat_map(|signals| &signals.phases)
            .map(move |phase| PhaseView {
                id: phase.id,
                state: phase.state(now),
            })
    }

    /// Its approaches, in the order of the map.
    pub fn approaches(&self) -> impl Iterator<Item = ApproachView<'a>> + use<'a> {
        let junction = *self;
        (0_u8..)
            .zip(self.junction.approaches())
            .map(move |(number, approach)| ApproachView {
                junction,
                number,
                approach,
            })
    }
}

/// All lanes that lead to a junction from one node.
#[derive(Clone, Copy)]
pub struct ApproachView<'a> {
    junction: JunctionView<'a>,
    number: u8,
    approach: &'a Approach,
}

impl<'a> ApproachView<'a> {
    /// The node that its traffic comes from.
    pub fn upstream(&self) -> NodeId {
        self.approach.upstream
    }

    /// Highest speed in m/s, where told.
    pub fn speed_limit_mps(&self) -> Option<f32> {
        self.approach.speed_limit_mps
    }

    /// Its lanes from left to right.
    pub fn lanes(&self) -> impl Iterator<Item = LaneView<'a>> + use<'a> {
        let approach = *self;
        (0_u8..)
            .zip(self.junction.junction.lanes(self.approach))
            .map(move |(number, lane)| LaneView {
                approach,
                number,
                lane,
            })
    }
}

/// One lane of an approach, and who is on it.
#[derive(Clone, Copy)]
pub struct LaneView<'a> {
    approach: ApproachView<'a>,
    number: u8,
    lane: &'a Lane,
}

impl<'a> LaneView<'a> {
    /// Its number in the map.
    pub fn id(&self) -> u8 {
        self.lane.input.id
    }

    /// What the map says of it.
    pub fn description(&self) -> &'a LaneInput {
        &self.lane.input
    }

    /// Its length in m as far as the map tells.
    pub fn length_m(&self) -> f32 {
        self.lane.length_m
    }

    /// The phases that govern it.
    pub fn phases(&self) -> impl Iterator<Item = PhaseView> + Clone + use<'a> {
        let junction = self.approach.junction;
        junction.picture.phases_of_lane(
            junction.number,
            junction.junction,
            self.approach.approach,
            self.lane,
        )
    }

    /// The vehicles that are most likely on it, from the stop line upstream.
    pub fn vehicles(&self) -> impl ExactSizeIterator<Item = VehicleView<'a>> + use<'a> {
        let JunctionView { picture, order, .. } = self.approach.junction;
        let this = (
            self.approach.junction.number,
            self.approach.number,
            self.number,
        );
        let place = |slot: &Slot| Some(lane_of(picture.vehicle(*slot)?.track.place?));
        // Those without a place are last.
        let start = order.partition_point(|slot| place(slot).is_some_and(|lane| lane < this));
        let end = order.partition_point(|slot| place(slot).is_some_and(|lane| lane <= this));
        order
            .get(start..end)
            .unwrap_or_default()
            .iter()
            .map(move |slot| VehicleView::new(picture, *slot))
    }

    /// The standing vehicles in an unbroken row from the stop line upstream; see
    /// [`QUEUE_GAP_M_MAX`] and [`STANDING_MPS_MAX`].
    pub fn queue(&self) -> Queue {
        let mut queue = Queue::default();
        for vehicle in self.vehicles() {
            let standing = vehicle.speed_mps().is_some_and(|v| v < STANDING_MPS_MAX);
            let Some(front_m) = vehicle.distance_to_stop_m().filter(|_| standing) else {
                break;
            };
            if front_m - queue.length_m > QUEUE_GAP_M_MAX {
                break;
            }
            queue.vehicles += 1;
            queue.length_m = queue.length_m.max(front_m + vehicle.length_m());
        }
        queue
    }
}

/// Vehicles that wait on a lane.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Queue {
    /// How many of those that are heard.
    pub vehicles: usize,
    /// From the stop line to the rear of the last one, in m.
    pub length_m: f32,
}

/// One phase at the moment of the picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PhaseView {
    /// Its number.
    pub id: u8,
    /// What it shows, and for how long.
    pub state: PhaseState,
}

/// One vehicle and what follows from where it is.
#[derive(Clone, Copy)]
pub struct VehicleView<'a> {
    picture: Picture<'a>,
    slot: Slot,
}

impl<'a> VehicleView<'a> {
    pub(super) fn new(picture: Picture<'a>, slot: Slot) -> Self {
        Self { picture, slot }
    }

    fn vehicle(&self) -> Option<&'a Vehicle> {
        self.picture.vehicle(self.slot)
    }

    fn place(&self) -> Option<Place> {
        self.vehicle()?.track.place
    }

    /// What it last reported.
    pub fn report(&self) -> Option<&'a VehicleReport> {
        Some(&self.vehicle()?.report)
    }

    /// Who it is.
    pub fn id(&self) -> VehicleId {
        self.report()
            .map_or(VehicleId::default(), |report| report.id)
    }

    /// Since its last report was received.
    pub fn age(&self) -> Span {
        self.vehicle().map_or(Span::default(), |vehicle| {
            self.picture.now.age_since(vehicle.received)
        })
    }

    /// Its speed in m/s, where it tells.
    pub fn speed_mps(&self) -> Option<f32> {
        self.report()?.speed_mps
    }

    /// Its length in m; that of an ordinary car where it does not tell.
    pub fn length_m(&self) -> f32 {
        self.report().map_or(0.0, length_m)
    }

    /// The junction it is driving to; `None` when it is on no approach.
    pub fn junction(&self) -> Option<NodeId> {
        self.picture.approach(self.place()?)?.0.node
    }

    /// The approach it is on, by the node that its traffic comes from.
    pub fn link(&self) -> Option<NodeId> {
        Some(self.picture.approach(self.place()?)?.1.upstream)
    }

    /// The number of the lane that it is most likely on.
    pub fn lane(&self) -> Option<u8> {
        Some(self.picture.lane(self.place()?)?.2.input.id)
    }

    /// How likely that lane is, 0..=1, given that the vehicle is on this approach.
    pub fn lane_confidence(&self) -> Option<f32> {
        Some(self.place()?.confidence)
    }

    /// From its front bumper to the stop line along the lane, in m, as of its last report.
    pub fn distance_to_stop_m(&self) -> Option<f32> {
        Some(self.place()?.distance_m)
    }

    /// The phases that govern its lane.
    pub fn signals(&self) -> impl Iterator<Item = PhaseView> + use<'a> {
        let picture = self.picture;
        self.place()
            .and_then(|place| Some((place.junction, picture.lane(place)?)))
            .into_iter()
            .flat_map(move |(number, (junction, approach, lane))| {
                picture.phases_of_lane(number, junction, approach, lane)
            })
    }
}
