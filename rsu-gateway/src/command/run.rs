//! `rsu run`: the service.

use std::path::PathBuf;

use clap::Args;

use super::{Failure, logging, stop};
use crate::config::Config;
use crate::radio::record::{Limits, Recorder};
use crate::service::Service;

/// Run the service: receive from the radio, fuse, report to the platform, until SIGTERM or Ctrl-C.
#[derive(Debug, Args)]
pub(super) struct Options {
    /// The configuration; rsu.example.toml beside the source describes every key.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,

    /// Record what is received to pcapng files in this folder, rotated by size, bounded in number.
    #[arg(long, value_name = "DIR")]
    record: Option<PathBuf>,

    /// Check the configuration and stop.
    #[arg(long)]
    check: bool,
}

pub(super) fn run(options: &Options, logging: &logging::Options) -> Result<(), Failure> {
    let config = Config::read(&options.config)?;
    let mqtt = config.mqtt()?;
    config.spools(mqtt.packet_bytes_max)?;
    let (level, format) = config.log();
    let log = logging.start_service(level, format)?;
    if options.check {
        eprintln!("{}: valid", options.config.display());
        return Ok(());
    }
    let recorder = recorder(options, &config)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let stop = stop::asked()?;
        Service::start(&config, recorder, log)?.run(stop).await
    })
}

fn recorder(options: &Options, config: &Config) -> Result<Option<Recorder>, Failure> {
    let (folder, limits) = match (&options.record, config.recording()) {
        (Some(folder), Some((_, limits))) => (folder.as_path(), limits),
        (Some(folder), None) => (folder.as_path(), Limits::default()),
        (None, Some((folder, limits))) => (folder, limits),
        (None, None) => return Ok(None),
    };
    Ok(Some(Recorder::start(folder, limits)?))
}
