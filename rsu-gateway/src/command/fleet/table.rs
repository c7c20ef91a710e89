//! What the fleet tells people: a table that is redrawn every second, and a summary.

use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use super::reading::{Reading, Row};

/// Where nobody watches, one line is written so often.
const LINE_INTERVAL: Duration = Duration::from_secs(10);

/// Draws over itself in a terminal.
pub(super) struct Table {
    terminal: bool,
    first: Reading,
    /// The latest two.
    before: Reading,
    latest: Reading,
    lines_drawn: usize,
    next_line: Instant,
}

impl Table {
    pub(super) fn new(first: Reading) -> Self {
        Self {
            terminal: io::stderr().is_terminal(),
            next_line: first.at + LINE_INTERVAL,
            before: first.clone(),
            latest: first.clone(),
            first,
            lines_drawn: 0,
        }
    }

    /// Shows what has happened since the last time.
    pub(super) fn show(&mut self, now: Reading) {
        self.before = std::mem::replace(&mut self.latest, now);
        if self.terminal {
            let text = self.text();
            self.draw(&text);
        } else if self.latest.at >= self.next_line {
            self.next_line += LINE_INTERVAL;
            eprintln!("{}", self.line());
        }
    }

    /// What it has come to in the end.
    pub(super) fn summary(&self, last: &Reading) -> String {
        let time_s = (last.at - self.first.at).as_secs_f64();
        let frames = last.sum(|unit| unit.radio.frames);
        let mut text = format!(
            "{} of {} units connected, {} connections lost, {} records came again\n\
             {frames} frames in {time_s:.0} s: {:.0} a second; {} dropped, {} left out, {} late\n",
            last.connected(),
            last.units.len(),
            reconnections(last),
            last.repeated(),
            frames as f64 / time_s,
            last.sum(|unit| unit.frames_dropped),
            last.sum(|unit| unit.radio.left_out),
            last.sum(|unit| unit.radio.late),
        );
        text.push_str(&columns(&last.rows(&self.first, last), time_s, "lost"));
        text
    }

    fn text(&self) -> String {
        let Self { before, latest, .. } = self;
        let interval_s = (latest.at - before.at).as_secs_f64();
        let frames = latest.sum(|unit| unit.radio.frames);
        let frames_before = before.sum(|unit| unit.radio.frames);
        let mut text = format!(
            "rsu fleet, {} s: {} of {} units connected, {} connections lost, {:.0} frames/s, \
             {} late\n",
            (latest.at - self.first.at).as_secs(),
            latest.connected(),
            latest.units.len(),
            reconnections(latest),
            (frames - frames_before) as f64 / interval_s,
            latest.sum(|unit| unit.radio.late),
        );
        let rows = latest.rows(before, before);
        text.push_str(&columns(&rows, interval_s, "missing"));
        text
    }

    fn line(&self) -> String {
        let Self { before, latest, .. } = self;
        let interval_s = (latest.at - before.at).as_secs_f64();
        let all = Row::all(&latest.rows(before, before));
        let heard = all.as_ref().map_or(0, |all| all.heard);
        format!(
            "{:4} s: {} of {} units connected, {:.0} publishes/s heard, p99 {} ms, {} missing",
            (latest.at - self.first.at).as_secs(),
            latest.connected(),
            latest.units.len(),
            heard as f64 / interval_s,
            all.as_ref()
                .map_or(0, |all| all.latency_ms.value_at_quantile(0.99)),
            all.as_ref().map_or(0, |all| all.missing),
        )
    }

    fn draw(&mut self, text: &str) {
        let mut drawing = String::new();
        if self.lines_drawn > 0 {
            let _ = write!(drawing, "\x1b[{}A", self.lines_drawn);
        }
        for line in text.lines() {
            drawing.push_str(line);
            drawing.push_str("\x1b[K\n");
        }
        drawing.push_str("\x1b[J");
        self.lines_drawn = text.lines().count();
        // A terminal that is gone is no reason to stop.
        let mut stderr = io::stderr().lock();
        let _ = stderr.write_all(drawing.as_bytes());
        let _ = stderr.flush();
    }
}

fn reconnections(reading: &Reading) -> u64 {
    reading.sum(|unit| unit.connections.saturating_sub(1))
}

/// A row for each stream, and one for all.
fn columns(rows: &[Row], time_s: f64, missing: &str) -> String {
    let mut text = format!(
        "{:<20} {:>9} {:>9} {:>8} {:>9} {:>7} {:>7} {:>7} {missing:>8}\n",
        "stream", "made", "heard", "/s", "kB/s", "p50 ms", "p99 ms", "max ms"
    );
    for row in rows.iter().chain(&Row::all(rows)) {
        let of_latency = |quantile| match row.latency_ms.is_empty() {
            true => "-".to_owned(),
            false => row.latency_ms.value_at_quantile(quantile).to_string(),
        };
        let _ = writeln!(
            text,
            "{:<20} {:>9} {:>9} {:>8.1} {:>9.1} {:>7} {:>7} {:>7} {:>8}",
            row.stream,
            row.made,
            row.heard,
            row.heard as f64 / time_s,
            row.bytes as f64 / 1_000.0 / time_s,
            of_latency(0.5),
            of_latency(0.99),
            of_latency(1.0),
            row.missing,
        );
    }
    text
}
