//! How long each stage takes: distributions in fixed memory.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;

/// A way that is timed. `stage as usize` indexes an array.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    /// A frame: from its reception until it is fused.
    Frame,
    /// A report that a frame brings about: from its reception until it is handed to the uplink.
    Report,
    /// A live publish: from there until it is written to the socket.
    Live,
    /// A record: from its append to the spool until it is durable.
    Commit,
    /// A record: from its append to the spool until the broker has acknowledged it; an outage
    /// counts.
    Delivery,
}

impl Stage {
    /// Every stage, in the order of their indices.
    pub const ALL: [Self; 5] = [
        Self::Frame,
        Self::Report,
        Self::Live,
        Self::Commit,
        Self::Delivery,
    ];

    /// Name in reports and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Frame => "frame",
            Self::Report => "report",
            Self::Live => "live",
            Self::Commit => "commit",
            Self::Delivery => "delivery",
        }
    }
}

/// What is longer counts as this long.
pub const LATENCY_MAX: Duration = Duration::from_secs(7 * 24 * 3_600);

/// Two digits are told apart: a value is at most 1 % off.
const SIGNIFICANT_DIGITS: u8 = 2;

/// Upper bounds of the buckets in [`Distribution`], in microseconds: 100 us to 1 hour.
pub const BUCKET_BOUNDS_US: [u64; 16] = [
    100,
    250,
    500,
    1_000,
    2_500,
    5_000,
    10_000,
    25_000,
    50_000,
    100_000,
    250_000,
    1_000_000,
    5_000_000,
    30_000_000,
    300_000_000,
    3_600_000_000,
];

/// The latencies of all stages, shared by those who measure and those who report: 340 kB.
#[derive(Clone, Debug, Default)]
pub struct Latencies(Arc<[Mutex<Recorded>; Stage::ALL.len()]>);

/// In microseconds.
#[derive(Debug)]
struct Recorded {
    since_start: Histogram<u64>,
    since_report: Histogram<u64>,
    sum: Duration,
}

/// Latencies of one stage, since the last report and since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct StageLatency {
    /// Since the running information before.
    pub since_report: LatencySummary,
    /// Since the start of the program.
    pub since_start: LatencySummary,
}

/// Latencies of one stage during some time; 0 ms where nothing was measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct LatencySummary {
    /// Measurements.
    pub count: u64,
    /// Median, at most 1 % off, as the next.
    pub p50_ms: f64,
    /// Exceeded by one in a hundred.
    pub p99_ms: f64,
    /// Longest.
    pub max_ms: f64,
}

/// Latencies of one stage since the start, in the buckets of [`BUCKET_BOUNDS_US`].
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Distribution {
    /// Measurements.
    pub count: u64,
    /// Of all measurements.
    pub sum: Duration,
    /// How many are in each bucket; what is beyond the last bound is in none.
    pub buckets: [u64; BUCKET_BOUNDS_US.len()],
}

impl Latencies {
    /// Takes a measurement, without allocating; what is beyond [`LATENCY_MAX`] counts as that.
    pub fn record(&self, stage: Stage, latency: Duration) {
        let latency = latency.min(LATENCY_MAX);
        let micros = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
        let mut recorded = self.recorded(stage);
        recorded.since_start.saturating_record(micros);
        recorded.since_report.saturating_record(micros);
        recorded.sum = recorded.sum.saturating_add(latency);
    }

    /// The latencies of every stage, in the order of [`Stage::ALL`]; a new report begins.
    pub fn report(&self) -> [StageLatency; Stage::ALL.len()] {
        Stage::ALL.map(|stage| {
            let mut recorded = self.recorded(stage);
            let latency = StageLatency {
                since_report: LatencySummary::of(&recorded.since_report),
                since_start: LatencySummary::of(&recorded.since_start),
            };
            recorded.since_report.reset();
            latency
        })
    }

    /// How the latencies of every stage are distributed, in the order of [`Stage::ALL`].
    pub fn distributions(&self) -> [Distribution; Stage::ALL.len()] {
        Stage::ALL.map(|stage| self.recorded(stage).distribution())
    }

