//! Counts the instructions that a message takes.
//!
//! Without options: those of our hot paths under valgrind, held against the figures in
//! `instructions.json`; fails when one has grown. `--write` puts what was counted there: that is
//! how a figure is changed on purpose.
//!
//! `--aarch64 DRIVE`: those of all codecs on another processor, under qemu, where DRIVE is the
//! program `drive` of this package built for it.

#![allow(clippy::print_stdout, reason = "the figures")]

#[path = "instructions/counter.rs"]
mod counter;
#[path = "instructions/verdict.rs"]
mod verdict;

use std::collections::BTreeMap;
use std::path::Path;
use std::{env, error::Error, fs};

use codec_benchmark::messages::{Message, Messages};
use codec_benchmark::peers::{Asn1Codecs, Rasn, asn1c};
use codec_benchmark::{Codec, Ours, Work};
use counter::Counter;
use verdict::Figures;

fn main() -> Result<(), Box<dyn Error>> {
    // The first is the program, and cargo adds an option of its own.
    let arguments: Vec<_> = env::args()
        .skip(1)
        .filter(|argument| argument != "--bench")
        .collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => guard(false),
        ["--write"] => guard(true),
        ["--aarch64", drive] => emulate(drive),
        _ => Err("there are --write and --aarch64 DRIVE".into()),
    }
}

/// So many messages of a kind are enough where every instruction counts the same.
const GUARDED_MESSAGES: usize = 48;
/// Under qemu each instruction is a line of text.
const EMULATED_MESSAGES: usize = 12;

fn guard(write: bool) -> Result<(), Box<dyn Error>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("instructions.json");
    let counter = Counter::valgrind(&[env!("CARGO_BIN_EXE_drive"), Ours::NAME]);
    let mut counted = Figures::new();
    for (work, kind) in hot_paths() {
        let messages = sample(kind, GUARDED_MESSAGES);
        let name = format!("{} {kind:?}", work.id()).to_lowercase();
        let count = counter.count(work, &messages)?;
        println!("{name:14} {count:7} instructions a message");
        counted.insert(name, count);
    }
    if write {
        return Ok(fs::write(
            path,
            serde_json::to_string_pretty(&counted)? + "\n",
        )?);
    }
    let figures: Figures = serde_json::from_str(&fs::read_to_string(path)?)?;
    let faults = verdict::judge(&figures, &counted);
    if faults.is_empty() {
        println!(
            "No hot path has grown by more than {} %.",
            verdict::GROWTH_MAX_PERCENT
        );
        return Ok(());
    }
    Err(format!(
        "{}\nIf that is meant: cargo bench -p codec-benchmark --bench instructions -- --write",
        faults.join("\n")
    )
    .into())
}

fn hot_paths() -> impl Iterator<Item = (Work, rsu_firmware::network::MessageKind)> {
    let works = Work::COMPARED.into_iter().chain([Work::Handle]);
    works.flat_map(|work| work.kinds().iter().map(move |kind| (work, *kind)))
}

/// Some of the messages of a kind, spread over all of them.
fn sample(kind: rsu_firmware::network::MessageKind, count: usize) -> Vec<Message> {
    let messages = Messages::bundled().of(kind);
    let step = messages.len().div_ceil(count).max(1);
    messages.into_iter().step_by(step).collect()
}

fn emulate(drive: &str) -> Result<(), Box<dyn Error>> {
    let mut counters = BTreeMap::new();
    for (at, name) in [Ours::NAME, Asn1Codecs::NAME, Rasn::NAME]
        .into_iter()
        .enumerate()
    {
        counters.insert((at, name), Counter::qemu_aarch64(&[drive, name]));
    }
    match counter::asn1c_driver(drive)? {
        Ok(driver) => {
            counters.insert((3, asn1c::NAME), Counter::qemu_aarch64(&[&driver]));
        }
        Err(missing) => println!("asn1c is left out: {missing}.\n"),
    }
    let names: Vec<_> = counters.keys().map(|(_, name)| *name).collect();
    println!("| work | message | {} |", names.join(" | "));
    println!("|---|---|{}", "---|".repeat(names.len()));
    for (work, kind) in hot_paths().filter(|(work, _)| *work != Work::Handle) {
        let messages = sample(kind, EMULATED_MESSAGES);
        let counts: Result<Vec<_>, _> = counters
            .values()
            .map(|counter| counter.count(work, &messages))
            .collect();
        let counts = counts?;
        let ours = counts.first().copied().unwrap_or_default().max(1);
        let cell = |count: &u64| match *count == ours {
            true => count.to_string(),
            false => format!("{count} ({:.1} x)", *count as f64 / ours as f64),
        };
        let cells: Vec<_> = counts.iter().map(cell).collect();
        let kind = format!("{kind:?}").to_uppercase();
        println!("| {} | {kind} | {} |", work.name(), cells.join(" | "));
    }
    Ok(())
}
