//! The machine's own file system, at the real limits, and really full.
//!
//! The figures: `cargo test --release --package tests --test spool -- --ignored --nocapture figures`

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rsu_gateway::mqtt::Outbox;
use rsu_gateway::spool::fs::Os;
use rsu_gateway::spool::{Condition, Recovery, Settings, Spool, Stamp};

use crate::handle::{PATIENCE, next};

/// A folder that goes away with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("rsu-spool-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn open(&self, settings: Settings) -> (Spool, Recovery) {
        Spool::open(Arc::new(Os), &self.0.join("durable"), settings).unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

/// Appends a record that can be told from all others.
fn append(spool: &Spool, bytes: usize) -> u64 {
    let appended = spool.append(Stamp::default(), "rsu/R1/alarm/up", &mut |id, payload| {
        payload.extend(id.sequence.to_le_bytes());
        payload.resize(bytes, id.sequence as u8);
    });
    appended.unwrap()
}

/// Appends so many, never more at a time than the queue in memory holds.
async fn append_many(spool: &Spool, count: u64, bytes: usize) {
    let mut appended = 0;
    while appended < count {
        if Spool::stats(spool).queue_bytes > 6 << 20 {
            assert!(spool.flush(PATIENCE).await, "{:?}", Spool::stats(spool));
        }
        for _ in 0..500.min(count - appended) {
            append(spool, bytes);
            appended += 1;
        }
    }
    assert!(spool.flush(PATIENCE).await);
}

#[tokio::test]
async fn at_the_real_limits_the_newest_records_are_kept_and_sent() {
    let folder = Folder::new("limits");
    let settings = Settings::default();
    let (spool, _) = folder.open(settings);
    // 300 MB through a quota of 256 MiB.
    let (count, bytes) = (150_000, 2_000);
    append_many(&spool, count, bytes).await;
    let stats = Spool::stats(&spool);
    assert!(stats.disk_bytes <= settings.quota_bytes);
    assert!(stats.disk_bytes > settings.quota_bytes - 2 * settings.segment_bytes);
    assert_eq!(stats.records + stats.losses.dropped, count);
    assert!(spool.close(PATIENCE).await);

    let (spool, recovery) = folder.open(settings);
    assert_eq!(
        (recovery.records, &recovery.gaps[..]),
        (stats.records, &[][..])
    );
    let mut after = 0;
    let mut expected = stats.losses.dropped + 1;
    while expected <= count {
        let record = next(&spool, after).await;
        assert_eq!(record.sequence, expected);
        assert_eq!(record.publish.payload[..8], expected.to_le_bytes());
        assert_eq!(record.publish.payload.len(), bytes);
        after = expected;
        expected += 1;
        spool.ack(after);
    }
    assert_eq!(Spool::stats(&spool).records, 0);
}

/// A file system of its own, unmounted at the end.
struct Mount(PathBuf);

impl Mount {
    fn new(folder: &Path, bytes: u64) -> Option<Self> {
        let size = format!("size={bytes}");
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &size, "tmpfs"])
            .arg(folder)
            .output();
        match mount {
            Ok(output) if output.status.success() => Some(Self(folder.to_owned())),
            Ok(output) => {
                eprintln!(
                    "not run: {}",
                    String::from_utf8_lossy(&output.stderr).trim()
                );
                None
            }
            Err(error) => {
                eprintln!("not run: cannot mount: {error}");
                None
            }
        }
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        drop(Command::new("umount").arg("--lazy").arg(&self.0).output());
    }
}

#[tokio::test]
async fn on_a_disk_that_is_really_full_nothing_is_lost_while_memory_has_room() {
    let folder = Folder::new("full");
    let Some(_mount) = Mount::new(&folder.0, 4 << 20) else {
        return;
    };
    let settings = Settings {
        free_bytes_min: 0,
        segment_bytes: 1 << 20,
        ..Settings::default()
    };
    let (spool, _) = folder.open(settings);
    append_many(&spool, 500, 1_000).await;
    let hog = folder.0.join("hog");
    drop(std::fs::write(&hog, vec![1; 4 << 20]));
    let first_in_memory = append(&spool, 1_000);
    for _ in 0..2_000 {
        append(&spool, 1_000);
    }
    assert!(!spool.flush(Duration::from_millis(300)).await);
    let stats = Spool::stats(&spool);
    assert_eq!(stats.condition, Condition::NoSpace, "{stats:?}");
    assert_eq!(stats.losses.dropped, 0);

    std::fs::remove_file(&hog).unwrap();
    assert!(spool.flush(PATIENCE).await);
    spool.committed(first_in_memory).await.unwrap();
    let mut after = 0;
    for expected in 1..=2_501 {
        let record = next(&spool, after).await;
        assert_eq!(record.publish.payload[..8], u64::to_le_bytes(expected));
        after = expected;
        spool.ack(after);
    }
    assert!(spool.close(PATIENCE).await);
}

#[tokio::test]
#[ignore = "prints figures"]
async fn figures() {
    for (payload, count) in [(100, 400_000), (300, 400_000), (2_000, 100_000)] {
        let folder = Folder::new("figures");
        let settings = Settings {
            quota_bytes: 1 << 30,
            ..Settings::default()
        };
        let (spool, _) = folder.open(settings);
        let begin = Instant::now();
        append_many(&spool, count, payload).await;
        let per_second = count as f64 / begin.elapsed().as_secs_f64();
        let written = Spool::stats(&spool).disk_bytes as f64 / (count * payload as u64) as f64;
        let begin = Instant::now();
        let mut after = 0;
        while after < count {
            after = next(&spool, after).await.sequence;
            spool.ack(after);
        }
        let drained = count as f64 / begin.elapsed().as_secs_f64();
        eprintln!(
            "{payload} B: {per_second:.0} records/s durable, {:.1} MB/s, {written:.2} bytes on \
             disk for each of payload, {drained:.0} records/s read back",
            per_second * payload as f64 / 1e6,
        );
    }
    for records in [5, 50] {
        let folder = Folder::new("wear");
        let settings = Settings {
            commit_interval: Duration::from_millis(1),
            ..Settings::default()
        };
        let (spool, _) = folder.open(settings);
        assert!(spool.flush(PATIENCE).await);
        let commits = 300;
        let before = written_to_disk();
        for _ in 0..commits {
            let newest = (0..records).fold(None, |_, _| Some(append(&spool, 300)));
            spool.committed(newest.unwrap()).await.unwrap();
        }
        let payload = commits * records * 300;
        eprintln!(
            "commits of {} B: {:.1} bytes written to the disk for each of payload",
            records * 300,
            (written_to_disk() - before) as f64 / payload as f64,
        );
    }
}

/// Bytes that this process had the kernel write to disks, without the file system's own.
fn written_to_disk() -> u64 {
    let counters = std::fs::read_to_string("/proc/self/io").unwrap();
    let mut lines = counters.lines();
    let line = lines.find_map(|line| line.strip_prefix("write_bytes: "));
    line.unwrap().parse().unwrap()
}
