//! Reads bit fields from a borrowed byte slice.
//!
//! Failures are sticky: a reader that failed goes on handing out zeros, and whoever began the
//! decoding looks for a fault once, at the end. That keeps error paths out of the fields, and lets
//! the very same code run a second time over a message that is known to be good, with the checks
//! optimised away.

use super::error::{ErrorKind, Fault, PackedFault};
use super::{Element, Profile};

/// Watches a [`Reader`] or [`Writer`](super::Writer) at work.
pub trait Observer<'a> {
    /// Whether it has to know what was wrong and where, and not only that something was.
    const EXACT: bool = false;

    /// A named field begins; `fault` is what has gone wrong before it.
    fn enter(&mut self, _name: &'static str, _fault: Option<Fault>) {}
    /// The next element of a list begins.
    fn enter_element(&mut self, _index: usize, _fault: Option<Fault>) {}
    /// The field or element is over; `fault` is what has gone wrong so far.
    fn leave(&mut self, _fault: Option<Fault>) {}
    /// An element of a list was read.
    fn element<T: Element<'a>>(&mut self, _element: &T) {}
}

impl Observer<'_> for () {}

/// The bits that a load of eight bytes at any bit offset is sure to hold.
const LOADED_BITS: u32 = 57;

/// Reads bit fields one after the other.
///
/// It is passed on by value wherever a call is not inlined, and so can live in registers.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    position: usize,
    window: u64,
    /// How many bits of the window are sure to be valid. Fields take their widest form from it,
    /// so that in straight-line code the optimiser knows where it loads.
    budget: u32,
    profile: Profile,
    fault: PackedFault,
}

impl<'a> Reader<'a> {
    /// A reader at `position` of bytes that were validated before.
    #[inline]
    pub(crate) fn resumed(bytes: &'a [u8], position: usize, profile: Profile) -> Self {
        let mut reader = Self::new(bytes, profile);
        reader.position = position;
        reader
    }

    /// A reader at the first bit.
    #[inline]
    pub fn new(bytes: &'a [u8], profile: Profile) -> Self {
        Self {
            bytes,
            position: 0,
            window: 0,
            budget: 0,
            profile,
            fault: PackedFault::NONE,
        }
    }

    /// The edition of the message set that is being read.
    #[inline(always)]
    pub fn profile(&self) -> Profile {
        self.profile
    }

    /// The bytes under the reader, all of them.
    #[inline(always)]
    pub(super) fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The bit that is read next.
    #[inline(always)]
    pub fn position(&self) -> usize {
        self.position
    }

    #[inline(always)]
    fn end(&self) -> usize {
        self.bytes.len() * 8
    }

    /// Whether anything was wrong so far, an end that was overrun included.
    #[inline(always)]
    pub fn failed(&self) -> bool {
        self.fault != PackedFault::NONE || self.position > self.end()
    }

    /// What was wrong first.
    #[inline(always)]
    pub(crate) fn fault(&self) -> Option<Fault> {
        let truncated = (self.position > self.end()).then_some(Fault {
            bit: self.end(),
            kind: ErrorKind::Truncated,
        });
        self.fault.unpack().or(truncated)
    }

    /// Notes that the field which began at `bit` breaks the rules, unless `ok`.
    #[inline(always)]
    pub(crate) fn check(&mut self, ok: bool, bit: usize, kind: ErrorKind) {
        if !ok {
            self.fault = self.first_fault(bit, kind);
        }
    }

