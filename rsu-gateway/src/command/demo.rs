//! `rsu demo`: everything at once, with nothing to set up.

mod view;

use std::future::Future;
use std::io::{self, Read};
use std::time::{Duration, Instant};

use clap::Args;
use flate2::read::GzDecoder;
use rsu_firmware::rsu;

use self::view::View;
use super::{Failure, logging, stop};
use crate::demo_broker::{self, DemoBroker};
use crate::mqtt;
use crate::platform::{self, RsuId, Unit};
use crate::radio::Radio;
use crate::radio::trace::{Pace, Trace};
use crate::station::{Reporting, Station};

/// Show the whole job: a broker on a free loopback port, a recorded junction in a loop at recorded
/// pace, and what is going on there.
#[derive(Debug, Default, Args)]
pub(super) struct Options {
    /// Stop by itself after so many seconds.
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..))]
    duration: Option<u32>,
}

/// A simulated junction in Chongqing: four approaches, all vehicles equipped.
const TRACE: &[u8] = include_bytes!("../../demo/arterial.pcapng.gz");
const RSU_ID: &str = "demo";
const VIEW_INTERVAL: Duration = Duration::from_millis(200);

pub(super) fn run(options: &Options, logging: &logging::Options) -> Result<(), Failure> {
    let quiet = format!("error,{}", demo_broker::LOG_DIRECTIVE);
    logging.start(Some(&quiet), None)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(demo(options))
}

async fn demo(options: &Options) -> Result<(), Failure> {
    let mut pcapng = Vec::new();
    GzDecoder::new(TRACE).read_to_end(&mut pcapng)?;
    let mut trace = Trace::from_bytes("the bundled trace", pcapng, Pace::Recorded).looped();

    let broker = DemoBroker::start().await?;
    let address = broker.address();
    let id: RsuId = RSU_ID.parse()?;
    let settings = platform::Settings::new(Unit::named(id));
    let uplink = mqtt::Settings::new(format!("mqtt://{address}").parse()?, "rsu-demo");
    let (reporting, uplink) = Reporting::in_memory(settings, uplink)?;
    let mut station = Station::new(rsu::Settings::default(), Some(reporting));

    let (stopping, stops) = tokio::sync::oneshot::channel::<()>();
    let uplink = tokio::spawn(uplink.run(async { drop(stops.await) }));
    let end = options.end()?;
    let mut view = View::open(address);
    let shown = show(&mut trace, &mut station, &mut view, end).await;
    view.close();
    drop(stopping);
    uplink.await?;
    shown
}

impl Options {
    /// Completes when the program is asked to stop, or when the time is over.
    fn end(&self) -> io::Result<impl Future<Output = ()> + use<>> {
        let seconds = self
            .duration
            .map(|seconds| Duration::from_secs(seconds.into()));
        let stop_asked = stop::asked()?;
        Ok(async move {
            let over = async {
                match seconds {
                    Some(seconds) => tokio::time::sleep(seconds).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = stop_asked => {}
                () = over => {}
            }
        })
    }
}

async fn show(
    trace: &mut Trace,
    station: &mut Station,
    view: &mut View,
    end: impl Future<Output = ()>,
) -> Result<(), Failure> {
    tokio::pin!(end);
    let mut next_view = Instant::now();
    loop {
        let received = tokio::select! {
            biased;
            () = &mut end => return Ok(()),
            frame = trace.receive() => match frame? {
                Some(frame) => frame.received,
                None => return Ok(()),
            },
        };
        // A dropped frame has raised its counter, which the view shows.
        let _ = station.handle_frame(&received);
        if next_view <= Instant::now() {
            next_view = Instant::now() + VIEW_INTERVAL;
            view.draw(station, received.time)?;
        }
    }
}
