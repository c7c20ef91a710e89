//! Reader and writer, held against a reader that goes bit by bit and against each other.
extern crate std;

use super::reader::Fragment;
use super::units::Units;
use super::{
    Element, Encoding, ErrorKind, Fault, Observer, OpenType, Profile, Reader, Tracer, width_of,
};
use proptest::collection::vec;
use proptest::prelude::*;
use std::vec::Vec;

/// What stands at `position`, zeros behind the end.
fn bit_by_bit(bytes: &[u8], position: usize, width: u32) -> u64 {
    (position..position + width as usize).fold(0, |value, bit| {
        let octet = bytes.get(bit / 8).copied().unwrap_or_default();
        value << 1 | u64::from(octet >> (7 - bit % 8) & 1)
    })
}

fn reader(bytes: &[u8]) -> Reader<'_> {
    Reader::new(bytes, Profile::default())
}

/// One call of a reader.
#[derive(Clone, Copy, Debug)]
enum Step {
    Bits(u32),
    BitsIf(u32, bool),
    Skip(usize),
    Refill,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..=57_u32).prop_map(Step::Bits),
        4 => (1..=57_u32, any::<bool>()).prop_map(|(width, present)| Step::BitsIf(width, present)),
        1 => (0..=80_usize).prop_map(Step::Skip),
        1 => Just(Step::Refill),
    ]
}

#[test]
fn every_bit_of_short_slices_is_found_from_every_position() {
    let bytes: Vec<u8> = (1..=16_u8).map(|octet| octet.wrapping_mul(0x9D)).collect();
    for len in 0..=bytes.len() {
        let bytes = &bytes[..len];
        for position in 0..=len * 8 + 16 {
            for width in [1, 7, 8, 9, 56, 57] {
                let mut reader = Reader::resumed(bytes, position, Profile::default());
                assert_eq!(reader.bits(width), bit_by_bit(bytes, position, width));
                assert_eq!(reader.failed(), position + width as usize > len * 8);
            }
        }
    }
}

proptest! {
    #[test]
    fn a_reader_reads_what_stands_there(
        bytes in vec(any::<u8>(), 0..=16).boxed().prop_union(vec(any::<u8>(), 17..64).boxed()),
        steps in vec(step(), 0..40),
    ) {
        let mut reader = reader(&bytes);
        let mut position = 0;
        for step in steps {
            let width = match step {
                Step::Bits(width) => {
                    prop_assert_eq!(reader.bits(width), bit_by_bit(&bytes, position, width));
                    width as usize
                }
                Step::BitsIf(width, true) => {
                    prop_assert_eq!(reader.bits_if(width, true), bit_by_bit(&bytes, position, width));
                    width as usize
                }
                Step::BitsIf(width, false) => {
                    prop_assert_eq!(reader.bits_if(width, false), 0);
                    0
                }
                Step::Skip(width) => {
                    reader.skip(width);
                    width
                }
                Step::Refill => {
                    reader.refill();
                    0
                }
            };
            position += width;
            prop_assert_eq!(reader.position(), position);
            prop_assert_eq!(reader.failed(), position > bytes.len() * 8);
        }
    }

    #[test]
    fn what_a_writer_writes_a_reader_reads(
        values in vec((0..=56_u32).prop_flat_map(|width| (0..1_u64 << width, Just(width))), 0..40),
        buffer_len in 0..300_usize,
    ) {
        let bits: usize = values.iter().map(|&(_, width)| width as usize).sum();
        let len = bits.div_ceil(8).max(1);
        let mut buffer = std::vec![0xFF; buffer_len];
        let mut encoding = Encoding::new(Profile::default());
let mut writer = encoding.writer(&mut buffer);
        for &(value, width) in &values {
            writer.bits(value, width);
        }
        prop_assert_eq!(writer.position(), bits);
        prop_assert_eq!(writer.finish(), len);
        prop_assert_eq!(writer.failed(), len > buffer_len);

        let mut reader = reader(&buffer);
        for &(value, width) in &values {
            if reader.position() + width as usize > buffer_len * 8 {
                return Ok(());
            }
            prop_assert_eq!(reader.bits(width), value);
        }
        if len <= buffer_len {
            let padding = (len * 8 - bits) as u32;
            prop_assert_eq!(reader.bits(padding), 0);
        }
    }

    #[test]
    fn small_numbers_come_back(value in prop_oneof![0..300_u32, any::<u32>()], offset in 0..8_u32) {
        let mut buffer = [0; 16];
        let mut encoding = Encoding::new(Profile::default());
let mut writer = encoding.writer(&mut buffer);
        writer.bits(0, offset);
        writer.normally_small(value);
        let end = writer.position();
        writer.finish();
        let before = Reader::resumed(&buffer, offset as usize, Profile::default());
        let (reader, read) = before.normally_small();
        prop_assert_eq!(read, value);
        prop_assert_eq!(reader.position(), end);
        prop_assert!(!reader.failed());
    }

    #[test]
    fn a_width_holds_its_span_and_is_the_least(span in any::<u64>()) {
        let width = width_of(span);
        prop_assert!(width == 64 || span >> width == 0);
        prop_assert!(width == 0 || span >> (width - 1) == 1);
    }
}

