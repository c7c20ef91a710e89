//! What the unit says of the way its records go; ours, for the draft has no place for it.

use serde::Serialize;

use crate::platform::dialect::Class;
use crate::spool::{Gap, SpoolId};

/// Numbers that will not arrive, and why: what is missing beside these may be asked for.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct GapUp<'a> {
    /// Identifier.
    pub rsu_id: &'a str,
    /// The class of the records.
    #[serde(rename = "class")]
    pub of_class: Class,
    /// The spool that numbered them, 16 hex digits.
    pub spool: String,
    /// The first number.
    pub from: u64,
    /// The last number.
    pub to: u64,
    /// `no_room`, `queue_full`, `damaged`, `file_missing`: lost. `unfinished`: the unit ended at
    /// once; most numbers were never given out. `renumbered`: never given out. `not_kept`: arrived,
    /// and cannot be asked for. `quarantined`: no broker takes it.
    pub reason: &'static str,
}

impl<'a> GapUp<'a> {
    /// Of the unit called `rsu_id`.
    pub fn new(rsu_id: &'a str, of_class: Class, spool: SpoolId, gap: Gap) -> Self {
        Self {
            rsu_id,
            of_class,
            spool: spool.to_string(),
            from: gap.first,
            to: gap.last,
            reason: gap.reason.name(),
        }
    }
}

/// Whether the unit is there; the broker keeps the latest, and says `lost` itself when the
/// connection dies without a farewell.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct PresenceUp<'a> {
    /// Identifier.
    pub rsu_id: &'a str,
    /// Whether it is there.
    pub presence: Presence,
}

/// Whether the unit is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Presence {
    /// Connected.
    Online,
    /// Stopped, as somebody wished.
    Offline,
    /// Gone without a farewell.
    Lost,
}
