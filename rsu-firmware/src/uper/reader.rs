//! Reads bit fields from a borrowed byte slice.
//!
//! Failures are sticky: a reader that failed goes on handing out zeros, and whoever began the
//! decoding looks at the flag once, at the end. That keeps branches out of the fields, and lets
//! the very same code run a second time over a message that is known to be good, with the checks
//! optimised away.

use super::error::ErrorKind;
use super::{Element, Profile, Tracer};

/// Watches a [`Reader`] or [`Writer`](super::Writer) at work.
pub trait Observer<'a> {
    /// Whether the hooks below do anything; where not, the optimiser removes their calls.
    const TRACES: bool = false;
    /// A named field begins.
    fn enter(&mut self, _name: &'static str) {}
    /// The next element of a list begins.
    fn enter_element(&mut self, _index: usize) {}
    /// The field or element is over.
    fn leave(&mut self) {}
    /// Something at `bit` breaks the rules.
    fn fail(&mut self, _bit: usize, _kind: ErrorKind) {}
    /// An element of a list was read.
    fn element<T: Element<'a>>(&mut self, _element: &T) {}
}

impl Observer<'_> for () {}

/// The bits that a load of eight bytes at any bit offset is sure to hold.
const LOADED_BITS: u32 = 57;

/// Reads bit fields one after the other.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a, O = ()> {
    bytes: &'a [u8],
    /// The last bytes of the slice, left-aligned, where eight can no longer be loaded.
    tail: u64,
    tail_start: usize,
    position: usize,
    end: usize,
    window: u64,
    /// How many bits of the window are sure to be valid. Fields take their widest form from it,
    /// so that in straight-line code the optimiser knows where it loads.
    budget: u32,
    failed: bool,
    profile: Profile,
    observer: O,
}

impl<'a> Reader<'a> {
    /// A reader at the first bit.
    pub fn new(bytes: &'a [u8], profile: Profile) -> Self {
        Self::observed(bytes, profile, ())
    }

    /// A reader at `position` of bytes that were validated before.
    #[inline]
    pub(crate) fn resumed(bytes: &'a [u8], position: usize, profile: Profile) -> Self {
        let mut reader = Self::new(bytes, profile);
        reader.position = position;
        reader
    }
}

impl<'a> Reader<'a, Tracer> {
    /// A reader that finds out where and why decoding fails.
    pub(crate) fn tracing(bytes: &'a [u8], profile: Profile) -> Self {
        Self::observed(bytes, profile, Tracer::default())
    }
}

impl<'a, O: Observer<'a>> Reader<'a, O> {
    /// A reader that lets `observer` watch.
    #[inline]
    pub fn observed(bytes: &'a [u8], profile: Profile, observer: O) -> Self {
        let tail_start = bytes.len().saturating_sub(7);
        let mut tail = [0; 8];
        for (to, from) in tail.iter_mut().zip(bytes.iter().skip(tail_start)) {
            *to = *from;
        }
        Self {
            bytes,
            tail: u64::from_be_bytes(tail),
            tail_start,
            position: 0,
            end: bytes.len() * 8,
            window: 0,
            budget: 0,
            failed: false,
            profile,
            observer,
        }
    }

    /// The edition of the message set that is being read.
    #[inline(always)]
    pub fn profile(&self) -> Profile {
        self.profile
    }

    /// The bytes under the reader, all of them.
    pub(crate) fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The bit that is read next.
    #[inline(always)]
    pub fn position(&self) -> usize {
        self.position
    }

    /// Whether anything was wrong so far, an end that was overrun included.
    #[inline(always)]
    pub fn failed(&self) -> bool {
        self.failed | (self.position > self.end)
    }

    /// What watched.
    pub fn into_observer(self) -> O {
        self.observer
    }

    #[inline(always)]
    pub(crate) fn observer(&mut self) -> &mut O {
        &mut self.observer
    }

    #[inline(always)]
    pub(crate) fn enter(&mut self, name: &'static str) {
        self.observer.enter(name);
    }

    #[inline(always)]
    pub(crate) fn leave(&mut self) {
        self.observer.leave();
    }

    /// Notes that the field which began at `bit` breaks the rules, unless `ok`.
    #[inline(always)]
    pub(crate) fn check(&mut self, ok: bool, bit: usize, kind: ErrorKind) {
        self.failed |= !ok;
        if O::TRACES && !ok {
            self.observer.fail(bit, kind);
        }
    }

    #[inline(always)]
    fn load(&self) -> u64 {
        let at = self.position >> 3;
        let word = match self.bytes.get(at..).and_then(<[u8]>::first_chunk) {
            Some(chunk) => u64::from_be_bytes(*chunk),
            None => self.load_tail(at),
        };
        word << (self.position & 7)
    }

    #[inline]
    fn load_tail(&self, at: usize) -> u64 {
        match at.checked_sub(self.tail_start) {
            Some(behind @ 0..8) => self.tail << (behind * 8),
            _ => 0,
        }
    }

    /// Loads the window anew, so that the next 57 bits come without a load.
    #[inline(always)]
    pub(crate) fn refill(&mut self) {
        self.window = self.load();
        self.budget = LOADED_BITS;
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
        if O::TRACES && self.position > self.end {
            self.observer.fail(self.end, ErrorKind::Truncated);
        }
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
        if O::TRACES && self.position > self.end {
            self.observer.fail(self.end, ErrorKind::Truncated);
        }
    }

    /// A normally small non-negative whole number (X.691 11.6).
    #[cold]
    pub(crate) fn normally_small(&mut self) -> u32 {
        if !self.flag() {
            return self.bits(6) as u32;
        }
        let start = self.position;
        let octets = match self.fragment() {
            Fragment::Last(octets @ 1..=4) => octets as u32,
            _ => {
                self.check(false, start, ErrorKind::Length);
                return 0;
            }
        };
        self.bits(octets * 8) as u32
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

    /// Passes over units of `unit_bits` behind a general length determinant, all fragments, and
    /// says how many there were.
    #[cold]
    pub(crate) fn skip_fragments(&mut self, unit_bits: usize) -> usize {
        let mut total = 0;
        loop {
            let fragment = self.fragment();
            let (Fragment::More(units) | Fragment::Last(units)) = fragment;
            self.skip(units * unit_bits);
            total += units;
            if self.failed() || matches!(fragment, Fragment::Last(_)) {
                return total;
            }
        }
    }

    /// Passes over the extension additions behind the root of a SEQUENCE (X.691 19.7-19.9).
    #[cold]
    pub(crate) fn skip_additions(&mut self) {
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
                return;
            }
            if bitmap.flag() {
                self.skip_fragments(8);
            }
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
