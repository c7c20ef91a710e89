//! What is wrong, by the facts: one rule for each kind of alarm.

use std::time::Duration;

use rsu_firmware::time::Span;

use super::{
    AlarmKind, CertificateFacts, Finding, Observations, Severity, SpoolFacts, StorageState, device,
};
use crate::clock::{Moment, Synchronization};

/// From when on a fact is an alarm.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// Days before the end of a certificate at which the alarm is set (1..=365).
    pub certificate_days_min: u16,
    /// Share of a store's quota in percent (1..=100).
    pub spool_filled_percent_max: u8,
    /// Frames dropped in a minute because there were too many.
    pub frames_shed_per_minute_max: u64,
    /// Commands refused in a minute because they were too large or too many.
    pub commands_shed_per_minute_max: u64,
    /// Difference between the own clock and the times that others send.
    pub senders_ahead_max: Span,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            certificate_days_min: 30,
            spool_filled_percent_max: 90,
            frames_shed_per_minute_max: 1_000,
            commands_shed_per_minute_max: 10,
            senders_ahead_max: Span::from_millis(2_000),
        }
    }
}

/// Judges the facts; remembers the counters that it has seen.
#[derive(Clone, Debug, Default)]
pub(super) struct Judge {
    settings: Settings,
    frames_shed: MinuteCount,
    commands_shed: MinuteCount,
    damaged_sentences: MinuteCount,
    foreign_commands: u64,
    lost_records: u64,
    /// The end of the run before is an event of the first observation.
    previous_run_judged: bool,
}

/// By how much a counter has grown in the current minute.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct MinuteCount {
    since_boot: Duration,
    before: u64,
}

impl Judge {
    pub(super) fn new(settings: Settings) -> Self {
        Self {
            settings,
            ..Self::default()
        }
    }

    /// What is wrong at `now`, by the index of the kind.
    pub(super) fn findings(
        &mut self,
        now: Moment,
        facts: &Observations<'_>,
    ) -> [Option<Finding>; AlarmKind::ALL.len()] {
        AlarmKind::ALL.map(|kind| match kind {
            AlarmKind::MessageFileIntegrity => message_files(facts),
            AlarmKind::StorageIntegrity => self.storage(facts),
            AlarmKind::Authorization => self.authorization(facts),
            AlarmKind::AccessList => access_list(facts),
            AlarmKind::TimeSourceLost => time_source_lost(facts),
            AlarmKind::TimeSourceMismatch => self.time_source_mismatch(facts),
            AlarmKind::Certificate => self.certificates(now, facts),
            AlarmKind::DenialOfService => self.denial_of_service(now, facts),
            AlarmKind::Watchdog => self.watchdog(facts),
            AlarmKind::GnssAnomaly => device::gnss_anomaly(facts),
            AlarmKind::GnssDeviation => device::gnss_deviation(facts),
            AlarmKind::Nmea => device::nmea(now, &mut self.damaged_sentences, facts),
            AlarmKind::Enclosure => device::enclosure(facts),
            AlarmKind::SignatureVerification => None,
        })
    }

    fn storage(&mut self, facts: &Observations<'_>) -> Option<Finding> {
        let lost = facts
            .spools
            .iter()
            .map(|spool| spool.damaged.saturating_add(spool.dropped));
        let lost = lost.fold(0, u64::saturating_add);
        let more_lost = lost.saturating_sub(std::mem::replace(&mut self.lost_records, lost));
        let lost = (more_lost > 0).then(|| {
            let text = format!("{more_lost} more records damaged or dropped");
            Finding::new(Severity::Critical, text)
        });
        let spools = facts.spools.iter().filter_map(|spool| self.spool(spool));
        lost.into_iter()
            .chain(spools)
            .reduce(|worst, next| match next.severity > worst.severity {
                true => next,
                false => worst,
            })
    }

    fn spool(&self, spool: &SpoolFacts<'_>) -> Option<Finding> {
        let filled = spool.filled_percent;
        let (severity, what) = match spool.state {
            StorageState::Failing => (Severity::Critical, "fails".into()),
            StorageState::ReadOnly => (Severity::Critical, "is read-only".into()),
            StorageState::Full => (Severity::Major, "has no space left".into()),
            StorageState::Working if filled >= self.settings.spool_filled_percent_max => {
                (Severity::Minor, format!("is filled to {filled} %"))
            }
            StorageState::Working => return None,
        };
        let name = spool.name;
        let text = match spool.error {
            Some(error) => format!("spool {name} {what}: {error}"),
            None => format!("spool {name} {what}"),
        };
        Some(Finding::new(severity, text))
    }

