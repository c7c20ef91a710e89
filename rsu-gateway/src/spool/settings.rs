//! How much a spool may take.

use std::time::Duration;

use super::log::SEGMENTS_MAX;
use super::segment::{ENTRY_HEADER_BYTES, GAP_BYTES, HEADER_BYTES};

/// How much a spool may take, of the disk and of memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Most bytes of segments on disk, at least four segments and at most
    /// [`Settings::SEGMENTS_MAX`]. Whole segments give way, the oldest first, those that have
    /// arrived before all others.
    pub quota_bytes: u64,
    /// Free bytes of the file system that the spool leaves to others: with less, it gives up
    /// what has arrived, and beyond two segments each new one takes the place of the oldest.
    pub free_bytes_min: u64,
    /// Bytes at which a segment is closed and the next one begun, at most
    /// [`Settings::SEGMENT_BYTES_MAX`]; must hold a record of the largest size.
    pub segment_bytes: u64,
    /// How long a record waits for others to be written with, 1 ms to 10 s.
    pub commit_interval: Duration,
    /// Most bytes that wait in memory for the disk.
    pub queue_bytes_max: usize,
    /// Most bytes read from disk ahead of the uplink; one record is always read.
    pub read_ahead_bytes_max: usize,
    /// Most records read ahead.
    pub read_ahead_records_max: usize,
    /// Largest MQTT packet that a record may become; the same as
    /// [`mqtt::Settings::packet_bytes_max`](crate::mqtt::Settings::packet_bytes_max).
    pub packet_bytes_max: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            quota_bytes: 256 << 20,
            free_bytes_min: 64 << 20,
            segment_bytes: 4 << 20,
            commit_interval: Duration::from_millis(200),
            queue_bytes_max: 8 << 20,
            read_ahead_bytes_max: 1 << 20,
            read_ahead_records_max: 1024,
            packet_bytes_max: 512 << 10,
        }
    }
}

/// A setting that cannot work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name} must be from {min} to {max}, is {value}")]
pub struct SettingsError {
    /// Which one.
    pub name: &'static str,
    /// Its value; a time in ms.
    pub value: u64,
    /// The least it may be, given the others.
    pub min: u64,
    /// The most it may be, given the others.
    pub max: u64,
}

impl Settings {
    /// Most segments kept, however small.
    pub const SEGMENTS_MAX: u64 = SEGMENTS_MAX as u64;
    /// Upper limit of [`Settings::segment_bytes`]: a segment is read into memory as a whole.
    pub const SEGMENT_BYTES_MAX: u64 = 64 << 20;

    /// Checks every setting against its range.
    ///
    /// # Errors
    /// Names the first one that is out of it.
    pub fn check(&self) -> Result<(), SettingsError> {
        let record_bytes = (HEADER_BYTES + GAP_BYTES + ENTRY_HEADER_BYTES) as u64;
        let packet_bytes_max = self.packet_bytes_max as u64;
        let commit_interval_ms = u64::try_from(self.commit_interval.as_millis());
        for (name, value, min, max) in [
            ("packet_bytes_max", packet_bytes_max, 16, 16 << 20),
            (
                "segment_bytes",
                self.segment_bytes,
                packet_bytes_max.saturating_add(record_bytes),
                Self::SEGMENT_BYTES_MAX,
            ),
            ("free_bytes_min", self.free_bytes_min, 0, 1 << 50),
            (
                "quota_bytes",
                self.quota_bytes,
                self.segment_bytes.saturating_mul(4),
                self.segment_bytes.saturating_mul(Self::SEGMENTS_MAX),
            ),
            (
                "commit_interval",
                commit_interval_ms.unwrap_or(u64::MAX),
                1,
                10_000,
            ),
            (
                "queue_bytes_max",
                self.queue_bytes_max as u64,
                packet_bytes_max.saturating_mul(2),
                1 << 30,
            ),
            (
                "read_ahead_bytes_max",
                self.read_ahead_bytes_max as u64,
                1,
                1 << 30,
            ),
            (
                "read_ahead_records_max",
                self.read_ahead_records_max as u64,
                1,
                1 << 20,
            ),
        ] {
            if !(min..=max).contains(&value) {
                return Err(SettingsError {
                    name,
                    value,
                    min,
                    max,
                });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_work() {
        assert_eq!(Settings::default().check(), Ok(()));
    }

    #[test]
    fn every_setting_has_a_range() {
        type Change = fn(&mut Settings);
        let out_of_range: [(&str, Change); 10] = [
            ("packet_bytes_max", |s| s.packet_bytes_max = 15),
            ("segment_bytes", |s| s.segment_bytes = 256 << 10),
            ("segment_bytes", |s| s.segment_bytes = (64 << 20) + 1),
            ("quota_bytes", |s| s.quota_bytes = (16 << 20) - 1),
            ("quota_bytes", |s| s.quota_bytes = u64::MAX),
            ("commit_interval", |s| s.commit_interval = Duration::ZERO),
            ("commit_interval", |s| s.commit_interval = Duration::MAX),
            ("queue_bytes_max", |s| s.queue_bytes_max = 256 << 10),
            ("read_ahead_bytes_max", |s| s.read_ahead_bytes_max = 0),
            ("read_ahead_records_max", |s| s.read_ahead_records_max = 0),
        ];
        for (name, change) in out_of_range {
            let mut settings = Settings::default();
            change(&mut settings);
            assert_eq!(settings.check().map_err(|error| error.name), Err(name));
        }
    }
}
