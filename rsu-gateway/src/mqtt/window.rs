//! Which QoS 1 publishes of one connection are under way, and how far they are acknowledged.
//!
//! The client library tells the packet id of a publish only after it was sent, and brokers may
//! acknowledge out of order. The window joins both to the records they belong to; each outbox
//! learns only its own contiguous acknowledged prefix, so that whatever a cut connection leaves
//! behind is sent again, in order.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::poison::UnderWay;

/// Invariant: the span from the oldest unacknowledged publish to the newest never exceeds
/// `span_max`, which is below the client library's packet id range: ids cannot collide.
#[derive(Debug)]
pub(super) struct Window {
    entries: VecDeque<Entry>,
    span_max: usize,
    /// When the oldest entry became the oldest, or was sent if that was later.
    oldest_since: Option<Instant>,
}

/// A record: in which outbox, and where there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    /// The outbox's place in the order of preference.
    pub(super) outbox: usize,
    pub(super) sequence: u64,
}

/// What went into the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct InFlight {
    pub(super) place: Place,
    /// Topic and payload bytes that count as back-fill.
    pub(super) backfill_bytes: usize,
    /// When it was appended to its outbox, if that is known.
    pub(super) appended: Option<Instant>,
}

#[derive(Debug)]
struct Entry {
    /// `None` for a publish that is not kept.
    record: Option<InFlight>,
    /// Where the outbox has not been told yet that it is done.
    untold: Option<Place>,
    state: State,
}

#[derive(Debug, PartialEq, Eq)]
enum State {
    /// Given to the client library, which has not told the packet id yet.
    Handed,
    Sent(u16),
    Done,
}

/// What a PUBACK meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Acknowledged {
    /// The record that it was for; `None` for a publish that is not kept.
    pub(super) record: Option<InFlight>,
    /// Up to where the record's outbox is acknowledged now, if that moved.
    pub(super) prefix: Option<Place>,
}

/// The broker or the client library said something about a publish that is not under way. The
/// join is lost: only a fresh connection restores it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum JoinError {
    #[error("packet id {0} was sent, but no publish waits for its id")]
    UnexpectedSend(u16),
    #[error("the broker acknowledged packet id {0}, which is not under way")]
    UnexpectedAck(u16),
}

impl Window {
    pub(super) fn new(span_max: usize) -> Self {
        Self {
            entries: VecDeque::with_capacity(span_max),
            span_max,
            oldest_since: None,
        }
    }

