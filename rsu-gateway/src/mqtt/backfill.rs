//! How fast the records of an outage go out, so that what is new does not have to wait.

use std::time::{Duration, Instant};

/// The rate is kept over a time as short as this.
const BURST: Duration = Duration::from_millis(100);

/// Limits the bytes a second and the bytes under way: what fills the buffers between here and
/// the broker is what a live publish waits behind.
#[derive(Debug)]
pub(super) struct Backfill {
    bytes_per_second_max: Option<u64>,
    in_flight_bytes_max: usize,
    in_flight_bytes: usize,
    /// When the rate allows the next record.
    next_at: Instant,
}

impl Backfill {
    pub(super) fn new(
        bytes_per_second_max: Option<u64>,
        in_flight_bytes_max: usize,
        now: Instant,
    ) -> Self {
        Self {
            bytes_per_second_max,
            in_flight_bytes_max,
            in_flight_bytes: 0,
            next_at: now,
        }
    }

    /// Whether a record may go now.
    pub(super) fn may_go(&self, now: Instant) -> bool {
        self.next_at().is_some_and(|next_at| now >= next_at)
    }

    /// When the rate allows the next record; `None` while bytes under way stand against it.
    pub(super) fn next_at(&self) -> Option<Instant> {
        let has_room = self.in_flight_bytes == 0 || self.in_flight_bytes < self.in_flight_bytes_max;
        has_room.then_some(self.next_at)
    }

    /// A record goes.
    pub(super) fn sent(&mut self, bytes: usize, now: Instant) {
        self.in_flight_bytes += bytes;
        let Some(bytes_per_second_max) = self.bytes_per_second_max else {
            return;
        };
        let earliest = now.checked_sub(BURST).unwrap_or(now);
        let nanos = bytes as u128 * 1_000_000_000 / u128::from(bytes_per_second_max.max(1));
        let takes = Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
        let from = self.next_at.max(earliest);
        self.next_at = from.checked_add(takes).unwrap_or(from);
    }

    /// A record has arrived.
    pub(super) fn acknowledged(&mut self, bytes: usize) {
        self.in_flight_bytes = self.in_flight_bytes.saturating_sub(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORD: usize = 1000;

    /// How many records go within that time when each is acknowledged at once.
    fn sent_within(bytes_per_second_max: Option<u64>, time: Duration) -> usize {
        let start = Instant::now();
        let mut backfill = Backfill::new(bytes_per_second_max, 10 * RECORD, start);
        let mut sent = 0;
        for ms in 0..time.as_millis() as u64 {
            let now = start + Duration::from_millis(ms);
            while backfill.may_go(now) && sent < 1_000_000 {
                backfill.sent(RECORD, now);
                backfill.acknowledged(RECORD);
                sent += 1;
            }
        }
        sent
    }

    #[test]
    fn the_rate_is_kept() {
        let sent = sent_within(Some(100_000), Duration::from_secs(10));
        assert!((1000..=1011).contains(&sent), "{sent}");
    }

    #[test]
    fn without_a_limit_everything_goes_at_once() {
        assert_eq!(sent_within(None, Duration::from_millis(1)), 1_000_000);
    }

    #[test]
    fn a_pause_is_not_made_up_for() {
        let start = Instant::now();
        let mut backfill = Backfill::new(Some(100_000), 1 << 20, start);
        let later = start + Duration::from_secs(60);
        let mut burst = 0;
        while backfill.may_go(later) {
            backfill.sent(RECORD, later);
            burst += 1;
        }
        assert_eq!(burst, 11, "100 ms worth of records, and the one under way");
    }

    #[test]
    fn bytes_under_way_hold_it_back_until_they_have_arrived() {
        let now = Instant::now();
        let mut backfill = Backfill::new(None, 2 * RECORD, now);
        backfill.sent(RECORD, now);
        assert!(backfill.may_go(now));
        backfill.sent(RECORD, now);
        assert!(!backfill.may_go(now));
        backfill.acknowledged(RECORD);
        assert!(backfill.may_go(now));
    }

    #[test]
    fn a_record_larger_than_the_limit_goes_alone() {
        let now = Instant::now();
        let mut backfill = Backfill::new(None, RECORD, now);
        assert!(backfill.may_go(now));
        backfill.sent(10 * RECORD, now);
        assert!(!backfill.may_go(now));
        backfill.acknowledged(10 * RECORD);
        assert!(backfill.may_go(now));
    }
}
