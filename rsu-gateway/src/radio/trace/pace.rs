//! How fast a trace is replayed.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use rsu_firmware::time::Timestamp;
use tokio::time::Instant;

/// How fast a trace is replayed.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Pace {
    /// As it was recorded.
    #[default]
    Recorded,
    /// This many times as fast as it was recorded: finite, greater than 0.
    Scaled(f64),
    /// As fast as it goes.
    Max,
}

/// Why a text is no [`Pace`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no pace: give `recorded`, `max` or how many times as fast, for example 2.5")]
pub struct PaceError(String);

impl FromStr for Pace {
    type Err = PaceError;

    fn from_str(text: &str) -> Result<Self, PaceError> {
        match text {
            "recorded" => Ok(Self::Recorded),
            "max" => Ok(Self::Max),
            _ => match text.parse() {
                Ok(factor) if f64::is_normal(factor) && factor > 0.0 => Ok(Self::Scaled(factor)),
                _ => Err(PaceError(text.to_owned())),
            },
        }
    }
}

impl fmt::Display for Pace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Recorded => f.write_str("recorded"),
            Self::Scaled(factor) => factor.fmt(f),
            Self::Max => f.write_str("max"),
        }
    }
}

/// The recorded clock of one packet to the next may go back by this much and forth by that much;
/// beyond, the trace is taken to be spliced or broken there and the packet is due at once.
const STEP_BACK_US_MAX: i64 = 1_000_000;
const STEP_FORTH_US_MAX: i64 = 60_000_000;

/// When the packets of a trace are due.
#[derive(Debug)]
pub(super) struct Schedule {
    pace: Pace,
    /// A packet's time with the instant at which it was due, from which the later ones are counted.
    anchor: Option<(Timestamp, Instant)>,
    last: Timestamp,
}

impl Schedule {
    pub(super) fn new(pace: Pace) -> Self {
        Self {
            pace,
            anchor: None,
            last: Timestamp::default(),
        }
    }

    /// Makes the next packet due at once.
    pub(super) fn restart(&mut self) {
        self.anchor = None;
    }

    /// When to deliver a packet of this recorded time; `None` for at once.
    pub(super) fn due(&mut self, time: Timestamp) -> Option<Instant> {
        let factor = match self.pace {
            Pace::Max => return None,
            Pace::Recorded => 1.0,
            Pace::Scaled(factor) => factor,
        };
        let step = (time - self.last).as_micros();
        self.last = time;
        if !(-STEP_BACK_US_MAX..=STEP_FORTH_US_MAX).contains(&step) {
            self.anchor = None;
        }
        let &mut (from, instant) = self.anchor.get_or_insert_with(|| (time, Instant::now()));
        let wait = time.age_since(from).as_secs_f64() / factor;
        instant.checked_add(Duration::try_from_secs_f64(wait).ok()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pace_is_recorded_max_or_a_factor() {
        assert_eq!("recorded".parse(), Ok(Pace::Recorded));
        assert_eq!("max".parse(), Ok(Pace::Max));
        assert_eq!("2.5".parse(), Ok(Pace::Scaled(2.5)));
        for pace in [Pace::Recorded, Pace::Max, Pace::Scaled(0.1)] {
            assert_eq!(pace.to_string().parse(), Ok(pace));
        }
    }

    #[test]
    fn what_is_no_pace_is_quoted_with_what_would_be() {
        for text in ["", "fast", "0", "-1", "inf", "NaN", "1e-320"] {
            let error = text.parse::<Pace>().expect_err(text).to_string();
            assert!(
                error.starts_with(&format!("`{text}` is no pace")),
                "{error}"
            );
        }
    }

    fn at_ms(ms: i64) -> Timestamp {
        Timestamp::from_millis(1_700_000_000_000 + ms)
    }

    /// The milliseconds from the first packet at which each packet is due.
    fn due_ms(pace: Pace, times_ms: &[i64]) -> Vec<u128> {
        let start = Instant::now();
        let mut schedule = Schedule::new(pace);
        let due = times_ms.iter().map(|&ms| schedule.due(at_ms(ms)));
        due.map(|due| due.unwrap_or(start).duration_since(start).as_millis())
            .collect()
    }

    #[tokio::test(start_paused = true)]
    async fn packets_are_due_as_recorded() {
        assert_eq!(due_ms(Pace::Recorded, &[0, 100, 350]), [0, 100, 350]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_factor_shortens_the_waits() {
        assert_eq!(due_ms(Pace::Scaled(2.0), &[0, 100, 350]), [0, 50, 175]);
        assert_eq!(due_ms(Pace::Scaled(0.5), &[0, 100]), [0, 200]);
        assert_eq!(due_ms(Pace::Max, &[0, 100]), [0, 0]);
    }

    #[tokio::test(start_paused = true)]
    async fn packets_out_of_order_do_not_shift_the_others() {
        assert_eq!(
            due_ms(Pace::Recorded, &[0, 100, 90, 200]),
            [0, 100, 90, 200]
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_leap_of_the_recorded_clock_is_not_waited_for() {
        let year_ms = 365 * 86_400_000;
        assert_eq!(
            due_ms(Pace::Recorded, &[0, year_ms, year_ms + 100]),
            [0, 0, 100]
        );
        assert_eq!(due_ms(Pace::Recorded, &[0, -5_000, -4_900]), [0, 0, 100]);
        assert_eq!(due_ms(Pace::Scaled(1e-300), &[0, 1]), [0, 0]);
    }
}
