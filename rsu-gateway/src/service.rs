//! The service: what `rsu run` joins, from the folder on disk to the watchdog.
//!
//! ```text
//! radio -> Station -> Platform -> Spool, Live -> Uplink -> broker
//!             ^                                    |
//!             +------ orders <- downlink <---------+
//! every task -> Pulse -> Watchdog -> systemd;  every second: Vitals -> alarms, /metrics
//! ```

mod data;
mod devices;
mod orders;
mod updates;

use std::future::Future;
use std::io;
use std::time::Duration;

use rsu_firmware::time::Timestamp;
use tokio::sync::mpsc::{self, UnboundedReceiver};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tracing::{info, warn};

use crate::clock;
use crate::config::{Config, ConfigError};
use crate::device::{DeviceBoard, Devices};
use crate::downlink::{self, Effect, Order};
use crate::health::{Endpoint, EndpointError, Pulse, Pulses, Watchdog, systemd};
use crate::logging::LogControl;
use crate::mqtt::SettingsError;
use crate::platform::Platform;
use crate::platform::dialect::{self, Unspeakable};
use crate::radio::Radio;
use crate::radio::record::Recorder;
use crate::radio::udp::Udp;
use crate::station::{LostOutside, Reporting, Station, UplinkMonitor, Vitals};
use data::Data;
use orders::Orders;
use updates::Updates;

/// A service that is ready to run.
pub struct Service {
    station: Station,
    radio: Udp,
    recorder: Option<Recorder>,
    orders: Orders,
    updates: Updates,
    ordered: UnboundedReceiver<Order>,
    tasks: Tasks,
    data: Data,
    log: LogControl,
    watchdog: Watchdog,
    pulses: Pulses,
    /// How long to wait before the work begins.
    back_off: Duration,
    endpoint: Option<Endpoint>,
    /// The board's own parts, at work until this is dropped.
    devices: Option<Devices>,
    device_board: DeviceBoard,
}

/// What works beside the station, in the same thread.
struct Tasks {
    uplink: JoinHandle<()>,
    downlink: JoinHandle<Result<(), tokio::task::JoinError>>,
    stop_uplink: Option<oneshot::Sender<()>>,
}

