//! A watchdog chip beside the processor, which resets the board unless a pin changes its level
//! often enough (TPS3823, MAX6369 and the like).

use embedded_hal::digital::{OutputPin, PinState};

/// Changes the level of a pin whenever it is fed.
#[derive(Debug)]
pub struct Watchdog<P> {
    pin: P,
    level: PinState,
}

impl<P: OutputPin> Watchdog<P> {
    /// A watchdog at a pin that is low.
    pub fn new(pin: P) -> Self {
        Self {
            pin,
            level: PinState::Low,
        }
    }

    /// Feeds the watchdog. To be called only while everything makes progress, and well within the
    /// time that the chip waits.
    ///
    /// # Errors
    /// That of the pin; the next call tries the same level again.
    pub fn feed(&mut self) -> Result<(), P::Error> {
        let level = !self.level;
        self.pin.set_state(level)?;
        self.level = level;
        Ok(())
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

    #[test]
    fn every_feed_changes_the_level() {
        let levels = [State::High, State::Low, State::High].map(Transaction::set);
        let mut watchdog = Watchdog::new(Mock::new(&levels));
        for _ in levels {
            watchdog.feed().unwrap();
        }
        watchdog.release().done();
    }

    #[test]
    fn a_pin_that_fails_is_tried_again() {
        let failing = MockError::Io(ErrorKind::NotConnected);
        let levels = [
            Transaction::set(State::High).with_error(failing),
            Transaction::set(State::High),
        ];
        let mut watchdog = Watchdog::new(Mock::new(&levels));
        watchdog.feed().unwrap_err();
        watchdog.feed().unwrap();
        watchdog.release().done();
    }
}
