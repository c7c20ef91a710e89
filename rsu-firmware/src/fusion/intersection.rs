//! The geometry of one junction: approaches, their lanes, and which phase governs which.

use heapless::Vec;

use super::geometry::{Bounds, Directions, LinePoint, LocalFrame, Point, measure, project};
use super::input::{ApproachInput, Connection, LaneInput, NodeId, Position};
use super::lane::LANES_PER_APPROACH;
use crate::time::Timestamp;

/// How many approaches a junction may have.
pub const APPROACHES_PER_JUNCTION: usize = 16;
/// How many lanes all approaches of a junction may have together.
pub const LANES_PER_JUNCTION: usize = 128;
/// How many points the lanes of a junction may have together.
pub const POINTS_PER_JUNCTION: usize = 2_048;
/// How many points the centre line of one lane or approach may have.
pub const POINTS_PER_LINE: usize = 31;
/// How many connections the lanes of a junction may have together.
pub const CONNECTIONS_PER_JUNCTION: usize = 512;

/// Nothing of a junction lies further away from its reference position.
const REACH_M_MAX: f32 = 5_000.0;
/// A shorter line has no direction to speak of.
const LINE_LENGTH_M_MIN: f32 = 1.0;
/// Width of a lane that no one tells.
const LANE_WIDTH_M_DEFAULT: f32 = 3.5;

/// Why the geometry of a junction was not taken over. The one before stays in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MapError {
    /// Two approaches come from the same node.
    DuplicateApproach {
        /// That node.
        upstream: NodeId,
    },
    /// Two lanes of an approach have the same number.
    DuplicateLane {
        /// Where the approach comes from.
        upstream: NodeId,
        /// The number.
        lane: u8,
    },
    /// Neither the lane nor its approach has a centre line of two points.
    NoLine {
        /// Where the approach comes from.
        upstream: NodeId,
        /// The lane.
        lane: u8,
    },
    /// A centre line is shorter than a metre.
    NoLength {
        /// Where the approach comes from.
        upstream: NodeId,
        /// The lane.
        lane: u8,
    },
    /// A lane ends further from the junction than it begins.
    LeadsAway {
        /// Where the approach comes from.
        upstream: NodeId,
        /// The lane.
        lane: u8,
    },
    /// The junction has no position that its points could be relative to.
    NoReference,
    /// A point lies more than 5 km from the junction's reference position, or nowhere on earth.
    TooFar {
        /// Where the approach comes from.
        upstream: NodeId,
    },
    /// An approach without any lane.
    NoLanes {
        /// Where the approach comes from.
        upstream: NodeId,
    },
    /// Lanes, points or connections before the first approach, or lane parts before a lane.
    OutOfOrder,
    /// More than the named limit holds.
    Limit {
        /// Name of the limit.
        limit: &'static str,
        /// Its value.
        value: usize,
    },
}

impl core::fmt::Display for MapError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::DuplicateApproach { upstream } => {
                write!(f, "two approaches come from node {upstream}")
            }
            Self::DuplicateLane { upstream, lane } => {
                write!(f, "two lanes from node {upstream} have number {lane}")
            }
            Self::NoLine { upstream, lane } => {
                write!(f, "lane {lane} from node {upstream} has no centre line")
            }
            Self::NoLength { upstream, lane } => {
                write!(f, "lane {lane} from node {upstream} is shorter than 1 m")
            }
            Self::LeadsAway { upstream, lane } => {
                write!(
                    f,
                    "lane {lane} from node {upstream} leads away from the junction"
                )
            }
            Self::NoReference => f.write_str("the junction has no reference position"),
            Self::TooFar { upstream } => write!(
                f,
                "a point of the approach from node {upstream} is more than 5 km away"
            ),
            Self::NoLanes { upstream } => {
                write!(f, "the approach from node {upstream} has no lane")
            }
            Self::OutOfOrder => f.write_str("a part of a lane or approach came before it began"),
            Self::Limit { limit, value } => write!(f, "more than {value} {limit}"),
        }
    }
}

impl core::error::Error for MapError {}

/// A run of items in one of the junction's pools.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Run {
    start: u16,
    len: u16,
}

impl Run {
    fn from_here(pool_len: usize) -> Self {
        Self {
            // Pools hold fewer than 65,536 items.
            start: u16::try_from(pool_len).unwrap_or(u16::MAX),
            len: 0,
        }
    }

    fn of<T>(self, pool: &[T]) -> &[T] {
        let start = usize::from(self.start);
        pool.get(start..start + usize::from(self.len))
            .unwrap_or_default()
    }

