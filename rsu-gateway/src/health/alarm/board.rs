//! What is wrong by the board's own parts: receiver and enclosure.

use rsu_firmware::driver::FixQuality;

use super::finding::MinuteCount;
use super::{Finding, Observations, Severity};
use crate::clock::Moment;
use crate::device::GnssFacts;

/// A receiver that says nothing for longer is broken, or its line is: it speaks every second.
const SILENT_S_MAX: u64 = 10;

/// So many damaged sentences in a minute are no accident.
const MALFORMED_PER_MINUTE_MAX: u64 = 10;

/// Beyond this dilution of precision a position says nothing.
const HDOP_MAX: f32 = 10.0;

/// Beyond this the clock disagrees with the pulse per second.
const PPS_AHEAD_MS_MAX: f64 = 50.0;

/// There is a receiver, and it speaks.
fn speaking(facts: &Observations<'_>) -> Option<GnssFacts> {
    facts.gnss.filter(|gnss| gnss.silent_s <= SILENT_S_MAX)
}

/// Reception that cannot be: no fix under an open sky, or one that was not measured.
pub(super) fn gnss_anomaly(facts: &Observations<'_>) -> Option<Finding> {
    let fix = speaking(facts)?.fix?;
    let text = match (fix.quality, fix.hdop) {
        (FixQuality::None, _) => "the receiver has no fix".to_owned(),
        (FixQuality::Estimated, _) => "the position was not measured".to_owned(),
        (_, Some(hdop)) if hdop > HDOP_MAX => format!("the dilution of precision is {hdop}"),
        _ => return None,
    };
    Some(Finding::new(Severity::Minor, text))
}

/// The unit does not move.
pub(super) fn gnss_deviation(facts: &Observations<'_>) -> Option<Finding> {
    let distance = speaking(facts)?.deviation_m?;
    let text = format!("the position is {distance:.0} m from where the unit stands");
    Some(Finding::new(Severity::Major, text))
}

pub(super) fn nmea(
    now: Moment,
    damaged: &mut MinuteCount,
    facts: &Observations<'_>,
) -> Option<Finding> {
    let gnss = facts.gnss?;
    let counters = gnss.counters;
    let damaged = damaged.grown(now, counters.malformed.saturating_add(counters.too_long));
    if gnss.silent_s > SILENT_S_MAX {
        let text = format!("the receiver has said nothing for {} s", gnss.silent_s);
        return Some(Finding::new(Severity::Major, text));
    }
    (damaged > MALFORMED_PER_MINUTE_MAX).then(|| {
        let text = format!("{damaged} damaged sentences of the receiver within a minute");
        Finding::new(Severity::Minor, text)
    })
}

/// A clock that follows any reference is nearer to the pulses.
pub(super) fn pulse_mismatch(facts: &Observations<'_>) -> Option<Finding> {
    let ahead_ms = facts.pps_ahead?.as_micros() as f64 / 1_000.0;
    (ahead_ms.abs() > PPS_AHEAD_MS_MAX).then(|| {
        let text = format!("the clock is {ahead_ms:+.1} ms ahead of the receiver's pulse");
        Finding::new(Severity::Major, text)
    })
}

pub(super) fn enclosure(facts: &Observations<'_>) -> Option<Finding> {
    let text = || "the enclosure is open".to_owned();
    facts.is_open.then(|| Finding::new(Severity::Major, text()))
}
