//! The outboxes as one connection sees them: which record goes next.

use std::sync::Arc;

use super::outbox::{Outbox, OutboxRecord};
use super::window::Place;

/// An outbox that the uplink sends from.
#[derive(Clone)]
pub(super) struct NamedOutbox {
    /// Never used again for another one.
    pub(super) id: usize,
    pub(super) name: &'static str,
    pub(super) store: Arc<dyn Outbox>,
    /// Forgotten once it holds nothing.
    pub(super) is_passing: bool,
}

/// The outboxes in order of preference.
#[derive(Default)]
pub(super) struct Lanes(Vec<Lane>);

struct Lane {
    outbox: NamedOutbox,
    /// The last record that this connection took.
    taken_up_to: u64,
    /// The last record that any connection took.
    ever_taken_up_to: u64,
    /// The last record that was there when the connection was made.
    backfill_up_to: u64,
}

/// A record whose turn it is.
pub(super) struct Next {
    pub(super) outbox: NamedOutbox,
    pub(super) place: Place,
    pub(super) record: OutboxRecord,
    pub(super) is_backfill: bool,
    pub(super) is_resent: bool,
}

impl Lanes {
    /// Adds and removes lanes so that they are those of `outboxes`.
    pub(super) fn update(&mut self, outboxes: &[NamedOutbox]) {
        self.0
            .retain(|lane| outboxes.iter().any(|outbox| outbox.id == lane.outbox.id));
        for outbox in outboxes {
            if !self.0.iter().any(|lane| lane.outbox.id == outbox.id) {
                self.0.push(Lane::new(outbox.clone()));
            }
        }
    }

    /// A fresh connection: everything unacknowledged goes again, at the pace of back-fill.
    pub(super) fn start_over(&mut self) {
        for lane in &mut self.0 {
            lane.taken_up_to = 0;
            lane.backfill_up_to = lane.outbox.store.stats().last_sequence;
        }
    }

    /// The next record of the most preferred outbox that has one; with `backfill` unset, only
    /// records that are newer than the connection. Sets `held_back` if there is one that is not.
    pub(super) fn next(&mut self, backfill: bool, held_back: &mut bool) -> Option<Next> {
        for lane in &mut self.0 {
            let is_backfill = lane.taken_up_to < lane.backfill_up_to;
            if is_backfill && !backfill && *held_back {
                continue;
            }
            let Some(record) = lane.outbox.store.next_after(lane.taken_up_to) else {
                continue;
            };
            let sequence = record.sequence;
            let is_backfill = sequence <= lane.backfill_up_to;
            if is_backfill && !backfill {
                *held_back = true;
                continue;
            }
            let is_resent = sequence <= lane.ever_taken_up_to;
            lane.taken_up_to = sequence;
            lane.ever_taken_up_to = sequence.max(lane.ever_taken_up_to);
            return Some(Next {
                outbox: lane.outbox.clone(),
                place: Place {
                    outbox: lane.outbox.id,
                    sequence,
                },
                record,
                is_backfill,
                is_resent,
            });
        }
        None
    }

    pub(super) fn store(&self, id: usize) -> Option<&NamedOutbox> {
        let lane = self.0.iter().find(|lane| lane.outbox.id == id)?;
        Some(&lane.outbox)
    }

    pub(super) fn outboxes(&self) -> impl Iterator<Item = &NamedOutbox> {
        self.0.iter().map(|lane| &lane.outbox)
    }
}

