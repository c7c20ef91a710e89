//! The part of ASN.1 notation (ITU-T X.680) that the modules in `asn1/` use.
//!
//! They are the one source of names, ranges and sizes for the reference codec, which the build
//! script lets a compiler make of them, for its JSON form, and for the message generator.

use std::collections::BTreeMap;
use std::fmt;

const YDT3709_2020: &str = include_str!("../asn1/day1-ydt3709-2020.asn");
const TCSAE53_2019: &str = include_str!("../asn1/day1-tcsae53-2019.asn");

/// The type assignments of a module, by name.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Schema {
    types: BTreeMap<String, Type>,
}

/// A type with what PER sees of its constraints.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs, reason = "these are the words of the notation")]
pub enum Type {
    Integer {
        min: i64,
        max: i64,
    },
    Enumerated {
        names: Vec<String>,
        extensible: bool,
    },
    BitString {
        size: usize,
        extensible: bool,
    },
    OctetString {
        min: usize,
        max: usize,
    },
    Ia5String {
        min: usize,
        max: usize,
    },
    Sequence {
        fields: Vec<Field>,
        extensible: bool,
    },
    SequenceOf {
        min: usize,
        max: usize,
        element: Box<Type>,
    },
    Choice {
        alternatives: Vec<Field>,
        extensible: bool,
    },
    Reference(String),
}

/// A component of a SEQUENCE or an alternative of a CHOICE.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// Its identifier, which is also its name in JER.
    pub name: String,
    /// Its type.
    pub ty: Type,
    /// Whether it is OPTIONAL; an alternative is not.
    pub optional: bool,
}

impl Schema {
    /// The schema of the profile ydt3709-2020.
    ///
    /// # Errors
    /// What is wrong with the module, and in which line.
    pub fn ydt3709_2020() -> Result<Self, String> {
        YDT3709_2020.parse()
    }

    /// The schema of the profile tcsae53-2019: the other with some assignments replaced.
    ///
    /// # Errors
    /// What is wrong with a module and in which line, or which replacement replaces nothing.
    pub fn tcsae53_2019() -> Result<Self, String> {
        let mut schema = Self::ydt3709_2020()?;
        for (name, ty) in TCSAE53_2019.parse::<Self>()?.types {
            let replaced = schema.types.get_mut(&name);
            *replaced.ok_or_else(|| format!("{name} replaces nothing"))? = ty;
        }
        Ok(schema)
    }

    /// Every assignment: name and type.
    pub fn types(&self) -> impl Iterator<Item = (&str, &Type)> {
        self.types.iter().map(|(name, ty)| (name.as_str(), ty))
    }

    /// The definition of a type: a reference is followed to its end.
    ///
    /// # Panics
    /// If the module does not assign what it refers to.
    pub fn resolve<'a>(&'a self, ty: &'a Type) -> &'a Type {
        match ty {
            Type::Reference(name) => match self.types.get(name) {
                Some(ty) => self.resolve(ty),
                None => panic!("the schema assigns no {name}"),
            },
            ty => ty,
        }
    }

    /// The schema with every type, nested ones too, passed through `change`.
    pub fn map(mut self, change: impl Fn(&mut Type)) -> Self {
        self.types.values_mut().for_each(|ty| ty.visit(&change));
        self
    }
}

impl Type {
    fn visit(&mut self, change: &impl Fn(&mut Self)) {
        match self {
            Self::Sequence { fields, .. }
            | Self::Choice {
                alternatives: fields,
                ..
            } => {
                fields.iter_mut().for_each(|field| field.ty.visit(change));
            }
            Self::SequenceOf { element, .. } => element.visit(change),
            _ => {}
        }
        change(self);
    }
}

impl std::str::FromStr for Schema {
    type Err = String;

    /// Reads assignments, with or without the frame of a module around them. A comment ends with
    /// its line.
    fn from_str(text: &str) -> Result<Self, String> {
        let mut tokens = Tokens::new(text);
        let mut types = BTreeMap::new();
        while let Some(name) = tokens.next_if(|_| true) {
            if tokens.accept("DEFINITIONS") {
                ["AUTOMATIC", "TAGS", "::=", "BEGIN"]
                    .into_iter()
                    .try_for_each(|t| tokens.expect(t))?;
            } else if name != "END" {
                tokens.expect("::=")?;
                if types
                    .insert(name.to_owned(), tokens.parse_type()?)
                    .is_some()
                {
                    return Err(format!("{name} is assigned twice"));
                }
            }
        }
        Ok(Self { types })
    }
}

