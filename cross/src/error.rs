//! What can go wrong, told so that an operator knows what to do.

use std::path::{Path, PathBuf};

/// A step that could not be done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The operating system refused to read or write.
    #[error("cannot {action} {}: {source}", path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// With which file or folder.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// A file does not say what it should.
    #[error("{}: {problem}", path.display())]
    Content {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// A program is not there.
    #[error("{program} is not installed; `cross/install-tools.sh` installs all that is needed")]
    NotInstalled {
        /// Its name.
        program: String,
    },
    /// A program ended with a failure.
    #[error("`{command}` ended with {status}{}", said(output))]
    Failed {
        /// The command line.
        command: String,
        /// How it ended.
        status: std::process::ExitStatus,
        /// What it wrote.
        output: String,
    },
    /// What was asked for is wrong, or cannot be had.
    #[error("{0}")]
    Refused(String),
}

impl Error {
    /// An [`Error::Content`].
    pub fn content(path: &Path, problem: impl ToString) -> Self {
        Self::Content {
            path: path.to_owned(),
            problem: problem.to_string(),
        }
    }
}

fn said(output: &str) -> String {
    match output.trim() {
        "" => String::new(),
        output => format!(":\n{output}"),
    }
}

/// Adds what was done to which file.
pub trait Doing<T> {
    /// `action` goes into "cannot {action} {path}".
    fn doing(self, action: &'static str, path: &Path) -> Result<T, Error>;
}

impl<T> Doing<T> for std::io::Result<T> {
    fn doing(self, action: &'static str, path: &Path) -> Result<T, Error> {
        self.map_err(|source| Error::File {
            action,
            path: path.to_owned(),
            source,
        })
    }
}
