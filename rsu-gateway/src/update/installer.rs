//! What installs software into the slot that does not run.

use std::fmt::Debug;
use std::path::Path;

use semver::Version;
use serde::{Deserialize, Serialize};

/// Installs bundles; [`Rauc`](super::Rauc) is the one at work.
pub trait Installer: Debug + Send {
    /// The slots, and how they are.
    ///
    /// # Errors
    /// The installer cannot be asked.
    fn slots(&self) -> Result<Slots, InstallerError>;

    /// What a bundle says of itself, after its signature has been verified.
    ///
    /// # Errors
    /// The signature is not of an authority that this unit trusts, or the file is no bundle.
    fn inspect(&self, bundle: &Path) -> Result<Manifest, InstallerError>;

    /// Writes a bundle into the slot that does not run, and lets it be started by the next boot.
    /// `progress` gets percent.
    ///
    /// # Errors
    /// Why not; the slot is not started then.
    fn install(&self, bundle: &Path, progress: &mut dyn FnMut(u8)) -> Result<(), InstallerError>;

    /// Tells the boot loader how the slot is that runs.
    ///
    /// # Errors
    /// It could not be told.
    fn mark(&self, mark: Mark) -> Result<(), InstallerError>;
}

/// How the slot is that runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// It may be started as often as it takes.
    Good,
    /// It is not to be started again.
    Bad,
}

/// The slots of a unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slots {
    /// The board that they are for.
    pub compatible: String,
    /// The one that runs.
    pub booted: Slot,
    /// The one that does not, where there is one.
    pub other: Option<Slot>,
}

/// One slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot {
    /// What the boot loader calls it.
    pub name: String,
    /// Whether the boot loader would start it.
    pub is_good: bool,
    /// What was installed; `None` where it is as it left the factory.
    pub installation: Option<Installation>,
}

/// One act of installing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Installation {
    /// The slot.
    pub slot: String,
    /// When, as the installer writes it.
    pub time: String,
    /// The how manyth it was in this slot.
    pub count: u64,
}

/// What a bundle says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// The board that it is for.
    pub compatible: String,
    /// Its version.
    pub version: Version,
}

/// Why the installer did not do something, in words for people.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InstallerError(pub String);
