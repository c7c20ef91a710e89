//! The last lines, for the upload of logs that the platform may ask for.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tracing_subscriber::fmt::MakeWriter;

/// Bytes that are kept.
pub const RECENT_BYTES_MAX: usize = 1 << 20;

/// The last lines that were logged, oldest first.
#[derive(Clone, Debug, Default)]
pub struct RecentLines(Arc<Mutex<VecDeque<u8>>>);

impl RecentLines {
    /// The lines now; whole ones only.
    pub fn read(&self) -> Vec<u8> {
        self.lines().iter().copied().collect()
    }

    fn lines(&self) -> MutexGuard<'_, VecDeque<u8>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Is given whole lines.
impl Write for RecentLines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut lines = self.lines();
        let len = line.len();
        if len > RECENT_BYTES_MAX {
            return Ok(len);
        }
        while lines.len() + len > RECENT_BYTES_MAX {
            let end = lines.iter().position(|byte| *byte == b'\n');
            let first_line = end.map_or(lines.len(), |end| end + 1);
            lines.drain(..first_line);
        }
        lines.extend(line);
        Ok(len)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for RecentLines {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_lines_make_room_as_a_whole() {
        let mut lines = RecentLines::default();
        for number in 0..200_000 {
            writeln!(lines.make_writer(), "line {number}").unwrap();
            assert!(lines.lines().len() <= RECENT_BYTES_MAX);
        }
        lines.flush().unwrap();
        let text = String::from_utf8(lines.read()).unwrap();
        assert!(text.len() > RECENT_BYTES_MAX - 20);
        assert!(text.starts_with("line "));
        assert!(text.ends_with("line 199999\n"));
    }

    #[test]
    fn a_line_that_is_longer_than_everything_is_not_kept() {
        let mut lines = RecentLines::default();
        lines.write_all(b"kept\n").unwrap();
        lines.write_all(&vec![b'x'; RECENT_BYTES_MAX + 1]).unwrap();
        assert_eq!(lines.read(), b"kept\n");
    }
}
