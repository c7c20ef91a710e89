//! Numbers that will not arrive, and why.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

/// A range of sequence numbers that the spool does not hold, or no longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Gap {
    /// The first number.
    pub first: u64,
    /// The last number.
    pub last: u64,
    /// Why.
    pub reason: Reason,
}

/// Why numbers are missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// Lost: the oldest records gave way to newer ones, at the quota or at the floor of free
    /// space.
    NoRoom,
    /// Lost: the disk took nothing for so long that the queue in memory was full.
    QueueFull,
    /// Lost: what is on the disk is damaged or cannot be read.
    Damaged,
    /// Lost: the file is gone.
    FileMissing,
    /// The program or its power ended at once. Nothing that had been announced as committed is
    /// among them, unless damage of the very last commit looks like its being unfinished; most
    /// were never given out.
    Unfinished,
    /// Passed over, because the cursor was lost and with it the highest number given out.
    Renumbered,
    /// Arrived, but not kept to be sent again: the disk took nothing at that time.
    NotKept,
    /// No broker takes it; it is kept and can be asked for.
    Quarantined,
}

impl Reason {
    const ALL: [Self; 8] = [
        Self::NoRoom,
        Self::QueueFull,
        Self::Damaged,
        Self::FileMissing,
        Self::Unfinished,
        Self::Renumbered,
        Self::NotKept,
        Self::Quarantined,
    ];

    /// As it is stored: 1 for the first, and so on.
    pub(super) fn code(self) -> u8 {
        self as u8 + 1
    }

    pub(super) fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.code() == code)
    }

    /// Short name, for logs and records.
    pub fn name(self) -> &'static str {
        match self {
            Self::NoRoom => "no_room",
            Self::QueueFull => "queue_full",
            Self::Damaged => "damaged",
            Self::FileMissing => "file_missing",
            Self::Unfinished => "unfinished",
            Self::Renumbered => "renumbered",
            Self::NotKept => "not_kept",
            Self::Quarantined => "quarantined",
        }
    }
}

impl Gap {
    /// How many numbers it spans.
    pub fn numbers(&self) -> u64 {
        self.last.saturating_sub(self.first).saturating_add(1)
    }

    pub(super) fn is_continued_by(&self, next: &Self) -> bool {
        self.reason == next.reason && self.last.checked_add(1) == Some(next.first)
    }
}

/// The gaps that are known, in order of their numbers: at most [`Gaps::MAX`], the lowest are
/// forgotten first.
#[derive(Clone, Debug, Default)]
pub(super) struct Gaps(BTreeMap<u64, Gap>);

impl Gaps {
    pub(super) const MAX: usize = 1024;

    /// Adds a gap, which may overlap others.
    pub(super) fn insert(&mut self, mut gap: Gap) {
        let before = self.0.range(..=gap.first).next_back();
        if let Some((&key, before)) = before {
            if before.last >= gap.last {
                return;
            }
            if before.is_continued_by(&gap) {
                gap.first = key;
            }
        }
        self.0.insert(gap.first, gap);
        if self.0.len() > Self::MAX {
            self.0.pop_first();
        }
    }

    /// The gap that a number is in.
    pub(super) fn find(&self, sequence: u64) -> Option<&Gap> {
        let mut before = self.0.range(..=sequence).rev();
        before.find_map(|(_, gap)| (sequence <= gap.last).then_some(gap))
    }

    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = &Gap> {
        self.0.values()
    }

    /// The parts of a range that no gap covers.
    pub(super) fn unexplained(&self, range: RangeInclusive<u64>) -> Vec<RangeInclusive<u64>> {
        let (mut first, last) = range.into_inner();
        let mut parts = Vec::new();
        for gap in self.0.values() {
            if first > last || gap.first > last {
                break;
            }
            if gap.last < first {
                continue;
            }
            if gap.first > first {
                parts.push(first..=gap.first - 1);
            }
            first = gap.last.saturating_add(1);
        }
        if first <= last {
            parts.push(first..=last);
        }
        parts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gap(first: u64, last: u64, reason: Reason) -> Gap {
        Gap {
            first,
            last,
            reason,
        }
    }

    #[test]
    fn every_reason_has_a_code_that_reads_back() {
        for reason in Reason::ALL {
            assert_eq!(Reason::from_code(reason.code()), Some(reason));
        }
        assert_eq!(Reason::from_code(0), None);
        assert_eq!(Reason::from_code(9), None);
    }

    #[test]
    fn a_gap_that_goes_on_for_the_same_reason_is_one() {
        let mut gaps = Gaps::default();
        gaps.insert(gap(3, 5, Reason::NoRoom));
        gaps.insert(gap(6, 9, Reason::NoRoom));
        gaps.insert(gap(10, 10, Reason::Damaged));
        let gaps: Vec<_> = gaps.iter().copied().collect();
        assert_eq!(
            gaps,
            [gap(3, 9, Reason::NoRoom), gap(10, 10, Reason::Damaged)]
        );
    }

    #[test]
    fn what_no_gap_covers_is_unexplained() {
        let mut gaps = Gaps::default();
        gaps.insert(gap(3, 5, Reason::NoRoom));
        gaps.insert(gap(8, 8, Reason::Damaged));
        assert_eq!(gaps.unexplained(1..=10), [1..=2, 6..=7, 9..=10]);
        assert_eq!(gaps.unexplained(3..=5), []);
        assert_eq!(gaps.unexplained(4..=9), [6..=7, 9..=9]);
        assert_eq!(gaps.find(8), Some(&gap(8, 8, Reason::Damaged)));
        assert_eq!(gaps.find(9), None);
    }

    #[test]
    fn only_so_many_are_known() {
        let mut gaps = Gaps::default();
        for n in 0..2 * Gaps::MAX as u64 {
            gaps.insert(gap(2 * n + 1, 2 * n + 1, Reason::Damaged));
        }
        assert_eq!(gaps.iter().count(), Gaps::MAX);
        assert_eq!(gaps.find(1), None);
        assert!(gaps.find(4 * Gaps::MAX as u64 - 1).is_some());
    }
}
