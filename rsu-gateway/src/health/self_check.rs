//! The self-check: whether the unit can do its work, in the four things that it needs for it. It
//! decides whether an update is kept, and tells people what to do.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::alarm::{SpoolFacts, StorageState};
use super::pulse::PulseState;
use crate::clock::{ClockQuality, Synchronization};

/// What the unit needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Need {
    /// Frames can be received.
    Radio,
    /// The clock follows a reference.
    Time,
    /// The platform's broker has accepted the connection.
    Uplink,
    /// Records can be kept.
    Spool,
}

impl Need {
    /// Every need, in the order in which they are told.
    pub const ALL: [Self; 4] = [Self::Radio, Self::Time, Self::Uplink, Self::Spool];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Radio => "radio",
            Self::Time => "time",
            Self::Uplink => "uplink",
            Self::Spool => "spool",
        }
    }

    /// The need that a task serves, by the name of its pulse.
    fn of_task(name: &str) -> Self {
        match name {
            "radio" => Self::Radio,
            "spool_durable" | "spool_spilled" => Self::Spool,
            _ => Self::Uplink,
        }
    }
}

/// How it stands with one need.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// The need.
    pub need: Need,
    /// Whether it is met.
    pub good: bool,
    /// What was seen.
    pub seen: String,
    /// What to do; empty where the need is met.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub advice: String,
}

impl Check {
    /// A need that is met.
    pub fn good(need: Need, seen: impl Into<String>) -> Self {
        Self {
            need,
            good: true,
            seen: seen.into(),
            advice: String::new(),
        }
    }

    /// A need that is not met.
    pub fn bad(need: Need, seen: impl Into<String>, advice: impl Into<String>) -> Self {
        Self {
            need,
            good: false,
            seen: seen.into(),
            advice: advice.into(),
        }
    }
}

/// What is known of the radio.
#[derive(Clone, Copy, Debug, Default)]
pub struct RadioFacts {
    /// Frames received since the start.
    pub frames: u64,
    /// Time since the last of them.
    pub silent_for: Option<Duration>,
    /// The socket has failed a moment ago.
    pub is_failing: bool,
}

/// A silent radio is no fault: at night nobody may drive by. A failing socket is.
pub fn radio(facts: RadioFacts) -> Check {
    if facts.is_failing {
        let advice = "look at the log for the error; check that the radio module delivers to \
                      radio.listen and that the address exists on this machine";
        return Check::bad(Need::Radio, "the socket fails", advice);
    }
    Check::good(
        Need::Radio,
        match facts.silent_for {
            Some(silent) => format!(
                "{} frames, the last {} s ago",
                facts.frames,
                silent.as_secs()
            ),
            None => "listening, no frame yet".to_owned(),
        },
    )
}

/// A clock of which nobody tells anything is not good enough: every record carries its time.
pub fn time(clock: ClockQuality) -> Check {
    let advice = "see that a time daemon (GNSS or NTP) runs and has a reference; for one that does \
                  not tell the kernel set clock.synchronized_file";
    match clock.synchronization {
        Synchronization::Synchronized => Check::good(
            Need::Time,
            match clock.error_ms {
                Some(error) => format!("synchronised, {error} ms"),
                None => "synchronised".to_owned(),
            },
        ),
        Synchronization::Unsynchronized => {
            Check::bad(Need::Time, "the clock does not follow a reference", advice)
        }
        Synchronization::Unknown => {
            Check::bad(Need::Time, "nothing tells how good the clock is", advice)
        }
    }
}

/// `broker` is the one that is connected, or was tried last.
pub fn uplink(is_connected: bool, broker: Option<&str>, error: Option<&str>) -> Check {
    let broker = broker.unwrap_or("a broker");
    if is_connected {
        return Check::good(Need::Uplink, format!("connected to {broker}"));
    }
    let seen = match error {
        Some(error) => format!("not connected: {broker}: {error}"),
        None => format!("not connected to {broker} yet"),
    };
    let advice = "check network, mqtt.brokers, login and certificates";
    Check::bad(Need::Uplink, seen, advice)
}

