//! Random messages on whose bytes and values two independent codecs agree.

use super::{assert_means, decode, encode};
use rsu_firmware::message::MessageFrame;
use rsu_firmware::uper::Profile;
use tests::vectors::{PLAIN, UNKNOWN_ADDITIONS, Vector, read};

#[test]
fn each_is_decoded_to_exactly_its_jer_and_encoded_to_exactly_its_bytes() {
    for name in PLAIN {
        for (line, vector) in (1..).zip(read(name)) {
            let encoded = assert_means(&vector.uper, vector.profile, &vector.jer);
            assert_eq!(encoded, vector.uper, "{name}:{line}");
        }
    }
}

#[test]
fn what_is_known_beside_unknown_additions_is_delivered() {
    let mut without_additions = 0;
    for vector in read(UNKNOWN_ADDITIONS) {
        let encoded = assert_means(&vector.uper, vector.profile, &vector.jer);
        without_additions += usize::from(encoded.len() < vector.uper.len());
    }
    assert!(
        without_additions > 100,
        "{without_additions} are encoded without the additions they had"
    );
}

#[test]
fn a_message_ends_where_its_bytes_end_and_what_lies_behind_is_ignored() {
    for vector in all() {
        let Vector { uper, profile, .. } = &vector;
        let mut padded = uper.clone();
        padded.extend([0xFF; 9]);
        let prefix = MessageFrame::decode_prefix(&padded, *profile);
        assert_eq!(prefix, Ok((decode(uper, *profile), uper.len())));
    }
}

/// The editions differ in what MAP demands and in how long the lists of MAP and RSI may be; their
/// other messages are the same to the bit.
#[test]
fn spat_and_rsm_do_not_depend_on_the_profile() {
    for vector in all() {
        let kind = &vector.jer;
        if kind.get("spatFrame").is_some() || kind.get("rsmFrame").is_some() {
            for profile in Profile::ALL {
                let message = decode(&vector.uper, profile);
                let other = decode(&vector.uper, vector.profile);
                assert_eq!(encode(&message, profile), encode(&other, vector.profile));
            }
        }
    }
}

fn all() -> impl Iterator<Item = Vector> {
    PLAIN.into_iter().chain([UNKNOWN_ADDITIONS]).flat_map(read)
}
