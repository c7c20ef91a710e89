//! How far a broadcast that the platform ordered has come: our own report, since no contract has
//! one.

use serde::{Deserialize, Serialize};

use super::Header;
use crate::downlink::CommandKind;

/// A broadcast has come to another state.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct BroadcastStatus<'a> {
    /// Who and when.
    #[serde(flatten)]
    pub header: Header<'a>,
    /// `map`, `rsi`, `rsm` or `spat`.
    #[cfg_attr(test, schemars(with = "String"))]
    pub kind: CommandKind,
    /// The map slice, the `alertID`, the intersections, or the place in the list of RSMs.
    pub id: &'a str,
    /// How far it has come.
    pub state: BroadcastState,
}

/// How far a broadcast has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum BroadcastState {
    /// Accepted, and not sent yet.
    Waiting,
    /// Sent again and again.
    OnAir,
    /// Ended by the platform, by its time, or because it was to be sent once and was.
    Ended,
}
