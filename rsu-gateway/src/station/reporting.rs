//! The platform part and the uplink, joined.

use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rsu_firmware::message::MessageFrame;
use rsu_firmware::rsu::Rsu;
use rsu_firmware::time::{Span, Timestamp};

use super::delivery::{Delivery, ReplayRefused, Spools, sealed};
use super::senders::SenderClocks;
use super::vitals::{Facts, Vitals};
use crate::clock::{self, ClockQuality, ClockSource, Moment};
use crate::downlink::{self, Effect};
use crate::health::{AlarmChange, Latencies, Stage};
use crate::mqtt::{
    self, Controls, LiveLimits, LiveStats, Monitor, Publish, SettingsError, Uplink, UplinkStats,
};
use crate::platform::{
    self, Class, Due, Outgoing, Platform, Presence, Published, RsuStatus, Running, Tits0180,
};
use crate::spool::Spool;
use crate::update::UpdateStatus;

/// Reports what the unit hears and fuses.
pub struct Reporting {
    pub(super) platform: Arc<Mutex<Platform>>,
    pub(super) delivery: Delivery,
    vitals: Vitals,
    senders: SenderClocks,
    downlink: downlink::Observer,
    /// When the unit is looked at next.
    next_look: Option<Timestamp>,
}

/// What was lost before it came to the unit.
#[derive(Clone, Debug, Default)]
pub struct LostOutside {
    /// Frames that were too many for the radio's buffer.
    pub frames_shed: u64,
    /// Errors of the radio's socket.
    pub radio_errors: u64,
    /// Every counter with its name.
    pub counters: Vec<(&'static str, u64)>,
}

/// How often the unit is looked at.
const LOOK_INTERVAL: Span = Span::from_millis(1_000);

impl Reporting {
    /// Joins a platform part to a new uplink, which the caller then runs.
    ///
    /// # Errors
    /// Names the setting of the uplink that cannot work.
    pub fn new(
        platform: Platform,
        uplink: mqtt::Settings,
        spools: Spools,
        live: LiveLimits,
        vitals: Vitals,
    ) -> Result<(Self, Uplink), SettingsError> {
        let platform = Arc::new(Mutex::new(platform));
        let last_will = last_will(&platform);
        let mut uplink = Uplink::new(
            mqtt::Settings {
                last_will,
                ..uplink
            },
            spools.outboxes(),
        )?;
        let introducing = platform.clone();
        let source = vitals.clock_source().clone();
        uplink.on_connect(move || introduction(&introducing, &source));
        for kept in spools.iter() {
            let latencies = vitals.latencies.clone();
            kept.spool
                .monitor(move |waited| latencies.record(Stage::Commit, waited));
        }
        let reporting = Self {
            delivery: Delivery::new(&mut uplink, spools, live),
            platform,
            vitals,
            senders: SenderClocks::default(),
            downlink: downlink::Observer::default(),
            next_look: None,
        };
        Ok((reporting, uplink))
    }

    /// A reporting that forgets with the process, to a platform that speaks T/ITS 0180.1.
    ///
    /// # Errors
    /// As [`Reporting::new`]; or no thread can be started.
    pub fn in_memory(
        platform: platform::Settings,
        uplink: mqtt::Settings,
    ) -> Result<(Self, Uplink), Box<dyn std::error::Error>> {
        let spools = Spools::in_memory(uplink.packet_bytes_max)?;
        let dialect = Box::new(Tits0180::new(&platform.unit));
        let platform = Platform::new(platform, dialect);
        let vitals = Vitals::new(ClockSource::default(), "/".into());
        let live = LiveLimits::default();
        Ok(Self::new(platform, uplink, spools, live, vitals)?)
    }

    /// Reports a message that was received. Returns whether something went to the uplink for it.
    pub fn handle_message(
        &mut self,
        now: Timestamp,
        bytes: &[u8],
        message: &MessageFrame<'_>,
    ) -> bool {
        self.senders.handle(now, message);
        let Self {
            platform,
            delivery,
            vitals,
            ..
        } = self;
        let clock = vitals.clock_quality();
        let mut has_reported = false;
        let sink = &mut |out: Outgoing<'_>| {
            let _ = delivery.hand_over(out, now, clock);
            has_reported = true;
        };
        lock(platform).handle_message(now, bytes, message, sink);
        has_reported
    }

    /// Reports what is due by `now`, among it what was `lost` before it came to the unit. Returns
    /// the alarms that have changed.
    pub fn handle_timeout(
        &mut self,
        now: Timestamp,
        rsu: &mut Rsu,
        lost: &LostOutside,
    ) -> Vec<AlarmChange> {
        while let Some(due) =
            self.with_platform(now, |platform, sink| platform.handle_timeout(now, sink))
        {
            match due {
                Due::Junctions => {
                    let quality = self.vitals.clock_quality();
                    self.with_platform(now, |platform, sink| {
                        platform.junctions(&rsu.fusion_mut().snapshot(now), quality, sink);
                    });
                }
                Due::RunningInformation => self.running_information(now, rsu, lost),
            }
        }
        let is_due = |next: Timestamp| now >= next || next - now > LOOK_INTERVAL;
        if !self.next_look.is_none_or(is_due) {
            return Vec::new();
        }
        self.next_look = Some(now + LOOK_INTERVAL);
        self.look(now, rsu, lost)
    }

