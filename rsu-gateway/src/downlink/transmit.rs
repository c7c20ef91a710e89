//! What waits to go on the air: the broadcasts that the platform ordered, each due again and again
//! until it ends. Sans-IO: who has a radio asks [`Transmit::poll_transmit`].

use std::collections::VecDeque;

use rsu_firmware::message::MsgCount;
use rsu_firmware::network::{Aid, DSM_LENGTH_MAX};
use rsu_firmware::time::Timestamp;
use rsu_firmware::uper::Profile;

use super::broadcast::{Broadcast, BroadcastKey, TRANSMIT_MESSAGES_MAX, broadcasts_max};
use super::command::CommandKind;
use crate::platform::content::BroadcastState;

/// The transmit queue.
#[derive(Debug)]
pub struct Transmit {
    profile: Profile,
    slots: Vec<Slot>,
    /// The last count given to a message, by kind.
    counts: [u8; CommandKind::ALL.len()],
    buffer: Vec<u8>,
    changes: VecDeque<BroadcastChange>,
    changes_lost: u64,
}

#[derive(Debug)]
struct Slot {
    broadcast: Broadcast,
    state: BroadcastState,
    /// At once, if `None`.
    due: Option<Timestamp>,
}

/// A broadcast has come to another state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BroadcastChange {
    /// Which.
    pub key: BroadcastKey,
    /// To which state.
    pub state: BroadcastState,
}

/// A message to put into a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transmission<'a> {
    /// The application identifier of the frame.
    pub aid: Aid,
    /// The MessageFrame.
    pub bytes: &'a [u8],
}

/// Most changes that wait to be told.
const CHANGES_MAX: usize = 4 * TRANSMIT_MESSAGES_MAX;

impl Transmit {
    /// An empty queue, for messages of this edition.
    pub fn new(profile: Profile) -> Self {
        Self {
            profile,
            slots: Vec::new(),
            counts: [0; CommandKind::ALL.len()],
            buffer: vec![0; DSM_LENGTH_MAX],
            changes: VecDeque::new(),
            changes_lost: 0,
        }
    }

    /// Adds a broadcast, or puts it in the place of that with the same key. Where as many of its
    /// kind are held as can be, the one accepted longest ago ends.
    pub fn put(&mut self, broadcast: Broadcast) {
        let held = self.slots.iter_mut();
        let mut held = held.filter(|slot| slot.broadcast.key == broadcast.key);
        if let Some(slot) = held.next() {
            slot.broadcast = broadcast;
            return;
        }
        let kind = broadcast.key.kind;
        if self.held(kind).count() >= broadcasts_max(kind) {
            let oldest = self.held(kind).min_by_key(|(held, _)| held.since_ms);
            if let Some(key) = oldest.map(|(held, _)| held.key.clone()) {
                self.end(&key);
            }
        }
        self.tell(&broadcast.key, BroadcastState::Waiting);
        self.slots.push(Slot {
            broadcast,
            state: BroadcastState::Waiting,
            due: None,
        });
    }

    /// Ends a broadcast, if it is held.
    pub fn end(&mut self, key: &BroadcastKey) {
        self.end_those(|broadcast| broadcast.key == *key);
    }

    /// Ends all RSMs but the first `kept`.
    pub fn end_rsms_beyond(&mut self, kept: usize) {
        self.end_those(|broadcast| {
            let place = broadcast.key.id.parse::<usize>();
            broadcast.key.kind == CommandKind::Rsm && place.is_ok_and(|place| place >= kept)
        });
    }

    /// Ends what is over at `now` by a clock that `is_trusted` or not.
    pub fn handle_timeout(&mut self, now: Timestamp, is_trusted: bool) {
        self.end_those(|broadcast| broadcast.has_ended(now, is_trusted));
    }

    /// A change of state that has not been told yet.
    pub fn poll_change(&mut self) -> Option<BroadcastChange> {
        self.changes.pop_front()
    }

    /// Changes of state that were never told, since nobody asked for so long.
    pub fn changes_lost(&self) -> u64 {
        self.changes_lost
    }

