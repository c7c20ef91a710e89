//! One definition per element gives its type, its decoder, its encoder and its JSON form.
//!
//! The names in quotes are the identifiers of the ASN.1 module; they are the keys and values of
//! the JSON form and the steps of a [`FieldPath`](super::FieldPath).

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
            pub const MIN: $repr = $crate::uper::macros::least(&[$min $(, $min_2019)?]) as $repr;
            /// The greatest value of any edition.
            pub const MAX: $repr = $crate::uper::macros::greatest(&[$max $(, $max_2019)?]) as $repr;

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

            #[inline(always)]
            #[allow(unused_variables)]
            fn range(profile: $crate::uper::Profile) -> (i64, i64) {
                $(if profile == $crate::uper::Profile::Tcsae53_2019 {
                    return ($min_2019, $max_2019);
                })?
                ($min, $max)
            }

            #[inline(always)]
            fn from_offset(
                reader: &mut $crate::uper::Reader<'_>,
                start: usize,
                offset: u64,
            ) -> Self {
                let (min, max) = Self::range(reader.profile());
                let in_range = offset <= (max - min) as u64;
                reader.check(in_range, start, $crate::uper::ErrorKind::Range);
                Self((min + offset as i64) as $repr)
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
                let offset = reader.bits($crate::uper::width_of((max - min) as u64));
                Self::from_offset(reader, start, offset)
            }

            #[inline(always)]
            fn decode_if<O: $crate::uper::Observer<'a>>(
                reader: &mut $crate::uper::Reader<'a>,
                _observer: &mut O,
                present: bool,
            ) -> Option<Self> {
                let (min, max) = Self::range(reader.profile());
                let start = reader.position();
                let width = $crate::uper::width_of((max - min) as u64);
                let offset = reader.bits_if(width, present);
                let value = Self::from_offset(reader, start, offset);
                present.then_some(value)
            }

            #[inline(always)]
            fn encode<O: $crate::uper::Observer<'a>>(
                &self,
                writer: &mut $crate::uper::Writer<'_, O>,
            ) {
                let (min, max) = Self::range(writer.profile());
                let value = i64::from(self.0);
                writer.check(
                    (min..=max).contains(&value),
                    $crate::uper::ErrorKind::Range,
                );
                let width = $crate::uper::width_of((max - min) as u64);
                writer.bits(value.wrapping_sub(min) as u64, width);
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

/// ENUMERATED; `extensible` ones have a further variant for what later editions added.
macro_rules! enumerated {
    ($(
        $(#[$meta:meta])*
        pub enum $name:ident $(: $extensible:ident)? {
            $($(#[$variant_meta:meta])* $variant:ident = $index:literal $id:literal,)+
        }
    )+) => {$(
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$variant_meta])* $variant,)+
            $(
                /// An addition of a later edition, by its index behind the root.
                #[doc = concat!("(", stringify!($extensible), ")")]
                Unknown(u32),
            )?
        }

        impl $name {
            /// Every value of the root.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            const LAST: u64 = $crate::uper::macros::greatest(&[$($index),+]) as u64;

            #[inline(always)]
            fn from_root(
                reader: &mut $crate::uper::Reader<'_>,
                start: usize,
                index: u64,
            ) -> Self {
                let in_root = index <= Self::LAST;
                reader.check(in_root, start, $crate::uper::ErrorKind::Enumeration);
                match index {
                    $($index => Self::$variant,)+
                    _ => Self::ALL[0],
                }
            }

            /// The number in the standard; additions of a later edition count on behind the root.
            pub const fn index(self) -> u64 {
                match self {
                    $(Self::$variant => $index,)+
                    $(Self::Unknown(index) => $crate::uper::macros::given!($extensible; {
                        Self::LAST + 1 + index as u64
                    }),)?
                }
            }

            /// The identifier in the standard; none for additions of a later edition.
            pub const fn id(self) -> Option<&'static str> {
                match self {
                    $(Self::$variant => Some($id),)+
                    $(Self::Unknown(_) => $crate::uper::macros::given!($extensible; None),)?
                }
            }

            /// The value with this identifier.
            pub fn from_id(id: &str) -> Option<Self> {
                match id {
                    $($id => Some(Self::$variant),)+
                    _ => None,
                }
            }
        }

        impl<'a> $crate::uper::Element<'a> for $name {
            #[inline(always)]
            fn decode<O: $crate::uper::Observer<'a>>(
                reader: &mut $crate::uper::Reader<'a>,
                _observer: &mut O,
            ) -> Self {
                let start = reader.position();
                $($crate::uper::macros::given!($extensible;
                    if reader.flag() {
                        let (behind, index) = reader.normally_small();
                        *reader = behind;
                        return Self::Unknown(index);
                    }
                );)?
                let index = reader.bits($crate::uper::width_of(Self::LAST));
                Self::from_root(reader, start, index)
            }

            $crate::uper::macros::enumerated_decode_if!($($extensible)?);

            #[inline(always)]
            fn encode<O: $crate::uper::Observer<'a>>(
                &self,
                writer: &mut $crate::uper::Writer<'_, O>,
            ) {
                let index: u64 = match self {
                    $(Self::$variant => $index,)+
                    $(Self::Unknown(index) => $crate::uper::macros::given!($extensible; {
                        writer.flag(true);
                        writer.normally_small(*index);
                        return;
                    }),)?
                };
                $($crate::uper::macros::given!($extensible; writer.flag(false));)?
                writer.bits(index, $crate::uper::width_of(Self::LAST));
            }
        }

        #[cfg(feature = "serde")]
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                match self {
                    $(Self::$variant => serializer.serialize_str($id),)+
                    $(Self::Unknown(index) => $crate::uper::macros::given!($extensible; {
                        serializer.collect_str(&format_args!(
                            "{}{index}", $crate::jer::EXTENSION_PREFIX
                        ))
                    }),)?
                }
            }
        }

        #[cfg(feature = "serde")]
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let id = alloc::string::String::deserialize(deserializer)?;
                if let Some(value) = Self::from_id(&id) {
                    return Ok(value);
                }
                $($crate::uper::macros::given!($extensible;
                    if let Some(index) = $crate::jer::extension_index(&id) {
                        return Ok(Self::Unknown(index));
                    }
                );)?
                Err(serde::de::Error::custom(format_args!(
                    "enumeration: {} has no value \"{id}\"", stringify!($name)
                )))
            }
        }
    )+};
}

