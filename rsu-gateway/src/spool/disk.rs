//! The thread that does all of a spool's disk work.

use std::io;
use std::sync::{Arc, PoisonError, Weak};
use std::time::{Duration, Instant};

use tracing::{info, warn};

use super::gap::{Gap, Reason};
use super::log::{Log, RESERVED};
use super::reader::{ReadLimits, Reader};
use super::replay::Range;
use super::shared::Shared;
use super::state::Queued;
use super::stats::{Condition, Failures};

/// How often the cursor is written, while records arrive: so much is sent again after a cut.
const SAVE_INTERVAL: Duration = Duration::from_secs(10);

/// When so many have arrived, it is saved sooner: a unit that is started again and again shall get
/// on with what waits, and not send the same again and again.
const SAVE_RECORDS: u64 = 128;
const RETRY_DELAY_MIN: Duration = Duration::from_millis(100);
const RETRY_DELAY_MAX: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub(super) struct Disk {
    log: Log,
    reader: Reader,
    shared: Arc<Shared>,
    writing: Health,
    saving: Health,
    /// What the cursor says is settled.
    saved_settled: u64,
    saved_at: Instant,
    failures: Failures,
}

/// Whether one kind of work succeeds, and when it is tried again.
#[derive(Debug, Default)]
struct Health {
    condition: Condition,
    retry_at: Option<Instant>,
    delay: Duration,
}

impl Disk {
    pub(super) fn new(log: Log, shared: Arc<Shared>) -> Self {
        Self {
            reader: log.reader(log.settled()),
            saved_settled: log.settled(),
            log,
            shared,
            writing: Health::default(),
            saving: Health::default(),
            saved_at: Instant::now(),
            failures: Failures::default(),
        }
    }

    /// Works until the spool is closed.
    pub(super) fn run(mut self) {
        while self.step() {}
        let shared = Arc::clone(&self.shared);
        let is_all_committed = shared.state().stats.last_sequence <= self.log.last();
        let closed = if is_all_committed {
            self.log.close()
        } else {
            self.log.save()
        };
        if let Err(error) = closed {
            warn!(%error, "cannot save how far the spool came");
        }
        shared.state().end();
        shared.changed.notify_one();
    }

    /// Does what there is to do; `false` once the spool is to be closed.
    fn step(&mut self) -> bool {
        let mut state = self.shared.wait();
        let now = Instant::now();
        let is_due = state.is_commit_due(now, self.shared.settings.commit_interval);
        let queued = if is_due {
            state.take_in_hand()
        } else {
            Vec::new()
        };
        let gaps = std::mem::take(&mut state.gaps_to_note);
        let is_awaited = state.is_awaited();
        self.log.settle(state.stats.settled);
        drop(state);

        if is_awaited {
            self.saving.retry_at = self.saving.retry_at.map(|_| now);
        }
        for gap in gaps {
            let Gap {
                first,
                last,
                reason,
            } = gap;
            if reason == Reason::QueueFull {
                warn!(first, last, "dropped records: the disk takes nothing");
            }
            self.log.note(gap);
        }
        self.reserve(now);
        if is_due {
            self.write(&queued);
        }
        self.read_ahead();
        self.read_ranges();
        self.save(now, is_awaited);
        self.report(now)
    }

    /// Reserves numbers, so that those given out never come again.
    fn reserve(&mut self, now: Instant) {
        let given = self.shared.door().next.saturating_sub(1);
        let is_low = self.log.reserved() < given.saturating_add(RESERVED / 2);
        if is_low && self.saving.is_due(now) {
            let reserved = self.log.reserve(given);
            self.note_saving(reserved);
        }
        self.shared.door().reserved = self.log.reserved();
    }

    fn write(&mut self, queued: &[Arc<Queued>]) {
        let mut rest = queued;
        let mut result = Ok(());
        if rest.is_empty() && self.writing.retry_at.is_some() {
            // Nothing to write, but something to find out.
            result = self.log.save();
        }
        let mut may_drop = self.shared.state().is_under_pressure(&self.shared.settings);
        while !rest.is_empty() && result.is_ok() {
            match self.log.commit(rest.iter().map(|queued| &queued.record)) {
                Ok(count) => {
                    if let Some(monitor) = self.shared.monitor.get() {
                        let durable = rest.iter().take(count);
                        durable.for_each(|queued| (monitor.0)(queued.appended.elapsed()));
                    }
                    rest = rest.get(count..).unwrap_or_default();
                    self.shared.state().commit(count);
                    self.shared.changed.notify_one();
                }
                Err(error) => result = self.make_room(error, &mut may_drop),
            }
        }
        let mut state = self.shared.state();
        state.put_back();
        match result {
            Ok(()) => {
                if self.writing.succeed() {
                    info!("the spool writes again");
                }
            }
            Err(error) => {
                state.stats.last_error = Some(error.to_string());
                let is_new = self.writing.fail(&error);
                self.failures.count(self.writing.condition);
                if is_new {
                    warn!(%error, "the spool cannot write: records wait in memory");
                }
            }
        }
        state.retry_at = self.writing.retry_at;
        drop(state);
        // What is not durable may go out now, or there is more that is.
        self.shared.changed.notify_one();
    }

