//! The board's own parts on Linux: watchdog, status light, enclosure contact, thermometer, GNSS
//! receiver and pulse per second, each only where `[device]` names it.
//!
//! ```text
//! /dev/watchdog, GPIO lines, I2C, serial line  <->  one thread, drivers of rsu-firmware
//! thread -> DeviceFacts -> alarms;  Board, Pulses, Updater -> Status -> light
//! ```
//!
//! The watchdog is fed only while every task of the program makes progress. A part that fails is
//! tried again; it takes nothing from the others.

mod gpio;
mod port;
mod pps_file;
mod task;
mod watchdog_file;

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use rsu_firmware::driver::{DriftSettings, Fix, GnssCounters, Position, Status};
use rsu_firmware::time::Span;

pub use gpio::LineSettings;
pub use task::Devices;

/// Which parts the board has.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// The hardware watchdog of the kernel, such as `/dev/watchdog`.
    pub watchdog_file: Option<PathBuf>,
    /// A watchdog chip that is fed by a line.
    pub watchdog_line: Option<LineSettings>,
    /// The light.
    pub status_light: Option<LineSettings>,
    /// The contact that is active while the enclosure is open.
    pub enclosure: Option<LineSettings>,
    /// A thermometer of the LM75 family: the bus, and the address on it.
    pub thermometer: Option<(PathBuf, u8)>,
    /// The GNSS receiver.
    pub gnss: Option<GnssSettings>,
    /// Where the kernel tells of pulses: `/sys/class/pps/pps0/assert`.
    pub pps_file: Option<PathBuf>,
}

impl Settings {
    /// Whether the board has any part.
    pub fn is_empty(&self) -> bool {
        self.watchdog_file.is_none()
            && self.watchdog_line.is_none()
            && self.status_light.is_none()
            && self.enclosure.is_none()
            && self.thermometer.is_none()
            && self.gnss.is_none()
            && self.pps_file.is_none()
    }
}

/// A GNSS receiver at a serial line.
#[derive(Clone, Debug)]
pub struct GnssSettings {
    /// The line.
    pub port: PathBuf,
    /// Bits a second.
    pub baud: u32,
    /// From when on the position is a deviation.
    pub drift: DriftSettings,
}

/// What the parts say of the unit.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DeviceFacts {
    /// Whether the enclosure is open, where there is a contact.
    pub is_open: Option<bool>,
    /// The receiver, where there is one.
    pub gnss: Option<GnssFacts>,
    /// Degrees Celsius, where there is a thermometer.
    pub temperature_c: Option<f32>,
    /// By how much the clock is ahead of the pulses, -0.5 to 0.5 s, where they come.
    pub pps_ahead: Option<Span>,
}

/// What a GNSS receiver says.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct GnssFacts {
    /// The latest fix.
    pub fix: Option<Fix>,
    /// Seconds without a sentence that could be understood.
    pub silent_s: u64,
    /// What was received.
    pub counters: GnssCounters,
    /// Distance in m from where the unit stands, once that is a deviation.
    pub deviation_m: Option<f64>,
}

/// Where the thread leaves the facts, and others find them.
#[derive(Clone, Debug, Default)]
pub struct DeviceBoard(Arc<Mutex<DeviceFacts>>);

impl DeviceBoard {
    /// The latest facts.
    pub fn latest(&self) -> DeviceFacts {
        let latest = self.0.lock();
        latest.unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn post(&self, facts: DeviceFacts) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = facts;
    }
}

/// What the thread needs to know of the rest.
pub struct Outside {
    /// Whether every task makes progress.
    pub is_alive: Box<dyn Fn() -> bool + Send>,
    /// What the light shall tell.
    pub status: Box<dyn Fn() -> Status + Send>,
}

/// Why a part cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("device.{key}: {error}")]
pub struct DeviceError {
    /// The key of the configuration.
    pub key: &'static str,
    /// Why.
    pub error: io::Error,
}

/// Where the unit stands, by its configuration.
pub fn position(longitude_deg: f64, latitude_deg: f64) -> Position {
    Position {
        latitude_deg,
        longitude_deg,
    }
}