/// Fixed-size root values need no branch to be read or passed over.
macro_rules! enumerated_decode_if {
    (extensible) => {};
    () => {
        #[inline(always)]
        fn decode_if<O: $crate::uper::Observer<'a>>(
            reader: &mut $crate::uper::Reader<'a>,
            _observer: &mut O,
            present: bool,
        ) -> Option<Self> {
            let start = reader.position();
            let index = reader.bits_if($crate::uper::width_of(Self::LAST), present);
            let value = Self::from_root(reader, start, index);
            present.then_some(value)
        }
    };
}

/// Code that is there only with its marker.
macro_rules! given {
    ($marker:ident; $($code:tt)*) => { $($code)* };
}

/// BIT STRING (SIZE(N)) with its named bits.
macro_rules! bit_string {
    ($(
        $(#[$meta:meta])*
        pub struct $name:ident($repr:ty; $size:literal) {
            $($(#[$bit_meta:meta])* $bit:ident = $index:literal $id:literal,)*
        }
    )+) => {$(
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
        pub struct $name($repr);

        impl $name {
            /// The number of bits.
            pub const SIZE: u32 = $size;
            $($(#[$bit_meta])* pub const $bit: u32 = $index;)*

            /// The identifiers of the named bits, by number.
            pub const IDS: &'static [(u32, &'static str)] = &[$(($index, $id)),*];

            /// No bit set.
            pub const fn empty() -> Self {
                Self(0)
            }

            /// With the bit numbered `bit` set; a number beyond the last changes nothing.
            pub const fn with(self, bit: u32) -> Self {
                if bit < $size {
                    Self(self.0 | 1 << ($size - 1 - bit))
                } else {
                    self
                }
            }

            /// Whether the bit numbered `bit` is set.
            pub const fn has(self, bit: u32) -> bool {
                bit < $size && self.0 >> ($size - 1 - bit) & 1 == 1
            }

            /// The identifiers of the bits that are set and named.
            pub fn ids(self) -> impl Iterator<Item = &'static str> {
                let set = move |&&(bit, _): &&(u32, &str)| self.has(bit);
                Self::IDS.iter().filter(set).map(|&(_, id)| id)
            }
        }

        impl<'a> $crate::uper::Element<'a> for $name {
            #[inline(always)]
            fn decode<O: $crate::uper::Observer<'a>>(
                reader: &mut $crate::uper::Reader<'a>,
                _observer: &mut O,
            ) -> Self {
                Self(reader.bits($size) as $repr)
            }

            #[inline(always)]
            fn decode_if<O: $crate::uper::Observer<'a>>(
                reader: &mut $crate::uper::Reader<'a>,
                _observer: &mut O,
                present: bool,
            ) -> Option<Self> {
                let value = Self(reader.bits_if($size, present) as $repr);
                present.then_some(value)
            }

            #[inline(always)]
            fn encode<O: $crate::uper::Observer<'a>>(
                &self,
                writer: &mut $crate::uper::Writer<'_, O>,
            ) {
                writer.bits(u64::from(self.0), $size);
            }
        }

        #[cfg(feature = "serde")]
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                $crate::jer::serialize_bits(u64::from(self.0), $size, serializer)
            }
        }

        #[cfg(feature = "serde")]
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Ok(Self($crate::jer::bits(deserializer, $size)? as $repr))
            }
        }
    )+};
}

