//! INTEGER.

/// INTEGER (MIN..MAX), with another range for the 2019 edition where that differs.
macro_rules! integer {
    ($(
        $(#[$meta:meta])*
        pub struct $name:ident($repr:ty) in $min:literal..=$max:literal
            $(, $min_2019:literal..=$max_2019:literal in 2019)?;
    )+) => {$(
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize))]
        #[cfg_attr(feature = "serde", serde(transparent))]
        pub struct $name($repr);

        impl $name {
            /// The least value of any edition.
            pub const MIN: $repr = $crate::uper::macros::integer::least(&[$min $(, $min_2019)?]) as $repr;
            /// The greatest value of any edition.
            pub const MAX: $repr = $crate::uper::macros::integer::greatest(&[$max $(, $max_2019)?]) as $repr;

            /// The value, if it is within the range.
            pub const fn new(value: $repr) -> Option<Self> {
                if Self::MIN <= value && value <= Self::MAX {
                    Some(Self(value))
                } else {
                    None
                }
            }

            /// The nearest value within the range.
            pub const fn saturating(value: i64) -> Self {
                Self(if value < Self::MIN as i64 {
                    Self::MIN
                } else if value > Self::MAX as i64 {
                    Self::MAX
                } else {
                    value as $repr
                })
            }

            /// The value as it is on the wire.
            pub const fn value(self) -> $repr {
                self.0
            }

            /// Where they agree, every value of the type is within the range.
            const EDITIONS_DIFFER: bool = false $(
                || $min != $min_2019 || $max != $max_2019
            )?;

            #[inline(always)]
            #[allow(unused_variables)]
            fn range(profile: $crate::uper::Profile) -> (i64, i64) {
                $(if profile == $crate::uper::Profile::Tcsae53_2019 {
                    return ($min_2019, $max_2019);
                })?
                ($min, $max)
            }

        }

        impl<'a> $crate::uper::Element<'a> for $name {
            #[inline(always)]
            fn decode<O: $crate::uper::Observer<'a>>(
                reader: &mut $crate::uper::Reader<'a>,
                _observer: &mut O,
            ) -> Self {
                let (min, max) = Self::range(reader.profile());
                let start = reader.position();
                let span = (max - min) as u64;
                let offset = reader.bits($crate::uper::width_of(span));
                reader.check(offset <= span, start, $crate::uper::ErrorKind::Range);
                Self((min + offset as i64) as $repr)
            }

            #[inline(always)]
            fn decode_if<O: $crate::uper::Observer<'a>>(
                reader: &mut $crate::uper::Reader<'a>,
                _observer: &mut O,
                present: bool,
            ) -> Option<Self> {
                let (min, max) = Self::range(reader.profile());
                let start = reader.position();
                let span = (max - min) as u64;
                let offset = reader.bits_if($crate::uper::width_of(span), present);
                let kind = $crate::uper::ErrorKind::Range;
                reader.check_optional::<O>(offset <= span, start, kind);
                present.then_some(Self((min + offset as i64) as $repr))
            }

            #[inline(always)]
            fn encode<O: $crate::uper::Observer<'a>>(
                &self,
                writer: &mut $crate::uper::Writer<'_, O>,
            ) {
                let (min, max) = Self::range(writer.profile());
                let (offset, span) = ((i64::from(self.0) - min) as u64, (max - min) as u64);
                if Self::EDITIONS_DIFFER {
                    writer.check(offset <= span, $crate::uper::ErrorKind::Range);
                }
                writer.bits(offset, $crate::uper::width_of(span));
            }

            #[inline(always)]
            fn encode_if<O: $crate::uper::Observer<'a>>(
                value: Option<&Self>,
                writer: &mut $crate::uper::Writer<'_, O>,
            ) {
                let (min, max) = Self::range(writer.profile());
                let offset = value.map_or(0, |value| (i64::from(value.0) - min) as u64);
                let span = (max - min) as u64;
                if Self::EDITIONS_DIFFER {
                    writer.check_optional(offset <= span, $crate::uper::ErrorKind::Range);
                }
                writer.bits_if(offset, $crate::uper::width_of(span), value.is_some());
            }
        }

        impl $crate::uper::Integers<1> for $name {
            const RANGES: [$crate::uper::Range; 1] = {
                assert!(!Self::EDITIONS_DIFFER);
                [$crate::uper::Range::new($min, $max)]
            };

            #[inline(always)]
            fn integers(&self) -> [i32; 1] {
                [self.0 as i32]
            }
        }

        #[cfg(feature = "serde")]
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let value = i64::deserialize(deserializer)?;
                if value < i64::from(Self::MIN) || value > i64::from(Self::MAX) {
                    return Err(serde::de::Error::custom(format_args!(
                        "range: {value} is not within {}..{}", Self::MIN, Self::MAX
                    )));
                }
                Ok(Self(value as $repr))
            }
        }
    )+};
}

pub(crate) const fn least(values: &[i64]) -> i64 {
    let mut least = values[0];
    let mut at = 1;
    while at < values.len() {
        if values[at] < least {
            least = values[at];
        }
        at += 1;
    }
    least
}

pub(crate) const fn greatest(values: &[i64]) -> i64 {
    let mut greatest = values[0];
    let mut at = 1;
    while at < values.len() {
        if values[at] > greatest {
            greatest = values[at];
        }
        at += 1;
    }
    greatest
}

pub(crate) use integer;