    fn of_mut<T>(self, pool: &mut [T]) -> &mut [T] {
        let start = usize::from(self.start);
        pool.get_mut(start..start + usize::from(self.len))
            .unwrap_or_default()
    }
}

/// All lanes that lead to a junction from one node.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Approach {
    pub(super) upstream: NodeId,
    pub(super) speed_limit_mps: Option<f32>,
    pub(super) bounds: Bounds,
    pub(super) directions: Directions,
    pub(super) lane_width_m: f32,
    width_m: Option<f32>,
    lanes: Run,
    movements: Run,
}

/// One lane of an approach.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Lane {
    pub(super) input: LaneInput,
    pub(super) length_m: f32,
    pub(super) width_m: f32,
    line: Run,
    connections: Run,
    /// From the centre line of the first lane, right positive, where the lane ends.
    right_m: f32,
}

impl PartialEq for Junction {
    /// The same geometry, whenever it was received.
    fn eq(&self, other: &Self) -> bool {
        self.node == other.node
            && self.frame == other.frame
            && self.approaches == other.approaches
            && self.lanes == other.lanes
            && self.points == other.points
            && self.connections == other.connections
    }
}

/// What a MAP tells about one junction. Built in place, and only ever used when complete.
pub(super) struct Junction {
    pub(super) node: Option<NodeId>,
    pub(super) refreshed: Timestamp,
    frame: Option<LocalFrame>,
    bounds: Bounds,
    approaches: Vec<Approach, APPROACHES_PER_JUNCTION>,
    lanes: Vec<Lane, LANES_PER_JUNCTION>,
    points: Vec<LinePoint, POINTS_PER_JUNCTION>,
    connections: Vec<Connection, CONNECTIONS_PER_JUNCTION>,
    /// Centre line of the approach that is being built.
    approach_line: Vec<LinePoint, POINTS_PER_LINE>,
}

impl Junction {
    pub(super) const EMPTY: Self = Self {
        node: None,
        refreshed: Timestamp::from_micros(0),
        frame: None,
        bounds: Bounds::EMPTY,
        approaches: Vec::new(),
        lanes: Vec::new(),
        points: Vec::new(),
        connections: Vec::new(),
        approach_line: Vec::new(),
    };

    pub(super) fn approaches(&self) -> &[Approach] {
        &self.approaches
    }

    /// The lanes of an approach from left to right.
    pub(super) fn lanes(&self, approach: &Approach) -> &[Lane] {
        approach.lanes.of(&self.lanes)
    }

    pub(super) fn line(&self, lane: &Lane) -> &[LinePoint] {
        lane.line.of(&self.points)
    }

    /// The junction's plane, where `position` is anywhere near one of its approaches.
    pub(super) fn locate(&self, position: Position, margin_m: f32) -> Option<Point> {
        let point = self.frame?.point(position);
        self.bounds.contains(point, margin_m).then_some(point)
    }