    /// When [`Reporting::handle_timeout`] has something to do next.
    pub fn poll_timeout(&self) -> Option<Timestamp> {
        let platform = lock(&self.platform).poll_timeout();
        platform.into_iter().chain(self.next_look).min()
    }

    /// What did not reach the broker, by reason.
    pub fn drops(&self) -> Vec<(&'static str, u64)> {
        let platform = lock(&self.platform).counters().entries();
        let uplink = uplink_drops(&self.uplink());
        platform.into_iter().chain(uplink).collect()
    }

    /// What was handed to the uplink, by stream.
    pub fn published(&self) -> Published {
        lock(&self.platform).published()
    }

    /// How the uplink is doing.
    pub fn uplink(&self) -> UplinkStats {
        self.delivery.observer().snapshot()
    }

    /// How the unit is.
    pub fn vitals(&self) -> &Vitals {
        &self.vitals
    }

    /// Does what follows from a command, as far as it is the platform part's to do. Returns the
    /// number of the durable record that it led to.
    pub fn handle_effect(&mut self, now: Timestamp, effect: &Effect) -> Option<u64> {
        self.durably(now, |platform, sink| {
            platform.handle_effect(now, effect, sink);
        })
    }

    /// Reports how far an update has come. Returns the number of the durable record.
    pub fn update_status(&mut self, now: Timestamp, status: &UpdateStatus) -> Option<u64> {
        self.durably(now, |platform, sink| {
            platform.update_status(now, status, sink);
        })
    }

    /// Lets the platform part work, and returns the number of the last durable record.
    fn durably(
        &self,
        now: Timestamp,
        work: impl FnOnce(&mut Platform, &mut crate::platform::Sink<'_>),
    ) -> Option<u64> {
        let clock = self.vitals.clock_quality();
        let mut number = None;
        let sink = &mut |out: Outgoing<'_>| {
            if let Some(kept) = self.delivery.hand_over(out, now, clock) {
                number = (out.class == Class::Durable).then_some(kept);
            }
        };
        work(&mut lock(&self.platform), sink);
        number
    }

    /// Sends kept records again.
    ///
    /// # Errors
    /// Why not.
    pub fn replay(&self, class: Class, numbers: RangeInclusive<u64>) -> Result<(), ReplayRefused> {
        self.delivery.replay(class, numbers)
    }

    /// Tells the platform that the unit goes.
    pub fn say_farewell(&mut self, now: Timestamp) {
        self.with_platform(now, |platform, sink| {
            platform.presence(now, Presence::Offline, sink);
        });
    }

    /// Whose counters tell what became of commands.
    pub fn observe_downlink(&mut self, downlink: downlink::Observer) {
        self.downlink = downlink;
    }

    /// Changes the uplink while it runs.
    pub fn controls(&self) -> &Controls {
        self.delivery.controls()
    }

    /// The spool of durable records.
    pub fn durable(&self) -> &Spool {
        self.delivery.durable()
    }

    /// What waits for the broker.
    pub fn spools(&self) -> &Spools {
        self.delivery.spools()
    }

    pub(super) fn running_information(&mut self, now: Timestamp, rsu: &Rsu, lost: &LostOutside) {
        let machine = self.vitals.sample(now);
        let latency = self.vitals.latencies.report();
        let spools = self
            .vitals
            .spool_figures(Moment::now(), self.delivery.spools());
        let (drops, stages) = self.figures(rsu, lost);
        let running = Running {
            machine: &machine,
            drops: &drops,
            stages: &stages,
            spools: &spools,
            latency: Some(&latency),
        };
        self.with_platform(now, |platform, sink| {
            platform.running_information(now, &running, sink);
        });
    }

    fn look(&mut self, now: Timestamp, rsu: &Rsu, lost: &LostOutside) -> Vec<AlarmChange> {
        let (drops, stages) = self.figures(rsu, lost);
        let uplink = self.uplink();
        let facts = Facts {
            spools: self.delivery.spools(),
            uplink: &uplink,
            downlink: self.downlink.counters(),
            senders_ahead: self.senders.ahead(now),
            frames: rsu.stats().frames(),
            frames_shed: lost.frames_shed,
            radio_errors: lost.radio_errors,
            drops,
            stages,
        };
        let changes = self.vitals.look(Moment::now(), facts);
        lock(&self.platform).set_status(match self.vitals.is_critical() {
            true => RsuStatus::Fault,
            false => RsuStatus::Normal,
        });
        let mut gaps = Vec::new();
        for kept in self.delivery.spools_mut().iter_mut() {
            let (class, id) = (kept.class, kept.spool.stats().id);
            gaps.extend(kept.new_gaps().into_iter().map(|gap| (class, id, gap)));
        }
        for (class, id, gap) in gaps {
            self.with_platform(now, |platform, sink| {
                platform.gap(now, class, id, gap, sink);
            });
        }
        for change in &changes {
            self.with_platform(now, |platform, sink| platform.alarm(now, change, sink));
        }
        changes
    }

