//! What is going on at the junctions around: geometry, lights and vehicles brought together.
//!
//! ```text
//! MAP  -> begin_junction -> JunctionBuilder -> intersection \
//! SPAT -> begin_signals  -> SignalsWriter   -> signal        > handle_vehicle, snapshot -> views
//! BSM  -> handle_vehicle -> track, lane     -> vehicle      /
//! ```
//!
//! The types do not depend on a message set; [`input`] says what one must deliver. Everything lives
//! in fixed memory: what exceeds a named limit is left out under a counter of its own
//! ([`Counters`]). Time is an argument.

mod counters;
mod geometry;
pub mod input;
mod intersection;
mod lane;
mod signal;
mod snapshot;
mod track;
mod vehicle;

#[cfg(test)]
mod tests;

pub use counters::Counters;
pub use intersection::{
    APPROACHES_PER_JUNCTION, CONNECTIONS_PER_JUNCTION, LANES_PER_JUNCTION, MapError,
    POINTS_PER_JUNCTION, POINTS_PER_LINE,
};
pub use lane::LANES_PER_APPROACH;
pub use signal::{
    ANNOUNCEMENTS_PER_PHASE, Countdown, PHASES_PER_JUNCTION, PhaseState, SIGNAL_AGE_MAX,
    SIGNAL_CLOCK_ERROR_MAX,
};
pub use snapshot::{
    ApproachView, JunctionView, LaneView, PhaseView, QUEUE_GAP_M_MAX, Queue, Snapshot, VehicleView,
};
pub use track::STANDING_MPS_MAX;
pub use vehicle::VEHICLE_AGE_MAX;

use input::{Announcement, ApproachInput, Connection, LaneInput, NodeId, Position, VehicleReport};
use intersection::Junction;
use signal::{Phase, Signals};
use track::{Outcome, Scene, Track};
use vehicle::{Slot, Vehicle, Vehicles};

use crate::time::{Span, Timestamp};

/// How many junctions are kept at a time. A roadside unit serves one, and hears its neighbours.
pub const JUNCTIONS: usize = 4;

/// How many vehicles are kept at a time, unless chosen otherwise.
pub const VEHICLES: usize = 1024;

/// Geometry not broadcast for so long may make way for another junction's; MAP comes every second.
pub const JUNCTION_AGE_MAX: Span = Span::from_millis(60_000);

/// A clock that goes back further than this was set; what is held has no meaning then.
const CLOCK_STEP_MAX: Span = Span::from_millis(2_000);

/// Reports of one vehicle overtake each other within this time, not later.
const REORDERING_MAX: Span = Span::from_millis(1_000);

/// Junctions in force, and the room in which the next geometry is built.
const ROOMS: usize = JUNCTIONS + 1;

/// The fused picture of the junctions, of up to `N` vehicles.
///
/// It is large (about a megabyte by default): keep it in a `static` or a `Box`.
pub struct Fusion<const N: usize = VEHICLES> {
    geometries: [Junction; ROOMS],
    /// Which geometry belongs to which junction number; the last one is the room to build in.
    rooms: [usize; ROOMS],
    signals: [Signals; JUNCTIONS],
    vehicles: Vehicles<N>,
    /// Vehicles in the order of a snapshot.
    order: [Slot; N],
    counters: Counters,
    latest: Option<Timestamp>,
}

/// What became of geometry that was received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MapChange {
    /// It was in force already.
    Unchanged,
    /// It is in force now.
    Changed,
}

impl<const N: usize> Default for Fusion<N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const N: usize> Fusion<N> {
    /// Nothing known yet.
    // Inlined, so that what is moved into a `Box` need not be on the stack twice.
    #[inline(always)]
    pub const fn new() -> Self {
        let mut rooms = [0; ROOMS];
        let mut number = 0;
        while number < ROOMS {
            rooms[number] = number;
            number += 1;
        }
        Self {
            geometries: [Junction::EMPTY; ROOMS],
            rooms,
            signals: [Signals::EMPTY; JUNCTIONS],
            vehicles: Vehicles::new(),
            order: [0; N],
            counters: Counters {
                map_contradictory: 0,
                map_limit: 0,
                map_junction_limit: 0,
                signals_unknown_junction: 0,
                signals_out_of_order: 0,
                signals_clock_off: 0,
                phase_limit: 0,
                announcement_limit: 0,
                vehicle_without_position: 0,
                vehicle_out_of_order: 0,
                vehicle_jumped: 0,
                vehicle_evicted: 0,
                clock_stepped_back: 0,
            },
            latest: None,
        }
    }

