//! `rsu replay`: a recorded trace through the real code.

mod lines;
mod progress;

use std::io;
use std::path::PathBuf;

use clap::Args;
use rsu_firmware::network::Adaptation;
use rsu_firmware::rsu;

use self::lines::Lines;
use self::progress::Progress;
use super::{Failure, ProfileOption, logging, stop};
use crate::mqtt::{self, BrokerAddress};
use crate::platform::{self, Unit};
use crate::radio::Radio;
use crate::radio::trace::{Pace, Trace};
use crate::station::{Reporting, Station};

/// Play a recorded trace (pcap or pcapng) through decoding, fusion and uplink.
///
/// Progress and a summary go to stderr: frames by kind, drops by reason, frames per second.
#[derive(Debug, Args)]
pub(super) struct Options {
    /// The trace: frames as they are (linktype USER0), or in UDP over IP in Ethernet or Linux
    /// cooked capture.
    #[arg(value_name = "TRACE")]
    trace: PathBuf,

    /// How fast: `recorded`, `max`, or a factor such as 2 or 0.5.
    #[arg(long, default_value = "max", value_name = "PACE")]
    pace: Pace,

    #[command(flatten)]
    profile: ProfileOption,

    /// The frames begin with the header of DSMP, without the adaptation layer's byte.
    #[arg(long)]
    no_adaptation: bool,

    /// Print one JSON object a line on stdout for every message and every dropped frame.
    #[arg(long)]
    json: bool,

    /// Report to the platform at this broker, such as mqtt://USER:PASSWORD@HOST:1883.
    #[arg(long, value_name = "URL")]
    mqtt: Option<BrokerAddress>,

    /// The identifier in topics and reports.
    #[arg(long, default_value = "replay", value_name = "ID", requires = "mqtt")]
    rsu_id: platform::RsuId,
}

pub(super) fn run(options: &Options, logging: &logging::Options) -> Result<(), Failure> {
    logging.start(None, None)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(replay(options))
}

async fn replay(options: &Options) -> Result<(), Failure> {
    let mut trace = Trace::open(&options.trace, options.pace)?;
    let (mut station, uplink) = station(options)?;
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let uplink = uplink.map(|uplink| tokio::spawn(uplink.run(async { drop(stopped.await) })));

    let mut lines = options
        .json
        .then(|| Lines::new(io::BufWriter::new(io::stdout().lock())));
    let mut progress = Progress::new(&options.trace);
    let mut interrupted = false;
    let mut fault = None;
    let stop_asked = stop::asked()?;
    tokio::pin!(stop_asked);
    loop {
        let frame = tokio::select! {
            biased;
            () = &mut stop_asked => {
                interrupted = true;
                break;
            }
            frame = trace.receive() => frame,
        };
        let frame = match frame {
            Ok(Some(frame)) => frame,
            Ok(None) => break,
            Err(error) => {
                fault = Some(error);
                break;
            }
        };
        let received = frame.received;
        let packet = frame.packet;
        progress.count(received.time);
        let heard = station.handle_frame(&received);
        if let Some(lines) = &mut lines {
            lines.write(packet, received.time, heard)?;
        }
        if progress.is_due() {
            progress.show(&trace);
            // The uplink runs in the same thread.
            tokio::task::yield_now().await;
        }
    }
    if let Some(lines) = lines {
        lines.finish()?;
    }
    drop(stop);
    if let Some(uplink) = uplink {
        uplink.await?;
    }
    progress.summarise(&mut station, &trace, interrupted);
    fault.map_or(Ok(()), |error| Err(error.into()))
}

fn station(options: &Options) -> Result<(Station, Option<mqtt::Uplink>), Failure> {
    let settings = rsu::Settings {
        profile: options.profile.profile(),
        adaptation: if options.no_adaptation {
            Adaptation::Absent
        } else {
            Adaptation::Present
        },
        ..rsu::Settings::default()
    };
    let Some(broker) = &options.mqtt else {
        return Ok((Station::new(settings, None), None));
    };
    let id = &options.rsu_id;
    let mut platform = platform::Settings::new(Unit::named(id.clone()));
    platform.profile = settings.profile;
    let uplink = mqtt::Settings::new(broker.clone(), format!("rsu-{id}"));
    let (reporting, uplink) = Reporting::in_memory(platform, uplink)?;
    Ok((Station::new(settings, Some(reporting)), Some(uplink)))
}
