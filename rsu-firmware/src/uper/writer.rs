//! Writes bit fields into a borrowed buffer. Failures are sticky, as in the reader.

use super::error::{ErrorKind, Fault};
use super::{Observer, Profile, Tracer};

/// Writes bit fields one after the other.
#[derive(Debug)]
pub struct Writer<'b, O = ()> {
    bytes: &'b mut [u8],
    /// Whole bytes written to the buffer.
    written: usize,
    /// Bits that do not fill a byte yet, right-aligned, and their number (below 8).
    pending: u64,
    pending_bits: u32,
    fault: Option<Fault>,
    profile: Profile,
    observer: O,
}

impl<'b> Writer<'b> {
    /// A writer at the first bit of `bytes`.
    pub fn new(bytes: &'b mut [u8], profile: Profile) -> Self {
        Self::observed(bytes, profile, ())
    }
}

impl<'b> Writer<'b, Tracer> {
    /// A writer that finds out where and why encoding fails.
    pub(crate) fn tracing(bytes: &'b mut [u8], profile: Profile) -> Self {
        Self::observed(bytes, profile, Tracer::default())
    }
}

impl<'b, O> Writer<'b, O> {
    fn observed(bytes: &'b mut [u8], profile: Profile, observer: O) -> Self {
        Self {
            bytes,
            written: 0,
            pending: 0,
            pending_bits: 0,
            fault: None,
            profile,
            observer,
        }
    }

    /// The edition of the message set that is being written.
    pub fn profile(&self) -> Profile {
        self.profile
    }

    /// The bit that is written next.
    pub fn position(&self) -> usize {
        self.written * 8 + self.pending_bits as usize
    }

    /// Whether anything was wrong so far.
    pub fn failed(&self) -> bool {
        self.fault.is_some()
    }

    /// What was wrong first.
    pub(crate) fn fault(&self) -> Option<Fault> {
        self.fault
    }

    /// What watched.
    pub fn into_observer(self) -> O {
        self.observer
    }
}

impl<'a, O: Observer<'a>> Writer<'_, O> {
    #[inline(always)]
    pub(crate) fn enter(&mut self, name: &'static str) {
        self.observer.enter(name, self.fault);
    }

    #[inline(always)]
    pub(crate) fn enter_element(&mut self, index: usize) {
        self.observer.enter_element(index, self.fault);
    }

    #[inline(always)]
    pub(crate) fn leave(&mut self) {
        self.observer.leave(self.fault);
    }

    /// Notes that the value to be written breaks the rules, unless `ok`.
    #[inline(always)]
    pub(crate) fn check(&mut self, ok: bool, kind: ErrorKind) {
        if !ok && self.fault.is_none() {
            let bit = self.position();
            self.fault = Some(Fault { bit, kind });
        }
    }

    /// Writes the low `width` bits (at most 56) of `value`.
    #[inline(always)]
    pub fn bits(&mut self, value: u64, width: u32) {
        debug_assert!(width <= 56);
        let low = value & ((1 << width) - 1);
        self.pending = (self.pending << width) | low;
        self.pending_bits += width;
        self.flush_bytes();
    }

    #[inline(always)]
    fn flush_bytes(&mut self) {
        let whole = (self.pending_bits / 8) as usize;
        let aligned = (self.pending << 1) << (63 - self.pending_bits);
        match self
            .bytes
            .get_mut(self.written..)
            .and_then(<[u8]>::first_chunk_mut)
        {
            // Bytes beyond the whole ones are overwritten by what follows.
            Some(chunk) => *chunk = aligned.to_be_bytes(),
            None => self.flush_tail(aligned, whole),
        }
        self.written += whole;
        self.pending_bits %= 8;
    }

    #[cold]
    fn flush_tail(&mut self, aligned: u64, whole: usize) {
        let rest = self.bytes.get_mut(self.written..).unwrap_or_default();
        let fits = rest.len() >= whole;
        for (to, from) in rest.iter_mut().zip(aligned.to_be_bytes()).take(whole) {
            *to = from;
        }
        if !fits && self.fault.is_none() {
            let bit = self.bytes.len() * 8;
            let kind = ErrorKind::BufferFull;
            self.fault = Some(Fault { bit, kind });
        }
    }

    /// Writes one bit.
    #[inline(always)]
    pub fn flag(&mut self, value: bool) {
        self.bits(u64::from(value), 1);
    }

    /// A normally small non-negative whole number (X.691 11.6).
    #[cold]
    pub(crate) fn normally_small(&mut self, value: u32) {
        if value < 64 {
            self.bits(u64::from(value), 7);
        } else {
            let octets = u32::BITS / 8 - value.leading_zeros() / 8;
            self.flag(true);
            self.length(octets as usize);
            self.bits(u64::from(value), octets * 8);
        }
    }

    /// A general length determinant (X.691 11.9) of one fragment.
    pub(crate) fn length(&mut self, units: usize) {
        match units {
            0..0x80 => self.bits(units as u64, 8),
            0x80..0x4000 => self.bits(0x8000 | units as u64, 16),
            _ => self.check(false, ErrorKind::Length),
        }
    }

    /// Length determinants and contents of any size (X.691 11.9.3.8): `units` of them, whose
    /// bits `contents` writes for each range of units.
    pub(crate) fn fragments(
        &mut self,
        units: usize,
        mut contents: impl FnMut(&mut Self, core::ops::Range<usize>),
    ) {
        const UNIT: usize = super::reader::FRAGMENT_UNIT;
        let mut at = 0;
        while units - at >= UNIT {
            let blocks = ((units - at) / UNIT).min(4);
            self.bits(0xC0 | blocks as u64, 8);
            contents(self, at..at + blocks * UNIT);
            at += blocks * UNIT;
        }
        self.length(units - at);
        contents(self, at..units);
    }

    /// Fills the last byte with zero bits and returns the number of bytes written (X.691 11.1.3:
    /// at least one).
    pub fn finish(&mut self) -> usize {
        let padding = match (self.written, self.pending_bits) {
            (0, 0) => 8,
            (_, bits) => (8 - bits) % 8,
        };
        self.bits(0, padding);
        self.written
    }
}
