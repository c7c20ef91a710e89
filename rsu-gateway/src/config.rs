//! The configuration of the service: one TOML file, checked as a whole before anything starts.
//!
//! Every key is described in `rsu.example.toml`. Unknown keys and values out of range are errors
//! that show the line.

mod value;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fs, io};

use rsu_firmware::network::{self, Adaptation};
use rsu_firmware::rsu;
use rsu_firmware::time::Span;
use rsu_firmware::uper::Profile;
use serde::Deserialize;

use crate::clock::ClockSource;
use crate::mqtt::{self, BrokerAddress, Login};
use crate::platform::sampling::{BsmSampling, Limit, Rate, SampleMode, UpFilters};
use crate::platform::{self, RsuId, Sampling, StreamLimits, Unit, UnitPosition};
use crate::radio::record;
use value::{Parsed, Within, WithinFloat};

/// A configuration that was checked.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    unit: UnitSection,
    radio: RadioSection,
    mqtt: MqttSection,
    #[serde(default)]
    reports: ReportsSection,
    #[serde(default)]
    sampling: SamplingSection,
    recording: Option<RecordingSection>,
    #[serde(default)]
    clock: ClockSection,
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
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct UnitSection {
    id: Parsed<RsuId>,
    esn: String,
    #[serde(default)]
    name: String,
    hardware_version: Option<String>,
    region_id: Option<String>,
    #[serde(default)]
    map_slice: String,
    longitude_deg: Option<WithinFloat<-180, 180>>,
    latitude_deg: Option<WithinFloat<-90, 90>>,
    altitude_m: Option<WithinFloat<-500, 9_000>>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RadioSection {
    listen: SocketAddr,
    #[serde(default)]
    profile: ProfileName,
    #[serde(default = "yes")]
    adaptation_byte: bool,
    #[serde(default = "payload_bytes_max")]
    payload_bytes_max: Within<1, 65_535>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
enum ProfileName {
    #[default]
    #[serde(rename = "ydt3709-2020")]
    Ydt3709_2020,
    #[serde(rename = "tcsae53-2019")]
    Tcsae53_2019,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct MqttSection {
    broker: Parsed<BrokerAddress>,
    client_id: Option<String>,
    username: Option<String>,
    password_file: Option<PathBuf>,
    #[serde(default = "yes")]
    clean_session: bool,
    #[serde(default = "keep_alive_s")]
    keep_alive_s: Within<5, 300>,
    #[serde(default = "connect_timeout_s")]
    connect_timeout_s: Within<1, 120>,
    #[serde(default = "ack_timeout_s")]
    ack_timeout_s: Within<1, 300>,
    #[serde(default = "reconnect_delay_s_min")]
    reconnect_delay_s_min: Within<1, 3_600>,
    #[serde(default = "reconnect_delay_s_max")]
    reconnect_delay_s_max: Within<1, 3_600>,
    #[serde(default = "window")]
    window: Within<1, { mqtt::Settings::WINDOW_MAX as i64 }>,
    #[serde(default = "packet_bytes_max")]
    packet_bytes_max: Within<4_096, { mqtt::Settings::PACKET_BYTES_MAX as i64 }>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ReportsSection {
    heartbeat_interval_s: Within<0, 86_400>,
    running_information_interval_s: Within<0, 86_400>,
    junction_rate_hz: Within<0, 50>,
    bsm_batch_messages_max: Within<1, 255>,
    bsm_batch_bytes_max: Within<1_024, 262_144>,
    bsm_batch_age_ms_max: Within<10, 1_000>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct SamplingSection {
    bsm_mode: SampleMode,
    bsm_rate: Within<0, 10_000>,
    bsm_up_limit: Within<0, 10_000>,
    map_up_limit: Within<-1, 10_000>,
    spat_up_limit: Within<-1, 10_000>,
    rsm_up_limit: Within<-1, 10_000>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RecordingSection {
    folder: PathBuf,
    #[serde(default = "file_bytes_max")]
    file_bytes_max: Within<{ record::FILE_BYTES_MIN as i64 }, { 1 << 40 }>,
    #[serde(default = "files_max")]
    files_max: Within<1, 100_000>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ClockSection {
    synchronized_file: PathBuf,
    age_s_max: Within<1, 1_000_000>,
    error_ms: Option<WithinFloat<0, 1_000_000>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct LogSection {
    level: Option<String>,
    format: Option<LogFormat>,
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
        let unit = &self.unit;
        let mqtt = &self.mqtt;
        if unit.longitude_deg.is_some() != unit.latitude_deg.is_some() {
            return Some("unit.longitude_deg and unit.latitude_deg go together");
        }
        if mqtt.password_file.is_some() && mqtt.username.is_none() {
            return Some("mqtt.password_file needs mqtt.username");
        }
        if mqtt.username.is_some() && mqtt.broker.0.login.is_some() {
            return Some("mqtt.broker and mqtt.username both say who logs in");
        }
        if mqtt.reconnect_delay_s_min.0 > mqtt.reconnect_delay_s_max.0 {
            return Some("mqtt.reconnect_delay_s_min is above mqtt.reconnect_delay_s_max");
        }
        None
    }

    /// Where the radio module delivers to.
    pub fn listen(&self) -> SocketAddr {
        self.radio.listen
    }

    /// How frames are read.
    pub fn rsu(&self) -> rsu::Settings {
        rsu::Settings {
            profile: self.profile(),
            adaptation: if self.radio.adaptation_byte {
                Adaptation::Present
            } else {
                Adaptation::Absent
            },
            payload_length_max: self.radio.payload_bytes_max.size(),
        }
    }

    fn profile(&self) -> Profile {
        match self.radio.profile {
            ProfileName::Ydt3709_2020 => Profile::Ydt3709_2020,
            ProfileName::Tcsae53_2019 => Profile::Tcsae53_2019,
        }
    }

    /// What the platform is told.
    pub fn platform(&self) -> platform::Settings {
        let reports = &self.reports;
        platform::Settings {
            profile: self.profile(),
            sampling: self.sampling.to_sampling(),
            bsm_batch: platform::BatchLimits {
                messages_max: reports.bsm_batch_messages_max.size(),
                bytes_max: reports.bsm_batch_bytes_max.size(),
                age_max: Span::from_millis(reports.bsm_batch_age_ms_max.0),
            },
            heartbeat_interval: Span::from_millis(reports.heartbeat_interval_s.0 * 1_000),
            running_information_interval: Span::from_millis(
                reports.running_information_interval_s.0 * 1_000,
            ),
            junction_interval: match reports.junction_rate_hz.0 {
                0 => Span::default(),
                rate => Span::from_micros(1_000_000 / rate),
            },
            ..platform::Settings::new(self.unit.to_unit())
        }
    }

    /// How to reach the broker.
    ///
    /// # Errors
    /// The file that holds the password cannot be read.
    pub fn mqtt(&self) -> Result<mqtt::Settings, ConfigError> {
        let section = &self.mqtt;
        let mut broker = section.broker.0.clone();
        if let Some(username) = &section.username {
            let password = match &section.password_file {
                None => String::new(),
                Some(path) => fs::read_to_string(path).map_err(|error| ConfigError::Password {
                    path: path.clone(),
                    error,
                })?,
            };
            broker.login = Some(Login {
                username: username.clone(),
                password: password.trim_end_matches(['\r', '\n']).into(),
            });
        }
        let default_client_id = || format!("rsu-{}", self.unit.id.0);
        let client_id = section.client_id.clone().unwrap_or_else(default_client_id);
        let seconds = |value: i64| Duration::from_secs(value.unsigned_abs());
        Ok(mqtt::Settings {
            clean_session: section.clean_session,
            keep_alive: seconds(section.keep_alive_s.0),
            connect_timeout: seconds(section.connect_timeout_s.0),
            ack_timeout: seconds(section.ack_timeout_s.0),
            reconnect_delay_min: seconds(section.reconnect_delay_s_min.0),
            reconnect_delay_max: seconds(section.reconnect_delay_s_max.0),
            window: u16::try_from(section.window.0).unwrap_or(mqtt::Settings::WINDOW_MAX),
            packet_bytes_max: section.packet_bytes_max.size(),
            ..mqtt::Settings::new(broker, client_id)
        })
    }

    /// Where to record what is received, if at all.
    pub fn recording(&self) -> Option<(&Path, record::Limits)> {
        let section = self.recording.as_ref()?;
        let limits = record::Limits {
            file_bytes_max: section.file_bytes_max.0.unsigned_abs(),
            files_max: section.files_max.size(),
        };
        Some((&section.folder, limits))
    }

    /// How the quality of the clock is learnt.
    pub fn clock(&self) -> ClockSource {
        ClockSource {
            synchronized_file: self.clock.synchronized_file.clone(),
            age_max: Duration::from_secs(self.clock.age_s_max.0.unsigned_abs()),
            error_ms: self.clock.error_ms.as_ref().map(|error| error.0 as f32),
        }
    }

    /// What is logged, and how, where the command line does not say.
    pub fn log(&self) -> (Option<&str>, Option<LogFormat>) {
        (self.log.level.as_deref(), self.log.format)
    }
}

impl UnitSection {
    fn to_unit(&self) -> Unit {
        let position = self.longitude_deg.as_ref().zip(self.latitude_deg.as_ref());
        Unit {
            esn: self.esn.clone(),
            name: self.name.clone(),
            hardware_version: self.hardware_version.clone(),
            region_id: self.region_id.clone(),
            map_slice: self.map_slice.clone(),
            position: position.map(|(longitude, latitude)| UnitPosition {
                longitude_deg: longitude.0,
                latitude_deg: latitude.0,
                altitude_m: self.altitude_m.as_ref().map(|altitude| altitude.0),
            }),
            ..Unit::named(self.id.0.clone())
        }
    }
}

impl SamplingSection {
    fn to_sampling(&self) -> Sampling {
        let rate = |value: i64| {
            let value = u16::try_from(value).unwrap_or_default();
            Rate::new(value).unwrap_or(Rate::NONE)
        };
        let stream = |limit: i64| StreamLimits {
            up: match limit {
                ..0 => Limit::Unlimited,
                _ => Limit::PerSecond(rate(limit)),
            },
            down: Limit::Unlimited,
            up_filters: UpFilters::default(),
        };
        Sampling {
            bsm: BsmSampling {
                mode: self.bsm_mode,
                rate: rate(self.bsm_rate.0),
                up_limit: rate(self.bsm_up_limit.0),
                up_filters: UpFilters::default(),
            },
            map: stream(self.map_up_limit.0),
            spat: stream(self.spat_up_limit.0),
            rsm: stream(self.rsm_up_limit.0),
            rsi_up_filters: UpFilters::default(),
        }
    }
}

impl Default for ReportsSection {
    fn default() -> Self {
        Self {
            heartbeat_interval_s: Within(60),
            running_information_interval_s: Within(60),
            junction_rate_hz: Within(10),
            bsm_batch_messages_max: Within(255),
            bsm_batch_bytes_max: Within(32_768),
            bsm_batch_age_ms_max: Within(100),
        }
    }
}

impl Default for SamplingSection {
    fn default() -> Self {
        Self {
            bsm_mode: SampleMode::ByID,
            bsm_rate: Within(10),
            bsm_up_limit: Within(2_000),
            map_up_limit: Within(1),
            spat_up_limit: Within(20),
            rsm_up_limit: Within(20),
        }
    }
}

impl Default for ClockSection {
    fn default() -> Self {
        let source = ClockSource::default();
        Self {
            age_s_max: Within(source.age_max.as_secs() as i64),
            synchronized_file: source.synchronized_file,
            error_ms: None,
        }
    }
}

fn yes() -> bool {
    true
}

macro_rules! defaults {
    ($($name:ident = $value:expr;)+) => {$(
        fn $name<const MIN: i64, const MAX: i64>() -> Within<MIN, MAX> {
            Within($value)
        }
    )+};
}

defaults! {
    payload_bytes_max = network::DSM_LENGTH_MAX as i64;
    keep_alive_s = 20;
    connect_timeout_s = 10;
    ack_timeout_s = 20;
    reconnect_delay_s_min = 1;
    reconnect_delay_s_max = 60;
    window = 64;
    packet_bytes_max = 256 << 10;
    file_bytes_max = 64 << 20;
    files_max = 16;
}

#[cfg(test)]
mod tests;