    /// As [`check`](Self::check), for a field that need not be there; free of branches, which the
    /// optimiser would make of whether the field is there, unless something has to know what was
    /// wrong.
    #[inline(always)]
    pub(crate) fn check_optional<O: Observer<'a>>(
        &mut self,
        ok: bool,
        bit: usize,
        kind: ErrorKind,
    ) {
        if O::EXACT {
            self.check(ok, bit, kind);
        } else {
            self.fault.note_somewhere(ok);
        }
    }

    /// A call, so that the optimiser makes the check a branch, which costs nothing where it is
    /// not taken, and not a chain of conditional moves.
    #[cold]
    #[inline(never)]
    fn first_fault(self, bit: usize, kind: ErrorKind) -> PackedFault {
        if self.position > self.end() {
            self.fault.or(self.end(), ErrorKind::Truncated)
        } else {
            self.fault.or(bit, kind)
        }
    }

    #[inline(always)]
    fn load(&self) -> u64 {
        let at = self.position >> 3;
        let word = match self.bytes.get(at..at + 8).and_then(<[u8]>::first_chunk) {
            Some(chunk) => u64::from_be_bytes(*chunk),
            None => load_tail(self.bytes, at),
        };
        word << (self.position & 7)
    }

    /// Loads the window anew, so that the next 57 bits come without a load.
    #[inline(always)]
    pub(crate) fn refill(&mut self) {
        self.window = self.load();
        self.budget = LOADED_BITS;
    }

    /// Lets the next field load the window anew. Where ways through the code meet that have read
    /// differently much, the optimiser knows the budget again from here on.
    #[inline(always)]
    pub(crate) fn exhaust(&mut self) {
        self.budget = 0;
    }

    /// The same reader with the budget that `usual` will have once it has read `width` bits more:
    /// a rare way joins the usual one without the optimiser having to forget that.
    #[inline(always)]
    pub(crate) fn joining(mut self, usual: &Self, width: u32) -> Self {
        let loaded = if usual.budget < width {
            LOADED_BITS
        } else {
            usual.budget
        };
        self.refill();
        self.budget = loaded - width;
        self
    }

    #[inline(always)]
    fn reserve(&mut self, most: u32) {
        if self.budget < most {
            self.refill();
        }
        self.budget -= most;
    }

    #[inline(always)]
    fn consume(&mut self, width: u32) {
        self.window <<= width;
        self.position += width as usize;
    }

    /// The next `width` bits, at most 57, right-aligned.
    #[inline(always)]
    pub fn bits(&mut self, width: u32) -> u64 {
        debug_assert!(width <= LOADED_BITS);
        if width == 0 {
            return 0;
        }
        self.reserve(width);
        let value = self.window >> (u64::BITS - width);
        self.consume(width);
        value
    }

    /// The next `width` bits (at least one, at most 57) if they are `present`, otherwise zero and
    /// nothing read. Free of branches: presence bits of real traffic cannot be predicted.
    #[inline(always)]
    pub(crate) fn bits_if(&mut self, width: u32, present: bool) -> u64 {
        debug_assert!((1..=LOADED_BITS).contains(&width));
        self.reserve(width);
        let taken = u64::from(present).wrapping_neg();
        let value = (self.window >> (u64::BITS - width)) & taken;
        self.consume(width & taken as u32);
        value
    }

    /// The next bit.
    #[inline(always)]
    pub fn flag(&mut self) -> bool {
        self.bits(1) != 0
    }

    /// Passes over `width` bits.
    #[inline]
    pub(crate) fn skip(&mut self, width: usize) {
        self.position = self.position.saturating_add(width);
        self.budget = 0;
    }

    /// A normally small non-negative whole number (X.691 11.6), and the reader behind it.
    #[cold]
    #[inline(never)]
    pub(crate) fn normally_small(mut self) -> (Self, u32) {
        if !self.flag() {
            let value = self.bits(6) as u32;
            return (self, value);
        }
        let start = self.position;
        let octets = match self.fragment() {
            Fragment::Last(octets @ 1..=4) => octets as u32,
            _ => {
                self.check(false, start, ErrorKind::Length);
                return (self, 0);
            }
        };
        let value = self.bits(octets * 8) as u32;
        (self, value)
    }

    /// A general length determinant (X.691 11.9): one fragment of what follows.
    pub(super) fn fragment(&mut self) -> Fragment {
        let start = self.position;
        if !self.flag() {
            return Fragment::Last(self.bits(7) as usize);
        }
        if !self.flag() {
            return Fragment::Last(self.bits(14) as usize);
        }
        let blocks = self.bits(6) as usize;
        if !(1..=4).contains(&blocks) {
            self.check(false, start, ErrorKind::Length);
            return Fragment::Last(0);
        }
        Fragment::More(blocks * FRAGMENT_UNIT)
    }

    /// Passes over units of `unit_bits` behind a general length determinant, all fragments. Says
    /// how many there were, beside the reader behind them.
    #[cold]
    #[inline(never)]
    pub(super) fn skip_fragments(mut self, unit_bits: usize) -> (Self, usize) {
        let mut total = 0;
        loop {
            let fragment = self.fragment();
            let (Fragment::More(units) | Fragment::Last(units)) = fragment;
            self.skip(units * unit_bits);
            total += units;
            if self.failed() || matches!(fragment, Fragment::Last(_)) {
                return (self, total);
            }
        }
    }

    /// The reader behind the extension additions of a SEQUENCE (X.691 19.7-19.9).
    #[cold]
    #[inline(never)]
    pub(crate) fn behind_additions(mut self) -> Self {
        let start = self.position;
        let count = if self.flag() {
            match self.fragment() {
                Fragment::Last(count) => count,
                // A bitmap of 16 384 additions and more: no schema has them.
                Fragment::More(_) => 0,
            }
        } else {
            self.bits(6) as usize + 1
        };
        self.check(count > 0, start, ErrorKind::Length);
        let mut bitmap = Reader::resumed(self.bytes, self.position, self.profile);
        self.skip(count);
        for _ in 0..count {
            if self.failed() {
                break;
            }
            if bitmap.flag() {
                (self, _) = self.skip_fragments(8);
            }
        }
        self
    }
}

/// The bytes from `at` on, where fewer than eight are left, with zeros behind them.
#[cold]
#[inline(never)]
fn load_tail(bytes: &[u8], at: usize) -> u64 {
    let rest = bytes.get(at..).unwrap_or_default();
    match bytes.last_chunk() {
        Some(last) => {
            let passed = (last.len() - rest.len()) as u32;
            let word = u64::from_be_bytes(*last);
            word.checked_shl(passed * 8).unwrap_or(0)
        }
        None => {
            let word = |word, byte: &u8| word << 8 | u64::from(*byte);
            let word: u64 = rest.iter().fold(0, word);
            let missing = size_of::<u64>() - rest.len();
            word.checked_shl(missing as u32 * 8).unwrap_or(0)
        }
    }
}

/// Units in one block of a fragmented length (X.691 11.9.3.8).
pub(super) const FRAGMENT_UNIT: usize = 16 * 1024;

/// One fragment as its length determinant announces it, in units of what is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fragment {
    /// Another length determinant follows behind it.
    More(usize),
    /// The last one.
    Last(usize),
}
