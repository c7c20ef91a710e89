//! Figures of the spool, and how long it will take until it is empty.

use std::collections::VecDeque;
use std::time::Duration;

use serde::Serialize;

/// How much waits in a store of records.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct SpoolFigures {
    /// Which store: `durable` or `spilled`.
    pub name: &'static str,
    /// Records that wait for their acknowledgement.
    pub records: u64,
    /// Bytes of these.
    pub bytes: u64,
    /// Age of the oldest of these, in ms; left out where none waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oldest_age_ms: Option<u64>,
    /// Time until none waits, if it goes on as in the last minute, in ms; left out where it does
    /// not get less, and where none waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drain_ms: Option<u64>,
    /// Records dropped since installation.
    pub dropped: u64,
    /// Records found damaged since the start.
    pub damaged: u64,
}

/// Estimates when a store will be empty, by what has waited during the last minute.
#[derive(Clone, Debug, Default)]
pub struct DrainEstimate {
    samples: VecDeque<(Duration, u64)>,
}

/// What is older says nothing of the present rate.
const WINDOW: Duration = Duration::from_secs(60);

/// Closer samples are left out.
const SAMPLE_INTERVAL_MIN: Duration = Duration::from_secs(1);

impl DrainEstimate {
    /// Takes note that `bytes` wait at `since_boot`, and says how long it takes until none does;
    /// `None` while it does not get less, and where none waits.
    pub fn update(&mut self, since_boot: Duration, bytes: u64) -> Option<Duration> {
        let is_stale = |(at, _): &(Duration, u64)| since_boot.saturating_sub(*at) > WINDOW;
        while self.samples.front().is_some_and(is_stale) {
            self.samples.pop_front();
        }
        let oldest = self.samples.front().copied();
        let is_due =
            |(at, _): &(Duration, u64)| since_boot.saturating_sub(*at) >= SAMPLE_INTERVAL_MIN;
        if self.samples.back().is_none_or(is_due) {
            self.samples.push_back((since_boot, bytes));
        }
        let (at, before) = oldest?;
        let drained = before.checked_sub(bytes).filter(|drained| *drained > 0)?;
        let passed = since_boot.checked_sub(at)?;
        let seconds = passed.as_secs_f64() * bytes as f64 / drained as f64;
        (bytes > 0).then(|| Duration::try_from_secs_f64(seconds).ok())?
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn estimates(bytes: &[u64]) -> Vec<Option<u64>> {
        let mut drain = DrainEstimate::default();
        let update = |(second, bytes): (u64, &u64)| {
            let estimate = drain.update(Duration::from_secs(second), *bytes);
            estimate.map(|estimate| estimate.as_secs())
        };
        (0..).zip(bytes).map(update).collect()
    }

    #[test]
    fn what_gets_less_will_be_gone() {
        let expected = [None, Some(9), Some(8), Some(7)];
        assert_eq!(estimates(&[1_000, 900, 800, 700]), expected);
    }

    #[test]
    fn what_does_not_get_less_has_no_end() {
        assert_eq!(estimates(&[0, 0, 100, 200, 200]), [None; 5]);
    }

    #[test]
    fn only_the_last_minute_counts() {
        let mut bytes = vec![1_000_000_u64; 100];
        bytes.extend((1..=80).map(|second| 1_000_000 - second * 1_000));
        let last = estimates(&bytes).pop().flatten();
        assert_eq!(last, Some(920));
    }

    #[test]
    fn memory_is_bounded_however_often_it_is_asked() {
        let mut drain = DrainEstimate::default();
        for millis in 0..200_000 {
            drain.update(Duration::from_millis(millis), 1_000_000 - millis);
        }
        assert!(drain.samples.len() <= 62, "{}", drain.samples.len());
    }
}
