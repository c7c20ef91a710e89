//! The hardware watchdog of the kernel: any byte feeds it, and `V` before closing stops it (the
//! magic close of the kernel's watchdog API). Whoever is killed leaves it running, as it should be.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use super::part::about;

/// The watchdog, running from here on.
#[derive(Debug)]
pub(super) struct WatchdogFile(File);

impl WatchdogFile {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        about(path, OpenOptions::new().write(true).open(path)).map(Self)
    }

    pub(super) fn feed(&mut self) -> io::Result<()> {
        self.0.write_all(b"\0")
    }

    /// Stops it: the program ends because it was asked to.
    pub(super) fn stop(mut self) -> io::Result<()> {
        self.0.write_all(b"V")
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn it_is_fed_and_stopped_by_what_the_kernel_asks_for() {
        let path = std::env::temp_dir().join(format!("rsu-watchdog-{}", std::process::id()));
        std::fs::write(&path, "").unwrap();
        let mut watchdog = WatchdogFile::open(&path).unwrap();
        watchdog.feed().unwrap();
        watchdog.feed().unwrap();
        watchdog.stop().unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"\0\0V");
        std::fs::remove_file(&path).unwrap();
        assert!(WatchdogFile::open(&path).is_err(), "none is made");
    }
}
