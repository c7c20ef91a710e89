//! An uplink at work, and what arrived.

use std::collections::HashSet;
use std::sync::Arc;

use bytes::Bytes;
use rsu_gateway::mqtt::{
    Live, LiveLimits, LiveStats, Observer, OutboxStats, OutboxTraffic, Publish, Settings, Uplink,
    UplinkStats,
};
use rumqttc::mqttbytes::v4::Packet;
use tests::broker::PATIENCE;
use tests::outbox::{MemoryOutbox, OutboxLimits};
use tests::scripted_broker::{Arrival, ScriptedBroker};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

pub(crate) const LIVE_TOPIC: &str = "rsu/R1/spat/up";
pub(crate) const RECORD_TOPIC: &str = "rsu/R1/rsi/up";
pub(crate) const INFO_TOPIC: &str = "rsu/R1/info/up";
pub(crate) const LIVE_QUEUE_MAX: usize = 8;

/// An uplink with one class of live traffic, which announces itself on every connect.
pub(crate) struct Running {
    pub(crate) live: Live,
    pub(crate) outbox: Arc<MemoryOutbox>,
    pub(crate) observer: Observer,
    pub(crate) stop: oneshot::Sender<()>,
    pub(crate) task: JoinHandle<()>,
}

impl Running {
    pub(crate) fn start(settings: Settings) -> Self {
        Self::start_with(settings, |_| {})
    }

    pub(crate) fn start_with(settings: Settings, prepare: impl FnOnce(&mut Uplink)) -> Self {
        let outbox = Arc::new(MemoryOutbox::new(OutboxLimits {
            records_max: 100_000,
            bytes_max: 16 << 20,
            packet_bytes_max: settings.packet_bytes_max,
        }));
        let mut uplink = Uplink::new(settings, vec![("durable", outbox.clone() as _)]).unwrap();
        let limits = LiveLimits {
            queue_max: LIVE_QUEUE_MAX,
            latest_per_topic: false,
        };
        let live = uplink.live("spat", limits);
        uplink.on_connect(|| vec![Publish::new(INFO_TOPIC, "{}")]);
        prepare(&mut uplink);
        let observer = uplink.observer();
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(uplink.run(async { drop(stopped.await) }));
        Self {
            live,
            outbox,
            observer,
            stop,
            task,
        }
    }

    pub(crate) fn publish_live(&self, number: u64) {
        self.live
            .publish(Publish::new(LIVE_TOPIC, number.to_string()));
    }

    pub(crate) fn append(&self, number: u64) {
        let record = Publish::new(RECORD_TOPIC, number.to_string());
        self.outbox.append(record).unwrap();
    }

    pub(crate) fn live_stats(&self) -> LiveStats {
        self.observer.snapshot().live[0].1
    }

    /// Records not yet acknowledged.
    pub(crate) fn waiting(&self) -> u64 {
        held(&self.observer.snapshot()).records
    }

    pub(crate) fn is_connected(&self) -> bool {
        self.observer.snapshot().connected_since.is_some()
    }

    pub(crate) async fn stop(self) -> Observer {
        self.stop.send(()).unwrap();
        timeout(PATIENCE, self.task).await.unwrap().unwrap();
        self.observer
    }
}

pub(crate) fn traffic(stats: &UplinkStats) -> OutboxTraffic {
    stats.outboxes[0].1
}

pub(crate) fn held(stats: &UplinkStats) -> OutboxStats {
    traffic(stats).held
}

pub(crate) fn number(payload: &Bytes) -> u64 {
    std::str::from_utf8(payload).unwrap().parse().unwrap()
}

/// The numbers that arrived on a topic, with the number of their connection.
pub(crate) fn arrived(broker: &ScriptedBroker, topic: &str) -> Vec<(usize, u64)> {
    let publishes = broker.publishes().into_iter();
    publishes
        .filter(|(_, publish)| publish.topic == topic)
        .map(|(connection, publish)| (connection, number(&publish.payload)))
        .collect()
}

/// The records that the broker acknowledged: what it only received may die with it.
pub(crate) fn taken_charge_of(broker: &ScriptedBroker) -> HashSet<u64> {
    let record = |arrival: Arrival| match arrival.packet {
        Packet::Publish(publish) if arrival.acknowledged && publish.topic == RECORD_TOPIC => {
            Some(number(&publish.payload))
        }
        _ => None,
    };
    broker.arrivals().into_iter().filter_map(record).collect()
}

/// Every number once, where it came first.
pub(crate) fn first_arrivals(numbers: impl IntoIterator<Item = u64>) -> Vec<u64> {
    let mut seen = HashSet::new();
    numbers.into_iter().filter(|&n| seen.insert(n)).collect()
}
