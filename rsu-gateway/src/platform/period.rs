//! What is due again and again.

use rsu_firmware::time::{Span, Timestamp};

/// Comes round every `interval`. What was missed is not made up for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Period {
    interval: Span,
    next: Option<Timestamp>,
}

impl Period {
    /// Due at once, then every `interval`; never, if that is zero or less.
    pub(super) fn new(interval: Span) -> Self {
        Self {
            interval,
            next: None,
        }
    }

    /// Whether it has come round by `now`; if so, the next time is set.
    pub(super) fn poll(&mut self, now: Timestamp) -> bool {
        if self.interval <= Span::default() {
            return false;
        }
        // At the end of time there is still a next one, or it would be due for ever.
        let now = now.min(Timestamp::from_micros(i64::MAX) - self.interval);
        let next = self.next.unwrap_or(now);
        // A clock that was set back must not put it off.
        if now < next && next - now <= self.interval {
            return false;
        }
        let after = next + self.interval;
        let in_step = after > now && after - now <= self.interval;
        self.next = Some(if in_step { after } else { now + self.interval });
        true
    }

    /// When it comes round next; `None` when never. Before the first poll it is long overdue.
    pub(super) fn poll_timeout(&self) -> Option<Timestamp> {
        let overdue = Timestamp::from_micros(i64::MIN);
        (self.interval > Span::default()).then_some(self.next.unwrap_or(overdue))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn polled(period: &mut Period, millis: impl IntoIterator<Item = i64>) -> Vec<i64> {
        let due = |at: &i64| period.poll(Timestamp::from_millis(*at));
        millis.into_iter().filter(due).collect()
    }

    #[test]
    fn it_keeps_step_and_makes_up_for_nothing() {
        let mut period = Period::new(Span::from_millis(100));
        let due = polled(
            &mut period,
            [0, 50, 99, 104, 199, 200, 290, 950, 960, 1049, 1050],
        );
        assert_eq!(due, [0, 104, 200, 950, 1050]);
    }

    #[test]
    fn it_survives_a_clock_that_is_set() {
        let mut period = Period::new(Span::from_millis(100));
        let due = polled(&mut period, [1_000_000, 0, 99, 100, i64::MAX, i64::MIN]);
        assert_eq!(due, [1_000_000, 0, 100, i64::MAX, i64::MIN]);
    }

    #[test]
    fn it_comes_round_once_at_the_end_of_time() {
        let mut period = Period::new(Span::from_millis(100));
        assert_eq!(polled(&mut period, [i64::MAX; 3]), [i64::MAX]);
    }

    #[test]
    fn zero_is_never() {
        let mut period = Period::new(Span::default());
        assert_eq!(polled(&mut period, [0, 1, 1_000]), [] as [i64; 0]);
        assert_eq!(period.poll_timeout(), None);
    }
}
