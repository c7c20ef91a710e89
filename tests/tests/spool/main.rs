//! The spool under everything that disks, power and other devices can do to it.

#![allow(clippy::unwrap_used)]

mod damage;
mod faults;
mod format;
mod full_disk;
mod handle;
mod model;
mod power_cuts;
mod real_disk;
mod running_cuts;
mod simulated_disk;

use std::path::Path;
use std::sync::Arc;

use rsu_gateway::mqtt::Publish;
use rsu_gateway::spool::fs::Fs;
use rsu_gateway::spool::{Gap, Log, ReadLimits, Record, Recovery, Settings, Stamp};

const FOLDER: &str = "/spool";

/// Segments so small that they end all the time.
fn small() -> Settings {
    Settings {
        quota_bytes: 64 << 10,
        free_bytes_min: 0,
        segment_bytes: 1 << 10,
        commit_interval: std::time::Duration::from_millis(2),
        queue_bytes_max: 256 << 10,
        read_ahead_bytes_max: 4 << 10,
        read_ahead_records_max: 64,
        packet_bytes_max: 512,
    }
}

fn open_log(fs: &Arc<dyn Fs>, settings: Settings) -> (Log, Recovery) {
    Log::open(Arc::clone(fs), Path::new(FOLDER), settings).unwrap()
}

/// A record with a payload of its own.
fn record(sequence: u64) -> Record {
    Record {
        sequence,
        stamp: Stamp::default(),
        publish: Publish::new("rsu/R1/alarm/up", payload(sequence)),
    }
}

fn payload(sequence: u64) -> String {
    format!("{sequence}:{}", "x".repeat(sequence as usize * 7 % 50))
}

/// Commits records up to a number.
fn commit_to(log: &mut Log, last: u64) {
    let records: Vec<_> = (log.last() + 1..=last).map(record).collect();
    commit(log, &records);
}

fn commit(log: &mut Log, records: &[Record]) {
    let mut rest = records;
    while !rest.is_empty() {
        let count = log.commit(rest.iter()).unwrap();
        rest = &rest[count..];
    }
}

/// Reads all that waits.
fn read_all(log: &mut Log) -> Vec<Record> {
    let limits = ReadLimits {
        last: u64::MAX,
        bytes_max: usize::MAX,
        records_max: usize::MAX,
    };
    log.reader(log.settled()).read(log, limits)
}

fn numbers(records: &[Record]) -> Vec<u64> {
    records.iter().map(|record| record.sequence).collect()
}

fn is_in(gaps: &[Gap], sequence: u64) -> bool {
    gaps.iter()
        .any(|gap| (gap.first..=gap.last).contains(&sequence))
}