/// BIT STRING (SIZE(N, ...)) with its named bits.
macro_rules! flexible_bit_string {
    ($(
        $(#[$meta:meta])*
        pub struct $name:ident($size:literal) {
            $($(#[$bit_meta:meta])* $bit:ident = $index:literal $id:literal,)*
        }
    )+) => {$(
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
        #[cfg_attr(feature = "serde", serde(transparent))]
        pub struct $name<'a>($crate::uper::FlexibleBitString<'a, $size>);

        impl $name<'_> {
            $($(#[$bit_meta])* pub const $bit: u32 = $index;)*

            /// The identifiers of the named bits, by number.
            pub const IDS: &'static [(u32, &'static str)] = &[$(($index, $id)),*];
        }

        impl<'a> core::ops::Deref for $name<'a> {
            type Target = $crate::uper::FlexibleBitString<'a, $size>;
            fn deref(&self) -> &Self::Target {
                &self.0
            }
        }

        impl<'a> From<$crate::uper::FlexibleBitString<'a, $size>> for $name<'a> {
            fn from(bits: $crate::uper::FlexibleBitString<'a, $size>) -> Self {
                Self(bits)
            }
        }

        impl<'a> $crate::uper::Element<'a> for $name<'a> {
            #[inline(always)]
            fn decode<O: $crate::uper::Observer<'a>>(
                reader: &mut $crate::uper::Reader<'a>,
                observer: &mut O,
            ) -> Self {
                Self($crate::uper::Element::decode(reader, observer))
            }

            #[inline(always)]
            fn encode<O: $crate::uper::Observer<'a>>(
                &self,
                writer: &mut $crate::uper::Writer<'_, O>,
            ) {
                self.0.encode(writer);
            }
        }
    )+};
}

