//! SEQUENCE OF.

use super::{Element, ErrorKind, Observer, Profile, Reader, Writer, width_of};
use core::fmt;
use core::marker::PhantomData;

/// How many elements a list may have.
pub trait Bounds: Copy {
    /// The least and the most, in the given edition.
    fn bounds(profile: Profile) -> (usize, usize);
}

/// `SIZE(MIN..MAX)`, the same in every edition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size<const MIN: usize, const MAX: usize>;

/// `SIZE(MIN..MAX)` since 2020, `SIZE(MIN_2019..MAX_2019)` before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SizeByProfile<
    const MIN: usize,
    const MAX: usize,
    const MIN_2019: usize,
    const MAX_2019: usize,
>;

impl<const MIN: usize, const MAX: usize> Bounds for Size<MIN, MAX> {
    #[inline(always)]
    fn bounds(_profile: Profile) -> (usize, usize) {
        (MIN, MAX)
    }
}

impl<const MIN: usize, const MAX: usize, const MIN_2019: usize, const MAX_2019: usize> Bounds
    for SizeByProfile<MIN, MAX, MIN_2019, MAX_2019>
{
    #[inline(always)]
    fn bounds(profile: Profile) -> (usize, usize) {
        match profile {
            Profile::Ydt3709_2020 => (MIN, MAX),
            Profile::Tcsae53_2019 => (MIN_2019, MAX_2019),
        }
    }
}

/// A list of elements: on the wire, where it was validated and is read again whenever it is
/// walked, or in memory, where a message is built.
pub struct SequenceOf<'a, T, S> {
    source: Source<'a, T>,
    size: PhantomData<S>,
}

#[derive(Clone)]
enum Source<'a, T> {
    Wire {
        bytes: &'a [u8],
        position: usize,
        count: usize,
        profile: Profile,
    },
    Slice(&'a [T]),
    #[cfg(feature = "serde")]
    Boxed(alloc::boxed::Box<[T]>),
}

impl<'a, T, S> SequenceOf<'a, T, S> {
    /// A list to be encoded. Its size is checked then.
    pub const fn new(elements: &'a [T]) -> Self {
        Self {
            source: Source::Slice(elements),
            size: PhantomData,
        }
    }

    /// The number of elements.
    pub fn len(&self) -> usize {
        match &self.source {
            Source::Wire { count, .. } => *count,
            Source::Slice(elements) => elements.len(),
            #[cfg(feature = "serde")]
            Source::Boxed(elements) => elements.len(),
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<'a, T: Element<'a> + Clone, S> SequenceOf<'a, T, S> {
    /// The elements, in order.
    #[inline]
    pub fn iter(&self) -> Elements<'a, '_, T> {
        Elements(match &self.source {
            Source::Wire {
                bytes,
                position,
                count,
                profile,
            } => Walk::Wire {
                reader: Reader::resumed(bytes, *position, *profile),
                left: *count,
            },
            Source::Slice(elements) => Walk::Memory(elements.iter()),
            #[cfg(feature = "serde")]
            Source::Boxed(elements) => Walk::Memory(elements.iter()),
        })
    }
}

/// A list of its own, where there is an allocator. Its size is checked when it is encoded.
#[cfg(feature = "serde")]
impl<T, S> From<alloc::vec::Vec<T>> for SequenceOf<'_, T, S> {
    fn from(elements: alloc::vec::Vec<T>) -> Self {
        Self {
            source: Source::Boxed(elements.into()),
            size: PhantomData,
        }
    }
}

/// Walks a [`SequenceOf`].
#[derive(Clone, Debug)]
pub struct Elements<'a, 's, T>(Walk<'a, 's, T>);

#[derive(Clone, Debug)]
enum Walk<'a, 's, T> {
    Wire { reader: Reader<'a>, left: usize },
    Memory(core::slice::Iter<'s, T>),
}

impl<'a, T: Element<'a> + Clone> Iterator for Elements<'a, '_, T> {
    type Item = T;

    #[inline]
    fn next(&mut self) -> Option<T> {
        match &mut self.0 {
            Walk::Wire { left: 0, .. } => None,
            Walk::Wire { reader, left } => {
                *left -= 1;
                let mut here = *reader;
                here.refill();
                let element = T::decode(&mut here, &mut ());
                *reader = here;
                Some(element)
            }
            Walk::Memory(elements) => elements.next().cloned(),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = match &self.0 {
            Walk::Wire { left, .. } => *left,
            Walk::Memory(elements) => elements.len(),
        };
        (left, Some(left))
    }
}

impl<'a, T: Element<'a> + Clone> ExactSizeIterator for Elements<'a, '_, T> {}

impl<'a, 's, T: Element<'a> + Clone, S> IntoIterator for &'s SequenceOf<'a, T, S> {
    type Item = T;
    type IntoIter = Elements<'a, 's, T>;
    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<'a, T: Element<'a>, S: Bounds> SequenceOf<'a, T, S> {
    /// Reads all elements once, and returns the reader behind them.
    #[inline]
    fn validate<O: Observer<'a>>(mut reader: Reader<'a>, observer: &mut O) -> (Reader<'a>, Self) {
        let (min, max) = S::bounds(reader.profile());
        let start = reader.position();
        let count = min + reader.bits(width_of((max - min) as u64)) as usize;
        reader.check(count <= max, start, ErrorKind::Size);
        let source = Source::Wire {
            bytes: reader.bytes(),
            position: reader.position(),
            count,
            profile: reader.profile(),
        };
        for index in 0..count {
            if reader.failed() {
                break;
            }
            observer.enter_element(index, reader.fault());
            reader.refill();
            let element = T::decode(&mut reader, observer);
            if !reader.failed() {
                observer.element(&element);
            }
            observer.leave(reader.fault());
        }
        let size = PhantomData;
        (reader, Self { source, size })
    }
}

impl<'a, T: Element<'a> + Clone, S: Bounds> Element<'a> for SequenceOf<'a, T, S> {
    #[inline(always)]
    fn decode<O: Observer<'a>>(reader: &mut Reader<'a>, observer: &mut O) -> Self {
        let (behind, list) = Self::validate(*reader, observer);
        *reader = behind;
        reader.exhaust();
        list
    }

