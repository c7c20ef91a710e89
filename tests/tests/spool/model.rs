//! The log against a queue in memory that does the same.

use std::collections::VecDeque;
use std::sync::Arc;

use proptest::prelude::*;
use rsu_gateway::spool::fs::{Fs, Memory};
use rsu_gateway::spool::{Log, ReadLimits, Reader, Reason, Settings};

use crate::{is_in, numbers, open_log, record, small};

#[derive(Clone, Debug)]
enum Action {
    /// Records that are committed together.
    Append(u64),
    /// Arrived: so many of those that were read.
    Acknowledge(usize),
    /// Reads so many on.
    Next(usize),
    /// Closed and opened again.
    Reopen,
    /// Killed and opened again.
    Crash,
    Save,
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        6 => (1..30_u64).prop_map(Action::Append),
        4 => (0..40_usize).prop_map(Action::Acknowledge),
        6 => (1..40_usize).prop_map(Action::Next),
        1 => Just(Action::Reopen),
        1 => Just(Action::Crash),
        1 => Just(Action::Save),
    ]
}

/// The log and the queue side by side.
struct Pair {
    fs: Arc<dyn Fs>,
    settings: Settings,
    log: Log,
    reader: Reader,
    /// What waits, and how much of it was read since the start.
    queue: VecDeque<u64>,
    read: usize,
    /// What may have been forgotten to have arrived.
    unsaved: Vec<u64>,
    dropped: u64,
}

impl Pair {
    fn new(settings: Settings) -> Self {
        let fs: Arc<dyn Fs> = Arc::new(Memory::new());
        let (log, _) = open_log(&fs, settings);
        Self {
            reader: log.reader(0),
            fs,
            settings,
            log,
            queue: VecDeque::new(),
            read: 0,
            unsaved: Vec::new(),
            dropped: 0,
        }
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::Append(count) => self.append(count),
            Action::Acknowledge(count) => {
                for _ in 0..count.min(self.read) {
                    let arrived = self.queue.pop_front().unwrap();
                    self.read -= 1;
                    self.unsaved.push(arrived);
                    self.log.settle(arrived);
                }
            }
            Action::Next(count) => {
                let limits = ReadLimits {
                    last: u64::MAX,
                    bytes_max: usize::MAX,
                    records_max: count,
                };
                self.reader.skip_to(self.log.settled());
                let records = self.reader.read(&mut self.log, limits);
                for found in &records {
                    assert_eq!(*found, record(found.sequence));
                }
                let expected: Vec<_> = self
                    .queue
                    .iter()
                    .skip(self.read)
                    .take(count)
                    .copied()
                    .collect();
                assert_eq!(numbers(&records), expected);
                self.read += records.len();
            }
            Action::Save => {
                self.log.save().unwrap();
                self.unsaved.clear();
            }
            Action::Reopen => {
                let last = self.log.last();
                let blank: Arc<dyn Fs> = Arc::new(Memory::new());
                let (other, _) = open_log(&blank, self.settings);
                std::mem::replace(&mut self.log, other).close().unwrap();
                self.unsaved.clear();
                self.open();
                assert_eq!(self.log.last(), last, "no number is passed over");
            }
            Action::Crash => self.open(),
        }
        assert_eq!(self.log.waiting_records(), self.queue.len() as u64);
        assert_eq!(self.log.losses().dropped, self.dropped);
        assert_eq!(self.log.losses().damaged, 0);
    }

    fn append(&mut self, count: u64) {
        let records: Vec<_> = (1..=count).map(|n| record(self.log.last() + n)).collect();
        let mut rest = &records[..];
        while !rest.is_empty() {
            let count = self.log.commit(rest.iter()).unwrap();
            self.queue.extend(numbers(&rest[..count]));
            rest = &rest[count..];
            self.give_way();
        }
    }

    /// What the log gave up at its quota is the oldest of the queue, and in a gap.
    fn give_way(&mut self) {
        let gaps: Vec<_> = self
            .log
            .gaps()
            .filter(|gap| gap.reason == Reason::NoRoom)
            .copied()
            .collect();
        while let Some(&oldest) = self.queue.front()
            && oldest <= self.log.settled()
        {
            assert!(is_in(&gaps, oldest), "{oldest} gave way untold");
            self.queue.pop_front();
            self.read = self.read.saturating_sub(1);
            self.dropped += 1;
            self.unsaved.clear();
        }
    }

    fn open(&mut self) {
        let (log, recovery) = open_log(&self.fs, self.settings);
        assert!(
            recovery
                .gaps
                .iter()
                .all(|gap| gap.reason == Reason::Unfinished)
        );
        self.log = log;
        self.reader = self.log.reader(self.log.settled());
        self.read = 0;
        // What was not saved to have arrived is sent again.
        let again = self.unsaved.drain(..).filter(|&n| n > self.log.settled());
        self.queue = again.chain(self.queue.drain(..)).collect::<VecDeque<_>>();
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn the_log_is_a_queue(actions in prop::collection::vec(action(), 1..60)) {
        let mut pair = Pair::new(Settings { quota_bytes: 4 << 20, ..small() });
        actions.into_iter().for_each(|action| pair.act(action));
    }

    #[test]
    fn with_a_small_quota_the_log_is_a_queue_that_drops_its_oldest(
        actions in prop::collection::vec(action(), 1..60),
    ) {
        let mut pair = Pair::new(Settings { quota_bytes: 4 << 10, ..small() });
        actions.into_iter().for_each(|action| pair.act(action));
    }
}
