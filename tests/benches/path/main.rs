//! The whole path, from UDP socket to MQTT socket: frames per second, latency, processor and memory
//! of `rsu run`, beside a straightforward pipeline of asn1-codecs, serde_json and rumqttc.
//!
//! ```text
//! cargo bench -p tests --bench path               all of it, in less than half an hour
//! cargo bench -p tests --bench path -- --smoke    one short run of each, to see that it works
//! cargo bench -p tests --bench path -- --rate N  one run of each, so many frames a second
//! ```
//!
//! Both are processes of their own, single-threaded where they handle frames, built alike, and are
//! offered the same traffic over loopback, by the subframe of 1 ms as a radio hands it over: vehicles
//! that send ten times a second, lights, and a map.
//! Like for like is every frame published at once at QoS 0: the latency is from the `send` of the
//! frame's datagram until the publish that carries it was read from the broker's socket. Ours also
//! fuses, and publishes the fused junction ten times a second besides. What it does unless
//! configured otherwise is measured, too: everything is fused, and of single messages so many go up
//! as the platform's contract has it, BSMs in lists of up to 100 ms.

#![expect(clippy::print_stdout, reason = "the tables are the result")]

mod offer;
mod run;
mod sink;
mod straightforward;
mod subject;

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;
use std::{env, fs};

use clap::Parser;
use rsu_gateway::command::Arguments;
use tests::figure::{Curve, Figure};

use run::{Outcome, run};
use subject::Program;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments[..] {
        ["rsu", ..] => return Arguments::parse_from(arguments).run(),
        ["straightforward", listen, broker] => straightforward(listen, broker),
        _ if arguments.contains(&"--smoke") => smoke(),
        ["--rate", rate, ..] => at_rate(rate),
        _ => measure(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn straightforward(listen: &str, broker: &str) -> Result<(), Box<dyn Error>> {
    straightforward::run(listen.parse()?, broker.parse()?)
}

fn smoke() -> Result<(), Box<dyn Error>> {
    print_head();
    for program in Program::ALL {
        let outcome = run(program, 100, Duration::from_millis(500))?;
        print_row(program, &outcome);
        if outcome.lost > 0 || outcome.first_frame.is_zero() {
            return Err(format!("{}: {} frames lost", program.name(), outcome.lost).into());
        }
    }
    Ok(())
}

fn at_rate(rate: &str) -> Result<(), Box<dyn Error>> {
    let rate = rate
        .parse()
        .map_err(|error| format!("--rate {rate}: {error}"))?;
    print_head();
    for program in Program::ALL {
        print_row(program, &run(program, rate, TIME)?);
    }
    Ok(())
}

/// Of 10, 100, 500 and 1 000 vehicles.
const RATES: [u32; 4] = [100, 1_000, 5_000, 10_000];
const TIME: Duration = Duration::from_secs(8);

fn measure() -> Result<(), Box<dyn Error>> {
    print_head();
    for rate in RATES {
        for program in Program::ALL {
            print_row(program, &run(program, rate, TIME)?);
        }
    }
    println!("\nUp to saturation:\n");
    print_head();
    let curves = Program::ALL.map(up_to_saturation).into_iter();
    let curves: Vec<Curve> = curves.collect::<Result<_, _>>()?;
    let figure = Figure {
        title: "Work for frames, up to saturation".into(),
        x_label: "frames per second".into(),
        y_label: "share of one processor, %".into(),
        curves,
    };
    let figures = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/figures");
    fs::create_dir_all(&figures)?;
    Ok(fs::write(figures.join("rate.svg"), figure.svg())?)
}

const RATE_MIN: u32 = 1_000;
const RATE_MAX: u32 = 2_048_000;
const STEP_TIME: Duration = Duration::from_secs(3);
/// A program is saturated where it loses more, each time it is tried: this machine has others to
/// serve, which lets a buffer run over now and then.
const LOSS_MAX: f64 = 0.001;
const TRIES: usize = 3;

/// Rates that are tried between the last that it took in and the first that it did not.
const REFINEMENTS: usize = 3;

/// Offers more and more until too many are lost, or no more can be offered; then halves what lies
/// between.
fn up_to_saturation(program: Program) -> Result<Curve, Box<dyn Error>> {
    let mut points = Vec::new();
    let mut rate = RATE_MIN;
    let (mut most, mut too_many) = (0, None);
    while rate <= RATE_MAX && too_many.is_none() {
        match taken_in(program, rate)? {
            Some(outcome) => {
                points.push((outcome.rate, 100.0 * outcome.cpu));
                most = rate;
                if outcome.rate < 0.9 * f64::from(rate) {
                    println!("No more can be offered.");
                    break;
                }
            }
            None => too_many = Some(rate),
        }
        rate += rate / if rate < 8_000 { 1 } else { 4 };
    }
    let mut too_many = too_many.unwrap_or(most);
    for _ in 0..REFINEMENTS {
        let between = most.midpoint(too_many);
        if between == most {
            break;
        }
        match taken_in(program, between)? {
            Some(outcome) => {
                points.push((outcome.rate, 100.0 * outcome.cpu));
                most = between;
            }
            None => too_many = between,
        }
    }
    let name = program.name().to_owned();
    let loss = 100.0 * LOSS_MAX;
    println!("{name}: {most} frames/s with at most {loss} % lost.");
    Ok(Curve { name, points })
}

/// The first of some tries in which hardly anything is lost.
fn taken_in(program: Program, rate: u32) -> Result<Option<Outcome>, Box<dyn Error>> {
    for _ in 0..TRIES {
        let outcome = run(program, rate, STEP_TIME)?;
        print_row(program, &outcome);
        if outcome.loss() <= LOSS_MAX {
            return Ok(Some(outcome));
        }
    }
    Ok(None)
}

fn print_head() {
    println!(
        "| frames/s | program | lost | p50 | p99 | p99.9 | max | processor | memory | first frame after |\n\
         |---:|---|---:|---:|---:|---:|---:|---:|---:|---:|"
    );
}

fn print_row(program: Program, outcome: &Outcome) {
    let [p50, p99, p999, max] = [0.5, 0.99, 0.999, 1.0].map(|share| {
        let latency = outcome.latency(share);
        latency.map_or("".to_owned(), |latency| {
            format!("{:.2} ms", latency.as_secs_f64() * 1e3)
        })
    });
    let dropped = outcome.dropped.iter().filter(|(_, count)| **count > 0);
    let dropped: String = dropped
        .map(|(reason, count)| format!("; {reason} {count}"))
        .collect();
    println!(
        "| {:.0} | {} | {} of {}{dropped} | {p50} | {p99} | {p999} | {max} | {:.1} % | {:.1} MB | {:.0} ms |",
        outcome.rate,
        program.name(),
        outcome.lost,
        outcome.sent,
        100.0 * outcome.cpu,
        outcome.resident_bytes as f64 / 1e6,
        outcome.first_frame.as_secs_f64() * 1e3,
    );
}
