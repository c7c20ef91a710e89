//! The vectors and traces that lie beside the integration tests, and files of the test's own.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use rsu_firmware::network::{self, Adaptation, Aid, DSM_LENGTH_MAX, HEADER_LENGTH_MAX};
use rsu_gateway::radio::Radio;
use rsu_gateway::radio::trace::{Pace, Trace};
use serde::Deserialize;
use serde_json::Value;

pub(crate) const YDT3709_2020: &str = "ydt3709-2020";
pub(crate) const TCSAE53_2019: &str = "tcsae53-2019";
pub(crate) const PROFILES: [&str; 2] = [YDT3709_2020, TCSAE53_2019];

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests");

/// A message on the wire, in hex, and what it means.
#[derive(Deserialize)]
pub(crate) struct Vector {
    pub(crate) uper: String,
    pub(crate) jer: Value,
}

/// The vectors of a profile.
pub(crate) fn vectors(profile: &str) -> Vec<Vector> {
    let lines = lines(&format!("vectors/day1-{profile}.jsonl.gz"));
    lines
        .map(|line| serde_json::from_str(&line).unwrap())
        .collect()
}

/// One vector of that profile and kind, such as `spatFrame`.
pub(crate) fn vector(profile: &str, kind: &str) -> Vector {
    let mut vectors = vectors(profile).into_iter();
    vectors
        .find(|vector| vector.jer.get(kind).is_some())
        .unwrap()
}

impl Vector {
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let digits = self.uper.as_bytes().chunks(2);
        let byte = |digits| u8::from_str_radix(str::from_utf8(digits).unwrap(), 16).unwrap();
        digits.map(byte).collect()
    }
}

/// The file of a trace.
pub(crate) fn trace(name: &str) -> String {
    format!("{FOLDER}/traces/{name}.pcapng")
}

/// What is known of a trace that was simulated.
pub(crate) fn description(trace: &str) -> Value {
    let text = fs::read_to_string(format!("{FOLDER}/traces/{trace}.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// The truth of a trace: packet number and true upstream node of each BSM.
pub(crate) fn truth(trace: &str) -> Vec<(u64, Option<u64>)> {
    let mut lines = lines(&format!("traces/{trace}.truth.csv.gz"));
    let header = lines.next().unwrap();
    let column = |name| header.split(',').position(|column| column == name).unwrap();
    let (packet, link) = (column("packet"), column("link"));
    let row = |line: String| {
        let values: Vec<&str> = line.split(',').collect();
        (values[packet].parse().unwrap(), values[link].parse().ok())
    };
    lines.map(row).collect()
}

/// The frames of a capture.
pub(crate) async fn frames(capture: &Path) -> Vec<Vec<u8>> {
    let mut trace = Trace::open(capture, Pace::Max).unwrap();
    let mut frames = Vec::new();
    while let Some(frame) = trace.receive().await.unwrap() {
        frames.push(frame.received.bytes.to_vec());
    }
    frames
}

/// The frame that carries a message.
pub(crate) fn frame(aid: Aid, message: &[u8], adaptation: Adaptation) -> Vec<u8> {
    let mut frame = vec![0; HEADER_LENGTH_MAX + message.len()];
    let length = network::build(aid, message, adaptation, DSM_LENGTH_MAX, &mut frame).unwrap();
    frame.truncate(length);
    frame
}

/// Bytes in hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// An empty folder of the test's own.
pub(crate) fn folder(test: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(test);
    if folder.exists() {
        fs::remove_dir_all(&folder).unwrap();
    }
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// A file with these contents, in a folder of the test's own.
pub(crate) fn file(test: &str, contents: impl AsRef<[u8]>) -> String {
    let path = folder(test).join("file");
    fs::write(&path, contents).unwrap();
    path.to_str().unwrap().to_owned()
}

fn lines(gzipped: &str) -> impl Iterator<Item = String> + use<> {
    let file = File::open(format!("{FOLDER}/{gzipped}")).unwrap();
    BufReader::new(GzDecoder::new(file))
        .lines()
        .map(Result::unwrap)
}
