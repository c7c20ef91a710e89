//! Other programs: started, waited for, and their failures told.

use std::ffi::OsStr;
use std::io::{ErrorKind, Write};
use std::process::{Command, Output, Stdio};

use crate::error::Error;

/// A program and its arguments.
pub fn program<I: AsRef<OsStr>>(
    name: impl AsRef<OsStr>,
    arguments: impl IntoIterator<Item = I>,
) -> Command {
    let mut command = Command::new(name);
    command.args(arguments);
    command
}

/// Runs a program quietly to its end; gives what it wrote to stdout.
///
/// # Errors
///
/// The program is not there, or fails; then the error has all that it wrote.
pub fn output(command: &mut Command) -> Result<String, Error> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|source| not_started(command, &source))?;
    checked(command, output)
}

/// Runs a program quietly to its end on `input`; gives what it wrote to stdout.
///
/// # Errors
///
/// As [`output`].
pub fn output_of(command: &mut Command, input: &str) -> Result<String, Error> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|source| not_started(command, &source))?;
    // A program that ends before it has read everything tells why by its own failure.
    let written = child
        .stdin
        .take()
        .map(|mut stdin| stdin.write_all(input.as_bytes()));
    let output = child
        .wait_with_output()
        .map_err(|source| not_started(command, &source))?;
    let said = checked(command, output)?;
    match written {
        Some(Err(source)) => Err(not_started(command, &source)),
        _ => Ok(said),
    }
}

/// Runs a program to its end before the eyes of the user.
///
/// # Errors
///
/// The program is not there, or fails.
pub fn shown(command: &mut Command) -> Result<(), Error> {
    let status = command
        .status()
        .map_err(|source| not_started(command, &source))?;
    if status.success() {
        return Ok(());
    }
    Err(Error::Failed {
        command: line(command),
        status,
        output: String::new(),
    })
}

/// Whether a program can be started and succeeds.
pub fn succeeds(command: &mut Command) -> bool {
    output(command).is_ok()
}

fn checked(command: &Command, output: Output) -> Result<String, Error> {
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Ok(stdout);
    }
    Err(Error::Failed {
        command: line(command),
        status: output.status,
        output: format!("{stdout}{}", String::from_utf8_lossy(&output.stderr)),
    })
}

fn not_started(command: &Command, source: &std::io::Error) -> Error {
    let program = command.get_program().to_string_lossy().into_owned();
    match source.kind() {
        ErrorKind::NotFound => Error::NotInstalled { program },
        _ => Error::Refused(format!("cannot run {program}: {source}")),
    }
}

fn line(command: &Command) -> String {
    std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(|word| word.to_string_lossy())
        .collect::<Vec<_>>()
        .join(" ")
}
