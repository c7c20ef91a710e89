//! The machine that the software runs on, as far as an update needs it.

use std::fmt::Debug;
use std::path::Path;
use std::process::Command;
use std::{fs, io};

use rsu_firmware::time::Timestamp;
use semver::Version;

use crate::clock::{self, ClockSource, Moment, Synchronization};
use crate::health::previous_run;

/// The machine; tests have one of their own.
pub trait Machine: Debug + Send {
    /// What tells this run of the machine from others.
    fn boot_id(&self) -> String;

    /// This moment.
    fn now(&self) -> Moment;

    /// The wall clock, where it can be relied upon.
    fn trusted_time(&self) -> Option<Timestamp>;

    /// Starts the machine anew; returns when it has been asked for.
    ///
    /// # Errors
    /// Why it could not be asked for.
    fn reboot(&self) -> Result<(), String>;
}

/// The machine that the program runs on.
#[derive(Clone, Debug)]
pub struct Host {
    /// Tells whether the clock can be relied upon.
    pub clock: ClockSource,
    /// The program that starts the machine anew, and its arguments.
    pub reboot_command: Vec<String>,
}

impl Machine for Host {
    fn boot_id(&self) -> String {
        previous_run::boot_id()
    }

    fn now(&self) -> Moment {
        Moment::now()
    }

    fn trusted_time(&self) -> Option<Timestamp> {
        let is_trusted = self.clock.quality().synchronization == Synchronization::Synchronized;
        is_trusted.then(clock::now)
    }

    fn reboot(&self) -> Result<(), String> {
        run_reboot(&self.reboot_command)
    }
}

/// Runs the command that starts the machine anew.
///
/// # Errors
/// What the command says.
fn run_reboot(command: &[String]) -> Result<(), String> {
    let [program, arguments @ ..] = command else {
        return Err("no command reboots this unit".into());
    };
    match Command::new(program).args(arguments).status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{program}: {status}")),
        Err(error) => Err(format!("{program}: {error}")),
    }
}

/// Why it is not known which version is at work.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum VersionError {
    #[error(transparent)]
    Unreadable(#[from] io::Error),
    #[error("VERSION_ID is missing")]
    Missing,
    #[error("VERSION_ID={text:?} is no version: {error}")]
    Invalid { text: String, error: semver::Error },
}

/// The version of the image at work: `VERSION_ID` of a file like os-release(5).
///
/// # Errors
/// The file cannot be read, or has no version of the form MAJOR.MINOR.PATCH.
pub fn version_at_work(file: &Path) -> Result<Version, VersionError> {
    version_of(&fs::read_to_string(file)?)
}

fn version_of(os_release: &str) -> Result<Version, VersionError> {
    let mut lines = os_release.lines();
    let value = lines.find_map(|line| line.trim().strip_prefix("VERSION_ID="));
    let text = value.ok_or(VersionError::Missing)?;
    let text = text.trim_matches(['"', '\'']);
    Version::parse(text).map_err(|error| VersionError::Invalid {
        text: text.into(),
        error,
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_that_of_the_image() {
        let version = version_of("NAME=rsu\nVERSION_ID=\"0.2.0\"\nID=rsu\n").unwrap();
        assert_eq!(version, Version::new(0, 2, 0));
        assert_eq!(
            version_of("VERSION_ID=1.0.0-rc.1").unwrap().pre.as_str(),
            "rc.1"
        );
        assert!(matches!(version_of("ID=rsu"), Err(VersionError::Missing)));
        let error = version_of("VERSION_ID=\"12\"").unwrap_err().to_string();
        assert!(
            error.starts_with("VERSION_ID=\"12\" is no version"),
            "{error}"
        );
    }

    #[test]
    fn a_reboot_that_is_refused_is_told() {
        let command = |words: &[&str]| words.iter().map(|word| (*word).into()).collect::<Vec<_>>();
        assert_eq!(run_reboot(&command(&["true"])), Ok(()));
        let refused = run_reboot(&command(&["false"])).unwrap_err();
        assert!(refused.starts_with("false: exit status"), "{refused}");
        assert!(run_reboot(&command(&["/nowhere/reboot"])).is_err());
        assert!(run_reboot(&[]).is_err());
    }
}
