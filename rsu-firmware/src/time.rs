//! Time as the core sees it: always an argument, never a clock.

use core::ops::{Add, Mul, Sub};

/// A point in time: microseconds since 1970-01-01T00:00:00 UTC, leap seconds ignored as in POSIX.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// A span of time in microseconds, negative when it points into the past.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span(i64);

const MICROS_IN_MINUTE: i64 = 60_000_000;
const MICROS_IN_DAY: i64 = 86_400_000_000;
/// Minutes of a leap year.
const MINUTES_IN_YEAR_MAX: u32 = 527_040;
/// A minute with a leap second is 61 s long.
const MILLIS_IN_MINUTE_MAX: u16 = 60_999;

impl Timestamp {
    /// A time from microseconds since the Unix epoch.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// A time from milliseconds since the Unix epoch.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis.saturating_mul(1_000))
    }

    /// Microseconds since the Unix epoch.
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// Milliseconds since the Unix epoch, rounded down.
    pub const fn as_millis(self) -> i64 {
        self.0.div_euclid(1_000)
    }

    /// Seconds since the Unix epoch.
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1e6
    }

    /// The time that `minute` of the UTC year (0..=527039) and `millis` of that minute (leap second
    /// up to 60999) mean, in the year that brings it nearest to `now`; `None` for what senders use
    /// as "invalid".
    pub fn from_minute_of_year(minute: u32, millis: u16, now: Self) -> Option<Self> {
        if minute >= MINUTES_IN_YEAR_MAX || millis > MILLIS_IN_MINUTE_MAX {
            return None;
        }
        let year = year_of_day(now.0.div_euclid(MICROS_IN_DAY));
        let in_year = i64::from(minute) * MICROS_IN_MINUTE + i64::from(millis) * 1_000;
        let candidates = [year - 1, year, year + 1].map(|year| {
            Self(
                first_day_of_year(year)
                    .saturating_mul(MICROS_IN_DAY)
                    .saturating_add(in_year),
            )
        });
        candidates
            .into_iter()
            .min_by_key(|candidate| (*candidate - now).0.saturating_abs())
    }

    /// The minute of the UTC year (0..=527039) and the milliseconds within it (0..=59999).
    pub const fn minute_of_year(self) -> (u32, u16) {
        let day = self.0.div_euclid(MICROS_IN_DAY);
        let in_day = self.0.rem_euclid(MICROS_IN_DAY);
        let day_of_year = day - first_day_of_year(year_of_day(day));
        let minute = day_of_year * (MICROS_IN_DAY / MICROS_IN_MINUTE) + in_day / MICROS_IN_MINUTE;
        let millis = in_day % MICROS_IN_MINUTE / 1_000;
        (minute as u32, millis as u16)
    }

    /// The time nearest to `now` at which a minute was `millis` old (leap second up to 60999);
    /// `None` for what senders use as "invalid".
    pub fn from_millis_in_minute(millis: u16, now: Self) -> Option<Self> {
        if millis > MILLIS_IN_MINUTE_MAX {
            return None;
        }
        let behind = (now.0.saturating_sub(i64::from(millis) * 1_000)).rem_euclid(MICROS_IN_MINUTE);
        let shift = if behind > MICROS_IN_MINUTE / 2 {
            MICROS_IN_MINUTE - behind
        } else {
            -behind
        };
        Some(Self(now.0.saturating_add(shift)))
    }

    /// What has passed since `earlier`; zero when the clock ran backwards.
    pub fn age_since(self, earlier: Self) -> Span {
        Span(self.0.saturating_sub(earlier.0).max(0))
    }
}

impl Span {
    /// A span of microseconds.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// A span of milliseconds.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis.saturating_mul(1_000))
    }

    /// Microseconds.
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// Milliseconds, rounded towards zero.
    pub const fn as_millis(self) -> i64 {
        self.0 / 1_000
    }

    /// Seconds.
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1e6
    }
}

