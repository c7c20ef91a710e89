//! Damaged messages: never a panic; either an error that says where, or a message that survives
//! encoding.

use super::{decode, from_jer, to_jer};
use fastrand::Rng;
use proptest::prelude::*;
use rsu_firmware::message::MessageFrame;
use rsu_firmware::uper::{ErrorKind, Profile};
use std::sync::LazyLock;
use tests::vectors::{PLAIN, UNKNOWN_ADDITIONS, Vector, read};

/// Messages up to this length have every bit flipped, longer ones so many.
const FLIPPED_THROUGHOUT_BYTES_MAX: usize = 100;
const FLIPS_OF_LONG_MESSAGES: usize = 100;
/// What is delivered makes the detour through JER once in so many times: it costs the most.
const JER_PERIOD: usize = 16;
/// A frame is never longer than a UDP datagram.
const GARBAGE_BYTES_MAX: usize = 1 << 16;

/// Every prefix of a message is fine so far: what is wrong is that it ends.
#[test]
fn cut_at_every_length_a_message_is_truncated_at_its_end() {
    let mut cuts = 0;
    for vector in all() {
        for length in 0..vector.uper.len() {
            let Err(error) = MessageFrame::decode(&vector.uper[..length], vector.profile) else {
                panic!(
                    "{length} of {} bytes suffice for {}",
                    vector.uper.len(),
                    vector.jer
                );
            };
            let expected = (ErrorKind::Truncated, length * 8);
            assert_eq!((error.kind, error.bit), expected, "{error}: {}", vector.jer);
            cuts += 1;
        }
    }
    assert!(cuts > 600_000, "{cuts}");
}

#[test]
fn with_any_bit_flipped_a_message_is_refused_or_survives_encoding() {
    let mut rng = Rng::with_seed(0);
    let mut judge = Judge::default();
    for vector in all() {
        let bits = vector.uper.len() * 8;
        if bits <= FLIPPED_THROUGHOUT_BYTES_MAX * 8 {
            (0..bits).for_each(|bit| judge.mutant(&vector, &[bit]));
        } else {
            (0..FLIPS_OF_LONG_MESSAGES).for_each(|_| judge.mutant(&vector, &[rng.usize(..bits)]));
        }
    }
    assert!(
        judge.delivered > 100_000 && judge.refused > 10_000,
        "{judge:?}"
    );
}

/// `cargo test --release -p tests --test codec -- --ignored --nocapture every_bit`: seven minutes.
#[test]
#[ignore = "takes minutes"]
#[expect(clippy::print_stdout, reason = "the counts are the result")]
fn with_every_bit_flipped_every_vector_is_refused_or_survives_encoding() {
    let mut judge = Judge::default();
    for vector in all() {
        for bit in 0..vector.uper.len() * 8 {
            judge.mutant(&vector, &[bit]);
        }
    }
    println!("{judge:?}");
}

/// `MUTANTS=20000000 SEED=1 cargo test --release -p tests --test codec -- --ignored --nocapture
/// many`: some 50 000 mutants a second.
#[test]
#[ignore = "runs as long as it is told to"]
#[expect(clippy::print_stdout, reason = "the counts are the result")]
fn with_many_bits_changed_many_mutants_are_refused_or_survive_encoding() {
    let number = |name: &str, default: u64| {
        let text = std::env::var(name).unwrap_or_default();
        text.parse().unwrap_or(default)
    };
    let mutants = number("MUTANTS", 10_000_000);
    let seed = number("SEED", 0);
    let vectors: Vec<_> = all().collect();
    let mut rng = Rng::with_seed(seed);
    let mut judge = Judge::default();
    for _ in 0..mutants {
        let vector = &vectors[rng.usize(..vectors.len())];
        let bits: Vec<_> = (0..rng.usize(1..=8))
            .map(|_| rng.usize(..vector.uper.len() * 8))
            .collect();
        judge.mutant(vector, &bits);
    }
    println!("seed {seed}: {judge:?}");
}

