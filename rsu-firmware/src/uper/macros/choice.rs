//! CHOICE.

/// CHOICE; `extensible` ones have a further variant for what later editions added. Where all
/// alternatives are `[INTEGER; N]`, they are written without a branch.
macro_rules! choice {
    ($(
        $(#[$meta:meta])*
        pub enum $name:ident $(<$life:lifetime>)?
            $(: $extensible:ident)? $(: [INTEGER; $count:literal])?
        {
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
            const LAST: u64 = $crate::uper::macros::integer::greatest(&[0 $(, $index)*]) as u64;
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
                        reader.exhaust();
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
                        reader.exhaust();
                        Self::$variant(value)
                    })*
                    _ => {
                        observer.enter($first_id, reader.fault());
                        let value =
                            <$first_type as $crate::uper::Element<'a>>::decode(reader, observer);
                        observer.leave(reader.fault());
                        reader.exhaust();
                        Self::$first(value)
                    }
                }
            }

            #[inline(always)]
            fn encode<O: $crate::uper::Observer<'a>>(
                &self,
                writer: &mut $crate::uper::Writer<'_, O>,
            ) {
                $(if !O::EXACT {
                    <Self as $crate::uper::ChoiceOfIntegers<$count>>::write(Some(self), writer);
                    return;
                })?
                let marker = 0 $(+ $crate::uper::macros::given!($extensible; 1))?;
                let width = marker + $crate::uper::width_of(Self::LAST);
                match self {
                    Self::$first(value) => {
                        writer.bits(0, width);
                        writer.enter($first_id);
                        $crate::uper::Element::encode(value, writer);
                    }
                    $(Self::$variant(value) => {
                        writer.bits($index, width);
                        writer.enter($id);
                        $crate::uper::Element::encode(value, writer);
                    })*
                    $(Self::Unknown(index, value) => $crate::uper::macros::given!($extensible; {
                        writer.apart(|writer| {
                            writer.flag(true);
                            writer.normally_small(*index);
                            writer.enter("extension");
                            $crate::uper::Element::encode(value, writer);
                        });
                    }),)?
                }
                writer.leave();
                writer.exhaust();
            }

            $($crate::uper::macros::choice_encode_if!($count);)?
        }

        $crate::uper::macros::choice_of_integers!(
            [$($count)?] $name { $first($first_type) = 0, $($variant($type) = $index,)* }
        );

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

/// What alternatives that are `[INTEGER; N]` are written by.
macro_rules! choice_of_integers {
    ([] $($rest:tt)*) => {};
    ([$count:literal] $name:ident {
        $first:ident($first_type:ty) = 0,
        $($variant:ident($type:ty) = $index:literal,)*
    }) => {
        impl $crate::uper::ChoiceOfIntegers<$count> for $name {
            const ALTERNATIVES: &'static $crate::uper::Alternatives<$count> =
                &$crate::uper::Alternatives::new(&[
                    <$first_type as $crate::uper::Integers<$count>>::RANGES,
                    $(<$type as $crate::uper::Integers<$count>>::RANGES,)*
                ]);

            #[inline(always)]
            fn alternative(&self) -> (usize, [i32; $count]) {
                match self {
                    Self::$first(value) => (0, $crate::uper::Integers::integers(value)),
                    $(Self::$variant(value) => {
                        ($index, $crate::uper::Integers::integers(value))
                    })*
                }
            }
        }
    };
}

/// Alternatives that are `[INTEGER; N]` need no branch to be left out, either.
macro_rules! choice_encode_if {
    ($count:literal) => {
        #[inline(always)]
        fn encode_if<O: $crate::uper::Observer<'a>>(
            value: Option<&Self>,
            writer: &mut $crate::uper::Writer<'_, O>,
        ) {
            match value {
                Some(value) if O::EXACT => value.encode(writer),
                _ => <Self as $crate::uper::ChoiceOfIntegers<$count>>::write(value, writer),
            }
        }
    };
}

pub(crate) use {choice, choice_encode_if, choice_of_integers};
