//! The dialects by name.

use rsu_firmware::uper::Profile;
use serde::Deserialize;

use super::{Dialect, Envelope, OpenV2x, Tits0117, Tits0180};
use crate::platform::unit::Unit;

/// Which contract the platform follows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, clap::ValueEnum)]
pub enum DialectName {
    /// T/ITS 0180.1-2021: topics `rsu/{rsuId}/...`.
    #[default]
    #[serde(rename = "tits-0180")]
    #[value(name = "tits-0180")]
    Tits0180,
    /// T/ITS 0117, draft of 2020: topics `V2X.RSU.X.UP` that all units share.
    #[serde(rename = "tits-0117")]
    #[value(name = "tits-0117")]
    Tits0117,
    /// The platform OpenV2X: topics `V2X/RSU/...`.
    #[serde(rename = "openv2x")]
    #[value(name = "openv2x")]
    OpenV2x,
    /// UPER in a binary envelope.
    #[serde(rename = "envelope")]
    #[value(name = "envelope")]
    Envelope,
}

/// Why a unit cannot speak a dialect.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unspeakable {
    /// The envelope has too little room.
    #[error("the RSU id {0:?} is longer than the {max} bytes of the envelope", max = Envelope::ID_BYTES)]
    LongId(String),
    /// The topics of OpenV2X are named after the serial number.
    #[error(
        "the serial number {0:?} is no level of a topic: 1 to 64 bytes without '/', '+', '#', \
         white space and control characters"
    )]
    SerialNumber(String),
}

/// The dialect as `unit` speaks it; `profile` is the edition of the message set.
///
/// # Errors
/// The contract has no form for the identifier or the serial number of the unit.
pub fn named(
    name: DialectName,
    unit: &Unit,
    profile: Profile,
) -> Result<Box<dyn Dialect>, Unspeakable> {
    Ok(match name {
        DialectName::Tits0180 => Box::new(Tits0180::new(unit)),
        DialectName::Tits0117 => Box::new(Tits0117::new(unit)),
        DialectName::OpenV2x => {
            let dialect = OpenV2x::new(unit);
            Box::new(dialect.ok_or_else(|| Unspeakable::SerialNumber(unit.esn.clone()))?)
        }
        DialectName::Envelope => {
            let dialect = Envelope::new(unit, profile);
            Box::new(dialect.ok_or_else(|| Unspeakable::LongId(unit.id.to_string()))?)
        }
    })
}
