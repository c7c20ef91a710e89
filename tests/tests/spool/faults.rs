//! A disk that fails: the spool goes on, says what happened, and what is lost is exactly what it
//! reports as lost.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

use rsu_gateway::mqtt::Outbox;
use rsu_gateway::spool::{Condition, Gap, Reason, Settings, Spool, Stamp, Uncommitted};
use tokio::time::timeout;

use crate::handle::{PATIENCE, next};
use crate::simulated_disk::{CHANGES, Fault, Operation, SimulatedDisk};
use crate::{FOLDER, is_in, payload, small};

const WRITES: &[Operation] = &[Operation::Create, Operation::Write];
const SYNCS: &[Operation] = &[Operation::Sync, Operation::SyncFolder];
const READS: &[Operation] = &[Operation::Read];
const BATCHES: u64 = 12;
const BATCH: u64 = 8;

fn open(disk: &SimulatedDisk) -> Spool {
    open_with(disk, small())
}

fn open_with(disk: &SimulatedDisk, settings: Settings) -> Spool {
    Spool::open(disk.fs(), Path::new(FOLDER), settings)
        .unwrap()
        .0
}

fn append(spool: &Spool) -> u64 {
    let make = &mut |id: &rsu_gateway::spool::RecordId, bytes: &mut Vec<u8>| {
        bytes.extend(payload(id.sequence).bytes());
    };
    spool
        .append(Stamp::default(), "rsu/R1/alarm/up", make)
        .unwrap()
}

/// Appends in batches, some of which the disk may not take, while the uplink takes what it gets;
/// then the disk is well again. Nothing is lost, on this run or the next.
async fn goes_on_under(fault: Fault) -> Spool {
    let disk = SimulatedDisk::new();
    let spool = open(&disk);
    assert!(spool.flush(PATIENCE).await);
    disk.set_fault(Some(fault));
    let mut arrived = BTreeSet::new();
    for batch in 0..BATCHES {
        for _ in 0..BATCH {
            append(&spool);
        }
        spool.flush(Duration::from_millis(3)).await;
        if batch % 4 == 1 {
            // Durable or not: it goes out.
            take_all(&spool, &mut arrived).await;
        }
    }
    disk.set_fault(None);
    assert!(spool.flush(PATIENCE).await, "{:?}", spool.stats());
    assert_eq!(spool.stats().condition, Condition::Working);
    spool.committed(BATCHES * BATCH).await.unwrap();
    assert!(spool.close(PATIENCE).await);

    let spool = open(&disk);
    take_all(&spool, &mut arrived).await;
    let all: BTreeSet<_> = (1..=BATCHES * BATCH).collect();
    assert_eq!(arrived, all);
    assert_eq!(spool.stats().losses, Default::default());
    assert_eq!(spool.gaps(), []);
    spool
}

/// Takes and acknowledges all that can be had; checks order and content.
async fn take_all(spool: &Spool, arrived: &mut BTreeSet<u64>) {
    let last = Spool::stats(spool).last_sequence;
    let mut after = 0;
    while Spool::stats(spool).settled < last {
        let record = next(spool, after).await;
        assert!(record.sequence > after);
        assert_eq!(record.publish.payload, payload(record.sequence));
        after = record.sequence;
        arrived.insert(after);
        spool.ack(after);
    }
}

fn failing(on: &'static [Operation], after: u64, count: u64, error: ErrorKind) -> Fault {
    Fault {
        on,
        after,
        count,
        error,
        is_short: false,
    }
}

#[tokio::test]
async fn a_full_disk_at_any_write_loses_nothing() {
    for after in 0..30 {
        for count in [1, 3, u64::MAX] {
            goes_on_under(failing(WRITES, after, count, ErrorKind::StorageFull)).await;
        }
    }
}

#[tokio::test]
async fn a_write_that_stops_half_way_loses_nothing() {
    for after in 0..30 {
        for count in [1, 3, u64::MAX] {
            let fault = failing(WRITES, after, count, ErrorKind::StorageFull);
            goes_on_under(Fault {
                is_short: true,
                ..fault
            })
            .await;
        }
    }
}

#[tokio::test]
async fn an_error_at_any_sync_loses_nothing() {
    for after in 0..40 {
        for count in [1, 2, 5, u64::MAX] {
            goes_on_under(failing(SYNCS, after, count, ErrorKind::Other)).await;
        }
    }
}

#[tokio::test]
async fn a_read_only_remount_at_any_time_loses_nothing() {
    for after in 0..60 {
        for count in [1, 7, u64::MAX] {
            goes_on_under(failing(
                CHANGES,
                after,
                count,
                ErrorKind::ReadOnlyFilesystem,
            ))
            .await;
        }
    }
}

#[tokio::test]
async fn a_failed_sync_is_no_success_when_it_is_tried_again() {
    let disk = SimulatedDisk::new();
    let spool = open(&disk);
    append(&spool);
    assert!(spool.flush(PATIENCE).await);
    disk.set_fault(Some(failing(SYNCS, 0, 1, ErrorKind::Other)));
    let sequence = append(&spool);
    spool.flush(Duration::from_millis(1)).await;
    assert!(spool.flush(PATIENCE).await);
    spool.committed(sequence).await.unwrap();
    assert!(disk.is_fault_over());

    // The page that the failed sync covered was never written.
    let disk = disk.after_power_cut(&mut fastrand::Rng::with_seed(0));
    let spool = open(&disk);
    assert_eq!(next(&spool, 1).await.publish.payload, payload(sequence));
}

