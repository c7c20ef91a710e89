//! Where on the road network a vehicle is: approach, lane, distance to the stop line.

use libm::{fabsf, sincosf};

use super::geometry::{Point, Projection, project};
use super::input::VehicleReport;
use super::intersection::{Approach, Junction, Lane};
use super::lane::{LANES_PER_APPROACH, LaneFilter, LaneMeasurement};
use super::signal::Signals;
use crate::time::{Span, Timestamp};

/// Slower than this (5 km/h) a vehicle counts as standing, and its heading is not trusted.
pub const STANDING_MPS_MAX: f32 = 1.4;

/// Standard deviation of a position whose sender tells none: an ordinary receiver in a city.
const POSITION_SIGMA_M_DEFAULT: f32 = 1.5;
/// What senders claim is believed within these bounds.
const POSITION_SIGMA_M: (f32, f32) = (0.05, 50.0);
/// Beyond so many standard deviations a position is not explained by its error.
const SIGMAS_MAX: f32 = 3.0;

const VEHICLE_LENGTH_M_DEFAULT: f32 = 4.6;
const VEHICLE_WIDTH_M_DEFAULT: f32 = 1.8;

/// A vehicle on an approach heads along it within 60°.
const HEADING_COSINE_MIN: f32 = 0.5;
/// Cost of heading straight across an approach, in m of being beside it, where two approaches
/// are in question.
const HEADING_COST_M: f32 = 5.0;
/// Advantage of the approach that a vehicle has been on, in m of being beside it.
const LOYALTY_M: f32 = 2.0;
/// How far upstream of its first point an approach reaches.
const UPSTREAM_MARGIN_M: f32 = 5.0;

/// Headings within one degree of the lane's say nothing about sideways driving: receivers and
/// maps are no better.
const HEADING_SINE_MIN: f32 = 0.017_45;

/// Where a vehicle is taken to be that seems to stop beyond the stop line.
const STOP_GAP_M: f32 = 0.5;
/// How hard drivers brake who stop at the line, in m/s².
const BRAKING_MPS2: f32 = 3.0;
/// How long the position error along the lane lasts that was found so; see [`super::lane`].
const OVERRUN_MEMORY_S: f32 = 15.0;
/// How far up the approach a vehicle must be seen to be taken back after it passed the stop line.
const RETURN_M_MIN: f32 = 5.0;

/// Within this of the stop line no other vehicle fits between.
const HEAD_OF_QUEUE_M_MAX: f32 = 7.0;
/// After so long a green the head of a queue has moved off...
const MOVING_OFF_MAX: Span = Span::from_millis(4_000);
/// ...but for one vehicle in twenty.
const NOT_MOVING_OFF_PROBABILITY: f32 = 0.05;

/// Faster than this nothing drives: the position has jumped.
const SPEED_MPS_MAX: f32 = 70.0;
const JUMP_M_MIN: f32 = 5.0;

/// Where a vehicle is; indices into the fusion's junctions.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Place {
    pub(super) junction: u8,
    pub(super) approach: u8,
    /// Counted from the left.
    pub(super) lane: u8,
    pub(super) confidence: f32,
    /// Front bumper to stop line along the lane.
    pub(super) distance_m: f32,
}

/// The approach a vehicle is followed on, and its last position there.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Followed {
    junction: u8,
    approach: u8,
    point: Point,
}

/// What is remembered of a vehicle from one report to the next.
pub(super) struct Track {
    followed: Option<Followed>,
    lanes: LaneFilter,
    /// Unit vector (east, north) of when it last moved.
    heading: Option<Point>,
    /// It has crossed the stop line of the followed approach.
    passed: bool,
    /// Speed of the report before, in m/s.
    speed_mps: f32,
    /// By how much the position is measured too far along the lane, as far as known, in m.
    overrun_m: f32,
    /// Lanes, as bits, in which it has not moved off at green since it came to stand.
    not_moved_off: u16,
    pub(super) place: Option<Place>,
}

/// The surroundings that a report is seen in.
pub(super) struct Scene<'a, I> {
    pub(super) now: Timestamp,
    /// Junctions with their numbers.
    pub(super) junctions: I,
    pub(super) signals: &'a [Signals],
}

