//! Writes bit fields into a borrowed buffer. Failures are sticky, as in the reader.

use super::error::{ErrorKind, Fault, PackedFault};
use super::{Observer, Profile, Tracer};

/// How many bits there is room for behind those of a byte that is not full.
const ROOM_BITS: u32 = 56;

/// One encoding: what a [`Writer`] rarely needs. It lies in memory, so that the rest can live in
/// registers.
#[derive(Debug, Default)]
pub struct Encoding<O = ()> {
    profile: Profile,
    /// How long the buffer is, or would have to be by now.
    length: usize,
    fault: PackedFault,
    observer: O,
}

impl Encoding {
    /// An encoding in this edition of the message set.
    pub fn new(profile: Profile) -> Self {
        Self {
            profile,
            ..Self::default()
        }
    }
}

impl Encoding<Tracer> {
    /// One that finds out where and why it fails.
    pub(crate) fn tracing(profile: Profile) -> Self {
        Self {
            profile,
            ..Self::default()
        }
    }
}

impl<O> Encoding<O> {
    /// A writer at the first bit of `bytes`.
    pub fn writer<'b>(&'b mut self, bytes: &'b mut [u8]) -> Writer<'b, O> {
        self.length = bytes.len();
        Writer {
            rest: bytes,
            pending: 0,
            pending_bits: 0,
            room: ROOM_BITS,
            encoding: self,
        }
    }

    /// Whether anything was wrong so far.
    #[inline(always)]
    pub fn failed(&self) -> bool {
        self.fault != PackedFault::NONE
    }

    /// What was wrong first.
    #[inline(always)]
    pub(crate) fn fault(&self) -> Option<Fault> {
        self.fault.unpack()
    }

    /// What watched.
    pub(crate) fn into_observer(self) -> O {
        self.observer
    }
}

/// Writes bit fields one after the other.
#[derive(Debug)]
pub struct Writer<'b, O = ()> {
    /// The buffer behind the whole bytes that are written.
    rest: &'b mut [u8],
    /// Bits that are not in the buffer yet, right-aligned, and their number.
    pending: u64,
    pending_bits: u32,
    /// How many further bits are sure to find room in `pending`. Fields take their widest form
    /// from it, so that in straight-line code the optimiser knows where it stores.
    room: u32,
    encoding: &'b mut Encoding<O>,
}

impl<O> Writer<'_, O> {
    /// The edition of the message set that is being written.
    #[inline(always)]
    pub fn profile(&self) -> Profile {
        self.encoding.profile
    }

    /// The bit that is written next.
    #[inline(always)]
    pub fn position(&self) -> usize {
        (self.encoding.length - self.rest.len()) * 8 + self.pending_bits as usize
    }

    /// Whether anything was wrong so far.
    #[inline(always)]
    pub fn failed(&self) -> bool {
        self.encoding.failed()
    }
}

impl<'a, 'b, O: Observer<'a>> Writer<'b, O> {
    #[inline(always)]
    pub(crate) fn enter(&mut self, name: &'static str) {
        self.settle();
        let fault = self.encoding.fault();
        self.encoding.observer.enter(name, fault);
    }

    #[inline(always)]
    pub(crate) fn enter_element(&mut self, index: usize) {
        self.settle();
        let fault = self.encoding.fault();
        self.encoding.observer.enter_element(index, fault);
    }

    #[inline(always)]
    pub(crate) fn leave(&mut self) {
        self.settle();
        let fault = self.encoding.fault();
        self.encoding.observer.leave(fault);
    }

    /// Lets who has to know it see at once that the buffer is full.
    #[inline(always)]
    fn settle(&mut self) {
        if O::EXACT {
            self.flush_exactly();
            self.room = ROOM_BITS;
        }
    }

    /// A call, as the methods of [`Tracer`] are.
    #[cold]
    #[inline(never)]
    fn flush_exactly(&mut self) {
        self.flush_bytes();
    }

    /// Notes that the value to be written breaks the rules, unless `ok`.
    #[inline(always)]
    pub(crate) fn check(&mut self, ok: bool, kind: ErrorKind) {
        if !ok {
            self.encoding.fault = self.encoding.fault.or(self.position(), kind);
        }
    }

    /// As [`check`](Self::check), for a field that need not be there; free of branches unless
    /// something has to know what was wrong.
    #[inline(always)]
    pub(crate) fn check_optional(&mut self, ok: bool, kind: ErrorKind) {
        if O::EXACT {
            self.check(ok, kind);
        } else {
            self.encoding.fault.note_somewhere(ok);
        }
    }

    /// Lets the next field empty `pending`. Where ways through the code meet that have written
    /// differently much, the optimiser knows the room again from here on.
    #[inline(always)]
    pub(crate) fn exhaust(&mut self) {
        self.room = 0;
    }

    /// How many further bits are sure to find room.
    #[inline(always)]
    pub(crate) fn room(&self) -> u32 {
        self.room
    }

    /// Makes room for `most` bits, or leaves it unused where something was written
    /// [apart](Self::apart) instead.
    #[inline(always)]
    pub(crate) fn reserve(&mut self, most: u32) {
        if self.room < most {
            self.flush_bytes();
            self.room = ROOM_BITS;
        }
        self.room -= most;
    }

