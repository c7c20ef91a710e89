//! Power cuts of the spool at work: with its thread, and an uplink that takes what it gets, also
//! what is not durable yet.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use fastrand::Rng;
use rsu_gateway::mqtt::{Outbox, OutboxRecord};
use rsu_gateway::spool::{Reason, Settings, Spool, Stamp};

use crate::handle::next;
use crate::simulated_disk::SimulatedDisk;
use crate::{FOLDER, is_in, small};

#[tokio::test]
async fn the_spool_at_work_survives_power_cuts() {
    for seed in 0..40 {
        let mut witness = Witness {
            random: Rng::with_seed(seed),
            issued: BTreeMap::new(),
            announced: BTreeSet::new(),
            unannounced: BTreeSet::new(),
            acknowledged: 0,
        };
        let mut disk = SimulatedDisk::new();
        for _ in 0..5 {
            disk = witness.work_until_power_cut(&disk).await;
        }
    }
}

/// What is known from outside.
struct Witness {
    random: Rng,
    /// What each record says that was given an id.
    issued: BTreeMap<(u64, u64), u64>,
    announced: BTreeSet<u64>,
    unannounced: BTreeSet<u64>,
    acknowledged: u64,
}

impl Witness {
    async fn work_until_power_cut(&mut self, disk: &SimulatedDisk) -> SimulatedDisk {
        let settings = Settings {
            quota_bytes: 16 << 10,
            ..small()
        };
        let (spool, _) = Spool::open(disk.fs(), Path::new(FOLDER), settings).unwrap();
        self.check_announced(&spool).await;
        disk.cut_after(self.random.u64(..80));
        while !disk.is_off() {
            for _ in 0..self.random.u8(1..20) {
                self.append(&spool);
            }
            if spool.flush(Duration::from_millis(2)).await {
                self.announced.append(&mut self.unannounced);
            }
            self.take(&spool);
        }
        self.take(&spool);
        self.unannounced.clear();
        disk.after_power_cut(&mut self.random)
    }

    fn append(&mut self, spool: &Spool) {
        let says = self.random.u64(..);
        let bytes = self.random.usize(8..200);
        let mut given = None;
        let appended = spool.append(Stamp::default(), "t", &mut |id, payload| {
            given = Some((id.spool.0, id.sequence));
            payload.extend(says.to_le_bytes());
            payload.extend(id.spool.0.to_le_bytes());
            payload.resize(bytes.max(16), 0);
        });
        let id = given.unwrap();
        self.unannounced.insert(id.1);
        assert_eq!(appended, Ok(id.1));
        assert_eq!(self.issued.insert(id, says), None, "{id:?} came twice");
    }

    /// Takes what can be had now and acknowledges a part of it.
    fn take(&mut self, spool: &Spool) {
        let mut after = 0;
        while let Some(record) = spool.next_after(after) {
            assert!(record.sequence > after);
            after = record.sequence;
            self.check(&record);
            if self.random.u8(..4) == 0 {
                spool.ack(after);
                self.acknowledged = self.acknowledged.max(after);
            }
        }
    }

    fn check(&self, record: &OutboxRecord) {
        let field = |at: usize| {
            let bytes = record.publish.payload[at..at + 8].try_into().unwrap();
            u64::from_le_bytes(bytes)
        };
        let id = (field(8), record.sequence);
        assert_eq!(self.issued.get(&id), Some(&field(0)), "invented");
    }

    /// All that was announced comes, unless it has arrived or gave way to newer ones.
    async fn check_announced(&mut self, spool: &Spool) {
        let gaps = spool.gaps();
        assert!(gaps.iter().all(|gap| gap.reason != Reason::Damaged));
        let mut after = 0;
        for &sequence in self.announced.range(self.acknowledged + 1..) {
            if is_in(&gaps, sequence) {
                let gave_way = |reason| matches!(reason, Reason::NoRoom | Reason::NotKept);
                let gap = gaps
                    .iter()
                    .find(|gap| (gap.first..=gap.last).contains(&sequence));
                assert!(gave_way(gap.unwrap().reason), "{sequence}: {gap:?}");
                continue;
            }
            while after < sequence {
                let record = next(spool, after).await;
                self.check(&record);
                after = record.sequence;
                spool.ack(after);
            }
            assert_eq!(after, sequence, "it is lost");
        }
        self.acknowledged = self.acknowledged.max(after);
    }
}
