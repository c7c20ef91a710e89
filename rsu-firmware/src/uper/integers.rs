//! CHOICE between INTEGERs of different widths.
//!
//! Nobody can predict which alternative comes next, so writing does not branch on it: tables say
//! how wide each one is.

use super::{Observer, Writer, width_of};

/// What an INTEGER may be, in every edition.
#[derive(Clone, Copy)]
pub(crate) struct Range {
    least: i32,
    width: u32,
}

impl Range {
    const NONE: Self = Self { least: 0, width: 0 };

    pub(crate) const fn new(min: i64, max: i64) -> Self {
        assert!(min as i32 as i64 == min && max as i32 as i64 == max);
        Self {
            least: min as i32,
            width: width_of((max - min) as u64),
        }
    }
}

/// `N` INTEGERs in a row.
pub(crate) trait Integers<const N: usize> {
    const RANGES: [Range; N];
    fn integers(&self) -> [i32; N];
}

/// The most alternatives there may be.
const ALTERNATIVES_MAX: usize = 8;

/// What the alternatives of a CHOICE may be.
pub(crate) struct Alternatives<const N: usize> {
    ranges: [[Range; N]; ALTERNATIVES_MAX],
    index_width: u32,
    /// How wide the widest is at each place.
    widest: [u32; N],
}

impl<const N: usize> Alternatives<N> {
    pub(crate) const fn new(alternatives: &[[Range; N]]) -> Self {
        let mut all = Self {
            ranges: [[Range::NONE; N]; ALTERNATIVES_MAX],
            index_width: width_of(alternatives.len() as u64 - 1),
            widest: [0; N],
        };
        let mut at = 0;
        while at < alternatives.len() * N {
            let (index, place) = (at / N, at % N);
            let range = alternatives[index][place];
            all.ranges[index][place] = range;
            if all.widest[place] < range.width {
                all.widest[place] = range.width;
            }
            at += 1;
        }
        all
    }
}

/// A CHOICE between alternatives that are all `N` INTEGERs in a row.
pub(crate) trait ChoiceOfIntegers<const N: usize>: Sized {
    const ALTERNATIVES: &'static Alternatives<N>;
    fn alternative(&self) -> (usize, [i32; N]);

    /// Writes the value if there is one.
    #[inline(always)]
    fn write<'a, O: Observer<'a>>(value: Option<&Self>, writer: &mut Writer<'_, O>) {
        let all = Self::ALTERNATIVES;
        let present = value.is_some();
        let (index, integers) = value.map_or((0, [0; N]), Self::alternative);
        writer.bits_if(index as u64, all.index_width, present);
        for (place, integer) in integers.into_iter().enumerate() {
            let range = &all.ranges[index % ALTERNATIVES_MAX][place];
            let offset = integer.wrapping_sub(range.least) as u32;
            let offset = offset & u32::from(present).wrapping_neg();
            writer.bits_within(u64::from(offset), range.width, all.widest[place], present);
        }
    }
}
