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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::input::TimeMarks;
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

    fn after(millis: i64) -> Timestamp {
        NOW + Span::from_millis(millis)
    }

    fn marks(start: u16, likely_end: u16) -> TimeMarks {
        TimeMarks {
            start,
            likely_end,
            ..TimeMarks::default()
        }
    }

    fn counting(light: Light, marks: &TimeMarks) -> Announcement {
        Announcement::counting_down(light, marks, NOW)
    }

    fn phase(announcements: &[Announcement]) -> Phase {
        let mut phase = Phase::new(1, NOW);
        phase.begin(NOW);
        for announcement in announcements {
            assert!(phase.announce(announcement, NOW));
        }
        phase.observe();
        phase
    }

    /// The light at a time, and the milliseconds until it likely changes.
    fn shown(phase: &Phase, millis: i64) -> (Light, Option<i64>) {
        let state = phase.state(after(millis));
        (
            state.light,
            state.change.likely.map(|span| span.as_millis()),
        )
    }

    #[test]
    fn the_plan_runs_forward_through_the_announced_lights() {
        let phase = phase(&[
            counting(Light::ProtectedGreen, &marks(0, 10)),
            counting(Light::Yellow, &marks(10, 20)),
            counting(Light::Red, &marks(20, 600)),
        ]);
        assert_eq!(shown(&phase, 0), (Light::ProtectedGreen, Some(1_000)));
        assert_eq!(shown(&phase, 999), (Light::ProtectedGreen, Some(1)));
        assert_eq!(shown(&phase, 1_000), (Light::Yellow, Some(1_000)));
        assert_eq!(shown(&phase, 2_500), (Light::Red, Some(57_500)));
    }

    #[test]
    fn a_light_comes_again_at_its_next_start() {
        let again = TimeMarks {
            next_start: Some(20),
            next_end: Some(400),
            ..marks(0, 10)
        };
        let phase = phase(&[
            counting(Light::Red, &again),
            counting(Light::Yellow, &marks(10, 20)),
        ]);
        assert_eq!(shown(&phase, 1_500), (Light::Yellow, Some(500)));
        assert_eq!(shown(&phase, 2_500), (Light::Red, Some(39_500)));
    }

    #[test]
    fn earliest_and_latest_end_are_told_and_never_negative() {
        let actuated = TimeMarks {
            min_end: Some(5),
            max_end: Some(30),
            ..marks(0, 10)
        };
        let phase = phase(&[counting(Light::ProtectedGreen, &actuated)]);
        let change = phase.state(after(800)).change;
        assert_eq!(change.min, Some(Span::default()));
        assert_eq!(change.likely, Some(Span::from_millis(200)));
        assert_eq!(change.max, Some(Span::from_millis(2_200)));
        // Past its likely end it may last until the latest.
        assert_eq!(shown(&phase, 2_000), (Light::ProtectedGreen, Some(0)));
    }

    #[test]
    fn fillers_of_no_duration_are_passed_over() {
        let phase = phase(&[
            counting(Light::Unavailable, &marks(0, 0)),
            counting(Light::Red, &marks(0, 15)),
            counting(Light::Unavailable, &marks(15, 15)),
            counting(Light::ProtectedGreen, &marks(0, 0)),
        ]);
        assert_eq!(shown(&phase, 100), (Light::Red, Some(1_400)));
    }

    #[test]
    fn what_is_announced_no_further_is_soon_unknown() {
        let phase = phase(&[counting(Light::Red, &marks(0, 10))]);
        assert_eq!(shown(&phase, 1_499), (Light::Red, Some(0)));
        assert_eq!(shown(&phase, 1_500), (Light::Unavailable, None));
    }

    #[test]
    fn constant_and_unknown_ends_have_no_countdown() {
        for end in [36_000, 36_001] {
            let phase = phase(&[counting(Light::FlashingYellow, &marks(0, end))]);
            assert_eq!(shown(&phase, 2_000), (Light::FlashingYellow, None));
        }
        let untimed = phase(&[Announcement::untimed(Light::Dark)]);
        assert_eq!(shown(&untimed, 0), (Light::Dark, None));
    }

    #[test]
    fn silence_makes_lights_unknown() {
        let phase = phase(&[counting(Light::Red, &marks(0, 600))]);
        assert_eq!(shown(&phase, 3_000).0, Light::Red);
        assert_eq!(shown(&phase, 3_001).0, Light::Unavailable);
    }

    #[test]
    fn utc_marks_cross_the_hour() {
        // 22:13:20 into the epoch's day: 800 s into the hour. Go to 5 s before the next one.
        let generated = NOW + Span::from_millis((3_600 - 800 - 5) * 1_000);
        let at = |millis| generated + Span::from_millis(millis);
        let red = marks(35_000, 20);
        let green = TimeMarks {
            next_start: Some(1_000),
            next_end: Some(1_200),
            ..marks(20, 300)
        };
        let mut phase = Phase::new(1, generated);
        for (light, marks) in [(Light::Red, red), (Light::ProtectedGreen, green)] {
            phase.announce(
                &Announcement::within_hour(light, &marks, generated),
                generated,
            );
        }
        let state = phase.state(at(0));
        assert_eq!(state.light, Light::Red);
        assert_eq!(state.change.likely, Some(Span::from_millis(7_000)));
        assert!(phase.state(at(2_999)).change.likely.is_some());
        phase.generated = at(7_000);
        let green = Announcement::within_hour(Light::ProtectedGreen, &green, at(7_000));
        phase.begin(at(7_000));
        phase.announce(&green, at(7_000));
        let state = phase.state(at(7_500));
        assert_eq!(state.light, Light::ProtectedGreen);
        assert_eq!(state.change.likely, Some(Span::from_millis(27_500)));
    }

    #[test]
    fn extreme_times_do_not_overflow() {
        for now in [i64::MIN, 0, i64::MAX] {
            let now = Timestamp::from_micros(now);
            for mark in [0, 1, 35_999, 36_000, u16::MAX] {
                let marks = TimeMarks {
                    start: mark,
                    likely_end: mark,
                    min_end: Some(mark),
                    max_end: Some(mark),
                    next_start: Some(mark),
                    next_end: Some(mark),
                };
                let mut phase = Phase::new(1, now);
                phase.announce(&Announcement::within_hour(Light::Red, &marks, now), now);
                phase.announce(&Announcement::counting_down(Light::Red, &marks, now), now);
                phase.observe();
                for at in [i64::MIN, 0, i64::MAX] {
                    phase.state(Timestamp::from_micros(at));
                }
            }
        }
    }
}
