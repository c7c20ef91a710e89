//! Somebody has set the clock: found by a clock that nobody can set.

use std::time::Duration;

use rsu_firmware::time::{Span, Timestamp};
use rustix::time::{ClockId, clock_gettime};

use super::PLAUSIBLE_FROM;

/// One moment on two clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// The wall clock, which may be set.
    pub time: Timestamp,
    /// Since the boot, suspension included; never set, never goes back.
    pub since_boot: Duration,
}

impl Moment {
    /// This moment.
    pub fn now() -> Self {
        let since_boot = clock_gettime(ClockId::Boottime);
        Self {
            time: super::now(),
            since_boot: Duration::new(
                since_boot.tv_sec.unsigned_abs(),
                u32::try_from(since_boot.tv_nsec).unwrap_or_default(),
            ),
        }
    }

    /// Whether the wall clock was ever set, as far as one can see.
    pub fn is_plausible(&self) -> bool {
        self.time >= PLAUSIBLE_FROM
    }
}

/// The wall clock was set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockJump {
    /// By how much; negative when it was set back.
    pub by: Span,
}

/// Steps up to this are the work of a daemon that keeps the clock.
const STEP_MAX: Span = Span::from_millis(500);

/// Twice what a daemon may slew (`adjtime(3)`: 500 ppm), as a divisor of the time that has passed.
const SLEW_DIVISOR: i64 = 1_000;

/// Compares the wall clock with the time since boot.
#[derive(Clone, Debug, Default)]
pub struct JumpDetector {
    before: Option<Moment>,
}

impl JumpDetector {
    /// Takes note of `now`, and says whether the wall clock was set since the call before.
    pub fn update(&mut self, now: Moment) -> Option<ClockJump> {
        let before = self.before.replace(now)?;
        let passed = now.since_boot.saturating_sub(before.since_boot);
        let passed = i64::try_from(passed.as_micros()).unwrap_or(i64::MAX);
        let by = (now.time - before.time).as_micros().saturating_sub(passed);
        let allowed = STEP_MAX.as_micros() + passed / SLEW_DIVISOR;
        let jumped = by.unsigned_abs() > allowed.unsigned_abs();
        jumped.then_some(ClockJump {
            by: Span::from_micros(by),
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn moment(time_ms: i64, since_boot_ms: u64) -> Moment {
        Moment {
            time: Timestamp::from_millis(time_ms),
            since_boot: Duration::from_millis(since_boot_ms),
        }
    }

    fn jump_ms(moments: [(i64, u64); 2]) -> Option<i64> {
        let mut detector = JumpDetector::default();
        let [first, second] = moments.map(|(time, since_boot)| moment(time, since_boot));
        assert_eq!(detector.update(first), None);
        Some(detector.update(second)?.by.as_millis())
    }

    #[test]
    fn a_clock_that_runs_does_not_jump() {
        assert_eq!(jump_ms([(0, 0), (1_000, 1_000)]), None);
        assert_eq!(jump_ms([(0, 0), (1_499, 1_000)]), None);
        // An hour, slewed by 500 ppm.
        assert_eq!(jump_ms([(0, 0), (3_601_800, 3_600_000)]), None);
    }

    #[test]
    fn a_clock_that_is_set_jumps_in_either_direction() {
        assert_eq!(jump_ms([(0, 0), (61_000, 1_000)]), Some(60_000));
        assert_eq!(jump_ms([(100_000, 0), (41_000, 1_000)]), Some(-60_000));
    }

    #[test]
    fn a_clock_that_starts_at_1970_is_implausible_until_it_is_set() {
        let start = moment(5_000, 5_000);
        let set = moment(1_767_225_600_000, 6_000);
        let mut detector = JumpDetector::default();
        assert!(!start.is_plausible() && set.is_plausible());
        assert_eq!(detector.update(start), None);
        let jump = detector.update(set).unwrap();
        assert_eq!(jump.by.as_millis(), 1_767_225_600_000 - 6_000);
    }

    #[test]
    fn a_jump_is_told_once() {
        let mut detector = JumpDetector::default();
        detector.update(moment(0, 0));
        assert!(detector.update(moment(1_000_000, 1_000)).is_some());
        assert_eq!(detector.update(moment(1_001_000, 2_000)), None);
    }

    #[test]
    fn both_clocks_of_this_machine_run() {
        let (first, second) = (Moment::now(), Moment::now());
        assert!(first.since_boot > Duration::ZERO && second.since_boot >= first.since_boot);
    }

    proptest! {
        #[test]
        fn no_time_is_too_far_away(
            times in proptest::collection::vec((any::<i64>(), any::<u64>()), 1..5)
        ) {
            let mut detector = JumpDetector::default();
            for (micros, nanos) in times {
                detector.update(Moment {
                    time: Timestamp::from_micros(micros),
                    since_boot: Duration::from_nanos(nanos),
                });
            }
        }
    }
}