/// Each form of a length determinant (X.691 11.9) at both its ends, and some between.
const LENGTHS: [usize; 13] = [
    0, 1, 127, 128, 16_383, 16_384, 16_385, 32_768, 49_152, 65_535, 65_536, 65_537, 147_456,
];

#[test]
fn strings_of_any_length_come_back_from_any_position() {
    for length in LENGTHS {
        for offset in 0..8 {
            come_back::<8>(length, offset);
            come_back::<7>(length, offset);
            come_back::<1>(length, offset);
        }
    }
}

fn come_back<const WIDTH: u32>(length: usize, offset: u32) {
    let mask = u8::MAX >> (8 - WIDTH);
    let units: Vec<u8> = (0..length).map(|at| (at % 251) as u8 & mask).collect();
    let mut buffer = std::vec![0; length + 32];
    let mut encoding = Encoding::new(Profile::default());
    let mut writer = encoding.writer(&mut buffer);
    writer.bits(0, offset);
    Units::<WIDTH>::Slice(&units).encode(&mut writer);
    let end = writer.position();
    let len = writer.finish();
    assert!(!writer.failed());

    let mut whole = Reader::resumed(&buffer[..len], offset as usize, Profile::default());
    let read = Units::<WIDTH>::decode(&mut whole, &mut ());
    assert_eq!((whole.position(), whole.failed()), (end, false));
    assert_eq!(read.len(), length);
    assert!(read.iter().eq(units));

    let mut cut = Reader::resumed(&buffer[..len - 1], offset as usize, Profile::default());
    Units::<WIDTH>::decode(&mut cut, &mut ());
    assert!(cut.failed());
}

/// X.691 11.9.3.5 - 11.9.3.8.
#[test]
fn a_length_determinant_says_how_many_follow() {
    let cases: [(&[u8], Fragment); 8] = [
        (&[0x00], Fragment::Last(0)),
        (&[0x7F], Fragment::Last(127)),
        (&[0x80, 0x80], Fragment::Last(128)),
        (&[0xBF, 0xFF], Fragment::Last(16_383)),
        (&[0xC1], Fragment::More(16_384)),
        (&[0xC2], Fragment::More(32_768)),
        (&[0xC3], Fragment::More(49_152)),
        (&[0xC4], Fragment::More(65_536)),
    ];
    for (bytes, fragment) in cases {
        let mut reader = reader(bytes);
        assert_eq!(reader.fragment(), fragment);
        assert_eq!(
            (reader.position(), reader.failed()),
            (bytes.len() * 8, false)
        );
    }
    for first in [0xC0, 0xC5, 0xFF] {
        let bytes = [first];
        let mut reader = reader(&bytes);
        reader.fragment();
        let (bit, kind) = (0, ErrorKind::Length);
        assert_eq!(reader.fault(), Some(Fault { bit, kind }));
    }
}

#[test]
fn the_first_failure_is_kept() {
    let bytes = [0xFF; 2];
    let mut reader = reader(&bytes);
    let mut tracer = Tracer::default();
    tracer.enter("outer", None);
    reader.bits(3);
    tracer.enter("inner", reader.fault());
    reader.check(false, 3, ErrorKind::Range);
    tracer.leave(reader.fault());
    reader.bits(57);
    assert!(reader.failed());
    tracer.leave(reader.fault());
    let error = tracer.into_error();
    assert_eq!((error.kind, error.bit), (ErrorKind::Range, 3));
    assert_eq!(std::format!("{}", error.field), "outer.inner");
}

#[test]
fn what_overruns_the_end_is_truncated_at_the_end() {
    let bytes = [0; 3];
    for width in 25..=57 {
        let mut reader = reader(&bytes);
        reader.bits(width);
        let (bit, kind) = (24, ErrorKind::Truncated);
        assert_eq!(reader.fault(), Some(Fault { bit, kind }));
    }
    let mut reader = reader(&bytes);
    reader.skip(usize::MAX);
    assert!(reader.failed());
}

/// X.691 11.1.3: a complete encoding is never empty.
#[test]
fn nothing_is_encoded_in_one_octet() {
    let mut buffer = [0xFF];
    let mut encoding = Encoding::new(Profile::default());
    assert_eq!(encoding.writer(&mut buffer).finish(), 1);
    assert_eq!(buffer, [0]);
}

#[test]
fn an_open_type_is_kept_as_it_is() {
    let mut buffer = [0; 8];
    let mut encoding = Encoding::new(Profile::default());
    let mut writer = encoding.writer(&mut buffer);
    OpenType::new(&[0xCA, 0xFE]).encode(&mut writer);
    assert_eq!(writer.finish(), 3);
    assert_eq!(buffer[..3], [2, 0xCA, 0xFE]);
    let contents = OpenType::decode(&mut reader(&buffer), &mut ());
    assert_eq!((contents.len(), contents.is_empty()), (2, false));
    assert!(contents.octets().eq([0xCA, 0xFE]));
}
