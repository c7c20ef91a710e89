//! What the platform is told of a command.

use serde::{Deserialize, Serialize};

use super::command::{CommandKind, SeqNum};

/// How a command went (T/ITS 0117 annex A).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The kind of the command.
    pub kind: CommandKind,
    /// Its number, as far as one could be read.
    pub seq_num: Option<SeqNum>,
    /// Why it was not carried out; it was, if `None`.
    pub refusal: Option<Refusal>,
}

impl Answer {
    /// `errorCode`: 0 carried out, 1 a bad or missing parameter, 2 an error of the unit.
    pub const fn error_code(&self) -> u8 {
        match &self.refusal {
            None => 0,
            Some(refusal) => refusal.code as u8,
        }
    }
}

/// Why a command is not carried out: what is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{text}")]
pub struct Refusal {
    code: RefusalCode,
    text: String,
}

/// Whose fault it is, with the numbers of the standard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefusalCode {
    /// A bad or missing parameter.
    BadParameter = 1,
    /// An error of the unit.
    LocalError = 2,
}

impl Refusal {
    /// Most characters of `errorDesc`.
    pub const CHARS_MAX: usize = 128;

    /// The command is wrong: `text` names the member and what is the matter with it.
    pub fn bad_parameter(text: impl Into<String>) -> Self {
        Self::new(RefusalCode::BadParameter, text.into())
    }

    /// The unit cannot: `text` says why.
    pub fn local_error(text: impl Into<String>) -> Self {
        Self::new(RefusalCode::LocalError, text.into())
    }

    fn new(code: RefusalCode, mut text: String) -> Self {
        if let Some((end, _)) = text.char_indices().nth(Self::CHARS_MAX) {
            text.truncate(end);
        }
        Self { code, text }
    }

    /// Whose fault it is.
    pub const fn code(&self) -> RefusalCode {
        self.code
    }

    /// `errorDesc`, at most [`Refusal::CHARS_MAX`] characters.
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// Why a publish is no [`Downlink`](super::Downlink).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// The contract has no such topic, or it belongs to another unit. Nobody waits for an answer.
    #[error("no topic of this contract")]
    UnknownTopic,
    /// An acknowledgement that cannot be read. Those are not answered.
    #[error("an acknowledgement: {0}")]
    Acknowledgement(Refusal),
    /// A command that is not as it should be, to be answered.
    #[error("{}: {refusal}", kind.name())]
    Command {
        /// Which kind, as the topic says.
        kind: CommandKind,
        /// Its number, as far as one could be read.
        seq_num: Option<SeqNum>,
        /// What is wrong, and where.
        refusal: Refusal,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_between_characters() {
        let refusal = Refusal::bad_parameter("错".repeat(200));
        assert_eq!(refusal.text().chars().count(), Refusal::CHARS_MAX);
    }
}
