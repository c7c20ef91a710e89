//! Alarms after the catalogue of NTCIP 1218: each is set when its cause is seen, and cleared when
//! the cause has been gone for a while.
//!
//! Thirteen of the fourteen kinds have a source in this version: those of GNSS and enclosure where
//! `[device]` names the parts. Signature verification is in the catalogue so that
//! platforms know its name; without signatures nothing sets it.

mod device;
mod finding;
mod observations;
mod store;

use std::time::Duration;

use rsu_firmware::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::clock::Moment;
use finding::Judge;

pub use finding::Settings;
pub use observations::{CertificateFacts, Observations, SpoolFacts, StorageState};
pub use store::AlarmFile;

/// What an alarm is about. `kind as usize` indexes an array.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum AlarmKind {
    /// A file of accepted messages or settings cannot be read any more.
    MessageFileIntegrity,
    /// The store of records is damaged, failing, read-only or full.
    StorageIntegrity,
    /// The broker refuses the login, or commands for another RSU came.
    Authorization,
    /// Signatures that do not verify; no source yet.
    SignatureVerification,
    /// The broker refuses topics.
    AccessList,
    /// The clock does not follow a reference.
    TimeSourceLost,
    /// The clock was set, or disagrees with what others send.
    TimeSourceMismatch,
    /// GNSS reception is implausible.
    GnssAnomaly,
    /// GNSS places the unit elsewhere.
    GnssDeviation,
    /// The GNSS receiver tells no position, or nonsense.
    Nmea,
    /// A certificate is not valid, or will soon not be.
    Certificate,
    /// More frames or commands than the unit takes.
    DenialOfService,
    /// The run before did not end by itself.
    Watchdog,
    /// The enclosure is open, or it is too warm inside.
    Enclosure,
}

impl AlarmKind {
    /// Every kind, in the order of their indices.
    pub const ALL: [Self; 14] = [
        Self::MessageFileIntegrity,
        Self::StorageIntegrity,
        Self::Authorization,
        Self::SignatureVerification,
        Self::AccessList,
        Self::TimeSourceLost,
        Self::TimeSourceMismatch,
        Self::GnssAnomaly,
        Self::GnssDeviation,
        Self::Nmea,
        Self::Certificate,
        Self::DenialOfService,
        Self::Watchdog,
        Self::Enclosure,
    ];

    /// Name in metrics and logs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::MessageFileIntegrity => "message_file_integrity",
            Self::StorageIntegrity => "storage_integrity",
            Self::Authorization => "authorization",
            Self::SignatureVerification => "signature_verification",
            Self::AccessList => "access_list",
            Self::TimeSourceLost => "time_source_lost",
            Self::TimeSourceMismatch => "time_source_mismatch",
            Self::GnssAnomaly => "gnss_anomaly",
            Self::GnssDeviation => "gnss_deviation",
            Self::Nmea => "nmea",
            Self::Certificate => "certificate",
            Self::DenialOfService => "denial_of_service",
            Self::Watchdog => "watchdog",
            Self::Enclosure => "enclosure",
        }
    }

    /// How long the cause has to be there until the alarm is set.
    const fn set_after(self) -> Duration {
        match self {
            // A time daemon needs a while after the boot.
            Self::TimeSourceLost => Duration::from_secs(300),
            // A receiver without an almanac searches for a minute or two.
            Self::GnssAnomaly => Duration::from_secs(180),
            _ => Duration::ZERO,
        }
    }

    /// How long the cause has to be gone until the alarm is cleared. Where the cause is an event,
    /// that is how long the alarm stays.
    const fn clear_after(self) -> Duration {
        match self {
            Self::AccessList | Self::Certificate | Self::TimeSourceLost => Duration::from_secs(60),
            _ => Duration::from_secs(600),
        }
    }
}

/// How bad it is (ITU-T X.733).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// May become a fault.
    Warning,
    /// A fault that the service does not feel.
    Minor,
    /// The service is degraded: see to it soon.
    Major,
    /// The service is lost, or data is.
    Critical,
}

/// Whether the alarm begins or ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum AlarmState {
    /// It begins; told again when it gets worse.
    Set,
    /// It has ended.
    Cleared,
}