/// The tokens of a module, each with its line.
struct Tokens<'a>(std::iter::Peekable<std::vec::IntoIter<(usize, &'a str)>>);

impl<'a> Tokens<'a> {
    fn new(text: &'a str) -> Self {
        let mut tokens = Vec::new();
        for (number, line) in (1..).zip(text.lines()) {
            let mut rest = line.split("--").next().unwrap_or_default().trim_start();
            while let Some(first) = rest.chars().next() {
                let symbol = ["::=", "...", ".."]
                    .into_iter()
                    .find(|symbol| rest.starts_with(symbol));
                let is_word = |c: char| c.is_ascii_alphanumeric() || c == '-';
                let length = match symbol {
                    Some(symbol) => symbol.len(),
                    None if is_word(first) => rest.find(|c| !is_word(c)).unwrap_or(rest.len()),
                    None => first.len_utf8(),
                };
                tokens.push((number, &rest[..length]));
                rest = rest[length..].trim_start();
            }
        }
        Self(tokens.into_iter().peekable())
    }

    fn parse_type(&mut self) -> Result<Type, String> {
        let word = self.word()?;
        Ok(match word {
            "INTEGER" => {
                self.expect("(")?;
                let min = self.number()?;
                self.expect("..")?;
                let max = self.number()?;
                self.expect(")")?;
                Type::Integer { min, max }
            }
            "ENUMERATED" => {
                let (names, extensible) = self.list(|tokens| tokens.word().map(str::to_owned))?;
                Type::Enumerated { names, extensible }
            }
            "BIT" => {
                self.expect("STRING")?;
                let (size, _, extensible) = self.size()?;
                Type::BitString { size, extensible }
            }
            "OCTET" => {
                self.expect("STRING")?;
                let (min, max, _) = self.size()?;
                Type::OctetString { min, max }
            }
            "IA5String" => {
                let (min, max, _) = self.size()?;
                Type::Ia5String { min, max }
            }
            "SEQUENCE" if self.peek() == Some("(") => {
                let (min, max, _) = self.size()?;
                self.expect("OF")?;
                Type::SequenceOf {
                    min,
                    max,
                    element: Box::new(self.parse_type()?),
                }
            }
            "SEQUENCE" => {
                let (fields, extensible) = self.list(Self::field)?;
                Type::Sequence { fields, extensible }
            }
            "CHOICE" => {
                let (alternatives, extensible) = self.list(Self::field)?;
                Type::Choice {
                    alternatives,
                    extensible,
                }
            }
            name => Type::Reference(name.to_owned()),
        })
    }

    fn field(&mut self) -> Result<Field, String> {
        let name = self.word()?.to_owned();
        let ty = self.parse_type()?;
        Ok(Field {
            name,
            ty,
            optional: self.accept("OPTIONAL"),
        })
    }

    /// `{ item, item, ... }`, and whether it ends with the extension marker.
    fn list<T>(
        &mut self,
        item: impl Fn(&mut Self) -> Result<T, String>,
    ) -> Result<(Vec<T>, bool), String> {
        let mut items = Vec::new();
        self.expect("{")?;
        let extensible = loop {
            if self.accept("...") {
                break true;
            }
            items.push(item(self)?);
            if !self.accept(",") {
                break false;
            }
        };
        self.expect("}")?;
        Ok((items, extensible))
    }

    /// `(SIZE (min..max))`, `(SIZE (n))` or `(SIZE (n, ...))`, and whether it is extensible.
    fn size(&mut self) -> Result<(usize, usize, bool), String> {
        ["(", "SIZE", "("]
            .into_iter()
            .try_for_each(|token| self.expect(token))?;
        let min = self.number()?;
        let max = if self.accept("..") {
            self.number()?
        } else {
            min
        };
        let extensible = self.accept(",");
        if extensible {
            self.expect("...")?;
        }
        [")", ")"]
            .into_iter()
            .try_for_each(|token| self.expect(token))?;
        Ok((min, max, extensible))
    }

