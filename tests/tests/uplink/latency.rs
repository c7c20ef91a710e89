//! How long live traffic takes while a backlog drains: a measurement, not a check.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rsu_gateway::mqtt::{Outbox, Publish};
use tests::broker::{hear, settings, subscribe};
use tests::mosquitto::Mosquitto;
use tests::outbox::{MemoryOutbox, OutboxLimits};
use tokio::time::interval;

use crate::running::{LIVE_TOPIC, Running};

const BACKLOG_TOPIC: &str = "rsu/R1/bsm/up";
const BACKLOG_BYTES: usize = 100 << 20;
const RECORD_BYTES: usize = 1000;
const LIVE_BYTES: usize = 1000;
const LIVE_INTERVAL: Duration = Duration::from_millis(20);

/// Publish to subscriber through mosquitto, 50 live publishes a second of 1 kB.
#[tokio::test]
#[ignore = "a measurement, takes a minute"]
async fn live_latency_while_100_mb_drain() {
    let kib = |kib: u64| Some(kib << 10);
    for (what, backlog, rate, time_max) in [
        ("no backlog", 0, None, Duration::from_secs(10)),
        (
            "256 KiB/s",
            BACKLOG_BYTES,
            kib(256),
            Duration::from_secs(20),
        ),
        ("2 MiB/s", BACKLOG_BYTES, kib(2048), Duration::from_secs(60)),
        ("no limit", BACKLOG_BYTES, None, Duration::from_secs(120)),
    ] {
        measure(what, backlog, rate, time_max).await;
    }
}

async fn measure(what: &str, backlog_bytes: usize, rate: Option<u64>, time_max: Duration) {
    let broker = Mosquitto::start("");
    let mut subscriber = subscribe(broker.address(), LIVE_TOPIC).await;
    let backlog = Arc::new(MemoryOutbox::new(OutboxLimits {
        records_max: usize::MAX,
        bytes_max: usize::MAX,
        packet_bytes_max: 256 << 10,
    }));
    for _ in 0..backlog_bytes / RECORD_BYTES {
        let record = Publish::new(BACKLOG_TOPIC, vec![b'0'; RECORD_BYTES]);
        backlog.append(record).unwrap();
    }
    let mut settings = settings(broker.address(), "rsu-R1");
    settings.backfill_bytes_per_second_max = rate;
    let running = Running::start_with(settings, |uplink| {
        uplink
            .controls()
            .send_also("spilled", backlog.clone())
            .unwrap();
    });

    let start = Instant::now();
    let mut latencies = Vec::new();
    let mut ticks = interval(LIVE_INTERVAL);
    while start.elapsed() < time_max && (backlog_bytes == 0 || backlog.stats().records > 0) {
        ticks.tick().await;
        let sent = Instant::now();
        running
            .live
            .publish(Publish::new(LIVE_TOPIC, vec![b'0'; LIVE_BYTES]));
        hear(&mut subscriber).await;
        latencies.push(sent.elapsed());
    }
    let elapsed = start.elapsed();
    let drained = backlog_bytes - backlog_bytes.min(backlog.stats().bytes as usize);
    latencies.sort_unstable();
    let at = |percent: usize| latencies[(latencies.len() - 1) * percent / 100];
    eprintln!(
        "{what}: {} live publishes, p50 {:?}, p99 {:?}, max {:?}; {:.1} MB in {:.1} s",
        latencies.len(),
        at(50),
        at(99),
        at(100),
        drained as f64 / 1e6,
        elapsed.as_secs_f64()
    );
}