/// What came of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Followed,
    Jumped,
}

struct Candidate<'a> {
    junction_index: u8,
    approach_index: u8,
    junction: &'a Junction,
    approach: &'a Approach,
    point: Point,
    cost_m: f32,
}

/// Where the vehicle is beside each lane of an approach.
type Projections = heapless::Vec<Option<Projection>, LANES_PER_APPROACH>;

impl Track {
    pub(super) const EMPTY: Self = Self {
        followed: None,
        lanes: LaneFilter::EMPTY,
        heading: None,
        passed: false,
        speed_mps: 0.0,
        overrun_m: 0.0,
        not_moved_off: 0,
        place: None,
    };

    /// Forgets what refers to a junction whose geometry is replaced.
    pub(super) fn leave_junction(&mut self, junction: usize) {
        let here = |followed: Followed| usize::from(followed.junction) == junction;
        if self.followed.is_some_and(here) {
            self.leave();
        }
    }

    fn leave(&mut self) {
        self.followed = None;
        self.lanes.clear();
        self.passed = false;
        self.overrun_m = 0.0;
        self.not_moved_off = 0;
        self.place = None;
    }

    /// Takes in a report, `elapsed` after the one before.
    pub(super) fn update<'a, I>(
        &mut self,
        report: &VehicleReport,
        elapsed: Span,
        scene: Scene<'a, I>,
    ) -> Outcome
    where
        I: Iterator<Item = (u8, &'a Junction)>,
    {
        let look = Look::new(report, elapsed);
        if let Some(heading) = look
            .heading
            .filter(|_| !look.standing || self.heading.is_none())
        {
            self.heading = Some(heading);
        }
        let mut projections = Projections::new();
        let Some(found) = self.choose(&look, report, scene.junctions, &mut projections) else {
            self.leave();
            return Outcome::Followed;
        };
        let outcome = self.follow(&look, &found);

        let lanes = found.junction.lanes(found.approach);
        let margin_m = look.upstream_margin_m();
        let offsets_m: heapless::Vec<Option<f32>, LANES_PER_APPROACH> = lanes
            .iter()
            .take(LANES_PER_APPROACH)
            .zip(&projections)
            .map(|(lane, projection)| {
                let begun = projection.filter(|place| place.to_end_m <= lane.length_m + margin_m);
                begun.map(|place| place.offset_m)
            })
            .collect();
        let direction = projections.iter().flatten().next().map(|p| p.direction);
        self.lanes.update(&LaneMeasurement {
            offsets_m: &offsets_m,
            sigma_m: look.sigma_m,
            // A vehicle keeps within its lane at three standard deviations.
            lane_keeping_sigma_m: ((found.approach.lane_width_m - look.width_m) / 6.0).max(0.1),
            elapsed_s: look.elapsed_s,
            driven_m: look.speed_mps * look.elapsed_s,
            driven_right_m: direction
                .map_or(0.0, |direction| self.driven_right_m(&look, direction)),
        });
        if let Some(signals) = scene.signals.get(usize::from(found.junction_index)) {
            let to_end_m = self.nearest_to_end_m(&projections);
            self.weigh_by_lights(&look, &found, signals, to_end_m, scene.now);
        }

        let located = self.lanes.best().and_then(|(lane, confidence)| {
            let to_end_m = (*projections.get(lane)?)?.to_end_m;
            Some((u8::try_from(lane).ok()?, confidence, to_end_m))
        });
        self.place = located.and_then(|(lane, confidence, to_end_m)| {
            Some(Place {
                junction: found.junction_index,
                approach: found.approach_index,
                lane,
                confidence,
                distance_m: self.distance_to_stop_m(&look, to_end_m)?,
            })
        });
        self.speed_mps = look.speed_mps;
        outcome
    }

    /// The approach that explains position and heading best, and where beside its lanes that is.
    fn choose<'a>(
        &self,
        look: &Look,
        report: &VehicleReport,
        junctions: impl Iterator<Item = (u8, &'a Junction)>,
        projections: &mut Projections,
    ) -> Option<Candidate<'a>> {
        let position = report.position?;
        let mut best: Option<Candidate<'a>> = None;
        for (junction_index, junction) in junctions {
            let reach_m = look.beside_m_max() + look.upstream_margin_m();
            let Some(point) = junction.locate(position, reach_m) else {
                continue;
            };
            for (approach_index, approach) in (0..).zip(junction.approaches()) {
                let margin_m = approach.lane_width_m + reach_m;
                let is_along = |heading| {
                    let directions = &approach.directions;
                    directions.may_be_near(heading, HEADING_COSINE_MIN)
                };
                if !approach.bounds.contains(point, margin_m) || !self.heading.is_none_or(is_along)
                {
                    continue;
                }
                let lanes = junction.lanes(approach);
                let lines = lanes.iter().map(|lane| junction.line(lane));
                let places = lines.map(|line| project(line, point));
                let places = places.take(LANES_PER_APPROACH).collect();
                let Some(mut cost_m) = self.cost_m(look, lanes, &places) else {
                    continue;
                };
                if self.followed.is_some_and(|followed| {
                    (followed.junction, followed.approach) == (junction_index, approach_index)
                }) {
                    cost_m -= LOYALTY_M;
                }
                if best.as_ref().is_none_or(|best| cost_m < best.cost_m) {
                    best = Some(Candidate {
                        junction_index,
                        approach_index,
                        junction,
                        approach,
                        point,
                        cost_m,
                    });
                    *projections = places;
                }
            }
        }
        best
    }

    /// How badly an approach explains position and heading, in m; `None` when it cannot.
    fn cost_m(&self, look: &Look, lanes: &[Lane], places: &Projections) -> Option<f32> {
        let mut least: Option<f32> = None;
        for (lane, place) in lanes.iter().zip(places) {
            let Some(place) = place else { continue };
            let beside_m = (fabsf(place.offset_m) - lane.width_m / 2.0).max(0.0);
            let cosine = self
                .heading
                .map_or(1.0, |heading| heading.dot(place.direction));
            let along = -look.beside_m_max()..=lane.length_m + look.upstream_margin_m();
            if beside_m > look.beside_m_max()
                || cosine < HEADING_COSINE_MIN
                || !along.contains(&(place.to_end_m - look.half_length_m))
            {
                continue;
            }
            let cost_m = beside_m + (1.0 - cosine) * HEADING_COST_M;
            least = Some(least.map_or(cost_m, |least| least.min(cost_m)));
        }
        least
    }

    fn follow(&mut self, look: &Look, found: &Candidate<'_>) -> Outcome {
        let before = self.followed.filter(|followed| {
            (followed.junction, followed.approach) == (found.junction_index, found.approach_index)
        });
        let jumped = before.is_some_and(|before| {
            let possible_m =
                SPEED_MPS_MAX * look.elapsed_s + SIGMAS_MAX * look.sigma_m + JUMP_M_MIN;
            before.point.distance_m(found.point) > possible_m
        });
        if before.is_none() || jumped {
            self.leave();
        }
        self.followed = Some(Followed {
            junction: found.junction_index,
            approach: found.approach_index,
            point: found.point,
        });
        if jumped {
            Outcome::Jumped
        } else {
            Outcome::Followed
        }
    }

    /// How far a vehicle has driven to the right of a lane's direction.
    fn driven_right_m(&self, look: &Look, direction: Point) -> f32 {
        let Some(heading) = look.heading.filter(|_| !look.standing) else {
            return 0.0;
        };
        let sine = heading.x * direction.y - heading.y * direction.x;
        if fabsf(sine) < HEADING_SINE_MIN {
            return 0.0;
        }
        sine * look.speed_mps * look.elapsed_s
    }

    fn nearest_to_end_m(&self, projections: &[Option<Projection>]) -> f32 {
        self.lanes
            .best()
            .and_then(|(lane, _)| *projections.get(lane)?)
            .map_or(f32::INFINITY, |projection| projection.to_end_m)
    }

    /// Who stands at the stop line though a lane's light has long been green, is hardly in that
    /// lane. Said once for each lane and stop: looking again tells nothing new.
    fn weigh_by_lights(
        &mut self,
        look: &Look,
        found: &Candidate<'_>,
        signals: &Signals,
        to_end_m: f32,
        now: Timestamp,
    ) {
        if !look.standing {
            self.not_moved_off = 0;
            return;
        }
        let furthest_m = to_end_m - look.half_length_m + 2.0 * look.sigma_m;
        if furthest_m > HEAD_OF_QUEUE_M_MAX {
            return;
        }
        for (index, lane) in found.junction.lanes(found.approach).iter().enumerate() {
            let bit = 1_u16.checked_shl(index as u32).unwrap_or(0);
            let mut phases = found.junction.phases(found.approach, lane).peekable();
            if self.not_moved_off & bit != 0 || phases.peek().is_none() {
                continue;
            }
            let long_green = phases.all(|phase| {
                signals
                    .phase(phase)
                    .and_then(|phase| phase.green_for(now))
                    .is_some_and(|green| green > MOVING_OFF_MAX)
            });
            if long_green {
                self.not_moved_off |= bit;
                self.lanes.weigh(index, NOT_MOVING_OFF_PROBABILITY);
            }
        }
    }

    /// Front bumper to stop line; `None` once the vehicle has passed it.
    ///
    /// No one stops beyond the stop line: where that seems so, and the position error may explain
    /// it, the difference is taken for position error and remembered as such.
    fn distance_to_stop_m(&mut self, look: &Look, to_end_m: f32) -> Option<f32> {
        self.overrun_m *= libm::expf(-look.elapsed_s / OVERRUN_MEMORY_S);
        let measured_m = to_end_m - look.half_length_m;
        let distance_m = measured_m + self.overrun_m;
        if self.passed && distance_m > RETURN_M_MIN + SIGMAS_MAX * look.sigma_m {
            self.passed = false;
        }
        if self.passed {
            return None;
        }
        if distance_m >= 0.0 {
            return Some(distance_m);
        }
        if look.standing || self.is_stopping(look, distance_m) {
            self.overrun_m = STOP_GAP_M - measured_m;
            return Some(STOP_GAP_M);
        }
        self.passed = true;
        None
    }

    /// Whether a vehicle that is slowing down may still come to stand before the stop line, if
    /// its position error is what makes it seem beyond.
    fn is_stopping(&self, look: &Look, distance_m: f32) -> bool {
        let stopping_m = look.speed_mps * look.speed_mps / (2.0 * BRAKING_MPS2);
        look.speed_mps < self.speed_mps && stopping_m < distance_m + SIGMAS_MAX * look.sigma_m
    }
}

