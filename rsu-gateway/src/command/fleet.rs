//! `rsu fleet`: many virtual units at one broker, to size a platform.

mod machine;
mod radio;
mod reading;
mod recording;
mod subscriber;
mod table;
mod tally;
mod transposition;
mod unit;

use std::future::Future;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use clap::Args;
use rsu_firmware::message::{Latitude, Position3D};
use rsu_firmware::rsu;
use rsu_firmware::time::Span;
use tokio::sync::watch;
use tokio::task::LocalSet;
use tokio::time::{Instant, interval, sleep};

use self::reading::Reading;
use self::recording::Recording;
use self::subscriber::Subscriber;
use self::table::Table;
use self::tally::Tally;
use self::transposition::Transposition;
use self::unit::{LogBook, Unit};
use super::{Failure, ProfileOption, logging, stop};
use crate::mqtt::{self, BrokerAddress};
use crate::platform::{self, RsuId, UnitPosition};

/// Play many virtual roadside units into one broker, to size a platform.
///
/// Each unit is the real program: it receives the trace, decodes it, fuses it and reports it over a
/// connection of its own (T/ITS 0180.1). Unit n is called PREFIX-n, stands at a place of its own about
/// 1 km from the next, with vehicles and nodes of its own, and is at another point of the trace; the
/// messages are rewritten for that, and their times are those of now. A subscriber counts what the
/// broker passes on.
///
/// A table on stderr shows, for each stream, what the units made, what the subscriber heard, how late
/// (from the time in the record; to 1 ms), and what is missing. The summary goes to stdout. The
/// exit code is 1 when anything was lost or a unit was never connected.
#[derive(Debug, Args)]
pub(super) struct Options {
    /// The trace that every unit receives, again and again: pcap or pcapng, as for `rsu replay`.
    #[arg(value_name = "TRACE")]
    trace: PathBuf,

    /// How many units, 1 to 5000. A unit takes about 1 MB of memory, one open file and one thread.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=UNITS_MAX))]
    units: u16,

    /// The broker, such as mqtt://USER:PASSWORD@HOST:1883, or mqtts://.
    #[arg(long, value_name = "URL")]
    mqtt: BrokerAddress,

    /// How often a second each unit reports the fused junction, the lights, the participants and
    /// each vehicle, 1 to 10. A real unit does so ten times a second unless configured otherwise.
    #[arg(long, default_value_t = 1, value_name = "HZ", value_parser = clap::value_parser!(u16).range(1..=10))]
    rate: u16,

    /// Stop by itself after so many seconds, counted from when the last unit begins.
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..))]
    duration: Option<u32>,

    /// What the identifiers begin with. Fleets at one broker need different ones.
    #[arg(long, default_value = "fleet", value_name = "PREFIX")]
    id_prefix: RsuId,

    #[command(flatten)]
    profile: ProfileOption,
}

const UNITS_MAX: i64 = 5_000;

/// The units begin one after the other, this many a second, as after a power cut.
const BEGIN_PER_SECOND: u32 = 100;

/// How long the end waits for what is under way, and for how long nothing may come.
const UNDER_WAY_MAX: Duration = Duration::from_secs(15);
const QUIET_MAX: Duration = Duration::from_secs(3);

pub(super) fn run(options: &Options, logging: &logging::Options) -> Result<(), Failure> {
    logging.start(Some("error"), None)?;
    machine::provide_files(options.units)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(fleet(options))
}

async fn fleet(options: &Options) -> Result<(), Failure> {
    let recording = Arc::new(Recording::read(&options.trace).await?);
    let tally = Tally::new(&options.id_prefix, options.units);
    let client_id = format!("rsu-{}-subscriber", options.id_prefix);
    let subscriber = Subscriber::start(&options.mqtt, &client_id, tally.clone()).await?;

    let mut log_books = Vec::new();
    log_books.resize_with(options.units.into(), LogBook::default);
    let began = Instant::now();
    let crew = Crew::start(options.units(&recording, &log_books, began)?)?;
    let mut table = Table::new(Reading::take(&log_books, &tally));
    let mut end = std::pin::pin!(options.end()?);
    let mut ticks = interval(Duration::from_secs(1));
    loop {
        tokio::select! {
            () = &mut end => break,
            _ = ticks.tick() => table.show(Reading::take(&log_books, &tally)),
        }
    }

    let machine = machine::use_of(options.units, began.elapsed().as_secs_f64());
    crew.end().await?;
    await_stragglers(&log_books, &tally).await;
    let last = Reading::take(&log_books, &tally);
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{}{machine}", table.summary(&last))?;
    stdout.flush()?;
    verdict(&last, &subscriber)
}

impl Options {
    fn units(
        &self,
        recording: &Arc<Recording>,
        log_books: &[LogBook],
        began: Instant,
    ) -> Result<Vec<Unit>, Failure> {
        let rsu = rsu::Settings {
            profile: self.profile.profile(),
            ..rsu::Settings::default()
        };
        let place = recording.position(&rsu);
        let count = u32::from(self.units);
        let begin_interval = self.begin_within() / count;
        let units = (0..self.units).zip(log_books).map(|(number, log_book)| {
            let id: RsuId = tally::unit_id(self.id_prefix.as_ref(), number).parse()?;
            let transposition = Transposition::new(number, self.units);
            let uplink = mqtt::Settings::new(self.mqtt.clone(), format!("rsu-{id}"));
            let position = place
                .clone()
                .and_then(|place| position(place, &transposition));
            Ok(Unit {
                platform: self.platform(platform::Unit {
                    position,
                    ..platform::Unit::named(id)
                })?,
                uplink,
                rsu,
                transposition,
                recording: recording.clone(),
                phase: recording.round() * u32::from(number) / count,
                begin: began + begin_interval * u32::from(number),
                log_book: log_book.clone(),
            })
        });
        units.collect()
    }

