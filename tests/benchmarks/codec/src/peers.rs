//! Those that a user could pick instead.
//!
//! The build script lets their compilers make types of our schema, and writes an invocation of one
//! of the macros here for each type.

macro_rules! visit {
    ($name:ident, $value:ident => $sum:expr) => {
        impl $crate::peers::Visit for $name {
            #[inline]
            fn visit(&self) -> u64 {
                let $value = self;
                $sum
            }
        }
    };
}

macro_rules! integer {
    ($name:ident + $offset:literal) => {
        visit!($name, value => (i64::from(value.0) + $offset) as u64);
    };
}

macro_rules! bit_string {
    ($name:ident, $size:literal) => {
        visit!($name, value => bitvec::field::BitField::load_be(&value.0[..$size]));
    };
}

macro_rules! fixed_octet_string {
    ($name:ident) => {
        visit!($name, value => {
            value.0.iter().fold(0, |number, octet| number << 8 | u64::from(*octet))
        });
    };
}

macro_rules! octet_string {
    ($name:ident) => {
        visit!($name, value => value.0.iter().map(|octet| u64::from(*octet)).sum());
    };
}

macro_rules! sequence {
    ($name:ident { $first:ident $(, $field:ident)* }) => {
        visit!($name, value => {
            value.$first.visit()$(.wrapping_add(value.$field.visit()))*
        });
    };
}

macro_rules! sequence_of {
    ($name:ident) => {
        visit!($name, value => {
            value.0.iter().fold(0, |sum, element| sum.wrapping_add(element.visit()))
        });
    };
}

macro_rules! choice {
    ($name:ident { $($variant:ident),+ }) => {
        visit!($name, value => match value {
            $(Self::$variant(value) => value.visit(),)+
        });
    };
}

mod asn1_codecs;
pub mod asn1c;
mod rasn;

pub use asn1_codecs::Asn1Codecs;
pub use rasn::Rasn;

/// Adds up all there is in a value.
trait Visit {
    fn visit(&self) -> u64;
}

impl<T: Visit> Visit for Option<T> {
    #[inline]
    fn visit(&self) -> u64 {
        self.as_ref().map_or(0, Visit::visit)
    }
}
