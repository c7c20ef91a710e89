//! How good the clock is: whether it is synchronised, and how far off it may be.
//!
//! The kernel knows (`adjtimex`), but there is no safe way to ask it; what is read instead is the
//! file that a time daemon touches at every successful synchronisation, as systemd-timesyncd does.
//! Where there is no such file, the answer is "unknown", not "no": another daemon may be at work.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};
use std::{fs, io};

use rsu_firmware::time::Timestamp;
use serde::Serialize;

/// The wall clock.
pub fn now() -> Timestamp {
    let micros = match SystemTime::now().duration_since(SystemTime::UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_micros()).unwrap_or(i64::MAX),
        // A clock that was never set may well stand before 1970.
        Err(before) => i64::try_from(before.duration().as_micros()).map_or(i64::MIN, |us| -us),
    };
    Timestamp::from_micros(micros)
}

/// Whether the clock follows a reference.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Synchronization {
    /// It does.
    Synchronized,
    /// It did, but not any more.
    Unsynchronized,
    /// Nothing tells.
    #[default]
    Unknown,
}

/// How good the clock is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(deny_unknown_fields))]
#[serde(rename_all = "camelCase")]
pub struct ClockQuality {
    /// Whether it follows a reference.
    pub synchronization: Synchronization,
    /// Estimated error in ms while synchronised, as configured for the installation; null where
    /// nobody has told.
    pub error_ms: Option<f32>,
}

/// Where the quality of the clock is learnt from.
#[derive(Clone, Debug)]
pub struct ClockSource {
    /// The file that the time daemon touches.
    pub synchronized_file: PathBuf,
    /// Longest time between two synchronisations.
    pub age_max: Duration,
    /// Estimated error in ms while synchronised, where known.
    pub error_ms: Option<f32>,
}

impl Default for ClockSource {
    /// systemd-timesyncd, which asks at least every 2048 s: one answer may be lost.
    fn default() -> Self {
        Self {
            synchronized_file: PathBuf::from("/run/systemd/timesync/synchronized"),
            age_max: Duration::from_secs(2 * 2_048 + 60),
            error_ms: None,
        }
    }
}

impl ClockSource {
    /// The quality now.
    pub fn quality(&self) -> ClockQuality {
        let touched = fs::metadata(&self.synchronized_file).and_then(|file| file.modified());
        self.judge(touched, SystemTime::now())
    }

    fn judge(&self, touched: io::Result<SystemTime>, now: SystemTime) -> ClockQuality {
        let synchronization = match touched.map(|touched| now.duration_since(touched)) {
            Err(_) => Synchronization::Unknown,
            Ok(Ok(age)) if age > self.age_max => Synchronization::Unsynchronized,
            // Touched in the future: the clock was set back, by a synchronisation.
            Ok(Ok(_) | Err(_)) => Synchronization::Synchronized,
        };
        ClockQuality {
            synchronization,
            error_ms: self
                .error_ms
                .filter(|_| synchronization == Synchronization::Synchronized),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(age_s: Option<u64>) -> ClockQuality {
        let source = ClockSource {
            error_ms: Some(5.0),
            ..ClockSource::default()
        };
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        let touched = age_s.map(|age| now - Duration::from_secs(age));
        source.judge(touched.ok_or(io::ErrorKind::NotFound.into()), now)
    }

    #[test]
    fn a_file_touched_lately_tells_a_synchronised_clock() {
        let quality = judged(Some(2_048));
        assert_eq!(quality.synchronization, Synchronization::Synchronized);
        assert_eq!(quality.error_ms, Some(5.0));
    }

    #[test]
    fn an_old_file_tells_of_a_daemon_that_lost_its_reference() {
        let quality = judged(Some(10_000));
        assert_eq!(quality.synchronization, Synchronization::Unsynchronized);
        assert_eq!(quality.error_ms, None);
    }

    #[test]
    fn no_file_tells_nothing() {
        assert_eq!(judged(None), ClockQuality::default());
    }
}
