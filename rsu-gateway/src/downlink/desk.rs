//! Where commands are taken in: judged, written down, and only then carried out and acknowledged.

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rsu_firmware::time::{Span, Timestamp};
use tracing::{info, warn};

use super::answer::{Answer, Refusal};
use super::audit::{Audit, AuditLine};
use super::broadcast::BroadcastKey;
use super::command::{CommandKind, SeqNum};
use super::counters::DownlinkCounters;
use super::effect::{Effect, Finished};
use super::journal::{Found, Journal};
use super::judge::{Arrival, Judge, Now, Reason, Settings, Verdict};
use super::ledger::Digest;
use super::state::{Change, Entry, InForce, Judged, Pending, State, Task, TaskOrder};
use super::transmit::Transmit;
use crate::platform::UtcTime;
use crate::platform::content::BroadcastState;
use crate::spool::fs::Fs;

/// Most tasks that may be underway; beyond, commands wait with the broker.
pub(super) const PENDING_MAX: usize = 1_024;

/// A refusal of a command without a number is not told again for so long: such commands may come
/// many times a second, all with the same fault.
const REFUSAL_SILENCE: Span = Span::from_millis(10_000);

/// Takes in commands. Its calls write to disk: not for the async thread.
#[derive(Debug)]
pub struct Desk {
    judge: Judge,
    state: State,
    journal: Journal,
    audit: Audit,
    transmit: Arc<Mutex<Transmit>>,
    counters: DownlinkCounters,
    /// The first task that has not been ordered in this run.
    ordered_up_to: u64,
    /// The broker that was ordered.
    broker: Option<String>,
    refusals: [Option<(Timestamp, Refusal)>; CommandKind::ALL.len()],
}

/// What is written down of a publish.
struct Note {
    kind: CommandKind,
    seq_num: Option<SeqNum>,
    digest: Digest,
    verdict: &'static str,
    why: Option<String>,
}

/// An effect and, where it is a task, its number.
pub(super) type Ordered = (Effect, Option<u64>);

impl Desk {
    /// Opens the store in `folder` and takes up what was accepted before.
    ///
    /// # Errors
    /// The folder cannot be made, or the journal not be read.
    pub fn open(fs: Arc<dyn Fs>, folder: &Path, settings: Settings) -> io::Result<Self> {
        fs.create_folder(folder)?;
        let (journal, found) = Journal::open(fs.clone(), folder)?;
        let Found {
            state,
            damaged_bytes,
        } = found;
        if damaged_bytes > 0 {
            warn!(damaged_bytes, "the journal of commands is damaged");
        }
        let mut transmit = Transmit::new(settings.profile);
        for broadcast in &state.broadcasts {
            transmit.put(broadcast.clone());
        }
        let first = state.pending.front();
        Ok(Self {
            ordered_up_to: first.map_or(state.next_task(), |pending| pending.id),
            judge: Judge::new(settings),
            state,
            journal,
            audit: Audit::new(fs, folder),
            transmit: Arc::new(Mutex::new(transmit)),
            counters: DownlinkCounters {
                journal_damaged_bytes: damaged_bytes,
                ..DownlinkCounters::default()
            },
            broker: None,
            refusals: [const { None }; CommandKind::ALL.len()],
        })
    }

    /// What commands have changed in the configuration.
    pub fn in_force(&self) -> &InForce {
        &self.state.in_force
    }

    /// What waits to go on the air.
    pub fn transmit(&self) -> Arc<Mutex<Transmit>> {
        self.transmit.clone()
    }

    /// What became of what was sent down.
    pub fn counters(&self) -> DownlinkCounters {
        self.counters
    }

    /// Whether another command can be taken.
    pub(super) fn has_room(&self) -> bool {
        self.state.pending.len() < PENDING_MAX
    }

