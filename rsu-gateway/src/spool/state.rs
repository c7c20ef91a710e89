//! Where the records are between those who append, the disk and the uplink.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::gap::{Gap, Gaps, Reason};
use super::log::Log;
use super::record::Record;
use super::replay::Range;
use super::settings::Settings;
use super::shared::PULSE_INTERVAL;
use super::stats::SpoolStats;
use super::window::Window;
use crate::mqtt::OutboxRecord;

/// Beyond topic and payload, about what a record takes in memory.
const QUEUED_OVERHEAD_BYTES: usize = 128;
/// So much is worth a commit of its own.
const COMMIT_BYTES: usize = 256 << 10;
/// Most that the thread has in hand, unless a single record is larger.
const IN_HAND_BYTES_MAX: usize = 1 << 20;
/// Most calls that wait for a commit.
const WAITING_MAX: usize = 4096;

#[derive(Debug)]
pub(super) struct State {
    /// Not durable yet, in order.
    queue: VecDeque<Arc<Queued>>,
    queue_bytes: usize,
    /// How many of these, from the front, the thread is writing.
    in_hand: usize,
    pub(super) window: Window,
    /// Numbers of the queue that were dropped from it.
    given_up: Gaps,
    /// Gaps for the thread to note.
    pub(super) gaps_to_note: Vec<Gap>,
    waiting: BTreeMap<u64, Vec<oneshot::Sender<()>>>,
    pub(super) flushes: Vec<Flush>,
    pub(super) close: Option<Instant>,
    /// Let go at the end.
    pub(super) ends: Vec<oneshot::Sender<()>>,
    pub(super) is_closed: bool,
    pub(super) ranges: Vec<Weak<Range>>,
    /// There is something to do at once.
    pub(super) is_urgent: bool,
    /// The disk takes nothing; when it is tried again.
    pub(super) retry_at: Option<Instant>,
    pub(super) known_gaps: Vec<Gap>,
    pub(super) stats: SpoolStats,
}

/// A record that waits for the disk.
#[derive(Debug)]
pub(super) struct Queued {
    pub(super) record: Record,
    pub(super) appended: Instant,
}

impl Queued {
    fn bytes(&self) -> usize {
        self.record.publish.size() + QUEUED_OVERHEAD_BYTES
    }
}

/// Somebody waits until all up to a number is durable.
#[derive(Debug)]
pub(super) struct Flush {
    pub(super) sequence: u64,
    pub(super) done: oneshot::Sender<()>,
}

/// A record will not become durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Uncommitted {
    /// The queue was full and the disk took nothing: it is in a gap.
    #[error("the record was dropped before the disk took it")]
    Dropped,
    /// Too many wait already.
    #[error("{WAITING_MAX} calls wait for a commit already")]
    TooMany,
    /// The spool was closed first.
    #[error("the spool was closed before the disk took the record")]
    Closed,
}

impl State {
    pub(super) fn new(log: &Log, settings: &Settings) -> Self {
        Self {
            queue: VecDeque::new(),
            queue_bytes: 0,
            in_hand: 0,
            window: Window::new(settings, log.settled()),
            given_up: Gaps::default(),
            gaps_to_note: Vec::new(),
            waiting: BTreeMap::new(),
            flushes: Vec::new(),
            close: None,
            ends: Vec::new(),
            is_closed: false,
            ranges: Vec::new(),
            is_urgent: true,
            retry_at: None,
            known_gaps: Vec::new(),
            stats: SpoolStats {
                id: log.id(),
                last_sequence: log.last(),
                committed: log.last(),
                settled: log.settled(),
                ..SpoolStats::default()
            },
        }
    }

