//! How the unit is, gathered for those who ask: the platform, the monitoring on the spot, and the
//! alarms.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use rsu_firmware::time::{Span, Timestamp};
use tracing::warn;

use super::delivery::{Kept, Spools};
use crate::clock::{ClockQuality, ClockSource, JumpDetector, KernelClock, Moment};
use crate::device::DeviceBoard;
use crate::downlink::DownlinkCounters;
use crate::health::alarm::{CertificateFacts, Severity, SpoolFacts, StorageState};
use crate::health::previous_run::PreviousRun;
use crate::health::self_check::{self, Check, RadioFacts};
use crate::health::system::{SystemSample, SystemSampler};
use crate::health::{
    AlarmChange, Alarms, Board, DrainEstimate, Latencies, Observations, Snapshot, SpoolFigures,
    UplinkFigures,
};
use crate::mqtt::{Fault, UplinkStats};
use crate::spool::{Condition, Losses, SpoolStats};

/// What is remembered between two looks at the unit.
pub struct Vitals {
    clock: ClockSource,
    quality: ClockQuality,
    system: SystemSampler,
    jumps: JumpDetector,
    radio: RadioWatch,
    drains: BTreeMap<&'static str, DrainEstimate>,
    /// What the spools had lost before this run.
    lost_before: BTreeMap<&'static str, Losses>,
    alarms: Alarms,
    previous_run: PreviousRun,
    /// Files of the unit's own that could not be read at its start.
    unreadable_files: Vec<String>,
    /// Told when alarms have changed.
    keep: Option<Keep>,
    /// How long each stage takes.
    pub latencies: Latencies,
    /// Where the monitoring on the spot finds the latest look.
    pub board: Board,
    /// Where the board's own parts leave what they see.
    pub device: DeviceBoard,
}

/// When the radio was heard, and when it failed, since the boot.
#[derive(Default)]
struct RadioWatch {
    frames: u64,
    heard: Option<Duration>,
    errors: u64,
    failed: Option<Duration>,
}

/// So long an error of the radio's socket is news.
const RADIO_FAILING: Duration = Duration::from_secs(10);

impl RadioWatch {
    fn update(&mut self, now: Moment, facts: &Facts<'_>) -> RadioFacts {
        if std::mem::replace(&mut self.frames, facts.frames) != facts.frames {
            self.heard = Some(now.since_boot);
        }
        if std::mem::replace(&mut self.errors, facts.radio_errors) != facts.radio_errors {
            self.failed = Some(now.since_boot);
        }
        let since = |then: Duration| now.since_boot.saturating_sub(then);
        RadioFacts {
            frames: facts.frames,
            silent_for: self.heard.map(since),
            is_failing: self
                .failed
                .map(since)
                .is_some_and(|ago| ago < RADIO_FAILING),
        }
    }
}

/// Keeps alarms over a restart.
type Keep = Box<dyn Fn(&Alarms) + Send>;

