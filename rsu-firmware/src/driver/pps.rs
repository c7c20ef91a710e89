//! The pulse per second of a GNSS receiver: how far the wall clock is off.

use crate::time::{Span, Timestamp};

/// Pulses, as the wall clock sees them.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pps {
    last: Option<Timestamp>,
    offset: Option<Span>,
    irregular: u64,
}

/// Two pulses are a second apart, give or take this, by any clock that deserves the name.
const JITTER_MAX: Span = Span::from_millis(10);

/// Without a pulse for so long there are none.
const SILENCE_MAX: Span = Span::from_millis(2_500);

const SECOND: Span = Span::from_millis(1_000);

impl Pps {
    /// No pulse has come.
    pub const fn new() -> Self {
        Self {
            last: None,
            offset: None,
            irregular: 0,
        }
    }

    /// Takes in a pulse that came when the clock said `now`.
    pub fn handle_pulse(&mut self, now: Timestamp) {
        let Some(last) = self.last.replace(now) else {
            return;
        };
        let off = (now - last).as_micros().saturating_sub(SECOND.as_micros());
        if off.saturating_abs() > JITTER_MAX.as_micros() {
            self.irregular = self.irregular.saturating_add(1);
            self.offset = None;
            return;
        }
        let half = SECOND.as_micros() / 2;
        let behind = now.as_micros().rem_euclid(SECOND.as_micros());
        self.offset = Some(Span::from_micros(match behind > half {
            true => behind - SECOND.as_micros(),
            false => behind,
        }));
    }

    /// By how much the clock is ahead of the pulses, -0.5 to 0.5 s; `None` while they do not come
    /// regularly.
    pub fn offset(&self, now: Timestamp) -> Option<Span> {
        self.offset.filter(|_| self.is_present(now))
    }

    fn is_present(&self, now: Timestamp) -> bool {
        let silent = self.last.map(|last| now - last);
        silent.is_some_and(|silent| (Span::default()..=SILENCE_MAX).contains(&silent))
    }

    /// Pulses that did not come a second after the one before: noise, some are missing, or the clock
    /// was set.
    pub fn irregular(&self) -> u64 {
        self.irregular
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(micros: i64) -> Timestamp {
        Timestamp::from_micros(1_800_000_000_000_000 + micros)
    }

    #[test]
    fn the_offset_is_what_the_clock_says_at_a_pulse() {
        let mut pps = Pps::new();
        assert_eq!(pps.offset(at(0)), None);
        pps.handle_pulse(at(120));
        assert_eq!(pps.offset(at(200)), None, "one pulse may be noise");
        pps.handle_pulse(at(1_000_150));
        assert_eq!(pps.offset(at(1_100_000)), Some(Span::from_micros(150)));
        pps.handle_pulse(at(1_999_900));
        assert_eq!(pps.offset(at(2_000_000)), Some(Span::from_micros(-100)));
        assert_eq!(pps.irregular(), 0);
    }

    #[test]
    fn pulses_at_odd_times_are_no_reference() {
        let mut pps = Pps::new();
        for micros in [0, 1_000_000, 1_300_000, 2_000_000] {
            pps.handle_pulse(at(micros));
        }
        assert_eq!(pps.offset(at(2_000_000)), None);
        assert_eq!(pps.irregular(), 2);
    }

    #[test]
    fn without_pulses_there_is_no_offset() {
        let mut pps = Pps::new();
        pps.handle_pulse(at(0));
        pps.handle_pulse(at(1_000_000));
        assert!(pps.offset(at(3_500_000)).is_some());
        assert!(pps.offset(at(3_500_001)).is_none());
        assert!(pps.offset(at(0)).is_none(), "the clock was set back");
    }
}