    /// Writes `value` in `width` bits (at most 56), which it must not exceed.
    #[inline(always)]
    pub fn bits(&mut self, value: u64, width: u32) {
        debug_assert!(width <= ROOM_BITS && (value >> width == 0 || self.failed()));
        self.reserve(width);
        self.pending = (self.pending << width) | value;
        self.pending_bits += width;
    }

    /// Writes `value` in `width` bits (at most 56) if it is `present`; zero stands for one that is
    /// not. Free of branches, as in the reader.
    #[inline(always)]
    pub(crate) fn bits_if(&mut self, value: u64, width: u32, present: bool) {
        self.bits_within(value, width, width, present);
    }

    /// As [`bits_if`](Self::bits_if), in a `width` that is only known to be `most` at most.
    #[inline(always)]
    pub(crate) fn bits_within(&mut self, value: u64, width: u32, most: u32, present: bool) {
        debug_assert!(width <= most && most <= ROOM_BITS);
        debug_assert!(value >> width == 0 || self.failed());
        self.reserve(most);
        let width = width & u32::from(present).wrapping_neg();
        self.pending = (self.pending << width) | value;
        self.pending_bits += width;
    }

    /// Puts the whole bytes of `pending` into the buffer.
    #[inline(always)]
    fn flush_bytes(&mut self) {
        // Never more than seven, which the optimiser is told so that it need not look again.
        let whole = (self.pending_bits / 8) as usize % size_of::<u64>();
        // Where nothing is pending, what is stored is overwritten by what follows, too.
        let word = self.pending.wrapping_shl(self.pending_bits.wrapping_neg());
        let word = word.to_be_bytes();
        let rest = core::mem::take(&mut self.rest);
        if let Some(chunk) = rest.first_chunk_mut() {
            // Bytes beyond the whole ones are overwritten by what follows.
            *chunk = word;
            self.rest = rest.get_mut(whole..).unwrap_or_default();
        } else {
            self.flush_tail(rest, word, whole);
        }
        self.pending_bits %= 8;
    }

    /// As [`flush_bytes`](Self::flush_bytes), where fewer than eight bytes have room.
    #[inline(always)]
    fn flush_tail(&mut self, rest: &'b mut [u8], word: [u8; 8], whole: usize) {
        let left = rest.len();
        match store_tail(rest, word, whole) {
            Some(behind) => self.rest = behind,
            None => {
                let encoding = &mut *self.encoding;
                let end = encoding.length * 8;
                encoding.fault = encoding.fault.or(end, ErrorKind::BufferFull);
                encoding.length += whole - left;
            }
        }
    }

    /// Lets code that is not inlined write something, as a call of its own: the writer goes there
    /// and comes back in registers. Whether it wrote or not, the room around is the same.
    #[inline(always)]
    pub(crate) fn apart(&mut self, write: impl FnOnce(&mut Writer<'_, O>)) {
        let bits = self.pending_bits;
        let behind = apart(self.encoding, self.rest, self.pending, bits, write);
        let rest = core::mem::take(&mut self.rest);
        self.rest = rest.get_mut(behind.written..).unwrap_or_default();
        self.pending = behind.pending >> 3;
        self.pending_bits = behind.pending as u32 % 8;
    }

    /// Goes on with `room`, as it was before something was written that need not be there.
    #[inline(always)]
    pub(crate) fn rejoin(&mut self, room: u32) {
        if self.room < room {
            self.flush_bytes();
        }
        self.room = room;
    }

    /// Writes one bit.
    #[inline(always)]
    pub fn flag(&mut self, value: bool) {
        self.bits(u64::from(value), 1);
    }

    /// A normally small non-negative whole number (X.691 11.6).
    pub(crate) fn normally_small(&mut self, value: u32) {
        if value < 64 {
            self.bits(u64::from(value), 7);
        } else {
            let octets = u32::BITS / 8 - value.leading_zeros() / 8;
            self.flag(true);
            self.length(octets as usize);
            self.bits(u64::from(value), octets * 8);
        }
        self.exhaust();
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
        let padding = match self.position() {
            0 => 8,
            bits => bits.wrapping_neg() as u32 % 8,
        };
        self.bits(0, padding);
        self.flush_bytes();
        self.encoding.length - self.rest.len()
    }
}

/// How a writer comes back from code that is not inlined.
struct Behind {
    /// How many bytes of the buffer it has filled.
    written: usize,
    /// What is pending, above the number of bits of it, which is below eight.
    pending: u64,
}

#[inline(never)]
fn apart<'a, O: Observer<'a>>(
    encoding: &mut Encoding<O>,
    rest: &mut [u8],
    pending: u64,
    pending_bits: u32,
    write: impl FnOnce(&mut Writer<'_, O>),
) -> Behind {
    let len = rest.len();
    let mut writer = Writer {
        rest,
        pending,
        pending_bits,
        room: 0,
        encoding,
    };
    write(&mut writer);
    writer.flush_bytes();
    Behind {
        written: len - writer.rest.len(),
        pending: writer.pending << 3 | u64::from(writer.pending_bits),
    }
}

/// Puts the first `whole` bytes of a word, or what of them fits, where fewer than eight have room.
/// Returns what is behind them if they fit.
#[cold]
#[inline(never)]
fn store_tail(rest: &mut [u8], word: [u8; 8], whole: usize) -> Option<&mut [u8]> {
    for (to, from) in rest.iter_mut().zip(word).take(whole) {
        *to = from;
    }
    rest.get_mut(whole..)
}
