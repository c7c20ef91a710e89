//! A watchdog chip beside the processor, which resets the board unless a pin changes its level
//! often enough (TPS3823, MAX6369 and the like).

use embedded_hal::digital::{OutputPin, PinState};

use crate::time::{Span, Timestamp};

/// Changes the level of a pin while the program says that it is well.
#[derive(Debug)]
pub struct Watchdog<P> {
    pin: P,
    level: bool,
    interval: Span,
    fed: Option<Timestamp>,
}

impl<P: OutputPin> Watchdog<P> {
    /// A watchdog that is fed once an `interval`, which must be well below what the chip waits.
    pub fn new(pin: P, interval: Span) -> Self {
        Self {
            pin,
            level: false,
            interval,
            fed: None,
        }
    }

    /// Feeds the watchdog if that is due. To be called only while everything makes progress.
    ///
    /// # Errors
    /// That of the pin; the next call tries again.
    pub fn feed(&mut self, now: Timestamp) -> Result<(), P::Error> {
        let is_due = |fed: Timestamp| now - fed >= self.interval || now < fed;
        if !self.fed.is_none_or(is_due) {
            return Ok(());
        }
        let level = !self.level;
        self.pin.set_state(PinState::from(level))?;
        self.level = level;
        self.fed = Some(now);
        Ok(())
    }

    /// When [`Watchdog::feed`] has something to do next.
    pub fn poll_timeout(&self) -> Option<Timestamp> {
        self.fed.map(|fed| fed + self.interval)
    }

    /// The pin, for something else.
    pub fn release(self) -> P {
        self.pin
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use embedded_hal_mock::eh1::MockError;
    use embedded_hal_mock::eh1::digital::{Mock, State, Transaction};
    use std::io::ErrorKind;

    const INTERVAL: Span = Span::from_millis(500);

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    #[test]
    fn the_level_changes_once_an_interval() {
        let levels = [State::High, State::Low, State::High].map(Transaction::set);
        let mut watchdog = Watchdog::new(Mock::new(&levels), INTERVAL);
        for millis in [0, 100, 499, 500, 700, 1_000] {
            watchdog.feed(at(millis)).unwrap();
        }
        assert_eq!(watchdog.poll_timeout(), Some(at(1_500)));
        watchdog.release().done();
    }

    #[test]
    fn a_clock_that_was_set_back_does_not_starve_it() {
        let levels = [State::High, State::Low].map(Transaction::set);
        let mut watchdog = Watchdog::new(Mock::new(&levels), INTERVAL);
        watchdog.feed(at(1_000_000)).unwrap();
        watchdog.feed(at(10)).unwrap();
        watchdog.release().done();
    }

    #[test]
    fn a_pin_that_fails_is_tried_again() {
        let failing = MockError::Io(ErrorKind::NotConnected);
        let levels = [
            Transaction::set(State::High).with_error(failing),
            Transaction::set(State::High),
        ];
        let mut watchdog = Watchdog::new(Mock::new(&levels), INTERVAL);
        watchdog.feed(at(0)).unwrap_err();
        watchdog.feed(at(1)).unwrap();
        watchdog.release().done();
    }
}