#[tokio::test]
async fn what_happened_is_told() {
    for (error, condition) in [
        (ErrorKind::StorageFull, Condition::NoSpace),
        (ErrorKind::ReadOnlyFilesystem, Condition::ReadOnly),
        (ErrorKind::Other, Condition::Failing),
    ] {
        let disk = SimulatedDisk::new();
        let spool = open(&disk);
        assert!(spool.flush(PATIENCE).await);
        disk.set_fault(Some(failing(CHANGES, 0, u64::MAX, error)));
        append(&spool);
        assert!(!spool.flush(Duration::from_millis(20)).await);
        let stats = spool.stats();
        assert_eq!(stats.condition, condition);
        assert!(stats.last_error.is_some());
        let failures = stats.failures;
        assert!(failures.no_space + failures.read_only + failures.write > 0);
        assert_eq!((stats.records, stats.queue_records), (1, 1));
        disk.set_fault(None);
        assert!(spool.flush(PATIENCE).await);
        assert_eq!(spool.stats().condition, Condition::Working);
    }
}

#[tokio::test]
async fn a_full_queue_drops_its_oldest_and_tells_it_durably() {
    let disk = SimulatedDisk::new();
    let settings = Settings {
        queue_bytes_max: 4 << 10,
        ..small()
    };
    let spool = open_with(&disk, settings);
    append(&spool);
    assert!(spool.flush(PATIENCE).await);
    disk.set_fault(Some(failing(
        CHANGES,
        0,
        u64::MAX,
        ErrorKind::ReadOnlyFilesystem,
    )));
    append(&spool);
    spool.flush(Duration::from_millis(10)).await;
    while append(&spool) < 100 {}
    assert_eq!(spool.committed(2).await, Err(Uncommitted::Dropped));
    disk.set_fault(None);
    assert!(spool.flush(PATIENCE).await);
    spool.committed(100).await.unwrap();
    let gap = spool.gaps()[0];
    assert_eq!((gap.first, gap.reason), (2, Reason::QueueFull));
    assert_eq!(spool.stats().losses.dropped, gap.numbers());
    assert!(spool.close(PATIENCE).await);

    let spool = open_with(&disk, settings);
    assert_eq!(spool.gaps(), [gap]);
    assert_eq!(spool.stats().losses.dropped, gap.numbers());
    assert_eq!(next(&spool, 1).await.sequence, gap.last + 1);
}

#[tokio::test]
async fn while_the_disk_takes_nothing_records_go_out_and_their_numbers_never_come_again() {
    let disk = SimulatedDisk::new();
    let spool = open(&disk);
    assert!(spool.flush(PATIENCE).await);
    disk.set_fault(Some(failing(
        CHANGES,
        0,
        u64::MAX,
        ErrorKind::ReadOnlyFilesystem,
    )));
    for n in 1..=20 {
        append(&spool);
        assert_eq!(next(&spool, n - 1).await.sequence, n);
        spool.ack(n);
    }
    // The power is cut before the disk is well again.
    let disk = disk.after_power_cut(&mut fastrand::Rng::with_seed(0));
    let spool = open(&disk);
    assert!(append(&spool) > 20);
}

#[tokio::test]
async fn numbers_that_cannot_be_reserved_are_given_out_under_another_id() {
    let disk = SimulatedDisk::new();
    disk.set_fault(Some(failing(
        CHANGES,
        0,
        u64::MAX,
        ErrorKind::ReadOnlyFilesystem,
    )));
    let (spool, recovery) = Spool::open(disk.fs(), Path::new(FOLDER), small()).unwrap();
    assert!(recovery.is_new && recovery.error.is_some());
    let mut given = None;
    let appended = spool.append(Stamp::default(), "t", &mut |id, _| given = Some(*id));
    assert_eq!(appended, Ok(1));
    assert_ne!(given.unwrap().spool, recovery.id);
}

#[tokio::test]
async fn reads_that_fail_cost_what_is_told() {
    for after in 0..12 {
        for count in [1, 3, u64::MAX] {
            let disk = SimulatedDisk::new();
            let spool = open(&disk);
            while append(&spool) < 200 {}
            assert!(spool.flush(PATIENCE).await);
            disk.set_fault(Some(failing(READS, after, count, ErrorKind::Other)));
            let mut arrived = BTreeSet::new();
            let mut after = 0;
            while after < 200 {
                let Some(record) = spool.next_after(after) else {
                    if Spool::stats(&spool).settled.max(after) >= 200 || is_in(&spool.gaps(), 200) {
                        break;
                    }
                    let changed = spool.changed().notified();
                    drop(timeout(Duration::from_millis(10), changed).await);
                    continue;
                };
                assert_eq!(record.publish.payload, payload(record.sequence));
                after = record.sequence;
                arrived.insert(after);
                spool.ack(after);
            }
            disk.set_fault(None);
            assert!(spool.flush(PATIENCE).await);
            let gaps: Vec<Gap> = spool.gaps();
            for n in 1..=200 {
                assert_ne!(arrived.contains(&n), is_in(&gaps, n), "{n} in {gaps:?}");
            }
            let lost = 200 - arrived.len() as u64;
            assert_eq!(spool.stats().losses.damaged, lost);
        }
    }
}
