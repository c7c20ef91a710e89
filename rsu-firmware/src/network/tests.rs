extern crate std;

use std::vec::Vec;

use proptest::prelude::*;

use super::*;

/// A BSM frame with the adaptation byte and a payload of three bytes.
const FRAME: [u8; 8] = [0x04, 0x00, 0x6F, 0x00, 0x03, 0xA1, 0xB2, 0xC3];

fn parse_default(frame: &[u8]) -> Result<Dsm<'_>, Dropped> {
    parse(frame, Adaptation::Present, DSM_LENGTH_MAX)
}

fn build_default(aid: Aid, payload: &[u8], adaptation: Adaptation) -> Vec<u8> {
    let mut frame = [0; HEADER_LENGTH_MAX + DSM_LENGTH_MAX];
    let length = build(aid, payload, adaptation, DSM_LENGTH_MAX, &mut frame).expect("fits");
    frame[..length].to_vec()
}

#[test]
fn a_frame_is_an_aid_and_a_payload() {
    let dsm = parse_default(&FRAME).expect("well-formed");
    assert_eq!(dsm.aid, Aid::BSM_REGULAR);
    assert_eq!(dsm.kind(), Ok(MessageKind::Bsm));
    assert_eq!(dsm.payload, [0xA1, 0xB2, 0xC3]);
    assert_eq!(dsm.trailing_length, 0);
    assert!(dsm.extensions.is_empty());
}

#[test]
fn the_adaptation_byte_may_be_absent() {
    let absent = parse(&FRAME[1..], Adaptation::Absent, DSM_LENGTH_MAX);
    assert_eq!(absent, parse_default(&FRAME));
}

#[test]
fn a_wrong_adaptation_setting_is_told_from_bad_frames() {
    let present_taken_for_absent = parse(&FRAME, Adaptation::Absent, DSM_LENGTH_MAX);
    assert_eq!(present_taken_for_absent, Err(Dropped::ReservedBits));
    let absent_taken_for_present = parse(&FRAME[1..], Adaptation::Present, DSM_LENGTH_MAX);
    assert_eq!(absent_taken_for_present, Err(Dropped::IpPacket));
}

#[test]
fn each_defect_has_its_reason() {
    let cases: [(&[u8], Dropped); 14] = [
        (&[], Dropped::TruncatedHeader),
        (&[0x04], Dropped::TruncatedHeader),
        (&[0x04, 0x00], Dropped::TruncatedHeader),
        (&[0x04, 0x00, 0x8D], Dropped::TruncatedHeader),
        (&[0x04, 0x00, 0x6F, 0x00], Dropped::TruncatedHeader),
        (&[0x04, 0x10], Dropped::TruncatedHeader),
        (&[0x00, 0x60], Dropped::IpPacket),
        (&[0x05, 0x45], Dropped::IpPacket),
        (&[0x03, 0x00], Dropped::UnknownProtocol),
        (&[0x04, 0x20, 0x6F, 0x00, 0x00], Dropped::UnknownVersion),
        (&[0x04, 0x01, 0x6F, 0x00, 0x00], Dropped::ReservedBits),
        (&[0x04, 0x10, 0x01, 0x07, 0x05, 0xAA], Dropped::BadExtension),
        (&[0x04, 0x00, 0xF0, 0x00, 0x00], Dropped::BadAid),
        (
            &[0x04, 0x00, 0x6F, 0x00, 0x02, 0xAA],
            Dropped::TruncatedPayload,
        ),
    ];
    for (frame, reason) in cases {
        assert_eq!(parse_default(frame), Err(reason), "{frame:02X?}");
    }
}

#[test]
fn an_unregistered_aid_is_delivered_with_its_reason_to_drop_it() {
    let dsm = parse_default(&[0x04, 0x00, 0x01, 0x00, 0x00]).expect("well-formed");
    assert_eq!(dsm.kind(), Err(Dropped::UnknownAid));
}

#[test]
fn bytes_behind_the_payload_are_counted_and_ignored() {
    let mut padded = FRAME.to_vec();
    padded.extend_from_slice(&[0, 0]);
    let dsm = parse_default(&padded).expect("padding does no harm");
    assert_eq!(dsm.payload, [0xA1, 0xB2, 0xC3]);
    assert_eq!(dsm.trailing_length, 2);
}

#[test]
fn extension_elements_are_walked_and_passed() {
    let frame = [
        0x04, 0x10, 2, 7, 2, 0xAA, 0xBB, 9, 0, 0x8D, 0xA2, 0x00, 0x01, 0x10,
    ];
    let dsm = parse_default(&frame).expect("well-formed");
    let expected = [
        Extension {
            id: 7,
            contents: &[0xAA, 0xBB],
        },
        Extension {
            id: 9,
            contents: &[],
        },
    ];
    assert!(dsm.extensions.eq(expected));
    assert_eq!((dsm.aid, dsm.payload), (Aid::MAP, &[0x10][..]));
}