    fn figures(&self, rsu: &Rsu, lost: &LostOutside) -> (Figures, Figures) {
        let drops = super::core_drops(rsu)
            .chain(self.drops())
            .chain(lost.counters.iter().copied());
        let stages = stages(rsu, &lock(&self.platform), &self.uplink());
        let commands = self.downlink.counters().entries();
        (
            drops.collect(),
            stages.into_iter().chain(commands).collect(),
        )
    }

    /// Lets the platform part work, and hands over what it writes.
    pub(super) fn with_platform<T>(
        &mut self,
        now: Timestamp,
        work: impl FnOnce(&mut Platform, &mut crate::platform::Sink<'_>) -> T,
    ) -> T {
        let clock = self.vitals.clock_quality();
        let delivery = &self.delivery;
        let sink = &mut |out: Outgoing<'_>| _ = delivery.hand_over(out, now, clock);
        work(&mut lock(&self.platform), sink)
    }
}

type Figures = Vec<(&'static str, u64)>;

/// What is said first on every connection.
fn introduction(platform: &Mutex<Platform>, source: &ClockSource) -> Vec<Publish> {
    let now = clock::now();
    let quality = source.quality();
    let mut publishes = Vec::new();
    let mut collect = |out: Outgoing<'_>| publishes.push(sealed(out, Class::Live, now, quality));
    let mut platform = lock(platform);
    platform.introduce(now, &mut collect);
    platform.presence(now, Presence::Online, &mut collect);
    publishes
}

/// What the broker says when the connection dies.
fn last_will(platform: &Mutex<Platform>) -> Option<Publish> {
    let now = clock::now();
    let mut will = None;
    // How good the clock will be then, nobody knows.
    let quality = ClockQuality::default();
    let mut collect = |out: Outgoing<'_>| will = Some(sealed(out, Class::Live, now, quality));
    lock(platform).presence(now, Presence::Lost, &mut collect);
    will
}

/// Times the uplink, and feels its pulse.
pub struct UplinkMonitor<F> {
    /// Where the times go.
    pub latencies: Latencies,
    /// Told at least once a second while the uplink makes progress.
    pub alive: F,
}

impl<F: Fn() + Send + Sync> Monitor for UplinkMonitor<F> {
    fn alive(&self) {
        (self.alive)();
    }

    fn live_written(&self, _: &'static str, waited: Duration) {
        self.latencies.record(Stage::Live, waited);
    }

    fn acknowledged(&self, _: &'static str, waited: Duration) {
        self.latencies.record(Stage::Delivery, waited);
    }
}

fn uplink_drops(uplink: &UplinkStats) -> [(&'static str, u64); 6] {
    let live = |count: fn(&LiveStats) -> u64| uplink.live_sum(count);
    [
        (
            "uplink_live_dropped",
            live(|l| l.dropped_oldest + l.dropped_superseded + l.dropped_cut),
        ),
        (
            "uplink_live_refused",
            live(|l| l.too_large + l.invalid_topic),
        ),
        (
            "uplink_records_dropped",
            uplink.outbox_sum(|outbox| outbox.held.dropped_full),
        ),
        (
            "uplink_records_refused",
            uplink.outbox_sum(|outbox| outbox.held.too_large + outbox.held.invalid_topic),
        ),
        (
            "uplink_records_quarantined",
            uplink.outbox_sum(|outbox| outbox.held.quarantined),
        ),
        (
            "uplink_received_dropped",
            uplink.received.too_large + uplink.received.dropped_full,
        ),
    ]
}

fn stages(rsu: &Rsu, platform: &Platform, uplink: &UplinkStats) -> [(&'static str, u64); 5] {
    let reports = platform.published().entries().map(|(_, count)| count).sum();
    let published = uplink.live_sum(|live| live.published)
        + uplink.outbox_sum(|outbox| outbox.published)
        + uplink.on_connect.published;
    let acknowledged = uplink.outbox_sum(|outbox| outbox.acknowledged);
    [
        ("frames_received", rsu.stats().frames()),
        ("reports_made", reports),
        ("publishes_sent", published),
        ("publishes_acknowledged", acknowledged),
        ("connections", uplink.connections),
    ]
}

/// A panic elsewhere does not make the platform's state wrong: each call leaves it whole.
pub(super) fn lock(platform: &Mutex<Platform>) -> MutexGuard<'_, Platform> {
    platform.lock().unwrap_or_else(PoisonError::into_inner)
}