    fn recorded(&self, stage: Stage) -> MutexGuard<'_, Recorded> {
        let [frame, report, live, commit, delivery] = &*self.0;
        let recorded = match stage {
            Stage::Frame => frame,
            Stage::Report => report,
            Stage::Live => live,
            Stage::Commit => commit,
            Stage::Delivery => delivery,
        };
        recorded.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Recorded {
    fn default() -> Self {
        let micros_max = u64::try_from(LATENCY_MAX.as_micros()).unwrap_or(u64::MAX);
        let histogram = || {
            Histogram::new_with_bounds(1, micros_max, SIGNIFICANT_DIGITS)
                .expect("these bounds are fixed, and valid")
        };
        Self {
            since_start: histogram(),
            since_report: histogram(),
            sum: Duration::ZERO,
        }
    }
}

impl Recorded {
    fn distribution(&self) -> Distribution {
        let mut buckets = [0; BUCKET_BOUNDS_US.len()];
        for value in self.since_start.iter_recorded() {
            let fits = |bound: &u64| value.value_iterated_to() <= *bound;
            let place = BUCKET_BOUNDS_US.iter().position(fits);
            if let Some(bucket) = place.and_then(|place| buckets.get_mut(place)) {
                *bucket += value.count_at_value();
            }
        }
        Distribution {
            count: self.since_start.len(),
            sum: self.sum,
            buckets,
        }
    }
}

impl LatencySummary {
    fn of(histogram: &Histogram<u64>) -> Self {
        let millis = |micros: u64| micros as f64 / 1_000.0;
        Self {
            count: histogram.len(),
            p50_ms: millis(histogram.value_at_quantile(0.5)),
            p99_ms: millis(histogram.value_at_quantile(0.99)),
            max_ms: millis(histogram.max()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recorded(millis: impl IntoIterator<Item = u64>) -> Latencies {
        let latencies = Latencies::default();
        for millis in millis {
            latencies.record(Stage::Frame, Duration::from_millis(millis));
        }
        latencies
    }

    fn is_about(value: f64, expected: f64) -> bool {
        (value - expected).abs() <= expected * 0.01
    }

    #[test]
    fn quantiles_are_within_a_hundredth() {
        let [frame, ..] = recorded(1..=10_000).report();
        let frame = frame.since_start;
        assert_eq!(frame.count, 10_000);
        assert!(is_about(frame.p50_ms, 5_000.0), "{frame:?}");
        assert!(is_about(frame.p99_ms, 9_900.0), "{frame:?}");
        assert!(is_about(frame.max_ms, 10_000.0), "{frame:?}");
    }

    #[test]
    fn a_report_begins_anew_and_the_start_is_kept() {
        let latencies = recorded([100]);
        let [first, ..] = latencies.report();
        latencies.record(Stage::Frame, Duration::from_millis(2));
        let [second, report, ..] = latencies.report();
        assert_eq!(first.since_report, first.since_start);
        assert_eq!(
            (second.since_report.count, second.since_start.count),
            (1, 2)
        );
        assert!(is_about(second.since_report.max_ms, 2.0));
        assert!(is_about(second.since_start.max_ms, 100.0));
        assert_eq!(report, StageLatency::default());
    }

    #[test]
    fn what_takes_for_ever_counts_as_the_longest() {
        let latencies = Latencies::default();
        latencies.record(Stage::Delivery, Duration::MAX);
        latencies.record(Stage::Delivery, Duration::ZERO);
        let [.., delivery] = latencies.report();
        let week_ms = LATENCY_MAX.as_secs_f64() * 1_000.0;
        assert!(is_about(delivery.since_start.max_ms, week_ms));
        assert_eq!(delivery.since_start.count, 2);
    }

    #[test]
    fn every_measurement_is_in_the_bucket_it_fits() {
        let [frame, ..] = recorded([1, 1, 20, 7_200_000]).distributions();
        let at_most = |micros: u64| {
            let bounds = BUCKET_BOUNDS_US.iter().zip(frame.buckets);
            let below = bounds.filter(|(bound, _)| **bound <= micros);
            below.map(|(_, count)| count).sum::<u64>()
        };
        assert_eq!((at_most(500), at_most(2_500)), (0, 2));
        assert_eq!((at_most(10_000), at_most(25_000)), (2, 3));
        assert_eq!((at_most(u64::MAX), frame.count), (3, 4));
        assert_eq!(frame.sum, Duration::from_millis(7_200_022));
    }

    #[test]
    fn each_stage_has_its_place() {
        let latencies = Latencies::default();
        for (place, stage) in Stage::ALL.into_iter().enumerate() {
            latencies.record(stage, Duration::from_millis(1 << place));
        }
        for (place, latency) in latencies.report().into_iter().enumerate() {
            assert!(is_about(latency.since_start.max_ms, f64::from(1 << place)));
            assert_eq!(Stage::ALL[place] as usize, place);
        }
    }
}
