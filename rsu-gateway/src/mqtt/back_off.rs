//! How long to wait before the next attempt to connect.

use std::time::Duration;

/// Exponential back-off with jitter. The jitter keeps a city's roadside units from returning
/// all at once when their broker does.
#[derive(Debug, Clone)]
pub(super) struct BackOff {
    delay_min: Duration,
    delay_max: Duration,
    ceiling: Duration,
}

impl BackOff {
    pub(super) fn new(delay_min: Duration, delay_max: Duration) -> Self {
        Self {
            delay_min,
            delay_max,
            ceiling: delay_min,
        }
    }

    /// The wait before the next attempt, after a connection that lived for `lived` (zero when
    /// it never came up): evenly spread, by `random`, over the upper half of a ceiling that
    /// doubles with every call.
    ///
    /// It starts over only after a connection that outlived the present ceiling: a broker that
    /// accepts and cuts at once is not met by a hot loop.
    pub(super) fn next_delay(&mut self, lived: Duration, random: u64) -> Duration {
        if lived > self.ceiling {
            self.ceiling = self.delay_min;
        }
        let delay = upper_half(self.ceiling, random);
        self.ceiling = self.ceiling.saturating_mul(2).min(self.delay_max);
        delay
    }

    /// The wait before an attempt at another broker, which is not to blame for this one.
    pub(super) fn first_delay(&self, random: u64) -> Duration {
        upper_half(self.delay_min, random)
    }
}

fn upper_half(ceiling: Duration, random: u64) -> Duration {
    let half = ceiling / 2;
    let span_ns = u64::try_from(half.as_nanos()).unwrap_or(u64::MAX - 1);
    half + Duration::from_nanos(random % (span_ns + 1))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const MIN: Duration = Duration::from_secs(1);
    const MAX: Duration = Duration::from_secs(60);
    const NEVER_UP: Duration = Duration::ZERO;

    #[test]
    fn the_wait_doubles_up_to_the_limit_and_stays_there() {
        let mut back_off = BackOff::new(MIN, MAX);
        let ceilings = [1, 2, 4, 8, 16, 32, 60, 60, 60].map(Duration::from_secs);
        for (attempt, ceiling) in ceilings.into_iter().enumerate() {
            let random = 0x9E37_79B9_7F4A_7C15_u64.wrapping_mul(attempt as u64 + 1);
            let delay = back_off.next_delay(NEVER_UP, random);
            assert!(
                ceiling / 2 <= delay && delay <= ceiling,
                "{attempt}: {delay:?}"
            );
        }
    }

    #[test]
    fn the_jitter_covers_the_upper_half() {
        assert_eq!(BackOff::new(MAX, MAX).next_delay(NEVER_UP, 0), MAX / 2);
        let last = u64::try_from((MAX / 2).as_nanos()).unwrap();
        assert_eq!(BackOff::new(MAX, MAX).next_delay(NEVER_UP, last), MAX);
        assert_eq!(
            BackOff::new(MAX, MAX).next_delay(NEVER_UP, last + 1),
            MAX / 2
        );
    }

    #[test]
    fn a_connection_that_is_cut_at_once_does_not_start_it_over() {
        let mut back_off = BackOff::new(MIN, MAX);
        for _ in 0..10 {
            back_off.next_delay(Duration::from_millis(100), 0);
        }
        assert_eq!(
            back_off.next_delay(Duration::from_millis(100), 0),
            Duration::from_secs(30)
        );
    }

    #[test]
    fn a_connection_that_lasted_starts_it_over() {
        let mut back_off = BackOff::new(MIN, MAX);
        for _ in 0..10 {
            back_off.next_delay(NEVER_UP, 0);
        }
        let lasted = MAX + Duration::from_secs(1);
        assert_eq!(back_off.next_delay(lasted, 0), MIN / 2);
    }

    #[test]
    fn a_wait_of_zero_is_possible() {
        let mut back_off = BackOff::new(Duration::ZERO, Duration::ZERO);
        assert_eq!(back_off.next_delay(NEVER_UP, u64::MAX), Duration::ZERO);
    }
}
