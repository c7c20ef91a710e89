//! What the city's cloud control platform sees.
//!
//! [`Platform`] is told what happens (a message was received, time has passed, the fused picture)
//! and decides what goes up: sampled, limited, batched, and, of maps, events and signs, only the
//! news. A [`Dialect`] knows how one platform contract wants it: topics and payloads. Both are
//! sans-IO: time is an argument, and publishes are lent to a closure, in buffers that are reused.
//!
//! ```text
//! MAP, RSI    -> is it new?        \
//! SPAT, RSM   -> limit              \
//! BSM         -> sample -> batch     > Report -> Dialect -> Outgoing { class, topic, payload }
//! Fusion      -> JunctionSnapshot   /
//! the machine -> running information
//! ```

mod alerts;
mod bsm_batch;
mod classes;
pub mod content;
mod counters;
pub mod dialect;
mod effects;
pub mod junction;
mod maps;
mod outbound;
mod period;
mod record;
pub mod sampling;
#[cfg(test)]
mod schema_file;
mod settings;
mod statistics;
mod traffic;
mod unacknowledged;
mod unit;
mod utc;

use std::sync::{Arc, Mutex};

use rsu_firmware::fusion;
use rsu_firmware::message::{
    BasicSafetyMessage, MapData, MessageFrame, RoadSideInformation, RoadsideSafetyMessage,
    TemporaryId,
};
use rsu_firmware::time::{Span, Timestamp};

pub use alerts::{ALERT_SILENCE_MAX, ALERTS_MAX};
pub use bsm_batch::{BsmBatch, NotTaken};
pub use classes::Classes;
pub use content::{Acknowledgement, Alert, Presence, RsuStatus};
pub use counters::{Counters, Published};
pub use dialect::{
    AlertSource, Class, Dialect, Form, MapReport, Outgoing, Relayed, Report, RsiReport, Stream,
    Tits0180, Unwritable,
};
pub use maps::MAPS_MAX;
pub use record::{Place, Record};
pub use settings::{BatchLimits, Sampling, Settings, StreamLimits};
pub use traffic::{LaneTraffic, Traffic};
pub use unacknowledged::UNACKNOWLEDGED_MAX;
pub use unit::{InvalidRsuId, RsuId, Unit, UnitPosition};
pub use utc::UtcTime;

use crate::clock::ClockQuality;
use crate::downlink::{self, RSI_BROADCASTS_MAX, Transmit};
use crate::health::system::SystemSample;
use crate::health::{AlarmChange, SpoolFigures, Stage, StageLatency};
use crate::spool::{Gap, SpoolId};
use crate::update::UpdateStatus;
use alerts::Alerts;
use content::{
    AlarmUp, BasicStatus, BsmConfig, Config, GapUp, Header, Heartbeat, Info, MapConfig, PresenceUp,
    RsiConfig, RunningInformation, StreamConfig, UpgradeStatus,
};
use effects::Questions;
use junction::JunctionSnapshot;
use maps::Maps;
use outbound::{Outbound, Sequence};
use period::Period;
use sampling::{BsmSampler, Limit, Limiter, Rate, Verdict};
use statistics::Statistics;
use traffic::TrafficCounter;

/// Where publishes go.
pub type Sink<'a> = dyn FnMut(Outgoing<'_>) + 'a;

/// Decides what the platform is told, and when.
pub struct Platform {
    settings: Settings,
    status: RsuStatus,
    outbound: Outbound,
    sequence: Sequence,

    maps: Maps,
    map: Limiter,
    spat: Limiter,
    rsm: Limiter,
    alerts: Alerts,
    bsm: BsmSampler,
    batch: BsmBatch,
    /// When the batch must go, if there is anything in it.
    batch_due: Option<Timestamp>,

    heartbeat: Period,
    running_information: Period,
    junction: Period,
    traffic: TrafficCounter,

    /// By which vehicles know what this unit sends.
    sender: TemporaryId,
    transmit: Option<Arc<Mutex<Transmit>>>,
    statistics: Statistics,
    questions: Questions,
}

/// What [`Platform::handle_timeout`] needs from outside to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// Call [`Platform::running_information`].
    RunningInformation,
    /// Call [`Platform::junctions`].
    Junctions,
}

/// How the machine and the program are doing.
#[derive(Clone, Copy)]
pub struct Running<'a> {
    /// The machine.
    pub machine: &'a SystemSample,
    /// What was dropped since the start, by reason.
    pub drops: &'a [(&'a str, u64)],
    /// What each stage has handled since the start.
    pub stages: &'a [(&'a str, u64)],
    /// What waits for the broker.
    pub spools: &'a [SpoolFigures],
    /// How long each stage takes, in the order of [`Stage::ALL`], where that is measured.
    pub latency: Option<&'a [StageLatency; Stage::ALL.len()]>,
}

