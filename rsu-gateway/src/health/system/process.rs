//! What this program itself uses.

use std::fs;
use std::path::Path;

use serde::Serialize;

/// This program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Process {
    /// Memory that it occupies.
    pub resident_bytes: u64,
    /// File descriptors that it holds.
    pub open_files: u64,
    /// Threads.
    pub threads: u64,
}

impl Process {
    /// This process; `None` where the system does not tell.
    pub fn own() -> Option<Self> {
        Self::read(Path::new("/proc/self"))
    }

    /// The process of the folder `process`, as `/proc/self` is one.
    pub(super) fn read(process: &Path) -> Option<Self> {
        let status = fs::read_to_string(process.join("status")).ok()?;
        let open_files = fs::read_dir(process.join("fd")).ok()?.count();
        Some(Self {
            resident_bytes: number(&status, "VmRSS:")?.saturating_mul(1_024),
            // The folder itself is open while it is read.
            open_files: u64::try_from(open_files).ok()?.saturating_sub(1),
            threads: number(&status, "Threads:")?,
        })
    }
}

fn number(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_memory_files_and_threads() {
        let process = Process::read(Path::new("/proc/self")).unwrap();
        assert!(process.resident_bytes > 100_000);
        assert!(process.threads >= 1);
        let held: Vec<_> = (0..50)
            .map(|_| fs::File::open("/proc/self/status").unwrap())
            .collect();
        let with_more = Process::read(Path::new("/proc/self")).unwrap();
        assert!(with_more.open_files >= 50, "{with_more:?}");
        drop(held);
    }

    #[test]
    fn a_process_that_is_gone_has_nothing() {
        assert_eq!(Process::read(Path::new("/proc/0")), None);
    }
}
