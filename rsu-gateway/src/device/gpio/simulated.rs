//! A simulated chip, where the kernel has gpio-sim and this user may use it.

use std::fs;
use std::path::{Path, PathBuf};

use super::{LineSettings, Offset};

const CONFIGURATION: &str = "/sys/kernel/config/gpio-sim";

/// A simulated chip; it goes with the value.
pub(in crate::device) struct Simulated {
    folder: PathBuf,
    /// Where the levels are, in sysfs.
    device: PathBuf,
    chip: PathBuf,
}

impl Simulated {
    /// A chip with eight lines; `None` where the machine has no gpio-sim.
    pub(in crate::device) fn new(test: &str) -> Option<Self> {
        let folder = Path::new(CONFIGURATION).join(format!("rsu-{test}-{}", std::process::id()));
        if let Err(error) = fs::create_dir(&folder) {
            println!("NOTICE: no gpio-sim here, nothing was tested: {CONFIGURATION}: {error}");
            return None;
        }
        let bank = folder.join("bank0");
        fs::create_dir(&bank).unwrap();
        fs::write(bank.join("num_lines"), "8").unwrap();
        fs::write(folder.join("live"), "1").unwrap();
        let name = |file: PathBuf| fs::read_to_string(file).unwrap().trim().to_owned();
        let chip = name(bank.join("chip_name"));
        let device = Path::new("/sys/devices/platform").join(name(folder.join("dev_name")));
        Some(Self {
            device: device.join(&chip),
            chip: Path::new("/dev").join(chip),
            folder,
        })
    }

    pub(in crate::device) fn line(&self, line: Offset, active_low: bool) -> LineSettings {
        LineSettings {
            chip: self.chip.clone(),
            line,
            active_low,
        }
    }

    pub(in crate::device) fn pull(&self, line: Offset, how: &str) {
        fs::write(self.device.join(format!("sim_gpio{line}/pull")), how).unwrap();
    }

    pub(in crate::device) fn level(&self, line: Offset) -> String {
        let file = self.device.join(format!("sim_gpio{line}/value"));
        fs::read_to_string(file).unwrap().trim().to_owned()
    }
}

impl Drop for Simulated {
    fn drop(&mut self) {
        drop(fs::write(self.folder.join("live"), "0"));
        drop(fs::remove_dir(self.folder.join("bank0")));
        drop(fs::remove_dir(&self.folder));
    }
}
