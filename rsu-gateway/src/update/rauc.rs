//! RAUC, by its command line: `rauc status`, `rauc info`, `rauc install`.
//!
//! Formats as RAUC 1.8 writes them. What goes wrong it says in the last line `LastError: ...` of an
//! installation, or on stderr among its messages.

mod process;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::time::Duration;

use semver::Version;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::installer::{Installation, Installer, InstallerError, Manifest, Mark, Slot, Slots};
use process::Ended;

/// Longest time that a question may take; a bundle is read once for its signature.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(60);

/// Longest time that an installation may take.
const INSTALL_TIME_MAX: Duration = Duration::from_secs(3_600);

/// Where the image's handler leaves why it refuses a bundle; RAUC says only that it does.
const REFUSAL: &str = "/run/refusal";

/// RAUC as a command.
#[derive(Clone, Debug)]
pub struct Rauc {
    /// The program, and what comes before its other arguments.
    command: Vec<String>,
}

impl Rauc {
    /// RAUC by this command, such as `["rauc"]`.
    pub fn new(command: &[String]) -> Self {
        Self {
            command: command.to_vec(),
        }
    }

    fn ask(&self, arguments: &[&OsStr]) -> Result<Ended, InstallerError> {
        self.run(arguments, ANSWER_TIME_MAX, &mut |_| {})
    }

    fn run(
        &self,
        arguments: &[&OsStr],
        patience: Duration,
        on_line: &mut dyn FnMut(&str),
    ) -> Result<Ended, InstallerError> {
        let ended = process::run(&self.command, arguments, patience, on_line)?;
        match ended.is_success {
            true => Ok(ended),
            false => Err(InstallerError(ended.reason())),
        }
    }
}

impl Installer for Rauc {
    fn slots(&self) -> Result<Slots, InstallerError> {
        let arguments = ["status", "--detailed", "--output-format=json"];
        let ended = self.ask(&arguments.map(OsStr::new))?;
        parse::<Status>("rauc status", &ended.stdout)?.try_into()
    }

    fn inspect(&self, bundle: &Path) -> Result<Manifest, InstallerError> {
        let arguments = ["info", "--output-format=json"].map(OsStr::new);
        let ended = self.ask(&[&arguments[..], &[bundle.as_os_str()]].concat())?;
        parse::<Info>("rauc info", &ended.stdout)?.try_into()
    }

    fn install(&self, bundle: &Path, progress: &mut dyn FnMut(u8)) -> Result<(), InstallerError> {
        let arguments = [OsStr::new("install"), bundle.as_os_str()];
        let mut on_line = |line: &str| {
            if let Some(percent) = percent(line) {
                progress(percent);
            }
        };
        // What an earlier installation left.
        let _ = fs::remove_file(REFUSAL);
        match self.run(&arguments, INSTALL_TIME_MAX, &mut on_line) {
            Ok(_) => Ok(()),
            Err(error) => Err(explained(error, fs::read_to_string(REFUSAL).ok())),
        }
    }

    fn mark(&self, mark: Mark) -> Result<(), InstallerError> {
        let mark = match mark {
            Mark::Good => "mark-good",
            Mark::Bad => "mark-bad",
        };
        self.ask(&["status", mark].map(OsStr::new))?;
        Ok(())
    }
}

/// The same in clearer words, where there are any.
fn explained(error: InstallerError, refusal: Option<String>) -> InstallerError {
    if let Some(refusal) = refusal {
        return InstallerError(refusal.trim().to_owned());
    }
    match error.0.contains("reading from file: Input/output error") {
        true => InstallerError(format!(
            "the bundle's bytes are not those that were signed, or its disk cannot be read: {error}"
        )),
        false => error,
    }
}

/// ` 40% Verifying signature done.`
fn percent(line: &str) -> Option<u8> {
    let (number, _) = line.trim_start().split_once('%')?;
    number.parse().ok().filter(|percent| *percent <= 100)
}

fn parse<T: DeserializeOwned>(what: &str, json: &str) -> Result<T, InstallerError> {
    serde_json::from_str(json).map_err(|error| InstallerError(format!("{what}: {error}")))
}

/// `rauc status --detailed --output-format=json`.
#[derive(Deserialize)]
struct Status {
    compatible: String,
    /// An object with a single member each.
    slots: Vec<BTreeMap<String, SlotStatus>>,
}

#[derive(Deserialize)]
struct SlotStatus {
    class: String,
    /// What the boot loader calls it; slots without one are not started.
    bootname: Option<String>,
    state: String,
    boot_status: Option<String>,
    slot_status: Option<SlotDetails>,
}

#[derive(Deserialize)]
struct SlotDetails {
    installed: Option<Installed>,
}

#[derive(Deserialize)]
struct Installed {
    timestamp: String,
    count: u64,
}

impl TryFrom<Status> for Slots {
    type Error = InstallerError;

    fn try_from(status: Status) -> Result<Self, InstallerError> {
        let mut booted = None;
        let mut others = Vec::new();
        for slot in status.slots.into_iter().flat_map(BTreeMap::into_values) {
            match slot.state.as_str() {
                "booted" => booted = Some(slot),
                _ => others.push(slot),
            }
        }
        let unknown = || InstallerError("rauc status: no slot is said to be booted".into());
        let booted = booted.ok_or_else(unknown)?;
        let is_twin = |slot: &SlotStatus| slot.class == booted.class && slot.bootname.is_some();
        let other = others.into_iter().find(is_twin);
        Ok(Self {
            compatible: status.compatible,
            booted: Slot::from(booted),
            other: other.map(Slot::from),
        })
    }
}

impl From<SlotStatus> for Slot {
    fn from(slot: SlotStatus) -> Self {
        let name = slot.bootname.unwrap_or_default();
        let installed = slot.slot_status.and_then(|details| details.installed);
        Self {
            installation: installed.map(|installed| Installation {
                slot: name.clone(),
                time: installed.timestamp,
                count: installed.count,
            }),
            is_good: slot.boot_status.as_deref() == Some("good"),
            name,
        }
    }
}

/// `rauc info --output-format=json FILE`.
#[derive(Deserialize)]
struct Info {
    compatible: String,
    version: Option<String>,
}

impl TryFrom<Info> for Manifest {
    type Error = InstallerError;

    fn try_from(info: Info) -> Result<Self, InstallerError> {
        let text = info.version.unwrap_or_default();
        let version = Version::parse(&text).map_err(|error| {
            InstallerError(format!("the bundle's version {text:?} is none: {error}"))
        })?;
        Ok(Self {
            compatible: info.compatible,
            version,
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
