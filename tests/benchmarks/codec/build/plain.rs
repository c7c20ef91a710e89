//! The schema with names that every compiler writes in the same way. The encoding does not depend
//! on names.

use crate::schema::{Field, Schema, Type};

/// Gives every field a name in lower case without hyphens, every type one without hyphens, and
/// every type that stands within another a name of its own.
pub(crate) fn named_plainly(schema: &Schema) -> Result<Schema, String> {
    let mut assignments = String::new();
    for (name, ty) in schema.types() {
        let name = type_name(name);
        let mut within = Vec::new();
        let ty = ty_of(&name, ty, &mut within);
        for (name, ty) in within.into_iter().chain([(name, ty)]) {
            assignments += &format!("{name} ::= {ty}\n");
        }
    }
    assignments.parse()
}

fn ty_of(name: &str, ty: &Type, within: &mut Vec<(String, Type)>) -> Type {
    match ty.clone() {
        Type::Sequence { fields, extensible } => Type::Sequence {
            fields: fields_of(name, fields, within),
            extensible,
        },
        Type::Choice {
            alternatives,
            extensible,
        } => Type::Choice {
            alternatives: fields_of(name, alternatives, within),
            extensible,
        },
        Type::SequenceOf { min, max, element } => {
            let element = Box::new(reference(&format!("{name}Element"), &element, within));
            Type::SequenceOf { min, max, element }
        }
        Type::Reference(name) => Type::Reference(type_name(&name)),
        ty => ty,
    }
}

fn fields_of(parent: &str, fields: Vec<Field>, within: &mut Vec<(String, Type)>) -> Vec<Field> {
    let field = |field: Field| {
        let name = field_name(&field.name);
        let ty = reference(
            &format!("{parent}{}", capitalised(&name)),
            &field.ty,
            within,
        );
        Field { name, ty, ..field }
    };
    fields.into_iter().map(field).collect()
}

fn reference(name: &str, ty: &Type, within: &mut Vec<(String, Type)>) -> Type {
    if let Type::Reference(name) = ty {
        return Type::Reference(type_name(name));
    }
    let ty = ty_of(name, ty, within);
    within.push((name.to_owned(), ty));
    Type::Reference(name.to_owned())
}

fn type_name(name: &str) -> String {
    name.replace('-', "")
}

fn field_name(name: &str) -> String {
    match name {
        // Key words of Rust or C.
        "type" => "kind".to_owned(),
        "long" => "longwise".to_owned(),
        name => name.replace('-', "").to_ascii_lowercase(),
    }
}

/// With its first letter in upper case.
pub(crate) fn capitalised(name: &str) -> String {
    let (first, rest) = name.split_at(1);
    first.to_ascii_uppercase() + rest
}