impl Sub for Timestamp {
    type Output = Span;
    fn sub(self, earlier: Self) -> Span {
        Span(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Span> for Timestamp {
    type Output = Self;
    fn add(self, span: Span) -> Self {
        Self(self.0.saturating_add(span.0))
    }
}

impl Sub<Span> for Timestamp {
    type Output = Self;
    fn sub(self, span: Span) -> Self {
        Self(self.0.saturating_sub(span.0))
    }
}

impl Mul<i64> for Span {
    type Output = Self;
    fn mul(self, factor: i64) -> Self {
        Self(self.0.saturating_mul(factor))
    }
}

/// Days from 1970-01-01 to the first of January of a year of the Gregorian calendar.
const fn first_day_of_year(year: i64) -> i64 {
    let before = year - 1;
    let leap_days = before.div_euclid(4) - before.div_euclid(100) + before.div_euclid(400);
    365 * (year - 1970) + leap_days - LEAP_DAYS_BEFORE_1970
}

const LEAP_DAYS_BEFORE_1970: i64 = 477;

/// The year that a day, counted from 1970-01-01, lies in.
const fn year_of_day(day: i64) -> i64 {
    const DAYS_IN_400_YEARS: i64 = 146_097;
    let guess = 1970 + (day * 400).div_euclid(DAYS_IN_400_YEARS);
    if first_day_of_year(guess + 1) <= day {
        guess + 1
    } else if first_day_of_year(guess) > day {
        guess - 1
    } else {
        guess
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const NEW_YEAR_2024: Timestamp = Timestamp::from_millis(1_704_067_200_000);
    const NEW_YEAR_2025: Timestamp = Timestamp::from_millis(1_735_689_600_000);

    fn seconds(seconds: i64) -> Span {
        Span::from_millis(seconds * 1_000)
    }

    #[test]
    fn years_begin_where_the_calendar_says() {
        assert_eq!(first_day_of_year(1970), 0);
        assert_eq!(first_day_of_year(1969), -365);
        assert_eq!(first_day_of_year(2000), 10_957);
        for year in 1600..2500 {
            assert_eq!(year_of_day(first_day_of_year(year)), year);
            assert_eq!(year_of_day(first_day_of_year(year + 1) - 1), year);
        }
    }

    #[test]
    fn minute_of_year_is_of_the_current_year() {
        let now = NEW_YEAR_2024 + seconds(86_400 * 60 + 7);
        let stamped = Timestamp::from_minute_of_year(1_440 * 60, 6_900, now).unwrap();
        assert_eq!(now - stamped, Span::from_millis(100));
    }

    #[test]
    fn the_minute_of_a_time_means_that_time() {
        for micros in [i64::MIN, -1, 0, 1_700_000_061_234_567, i64::MAX] {
            let time = Timestamp::from_micros(micros);
            let (minute, millis) = time.minute_of_year();
            assert!(minute < MINUTES_IN_YEAR_MAX && millis < 60_000);
        }
        for seconds_on in (0..800 * 86_400).step_by(86_389) {
            let time = NEW_YEAR_2024 + seconds(seconds_on);
            let (minute, millis) = time.minute_of_year();
            let again = Timestamp::from_minute_of_year(minute, millis, time);
            assert_eq!(again, Some(time));
        }
    }

    #[test]
    fn minute_of_year_crosses_new_year_both_ways() {
        let last_minute_of_leap_year = 366 * 1_440 - 1;
        let just_after = NEW_YEAR_2025 + seconds(1);
        assert_eq!(
            Timestamp::from_minute_of_year(last_minute_of_leap_year, 59_000, just_after),
            Some(NEW_YEAR_2025 - seconds(1))
        );
        let just_before = NEW_YEAR_2025 - seconds(1);
        assert_eq!(
            Timestamp::from_minute_of_year(0, 500, just_before),
            Some(NEW_YEAR_2025 + Span::from_millis(500))
        );
    }

    #[test]
    fn invalid_minutes_and_milliseconds_have_no_time() {
        assert_eq!(
            Timestamp::from_minute_of_year(527_040, 0, NEW_YEAR_2025),
            None
        );
        assert_eq!(
            Timestamp::from_minute_of_year(0, 65_535, NEW_YEAR_2025),
            None
        );
        assert_eq!(
            Timestamp::from_millis_in_minute(61_000, NEW_YEAR_2025),
            None
        );
    }

    #[test]
    fn millis_in_minute_wrap_at_the_minute() {
        let now = NEW_YEAR_2025 + Span::from_millis(20);
        assert_eq!(
            Timestamp::from_millis_in_minute(59_990, now),
            Some(NEW_YEAR_2025 - Span::from_millis(10))
        );
        let now = NEW_YEAR_2025 - Span::from_millis(20);
        assert_eq!(
            Timestamp::from_millis_in_minute(10, now),
            Some(NEW_YEAR_2025 + Span::from_millis(10))
        );
        assert_eq!(
            Timestamp::from_millis_in_minute(60_500, NEW_YEAR_2025),
            Some(NEW_YEAR_2025 + Span::from_millis(500))
        );
    }

    #[test]
    fn extreme_clocks_do_not_overflow() {
        for now in [i64::MIN, i64::MAX] {
            let now = Timestamp::from_micros(now);
            assert!(Timestamp::from_minute_of_year(1, 0, now).is_some());
            assert!(Timestamp::from_millis_in_minute(60_999, now).is_some());
        }
    }
}
