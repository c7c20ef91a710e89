//! Which lane a vehicle is in, with an honest probability.
//!
//! Satellite positions are off by a bias that wanders slowly: a second look a tenth of a second
//! later tells almost nothing new, so that a filter that takes errors for independent would be
//! sure of the wrong lane. Here each lane is a hypothesis with a state of its own: where in the
//! lane the vehicle is, and the bias that the measurement then must have. Evidence for a lane is
//! how well it explains the history: the bias must be small, and must wander back to zero.
//!
//! Lane changes are known twice over: as a jump of the measurement (the bias goes on, the lane
//! does not), and as sideways driving that heading and speed tell, which carries all hypotheses
//! over by one lane. The hypotheses are merged once per report (a second-order generalised
//! pseudo-Bayes filter), in a fixed number of steps.

use libm::{expf, fabsf};

/// How many lanes of one approach are told apart.
pub const LANES_PER_APPROACH: usize = 16;

/// Time in which the bias of a moving receiver loses its memory (to 1/e). Bias comes from
/// multipath and slow atmospheric error, reported as 10 s to a minute; the shorter end forgets
/// sooner and trusts later looks more.
const BIAS_MEMORY_S: f32 = 15.0;

/// Share of the position's standard deviation that is fresh noise in each report.
const FRESH_NOISE_SHARE: f32 = 0.14;

/// Time in which a driver comes back to where in the lane they like to be.
const LANE_KEEPING_MEMORY_S: f32 = 4.0;

/// Lane changes per metre: on urban approaches drivers change lane about once a kilometre.
const LANE_CHANGES_PER_M: f32 = 1.0e-3;

/// However long the gap between two reports, staying in lane is at least as likely as not.
const LANE_CHANGE_PROBABILITY_MAX: f32 = 0.5;

/// When all hypotheses miss by this many standard deviations, none is right: start again.
const INNOVATION_SIGMAS_MAX: f32 = 7.0;

/// What one report of a vehicle says about lanes.
#[derive(Clone, Copy, Debug)]
pub(super) struct LaneMeasurement<'a> {
    /// Signed distance from each lane's centre line in m, right positive, lanes from left to
    /// right; `None` where the lane has not begun.
    pub(super) offsets_m: &'a [Option<f32>],
    /// Standard deviation of the position across the lane in m.
    pub(super) sigma_m: f32,
    /// Standard deviation of where in the lane vehicles drive, in m.
    pub(super) lane_keeping_sigma_m: f32,
    /// Since the report before, in s.
    pub(super) elapsed_s: f32,
    /// Driven since the report before, in m.
    pub(super) driven_m: f32,
    /// Of that, to the right, from heading.
    pub(super) driven_right_m: f32,
}

impl LaneMeasurement<'_> {
    /// The lanes that have begun, and how far from their centre lines that is.
    fn begun(&self) -> impl Iterator<Item = (usize, f32)> {
        let lanes = self.offsets_m.iter().enumerate().take(LANES_PER_APPROACH);
        lanes.filter_map(|(lane, offset)| Some((lane, (*offset)?)))
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Hypothesis {
    probability: f32,
    /// Where in the lane the vehicle is, m right of its centre.
    in_lane_m: f32,
    /// How far right of the truth the position is measured, in m.
    bias_m: f32,
}

/// Covariance of a hypothesis; the same for all as it follows from time and noise alone.
#[derive(Clone, Copy, Debug, Default)]
struct Covariance {
    in_lane: f32,
    cross: f32,
    bias: f32,
}

/// The lane filter of one vehicle on one approach.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct LaneFilter {
    lanes: usize,
    hypotheses: [Hypothesis; LANES_PER_APPROACH],
    covariance: Covariance,
}

