//! Telling a record that makes the broker cut the connection from a link that is dead anyway.
//!
//! A broker may have limits of its own: a packet size below ours, a topic that it answers by
//! closing the connection. Such a record would be sent again for ever and hold up everything
//! behind it. But most connections end for other reasons, and a record must not be given up for
//! them. So it takes an experiment, on one connection after the other:
//!
//! 1. Two connections in a row were ended *by the broker* with the same record as the oldest
//!    unacknowledged one of its outbox: the record is under suspicion.
//! 2. The next connection first carries everything but records for [`PROOF_OF_LIFE`]. If it
//!    does not live that long, the link is to blame and the suspicion is gone.
//! 3. Then the record goes alone: nothing else is under way, and everything before it was
//!    acknowledged. If the broker ends this connection before PUBACK, the record is to blame.
//!
//! The records behind it that were under way go one at a time, too, until the suspicion is
//! settled: acknowledgements that were lost with the connection may have hidden the culprit.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::window::Place;

/// How long a connection must live before it can testify against a record.
const PROOF_OF_LIFE: Duration = Duration::from_millis(500);

/// Connections that a record must have outlived unacknowledged before it is tried alone.
const SUSPECT_AFTER: u32 = 2;

/// What is known about the records that the broker did not acknowledge before it cut.
#[derive(Debug, Default)]
pub(super) struct Suspicions(BTreeMap<usize, Suspicion>);

#[derive(Debug)]
struct Suspicion {
    sequence: u64,
    /// The newest record of the outbox that was under way when the broker cut.
    up_to: u64,
    cuts: u32,
}

/// A record that is to blame, and for how many connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Culprit {
    pub(super) place: Place,
    pub(super) connections: u32,
}

/// What one outbox had under way when the broker cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct UnderWay {
    pub(super) oldest: Place,
    pub(super) newest_sequence: u64,
}

impl Suspicions {
    /// The broker cut an ordinary connection.
    pub(super) fn cut(&mut self, under_way: &[UnderWay]) {
        let mut before = std::mem::take(&mut self.0);
        for UnderWay {
            oldest,
            newest_sequence,
        } in under_way
        {
            let known = before.remove(&oldest.outbox);
            let known = known.filter(|suspicion| suspicion.sequence == oldest.sequence);
            let (up_to, cuts) = known.map_or((0, 0), |known| (known.up_to, known.cuts));
            let suspicion = Suspicion {
                sequence: oldest.sequence,
                up_to: up_to.max(*newest_sequence),
                cuts: cuts.saturating_add(1),
            };
            self.0.insert(oldest.outbox, suspicion);
        }
    }

    /// Whether the next connection has to be a trial.
    pub(super) fn trial(&self, connected_at: Instant) -> Option<Trial> {
        let is_suspect = |suspicion: &Suspicion| suspicion.cuts >= SUSPECT_AFTER;
        self.0.values().any(is_suspect).then_some(Trial {
            from: connected_at + PROOF_OF_LIFE,
        })
    }

    /// The broker cut a trial while only `alone` was under way, if anything was.
    pub(super) fn cut_trial(&mut self, alone: Option<Place>) -> Option<Culprit> {
        let known = std::mem::take(&mut self.0);
        let place = alone?;
        let known = known.get(&place.outbox);
        let known = known.filter(|suspicion| suspicion.sequence == place.sequence);
        let connections = known.map_or(0, |known| known.cuts) + 1;
        if connections > SUSPECT_AFTER {
            return Some(Culprit { place, connections });
        }
        // Another one than we thought: next time it is the suspect from the start.
        let suspicion = Suspicion {
            sequence: place.sequence,
            up_to: place.sequence,
            cuts: SUSPECT_AFTER,
        };
        self.0.insert(place.outbox, suspicion);
        None
    }

    /// The broker took everything in this outbox up to there.
    pub(super) fn acknowledged(&mut self, prefix: Place) {
        if self
            .0
            .get(&prefix.outbox)
            .is_some_and(|s| s.up_to <= prefix.sequence)
        {
            self.0.remove(&prefix.outbox);
        }
    }
}

/// A connection on which records go one at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Trial {
    /// When the first record may go.
    pub(super) from: Instant,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(outbox: usize, sequence: u64) -> Place {
        Place { outbox, sequence }
    }

    fn under_way(outbox: usize, oldest: u64, newest_sequence: u64) -> UnderWay {
        UnderWay {
            oldest: place(outbox, oldest),
            newest_sequence,
        }
    }

    fn is_trial(suspicions: &Suspicions) -> bool {
        suspicions.trial(Instant::now()).is_some()
    }

    /// Suspicions against record 5 of the first outbox; 5 to 9 were under way.
    fn suspicious() -> Suspicions {
        let mut suspicions = Suspicions::default();
        suspicions.cut(&[under_way(0, 5, 9)]);
        assert!(!is_trial(&suspicions), "one cut says nothing");
        suspicions.cut(&[under_way(0, 5, 7)]);
        assert!(is_trial(&suspicions));
        suspicions
    }

    #[test]
    fn the_third_cut_with_nothing_else_under_way_is_proof() {
        let culprit = Culprit {
            place: place(0, 5),
            connections: 3,
        };
        assert_eq!(suspicious().cut_trial(Some(place(0, 5))), Some(culprit));
    }

    #[test]
    fn progress_between_two_cuts_is_no_suspicion() {
        let mut suspicions = Suspicions::default();
        for oldest in 1..100 {
            suspicions.cut(&[under_way(0, oldest, oldest + 10)]);
            assert!(!is_trial(&suspicions));
        }
    }

    #[test]
    fn a_trial_that_ends_before_the_record_went_acquits_it() {
        let mut suspicions = suspicious();
        assert_eq!(suspicions.cut_trial(None), None);
        assert!(!is_trial(&suspicions));
    }

    #[test]
    fn a_suspect_that_is_acknowledged_is_acquitted_and_so_are_those_that_were_with_it() {
        let mut suspicions = suspicious();
        suspicions.acknowledged(place(0, 5));
        assert!(is_trial(&suspicions), "6 to 9 were under way, too");
        suspicions.acknowledged(place(0, 9));
        assert!(!is_trial(&suspicions));
    }

    #[test]
    fn a_culprit_behind_the_suspect_is_found_by_the_next_trial() {
        let mut suspicions = suspicious();
        suspicions.acknowledged(place(0, 5));
        assert_eq!(suspicions.cut_trial(Some(place(0, 6))), None);
        assert!(is_trial(&suspicions));
        let culprit = suspicions.cut_trial(Some(place(0, 6)));
        assert_eq!(culprit.map(|culprit| culprit.place), Some(place(0, 6)));
    }

    #[test]
    fn a_suspect_of_one_outbox_is_found_although_another_makes_progress() {
        let mut suspicions = Suspicions::default();
        suspicions.cut(&[under_way(0, 5, 9), under_way(1, 70, 71)]);
        suspicions.cut(&[under_way(0, 8, 9), under_way(1, 70, 71)]);
        assert!(is_trial(&suspicions));
        let culprit = suspicions.cut_trial(Some(place(1, 70)));
        assert_eq!(culprit.map(|culprit| culprit.place), Some(place(1, 70)));
    }
}
