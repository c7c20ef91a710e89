//! What goes next: on-connect publishes, then live traffic before records.

use std::time::Instant;

use tracing::warn;

use super::farewell::{Farewell, Leave};
use super::{InHand, REQUESTS_MAX, Session};
use crate::mqtt::fault::Lost;
use crate::mqtt::lanes::Next;
use crate::mqtt::window::InFlight;

/// After so many live publishes in a row a record has its turn, so that live traffic that fills
/// the link does not keep events from ever arriving.
const LIVE_IN_A_ROW_MAX: usize = 16;

impl Session<'_> {
    /// Gives the client library what may go.
    pub(super) async fn hand_over(&mut self) -> Result<(), Lost> {
        self.next_turn_at = None;
        let takes_more = match self.farewell {
            Farewell::NotYet => true,
            Farewell::Flushing { why, .. } => why == Leave::Stop,
            Farewell::Said { .. } => false,
        };
        if !takes_more {
            return Ok(());
        }
        while self.has_room()
            && !self.window.is_full()
            && let Some(publish) = self.on_connect.pop_front()
        {
            self.window.hand(None);
            self.in_hand.push_back(InHand::OnConnect);
            self.requests.publish_reliable(publish).await?;
        }
        if !self.on_connect.is_empty() {
            return Ok(());
        }
        match self.trial {
            Some(trial) => self.hand_over_one_by_one(trial.from).await,
            None => self.hand_over_freely().await,
        }
    }

    async fn hand_over_freely(&mut self) -> Result<(), Lost> {
        while self.has_room() {
            let is_live_turn = self.live_in_a_row < LIVE_IN_A_ROW_MAX;
            if is_live_turn && self.hand_live().await? {
                self.live_in_a_row += 1;
            } else if self.hand_record().await? || !is_live_turn {
                self.live_in_a_row = 0;
            } else {
                break;
            }
        }
        Ok(())
    }

    /// From then on a record goes only when nothing else is under way, and nothing else goes
    /// while it is; live traffic has its turn in between.
    async fn hand_over_one_by_one(&mut self, from: Instant) -> Result<(), Lost> {
        let is_proven = Instant::now() >= from;
        if is_proven && !(self.window.is_empty() && self.in_hand.is_empty()) {
            return Ok(());
        }
        self.next_turn_at = (!is_proven).then_some(from);
        let is_record_turn = is_proven && self.live_in_a_row > 0;
        if is_record_turn && self.hand_record().await? {
            self.live_in_a_row = 0;
            return Ok(());
        }
        let mut has_live = false;
        while self.has_room() && self.hand_live().await? {
            has_live = true;
        }
        self.live_in_a_row = 1;
        if is_proven && !has_live && self.hand_record().await? {
            self.live_in_a_row = 0;
        }
        Ok(())
    }

    fn has_room(&self) -> bool {
        self.in_hand.len() < REQUESTS_MAX
    }

    async fn hand_live(&mut self) -> Result<bool, Lost> {
        let Some(next) = self.uplink.shared.live().pop() else {
            return Ok(false);
        };
        self.in_hand.push_back(InHand::Live {
            class: next.class,
            bytes: next.publish.payload.len(),
            since: next.since,
        });
        self.requests.publish_live(next.publish).await?;
        Ok(true)
    }

    async fn hand_record(&mut self) -> Result<bool, Lost> {
        if self.window.is_full() {
            return Ok(false);
        }
        let now = Instant::now();
        let may_backfill = self.backfill.may_go(now) || self.is_stopping();
        let mut is_held_back = false;
        let next = self.uplink.lanes.next(may_backfill, &mut is_held_back);
        if is_held_back {
            self.next_turn_at = self.backfill.next_at();
        }
        let Some(next) = next else {
            return Ok(false);
        };
        let Next {
            outbox,
            place,
            record,
            is_backfill,
            is_resent,
        } = next;
        let (publish, sequence) = (record.publish, place.sequence);
        if let Err(refusal) = publish.check(self.uplink.settings.packet_bytes_max) {
            warn!(outbox = outbox.name, sequence, %refusal, "put aside a record");
            outbox.store.quarantine(sequence, &refusal.into());
            if let Some(prefix) = self.window.skip(place, now) {
                outbox.store.ack(prefix.sequence);
            }
            return Ok(true);
        }
        if is_resent {
            let shared = &self.uplink.shared;
            shared.update_outbox(outbox.name, |traffic| traffic.resent += 1);
        }
        let backfill_bytes = if is_backfill { publish.size() } else { 0 };
        if is_backfill {
            self.backfill.sent(backfill_bytes, now);
        }
        self.window.hand(Some(InFlight {
            place,
            backfill_bytes,
            appended: record.appended,
        }));
        self.in_hand.push_back(InHand::Record {
            outbox: outbox.name,
            bytes: publish.payload.len(),
        });
        self.requests.publish_reliable(publish).await?;
        Ok(true)
    }
}
