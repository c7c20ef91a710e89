//! `rsu inspect`: from UPER to JER.

use std::fs;
use std::io::{self, IsTerminal, Read, Write};
use std::path::Path;

use clap::error::ErrorKind;
use clap::{Args, CommandFactory};
use rsu_firmware::message::MessageFrame;
use rsu_firmware::network::{self, Adaptation};
use rsu_firmware::uper::Profile;
use serde_json::Value;

use super::answers::answer_every_line;
use super::{Arguments, Failure, ProfileOption, hex, logging, output};
use crate::json;
use crate::radio::Radio;
use crate::radio::trace::{Pace, Trace};

/// Show messages as JER, the JSON form of the standard.
///
/// The input is a message or a whole PC5 frame in hex (one a line), as raw bytes, or a pcap or
/// pcapng capture.
#[derive(Debug, Args)]
pub(super) struct Options {
    /// Hex digits, a file, or `-` for stdin.
    #[arg(default_value = STDIN, value_name = "HEX|FILE|-")]
    input: String,

    /// Read one message in hex a line from stdin and answer each by one line: its JER value, or
    /// {"error":{"bit":N,"field":"...","kind":"..."}}.
    #[arg(long)]
    lines: bool,

    #[command(flatten)]
    profile: ProfileOption,
}

/// What stands for stdin on the command line.
const STDIN: &str = "-";

pub(super) fn run(options: &Options, logging: &logging::Options) -> Result<(), Failure> {
    logging.start(None, None)?;
    let profile = options.profile.profile();
    if options.lines {
        options.insist_on_stdin();
        return answer_every_line(|line, output| answer(line, profile, output));
    }
    let input = Input::read(&options.input)?;
    let mut show = Show {
        profile,
        pretty: io::stdout().is_terminal(),
        shown: 0,
        refused: 0,
    };
    match input {
        Input::Capture(name, bytes) => show.capture(&name, bytes)?,
        Input::Units(units) => {
            for (at, unit) in &units {
                show.unit(at, unit)?;
            }
        }
    }
    match (show.shown, show.refused) {
        (0, 0) => Err("there is no message in the input".into()),
        (_, 0) => Ok(()),
        (shown, refused) => {
            Err(format!("{refused} of {} messages refused", shown + refused).into())
        }
    }
}

impl Options {
    /// Ends the program over anything else, as over any wrong command line.
    fn insist_on_stdin(&self) {
        if self.input != STDIN {
            let message = "--lines reads from stdin, not from an argument";
            let mut program = Arguments::command();
            program.error(ErrorKind::ArgumentConflict, message).exit();
        }
    }
}

/// One hex message in, one JSON object out.
fn answer(line: &[u8], profile: Profile, output: &mut dyn Write) -> io::Result<()> {
    let bytes = match hex::decode(&String::from_utf8_lossy(line)) {
        Ok(bytes) => bytes,
        Err(error) => {
            let (bit, message) = (Some(error.bit), error.to_string());
            let error = output::input_error(bit, "MessageFrame", "hex", &message);
            return write!(output, "{error}");
        }
    };
    match MessageFrame::decode(&bytes, profile) {
        Ok(message) => output.write_all(&serde_json::to_vec(&message)?),
        Err(error) => write!(output, "{}", output::codec_error(&error)),
    }
}

/// Whether the bytes begin as a pcapng or a pcap file (in either byte order, with times in micro-
/// or nanoseconds).
fn is_capture(bytes: &[u8]) -> bool {
    const MAGIC: [u32; 5] = [
        0x0A0D_0D0A,
        0xA1B2_C3D4,
        0xD4C3_B2A1,
        0xA1B2_3C4D,
        0x4D3C_B2A1,
    ];
    let first = bytes.first_chunk().copied().map(u32::from_be_bytes);
    first.is_some_and(|first| MAGIC.contains(&first))
}

/// What was given to look at.
enum Input {
    Capture(String, Vec<u8>),
    /// Messages or frames, each with its place in the input.
    Units(Vec<(String, Vec<u8>)>),
}

