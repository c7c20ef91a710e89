//! Lets the compiler of the crate `asn1-codecs` make Rust types of the modules in `asn1/`.

#[path = "src/schema.rs"]
#[allow(dead_code, unreachable_pub, reason = "the library uses the rest")]
mod schema;

use std::{env, error::Error, path::Path};

use asn1_compiler::Asn1Compiler;
use asn1_compiler::generator::{Codec, Derive, Visibility};
use schema::{Schema, for_asn1_compiler};

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
    compiler.compile_string(&for_asn1_compiler(schema), false)?;
    Ok(())
}
