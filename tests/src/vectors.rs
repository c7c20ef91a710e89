//! The test vectors in `vectors/`: messages in UPER beside what they mean in JER.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use flate2::read::GzDecoder;
use rsu_firmware::uper::Profile;
use serde_json::Value;

/// Messages without extension additions: 600 a profile.
pub const PLAIN: [&str; 2] = ["day1-ydt3709-2020", "day1-tcsae53-2019"];

/// Messages in which every extensible SEQUENCE carries additions that the schema does not know.
pub const UNKNOWN_ADDITIONS: &str = "day1-ydt3709-2020.unknown-additions";

/// A message on the wire and what a receiver must make of it.
#[derive(Debug, Clone)]
pub struct Vector {
    /// The profile it follows.
    pub profile: Profile,
    /// The MessageFrame in UPER.
    pub uper: Vec<u8>,
    /// The MessageFrame in JER.
    pub jer: Value,
}

/// Reads a file of vectors.
///
/// # Panics
/// If the file is not there or not as expected.
pub fn read(name: &str) -> Vec<Vector> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("vectors/{name}.jsonl.gz"));
    let file = File::open(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let lines = BufReader::new(GzDecoder::new(file)).lines();
    let parsed = lines.map(|line| parse(&line.map_err(|error| error.to_string())?));
    let vectors: Result<Vec<_>, _> = parsed.collect();
    vectors.unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn parse(line: &str) -> Result<Vector, String> {
    let mut vector: Value = serde_json::from_str(line).map_err(|error| error.to_string())?;
    let text = |member: &str| {
        vector[member]
            .as_str()
            .ok_or_else(|| format!("{line} lacks {member}"))
    };
    let name = text("profile")?;
    let profile = Profile::ALL
        .into_iter()
        .find(|profile| profile.name() == name);
    Ok(Vector {
        profile: profile.ok_or_else(|| format!("{name} is no profile"))?,
        uper: hex::decode(text("uper")?).map_err(|error| error.to_string())?,
        jer: vector["jer"].take(),
    })
}