impl LaneFilter {
    pub(super) const EMPTY: Self = Self {
        lanes: 0,
        hypotheses: [Hypothesis::EMPTY; LANES_PER_APPROACH],
        covariance: Covariance {
            in_lane: 0.0,
            cross: 0.0,
            bias: 0.0,
        },
    };

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        self.lanes = 0;
    }

    /// The most likely lane, counted from the left, and its probability.
    pub(super) fn best(&self) -> Option<(usize, f32)> {
        let known = self.hypotheses.get(..self.lanes)?;
        known
            .iter()
            .map(|hypothesis| hypothesis.probability)
            .enumerate()
            .max_by(|a, b| a.1.total_cmp(&b.1))
    }

    /// Multiplies the odds of one lane, for evidence from elsewhere.
    pub(super) fn weigh(&mut self, lane: usize, factor: f32) {
        if let Some(hypothesis) = self.hypotheses.get_mut(lane) {
            hypothesis.probability *= factor;
        }
        normalise(self.hypotheses.get_mut(..self.lanes).unwrap_or_default());
    }

    /// Takes in one report.
    pub(super) fn update(&mut self, measurement: &LaneMeasurement<'_>) {
        let lanes = measurement.offsets_m.len().min(LANES_PER_APPROACH);
        if self.lanes != lanes || !self.follow(measurement) {
            self.begin(measurement, lanes);
        }
    }

    /// First look: the nearer a lane the likelier, and all bias is possible.
    fn begin(&mut self, measurement: &LaneMeasurement<'_>, lanes: usize) {
        let noise = Noise::new(measurement);
        let innovation = noise.in_lane + noise.bias + noise.fresh;
        let (in_lane_gain, bias_gain) = (noise.in_lane / innovation, noise.bias / innovation);
        let nearest = measurement
            .offsets_m
            .iter()
            .flatten()
            .fold(f32::INFINITY, |nearest, offset| nearest.min(fabsf(*offset)));
        self.lanes = lanes;
        self.covariance = Covariance {
            in_lane: noise.in_lane * (1.0 - in_lane_gain),
            cross: -noise.in_lane * bias_gain,
            bias: noise.bias * (1.0 - bias_gain),
        };
        for (hypothesis, offset) in self.hypotheses.iter_mut().zip(measurement.offsets_m) {
            *hypothesis = offset.map_or(Hypothesis::default(), |offset| Hypothesis {
                probability: expf((nearest * nearest - offset * offset) / (2.0 * innovation)),
                in_lane_m: in_lane_gain * offset,
                bias_m: bias_gain * offset,
            });
        }
        normalise(self.hypotheses.get_mut(..lanes).unwrap_or_default());
    }

    /// Another look. False when it fits none of the hypotheses.
    fn follow(&mut self, measurement: &LaneMeasurement<'_>) -> bool {
        let noise = Noise::new(measurement);
        let keep_in_lane = expf(-measurement.elapsed_s / LANE_KEEPING_MEMORY_S);
        let keep_bias = expf(-measurement.elapsed_s / BIAS_MEMORY_S);
        let before = self.covariance;
        let predicted = Covariance {
            in_lane: keep_in_lane * keep_in_lane * before.in_lane
                + noise.in_lane * (1.0 - keep_in_lane * keep_in_lane),
            cross: keep_in_lane * keep_bias * before.cross,
            bias: keep_bias * keep_bias * before.bias + noise.bias * (1.0 - keep_bias * keep_bias),
        };
        let innovation =
            (predicted.in_lane + 2.0 * predicted.cross + predicted.bias + noise.fresh).max(1e-6);
        let in_lane_gain = (predicted.in_lane + predicted.cross) / innovation;
        let bias_gain = (predicted.bias + predicted.cross) / innovation;

        let known = self.hypotheses.get_mut(..self.lanes).unwrap_or_default();
        for hypothesis in known {
            hypothesis.in_lane_m = keep_in_lane * hypothesis.in_lane_m + measurement.driven_right_m;
            hypothesis.bias_m *= keep_bias;
        }
        let change =
            (LANE_CHANGES_PER_M * measurement.driven_m).clamp(0.0, LANE_CHANGE_PROBABILITY_MAX);
        let precision = 1.0 / innovation;
        let surprise = |way: &Way| way.miss_m * way.miss_m * precision / 2.0;
        let mut least = f32::INFINITY;
        for (lane, offset_m) in measurement.begun() {
            for way in self.ways(lane, offset_m, change) {
                least = least.min(surprise(&way));
            }
        }
        if least > INNOVATION_SIGMAS_MAX * INNOVATION_SIGMAS_MAX / 2.0 {
            return false;
        }
        let mut next = [Hypothesis::default(); LANES_PER_APPROACH];
        for (lane, offset_m) in measurement.begun() {
            let Some(hypothesis) = next.get_mut(lane) else {
                break;
            };
            for way in self.ways(lane, offset_m, change) {
                hypothesis.merge(&Hypothesis {
                    probability: way.prior * expf(least - surprise(&way)),
                    in_lane_m: way.from.in_lane_m + in_lane_gain * way.miss_m,
                    bias_m: way.from.bias_m + bias_gain * way.miss_m,
                });
            }
        }
        self.hypotheses = next;
        self.covariance = Covariance {
            in_lane: predicted.in_lane - in_lane_gain * (predicted.in_lane + predicted.cross),
            cross: predicted.cross - in_lane_gain * (predicted.bias + predicted.cross),
            bias: predicted.bias - bias_gain * (predicted.bias + predicted.cross),
        };
        self.carry_over(measurement.offsets_m);
        normalise(self.hypotheses.get_mut(..self.lanes).unwrap_or_default());
        true
    }

    /// The ways to have come into a lane, from itself or from beside it, where `change` is how likely
    /// a driver changes lane.
    fn ways(&self, lane: usize, offset_m: f32, change: f32) -> impl Iterator<Item = Way> {
        let known = self.hypotheses.get(..self.lanes).unwrap_or_default();
        let last = known.len().saturating_sub(1);
        let sources = lane.saturating_sub(1)..=(lane + 1).min(last);
        sources.filter_map(move |source| {
            let from = *known.get(source)?;
            let exits = usize::from(source > 0) + usize::from(source < last);
            let prior = if source == lane {
                1.0 - change * exits as f32 / 2.0
            } else {
                change / 2.0
            };
            let way = Way {
                prior: from.probability * prior,
                miss_m: offset_m - from.in_lane_m - from.bias_m,
                from,
            };
            (way.prior > 0.0).then_some(way)
        })
    }

    /// Who has driven across the edge of a lane is in the next one.
    fn carry_over(&mut self, offsets_m: &[Option<f32>]) {
        let offset = |lane: usize| offsets_m.get(lane).copied().flatten();
        let mut carried = [Hypothesis::default(); LANES_PER_APPROACH];
        for (lane, hypothesis) in self.hypotheses.iter().enumerate().take(self.lanes) {
            let Some(here) = offset(lane) else { continue };
            let to_the_right = hypothesis.in_lane_m > 0.0;
            let next = if to_the_right {
                lane.checked_add(1)
            } else {
                lane.checked_sub(1)
            };
            let crossed = next.and_then(|next| {
                let spacing_m = here - offset(next)?;
                (fabsf(hypothesis.in_lane_m) > fabsf(spacing_m) / 2.0).then_some((next, spacing_m))
            });
            let (lane, in_lane_m) = crossed
                .map_or((lane, hypothesis.in_lane_m), |(next, spacing_m)| {
                    (next, hypothesis.in_lane_m - spacing_m)
                });
            if let Some(target) = carried.get_mut(lane) {
                target.merge(&Hypothesis {
                    in_lane_m,
                    ..*hypothesis
                });
            }
        }
        self.hypotheses = carried;
    }
}

