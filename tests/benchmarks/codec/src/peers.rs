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

/// What is read of a message, alike for the peers that make it Rust's own types; only the names of
/// the variants are theirs.
macro_rules! reads {
    ($bsm:ident, $spat:ident, $counting:ident, $utc_timing:ident) => {
        fn decode(bytes: &[u8]) -> u64 {
            Self::keep(bytes).expect("it was decoded before").visit()
        }

        fn peek(bytes: &[u8]) -> u64 {
            let MessageFrame::$bsm(bsm) = Self::keep(bytes).expect("a BSM") else {
                return 0;
            };
            let sum = bsm.id.visit().wrapping_add(bsm.pos.lat.visit());
            sum.wrapping_add(bsm.pos.longwise.visit())
                .wrapping_add(bsm.speed.visit())
        }

        fn find(bytes: &[u8], sought: u8) -> u64 {
            let MessageFrame::$spat(spat) = Self::keep(bytes).expect("a SPAT") else {
                return 0;
            };
            let phases = spat.intersections.0.iter().flat_map(|i| &i.phases.0);
            let mut found = phases.filter(|phase| phase.id.0 == sought);
            let Some(state) = found.next().and_then(|phase| phase.phasestates.0.first()) else {
                return 0;
            };
            let likely_end = match &state.timing {
                None => 0,
                Some(TimeChangeDetails::$counting(times)) => times.likelyendtime.visit(),
                Some(TimeChangeDetails::$utc_timing(times)) => times.likelyendutctime.visit(),
            };
            state.light.visit() + likely_end
        }
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
