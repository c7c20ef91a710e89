//! Many BSMs in one publish: the binary list of T/ITS 0117.
//!
//! ```text
//! count    1 byte, 1..=255
//! length   count times 2 bytes, big-endian (the draft does not say), bytes of each message
//! message  count times the UPER MessageFrame, as it was received
//! ```

/// BSMs that wait to be published together. Its buffers are reused.
#[derive(Debug, Default)]
pub struct BsmBatch {
    lengths: Vec<[u8; 2]>,
    messages: Vec<u8>,
}

/// Why a batch does not take a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotTaken {
    /// It holds [`BsmBatch::COUNT_MAX`] messages already.
    Full,
    /// The message is longer than the 65535 bytes that the list form can say.
    TooLong,
}

impl BsmBatch {
    /// Most messages of a list.
    pub const COUNT_MAX: usize = 255;

    /// Adds a message.
    ///
    /// # Errors
    /// The list cannot hold the message.
    pub fn push(&mut self, message: &[u8]) -> Result<(), NotTaken> {
        if self.is_full() {
            return Err(NotTaken::Full);
        }
        let length = u16::try_from(message.len()).map_err(|_| NotTaken::TooLong)?;
        self.lengths.push(length.to_be_bytes());
        self.messages.extend_from_slice(message);
        Ok(())
    }

    /// Whether the count is exhausted.
    pub fn is_full(&self) -> bool {
        self.lengths.len() >= Self::COUNT_MAX
    }

    /// Whether there is no message.
    pub fn is_empty(&self) -> bool {
        self.lengths.is_empty()
    }

    /// How many messages there are.
    pub fn len(&self) -> usize {
        self.lengths.len()
    }

    /// Bytes of the list in the form above.
    pub fn list_bytes(&self) -> usize {
        1 + 2 * self.lengths.len() + self.messages.len()
    }

    /// The messages, one after the other.
    pub fn messages(&self) -> impl Iterator<Item = &[u8]> {
        let mut rest = self.messages.as_slice();
        self.lengths.iter().map(move |length| {
            let (message, behind) = rest
                .split_at_checked(usize::from(u16::from_be_bytes(*length)))
                .unwrap_or_default();
            rest = behind;
            message
        })
    }

    /// Appends the list to `payload`.
    pub fn write(&self, payload: &mut Vec<u8>) {
        payload.reserve(self.list_bytes());
        payload.push(u8::try_from(self.lengths.len()).unwrap_or(u8::MAX));
        payload.extend_from_slice(self.lengths.as_flattened());
        payload.extend_from_slice(&self.messages);
    }

    /// Empties the batch and keeps its buffers.
    pub fn clear(&mut self) {
        self.lengths.clear();
        self.messages.clear();
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;

    /// Reads the list form as T/ITS 0117 describes it.
    fn decode(payload: &[u8]) -> Option<Vec<Vec<u8>>> {
        let (&count, rest) = payload.split_first()?;
        let (lengths, mut rest) = rest.split_at_checked(2 * usize::from(count))?;
        let mut messages = Vec::new();
        for length in lengths.chunks(2) {
            let length = usize::from(length[0]) << 8 | usize::from(length[1]);
            let (message, behind) = rest.split_at_checked(length)?;
            messages.push(message.to_vec());
            rest = behind;
        }
        rest.is_empty().then_some(messages)
    }

    #[test]
    fn two_messages_in_the_form_of_the_standard() {
        let mut batch = BsmBatch::default();
        batch.push(&[0xAA; 3]).unwrap();
        batch.push(&[0xBB]).unwrap();
        let mut payload = Vec::new();
        batch.write(&mut payload);
        assert_eq!(payload, [2, 0, 3, 0, 1, 0xAA, 0xAA, 0xAA, 0xBB]);
    }

    #[test]
    fn a_message_that_no_length_can_say_is_refused_whole() {
        let mut batch = BsmBatch::default();
        assert_eq!(batch.push(&vec![0; 65_536]), Err(NotTaken::TooLong));
        assert!(batch.is_empty());
        assert_eq!(batch.push(&vec![0; 65_535]), Ok(()));
    }

    proptest! {
        #[test]
        fn what_was_pushed_is_read_back(
            messages in vec(vec(any::<u8>(), 0..400), 1..=BsmBatch::COUNT_MAX),
        ) {
            let mut batch = BsmBatch::default();
            batch.push(b"from the batch before").unwrap();
            batch.clear();
            for message in &messages {
                prop_assert!(!batch.is_full());
                batch.push(message).unwrap();
            }
            if messages.len() == BsmBatch::COUNT_MAX {
                prop_assert_eq!(batch.push(b"one more"), Err(NotTaken::Full));
            }
            let mut payload = Vec::new();
            batch.write(&mut payload);
            prop_assert_eq!(payload.len(), batch.list_bytes());
            prop_assert!(batch.messages().eq(messages.iter().map(Vec::as_slice)));
            prop_assert_eq!(decode(&payload), Some(messages));
        }
    }
}
