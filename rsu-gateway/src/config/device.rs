//! `[device]`: which parts the board has.

use std::path::PathBuf;

use rsu_firmware::driver::{DriftSettings, Position};
use rsu_firmware::time::Span;
use serde::Deserialize;

use super::value::{Within, WithinFloat};
use crate::device::{GnssSettings, LineSettings, Settings, ThermometerSettings};

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct DeviceSection {
    watchdog: Option<PathBuf>,
    watchdog_line: Option<LineSection>,
    status_light: Option<PathBuf>,
    status_light_line: Option<LineSection>,
    enclosure: Option<LineSection>,
    thermometer: Option<ThermometerSection>,
    gnss: Option<GnssSection>,
    pps: Option<PathBuf>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct LineSection {
    chip: PathBuf,
    line: Within<0, 65_535>,
    #[serde(default)]
    active_low: bool,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ThermometerSection {
    bus: PathBuf,
    address: Within<8, 119>,
    #[serde(default = "celsius_max")]
    celsius_max: WithinFloat<-55, 125>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct GnssSection {
    port: PathBuf,
    #[serde(default = "baud")]
    baud: Within<1_200, 921_600>,
    #[serde(default = "drift_m_max")]
    drift_m_max: WithinFloat<1, 100_000>,
    #[serde(default = "drift_s")]
    drift_s: Within<1, 86_400>,
}

impl DeviceSection {
    /// `position` is where the unit stands, where that is known.
    pub(super) fn to_settings(&self, position: Option<Position>) -> Settings {
        let line = |line: &Option<LineSection>| line.as_ref().map(LineSection::to_settings);
        let thermometer = self.thermometer.as_ref();
        let gnss = self.gnss.as_ref();
        Settings {
            watchdog: self.watchdog.clone(),
            watchdog_line: line(&self.watchdog_line),
            status_light: self.status_light.clone(),
            status_light_line: line(&self.status_light_line),
            enclosure: line(&self.enclosure),
            thermometer: thermometer.map(ThermometerSection::to_settings),
            gnss: gnss.map(|gnss| gnss.to_settings(position)),
            pps: self.pps.clone(),
        }
    }
}

impl LineSection {
    fn to_settings(&self) -> LineSettings {
        LineSettings {
            chip: self.chip.clone(),
            line: u32::try_from(self.line.0).unwrap_or_default(),
            active_low: self.active_low,
        }
    }
}

impl ThermometerSection {
    fn to_settings(&self) -> ThermometerSettings {
        ThermometerSettings {
            bus: self.bus.clone(),
            address: u8::try_from(self.address.0).unwrap_or_default(),
            celsius_max: self.celsius_max.0 as f32,
        }
    }
}

impl GnssSection {
    fn to_settings(&self, reference: Option<Position>) -> GnssSettings {
        GnssSettings {
            port: self.port.clone(),
            baud: u32::try_from(self.baud.0).unwrap_or_default(),
            drift: DriftSettings {
                reference,
                distance_m_max: self.drift_m_max.0,
                holds: Span::from_millis(1_000) * self.drift_s.0,
            },
        }
    }
}

super::value::defaults! {
    baud = 9_600;
    drift_s = 30;
}

fn celsius_max() -> WithinFloat<-55, 125> {
    WithinFloat(85.0)
}

fn drift_m_max() -> WithinFloat<1, 100_000> {
    WithinFloat(30.0)
}
