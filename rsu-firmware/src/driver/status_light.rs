//! One light that tells people in the street how the unit is, by the way it blinks.
//!
//! | status | light |
//! |---|---|
//! | healthy | on, with a blink every two seconds |
//! | booting | on and off, a second each |
//! | no uplink, no radio, no time | two, three, four short flashes, then a pause |
//! | updating | on and off, an eighth of a second each |
//! | fault | a long flash and a short one, then a pause |
//!
//! Steady or dark is no status: without the program a pin keeps its level.

use embedded_hal::digital::{OutputPin, PinState};

use crate::time::{Span, Timestamp};

/// What the light tells; of several, the worst is to be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Status {
    Booting,
    Healthy,
    NoUplink,
    NoRadio,
    NoTime,
    Updating,
    Fault,
}

impl Status {
    /// Every status.
    pub const ALL: [Self; 7] = [
        Self::Booting,
        Self::Healthy,
        Self::NoUplink,
        Self::NoRadio,
        Self::NoTime,
        Self::Updating,
        Self::Fault,
    ];

    /// How long the light is on, off, on and so on, in ms, again and again.
    const fn pattern(self) -> &'static [u16] {
        match self {
            Self::Healthy => &[1_900, 100],
            Self::Booting => &[1_000, 1_000],
            Self::NoUplink => &[200, 300, 200, 1_500],
            Self::NoRadio => &[200, 300, 200, 300, 200, 1_500],
            Self::NoTime => &[200, 300, 200, 300, 200, 300, 200, 1_500],
            Self::Updating => &[125, 125],
            Self::Fault => &[1_000, 300, 200, 1_500],
        }
    }
}

/// A light at a pin, on while that is high.
#[derive(Debug)]
pub struct StatusLight<P> {
    pin: P,
    status: Status,
    /// Since when the place of the pattern is shown; none, before the first call.
    since: Option<Timestamp>,
    place: usize,
}

impl<P: OutputPin> StatusLight<P> {
    /// A light that will tell [`Status::Booting`].
    pub fn new(pin: P) -> Self {
        Self {
            pin,
            status: Status::Booting,
            since: None,
            place: 0,
        }
    }

    /// Sets what the light tells from the next [`StatusLight::handle_timeout`] on.
    pub fn set(&mut self, status: Status) {
        if self.status != status {
            self.status = status;
            self.since = None;
        }
    }

    /// Switches the light if that is due.
    ///
    /// # Errors
    /// That of the pin; the next call tries again.
    pub fn handle_timeout(&mut self, now: Timestamp) -> Result<(), P::Error> {
        let place = match self.since {
            None => 0,
            Some(since) if now - since >= self.shown_for() => self.place + 1,
            Some(_) => return Ok(()),
        };
        let place = place % self.status.pattern().len();
        self.pin
            .set_state(PinState::from(place.is_multiple_of(2)))?;
        self.place = place;
        self.since = Some(now);
        Ok(())
    }

    /// When [`StatusLight::handle_timeout`] has something to do next; `None` is at once.
    pub fn poll_timeout(&self) -> Option<Timestamp> {
        self.since.map(|since| since + self.shown_for())
    }

    /// The pin, for something else.
    pub fn release(self) -> P {
        self.pin
    }

    fn shown_for(&self) -> Span {
        let millis = self.status.pattern().get(self.place).copied();
        Span::from_millis(millis.unwrap_or_default().into())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use embedded_hal_mock::eh1::digital::{Mock, State, Transaction};
    use std::vec::Vec;

    /// What the light does in the first `seconds`: level and time in ms of each change.
    fn watched(status: Status, seconds: i64, expected: &[(State, i64)]) {
        let levels: Vec<_> = expected
            .iter()
            .map(|(level, _)| Transaction::set(*level))
            .collect();
        let mut light = StatusLight::new(Mock::new(&levels));
        light.set(status);
        let mut changes = Vec::new();
        for millis in (0..seconds * 1_000).step_by(5) {
            let now = Timestamp::from_millis(millis);
            if light.poll_timeout().is_none_or(|due| due <= now) {
                changes.push(millis);
            }
            light.handle_timeout(now).unwrap();
        }
        let times: Vec<_> = expected.iter().map(|(_, time)| *time).collect();
        assert_eq!(changes, times, "{status:?}");
        light.release().done();
    }

    #[test]
    fn every_status_has_its_own_light() {
        use State::{High, Low};
        watched(
            Status::Healthy,
            3,
            &[(High, 0), (Low, 1_900), (High, 2_000)],
        );
        watched(
            Status::Booting,
            3,
            &[(High, 0), (Low, 1_000), (High, 2_000)],
        );
        let two = [
            (High, 0),
            (Low, 200),
            (High, 500),
            (Low, 700),
            (High, 2_200),
        ];
        watched(Status::NoUplink, 2, &two[..4]);
        watched(Status::NoRadio, 1, &two[..4]);
        for (place, status) in Status::ALL.into_iter().enumerate() {
            for other in &Status::ALL[place + 1..] {
                assert_ne!(status.pattern(), other.pattern(), "{status:?} {other:?}");
            }
            let is_even = status.pattern().len().is_multiple_of(2);
            assert!(is_even, "{status:?}: on and off by turns, for ever");
        }
    }

    #[test]
    fn flashes_are_counted() {
        let flashes = |status: Status| status.pattern().len() / 2;
        assert_eq!(flashes(Status::NoUplink), 2);
        assert_eq!(flashes(Status::NoRadio), 3);
        assert_eq!(flashes(Status::NoTime), 4);
    }

    #[test]
    fn a_new_status_begins_at_once_and_the_same_one_goes_on() {
        use State::{High, Low};
        let levels = [High, Low, High].map(Transaction::set);
        let mut light = StatusLight::new(Mock::new(&levels));
        for (millis, status) in [
            (0, Status::Booting),
            (1_000, Status::Booting),
            (1_100, Status::Healthy),
            (1_200, Status::Healthy),
        ] {
            light.set(status);
            light
                .handle_timeout(Timestamp::from_millis(millis))
                .unwrap();
        }
        let next = Timestamp::from_millis(1_100 + 1_900);
        assert_eq!(light.poll_timeout(), Some(next));
        light.release().done();
    }
}