/// Length of a vehicle in m; that of an ordinary car where it does not tell.
pub(super) fn length_m(report: &VehicleReport) -> f32 {
    positive(report.length_m, VEHICLE_LENGTH_M_DEFAULT)
}

fn positive(value: Option<f32>, default: f32) -> f32 {
    value.filter(|value| *value > 0.0).unwrap_or(default)
}

/// A report with its gaps filled.
struct Look {
    sigma_m: f32,
    half_length_m: f32,
    width_m: f32,
    speed_mps: f32,
    standing: bool,
    heading: Option<Point>,
    elapsed_s: f32,
}

impl Look {
    fn new(report: &VehicleReport, elapsed: Span) -> Self {
        let (least, most) = POSITION_SIGMA_M;
        let speed_mps = report.speed_mps.filter(|speed| speed.is_finite());
        Self {
            sigma_m: positive(report.position_sigma_m, POSITION_SIGMA_M_DEFAULT).clamp(least, most),
            half_length_m: length_m(report) / 2.0,
            width_m: positive(report.width_m, VEHICLE_WIDTH_M_DEFAULT),
            speed_mps: speed_mps.unwrap_or(0.0),
            standing: speed_mps.is_some_and(|speed| speed < STANDING_MPS_MAX),
            heading: report.heading_deg.filter(|h| h.is_finite()).map(|degrees| {
                let (x, y) = sincosf(degrees.to_radians());
                Point { x, y }
            }),
            elapsed_s: elapsed.as_secs_f64().max(0.0) as f32,
        }
    }

    /// How far beside a lane, or beyond its end, a vehicle on it may seem to be.
    fn beside_m_max(&self) -> f32 {
        SIGMAS_MAX * self.sigma_m + 0.5
    }

    fn upstream_margin_m(&self) -> f32 {
        SIGMAS_MAX * self.sigma_m + UPSTREAM_MARGIN_M + self.half_length_m
    }
}
