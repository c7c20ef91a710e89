//! `rsu run`: the service.

use std::future::Future;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use rsu_firmware::time::Timestamp;
use tracing::info;

use super::{Failure, logging, stop};
use crate::clock;
use crate::config::Config;
use crate::radio::Radio;
use crate::radio::record::{Limits, Recorder};
use crate::radio::udp::Udp;
use crate::station::{Reporting, Station};

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
    let (level, format) = config.log();
    logging.start(level, format)?;
    if options.check {
        eprintln!("{}: valid", options.config.display());
        return Ok(());
    }
    let recorder = recorder(options, &config)?;
    let data = recorder
        .as_ref()
        .map_or_else(|| PathBuf::from("/"), |(folder, _)| folder.clone());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let mut radio = Udp::bind(config.listen())
            .map_err(|error| format!("radio.listen {}: {error}", config.listen()))?;
        let stop = stop::asked()?;
        let (reporting, uplink) = Reporting::new(config.platform(), mqtt, config.clock(), data)?;
        let station = Station::new(config.rsu(), Some(reporting));
        info!(listen = %radio.local_address()?, "receiving");
        let (stopping, stops) = tokio::sync::oneshot::channel::<()>();
        let uplink = tokio::spawn(uplink.run(async { drop(stops.await) }));
        serve(
            station,
            &mut radio,
            recorder.map(|(_, recorder)| recorder),
            stop,
        )
        .await?;
        info!("stopping");
        drop(stopping);
        uplink.await?;
        Ok(())
    })
}

fn recorder(options: &Options, config: &Config) -> Result<Option<(PathBuf, Recorder)>, Failure> {
    let (folder, limits) = match (&options.record, config.recording()) {
        (Some(folder), Some((_, limits))) => (folder.as_path(), limits),
        (Some(folder), None) => (folder.as_path(), Limits::default()),
        (None, Some((folder, limits))) => (folder, limits),
        (None, None) => return Ok(None),
    };
    Ok(Some((folder.to_owned(), Recorder::start(folder, limits)?)))
}

async fn serve(
    mut station: Station,
    radio: &mut Udp,
    recorder: Option<Recorder>,
    stop: impl Future<Output = ()>,
) -> Result<(), Failure> {
    tokio::pin!(stop);
    loop {
        station.set_lost_outside(lost(radio, recorder.as_ref()));
        let wait = until(station.poll_timeout());
        tokio::select! {
            biased;
            () = &mut stop => break,
            () = tokio::time::sleep(wait) => station.handle_timeout(clock::now()),
            frame = radio.receive() => {
                let Some(frame) = frame? else { break };
                if let Some(recorder) = &recorder {
                    recorder.record(&frame.received);
                }
                // A dropped frame has raised its counter, which running information reports.
                let _ = station.handle_frame(&frame.received);
            }
        }
    }
    Ok(())
}

/// Long enough not to matter, short enough to look at the counters now and then.
const WAIT_MAX: Duration = Duration::from_secs(1);

fn until(due: Option<Timestamp>) -> Duration {
    let micros = due.map_or(i64::MAX, |due| (due - clock::now()).as_micros());
    Duration::from_micros(micros.max(0).unsigned_abs()).min(WAIT_MAX)
}

/// What the radio path and the recorder could not keep.
fn lost(radio: &Udp, recorder: Option<&Recorder>) -> [(&'static str, u64); 4] {
    let radio = radio.dropped();
    let recorder = recorder.map(Recorder::counts).unwrap_or_default();
    [
        ("radio_truncated_datagrams", radio.truncated_datagrams),
        ("radio_receive_errors", radio.receive_errors),
        ("recording_dropped", recorder.dropped),
        ("recording_failed", recorder.failed),
    ]
}
