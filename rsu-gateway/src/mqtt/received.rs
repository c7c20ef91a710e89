//! What comes down from the platform.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use super::connection::IncomingPublish;

/// A publish from the broker on one of the subscribed topics.
///
/// At QoS 1 the broker delivers it again, after the next connect, until [`Received::ack`]. So
/// acknowledge a command after it is durable, and expect repetitions.
#[derive(Debug)]
pub struct Received {
    /// Topic name.
    pub topic: String,
    /// At most [`Settings::received_bytes_max`](super::Settings::received_bytes_max).
    pub payload: Bytes,
    /// The broker had kept it from before the subscription.
    pub retain: bool,
    /// The broker delivered it before.
    pub duplicate: bool,
    ack: Option<Ack>,
    /// Its share of what may be held.
    _room: OwnedSemaphorePermit,
}

#[derive(Debug)]
struct Ack {
    packet_id: u16,
    /// As many wait there at most as publishes are held.
    connection: mpsc::UnboundedSender<u16>,
}

/// What a publish takes beside its topic and payload.
const OVERHEAD_BYTES: usize = 128;

impl Received {
    /// `None` if there is no room for it.
    pub(super) fn new(
        publish: IncomingPublish,
        connection: mpsc::UnboundedSender<u16>,
        room: &Arc<Semaphore>,
    ) -> Option<Self> {
        let bytes = publish.topic.len() + publish.payload.len() + OVERHEAD_BYTES;
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        let room = room.clone().try_acquire_many_owned(bytes).ok()?;
        let ack = publish.packet_id.map(|packet_id| Ack {
            packet_id,
            connection,
        });
        Some(Self {
            topic: publish.topic,
            payload: publish.payload,
            retain: publish.retain,
            duplicate: publish.duplicate,
            ack,
            _room: room,
        })
    }

    /// Acknowledges it on the connection that it came on. Without effect when that connection
    /// has ended: the broker delivers it again. Never blocks.
    pub fn ack(self) {
        if let Some(ack) = self.ack {
            // A connection that has ended needs none.
            let _ = ack.connection.send(ack.packet_id);
        }
    }
}
