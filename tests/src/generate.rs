//! Random messages that follow the schema.

use fastrand::Rng;
use rsu_firmware::uper::Profile;
use serde_json::{Map, Value, json};

use crate::reference;
use crate::schema::{Schema, Type, clear_padding};

/// Primitive values after which a message takes in nothing more that is optional. Without it the
/// largest MAP would have 32 nodes of 32 links of 32 lanes.
const PRIMITIVE_VALUES_MAX: usize = 4_000;

/// The kinds of Day-I messages, by their alternatives in the MessageFrame.
pub const KINDS: [&str; 5] = ["bsmFrame", "mapFrame", "rsmFrame", "spatFrame", "rsiFrame"];

/// The JER of a valid message: the same for the same seed. Bounds of ranges and sizes are favoured,
/// and messages with nothing or everything optional in them. It has no extension additions.
///
/// # Panics
/// If there is no such kind.
pub fn message(seed: u64, profile: Profile, kind: &str) -> Value {
    let mut rng = Rng::with_seed(seed);
    let presence = match rng.u8(..8) {
        0 => 0.0,
        1 => 1.0,
        _ => rng.f64(),
    };
    let schema = reference::schema(profile);
    let frame = Type::Reference("MessageFrame".to_owned());
    let Type::Choice { alternatives, .. } = schema.resolve(&frame) else {
        panic!("MessageFrame is no CHOICE")
    };
    let Some(kind) = alternatives
        .iter()
        .find(|alternative| alternative.name == kind)
    else {
        panic!("there is no {kind}")
    };
    let mut generator = Generator {
        rng,
        schema,
        presence,
        values_left: PRIMITIVE_VALUES_MAX,
    };
    json!({ &kind.name: generator.value(&kind.ty) })
}

struct Generator<'a> {
    rng: Rng,
    schema: &'a Schema,
    /// The share of the optional components that are there.
    presence: f64,
    values_left: usize,
}

impl Generator<'_> {
    fn value(&mut self, ty: &Type) -> Value {
        let schema = self.schema;
        let ty = schema.resolve(ty);
        if !matches!(
            ty,
            Type::Sequence { .. } | Type::SequenceOf { .. } | Type::Choice { .. }
        ) {
            self.values_left = self.values_left.saturating_sub(1);
        }
        match ty {
            Type::Integer { min, max } => json!(self.number(*min, *max)),
            Type::Enumerated { names, .. } => json!(self.rng.choice(names)),
            Type::BitString { size, extensible } => {
                let value = self.bits(*size);
                if *extensible {
                    json!({ "value": value, "length": size })
                } else {
                    json!(value)
                }
            }
            Type::OctetString { min, max } => {
                let octets = self.size(*min, *max);
                json!(self.bits(8 * octets))
            }
            Type::Ia5String { min, max } => {
                let characters = self.size(*min, *max);
                json!(
                    (0..characters)
                        .map(|_| char::from(self.rng.u8(..128)))
                        .collect::<String>()
                )
            }
            Type::Sequence { fields, .. } => {
                let mut members = Map::new();
                for field in fields {
                    if !field.optional || self.takes_optional() {
                        members.insert(field.name.clone(), self.value(&field.ty));
                    }
                }
                members.into()
            }
            Type::SequenceOf { min, max, element } => {
                let elements = self.size(*min, *max);
                (0..elements).map(|_| self.value(element)).collect()
            }
            Type::Choice { alternatives, .. } => {
                let chosen = &alternatives[self.rng.usize(..alternatives.len())];
                json!({ &chosen.name: self.value(&chosen.ty) })
            }
            Type::Reference(_) => unreachable!("resolve follows references"),
        }
    }

    fn takes_optional(&mut self) -> bool {
        self.values_left > 0 && (self.presence >= 1.0 || self.rng.f64() < self.presence)
    }

    fn number(&mut self, min: i64, max: i64) -> i64 {
        match self.rng.u8(..16) {
            0..3 => min,
            3..6 => max,
            6 => (min + 1).min(max),
            7 => (max - 1).max(min),
            8 => 0.clamp(min, max),
            _ => self.rng.i64(min..=max),
        }
    }

    fn size(&mut self, min: usize, max: usize) -> usize {
        let few = max.min(min + 3);
        match self.rng.u8(..16) {
            _ if self.values_left == 0 => min,
            0..3 => min,
            3 => max,
            4 => self.rng.usize(min..=max),
            _ => self.rng.usize(min..=few),
        }
    }

    /// `length` random bits in hex, padded with 0 bits; all set or all clear now and then.
    fn bits(&mut self, length: usize) -> String {
        let mut octets = vec![0; length.div_ceil(8)];
        match self.rng.u8(..8) {
            0 => {}
            1 => octets.fill(u8::MAX),
            _ => self.rng.fill(&mut octets),
        }
        clear_padding(&mut octets, length);
        hex::encode_upper(octets)
    }
}
