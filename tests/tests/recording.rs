//! What was received is recorded, and a recording replays as what was received.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rsu_firmware::pc5::Received;
use rsu_firmware::time::Timestamp;
use rsu_gateway::radio::Radio;
use rsu_gateway::radio::record::{Counts, FILE_BYTES_MIN, Limits, QUEUE_BYTES_MAX, Recorder};
use rsu_gateway::radio::trace::{Pace, Trace};

const SMALL_FILES: Limits = Limits {
    file_bytes_max: FILE_BYTES_MIN,
    files_max: 3,
};

/// An empty folder of the test's own.
fn folder(test: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(test);
    if folder.exists() {
        fs::remove_dir_all(&folder).expect("is ours");
    }
    folder
}

fn recordings(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("is there");
    let mut files: Vec<_> = entries
        .map(|entry| entry.expect("is there").path())
        .collect();
    files.sort();
    files
}

async fn frames(file: &Path) -> Vec<(i64, Vec<u8>)> {
    let mut trace = Trace::open(file, Pace::Max).expect("is there");
    let mut frames = Vec::new();
    while let Some(frame) = trace.receive().await.expect("is sound") {
        let received = frame.received;
        frames.push((received.time.as_micros(), received.bytes.to_vec()));
    }
    frames
}

/// A frame that tells its number.
fn numbered(number: u64) -> (Timestamp, [u8; 100]) {
    let mut bytes = [0; 100];
    bytes[..8].copy_from_slice(&number.to_be_bytes());
    (
        Timestamp::from_millis(1_700_000_000_000 + number as i64),
        bytes,
    )
}

fn record(recorder: &Recorder, time: Timestamp, bytes: &[u8]) {
    recorder.record(&Received {
        time,
        rssi_dbm: None,
        bytes,
    });
}

