//! Simulated power cuts at random points, of the log at work and of its recovery.
//!
//! The long run:
//! `RSU_POWER_CUTS=20000 cargo test --release --package tests --test spool -- --ignored power_cuts`

use std::collections::BTreeMap;
use std::path::Path;

use fastrand::Rng;
use rsu_gateway::mqtt::Publish;
use rsu_gateway::spool::{Log, ReadLimits, Reason, Record, Settings, Stamp};

use crate::simulated_disk::SimulatedDisk;

const FOLDER: &str = "/spool";
const CUTS_OF_A_DISK: u64 = 8;

#[test]
fn what_was_announced_survives_power_cuts() {
    assert!(survive(240, 1) >= 240);
}

#[test]
#[ignore = "the long run"]
fn power_cuts_by_the_thousand() {
    let cuts = std::env::var("RSU_POWER_CUTS").map_or(2_000, |cuts| cuts.parse().unwrap());
    let seed = std::env::var("RSU_SEED").map_or_else(|_| fastrand::u64(..), |s| s.parse().unwrap());
    eprintln!("seed {seed}");
    let survived = survive(cuts, seed);
    eprintln!("{survived} power cuts survived");
}

/// Cuts the power so often; returns how often it was cut, those during recovery included.
fn survive(cuts: u64, seed: u64) -> u64 {
    let mut done = 0;
    let mut disks = 0;
    while done < cuts {
        let mut device = Device::new(seed.wrapping_add(disks));
        for _ in 0..CUTS_OF_A_DISK {
            done += device.run_until_power_cut();
        }
        disks += 1;
    }
    done
}

/// A device and what is known about its records from outside.
struct Device {
    random: Rng,
    disk: SimulatedDisk,
    /// Every record that the log was ever given, by its id.
    issued: BTreeMap<(u64, u64), Vec<u8>>,
    /// The numbers announced as committed.
    announced: Vec<u64>,
    /// The highest number that the log was told to be settled.
    settled: u64,
}

fn settings() -> Settings {
    Settings {
        quota_bytes: 12 << 10,
        free_bytes_min: 0,
        segment_bytes: 2 << 10,
        packet_bytes_max: 1 << 10,
        ..Settings::default()
    }
}

impl Device {
    fn new(seed: u64) -> Self {
        Self {
            random: Rng::with_seed(seed),
            disk: SimulatedDisk::new(),
            issued: BTreeMap::new(),
            announced: Vec::new(),
            settled: 0,
        }
    }

    /// Opens the log, perhaps with power cuts meanwhile, checks it, and works until the power is
    /// cut. Returns the number of cuts.
    fn run_until_power_cut(&mut self) -> u64 {
        let mut cuts = 1;
        while self.random.u8(..3) == 0 {
            self.disk.cut_after(self.random.u64(..12));
            drop(Log::open(self.disk.fs(), Path::new(FOLDER), settings()));
            self.cut_power();
            cuts += 1;
        }
        let mut log = self.open();
        self.disk.cut_after(self.random.u64(..120));
        while let Some(open) = log {
            log = self.work(open);
        }
        self.cut_power();
        cuts
    }

    fn cut_power(&mut self) {
        self.disk = self.disk.after_power_cut(&mut self.random);
    }

    /// `None` if the power was cut meanwhile.
    fn open(&mut self) -> Option<Log> {
        let opened = Log::open(self.disk.fs(), Path::new(FOLDER), settings());
        if self.disk.is_off() {
            return None;
        }
        let (mut log, recovery) = opened.unwrap();
        assert_eq!(recovery.error, None);
        assert_eq!(recovery.set_aside, [""; 0]);
        assert_eq!(
            log.losses().damaged,
            0,
            "a power cut is no damage: {recovery:?}"
        );
        let id = log.id().0;
        let newest = self.issued.range((id, 0)..=(id, u64::MAX)).next_back();
        if let Some(((_, newest), _)) = newest {
            assert!(log.last() >= *newest, "number {newest} would come again");
        }
        self.check(&mut log);
        Some(log)
    }

    /// All that was announced is there, in order, or in a gap that says it gave way.
    fn check(&self, log: &mut Log) {
        let limits = ReadLimits {
            last: u64::MAX,
            bytes_max: usize::MAX,
            records_max: usize::MAX,
        };
        let found = log.reader(log.settled()).read(log, limits);
        assert!(found.is_sorted_by(|a, b| a.sequence < b.sequence));
        for record in &found {
            let payload = &record.publish.payload[..];
            let mut issued = self.issued.iter().filter(|(id, _)| id.1 == record.sequence);
            assert!(
                issued.any(|(_, issued)| issued == payload),
                "invented: {record:?}"
            );
        }
        let gave_way = |sequence: u64| {
            let mut gaps = log.gaps();
            gaps.any(|gap| {
                gap.reason == Reason::NoRoom && (gap.first..=gap.last).contains(&sequence)
            })
        };
        for &sequence in self.announced.iter().filter(|&&n| n > self.settled) {
            let is_there = found
                .binary_search_by_key(&sequence, |record| record.sequence)
                .is_ok();
            assert!(is_there || gave_way(sequence), "{sequence} is lost");
        }
    }

    /// Does something; `None` once the power is cut.
    fn work(&mut self, mut log: Log) -> Option<Log> {
        match self.random.u8(..20) {
            0 => drop(log.reserve(log.last())),
            1 => drop(log.save()),
            2..=4 => {
                let waiting = log.last() - log.settled();
                let settled = log.settled() + self.random.u64(..=waiting);
                log.settle(settled);
                self.settled = self.settled.max(settled);
            }
            5 => {
                // The program ends, in order or not; the power stays on.
                if self.random.bool() {
                    drop(log.close());
                }
                return self.open();
            }
            _ => self.append(&mut log),
        }
        (!self.disk.is_off()).then_some(log)
    }

    fn append(&mut self, log: &mut Log) {
        let count = self.random.u64(1..12);
        let mut records = Vec::new();
        for sequence in log.last() + 1..=log.last() + count {
            let len = self.random.usize(..300);
            let payload: Vec<u8> = (0..len).map(|_| self.random.u8(..)).collect();
            assert!(sequence <= log.reserved());
            let again = self.issued.insert((log.id().0, sequence), payload.clone());
            assert_eq!(again, None, "number {sequence} was given out twice");
            records.push(Record {
                sequence,
                stamp: Stamp::default(),
                publish: Publish::new("t", payload),
            });
        }
        let mut rest = &records[..];
        while !rest.is_empty() && !self.disk.is_off() {
            let Ok(count) = log.commit(rest.iter()) else {
                continue;
            };
            let (committed, after) = rest.split_at(count);
            self.announced
                .extend(committed.iter().map(|record| record.sequence));
            rest = after;
        }
    }
}
