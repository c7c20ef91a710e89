//! A switch that opens with the enclosure, or any other contact, freed of its bouncing.

use embedded_hal::digital::InputPin;

use crate::time::{Span, Timestamp};

/// A contact at a pin, active while that is high.
#[derive(Debug)]
pub struct Contact<P> {
    pin: P,
    settle: Span,
    is_active: bool,
    /// Since when the pin has been otherwise.
    contrary_since: Option<Timestamp>,
}

impl<P: InputPin> Contact<P> {
    /// A contact that counts as inactive until the pin has been high for as long as `settle`.
    pub fn new(pin: P, settle: Span) -> Self {
        Self {
            pin,
            settle,
            is_active: false,
            contrary_since: None,
        }
    }

    /// Looks at the pin; whether the contact has changed by now, and to what. To be called several
    /// times within the time that it takes to settle.
    ///
    /// # Errors
    /// That of the pin; nothing has changed then.
    pub fn handle_timeout(&mut self, now: Timestamp) -> Result<Option<bool>, P::Error> {
        if self.pin.is_high()? == self.is_active {
            self.contrary_since = None;
            return Ok(None);
        }
        let since = *self.contrary_since.get_or_insert(now);
        if now - since < self.settle {
            return Ok(None);
        }
        self.contrary_since = None;
        self.is_active = !self.is_active;
        Ok(Some(self.is_active))
    }

    /// Whether the contact is active.
    pub fn is_active(&self) -> bool {
        self.is_active
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
    use embedded_hal_mock::eh1::digital::{Mock, State, Transaction};
    use std::vec::Vec;

    /// What becomes of levels that are looked at every 10 ms, with 30 ms to settle.
    fn changes(levels: &str) -> Vec<(usize, bool)> {
        let level = |letter| match letter {
            'h' => State::High,
            _ => State::Low,
        };
        let looks: Vec<_> = levels
            .chars()
            .map(|letter| Transaction::get(level(letter)))
            .collect();
        let mut contact = Contact::new(Mock::new(&looks), Span::from_millis(30));
        let mut changes = Vec::new();
        for place in 0..looks.len() {
            let now = Timestamp::from_millis(place as i64 * 10);
            if let Some(is_active) = contact.handle_timeout(now).unwrap() {
                changes.push((place, is_active));
            }
        }
        contact.release().done();
        changes
    }

    #[test]
    fn only_what_lasts_is_a_change() {
        assert_eq!(changes("llll"), []);
        assert_eq!(changes("lhlhhlhl"), []);
        assert_eq!(changes("lhhhhhlhhhhllllll"), [(4, true), (14, false)]);
    }

    #[test]
    fn what_is_open_from_the_start_is_told() {
        assert_eq!(changes("hhhh"), [(3, true)]);
    }
}
