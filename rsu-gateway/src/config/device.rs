//! `[device]`: which parts the board has.

use std::path::PathBuf;

use rsu_firmware::driver::{DriftSettings, Position};
use rsu_firmware::time::Span;
use serde::Deserialize;

use super::value::{Within, WithinFloat};
use crate::device::{GnssSettings, LineSettings, Settings};

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct DeviceSection {
    watchdog_file: Option<PathBuf>,
    watchdog: Option<LineSection>,
    status_light: Option<LineSection>,
    enclosure: Option<LineSection>,
    thermometer: Option<ThermometerSection>,
    gnss: Option<GnssSection>,
    pps_file: Option<PathBuf>,
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
    /// `reference` is where the unit stands, where that is known.
    pub(super) fn to_settings(&self, reference: Option<Position>) -> Settings {
        let line = |line: &Option<LineSection>| line.as_ref().map(LineSection::to_settings);
        let gnss = self.gnss.as_ref().map(|gnss| GnssSettings {
            port: gnss.port.clone(),
            baud: u32::try_from(gnss.baud.0).unwrap_or_default(),
            drift: DriftSettings {
                reference,
                distance_m_max: gnss.drift_m_max.0,
                holds: Span::from_millis(gnss.drift_s.0 * 1_000),
            },
        });
        let thermometer = self.thermometer.as_ref().map(|thermometer| {
            let address = u8::try_from(thermometer.address.0).unwrap_or_default();
            (thermometer.bus.clone(), address)
        });
        Settings {
            watchdog_file: self.watchdog_file.clone(),
            watchdog_line: line(&self.watchdog),
            status_light: line(&self.status_light),
            enclosure: line(&self.enclosure),
            thermometer,
            gnss,
            pps_file: self.pps_file.clone(),
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

super::value::defaults! {
    baud = 9_600;
    drift_s = 30;
}

fn drift_m_max() -> WithinFloat<1, 100_000> {
    WithinFloat(30.0)
}