/// SEQUENCE; `extensible` ones end with an extension marker. A list element names the method of
/// [`Visitor`](crate::message::Visitor) that it is shown to.
macro_rules! sequence {
    ($(
        $(#[$meta:meta])*
        pub struct $name:ident $(<$life:lifetime>)?
            $(: $extensible:ident)? $(=> $visit:ident)?
        {
            $($(#[$field_meta:meta])* $id:literal $field:ident: $type:ty,)+
        }
    )+) => {$(
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
        #[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
        pub struct $name $(<$life>)? {
            $(
                $(#[$field_meta])*
                #[cfg_attr(feature = "serde", serde(
                    rename = $id,
                    skip_serializing_if = "crate::uper::Element::is_absent"
                ))]
                pub $field: $type,
            )+
        }

        impl<'a> $crate::uper::Element<'a> for $name $(<$life>)? {
            #[inline(always)]
            fn decode<O: $crate::uper::Observer<'a>>(
                reader: &mut $crate::uper::Reader<'a>,
                observer: &mut O,
            ) -> Self {
                let profile = reader.profile();
                let optional = 0 $(
                    + u32::from(<$type as $crate::uper::Element<'a>>::is_optional(profile))
                )+;
                let marker = 0 $(+ $crate::uper::macros::given!($extensible; 1))?;
                let width = marker + optional;
                // The bit to look at next is the topmost one.
                let mut preamble = match width {
                    0 => 0,
                    _ => reader.bits(width) << (u64::BITS - width),
                };
                $(
                    let extended =
                        $crate::uper::macros::given!($extensible; preamble >> 63 == 1);
                    preamble <<= 1;
                )?
                $(
                    let optional = <$type as $crate::uper::Element<'a>>::is_optional(profile);
                    let present = !optional || preamble >> 63 == 1;
                    if optional {
                        preamble <<= 1;
                    }
                    observer.enter($id, reader.fault());
                    let $field = <$type as $crate::uper::Element<'a>>::decode_field(
                        reader, observer, present,
                    );
                    observer.leave(reader.fault());
                )+
                let _ = preamble;
                $($crate::uper::macros::given!($extensible;
                    if extended {
                        *reader = reader.behind_additions();
                    }
                );)?
                Self { $($field,)+ }
            }

            fn encode<O: $crate::uper::Observer<'a>>(
                &self,
                writer: &mut $crate::uper::Writer<'_, O>,
            ) {
                let profile = writer.profile();
                $($crate::uper::macros::given!($extensible; writer.flag(false));)?
                $(
                    if <$type as $crate::uper::Element<'a>>::is_optional(profile) {
                        let present = !$crate::uper::Element::is_absent(&self.$field);
                        writer.flag(present);
                    }
                )+
                $(
                    writer.enter($id);
                    $crate::uper::Element::encode(&self.$field, writer);
                    writer.leave();
                )+
            }

            $(
                #[inline(always)]
                fn accept<V: $crate::message::Visitor<'a>>(&self, visitor: &mut V) {
                    visitor.$visit(self);
                }
            )?
        }
    )+};
}