    /// Takes in publishes, in order, and returns what is to be done at once.
    pub(super) fn handle(&mut self, now: Now, arrivals: Vec<Arrival>) -> Vec<Ordered> {
        let mut effects = Vec::new();
        let mut entries = Vec::new();
        let mut notes = Vec::new();
        let mut accepted = Vec::new();
        let mut before = None;
        for arrival in arrivals {
            let digest = arrival.digest;
            let (kind, seq_num) = named(&arrival);
            let verdict = self.judge.judge(&self.state, now, arrival);
            let note = |verdict, why| Note {
                kind,
                seq_num: seq_num.clone(),
                digest,
                verdict,
                why,
            };
            let judged = match verdict {
                Verdict::UnknownTopic => {
                    self.counters.unknown_topic += 1;
                    continue;
                }
                Verdict::AcknowledgementUnreadable => {
                    self.counters.acknowledgement_unreadable += 1;
                    continue;
                }
                Verdict::Acknowledged(acknowledgement) => {
                    self.counters.acknowledged += 1;
                    self.counters.faulted += u64::from(acknowledgement.fault.is_some());
                    effects.push((Effect::Acknowledged(acknowledgement), None));
                    continue;
                }
                Verdict::Relayed(change) => {
                    self.counters.relayed += 1;
                    self.broadcast(&change);
                    continue;
                }
                Verdict::Repeated(answer) => {
                    self.counters.repeated += 1;
                    notes.push(note("repeated", None));
                    Judged {
                        tasks: answer.map(told).into_iter().collect(),
                        ..Judged::default()
                    }
                }
                Verdict::Accepted {
                    judged,
                    is_number_used,
                } => {
                    self.counters.accepted += 1;
                    self.counters.number_used += u64::from(is_number_used);
                    notes.push(note("accepted", None));
                    accepted.push((kind, seq_num));
                    judged
                }
                Verdict::Refused { reason, answer } => {
                    *self.counter(reason) += 1;
                    if self.was_just_told(now.time, &answer) {
                        self.counters.refusal_repeated += 1;
                        continue;
                    }
                    let why = answer.refusal.as_ref().map(|why| why.text().to_owned());
                    notes.push(note("refused", why));
                    Judged {
                        tasks: vec![told(answer)],
                        ..Judged::default()
                    }
                }
            };
            if judged == Judged::default() {
                continue;
            }
            before.get_or_insert_with(|| self.state.clone());
            let entry = Entry::Judged(Box::new(judged));
            self.state.apply(&entry);
            entries.push(entry);
        }
        self.write_down(now.time, &notes);
        match self.commit(&entries) {
            Ok(()) => {
                for entry in &entries {
                    if let Entry::Judged(judged) = entry
                        && let Some(change) = &judged.change
                    {
                        effects.extend(changed(change).map(|effect| (effect, None)));
                        self.broadcast(change);
                    }
                }
            }
            Err(error) => {
                self.state = before.unwrap_or_default();
                warn!(%error, "commands could not be stored");
                self.counters.not_stored += accepted.len() as u64;
                let refusal = Refusal::local_error(format!("it could not be stored: {error}"));
                effects.extend(accepted.into_iter().map(|(kind, seq_num)| {
                    let refusal = Some(refusal.clone());
                    let answer = Answer {
                        kind,
                        seq_num,
                        refusal,
                    };
                    (Effect::Answer(answer), None)
                }));
            }
        }
        effects
    }

    /// Notes which tasks are done.
    pub(super) fn finish(&mut self, finished: Vec<Finished>) {
        let entries = finished
            .into_iter()
            .map(|Finished { task, refusal }| Entry::Finished { task, refusal });
        self.note(entries.collect());
    }

    /// Does what is due by `now`, and returns what follows.
    pub(super) fn handle_timeout(&mut self, now: Now) -> Vec<Ordered> {
        let mut effects = Vec::new();
        let mut ended = Vec::new();
        {
            let mut transmit = self.transmit.lock().unwrap_or_else(PoisonError::into_inner);
            transmit.handle_timeout(now.time, now.is_trusted);
            while let Some(change) = transmit.poll_change() {
                let is_kept =
                    |key: &BroadcastKey| self.state.broadcasts.iter().any(|held| held.key == *key);
                if change.state == BroadcastState::Ended && is_kept(&change.key) {
                    ended.push(Entry::Ended(change.key.clone()));
                }
                effects.push((Effect::Broadcast(change), None));
            }
        }
        self.note(ended);
        let address = self.state.in_force.address.as_ref();
        let due = address.filter(|address| {
            let is_due = |at| now.is_trusted && now.time.as_millis() >= at;
            address.at_ms.is_none_or(is_due)
        });
        // Not before the answer to the command has been entrusted to the spool.
        if let Some(address) = due.filter(|_| self.has_answered())
            && self.broker.as_ref() != Some(&address.url)
        {
            self.broker = Some(address.url.clone());
            effects.push((Effect::Broker(address.url.clone()), None));
        }
        effects
    }

    /// The tasks that have not been ordered in this run. A reboot waits until the answers before it
    /// have been entrusted to the spool, and is done if the machine has been started anew.
    pub(super) fn poll_tasks(&mut self) -> Vec<Ordered> {
        let mut ordered = Vec::new();
        let mut done = Vec::new();
        let mut has_answered = true;
        let boot_id = self.judge.boot_id();
        for Pending { id, order } in &self.state.pending {
            has_answered &= !matches!(order.task, Task::Answer(_));
            if *id < self.ordered_up_to {
                continue;
            }
            let effect = match &order.task {
                Task::Reboot { boot_id: before } if before != boot_id => {
                    done.push(Entry::Finished {
                        task: *id,
                        refusal: None,
                    });
                    self.ordered_up_to = id + 1;
                    continue;
                }
                Task::Reboot { .. } if !has_answered => break,
                Task::Reboot { .. } => Effect::Reboot,
                Task::Answer(answer) => Effect::Answer(answer.clone()),
                Task::Versions(seq_num) => Effect::Versions(seq_num.clone()),
                Task::RunStatus => Effect::RunStatus,
                Task::Information(query, seq_num) => Effect::Information(*query, seq_num.clone()),
                Task::Introduction => Effect::Introduction,
                Task::LogUpload(upload) => Effect::LogUpload(upload.clone()),
                Task::Replay(query) => Effect::Replay(*query),
                Task::Upgrade(upgrade, seq_num) => {
                    Effect::Upgrade(upgrade.clone(), seq_num.clone())
                }
            };
            ordered.push((effect, Some(*id)));
            self.ordered_up_to = id + 1;
        }
        self.note(done);
        ordered
    }

