//! A run of equally wide units (bits, characters or octets), on the wire or in memory: what all
//! strings are made of.

use super::reader::Fragment;
use super::{Element, ErrorKind, Observer, Profile, Reader, Writer, width_of};

/// Units of `WIDTH` bits, at most eight.
#[derive(Clone)]
pub(super) enum Units<'a, const WIDTH: u32> {
    /// The units from `position` on, which need not be aligned.
    Wire {
        bytes: &'a [u8],
        position: usize,
        len: usize,
    },
    /// A length determinant at `position`, the units behind it, and so on; `len` in all.
    Fragments {
        bytes: &'a [u8],
        position: usize,
        len: usize,
    },
    /// One unit an octet.
    Slice(&'a [u8]),
    #[cfg(feature = "serde")]
    Boxed(alloc::boxed::Box<[u8]>),
}

impl<const WIDTH: u32> Units<'_, WIDTH> {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Wire { len, .. } | Self::Fragments { len, .. } => *len,
            Self::Slice(units) => units.len(),
            #[cfg(feature = "serde")]
            Self::Boxed(units) => units.len(),
        }
    }

    pub(super) fn iter(&self) -> Walk<'_, WIDTH> {
        match self {
            Self::Wire {
                bytes,
                position,
                len,
            } => Walk::Wire {
                reader: Reader::resumed(bytes, *position, Profile::default()),
                left: *len,
                last: true,
            },
            Self::Fragments {
                bytes, position, ..
            } => Walk::Wire {
                reader: Reader::resumed(bytes, *position, Profile::default()),
                left: 0,
                last: false,
            },
            Self::Slice(units) => Walk::Memory(units.iter()),
            #[cfg(feature = "serde")]
            Self::Boxed(units) => Walk::Memory(units.iter()),
        }
    }
}

impl<'a, const WIDTH: u32> Units<'a, WIDTH> {
    /// Reads a string whose size is constrained to `min..=max`.
    #[inline(always)]
    pub(super) fn decode_constrained(reader: &mut Reader<'a>, min: usize, max: usize) -> Self {
        let start = reader.position();
        let len = min + reader.bits(width_of((max - min) as u64)) as usize;
        reader.check(len <= max, start, ErrorKind::Size);
        let position = reader.position();
        reader.skip(len * WIDTH as usize);
        Self::Wire {
            bytes: reader.bytes(),
            position,
            len,
        }
    }

    pub(super) fn encode_constrained<'o, O: Observer<'o>>(
        &self,
        writer: &mut Writer<'_, O>,
        min: usize,
        max: usize,
    ) {
        writer.check((min..=max).contains(&self.len()), ErrorKind::Size);
        if writer.failed() {
            return;
        }
        let span = (max - min) as u64;
        writer.bits((self.len() - min) as u64, width_of(span));
        let units: &[u8] = match self {
            Self::Wire { .. } | Self::Fragments { .. } => {
                return self
                    .iter()
                    .for_each(|unit| writer.bits(u64::from(unit), WIDTH));
            }
            Self::Slice(units) => units,
            #[cfg(feature = "serde")]
            Self::Boxed(units) => units,
        };
        let (words, rest) = units.as_chunks::<UNITS_PER_WORD>();
        words
            .iter()
            .for_each(|word| write_word::<WIDTH, O>(word, writer));
        rest.chunks(1)
            .for_each(|unit| write_word::<WIDTH, O>(unit, writer));
    }
}

/// As many as fit into 56 bits.
const UNITS_PER_WORD: usize = 7;

#[inline(always)]
fn write_word<'o, const WIDTH: u32, O: Observer<'o>>(units: &[u8], writer: &mut Writer<'_, O>) {
    let all = units.iter().fold(0, |all, unit| all | unit);
    writer.check(u32::from(all) >> WIDTH == 0, ErrorKind::Range);
    let word = |word, unit: &u8| word << WIDTH | u64::from(*unit);
    writer.bits(units.iter().fold(0, word), WIDTH * units.len() as u32);
}

/// Of any size, in fragments (X.691 11.9).
impl<'a, const WIDTH: u32> Element<'a> for Units<'a, WIDTH> {
    #[inline(always)]
    fn decode<O: Observer<'a>>(reader: &mut Reader<'a>, _observer: &mut O) -> Self {
        let position = reader.position();
        let (behind, len) = reader.skip_fragments(WIDTH as usize);
        *reader = behind;
        reader.exhaust();
        Self::Fragments {
            bytes: reader.bytes(),
            position,
            len,
        }
    }

    #[cold]
    fn encode<O: Observer<'a>>(&self, writer: &mut Writer<'_, O>) {
        let mut units = self.iter();
        writer.fragments(self.len(), |writer, range| {
            for unit in units.by_ref().take(range.len()) {
                writer.bits(u64::from(unit), WIDTH);
            }
        });
    }
}

/// Walks [`Units`].
#[derive(Clone)]
pub(super) enum Walk<'s, const WIDTH: u32> {
    Wire {
        reader: Reader<'s>,
        /// What is left of this fragment, and whether it is the last one.
        left: usize,
        last: bool,
    },
    Memory(core::slice::Iter<'s, u8>),
}

impl<const WIDTH: u32> Iterator for Walk<'_, WIDTH> {
    type Item = u8;

    fn next(&mut self) -> Option<u8> {
        match self {
            Self::Wire { reader, left, last } => {
                while *left == 0 {
                    if *last || reader.failed() {
                        return None;
                    }
                    (*left, *last) = match reader.fragment() {
                        Fragment::More(units) => (units, false),
                        Fragment::Last(units) => (units, true),
                    };
                }
                *left -= 1;
                Some(reader.bits(WIDTH) as u8)
            }
            Self::Memory(units) => units.next().copied(),
        }
    }
}
