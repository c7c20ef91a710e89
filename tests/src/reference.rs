//! The codec that the project's own is held against: Rust types that the compiler of the crate
//! `asn1-codecs` makes of the modules in `asn1/`, one module of them a profile, and their values
//! as JER (ITU-T X.697).
//!
//! # What asn1-codecs 0.7.2 does wrong, and what follows for comparisons
//!
//! Mended here, nothing to keep in mind:
//! - code made of `IA5String` does not compile, `/* */` comments are not understood, and integers
//!   like `Elevation` are given a type that cannot hold them: the build script writes the modules
//!   in a form without these ([`for_asn1_compiler`](crate::schema::for_asn1_compiler)).
//!
//! Left, so what the reference says about such input proves nothing:
//! - it accepts integers, enumerations and list sizes that are out of range but fit their field;
//!   [`to_jer`](ydt3709_2020::to_jer) refuses an enumeration without a name;
//! - it delivers value `n` of an unknown extension ENUMERATED as if it were value `n` of the root,
//!   and takes a value in no octets for 0;
//! - it refuses a CHOICE, the MessageFrame too, with an unknown alternative;
//! - it takes a fragment of 16 KiB and more of an unknown extension addition for all of it;
//! - it cannot encode extension additions or a BIT STRING that is longer than its root allows.

use std::sync::LazyLock;

use heck::ToSnakeCase;
use rsu_firmware::uper::Profile;
use serde_json::{Map, Value, json};

use crate::schema::{Field, Schema, Type, clear_padding, stored_offset};

/// The schema of a profile, with the type `MessageFrame` at its top.
pub fn schema(profile: Profile) -> &'static Schema {
    static YDT3709_2020: LazyLock<Schema> = LazyLock::new(|| loaded(Schema::ydt3709_2020()));
    static TCSAE53_2019: LazyLock<Schema> = LazyLock::new(|| loaded(Schema::tcsae53_2019()));
    match profile {
        Profile::Ydt3709_2020 => &YDT3709_2020,
        Profile::Tcsae53_2019 => &TCSAE53_2019,
    }
}

/// Decodes a UPER MessageFrame to its JER.
///
/// # Errors
/// What the reference has against the bytes.
pub fn decode(bytes: &[u8], profile: Profile) -> Result<Value, String> {
    match profile {
        Profile::Ydt3709_2020 => ydt3709_2020::to_jer(&ydt3709_2020::decode(bytes)?),
        Profile::Tcsae53_2019 => tcsae53_2019::to_jer(&tcsae53_2019::decode(bytes)?),
    }
}

/// Encodes the JER of a MessageFrame to UPER.
///
/// # Errors
/// What is wrong with the value.
pub fn encode(jer: &Value, profile: Profile) -> Result<Vec<u8>, String> {
    match profile {
        Profile::Ydt3709_2020 => ydt3709_2020::encode(&ydt3709_2020::from_jer(jer)?),
        Profile::Tcsae53_2019 => tcsae53_2019::encode(&tcsae53_2019::from_jer(jer)?),
    }
}

macro_rules! codec {
    ($module:ident, $profile:expr, $name:literal) => {
        #[doc = concat!("The reference codec of the profile ", $name, ".")]
        pub mod $module {
            use asn1_codecs::{PerCodecData, uper::UperCodec};
            use serde_json::Value;

            pub use generated::MessageFrame;

            /// What asn1-compiler makes of the schema.
            #[allow(clippy::all, missing_docs, non_camel_case_types, unused)]
            mod generated {
                include!(concat!(env!("OUT_DIR"), "/", stringify!($module), ".rs"));
            }

            /// Decodes a message.
            ///
            /// # Errors
            /// What asn1-codecs says.
            pub fn decode(bytes: &[u8]) -> Result<MessageFrame, String> {
                MessageFrame::uper_decode(&mut PerCodecData::from_slice_uper(bytes))
                    .map_err(|error| error.to_string())
            }

            /// Encodes a message.
            ///
            /// # Errors
            /// What asn1-codecs says.
            pub fn encode(message: &MessageFrame) -> Result<Vec<u8>, String> {
                let mut data = PerCodecData::new_uper();
                message
                    .uper_encode(&mut data)
                    .map_err(|error| error.to_string())?;
                Ok(data.into_bytes())
            }

            /// The JER of a message.
            ///
            /// # Errors
            /// Which enumeration has a value without a name.
            pub fn to_jer(message: &MessageFrame) -> Result<Value, String> {
                let stored = serde_json::to_value(message).map_err(|error| error.to_string())?;
                super::Walk::over($profile).to_jer(&stored)
            }

            /// The message that JER stands for.
            ///
            /// # Errors
            /// Where the JER does not follow the schema. Ranges and sizes are left to [`encode`].
            pub fn from_jer(jer: &Value) -> Result<MessageFrame, String> {
                let stored = super::Walk::over($profile).to_stored(jer)?;
                serde_json::from_value(stored).map_err(|error| error.to_string())
            }
        }
    };
}

