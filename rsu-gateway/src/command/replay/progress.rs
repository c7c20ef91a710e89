//! What a replay tells people: how far it is, and what it saw.

use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use rsu_firmware::time::Timestamp;

use crate::radio::trace::Trace;
use crate::station::Station;

const SHOW_INTERVAL: Duration = Duration::from_millis(250);
/// The clock is not looked at for every frame.
const FRAMES_PER_LOOK: u64 = 256;

pub(super) struct Progress {
    name: String,
    terminal: bool,
    started: Instant,
    shown: Instant,
    frames: u64,
    first: Option<Timestamp>,
    last: Timestamp,
}

impl Progress {
    pub(super) fn new(trace: &Path) -> Self {
        let now = Instant::now();
        Self {
            name: trace.display().to_string(),
            terminal: io::stderr().is_terminal(),
            started: now,
            shown: now,
            frames: 0,
            first: None,
            last: Timestamp::default(),
        }
    }

    pub(super) fn count(&mut self, time: Timestamp) {
        self.frames += 1;
        self.first.get_or_insert(time);
        self.last = time;
    }

    pub(super) fn is_due(&mut self) -> bool {
        self.frames.is_multiple_of(FRAMES_PER_LOOK) && self.shown.elapsed() >= SHOW_INTERVAL
    }

    /// Shows how far the replay is, where somebody is watching.
    pub(super) fn show(&mut self, trace: &Trace) {
        self.shown = Instant::now();
        if !self.terminal {
            return;
        }
        let share = trace
            .length_bytes()
            .filter(|length| *length > 0)
            .map(|length| {
                let done = trace.position_bytes().min(length);
                format!("{:3} %, ", done * 100 / length)
            });
        let mut stderr = io::stderr().lock();
        // Nothing is lost if the terminal is gone.
        let _ = write!(
            stderr,
            "\r\x1b[K{}: {}{} frames, {:.0} frames/s",
            self.name,
            share.unwrap_or_default(),
            self.frames,
            self.rate(),
        );
        let _ = stderr.flush();
    }

    pub(super) fn summarise(&self, station: &mut Station, trace: &Trace, interrupted: bool) {
        if self.terminal {
            eprint!("\r\x1b[K");
        }
        let recorded = self
            .first
            .map_or(0.0, |first| (self.last - first).as_secs_f64());
        let ended = if interrupted { ", interrupted" } else { "" };
        eprintln!(
            "{}: {} packets, {recorded:.1} s recorded{ended}",
            self.name,
            trace.packets()
        );
        eprintln!(
            "{} frames in {:.3} s: {:.0} frames/s",
            self.frames,
            self.started.elapsed().as_secs_f64(),
            self.rate()
        );
        let delivered: Vec<_> = station
            .delivered()
            .map(|(kind, count)| (kind.name(), count))
            .collect();
        table("messages", &delivered);
        table(
            "packets without a frame",
            &raised(trace.skipped().map(|(s, n)| (s.name(), n))),
        );
        table("drops and omissions", &raised(station.drops().into_iter()));
        if let Some(reporting) = station.reporting() {
            table("reports", &raised(reporting.published().entries()));
            let uplink = reporting.uplink();
            let live: u64 = uplink.live.iter().map(|(_, live)| live.published).sum();
            let waiting = uplink.outbox_sum(|outbox| outbox.held.records);
            eprintln!(
                "uplink: {} live publishes sent, {} records acknowledged, {waiting} still waiting",
                live,
                uplink.outbox_sum(|outbox| outbox.acknowledged)
            );
            if let Some(error) = uplink.last_error.filter(|_| uplink.connections == 0) {
                eprintln!("uplink: never connected: {error}");
            }
        }
    }

    fn rate(&self) -> f64 {
        self.frames as f64 / self.started.elapsed().as_secs_f64().max(1e-9)
    }
}

fn raised<'n>(counts: impl Iterator<Item = (&'n str, u64)>) -> Vec<(&'n str, u64)> {
    counts.filter(|(_, count)| *count > 0).collect()
}

fn table(title: &str, counts: &[(&str, u64)]) {
    if counts.is_empty() {
        eprintln!("{title}: none");
        return;
    }
    eprintln!("{title}:");
    for (name, count) in counts {
        eprintln!("  {name:<28} {count:>10}");
    }
}