    /// Takes a record in; if that is too much, the oldest that the thread has not in hand go.
    pub(super) fn push(&mut self, queued: Queued, bytes_max: usize) {
        self.stats.last_sequence = queued.record.sequence;
        self.queue_bytes += queued.bytes();
        self.queue.push_back(Arc::new(queued));
        while self.queue_bytes > bytes_max
            && let Some(dropped) = self.queue.remove(self.in_hand)
        {
            self.queue_bytes -= dropped.bytes();
            let sequence = dropped.record.sequence;
            let has_arrived = sequence <= self.stats.settled;
            let gap = Gap {
                first: sequence,
                last: sequence,
                reason: if has_arrived {
                    Reason::NotKept
                } else {
                    Reason::QueueFull
                },
            };
            for done in self.waiting.remove(&sequence).into_iter().flatten() {
                if has_arrived {
                    let _ = done.send(());
                }
            }
            self.given_up.insert(gap);
            match self.gaps_to_note.last_mut() {
                Some(latest) if latest.is_continued_by(&gap) => latest.last = sequence,
                _ => self.gaps_to_note.push(gap),
            }
        }
    }

    /// How long the thread may rest.
    pub(super) fn pause(&self, now: Instant, commit_interval: Duration) -> Duration {
        let until = |at: Instant| at.saturating_duration_since(now);
        if let Some(retry_at) = self.retry_at {
            let close = self.close.map_or(PULSE_INTERVAL, until);
            let rest = until(retry_at).min(close);
            return if self.is_urgent { Duration::ZERO } else { rest };
        }
        if self.is_urgent || self.is_commit_due(now, commit_interval) {
            return Duration::ZERO;
        }
        let oldest = self.queue.front();
        oldest.map_or(PULSE_INTERVAL, |oldest| {
            until(oldest.appended + commit_interval)
        })
    }

    /// Whether the latest record changes what the thread waits for.
    pub(super) fn is_news_for_disk(&self) -> bool {
        self.queue.len() == 1 || self.queue_bytes >= COMMIT_BYTES
    }

    /// Whether what waits shall be written now.
    pub(super) fn is_commit_due(&self, now: Instant, commit_interval: Duration) -> bool {
        let is_old = |oldest: &Arc<Queued>| oldest.appended + commit_interval <= now;
        match self.retry_at {
            Some(retry_at) => retry_at <= now,
            None => {
                self.is_awaited()
                    || self.queue_bytes >= COMMIT_BYTES
                    || self.queue.front().is_some_and(is_old)
            }
        }
    }

    /// Somebody waits until all is written.
    pub(super) fn is_awaited(&self) -> bool {
        !self.flushes.is_empty() || self.close.is_some()
    }

    pub(super) fn has_queued(&self) -> bool {
        !self.queue.is_empty()
    }

    /// The queue will soon drop records.
    pub(super) fn is_under_pressure(&self, settings: &Settings) -> bool {
        self.queue_bytes > settings.queue_bytes_max / 2
    }

    /// Lends the thread what waits, the oldest first.
    pub(super) fn take_in_hand(&mut self) -> Vec<Arc<Queued>> {
        let mut bytes = 0;
        let mut queued = Vec::new();
        for next in &self.queue {
            bytes += next.bytes();
            if !queued.is_empty() && bytes > IN_HAND_BYTES_MAX {
                break;
            }
            queued.push(Arc::clone(next));
        }
        self.in_hand = queued.len();
        queued
    }

    /// The thread has written what it could.
    pub(super) fn put_back(&mut self) {
        self.in_hand = 0;
    }

    /// The first `count` of what is in hand are durable.
    pub(super) fn commit(&mut self, count: usize) {
        for queued in self.queue.drain(..count.min(self.in_hand)) {
            let sequence = queued.record.sequence;
            self.queue_bytes -= queued.bytes();
            let is_next = self.window.loaded >= self.stats.committed;
            self.stats.committed = sequence;
            if sequence <= self.stats.settled {
                continue;
            }
            self.stats.records += 1;
            if is_next && self.window.takes(queued.record.publish.size()) {
                self.window.push(&queued.record, Some(queued.appended));
            }
        }
        self.in_hand -= count.min(self.in_hand);
        let still_waiting = self.waiting.split_off(&(self.stats.committed + 1));
        let durable = std::mem::replace(&mut self.waiting, still_waiting);
        for done in durable.into_values().flatten() {
            // Whoever waited may have gone.
            let _ = done.send(());
        }
    }

