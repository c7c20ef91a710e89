//! What units and subscriber have counted until some moment, and what comes of two such moments.

use std::time::Instant;

use hdrhistogram::Histogram;

use super::tally::{Heard, Tally};
use super::unit::{LogBook, UnitFigures};
use crate::platform::Stream;

/// What was counted until some moment.
#[derive(Clone)]
pub(super) struct Reading {
    pub(super) at: Instant,
    pub(super) units: Vec<UnitFigures>,
    heard: Heard,
}

/// What happened on one stream between two readings.
pub(super) struct Row {
    pub(super) stream: &'static str,
    /// Publishes that the units made.
    pub(super) made: u64,
    /// Publishes that the subscriber heard.
    pub(super) heard: u64,
    /// Bytes of payload of these.
    pub(super) bytes: u64,
    /// How late they came.
    pub(super) latency_ms: Histogram<u64>,
    /// Publishes made before that have not been heard yet.
    pub(super) missing: u64,
}

impl Reading {
    pub(super) fn take(log_books: &[LogBook], tally: &Tally) -> Self {
        // What was made is read first, so that what is under way does not look like more heard.
        let units = log_books.iter().map(LogBook::read).collect();
        Self {
            at: Instant::now(),
            units,
            heard: tally.heard().clone(),
        }
    }

    /// What happened since `before`, stream by stream; only those on which something did. Missing
    /// is what had been made at `made` and has not been heard by now.
    pub(super) fn rows(&self, before: &Self, made: &Self) -> Vec<Row> {
        let mut missing = [0; Stream::ALL.len()];
        for unit in self.heard.missing(made.units.iter().map(|unit| &unit.made)) {
            for (sum, of_unit) in missing.iter_mut().zip(unit) {
                *sum += of_unit;
            }
        }
        let heard = self.heard.streams.iter().zip(&before.heard.streams);
        let rows = Stream::ALL.iter().zip(heard).zip(missing);
        let rows = rows.map(|((stream, (now, before_this)), missing)| {
            let mut latency_ms = now.latency_ms.clone();
            // The earlier one is part of the later one.
            let _ = latency_ms.subtract(&before_this.latency_ms);
            Row {
                stream: stream.name(),
                made: self.made(*stream).saturating_sub(before.made(*stream)),
                heard: now.publishes - before_this.publishes,
                bytes: now.bytes - before_this.bytes,
                latency_ms,
                missing,
            }
        });
        rows.filter(|row| row.made + row.heard + row.missing > 0)
            .collect()
    }

    /// Publishes made by all units, not heard yet, and the number of units of which some are.
    pub(super) fn missing(&self) -> (u64, usize) {
        let made = self.units.iter().map(|unit| &unit.made);
        let of_units = self.heard.missing(made);
        let of_units = of_units.map(|missing| missing.iter().sum::<u64>());
        of_units.fold((0, 0), |(sum, units), missing| {
            (sum + missing, units + usize::from(missing > 0))
        })
    }

    /// Publishes heard.
    pub(super) fn heard(&self) -> u64 {
        self.heard.publishes()
    }

    /// Records heard again.
    pub(super) fn repeated(&self) -> u64 {
        self.heard.repeated
    }

    /// Units that have been connected.
    pub(super) fn connected(&self) -> usize {
        self.units
            .iter()
            .filter(|unit| unit.connections > 0)
            .count()
    }

    /// The sum of one number over all units.
    pub(super) fn sum(&self, number: impl Fn(&UnitFigures) -> u64) -> u64 {
        self.units.iter().map(number).sum()
    }

    fn made(&self, stream: Stream) -> u64 {
        self.sum(|unit| unit.made.get(stream as usize).copied().unwrap_or(0))
    }
}

impl Row {
    /// All of `rows` in one.
    pub(super) fn all(rows: &[Self]) -> Option<Self> {
        let mut latency_ms = rows.first()?.latency_ms.clone();
        for row in rows.get(1..)? {
            // They have the same bounds.
            let _ = latency_ms.add(&row.latency_ms);
        }
        let sum = |number: fn(&Self) -> u64| rows.iter().map(number).sum();
        Some(Self {
            stream: "all",
            made: sum(|row| row.made),
            heard: sum(|row| row.heard),
            bytes: sum(|row| row.bytes),
            latency_ms,
            missing: sum(|row| row.missing),
        })
    }
}