    /// What was left out so far.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Takes in a junction's geometry. `None` when there is no room for another junction (counted).
    ///
    /// `reference` is what plane coordinates are counted from; a junction without is refused.
    pub fn begin_junction(
        &mut self,
        now: Timestamp,
        node: NodeId,
        reference: Option<Position>,
    ) -> Option<JunctionBuilder<'_, N>> {
        self.observe_clock(now);
        let number = self
            .junction_number(node)
            .or_else(|| self.room_with_signals(node))
            .or_else(|| self.room_for_junction(now));
        let Some(number) = number else {
            self.counters.map_junction_limit += 1;
            return None;
        };
        let draft = self.geometry_mut(JUNCTIONS)?;
        draft.refreshed = now;
        let error = draft.begin(node, reference).err();
        Some(JunctionBuilder {
            fusion: self,
            number,
            error,
        })
    }

    /// Takes in the lights of a junction as of `generated`, phase by phase. `None` when newer
    /// states are held, or there is no room for the lights of another junction (counted).
    ///
    /// Lights of a junction whose geometry is not known yet are counted, and wait for it where
    /// there is room. Phases that are not mentioned keep what was announced of them.
    pub fn begin_signals(
        &mut self,
        now: Timestamp,
        node: NodeId,
        generated: Timestamp,
    ) -> Option<SignalsWriter<'_>> {
        self.observe_clock(now);
        let number = self.junction_number(node).or_else(|| {
            self.counters.signals_unknown_junction += 1;
            self.room_with_signals(node)
                .or_else(|| self.room_for_signals(now))
        })?;
        let signals = self.signals.get_mut(number)?;
        if signals.node != Some(node) {
            signals.clear();
        }
        let clock_error = (now - generated).as_micros().unsigned_abs();
        let effective = if clock_error > SIGNAL_CLOCK_ERROR_MAX.as_micros().unsigned_abs() {
            self.counters.signals_clock_off += 1;
            now
        } else {
            generated
        };
        if effective < signals.generated {
            self.counters.signals_out_of_order += 1;
            return None;
        }
        signals.node = Some(node);
        signals.generated = effective;
        Some(SignalsWriter {
            signals,
            counters: &mut self.counters,
            generated,
            effective,
            current: None,
        })
    }

    /// Takes in a vehicle's report and tells what is now known about the vehicle.
    ///
    /// A report that is not newer than what is held changes nothing (counted).
    pub fn handle_vehicle(&mut self, now: Timestamp, report: &VehicleReport) -> VehicleView<'_> {
        self.observe_clock(now);
        if report.position.is_none() {
            self.counters.vehicle_without_position += 1;
        }
        let (slot, elapsed) = match self.vehicles.find(report.id) {
            Some(slot) => (slot, self.elapsed_since_last(now, slot, report)),
            None => (self.add_vehicle(now, report), Some(Span::default())),
        };
        match elapsed {
            Some(elapsed) => self.follow_vehicle(now, slot, report, elapsed),
            None => self.counters.vehicle_out_of_order += 1,
        }
        self.view(slot, now)
    }

    /// The picture at `now`: junctions with their lights and lanes, and the vehicles heard of
    /// lately.
    pub fn snapshot(&mut self, now: Timestamp) -> Snapshot<'_> {
        self.observe_clock(now);
        let vehicles = &self.vehicles;
        let recent = vehicles
            .slots()
            .filter(|(_, vehicle)| now.age_since(vehicle.received) <= VEHICLE_AGE_MAX);
        let mut count = 0;
        for ((slot, _), place) in recent.zip(&mut self.order) {
            *place = slot;
            count += 1;
        }
        let order = self.order.get_mut(..count).unwrap_or_default();
        order.sort_unstable_by(|a, b| {
            snapshot::compare(vehicles.at(*a), vehicles.at(*b)).then(a.cmp(b))
        });
        Snapshot::new(
            self.picture(now),
            self.order.get(..count).unwrap_or_default(),
        )
    }

    fn picture(&self, now: Timestamp) -> snapshot::Picture<'_> {
        snapshot::Picture {
            now,
            geometries: &self.geometries,
            rooms: &self.rooms,
            signals: &self.signals,
            vehicles: self.vehicles.entries(),
        }
    }

    fn view(&self, slot: Slot, now: Timestamp) -> VehicleView<'_> {
        VehicleView::new(self.picture(now), slot)
    }

    /// Since the report before; `None` when this one is not newer.
    fn elapsed_since_last(
        &self,
        now: Timestamp,
        slot: Slot,
        report: &VehicleReport,
    ) -> Option<Span> {
        let held = self.vehicles.at(slot)?;
        let by_sender = report.generated - held.report.generated;
        let by_reception = now.age_since(held.received);
        if by_sender > Span::default() {
            return Some(by_sender);
        }
        // A sender whose own clock stands still or was set back is believed after a while.
        (by_reception > REORDERING_MAX).then_some(by_reception)
    }

    fn add_vehicle(&mut self, now: Timestamp, report: &VehicleReport) -> Slot {
        let (slot, evicted) = self.vehicles.insert(Vehicle {
            report: *report,
            received: now,
            track: Track::EMPTY,
        });
        if evicted.is_some_and(|old| now.age_since(old.received) <= VEHICLE_AGE_MAX) {
            self.counters.vehicle_evicted += 1;
        }
        slot
    }

    fn follow_vehicle(
        &mut self,
        now: Timestamp,
        slot: Slot,
        report: &VehicleReport,
        elapsed: Span,
    ) {
        self.vehicles.touch(slot);
        let geometries = &self.geometries;
        let junctions = (0_u8..)
            .zip(self.rooms.iter().take(JUNCTIONS))
            .filter_map(|(number, room)| Some((number, geometries.get(*room)?)))
            .filter(|(_, junction)| junction.node.is_some());
        let scene = Scene {
            now,
            junctions,
            signals: &self.signals,
        };
        let Some(vehicle) = self.vehicles.at_mut(slot) else {
            return;
        };
        vehicle.report = *report;
        vehicle.received = now;
        if vehicle.track.update(report, elapsed, scene) == Outcome::Jumped {
            self.counters.vehicle_jumped += 1;
        }
    }

    fn observe_clock(&mut self, now: Timestamp) {
        if self
            .latest
            .is_some_and(|latest| latest - now > CLOCK_STEP_MAX)
        {
            self.counters.clock_stepped_back += 1;
            self.vehicles.clear();
            self.signals.iter_mut().for_each(Signals::clear);
            for geometry in &mut self.geometries {
                geometry.refreshed = now;
            }
            self.latest = None;
        }
        self.latest = Some(self.latest.map_or(now, |latest| latest.max(now)));
    }

    fn junction_number(&self, node: NodeId) -> Option<usize> {
        (0..JUNCTIONS).find(|number| {
            let junction = self.geometry(*number);
            junction.is_some_and(|junction| junction.node == Some(node))
        })
    }

    fn geometry(&self, number: usize) -> Option<&Junction> {
        self.geometries.get(*self.rooms.get(number)?)
    }

    fn geometry_mut(&mut self, number: usize) -> Option<&mut Junction> {
        let room = *self.rooms.get(number)?;
        self.geometries.get_mut(room)
    }

    /// An unused junction number, or that of the geometry not heard of for too long.
    fn room_for_junction(&self, now: Timestamp) -> Option<usize> {
        let age = |number: usize| {
            let junction = self.geometry(number)?;
            let free = junction.node.is_none();
            let age = now.age_since(junction.refreshed);
            (free || age > JUNCTION_AGE_MAX).then_some((free, age))
        };
        (0..JUNCTIONS)
            .filter_map(|number| Some((age(number)?, number)))
            .max_by_key(|(age, number)| (*age, core::cmp::Reverse(*number)))
            .map(|(_, number)| number)
    }

    /// The unused junction number at which the lights of a node wait for its geometry.
    fn room_with_signals(&self, node: NodeId) -> Option<usize> {
        self.unused_rooms()
            .find(|(_, signals)| signals.node == Some(node))
            .map(|(number, _)| number)
    }

    /// An unused junction number at which no lights wait, or none that are still of use.
    fn room_for_signals(&self, now: Timestamp) -> Option<usize> {
        self.unused_rooms()
            .find(|(_, signals)| {
                signals.node.is_none() || now.age_since(signals.generated) > SIGNAL_AGE_MAX
            })
            .map(|(number, _)| number)
    }

    fn unused_rooms(&self) -> impl Iterator<Item = (usize, &Signals)> {
        let unused = |number: usize| {
            let junction = self.geometry(number)?;
            junction.node.is_none().then_some(())
        };
        (0..)
            .zip(&self.signals)
            .filter(move |(number, _)| unused(*number).is_some())
    }

    fn put_in_force(&mut self, number: usize) -> MapChange {
        let node = self.geometry_mut(JUNCTIONS).and_then(|draft| draft.node);
        let unchanged = self.geometry(number) == self.geometry(JUNCTIONS);
        self.rooms.swap(number, JUNCTIONS);
        if let Some(before) = self.geometry_mut(JUNCTIONS) {
            before.node = None;
        }
        if unchanged {
            return MapChange::Unchanged;
        }
        if let Some(signals) = self.signals.get_mut(number) {
            if signals.node != node {
                signals.clear();
            }
            signals.node = node;
        }
        for vehicle in self.vehicles.iter_mut() {
            vehicle.track.leave_junction(number);
        }
        MapChange::Changed
    }
}

