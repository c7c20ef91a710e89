//! One definition per element gives its type, its decoder, its encoder and its JSON form.
//!
//! The names in quotes are the identifiers of the ASN.1 module; they are the keys and values of
//! the JSON form and the steps of a [`FieldPath`](super::FieldPath).

mod bit_string;
mod choice;
mod enumerated;
pub(crate) mod integer;
mod sequence;

pub(crate) use bit_string::{bit_string, flexible_bit_string};
pub(crate) use choice::{choice, choice_encode_if, choice_of_integers};
pub(crate) use enumerated::{enumerated, enumerated_decode_if};
pub(crate) use integer::integer;
pub(crate) use sequence::sequence;

/// Code that is there only with its marker.
macro_rules! given {
    ($marker:ident; $($code:tt)*) => { $($code)* };
}

pub(crate) use given;
