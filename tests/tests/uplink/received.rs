//! What comes down: acknowledged when its reader says so, bounded whatever comes.

use rsu_gateway::mqtt::Fault;
use rumqttc::mqttbytes::QoS;
use rumqttc::mqttbytes::v4::{self, Packet};
use tests::broker::{PATIENCE, settings, wait_until};
use tests::scripted_broker::{Arrival, Script, ScriptedBroker};
use tokio::time::timeout;

use crate::running::Running;

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
    let unacknowledged = v4::Publish::new("rsu/R1/config/down", QoS::AtMostOnce, "2");
    let script = move |_| Script {
        commands: vec![command(vec![0; 101]), command("1"), unacknowledged.clone()],
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
async fn ten_thousand_queued_commands_wait_for_their_reader_and_none_is_lost() {
    const COMMANDS: u64 = 10_000;
    let script = |connection| Script {
        commands: match connection {
            0 => (0..COMMANDS).map(|n| command(n.to_string())).collect(),
            _ => Vec::new(),
        },
        ..Script::default()
    };
    let broker = ScriptedBroker::start(script).await.unwrap();
    let settings = settings(broker.address(), "rsu-R1");
    let mut commands = None;
    let running = Running::start_with(settings, |uplink| {
        commands = Some(uplink.subscribe(vec!["rsu/R1/+/down".to_owned()]).unwrap());
    });
    wait_until("all of them", || {
        running.observer.snapshot().received.publishes == COMMANDS
    })
    .await;
    assert_eq!(
        acknowledged(&broker),
        [],
        "the broker keeps every one of them"
    );
    running.append(1);
    wait_until("acknowledgement", || running.waiting() == 0).await;
    let mut commands = commands.unwrap();
    for n in 0..COMMANDS {
        let received = commands.recv().await.unwrap();
        assert_eq!(received.payload, n.to_string());
        received.ack();
    }
    let all = usize::try_from(COMMANDS).unwrap();
    wait_until("every PUBACK", || acknowledged(&broker).len() == all).await;
    let stats = running.observer.snapshot();
    assert_eq!((stats.connections, stats.received.dropped_full), (1, 0));
}

#[tokio::test]
async fn more_commands_than_can_be_held_end_the_connection_so_that_they_come_again() {
    const BYTES: usize = 1_000;
    // The broker brings again what it has not seen acknowledged.
    let script = |connection| Script {
        commands: (if connection == 0 { 0 } else { 3 }..5_u8)
            .map(|n| command(vec![n; BYTES]))
            .collect(),
        ..Script::default()
    };
    let broker = ScriptedBroker::start(script).await.unwrap();
    let mut settings = settings(broker.address(), "rsu-R1");
    settings.received_queue_bytes_max = 4 * BYTES;
    let mut commands = None;
    let running = Running::start_with(settings, |uplink| {
        commands = Some(uplink.subscribe(vec!["rsu/R1/+/down".to_owned()]).unwrap());
    });
    wait_until("the flood", || {
        running.observer.snapshot().fault == Some(Fault::Flooded)
    })
    .await;
    let mut commands = commands.unwrap();
    for n in 0..5 {
        let received = timeout(PATIENCE, commands.recv()).await.unwrap().unwrap();
        assert_eq!(received.payload[0], n, "each in its order");
        received.ack();
    }
    assert_eq!(running.observer.snapshot().received.dropped_full, 1);
}
