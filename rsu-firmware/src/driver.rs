//! The board's own parts, over embedded-hal 1.0 and embedded-io: the same code on Linux and on bare
//! metal. No driver waits, allocates or knows a clock: `handle_*` is called with `now`, and
//! `poll_timeout` says when there is something to do again.
//!
//! A pin that fails is an error of the caller's to count; the driver goes on at the next call.

mod contact;
mod gnss;
mod pps;
mod status_light;
mod thermometer;
mod watchdog;

pub use contact::Contact;
pub use gnss::{
    Drift, DriftSettings, Fix, FixQuality, Gnss, GnssCounters, POSITIONS_MIN, Position,
    SENTENCE_BYTES_MAX,
};
pub use pps::{Pps, PpsQuality};
pub use status_light::{Status, StatusLight};
pub use thermometer::{TEMPERATURE_REGISTER, Thermometer};
pub use watchdog::Watchdog;
