//! The board's own parts on Linux: watchdog, status light, enclosure contact, thermometer, GNSS
//! receiver and pulse per second, each only where `[device]` names it.
//!
//! ```text
//! /dev/watchdog, LED, GPIO lines, I2C, serial line  <->  one thread, drivers of rsu-firmware
//! thread -> DeviceFacts -> alarms;  Pulses -> watchdog;  Board, Pulses, Updater -> Status -> light
//! ```
//!
//! The watchdog is fed only while every task of the program makes progress. A part that cannot be
//! opened, or fails, raises its counter and is tried again; it takes nothing from the others.

mod gpio;
mod led;
mod part;
mod port;
mod pulse_file;
mod watchdog_file;
mod worker;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use rsu_firmware::driver::{DriftSettings, Fix, Status};
use rsu_firmware::time::Span;

pub use gpio::LineSettings;
pub use worker::Devices;

/// Which parts the board has.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// The hardware watchdog of the kernel, such as `/dev/watchdog`.
    pub watchdog: Option<PathBuf>,
    /// A watchdog chip that is fed by a line.
    pub watchdog_line: Option<LineSettings>,
    /// A light that the kernel knows as an LED, such as `/sys/class/leds/status`.
    pub status_light: Option<PathBuf>,
    /// A light at a line.
    pub status_light_line: Option<LineSettings>,
    /// The contact that is active while the enclosure is open.
    pub enclosure: Option<LineSettings>,
    /// The thermometer.
    pub thermometer: Option<ThermometerSettings>,
    /// The GNSS receiver.
    pub gnss: Option<GnssSettings>,
    /// Where the kernel tells of pulses: `/sys/class/pps/pps0/assert`.
    pub pps: Option<PathBuf>,
}

/// A thermometer of the LM75 family.
#[derive(Clone, Debug)]
pub struct ThermometerSettings {
    /// The bus, such as `/dev/i2c-1`.
    pub bus: PathBuf,
    /// The address on it, 7 bits.
    pub address: u8,
    /// What is too warm, in degrees Celsius.
    pub celsius_max: f32,
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
    /// Degrees Celsius, where there is a thermometer.
    pub celsius: Option<f32>,
    /// Whether that is too warm.
    pub is_too_warm: bool,
    /// The receiver, where there is one.
    pub gnss: Option<GnssFacts>,
    /// By how much the clock is ahead of the pulses, -0.5 to 0.5 s, where they come.
    pub pulse_ahead: Option<Span>,
    /// What failed or was dropped since the start, by its name.
    pub counters: Vec<(&'static str, u64)>,
}

/// What a GNSS receiver says.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct GnssFacts {
    /// The latest fix.
    pub fix: Option<Fix>,
    /// Seconds since then, or since the start.
    pub silent_s: u64,
    /// Sentences that were damaged or too long, since the start.
    pub damaged: u64,
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
    /// What the light shall tell while they do.
    pub status: Box<dyn Fn() -> Status + Send>,
}