impl Hypothesis {
    const EMPTY: Self = Self {
        probability: 0.0,
        in_lane_m: 0.0,
        bias_m: 0.0,
    };

    /// Joins another history that ends in the same lane.
    fn merge(&mut self, other: &Self) {
        let probability = self.probability + other.probability;
        if probability > 0.0 {
            let share = other.probability / probability;
            self.in_lane_m += share * (other.in_lane_m - self.in_lane_m);
            self.bias_m += share * (other.bias_m - self.bias_m);
        }
        self.probability = probability;
    }
}

/// One way to have come into a lane.
struct Way {
    /// What was expected before the look.
    from: Hypothesis,
    prior: f32,
    /// How far the position is from where it was expected.
    miss_m: f32,
}

/// Variances in m².
struct Noise {
    in_lane: f32,
    bias: f32,
    fresh: f32,
}

impl Noise {
    fn new(measurement: &LaneMeasurement<'_>) -> Self {
        let total = measurement.sigma_m * measurement.sigma_m;
        let fresh = total * FRESH_NOISE_SHARE * FRESH_NOISE_SHARE;
        Self {
            in_lane: measurement.lane_keeping_sigma_m * measurement.lane_keeping_sigma_m,
            bias: total - fresh,
            fresh,
        }
    }
}

/// A lane is never ruled out for good: a floor keeps the way back open.
const PROBABILITY_MIN: f32 = 1e-9;