    #[inline(always)]
    fn encode<O: Observer<'a>>(&self, writer: &mut Writer<'_, O>) {
        writer.apart(|writer| self.write(writer));
    }
}

impl<'a, T: Element<'a> + Clone, S: Bounds> SequenceOf<'a, T, S> {
    #[inline(always)]
    fn write<O: Observer<'a>>(&self, writer: &mut Writer<'_, O>) {
        let (min, max) = S::bounds(writer.profile());
        let count = self.len();
        writer.check((min..=max).contains(&count), ErrorKind::Size);
        if writer.failed() {
            return;
        }
        writer.bits((count - min) as u64, width_of((max - min) as u64));
        let elements: &[T] = match &self.source {
            Source::Wire { .. } => {
                return writer.apart(|writer| write_all::<T, O>(self.iter(), writer));
            }
            Source::Slice(elements) => elements,
            #[cfg(feature = "serde")]
            Source::Boxed(elements) => elements,
        };
        write_all::<T, O>(elements.iter(), writer);
    }
}

#[inline(always)]
fn write_all<'a, T: Element<'a>, O: Observer<'a>>(
    elements: impl Iterator<Item = impl core::borrow::Borrow<T>>,
    writer: &mut Writer<'_, O>,
) {
    for (index, element) in elements.enumerate() {
        writer.enter_element(index);
        writer.exhaust();
        element.borrow().encode(writer);
        writer.leave();
    }
}

impl<T: Clone, S> Clone for SequenceOf<'_, T, S> {
    fn clone(&self) -> Self {
        Self {
            source: self.source.clone(),
            size: PhantomData,
        }
    }
}

impl<'a, T: Element<'a> + Clone + PartialEq, S> PartialEq for SequenceOf<'a, T, S> {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().eq(other.iter())
    }
}

impl<'a, T: Element<'a> + Clone + fmt::Debug, S> fmt::Debug for SequenceOf<'a, T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

#[cfg(feature = "serde")]
impl<'a, T: Element<'a> + Clone + serde::Serialize, S> serde::Serialize for SequenceOf<'a, T, S> {
    fn serialize<Z: serde::Serializer>(&self, serializer: Z) -> Result<Z::Ok, Z::Error> {
        serializer.collect_seq(self.iter())
    }
}

#[cfg(feature = "serde")]
impl<'de, T: serde::Deserialize<'de>, S> serde::Deserialize<'de> for SequenceOf<'_, T, S> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let elements = alloc::boxed::Box::<[T]>::deserialize(deserializer)?;
        Ok(Self {
            source: Source::Boxed(elements),
            size: PhantomData,
        })
    }
}
