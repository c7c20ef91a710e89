//! The spool as the program sees it: a handle that never waits for the disk.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rsu_firmware::time::Timestamp;
use rsu_gateway::mqtt::{Outbox, OutboxRecord, Poison};
use rsu_gateway::spool::fs::{Fs, Memory, Os};
use rsu_gateway::spool::{Gap, Reason, RecordId, Recovery, Refusal, Settings, Spool, Stamp};
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

#[tokio::test]
async fn the_order_does_not_depend_on_the_clock() {
    let fs: Arc<dyn Fs> = Arc::new(Memory::new());
    let (spool, _) = open(&fs);
    let years = 365 * 86_400_000;
    let times_ms = [20 * years, 0, -years, 60 * years, i64::MAX / 1_000, 1];
    for time_ms in times_ms {
        let stamp = Stamp {
            time: Timestamp::from_millis(time_ms),
            ..Stamp::default()
        };
        spool.append(stamp, "t", &mut |_, _| {}).unwrap();
    }
    assert!(spool.close(PATIENCE).await);
    let (spool, _) = open(&fs);
    for after in 0..times_ms.len() as u64 {
        assert_eq!(next(&spool, after).await.sequence, after + 1);
    }
    let oldest = Spool::stats(&spool).oldest;
    assert_eq!(oldest, Some(Timestamp::from_millis(times_ms[0])));
}

#[tokio::test]
async fn a_record_that_no_broker_takes_holds_up_nothing_and_can_be_asked_for() {
    let fs: Arc<dyn Fs> = Arc::new(Memory::new());
    let (spool, _) = open(&fs);
    for _ in 1..=3 {
        append(&spool, "x");
    }
    assert!(spool.flush(PATIENCE).await);
    spool.ack(1);
    spool.quarantine(2, &Poison::CutsConnection { connections: 3 });
    spool.ack(3);
    assert!(spool.close(PATIENCE).await);
    assert_eq!(Spool::stats(&spool).quarantined, 1);

    let (spool, recovery) = open(&fs);
    assert_eq!(recovery.records, 0);
    let gap = Gap {
        first: 2,
        last: 2,
        reason: Reason::Quarantined,
    };
    assert_eq!(spool.gaps(), [gap]);
    let replay = spool.replay(2..=2).unwrap();
    assert_eq!(next(&replay, 0).await.publish.payload, "2:x");
}

#[tokio::test]
async fn what_no_broker_could_take_is_refused_at_the_door_and_costs_no_number() {
    let fs: Arc<dyn Fs> = Arc::new(Memory::new());
    let (spool, _) = open(&fs);
    let huge = &mut |_: &RecordId, payload: &mut Vec<u8>| payload.resize(2 << 10, 0);
    assert!(spool.append(Stamp::default(), "t", huge).is_err());
    assert!(
        spool
            .append(Stamp::default(), "t/#", &mut |_, _| {})
            .is_err()
    );
    assert_eq!(append(&spool, "x"), 1);
    let stats = Spool::stats(&spool);
    assert_eq!((stats.too_large, stats.invalid_topic), (1, 1));
}

#[tokio::test]
async fn the_thread_shows_that_it_lives() {
    let fs: Arc<dyn Fs> = Arc::new(Memory::new());
    let (spool, _) = open(&fs);
    let before = spool.pulse();
    let grown = async {
        while spool.pulse() < before + 2 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(PATIENCE, grown).await.unwrap();
}

#[tokio::test]
async fn only_so_many_ranges_are_sent_again_at_a_time() {
    let fs: Arc<dyn Fs> = Arc::new(Memory::new());
    let (spool, _) = open(&fs);
    let mut replays: Vec<_> = (0..4).map(|_| spool.replay(1..=1).unwrap()).collect();
    assert!(spool.replay(1..=1).is_err());
    replays.pop();
    assert!(spool.replay(1..=1).is_ok());
}

#[test]
fn what_is_no_spool_folder_or_setting_is_an_error() {
    let fs: Arc<dyn Fs> = Arc::new(Memory::new());
    let settings = Settings {
        quota_bytes: 1,
        ..settings()
    };
    let error = Spool::open(fs, Path::new(FOLDER), settings).unwrap_err();
    assert!(error.to_string().starts_with("quota_bytes must be from"));

    let file = std::env::current_exe().unwrap();
    assert!(Spool::open(Arc::new(Os), &file, Settings::default()).is_err());
}