/// Why the service cannot start.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum StartError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error("radio.listen {address}: {error}")]
    Radio {
        address: std::net::SocketAddr,
        error: io::Error,
    },
    #[error("storage.folder {folder}: {error}")]
    Storage { folder: String, error: io::Error },
    #[error("unit: {0}")]
    Dialect(#[from] Unspeakable),
    #[error("mqtt: {0}")]
    Uplink(#[from] SettingsError),
    #[error("health.listen: {0}")]
    Endpoint(#[from] EndpointError),
    #[error("a thread cannot be started: {0}")]
    Thread(#[from] io::Error),
}

/// A task that is silent for longer is stalled. The radio may wait for frames for a second, the
/// spool for a slow disk.
const SILENT_MAX: Duration = Duration::from_secs(20);

/// How long a stop may take to write what waits to disk.
const COMMIT_TIME_MAX: Duration = Duration::from_secs(10);

/// Frames that are handled before the uplink has its turn: half of what live traffic may wait for it.
const FRAMES_IN_A_ROW: usize = 16;

/// How often the radio task looks at counters and clock when nothing else happens.
const WAIT_MAX: Duration = Duration::from_secs(1);

/// How often it does so when frames never end.
const ROUND_INTERVAL: Duration = Duration::from_millis(500);

impl Service {
    /// Opens everything that `config` asks for. Needs a tokio runtime.
    ///
    /// # Errors
    /// What cannot be had, by the section of the configuration.
    pub fn start(
        config: &Config,
        recorder: Option<Recorder>,
        log: LogControl,
    ) -> Result<Self, StartError> {
        let address = config.listen();
        let radio = Udp::bind(address).map_err(|error| StartError::Radio { address, error })?;
        let mqtt = config.mqtt()?;
        let mut settings = config.platform();
        if let Some((updates, _)) = config.update()
            && let Ok(version) = updates.at_work
        {
            settings.unit.software_version = version.to_string();
        }
        let (data, kept) = Data::open(config, &mqtt)?;
        let in_force = kept.desk.in_force();
        in_force.sampling.apply_to(&mut settings.sampling);
        if let Some(interval) = in_force.heartbeat_interval() {
            settings.heartbeat_interval = interval;
        }
        if let Some(interval) = in_force.running_information_interval() {
            settings.running_information_interval = interval;
        }
        let log_level = in_force.log_level;

        let profile = settings.profile;
        let dialect = |unit| dialect::named(config.dialect(), unit, profile);
        let mut platform = Platform::new(settings.clone(), dialect(&settings.unit)?);
        platform.set_transmit(kept.desk.transmit());
        let filters = platform.downlink_filters();
        let mut vitals = Vitals::new(config.clock(), config.data_folder().to_owned());
        let mut unreadable = kept.unreadable;
        let pulses = Pulses::default();
        let board = vitals.board.clone();
        let device_board = vitals.device.clone();
        let (updates, damaged) = Updates::start(config, board, pulses.clone())?;
        unreadable.extend(damaged);
        let back_off = match systemd::is_supervising() {
            true => kept.previous_run.back_off(),
            false => Duration::ZERO,
        };
        vitals.resume(kept.alarms, kept.previous_run, unreadable);
        vitals.on_alarm(data.alarm_keeper()?);

        let configured = mqtt.brokers.clone();
        let (mut reporting, mut uplink) =
            Reporting::new(platform, mqtt, kept.spools, config.live(), vitals)?;
        let alive = pulses.register("uplink", SILENT_MAX);
        uplink.monitor(std::sync::Arc::new(UplinkMonitor {
            latencies: reporting.vitals().latencies.clone(),
            alive: move || alive.beat(),
        }));
        let received = uplink.subscribe(filters)?;
        let observer = downlink::Observer::default();
        reporting.observe_downlink(observer.clone());

        let (order, ordered) = mpsc::unbounded_channel();
        let recent = log.recent().clone();
        let clock = config.clock();
        let beat = pulses.register("downlink", SILENT_MAX);
        let outside = downlink::Outside {
            clock_quality: Box::new(move || clock.quality()),
            log: std::sync::Arc::new(move || recent.read()),
            uploader: downlink::Uploader::default(),
            pulse: Box::new(move || beat.beat()),
        };
        let served = downlink::serve(
            received,
            dialect(&settings.unit)?,
            kept.desk,
            observer,
            outside,
            move |one| {
                // The station is there for as long as the uplink, which feeds this.
                let _ = order.send(one);
            },
        );
        let (stop_uplink, stopped) = oneshot::channel();
        let tasks = Tasks {
            uplink: tokio::spawn(uplink.run(async { drop(stopped.await) })),
            downlink: tokio::spawn(served),
            stop_uplink: Some(stop_uplink),
        };

        let board = reporting.vitals().board.clone();
        let endpoint = config
            .health_listen()
            .map(|address| Endpoint::open(address, board.clone(), pulses.clone()))
            .transpose()?;
        let status = devices::status(board.clone(), updates.updater().cloned());
        let outside = devices::outside(pulses.clone(), status);
        let devices = Devices::start(config.device(), device_board.clone(), outside)?;
        let watchdog = Watchdog::start(pulses.clone(), Some(data.run.clone()))?;
        let orders = Orders::new(log.clone(), configured, config.reboot_command());
        if let Some(level) = log_level {
            orders.set_log_level(level);
        }
        Ok(Self {
            station: Station::new(config.rsu(), Some(reporting)),
            radio,
            recorder,
            orders,
            updates,
            ordered,
            tasks,
            data,
            log,
            watchdog,
            pulses,
            back_off,
            endpoint,
            devices,
            device_board,
        })
    }

    /// Works until `stop` completes; then what waits is sent or put on disk.
    ///
    /// # Errors
    /// Those of a radio that has ended, and of a task that has panicked.
    pub async fn run(
        mut self,
        stop: impl Future<Output = ()>,
    ) -> Result<(), Box<dyn std::error::Error>> {
        if let Some(endpoint) = &self.endpoint {
            info!(address = %endpoint.address(), "metrics and health");
        }
        let mut stop = std::pin::pin!(stop);
        if !self.back_off.is_zero() {
            warn!(wait = ?self.back_off, "run after run has ended badly: waiting");
            tokio::select! {
                () = tokio::time::sleep(self.back_off) => {}
                () = &mut stop => return self.end().await,
            }
        }
        info!(listen = %self.radio.local_address()?, "receiving");
        systemd::ready();
        let worked = self.work(stop).await;
        systemd::stopping();
        info!("stopping");
        self.end().await?;
        worked
    }

    async fn work(
        &mut self,
        stop: impl Future<Output = ()>,
    ) -> Result<(), Box<dyn std::error::Error>> {
        let mut stop = std::pin::pin!(stop);
        let pulse = self.pulses.register("radio", SILENT_MAX);
        let spool_pulses = SpoolPulses::new(&self.pulses, &self.station);
        let mut next_round = Instant::now();
        loop {
            if Instant::now() >= next_round {
                next_round = Instant::now() + ROUND_INTERVAL;
                pulse.beat();
                spool_pulses.beat(&self.station);
                self.station.set_lost_outside(self.lost_outside());
                self.log.tell_left_out();
            }
            let wait = until(self.station.poll_timeout());
            tokio::select! {
                biased;
                () = &mut stop => return Ok(()),
                () = tokio::time::sleep(wait) => self.station.handle_timeout(clock::now()),
                Some(order) = self.ordered.recv() => {
                    self.carry_out(order);
                }
                untold = self.updates.status() => {
                    if let Some(reporting) = self.station.reporting() {
                        self.updates.tell(untold, reporting);
                    }
                }
                frame = self.radio.receive() => {
                    let mut next = frame?;
                    if next.is_none() {
                        return Ok(());
                    }
                    let mut row = 1..FRAMES_IN_A_ROW;
                    while let Some(frame) = next {
                        if let Some(recorder) = &self.recorder {
                            recorder.record(&frame.received);
                        }
                        // A dropped frame has raised its counter, which running information reports.
                        let _ = self.station.handle_frame(&frame.received);
                        next = row.next().and_then(|_| self.radio.next_received());
                    }
                    // The uplink has its turn before more is received.
                    tokio::task::yield_now().await;
                }
            }
        }
    }

    fn carry_out(&mut self, order: Order) {
        if matches!(order.effect, Effect::Upgrade(..)) {
            return self.updates.take(clock::now(), order);
        }
        if let Some(reporting) = self.station.reporting() {
            self.orders.carry_out(clock::now(), order, reporting);
        }
    }

    /// What the radio path and the recorder could not keep, and what the board's parts dropped.
    fn lost_outside(&self) -> LostOutside {
        let radio = self.radio.dropped();
        let recorder = self.recorder.as_ref().map(Recorder::counts);
        let recorder = recorder.unwrap_or_default();
        let mut counters = vec![
            ("radio_overflowed_datagrams", radio.overflowed_datagrams),
            ("radio_receive_errors", radio.receive_errors),
            ("recording_dropped", recorder.dropped),
            ("recording_failed", recorder.failed),
            ("log_lines_lost", self.log.lost()),
        ];
        counters.extend(self.device_board.latest().counters);
        LostOutside {
            frames_shed: radio.overflowed_datagrams,
            radio_errors: radio.receive_errors,
            counters,
        }
    }

    /// Says farewell to the broker, takes in what was still ordered, and commits.
    async fn end(mut self) -> Result<(), Box<dyn std::error::Error>> {
        if let Some(reporting) = self.station.reporting() {
            reporting.say_farewell(clock::now());
        }
        self.updates.stop();
        drop(self.tasks.stop_uplink.take());
        (&mut self.tasks.uplink).await?;
        (&mut self.tasks.downlink).await??;
        while let Ok(order) = self.ordered.try_recv() {
            self.carry_out(order);
        }
        if !self.station.close(COMMIT_TIME_MAX).await {
            warn!("stopped before everything was on disk");
        }
        drop(self.watchdog);
        // The hardware watchdog is fed to the end, and then stopped.
        drop(self.devices.take());
        if let Err(error) = self.data.run.stopped() {
            warn!(%error, "the file of the run cannot be written");
        }
        self.log.tell_left_out();
        self.log.flush(Duration::from_secs(1));
        Ok(())
    }
}

/// The pulses of the spools' threads, felt from here.
struct SpoolPulses(Vec<(Pulse, std::cell::Cell<u64>)>);

impl SpoolPulses {
    fn new(pulses: &Pulses, station: &Station) -> Self {
        let names = station.spools().map(|kept| match kept.name {
            "durable" => "spool_durable",
            _ => "spool_spilled",
        });
        let pulse = |name| (pulses.register(name, SILENT_MAX), std::cell::Cell::new(0));
        Self(names.map(pulse).collect())
    }

    fn beat(&self, station: &Station) {
        for ((pulse, before), kept) in self.0.iter().zip(station.spools()) {
            let now = kept.spool.pulse();
            if before.replace(now) != now {
                pulse.beat();
            }
        }
    }
}

fn until(due: Option<Timestamp>) -> Duration {
    let micros = due.map_or(i64::MAX, |due| (due - clock::now()).as_micros());
    Duration::from_micros(micros.max(0).unsigned_abs()).min(WAIT_MAX)
}
