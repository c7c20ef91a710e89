//! Ending a connection in good order.

use std::future::pending;
use std::time::{Duration, Instant};

use super::{InHand, REQUESTS_MAX, Session, at};
use crate::mqtt::fault::Lost;

/// How long the farewell may take after the time for flushing is over.
const FAREWELL_MAX: Duration = Duration::from_millis(500);

/// How far the end of the connection has come.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Farewell {
    NotYet,
    Flushing { until: Instant, why: Leave },
    Said { until: Instant, why: Leave },
}

/// Why to say farewell.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Leave {
    /// The caller wishes so: what waits is sent first.
    Stop,
    /// A fresh connection follows: what is under way is acknowledged first.
    ForBetter,
}

impl Farewell {
    /// Completes when the time for it is over.
    pub(super) async fn overdue(self) -> Leave {
        match self {
            Self::NotYet => pending().await,
            Self::Flushing { until, why } | Self::Said { until, why } => {
                at(Some(until)).await;
                why
            }
        }
    }
}

impl Session<'_> {
    pub(super) fn is_stopping(&self) -> bool {
        let (Farewell::Flushing { why, .. } | Farewell::Said { why, .. }) = self.farewell else {
            return false;
        };
        why == Leave::Stop
    }

    pub(super) fn leave(&mut self, why: Leave) {
        self.farewell = match self.farewell {
            Farewell::Said { until, .. } => Farewell::Said { until, why },
            Farewell::NotYet | Farewell::Flushing { .. } => Farewell::Flushing {
                until: Instant::now() + self.uplink.settings.flush_timeout,
                why,
            },
        };
    }

    /// While flushing: sends DISCONNECT once nothing waits any more, or the time is over.
    pub(super) async fn say_farewell(&mut self) -> Result<(), Lost> {
        let Farewell::Flushing { until, why } = self.farewell else {
            return Ok(());
        };
        let nothing_under_way =
            self.in_hand.is_empty() && self.window.is_empty() && self.acks.is_empty();
        let nothing_waits = match why {
            Leave::ForBetter => true,
            Leave::Stop => self.on_connect.is_empty() && self.uplink.shared.live().is_empty(),
        };
        let now = Instant::now();
        let is_time = (nothing_under_way && nothing_waits) || now >= until;
        if self.in_hand.len() < REQUESTS_MAX && is_time {
            let until = now + FAREWELL_MAX;
            self.farewell = Farewell::Said { until, why };
            self.requests.disconnect().await?;
            self.in_hand.push_back(InHand::Other);
        }
        Ok(())
    }
}
