//! How many messages of each kind were received, for the last hour, day and week.

use rsu_firmware::message::MessageFrame;
use rsu_firmware::time::{Span, Timestamp};

use super::content::MessageTotals;
use crate::downlink::InformationInterval;

/// How exact the intervals are.
const BUCKET: Span = Span::from_millis(600_000);
const BUCKETS_IN_HOUR: usize = 6;
const BUCKETS_IN_DAY: usize = 24 * BUCKETS_IN_HOUR;
const BUCKETS_IN_WEEK: usize = 7 * BUCKETS_IN_DAY;

/// Counts messages in steps of ten minutes, as far back as a week.
#[derive(Debug)]
pub(super) struct Statistics {
    since_start: MessageTotals,
    /// What `since_start` was when each step began, the latest last.
    steps: std::collections::VecDeque<MessageTotals>,
    step_begin: Option<Timestamp>,
}

impl Default for Statistics {
    fn default() -> Self {
        Self {
            since_start: MessageTotals::default(),
            steps: std::collections::VecDeque::from([MessageTotals::default()]),
            step_begin: None,
        }
    }
}

impl Statistics {
    /// Counts a message received at `now`.
    pub(super) fn count(&mut self, now: Timestamp, message: &MessageFrame<'_>) {
        self.step(now);
        let totals = &mut self.since_start;
        match message {
            MessageFrame::Bsm(_) => totals.bsm += 1,
            MessageFrame::Map(_) => totals.map += 1,
            MessageFrame::Rsm(_) => totals.rsm += 1,
            MessageFrame::Spat(_) => totals.spat += 1,
            MessageFrame::Rsi(_) => totals.rsi += 1,
            MessageFrame::Unknown(..) => {}
        }
    }

    /// What was received in an interval that ends at `now`, to ten minutes.
    pub(super) fn totals(
        &mut self,
        now: Timestamp,
        interval: InformationInterval,
    ) -> MessageTotals {
        self.step(now);
        let steps = match interval {
            InformationInterval::LastHour => BUCKETS_IN_HOUR,
            InformationInterval::LastDay => BUCKETS_IN_DAY,
            InformationInterval::LastWeek => BUCKETS_IN_WEEK,
            InformationInterval::SinceStart => return self.since_start,
        };
        let first = self.steps.len().saturating_sub(steps);
        let before = self.steps.get(first).copied().unwrap_or_default();
        let after = self.since_start;
        MessageTotals {
            rsi: after.rsi - before.rsi,
            map: after.map - before.map,
            rsm: after.rsm - before.rsm,
            spat: after.spat - before.spat,
            bsm: after.bsm - before.bsm,
        }
    }

    /// Begins the steps that have begun by `now`. A clock that jumps, begins one.
    fn step(&mut self, now: Timestamp) {
        let begin = *self.step_begin.get_or_insert(now);
        let passed = (now - begin).as_micros() / BUCKET.as_micros();
        let is_jump = now < begin || passed > BUCKETS_IN_WEEK as i64;
        if passed == 0 && !is_jump {
            return;
        }
        let steps = if is_jump { 1 } else { passed };
        for _ in 0..steps {
            if self.steps.len() >= BUCKETS_IN_WEEK {
                self.steps.pop_front();
            }
            self.steps.push_back(self.since_start);
        }
        self.step_begin = Some(if is_jump {
            now
        } else {
            begin + BUCKET * passed
        });
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde_json::json;

    fn at(minutes: i64) -> Timestamp {
        Timestamp::from_millis(1_767_225_600_000 + minutes * 60_000)
    }

    #[test]
    fn the_last_hour_day_and_week_are_counted() {
        use InformationInterval::{LastDay, LastHour, LastWeek, SinceStart};
        let map: MessageFrame<'_> = serde_json::from_value(json!({"mapFrame": {
            "msgCnt": 0, "nodes": [{"id": {"id": 7}, "refPos": {"lat": 0, "long": 0}}],
        }}))
        .unwrap();
        let mut statistics = Statistics::default();
        let ten_days = 14_400;
        for minute in 0..ten_days {
            statistics.count(at(minute), &map);
        }
        let now = at(ten_days - 1);
        let mut maps = |now, interval| statistics.totals(now, interval).map;
        assert_eq!(maps(now, LastHour), 60);
        assert_eq!(maps(now, LastDay), 1_440);
        assert_eq!(maps(now, LastWeek), 10_080);
        assert_eq!(maps(now, SinceStart), 14_400);
        assert_eq!(maps(at(ten_days + 29), LastHour), 30);
        assert_eq!(maps(at(ten_days + 10_080), LastWeek), 0);
        // Years back, and on again.
        assert_eq!(maps(at(-5_256_000), SinceStart), 14_400);
        assert_eq!(maps(at(5_256_000), LastHour), 0);
    }
}
