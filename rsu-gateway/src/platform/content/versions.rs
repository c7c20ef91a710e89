//! V2X.RSU.OTA.UP: which versions are at work, as `versions/up` of T/ITS 0180.1 asks for it.

use serde::Serialize;

use super::Header;
use crate::platform::unit::Unit;

/// The versions of the unit.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Versions<'a> {
    /// Who and when.
    #[serde(flatten)]
    pub header: Header<'a>,
    /// Of the program.
    #[serde(rename = "softwareVersion")]
    pub software_version: &'a str,
    /// Of the machine; empty where unknown (the draft demands the member).
    #[serde(rename = "hardwareVersion")]
    pub hardware_version: &'a str,
}

impl<'a> Versions<'a> {
    /// The versions of `unit`.
    pub fn new(unit: &'a Unit, header: Header<'a>) -> Self {
        Self {
            header,
            software_version: &unit.software_version,
            hardware_version: unit.hardware_version.as_deref().unwrap_or_default(),
        }
    }
}