impl Platform {
    /// Reports to a platform that speaks `dialect`.
    pub fn new(settings: Settings, dialect: Box<dyn Dialect>) -> Self {
        let sampling = &settings.sampling;
        let heartbeat = dialect
            .heartbeat_interval_max()
            .map_or(settings.heartbeat_interval, |max| {
                max.min(settings.heartbeat_interval)
            });
        let junction = match dialect.carries(Stream::Junction) {
            true => settings.junction_interval,
            false => Span::default(),
        };
        Self {
            status: RsuStatus::default(),
            outbound: Outbound::new(dialect, settings.classes),
            sequence: Sequence::default(),
            maps: Maps::default(),
            map: Limiter::new(sampling.map.up),
            spat: Limiter::new(sampling.spat.up),
            rsm: Limiter::new(sampling.rsm.up),
            alerts: Alerts::default(),
            bsm: BsmSampler::new(&sampling.bsm),
            batch: BsmBatch::default(),
            batch_due: None,
            heartbeat: Period::new(heartbeat),
            running_information: Period::new(settings.running_information_interval),
            junction: Period::new(junction),
            traffic: TrafficCounter::new(settings.traffic_interval),
            sender: downlink::sender_id(&settings.unit.id),
            transmit: None,
            statistics: Statistics::default(),
            questions: Questions::default(),
            settings,
        }
    }

    /// Topic filters of what the platform sends down.
    pub fn downlink_filters(&self) -> Vec<String> {
        self.outbound.dialect.downlink_filters()
    }

    /// Sets the status that is reported from now on.
    pub fn set_status(&mut self, status: RsuStatus) {
        self.status = status;
    }

    /// Writes what is published first on every connection (T/ITS 0180.1): info, and basic status.
    pub fn introduce(&mut self, now: Timestamp, sink: &mut Sink<'_>) {
        self.inform(now, sink);
        let unit = &self.settings.unit;
        let header = Header::new(unit, self.sequence.next(Stream::BasicStatus), now);
        let status = BasicStatus::new(unit, header, self.status);
        self.outbound
            .publish(now, &Report::BasicStatus(&status), sink);
    }

    /// Writes who the unit is, and what is in force.
    fn inform(&mut self, now: Timestamp, sink: &mut Sink<'_>) {
        let sampling = &self.settings.sampling;
        let down_rsis = self.held_alerts();
        let stream = |limits: &'_ StreamLimits| (limits.up, limits.down);
        let (spat_up, spat_down) = stream(&sampling.spat);
        let (rsm_up, rsm_down) = stream(&sampling.rsm);
        let config = Config {
            map_config: MapConfig {
                map_slice: &self.settings.unit.map_slice,
                etag: self.maps.latest_etag(),
            },
            bsm_config: BsmConfig {
                sample_mode: sampling.bsm.mode,
                sample_rate: sampling.bsm.rate,
                actual_sample_rate: self.bsm.actual_rate(),
                up_limit: sampling.bsm.up_limit,
                up_filters: &sampling.bsm.up_filters,
            },
            rsi_config: RsiConfig {
                max_rsi_num: RSI_BROADCASTS_MAX,
                cur_rsi_num: down_rsis.len(),
                down_rsis,
                up_filters: &sampling.rsi_up_filters,
            },
            spat_config: StreamConfig {
                up_limit: spat_up,
                down_limit: spat_down,
                up_filters: &sampling.spat.up_filters,
            },
            rsm_config: StreamConfig {
                up_limit: rsm_up,
                down_limit: rsm_down,
                up_filters: &sampling.rsm.up_filters,
            },
        };
        let unit = &self.settings.unit;
        let acknowledgement = self.sequence.acknowledgement(Stream::Info, &self.settings);
        let info = Info::new(unit, self.status, config, acknowledgement);
        self.outbound.publish(now, &Report::Info(&info), sink);
    }

    /// Takes in a message that was received: the bytes of its MessageFrame, and what they say.
    /// Kinds that the contract does not know are passed over.
    pub fn handle_message(
        &mut self,
        now: Timestamp,
        bytes: &[u8],
        message: &MessageFrame<'_>,
        sink: &mut Sink<'_>,
    ) {
        self.statistics.count(now, message);
        match message {
            // T/ITS 0180.1: what the platform has sent down is not sent up again.
            MessageFrame::Rsi(RoadSideInformation { id, .. })
            | MessageFrame::Rsm(RoadsideSafetyMessage { id, .. })
                if *id == self.sender =>
            {
                self.outbound.counters.own_message += 1;
            }
            MessageFrame::Bsm(bsm) => self.handle_bsm(now, bytes, bsm, sink),
            MessageFrame::Map(map) => self.handle_map(now, bytes, map, sink),
            MessageFrame::Rsi(rsi) => self.handle_rsi(now, bytes, rsi, sink),
            MessageFrame::Spat(message) if self.spat.admit(now) => {
                let report = Report::Spat(Relayed { bytes, message });
                self.outbound.publish(now, &report, sink);
            }
            MessageFrame::Rsm(message) if self.rsm.admit(now) => {
                let report = Report::Rsm(Relayed { bytes, message });
                self.outbound.publish(now, &report, sink);
            }
            MessageFrame::Spat(_) => self.outbound.counters.spat_over_limit += 1,
            MessageFrame::Rsm(_) => self.outbound.counters.rsm_over_limit += 1,
            MessageFrame::Unknown(..) => {}
        }
    }

