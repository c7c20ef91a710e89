//! What later editions put behind the extension markers of enumerations and choices is delivered as
//! unknown, with the rest of the message intact. The reference can neither write nor read it: its
//! bytes are cut open where the value stands, and the extension is put in.

use rsu_firmware::message::MessageFrame;
use rsu_firmware::uper::Profile;
use serde_json::{Value, json};
use tests::generate::{self, KINDS};
use tests::reference;
use tests::schema::{Schema, Type};

const SEEDS: std::ops::Range<u64> = 0..40;
/// Places tried in one message: each costs two encodings by the slow reference.
const PLACES_MAX: usize = 3;
/// The highest index that is written in the short form.
const INDEX: u8 = 63;

#[test]
fn unknown_values_of_enumerations() {
    for_each_message(|profile, jer| {
        let mut tried = 0;
        for (pointer, names) in spread(extensible_enumerations(reference::schema(profile), jer)) {
            let width = (names.len() - 1).ilog2() as usize + 1;
            let (low, high) = (json!(names[0]), json!(names[1 << (width - 1)]));
            let unknown = extended(jer, profile, &pointer, [low, high], width, &[]);
            assert_delivered(
                &unknown,
                profile,
                jer,
                &pointer,
                json!(format!("extension:{INDEX}")),
            );
            tried += 1;
        }
        tried
    });
}

#[test]
fn unknown_alternatives_of_choices() {
    let contents = [0xCA, 0xFE, 0x00];
    let timing = json!({ "startTime": 0, "likelyEndTime": 0 });
    let utc_timing = json!({ "startUTCTime": 0, "likelyEndUTCTime": 0 });
    // Two alternatives of the same length that differ in the first bit of the index, and the
    // length of index and content in bits.
    let cases = [
        (
            "laneType",
            [
                json!({ "crosswalk": "0000" }),
                json!({ "trackedVehicle": "0000" }),
            ],
            3 + 16,
        ),
        (
            "timing",
            [
                json!({ "counting": timing }),
                json!({ "utcTiming": utc_timing }),
            ],
            1 + 5 + 16 + 16,
        ),
    ];
    for_each_message(|profile, jer| {
        let mut tried = 0;
        for (component, alternatives, length) in &cases {
            for pointer in spread(pointers(jer, component)) {
                let unknown = extended(
                    jer,
                    profile,
                    &pointer,
                    alternatives.clone(),
                    *length,
                    &contents,
                );
                assert_delivered(
                    &unknown,
                    profile,
                    jer,
                    &pointer,
                    json!({ format!("extension:{INDEX}"): "CAFE00" }),
                );
                tried += 1;
            }
        }
        tried
    });
}

/// Some of the places, from the first to about the last.
fn spread<T>(places: Vec<T>) -> impl Iterator<Item = T> {
    let step = places.len().div_ceil(PLACES_MAX).max(1);
    places.into_iter().step_by(step)
}

fn assert_delivered(uper: &[u8], profile: Profile, jer: &Value, pointer: &str, unknown: Value) {
    let message = MessageFrame::decode(uper, profile)
        .unwrap_or_else(|error| panic!("{error}, {pointer}: {jer}"));
    let expected = replaced(jer, pointer, unknown);
    assert_eq!(
        serde_json::to_value(&message).ok(),
        Some(expected),
        "{pointer}"
    );

    let mut encoded = vec![0; uper.len()];
    let length = message
        .encode(&mut encoded, profile)
        .unwrap_or_else(|error| panic!("{error}, {pointer}: {jer}"));
    assert_eq!(encoded[..length], uper[..length], "{pointer}");
    assert!(uper[length..].iter().all(|octet| *octet == 0), "{pointer}");
}

