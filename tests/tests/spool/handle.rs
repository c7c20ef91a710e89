//! The spool as the program sees it: a handle that never waits for the disk.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rsu_gateway::mqtt::{Outbox, OutboxRecord};
use rsu_gateway::spool::fs::{Fs, Memory};
use rsu_gateway::spool::{Recovery, Refusal, Settings, Spool, Stamp};
use tokio::time::timeout;

use crate::FOLDER;

pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

fn settings() -> Settings {
    Settings {
        quota_bytes: 64 << 10,
        free_bytes_min: 0,
        segment_bytes: 4 << 10,
        commit_interval: Duration::from_millis(5),
        queue_bytes_max: 256 << 10,
        read_ahead_bytes_max: 1 << 10,
        read_ahead_records_max: 64,
        packet_bytes_max: 1 << 10,
    }
}

fn open(fs: &Arc<dyn Fs>) -> (Spool, Recovery) {
    Spool::open(Arc::clone(fs), Path::new(FOLDER), settings()).unwrap()
}

fn append(spool: &Spool, text: &str) -> u64 {
    let appended = spool.append(Stamp::default(), "rsu/R1/alarm/up", &mut |id, payload| {
        payload.extend(format!("{}:{text}", id.sequence).bytes());
    });
    appended.unwrap()
}

pub(crate) async fn next(outbox: &dyn Outbox, after: u64) -> OutboxRecord {
    let next = async {
        loop {
            if let Some(record) = outbox.next_after(after) {
                return record;
            }
            outbox.changed().notified().await;
        }
    };
    timeout(PATIENCE, next).await.unwrap()
}

#[tokio::test]
async fn what_is_committed_is_sent_in_order_until_it_is_acknowledged() {
    let fs: Arc<dyn Fs> = Arc::new(Memory::new());
    let (spool, recovery) = open(&fs);
    assert!(recovery.is_new);
    for n in 1..=200 {
        assert_eq!(append(&spool, "x"), n);
    }
    spool.committed(200).await.unwrap();
    let mut after = 0;
    for n in 1..=200 {
        let record = next(&spool, after).await;
        assert_eq!(record.sequence, n);
        assert_eq!(record.publish.payload, format!("{n}:x"));
        after = n;
        if n % 10 == 0 {
            spool.ack(n - 5);
        }
    }
    assert!(spool.close(PATIENCE).await);

    let (spool, recovery) = open(&fs);
    assert_eq!((recovery.records, recovery.boot), (5, 2));
    assert_eq!(recovery.gaps, []);
    assert_eq!(next(&spool, 0).await.sequence, 196);
    assert_eq!(append(&spool, "y"), 201);
}

#[tokio::test]
async fn what_has_arrived_can_be_asked_for_again() {
    let fs: Arc<dyn Fs> = Arc::new(Memory::new());
    let (spool, _) = open(&fs);
    for _ in 1..=100 {
        append(&spool, "x");
    }
    assert!(spool.flush(PATIENCE).await);
    let mut after = 0;
    while after < 100 {
        after = next(&spool, after).await.sequence;
        spool.ack(after);
    }
    let replay = spool.replay(30..=80).unwrap();
    let mut after = 0;
    for n in 30..=80 {
        let record = next(&replay, after).await;
        assert_eq!(record.publish.payload, format!("{n}:x"));
        after = record.sequence;
        replay.ack(after);
    }
    assert_eq!(replay.next_after(after), None);
    assert!(replay.is_finished());
}

#[tokio::test]
async fn a_closed_spool_takes_nothing() {
    let fs: Arc<dyn Fs> = Arc::new(Memory::new());
    let (spool, _) = open(&fs);
    append(&spool, "x");
    assert!(spool.close(PATIENCE).await);
    let refused = spool.append(Stamp::default(), "t", &mut |_, _| {});
    assert_eq!(refused, Err(Refusal::Closed));
    assert_eq!(spool.stats().closed, 1);
}
