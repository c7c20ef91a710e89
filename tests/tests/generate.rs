//! The message generator, proven before messages of it prove anything.

use std::collections::BTreeSet;

use rsu_firmware::uper::Profile;
use serde_json::Value;
use tests::generate::{self, KINDS};
use tests::reference;
use tests::schema::{Schema, Type};

#[test]
fn generated_messages_survive_the_reference() {
    for profile in Profile::ALL {
        for kind in KINDS {
            for seed in 0..200 {
                let jer = generate::message(seed, profile, kind);
                let uper = reference::encode(&jer, profile)
                    .unwrap_or_else(|error| panic!("{kind} {seed}: {error}"));
                assert_eq!(
                    reference::decode(&uper, profile),
                    Ok(jer),
                    "{} {kind} {seed}",
                    profile.name()
                );
            }
        }
    }
}

#[test]
fn a_seed_makes_the_same_message_again() {
    let message = |seed| generate::message(seed, Profile::Ydt3709_2020, "mapFrame");
    assert_eq!(message(7), message(7));
    assert_ne!(message(7), message(8));
}

/// Of every type: each component present and, if it is optional, absent, each alternative, each name
/// of an enumeration, and both bounds of each range and size.
#[test]
fn generated_messages_reach_every_corner_of_the_schema() {
    for profile in Profile::ALL {
        let schema = reference::schema(profile);
        let frame = Type::Reference("MessageFrame".to_owned());
        let mut reached = BTreeSet::new();
        for kind in KINDS {
            for seed in 0..400 {
                reach(
                    schema,
                    "",
                    &frame,
                    &generate::message(seed, profile, kind),
                    &mut reached,
                );
            }
        }
        let corners: BTreeSet<_> = schema
            .types()
            .flat_map(|(name, ty)| corners(name, ty))
            .collect();
        let missed: Vec<_> = corners.difference(&reached).collect();
        assert!(
            missed.is_empty(),
            "{}: of {} corners missed {missed:#?}",
            profile.name(),
            corners.len()
        );
    }
}

/// The corners of a type, without those of the types it refers to.
fn corners(path: &str, ty: &Type) -> Vec<String> {
    match ty {
        Type::Enumerated { names, .. } => {
            names.iter().map(|name| format!("{path} {name}")).collect()
        }
        Type::Sequence { fields, .. }
        | Type::Choice {
            alternatives: fields,
            ..
        } => {
            let mut all = Vec::new();
            for field in fields {
                let path = format!("{path}.{}", field.name);
                all.extend(corners(&path, &field.ty));
                all.extend(field.optional.then(|| format!("{path} absent")));
                all.push(path);
            }
            all
        }
        Type::BitString { .. } => vec![],
        Type::Reference(_) => vec![],
        _ => vec![format!("{path} min"), format!("{path} max")],
    }
}

/// Notes the corners that a value reaches.
fn reach(schema: &Schema, path: &str, ty: &Type, value: &Value, reached: &mut BTreeSet<String>) {
    let path = if let Type::Reference(name) = ty {
        name
    } else {
        path
    };
    let mut bounds = |size: i64, min: i64, max: i64| {
        reached.extend((size == min).then(|| format!("{path} min")));
        reached.extend((size == max).then(|| format!("{path} max")));
    };
    let characters = || value.as_str().map_or(0, |text| text.chars().count());
    match schema.resolve(ty) {
        Type::Integer { min, max } => bounds(value.as_i64().unwrap_or_default(), *min, *max),
        Type::OctetString { min, max } => {
            bounds(characters() as i64, 2 * *min as i64, 2 * *max as i64)
        }
        Type::Ia5String { min, max } => bounds(characters() as i64, *min as i64, *max as i64),
        Type::Enumerated { .. } => {
            reached.insert(format!("{path} {}", value.as_str().unwrap_or_default()));
        }
        Type::SequenceOf { min, max, element } => {
            let elements = value.as_array().map_or(&[][..], Vec::as_slice);
            bounds(elements.len() as i64, *min as i64, *max as i64);
            elements
                .iter()
                .for_each(|value| reach(schema, path, element, value, reached));
        }
        Type::Sequence { fields, .. }
        | Type::Choice {
            alternatives: fields,
            ..
        } => {
            for field in fields {
                let path = format!("{path}.{}", field.name);
                match value.get(&field.name) {
                    Some(value) => {
                        reach(schema, &path, &field.ty, value, reached);
                        reached.insert(path);
                    }
                    None => {
                        reached.insert(format!("{path} absent"));
                    }
                }
            }
        }
        Type::BitString { .. } | Type::Reference(_) => {}
    }
}
