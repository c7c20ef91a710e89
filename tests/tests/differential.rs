//! The zero-copy codec held against the reference, on random messages.

use fastrand::Rng;
use rsu_firmware::message::MessageFrame;
use rsu_firmware::uper::{ErrorKind, Profile};
use serde::Deserialize;
use serde_json::Value;
use tests::generate::{self, KINDS};
use tests::reference;
use tests::schema::{Field, Schema, Type};

/// Random messages of each kind and profile.
const SEEDS: std::ops::Range<u64> = 0..300;
/// Longer than any message that the generator makes.
const MESSAGE_BYTES_MAX: usize = 1 << 16;

#[test]
fn valid_messages_mean_the_same_to_both() {
    for_each_message(|profile, jer, uper| {
        let message =
            MessageFrame::decode(uper, profile).unwrap_or_else(|error| panic!("{error}: {jer}"));
        assert_eq!(serde_json::to_value(&message).ok().as_ref(), Some(jer));
        assert_eq!(encoded(&message, profile), uper, "{jer}");
        let from_jer =
            MessageFrame::deserialize(jer).unwrap_or_else(|error| panic!("{error}: {jer}"));
        assert_eq!(encoded(&from_jer, profile), uper, "{jer}");
    });
}

/// How the two agreed on a damaged message.
#[derive(Debug, Default)]
struct Verdicts {
    both_deliver: usize,
    both_refuse: usize,
    /// The reference does not know these as unknown, see there.
    unknown_extension: usize,
    /// The reference takes no notice of the schema's limits, see there.
    reference_accepts_what_the_schema_forbids: usize,
    /// The reference reads the index of an extension in no octets as 0, see there.
    reference_accepts_an_index_without_octets: usize,
}

#[test]
fn damaged_messages_are_delivered_alike_or_refused_for_a_reason() {
    let mut rng = Rng::with_seed(0);
    let mut verdicts = Verdicts::default();
    for_each_message(|profile, _, uper| {
        for _ in 0..3 {
            let damaged = damage(uper, &mut rng);
            judge(&damaged, profile, &mut verdicts);
        }
    });
    assert!(verdicts.both_deliver > 1_000, "{verdicts:?}");
    assert!(verdicts.both_refuse > 1_000, "{verdicts:?}");
    assert!(verdicts.unknown_extension > 10, "{verdicts:?}");
    assert!(
        verdicts.reference_accepts_what_the_schema_forbids > 10,
        "{verdicts:?}"
    );
}

fn judge(uper: &[u8], profile: Profile, verdicts: &mut Verdicts) {
    let ours = MessageFrame::decode(uper, profile);
    let ours_as_jer = ours
        .as_ref()
        .map(|message| serde_json::to_value(message).unwrap_or_default());
    let hex = || hex::encode(uper);
    match (ours_as_jer, reference::decode(uper, profile)) {
        (Ok(ours), _) if ours.to_string().contains("\"extension:") => {
            verdicts.unknown_extension += 1
        }
        (Ok(ours), Ok(theirs)) => {
            assert_eq!(ours, theirs, "{} {}", profile.name(), hex());
            verdicts.both_deliver += 1;
        }
        (Err(_), Err(_)) => verdicts.both_refuse += 1,
        (Err(error), Ok(_)) if is_index_without_octets(uper, error.bit) => {
            assert_eq!(error.kind, ErrorKind::Length);
            verdicts.reference_accepts_an_index_without_octets += 1;
        }
        (Err(error), Ok(theirs)) => {
            let frame = Type::Reference("MessageFrame".to_owned());
            let forbidden = !permits(reference::schema(profile), &frame, &theirs);
            assert!(forbidden, "{error}; {} {}: {theirs}", profile.name(), hex());
            verdicts.reference_accepts_what_the_schema_forbids += 1;
        }
        (Ok(ours), Err(error)) => panic!("{error}; {} {}: {ours}", profile.name(), hex()),
    }
}

/// Whether, before a length of 0 at `bit`, an extension is marked and its index as not small.
fn is_index_without_octets(uper: &[u8], bit: usize) -> bool {
    let is_set = |bit: usize| {
        uper.get(bit / 8)
            .is_some_and(|octet| octet << (bit % 8) & 0x80 != 0)
    };
    bit >= 2 && is_set(bit - 2) && is_set(bit - 1) && !(bit..bit + 8).any(is_set)
}

/// Flips some bits, or cuts the message.
fn damage(uper: &[u8], rng: &mut Rng) -> Vec<u8> {
    let mut damaged = uper.to_vec();
    if rng.u8(..8) == 0 {
        damaged.truncate(rng.usize(..uper.len()));
    } else {
        for _ in 0..rng.usize(1..=3) {
            damaged[rng.usize(..uper.len())] ^= 1 << rng.u8(..8);
        }
    }
    damaged
}

/// Whether a value that has the form of its type is within its ranges and sizes.
fn permits(schema: &Schema, ty: &Type, jer: &Value) -> bool {
    let within = |size: Option<usize>, min: usize, max: usize| {
        size.is_some_and(|size| (min..=max).contains(&size))
    };
    match schema.resolve(ty) {
        Type::Integer { min, max } => jer
            .as_i64()
            .is_some_and(|value| (*min..=*max).contains(&value)),
        Type::OctetString { min, max } => within(jer.as_str().map(|hex| hex.len() / 2), *min, *max),
        Type::Ia5String { min, max } => within(jer.as_str().map(str::len), *min, *max),
        Type::SequenceOf { min, max, element } => {
            let elements = jer.as_array();
            within(elements.map(Vec::len), *min, *max)
                && elements
                    .into_iter()
                    .flatten()
                    .all(|element_jer| permits(schema, element, element_jer))
        }
        Type::Sequence { fields, .. }
        | Type::Choice {
            alternatives: fields,
            ..
        } => {
            let permitted = |field: &Field| {
                jer.get(&field.name)
                    .is_none_or(|value| permits(schema, &field.ty, value))
            };
            fields.iter().all(permitted)
        }
        Type::Enumerated { .. } | Type::BitString { .. } | Type::Reference(_) => true,
    }
}

fn for_each_message(mut check: impl FnMut(Profile, &Value, &[u8])) {
    for profile in Profile::ALL {
        for kind in KINDS {
            for seed in SEEDS {
                let jer = generate::message(seed, profile, kind);
                let uper = reference::encode(&jer, profile)
                    .unwrap_or_else(|error| panic!("{error}: {jer}"));
                check(profile, &jer, &uper);
            }
        }
    }
}

fn encoded(message: &MessageFrame<'_>, profile: Profile) -> Vec<u8> {
    let mut buffer = vec![0; MESSAGE_BYTES_MAX];
    let length = message
        .encode(&mut buffer, profile)
        .unwrap_or_else(|error| panic!("{error}: {message:?}"));
    buffer.truncate(length);
    buffer
}
