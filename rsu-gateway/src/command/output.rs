//! What the commands share in speaking to whoever called them.

use std::error::Error;
use std::io;

use rsu_firmware::uper;
use serde_json::{Value, json};

/// An error and everything that caused it, on one line.
pub(super) fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    for cause in causes(error).skip(1) {
        let cause = cause.to_string();
        if !text.ends_with(&cause) {
            text.push_str(": ");
            text.push_str(&cause);
        }
    }
    text
}

/// Whether the reader of our stdout has closed it, as `head` does: no fault of ours.
pub(super) fn reader_is_gone(error: &(dyn Error + 'static)) -> bool {
    let is_broken_pipe = |error: &io::Error| error.kind() == io::ErrorKind::BrokenPipe;
    let is_json_of_it =
        |error: &serde_json::Error| error.io_error_kind() == Some(io::ErrorKind::BrokenPipe);
    causes(error).any(|cause| {
        cause.downcast_ref().is_some_and(is_broken_pipe)
            || cause.downcast_ref().is_some_and(is_json_of_it)
    })
}

/// The error, what caused it, what caused that, and so on.
fn causes<'e>(error: &'e (dyn Error + 'static)) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    let mut next = Some(error);
    std::iter::from_fn(move || {
        let error = next?;
        next = error.source();
        Some(error)
    })
}

/// Why a message was refused, for programs.
pub(super) fn codec_error(error: &uper::Error) -> Value {
    json!({"error": {
        "bit": error.bit,
        "field": error.field.to_string(),
        "kind": error.kind.name(),
    }})
}

/// Why a line could not even be taken for a message.
pub(super) fn input_error(bit: Option<usize>, field: &str, kind: &str, message: &str) -> Value {
    json!({"error": {"bit": bit, "field": field, "kind": kind, "message": message}})
}
