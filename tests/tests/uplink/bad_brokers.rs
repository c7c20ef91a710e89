//! Brokers that refuse, stall, babble and fall silent.

use std::time::Duration;

use bytes::Bytes;
use rsu_gateway::mqtt::{Fault, Publish};
use rumqttc::mqttbytes::v4::{self, ConnectReturnCode, Packet};
use tests::broker::{PATIENCE, settings, wait_until};
use tests::scripted_broker::{Acks, Random, Script, ScriptedBroker};

use crate::running::{LIVE_QUEUE_MAX, LIVE_TOPIC, RECORD_TOPIC, Running, arrived, held, traffic};

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
