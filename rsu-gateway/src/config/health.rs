//! `[health]`, `[clock]`, `[recording]` and `[log]`: how the unit is watched.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use rsu_firmware::time::Span;
use serde::Deserialize;

use super::LogFormat;
use super::value::{Within, WithinFloat};
use crate::clock::ClockSource;
use crate::health::alarm::Settings;
use crate::radio::record;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct HealthSection {
    pub(super) listen: Option<Loopback>,
    certificate_days_min: Within<1, 365>,
    spool_filled_percent_max: Within<1, 100>,
    frames_shed_per_minute_max: Within<0, 1_000_000>,
    commands_shed_per_minute_max: Within<0, 1_000_000>,
    senders_ahead_ms_max: Within<100, 3_600_000>,
}

/// An address that only programs on the unit reach.
#[derive(Clone, Copy, Debug)]
pub(super) struct Loopback(pub(super) SocketAddr);

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RecordingSection {
    pub(super) folder: PathBuf,
    #[serde(default = "file_bytes_max")]
    file_bytes_max: Within<{ record::FILE_BYTES_MIN as i64 }, { 1 << 40 }>,
    #[serde(default = "files_max")]
    files_max: Within<1, 100_000>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ClockSection {
    synchronized_file: PathBuf,
    age_s_max: Within<1, 1_000_000>,
    error_ms: Option<WithinFloat<0, 1_000_000>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LogSection {
    pub(super) level: Option<String>,
    pub(super) format: Option<LogFormat>,
}

impl HealthSection {
    pub(super) fn alarms(&self) -> Settings {
        Settings {
            certificate_days_min: u16::try_from(self.certificate_days_min.0).unwrap_or(u16::MAX),
            spool_filled_percent_max: u8::try_from(self.spool_filled_percent_max.0).unwrap_or(100),
            frames_shed_per_minute_max: self.frames_shed_per_minute_max.0.unsigned_abs(),
            commands_shed_per_minute_max: self.commands_shed_per_minute_max.0.unsigned_abs(),
            senders_ahead_max: Span::from_millis(self.senders_ahead_ms_max.0),
        }
    }
}

impl Default for HealthSection {
    fn default() -> Self {
        Self {
            listen: None,
            certificate_days_min: Within(30),
            spool_filled_percent_max: Within(90),
            frames_shed_per_minute_max: Within(1_000),
            commands_shed_per_minute_max: Within(10),
            senders_ahead_ms_max: Within(2_000),
        }
    }
}

impl<'de> Deserialize<'de> for Loopback {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let address = SocketAddr::deserialize(deserializer)?;
        if !address.ip().is_loopback() {
            return Err(serde::de::Error::custom(format_args!(
                "{address} can be reached from outside: only the loopback will do, as in \
                 127.0.0.1:9464"
            )));
        }
        Ok(Self(address))
    }
}

impl RecordingSection {
    pub(super) fn limits(&self) -> record::Limits {
        record::Limits {
            file_bytes_max: self.file_bytes_max.0.unsigned_abs(),
            files_max: self.files_max.size(),
        }
    }
}

impl ClockSection {
    pub(super) fn source(&self) -> ClockSource {
        ClockSource {
            synchronized_file: self.synchronized_file.clone(),
            age_max: Duration::from_secs(self.age_s_max.0.unsigned_abs()),
            error_ms: self.error_ms.as_ref().map(|error| error.0 as f32),
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

super::value::defaults! {
    file_bytes_max = 64 << 20;
    files_max = 16;
}