    fn has_answered(&self) -> bool {
        let mut pending = self.state.pending.iter();
        !pending.any(|pending| matches!(pending.order.task, Task::Answer(_)))
    }

    /// Notes what has happened already. Where that fails it is forgotten by a restart, and happens
    /// again.
    fn note(&mut self, entries: Vec<Entry>) {
        for entry in &entries {
            self.state.apply(entry);
        }
        if let Err(error) = self.commit(&entries) {
            warn!(%error, "what was done could not be noted");
        }
    }

    fn commit(&mut self, entries: &[Entry]) -> io::Result<()> {
        match entries {
            [] => Ok(()),
            entries => self.journal.commit(entries, &self.state),
        }
    }

    fn broadcast(&self, change: &Change) {
        let mut transmit = self.transmit.lock().unwrap_or_else(PoisonError::into_inner);
        match change {
            Change::InForce(_) => {}
            Change::Put(broadcast) => transmit.put((**broadcast).clone()),
            Change::End(key) => transmit.end(key),
            Change::Rsms(broadcasts) => {
                transmit.end_rsms_beyond(broadcasts.len());
                for broadcast in broadcasts {
                    transmit.put(broadcast.clone());
                }
            }
        }
    }

    fn was_just_told(&mut self, now: Timestamp, answer: &Answer) -> bool {
        let (None, Some(refusal)) = (&answer.seq_num, &answer.refusal) else {
            return false;
        };
        let Some(last) = self.refusals.get_mut(answer.kind as usize) else {
            return false;
        };
        let is_recent = |time: Timestamp| now >= time && now - time < REFUSAL_SILENCE;
        if let Some((time, told)) = last
            && is_recent(*time)
            && told == refusal
        {
            return true;
        }
        *last = Some((now, refusal.clone()));
        false
    }

    fn write_down(&mut self, now: Timestamp, notes: &[Note]) {
        if notes.is_empty() {
            return;
        }
        let lines = notes.iter().map(|note| AuditLine {
            time: UtcTime(now),
            kind: note.kind,
            seq_num: note.seq_num.as_ref(),
            digest: note.digest,
            verdict: note.verdict,
            why: note.why.as_deref(),
        });
        let lines: Vec<_> = lines.collect();
        for note in notes {
            let (kind, verdict) = (note.kind.name(), note.verdict);
            let seq_num = note.seq_num.as_ref().map(SeqNum::as_ref);
            info!(kind, seq_num, verdict, why = note.why, "command");
        }
        if let Err(error) = self.audit.write(&lines) {
            warn!(%error, "the audit could not be written");
            self.counters.not_audited += notes.len() as u64;
        }
    }

    fn counter(&mut self, reason: Reason) -> &mut u64 {
        let counters = &mut self.counters;
        match reason {
            Reason::Malformed => &mut counters.malformed,
            Reason::Retained => &mut counters.retained,
            Reason::Foreign => &mut counters.foreign,
            Reason::Expired => &mut counters.expired,
            Reason::Impossible => &mut counters.impossible,
        }
    }
}

fn named(arrival: &Arrival) -> (CommandKind, Option<SeqNum>) {
    use super::answer::Unreadable;
    match &arrival.read {
        Ok(downlink) => (downlink.command.kind(), downlink.seq_num.clone()),
        Err(Unreadable::Command { kind, seq_num, .. }) => (*kind, seq_num.clone()),
        Err(Unreadable::UnknownTopic | Unreadable::Acknowledgement(_)) => {
            (CommandKind::Acknowledgement, None)
        }
    }
}

fn told(answer: Answer) -> TaskOrder {
    TaskOrder {
        task: Task::Answer(answer),
        reply: None,
    }
}

/// What others have to change.
fn changed(change: &Change) -> impl Iterator<Item = Effect> {
    let in_force = match change {
        Change::InForce(in_force) => in_force.clone(),
        Change::Put(_) | Change::Rsms(_) | Change::End(_) => InForce::default(),
    };
    let heartbeat = in_force.heartbeat_interval();
    let running_information = in_force.running_information_interval();
    let sampling = Some(in_force.sampling).filter(|sampling| *sampling != Default::default());
    [
        sampling.map(Effect::Sampling),
        heartbeat.map(Effect::HeartbeatInterval),
        running_information.map(Effect::RunningInformationInterval),
        in_force.log_level.map(Effect::LogLevel),
    ]
    .into_iter()
    .flatten()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod disk;
#[cfg(test)]
mod tests;
