//! Whether a slot has proven itself: the self-check must be good for a while, before a deadline.

use std::time::Duration;

use crate::health::self_check::{Check, Need};

/// How a slot proves itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrialSettings {
    /// So long all needs must be met, without a break.
    pub healthy_for: Duration,
    /// From the start of the program; afterwards the slot is given up.
    pub deadline: Duration,
    /// Which needs must be met.
    pub needs: Vec<Need>,
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
        if since(self.since) < self.settings.deadline {
            return Verdict::Undecided;
        }
        let seconds = self.settings.deadline.as_secs();
        Verdict::Failed(match bad.is_empty() {
            true => format!("the self-check was not good for long enough within {seconds} s"),
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
    fn after_the_deadline_it_says_what_is_not_good() {
        let mut trial = trial();
        let bad = [Need::Radio, Need::Spool];
        assert_eq!(at(&mut trial, 189, &bad), Verdict::Undecided);
        let text = "after 180 s the self-check says radio: broken; spool: broken";
        assert_eq!(at(&mut trial, 190, &bad), Verdict::Failed(text.into()));
    }

    #[test]
    fn health_that_comes_and_goes_is_not_enough() {
        let mut trial = trial();
        for second in 11..190 {
            let bad: &[Need] = if second % 50 == 0 { &[Need::Time] } else { &[] };
            assert_eq!(at(&mut trial, second, bad), Verdict::Undecided);
        }
        let Verdict::Failed(reason) = at(&mut trial, 190, &[]) else {
            panic!("it is over");
        };
        assert!(reason.contains("not good for long enough"), "{reason}");
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