codec!(
    ydt3709_2020,
    rsu_firmware::uper::Profile::Ydt3709_2020,
    "ydt3709-2020"
);
codec!(
    tcsae53_2019,
    rsu_firmware::uper::Profile::Tcsae53_2019,
    "tcsae53-2019"
);

/// Walks a value along its type, between JER and the form in which serde sees the generated types.
struct Walk {
    schema: &'static Schema,
    ty: &'static Type,
}

impl Walk {
    fn over(profile: Profile) -> Self {
        static MESSAGE_FRAME: LazyLock<Type> =
            LazyLock::new(|| Type::Reference("MessageFrame".into()));
        Self {
            schema: schema(profile),
            ty: &MESSAGE_FRAME,
        }
    }

    fn to(&self, ty: &'static Type) -> Self {
        Self {
            schema: self.schema,
            ty,
        }
    }

    fn to_jer(&self, stored: &Value) -> Result<Value, String> {
        Ok(match self.schema.resolve(self.ty) {
            Type::Integer { min, max } => json!(number(stored)? + stored_offset(*min, *max)),
            Type::Enumerated { names, .. } => {
                let name = usize::try_from(number(stored)?)
                    .ok()
                    .and_then(|index| names.get(index));
                json!(name.ok_or_else(|| format!("{stored} is none of {names:?}"))?)
            }
            Type::BitString { extensible, .. } => {
                let (octets, length) = bits(stored)?;
                let value = hex::encode_upper(octets);
                if *extensible {
                    json!({ "value": value, "length": length })
                } else {
                    json!(value)
                }
            }
            Type::OctetString { .. } => json!(hex::encode_upper(octets(stored)?)),
            Type::Ia5String { .. } => stored.clone(),
            Type::Sequence { fields, .. } => {
                let present = |field: &'static Field| {
                    let value = &stored[stored_field(&field.name)];
                    (!value.is_null()).then_some((field, value))
                };
                let member = |(field, value): (&'static Field, _)| {
                    let value = self
                        .to(&field.ty)
                        .to_jer(value)
                        .map_err(|error| format!("{}: {error}", field.name))?;
                    Ok((field.name.clone(), value))
                };
                fields
                    .iter()
                    .filter_map(present)
                    .map(member)
                    .collect::<Result<Map<_, _>, String>>()?
                    .into()
            }
            Type::SequenceOf { element, .. } => list(stored)?
                .iter()
                .map(|value| self.to(element).to_jer(value))
                .collect::<Result<_, _>>()?,
            Type::Choice { alternatives, .. } => {
                let chosen = alternatives
                    .iter()
                    .find(|field| stored.get(stored_variant(&field.name)).is_some());
                let field = chosen.ok_or_else(|| format!("{stored} is no alternative"))?;
                let value = self
                    .to(&field.ty)
                    .to_jer(&stored[stored_variant(&field.name)])?;
                json!({ &field.name: value })
            }
            Type::Reference(_) => unreachable!("resolve follows references"),
        })
    }

    fn to_stored(&self, jer: &Value) -> Result<Value, String> {
        Ok(match self.schema.resolve(self.ty) {
            Type::Integer { min, max } => json!(number(jer)? - stored_offset(*min, *max)),
            Type::Enumerated { names, .. } => {
                let index = names.iter().position(|name| jer == name);
                json!(index.ok_or_else(|| format!("{jer} is none of {names:?}"))?)
            }
            Type::BitString {
                size,
                extensible: false,
            } => stored_bits(&text(jer)?, *size)?,
            Type::BitString {
                extensible: true, ..
            } => {
                let length =
                    usize::try_from(number(&jer["length"])?).map_err(|error| error.to_string())?;
                stored_bits(&text(&jer["value"])?, length)?
            }
            Type::OctetString { .. } => {
                json!(hex::decode(text(jer)?).map_err(|error| format!("{jer}: {error}"))?)
            }
            Type::Ia5String { .. } => jer.clone(),
            Type::Sequence { fields, .. } => {
                let members = jer
                    .as_object()
                    .ok_or_else(|| format!("{jer} is no object"))?;
                let member = |(name, value): (&String, _)| {
                    let field = fields.iter().find(|field| field.name == *name);
                    let field = field.ok_or_else(|| format!("{name} is no component"))?;
                    let value = self
                        .to(&field.ty)
                        .to_stored(value)
                        .map_err(|error| format!("{name}: {error}"))?;
                    Ok((stored_field(name), value))
                };
                members
                    .iter()
                    .map(member)
                    .collect::<Result<Map<_, _>, String>>()?
                    .into()
            }
            Type::SequenceOf { element, .. } => list(jer)?
                .iter()
                .map(|value| self.to(element).to_stored(value))
                .collect::<Result<_, _>>()?,
            Type::Choice { alternatives, .. } => {
                let chosen = alternatives
                    .iter()
                    .find(|field| jer.get(&field.name).is_some());
                let field = chosen.ok_or_else(|| format!("{jer} is no alternative"))?;
                json!({ stored_variant(&field.name): self.to(&field.ty).to_stored(&jer[&field.name])? })
            }
            Type::Reference(_) => unreachable!("resolve follows references"),
        })
    }
}