    /// The next message that is due by `now`. Call again until there is none.
    pub fn poll_transmit(&mut self, now: Timestamp) -> Option<Transmission<'_>> {
        let is_due = |slot: &&mut Slot| {
            let interval = slot.broadcast.class.interval();
            // A clock that was set back must not put it off.
            slot.due
                .is_none_or(|due| now >= due || due - now > interval)
        };
        let slot = self.slots.iter_mut().find(is_due)?;
        let class = slot.broadcast.class;
        slot.due = Some(now + class.interval());
        let count = self.counts.get_mut(slot.broadcast.key.kind as usize)?;
        *count = (*count + 1) % (MsgCount::MAX + 1);
        let count = MsgCount::saturating((*count).into());
        let encoded = slot.broadcast.encode(count, self.profile, &mut self.buffer);
        let is_first =
            std::mem::replace(&mut slot.state, BroadcastState::OnAir) == BroadcastState::Waiting;
        let key = slot.broadcast.key.clone();
        // What cannot be encoded was not accepted by this edition: it was kept from before the
        // edition was changed.
        let is_over = slot.broadcast.once || encoded.is_err();
        if is_first && encoded.is_ok() {
            self.tell(&key, BroadcastState::OnAir);
        }
        if is_over {
            self.end(&key);
        }
        Some(Transmission {
            aid: class.aid(),
            bytes: self.buffer.get(..encoded.ok()?)?,
        })
    }

    /// When [`Transmit::poll_transmit`] has something next; at once, if that is in the past.
    pub fn poll_timeout(&self) -> Option<Timestamp> {
        let long_ago = Timestamp::from_micros(i64::MIN);
        let due = self.slots.iter().map(|slot| slot.due.unwrap_or(long_ago));
        due.min()
    }

    /// The broadcasts of a kind, and how far each has come.
    pub fn held(&self, kind: CommandKind) -> impl Iterator<Item = (&Broadcast, BroadcastState)> {
        let slots = self.slots.iter().map(|slot| (&slot.broadcast, slot.state));
        slots.filter(move |(broadcast, _)| broadcast.key.kind == kind)
    }

    fn end_those(&mut self, mut is_over: impl FnMut(&Broadcast) -> bool) {
        let ended = self.slots.extract_if(.., |slot| is_over(&slot.broadcast));
        let ended: Vec<_> = ended.map(|slot| slot.broadcast.key).collect();
        for key in ended {
            self.tell(&key, BroadcastState::Ended);
        }
    }

    fn tell(&mut self, key: &BroadcastKey, state: BroadcastState) {
        if self.changes.len() >= CHANGES_MAX {
            self.changes.pop_front();
            self.changes_lost += 1;
        }
        let key = key.clone();
        self.changes.push_back(BroadcastChange { key, state });
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::downlink::broadcast::BroadcastClass;
    use rsu_firmware::message::MessageFrame;
    use serde_json::json;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(1_767_225_600_000 + millis)
    }

    fn key(kind: CommandKind, id: &str) -> BroadcastKey {
        let id = id.to_owned();
        BroadcastKey { kind, id }
    }

    fn map(id: &str) -> Broadcast {
        let message = json!({"mapFrame": {
            "msgCnt": 0, "nodes": [{"id": {"id": 7}, "refPos": {"lat": 0, "long": 0}}],
        }});
        Broadcast {
            key: key(CommandKind::Map, id),
            class: BroadcastClass::Map,
            etag: None,
            message: serde_json::from_value(message).unwrap(),
            once: false,
            since_ms: at(0).as_millis(),
            until_ms: None,
        }
    }

    fn spat(since: Timestamp) -> Broadcast {
        let message = json!({"spatFrame": {"msgCnt": 0, "intersections": [{
            "intersectionId": {"id": 7}, "status": "0000",
            "phases": [{"id": 1, "phaseStates": [{"light": "red"}]}],
        }]}});
        Broadcast {
            key: key(CommandKind::Spat, "7"),
            class: BroadcastClass::Spat,
            message: serde_json::from_value(message).unwrap(),
            since_ms: since.as_millis(),
            until_ms: Some((since.as_millis()) + 3_000),
            ..map("")
        }
    }

    fn sent(queue: &mut Transmit, now: Timestamp) -> Vec<(u32, u8)> {
        let mut sent = Vec::new();
        while let Some(transmission) = queue.poll_transmit(now) {
            let bytes = transmission.bytes;
            let count = match MessageFrame::decode(bytes, Profile::default()).unwrap() {
                MessageFrame::Map(map) => map.msg_cnt,
                MessageFrame::Spat(spat) => spat.msg_cnt,
                other => panic!("{other:?}"),
            };
            sent.push((transmission.aid.value(), count.value()));
        }
        sent
    }

    fn changes(queue: &mut Transmit) -> Vec<BroadcastState> {
        std::iter::from_fn(|| queue.poll_change())
            .map(|change| change.state)
            .collect()
    }

    #[test]
    fn each_goes_out_at_its_interval_with_a_count_of_its_kind() {
        let mut queue = Transmit::new(Profile::default());
        queue.put(map("1"));
        queue.put(spat(at(0)));
        assert_eq!(sent(&mut queue, at(0)), [(3618, 1), (3619, 1)]);
        assert_eq!(sent(&mut queue, at(199)), []);
        assert_eq!(queue.poll_timeout(), Some(at(200)));
        assert_eq!(sent(&mut queue, at(200)), [(3619, 2)]);
        assert_eq!(sent(&mut queue, at(1_000)), [(3618, 2), (3619, 3)]);
        // The clock was set back by an hour.
        assert_eq!(sent(&mut queue, at(-3_600_000)).len(), 2);
    }

    #[test]
    fn its_state_is_told_once_each() {
        let mut queue = Transmit::new(Profile::default());
        queue.put(spat(at(0)));
        assert_eq!(changes(&mut queue), [BroadcastState::Waiting]);
        sent(&mut queue, at(0));
        assert_eq!(changes(&mut queue), [BroadcastState::OnAir]);
        queue.put(spat(at(1_000)));
        sent(&mut queue, at(1_000));
        queue.handle_timeout(at(3_999), true);
        assert_eq!(changes(&mut queue), []);
        queue.handle_timeout(at(4_000), false);
        assert_eq!(changes(&mut queue), [BroadcastState::Ended]);
        assert_eq!(queue.poll_timeout(), None);
    }

    #[test]
    fn what_is_to_be_sent_once_ends_with_that() {
        let mut queue = Transmit::new(Profile::default());
        let once = Broadcast {
            once: true,
            ..map("1")
        };
        queue.put(once);
        assert_eq!(sent(&mut queue, at(0)).len(), 1);
        assert_eq!(sent(&mut queue, at(9_000)).len(), 0);
        let all = [
            BroadcastState::Waiting,
            BroadcastState::OnAir,
            BroadcastState::Ended,
        ];
        assert_eq!(changes(&mut queue), all);
    }

    #[test]
    fn a_clock_that_is_not_trusted_ends_only_what_lasts_for_seconds() {
        let mut queue = Transmit::new(Profile::default());
        let map = Broadcast {
            until_ms: Some(at(60_000).as_millis()),
            ..map("1")
        };
        queue.put(map);
        let ten_years_on = at(315_360_000_000);
        queue.handle_timeout(ten_years_on, false);
        assert_eq!(queue.held(CommandKind::Map).count(), 1);
        queue.handle_timeout(ten_years_on, true);
        assert_eq!(queue.held(CommandKind::Map).count(), 0);
        queue.put(spat(at(0)));
        queue.handle_timeout(at(-1), false);
        assert_eq!(queue.held(CommandKind::Spat).count(), 0);
    }

    #[test]
    fn of_a_kind_that_is_full_the_oldest_makes_way() {
        let mut queue = Transmit::new(Profile::default());
        let max = broadcasts_max(CommandKind::Map);
        for place in 0..=max {
            queue.put(Broadcast {
                since_ms: at(place as i64).as_millis(),
                ..map(&place.to_string())
            });
        }
        assert_eq!(queue.held(CommandKind::Map).count(), max);
        let mut held = queue.held(CommandKind::Map);
        assert!(held.all(|(broadcast, _)| broadcast.key.id != "0"));
    }

    #[test]
    fn what_another_edition_forbids_ends() {
        let mut queue = Transmit::new(Profile::Ydt3709_2020);
        let link = json!({"upstreamNodeId": {"id": 8}, "lanes": [{"laneID": 1}]});
        let message = json!({"mapFrame": {"msgCnt": 0, "nodes": [
            {"id": {"id": 7}, "refPos": {"lat": 0, "long": 0}, "inLinks": [link]},
        ]}});
        let mut older = map("1");
        older.message = serde_json::from_value(message).unwrap();
        queue.put(older);
        assert_eq!(queue.poll_transmit(at(0)), None);
        let ended = [BroadcastState::Waiting, BroadcastState::Ended];
        assert_eq!(changes(&mut queue), ended);
    }
}
