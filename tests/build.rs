//! Lets the compiler of the crate `asn1-codecs` make Rust types of the modules in `asn1/`.

#[path = "src/schema.rs"]
#[allow(dead_code, unreachable_pub, reason = "the library uses the rest")]
mod schema;

use std::{env, error::Error, path::Path};

use asn1_compiler::Asn1Compiler;
use asn1_compiler::generator::{Codec, Derive, Visibility};
use schema::{Schema, Type};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=src/schema.rs");
    println!("cargo::rerun-if-changed=asn1");
    generate("ydt3709_2020", Schema::ydt3709_2020()?)?;
    generate("tcsae53_2019", Schema::tcsae53_2019()?)
}

fn generate(name: &str, schema: Schema) -> Result<(), Box<dyn Error>> {
    let output = Path::new(&env::var("OUT_DIR")?)
        .join(name)
        .with_extension("rs");
    let output = output.to_str().ok_or("OUT_DIR is not UTF-8")?;
    let derives = vec![
        Derive::Debug,
        Derive::Clone,
        Derive::PartialEq,
        Derive::Serialize,
        Derive::Deserialize,
    ];
    let mut compiler = Asn1Compiler::new(output, &Visibility::Public, vec![Codec::Uper], derives);
    compiler.set_rustfmt_generated_code(false);
    compiler.compile_string(&digestible(schema), false)?;
    Ok(())
}

/// The module in a form that asn1-compiler 0.7.2 makes right code of, with the same encoding.
fn digestible(schema: Schema) -> String {
    let schema = schema.map(|ty| {
        if let Type::Integer { min, max } = ty {
            let offset = schema::stored_offset(*min, *max);
            (*min, *max) = (*min - offset, *max - offset);
        }
    });
    // The code made of an IA5String calls functions that asn1-codecs lacks and does not compile.
    // A VisibleString has seven bits a character as well, and is not checked to be visible.
    let assignments = schema.to_string().replace("IA5String", "VisibleString");
    format!("Day1 DEFINITIONS AUTOMATIC TAGS ::= BEGIN\n{assignments}END\n")
}
