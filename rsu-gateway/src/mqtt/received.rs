//! What comes down from the platform.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::mpsc;

use super::connection::IncomingPublish;
use super::shared::Shared;

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
}

#[derive(Debug)]
struct Ack {
    packet_id: u16,
    connection: mpsc::Sender<u16>,
    shared: Arc<Shared>,
}

impl Received {
    pub(super) fn new(
        publish: IncomingPublish,
        connection: mpsc::Sender<u16>,
        shared: &Arc<Shared>,
    ) -> Self {
        let ack = publish.packet_id.map(|packet_id| Ack {
            packet_id,
            connection,
            shared: shared.clone(),
        });
        Self {
            topic: publish.topic,
            payload: publish.payload,
            retain: publish.retain,
            duplicate: publish.duplicate,
            ack,
        }
    }

    /// Acknowledges it on the connection that it came on. Without effect when that connection
    /// has ended: the broker delivers it again. Never blocks.
    pub fn ack(self) {
        let Some(ack) = self.ack else { return };
        if let Err(mpsc::error::TrySendError::Full(_)) = ack.connection.try_send(ack.packet_id) {
            ack.shared.update(|stats| stats.received.acks_dropped += 1);
        }
    }
}
