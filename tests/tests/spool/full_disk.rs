//! Limits of space: the quota, the floor of free space, and a disk that others have filled.

use std::path::Path;
use std::time::Duration;

use rsu_gateway::mqtt::Outbox;
use rsu_gateway::spool::{Condition, Reason, Settings, Spool, Stamp};

use crate::handle::{PATIENCE, next};
use crate::simulated_disk::SimulatedDisk;
use crate::{FOLDER, commit_to, numbers, open_log, read_all, small};

#[test]
fn the_quota_holds_and_the_oldest_gives_way() {
    let disk = SimulatedDisk::new();
    let settings = Settings {
        quota_bytes: 8 << 10,
        ..small()
    };
    let (mut log, _) = open_log(&disk.fs(), settings);
    for last in (10..=1_000).step_by(10) {
        commit_to(&mut log, last);
        assert!(log.bytes() <= settings.quota_bytes);
    }
    let gaps: Vec<_> = log.gaps().copied().collect();
    let [gap] = gaps[..] else {
        panic!("one gap: {gaps:?}")
    };
    assert_eq!((gap.first, gap.reason), (1, Reason::NoRoom));
    assert_eq!(log.losses().dropped, gap.last);
    assert!((gap.last + 1..=1_000).eq(numbers(&read_all(&mut log))));
}

#[test]
fn what_has_arrived_gives_way_without_a_gap() {
    let disk = SimulatedDisk::new();
    let settings = Settings {
        quota_bytes: 8 << 10,
        ..small()
    };
    let (mut log, _) = open_log(&disk.fs(), settings);
    for last in (10..=1_000).step_by(10) {
        commit_to(&mut log, last);
        log.settle(last);
        assert!(log.bytes() <= settings.quota_bytes);
    }
    assert!(
        log.bytes() > 4 << 10,
        "it is kept until its space is needed"
    );
    assert_eq!((log.gaps().count(), log.losses().dropped), (0, 0));
}

#[test]
fn below_the_floor_of_free_space_the_spool_grows_no_more() {
    let disk = SimulatedDisk::with_capacity(64 << 10);
    let settings = Settings {
        free_bytes_min: 40 << 10,
        ..small()
    };
    let (mut log, _) = open_log(&disk.fs(), settings);
    commit_to(&mut log, 1_000);
    let free = disk.fs().free_bytes(Path::new(FOLDER)).unwrap();
    assert!((40 << 10..44 << 10).contains(&free), "{free}");
    let last = log.gaps().next().unwrap().last;
    assert!((last + 1..=1_000).eq(numbers(&read_all(&mut log))));

    // Others fill the disk: nothing more is given up for them than what new records need.
    let bytes = log.bytes();
    disk.set_capacity(50 << 10);
    assert_eq!(log.bytes(), bytes);
    commit_to(&mut log, 1_100);
    assert!((bytes - (2 << 10)..=bytes).contains(&log.bytes()));
}

#[tokio::test]
async fn on_a_full_disk_acknowledging_works_and_then_appending_works() {
    // Room for the cursor and two segments.
    let disk = SimulatedDisk::with_capacity((6 << 10) + (2 << 10));
    let (spool, _) = Spool::open(disk.fs(), Path::new(FOLDER), small()).unwrap();
    let append = || spool.append(Stamp::default(), "t", &mut |_, bytes| bytes.resize(100, 0));
    let mut last = 0;
    while Spool::stats(&spool).condition == Condition::Working {
        last = append().unwrap();
        spool.flush(Duration::from_millis(50)).await;
    }
    let stats = Spool::stats(&spool);
    assert_eq!(stats.condition, Condition::NoSpace);
    assert_eq!(stats.losses.dropped, 0, "memory still has room");
    let mut after = 0;
    while after < last {
        after = next(&spool, after).await.sequence;
        spool.ack(after);
    }
    let appended = append().unwrap();
    assert!(spool.flush(PATIENCE).await);
    spool.committed(appended).await.unwrap();
    assert_eq!(Spool::stats(&spool).condition, Condition::Working);
    assert_eq!(Spool::stats(&spool).losses.dropped, 0);
}