#[test]
fn the_payload_limit_holds_both_ways() {
    let payload = [0x55; DSM_LENGTH_MAX + 1];
    let mut frame = [0; HEADER_LENGTH_MAX + DSM_LENGTH_MAX + 1];
    let too_long = build(
        Aid::RSM,
        &payload,
        Adaptation::Present,
        DSM_LENGTH_MAX,
        &mut frame,
    );
    assert_eq!(too_long, Err(BuildError::PayloadTooLong));

    let length = build(Aid::RSM, &payload, Adaptation::Present, 2_000, &mut frame).expect("fits");
    assert_eq!(
        parse_default(&frame[..length]),
        Err(Dropped::PayloadTooLong)
    );
    assert!(parse(&frame[..length], Adaptation::Present, 2_000).is_ok());
}

#[test]
fn a_buffer_too_small_is_an_error() {
    for length in 0..FRAME.len() {
        let mut frame = [0; FRAME.len()];
        assert_eq!(
            build(
                Aid::BSM_REGULAR,
                &FRAME[5..],
                Adaptation::Present,
                DSM_LENGTH_MAX,
                &mut frame[..length]
            ),
            Err(BuildError::BufferTooSmall)
        );
    }
}

#[test]
fn the_longest_payload_fits_into_the_longest_header() {
    let aid = Aid::new(Aid::VALUE_MAX).expect("in range");
    let frame = build_default(aid, &[0; DSM_LENGTH_MAX], Adaptation::Present);
    assert_eq!(frame.len(), HEADER_LENGTH_MAX + DSM_LENGTH_MAX);
}

#[test]
fn aids_are_p_encoded() {
    let cases: [(u32, &[u8]); 11] = [
        (0, &[0x00]),
        (111, &[0x6F]),
        (0x7F, &[0x7F]),
        (0x80, &[0x80, 0x00]),
        (3618, &[0x8D, 0xA2]),
        (3629, &[0x8D, 0xAD]),
        (0x407F, &[0xBF, 0xFF]),
        (0x4080, &[0xC0, 0x00, 0x00]),
        (0x20_407F, &[0xDF, 0xFF, 0xFF]),
        (0x20_4080, &[0xE0, 0x00, 0x00, 0x00]),
        (Aid::VALUE_MAX, &[0xEF, 0xFF, 0xFF, 0xFF]),
    ];
    for (value, encoded) in cases {
        let aid = Aid::new(value).expect("in range");
        let (bytes, length) = aid.encode();
        assert_eq!(&bytes[..length], encoded, "{value}");
        assert_eq!(Aid::parse(encoded), Ok((aid, &[][..])), "{value}");
    }
    assert_eq!(Aid::new(Aid::VALUE_MAX + 1), None);
}

#[test]
fn reasons_index_an_array_and_have_names_of_their_own() {
    let names: std::collections::BTreeSet<_> = Dropped::ALL.map(Dropped::name).into();
    assert_eq!(names.len(), Dropped::ALL.len());
    for (index, dropped) in Dropped::ALL.into_iter().enumerate() {
        assert_eq!(dropped as usize, index);
    }
}

fn adaptations() -> impl Strategy<Value = Adaptation> {
    prop_oneof![Just(Adaptation::Present), Just(Adaptation::Absent)]
}

/// Anything, and anything behind headers that are still well-formed.
fn nearly_frames() -> impl Strategy<Value = Vec<u8>> {
    let headers = prop_oneof![
        Just(&[][..]),
        Just(&[0x04, 0x00][..]),
        Just(&[0x04, 0x00, 0x6F, 0x00][..]),
        Just(&[0x00, 0x8D, 0xA2, 0x00][..]),
        Just(&[0x04, 0x10, 0x01][..]),
    ];
    (headers, prop::collection::vec(any::<u8>(), 0..64))
        .prop_map(|(header, rest)| [header, &rest].concat())
}

proptest! {
    #[test]
    fn what_was_built_is_parsed(
        value in prop_oneof![0..=0x80_u32, 0..=0x8000_u32, 0..=Aid::VALUE_MAX],
        payload in prop::collection::vec(any::<u8>(), 0..=DSM_LENGTH_MAX),
        adaptation in adaptations(),
    ) {
        let aid = Aid::new(value).expect("in range");
        let frame = build_default(aid, &payload, adaptation);
        let dsm = parse(&frame, adaptation, DSM_LENGTH_MAX).expect("just built");
        prop_assert_eq!((dsm.aid, dsm.payload), (aid, &payload[..]));
        prop_assert_eq!(dsm.trailing_length, 0);
    }

    #[test]
    fn what_is_parsed_is_built_again(frame in nearly_frames(), adaptation in adaptations()) {
        if let Ok(dsm) = parse(&frame, adaptation, DSM_LENGTH_MAX) {
            let used = &frame[..frame.len() - dsm.trailing_length];
            prop_assert!(used.ends_with(dsm.payload));
            let header = frame[usize::from(adaptation == Adaptation::Present)];
            if header & EXTENSION_INDICATOR == 0 {
                prop_assert_eq!(build_default(dsm.aid, dsm.payload, adaptation), used);
            }
        }
    }

    #[test]
    fn a_frame_cut_anywhere_is_dropped_as_truncated(
        payload in prop::collection::vec(any::<u8>(), 1..64),
        cut in any::<prop::sample::Index>(),
    ) {
        let frame = build_default(Aid::SPAT, &payload, Adaptation::Present);
        let cut = cut.index(frame.len());
        let reason = if cut < 6 { Dropped::TruncatedHeader } else { Dropped::TruncatedPayload };
        prop_assert_eq!(parse_default(&frame[..cut]), Err(reason));
    }
}
