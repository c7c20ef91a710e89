//! Live before records, preferred outboxes before others, and an outage's backlog at its pace.

use std::sync::Arc;

use rsu_gateway::mqtt::Publish;
use tests::broker::{settings, wait_until};
use tests::outbox::{MemoryOutbox, OutboxLimits};
use tests::scripted_broker::{Acks, Script, ScriptedBroker};

use crate::running::{LIVE_QUEUE_MAX, LIVE_TOPIC, RECORD_TOPIC, Running, arrived};

const SPILLED_TOPIC: &str = "rsu/R1/bsm/up";

fn outbox() -> Arc<MemoryOutbox> {
    Arc::new(MemoryOutbox::new(OutboxLimits {
        records_max: 100_000,
        bytes_max: 100 << 20,
        packet_bytes_max: 256 << 10,
    }))
}

fn append(outbox: &MemoryOutbox, topic: &str, number: u64, bytes: usize) {
    let payload = format!("{number:0bytes$}");
    outbox.append(Publish::new(topic, payload)).unwrap();
}

/// The topics in the order in which something arrived on them.
fn topics(broker: &ScriptedBroker) -> Vec<String> {
    let publishes = broker.publishes().into_iter();
    publishes.map(|(_, publish)| publish.topic).collect()
}

#[tokio::test]
async fn live_goes_before_records_and_the_preferred_outbox_before_the_other() {
    let broker = ScriptedBroker::start(|_| Script::default()).await.unwrap();
    let spilled = outbox();
    let mut settings = settings(broker.address(), "rsu-R1");
    settings.backfill_bytes_per_second_max = None;
    settings.backfill_in_flight_bytes_max = 1 << 20;
    for n in 1..=100 {
        append(&spilled, SPILLED_TOPIC, n, 1);
    }
    let running = Running::start_with(settings, |uplink| {
        uplink
            .controls()
            .send_also("spilled", spilled.clone())
            .unwrap();
    });
    // The uplink has not run yet: everything waits before the connection is made.
    for n in 1..=100 {
        running.append(n);
    }
    for n in 1..=LIVE_QUEUE_MAX as u64 {
        running.publish_live(n);
    }
    wait_until("everything", || {
        topics(&broker).len() == 1 + LIVE_QUEUE_MAX + 200
    })
    .await;
    let topics = topics(&broker);
    let (live, records) = topics[1..].split_at(LIVE_QUEUE_MAX);
    assert!(live.iter().all(|topic| topic == LIVE_TOPIC), "{live:?}");
    let (durable, spilled) = records.split_at(100);
    assert!(durable.iter().all(|topic| topic == RECORD_TOPIC));
    assert!(spilled.iter().all(|topic| topic == SPILLED_TOPIC));
}

#[tokio::test]
async fn an_outbox_that_was_to_be_sent_once_is_forgotten_when_it_is_empty() {
    let broker = ScriptedBroker::start(|_| Script::default()).await.unwrap();
    let mut controls = None;
    let running = Running::start_with(settings(broker.address(), "rsu-R1"), |uplink| {
        controls = Some(uplink.controls());
    });
    let controls = controls.unwrap();
    wait_until("connection", || running.is_connected()).await;
    for round in 1..=20 {
        let replay = outbox();
        append(&replay, SPILLED_TOPIC, round, 1);
        wait_until("room for one more outbox", || {
            controls.send_also("replay", replay.clone()).is_ok()
        })
        .await;
    }
    wait_until("all replays", || {
        arrived(&broker, SPILLED_TOPIC).len() == 20
    })
    .await;
    let stats = running.observer.snapshot();
    let (name, replays) = stats.outboxes[1];
    assert_eq!((name, replays.acknowledged), ("replay", 20));
}

#[tokio::test]
async fn new_records_of_one_outbox_do_not_wait_for_the_backlog_of_another() {
    let broker = ScriptedBroker::start(|_| Script::default()).await.unwrap();
    let spilled = outbox();
    for n in 1..=1000 {
        append(&spilled, SPILLED_TOPIC, n, 1000);
    }
    let mut settings = settings(broker.address(), "rsu-R1");
    settings.backfill_bytes_per_second_max = Some(20_000);
    let running = Running::start_with(settings, |uplink| {
        uplink.controls().send_also("spilled", spilled).unwrap();
    });
    wait_until("the beginning of the backlog", || {
        !arrived(&broker, SPILLED_TOPIC).is_empty()
    })
    .await;
    running.append(1);
    running.publish_live(1);
    wait_until("new record and live", || {
        running.waiting() == 0 && !arrived(&broker, LIVE_TOPIC).is_empty()
    })
    .await;
    assert_eq!(arrived(&broker, RECORD_TOPIC).len(), 1);
    assert!(
        arrived(&broker, SPILLED_TOPIC).len() < 900,
        "the backlog takes 50 s"
    );
}

#[tokio::test]
async fn the_bytes_of_a_backlog_under_way_are_bounded_and_live_passes() {
    let script = |_| Script {
        acks: Acks::Withheld,
        ..Script::default()
    };
    let broker = ScriptedBroker::start(script).await.unwrap();
    let mut settings = settings(broker.address(), "rsu-R1");
    settings.backfill_bytes_per_second_max = None;
    settings.backfill_in_flight_bytes_max = 32 << 10;
    let running = Running::start_with(settings, |_| {});
    for n in 1..=100 {
        append(&running.outbox, RECORD_TOPIC, n, 10_000);
    }
    wait_until("what may be under way", || {
        arrived(&broker, RECORD_TOPIC).len() == 4
    })
    .await;
    for n in 1..=50 {
        running.publish_live(n);
        wait_until("live", || arrived(&broker, LIVE_TOPIC).len() as u64 == n).await;
    }
    assert_eq!(
        arrived(&broker, RECORD_TOPIC).len(),
        4,
        "40 000 bytes without an acknowledgement"
    );
}

#[tokio::test]
async fn without_a_limit_a_backlog_is_not_drained_one_by_one() {
    let broker = ScriptedBroker::start(|_| Script::default()).await.unwrap();
    let backlog = outbox();
    for n in 1..=20_000 {
        append(&backlog, SPILLED_TOPIC, n, 100);
    }
    let mut settings = settings(broker.address(), "rsu-R1");
    settings.backfill_bytes_per_second_max = None;
    let window = settings.window as usize;
    let running = Running::start_with(settings, |uplink| {
        uplink
            .controls()
            .send_also("spilled", backlog.clone())
            .unwrap();
    });
    let mut in_flight_max = 0;
    wait_until("the whole backlog", || {
        in_flight_max = in_flight_max.max(running.observer.snapshot().in_flight);
        arrived(&broker, SPILLED_TOPIC).len() >= 20_000
    })
    .await;
    assert!(
        in_flight_max > 1 && in_flight_max <= window,
        "{in_flight_max}"
    );
}

#[tokio::test]
async fn live_traffic_that_never_ends_does_not_keep_a_record_from_arriving() {
    let broker = ScriptedBroker::start(|_| Script::default()).await.unwrap();
    let running = Running::start(settings(broker.address(), "rsu-R1"));
    wait_until("connection", || running.is_connected()).await;
    running.append(1);
    let mut n = 0;
    wait_until("the record", || {
        for _ in 0..100 {
            n += 1;
            running.publish_live(n);
        }
        running.waiting() == 0
    })
    .await;
    assert!(running.live_stats().published > 0);
}