/// Waits until every packet given to the recorder so far has met its fate.
fn settle(recorder: &Recorder, packets: u64) -> Counts {
    for _ in 0..1_000 {
        let counts = recorder.counts();
        if counts.written + counts.dropped + counts.failed == packets {
            return counts;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("{packets} packets: {:?}", recorder.counts());
}

#[tokio::test]
async fn a_recording_replays_as_what_was_received() {
    let original = Path::new(env!("CARGO_MANIFEST_DIR")).join("traces/arterial-2019.pcapng");
    let folder = folder("identical");
    let recorder = Recorder::start(&folder, Limits::default()).expect("can be made");
    let mut trace = Trace::open(&original, Pace::Max).expect("is bundled");
    while let Some(frame) = trace.receive().await.expect("is sound") {
        recorder.record(&frame.received);
    }
    drop(recorder);

    let files = recordings(&folder);
    assert_eq!(files, [folder.join("pc5-20231114T221357Z-000000.pcapng")]);
    assert_eq!(frames(&files[0]).await, frames(&original).await);
}

#[tokio::test]
async fn files_rotate_by_size_and_the_oldest_goes() {
    const PACKETS: u64 = 2_400;
    const BATCH: u64 = 200;
    const PACKET_BYTES: u64 = 132;
    let folder = folder("rotation");
    let recorder = Recorder::start(&folder, SMALL_FILES).expect("can be made");
    for number in 0..PACKETS {
        let (time, bytes) = numbered(number);
        record(&recorder, time, &bytes);
        if number % BATCH == BATCH - 1 {
            let counts = settle(&recorder, number + 1);
            assert_eq!(counts.written, number + 1);
        }
    }
    drop(recorder);

    let files = recordings(&folder);
    assert_eq!(files.len(), SMALL_FILES.files_max);
    let mut kept = Vec::new();
    for file in &files {
        assert!(fs::metadata(file).expect("is there").len() <= SMALL_FILES.file_bytes_max);
        kept.extend(frames(file).await);
    }
    let first = PACKETS - kept.len() as u64;
    // A file is closed when the next batch does not fit into it, and one may just have begun.
    let closed_files = SMALL_FILES.files_max as u64 - 1;
    let kept_min = closed_files * (FILE_BYTES_MIN / PACKET_BYTES - BATCH);
    assert!(kept.len() as u64 >= kept_min, "{} kept", kept.len());
    let expected = (first..PACKETS).map(|number| {
        let (time, bytes) = numbered(number);
        (time.as_micros(), bytes.to_vec())
    });
    assert!(kept.into_iter().eq(expected));
}

#[tokio::test]
async fn recordings_of_earlier_runs_count_and_other_files_stay() {
    let folder = folder("earlier");
    fs::create_dir_all(&folder).expect("can be made");
    fs::write(folder.join("notes.txt"), "keep").expect("can be written");
    for run in 0..5 {
        let recorder = Recorder::start(&folder, SMALL_FILES).expect("can be made");
        let (time, bytes) = numbered(run);
        // Even a clock that was set back does not make the newest file the oldest.
        record(
            &recorder,
            time - (time - Timestamp::from_millis(-(run as i64))),
            &bytes,
        );
        drop(recorder);
    }
    let names: Vec<_> = recordings(&folder)
        .iter()
        .filter_map(|path| Some(path.file_name()?.to_str()?.to_owned()))
        .collect();
    assert_eq!(names.len(), 4);
    for number in 2..5 {
        let suffix = format!("-{number:06}.pcapng");
        assert!(
            names.iter().any(|name| name.ends_with(&suffix)),
            "{names:?}"
        );
    }
    assert!(names.contains(&"notes.txt".to_owned()));
}

#[tokio::test]
async fn a_file_is_whole_while_it_is_being_written() {
    let folder = folder("whole");
    let recorder = Recorder::start(&folder, Limits::default()).expect("can be made");
    for number in 0..3 {
        let (time, bytes) = numbered(number);
        record(&recorder, time, &bytes[..100 - number as usize]);
        settle(&recorder, number + 1);
        let files = recordings(&folder);
        assert_eq!(frames(&files[0]).await.len() as u64, number + 1);
    }
}

#[tokio::test]
async fn a_failing_disk_costs_packets_until_it_works_again() {
    let folder = folder("failing");
    let recorder = Recorder::start(&folder, SMALL_FILES).expect("can be made");
    fs::remove_dir_all(&folder).expect("is ours");
    let (time, bytes) = numbered(0);
    record(&recorder, time, &bytes);
    assert_eq!(settle(&recorder, 1).failed, 1);

    fs::create_dir_all(&folder).expect("can be made");
    record(&recorder, time, &bytes);
    assert_eq!(
        settle(&recorder, 2),
        Counts {
            written: 1,
            dropped: 0,
            failed: 1
        }
    );
    assert_eq!(frames(&recordings(&folder)[0]).await.len(), 1);
}

#[tokio::test]
async fn what_does_not_fit_into_memory_is_dropped_and_counted() {
    let folder = folder("dropped");
    let recorder = Recorder::start(&folder, Limits::default()).expect("can be made");
    record(&recorder, Timestamp::default(), &vec![0; QUEUE_BYTES_MAX]);
    record(&recorder, Timestamp::default(), &[1]);
    let counts = settle(&recorder, 2);
    assert_eq!((counts.dropped, counts.written), (1, 1));
}

#[test]
fn recording_that_cannot_start_says_why() {
    let folder = folder("impossible");
    let none = Limits {
        files_max: 0,
        ..SMALL_FILES
    };
    let error = Recorder::start(&folder, none).expect_err("no file allowed");
    assert!(error.to_string().contains("at least one file"), "{error}");

    fs::write(&folder, "a file").expect("can be written");
    let error = Recorder::start(&folder, SMALL_FILES).expect_err("no folder");
    let expected = format!("cannot record to {}", folder.display());
    assert!(error.to_string().starts_with(&expected), "{error}");
    fs::remove_file(&folder).expect("is ours");
}
