//! The board's own parts, over embedded-hal 1.0: the same code on Linux and on bare metal.
//!
//! No driver waits, allocates or knows a clock. `now` is the time of a clock that is never set, such
//! as the time since the boot; [`Pps`] alone takes the wall clock, because it judges that. A pin or
//! bus that fails is an error of the caller's to count; the driver goes on at the next call.

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
pub use pps::Pps;
pub use status_light::{Status, StatusLight};
pub use thermometer::Thermometer;
pub use watchdog::Watchdog;
