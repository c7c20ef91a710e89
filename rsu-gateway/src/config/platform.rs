//! `[platform]`, `[reports]`, `[sampling]` and `[classes]`: what the platform is told, and how.

use rsu_firmware::time::Span;
use serde::Deserialize;

use super::value::Within;
use crate::platform::dialect::DialectName;
use crate::platform::sampling::{BsmSampling, Limit, Rate, SampleMode, UpFilters};
use crate::platform::{BatchLimits, Sampling, Settings, StreamLimits, Unit};

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct PlatformSection {
    pub(super) dialect: DialectName,
    request_acknowledgements: bool,
    command_age_s_max: Within<0, 86_400>,
    pub(super) reboot_command: Vec<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ReportsSection {
    heartbeat_interval_s: Within<0, 86_400>,
    running_information_interval_s: Within<0, 86_400>,
    traffic_interval_s: Within<0, 86_400>,
    junction_rate_hz: Within<0, 50>,
    bsm_batch_messages_max: Within<1, 255>,
    bsm_batch_bytes_max: Within<1_024, 262_144>,
    bsm_batch_age_ms_max: Within<10, 1_000>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct SamplingSection {
    bsm_mode: SampleMode,
    bsm_rate: Within<0, 10_000>,
    bsm_up_limit: Within<0, 10_000>,
    map_up_limit: Within<-1, 10_000>,
    spat_up_limit: Within<-1, 10_000>,
    rsm_up_limit: Within<-1, 10_000>,
}

impl PlatformSection {
    /// How old a command may be that says when it was sent.
    pub(super) fn command_age_max(&self) -> Option<Span> {
        let seconds = self.command_age_s_max.0;
        (seconds > 0).then(|| Span::from_millis(seconds * 1_000))
    }

    pub(super) fn contradiction(&self) -> Option<&'static str> {
        let is_empty = self.reboot_command.is_empty();
        is_empty.then_some("platform.reboot_command must name a program")
    }
}

impl Default for PlatformSection {
    fn default() -> Self {
        Self {
            dialect: DialectName::default(),
            request_acknowledgements: false,
            command_age_s_max: Within(300),
            reboot_command: vec!["systemctl".into(), "reboot".into()],
        }
    }
}

impl ReportsSection {
    /// Settings for `unit`; profile and classes are set by the caller.
    pub(super) fn to_settings(
        &self,
        unit: Unit,
        platform: &PlatformSection,
        sampling: &SamplingSection,
    ) -> Settings {
        let seconds = |value: i64| Span::from_millis(value * 1_000);
        Settings {
            sampling: sampling.to_sampling(),
            bsm_batch: BatchLimits {
                messages_max: self.bsm_batch_messages_max.size(),
                bytes_max: self.bsm_batch_bytes_max.size(),
                age_max: Span::from_millis(self.bsm_batch_age_ms_max.0),
            },
            heartbeat_interval: seconds(self.heartbeat_interval_s.0),
            running_information_interval: seconds(self.running_information_interval_s.0),
            traffic_interval: seconds(self.traffic_interval_s.0),
            junction_interval: match self.junction_rate_hz.0 {
                0 => Span::default(),
                rate => Span::from_micros(1_000_000 / rate),
            },
            request_acknowledgements: platform.request_acknowledgements,
            ..Settings::new(unit)
        }
    }
}

impl Default for ReportsSection {
    fn default() -> Self {
        Self {
            heartbeat_interval_s: Within(60),
            running_information_interval_s: Within(60),
            traffic_interval_s: Within(60),
            junction_rate_hz: Within(10),
            bsm_batch_messages_max: Within(255),
            bsm_batch_bytes_max: Within(32_768),
            bsm_batch_age_ms_max: Within(100),
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
