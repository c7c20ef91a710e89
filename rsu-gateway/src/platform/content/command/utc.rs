//! Times at which something is to happen.

use super::lenient::Lenient;

/// A time in milliseconds since 1970; `None` for now (0, or left out).
///
/// The draft says "UTC" and names no unit. Seconds and milliseconds since 1970 cannot be taken for
/// one another: a time before 1973 in milliseconds is one of today in seconds.
pub(super) fn millis(time: Option<Lenient<u64>>) -> Option<i64> {
    const SECONDS_BELOW: u64 = 100_000_000_000;
    match time.map(|time| time.0) {
        None | Some(0) => None,
        Some(seconds) if seconds < SECONDS_BELOW => i64::try_from(seconds * 1_000).ok(),
        Some(millis) => i64::try_from(millis).ok(),
    }
}
