//! ENUMERATED.

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

            const LAST: u64 = $crate::uper::macros::integer::greatest(&[$($index),+]) as u64;

            #[inline(always)]
            fn from_root(index: u64) -> Self {
                match index {
                    $($index => Self::$variant,)+
                    _ => Self::ALL[0],
                }
            }

            /// The number in the standard; additions of a later edition count on behind the root.
            pub const fn index(self) -> u64 {
                // Constants alone become a table, and not a jump that nobody could predict.
                let root = match self {
                    $(Self::$variant => $index,)+
                    $(Self::Unknown(_) => $crate::uper::macros::given!($extensible; {
                        Self::LAST + 1
                    }),)?
                };
                $($crate::uper::macros::given!($extensible;
                    if let Self::Unknown(index) = self {
                        return root + index as u64;
                    }
                );)?
                root
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
                        let width = $crate::uper::width_of(Self::LAST);
                        *reader = behind.joining(reader, width);
                        return Self::Unknown(index);
                    }
                );)?
                let index = reader.bits($crate::uper::width_of(Self::LAST));
                let in_root = index <= Self::LAST;
                reader.check(in_root, start, $crate::uper::ErrorKind::Enumeration);
                Self::from_root(index)
            }

            $crate::uper::macros::enumerated_decode_if!($($extensible)?);

            #[inline(always)]
            fn encode<O: $crate::uper::Observer<'a>>(
                &self,
                writer: &mut $crate::uper::Writer<'_, O>,
            ) {
                Self::encode_if(Some(self), writer);
            }

            #[inline(always)]
            fn encode_if<O: $crate::uper::Observer<'a>>(
                value: Option<&Self>,
                writer: &mut $crate::uper::Writer<'_, O>,
            ) {
                let marker = 0 $(+ $crate::uper::macros::given!($extensible; 1))?;
                let width = marker + $crate::uper::width_of(Self::LAST);
                $($crate::uper::macros::given!($extensible;
                    if let Some(Self::Unknown(index)) = value {
                        writer.apart(|writer| {
                            writer.flag(true);
                            writer.normally_small(*index);
                        });
                        writer.reserve(width);
                        return;
                    }
                );)?
                let index = value.map_or(0, |value| value.index());
                writer.bits_if(index, width, value.is_some());
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
            let kind = $crate::uper::ErrorKind::Enumeration;
            reader.check_optional::<O>(index <= Self::LAST, start, kind);
            present.then_some(Self::from_root(index))
        }
    };
}

pub(crate) use {enumerated, enumerated_decode_if};