impl Lane {
    fn new(outbox: NamedOutbox) -> Self {
        Self {
            taken_up_to: 0,
            ever_taken_up_to: 0,
            backfill_up_to: outbox.store.stats().last_sequence,
            outbox,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    use tokio::sync::Notify;

    use crate::mqtt::{Outbox, OutboxRecord, OutboxStats, Poison, Publish};

    /// Holds the records after the first number up to the second.
    #[derive(Default)]
    struct Numbers(Mutex<(u64, u64)>, Notify);

    impl Outbox for Numbers {
        fn next_after(&self, sequence: u64) -> Option<OutboxRecord> {
            let (acknowledged, newest) = *self.0.lock().unwrap();
            let sequence = sequence.max(acknowledged) + 1;
            (sequence <= newest).then(|| OutboxRecord {
                sequence,
                appended: None,
                publish: Publish::new("a", "1"),
            })
        }

        fn ack(&self, sequence: u64) {
            self.0.lock().unwrap().0 = sequence;
        }

        fn quarantine(&self, sequence: u64, why: &Poison) {
            panic!("{sequence} is no poison, but: {why}");
        }

        fn changed(&self) -> &Notify {
            &self.1
        }

        fn stats(&self) -> OutboxStats {
            let (acknowledged, last_sequence) = *self.0.lock().unwrap();
            OutboxStats {
                records: last_sequence - acknowledged,
                last_sequence,
                ..OutboxStats::default()
            }
        }
    }

    fn outbox(id: usize) -> (Arc<Numbers>, NamedOutbox) {
        let store = Arc::new(Numbers::default());
        let named = NamedOutbox {
            id,
            name: "test",
            store: store.clone(),
            is_passing: false,
        };
        (store, named)
    }

    fn append(store: &Numbers, records: u64) {
        store.0.lock().unwrap().1 += records;
    }

    fn next(lanes: &mut Lanes, backfill: bool) -> Option<(usize, u64)> {
        let next = lanes.next(backfill, &mut false)?;
        Some((next.place.outbox, next.place.sequence))
    }

    #[test]
    fn the_preferred_outbox_goes_first() {
        let ((durable, first), (spilled, second)) = (outbox(0), outbox(1));
        append(&spilled, 1);
        append(&durable, 2);
        let mut lanes = Lanes::default();
        lanes.update(&[first, second]);
        let order: Vec<_> = std::iter::from_fn(|| next(&mut lanes, true)).collect();
        assert_eq!(order, [(0, 1), (0, 2), (1, 1)]);
    }

    #[test]
    fn while_backfill_is_held_back_new_records_of_other_outboxes_go() {
        let ((durable, first), (spilled, second)) = (outbox(0), outbox(1));
        append(&durable, 1);
        let mut lanes = Lanes::default();
        lanes.update(&[first, second]);
        append(&durable, 1);
        append(&spilled, 1);
        let mut held_back = false;
        let place = lanes.next(false, &mut held_back).unwrap().place;
        assert_eq!((place.outbox, place.sequence), (1, 1));
        assert!(held_back);
        assert_eq!(
            next(&mut lanes, false),
            None,
            "order within an outbox is kept"
        );
        assert_eq!(next(&mut lanes, true), Some((0, 1)));
        assert_eq!(next(&mut lanes, false), Some((0, 2)));
    }

    #[test]
    fn a_fresh_connection_starts_with_what_is_not_acknowledged() {
        let (durable, first) = outbox(0);
        append(&durable, 3);
        let mut lanes = Lanes::default();
        lanes.update(&[first]);
        for _ in 0..2 {
            assert!(!lanes.next(true, &mut false).unwrap().is_resent);
        }
        durable.ack(1);
        lanes.start_over();
        let resent = std::iter::from_fn(|| lanes.next(true, &mut false));
        let resent: Vec<_> = resent
            .map(|next| (next.place.sequence, next.is_resent))
            .collect();
        assert_eq!(resent, [(2, true), (3, false)]);
    }

    #[test]
    fn an_outbox_that_is_gone_is_forgotten() {
        let ((durable, first), (spilled, second)) = (outbox(0), outbox(1));
        append(&durable, 1);
        append(&spilled, 1);
        let mut lanes = Lanes::default();
        lanes.update(&[first.clone(), second.clone()]);
        lanes.update(&[second]);
        assert_eq!(next(&mut lanes, true), Some((1, 1)));
        assert_eq!(next(&mut lanes, true), None);
    }
}
