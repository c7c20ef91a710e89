//! A record that the broker cuts the connection over is found and put aside, and no other.

use std::sync::Arc;
use std::time::Duration;

use rsu_gateway::mqtt::{Fault, Outbox, Publish};
use tests::broker::{settings, wait_until};
use tests::outbox::{MemoryOutbox, OutboxLimits};
use tests::scripted_broker::{Acks, Script, ScriptedBroker};

use crate::running::{RECORD_TOPIC, Running, arrived, first_arrivals, held};

const POISON: &str = "0";

/// Appends the records 1 to `count`, with the poison in the midst.
fn append_with_poison(running: &Running, count: u64) {
    for n in 1..=count {
        if n == count / 2 {
            let poison = Publish::new(RECORD_TOPIC, POISON);
            running.outbox.append(poison).unwrap();
        }
        running.append(n);
    }
}

#[tokio::test]
async fn what_the_broker_cuts_over_is_put_aside_and_blocks_nothing() {
    let script = |_| Script {
        cut_on: Some(POISON),
        ..Script::default()
    };
    let broker = ScriptedBroker::start(script).await.unwrap();
    let running = Running::start(settings(broker.address(), "rsu-R1"));
    append_with_poison(&running, 100);
    let mut live = 0;
    wait_until("all other records", || {
        live += 1;
        running.publish_live(live);
        running.waiting() == 0
    })
    .await;
    let stats = running.observer.snapshot();
    assert_eq!(held(&stats).quarantined, 1);
    assert_eq!(held(&stats).dropped_full, 0);

    let records = arrived(&broker, RECORD_TOPIC);
    let poisoned = records
        .iter()
        .filter(|(_, n)| *n == 0)
        .map(|(connection, _)| *connection);
    let poisoned: Vec<usize> = poisoned.collect();
    assert!(poisoned.len() >= 3, "cut connections: {poisoned:?}");
    assert_eq!(
        broker.connections(),
        poisoned.len() + 1,
        "no other connection ended"
    );
    let others = first_arrivals(records.into_iter().map(|(_, n)| n).filter(|n| *n != 0));
    assert_eq!(others, (1..=100).collect::<Vec<u64>>());
}

#[tokio::test]
async fn two_in_a_row_are_both_put_aside() {
    let script = |_| Script {
        cut_on: Some(POISON),
        ..Script::default()
    };
    let broker = ScriptedBroker::start(script).await.unwrap();
    let running = Running::start(settings(broker.address(), "rsu-R1"));
    append_with_poison(&running, 3);
    append_with_poison(&running, 3);
    wait_until("all other records", || running.waiting() == 0).await;
    assert_eq!(held(&running.observer.snapshot()).quarantined, 2);
}

#[tokio::test]
async fn a_link_that_dies_is_no_reason_to_put_anything_aside() {
    let script = |connection| match connection {
        // The broker lives and says nothing to the record.
        0..10 => Script {
            acks: Acks::Withheld,
            ..Script::default()
        },
        // The link is half-open when the record goes.
        10..20 => Script {
            half_open_after: Some(1),
            ..Script::default()
        },
        // The broker dies again and again soon after its start.
        20..30 => Script {
            cut_after: Some(1),
            ..Script::default()
        },
        _ => Script::default(),
    };
    let broker = ScriptedBroker::start(script).await.unwrap();
    let mut settings = settings(broker.address(), "rsu-R1");
    settings.ack_timeout = Duration::from_millis(100);
    let running = Running::start(settings);
    running.append(1);
    running.append(2);
    wait_until("acknowledgements", || running.waiting() == 0).await;
    assert_eq!(held(&running.observer.snapshot()).quarantined, 0);
    let records = arrived(&broker, RECORD_TOPIC).into_iter().map(|(_, n)| n);
    assert_eq!(first_arrivals(records), [1, 2]);
}

#[tokio::test]
async fn a_broker_that_is_restarted_all_the_time_is_no_reason_either() {
    // The first record arrives, and the broker dies before it can acknowledge it; from the third
    // time on before it even arrives.
    let script = |connection| Script {
        cut_after: match connection {
            0 | 1 => Some(2),
            2..8 => Some(1),
            _ => None,
        },
        ..Script::default()
    };
    let broker = ScriptedBroker::start(script).await.unwrap();
    let running = Running::start(settings(broker.address(), "rsu-R1"));
    running.append(1);
    wait_until("acknowledgement", || running.waiting() == 0).await;
    let stats = running.observer.snapshot();
    assert_eq!(held(&stats).quarantined, 0);
    assert_eq!(stats.fault, Some(Fault::TakenOver), "it looks like that");
}

#[tokio::test]
async fn a_record_that_became_too_large_is_put_aside_at_once() {
    let broker = ScriptedBroker::start(|_| Script::default()).await.unwrap();
    let mut settings = settings(broker.address(), "rsu-R1");
    settings.packet_bytes_max = 1000;
    // This outbox was filled under another limit.
    let outbox = Arc::new(MemoryOutbox::new(OutboxLimits {
        records_max: 10,
        bytes_max: 10_000,
        packet_bytes_max: 10_000,
    }));
    for payload in ["1".to_owned(), "0".repeat(2000), "2".to_owned()] {
        outbox.append(Publish::new(RECORD_TOPIC, payload)).unwrap();
    }
    let running = Running::start_with(settings, |uplink| {
        uplink
            .controls()
            .send_also("spilled", outbox.clone())
            .unwrap();
    });
    wait_until("acknowledgement", || outbox.stats().records == 0).await;
    assert_eq!(outbox.stats().quarantined, 1);
    let stats = running.observer.snapshot();
    assert_eq!((stats.connections, stats.failures), (1, 0));
    assert_eq!(arrived(&broker, RECORD_TOPIC), [(0, 1), (0, 2)]);
}
