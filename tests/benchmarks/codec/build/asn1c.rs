//! The peer that is C: a program of its own, so that nothing here need call C. Left out where the
//! compiler asn1c or a C compiler is not installed.

use std::fmt::Write;
use std::path::Path;
use std::process::{Command, ExitStatus};
use std::{error::Error, fs, io};

use crate::schema::{Field, Schema, Type};

/// Makes the program and tells its path in `ASN1C_DRIVER`, or why there is none in
/// `ASN1C_MISSING`.
pub(crate) fn driver(schema: &Schema, output: &Path) -> Result<(), Box<dyn Error>> {
    let folder = output.join("asn1c");
    match fs::remove_dir_all(&folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error)?,
        _ => fs::create_dir_all(&folder)?,
    }
    let module = format!("Day1 DEFINITIONS AUTOMATIC TAGS ::= BEGIN\n{schema}END\n");
    fs::write(folder.join("day1.asn"), module)?;
    fs::write(folder.join("visits.h"), visits(schema)?)?;

    let mut compiler = Command::new("asn1c");
    compiler.args(["-gen-PER", "-fcompound-names", "day1.asn"]);
    match compiler.current_dir(&folder).output() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            println!("cargo::rustc-env=ASN1C_MISSING=asn1c is not installed");
            return Ok(());
        }
        ran => expect_success(ran.map(|output| output.status), "asn1c")?,
    }
    let program = folder.join("drive");
    let Ok(compiler) = cc::Build::new()
        .opt_level(2)
        .warnings(false)
        .try_get_compiler()
    else {
        println!("cargo::rustc-env=ASN1C_MISSING=there is no C compiler for the target");
        return Ok(());
    };
    let mut compiler = compiler.to_command();
    compiler
        .args(sources(&folder)?)
        .arg("asn1c/drive.c")
        .arg("-I")
        .arg(&folder)
        .args(["-Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc", "-o"])
        .arg(&program);
    expect_success(compiler.status(), "the C compiler")?;
    println!("cargo::rustc-env=ASN1C_DRIVER={}", program.display());
    Ok(())
}

fn expect_success(status: io::Result<ExitStatus>, what: &str) -> Result<(), Box<dyn Error>> {
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{what}: {status}"))?,
        Err(error) => Err(format!("{what}: {error}"))?,
    }
}

/// All of the C that asn1c wrote but its own example program.
fn sources(folder: &Path) -> io::Result<Vec<std::path::PathBuf>> {
    let mut sources = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let is_source = path.extension().is_some_and(|extension| extension == "c");
        if is_source && !path.ends_with("converter-sample.c") {
            sources.push(path);
        }
    }
    sources.sort();
    Ok(sources)
}

/// A function for each type that adds up all there is in a value.
fn visits(schema: &Schema) -> Result<String, std::fmt::Error> {
    let mut visits = "#include \"MessageFrame.h\"\n".to_owned();
    for (name, _) in schema.types() {
        writeln!(
            visits,
            "static uint64_t visit_{name}(const {name}_t *value);"
        )?;
    }
    for (name, ty) in schema.types() {
        let body = body(name, ty);
        writeln!(
            visits,
            "static uint64_t visit_{name}(const {name}_t *value) {{ {body} }}"
        )?;
    }
    Ok(visits)
}

fn body(name: &str, ty: &Type) -> String {
    match ty {
        Type::Integer { .. } | Type::Enumerated { .. } => "return (uint64_t)*value;".to_owned(),
        Type::BitString { .. } => "return visit_bits(value);".to_owned(),
        Type::OctetString { min, max } if min == max => "return visit_number(value);".to_owned(),
        Type::OctetString { .. } | Type::Ia5String { .. } => {
            "return visit_octets(value);".to_owned()
        }
        Type::Sequence { fields, .. } => {
            let fields: Vec<_> = fields.iter().map(visit_field).collect();
            format!("return {};", fields.join(" + "))
        }
        Type::SequenceOf { element, .. } => format!(
            "uint64_t sum = 0; \
             for (int i = 0; i < value->list.count; i++) sum += visit_{element}(value->list.array[i]); \
             return sum;"
        ),
        Type::Choice { alternatives, .. } => {
            let cases = alternatives.iter().map(
                |Field {
                     name: field, ty, ..
                 }| {
                    format!("case {name}_PR_{field}: return visit_{ty}(&value->choice.{field});")
                },
            );
            let cases: Vec<_> = cases.collect();
            format!(
                "switch (value->present) {{ {} default: return 0; }}",
                cases.join(" ")
            )
        }
        Type::Reference(to) => format!("return visit_{to}(value);"),
    }
}

fn visit_field(Field { name, ty, optional }: &Field) -> String {
    if *optional {
        format!("(value->{name} ? visit_{ty}(value->{name}) : 0)")
    } else {
        format!("visit_{ty}(&value->{name})")
    }
}
