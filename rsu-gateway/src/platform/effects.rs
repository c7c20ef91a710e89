//! What the platform part does for commands.

use std::sync::{Arc, Mutex, PoisonError};

use rsu_firmware::time::{Span, Timestamp};

use super::content::{
    BroadcastStatus, DeviceState, DeviceStatus, Header, InformationResponse, InformationValue,
    Versions,
};
use super::dialect::{Report, Stream};
use super::period::Period;
use super::sampling::{BsmSampler, Limiter};
use super::{Platform, Running, Sink};
use crate::downlink::{
    BroadcastChange, Effect, InformationQuery, InformationSubject, SamplingChange, SeqNum, Transmit,
};

/// Most questions that wait for running information.
const QUESTIONS_MAX: usize = 16;

/// What was asked for and waits for the next running information.
#[derive(Debug, Default)]
pub(super) struct Questions {
    pub(super) is_status_asked: bool,
    pub(super) information: Vec<Option<SeqNum>>,
}

impl Questions {
    pub(super) fn are_there(&self) -> bool {
        self.is_status_asked || !self.information.is_empty()
    }
}

impl Platform {
    /// Does what is this part's to do, and says whether that was so.
    pub fn handle_effect(&mut self, now: Timestamp, effect: &Effect, sink: &mut Sink<'_>) -> bool {
        match effect {
            Effect::Answer(answer) => self.outbound.publish(now, &Report::Answer(answer), sink),
            Effect::Sampling(change) => self.set_sampling(now, change, sink),
            Effect::HeartbeatInterval(interval) => self.set_heartbeat_interval(*interval),
            Effect::RunningInformationInterval(interval) => {
                self.set_running_information_interval(*interval);
            }
            Effect::Versions(seq_num) => self.versions(now, seq_num.as_ref(), sink),
            Effect::RunStatus => self.questions.is_status_asked = true,
            Effect::Information(query, seq_num) => {
                self.information(now, *query, seq_num.as_ref(), sink);
            }
            Effect::Introduction => self.introduce(now, sink),
            Effect::Acknowledged(acknowledgement) => {
                let unacknowledged = &mut self.outbound.unacknowledged;
                unacknowledged.acknowledge(acknowledgement.stream, acknowledgement.seq_num);
            }
            Effect::Broadcast(change) => self.broadcast(now, change, sink),
            Effect::LogLevel(_)
            | Effect::Broker(_)
            | Effect::LogUpload(_)
            | Effect::Replay(_)
            | Effect::Upgrade(..)
            | Effect::Reboot => return false,
        }
        true
    }

    /// Reports more or less from now on, and tells the platform what is in force.
    pub fn set_sampling(&mut self, now: Timestamp, change: &SamplingChange, sink: &mut Sink<'_>) {
        let before = self.settings.sampling.clone();
        let sampling = &mut self.settings.sampling;
        change.apply_to(sampling);
        let bsm = |bsm: &super::sampling::BsmSampling| (bsm.mode, bsm.rate, bsm.up_limit);
        if bsm(&sampling.bsm) != bsm(&before.bsm) {
            self.bsm = BsmSampler::new(&sampling.bsm);
        }
        let limiters = [
            (&mut self.map, &sampling.map, &before.map),
            (&mut self.spat, &sampling.spat, &before.spat),
            (&mut self.rsm, &sampling.rsm, &before.rsm),
        ];
        for (limiter, limits, before) in limiters {
            if limits.up != before.up {
                *limiter = Limiter::new(limits.up);
            }
        }
        self.inform(now, sink);
    }

    /// Sets the time between two heartbeats; zero: none. The dialect may have a limit.
    pub fn set_heartbeat_interval(&mut self, interval: Span) {
        let max = self.outbound.dialect.heartbeat_interval_max();
        let interval = max.map_or(interval, |max| max.min(interval));
        self.heartbeat = Period::new(interval);
    }

    /// Sets the time between two reports of running information; zero: none.
    pub fn set_running_information_interval(&mut self, interval: Span) {
        self.running_information = Period::new(interval);
    }

