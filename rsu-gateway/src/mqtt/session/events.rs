//! What the connection tells: written, acknowledged, received.

use std::time::Instant;

use tracing::warn;

use super::{InHand, Session};
use crate::mqtt::connection::{Event, IncomingPublish};
use crate::mqtt::fault::Lost;
use crate::mqtt::received::Received;

impl Session<'_> {
    pub(super) fn handle(&mut self, event: Event) -> Result<(), Lost> {
        match event {
            Event::WrittenLive | Event::WrittenOther => self.count_written(),
            Event::Written { packet_id } => {
                self.window.sent(packet_id, Instant::now())?;
                self.count_written();
            }
            Event::Acknowledged { packet_id } => self.acknowledged(packet_id)?,
            Event::Subscribed { refused } => self.subscribed(&refused),
            Event::Received(publish) => self.receive(publish)?,
            Event::Connected { .. } | Event::Disconnected | Event::Other => {}
        }
        Ok(())
    }

    fn acknowledged(&mut self, packet_id: u16) -> Result<(), Lost> {
        let acknowledged = self.window.acknowledged(packet_id, Instant::now())?;
        let uplink = &mut *self.uplink;
        let Some(record) = acknowledged.record else {
            uplink
                .shared
                .update(|stats| stats.on_connect.acknowledged += 1);
            return Ok(());
        };
        self.backfill.acknowledged(record.backfill_bytes);
        let Some(outbox) = uplink.lanes.store(record.place.outbox) else {
            return Ok(());
        };
        let name = outbox.name;
        uplink
            .shared
            .update_outbox(name, |traffic| traffic.acknowledged += 1);
        if let Some(appended) = record.appended {
            uplink.monitor.acknowledged(name, appended.elapsed());
        }
        if let Some(prefix) = acknowledged.prefix {
            outbox.store.ack(prefix.sequence);
            uplink.suspicions.acknowledged(prefix);
            let is_over = uplink.suspicions.trial(Instant::now()).is_none();
            self.trial = self.trial.filter(|_| !is_over);
        }
        Ok(())
    }

    /// The oldest request in hand was written: the client library writes in order.
    fn count_written(&mut self) {
        let shared = &self.uplink.shared;
        match self.in_hand.pop_front() {
            Some(InHand::Live {
                class,
                bytes,
                since,
            }) => {
                let mut live = shared.live();
                if let Some(stats) = live.stats_mut(class) {
                    stats.published += 1;
                    stats.published_bytes += bytes as u64;
                }
                let name = live.name(class);
                drop(live);
                if let Some(name) = name {
                    self.uplink.monitor.live_written(name, since.elapsed());
                }
            }
            Some(InHand::Record { outbox, bytes }) => shared.update_outbox(outbox, |traffic| {
                traffic.published += 1;
                traffic.published_bytes += bytes as u64;
            }),
            Some(InHand::OnConnect) => shared.update(|stats| stats.on_connect.published += 1),
            Some(InHand::Other) | None => {}
        }
    }

    fn subscribed(&mut self, refused: &[usize]) {
        let filters = &self.uplink.filters;
        let refused = refused.iter().filter_map(|&index| filters.get(index));
        let refused: Vec<String> = refused.cloned().collect();
        if !refused.is_empty() {
            warn!(?refused, "the broker refused topic filters");
        }
        self.uplink.shared.update(|stats| {
            stats.received.filters_refused += refused.len() as u64;
            stats.refused_filters = refused;
        });
    }

    fn receive(&mut self, publish: IncomingPublish) -> Result<(), Lost> {
        let bytes = publish.payload.len();
        let shared = &self.uplink.shared;
        if bytes > self.uplink.settings.received_bytes_max {
            warn!(topic = publish.topic, bytes, "dropped an oversize publish");
            shared.update(|stats| stats.received.too_large += 1);
            if let Some(packet_id) = publish.packet_id {
                // The other end is this session's own.
                let _ = self.ack_sender.send(packet_id);
            }
            return Ok(());
        }
        let comes_again = publish.packet_id.is_some();
        let room = &self.uplink.received_room;
        let received = Received::new(publish, self.ack_sender.clone(), room);
        let reader = self.uplink.reader.as_ref();
        let is_taken = received
            .zip(reader)
            .is_some_and(|(received, reader)| reader.try_send(received).is_ok());
        shared.update(|stats| {
            if is_taken {
                stats.received.publishes += 1;
                stats.received.bytes += bytes as u64;
            } else {
                stats.received.dropped_full += 1;
            }
        });
        let is_read = reader.is_some_and(|reader| !reader.is_closed());
        match is_taken || !comes_again || !is_read {
            true => Ok(()),
            false => Err(Lost::Flooded),
        }
    }
}
