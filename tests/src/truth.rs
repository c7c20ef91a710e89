//! What really happened in the simulated traces, beside which the fusion is held.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;

/// The capture of a trace in `traces/`.
pub fn capture(trace: &str) -> PathBuf {
    folder().join(format!("{trace}.pcapng"))
}

/// What really was at the time of one BSM.
#[derive(Clone, Debug)]
pub struct Truth {
    /// Where the vehicle was, if on an approach.
    pub place: Option<Place>,
}

/// A place on an approach.
#[derive(Clone, Debug)]
pub struct Place {
    /// The upstream node.
    pub link: u16,
    /// The laneID of the MAP.
    pub lane: u8,
    /// Front bumper to stop line along the lane, in m.
    pub distance_m: f64,
    /// The phase that governs the vehicle.
    pub phase: u8,
    /// Its light, as the standard names it.
    pub light: String,
    /// Until it changes, in s.
    pub change_s: f64,
}

/// The truth of a trace by packet number.
///
/// # Panics
/// If the file is not there or not as expected.
pub fn read(trace: &str) -> BTreeMap<u64, Truth> {
    let path = folder().join(format!("{trace}.truth.csv.gz"));
    let file = File::open(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut lines = BufReader::new(GzDecoder::new(file))
        .lines()
        .map(|line| line.unwrap_or_else(|error| panic!("{}: {error}", path.display())));
    let header = lines.next().unwrap_or_default();
    let names: Vec<&str> = header.split(',').collect();
    lines
        .map(|line| {
            let row: BTreeMap<&str, &str> = names.iter().copied().zip(line.split(',')).collect();
            parse(&row).unwrap_or_else(|| panic!("{}: {line}", path.display()))
        })
        .collect()
}

fn parse(row: &BTreeMap<&str, &str>) -> Option<(u64, Truth)> {
    let packet = row.get("packet")?.parse().ok()?;
    if row.get("link")?.is_empty() {
        return Some((packet, Truth { place: None }));
    }
    let place = Place {
        link: row.get("link")?.parse().ok()?,
        lane: row.get("lane")?.parse().ok()?,
        distance_m: row.get("distance_to_stop_m")?.parse().ok()?,
        phase: row.get("phase_id")?.parse().ok()?,
        light: (*row.get("light")?).to_owned(),
        change_s: row.get("seconds_to_change")?.parse().ok()?,
    };
    Some((packet, Truth { place: Some(place) }))
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("traces")
}
