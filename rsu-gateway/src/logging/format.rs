//! What a line looks like.

use std::fmt;
use std::io::{self, Write};

use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::{Format, Full, Writer};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, MakeWriter};
use tracing_subscriber::registry::LookupSpan;

/// Whether stderr leads to the journal: systemd says so by the device and inode of the socket.
pub(super) fn stderr_is_journal() -> bool {
    let told = std::env::var("JOURNAL_STREAM").unwrap_or_default();
    let file = rustix::fs::fstat(io::stderr());
    file.is_ok_and(|file| told == format!("{}:{}", file.st_dev, file.st_ino))
}

/// A line for the journal: the priority of `sd-daemon(3)`, no time, for the journal has its own.
#[derive(Debug)]
pub(super) struct Journal(Format<Full, ()>);

impl Default for Journal {
    fn default() -> Self {
        Self(Format::default().without_time().with_level(false))
    }
}

impl<S, N> FormatEvent<S, N> for Journal
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        write!(writer, "<{}>", priority(*event.metadata().level()))?;
        self.0.format_event(context, writer, event)
    }
}

/// Of `syslog(3)`.
fn priority(level: Level) -> u8 {
    match level {
        Level::ERROR => 3,
        Level::WARN => 4,
        Level::INFO => 6,
        _ => 7,
    }
}

/// Longer lines are cut.
const LINE_BYTES_MAX: usize = 8 << 10;

/// Makes one line of each event, whatever line breaks received data has brought into it: nobody
/// outside writes lines of the log.
#[derive(Clone, Debug)]
pub(super) struct OneLine<W>(pub(super) W);

impl<'a, W: MakeWriter<'a>> MakeWriter<'a> for OneLine<W> {
    type Writer = OneLineWriter<W::Writer>;

    fn make_writer(&'a self) -> Self::Writer {
        OneLineWriter(self.0.make_writer())
    }
}

/// Is given a whole event at a time.
#[derive(Debug)]
pub(super) struct OneLineWriter<W>(W);

impl<W: Write> Write for OneLineWriter<W> {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let text = event.strip_suffix(b"\n").unwrap_or(event);
        let text = text.get(..LINE_BYTES_MAX).unwrap_or(text);
        let mut line = Vec::with_capacity(text.len() + 1);
        for byte in text {
            match byte {
                b'\n' => line.extend_from_slice(b"\\n"),
                b'\r' => line.extend_from_slice(b"\\r"),
                byte => line.push(*byte),
            }
        }
        line.push(b'\n');
        self.0.write_all(&line)?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::logging::recent::RecentLines;
    use tracing_subscriber::layer::SubscriberExt;

    fn logged(say: impl FnOnce()) -> String {
        let lines = RecentLines::default();
        let layer = tracing_subscriber::fmt::layer()
            .event_format(Journal::default())
            .with_ansi(false)
            .with_writer(OneLine(lines.clone()));
        let subscriber = tracing_subscriber::registry().with(layer);
        tracing::subscriber::with_default(subscriber, say);
        String::from_utf8(lines.read()).unwrap()
    }

    #[test]
    fn a_line_for_the_journal_begins_with_its_priority() {
        let lines = logged(|| {
            tracing::error!(target: "rsu", "broken");
            tracing::warn!(target: "rsu", count = 3, "odd");
            tracing::info!(target: "rsu", "well");
            tracing::debug!(target: "rsu", "so");
        });
        let expected = "<3>rsu: broken\n<4>rsu: odd count=3\n<6>rsu: well\n<7>rsu: so\n";
        assert_eq!(lines, expected);
    }

    #[test]
    fn received_data_writes_no_lines() {
        let lines = logged(|| tracing::info!(target: "rsu", "topic a\n<0>rsu: forged\r\n"));
        assert_eq!(lines.lines().count(), 1, "{lines}");
    }

    #[test]
    fn a_line_has_an_end() {
        let lines = logged(|| tracing::info!("{}", "x".repeat(1 << 20)));
        assert_eq!(lines.len(), LINE_BYTES_MAX + 1);
    }
}
