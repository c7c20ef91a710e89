//! What is known of the numbers that were given out: how far they have arrived, which are
//! missing, and how many records that cost since installation.

use super::cursor;
use super::gap::{Gap, Gaps, Reason};
use super::segment::Losses;

/// What is known of the numbers that were given out.
#[derive(Clone, Debug, Default)]
pub(super) struct Ledger {
    /// Records up to this number have arrived or were given up.
    pub(super) settled: u64,
    pub(super) losses: Losses,
    pub(super) gaps: Gaps,
    /// The gaps noted last, in the order of being noted: those that wait to be written to the
    /// log, and before them some that were, for the cursor.
    noted: Vec<Gap>,
    /// How many of these wait.
    unlogged: usize,
}

impl Ledger {
    /// Most gaps that wait to be written to the log. More are known in memory only.
    const UNLOGGED_MAX: usize = Gaps::MAX;

    /// Notes a gap and what it cost.
    pub(super) fn note(&mut self, gap: Gap) {
        let records = self.records(gap.first, gap.last);
        let loss = match gap.reason {
            Reason::NoRoom | Reason::QueueFull => Some(&mut self.losses.dropped),
            Reason::Damaged | Reason::FileMissing => Some(&mut self.losses.damaged),
            _ => None,
        };
        if let Some(loss) = loss {
            *loss = loss.saturating_add(records);
        }
        self.gaps.insert(gap);
        match self.noted.last_mut() {
            Some(latest) if self.unlogged > 0 && latest.is_continued_by(&gap) => {
                latest.last = gap.last;
            }
            _ => {
                self.noted.push(gap);
                self.unlogged = (self.unlogged + 1).min(Self::UNLOGGED_MAX);
                self.trim();
            }
        }
    }

    /// Takes in what earlier runs noted: the gaps of the log, and those of the cursor, which
    /// wait if they are not among them.
    pub(super) fn restore(&mut self, logged: &[Gap], remembered: &[Gap]) {
        for &gap in logged {
            self.gaps.insert(gap);
            self.noted.push(gap);
            self.trim();
        }
        for &gap in remembered {
            if !logged.contains(&gap) {
                self.gaps.insert(gap);
                self.noted.push(gap);
                self.unlogged += usize::from(gap.last > self.settled);
            }
        }
    }

    /// The gaps that wait to be written to the log.
    pub(super) fn unlogged(&self) -> &[Gap] {
        let logged = self.noted.len() - self.unlogged;
        self.noted.get(logged..).unwrap_or_default()
    }

    /// The first `count` of the waiting gaps are in the log.
    pub(super) fn logged(&mut self, count: usize) {
        self.unlogged = self.unlogged.saturating_sub(count);
        self.trim();
    }

    /// The gaps noted last, as many as the cursor holds.
    pub(super) fn latest(&self) -> Vec<Gap> {
        let before = self.noted.len().saturating_sub(cursor::GAPS_MAX);
        self.noted.get(before..).unwrap_or_default().to_vec()
    }

    fn trim(&mut self) {
        let kept = self.unlogged.max(cursor::GAPS_MAX);
        let excess = self.noted.len().saturating_sub(kept);
        self.noted.drain(..excess);
    }

    /// How many records of a range there are, as far as is known.
    pub(super) fn records(&self, first: u64, last: u64) -> u64 {
        let parts = self.gaps.unexplained(first..=last).into_iter();
        parts.map(|part| part.end() - part.start() + 1).sum()
    }
}