    fn word(&mut self) -> Result<&'a str, String> {
        let is_word = |token: &str| token.starts_with(|c: char| c.is_ascii_alphabetic());
        self.next_if(is_word)
            .ok_or_else(|| self.unexpected("a word"))
    }

    fn number<N: std::str::FromStr>(&mut self) -> Result<N, String> {
        let number = self.peek().and_then(|token| token.parse().ok());
        let number = number.ok_or_else(|| self.unexpected("a number"))?;
        self.0.next();
        Ok(number)
    }

    fn expect(&mut self, token: &str) -> Result<(), String> {
        if self.accept(token) {
            Ok(())
        } else {
            Err(self.unexpected(token))
        }
    }

    fn accept(&mut self, token: &str) -> bool {
        self.next_if(|next| next == token).is_some()
    }

    fn next_if(&mut self, condition: impl Fn(&str) -> bool) -> Option<&'a str> {
        self.0
            .next_if(|(_, token)| condition(token))
            .map(|(_, token)| token)
    }

    fn peek(&mut self) -> Option<&'a str> {
        self.0.peek().map(|(_, token)| *token)
    }

    fn unexpected(&mut self, expected: &str) -> String {
        match self.0.peek() {
            Some((line, token)) => format!("line {line}: {token} where {expected} belongs"),
            None => format!("the module ends where {expected} belongs"),
        }
    }
}

impl fmt::Display for Schema {
    /// The assignments as ASN.1, one a line, without a module around them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.types
            .iter()
            .try_for_each(|(name, ty)| writeln!(f, "{name} ::= {ty}"))
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fn list<T: ToString>(items: &[T], extensible: bool) -> String {
            let items = items.iter().map(T::to_string);
            items
                .chain(extensible.then(|| "...".to_owned()))
                .collect::<Vec<_>>()
                .join(", ")
        }
        match self {
            Self::Integer { min, max } => write!(f, "INTEGER ({min}..{max})"),
            Self::Enumerated { names, extensible } => {
                write!(f, "ENUMERATED {{ {} }}", list(names, *extensible))
            }
            Self::BitString { size, extensible } => {
                write!(f, "BIT STRING (SIZE ({}))", list(&[size], *extensible))
            }
            Self::OctetString { min, max } => write!(f, "OCTET STRING (SIZE ({min}..{max}))"),
            Self::Ia5String { min, max } => write!(f, "IA5String (SIZE ({min}..{max}))"),
            Self::Sequence { fields, extensible } => {
                write!(f, "SEQUENCE {{ {} }}", list(fields, *extensible))
            }
            Self::SequenceOf { min, max, element } => {
                write!(f, "SEQUENCE (SIZE ({min}..{max})) OF {element}")
            }
            Self::Choice {
                alternatives,
                extensible,
            } => {
                write!(f, "CHOICE {{ {} }}", list(alternatives, *extensible))
            }
            Self::Reference(name) => f.write_str(name),
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let optional = if self.optional { " OPTIONAL" } else { "" };
        write!(f, "{} {}{optional}", self.name, self.ty)
    }
}

/// The module in a form that asn1-compiler 0.7.2 makes right code of, with the same encoding.
pub fn for_asn1_compiler(schema: Schema) -> String {
    let schema = schema.map(|ty| {
        if let Type::Integer { min, max } = ty {
            let offset = stored_offset(*min, *max);
            (*min, *max) = (*min - offset, *max - offset);
        }
    });
    // The code made of an IA5String calls functions that asn1-codecs lacks and does not compile.
    // A VisibleString has seven bits a character as well, and is not checked to be visible.
    let assignments = schema.to_string().replace("IA5String", "VisibleString");
    format!("Day1 DEFINITIONS AUTOMATIC TAGS ::= BEGIN\n{assignments}END\n")
}

/// What the reference codec subtracts from a value of `INTEGER (min..max)` before it stores it.
///
/// asn1-compiler 0.7.2 picks the width of a signed integer by the bits of its bounds and forgets
/// the sign: `INTEGER (-4096..61439)` becomes an `i16`, and elevations above 32767 turn negative
/// without an error. Such a range is moved to start at 0, which is the same on the wire.
pub fn stored_offset(min: i64, max: i64) -> i64 {
    let bits = i64::BITS - min.abs().max(max.abs()).leading_zeros();
    let width = bits.next_power_of_two().max(8);
    let overflows = min < 0 && max >> (width - 1) != 0;
    if overflows { min } else { 0 }
}

/// Clears the bits beyond the first `length` of octets that hold just as many.
pub fn clear_padding(octets: &mut [u8], length: usize) {
    let padding = octets.len() * 8 - length;
    if let Some(last) = octets.last_mut() {
        *last &= u8::MAX << padding;
    }
}
