//! The lights of one junction: what was announced, run forward to any moment.

use heapless::Vec;

use super::input::{Announcement, Light, Moment, NodeId};
use crate::time::{Span, Timestamp};

/// How many phases a junction may have.
pub const PHASES_PER_JUNCTION: usize = 64;
/// How many announced lights a phase may have.
pub const ANNOUNCEMENTS_PER_PHASE: usize = 16;

/// After this silence the lights are not known any more. Signals are broadcast at least every
/// 500 ms (T/CSAE 159-2020), so this is six messages lost in a row.
pub const SIGNAL_AGE_MAX: Span = Span::from_millis(3_000);

/// When the end of the last announced light has passed, it is held for one more broadcast period
/// before it counts as unknown.
const OVERTIME_MAX: Span = Span::from_millis(500);

/// A sender whose time stamp is further off than this has a wrong clock; its times are then taken
/// relative to its own stamp, as of reception. The standard allows 150 ms.
pub const SIGNAL_CLOCK_ERROR_MAX: Span = Span::from_millis(2_000);

/// What a phase shows at a moment, and for how long.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PhaseState {
    /// The light.
    pub light: Light,
    /// Until the light changes; zero or more.
    pub change: Countdown,
}

/// Time until a light changes; `None` where it is not known, or more than an hour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Countdown {
    /// At the earliest.
    pub min: Option<Span>,
    /// Most likely.
    pub likely: Option<Span>,
    /// At the latest.
    pub max: Option<Span>,
}

/// The plan of one phase as last announced.
#[derive(Clone, Debug)]
pub(super) struct Phase {
    pub(super) id: u8,
    generated: Timestamp,
    announcements: Vec<Stored, ANNOUNCEMENTS_PER_PHASE>,
    shown: Light,
    shown_since: Timestamp,
}

/// An announcement in half the space: milliseconds from the message's time stamp.
#[derive(Clone, Copy, Debug)]
struct Stored {
    light: Light,
    start: Offset,
    min_end: Offset,
    likely_end: Offset,
    max_end: Offset,
    next_start: Offset,
    next_end: Offset,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Offset(i32);

impl Offset {
    const UNKNOWN: Self = Self(i32::MIN);
    const BEYOND: Self = Self(i32::MAX);

    fn new(moment: Moment, generated: Timestamp) -> Self {
        match moment {
            Moment::Unknown => Self::UNKNOWN,
            Moment::Beyond => Self::BEYOND,
            Moment::At(time) => i32::try_from((time - generated).as_millis())
                .ok()
                .filter(|millis| *millis > i32::MIN)
                .map_or(Self::BEYOND, Self),
        }
    }

    fn millis(self) -> Option<i64> {
        (self != Self::UNKNOWN && self != Self::BEYOND).then_some(i64::from(self.0))
    }

    fn until(self, at: i64) -> Option<Span> {
        Some(Span::from_millis((self.millis()? - at).max(0)))
    }
}

impl Stored {
    /// The times within which the light is shown, in order: as announced, and the next time.
    fn spells(&self) -> [Option<(i64, Option<i64>)>; 2] {
        // A light whose start is not told is shown from the beginning.
        let start = self.start.millis().unwrap_or(0);
        let end = self.likely_end.millis();
        let again = self.next_start.millis().zip(self.next_end.millis());
        [
            Some((start, end)),
            again.map(|(start, end)| (start, Some(end))),
        ]
    }
}

impl Phase {
    pub(super) fn new(id: u8, generated: Timestamp) -> Self {
        Self {
            id,
            generated,
            announcements: Vec::new(),
            shown: Light::Unavailable,
            shown_since: generated,
        }
    }

    /// Drops the plan for a new one, whose announcements follow.
    pub(super) fn begin(&mut self, generated: Timestamp) {
        self.announcements.clear();
        self.generated = generated;
    }

    /// Adds to the plan; false when it is full. `origin` is what the announcement's times were
    /// resolved with.
    pub(super) fn announce(&mut self, announcement: &Announcement, origin: Timestamp) -> bool {
        let offset = |moment| Offset::new(moment, origin);
        self.announcements
            .push(Stored {
                light: announcement.light,
                start: offset(announcement.start),
                min_end: offset(announcement.min_end),
                likely_end: offset(announcement.likely_end),
                max_end: offset(announcement.max_end),
                next_start: offset(announcement.next_start),
                next_end: offset(announcement.next_end),
            })
            .is_ok()
    }

    /// Takes down when the light changed, once a plan is complete.
    pub(super) fn observe(&mut self) {
        let shown = self.state(self.generated).light;
        if shown != self.shown {
            self.shown = shown;
            self.shown_since = self.generated;
        }
    }

    /// For how long this phase has shown green without a break, as far as it was observed.
    pub(super) fn green_for(&self, now: Timestamp) -> Option<Span> {
        (self.shown.is_green() && self.state(now).light == self.shown)
            .then(|| now.age_since(self.shown_since))
    }

    pub(super) fn is_stale(&self, now: Timestamp) -> bool {
        now.age_since(self.generated) > SIGNAL_AGE_MAX
    }

    /// What the phase shows at `now`, and until when.
    ///
    /// Announcements that say nothing (light unavailable, or without any duration) are passed
    /// over: some controllers fill their message with them. When the end of everything announced
    /// has passed, the last light is held for a moment, then it is unknown.
    pub(super) fn state(&self, now: Timestamp) -> PhaseState {
        if self.is_stale(now) {
            return PhaseState::default();
        }
        let at = (now - self.generated).as_millis();
        let mut latest: Option<(i64, PhaseState)> = None;
        for stored in &self.announcements {
            if stored.light == Light::Unavailable {
                continue;
            }
            for (spell, (start, end)) in stored.spells().into_iter().flatten().enumerate() {
                // A message in flight may have been stamped a moment ahead of our clock.
                let begun = start <= at.max(0);
                if !begun || end.is_some_and(|end| end <= start) {
                    continue;
                }
                let state = PhaseState {
                    light: stored.light,
                    change: match spell {
                        0 => Countdown {
                            min: stored.min_end.until(at),
                            likely: stored.likely_end.until(at),
                            max: stored.max_end.until(at),
                        },
                        _ => Countdown {
                            likely: stored.next_end.until(at),
                            ..Countdown::default()
                        },
                    },
                };
                let end = end.unwrap_or(i64::MAX);
                if at < end {
                    return state;
                }
                let max_end = stored.max_end.millis().filter(|_| spell == 0);
                let over = max_end.map_or(end, |max| max.max(end));
                if latest.is_none_or(|(before, _)| over >= before) {
                    latest = Some((over, state));
                }
            }
        }
        latest
            .filter(|(end, _)| at < end + OVERTIME_MAX.as_millis())
            .map_or(PhaseState::default(), |(_, state)| state)
    }
}

/// All phases of one junction.
pub(super) struct Signals {
    pub(super) node: Option<NodeId>,
    pub(super) generated: Timestamp,
    pub(super) phases: Vec<Phase, PHASES_PER_JUNCTION>,
}

impl Signals {
    pub(super) const EMPTY: Self = Self {
        node: None,
        generated: Timestamp::from_micros(0),
        phases: Vec::new(),
    };

    pub(super) fn clear(&mut self) {
        self.node = None;
        self.phases.clear();
        self.generated = Timestamp::from_micros(0);
    }

    pub(super) fn phase(&self, id: u8) -> Option<&Phase> {
        self.phases.iter().find(|phase| phase.id == id)
    }
}