/// An alarm that began, got worse, or ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct AlarmChange {
    /// What it is about.
    pub kind: AlarmKind,
    /// Whether it begins or ends.
    pub state: AlarmState,
    /// How bad it is, or was.
    pub severity: Severity,
    /// When it began, in ms since 1970 by the unit's clock of that moment.
    pub since_ms: i64,
    /// When this was found, in ms since 1970.
    pub time_ms: i64,
    /// What was seen, for people.
    pub text: String,
    /// How often an alarm of this kind has begun on this unit, this one included.
    pub count: u64,
}

/// An alarm that is set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ActiveAlarm {
    /// What it is about.
    pub kind: AlarmKind,
    /// How bad it is.
    pub severity: Severity,
    /// When it began, in ms since 1970 by the unit's clock of that moment.
    pub since_ms: i64,
    /// What was seen last, for people.
    pub text: String,
}

/// What is wrong at one moment, before any holding.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Finding {
    severity: Severity,
    text: String,
}

/// The state of all alarms. [`AlarmFile`] keeps it over a restart.
#[derive(Clone, Debug, Default)]
pub struct Alarms {
    entries: [Entry; AlarmKind::ALL.len()],
    judge: Judge,
}

#[derive(Clone, Debug, Default)]
struct Entry {
    active: Option<ActiveAlarm>,
    /// Since when, after the boot, the cause has been there while the alarm is not set, or has been
    /// gone while it is.
    contrary_since: Option<Duration>,
    count: u64,
}

impl Alarms {
    /// No alarm has ever been set.
    pub fn new(settings: Settings) -> Self {
        Self {
            entries: Default::default(),
            judge: Judge::new(settings),
        }
    }

    /// Takes in what is observed at `now`, and says which alarms begin, get worse or end.
    pub fn update(&mut self, now: Moment, observations: &Observations<'_>) -> Vec<AlarmChange> {
        let mut findings = self.judge.findings(now, observations);
        let entries = AlarmKind::ALL.into_iter().zip(&mut self.entries);
        entries
            .filter_map(|(kind, entry)| {
                entry.update(now, kind, findings.get_mut(kind as usize)?.take())
            })
            .collect()
    }

    /// The alarms that are set.
    pub fn active(&self) -> impl Iterator<Item = &ActiveAlarm> {
        self.entries
            .iter()
            .filter_map(|entry| entry.active.as_ref())
    }

    /// How often an alarm of each kind has begun, in the order of [`AlarmKind::ALL`].
    pub fn counts(&self) -> [u64; AlarmKind::ALL.len()] {
        self.entries.each_ref().map(|entry| entry.count)
    }
}

impl Entry {
    fn update(
        &mut self,
        now: Moment,
        kind: AlarmKind,
        finding: Option<Finding>,
    ) -> Option<AlarmChange> {
        let turns = match (&self.active, &finding) {
            (None, Some(_)) => self.has_held(now, kind.set_after()),
            (Some(_), None) => self.has_held(now, kind.clear_after()),
            _ => {
                self.contrary_since = None;
                false
            }
        };
        match (self.active.as_mut(), finding) {
            (None, Some(finding)) if turns => {
                self.count = self.count.saturating_add(1);
                let alarm = self.active.insert(ActiveAlarm {
                    kind,
                    severity: finding.severity,
                    since_ms: now.time.as_millis(),
                    text: finding.text,
                });
                Some(alarm.told(AlarmState::Set, now.time, self.count))
            }
            (Some(alarm), Some(finding)) => {
                let is_worse = finding.severity > alarm.severity;
                alarm.severity = alarm.severity.max(finding.severity);
                alarm.text = finding.text;
                is_worse.then(|| alarm.told(AlarmState::Set, now.time, self.count))
            }
            (Some(_), None) if turns => {
                let alarm = self.active.take()?;
                Some(alarm.told(AlarmState::Cleared, now.time, self.count))
            }
            _ => None,
        }
    }

    /// Whether what contradicts the state has lasted for `long`; then the state turns over.
    fn has_held(&mut self, now: Moment, long: Duration) -> bool {
        let since = *self.contrary_since.get_or_insert(now.since_boot);
        let held = now.since_boot.saturating_sub(since) >= long;
        if held {
            self.contrary_since = None;
        }
        held
    }
}

impl ActiveAlarm {
    fn told(&self, state: AlarmState, time: Timestamp, count: u64) -> AlarmChange {
        AlarmChange {
            kind: self.kind,
            state,
            severity: self.severity,
            since_ms: self.since_ms,
            time_ms: time.as_millis(),
            text: self.text.clone(),
            count,
        }
    }
}

#[cfg(test)]
mod tests;