/// The worst of the spools decides.
pub fn spool(spools: &[SpoolFacts<'_>]) -> Check {
    let bad = |spool: &SpoolFacts<'_>| {
        let what = match spool.state {
            StorageState::Working if spool.filled_percent >= 100 => "is filled to its quota",
            StorageState::Working => return None,
            StorageState::Full => "has no space left",
            StorageState::ReadOnly => "is read-only",
            StorageState::Failing => "cannot be written",
        };
        let error = spool.error.map(|error| format!(": {error}"));
        Some(format!(
            "{} {what}{}",
            spool.name,
            error.unwrap_or_default()
        ))
    };
    if let Some(seen) = spools.iter().find_map(bad) {
        let advice = "free space below storage.folder, or see whether the disk is worn out or \
                      mounted read-only";
        return Check::bad(Need::Spool, seen, advice);
    }
    let filled = spools
        .iter()
        .map(|spool| format!("{} {} %", spool.name, spool.filled_percent));
    let filled: Vec<_> = filled.collect();
    Check::good(
        Need::Spool,
        format!("writable, filled: {}", filled.join(", ")),
    )
}

/// The checks as far as the tasks that serve the needs make progress.
pub fn with_pulses(mut checks: Vec<Check>, pulses: &[PulseState]) -> Vec<Check> {
    for pulse in pulses.iter().filter(|pulse| pulse.is_stalled()) {
        let need = Need::of_task(pulse.name);
        let seen = format!(
            "the task {} has made no progress for {} s",
            pulse.name,
            pulse.silent_for.as_secs()
        );
        let stalled = Check::bad(
            need,
            seen,
            "restart the program, and report this with its log",
        );
        match checks.iter_mut().find(|check| check.need == need) {
            Some(check) if check.good => *check = stalled,
            Some(_) => {}
            None => checks.push(stalled),
        }
    }
    checks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_radio_is_good_while_its_socket_is() {
        let quiet = RadioFacts::default();
        assert!(radio(quiet).good, "nobody may be there to be heard");
        let heard = RadioFacts {
            frames: 7,
            silent_for: Some(Duration::from_secs(3)),
            ..quiet
        };
        assert_eq!(radio(heard).seen, "7 frames, the last 3 s ago");
        let failing = RadioFacts {
            is_failing: true,
            ..heard
        };
        assert!(!radio(failing).good);
    }

    #[test]
    fn only_a_clock_that_is_known_to_follow_a_reference_is_good() {
        for (synchronization, good) in [
            (Synchronization::Synchronized, true),
            (Synchronization::Unsynchronized, false),
            (Synchronization::Unknown, false),
        ] {
            let quality = ClockQuality {
                synchronization,
                error_ms: None,
            };
            assert_eq!(time(quality).good, good, "{synchronization:?}");
        }
    }

    #[test]
    fn an_uplink_tells_why_it_is_not_connected() {
        assert!(uplink(true, Some("mqtt://a"), Some("earlier")).good);
        let refused = uplink(false, Some("mqtt://a"), Some("not authorized"));
        assert_eq!(refused.seen, "not connected: mqtt://a: not authorized");
        assert!(!refused.good && !refused.advice.is_empty());
    }

    #[test]
    fn a_spool_must_be_writable_and_within_its_quota() {
        let working = SpoolFacts {
            name: "durable",
            filled_percent: 99,
            ..SpoolFacts::default()
        };
        assert!(spool(std::slice::from_ref(&working)).good);
        let filled = SpoolFacts {
            filled_percent: 100,
            ..working.clone()
        };
        assert!(!spool(&[working.clone(), filled]).good);
        for state in [
            StorageState::Full,
            StorageState::ReadOnly,
            StorageState::Failing,
        ] {
            let facts = SpoolFacts {
                state,
                error: Some("EIO"),
                ..working.clone()
            };
            let check = spool(&[facts]);
            assert!(!check.good && check.seen.ends_with(": EIO"), "{check:?}");
        }
    }

    #[test]
    fn a_task_that_is_stalled_spoils_its_need() {
        let pulse = |name, silent_s| PulseState {
            name,
            silent_for: Duration::from_secs(silent_s),
            limit: Duration::from_secs(10),
        };
        let checks = || Need::ALL.map(|need| Check::good(need, "")).to_vec();
        let good = with_pulses(checks(), &[pulse("radio", 10), pulse("downlink", 3)]);
        assert!(good.iter().all(|check| check.good));
        for (task, need) in [
            ("radio", Need::Radio),
            ("uplink", Need::Uplink),
            ("downlink", Need::Uplink),
            ("spool_durable", Need::Spool),
        ] {
            let checks = with_pulses(checks(), &[pulse(task, 11)]);
            let bad: Vec<_> = checks.iter().filter(|check| !check.good).collect();
            assert_eq!((bad.len(), bad[0].need), (1, need));
        }
        assert!(!with_pulses(Vec::new(), &[pulse("radio", 11)])[0].good);
    }
}