    fn platform(&self, unit: platform::Unit) -> Result<platform::Settings, Failure> {
        let mut settings = platform::Settings::new(unit);
        settings.profile = self.profile.profile();
        settings.junction_interval = Span::from_micros(1_000_000 / i64::from(self.rate));
        let rate = platform::sampling::Rate::new(self.rate).ok_or("no rate")?;
        let limits = platform::StreamLimits::up_to(rate);
        settings.sampling.bsm.rate = rate;
        settings.sampling.spat = limits.clone();
        settings.sampling.rsm = limits;
        Ok(settings)
    }

    /// Over which time the units begin: whole seconds, so that their reports spread evenly.
    fn begin_within(&self) -> Duration {
        Duration::from_secs(u32::from(self.units).div_ceil(BEGIN_PER_SECOND).into())
    }

    /// Completes when the program is asked to stop, or when the time is over.
    fn end(&self) -> io::Result<impl Future<Output = ()> + use<>> {
        let stop_asked = stop::asked()?;
        let seconds = self.duration.map(u64::from).map(Duration::from_secs);
        let time = seconds.map(|seconds| self.begin_within() + seconds);
        Ok(async move {
            let over = async {
                match time {
                    Some(time) => sleep(time).await,
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

/// Where a unit stands; `None` where the recording does not tell.
fn position(mut place: Position3D, transposition: &Transposition) -> Option<UnitPosition> {
    transposition.position(&mut place);
    (place.lat.value() != Latitude::MAX).then(|| UnitPosition {
        longitude_deg: f64::from(place.long.value()) / 1e7,
        latitude_deg: f64::from(place.lat.value()) / 1e7,
        altitude_m: None,
    })
}

/// The threads in which the units work.
struct Crew {
    threads: Vec<thread::JoinHandle<()>>,
    stop: watch::Sender<bool>,
}

impl Crew {
    /// As many threads as there are processors, and the units dealt out to them.
    fn start(units: Vec<Unit>) -> io::Result<Self> {
        let count = thread::available_parallelism()?.get().min(units.len());
        let mut shares: Vec<Vec<Unit>> = (0..count).map(|_| Vec::new()).collect();
        for (share, unit) in (0..count).cycle().zip(units) {
            if let Some(share) = shares.get_mut(share) {
                share.push(unit);
            }
        }
        let (stop, stopped) = watch::channel(false);
        let threads = shares.into_iter().map(|share| {
            let stopped = stopped.clone();
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?;
            let work = move || {
                let local = LocalSet::new();
                for unit in share {
                    local.spawn_local(unit.run(stopped.clone()));
                }
                runtime.block_on(local);
            };
            thread::Builder::new().name("units".to_owned()).spawn(work)
        });
        Ok(Self {
            threads: threads.collect::<io::Result<_>>()?,
            stop,
        })
    }

    /// Has every unit say farewell.
    async fn end(self) -> Result<(), Failure> {
        self.stop.send_replace(true);
        for thread in self.threads {
            let ended = tokio::task::spawn_blocking(|| thread.join()).await?;
            ended.map_err(|_| "a thread of units has panicked")?;
        }
        Ok(())
    }
}

/// Waits until the subscriber has heard everything, or nothing more comes.
async fn await_stragglers(log_books: &[LogBook], tally: &Tally) {
    let began = Instant::now();
    let mut quiet_since = Instant::now();
    let mut heard = tally.heard().publishes();
    while began.elapsed() < UNDER_WAY_MAX && quiet_since.elapsed() < QUIET_MAX {
        let reading = Reading::take(log_books, tally);
        if reading.missing().0 == 0 {
            return;
        }
        if reading.heard() > heard {
            heard = reading.heard();
            quiet_since = Instant::now();
        }
        sleep(Duration::from_millis(100)).await;
    }
}

/// Whether a platform could live with that.
fn verdict(last: &Reading, subscriber: &Subscriber) -> Result<(), Failure> {
    let connected = last.connected();
    if connected < last.units.len() {
        let faults = last.units.iter().filter(|unit| unit.connections == 0);
        let fault = faults.filter_map(|unit| unit.fault.as_deref()).next();
        let units = last.units.len();
        let fault = fault.unwrap_or("they had no time to");
        return Err(format!("{connected} of {units} units were connected: {fault}").into());
    }
    let (missing, units) = last.missing();
    if missing == 0 {
        return Ok(());
    }
    let made = last.sum(|unit| unit.made.iter().sum());
    let shed = last.sum(|unit| unit.shed);
    let overflowed = subscriber.overflowed();
    Err(format!(
        "{missing} of {made} publishes were lost, of {units} units: {shed} gave way in the units' \
         queues, {overflowed} in the subscriber's, the rest on their way through the broker"
    )
    .into())
}
