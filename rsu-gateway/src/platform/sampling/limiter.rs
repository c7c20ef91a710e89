//! At most N in any second.

use std::collections::VecDeque;

use rsu_firmware::time::{Span, Timestamp};

use super::Limit;

const SECOND: Span = Span::from_millis(1_000);

/// What is a little early still passes, so that what comes at just the limit's rate with some
/// jitter is not halved.
const EARLY_MAX: Span = Span::from_millis(100);

/// Lets messages pass evenly, and at most so many in any second, wherever the second begins.
///
/// Two rules, both must hold: the N-th last message passed at least a second ago; and no message
/// passes more than [`EARLY_MAX`] (or half a period) ahead of an even pace.
#[derive(Debug)]
pub struct Limiter {
    limit: Limit,
    /// When the last messages passed, at most N.
    passed: VecDeque<Timestamp>,
    /// When the next one is due at an even pace.
    due: Option<Timestamp>,
    latest: Option<Timestamp>,
}

impl Limiter {
    /// A limiter that has seen nothing yet.
    pub fn new(limit: Limit) -> Self {
        Self {
            limit,
            passed: VecDeque::new(),
            due: None,
            latest: None,
        }
    }

    /// Whether a message may pass at `now`; if so, it has.
    pub fn admit(&mut self, now: Timestamp) -> bool {
        let rate = match self.limit {
            Limit::Unlimited => return true,
            Limit::PerSecond(rate) => rate.per_second(),
        };
        if rate == 0 {
            return false;
        }
        let now = self.observe(now);
        let period = Span::from_micros(SECOND.as_micros() / i64::from(rate));
        let early = Span::from_micros(period.as_micros() / 2).max(EARLY_MAX);
        let due = self.due.unwrap_or(now);
        if now + early < due {
            return false;
        }
        if self.passed.len() >= usize::from(rate) {
            let within_second = |first: &Timestamp| now - *first < SECOND;
            if self.passed.front().is_some_and(within_second) {
                return false;
            }
            self.passed.pop_front();
        }
        self.passed.push_back(now);
        self.due = Some(due.max(now) + period);
        true
    }

    /// Time never goes back a little, and what was before it went back by more is forgotten.
    fn observe(&mut self, now: Timestamp) -> Timestamp {
        let latest = self.latest.unwrap_or(now);
        let now = if latest - now > SECOND {
            self.passed.clear();
            self.due = None;
            now
        } else {
            now.max(latest)
        };
        self.latest = Some(now);
        now
    }
}