/// CHOICE; `extensible` ones have a further variant for what later editions added.
macro_rules! choice {
    ($(
        $(#[$meta:meta])*
        pub enum $name:ident $(<$life:lifetime>)? $(: $extensible:ident)? {
            $(#[$first_meta:meta])* $first:ident($first_type:ty) = 0 $first_id:literal,
            $($(#[$variant_meta:meta])* $variant:ident($type:ty) = $index:literal $id:literal,)*
        }
    )+) => {$(
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq)]
        pub enum $name $(<$life>)? {
            $(#[$first_meta])* $first($first_type),
            $($(#[$variant_meta])* $variant($type),)*
            $(
                /// An addition of a later edition, by its index behind the root.
                #[doc = concat!("(", stringify!($extensible), ")")]
                Unknown(u32, $crate::uper::OpenType<'a>),
            )?
        }

        impl $(<$life>)? $name $(<$life>)? {
            const LAST: u64 = $crate::uper::macros::greatest(&[0 $(, $index)*]) as u64;
        }

        impl<'a> $crate::uper::Element<'a> for $name $(<$life>)? {
            #[inline(always)]
            fn decode<O: $crate::uper::Observer<'a>>(
                reader: &mut $crate::uper::Reader<'a>,
                observer: &mut O,
            ) -> Self {
                let start = reader.position();
                $($crate::uper::macros::given!($extensible;
                    if reader.flag() {
                        let (behind, index) = reader.normally_small();
                        *reader = behind;
                        let value = $crate::uper::Element::decode(reader, observer);
                        return Self::Unknown(index, value);
                    }
                );)?
                let index = reader.bits($crate::uper::width_of(Self::LAST));
                let known = index <= Self::LAST;
                reader.check(known, start, $crate::uper::ErrorKind::Alternative);
                match index {
                    $($index => {
                        observer.enter($id, reader.fault());
                        let value =
                            <$type as $crate::uper::Element<'a>>::decode(reader, observer);
                        observer.leave(reader.fault());
                        Self::$variant(value)
                    })*
                    _ => {
                        observer.enter($first_id, reader.fault());
                        let value =
                            <$first_type as $crate::uper::Element<'a>>::decode(reader, observer);
                        observer.leave(reader.fault());
                        Self::$first(value)
                    }
                }
            }

            fn encode<O: $crate::uper::Observer<'a>>(
                &self,
                writer: &mut $crate::uper::Writer<'_, O>,
            ) {
                let root = |writer: &mut $crate::uper::Writer<'_, O>, index, id| {
                    $($crate::uper::macros::given!($extensible; writer.flag(false));)?
                    writer.bits(index, $crate::uper::width_of(Self::LAST));
                    writer.enter(id);
                };
                match self {
                    Self::$first(value) => {
                        root(writer, 0, $first_id);
                        $crate::uper::Element::encode(value, writer);
                    }
                    $(Self::$variant(value) => {
                        root(writer, $index, $id);
                        $crate::uper::Element::encode(value, writer);
                    })*
                    $(Self::Unknown(index, value) => $crate::uper::macros::given!($extensible; {
                        writer.flag(true);
                        writer.normally_small(*index);
                        writer.enter("extension");
                        $crate::uper::Element::encode(value, writer);
                    }),)?
                }
                writer.leave();
            }
        }

        #[cfg(feature = "serde")]
        impl $(<$life>)? serde::Serialize for $name $(<$life>)? {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                match self {
                    Self::$first(value) => $crate::jer::serialize_member(serializer, $first_id, value),
                    $(Self::$variant(value) => {
                        $crate::jer::serialize_member(serializer, $id, value)
                    })*
                    $(Self::Unknown(index, value) => $crate::uper::macros::given!($extensible; {
                        let id = alloc::format!("{}{index}", $crate::jer::EXTENSION_PREFIX);
                        $crate::jer::serialize_member(serializer, &id, value)
                    }),)?
                }
            }
        }

        #[cfg(feature = "serde")]
        impl<'de $(, $life)?> serde::Deserialize<'de> for $name $(<$life>)? {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::jer::choice(deserializer)
            }
        }

        #[cfg(feature = "serde")]
        impl<'de $(, $life)?> $crate::jer::Alternatives<'de> for $name $(<$life>)? {
            const NAME: &'static str = stringify!($name);

            fn read<A: serde::de::MapAccess<'de>>(
                id: &str,
                map: &mut A,
            ) -> Result<Option<Self>, A::Error> {
                let value = match id {
                    $first_id => Self::$first(map.next_value()?),
                    $($id => Self::$variant(map.next_value()?),)*
                    _ => {
                        $($crate::uper::macros::given!($extensible;
                            if let Some(index) = $crate::jer::extension_index(id) {
                                return Ok(Some(Self::Unknown(index, map.next_value()?)));
                            }
                        );)?
                        return Ok(None);
                    }
                };
                Ok(Some(value))
            }
        }
    )+};
}

pub(crate) use {
    bit_string, choice, enumerated, enumerated_decode_if, flexible_bit_string, given, integer,
    sequence,
};
