//! The figures as Markdown and as JSON.

use std::fmt::Write;
use std::path::Path;
use std::{error::Error, fs};

use codec_benchmark::Work;
use rsu_firmware::network::MessageKind;
use serde_json::{Map, json};

/// One kind of work on one kind of message.
pub(crate) struct Row {
    pub(crate) work: Work,
    pub(crate) kind: MessageKind,
    /// How many there are.
    pub(crate) messages: usize,
    /// How long all of them are together.
    pub(crate) bytes: usize,
    /// Ours first.
    pub(crate) figures: Vec<Figure>,
}

/// What one message costs a codec.
pub(crate) struct Figure {
    /// The codec.
    pub(crate) name: &'static str,
    /// The median of all turns of the mean over all messages.
    pub(crate) nanoseconds: f64,
    /// The mean over all messages.
    pub(crate) allocations: f64,
}

/// The table and what has to be said about it.
pub(crate) fn markdown(rows: &[Row], recorded: usize, missing: Option<&str>) -> String {
    let mut text = String::new();
    let names = rows.first().map_or(&[][..], |row| &row.figures);
    let names: Vec<_> = names.iter().map(|figure| figure.name).collect();
    text += &format!("| work | message | {} |\n", names.join(" | "));
    text += &format!("|---|---|{}\n", "---|".repeat(names.len()));
    for row in rows {
        let kind = format!("{:?}", row.kind).to_uppercase();
        let ours = row.figures.first().map_or(0.0, |ours| ours.nanoseconds);
        let _ = write!(text, "| {} | {kind} |", row.work.name());
        for (at, figure) in row.figures.iter().enumerate() {
            let allocations = figure.allocations.round();
            let nanoseconds = grouped(figure.nanoseconds.round() as u64);
            let _ = match at {
                0 => write!(text, " {nanoseconds} ns, {allocations} |"),
                _ => write!(
                    text,
                    " **{:.1} x** ({nanoseconds} ns, {allocations}) |",
                    figure.nanoseconds / ours
                ),
            };
        }
        text.push('\n');
    }
    let means = rows
        .iter()
        .filter(|row| row.work == Work::Decode)
        .map(|row| {
            let mean = row.bytes / row.messages.max(1);
            let kind = format!("{:?}", row.kind).to_uppercase();
            format!("{} {kind} of {mean} bytes in the mean", row.messages)
        });
    let means: Vec<_> = means.collect();
    let _ = write!(
        text,
        "\nEach figure: how many times longer than ours (time a message, allocations a message). \
         Messages: {}; {recorded} of them recorded by others.\n",
        means.join(", ")
    );
    if let Some(missing) = missing {
        let _ = writeln!(text, "asn1c is left out: {missing}.");
    }
    text
}

/// Digits in groups of three.
fn grouped(number: u64) -> String {
    match number {
        0..1_000 => number.to_string(),
        _ => format!("{} {:03}", grouped(number / 1_000), number % 1_000),
    }
}

const BEGIN: &str =
    "<!-- codec benchmark: written by `cargo bench`, as all up to the end mark -->\n";
const END: &str = "<!-- codec benchmark: end -->";

/// Puts the table between its marks in the README, and the figures beside this package.
pub(crate) fn write(table: &str, rows: &[Row]) -> Result<(), Box<dyn Error>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = folder.join("../../../README.md");
    let text = fs::read_to_string(&readme)?;
    let (before, rest) = text
        .split_once(BEGIN)
        .ok_or("the README lacks the begin mark")?;
    let (_, behind) = rest
        .split_once(END)
        .ok_or("the README lacks the end mark")?;
    fs::write(readme, format!("{before}{BEGIN}\n{table}\n{END}{behind}"))?;

    let rows: Vec<_> = rows.iter().map(json).collect();
    let json = serde_json::to_string_pretty(&rows)? + "\n";
    Ok(fs::write(folder.join("figures.json"), json)?)
}

fn json(row: &Row) -> serde_json::Value {
    let rounded = |value: f64| (value * 10.0).round() / 10.0;
    let figure = |figure: &Figure| {
        let value = json!({
            "nanoseconds": rounded(figure.nanoseconds),
            "allocations": rounded(figure.allocations),
        });
        (figure.name.to_owned(), value)
    };
    json!({
        "work": row.work.id(),
        "message": format!("{:?}", row.kind).to_lowercase(),
        "messages": row.messages,
        "bytes": row.bytes,
        "codecs": row.figures.iter().map(figure).collect::<Map<_, _>>(),
    })
}
