//! Which commands were taken, so that none is carried out twice.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;

use serde::{Deserialize, Serialize};

use super::answer::Refusal;
use super::command::{CommandKind, SeqNum};

/// How many commands of a kind are remembered; the oldest makes way. A broker delivers again only
/// what was not acknowledged to it, which is far less.
pub const LEDGER_ENTRIES_MAX: usize = 128;

/// What tells the content of two commands apart: the beginning of their SHA-256.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest([u8; 16]);

impl Digest {
    /// The digest of a payload.
    pub fn of(payload: &[u8]) -> Self {
        let hash = ring::digest::digest(&ring::digest::SHA256, payload);
        let mut digest = [0; 16];
        for (to, from) in digest.iter_mut().zip(hash.as_ref()) {
            *to = *from;
        }
        Self(digest)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        digest.to_string()
    }
}

impl TryFrom<String> for Digest {
    type Error = std::num::ParseIntError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        u128::from_str_radix(&text, 16).map(|number| Self(number.to_be_bytes()))
    }
}

/// The commands taken.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Ledger(BTreeMap<CommandKind, VecDeque<Taken>>);

/// A command that was taken.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Taken {
    seq_num: SeqNum,
    digest: Digest,
    pub(super) outcome: Outcome,
}

/// How a command that was taken went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Outcome {
    /// It is being carried out, and answered after that.
    Underway,
    /// It was carried out.
    Done,
    /// It could not be.
    Failed(Refusal),
}

/// Whether a command is known.
#[derive(Debug, PartialEq)]
pub(super) enum Known<'a> {
    /// It is not, nor its number.
    New,
    /// Its number is, with other content: the platform has begun to count anew.
    NumberUsed,
    /// It is.
    Repeated(&'a Taken),
}

impl Ledger {
    pub(super) fn find(&self, kind: CommandKind, seq_num: &SeqNum, digest: Digest) -> Known<'_> {
        let of_kind = self.0.get(&kind).into_iter().flatten();
        let with_number = of_kind.filter(|taken| taken.seq_num == *seq_num);
        let mut known = Known::New;
        for taken in with_number {
            if taken.digest == digest {
                return Known::Repeated(taken);
            }
            known = Known::NumberUsed;
        }
        known
    }

    pub(super) fn take(
        &mut self,
        kind: CommandKind,
        seq_num: SeqNum,
        digest: Digest,
        outcome: Outcome,
    ) {
        let of_kind = self.0.entry(kind).or_default();
        while of_kind.len() >= LEDGER_ENTRIES_MAX {
            of_kind.pop_front();
        }
        of_kind.push_back(Taken {
            seq_num,
            digest,
            outcome,
        });
    }

    /// Notes how the latest command with this number went.
    pub(super) fn finish(&mut self, kind: CommandKind, seq_num: &SeqNum, outcome: Outcome) {
        let of_kind = self.0.get_mut(&kind).into_iter().flatten();
        let underway = of_kind.rev().find(|taken| taken.seq_num == *seq_num);
        if let Some(taken) = underway {
            taken.outcome = outcome;
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn number(number: usize) -> SeqNum {
        number.to_string().try_into().unwrap()
    }

    const KIND: CommandKind = CommandKind::Map;

    #[test]
    fn number_and_content_tell_a_repetition() {
        let mut ledger = Ledger::default();
        let (a, b) = (Digest::of(b"a"), Digest::of(b"b"));
        ledger.take(KIND, number(1), a, Outcome::Done);
        assert!(matches!(
            ledger.find(KIND, &number(1), a),
            Known::Repeated(_)
        ));
        assert_eq!(ledger.find(KIND, &number(1), b), Known::NumberUsed);
        assert_eq!(ledger.find(KIND, &number(2), a), Known::New);
        assert_eq!(ledger.find(CommandKind::Rsi, &number(1), a), Known::New);
        ledger.take(KIND, number(1), b, Outcome::Done);
        assert!(matches!(
            ledger.find(KIND, &number(1), a),
            Known::Repeated(_)
        ));
        assert!(matches!(
            ledger.find(KIND, &number(1), b),
            Known::Repeated(_)
        ));
    }

    #[test]
    fn it_does_not_grow() {
        let mut ledger = Ledger::default();
        for place in 0..10_000 {
            ledger.take(KIND, number(place), Digest::of(b""), Outcome::Done);
        }
        assert_eq!(ledger.0[&KIND].len(), LEDGER_ENTRIES_MAX);
        let last = ledger.find(KIND, &number(9_999), Digest::of(b""));
        assert!(matches!(last, Known::Repeated(_)));
    }

    #[test]
    fn a_digest_is_the_beginning_of_sha256() {
        let digest = Digest::of(b"abc");
        assert_eq!(digest.to_string(), "ba7816bf8f01cfea414140de5dae2223");
        assert_eq!(Digest::try_from(digest.to_string()), Ok(digest));
    }
}
