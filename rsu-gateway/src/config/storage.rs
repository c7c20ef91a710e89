//! `[storage]` and `[live]`: what is kept on disk, and how much waits in memory.

use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

use super::value::Within;
use crate::mqtt::LiveLimits;
use crate::spool::Settings;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct StorageSection {
    pub(super) folder: PathBuf,
    durable_bytes_max: Within<16_384, { 1 << 40 }>,
    spilled_bytes_max: Within<16_384, { 1 << 40 }>,
    free_bytes_min: Within<0, { 1 << 40 }>,
    segment_bytes: Within<4_096, { Settings::SEGMENT_BYTES_MAX as i64 }>,
    commit_ms_max: Within<1, 10_000>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct LiveSection {
    queue_max: Within<1, 10_000>,
}

impl StorageSection {
    /// How much the spool of durable records may take.
    pub(super) fn durable(&self, packet_bytes_max: usize) -> Settings {
        Settings {
            quota_bytes: self.durable_bytes_max.0.unsigned_abs(),
            ..self.spool(packet_bytes_max)
        }
    }

    /// How much the spool of spilled records may take.
    pub(super) fn spilled(&self, packet_bytes_max: usize) -> Settings {
        Settings {
            quota_bytes: self.spilled_bytes_max.0.unsigned_abs(),
            ..self.spool(packet_bytes_max)
        }
    }

    pub(super) fn free_bytes_min(&self) -> u64 {
        self.free_bytes_min.0.unsigned_abs()
    }

    fn spool(&self, packet_bytes_max: usize) -> Settings {
        Settings {
            free_bytes_min: self.free_bytes_min(),
            segment_bytes: self.segment_bytes.0.unsigned_abs(),
            commit_interval: Duration::from_millis(self.commit_ms_max.0.unsigned_abs()),
            packet_bytes_max,
            ..Settings::default()
        }
    }
}

impl Default for StorageSection {
    fn default() -> Self {
        Self {
            folder: PathBuf::from("/var/lib/rsu"),
            durable_bytes_max: Within(256 << 20),
            spilled_bytes_max: Within(256 << 20),
            free_bytes_min: Within(64 << 20),
            segment_bytes: Within(4 << 20),
            commit_ms_max: Within(200),
        }
    }
}

impl LiveSection {
    pub(super) fn limits(&self) -> LiveLimits {
        LiveLimits {
            queue_max: self.queue_max.size(),
            ..LiveLimits::default()
        }
    }
}

impl Default for LiveSection {
    fn default() -> Self {
        Self {
            queue_max: Within(32),
        }
    }
}
