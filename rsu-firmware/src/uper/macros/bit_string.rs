//! BIT STRING.

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

            /// The bits as a number, bit 0 leftmost of [`SIZE`](Self::SIZE).
            pub const fn bits(self) -> $repr {
                self.0
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

            #[inline(always)]
            fn encode_if<O: $crate::uper::Observer<'a>>(
                value: Option<&Self>,
                writer: &mut $crate::uper::Writer<'_, O>,
            ) {
                let bits = value.map_or(0, |value| u64::from(value.0));
                writer.bits_if(bits, $size, value.is_some());
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

pub(crate) use {bit_string, flexible_bit_string};