#[test]
fn read_under_the_other_profile_a_message_is_refused_or_survives_encoding() {
    let mut judge = Judge::default();
    for vector in all() {
        for profile in Profile::ALL {
            judge.bytes(&vector.uper, profile);
        }
    }
    assert!(judge.delivered > 1_000 && judge.refused > 100, "{judge:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn garbage_is_refused_or_survives_encoding(
        first in any::<u8>(),
        seed in any::<u64>(),
        length in 0..=GARBAGE_BYTES_MAX,
        sparse in any::<bool>(),
    ) {
        let mut rng = Rng::with_seed(seed);
        let mut garbage: Vec<u8> = (0..length).map(|_| rng.u8(..)).collect();
        if sparse {
            // Few bits set: lists are short, optional fields absent, and decoding gets far.
            garbage.iter_mut().for_each(|octet| *octet &= rng.u8(..) & rng.u8(..));
        }
        if let Some(octet) = garbage.first_mut() {
            *octet = first;
        }
        for profile in Profile::ALL {
            Judge::default().bytes(&garbage, profile);
        }
    }

    #[test]
    fn a_good_start_with_garbage_behind_is_refused_or_survives_encoding(
        index in any::<prop::sample::Index>(),
        kept in any::<prop::sample::Index>(),
        garbage in prop::collection::vec(any::<u8>(), 0..4096),
    ) {
        static VECTORS: LazyLock<Vec<Vector>> = LazyLock::new(|| read(UNKNOWN_ADDITIONS));
        let Vector { uper, profile, .. } = &VECTORS[index.index(VECTORS.len())];
        let mut bytes = uper[..kept.index(uper.len())].to_vec();
        bytes.extend(garbage);
        Judge::default().bytes(&bytes, *profile);
    }
}

/// Decodes what is damaged, and counts.
#[derive(Debug, Default)]
struct Judge {
    delivered: usize,
    refused: usize,
    through_jer: usize,
}

impl Judge {
    fn mutant(&mut self, vector: &Vector, flipped: &[usize]) {
        let mut bytes = vector.uper.clone();
        for bit in flipped {
            bytes[bit / 8] ^= 0x80 >> (bit % 8);
        }
        self.bytes(&bytes, vector.profile);
    }

    fn bytes(&mut self, bytes: &[u8], profile: Profile) {
        match MessageFrame::decode_prefix(bytes, profile) {
            Ok((message, length)) => {
                assert!(length <= bytes.len());
                self.delivered += 1;
                self.survives(&message, bytes, profile);
            }
            Err(error) => {
                assert!(error.bit <= bytes.len() * 8, "{error}");
                let path = error.field.to_string();
                let root = path.split('.').next().unwrap_or_default();
                assert!(
                    [
                        "MessageFrame",
                        "bsmFrame",
                        "mapFrame",
                        "rsmFrame",
                        "spatFrame",
                        "rsiFrame"
                    ]
                    .contains(&root),
                    "{error}"
                );
                self.refused += 1;
            }
        }
    }

    /// What is encoded is never longer than what was received: the buffer just suffices.
    fn survives(&mut self, message: &MessageFrame<'_>, bytes: &[u8], profile: Profile) {
        let mut buffer = vec![0; bytes.len()];
        let length = message.encode(&mut buffer, profile);
        let length = length.unwrap_or_else(|error| panic!("{error}: {}", hex::encode(bytes)));
        let encoded = &buffer[..length];
        assert_eq!(decode(encoded, profile), *message, "{}", hex::encode(bytes));

        if self.delivered.is_multiple_of(JER_PERIOD) {
            let through_jer = from_jer(&to_jer(message));
            let mut again = vec![0; bytes.len()];
            let length = through_jer.encode(&mut again, profile);
            let length = length.unwrap_or_else(|error| panic!("{error}: {}", hex::encode(bytes)));
            assert_eq!(
                decode(&again[..length], profile),
                *message,
                "{}",
                hex::encode(bytes)
            );
            self.through_jer += 1;
        }
    }
}

fn all() -> impl Iterator<Item = Vector> {
    PLAIN.into_iter().chain([UNKNOWN_ADDITIONS]).flat_map(read)
}