/// How asn1-compiler names the component of a SEQUENCE.
fn stored_field(name: &str) -> String {
    match name.to_snake_case() {
        keyword if keyword == "type" => "typ".to_owned(),
        name => name,
    }
}

/// How asn1-compiler names the alternative of a CHOICE.
fn stored_variant(name: &str) -> String {
    let (first, rest) = name.split_at(1);
    format!("{}{}", first.to_ascii_uppercase(), rest.replace('-', "_"))
}

/// The octets, padded with 0 bits, and the length in bits of what serde makes of a `BitVec`.
fn bits(stored: &Value) -> Result<(Vec<u8>, usize), String> {
    let length = usize::try_from(number(&stored["bits"])?).map_err(|error| error.to_string())?;
    if stored["head"]["index"] != 0 {
        return Err(format!("{stored} does not begin with an octet"));
    }
    let mut octets = octets(&stored["data"])?;
    if octets.len() != length.div_ceil(8) {
        return Err(format!("{stored} has not {length} bits"));
    }
    clear_padding(&mut octets, length);
    Ok((octets, length))
}

fn stored_bits(hex: &str, length: usize) -> Result<Value, String> {
    let octets = hex::decode(hex).map_err(|error| format!("{hex}: {error}"))?;
    if octets.len() != length.div_ceil(8) {
        return Err(format!("{hex} has not {length} bits"));
    }
    Ok(json!({
        "order": "bitvec::order::Msb0",
        "head": { "width": 8, "index": 0 },
        "bits": length,
        "data": octets,
    }))
}

fn octets(stored: &Value) -> Result<Vec<u8>, String> {
    serde_json::from_value(stored.clone()).map_err(|error| format!("{stored}: {error}"))
}

fn number(value: &Value) -> Result<i64, String> {
    value
        .as_i64()
        .ok_or_else(|| format!("{value} is no number"))
}

fn text(value: &Value) -> Result<String, String> {
    value
        .as_str()
        .map(str::to_owned)
        .ok_or_else(|| format!("{value} is no string"))
}

fn list(value: &Value) -> Result<&Vec<Value>, String> {
    value
        .as_array()
        .ok_or_else(|| format!("{value} is no list"))
}

fn loaded(schema: Result<Schema, String>) -> Schema {
    schema.unwrap_or_else(|error| panic!("tests/asn1: {error}"))
}
