//! The uplink against a real broker and against one that misbehaves by script.

#![allow(clippy::unwrap_used)]

use std::collections::HashSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use rsu_gateway::mqtt::{
    Fault, Live, LiveLimits, LiveStats, MemoryOutbox, Observer, OutboxLimits, OutboxStats,
    OutboxTraffic, Publish, Settings, Uplink, UplinkStats,
};
use rumqttc::mqttbytes::QoS;
use rumqttc::mqttbytes::v4::{self, ConnectReturnCode, Packet};
use tests::broker::{DemoBroker, PATIENCE, hear, settings, subscribe, wait_until};
use tests::scripted_broker::{Acks, Arrival, Random, Script, ScriptedBroker};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

const LIVE_TOPIC: &str = "rsu/R1/spat/up";
const RECORD_TOPIC: &str = "rsu/R1/rsi/up";
const INFO_TOPIC: &str = "rsu/R1/info/up";
const LIVE_QUEUE_MAX: usize = 8;

/// An uplink with one class of live traffic, which announces itself on every connect.
struct Running {
    live: Live,
    outbox: Arc<MemoryOutbox>,
    observer: Observer,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Running {
    fn start(settings: Settings) -> Self {
        Self::start_with(settings, |_| {})
    }

    fn start_with(settings: Settings, prepare: impl FnOnce(&mut Uplink)) -> Self {
        let outbox = Arc::new(MemoryOutbox::new(OutboxLimits {
            records_max: 1000,
            bytes_max: 1 << 20,
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

    fn publish_live(&self, number: u64) {
        self.live
            .publish(Publish::new(LIVE_TOPIC, number.to_string()));
    }

    fn append(&self, number: u64) {
        let record = Publish::new(RECORD_TOPIC, number.to_string());
        self.outbox.append(record).unwrap();
    }

    fn live_stats(&self) -> LiveStats {
        self.observer.snapshot().live[0].1
    }

    /// Records not yet acknowledged.
    fn waiting(&self) -> u64 {
        held(&self.observer.snapshot()).records
    }

    fn is_connected(&self) -> bool {
        self.observer.snapshot().connected_since.is_some()
    }

    async fn stop(self) -> Observer {
        self.stop.send(()).unwrap();
        timeout(PATIENCE, self.task).await.unwrap().unwrap();
        self.observer
    }
}

fn traffic(stats: &UplinkStats) -> OutboxTraffic {
    stats.outboxes[0].1
}

fn held(stats: &UplinkStats) -> OutboxStats {
    traffic(stats).held
}

fn number(payload: &Bytes) -> u64 {
    std::str::from_utf8(payload).unwrap().parse().unwrap()
}

/// The numbers that arrived on a topic, with the number of their connection.
fn arrived(broker: &ScriptedBroker, topic: &str) -> Vec<(usize, u64)> {
    let publishes = broker.publishes().into_iter();
    publishes
        .filter(|(_, publish)| publish.topic == topic)
        .map(|(connection, publish)| (connection, number(&publish.payload)))
        .collect()
}

/// The records that the broker acknowledged: what it only received may die with it.
fn taken_charge_of(broker: &ScriptedBroker) -> HashSet<u64> {
    let record = |arrival: Arrival| match arrival.packet {
        Packet::Publish(publish) if arrival.acknowledged && publish.topic == RECORD_TOPIC => {
            Some(number(&publish.payload))
        }
        _ => None,
    };
    broker.arrivals().into_iter().filter_map(record).collect()
}

/// Every number once, where it came first.
fn first_arrivals(numbers: impl IntoIterator<Item = u64>) -> Vec<u64> {
    let mut seen = HashSet::new();
    numbers.into_iter().filter(|&n| seen.insert(n)).collect()
}

#[tokio::test]
async fn both_kinds_of_traffic_reach_a_subscriber_of_a_real_broker() {
    let broker = DemoBroker::start().await.unwrap();
    let mut subscriber = subscribe(broker.address(), "rsu/R1/#").await;
    let running = Running::start(settings(broker.address(), "rsu-R1"));
    assert_eq!(hear(&mut subscriber).await.topic, INFO_TOPIC);

    let (mut live, mut records) = (Vec::new(), Vec::new());
    for n in 1..=200 {
        running.append(n);
        running.publish_live(n);
        while live.last() != Some(&n) || records.last() != Some(&n) {
            let publish = hear(&mut subscriber).await;
            match publish.topic.as_str() {
                LIVE_TOPIC => live.push(number(&publish.payload)),
                RECORD_TOPIC => records.push(number(&publish.payload)),
                other => panic!("{other}"),
            }
        }
    }
    let all: Vec<u64> = (1..=200).collect();
    assert_eq!((live, records), (all.clone(), all));

    let stats = running.stop().await.snapshot();
    assert_eq!((stats.connections, stats.failures), (1, 0));
    assert_eq!(traffic(&stats).published, 200);
    assert_eq!(traffic(&stats).acknowledged, 200);
    assert_eq!(stats.on_connect.acknowledged, 1);
    assert_eq!((held(&stats).records, stats.in_flight), (0, 0));
    assert_eq!(stats.live[0].1.published, 200);
}

#[tokio::test]
async fn a_payload_arrives_byte_for_byte() {
    let broker = DemoBroker::start().await.unwrap();
    let mut subscriber = subscribe(broker.address(), LIVE_TOPIC).await;
    let running = Running::start(settings(broker.address(), "rsu-R1"));
    let payload: Bytes = (0..60_000_u32).map(|i| (i % 251) as u8).collect();
    running
        .live
        .publish(Publish::new(LIVE_TOPIC, payload.clone()));
    assert_eq!(hear(&mut subscriber).await.payload, payload);
}

#[tokio::test]
async fn a_broker_that_appears_late_and_restarts_is_found_each_time() {
    let probe = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = probe.local_addr().unwrap();
    drop(probe);
    let running = Running::start(settings(address, "rsu-R1"));
    running.append(1);
    wait_until("attempts", || running.observer.snapshot().failures > 3).await;
    let error = running.observer.snapshot().last_error.unwrap();
    assert!(error.contains("refused"), "{error}");

    for n in 1..=2 {
        let broker = start_at(address).await;
        wait_until("connection", || running.is_connected()).await;
        wait_until("acknowledgement", || running.waiting() == 0).await;
        drop(broker);
        wait_until("loss", || !running.is_connected()).await;
        running.append(n + 1);
    }
    assert_eq!(running.observer.snapshot().connections, 2);
}

/// The port of a broker that has just been stopped may not be free at once.
async fn start_at(address: SocketAddr) -> DemoBroker {
    let started = async {
        loop {
            match DemoBroker::start_at(address).await {
                Ok(broker) => return broker,
                Err(_) => sleep(Duration::from_millis(5)).await,
            }
        }
    };
    timeout(PATIENCE, started).await.expect("a free port")
}

#[tokio::test]
async fn the_last_will_speaks_when_the_uplink_dies() {
    let broker = DemoBroker::start().await.unwrap();
    let mut subscriber = subscribe(broker.address(), "rsu/R1/offline").await;
    let mut settings = settings(broker.address(), "rsu-R1");
    settings.last_will = Some(Publish::new("rsu/R1/offline", "gone"));
    let running = Running::start(settings);
    wait_until("connection", || running.is_connected()).await;
    running.task.abort();
    assert_eq!(hear(&mut subscriber).await.payload, "gone");
}

const RECORDS: u64 = 300;
/// A record that only keeps the traffic going.
const FILLER: u64 = 0;
const WINDOW: usize = 16;
/// From this connection on the broker behaves.
const WILD_CONNECTIONS: usize = 15;

fn wild_script(seed: u64, connection: usize) -> Script {
    if connection >= WILD_CONNECTIONS {
        return Script::default();
    }
    let mut random = Random(seed * 1000 + connection as u64);
    Script {
        answer: match random.below(5) {
            0 => ConnectReturnCode::ServiceUnavailable,
            _ => ConnectReturnCode::Success,
        },
        session_present: random.below(2) == 0,
        acks: match random.below(8) {
            0 => Acks::Withheld,
            1 => Acks::Twice,
            2..=4 => Acks::InOrder,
            _ => Acks::Shuffled(seed),
        },
        cut_after: Some(random.below(60) as usize + 1),
        ..Script::default()
    }
}

/// The conservation oracle: every record arrives, nothing arrives that was not issued, the first
/// arrivals are in order, nothing grows, every live publish is accounted for.
#[tokio::test]
async fn no_record_is_lost_or_out_of_order_whatever_the_broker_does() {
    for seed in 0..6 {
        let script = move |connection| wild_script(seed, connection);
        let broker = ScriptedBroker::start(script).await.unwrap();
        let mut settings = settings(broker.address(), "rsu-R1");
        settings.window = WINDOW as u16;
        settings.ack_timeout = Duration::from_millis(50);
        let running = Running::start(settings);

        let mut handed_live = 0;
        let hand_over = |record: u64, handed_live: &mut u64| {
            running.append(record);
            *handed_live += 1;
            running.publish_live(*handed_live);
            assert!(running.live_stats().queued <= LIVE_QUEUE_MAX);
            assert!(running.observer.snapshot().in_flight <= WINDOW);
        };
        for n in 1..=RECORDS - 20 {
            hand_over(n, &mut handed_live);
            sleep(Duration::from_millis(1)).await;
        }
        wait_until("the wild connections to pass", || {
            // Traffic goes on, so that scripts that cut after a number come to their end.
            hand_over(FILLER, &mut handed_live);
            let connections = broker.arrivals().into_iter();
            connections.map(|a| a.connection).max() >= Some(WILD_CONNECTIONS)
        })
        .await;
        for n in RECORDS - 19..=RECORDS {
            hand_over(n, &mut handed_live);
            sleep(Duration::from_millis(1)).await;
        }
        wait_until("all acknowledgements", || running.waiting() == 0).await;
        let stats = running.stop().await.snapshot();

        let records = arrived(&broker, RECORD_TOPIC).into_iter();
        let records: Vec<u64> = records.map(|(_, n)| n).filter(|&n| n != FILLER).collect();
        let duplicates = records.len() - RECORDS as usize;
        let all: Vec<u64> = (1..=RECORDS).collect();
        assert_eq!(first_arrivals(records), all, "seed {seed}");
        let taken = taken_charge_of(&broker);
        let lost: Vec<u64> = (1..=RECORDS).filter(|n| !taken.contains(n)).collect();
        assert_eq!(
            lost,
            Vec::<u64>::new(),
            "seed {seed}: never acknowledged by the broker"
        );
        assert!(
            duplicates <= WINDOW * WILD_CONNECTIONS,
            "seed {seed}: {duplicates}"
        );
        assert_eq!(held(&stats).dropped_full, 0);

        let live = arrived(&broker, LIVE_TOPIC);
        assert!(live.is_sorted_by_key(|&(_, n)| n), "seed {seed}: {live:?}");
        let carried_live: HashSet<usize> = live.iter().map(|&(c, _)| c).collect();
        assert!(carried_live.contains(&WILD_CONNECTIONS), "seed {seed}");
        // Some scripts cut before anything but the info can arrive.
        assert!(
            carried_live.len() as u64 * 2 > stats.connections,
            "seed {seed}"
        );
        let spat = stats.live[0].1;
        assert_eq!(
            spat.published + spat.dropped_oldest + spat.dropped_cut + spat.queued as u64,
            handed_live,
            "seed {seed}: {spat:?}"
        );
    }
}

#[tokio::test]
async fn the_on_connect_publishes_come_first_on_every_connection() {
    let script = |connection| Script {
        cut_after: (connection < 3).then_some(5),
        ..Script::default()
    };
    let broker = ScriptedBroker::start(script).await.unwrap();
    let running = Running::start(settings(broker.address(), "rsu-R1"));
    for n in 1..=30 {
        running.append(n);
        running.publish_live(n);
    }
    wait_until("all acknowledgements", || running.waiting() == 0).await;
    for connection in 0..=3 {
        let publishes = broker.publishes();
        let first = publishes.iter().find(|(c, _)| *c == connection).unwrap();
        assert_eq!(first.1.topic, INFO_TOPIC);
    }
}

#[tokio::test]
async fn a_broker_that_never_acknowledges_is_left() {
    let script = |connection| Script {
        acks: match connection {
            0 => Acks::Withheld,
            _ => Acks::InOrder,
        },
        ..Script::default()
    };
    let broker = ScriptedBroker::start(script).await.unwrap();
    let mut settings = settings(broker.address(), "rsu-R1");
    settings.ack_timeout = Duration::from_millis(50);
    let running = Running::start(settings);
    running.append(1);
    wait_until("acknowledgement", || running.waiting() == 0).await;
    let stats = running.observer.snapshot();
    assert_eq!(
        stats.last_error.as_deref(),
        Some("no acknowledgement for 50ms")
    );
    assert_eq!(arrived(&broker, RECORD_TOPIC), [(0, 1), (1, 1)]);
    assert_eq!(traffic(&stats).resent, 1);
}

#[tokio::test]
async fn while_the_broker_stalls_live_traffic_drops_its_oldest() {
    let script = |_| Script {
        stall: Duration::from_millis(400),
        ..Script::default()
    };
    let broker = ScriptedBroker::start(script).await.unwrap();
    let running = Running::start(settings(broker.address(), "rsu-R1"));
    wait_until("connection", || running.is_connected()).await;

    // More than the sockets between both buffer.
    let handed = 300;
    for n in 1..=handed {
        let mut payload = vec![b' '; 100_000];
        payload.extend(n.to_string().bytes());
        running.live.publish(Publish::new(LIVE_TOPIC, payload));
        tokio::task::yield_now().await;
    }
    let stalled = running.live_stats();
    assert_eq!(stalled.queued, LIVE_QUEUE_MAX);
    assert!(stalled.dropped_oldest > 0);

    let last_number = |(_, publish): &(usize, v4::Publish)| {
        let text = String::from_utf8(publish.payload.to_vec()).unwrap();
        text.trim().parse::<u64>().unwrap()
    };
    let live = || {
        let publishes = broker.publishes().into_iter();
        let mut live: Vec<_> = publishes.filter(|(_, p)| p.topic == LIVE_TOPIC).collect();
        live.drain(..).map(|p| last_number(&p)).collect::<Vec<_>>()
    };
    wait_until("the newest", || live().last() == Some(&handed)).await;
    let live = live();
    assert!(live.is_sorted());
    let newest: Vec<u64> = (handed - LIVE_QUEUE_MAX as u64 + 1..=handed).collect();
    assert!(live.ends_with(&newest), "{live:?}");
    let stats = running.live_stats();
    assert_eq!(stats.published + stats.dropped_oldest, handed);
    assert_eq!(stats.published, live.len() as u64);
}

#[tokio::test]
async fn a_broker_that_stops_reading_is_left() {
    let script = |connection| Script {
        stall: match connection {
            0 => PATIENCE * 2,
            _ => Duration::ZERO,
        },
        ..Script::default()
    };
    let broker = ScriptedBroker::start(script).await.unwrap();
    let running = Running::start(settings(broker.address(), "rsu-R1"));
    let payload = Bytes::from(vec![0; 200_000]);
    wait_until("live traffic on the second connection", || {
        let record = Publish::new(LIVE_TOPIC, payload.clone());
        running.live.publish(record);
        broker
            .publishes()
            .iter()
            .any(|(connection, publish)| *connection == 1 && publish.topic == LIVE_TOPIC)
    })
    .await;
    let stats = running.observer.snapshot();
    assert_eq!((stats.connections, stats.failures), (2, 1));
    assert!(stats.live[0].1.dropped_cut > 0);
}

#[tokio::test]
async fn a_refused_login_is_named_and_tried_again() {
    let script = |connection| Script {
        answer: match connection {
            0..3 => ConnectReturnCode::BadUserNamePassword,
            _ => ConnectReturnCode::Success,
        },
        ..Script::default()
    };
    let broker = ScriptedBroker::start(script).await.unwrap();
    let mut settings = settings(broker.address(), "rsu-R1");
    settings.brokers[0] = format!("mqtt://rsu:secret@{}", broker.address())
        .parse()
        .unwrap();
    let running = Running::start(settings);
    wait_until("connection", || running.is_connected()).await;
    let stats = running.observer.snapshot();
    assert_eq!((stats.connections, stats.failures), (1, 3));
    assert_eq!(stats.fault, Some(Fault::NotAuthorized));
    let error = stats.last_error.unwrap();
    assert!(error.contains("bad user name or password"), "{error}");
    let Packet::Connect(connect) = &broker.arrivals()[0].packet else {
        panic!("no CONNECT");
    };
    let login = connect.login.as_ref().unwrap();
    assert_eq!((&*login.username, &*login.password), ("rsu", "secret"));
    assert_eq!((&*connect.client_id, connect.keep_alive), ("rsu-R1", 20));
    assert!(connect.clean_session);
}

#[tokio::test]
async fn garbage_from_the_broker_ends_the_connection_and_nothing_else() {
    const GARBAGE_CONNECTIONS: usize = 200;
    let script = |connection| {
        let mut random = Random(connection as u64);
        let length = random.below(40) + 2;
        let garbage: Bytes = (0..length).map(|_| random.below(256) as u8).collect();
        match connection < GARBAGE_CONNECTIONS {
            true => Script {
                garbage,
                cut_after: Some(1),
                ..Script::default()
            },
            false => Script::default(),
        }
    };
    let broker = ScriptedBroker::start(script).await.unwrap();
    let mut settings = settings(broker.address(), "rsu-R1");
    settings.reconnect_delay_max = Duration::from_millis(2);
    let running = Running::start(settings);
    running.append(1);
    wait_until("acknowledgement", || running.waiting() == 0).await;
    assert!(running.observer.snapshot().failures >= GARBAGE_CONNECTIONS as u64);
}

#[tokio::test]
async fn what_is_too_large_never_reaches_the_connection() {
    let broker = ScriptedBroker::start(|_| Script::default()).await.unwrap();
    let mut settings = settings(broker.address(), "rsu-R1");
    settings.packet_bytes_max = 1000;
    let running = Running::start(settings);
    let large = Publish::new(LIVE_TOPIC, vec![b'0'; 1000]);
    running.live.publish(large.clone());
    running.outbox.append(large).unwrap_err();
    running.live.publish(Publish::new("rsu/+/spat", "0"));
    running.publish_live(1);
    running.append(1);
    wait_until("acknowledgement", || running.waiting() == 0).await;
    let stats = running.stop().await.snapshot();
    let spat = stats.live[0].1;
    assert_eq!((spat.too_large, spat.invalid_topic), (1, 1));
    assert_eq!((spat.published, held(&stats).too_large), (1, 1));
    assert_eq!((stats.connections, stats.failures), (1, 0));
}

fn command(payload: impl Into<Vec<u8>>) -> v4::Publish {
    v4::Publish::new("rsu/R1/config/down", QoS::AtLeastOnce, payload)
}

fn acknowledged(broker: &ScriptedBroker) -> Vec<(usize, u16)> {
    let puback = |arrival: Arrival| match arrival.packet {
        Packet::PubAck(puback) => Some((arrival.connection, puback.pkid)),
        _ => None,
    };
    broker.arrivals().into_iter().filter_map(puback).collect()
}

#[tokio::test]
async fn a_command_is_acknowledged_when_its_reader_says_so() {
    let script = |_| Script {
        commands: vec![command("first"), command("second")],
        ..Script::default()
    };
    let broker = ScriptedBroker::start(script).await.unwrap();
    let mut commands = None;
    let running = Running::start_with(settings(broker.address(), "rsu-R1"), |uplink| {
        commands = Some(uplink.subscribe(vec!["rsu/R1/+/down".to_owned()]).unwrap());
    });
    let mut commands = commands.unwrap();
    let first = timeout(PATIENCE, commands.recv()).await.unwrap().unwrap();
    let second = timeout(PATIENCE, commands.recv()).await.unwrap().unwrap();
    assert_eq!(
        (&*first.payload, &*second.payload),
        (&b"first"[..], &b"second"[..])
    );
    assert_eq!(acknowledged(&broker), []);
    second.ack();
    wait_until("PUBACK", || acknowledged(&broker) == [(0, 2)]).await;
    first.ack();
    wait_until("PUBACK", || acknowledged(&broker) == [(0, 2), (0, 1)]).await;
    assert_eq!(running.observer.snapshot().received.publishes, 2);
}

#[tokio::test]
async fn an_oversize_or_superfluous_command_is_counted() {
    let script = |_| Script {
        commands: vec![command(vec![0; 101]), command("1"), command("2")],
        ..Script::default()
    };
    let broker = ScriptedBroker::start(script).await.unwrap();
    let mut settings = settings(broker.address(), "rsu-R1");
    settings.received_bytes_max = 100;
    settings.received_queue_max = 1;
    let mut commands = None;
    let running = Running::start_with(settings, |uplink| {
        commands = Some(uplink.subscribe(vec!["rsu/R1/+/down".to_owned()]).unwrap());
    });
    wait_until("three commands", || {
        let received = running.observer.snapshot().received;
        received.too_large + received.publishes + received.dropped_full == 3
    })
    .await;
    let received = running.observer.snapshot().received;
    assert_eq!(
        (
            received.too_large,
            received.publishes,
            received.dropped_full
        ),
        (1, 1, 1)
    );
    wait_until("PUBACK", || acknowledged(&broker) == [(0, 1)]).await;
    let waiting = timeout(PATIENCE, commands.unwrap().recv()).await.unwrap();
    assert_eq!(waiting.unwrap().payload, "1");
}

#[tokio::test]
async fn a_command_above_the_hard_limit_does_not_come_again_for_ever() {
    let script = |connection| Script {
        commands: match connection {
            0 => vec![command(vec![0; 5 << 20])],
            _ => Vec::new(),
        },
        ..Script::default()
    };
    let broker = ScriptedBroker::start(script).await.unwrap();
    let mut settings = settings(broker.address(), "rsu-R1");
    settings.clean_session = false;
    let running = Running::start_with(settings, |uplink| {
        drop(uplink.subscribe(vec!["rsu/R1/+/down".to_owned()]).unwrap());
    });
    wait_until("second connection", || {
        running.is_connected() && running.observer.snapshot().connections == 2
    })
    .await;
    let connects = broker.arrivals().into_iter();
    let clean_sessions: Vec<bool> = connects
        .filter_map(|arrival| match arrival.packet {
            Packet::Connect(connect) => Some(connect.clean_session),
            _ => None,
        })
        .collect();
    assert_eq!(clean_sessions, [false, true]);
    assert_eq!(running.observer.snapshot().received.too_large, 1);
}

#[tokio::test]
async fn a_stop_sends_what_waits_and_says_farewell() {
    let broker = ScriptedBroker::start(|_| Script::default()).await.unwrap();
    let running = Running::start(settings(broker.address(), "rsu-R1"));
    wait_until("connection", || running.is_connected()).await;
    for n in 1..=100 {
        running.append(n);
    }
    running.publish_live(1);
    let stats = running.stop().await.snapshot();
    assert_eq!((held(&stats).records, stats.live[0].1.queued), (0, 0));
    wait_until("DISCONNECT", || {
        let last = broker.arrivals().pop();
        last.is_some_and(|arrival| arrival.packet == Packet::Disconnect)
    })
    .await;
    assert_eq!(arrived(&broker, RECORD_TOPIC).len(), 100);
}

#[tokio::test]
async fn a_stop_is_bounded_when_the_broker_acknowledges_nothing() {
    let script = |_| Script {
        acks: Acks::Withheld,
        ..Script::default()
    };
    let broker = ScriptedBroker::start(script).await.unwrap();
    let mut settings = settings(broker.address(), "rsu-R1");
    settings.flush_timeout = Duration::from_millis(100);
    let running = Running::start(settings);
    wait_until("connection", || running.is_connected()).await;
    running.append(1);
    let stats = running.stop().await.snapshot();
    assert_eq!(held(&stats).records, 1, "kept: it was not acknowledged");
}