    /// Sets the queue of whose events and signs INFO tells.
    pub fn set_transmit(&mut self, transmit: Arc<Mutex<Transmit>>) {
        self.transmit = Some(transmit);
    }

    /// The events and signs of the platform that are held: identifier and tag.
    pub(super) fn held_alerts(&self) -> Vec<super::content::DownRsi> {
        let Some(transmit) = &self.transmit else {
            return Vec::new();
        };
        let transmit = transmit.lock().unwrap_or_else(PoisonError::into_inner);
        let held = transmit.held(crate::downlink::CommandKind::Rsi);
        let held = held.map(|(broadcast, _)| super::content::DownRsi {
            alert_id: broadcast.key.id.clone(),
            etag: broadcast.etag.clone().unwrap_or_default(),
        });
        held.collect()
    }

    /// Answers the questions that waited for running information.
    pub(super) fn answer_questions(
        &mut self,
        now: Timestamp,
        running: &Running<'_>,
        sink: &mut Sink<'_>,
    ) {
        self.questions.is_status_asked = false;
        for seq_num in std::mem::take(&mut self.questions.information) {
            let value = InformationValue::RunningInformation(running.machine);
            let subject = InformationSubject::RunningInformation;
            self.respond(now, subject, value, seq_num.as_ref(), sink);
        }
    }

    fn versions(&mut self, now: Timestamp, seq_num: Option<&SeqNum>, sink: &mut Sink<'_>) {
        let number = self.number(Stream::Versions, seq_num);
        let header = Header::new(&self.settings.unit, number, now);
        let versions = Versions::new(&self.settings.unit, header);
        self.outbound
            .publish(now, &Report::Versions(&versions), sink);
    }

    fn information(
        &mut self,
        now: Timestamp,
        query: InformationQuery,
        seq_num: Option<&SeqNum>,
        sink: &mut Sink<'_>,
    ) {
        let subject = query.subject;
        match subject {
            InformationSubject::RunningInformation => {
                let waiting = &mut self.questions.information;
                if waiting.len() < QUESTIONS_MAX {
                    waiting.push(seq_num.cloned());
                } else {
                    self.outbound.counters.question_dropped += 1;
                }
            }
            InformationSubject::V2xStatistics => {
                let totals = self.statistics.totals(now, query.interval);
                let value = InformationValue::V2xStatistics(totals);
                self.respond(now, subject, value, seq_num, sink);
            }
            InformationSubject::Devices => {
                let esn = self.settings.unit.esn.clone();
                // Who answers over the network is at work, and its network is good.
                let unit = DeviceStatus {
                    device_id: &esn,
                    device_type: "RSU",
                    status: [DeviceState {
                        run_status: 1,
                        network_status: 3,
                    }],
                };
                let value = InformationValue::Devices(std::slice::from_ref(&unit));
                self.respond(now, subject, value, seq_num, sink);
            }
        }
    }

    fn respond(
        &mut self,
        now: Timestamp,
        subject: InformationSubject,
        value: InformationValue<'_>,
        seq_num: Option<&SeqNum>,
        sink: &mut Sink<'_>,
    ) {
        let number = self.number(Stream::Information, seq_num);
        let header = Header::new(&self.settings.unit, number, now);
        let response = InformationResponse::new(header, subject, value);
        self.outbound
            .publish(now, &Report::Information(&response), sink);
    }

    fn broadcast(&mut self, now: Timestamp, change: &BroadcastChange, sink: &mut Sink<'_>) {
        let number = self.sequence.next(Stream::Broadcast);
        let status = BroadcastStatus {
            header: Header::new(&self.settings.unit, number, now),
            kind: change.key.kind,
            id: &change.key.id,
            state: change.state,
        };
        self.outbound
            .publish(now, &Report::Broadcast(&status), sink);
    }

    /// The number of the question, where it is one; else the next of our own.
    fn number(&mut self, stream: Stream, seq_num: Option<&SeqNum>) -> u64 {
        let asked = seq_num.and_then(|number| number.as_ref().parse().ok());
        asked.unwrap_or_else(|| self.sequence.next(stream))
    }
}
