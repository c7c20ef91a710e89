//! The codec, held against what the standards say and what others have sent.

mod bits;
mod constraints;
mod damage;
mod encoding;
mod extensions;
mod jer;
mod messages;
mod peek;
mod recorded;
mod vectors;
mod visitor;

use rsu_firmware::message::MessageFrame;
use rsu_firmware::uper::Profile;
use serde::Deserialize;
use serde_json::Value;

/// Longer than any message that is encoded here.
const MESSAGE_BYTES_MAX: usize = 1 << 18;

fn decode(uper: &[u8], profile: Profile) -> MessageFrame<'_> {
    MessageFrame::decode(uper, profile)
        .unwrap_or_else(|error| panic!("{error}; {} {}", profile.name(), hex::encode(uper)))
}

fn encode(message: &MessageFrame<'_>, profile: Profile) -> Vec<u8> {
    let mut buffer = vec![0; MESSAGE_BYTES_MAX];
    let length = message
        .encode(&mut buffer, profile)
        .unwrap_or_else(|error| panic!("{error}: {message:?}"));
    buffer.truncate(length);
    buffer
}

fn to_jer(message: &MessageFrame<'_>) -> Value {
    serde_json::to_value(message).unwrap_or_else(|error| panic!("{error}: {message:?}"))
}

fn from_jer(jer: &Value) -> MessageFrame<'static> {
    MessageFrame::deserialize(jer).unwrap_or_else(|error| panic!("{error}: {jer}"))
}

/// Decodes `uper` to exactly `jer`, and takes the message through JER and UPER and back again
/// without a change. Gives the bytes that the message is encoded to.
fn assert_means(uper: &[u8], profile: Profile, jer: &Value) -> Vec<u8> {
    let message = decode(uper, profile);
    assert_eq!(to_jer(&message), *jer);
    let encoded = encode(&message, profile);
    assert_eq!(decode(&encoded, profile), message, "{jer}");
    let from_jer = from_jer(jer);
    assert_eq!(from_jer, message, "{jer}");
    assert_eq!(encode(&from_jer, profile), encoded, "{jer}");
    encoded
}
