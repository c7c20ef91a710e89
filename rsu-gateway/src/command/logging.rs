//! Logs: what is said on stderr while the program works.

use std::io;

use clap::{Args, ValueEnum};
use tracing_subscriber::EnvFilter;

/// What is logged, and how.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Logging")]
pub(super) struct Options {
    /// What to log: error, warn, info, debug, trace, off, or a filter such as
    /// `info,rsu_gateway::mqtt=debug`.
    #[arg(long, global = true, default_value = "info", value_name = "LEVEL", env = "RSU_LOG")]
    log_level: Filter,

    /// How to write a log line.
    #[arg(long, global = true, value_enum, default_value_t = Format::Text, value_name = "FORMAT")]
    log_format: Format,
}

/// A log filter whose syntax was checked.
#[derive(Clone, Debug)]
struct Filter(String);

impl std::str::FromStr for Filter {
    type Err = tracing_subscriber::filter::ParseError;

    fn from_str(directives: &str) -> Result<Self, Self::Err> {
        EnvFilter::builder().parse(directives)?;
        Ok(Self(directives.into()))
    }
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

impl Options {
    /// Sets logging up for the whole process.
    pub(super) fn start(&self) {
        let subscriber = tracing_subscriber::fmt()
            .with_env_filter(EnvFilter::new(&self.log_level.0))
            .with_writer(io::stderr);
        match self.log_format {
            Format::Text => subscriber.with_target(false).init(),
            Format::Json => subscriber.json().init(),
        }
    }
}
