//! The wall clock: what it says, how good it is, and when somebody has set it.

mod jump;
mod kernel;

use std::path::PathBuf;
use std::time::{Duration, SystemTime};
use std::{fs, io};

use rsu_firmware::time::Timestamp;
use serde::Serialize;

pub use jump::{ClockJump, JumpDetector, Moment};
pub use kernel::KernelClock;

/// The wall clock.
pub fn now() -> Timestamp {
    let micros = match SystemTime::now().duration_since(SystemTime::UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_micros()).unwrap_or(i64::MAX),
        // A clock that was never set may well stand before 1970.
        Err(before) => i64::try_from(before.duration().as_micros()).map_or(i64::MIN, |us| -us),
    };
    Timestamp::from_micros(micros)
}

/// 2025-01-01: a clock that says less was never set, for this program is younger.
pub const PLAUSIBLE_FROM: Timestamp = Timestamp::from_millis(1_735_689_600_000);

/// Whether the clock follows a reference.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Synchronization {
    /// It does.
    Synchronized,
    /// It does not, or not any more.
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
    /// Error in ms while synchronised: as configured for the installation, or as the time daemon
    /// estimates it, or else the bound that the kernel keeps; null where nobody has told.
    pub error_ms: Option<f32>,
}

/// Where the quality of the clock is learnt from: the kernel, which the time daemon tells how well
/// it does, and for daemons that do not tell it a file that is touched at every synchronisation.
#[derive(Clone, Debug)]
pub struct ClockSource {
    /// The file that the time daemon touches.
    pub synchronized_file: PathBuf,
    /// Longest time between two synchronisations.
    pub age_max: Duration,
    /// Error in ms while synchronised, where the installation knows better than the daemon.
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
        let file = self.judge_file(touched, SystemTime::now());
        self.judge(KernelClock::read().ok(), file, now())
    }

    /// Either witness of a synchronisation is believed; a clock that was never set never is.
    fn judge(
        &self,
        kernel: Option<KernelClock>,
        file: Synchronization,
        now: Timestamp,
    ) -> ClockQuality {
        use Synchronization::{Synchronized, Unknown, Unsynchronized};
        let kernel = kernel.map(|kernel| (kernel, kernel.is_synchronized(self.age_max)));
        let synchronization = match (kernel, file) {
            _ if now < PLAUSIBLE_FROM => Unsynchronized,
            (Some((_, true)), _) => Synchronized,
            (Some((_, false)), Unknown) => Unsynchronized,
            (_, file) => file,
        };
        let told = kernel.and_then(|(kernel, synchronized)| synchronized.then(|| kernel.error()));
        let error_ms = self
            .error_ms
            .or(told.map(|error| error.as_secs_f32() * 1_000.0));
        ClockQuality {
            synchronization,
            error_ms: error_ms.filter(|_| synchronization == Synchronized),
        }
    }

    fn judge_file(&self, touched: io::Result<SystemTime>, now: SystemTime) -> Synchronization {
        match touched.map(|touched| now.duration_since(touched)) {
            Err(_) => Synchronization::Unknown,
            Ok(Ok(age)) if age > self.age_max => Synchronization::Unsynchronized,
            // Touched in the future: the clock was set back, by a synchronisation.
            Ok(Ok(_) | Err(_)) => Synchronization::Synchronized,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_767_225_600_000);

    fn kernel(estimated_us: u64, max_us: u64) -> Option<KernelClock> {
        Some(KernelClock {
            estimated_error: Duration::from_micros(estimated_us),
            max_error: Duration::from_micros(max_us),
        })
    }

    fn judged(
        kernel: Option<KernelClock>,
        file: Synchronization,
    ) -> (Synchronization, Option<f32>) {
        let quality = ClockSource::default().judge(kernel, file, NOW);
        (quality.synchronization, quality.error_ms)
    }

    fn judged_file(age_s: Option<u64>) -> Synchronization {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        let touched = age_s.map(|age| now - Duration::from_secs(age));
        ClockSource::default().judge_file(touched.ok_or(io::ErrorKind::NotFound.into()), now)
    }

    #[test]
    fn the_kernel_tells_a_synchronised_clock_and_its_error() {
        let unknown = Synchronization::Unknown;
        let synchronized = Synchronization::Synchronized;
        assert_eq!(
            judged(kernel(250, 40_000), unknown),
            (synchronized, Some(0.25))
        );
        // systemd-timesyncd estimates nothing: what is left is the bound.
        assert_eq!(
            judged(kernel(0, 40_000), unknown),
            (synchronized, Some(40.0))
        );
    }

    #[test]
    fn a_kernel_that_nobody_tells_anything_leaves_it_to_the_file() {
        let silent = kernel(16_000_000, 16_000_000);
        assert_eq!(
            judged(silent, Synchronization::Unknown),
            (Synchronization::Unsynchronized, None)
        );
        assert_eq!(
            judged(silent, Synchronization::Synchronized),
            (Synchronization::Synchronized, None)
        );
        assert_eq!(
            judged(None, Synchronization::Unknown),
            (Synchronization::Unknown, None)
        );
    }

    #[test]
    fn what_the_installation_knows_goes_before_what_the_daemon_estimates() {
        let source = ClockSource {
            error_ms: Some(5.0),
            ..ClockSource::default()
        };
        let error = |kernel| source.judge(kernel, Synchronization::Unknown, NOW).error_ms;
        assert_eq!(error(kernel(250, 40_000)), Some(5.0));
        assert_eq!(error(kernel(0, 16_000_000)), None);
    }

    #[test]
    fn a_clock_at_1970_is_not_synchronised_whatever_is_said() {
        let source = ClockSource::default();
        let quality = source.judge(
            kernel(1, 1),
            Synchronization::Synchronized,
            Timestamp::from_millis(86_400_000),
        );
        assert_eq!(quality.synchronization, Synchronization::Unsynchronized);
        assert_eq!(quality.error_ms, None);
    }

    #[test]
    fn a_file_tells_by_its_age() {
        assert_eq!(judged_file(Some(2_048)), Synchronization::Synchronized);
        assert_eq!(judged_file(Some(10_000)), Synchronization::Unsynchronized);
        assert_eq!(judged_file(None), Synchronization::Unknown);
    }
}
