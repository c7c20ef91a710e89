//! Whether a slot has proven itself: the self-check must be good for a while, before a deadline. It
//! is given up as soon as it cannot make that any more.

use std::time::Duration;

use crate::health::self_check::{Check, Need};

/// How a slot proves itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrialSettings {
    /// So long all needs must be met, without a break.
    pub healthy_for: Duration,
    /// From the start of the program; at least `healthy_for`. A slot that is not good when only
    /// `healthy_for` is left of it is given up then.
    pub deadline: Duration,
    /// Which needs must be met.
    pub needs: Vec<Need>,
}

impl TrialSettings {
    /// So long after its start a slot may be not good.
    pub(super) fn patience(&self) -> Duration {
        self.deadline.saturating_sub(self.healthy_for)
    }
}

/// A trial at work.
#[derive(Clone, Debug)]
pub(super) struct Trial {
    settings: TrialSettings,
    since: Duration,
    good_since: Option<Duration>,
}

/// What has come of a trial.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Undecided,
    Passed,
    /// What was not good.
    Failed(String),
}

impl Trial {
    /// A trial that begins at `now`, since the boot.
    pub(super) fn new(settings: TrialSettings, now: Duration) -> Self {
        Self {
            settings,
            since: now,
            good_since: None,
        }
    }

    /// Takes in how the unit is at `now`.
    pub(super) fn observe(&mut self, now: Duration, checks: &[Check]) -> Verdict {
        let bad = self.bad(checks);
        match bad.is_empty() {
            true => _ = self.good_since.get_or_insert(now),
            false => self.good_since = None,
        }
        let since = |then: Duration| now.saturating_sub(then);
        if (self.good_since).is_some_and(|good| since(good) >= self.settings.healthy_for) {
            return Verdict::Passed;
        }
        let not_good_until = self.good_since.unwrap_or(now);
        if not_good_until.saturating_sub(self.since) <= self.settings.patience() {
            return Verdict::Undecided;
        }
        let seconds = since(self.since).as_secs();
        Verdict::Failed(match bad.is_empty() {
            true => format!("the self-check has come to be good too late, after {seconds} s"),
            false => format!("after {seconds} s the self-check says {}", bad.join("; ")),
        })
    }

    fn bad(&self, checks: &[Check]) -> Vec<String> {
        let of = |need: &Need| {
            let check = checks.iter().find(|check| check.need == *need);
            match check {
                Some(check) if check.good => None,
                Some(check) => Some(format!("{}: {}", need.name(), check.seen)),
                None => Some(format!("{}: not looked at yet", need.name())),
            }
        };
        self.settings.needs.iter().filter_map(of).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trial() -> Trial {
        let settings = TrialSettings {
            healthy_for: Duration::from_secs(60),
            deadline: Duration::from_secs(180),
            needs: Need::ALL.to_vec(),
        };
        Trial::new(settings, Duration::from_secs(10))
    }

    fn checks(bad: &[Need]) -> Vec<Check> {
        let check = |need| match bad.contains(&need) {
            true => Check::bad(need, "broken", "mend it"),
            false => Check::good(need, ""),
        };
        Need::ALL.map(check).to_vec()
    }

    fn at(trial: &mut Trial, second: u64, bad: &[Need]) -> Verdict {
        trial.observe(Duration::from_secs(second), &checks(bad))
    }

    #[test]
    fn a_minute_of_health_is_enough() {
        let mut trial = trial();
        assert_eq!(at(&mut trial, 20, &[]), Verdict::Undecided);
        assert_eq!(at(&mut trial, 79, &[]), Verdict::Undecided);
        assert_eq!(at(&mut trial, 80, &[]), Verdict::Passed);
    }

    #[test]
    fn a_break_begins_the_minute_anew() {
        let mut trial = trial();
        assert_eq!(at(&mut trial, 20, &[]), Verdict::Undecided);
        assert_eq!(at(&mut trial, 79, &[Need::Uplink]), Verdict::Undecided);
        assert_eq!(at(&mut trial, 81, &[]), Verdict::Undecided);
        assert_eq!(at(&mut trial, 140, &[]), Verdict::Undecided);
        assert_eq!(at(&mut trial, 141, &[]), Verdict::Passed);
    }

    #[test]
    fn what_is_not_good_when_only_a_minute_is_left_is_told() {
        let mut trial = trial();
        let bad = [Need::Radio, Need::Spool];
        assert_eq!(at(&mut trial, 130, &bad), Verdict::Undecided);
        let text = "after 121 s the self-check says radio: broken; spool: broken";
        assert_eq!(at(&mut trial, 131, &bad), Verdict::Failed(text.into()));
    }

    #[test]
    fn a_minute_that_begins_at_the_last_moment_is_waited_for() {
        let mut trial = trial();
        assert_eq!(at(&mut trial, 129, &[Need::Time]), Verdict::Undecided);
        assert_eq!(at(&mut trial, 130, &[]), Verdict::Undecided);
        assert_eq!(at(&mut trial, 189, &[]), Verdict::Undecided);
        assert_eq!(at(&mut trial, 190, &[]), Verdict::Passed);
    }

    #[test]
    fn a_minute_that_begins_later_is_not() {
        let mut trial = trial();
        assert_eq!(at(&mut trial, 130, &[Need::Time]), Verdict::Undecided);
        let text = "the self-check has come to be good too late, after 121 s";
        assert_eq!(at(&mut trial, 131, &[]), Verdict::Failed(text.into()));
    }

    #[test]
    fn a_break_when_no_other_minute_is_left_is_the_end() {
        let mut trial = trial();
        assert_eq!(at(&mut trial, 100, &[]), Verdict::Undecided);
        let text = "after 140 s the self-check says time: broken";
        assert_eq!(
            at(&mut trial, 150, &[Need::Time]),
            Verdict::Failed(text.into())
        );
    }

    #[test]
    fn only_what_is_needed_must_be_good() {
        let mut trial = trial();
        trial.settings.needs = vec![Need::Uplink];
        assert_eq!(at(&mut trial, 20, &[Need::Time]), Verdict::Undecided);
        assert_eq!(at(&mut trial, 80, &[Need::Time]), Verdict::Passed);
        assert_eq!(
            trial.observe(Duration::from_secs(81), &[]),
            Verdict::Undecided
        );
    }
}