    /// Does what is due by `now`. Call again, after doing what was asked for, until nothing is.
    pub fn handle_timeout(&mut self, now: Timestamp, sink: &mut Sink<'_>) -> Option<Due> {
        // A clock that was set back must not hold the batch.
        let age_max = self.settings.bsm_batch.age_max;
        if self
            .batch_due
            .is_some_and(|due| now >= due || due - now > age_max)
        {
            self.flush_batch(now, sink);
        }
        while let Some(alert) = self.alerts.poll_ended(now) {
            let acknowledgement = self.sequence.acknowledgement(Stream::Rsi, &self.settings);
            let report = Report::Rsi(RsiReport {
                alert: &alert,
                source: AlertSource::Silence,
                acknowledgement,
            });
            self.outbound.publish(now, &report, sink);
        }
        while let Some(again) = self.outbound.unacknowledged.poll(now) {
            sink(again);
        }
        if self.heartbeat.poll(now) {
            let number = self.sequence.next(Stream::Heartbeat);
            let heartbeat = Heartbeat {
                header: Header::new(&self.settings.unit, number, now),
                rsu_status: self.status,
                ack: false,
            };
            self.outbound
                .publish(now, &Report::Heartbeat(&heartbeat), sink);
        }
        if self.junction.poll(now) {
            return Some(Due::Junctions);
        }
        let is_due = self.running_information.poll(now) || self.questions.are_there();
        is_due.then_some(Due::RunningInformation)
    }

    /// When [`Platform::handle_timeout`] has something to do next; never, if `None`.
    pub fn poll_timeout(&self) -> Option<Timestamp> {
        let times = [
            self.batch_due,
            self.alerts.poll_timeout(),
            self.heartbeat.poll_timeout(),
            self.running_information.poll_timeout(),
            self.junction.poll_timeout(),
            self.outbound.unacknowledged.poll_timeout(),
            self.questions
                .are_there()
                .then_some(Timestamp::from_micros(i64::MIN)),
        ];
        times.into_iter().flatten().min()
    }

    /// Reports how the machine and the program are doing.
    pub fn running_information(
        &mut self,
        now: Timestamp,
        running: &Running<'_>,
        sink: &mut Sink<'_>,
    ) {
        let number = self.sequence.next(Stream::RunningInformation);
        let information = RunningInformation {
            header: Header::new(&self.settings.unit, number, now),
            running_info: running.machine,
            drops: running.drops,
            stages: running.stages,
            spools: running.spools,
            latency: running.latency,
            ack: false,
        };
        let report = Report::RunningInformation(&information);
        self.outbound.publish(now, &report, sink);
        self.answer_questions(now, running, sink);
    }

    /// Reports an alarm that begins, gets worse or ends.
    pub fn alarm(&mut self, now: Timestamp, change: &AlarmChange, sink: &mut Sink<'_>) {
        let number = self.sequence.next(Stream::Alarm);
        let alarm = AlarmUp::new(&self.settings.unit, number, change);
        self.outbound.publish(now, &Report::Alarm(&alarm), sink);
    }

    /// Reports numbers that will not arrive.
    pub fn gap(
        &mut self,
        now: Timestamp,
        class: Class,
        spool: SpoolId,
        gap: Gap,
        sink: &mut Sink<'_>,
    ) {
        let gap = GapUp::new(self.settings.unit.id.as_ref(), class, spool, gap);
        self.outbound.publish(now, &Report::Gap(&gap), sink);
    }

    /// Says whether the unit is there; the publish is to be retained.
    pub fn presence(&mut self, now: Timestamp, presence: Presence, sink: &mut Sink<'_>) {
        let presence = PresenceUp {
            rsu_id: self.settings.unit.id.as_ref(),
            presence,
        };
        self.outbound
            .publish(now, &Report::Presence(&presence), sink);
    }

    /// Reports how far an update has come.
    pub fn update_status(&mut self, now: Timestamp, status: &UpdateStatus, sink: &mut Sink<'_>) {
        let unit = &self.settings.unit;
        let header = Header::new(unit, self.sequence.next(Stream::Upgrade), now);
        let status = UpgradeStatus::new(unit, header, status);
        self.outbound.publish(now, &Report::Upgrade(&status), sink);
    }

