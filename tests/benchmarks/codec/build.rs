//! Lets the compilers of the peers make types of the module in `tests/asn1`, and writes for each
//! of them what looks at every field of these types.

#[path = "build/asn1c.rs"]
mod asn1c;
#[path = "build/plain.rs"]
mod plain;
#[path = "build/rust.rs"]
mod rust;
#[path = "../../src/schema.rs"]
#[allow(dead_code, unreachable_pub, reason = "the library uses the rest")]
mod schema;

use std::{env, error::Error, path::PathBuf};

use schema::Schema;

fn main() -> Result<(), Box<dyn Error>> {
    for path in [
        "build.rs",
        "build",
        "asn1c",
        "../../src/schema.rs",
        "../../asn1",
    ] {
        println!("cargo::rerun-if-changed={path}");
    }
    let schema = plain::named_plainly(&Schema::ydt3709_2020()?)?;
    let output = PathBuf::from(env::var("OUT_DIR")?);
    rust::asn1_codecs(&schema, &output)?;
    rust::rasn(&schema, &output)?;
    asn1c::driver(&schema, &output)
}
