//! The board's own parts, joined to the rest: what feeds the watchdog, and what the light tells.

use rsu_firmware::driver::Status;

use crate::device::Outside;
use crate::health::alarm::Severity;
use crate::health::self_check::{Check, Need};
use crate::health::{Board, PulseState, Pulses};
use crate::update::Updater;

/// The watchdogs are fed while no task is stalled.
pub(super) fn outside(pulses: Pulses, status: impl Fn() -> Status + Send + 'static) -> Outside {
    Outside {
        is_alive: Box::new(move || !pulses.states().iter().any(PulseState::is_stalled)),
        status: Box::new(status),
    }
}

/// What the light tells, by the latest look at the unit.
pub(super) fn status(board: Board, updater: Option<Updater>) -> impl Fn() -> Status {
    move || {
        if updater.as_ref().is_some_and(Updater::is_at_work) {
            return Status::Updating;
        }
        let latest = board.latest();
        let mut alarms = latest.alarms.iter();
        let is_critical = alarms.any(|alarm| alarm.severity == Severity::Critical);
        worst(&latest.checks, is_critical)
    }
}

fn worst(checks: &[Check], is_critical: bool) -> Status {
    if checks.is_empty() {
        return Status::Booting;
    }
    let is_bad = |need: Need| checks.iter().any(|check| check.need == need && !check.good);
    match () {
        () if is_bad(Need::Spool) => Status::Fault,
        () if is_bad(Need::Radio) => Status::NoRadio,
        () if is_bad(Need::Time) => Status::NoTime,
        () if is_bad(Need::Uplink) => Status::NoUplink,
        () if is_critical => Status::Fault,
        () => Status::Healthy,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_task_that_stalls_starves_the_watchdog() {
        let pulses = Pulses::default();
        let outside = outside(pulses.clone(), || Status::Healthy);
        let _works = pulses.register("works", Duration::MAX);
        assert!((outside.is_alive)());
        let stalled = pulses.register("stalls", Duration::ZERO);
        while (outside.is_alive)() {
            std::thread::yield_now();
        }
        drop(stalled);
        assert!((outside.is_alive)());
    }

    fn checks(bad: &[Need]) -> Vec<Check> {
        let check = |need| match bad.contains(&need) {
            true => Check::bad(need, "", ""),
            false => Check::good(need, ""),
        };
        Need::ALL.map(check).to_vec()
    }

    #[test]
    fn the_light_tells_the_worst() {
        assert_eq!(worst(&[], false), Status::Booting);
        assert_eq!(worst(&checks(&[]), false), Status::Healthy);
        assert_eq!(worst(&checks(&[]), true), Status::Fault);
        for (bad, status) in [
            (&[Need::Uplink][..], Status::NoUplink),
            (&[Need::Uplink, Need::Time], Status::NoTime),
            (&[Need::Uplink, Need::Radio], Status::NoRadio),
            (&[Need::Radio, Need::Spool], Status::Fault),
        ] {
            assert_eq!(worst(&checks(bad), true), status, "{bad:?}");
        }
    }
}
