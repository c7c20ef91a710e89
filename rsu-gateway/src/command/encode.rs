//! `rsu encode`: from JER to UPER.

use clap::Args;
use rsu_firmware::message::MessageFrame;
use rsu_firmware::uper::Profile;
use serde_json::Value;

use super::answers::answer_every_line;
use super::{Failure, ProfileOption, hex, logging, output};
use crate::json;

/// Encode messages: JER values on stdin, one a line, to UPER in hex on stdout.
///
/// A line that cannot be encoded is answered by {"error":{"bit":N,"field":"...","kind":"..."}};
/// the bit is null where the JSON itself is at fault.
#[derive(Debug, Args)]
pub(super) struct Options {
    #[command(flatten)]
    profile: ProfileOption,
}

/// Larger than any message a DSMP frame can carry; the schema alone would allow more.
const MESSAGE_BYTES_MAX: usize = 1 << 20;

pub(super) fn run(options: &Options, logging: &logging::Options) -> Result<(), Failure> {
    logging.start(None, None)?;
    let profile = options.profile.profile();
    let mut buffer = vec![0; MESSAGE_BYTES_MAX];
    answer_every_line(|line, output| match encode(line, profile, &mut buffer) {
        Ok(bytes) => output.write_all(hex::encode(bytes).as_bytes()),
        Err(error) => write!(output, "{error}"),
    })
}

fn encode<'b>(line: &[u8], profile: Profile, buffer: &'b mut [u8]) -> Result<&'b [u8], Value> {
    let message: MessageFrame<'_> = json::read(line).map_err(|error| {
        let field = error.path.as_deref().unwrap_or("MessageFrame");
        output::input_error(None, field, kind_of(&error), &error.problem)
    })?;
    let len = message
        .encode(buffer, profile)
        .map_err(|error| output::codec_error(&error))?;
    Ok(buffer.get(..len).unwrap_or_default())
}

/// The codec's own refusals name their kind before a colon; the rest is JSON's.
fn kind_of(error: &json::Error) -> &str {
    if error.is_syntax {
        return "json";
    }
    match error.problem.split_once(':') {
        Some((kind @ ("range" | "enumeration" | "alternative" | "size"), _)) => kind,
        _ => "schema",
    }
}