fn normalise(hypotheses: &mut [Hypothesis]) {
    let total: f32 = hypotheses.iter().map(|h| h.probability).sum();
    let lanes = hypotheses.len() as f32;
    for hypothesis in hypotheses {
        hypothesis.probability = if total > 0.0 {
            (hypothesis.probability / total).max(PROBABILITY_MIN)
        } else {
            1.0 / lanes
        };
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const SIGMA_M: f32 = 1.2;

    /// Three lanes of 3.5 m, seen from `right_m` right of the centre of the leftmost.
    fn look(filter: &mut LaneFilter, right_m: f32, elapsed_s: f32, driven_right_m: f32) {
        filter.update(&LaneMeasurement {
            offsets_m: &[Some(right_m), Some(right_m - 3.5), Some(right_m - 7.0)],
            sigma_m: SIGMA_M,
            lane_keeping_sigma_m: 0.3,
            elapsed_s,
            driven_m: 10.0 * elapsed_s,
            driven_right_m,
        });
    }

    #[test]
    fn one_look_weighs_distances_by_the_position_error() {
        let mut filter = LaneFilter::EMPTY;
        look(&mut filter, 1.75, 0.0, 0.0);
        let (_, confidence) = filter.best().unwrap();
        assert!((confidence - 0.5).abs() < 0.01, "{confidence}");
        // One standard deviation (with lane keeping 1.24 m) nearer to lane 0 than to lane 1.
        let mut filter = LaneFilter::EMPTY;
        look(&mut filter, 1.0, 0.0, 0.0);
        let variance = SIGMA_M * SIGMA_M + 0.3 * 0.3;
        let odds = expf((2.5 * 2.5 - 1.0) / (2.0 * variance));
        let (lane, confidence) = filter.best().unwrap();
        assert_eq!(lane, 0);
        assert!((confidence - odds / (1.0 + odds)).abs() < 0.01);
    }

    #[test]
    fn looking_again_at_once_tells_nothing_new() {
        let mut filter = LaneFilter::EMPTY;
        look(&mut filter, 1.3, 0.0, 0.0);
        let (_, first) = filter.best().unwrap();
        for _ in 0..20 {
            look(&mut filter, 1.3, 0.1, 0.0);
        }
        let (lane, later) = filter.best().unwrap();
        assert_eq!(lane, 0);
        assert!((later - first).abs() < 0.05, "{first} {later}");
    }

    #[test]
    fn looking_for_long_makes_sure() {
        let mut filter = LaneFilter::EMPTY;
        for _ in 0..2_000 {
            look(&mut filter, 1.0, 0.1, 0.0);
        }
        let (lane, confidence) = filter.best().unwrap();
        assert_eq!(lane, 0);
        assert!(confidence > 0.97, "{confidence}");
    }

    #[test]
    fn a_jump_by_a_lane_is_a_lane_change() {
        let mut filter = LaneFilter::EMPTY;
        for _ in 0..600 {
            look(&mut filter, 0.8, 0.1, 0.0);
        }
        look(&mut filter, 0.8 + 3.5, 0.1, 0.0);
        let (lane, confidence) = filter.best().unwrap();
        assert_eq!(lane, 1);
        assert!(confidence > 0.9, "{confidence}");
    }

    #[test]
    fn driving_sideways_carries_over_to_the_next_lane() {
        let mut filter = LaneFilter::EMPTY;
        for _ in 0..600 {
            look(&mut filter, 0.8, 0.1, 0.0);
        }
        for step in 1..=40_u8 {
            look(&mut filter, 0.8 + 0.0875 * f32::from(step), 0.1, 0.0875);
        }
        let (lane, confidence) = filter.best().unwrap();
        assert_eq!(lane, 1);
        assert!(confidence > 0.8, "{confidence}");
    }

    #[test]
    fn lanes_that_have_not_begun_are_not_driven_on() {
        let mut filter = LaneFilter::EMPTY;
        filter.update(&LaneMeasurement {
            offsets_m: &[None, Some(-3.5)],
            sigma_m: SIGMA_M,
            lane_keeping_sigma_m: 0.3,
            elapsed_s: 0.0,
            driven_m: 0.0,
            driven_right_m: 0.0,
        });
        let (lane, confidence) = filter.best().unwrap();
        assert_eq!(lane, 1);
        assert!(confidence > 0.999);
    }

    #[test]
    fn what_fits_no_lane_starts_the_search_again() {
        let mut filter = LaneFilter::EMPTY;
        for _ in 0..600 {
            look(&mut filter, 0.0, 0.1, 0.0);
        }
        look(&mut filter, 7.0, 0.1, 0.0);
        look(&mut filter, 7.0, 0.1, 0.0);
        assert_eq!(filter.best().unwrap().0, 2);
    }
}
