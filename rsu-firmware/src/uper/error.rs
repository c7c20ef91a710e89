//! What was wrong, where, and in which field.

use super::Observer;
use core::fmt;

/// The rule that was broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The bytes end before the message does.
    Truncated,
    /// An INTEGER outside its range, or a character outside its alphabet.
    Range,
    /// An ENUMERATED value that is neither in the root nor marked as an addition.
    Enumeration,
    /// A CHOICE index that is neither in the root nor marked as an addition.
    Alternative,
    /// A list or string shorter or longer than allowed.
    Size,
    /// A length determinant that X.691 does not know or that nothing can hold.
    Length,
    /// A field that the profile does not have, or one missing that it demands.
    Profile,
    /// The buffer to encode into is full.
    BufferFull,
}

impl ErrorKind {
    /// Every kind, in the order of their numbers.
    pub const ALL: [Self; 8] = [
        Self::Truncated,
        Self::Range,
        Self::Enumeration,
        Self::Alternative,
        Self::Size,
        Self::Length,
        Self::Profile,
        Self::BufferFull,
    ];

    /// The name of the counter of messages refused for it.
    pub const fn counter(self) -> &'static str {
        match self {
            Self::Truncated => "message_truncated",
            Self::Range => "message_range",
            Self::Enumeration => "message_enumeration",
            Self::Alternative => "message_alternative",
            Self::Size => "message_size",
            Self::Length => "message_length",
            Self::Profile => "message_profile",
            Self::BufferFull => "message_buffer_full",
        }
    }

    /// A short name for programs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Truncated => "truncated",
            Self::Range => "range",
            Self::Enumeration => "enumeration",
            Self::Alternative => "alternative",
            Self::Size => "size",
            Self::Length => "length",
            Self::Profile => "profile",
            Self::BufferFull => "buffer-full",
        }
    }

    const fn explanation(self) -> &'static str {
        match self {
            Self::Truncated => "the bytes end before the message does",
            Self::Range => "the value is out of range",
            Self::Enumeration => "the enumeration has no such value",
            Self::Alternative => "the choice has no such alternative",
            Self::Size => "the list or string has a forbidden size",
            Self::Length => "the length determinant is invalid",
            Self::Profile => "the profile forbids or demands this field",
            Self::BufferFull => "the buffer is full",
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.explanation())
    }
}

/// A rule that was broken, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The first bit of the value, or the end of the bytes.
    pub bit: usize,
    /// Which rule.
    pub kind: ErrorKind,
}

/// A fault in one word: what is rarely needed shall not take room in registers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct PackedFault(u64);

impl PackedFault {
    pub(super) const NONE: Self = Self(0);
    /// The number of the bit that tells of a fault without saying what it is.
    const SOMEWHERE: u32 = 63;

    #[inline(always)]
    pub(super) fn new(bit: usize, kind: ErrorKind) -> Self {
        Self((bit as u64) << 8 | (kind as u64 + 1))
    }

    /// This fault, or this one if there is none yet. A call, so that the optimiser makes a check a
    /// branch, which costs nothing where it is not taken, and not a chain of conditional moves.
    #[cold]
    #[inline(never)]
    pub(super) fn or(self, bit: usize, kind: ErrorKind) -> Self {
        match self {
            Self::NONE => Self::new(bit, kind),
            fault => fault,
        }
    }

    /// Notes a fault that need not be found, unless `ok`.
    #[inline(always)]
    pub(super) fn note_somewhere(&mut self, ok: bool) {
        self.0 |= u64::from(!ok) << Self::SOMEWHERE;
    }

    pub(super) fn unpack(self) -> Option<Fault> {
        let number = (self.0 & 0xFF).checked_sub(1)?;
        Some(Fault {
            bit: (self.0 >> 8) as usize,
            kind: *ErrorKind::ALL.get(number as usize)?,
        })
    }
}

/// Why a message was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// The first bit of the value that breaks the rule, or the end of the bytes or the buffer.
    pub bit: usize,
    /// Where in the message.
    pub field: FieldPath,
    /// Which rule.
    pub kind: ErrorKind,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "bit {}, {}: {}", self.bit, self.field, self.kind)
    }
}

impl core::error::Error for Error {}

/// The deepest field: `mapFrame.nodes[].inLinks[].lanes[].points[].posOffset.offsetLL...lon`.
const DEPTH_MAX: usize = 20;

/// The way to a field, as `spatFrame.intersections[0].phases[3].id`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct FieldPath {
    steps: [Step; DEPTH_MAX],
    depth: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Field(&'static str),
    Element(usize),
}

impl FieldPath {
    const ROOT: Self = Self {
        steps: [Step::Element(0); DEPTH_MAX],
        depth: 0,
    };

    fn push(&mut self, step: Step) {
        if let Some(slot) = self.steps.get_mut(self.depth) {
            *slot = step;
        }
        self.depth += 1;
    }

    fn pop(&mut self) {
        self.depth = self.depth.saturating_sub(1);
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.depth == 0 {
            return f.write_str("MessageFrame");
        }
        for (at, step) in self.steps.iter().take(self.depth).enumerate() {
            match step {
                Step::Field(name) if at == 0 => f.write_str(name)?,
                Step::Field(name) => write!(f, ".{name}")?,
                Step::Element(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

impl fmt::Debug for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

/// Follows the way through the message and remembers the first failure. Calls all over the message
/// set: inlined they would be half of the codec, and they are only made for messages that are wrong.
pub(crate) struct Tracer {
    path: FieldPath,
    error: Option<Error>,
}

impl Tracer {
    /// Remembers a fault and the way to it, unless there is one already.
    pub(crate) fn note(&mut self, fault: Option<Fault>) {
        let field = self.path;
        if let (None, Some(Fault { bit, kind })) = (&self.error, fault) {
            self.error = Some(Error { bit, field, kind });
        }
    }

    /// The first failure. The caller has seen one; should the tracer have none, the two readings
    /// of the same bytes differ, and "truncated at bit 0" says that as well as anything.
    pub(crate) fn into_error(self) -> Error {
        self.error.unwrap_or(Error {
            bit: 0,
            field: FieldPath::ROOT,
            kind: ErrorKind::Truncated,
        })
    }
}

impl Default for Tracer {
    fn default() -> Self {
        Self {
            path: FieldPath::ROOT,
            error: None,
        }
    }
}

impl Observer<'_> for Tracer {
    const EXACT: bool = true;

    #[inline(never)]
    fn enter(&mut self, name: &'static str, fault: Option<Fault>) {
        self.note(fault);
        self.path.push(Step::Field(name));
    }

    #[inline(never)]
    fn enter_element(&mut self, index: usize, fault: Option<Fault>) {
        self.note(fault);
        self.path.push(Step::Element(index));
    }

    /// The innermost field is left first, with the whole path still there.
    #[inline(never)]
    fn leave(&mut self, fault: Option<Fault>) {
        self.note(fault);
        self.path.pop();
    }
}
