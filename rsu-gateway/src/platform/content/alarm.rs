//! An alarm that begins, gets worse or ends; ours, for the draft has none.

use serde::Serialize;

use crate::health::AlarmChange;
use crate::platform::unit::Unit;

/// An alarm on its way up.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct AlarmUp<'a> {
    /// Counts the alarms since the start.
    pub seq_num: u64,
    /// Identifier.
    pub rsu_id: &'a str,
    /// The alarm.
    #[serde(flatten)]
    pub change: &'a AlarmChange,
}

impl<'a> AlarmUp<'a> {
    /// The alarm of `unit` numbered `seq_num`.
    pub fn new(unit: &'a Unit, seq_num: u64, change: &'a AlarmChange) -> Self {
        Self {
            seq_num,
            rsu_id: unit.id.as_ref(),
            change,
        }
    }
}
