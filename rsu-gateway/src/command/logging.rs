//! Logs: what is said on stderr while the program works.

use std::env;
use std::io::{self, IsTerminal};

use clap::Args;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use super::Failure;
use crate::config::LogFormat;

/// What is logged, and how.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Logging")]
pub(super) struct Options {
    /// What to log: error, warn, info, debug, trace, off, or a filter such as
    /// `info,rsu_gateway::mqtt=debug`.
    /// [default: info]
    #[arg(long, global = true, value_name = "LEVEL", env = "RSU_LOG")]
    log_level: Option<Filter>,

    /// How to write a log line. [default: text]
    #[arg(long, global = true, value_enum, value_name = "FORMAT")]
    log_format: Option<LogFormat>,
}

/// A log filter whose syntax was checked.
#[derive(Clone, Debug)]
struct Filter(String);

impl std::str::FromStr for Filter {
    type Err = String;

    fn from_str(directives: &str) -> Result<Self, Self::Err> {
        parse(directives)?;
        Ok(Self(directives.into()))
    }
}

/// A word alone has to be a level: tracing would take a misspelt one for the name of a module, and
/// log nothing.
fn parse(directives: &str) -> Result<EnvFilter, String> {
    let is_level = |word: &&str| word.trim().parse::<LevelFilter>().is_ok();
    let mut words = directives
        .split(',')
        .filter(|part| !part.contains(['=', '[']));
    match words.find(|word| !is_level(word)) {
        Some(word) => Err(format!("\"{word}\" is no level")),
        None => EnvFilter::builder()
            .parse(directives)
            .map_err(|error| error.to_string()),
    }
}

impl Options {
    /// Sets logging up for the whole process. What the command line does not say is taken from
    /// `level` and `format`.
    ///
    /// # Errors
    /// `level` is no filter.
    pub(super) fn start(
        &self,
        level: Option<&str>,
        format: Option<LogFormat>,
    ) -> Result<(), Failure> {
        let level = match &self.log_level {
            Some(filter) => &filter.0,
            None => level.unwrap_or("info"),
        };
        let filter = parse(level).map_err(|error| format!("log level \"{level}\": {error}"))?;
        let subscriber = tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_ansi(wants_colours())
            .with_writer(io::stderr);
        match self.log_format.or(format).unwrap_or_default() {
            LogFormat::Text => subscriber.with_target(false).init(),
            LogFormat::Json => subscriber.json().init(),
        }
        Ok(())
    }
}

/// A terminal shows colours, unless its user has said otherwise (no-color.org); a file does not.
fn wants_colours() -> bool {
    let refused = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    !refused && io::stderr().is_terminal()
}
