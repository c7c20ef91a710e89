//! What every message element can do.

use super::{ErrorKind, Observer, Profile, Reader, Writer};
use crate::message::Visitor;
use core::ops::{Deref, DerefMut};

/// A type of the message set: how it is read from the wire and written to it.
pub trait Element<'a>: Sized {
    /// Whether a SEQUENCE announces this field by a bit in its preamble.
    const OPTIONAL: bool = false;

    /// As [`OPTIONAL`](Self::OPTIONAL), for fields where the editions differ.
    #[inline(always)]
    fn is_optional(_profile: Profile) -> bool {
        Self::OPTIONAL
    }

    /// Reads the value. A failed reader yields some value of the type; see [`Reader::failed`].
    fn decode<O: Observer<'a>>(reader: &mut Reader<'a>, observer: &mut O) -> Self;

    /// Reads the value if it is there.
    #[inline(always)]
    fn decode_if<O: Observer<'a>>(
        reader: &mut Reader<'a>,
        observer: &mut O,
        present: bool,
    ) -> Option<Self> {
        let value = present.then(|| Self::decode(reader, observer));
        reader.exhaust();
        value
    }

    /// Reads a field of a SEQUENCE whose preamble said whether it is `present`.
    #[inline(always)]
    fn decode_field<O: Observer<'a>>(
        reader: &mut Reader<'a>,
        observer: &mut O,
        _present: bool,
    ) -> Self {
        Self::decode(reader, observer)
    }

    /// Whether the field is left out.
    #[inline(always)]
    fn is_absent(&self) -> bool {
        false
    }

    /// Writes the value.
    fn encode<O: Observer<'a>>(&self, writer: &mut Writer<'_, O>);

    /// Writes the value if it is there.
    #[inline(always)]
    fn encode_if<O: Observer<'a>>(value: Option<&Self>, writer: &mut Writer<'_, O>) {
        let room = writer.room();
        if let Some(value) = value {
            value.encode(writer);
            writer.rejoin(room);
        }
    }

    /// Shows the value to a visitor of list elements.
    #[inline(always)]
    fn accept<V: Visitor<'a>>(&self, _visitor: &mut V) {}
}

impl<'a, T: Element<'a>> Element<'a> for Option<T> {
    const OPTIONAL: bool = true;

    #[inline(always)]
    fn decode<O: Observer<'a>>(reader: &mut Reader<'a>, observer: &mut O) -> Self {
        Some(T::decode(reader, observer))
    }

    #[inline(always)]
    fn decode_field<O: Observer<'a>>(
        reader: &mut Reader<'a>,
        observer: &mut O,
        present: bool,
    ) -> Self {
        T::decode_if(reader, observer, present)
    }

    #[inline(always)]
    fn is_absent(&self) -> bool {
        self.is_none()
    }

    #[inline(always)]
    fn encode<O: Observer<'a>>(&self, writer: &mut Writer<'_, O>) {
        T::encode_if(self.as_ref(), writer);
    }
}

/// A field that is OPTIONAL in the 2019 edition; since then it is always there or, where not
/// `IN_2020`, never.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(transparent))]
pub struct OptionalIn2019<T, const IN_2020: bool>(pub Option<T>);

/// A field that is OPTIONAL in the 2019 edition and mandatory since.
pub type MandatoryIn2020<T> = OptionalIn2019<T, true>;

/// A field that only the 2019 edition has; it is OPTIONAL there.
pub type OnlyIn2019<T> = OptionalIn2019<T, false>;

impl<'a, T: Element<'a>, const IN_2020: bool> Element<'a> for OptionalIn2019<T, IN_2020> {
    #[inline(always)]
    fn is_optional(profile: Profile) -> bool {
        profile == Profile::Tcsae53_2019
    }

    #[inline(always)]
    fn decode<O: Observer<'a>>(reader: &mut Reader<'a>, observer: &mut O) -> Self {
        Self(Some(T::decode(reader, observer)))
    }

    #[inline(always)]
    fn decode_field<O: Observer<'a>>(
        reader: &mut Reader<'a>,
        observer: &mut O,
        present: bool,
    ) -> Self {
        let known = IN_2020 || Self::is_optional(reader.profile());
        Self(T::decode_if(reader, observer, present && known))
    }

    #[inline(always)]
    fn is_absent(&self) -> bool {
        self.0.is_none()
    }

    #[inline(always)]
    fn encode<O: Observer<'a>>(&self, writer: &mut Writer<'_, O>) {
        let allowed = Self::is_optional(writer.profile()) || self.0.is_some() == IN_2020;
        writer.check(allowed, ErrorKind::Profile);
        self.0.encode(writer);
    }
}

impl<T, const IN_2020: bool> Deref for OptionalIn2019<T, IN_2020> {
    type Target = Option<T>;
    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<T, const IN_2020: bool> DerefMut for OptionalIn2019<T, IN_2020> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}
