//! The codec never allocates: not to decode, to look at everything, to encode, or to refuse.

use std::collections::BTreeSet;
use std::fmt::Debug;

use allocation_counter::measure;
use rsu_firmware::message::MessageFrame;
use tests::vectors::{PLAIN, UNKNOWN_ADDITIONS, Vector, read};
use tests::walk::{Each, walk};

/// Longer than any vector.
const MESSAGE_BYTES_MAX: usize = 1 << 16;

#[test]
fn the_counter_counts() {
    let allocations = measure(|| {
        std::hint::black_box(Box::new(1));
    });
    assert_eq!(allocations.count_total, 1);
}

#[test]
fn decoding_and_walking_every_list_do_not_allocate() {
    let mut elements = 0;
    with_every_vector(|vector, _| {
        if let Ok(message) = MessageFrame::decode(&vector.uper, vector.profile) {
            walk(&message, &mut Each(|_: &dyn Debug| elements += 1));
        }
    });
    assert!(elements > 10_000, "{elements}");
}

#[test]
fn visiting_every_element_while_decoding_does_not_allocate() {
    let mut elements = 0;
    with_every_vector(|vector, _| {
        let mut visitor = Each(|_: &dyn Debug| elements += 1);
        let message = MessageFrame::decode_with(&vector.uper, vector.profile, &mut visitor);
        assert!(message.is_ok());
    });
    assert!(elements > 10_000, "{elements}");
}

#[test]
fn encoding_does_not_allocate() {
    with_every_vector(|vector, buffer| {
        let message = MessageFrame::decode(&vector.uper, vector.profile);
        let length = message.map(|message| message.encode(buffer, vector.profile));
        assert!(length.is_ok_and(|length| length.is_ok()));
    });
}

#[test]
fn refusing_does_not_allocate() {
    with_every_vector(|vector, _| {
        let (half, _) = vector.uper.split_at(vector.uper.len() / 2);
        assert!(MessageFrame::decode(half, vector.profile).is_err());
        let message = MessageFrame::decode(&vector.uper, vector.profile);
        let refused = message.map(|message| message.encode(&mut [], vector.profile));
        assert!(refused.is_ok_and(|refused| refused.is_err()));
    });
}

fn with_every_vector(mut run: impl FnMut(&Vector, &mut [u8])) {
    let mut buffer = vec![0; MESSAGE_BYTES_MAX];
    let mut kinds = BTreeSet::new();
    for vector in PLAIN.into_iter().chain([UNKNOWN_ADDITIONS]).flat_map(read) {
        let allocations = measure(|| run(&vector, &mut buffer));
        assert_eq!(allocations.count_total, 0, "{}", vector.jer);
        kinds.extend(
            vector
                .jer
                .as_object()
                .into_iter()
                .flat_map(|jer| jer.keys().cloned()),
        );
    }
    assert_eq!(kinds.len(), 5, "{kinds:?}");
}
