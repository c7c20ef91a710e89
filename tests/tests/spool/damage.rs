//! Damaged, deleted and foreign files.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rsu_gateway::spool::fs::{self, Fs, Memory, Open};
use rsu_gateway::spool::{Gap, Reason, SpoolId};

use crate::{
    FOLDER, commit, commit_to, is_in, numbers, open_log, payload, read_all, record, small,
};

const FILE_BYTES_MAX: usize = 1 << 20;
const SETTLED: u64 = 3;
const LAST: u64 = 40;
/// Numbers that were dropped before they came to the disk.
const DROPPED: Gap = Gap {
    first: 21,
    last: 22,
    reason: Reason::QueueFull,
};

/// A folder as a list of files.
type Files = Vec<(PathBuf, Vec<u8>)>;

/// A spool with several segments and a gap, closed or killed.
fn spool(is_closed: bool) -> Files {
    let fs: Arc<dyn Fs> = Arc::new(Memory::new());
    let (mut log, _) = open_log(&fs, small());
    commit_to(&mut log, 20);
    log.settle(SETTLED);
    log.note(DROPPED);
    let after: Vec<_> = (DROPPED.last + 1..=LAST).map(record).collect();
    commit(&mut log, &after);
    log.save().unwrap();
    if is_closed {
        log.close().unwrap();
    }
    files(&*fs)
}

fn files(fs: &dyn Fs) -> Files {
    let mut names = fs.list(Path::new(FOLDER)).unwrap();
    names.sort();
    let paths = names.into_iter().map(|name| Path::new(FOLDER).join(name));
    let with_content = |path: PathBuf| {
        let bytes = fs::read(fs, &path, FILE_BYTES_MAX).unwrap();
        (path, bytes)
    };
    paths.map(with_content).collect()
}

fn disk_with(files: &Files) -> Arc<dyn Fs> {
    let fs = Memory::new();
    fs.create_folder(Path::new(FOLDER)).unwrap();
    for (path, bytes) in files {
        let mut file = fs.open(path, Open::Create).unwrap();
        fs::write_all_at(&mut *file, bytes, 0).unwrap();
    }
    Arc::new(fs)
}

/// The numbers that wait.
fn waiting() -> impl Iterator<Item = u64> {
    (SETTLED + 1..DROPPED.first).chain(DROPPED.last + 1..=LAST)
}

fn is_cursor(path: &Path) -> bool {
    path.ends_with("cursor")
}

fn segments(files: &Files) -> Vec<PathBuf> {
    let paths = files.iter().map(|(path, _)| path.clone());
    paths.filter(|path| !is_cursor(path)).collect()
}

/// Opens what is left of a spool: every record is intact, in order, and missing only if a gap
/// says so. Returns how many waiting records are missing.
fn missing_of(files: &Files) -> Vec<u64> {
    let (mut log, recovery) = open_log(&disk_with(files), small());
    let found = read_all(&mut log);
    let numbers = numbers(&found);
    assert!(numbers.is_sorted_by(|a, b| a < b));
    for record in &found {
        assert_eq!(record.publish.payload, payload(record.sequence), "invented");
        assert_eq!(record.publish.topic, "rsu/R1/alarm/up");
    }
    let missing = waiting()
        .filter(|n| !numbers.contains(n))
        .collect::<Vec<_>>();
    let gaps: Vec<_> = log.gaps().copied().collect();
    for &sequence in &missing {
        assert!(
            is_in(&gaps, sequence),
            "{sequence} is lost and not told: {recovery:?}"
        );
    }
    assert!(is_in(&gaps, DROPPED.first) && is_in(&gaps, DROPPED.last));
    let damaged = log.losses().damaged;
    assert!(
        damaged == 0 || damaged == missing.len() as u64,
        "{recovery:?}"
    );
    assert!(log.last() >= LAST, "a number would come again");
    missing
}

#[test]
fn an_intact_spool_misses_nothing() {
    for is_closed in [true, false] {
        assert_eq!(missing_of(&spool(is_closed)), [0; 0]);
    }
}

#[test]
fn a_flipped_bit_costs_one_record_at_most() {
    for is_closed in [true, false] {
        let intact = spool(is_closed);
        let mut flips = 0;
        let mut costly = 0;
        for index in 0..intact.len() {
            for bit in 0..8 * intact[index].1.len() {
                let mut files = intact.clone();
                files[index].1[bit / 8] ^= 1 << (bit % 8);
                let missing = missing_of(&files);
                let path = &intact[index].0;
                assert!(
                    missing.len() <= 1,
                    "bit {bit} of {path:?} costs {missing:?}"
                );
                assert!(!is_cursor(path) || missing.is_empty());
                flips += 1;
                costly += missing.len();
            }
        }
        assert!(costly > 10_000, "the records themselves were flipped, too");
        eprintln!("{flips} bits flipped one by one, {costly} cost the record they were in");
    }
}

#[test]
fn a_zero_filled_tail_is_the_end() {
    let mut files = spool(false);
    let (_, newest) = files
        .iter_mut()
        .rfind(|(path, _)| !is_cursor(path))
        .unwrap();
    newest.resize(newest.len() + 3_000, 0);
    assert_eq!(missing_of(&files), [0; 0]);

    let (_, recovery) = open_log(&disk_with(&files), small());
    assert_eq!(recovery.cut_bytes, 3_000);
}