/// What others know of the unit at the moment of a look.
pub(super) struct Facts<'a> {
    pub(super) spools: &'a Spools,
    pub(super) uplink: &'a UplinkStats,
    pub(super) downlink: DownlinkCounters,
    pub(super) senders_ahead: Option<Span>,
    pub(super) frames: u64,
    pub(super) frames_shed: u64,
    pub(super) radio_errors: u64,
    pub(super) drops: Vec<(&'static str, u64)>,
    pub(super) stages: Vec<(&'static str, u64)>,
}

impl Vitals {
    /// Of a unit that has just started; `data` is the folder whose file system is watched.
    pub fn new(clock: ClockSource, data: PathBuf) -> Self {
        Self {
            quality: clock.quality(),
            clock,
            system: SystemSampler::new(data),
            jumps: JumpDetector::default(),
            radio: RadioWatch::default(),
            drains: BTreeMap::new(),
            lost_before: BTreeMap::new(),
            alarms: Alarms::default(),
            previous_run: PreviousRun::None,
            unreadable_files: Vec::new(),
            keep: None,
            latencies: Latencies::default(),
            board: Board::default(),
            device: DeviceBoard::default(),
        }
    }

    /// Goes on with what an earlier run knew.
    pub fn resume(
        &mut self,
        alarms: Alarms,
        previous_run: PreviousRun,
        unreadable_files: Vec<String>,
    ) {
        self.alarms = alarms;
        self.previous_run = previous_run;
        self.unreadable_files = unreadable_files;
    }

    /// Whether something is so wrong that the service suffers.
    pub(super) fn is_critical(&self) -> bool {
        let mut active = self.alarms.active();
        active.any(|alarm| alarm.severity == Severity::Critical)
    }

    /// Calls `keep` whenever alarms have changed, so that a restart does not forget them.
    pub fn on_alarm(&mut self, keep: impl Fn(&Alarms) + Send + 'static) {
        self.keep = Some(Box::new(keep));
    }

    pub(super) fn clock_source(&self) -> &ClockSource {
        &self.clock
    }

    /// How good the clock was at the latest look.
    pub(super) fn clock_quality(&self) -> ClockQuality {
        self.quality
    }

    /// A sample of the machine; rates are means since the one before.
    pub(super) fn sample(&mut self, now: Timestamp) -> SystemSample {
        let mut sample = self.system.sample(now);
        if let Some(celsius) = self.device.latest().celsius {
            sample.temperatures_c.push(("board".into(), celsius.into()));
        }
        sample
    }

    /// What waits in the spools.
    pub(super) fn spool_figures(&mut self, now: Moment, spools: &Spools) -> Vec<SpoolFigures> {
        let figures = |kept: &Kept| {
            let (name, stats) = (kept.name, kept.spool.stats());
            let drain = self.drains.entry(name).or_default();
            let drained_after = drain.update(now.since_boot, stats.bytes);
            let age = |oldest: Timestamp| (now.time - oldest).as_millis().max(0).unsigned_abs();
            SpoolFigures {
                name,
                records: stats.records,
                bytes: stats.bytes,
                oldest_age_ms: stats.oldest.map(age),
                drain_ms: drained_after
                    .map(|after| u64::try_from(after.as_millis()).unwrap_or(u64::MAX)),
                dropped: stats.losses.dropped,
                damaged: stats.losses.damaged,
            }
        };
        spools.iter().map(figures).collect()
    }

    /// Looks at the unit: which alarms begin, get worse or end. The board gets what was seen.
    pub(super) fn look(&mut self, now: Moment, facts: Facts<'_>) -> Vec<AlarmChange> {
        self.quality = self.clock.quality();
        let changes = self.judge(now, &facts);
        let checks = self.checks(now, &facts);
        let latency = self.latencies.distributions();
        let spools = self.spool_figures(now, facts.spools);
        let system = self.sample(now.time);
        self.board.post(Snapshot {
            time: now.time,
            software_version: env!("CARGO_PKG_VERSION").into(),
            clock: self.quality,
            kernel_clock: KernelClock::read().ok(),
            system,
            drops: facts.drops,
            stages: facts.stages,
            spools,
            uplink: UplinkFigures {
                is_connected: facts.uplink.connected_since.is_some(),
                connections: facts.uplink.connections,
                published: facts.uplink.live_sum(|live| live.published)
                    + facts.uplink.outbox_sum(|outbox| outbox.published)
                    + facts.uplink.on_connect.published,
                acknowledged: facts.uplink.outbox_sum(|outbox| outbox.acknowledged),
            },
            latency,
            checks,
            alarms: self.alarms.active().cloned().collect(),
            alarm_counts: self.alarms.counts(),
        });
        changes
    }

    /// Whether the unit can do its work.
    fn checks(&mut self, now: Moment, facts: &Facts<'_>) -> Vec<Check> {
        let spools: Vec<_> = facts.spools.iter().collect();
        let spools: Vec<_> = (spools.iter())
            .map(|kept| (kept, kept.spool.stats()))
            .collect();
        let spools = spools
            .iter()
            .map(|(kept, stats)| spool_facts(kept, stats, stats.losses));
        let spools: Vec<_> = spools.collect();
        let uplink = facts.uplink;
        vec![
            self_check::radio(self.radio.update(now, facts)),
            self_check::time(self.quality),
            self_check::uplink(
                uplink.connected_since.is_some(),
                uplink.broker.as_deref(),
                uplink.last_error.as_deref(),
            ),
            self_check::spool(&spools),
        ]
    }

    fn judge(&mut self, now: Moment, facts: &Facts<'_>) -> Vec<AlarmChange> {
        let stats: Vec<_> = facts
            .spools
            .iter()
            .map(|kept| (kept, kept.spool.stats()))
            .collect();
        for (kept, stats) in &stats {
            self.lost_before.entry(kept.name).or_insert(stats.losses);
        }
        let spools = stats.iter().map(|(kept, stats)| {
            let before = self.lost_before.get(kept.name).copied();
            spool_facts(kept, stats, before.unwrap_or_default())
        });
        let spools: Vec<_> = spools.collect();
        let uplink = facts.uplink;
        let login_refused = match uplink.fault {
            Some(Fault::NotAuthorized) if uplink.connected_since.is_none() => {
                Some(uplink.last_error.as_deref().unwrap_or("not authorized"))
            }
            _ => None,
        };
        let observations = Observations {
            spools: &spools,
            unreadable_files: &self.unreadable_files,
            login_refused,
            foreign_commands: facts.downlink.foreign,
            refused_filters: &uplink.refused_filters,
            clock: self.quality,
            clock_jump: self.jumps.update(now),
            senders_ahead: facts.senders_ahead,
            certificates: &certificates(now, uplink),
            frames_shed: facts.frames_shed,
            commands_shed: uplink.received.too_large + uplink.received.dropped_full,
            device: self.device.latest(),
            previous_run: Some(&self.previous_run),
        };
        let changes = self.alarms.update(now, &observations);
        for AlarmChange {
            kind,
            state,
            severity,
            text,
            ..
        } in &changes
        {
            warn!(kind = kind.name(), ?state, ?severity, "{text}");
        }
        if let Some(keep) = self.keep.as_ref().filter(|_| !changes.is_empty()) {
            keep(&self.alarms);
        }
        changes
    }
}

fn spool_facts<'a>(kept: &Kept, stats: &'a SpoolStats, before: Losses) -> SpoolFacts<'a> {
    let filled_percent = stats.bytes.saturating_mul(100) / kept.bytes_max.max(1);
    SpoolFacts {
        name: kept.name,
        state: match stats.condition {
            Condition::Working => StorageState::Working,
            Condition::NoSpace => StorageState::Full,
            Condition::ReadOnly => StorageState::ReadOnly,
            Condition::Failing => StorageState::Failing,
        },
        error: stats.last_error.as_deref(),
        damaged: stats.losses.damaged.saturating_sub(before.damaged),
        dropped: stats.losses.dropped.saturating_sub(before.dropped),
        filled_percent: u8::try_from(filled_percent).unwrap_or(100),
    }
}

fn certificates(now: Moment, uplink: &UplinkStats) -> Vec<CertificateFacts<'_>> {
    let days = |days: i64| Span::from_millis(days.saturating_mul(86_400_000));
    let own = CertificateFacts {
        name: "client",
        expires: uplink
            .certificate_days_left
            .map(|left| now.time + days(left)),
        fault: uplink.certificate_fault.as_deref(),
    };
    let brokers = CertificateFacts {
        name: "broker",
        expires: None,
        fault: match uplink.fault {
            Some(Fault::Certificate) if uplink.connected_since.is_none() => {
                uplink.last_error.as_deref()
            }
            _ => None,
        },
    };
    vec![own, brokers]
}
