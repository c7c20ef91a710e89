//! What a fleet needs of the machine, and what it takes.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::time::{ClockId, clock_gettime};

use crate::health::system::Process;

/// A socket each, and what the threads and the look at the machine need.
const FILES_PER_UNIT: u64 = 1;
const FILES_BESIDE: u64 = 64;

/// The process may not have so many files open.
#[derive(Debug, thiserror::Error)]
#[error(
    "{units} units need {needed} open files, and the limit is {limit}: raise it with \
     `ulimit -n {needed}` as root, or play fewer units"
)]
pub(super) struct TooFewFiles {
    units: u16,
    needed: u64,
    limit: u64,
}

/// Raises the soft limit of open files as far as `units` need.
///
/// # Errors
/// The hard limit does not allow it.
pub(super) fn provide_files(units: u16) -> Result<(), TooFewFiles> {
    let needed = u64::from(units) * FILES_PER_UNIT + FILES_BESIDE;
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current.is_none_or(|limit| limit >= needed) {
        return Ok(());
    }
    let raised = Rlimit {
        current: Some(needed),
        maximum,
    };
    setrlimit(Resource::Nofile, raised).map_err(|_| TooFewFiles {
        units,
        needed,
        limit: maximum.or(current).unwrap_or(0),
    })
}

/// What this process takes, for people.
pub(super) fn use_of(units: u16, running_s: f64) -> String {
    let cpu = clock_gettime(ClockId::ProcessCPUTime);
    let cpu_s = cpu.tv_sec as f64 + cpu.tv_nsec as f64 / 1e9;
    let memory = Process::own().map_or(String::new(), |process| {
        let megabytes = process.resident_bytes as f64 / 1e6;
        format!(
            ", {megabytes:.0} MB of memory ({:.2} MB a unit), {} threads",
            megabytes / f64::from(units),
            process.threads
        )
    });
    format!("this process: {:.2} processors{memory}", cpu_s / running_s)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn one_unit_needs_no_more_files_than_any_process_has() {
        provide_files(1).unwrap();
    }

    #[test]
    fn the_use_is_told_by_the_unit() {
        let told = use_of(1, 1.0);
        assert!(
            told.contains("processors") && told.contains("MB a unit"),
            "{told}"
        );
    }
}