    /// Tells those who wait for a flush that nothing they wait for is in the queue any more.
    pub(super) fn answer_flushes(&mut self) {
        let oldest = self.queue.front().map_or(u64::MAX, |q| q.record.sequence);
        for flush in std::mem::take(&mut self.flushes) {
            if oldest > flush.sequence {
                let _ = flush.done.send(());
            } else {
                self.flushes.push(flush);
            }
        }
    }

    /// The next record that may be sent. While the disk takes nothing, records go out although
    /// they are not durable.
    pub(super) fn next_after(&self, sequence: u64) -> Option<OutboxRecord> {
        let sequence = sequence.max(self.stats.settled);
        let durable = self.window.next_after(sequence);
        let are_all_loaded = self.window.loaded >= self.stats.committed;
        if durable.is_some() || self.retry_at.is_none() || !are_all_loaded {
            return durable;
        }
        let queued = self.queue.get(self.first_queued_after(sequence))?;
        Some(OutboxRecord {
            sequence: queued.record.sequence,
            appended: Some(queued.appended),
            publish: queued.record.publish.clone(),
        })
    }

    /// Records up to a number have arrived. Returns whether the thread should read on.
    pub(super) fn settle(&mut self, sequence: u64) -> bool {
        let settled = sequence.min(self.stats.last_sequence);
        if settled <= self.stats.settled {
            return false;
        }
        let queued = self.first_queued_after(settled) - self.first_queued_after(self.stats.settled);
        let durable = self.window.settle(settled);
        self.stats.settled = settled;
        self.stats.arrived += durable + queued as u64;
        self.stats.records = self.stats.records.saturating_sub(durable);
        self.window.is_low() && self.window.loaded < self.stats.committed
    }

    fn first_queued_after(&self, sequence: u64) -> usize {
        self.queue
            .partition_point(|queued| queued.record.sequence <= sequence)
    }

    /// Begins to wait for a commit; `None` if it is durable already.
    pub(super) fn wait_for(
        &mut self,
        sequence: u64,
    ) -> Result<Option<oneshot::Receiver<()>>, Uncommitted> {
        match self.given_up.find(sequence) {
            Some(gap) if gap.reason == Reason::QueueFull => return Err(Uncommitted::Dropped),
            Some(_) => return Ok(None),
            None if sequence <= self.stats.committed => return Ok(None),
            None if self.is_closed => return Err(Uncommitted::Closed),
            None if self.waiting.values().map(Vec::len).sum::<usize>() >= WAITING_MAX => {
                return Err(Uncommitted::TooMany);
            }
            None => {}
        }
        let (done, durable) = oneshot::channel();
        self.waiting.entry(sequence).or_default().push(done);
        Ok(Some(durable))
    }

    /// Nothing more will happen: nobody shall wait for it.
    pub(super) fn end(&mut self) {
        self.is_closed = true;
        self.waiting.clear();
        self.flushes.clear();
        self.ends.clear();
    }

    /// How it is doing now.
    pub(super) fn stats(&self) -> SpoolStats {
        let queued = self.queue.len() - self.first_queued_after(self.stats.settled);
        let oldest_queued = || Some(self.queue.get(self.queue.len() - queued)?.record.stamp.time);
        let is_next = self.window.loaded >= self.stats.committed;
        SpoolStats {
            records: self.stats.records + queued as u64,
            bytes: self.stats.bytes + self.queue_bytes as u64,
            oldest: self
                .window
                .oldest()
                .or_else(|| oldest_queued().filter(|_| is_next)),
            queue_records: self.queue.len() as u64,
            queue_bytes: self.queue_bytes as u64,
            ..self.stats.clone()
        }
    }
}
