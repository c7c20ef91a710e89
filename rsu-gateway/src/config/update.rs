//! `[update]`: how the software is changed.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use super::value::Within;
use crate::health::self_check::Need;
use crate::http;
use crate::update::{Downloader, Rauc, Settings, TrialSettings, version_at_work};

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct UpdateSection {
    rauc_command: Vec<String>,
    version_file: PathBuf,
    ca_file: Option<PathBuf>,
    allow_http: bool,
    download_bytes_per_s_max: Within<0, { 1 << 30 }>,
    download_patience_s: Within<1, 604_800>,
    bundle_bytes_max: Within<65_536, { 1 << 40 }>,
    needs: Vec<Need>,
    healthy_s_min: Within<1, 3_600>,
    confirm_s_max: Within<1, 86_400>,
}

impl UpdateSection {
    pub(super) fn contradiction(&self) -> Option<&'static str> {
        if self.rauc_command.is_empty() {
            return Some("update.rauc_command must name a program");
        }
        let is_hopeless = self.confirm_s_max.0 < self.healthy_s_min.0;
        is_hopeless.then_some("update.confirm_s_max is below update.healthy_s_min")
    }

    pub(super) fn installer(&self) -> Rauc {
        Rauc::new(&self.rauc_command)
    }

    pub(super) fn to_settings(
        &self,
        data: &Path,
        hardware_version: Option<&str>,
        free_bytes_min: u64,
    ) -> Settings {
        let seconds = |value: i64| Duration::from_secs(value.unsigned_abs());
        let rate = self.download_bytes_per_s_max.0.unsigned_abs();
        let at_work = version_at_work(&self.version_file);
        Settings {
            folder: data.join("update"),
            at_work: at_work.map_err(|error| format!("{}: {error}", self.version_file.display())),
            hardware_version: hardware_version.map(str::to_owned),
            downloader: Downloader {
                roots_file: self.ca_file.clone().unwrap_or_else(http::system_roots),
                allow_http: self.allow_http,
                bytes_per_second_max: (rate > 0).then_some(rate),
                bytes_max: self.bundle_bytes_max.0.unsigned_abs(),
                free_bytes_min,
                retry_delay_min: Duration::from_secs(1),
                patience: seconds(self.download_patience_s.0),
            },
            trial: TrialSettings {
                healthy_for: seconds(self.healthy_s_min.0),
                deadline: seconds(self.confirm_s_max.0),
                needs: self.needs.clone(),
            },
        }
    }
}

impl Default for UpdateSection {
    fn default() -> Self {
        Self {
            rauc_command: vec!["rauc".into()],
            version_file: PathBuf::from("/etc/os-release"),
            ca_file: None,
            allow_http: false,
            download_bytes_per_s_max: Within(262_144),
            download_patience_s: Within(86_400),
            bundle_bytes_max: Within(256 << 20),
            needs: Need::ALL.to_vec(),
            healthy_s_min: Within(60),
            confirm_s_max: Within(100),
        }
    }
}
