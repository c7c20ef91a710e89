//! What goes to the broker.

use bytes::Bytes;

/// One application message for the broker. The kind of traffic decides its quality of service:
/// live goes at QoS 0, records and on-connect at QoS 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publish {
    /// Topic name: not empty, without wildcards.
    pub topic: String,
    /// Sent as it is.
    pub payload: Bytes,
    /// The broker keeps it for later subscribers.
    pub retain: bool,
}

/// Why a publish is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A broker, or the client library, would cut the connection over it.
    #[error("the packet would be {size} bytes long, at most {max} are allowed")]
    TooLarge {
        /// Upper bound of the size of the packet, bytes.
        size: usize,
        /// The limit, bytes.
        max: usize,
    },
    /// The topic is empty, too long, or holds a wildcard or a NUL (MQTT 3.1.1, 4.7).
    #[error("not a valid topic name")]
    InvalidTopic,
}

/// MQTT strings carry their length in two bytes.
pub(super) const STRING_BYTES_MAX: usize = 65_535;

/// Fixed header, topic length, packet identifier (MQTT 3.1.1, 2.2, 3.3).
const PUBLISH_OVERHEAD_BYTES: usize = 5 + 2 + 2;

impl Publish {
    /// A publish that is not retained.
    pub fn new(topic: impl Into<String>, payload: impl Into<Bytes>) -> Self {
        Self {
            topic: topic.into(),
            payload: payload.into(),
            retain: false,
        }
    }

    /// Bytes of topic and payload.
    pub fn size(&self) -> usize {
        self.topic.len() + self.payload.len()
    }

    /// Whether a broker can take it in a packet of at most `packet_bytes_max` bytes.
    ///
    /// # Errors
    /// Why none ever will.
    pub fn check(&self, packet_bytes_max: usize) -> Result<(), Refusal> {
        let is_forbidden = |c| matches!(c, '+' | '#' | '\0');
        if self.topic.is_empty()
            || self.topic.len() > STRING_BYTES_MAX
            || self.topic.contains(is_forbidden)
        {
            return Err(Refusal::InvalidTopic);
        }
        let size = self.size() + PUBLISH_OVERHEAD_BYTES;
        if size > packet_bytes_max {
            return Err(Refusal::TooLarge {
                size,
                max: packet_bytes_max,
            });
        }
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_size_limit_is_exact_for_the_largest_header() {
        let publish = Publish::new("topic", vec![0; 86]);
        assert_eq!(publish.check(100), Ok(()));
        assert_eq!(
            publish.check(99),
            Err(Refusal::TooLarge { size: 100, max: 99 })
        );
    }

    #[test]
    fn a_topic_that_a_broker_would_not_take_is_refused() {
        let too_long = "x".repeat(STRING_BYTES_MAX + 1);
        for topic in ["", "a/+/b", "a/#", "a\0b", &too_long] {
            let publish = Publish::new(topic, "");
            assert_eq!(publish.check(1 << 20), Err(Refusal::InvalidTopic));
        }
    }
}
