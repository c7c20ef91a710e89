//! What the kernel has been told of the clock's error: `adjtimex(2)`, which changes nothing here.

use std::io;
use std::time::Duration;

#[cfg(target_pointer_width = "64")]
use rtime_clock::adjtime::{Timex, adjtimex};

/// The kernel's account of the wall clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KernelClock {
    /// Error as the time daemon estimates it; zero where it does not.
    pub estimated_error: Duration,
    /// Bound of the error: set at every synchronisation, then growing by [`DRIFT_PPM_MAX`]; 16 s
    /// when nobody synchronises.
    pub max_error: Duration,
}

/// By how much the kernel takes a free-running clock to drift (`MAXFREQ`).
const DRIFT_PPM_MAX: u32 = 500;

/// Error right after a synchronisation up to which a time server is any good (`MAXDIST`, RFC 5905).
const DISTANCE_MAX: Duration = Duration::from_secs(1);

impl KernelClock {
    /// Asks the kernel.
    ///
    /// # Errors
    /// The kernel does not answer, as in a sandbox that forbids it; and on 32-bit processors, where
    /// no library asks it: there the file that the time daemon touches is the only witness.
    #[cfg(target_pointer_width = "64")]
    pub fn read() -> io::Result<Self> {
        let mut timex = Timex::new();
        adjtimex(&mut timex)?;
        let micros = |error| Duration::from_micros(u64::try_from(error).unwrap_or_default());
        Ok(Self {
            estimated_error: micros(timex.0.esterror),
            max_error: micros(timex.0.maxerror),
        })
    }

    #[cfg(not(target_pointer_width = "64"))]
    #[allow(missing_docs, reason = "above")]
    pub fn read() -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Whether the last synchronisation is not older than `age_max`, by the bound of the error.
    ///
    /// The kernel's own flag is not asked: daemons also raise it to keep the kernel from setting
    /// the hardware clock, and the kernel itself waits for hours until it does.
    pub(super) fn is_synchronized(&self, age_max: Duration) -> bool {
        self.max_error <= DISTANCE_MAX + age_max * DRIFT_PPM_MAX / 1_000_000
            && self.max_error < Duration::from_secs(16)
    }

    /// The estimate, or where there is none the bound.
    pub(super) fn error(&self) -> Duration {
        match self.estimated_error {
            Duration::ZERO => self.max_error,
            estimated => estimated,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_runs_free_is_found_out_after_the_longest_age() {
        let free_for = |seconds: u64| KernelClock {
            estimated_error: Duration::ZERO,
            max_error: Duration::from_micros(seconds * 500) + DISTANCE_MAX,
        };
        let age_max = Duration::from_secs(4_156);
        assert!(free_for(4_156).is_synchronized(age_max));
        assert!(!free_for(4_157).is_synchronized(age_max));
    }

    #[test]
    fn the_largest_error_is_never_a_synchronised_clock() {
        let nobody = KernelClock {
            estimated_error: Duration::ZERO,
            max_error: Duration::from_secs(16),
        };
        assert!(!nobody.is_synchronized(Duration::from_secs(1_000_000)));
    }

    #[cfg(target_pointer_width = "64")]
    #[test]
    fn this_kernel_answers() {
        let kernel = KernelClock::read().unwrap();
        assert!(kernel.max_error <= Duration::from_secs(16));
    }
}
