//! The unit does not move: a position that wanders off is a receiver that is deceived, or a unit
//! that was carried away.

use libm::{cos, sqrt};

use super::Position;
use crate::time::{Span, Timestamp};

/// Positions whose mean is the reference, where none is given.
pub const POSITIONS_MIN: u32 = 60;

/// Metres of a degree of latitude, and of longitude at the equator; within 0.6 % anywhere.
const METRES_PER_DEGREE: f64 = 111_320.0;

/// What is a deviation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DriftSettings {
    /// Where the unit stands; by the mean of the first [`POSITIONS_MIN`] positions, if `None`.
    pub reference: Option<Position>,
    /// Distance in m from there, from which on it is one.
    pub distance_m_max: f64,
    /// For so long without a break.
    pub holds: Span,
}

/// Watches where the unit stands.
#[derive(Clone, Copy, Debug)]
pub struct Drift {
    settings: DriftSettings,
    sum: Position,
    count: u32,
    beyond_since: Option<Timestamp>,
}

impl Drift {
    /// No position is known yet.
    pub const fn new(settings: DriftSettings) -> Self {
        Self {
            settings,
            sum: Position {
                latitude_deg: 0.0,
                longitude_deg: 0.0,
            },
            count: 0,
            beyond_since: None,
        }
    }

    /// Takes in a position; the distance in m, if it is a deviation by now.
    pub fn observe(&mut self, now: Timestamp, position: Position) -> Option<f64> {
        let distance = distance_m(self.reference(position)?, position);
        if distance <= self.settings.distance_m_max {
            self.beyond_since = None;
            return None;
        }
        let since = *self.beyond_since.get_or_insert(now);
        (now - since >= self.settings.holds).then_some(distance)
    }

    fn reference(&mut self, position: Position) -> Option<Position> {
        if self.settings.reference.is_some() {
            return self.settings.reference;
        }
        if self.count < POSITIONS_MIN {
            self.count += 1;
            self.sum.latitude_deg += position.latitude_deg;
            self.sum.longitude_deg += position.longitude_deg;
        }
        let count = f64::from(self.count);
        (self.count >= POSITIONS_MIN).then(|| Position {
            latitude_deg: self.sum.latitude_deg / count,
            longitude_deg: self.sum.longitude_deg / count,
        })
    }
}

/// On the plane that touches the earth at `from`: good for what a unit may drift.
fn distance_m(from: Position, to: Position) -> f64 {
    let north = (to.latitude_deg - from.latitude_deg) * METRES_PER_DEGREE;
    let turn = to.longitude_deg - from.longitude_deg;
    // Across the antimeridian the other way round is shorter.
    let turn = match turn {
        180.0.. => turn - 360.0,
        ..=-180.0 => turn + 360.0,
        _ => turn,
    };
    let east = turn * METRES_PER_DEGREE * cos(from.latitude_deg.to_radians());
    sqrt(north * north + east * east)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const HERE: Position = Position {
        latitude_deg: 29.7215,
        longitude_deg: 106.5623,
    };

    fn metres_north(metres: f64) -> Position {
        Position {
            latitude_deg: HERE.latitude_deg + metres / METRES_PER_DEGREE,
            ..HERE
        }
    }

    fn drift(reference: Option<Position>) -> Drift {
        Drift::new(DriftSettings {
            reference,
            distance_m_max: 20.0,
            holds: Span::from_millis(10_000),
        })
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_millis(second * 1_000)
    }

    #[test]
    fn what_stays_near_is_no_deviation_and_what_stays_far_is_one() {
        let mut drift = drift(Some(HERE));
        for second in 0..100 {
            let wobble = 15.0 * if second % 2 == 0 { 1.0 } else { -1.0 };
            assert_eq!(drift.observe(at(second), metres_north(wobble)), None);
        }
        assert_eq!(drift.observe(at(100), metres_north(30.0)), None);
        assert_eq!(drift.observe(at(109), metres_north(31.0)), None);
        let distance = drift.observe(at(110), metres_north(32.0)).unwrap();
        assert!((distance - 32.0).abs() < 0.01, "{distance}");
        assert_eq!(drift.observe(at(111), HERE), None, "it is back");
        assert_eq!(drift.observe(at(112), metres_north(30.0)), None);
    }

    #[test]
    fn without_a_reference_it_is_where_the_unit_was_first() {
        let mut drift = drift(None);
        for second in 0..i64::from(POSITIONS_MIN) {
            assert_eq!(
                drift.observe(at(second), metres_north(f64::from(second as i32 % 3))),
                None
            );
        }
        drift.observe(at(100), metres_north(101.0));
        let distance = drift.observe(at(110), metres_north(101.0)).unwrap();
        assert!((distance - 100.0).abs() < 0.1, "{distance}");
    }

    #[test]
    fn a_degree_of_longitude_is_shorter_in_the_north_and_turns_go_the_short_way() {
        let place = |latitude_deg, longitude_deg| Position {
            latitude_deg,
            longitude_deg,
        };
        let east = distance_m(place(60.0, 0.0), place(60.0, 0.001));
        assert!((east - 55.66).abs() < 0.1, "{east}");
        let across = distance_m(place(0.0, 179.9995), place(0.0, -179.9995));
        assert!((across - 111.3).abs() < 0.1, "{across}");
    }
}
