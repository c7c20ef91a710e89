//! Bits put together by hand, by the letter of X.691 and not by the codec under test.

/// A string of bits that grows.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bits(Vec<bool>);

impl Bits {
    pub(crate) fn of(octets: &[u8]) -> Self {
        let bits = |octet: &u8| {
            let octet = *octet;
            (0..8).rev().map(move |bit| octet >> bit & 1 == 1)
        };
        Self(octets.iter().flat_map(bits).collect())
    }

    /// The octets, the last one filled up with zero bits.
    pub(crate) fn octets(&self) -> Vec<u8> {
        let octet = |bits: &[bool]| {
            let ones = bits.iter().zip((0..8).rev());
            ones.map(|(bit, at)| u8::from(*bit) << at).sum()
        };
        self.0.chunks(8).map(octet).collect()
    }

    /// Whether the bit is there and set.
    pub(crate) fn at(&self, bit: usize) -> bool {
        self.0.get(bit) == Some(&true)
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// The first bit in which the two differ.
    pub(crate) fn first_difference(&self, other: &Self) -> Option<usize> {
        self.0
            .iter()
            .zip(&other.0)
            .position(|(one, other)| one != other)
    }

    /// `width` bits with the value `value`.
    pub(crate) fn bits(mut self, value: u64, width: u32) -> Self {
        self.0
            .extend((0..width).rev().map(|bit| value >> bit & 1 == 1));
        self
    }

    /// These bits with those in `range` replaced.
    pub(crate) fn replaced(mut self, range: std::ops::Range<usize>, new: &Self) -> Self {
        self.0.splice(range, new.0.iter().copied());
        self
    }

    /// The first `length` bits.
    pub(crate) fn first(mut self, length: usize) -> Self {
        self.0.truncate(length);
        self
    }

    pub(crate) fn then(mut self, more: &Self) -> Self {
        self.0.extend(&more.0);
        self
    }

    /// The length determinants of `contents` in units of `unit_bits`, and the contents (11.9).
    pub(crate) fn counted(mut self, contents: &Self, unit_bits: usize) -> Self {
        const BLOCK: usize = 16 * 1024;
        let mut rest = contents.0.as_slice();
        loop {
            let units = rest.len() / unit_bits;
            let (determinant, width, taken) = match units {
                0..128 => (units as u64, 8, units),
                128..BLOCK => (0x8000 | units as u64, 16, units),
                _ => {
                    let blocks = (units / BLOCK).min(4);
                    (0xC0 | blocks as u64, 8, blocks * BLOCK)
                }
            };
            self = self.bits(determinant, width);
            let (now, later) = rest.split_at(taken * unit_bits);
            self.0.extend(now);
            rest = later;
            if taken < BLOCK {
                return self;
            }
        }
    }

    /// An open type with `octets` inside (11.2).
    pub(crate) fn open_type(self, octets: &[u8]) -> Self {
        self.counted(&Self::of(octets), 8)
    }

    /// A normally small non-negative whole number (11.6).
    pub(crate) fn normally_small(self, value: u64) -> Self {
        if value < 64 {
            return self.bits(value, 7);
        }
        let octets: Vec<u8> = value
            .to_be_bytes()
            .into_iter()
            .skip_while(|&octet| octet == 0)
            .collect();
        self.bits(1, 1).open_type(&octets)
    }

    /// The extension additions of a SEQUENCE, none where absent (19.7-19.9).
    pub(crate) fn additions(self, additions: &[Option<&[u8]>]) -> Self {
        let count = additions.len();
        let mut bits = if count <= 64 {
            self.bits(0, 1).bits(count as u64 - 1, 6)
        } else {
            let determinant = if count < 128 {
                (count, 8)
            } else {
                (0x8000 | count, 16)
            };
            self.bits(1, 1).bits(determinant.0 as u64, determinant.1)
        };
        for addition in additions {
            bits = bits.bits(addition.is_some().into(), 1);
        }
        additions
            .iter()
            .flatten()
            .fold(bits, |bits, octets| bits.open_type(octets))
    }
}