impl Input {
    fn read(argument: &str) -> Result<Self, Failure> {
        if argument == STDIN {
            let mut bytes = Vec::new();
            io::stdin().lock().read_to_end(&mut bytes)?;
            return Self::recognise("stdin", bytes);
        }
        if Path::new(argument).exists() {
            let bytes = fs::read(argument).map_err(|error| format!("{argument}: {error}"))?;
            return Self::recognise(argument, bytes);
        }
        let bytes = hex::decode(argument)
            .map_err(|error| format!("\"{argument}\" is neither a file nor hex: {error}"))?;
        Ok(Self::Units(vec![("argument".into(), bytes)]))
    }

    fn recognise(name: &str, bytes: Vec<u8>) -> Result<Self, Failure> {
        if is_capture(&bytes) {
            return Ok(Self::Capture(name.into(), bytes));
        }
        let Ok(text) = std::str::from_utf8(&bytes) else {
            return Ok(Self::Units(vec![(name.into(), bytes)]));
        };
        let lines = (1..).zip(text.lines());
        let units: Result<Vec<_>, String> = lines
            .filter(|(_, line)| !line.trim().is_empty())
            .map(|(number, line)| {
                let bytes = hex::decode(line).map_err(|error| format!("line {number}, {error}"))?;
                Ok((format!("{name}:{number}"), bytes))
            })
            .collect();
        match units {
            Ok(units) => Ok(Self::Units(units)),
            // Few raw messages are text by chance, and none of them hex.
            Err(_) if text.contains('\0') => Ok(Self::Units(vec![(name.into(), bytes)])),
            Err(error) => Err(format!("{name} is neither a capture nor hex: {error}").into()),
        }
    }
}

struct Show {
    profile: Profile,
    pretty: bool,
    shown: u64,
    refused: u64,
}

impl Show {
    fn capture(&mut self, name: &str, bytes: Vec<u8>) -> Result<(), Failure> {
        let mut trace = Trace::from_bytes(name, bytes, Pace::Max);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()?;
        runtime.block_on(async {
            while let Some(frame) = trace.receive().await? {
                let at = format!("{name}, packet {}", frame.packet);
                self.unit(&at, frame.received.bytes)?;
            }
            Ok::<(), Failure>(())
        })?;
        for (reason, count) in trace.skipped().filter(|(_, count)| *count > 0) {
            eprintln!("{name}: {count} packets skipped: {}", reason.name());
        }
        Ok(())
    }

    fn unit(&mut self, at: &str, bytes: &[u8]) -> io::Result<()> {
        let message = match message_of(bytes) {
            Unit::Frame(dsm) => {
                eprintln!(
                    "{at}: frame, AID {}, {} bytes",
                    dsm.aid.value(),
                    dsm.payload.len()
                );
                dsm.payload
            }
            Unit::Message(message) => message,
        };
        match MessageFrame::decode_prefix(message, self.profile) {
            Ok((value, len)) => {
                if len < message.len() {
                    eprintln!("{at}: {} bytes behind the message", message.len() - len);
                }
                self.shown += 1;
                self.print(&value)
            }
            Err(error) => {
                self.refused += 1;
                eprintln!("{at}: {error}");
                Ok(())
            }
        }
    }

    fn print(&self, value: &MessageFrame<'_>) -> io::Result<()> {
        let mut text = serde_json::to_vec(value)?;
        if self.pretty {
            let value: Value = json::read(&text).map_err(io::Error::other)?;
            text = serde_json::to_vec_pretty(&value)?;
        }
        text.push(b'\n');
        io::stdout().lock().write_all(&text)
    }
}

enum Unit<'a> {
    Frame(network::Dsm<'a>),
    Message(&'a [u8]),
}

/// A frame is told from a message by its header: the version is right, the length is exactly that
/// of the payload, and the AID is one that carries a message.
fn message_of(bytes: &[u8]) -> Unit<'_> {
    let adaptations = [Adaptation::Present, Adaptation::Absent];
    let frames = adaptations.into_iter().filter_map(|adaptation| {
        let dsm = network::parse(bytes, adaptation, usize::from(u16::MAX)).ok()?;
        let carries_message = dsm.trailing_length == 0 && dsm.kind().is_ok();
        carries_message.then_some(dsm)
    });
    match frames.into_iter().next() {
        Some(dsm) => Unit::Frame(dsm),
        None => Unit::Message(bytes),
    }
}