/// The bytes of `jer` with an unknown extension at `pointer`: of a CHOICE if it has contents.
///
/// The encodings of the two values are the same up to the first bit of the index, which the
/// extension bit precedes. `length` is that of index and content.
fn extended(
    jer: &Value,
    profile: Profile,
    pointer: &str,
    values: [Value; 2],
    length: usize,
    contents: &[u8],
) -> Vec<u8> {
    let [low, high] = values.map(|value| {
        let jer = replaced(jer, pointer, value);
        bits(&reference::encode(&jer, profile).unwrap_or_else(|error| panic!("{error}: {jer}")))
    });
    let index = low.iter().zip(&high).position(|(low, high)| low != high);
    let index = index.unwrap_or_else(|| panic!("{pointer} makes no difference"));

    // The extension bit and the short form of the index, which begins with a 0 bit.
    let mut extension = vec![0x80 | INDEX];
    if !contents.is_empty() {
        extension.push(contents.len() as u8);
        extension.extend(contents);
    }
    let mut all = low;
    all.splice(index - 1..index + length, bits(&extension));
    let octet = |bits: &[bool]| {
        bits.iter()
            .zip((0..8).rev())
            .map(|(bit, at)| u8::from(*bit) << at)
            .sum()
    };
    all.chunks(8).map(octet).collect()
}

fn bits(octets: &[u8]) -> Vec<bool> {
    octets
        .iter()
        .flat_map(|octet| (0..8).rev().map(move |bit| octet >> bit & 1 == 1))
        .collect()
}

fn replaced(jer: &Value, pointer: &str, value: Value) -> Value {
    let mut jer = jer.clone();
    *jer.pointer_mut(pointer)
        .unwrap_or_else(|| panic!("there is no {pointer}")) = value;
    jer
}

/// Where `jer` has an extensible ENUMERATED: JSON pointers, and the names of its root.
fn extensible_enumerations<'a>(schema: &'a Schema, jer: &Value) -> Vec<(String, &'a [String])> {
    fn walk<'a>(
        schema: &'a Schema,
        ty: &'a Type,
        jer: &Value,
        at: String,
        found: &mut Vec<(String, &'a [String])>,
    ) {
        match schema.resolve(ty) {
            Type::Enumerated {
                names,
                extensible: true,
            } => found.push((at, names)),
            Type::SequenceOf { element, .. } => {
                for (index, value) in jer.as_array().into_iter().flatten().enumerate() {
                    walk(schema, element, value, format!("{at}/{index}"), found);
                }
            }
            Type::Sequence { fields, .. }
            | Type::Choice {
                alternatives: fields,
                ..
            } => {
                for field in fields {
                    if let Some(value) = jer.get(&field.name) {
                        walk(
                            schema,
                            &field.ty,
                            value,
                            format!("{at}/{}", field.name),
                            found,
                        );
                    }
                }
            }
            _ => {}
        }
    }
    let mut found = Vec::new();
    let frame = schema
        .types()
        .find(|(name, _)| *name == "MessageFrame")
        .map(|(_, ty)| ty);
    frame
        .into_iter()
        .for_each(|ty| walk(schema, ty, jer, String::new(), &mut found));
    found
}

/// JSON pointers to every component of that name.
fn pointers(jer: &Value, component: &str) -> Vec<String> {
    let below = |name: &str, value: &Value| {
        let here = (name == component).then(String::new);
        let deeper = pointers(value, component);
        here.into_iter()
            .chain(deeper)
            .map(|pointer| format!("/{name}{pointer}"))
            .collect::<Vec<_>>()
    };
    match jer {
        Value::Object(members) => members
            .iter()
            .flat_map(|(name, value)| below(name, value))
            .collect(),
        Value::Array(elements) => elements
            .iter()
            .enumerate()
            .flat_map(|(index, value)| below(&index.to_string(), value))
            .collect(),
        _ => vec![],
    }
}

/// Has `check` try random messages of each kind and profile until enough places have been tried.
fn for_each_message(mut check: impl FnMut(Profile, &Value) -> usize) {
    for profile in Profile::ALL {
        let mut tried = 0;
        for seed in SEEDS {
            for kind in KINDS {
                tried += check(profile, &generate::message(seed, profile, kind));
            }
        }
        assert!(tried > 100, "only {tried} places");
    }
}
