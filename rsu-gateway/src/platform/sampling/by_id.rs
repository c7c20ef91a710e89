//! When each vehicle is due again, in bounded memory.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::mem;

use rsu_firmware::message::TemporaryId;
use rsu_firmware::time::{Span, Timestamp};

use super::Rate;

/// How many vehicles heard within a second are told apart: as many as the fusion keeps.
pub const VEHICLES_MAX: usize = rsu_firmware::fusion::VEHICLES;

/// A vehicle counts as heard for so long: ten broadcasts.
const GENERATION: Span = Span::from_millis(1_000);

const SECOND_MICROS: i64 = 1_000_000;

/// What is a little early still passes: vehicles send every 100 ms with some jitter.
const EARLY_MAX: Span = Span::from_millis(50);

/// Paces vehicles. Two generations are kept, this second's and the one before: who is heard moves
/// into this one, who is not is forgotten with the old one. That takes constant time a message,
/// and a flood of invented ids can neither grow it nor slow it down.
#[derive(Debug, Default)]
pub(super) struct VehiclePacer {
    current: HashMap<TemporaryId, Timestamp>,
    previous: HashMap<TemporaryId, Timestamp>,
    /// When this generation began.
    began: Option<Timestamp>,
    /// Vehicles heard in the whole second before.
    heard_before: usize,
    evicted: u64,
}

/// A vehicle whose turn it is.
pub(super) struct Due<'a> {
    next: &'a mut Timestamp,
    then: Timestamp,
}

impl Due<'_> {
    /// Uses the turn; otherwise the vehicle stays due.
    pub(super) fn take(self) {
        *self.next = self.then;
    }
}

impl VehiclePacer {
    /// The turn of vehicle `id`, if it has one at `now`: `rate` of its messages per second, or its
    /// share of `limit` where that is less.
    pub(super) fn due(
        &mut self,
        now: Timestamp,
        id: TemporaryId,
        rate: Rate,
        limit: Rate,
    ) -> Option<Due<'_>> {
        self.turn_generation(now);
        if self.current.len() >= VEHICLES_MAX && !self.current.contains_key(&id) {
            let next = self.previous.remove(&id);
            self.evicted += self.previous.len() as u64;
            self.begin_generation(now);
            self.previous.extend(next.map(|next| (id, next)));
        }
        let period = period(rate, limit, self.heard().max(1))?;
        let early = Span::from_micros(period.as_micros() / 2).min(EARLY_MAX);
        let next = match self.current.entry(id) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => new.insert(self.previous.remove(&id).unwrap_or(now)),
        };
        // A clock that was set back must not silence a vehicle.
        *next = (*next).min(now + period + early);
        let is_due = now + early >= *next;
        is_due.then(|| Due {
            then: (*next).max(now) + period,
            next,
        })
    }

    /// Messages per second of each vehicle at present, rounded up.
    pub(super) fn actual_rate(&self, rate: Rate, limit: Rate) -> Rate {
        let period = period(rate, limit, self.heard().max(1));
        period.map_or(Rate::NONE, |period| {
            let micros = period.as_micros().max(1);
            let per_second = Rate::try_from((SECOND_MICROS + micros - 1) / micros);
            per_second.unwrap_or(rate).min(rate)
        })
    }

    /// How many vehicles are heard at present.
    pub(super) fn heard(&self) -> usize {
        self.heard_before.max(self.current.len())
    }

    /// Vehicles forgotten while still being heard of.
    pub(super) fn evicted(&self) -> u64 {
        self.evicted
    }

    fn turn_generation(&mut self, now: Timestamp) {
        let began = *self.began.get_or_insert(now);
        let age = now - began;
        if age < Span::default() || age >= GENERATION {
            self.begin_generation(now);
        }
    }

    fn begin_generation(&mut self, now: Timestamp) {
        self.began = Some(now);
        self.heard_before = self.current.len();
        mem::swap(&mut self.current, &mut self.previous);
        self.current.clear();
    }
}

/// Between two messages of one vehicle; `None` where none may pass.
///
/// Shares leave an eighth of the limit free: were all of it given out, those whose messages happen
/// to come when the limit has just been reached would starve.
fn period(rate: Rate, limit: Rate, vehicles: usize) -> Option<Span> {
    let rate = i64::from(rate.per_second());
    let limit = i64::from(limit.per_second());
    if rate == 0 || limit == 0 {
        return None;
    }
    let vehicles = vehicles.min(VEHICLES_MAX) as i64;
    let of_share = vehicles * SECOND_MICROS * 8 / (limit * 7);
    Some(Span::from_micros((SECOND_MICROS / rate).max(of_share)))
}