    /// Reports the fused picture, a publish for each junction, and the traffic of an interval that
    /// has ended.
    pub fn junctions(
        &mut self,
        picture: &fusion::Snapshot<'_>,
        clock: ClockQuality,
        sink: &mut Sink<'_>,
    ) {
        for junction in picture.junctions() {
            let number = self.sequence.next(Stream::Junction);
            let id = self.settings.unit.id.as_ref();
            let snapshot = JunctionSnapshot::new(id, number, clock, picture, &junction);
            self.outbound
                .publish(snapshot.time, &Report::Junction(&snapshot), sink);
            if let Some(traffic) = self.traffic.observe(&snapshot) {
                self.outbound
                    .publish(snapshot.time, &Report::Traffic(&traffic), sink);
            }
        }
    }

    /// What did not go up so far, and why.
    pub fn counters(&self) -> Counters {
        Counters {
            rsi_evicted: self.alerts.evicted(),
            bsm_vehicle_evicted: self.bsm.vehicles_evicted(),
            unacknowledged_evicted: self.outbound.unacknowledged.evicted(),
            ..self.outbound.counters
        }
    }

    /// What went up so far.
    pub fn published(&self) -> Published {
        self.outbound.published
    }

    fn handle_bsm(
        &mut self,
        now: Timestamp,
        bytes: &[u8],
        bsm: &BasicSafetyMessage<'_>,
        sink: &mut Sink<'_>,
    ) {
        let counters = &mut self.outbound.counters;
        match self.bsm.handle(now, bsm.id) {
            Verdict::NotSampled => counters.bsm_not_sampled += 1,
            Verdict::OverLimit => counters.bsm_over_limit += 1,
            Verdict::Taken => {
                let limits = self.settings.bsm_batch;
                let grown = self.batch.list_bytes().saturating_add(2 + bytes.len());
                if grown > limits.bytes_max {
                    self.flush_batch(now, sink);
                }
                match self.batch.push(bytes) {
                    Ok(()) => _ = self.batch_due.get_or_insert(now + limits.age_max),
                    // The batch has just been emptied if it was full.
                    Err(NotTaken::Full | NotTaken::TooLong) => {
                        self.outbound.counters.bsm_too_long += 1;
                    }
                }
                // Nothing that is complete waits for the next message.
                if self.batch.len() >= limits.messages_max || self.batch.is_full() {
                    self.flush_batch(now, sink);
                }
            }
        }
    }

    fn flush_batch(&mut self, now: Timestamp, sink: &mut Sink<'_>) {
        self.batch_due = None;
        if !self.batch.is_empty() {
            self.outbound.publish(now, &Report::Bsm(&self.batch), sink);
            self.batch.clear();
        }
    }

    fn handle_map(&mut self, now: Timestamp, bytes: &[u8], map: &MapData<'_>, sink: &mut Sink<'_>) {
        let Some(heard) = self.maps.handle(now, map, self.settings.profile) else {
            self.outbound.counters.map_too_long += 1;
            return;
        };
        let wanted = self.settings.sampling.map.up != Limit::PerSecond(Rate::NONE);
        let is_news = heard.is_new && wanted;
        if !is_news && !self.map.admit(now) {
            self.outbound.counters.map_over_limit += 1;
            return;
        }
        let acknowledgement = match is_news {
            true => self.sequence.acknowledgement(Stream::Map, &self.settings),
            false => Acknowledgement::default(),
        };
        let report = Report::Map(MapReport {
            map: Relayed {
                bytes,
                message: map,
            },
            map_slice: &self.settings.unit.map_slice,
            etag: heard.etag,
            acknowledgement,
        });
        match is_news {
            true => self.outbound.publish(now, &report, sink),
            false => self.outbound.publish_as(Class::Live, now, &report, sink),
        }
    }

    fn handle_rsi(
        &mut self,
        now: Timestamp,
        bytes: &[u8],
        rsi: &RoadSideInformation<'_>,
        sink: &mut Sink<'_>,
    ) {
        let mut untold = Some(bytes);
        for alert in Alert::of(rsi, now) {
            let Some(alert) = self.alerts.handle(now, alert) else {
                self.outbound.counters.rsi_repeated += 1;
                continue;
            };
            let acknowledgement = self.sequence.acknowledgement(Stream::Rsi, &self.settings);
            let source = match untold.take() {
                Some(bytes) => AlertSource::Message(bytes),
                None => AlertSource::SameMessage,
            };
            let report = Report::Rsi(RsiReport {
                alert,
                source,
                acknowledgement,
            });
            self.outbound.publish(now, &report, sink);
        }
    }
}

#[cfg(test)]
mod tests;
