//! SEQUENCE.

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
                        *reader = reader.behind_additions().joining(reader, 0);
                    }
                );)?
                Self { $($field,)+ }
            }

            #[inline(always)]
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

pub(crate) use sequence;