/// Builds a junction's geometry beside the one in force.
///
/// First an approach, its points and movements, then its lanes, each followed by its points and
/// connections; then the next approach. Nothing changes before [`JunctionBuilder::commit`]; the
/// first error stands and is told there, too.
pub struct JunctionBuilder<'a, const N: usize> {
    fusion: &'a mut Fusion<N>,
    number: usize,
    error: Option<MapError>,
}

impl<const N: usize> JunctionBuilder<'_, N> {
    /// Begins an approach.
    pub fn approach(&mut self, approach: &ApproachInput) -> Result<(), MapError> {
        self.draft(|draft| draft.add_approach(approach))
    }

    /// Adds a point to the centre line of the approach, from upstream to the stop line.
    pub fn approach_point(&mut self, position: Option<Position>) -> Result<(), MapError> {
        self.draft(|draft| draft.add_approach_point(position))
    }

    /// Adds a way across the junction that is open to the approach.
    pub fn movement(&mut self, movement: Connection) -> Result<(), MapError> {
        self.draft(|draft| draft.add_movement(movement))
    }

    /// Begins a lane of the approach.
    pub fn lane(&mut self, lane: &LaneInput) -> Result<(), MapError> {
        self.draft(|draft| draft.add_lane(lane))
    }

    /// Adds a point to the centre line of the lane, from upstream to the stop line.
    pub fn lane_point(&mut self, position: Option<Position>) -> Result<(), MapError> {
        self.draft(|draft| draft.add_lane_point(position))
    }

    /// Adds a way across the junction that is open to the lane.
    pub fn connection(&mut self, connection: Connection) -> Result<(), MapError> {
        self.draft(|draft| draft.add_connection(connection))
    }

    /// Gives the geometry up for a reason that shows outside of it.
    pub fn refuse(&mut self, error: MapError) -> MapError {
        *self.error.get_or_insert(error)
    }

    /// Checks the whole and puts it in force, or leaves everything as it was (counted).
    ///
    /// Geometry that is in force already changes nothing: what is known of vehicles stays.
    pub fn commit(mut self) -> Result<MapChange, MapError> {
        match self.draft(Junction::finish) {
            Ok(()) => Ok(self.fusion.put_in_force(self.number)),
            Err(error) => {
                match error {
                    MapError::Limit { .. } => self.fusion.counters.map_limit += 1,
                    _ => self.fusion.counters.map_contradictory += 1,
                }
                Err(error)
            }
        }
    }

    fn draft(
        &mut self,
        step: impl FnOnce(&mut Junction) -> Result<(), MapError>,
    ) -> Result<(), MapError> {
        if let Some(error) = self.error {
            return Err(error);
        }
        let draft = self.fusion.geometry_mut(JUNCTIONS);
        let result = draft.map_or(Err(MapError::OutOfOrder), step);
        self.error = result.err();
        result
    }
}

