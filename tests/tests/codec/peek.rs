//! A look at a message that is not validated sees what decoding it would.

use rsu_firmware::message::{BsmPeek, MessageFrame};
use tests::vectors::{PLAIN, UNKNOWN_ADDITIONS, read};

#[test]
fn the_four_fields_are_those_of_the_message_and_other_messages_have_none() {
    let mut seen = 0;
    for vector in PLAIN.into_iter().chain([UNKNOWN_ADDITIONS]).flat_map(read) {
        let peek = BsmPeek::read(&vector.uper, vector.profile);
        let decoded = match MessageFrame::decode(&vector.uper, vector.profile) {
            Ok(MessageFrame::Bsm(bsm)) => {
                seen += 1;
                Some(BsmPeek {
                    id: bsm.id,
                    lat: bsm.pos.lat,
                    long: bsm.pos.long,
                    speed: bsm.speed,
                })
            }
            _ => None,
        };
        assert_eq!(peek, decoded, "{}", vector.jer);
    }
    assert!(seen > 250, "{seen}");
}
