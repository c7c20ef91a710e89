//! Commands that answer every line of stdin by one line on stdout.

use std::io::{self, BufRead, Read, Write};

use super::Failure;

/// The longest line, in bytes: no message is nearly as long, in hex or as JER.
const LINE_BYTES_MAX: u64 = 64 << 20;

/// Answers each line as soon as it has come; `answer` writes the answer without its end of line.
///
/// # Errors
/// Those of stdin, stdout and `answer`, and a line longer than [`LINE_BYTES_MAX`].
pub(super) fn answer_every_line(
    mut answer: impl FnMut(&[u8], &mut dyn Write) -> io::Result<()>,
) -> Result<(), Failure> {
    let mut input = io::stdin().lock();
    let mut output = io::BufWriter::new(io::stdout().lock());
    let mut line = Vec::new();
    loop {
        line.clear();
        let limited = &mut input.by_ref().take(LINE_BYTES_MAX);
        if limited.read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        if limited.limit() == 0 {
            return Err(format!("a line of {LINE_BYTES_MAX} bytes or more").into());
        }
        answer(&line, &mut output)?;
        output.write_all(b"\n")?;
        // Whoever sends a line and waits for its answer shall get it.
        output.flush()?;
    }
}