    fn authorization(&mut self, facts: &Observations<'_>) -> Option<Finding> {
        let before = std::mem::replace(&mut self.foreign_commands, facts.foreign_commands);
        if let Some(reason) = facts.login_refused {
            let text = format!("the broker refuses the login: {reason}");
            return Some(Finding::new(Severity::Critical, text));
        }
        let foreign = facts.foreign_commands.saturating_sub(before);
        (foreign > 0).then(|| {
            let text = format!("{foreign} commands for another RSU");
            Finding::new(Severity::Minor, text)
        })
    }

    fn time_source_mismatch(&self, facts: &Observations<'_>) -> Option<Finding> {
        if let Some(jump) = facts.clock_jump {
            let seconds = jump.by.as_secs_f64();
            let text = format!("the clock was set by {seconds:+.3} s");
            return Some(Finding::new(Severity::Major, text));
        }
        if let Some(finding) = device::pulse_mismatch(facts) {
            return Some(finding);
        }
        let ahead = facts.senders_ahead?;
        let limit = self.settings.senders_ahead_max.as_micros().unsigned_abs();
        (ahead.as_micros().unsigned_abs() > limit).then(|| {
            let seconds = ahead.as_secs_f64();
            let text = format!("the times that others send are {seconds:+.3} s ahead of the clock");
            Finding::new(Severity::Major, text)
        })
    }

    fn certificates(&self, now: Moment, facts: &Observations<'_>) -> Option<Finding> {
        let findings = facts.certificates.iter();
        findings
            .filter_map(|certificate| self.certificate(now, certificate))
            .reduce(|worst, next| match next.severity > worst.severity {
                true => next,
                false => worst,
            })
    }

    fn certificate(&self, now: Moment, certificate: &CertificateFacts<'_>) -> Option<Finding> {
        let name = certificate.name;
        if let Some(fault) = certificate.fault {
            let text = format!("{name} certificate: {fault}");
            return Some(Finding::new(Severity::Critical, text));
        }
        // A clock that was never set knows nothing of expiry.
        let expires = certificate.expires.filter(|_| now.is_plausible())?;
        let days = (expires - now.time).as_secs_f64() / 86_400.0;
        if days < 0.0 {
            let text = format!("{name} certificate has expired");
            return Some(Finding::new(Severity::Critical, text));
        }
        (days < f64::from(self.settings.certificate_days_min)).then(|| {
            let text = format!("{name} certificate expires within {} days", days.ceil());
            Finding::new(Severity::Warning, text)
        })
    }

    fn denial_of_service(&mut self, now: Moment, facts: &Observations<'_>) -> Option<Finding> {
        let frames = self.frames_shed.grown(now, facts.frames_shed);
        let commands = self.commands_shed.grown(now, facts.commands_shed);
        let text = if frames > self.settings.frames_shed_per_minute_max {
            format!("{frames} frames dropped within a minute: too many")
        } else if commands > self.settings.commands_shed_per_minute_max {
            format!("{commands} commands refused within a minute: too large or too many")
        } else {
            return None;
        };
        Some(Finding::new(Severity::Major, text))
    }

    fn watchdog(&mut self, facts: &Observations<'_>) -> Option<Finding> {
        if std::mem::replace(&mut self.previous_run_judged, true) {
            return None;
        }
        let (severity, text) = facts.previous_run?.as_fault()?;
        Some(Finding::new(severity, text))
    }
}

fn message_files(facts: &Observations<'_>) -> Option<Finding> {
    let first = facts.unreadable_files.first()?;
    let text = match facts.unreadable_files.len() {
        1 => format!("unreadable: {first}"),
        more => format!("unreadable: {first} and {} more", more - 1),
    };
    Some(Finding::new(Severity::Major, text))
}

fn access_list(facts: &Observations<'_>) -> Option<Finding> {
    (!facts.refused_filters.is_empty()).then(|| {
        let topics = facts.refused_filters.join(", ");
        Finding::new(
            Severity::Major,
            format!("the broker refuses the topics {topics}"),
        )
    })
}

fn time_source_lost(facts: &Observations<'_>) -> Option<Finding> {
    (facts.clock.synchronization == Synchronization::Unsynchronized).then(|| {
        let text = "the clock does not follow a reference".into();
        Finding::new(Severity::Major, text)
    })
}

/// Longer texts say nothing more to people, and have to fit everywhere.
const TEXT_BYTES_MAX: usize = 400;

impl Finding {
    pub(super) fn new(severity: Severity, mut text: String) -> Self {
        if text.len() > TEXT_BYTES_MAX {
            let mut ends = (0..=TEXT_BYTES_MAX).rev();
            let end = ends.find(|end| text.is_char_boundary(*end));
            text.truncate(end.unwrap_or_default());
        }
        Self { severity, text }
    }
}

impl MinuteCount {
    pub(super) fn grown(&mut self, now: Moment, total: u64) -> u64 {
        let grown = total.saturating_sub(self.before);
        if now.since_boot.saturating_sub(self.since_boot) >= Duration::from_secs(60) {
            *self = Self {
                since_boot: now.since_boot,
                before: total,
            };
        }
        grown
    }
}