    pub(super) fn is_full(&self) -> bool {
        self.entries.len() >= self.span_max
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Publishes handed over or sent and not yet acknowledged.
    pub(super) fn in_flight(&self) -> usize {
        let is_open = |entry: &&Entry| entry.state != State::Done;
        self.entries.iter().filter(is_open).count()
    }

    /// A publish goes to the client library; `record` is `None` for one that is not kept.
    pub(super) fn hand(&mut self, record: Option<InFlight>) {
        debug_assert!(!self.is_full());
        self.entries.push_back(Entry {
            record,
            untold: record.map(|record| record.place),
            state: State::Handed,
        });
    }

    /// The record at `place` will not be sent. Returns up to where its outbox is acknowledged,
    /// if that moved.
    pub(super) fn skip(&mut self, place: Place, now: Instant) -> Option<Place> {
        self.entries.push_back(Entry {
            record: None,
            untold: Some(place),
            state: State::Done,
        });
        self.prefix(place.outbox, now)
    }

    /// The client library sent the oldest publish that was waiting for its packet id.
    pub(super) fn sent(&mut self, packet_id: u16, now: Instant) -> Result<(), JoinError> {
        let is_handed = |entry: &Entry| entry.state == State::Handed;
        let index = self.entries.iter().position(is_handed);
        let entry = index
            .and_then(|index| self.entries.get_mut(index))
            .ok_or(JoinError::UnexpectedSend(packet_id))?;
        entry.state = State::Sent(packet_id);
        if index == Some(0) {
            self.oldest_since = Some(now);
        }
        Ok(())
    }

    /// A PUBACK came.
    pub(super) fn acknowledged(
        &mut self,
        packet_id: u16,
        now: Instant,
    ) -> Result<Acknowledged, JoinError> {
        let entry = self
            .entries
            .iter_mut()
            .find(|entry| entry.state == State::Sent(packet_id))
            .ok_or(JoinError::UnexpectedAck(packet_id))?;
        entry.state = State::Done;
        let record = entry.record;
        let prefix = match record {
            Some(record) => self.prefix(record.place.outbox, now),
            None => {
                self.pop_done(now);
                None
            }
        };
        Ok(Acknowledged { record, prefix })
    }

    /// What each outbox had under way and unacknowledged, if the broker may have seen it.
    pub(super) fn under_way(&self) -> Vec<UnderWay> {
        let mut under_way: Vec<UnderWay> = Vec::new();
        let is_sent = |entry: &&Entry| matches!(entry.state, State::Sent(_));
        let sent = self.entries.iter().filter(is_sent);
        for place in sent
            .filter_map(|entry| entry.record)
            .map(|record| record.place)
        {
            let known = under_way
                .iter_mut()
                .find(|u| u.oldest.outbox == place.outbox);
            match known {
                Some(known) => known.newest_sequence = place.sequence,
                None => under_way.push(UnderWay {
                    oldest: place,
                    newest_sequence: place.sequence,
                }),
            }
        }
        under_way
    }

    /// When the oldest publish will have waited `patience` for its PUBACK.
    pub(super) fn overdue_at(&self, patience: Duration) -> Option<Instant> {
        let oldest = self.entries.front()?;
        match oldest.state {
            State::Sent(_) => self.oldest_since?.checked_add(patience),
            State::Handed | State::Done => None,
        }
    }

    /// Up to where `outbox` is acknowledged now, if that moved.
    fn prefix(&mut self, outbox: usize, now: Instant) -> Option<Place> {
        let mut prefix = None;
        let of_outbox = |entry: &&mut Entry| entry.untold.is_some_and(|p| p.outbox == outbox);
        for entry in self.entries.iter_mut().filter(of_outbox) {
            if entry.state != State::Done {
                break;
            }
            prefix = entry.untold.take();
        }
        self.pop_done(now);
        prefix
    }

    fn pop_done(&mut self, now: Instant) {
        while self.entries.front().is_some_and(|e| e.state == State::Done) {
            self.oldest_since = Some(now);
            self.entries.pop_front();
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(20);

    fn at(seconds: u64) -> Instant {
        use std::sync::LazyLock;
        static START: LazyLock<Instant> = LazyLock::new(Instant::now);
        *START + Duration::from_secs(seconds)
    }

    fn place(sequence: u64) -> Place {
        Place {
            outbox: 0,
            sequence,
        }
    }

    fn record(place: Place) -> Option<InFlight> {
        Some(InFlight {
            place,
            backfill_bytes: 0,
            appended: None,
        })
    }

    /// The prefix of the first outbox that the acknowledgement moved.
    fn prefix(window: &mut Window, packet_id: u16, second: u64) -> Result<Option<u64>, JoinError> {
        let acknowledged = window.acknowledged(packet_id, at(second))?;
        Ok(acknowledged.prefix.map(|place| place.sequence))
    }

    /// A window in which the records 11, 12, 13 were sent under the packet ids 1, 2, 3.
    fn three_under_way() -> Window {
        let mut window = Window::new(3);
        for (packet_id, sequence) in [(1, 11), (2, 12), (3, 13)] {
            window.hand(record(place(sequence)));
            window.sent(packet_id, at(0)).unwrap();
        }
        window
    }

    #[test]
    fn acknowledgements_in_order_move_the_prefix_one_by_one() {
        let mut window = three_under_way();
        assert_eq!(prefix(&mut window, 1, 1), Ok(Some(11)));
        assert_eq!(prefix(&mut window, 2, 1), Ok(Some(12)));
        assert_eq!(prefix(&mut window, 3, 1), Ok(Some(13)));
        assert!(window.is_empty());
    }

    #[test]
    fn an_acknowledgement_out_of_order_waits_for_the_ones_before_it() {
        let mut window = three_under_way();
        assert_eq!(prefix(&mut window, 3, 1), Ok(None));
        assert_eq!(prefix(&mut window, 2, 1), Ok(None));
        assert_eq!(window.in_flight(), 1);
        assert!(
            window.is_full(),
            "the span counts, not the number of open ones"
        );
        assert_eq!(prefix(&mut window, 1, 1), Ok(Some(13)));
        assert!(window.is_empty());
    }

    #[test]
    fn packet_ids_are_joined_in_the_order_of_handing_over() {
        let mut window = Window::new(4);
        window.hand(record(place(11)));
        window.hand(None);
        window.hand(record(place(12)));
        window.sent(7, at(0)).unwrap();
        window.sent(8, at(0)).unwrap();
        window.sent(9, at(0)).unwrap();
        assert_eq!(prefix(&mut window, 9, 0), Ok(None));
        let after_both = prefix(&mut window, 7, 0);
        assert_eq!(after_both, Ok(Some(12)), "not held up by what is not kept");
        assert_eq!(prefix(&mut window, 8, 0), Ok(None));
        assert!(window.is_empty());
    }

    #[test]
    fn a_publish_that_is_not_kept_moves_no_prefix() {
        let mut window = Window::new(1);
        window.hand(None);
        window.sent(1, at(0)).unwrap();
        assert_eq!(prefix(&mut window, 1, 0), Ok(None));
        assert!(window.is_empty());
    }

    #[test]
    fn an_acknowledgement_for_nothing_is_an_error() {
        let mut window = three_under_way();
        assert_eq!(prefix(&mut window, 4, 0), Err(JoinError::UnexpectedAck(4)));
        assert_eq!(prefix(&mut window, 2, 0), Ok(None));
        assert_eq!(prefix(&mut window, 2, 0), Err(JoinError::UnexpectedAck(2)));
    }

    #[test]
    fn an_acknowledgement_before_the_send_was_told_is_an_error() {
        let mut window = Window::new(1);
        window.hand(record(place(11)));
        assert_eq!(prefix(&mut window, 1, 0), Err(JoinError::UnexpectedAck(1)));
    }

    #[test]
    fn a_send_that_nobody_asked_for_is_an_error() {
        let mut window = three_under_way();
        assert_eq!(window.sent(4, at(0)), Err(JoinError::UnexpectedSend(4)));
    }

    #[test]
    fn a_skipped_record_moves_the_prefix_only_behind_the_ones_before_it() {
        let mut window = Window::new(3);
        assert_eq!(window.skip(place(10), at(0)), Some(place(10)));
        window.hand(record(place(11)));
        window.sent(1, at(0)).unwrap();
        assert_eq!(window.skip(place(12), at(0)), None);
        assert_eq!(prefix(&mut window, 1, 0), Ok(Some(12)));
    }

    #[test]
    fn each_outbox_has_its_own_prefix() {
        let mut window = Window::new(4);
        let other = |sequence| Place {
            outbox: 1,
            sequence,
        };
        for (packet_id, place) in [(1, place(11)), (2, other(7)), (3, place(12)), (4, other(8))] {
            window.hand(record(place));
            window.sent(packet_id, at(0)).unwrap();
        }
        let mut prefix = |packet_id| window.acknowledged(packet_id, at(0)).unwrap().prefix;
        assert_eq!(prefix(2), Some(other(7)), "not held up by the first outbox");
        assert_eq!(prefix(3), None);
        assert_eq!(prefix(4), Some(other(8)));
        assert_eq!(prefix(1), Some(place(12)));
        assert!(window.is_empty());
    }

    #[test]
    fn what_the_broker_may_have_seen_and_not_acknowledged_is_under_way() {
        let mut window = three_under_way();
        window.acknowledged(1, at(0)).unwrap();
        window.acknowledged(2, at(0)).unwrap();
        window.hand(record(place(14)));
        let seen = UnderWay {
            oldest: place(13),
            newest_sequence: 13,
        };
        assert_eq!(window.under_way(), [seen], "14 was not sent yet");
    }

    #[test]
    fn the_oldest_publish_is_overdue_after_the_patience() {
        let mut window = Window::new(3);
        assert_eq!(window.overdue_at(PATIENCE), None);
        window.hand(record(place(11)));
        assert_eq!(window.overdue_at(PATIENCE), None, "not sent yet");
        window.sent(1, at(5)).unwrap();
        assert_eq!(window.overdue_at(PATIENCE), Some(at(25)));
    }

    #[test]
    fn only_progress_at_the_front_renews_the_patience() {
        let mut window = three_under_way();
        window.acknowledged(2, at(10)).unwrap();
        assert_eq!(window.overdue_at(PATIENCE), Some(at(20)));
        window.acknowledged(1, at(15)).unwrap();
        assert_eq!(window.overdue_at(PATIENCE), Some(at(35)));
        window.acknowledged(3, at(16)).unwrap();
        assert_eq!(window.overdue_at(PATIENCE), None);
    }
}
