//! How far an update has come, as `upgrade-status/up` of T/ITS 0180.1 asks for it. The content is
//! ours: the standard names the topic alone.

use serde::Serialize;

use super::Header;
use crate::platform::unit::Unit;
use crate::update::UpdateStatus;

/// An update has come to another state.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct UpgradeStatus<'a> {
    /// Who and when.
    #[serde(flatten)]
    pub header: Header<'a>,
    /// Of the program that tells this.
    #[serde(rename = "softwareVersion")]
    pub software_version: &'a str,
    /// How far it has come.
    #[serde(flatten)]
    pub status: &'a UpdateStatus,
}

impl<'a> UpgradeStatus<'a> {
    /// A status of an update of `unit`.
    pub fn new(unit: &'a Unit, header: Header<'a>, status: &'a UpdateStatus) -> Self {
        Self {
            header,
            software_version: &unit.software_version,
            status,
        }
    }
}
