//! The platform part and the uplink, joined.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use rsu_firmware::message::MessageFrame;
use rsu_firmware::rsu::Rsu;
use rsu_firmware::time::Timestamp;
use tracing::warn;

use crate::clock::{self, ClockSource};
use crate::health::system::SystemSampler;
use crate::mqtt::{
    Live, LiveLimits, MemoryOutbox, Observer, OutboxLimits, Publish, SettingsError, Uplink,
    UplinkStats,
};
use crate::platform::{self, Class, Due, Outgoing, Platform, Published, Running, Stream, Tits0180};

/// Reports that may wait in memory until the broker acknowledges them.
pub const ASSURED_RECORDS_MAX: usize = 10_000;
/// Bytes of such reports.
pub const ASSURED_BYTES_MAX: usize = 8 << 20;
/// Live reports of one stream that may wait while the connection is slow.
pub const LIVE_QUEUE_MAX: usize = 32;

/// Reports what the unit hears and fuses.
pub struct Reporting {
    platform: Arc<Mutex<Platform>>,
    outlets: Outlets,
    observer: Observer,
    clock: ClockSource,
    system: SystemSampler,
}

/// Where publishes leave.
struct Outlets {
    live: BTreeMap<&'static str, Live>,
    outbox: Arc<MemoryOutbox>,
}

impl Reporting {
    /// Joins a platform part to a new uplink, which the caller then runs. `data` is the folder
    /// whose file system is watched.
    ///
    /// # Errors
    /// Names the setting of the uplink that cannot work.
    pub fn new(
        platform: platform::Settings,
        uplink: crate::mqtt::Settings,
        clock: ClockSource,
        data: PathBuf,
    ) -> Result<(Self, Uplink), SettingsError> {
        let outbox = Arc::new(MemoryOutbox::new(OutboxLimits {
            records_max: ASSURED_RECORDS_MAX,
            bytes_max: ASSURED_BYTES_MAX,
            packet_bytes_max: uplink.packet_bytes_max,
        }));
        let mut uplink = Uplink::new(uplink, vec![("durable", outbox.clone() as _)])?;
        let limits = LiveLimits {
            queue_max: LIVE_QUEUE_MAX,
            latest_per_topic: false,
        };
        let streams = Stream::ALL.map(Stream::name);
        let live = streams.map(|name| (name, uplink.live(name, limits)));
        let dialect = Box::new(Tits0180::new(&platform.unit));
        let platform = Arc::new(Mutex::new(Platform::new(platform, dialect)));
        let introducing = platform.clone();
        uplink.on_connect(move || {
            let mut publishes = Vec::new();
            let mut collect = |outgoing: Outgoing<'_>| publishes.push(publish(outgoing));
            lock(&introducing).introduce(clock::now(), &mut collect);
            publishes
        });
        let reporting = Self {
            platform,
            outlets: Outlets {
                live: live.into(),
                outbox,
            },
            observer: uplink.observer(),
            clock,
            system: SystemSampler::new(data),
        };
        Ok((reporting, uplink))
    }

    /// Reports a message that was received.
    pub fn handle_message(&mut self, now: Timestamp, bytes: &[u8], message: &MessageFrame<'_>) {
        let outlets = &self.outlets;
        lock(&self.platform).handle_message(now, bytes, message, &mut |out| outlets.hand_over(out));
    }

    /// Reports what is due by `now`, among it what was `lost` before it came to the unit.
    pub fn handle_timeout(&mut self, now: Timestamp, rsu: &mut Rsu, lost: &[(&'static str, u64)]) {
        let outlets = &self.outlets;
        let sink = &mut |out: Outgoing<'_>| outlets.hand_over(out);
        let mut platform = lock(&self.platform);
        while let Some(due) = platform.handle_timeout(now, sink) {
            match due {
                Due::Junctions => {
                    let quality = self.clock.quality();
                    platform.junctions(&rsu.fusion_mut().snapshot(now), quality, sink);
                }
                Due::RunningInformation => {
                    let sample = self.system.sample(now);
                    let uplink = self.observer.snapshot();
                    let drops: Vec<_> = super::core_drops(rsu)
                        .chain(platform.counters().entries())
                        .chain(uplink_drops(&uplink))
                        .chain(lost.iter().copied())
                        .collect();
                    let stages = stages(rsu, &platform, &uplink);
                    let running = Running {
                        machine: &sample,
                        drops: &drops,
                        stages: &stages,
                        spools: &[],
                        latency: None,
                    };
                    platform.running_information(now, &running, sink);
                }
            }
        }
    }

    /// When [`Reporting::handle_timeout`] has something to do next.
    pub fn poll_timeout(&self) -> Option<Timestamp> {
        lock(&self.platform).poll_timeout()
    }

    /// What did not reach the broker, by reason.
    pub fn drops(&self) -> Vec<(&'static str, u64)> {
        let platform = lock(&self.platform).counters().entries();
        let uplink = uplink_drops(&self.observer.snapshot());
        platform.into_iter().chain(uplink).collect()
    }

    /// What was handed to the uplink, by stream.
    pub fn published(&self) -> Published {
        lock(&self.platform).published()
    }

    /// How the uplink is doing.
    pub fn uplink(&self) -> UplinkStats {
        self.observer.snapshot()
    }
}

impl Outlets {
    fn hand_over(&self, outgoing: Outgoing<'_>) {
        match outgoing.class {
            Class::Live => {
                if let Some(live) = self.live.get(outgoing.stream.name()) {
                    live.publish(publish(outgoing));
                }
            }
            Class::Spilled | Class::Durable => {
                let stream = outgoing.stream.name();
                if let Err(refusal) = self.outbox.append(publish(outgoing)) {
                    warn!(stream, "report refused: {refusal}");
                }
            }
        }
    }
}

fn publish(outgoing: Outgoing<'_>) -> Publish {
    Publish::new(outgoing.topic, Bytes::copy_from_slice(outgoing.payload))
}

fn uplink_drops(uplink: &UplinkStats) -> [(&'static str, u64); 4] {
    let live = |count: fn(&crate::mqtt::LiveStats) -> u64| {
        uplink.live.iter().map(|(_, live)| count(live)).sum()
    };
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
            "uplink_assured_dropped",
            uplink.outbox_sum(|outbox| outbox.held.dropped_full + outbox.held.quarantined),
        ),
        (
            "uplink_assured_refused",
            uplink.outbox_sum(|outbox| outbox.held.too_large + outbox.held.invalid_topic),
        ),
    ]
}

fn stages(rsu: &Rsu, platform: &Platform, uplink: &UplinkStats) -> Vec<(&'static str, u64)> {
    let live = uplink.live_sum(|live| live.published);
    let records = uplink.outbox_sum(|outbox| outbox.published);
    let acknowledged = uplink.outbox_sum(|outbox| outbox.acknowledged);
    let reports = platform.published().entries().map(|(_, count)| count).sum();
    [
        ("frames_received", rsu.stats().frames()),
        ("reports_made", reports),
        (
            "publishes_sent",
            live + records + uplink.on_connect.published,
        ),
        (
            "publishes_acknowledged",
            acknowledged + uplink.on_connect.acknowledged,
        ),
        ("connections", uplink.connections),
    ]
    .into()
}

/// A panic elsewhere does not make the platform's state wrong: each call leaves it whole.
fn lock(platform: &Mutex<Platform>) -> MutexGuard<'_, Platform> {
    platform.lock().unwrap_or_else(PoisonError::into_inner)
}
