//! The configuration of the service: one TOML file, checked as a whole before anything starts.
//!
//! Every key is described in `rsu.example.toml`. Unknown keys and values out of range are errors
//! that show the line.

mod device;
mod health;
mod mqtt;
mod platform;
mod storage;
mod unit;
mod update;
mod value;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::{fs, io};

use rsu_firmware::driver::Position;
use rsu_firmware::rsu;
use serde::Deserialize;

use crate::clock::ClockSource;
use crate::health::alarm;
use crate::mqtt::{LiveLimits, SettingsError};
use crate::platform::Classes;
use crate::platform::dialect::DialectName;
use crate::radio::record;
use crate::update::Rauc;
use crate::{downlink, spool};
use device::DeviceSection;
use health::{ClockSection, HealthSection, LogSection, RecordingSection};
use mqtt::MqttSection;
use platform::{PlatformSection, ReportsSection, SamplingSection};
use storage::{LiveSection, StorageSection};
use unit::{RadioSection, UnitSection};
use update::UpdateSection;

/// A configuration that was checked.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    unit: UnitSection,
    radio: RadioSection,
    mqtt: MqttSection,
    #[serde(default)]
    platform: PlatformSection,
    #[serde(default)]
    reports: ReportsSection,
    #[serde(default)]
    sampling: SamplingSection,
    #[serde(default)]
    classes: Classes,
    #[serde(default)]
    live: LiveSection,
    #[serde(default)]
    storage: StorageSection,
    recording: Option<RecordingSection>,
    update: Option<UpdateSection>,
    #[serde(default)]
    device: DeviceSection,
    #[serde(default)]
    clock: ClockSection,
    #[serde(default)]
    health: HealthSection,
    #[serde(default)]
    log: LogSection,
}

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("{}: {error}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The file does not say what it should. The message shows key and line.
    #[error("{}: {error}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What is wrong, and in which line.
        error: toml::de::Error,
    },
    /// The file that holds the password cannot be read.
    #[error("mqtt.password_file {}: {error}", path.display())]
    Password {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// Two keys exclude or demand one another.
    #[error("{}: {what}", path.display())]
    Contradiction {
        /// The file.
        path: PathBuf,
        /// Which keys, and what is wrong with them.
        what: &'static str,
    },
    /// The keys of `[mqtt]` do not work together.
    #[error("mqtt: {0}")]
    Mqtt(#[from] SettingsError),
    /// The keys of `[storage]` do not work together.
    #[error("storage: {0}")]
    Storage(#[from] spool::SettingsError),
}

/// How a log line is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

impl Config {
    /// Reads and checks a file.
    ///
    /// # Errors
    /// What is wrong with the file, and in which line.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = fs::read_to_string(path).map_err(|error| ConfigError::Unreadable {
            path: path.into(),
            error,
        })?;
        let config: Self = toml::from_str(&text).map_err(|error| ConfigError::Invalid {
            path: path.into(),
            error,
        })?;
        match config.contradiction() {
            Some(what) => Err(ConfigError::Contradiction {
                path: path.into(),
                what,
            }),
            None => Ok(config),
        }
    }

    fn contradiction(&self) -> Option<&'static str> {
        let unit = self.unit.contradiction();
        let platform = || self.platform.contradiction();
        let update = || self.update.as_ref()?.contradiction();
        unit.or_else(|| self.mqtt.contradiction())
            .or_else(platform)
            .or_else(update)
    }

    /// Where the radio module delivers to.
    pub fn listen(&self) -> SocketAddr {
        self.radio.listen
    }

    /// How frames are read.
    pub fn rsu(&self) -> rsu::Settings {
        self.radio.to_settings()
    }

    /// What the platform is told.
    pub fn platform(&self) -> crate::platform::Settings {
        let unit = self.unit.to_unit();
        crate::platform::Settings {
            profile: self.radio.profile(),
            classes: self.classes,
            ..self
                .reports
                .to_settings(unit, &self.platform, &self.sampling)
        }
    }

    /// Which contract the platform follows.
    pub fn dialect(&self) -> DialectName {
        self.platform.dialect
    }

    /// By what commands are judged, in the boot `boot_id` of the machine.
    pub fn commands(&self, boot_id: String) -> downlink::Settings {
        downlink::Settings {
            unit: self.unit.to_unit(),
            profile: self.radio.profile(),
            age_max: self.platform.command_age_max(),
            boot_id,
        }
    }

    /// The program that starts the machine anew, and its arguments.
    pub fn reboot_command(&self) -> &[String] {
        &self.platform.reboot_command
    }

    /// How to reach the broker.
    ///
    /// # Errors
    /// The file that holds the password cannot be read, or there is no broker.
    pub fn mqtt(&self) -> Result<crate::mqtt::Settings, ConfigError> {
        self.mqtt.to_settings(format!("rsu-{}", self.unit.id.0))
    }

    /// How much live traffic of one stream may wait.
    pub fn live(&self) -> LiveLimits {
        self.live.limits()
    }

    /// Where everything is kept that shall survive a restart.
    pub fn data_folder(&self) -> &Path {
        &self.storage.folder
    }

    /// Free bytes of the data folder's file system below which nothing grows any more.
    pub fn free_bytes_min(&self) -> u64 {
        self.storage.free_bytes_min()
    }

    /// How much the spools may take: of durable records, and of spilled ones where a stream is
    /// spilled. `packet_bytes_max` is that of the uplink.
    ///
    /// # Errors
    /// Keys of the section that do not work together.
    pub fn spools(
        &self,
        packet_bytes_max: usize,
    ) -> Result<(spool::Settings, Option<spool::Settings>), ConfigError> {
        let durable = self.storage.durable(packet_bytes_max);
        durable.check()?;
        let is_spilled = self.classes.uses(crate::platform::Class::Spilled);
        let spilled = is_spilled.then(|| self.storage.spilled(packet_bytes_max));
        spilled.as_ref().map_or(Ok(()), spool::Settings::check)?;
        Ok((durable, spilled))
    }

    /// Where to record what is received, if at all.
    pub fn recording(&self) -> Option<(&Path, record::Limits)> {
        let section = self.recording.as_ref()?;
        Some((&section.folder, section.limits()))
    }

    /// Which parts the board has.
    pub fn device(&self) -> crate::device::Settings {
        let position = self.unit.to_unit().position.map(|position| Position {
            latitude_deg: position.latitude_deg,
            longitude_deg: position.longitude_deg,
        });
        self.device.to_settings(position)
    }

    /// How the software is changed, and by what, if at all.
    pub fn update(&self) -> Option<(crate::update::Settings, Rauc)> {
        let section = self.update.as_ref()?;
        let hardware_version = self.unit.hardware_version();
        let free_bytes_min = self.storage.free_bytes_min();
        let data = self.data_folder();
        let settings = section.to_settings(data, hardware_version, free_bytes_min);
        Some((settings, section.installer()))
    }

    /// How the quality of the clock is learnt.
    pub fn clock(&self) -> ClockSource {
        self.clock.source()
    }

    /// Where metrics and health are told, if at all: on the loopback only.
    pub fn health_listen(&self) -> Option<SocketAddr> {
        self.health.listen.map(|address| address.0)
    }

    /// From when on a fact is an alarm.
    pub fn alarms(&self) -> alarm::Settings {
        self.health.alarms()
    }

    /// What is logged, and how, where the command line does not say.
    pub fn log(&self) -> (Option<&str>, Option<LogFormat>) {
        (self.log.level.as_deref(), self.log.format)
    }
}

fn yes() -> bool {
    true
}

#[cfg(test)]
mod tests;