/// Takes in the lights of one junction.
pub struct SignalsWriter<'a> {
    signals: &'a mut Signals,
    counters: &'a mut Counters,
    generated: Timestamp,
    effective: Timestamp,
    current: Option<usize>,
}

impl SignalsWriter<'_> {
    /// Begins a phase, whose announcements follow. Phases beyond the limit are left out (counted).
    pub fn phase(&mut self, id: u8) {
        self.end_phase();
        let phases = &mut self.signals.phases;
        let known = phases.iter().position(|phase| phase.id == id);
        if known.is_none() && phases.push(Phase::new(id, self.effective)).is_err() {
            self.counters.phase_limit += 1;
            return;
        }
        let place = known.unwrap_or(phases.len().saturating_sub(1));
        if let Some(phase) = phases.get_mut(place) {
            phase.begin(self.effective);
            self.current = Some(place);
        }
    }

    /// Adds what the phase shows or will show. Announcements beyond the limit are left out
    /// (counted).
    pub fn announce(&mut self, announcement: &Announcement) {
        let phase = self
            .current
            .and_then(|place| self.signals.phases.get_mut(place));
        if phase.is_some_and(|phase| !phase.announce(announcement, self.generated)) {
            self.counters.announcement_limit += 1;
        }
    }

    fn end_phase(&mut self) {
        let current = self.current.take();
        if let Some(phase) = current.and_then(|place| self.signals.phases.get_mut(place)) {
            phase.observe();
        }
    }
}

impl Drop for SignalsWriter<'_> {
    fn drop(&mut self) {
        self.end_phase();
    }
}