    /// On a full disk: gives up what is only kept to be asked for, and, when memory fills up, too,
    /// one segment of what has not arrived. `Ok` if something was given up.
    fn make_room(&mut self, error: io::Error, may_drop: &mut bool) -> io::Result<()> {
        let is_full = Condition::of(&error) == Condition::NoSpace;
        if is_full && self.log.drop_oldest(false)? {
            return Ok(());
        }
        if is_full && std::mem::take(may_drop) && self.log.drop_oldest(true)? {
            return Ok(());
        }
        Err(error)
    }

    fn read_ahead(&mut self) {
        let (committed, room) = {
            let state = self.shared.state();
            self.reader.skip_to(state.window.loaded);
            let is_complete = state.window.loaded >= state.stats.committed;
            if is_complete {
                self.reader.rest();
            }
            if is_complete || !state.window.takes(1) {
                return;
            }
            (state.stats.committed, state.window.room())
        };
        let records = self.reader.read(&mut self.log, limits(committed, room));
        let mut state = self.shared.state();
        for record in records {
            if record.sequence > state.stats.settled {
                state.window.push(&record, None);
            }
        }
        state.window.loaded = state.window.loaded.max(self.reader.after());
        drop(state);
        self.shared.changed.notify_one();
    }

    fn read_ranges(&mut self) {
        let ranges = self.shared.state().ranges.clone();
        for range in ranges.iter().filter_map(Weak::upgrade) {
            self.read_range(&range);
        }
    }

    fn read_range(&mut self, range: &Range) {
        let window = range.window();
        if window.loaded >= range.last || !window.takes(1) {
            return;
        }
        let room = window.room();
        drop(window);
        let mut reader = range.reader.lock().unwrap_or_else(PoisonError::into_inner);
        let records = reader.read(&mut self.log, limits(range.last, room));
        let is_complete = reader.after() >= range.last.min(self.log.last());
        let mut window = range.window();
        for record in &records {
            window.push(record, None);
        }
        window.loaded = if is_complete {
            reader.rest();
            range.last
        } else {
            window.loaded.max(reader.after())
        };
        drop(window);
        range.changed.notify_one();
    }

    /// Saves the cursor: now and then and when much has arrived, at once if numbers are lost or
    /// somebody waits.
    fn save(&mut self, now: Instant, is_awaited: bool) {
        let settled = self.log.settled();
        let is_old = now.duration_since(self.saved_at) >= SAVE_INTERVAL;
        let has_news = settled > self.saved_settled;
        let is_much = settled >= self.saved_settled.saturating_add(SAVE_RECORDS);
        let is_worth_it = is_old || is_much || is_awaited;
        let is_wanted = self.log.has_unsaved_gaps || (has_news && is_worth_it);
        if is_wanted && self.saving.is_due(now) {
            let saved = self.log.save();
            if saved.is_ok() {
                (self.saved_settled, self.saved_at) = (settled, now);
            }
            self.note_saving(saved);
        }
    }

    fn note_saving(&mut self, saved: io::Result<()>) {
        match saved {
            Ok(()) => {
                if self.saving.succeed() {
                    info!("the spool's cursor is saved again");
                }
            }
            Err(error) => {
                self.shared.state().stats.last_error = Some(error.to_string());
                let is_new = self.saving.fail(&error);
                self.failures.count(self.saving.condition);
                if is_new {
                    warn!(%error, "cannot save the spool's cursor");
                }
            }
        }
    }

    /// Tells how it stands; `false` once the spool is to be closed.
    pub(super) fn report(&mut self, now: Instant) -> bool {
        let mut state = self.shared.state();
        // What was given up for want of room is behind the uplink, too.
        let given_up = self.log.settled().max(state.stats.settled);
        if given_up > state.stats.settled {
            state.window.settle(given_up);
            state.stats.settled = given_up;
        }
        self.log.settle(given_up);
        let stats = &mut state.stats;
        stats.records = self.log.waiting_records();
        stats.bytes = self.log.waiting_bytes();
        stats.disk_bytes = self.log.bytes();
        stats.losses = self.log.losses();
        stats.failures = Failures {
            read: self.log.reads_failed,
            ..self.failures
        };
        stats.condition = match self.writing.condition {
            Condition::Working => self.saving.condition,
            condition => condition,
        };
        state.known_gaps = self.log.gaps().copied().collect();
        state.answer_flushes();
        state
            .close
            .is_none_or(|until| state.has_queued() && now < until)
    }
}

impl Health {
    fn is_due(&self, now: Instant) -> bool {
        self.retry_at.is_none_or(|at| at <= now)
    }

    /// Whether this ends a failure.
    fn succeed(&mut self) -> bool {
        std::mem::take(self).retry_at.is_some()
    }

    /// Whether this is news.
    fn fail(&mut self, error: &io::Error) -> bool {
        let condition = Condition::of(error);
        let is_new = condition != self.condition;
        self.condition = condition;
        self.delay = (self.delay * 2).clamp(RETRY_DELAY_MIN, RETRY_DELAY_MAX);
        self.retry_at = Some(Instant::now() + self.delay);
        is_new
    }
}

fn limits(last: u64, room: (usize, usize)) -> ReadLimits {
    let (bytes_max, records_max) = room;
    ReadLimits {
        last,
        bytes_max,
        records_max: records_max.max(1),
    }
}
