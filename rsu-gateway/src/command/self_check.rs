//! `rsu self-check`: whether the unit can do its work, and what to do where it cannot.

mod alone;

use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use serde::Deserialize;
use serde_json::json;
use ureq::Agent;

use super::{Failure, logging};
use crate::config::Config;
use crate::health::self_check::{Check, Need};

/// Check whether the unit can do its work: radio, time, uplink, spool.
///
/// Asks the unit that runs with this configuration, by its health endpoint; where none answers, the
/// checks are made on the spot. An update is kept only where the same checks are good.
#[derive(Debug, Args)]
pub(super) struct Options {
    /// The configuration of the unit.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,

    /// Write a JSON object instead of text.
    #[arg(long)]
    json: bool,
}

/// Longest time that a unit may take to answer.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(5);

pub(super) fn run(options: &Options, logging: &logging::Options) -> Result<(), Failure> {
    let config = Config::read(&options.config)?;
    // What goes wrong is told by the checks; the log would only repeat it.
    let _log = logging.start(Some("off"), None)?;
    let (asked, checks) = match config.health_listen().and_then(ask) {
        Some((address, checks)) => (format!("the unit that runs here, {address}"), checks),
        None => {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?;
            let checks = runtime.block_on(alone::checks(&config))?;
            ("no unit that runs: checked on the spot".to_owned(), checks)
        }
    };
    let mut out = io::stdout().lock();
    match options.json {
        true => writeln!(out, "{}", json!({"asked": asked, "checks": checks}))?,
        false => write_text(&mut out, &asked, &checks)?,
    }
    out.flush()?;
    let bad: Vec<_> = (checks.iter().filter(|check| !check.good))
        .map(|check| check.need.name())
        .collect();
    match bad.is_empty() {
        true => Ok(()),
        false => Err(format!("not good: {}", bad.join(", ")).into()),
    }
}

fn write_text(out: &mut impl Write, asked: &str, checks: &[Check]) -> io::Result<()> {
    writeln!(out, "Asked: {asked}")?;
    for check in checks {
        let (name, verdict) = (check.need.name(), if check.good { "good" } else { "BAD" });
        writeln!(out, "{name:<8}{verdict:<6}{}", check.seen)?;
        if !check.good {
            writeln!(out, "{:<14}To do: {}", "", check.advice)?;
        }
    }
    Ok(())
}

/// What `/health` says, as far as it matters here.
#[derive(Deserialize)]
struct Health {
    checks: Vec<Check>,
}

/// The checks of the unit that tells its health at `address`; `None` where there is none, or it
/// has not looked at itself yet.
fn ask(address: SocketAddr) -> Option<(SocketAddr, Vec<Check>)> {
    let agent: Agent = Agent::config_builder()
        .timeout_global(Some(ANSWER_TIME_MAX))
        .http_status_as_error(false)
        .proxy(None)
        .build()
        .into();
    let mut answer = agent.get(format!("http://{address}/health")).call().ok()?;
    let text = answer.body_mut().read_to_string().ok()?;
    let health: Health = serde_json::from_str(&text).ok()?;
    let is_whole = Need::ALL
        .iter()
        .all(|need| health.checks.iter().any(|check| check.need == *need));
    is_whole.then_some((address, health.checks))
}
