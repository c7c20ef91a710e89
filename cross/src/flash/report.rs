//! What has become of each unit, for people (Markdown) or programs (JSON).

use std::fmt::Write as _;
use std::path::Path;

use super::Outcome;
use super::fleet::Result as UnitResult;
use crate::error::{Doing, Error};

/// Writes a report; a name that ends with `.json` asks for JSON.
///
/// # Errors
///
/// The file cannot be written.
pub fn write(path: &Path, version: &str, results: &[UnitResult]) -> Result<(), Error> {
    let text = match path
        .extension()
        .is_some_and(|extension| extension == "json")
    {
        true => json(version, results).map_err(|error| Error::content(path, error))?,
        false => markdown(version, results),
    };
    std::fs::write(path, text).doing("write", path)
}

fn json(version: &str, results: &[UnitResult]) -> serde_json::Result<String> {
    let report = serde_json::json!({"version": version, "units": results});
    serde_json::to_string_pretty(&report).map(|text| text + "\n")
}

/// A table with a line for each unit, and a sum.
pub fn markdown(version: &str, results: &[UnitResult]) -> String {
    let good = results
        .iter()
        .filter(|result| result.outcome.is_good())
        .count();
    let mut text = format!(
        "# Update to {version}\n\n{good} of {} units run it.\n\n",
        results.len()
    );
    text.push_str("| wave | unit | outcome |\n|---|---|---|\n");
    for UnitResult {
        wave,
        unit,
        outcome,
    } in results
    {
        let told = told(outcome).replace('\n', " ").replace('|', "\\|");
        let _ = writeln!(text, "| {wave} | {unit} | {told} |");
    }
    text
}

/// An outcome in words.
pub fn told(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Updated { from } => format!("updated from {from}, confirmed"),
        Outcome::UpToDate => "ran it already".into(),
        Outcome::FellBack { version } => format!("FELL BACK to {version}"),
        Outcome::Refused { reason } => format!("REFUSED: {reason}"),
        Outcome::Unreachable { reason } => format!("unreachable: {reason}"),
        Outcome::Unproven { version } => {
            format!("UNPROVEN: runs {version}, which is not healthy; see its self-check")
        }
        Outcome::Lost => "LOST: has not restarted, or not come back".into(),
        Outcome::NotTried => "not tried".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn results() -> Vec<UnitResult> {
        let result = |wave: &str, unit: &str, outcome| UnitResult {
            wave: wave.into(),
            unit: unit.into(),
            outcome,
        };
        vec![
            result(
                "canary",
                "rsu-1",
                Outcome::Updated {
                    from: "0.1.0".into(),
                },
            ),
            result(
                "north",
                "rsu-2",
                Outcome::Refused {
                    reason: "a|b\nc".into(),
                },
            ),
        ]
    }

    #[test]
    fn people_get_a_line_for_each_unit() {
        let text = markdown("0.2.0", &results());
        assert!(text.contains("1 of 2 units run it."), "{text}");
        assert!(
            text.contains("| canary | rsu-1 | updated from 0.1.0, confirmed |"),
            "{text}"
        );
        assert!(
            text.contains("| north | rsu-2 | REFUSED: a\\|b c |"),
            "{text}"
        );
    }

    #[test]
    fn programs_get_the_same_as_json() {
        let report: serde_json::Value =
            serde_json::from_str(&json("0.2.0", &results()).unwrap()).unwrap();
        assert_eq!(report["version"], "0.2.0");
        assert_eq!(report["units"][0]["outcome"], "updated");
        assert_eq!(report["units"][1]["reason"], "a|b\nc");
    }
}
