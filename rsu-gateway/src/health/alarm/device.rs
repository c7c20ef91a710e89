//! What is wrong by the board's own parts: receiver and enclosure.

use rsu_firmware::driver::FixQuality;

use super::finding::MinuteCount;
use super::{Finding, Observations, Severity};
use crate::clock::Moment;
use crate::device::GnssFacts;

/// A receiver that tells no position for longer is broken, or its line is: it speaks every second.
const SILENT_S_MAX: u64 = 10;

/// So many damaged sentences in a minute are no accident.
const DAMAGED_PER_MINUTE_MAX: u64 = 10;

/// Beyond this dilution of precision a position says nothing.
const HDOP_MAX: f32 = 10.0;

/// Beyond this the clock disagrees with the pulse per second.
const PULSE_AHEAD_MS_MAX: f64 = 50.0;

/// Reception that cannot be: no fix under an open sky, or one that was not measured.
pub(super) fn gnss_anomaly(facts: &Observations<'_>) -> Option<Finding> {
    let fix = speaking(facts)?.fix?;
    let text = match (fix.quality, fix.hdop) {
        (FixQuality::None, _) => {
            let satellites = fix.satellites.unwrap_or_default();
            format!("the receiver has no fix, with {satellites} satellites")
        }
        (FixQuality::Estimated, _) => "the position was not measured".to_owned(),
        (FixQuality::Measured, Some(hdop)) if hdop > HDOP_MAX => {
            format!("the dilution of precision is {hdop}")
        }
        (FixQuality::Measured, _) => return None,
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
    let gnss = facts.device.gnss?;
    let damaged = damaged.grown(now, gnss.damaged);
    if gnss.silent_s > SILENT_S_MAX {
        let text = format!("the receiver has told no position for {} s", gnss.silent_s);
        return Some(Finding::new(Severity::Major, text));
    }
    (damaged > DAMAGED_PER_MINUTE_MAX).then(|| {
        let text = format!("{damaged} damaged sentences of the receiver within a minute");
        Finding::new(Severity::Minor, text)
    })
}

/// A clock that follows any reference is nearer to the pulses.
pub(super) fn pulse_mismatch(facts: &Observations<'_>) -> Option<Finding> {
    let ahead_ms = facts.device.pulse_ahead?.as_micros() as f64 / 1_000.0;
    (ahead_ms.abs() > PULSE_AHEAD_MS_MAX).then(|| {
        let text = format!("the clock is {ahead_ms:+.1} ms ahead of the receiver's pulse");
        Finding::new(Severity::Major, text)
    })
}

/// The catalogue has one kind for the enclosure and what it is like inside.
pub(super) fn enclosure(facts: &Observations<'_>) -> Option<Finding> {
    let device = &facts.device;
    let is_open = device.is_open == Some(true);
    let warm = device.celsius.filter(|_| device.is_too_warm);
    let text = match (is_open, warm) {
        (false, None) => return None,
        (true, None) => "the enclosure is open".to_owned(),
        (false, Some(celsius)) => format!("it is {celsius:.1} degrees Celsius inside"),
        (true, Some(celsius)) => {
            format!("the enclosure is open, and it is {celsius:.1} degrees Celsius inside")
        }
    };
    Some(Finding::new(Severity::Major, text))
}

/// There is a receiver, and it speaks.
fn speaking(facts: &Observations<'_>) -> Option<GnssFacts> {
    facts
        .device
        .gnss
        .filter(|gnss| gnss.silent_s <= SILENT_S_MAX)
}
