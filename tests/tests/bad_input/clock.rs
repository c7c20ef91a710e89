//! Time that runs backwards or jumps by years.

use rsu_firmware::network::MessageKind;
use rsu_firmware::stats::FrameKind;
use rsu_firmware::time::{Span, Timestamp};

use crate::site::Site;

const YEAR: Span = Span::from_millis(365 * 86_400_000);

/// What is heard at these times has no meaning; what matters is what comes after.
fn receive_at(site: &mut Site, times: impl IntoIterator<Item = Timestamp>) {
    let kinds = [MessageKind::Map, MessageKind::Spat, MessageKind::Bsm];
    let messages = kinds.map(|kind| site.last(FrameKind::Known(kind)));
    for time in times {
        site.now = time;
        for message in &messages {
            assert!(site.receive_message(message).is_ok());
        }
    }
}

#[test]
fn a_clock_that_jumps_by_years_is_counted_once_it_has_gone_back() {
    for years in [1, 30, -1, -30] {
        let mut site = Site::reporting();
        let then = site.now + YEAR * years;
        let raised = site.raised(|site| {
            let now = site.now;
            receive_at(site, [then, now]);
        });
        assert_eq!(raised["clock_stepped_back"], 1, "{years} years: {raised:?}");
        site.assert_goes_on();
    }
}

#[test]
fn a_clock_that_runs_backwards_is_endured() {
    let mut site = Site::reporting();
    let now = site.now;
    let backwards = (0..100).map(|second| now - Span::from_millis(second * 1_000));
    let raised = site.raised(|site| receive_at(site, backwards));
    assert!(
        (33..=100).contains(&raised["clock_stepped_back"]),
        "{raised:?}"
    );
    site.assert_goes_on();
}

#[test]
fn the_ends_of_time_are_times_like_any_other() {
    let mut site = Site::reporting();
    let ends = [i64::MAX, i64::MIN, 0, i64::MIN, i64::MAX, -1];
    let now = site.now;
    receive_at(
        &mut site,
        ends.map(Timestamp::from_micros).into_iter().chain([now]),
    );
    site.assert_goes_on();
}
