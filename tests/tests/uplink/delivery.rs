//! What arrives, and what a connection's end does to it.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use rsu_gateway::mqtt::Publish;
use rumqttc::mqttbytes::v4::Packet;
use tests::broker::{DemoBroker, PATIENCE, hear, settings, subscribe, wait_until};
use tests::scripted_broker::{Acks, Script, ScriptedBroker};
use tokio::time::{sleep, timeout};

use crate::running::{
    INFO_TOPIC, LIVE_TOPIC, RECORD_TOPIC, Running, arrived, held, number, traffic,
};

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

#[tokio::test]
async fn a_stop_ends_although_the_connection_breaks_meanwhile() {
    let script = |_| Script {
        acks: Acks::Withheld,
        ..Script::default()
    };
    let broker = ScriptedBroker::start(script).await.unwrap();
    let mut settings = settings(broker.address(), "rsu-R1");
    settings.flush_timeout = PATIENCE * 2;
    let running = Running::start(settings);
    running.append(1);
    wait_until("the record", || !arrived(&broker, RECORD_TOPIC).is_empty()).await;
    let stopped = tokio::spawn(running.stop());
    sleep(Duration::from_millis(20)).await;
    drop(broker);
    let stats = stopped.await.unwrap().snapshot();
    assert_eq!(held(&stats).records, 1, "kept: it was not acknowledged");
}