#[test]
fn a_torn_tail_is_the_end() {
    for torn in 1..60 {
        let mut files = spool(false);
        let (_, newest) = files
            .iter_mut()
            .rfind(|(path, _)| !is_cursor(path))
            .unwrap();
        newest.truncate(newest.len() - torn);
        let fs = disk_with(&files);
        let (mut log, recovery) = open_log(&fs, small());
        assert_eq!(log.losses().damaged, 0);
        assert_eq!(recovery.gaps.len(), 1);
        assert_eq!(recovery.gaps[0].reason, Reason::Unfinished);
        let next = log.last() + 1;
        commit_to(&mut log, next);
        assert_eq!(numbers(&read_all(&mut log)).last(), Some(&next));
    }
}

#[test]
fn a_segment_of_zeros_is_told_as_missing() {
    let mut files = spool(true);
    let lost = segments(&files)[1].clone();
    let (_, bytes) = files.iter_mut().find(|(path, _)| *path == lost).unwrap();
    bytes.fill(0);
    let missing = missing_of(&files);
    assert!(missing.len() > 3);
}

#[test]
fn without_the_cursor_everything_is_sent_again_and_no_number_comes_twice() {
    for is_closed in [true, false] {
        let mut files = spool(is_closed);
        files.retain(|(path, _)| !is_cursor(path));
        assert_eq!(missing_of(&files), [0; 0]);

        let fs = disk_with(&files);
        let (mut log, recovery) = open_log(&fs, small());
        assert!(recovery.cursor_lost && !recovery.is_new);
        assert!(waiting().eq(numbers(&read_all(&mut log))));
        assert!(log.last() > 1 << 32);
    }
}

#[test]
fn a_deleted_segment_is_told_and_no_number_comes_twice() {
    for is_closed in [true, false] {
        let intact = spool(is_closed);
        for lost in segments(&intact) {
            let mut files = intact.clone();
            files.retain(|(path, _)| *path != lost);
            assert!(missing_of(&files).len() > 3);
        }
    }
}

#[test]
fn a_blank_folder_is_a_new_spool() {
    let files = spool(true);
    let (old, _) = open_log(&disk_with(&files), small());
    let (new, recovery) = open_log(&disk_with(&Vec::new()), small());
    assert!(recovery.is_new);
    assert_ne!(old.id(), new.id());
    assert_eq!((new.last(), new.settled()), (0, 0));
}

#[test]
fn a_segment_of_another_device_is_put_aside_and_kept() {
    let foreign_files = spool(true);
    let foreign = foreign_files
        .iter()
        .find(|(path, _)| !is_cursor(path))
        .unwrap();
    // Below, among and above our own numbers, in place of one of ours, and misnamed.
    for base in [0, 1, 2, 15, 1_000, u64::MAX] {
        let mut files = spool(true);
        let path = Path::new(FOLDER).join(format!("{base:020}.segment"));
        let replaced = files.iter().position(|(other, _)| *other == path);
        if let Some(replaced) = replaced {
            files.remove(replaced);
        }
        files.push((path, foreign.1.clone()));
        let missing = missing_of(&files);
        assert_eq!(missing.is_empty(), replaced.is_none());

        let fs = disk_with(&files);
        let (_, recovery) = open_log(&fs, small());
        assert_eq!(recovery.set_aside.len(), 1);
        let aside = Path::new(FOLDER).join(&recovery.set_aside[0]);
        assert_eq!(fs::read(&*fs, &aside, FILE_BYTES_MAX).unwrap(), foreign.1);
        let (_, again) = open_log(&fs, small());
        assert_eq!((again.set_aside.len(), again.set_aside_files), (0, 1));
    }
}

#[test]
fn a_segment_of_another_device_is_foreign_without_the_cursor_too() {
    let mut files = spool(true);
    let foreign = spool(true)
        .into_iter()
        .find(|(path, _)| !is_cursor(path))
        .unwrap();
    files.retain(|(path, _)| !is_cursor(path));
    let (ours, _) = open_log(&disk_with(&files), small());
    files.push((
        Path::new(FOLDER).join(format!("{:020}.segment", 1_000)),
        foreign.1,
    ));
    let (log, recovery) = open_log(&disk_with(&files), small());
    assert_eq!((log.id(), recovery.set_aside.len()), (ours.id(), 1));
    assert_ne!(log.id(), SpoolId(0));
}

#[test]
fn any_bytes_as_files_do_no_harm() {
    let mut random = fastrand::Rng::with_seed(1);
    for _ in 0..200 {
        let mut files = spool(true);
        for (_, bytes) in &mut files {
            let begin = random.usize(..bytes.len());
            let end = random.usize(begin..=bytes.len());
            random.fill(&mut bytes[begin..end]);
        }
        let (mut log, _) = open_log(&disk_with(&files), small());
        for record in read_all(&mut log) {
            assert_eq!(record.publish.payload, payload(record.sequence), "invented");
        }
        let next = log.last() + 1;
        commit_to(&mut log, next);
    }
}
