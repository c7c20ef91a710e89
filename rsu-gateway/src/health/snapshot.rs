//! All that is known of the unit's health at one moment, for those who ask on the spot.

use rsu_firmware::time::Timestamp;

use super::alarm::{ActiveAlarm, AlarmKind};
use super::figures::SpoolFigures;
use super::latency::{Distribution, Stage};
use super::self_check::Check;
use super::system::SystemSample;
use crate::clock::{ClockQuality, KernelClock};

/// The unit's health at one moment.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// When it was taken.
    pub time: Timestamp,
    /// Version of the program.
    pub software_version: String,
    /// How good the clock is.
    pub clock: ClockQuality,
    /// What the kernel says of the clock, where it does.
    pub kernel_clock: Option<KernelClock>,
    /// The machine and the process.
    pub system: SystemSample,
    /// What was dropped since the start, by reason.
    pub drops: Vec<(&'static str, u64)>,
    /// What each stage has handled since the start.
    pub stages: Vec<(&'static str, u64)>,
    /// What waits for the broker.
    pub spools: Vec<SpoolFigures>,
    /// The connection to the broker.
    pub uplink: UplinkFigures,
    /// How long each stage takes, in the order of [`Stage::ALL`].
    pub latency: [Distribution; Stage::ALL.len()],
    /// Whether the unit can do its work.
    pub checks: Vec<Check>,
    /// The alarms that are set.
    pub alarms: Vec<ActiveAlarm>,
    /// How often an alarm of each kind has begun, in the order of [`AlarmKind::ALL`].
    pub alarm_counts: [u64; AlarmKind::ALL.len()],
}

/// The connection to the broker.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UplinkFigures {
    /// Whether the broker has accepted it.
    pub is_connected: bool,
    /// Connections since the start.
    pub connections: u64,
    /// Publishes written since the start.
    pub published: u64,
    /// Publishes acknowledged since the start.
    pub acknowledged: u64,
}
