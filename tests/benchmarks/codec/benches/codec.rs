//! Ours and its peers at the same work on the same messages, in turn, in one run.
//!
//! `--rounds N` takes each median of N turns; `--write` puts the table into the README and the
//! figures beside this package.

#![allow(clippy::print_stdout, reason = "the table")]

#[path = "codec/arguments.rs"]
mod arguments;
#[path = "codec/table.rs"]
mod table;

use std::process::{Command, Stdio};
use std::{error::Error, hint::black_box};

use arguments::Arguments;
use codec_benchmark::drive::{self, Bench, Pass};
use codec_benchmark::messages::{Message, Messages};
use codec_benchmark::peers::{Asn1Codecs, Rasn, asn1c};
use codec_benchmark::{Codec, Ours, Work};
use table::{Figure, Row};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse()?;
    let messages = Messages::read();
    let mut rows = Vec::new();
    for work in Work::COMPARED {
        for kind in work.kinds() {
            let messages = messages.of(*kind);
            rows.push(Row {
                work,
                kind: *kind,
                messages: messages.len(),
                bytes: messages.iter().map(|message| message.bytes.len()).sum(),
                figures: compare(work, &messages, arguments.rounds)?,
            });
        }
    }
    let note = asn1c::DRIVER.err();
    let table = table::markdown(&rows, messages.recorded, note);
    println!("{table}");
    if arguments.write {
        table::write(&table, &rows)?;
    }
    Ok(())
}

/// How long a turn lasts at least.
const TURN_NANOSECONDS: u64 = 4_000_000;

/// A codec that takes its turns.
struct Contender {
    name: &'static str,
    pass: Box<dyn FnMut() -> Result<Pass, Box<dyn Error>>>,
    /// `None` if its own passes tell.
    allocations: Option<u64>,
    nanoseconds: Vec<u64>,
}

impl Contender {
    /// Works on all messages as often as fits into a turn. The first time is not counted: it warms
    /// caches up that the codec before has cooled down.
    fn take_turn(&mut self) -> Result<Pass, Box<dyn Error>> {
        let mut pass = (self.pass)()?;
        let (mut passes, mut nanoseconds) = (0, 0);
        while passes == 0 || nanoseconds < TURN_NANOSECONDS {
            pass = black_box((self.pass)()?);
            passes += 1;
            nanoseconds += pass.nanoseconds;
        }
        self.nanoseconds.push(nanoseconds / passes);
        self.allocations.get_or_insert(pass.allocations);
        Ok(pass)
    }
}

fn compare(work: Work, messages: &[Message], rounds: usize) -> Result<Vec<Figure>, Box<dyn Error>> {
    let mut contenders = vec![
        in_process::<Ours>(work, messages)?,
        in_process::<Asn1Codecs>(work, messages)?,
        in_process::<Rasn>(work, messages)?,
    ];
    if let Ok(driver) = asn1c::DRIVER {
        let mut asn1c = asn1c::Asn1c::start(driver, messages)?;
        contenders.push(Contender {
            name: asn1c::NAME,
            pass: Box::new(move || Ok(asn1c.pass(work)?)),
            allocations: None,
            nanoseconds: Vec::new(),
        });
    }
    let mut seen = None;
    for _ in 0..rounds {
        for contender in &mut contenders {
            let pass = contender.take_turn()?;
            if *seen.get_or_insert(pass.sum) != pass.sum {
                let name = contender.name;
                return Err(format!("{name} sees otherwise than ours: {work:?}").into());
            }
        }
    }
    let count = messages.len() as f64;
    let figure = |mut contender: Contender| {
        contender.nanoseconds.sort_unstable();
        let median = contender.nanoseconds.get(rounds / 2).copied();
        Figure {
            name: contender.name,
            nanoseconds: median.unwrap_or_default() as f64 / count,
            allocations: contender.allocations.unwrap_or_default() as f64 / count,
        }
    };
    Ok(contenders.into_iter().map(figure).collect())
}

fn in_process<C: Codec + 'static>(
    work: Work,
    messages: &[Message],
) -> Result<Contender, Box<dyn Error>> {
    let mut bench = Bench::<C>::new(messages)?;
    Ok(Contender {
        name: C::NAME,
        pass: Box::new(move || Ok(bench.pass(work))),
        allocations: Some(count_allocations(C::NAME, work, messages)?),
        nanoseconds: Vec::new(),
    })
}

/// How often a codec allocates when it works on every message once.
fn count_allocations(codec: &str, work: Work, messages: &[Message]) -> Result<u64, Box<dyn Error>> {
    let mut counter = Command::new(env!("CARGO_BIN_EXE_count-allocations"))
        .arg(codec)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    if let Some(mut input) = counter.stdin.take() {
        drive::write_messages(messages, &mut input)?;
        // What is allocated once and for all is not counted.
        std::io::Write::write_all(&mut input, &[work.order(), work.order()])?;
    }
    let output = counter.wait_with_output()?;
    let answers = String::from_utf8(output.stdout)?;
    let last = answers.lines().last().unwrap_or_default();
    Ok(last.parse::<Pass>()?.allocations)
}
