//! How far an update has come, as the platform is told.

use semver::Version;
use serde::{Deserialize, Serialize};

use crate::downlink::SeqNum;

/// An update has come to another state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct UpdateStatus {
    /// The number of the command that ordered it; left out where nobody did.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub upgrade_seq_num: Option<SeqNum>,
    /// The version that it leads to.
    #[cfg_attr(test, schemars(with = "String"))]
    pub update_version: Version,
    /// How far it has come.
    pub state: UpdateState,
    /// How much of a download or installation is done, 0 to 100.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub percent: Option<u8>,
    /// Why it failed, was rolled back, or waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When it came to this, in ms since 1970 by the unit's clock.
    pub time_ms: i64,
}

/// How far an update has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum UpdateState {
    /// It is on disk and will be worked on.
    Received,
    /// The bundle is being fetched.
    Downloading,
    /// Checksums, signature, board and version are looked at.
    Verifying,
    /// It is being written to the other slot.
    Installing,
    /// It is in the other slot, and starts with the next boot.
    WaitingForReboot,
    /// The machine is told to start it.
    Rebooting,
    /// It runs, and has to prove itself.
    Confirming,
    /// It has; the end.
    Confirmed,
    /// It was given up before it ran, or there is nothing to fall back to; the end.
    Failed,
    /// The software from before is back; the end.
    RolledBack,
}
