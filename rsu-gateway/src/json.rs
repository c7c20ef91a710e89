//! JSON of whole messages. All of it is read here, and written by `serde_json::to_vec` or into other
//! vectors of bytes: for each further kind of reader or writer the compiler would make the code of
//! the message set anew.

use serde::Deserialize;
use serde_json::error::Category;

/// Why a text was not understood.
#[derive(Debug, thiserror::Error)]
#[error("{}{problem}", path.as_ref().map(|path| format!("{path}: ")).unwrap_or_default())]
pub(crate) struct Error {
    /// The member that is wrong, as `nodes[0].id`; none where it is the whole.
    pub(crate) path: Option<String>,
    /// What is wrong.
    pub(crate) problem: String,
    /// Whether the text is no JSON at all.
    pub(crate) is_syntax: bool,
}

/// Reads a value, which must be all of the text.
///
/// # Errors
/// The text is no JSON, or no `T`.
pub(crate) fn read<'t, T: Deserialize<'t>>(text: &'t [u8]) -> Result<T, Error> {
    let mut json = serde_json::Deserializer::from_slice(text);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().to_string();
        Error::new(Some(path).filter(|path| path != "."), error.inner())
    })?;
    json.end().map_err(|error| Error::new(None, &error))?;
    Ok(value)
}

impl Error {
    fn new(path: Option<String>, error: &serde_json::Error) -> Self {
        let is_syntax = matches!(error.classify(), Category::Syntax | Category::Eof);
        let mut problem = error.to_string();
        // Who is told of a member need not count columns.
        if !is_syntax {
            let position = format!(" at line {} column {}", error.line(), error.column());
            problem.truncate(
                problem
                    .strip_suffix(&position)
                    .map_or(problem.len(), str::len),
            );
        }
        Self {
            path,
            problem,
            is_syntax,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> Error {
        read::<Vec<u8>>(text.as_bytes()).unwrap_err()
    }

    #[test]
    fn a_wrong_member_is_told_with_its_path() {
        let error = refusal("[1, \"two\"]");
        assert_eq!(error.path.as_deref(), Some("[1]"));
        assert_eq!(error.problem, "invalid type: string \"two\", expected u8");
        assert!(!error.is_syntax);
    }

    #[test]
    fn what_is_no_json_is_told_with_its_place() {
        for text in ["[1, 2", "[1] 2", "[1 2]"] {
            let error = refusal(text);
            assert!(error.is_syntax, "{text}");
            assert!(error.problem.contains(" at line 1 column "), "{error}");
        }
    }
}
