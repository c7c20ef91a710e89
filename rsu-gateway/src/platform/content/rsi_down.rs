//! V2X.RSU.RSI.DOWN.
//!
//! The draft's RSI.DOWN has no `eTag`, while INFO tells of each RSI from the platform its `eTag`:
//! one is taken where it is given.

use serde::Deserialize;

use super::Alert;
use crate::downlink::RsiBroadcast;

#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct RsiDown {
    rsi: Alert<String>,
    #[serde(rename = "eTag")]
    etag: Option<String>,
}

impl From<RsiDown> for RsiBroadcast {
    fn from(down: RsiDown) -> Self {
        Self {
            alert: down.rsi,
            etag: down.etag,
        }
    }
}