    /// The phases that govern a lane, each once, in the order of its connections.
    ///
    /// A connection that names no phase takes that of the approach's movement to the same node;
    /// a lane without connections is governed by all movements of its approach.
    pub(super) fn phases<'a>(
        &'a self,
        approach: &Approach,
        lane: &Lane,
    ) -> impl Iterator<Item = u8> + Clone + use<'a> {
        let movements = approach.movements.of(&self.connections);
        let own = lane.connections.of(&self.connections);
        let connections = if own.is_empty() { movements } else { own };
        let phase = |connection: &Connection| {
            connection.phase.or_else(|| {
                movements
                    .iter()
                    .find(|movement| movement.remote == connection.remote)?
                    .phase
            })
        };
        connections
            .iter()
            .enumerate()
            .filter_map(move |(place, connection)| {
                let id = phase(connection)?;
                let seen = connections.iter().take(place).any(|c| phase(c) == Some(id));
                (!seen).then_some(id)
            })
    }

    pub(super) fn begin(
        &mut self,
        node: NodeId,
        reference: Option<Position>,
    ) -> Result<(), MapError> {
        self.node = Some(node);
        self.frame = reference.map(LocalFrame::new);
        self.bounds = Bounds::EMPTY;
        self.approaches.clear();
        self.lanes.clear();
        self.points.clear();
        self.connections.clear();
        self.approach_line.clear();
        reference.map(|_| ()).ok_or(MapError::NoReference)
    }

    pub(super) fn add_approach(&mut self, input: &ApproachInput) -> Result<(), MapError> {
        self.end_approach()?;
        let upstream = input.upstream;
        if self.approaches.iter().any(|a| a.upstream == upstream) {
            return Err(MapError::DuplicateApproach { upstream });
        }
        let approach = Approach {
            upstream,
            speed_limit_mps: input.speed_limit_mps,
            bounds: Bounds::EMPTY,
            directions: Directions::ALL,
            lane_width_m: LANE_WIDTH_M_DEFAULT,
            width_m: input.width_m.filter(|width| *width > 0.0),
            lanes: Run::from_here(self.lanes.len()),
            movements: Run::from_here(self.connections.len()),
        };
        self.approach_line.clear();
        push(&mut self.approaches, approach, "approaches")
    }

    pub(super) fn add_approach_point(
        &mut self,
        position: Option<Position>,
    ) -> Result<(), MapError> {
        let point = self.near(position)?;
        push(&mut self.approach_line, point, "points of an approach")
    }

    pub(super) fn add_movement(&mut self, movement: Connection) -> Result<(), MapError> {
        let approach = self.approaches.last_mut().ok_or(MapError::OutOfOrder)?;
        if approach.lanes.len > 0 {
            return Err(MapError::OutOfOrder);
        }
        push(&mut self.connections, movement, "connections")?;
        approach.movements.len += 1;
        Ok(())
    }

    pub(super) fn add_lane(&mut self, input: &LaneInput) -> Result<(), MapError> {
        self.end_lane()?;
        let approach = self.approaches.last_mut().ok_or(MapError::OutOfOrder)?;
        let before = approach.lanes.of(&self.lanes);
        if before.iter().any(|lane| lane.input.id == input.id) {
            return Err(MapError::DuplicateLane {
                upstream: approach.upstream,
                lane: input.id,
            });
        }
        if before.len() >= LANES_PER_APPROACH {
            return Err(MapError::Limit {
                limit: "lanes of an approach",
                value: LANES_PER_APPROACH,
            });
        }
        let lane = Lane {
            input: LaneInput {
                width_m: input.width_m.filter(|width| *width > 0.0),
                ..*input
            },
            length_m: 0.0,
            width_m: LANE_WIDTH_M_DEFAULT,
            line: Run::from_here(self.points.len()),
            connections: Run::from_here(self.connections.len()),
            right_m: 0.0,
        };
        push(&mut self.lanes, lane, "lanes")?;
        approach.lanes.len += 1;
        Ok(())
    }

    pub(super) fn add_lane_point(&mut self, position: Option<Position>) -> Result<(), MapError> {
        let point = self.near(position)?;
        let lane = self.current_lane()?;
        if usize::from(lane.line.len) >= POINTS_PER_LINE {
            return Err(MapError::Limit {
                limit: "points of a lane",
                value: POINTS_PER_LINE,
            });
        }
        lane.line.len += 1;
        push(&mut self.points, point, "points")
    }

    pub(super) fn add_connection(&mut self, connection: Connection) -> Result<(), MapError> {
        self.current_lane()?.connections.len += 1;
        push(&mut self.connections, connection, "connections")
    }

    pub(super) fn finish(&mut self) -> Result<(), MapError> {
        self.end_approach()?;
        for approach in &self.approaches {
            self.bounds.join(&approach.bounds);
        }
        Ok(())
    }

    fn current_lane(&mut self) -> Result<&mut Lane, MapError> {
        let approach = self.approaches.last().ok_or(MapError::OutOfOrder)?;
        if approach.lanes.len == 0 {
            return Err(MapError::OutOfOrder);
        }
        self.lanes.last_mut().ok_or(MapError::OutOfOrder)
    }

    fn near(&self, position: Option<Position>) -> Result<LinePoint, MapError> {
        let (Some(frame), Some(approach)) = (self.frame, self.approaches.last()) else {
            return Err(MapError::OutOfOrder);
        };
        position
            .map(|position| frame.point(position))
            .filter(|point| point.distance_m(Point::default()) <= REACH_M_MAX)
            .map(LinePoint::new)
            .ok_or(MapError::TooFar {
                upstream: approach.upstream,
            })
    }

    fn end_lane(&mut self) -> Result<(), MapError> {
        let Some(approach) = self.approaches.last().filter(|a| a.lanes.len > 0) else {
            return Ok(());
        };
        let upstream = approach.upstream;
        let Some(lane) = self.lanes.last_mut() else {
            return Ok(());
        };
        if lane.line.len == 1 {
            return Err(MapError::NoLine {
                upstream,
                lane: lane.input.id,
            });
        }
        measure(lane.line.of_mut(&mut self.points));
        Ok(())
    }

    fn end_approach(&mut self) -> Result<(), MapError> {
        self.end_lane()?;
        let Some(approach) = self.approaches.last().copied() else {
            return Ok(());
        };
        let upstream = approach.upstream;
        if approach.lanes.len == 0 {
            return Err(MapError::NoLanes { upstream });
        }
        let share_m = approach.width_m.map_or(LANE_WIDTH_M_DEFAULT, |width_m| {
            width_m / f32::from(approach.lanes.len)
        });
        for lane in approach.lanes.of_mut(&mut self.lanes) {
            lane.width_m = lane.input.width_m.unwrap_or(share_m);
        }
        self.give_lines_to_lanes_without(&approach, share_m)?;

        let mut bounds = Bounds::EMPTY;
        let mut width_m = 0.0;
        for lane in approach.lanes.of_mut(&mut self.lanes) {
            let id = lane.input.id;
            let line = lane.line.of(&self.points);
            let (Some(first), Some(last)) = (line.first(), line.last()) else {
                return Err(MapError::NoLine { upstream, lane: id });
            };
            lane.length_m = first.to_end_m;
            if lane.length_m < LINE_LENGTH_M_MIN {
                return Err(MapError::NoLength { upstream, lane: id });
            }
            let centre = Point::default();
            if last.point.distance_m(centre) > first.point.distance_m(centre) {
                return Err(MapError::LeadsAway { upstream, lane: id });
            }
            for place in line {
                bounds.include(place.point, lane.width_m / 2.0);
            }
            width_m += lane.width_m;
        }
        self.sort_lanes_from_left_to_right(&approach);
        let lanes = approach.lanes.of(&self.lanes).iter();
        let directions = Directions::of(lanes.map(|lane| lane.line.of(&self.points)));
        if let Some(built) = self.approaches.last_mut() {
            built.bounds = bounds;
            built.directions = directions;
            built.lane_width_m = width_m / f32::from(approach.lanes.len);
        }
        Ok(())
    }

    /// Lanes that have no centre line of their own share the width of the approach evenly, in
    /// the order of their numbers from left to right.
    fn give_lines_to_lanes_without(
        &mut self,
        approach: &Approach,
        share_m: f32,
    ) -> Result<(), MapError> {
        let lanes = approach.lanes.of_mut(&mut self.lanes);
        let count = f32::from(approach.lanes.len);
        if lanes.iter().all(|lane| lane.line.len > 0) {
            return Ok(());
        }
        if let Some(lane) = lanes.first().filter(|_| self.approach_line.len() < 2) {
            return Err(MapError::NoLine {
                upstream: approach.upstream,
                lane: lane.input.id,
            });
        }
        lanes.sort_unstable_by_key(|lane| lane.input.id);
        for (place, lane) in lanes.iter_mut().enumerate() {
            if lane.line.len > 0 {
                continue;
            }
            let right_m = (place as f32 + 0.5 - count / 2.0) * share_m;
            lane.line = Run::from_here(self.points.len());
            for (at, place) in self.approach_line.iter().enumerate() {
                let point = shift(&self.approach_line, at, place.point, right_m);
                push(&mut self.points, LinePoint::new(point), "points")?;
                lane.line.len += 1;
            }
            measure(lane.line.of_mut(&mut self.points));
        }
        Ok(())
    }

    fn sort_lanes_from_left_to_right(&mut self, approach: &Approach) {
        let lanes = approach.lanes.of_mut(&mut self.lanes);
        let Some(reference) = lanes.first().map(|lane| lane.line) else {
            return;
        };
        let reference = reference.of(&self.points);
        for lane in &mut *lanes {
            let end = lane.line.of(&self.points).last();
            lane.right_m = end
                .and_then(|end| project(reference, end.point))
                .map_or(0.0, |projection| projection.offset_m);
        }
        lanes.sort_unstable_by(|a, b| a.right_m.total_cmp(&b.right_m));
    }
}

/// A point of a line, moved to the right of the line's direction there.
fn shift(line: &[LinePoint], at: usize, point: Point, right_m: f32) -> Point {
    let from = line.get(at.saturating_sub(1)).map_or(point, |p| p.point);
    let to = line.get(at + 1).map_or(point, |p| p.point);
    let length_m = from.distance_m(to);
    if length_m <= 0.0 {
        return point;
    }
    Point {
        x: point.x + right_m * (to.y - from.y) / length_m,
        y: point.y - right_m * (to.x - from.x) / length_m,
    }
}

fn push<T, const N: usize>(
    pool: &mut Vec<T, N>,
    item: T,
    limit: &'static str,
) -> Result<(), MapError> {
    pool.push(item)
        .map_err(|_| MapError::Limit { limit, value: N })
}
