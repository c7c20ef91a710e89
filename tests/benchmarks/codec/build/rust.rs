//! The peers that are Rust.

use std::fmt::Write;
use std::path::Path;
use std::{error::Error, fs};

use asn1_compiler::Asn1Compiler;
use asn1_compiler::generator::{Codec, Derive, Visibility};
use rasn_compiler::prelude::{Compiler, RasnBackend};

use crate::plain::capitalised;
use crate::schema::{Schema, Type, for_asn1_compiler, stored_offset};

pub(crate) fn asn1_codecs(schema: &Schema, output: &Path) -> Result<(), Box<dyn Error>> {
    let types = output.join("asn1_codecs.rs");
    let types = types.to_str().ok_or("OUT_DIR is not UTF-8")?;
    let derives = vec![Derive::Debug, Derive::Clone];
    let mut compiler = Asn1Compiler::new(types, &Visibility::Public, vec![Codec::Uper], derives);
    compiler.set_rustfmt_generated_code(false);
    compiler.compile_string(&for_asn1_compiler(schema.clone()), false)?;
    let visits = visits(schema, capitalised, stored_offset)?;
    Ok(fs::write(output.join("asn1_codecs_visits.rs"), visits)?)
}

pub(crate) fn rasn(schema: &Schema, output: &Path) -> Result<(), Box<dyn Error>> {
    let module = format!("Day1 DEFINITIONS AUTOMATIC TAGS ::= BEGIN\n{schema}END\n");
    let compiled = Compiler::<RasnBackend, _>::new()
        .add_asn_literal(module)
        .compile_to_string();
    let compiled = compiled.map_err(|error| error.to_string())?;
    fs::write(output.join("rasn.rs"), compiled.generated)?;
    let visits = visits(schema, str::to_owned, |_, _| 0)?;
    Ok(fs::write(output.join("rasn_visits.rs"), visits)?)
}

/// For each type an invocation of the macro that knows how a peer stores such a type.
fn visits(
    schema: &Schema,
    variant: impl Fn(&str) -> String,
    offset: impl Fn(i64, i64) -> i64,
) -> Result<String, Box<dyn Error>> {
    let mut visits = String::new();
    for (name, ty) in schema.types() {
        let names = |fields: &[crate::schema::Field], of: &dyn Fn(&str) -> String| {
            let names: Vec<_> = fields.iter().map(|field| of(&field.name)).collect();
            names.join(", ")
        };
        match ty {
            Type::Integer { min, max } => {
                writeln!(visits, "integer!({name} + {});", offset(*min, *max))
            }
            Type::Enumerated { .. } => writeln!(visits, "enumerated!({name});"),
            Type::BitString { size, .. } => writeln!(visits, "bit_string!({name}, {size});"),
            Type::OctetString { min, max } if min == max => {
                writeln!(visits, "fixed_octet_string!({name});")
            }
            Type::OctetString { .. } => writeln!(visits, "octet_string!({name});"),
            Type::Ia5String { .. } => writeln!(visits, "ia5_string!({name});"),
            Type::Sequence { fields, .. } => {
                let fields = names(fields, &str::to_owned);
                writeln!(visits, "sequence!({name} {{ {fields} }});")
            }
            Type::SequenceOf { .. } => writeln!(visits, "sequence_of!({name});"),
            Type::Choice { alternatives, .. } => {
                let variants = names(alternatives, &variant);
                writeln!(visits, "choice!({name} {{ {variants} }});")
            }
            Type::Reference(to) => Err(format!("{name} is but another name of {to}"))?,
        }?;
    }
    Ok(visits)
}
