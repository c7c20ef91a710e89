//! The thread that works the parts.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use linux_embedded_hal::I2cdev;
use rsu_firmware::driver::{Contact, Drift, Gnss, Pps, StatusLight, Thermometer, Watchdog};
use rsu_firmware::time::{Span, Timestamp};
use tracing::{info, warn};

use super::gpio::Line;
use super::port::Port;
use super::watchdog_file::WatchdogFile;
use super::{
    DeviceBoard, DeviceError, DeviceFacts, GnssFacts, GnssSettings, Outside, Settings, pps_file,
};
use crate::clock;

/// How often everything is looked at: often enough for the shortest flash, and a contact's bounce.
const ROUND: Duration = Duration::from_millis(20);

/// How often the watchdog is fed; the kernel's waits 60 s by default, chips 1.6 s and more.
const FEED_INTERVAL: Span = Span::from_millis(500);

/// How long a contact bounces.
const SETTLE: Span = Span::from_millis(100);

/// How often is looked for a pulse: none is missed, whatever the phase.
const PULSE_INTERVAL: Span = Span::from_millis(250);

/// How often facts are posted, and slow parts looked at.
const POST_INTERVAL: Span = Span::from_millis(1_000);

/// The parts at work; the watchdog is stopped when this is dropped.
#[derive(Debug)]
pub struct Devices {
    stopping: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// The parts that the board has.
struct Parts {
    watchdog_file: Option<WatchdogFile>,
    watchdog: Option<Watchdog<Line>>,
    light: Option<StatusLight<Line>>,
    enclosure: Option<Contact<Line>>,
    thermometer: Option<Thermometer<I2cdev>>,
    gnss: Option<Receiver>,
    settings: Settings,
    pps: Pps,
    last_pulse: Option<u64>,
    pulse_read: Option<Timestamp>,
    fed: Option<Timestamp>,
    posted: Option<Timestamp>,
    facts: DeviceFacts,
    faults: Faults,
}

/// The parts that fail.
#[derive(Debug, Default)]
struct Faults(BTreeSet<&'static str>);

struct Receiver {
    port: Port,
    gnss: Gnss,
    drift: Drift,
    started: Timestamp,
    deviation_m: Option<f64>,
}

impl Devices {
    /// Opens the parts and starts to work them.
    ///
    /// # Errors
    /// Which part cannot be had.
    pub fn start(
        settings: Settings,
        board: DeviceBoard,
        outside: Outside,
    ) -> Result<Self, DeviceError> {
        let mut parts = Parts::open(settings)?;
        let stopping = Arc::new(AtomicBool::new(false));
        let stop = stopping.clone();
        let thread = thread::Builder::new()
            .name("device".into())
            .spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    parts.round(clock::now(), &outside, &board);
                    thread::sleep(ROUND);
                }
                parts.stop();
            })
            .map_err(|error| DeviceError {
                key: "thread",
                error,
            })?;
        Ok(Self {
            stopping,
            thread: Some(thread),
        })
    }
}

impl Drop for Devices {
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // A panic there was logged when it happened.
            let _ = thread.join();
        }
    }
}

impl Parts {
    fn open(settings: Settings) -> Result<Self, DeviceError> {
        fn part<S, T>(
            key: &'static str,
            settings: &Option<S>,
            open: impl FnOnce(&S) -> io::Result<T>,
        ) -> Result<Option<T>, DeviceError> {
            let opened = settings.as_ref().map(open).transpose();
            opened.map_err(|error| DeviceError { key, error })
        }
        Ok(Self {
            watchdog: part("watchdog", &settings.watchdog_line, Line::output)?
                .map(|line| Watchdog::new(line, FEED_INTERVAL)),
            light: part("status_light", &settings.status_light, Line::output)?
                .map(StatusLight::new),
            enclosure: part("enclosure", &settings.enclosure, Line::input)?
                .map(|line| Contact::new(line, SETTLE)),
            thermometer: part("thermometer", &settings.thermometer, |(bus, address)| {
                let bus = I2cdev::new(bus).map_err(io::Error::other)?;
                Ok(Thermometer::new(bus, *address))
            })?,
            gnss: part("gnss", &settings.gnss, Receiver::open)?,
            // Last: what was opened and is given up again must not start to bite.
            watchdog_file: part("watchdog_file", &settings.watchdog_file, |path| {
                WatchdogFile::open(path)
            })?,
            settings,
            pps: Pps::new(),
            last_pulse: None,
            pulse_read: None,
            fed: None,
            posted: None,
            facts: DeviceFacts::default(),
            faults: Faults::default(),
        })
    }

    fn round(&mut self, now: Timestamp, outside: &Outside, board: &DeviceBoard) {
        let is_due = |last: Option<Timestamp>, interval: Span| {
            last.is_none_or(|last| now - last >= interval || now < last)
        };
        if is_due(self.fed, FEED_INTERVAL) && (outside.is_alive)() {
            self.fed = Some(now);
            self.faults.note(
                "watchdog_file",
                self.watchdog_file.as_mut().map(WatchdogFile::feed),
            );
            let fed = self.watchdog.as_mut().map(|watchdog| watchdog.feed(now));
            self.faults.note("watchdog", fed);
        }
        if let Some(light) = &mut self.light {
            self.faults
                .note("status_light", Some(light.handle_timeout(now)));
        }
        if let Some(enclosure) = &mut self.enclosure {
            self.faults
                .note("enclosure", Some(enclosure.handle_timeout(now)));
            self.facts.is_open = Some(enclosure.is_active());
        }
        if let Some(receiver) = &mut self.gnss {
            self.faults.note("gnss", Some(receiver.round(now)));
            self.facts.gnss = Some(receiver.facts(now));
        }
        if let Some(path) = &self.settings.pps_file
            && is_due(self.pulse_read, PULSE_INTERVAL)
        {
            self.pulse_read = Some(now);
            let read = pps_file::read(path);
            if let Ok(Some(pulse)) = &read
                && self.last_pulse.replace(pulse.number) != Some(pulse.number)
            {
                self.pps.handle_pulse(pulse.time);
            }
            self.faults.note("pps_file", Some(read));
            self.facts.pps_ahead = self.pps.offset(now);
        }
        if !is_due(self.posted, POST_INTERVAL) {
            return;
        }
        self.posted = Some(now);
        if let Some(light) = &mut self.light {
            light.set((outside.status)());
        }
        if let Some(thermometer) = &mut self.thermometer {
            let read = thermometer.read_celsius();
            self.facts.temperature_c = read.as_ref().ok().copied();
            self.faults.note("thermometer", Some(read));
        }
        board.post(self.facts.clone());
    }

    fn stop(self) {
        if let Some(Err(error)) = self.watchdog_file.map(WatchdogFile::stop) {
            warn!(%error, "the hardware watchdog goes on");
        }
    }
}

impl Receiver {
    fn open(settings: &GnssSettings) -> io::Result<Self> {
        Ok(Self {
            port: Port::open(&settings.port, settings.baud)?,
            gnss: Gnss::new(),
            drift: Drift::new(settings.drift),
            started: clock::now(),
            deviation_m: None,
        })
    }

    fn round(&mut self, now: Timestamp) -> io::Result<()> {
        if self.gnss.receive(now, &mut self.port)?
            && let Some(position) = self.gnss.fix().and_then(|fix| fix.position)
        {
            self.deviation_m = self.drift.observe(now, position);
        }
        Ok(())
    }

    fn facts(&self, now: Timestamp) -> GnssFacts {
        let silent = self.gnss.silent_for(now).unwrap_or(now - self.started);
        GnssFacts {
            fix: self.gnss.fix().copied(),
            silent_s: (silent.as_millis().max(0) / 1_000).unsigned_abs(),
            counters: self.gnss.counters(),
            deviation_m: self.deviation_m,
        }
    }
}

impl Faults {
    /// Logs that a part begins to fail, and that it works again.
    fn note<T, E: Display>(&mut self, part: &'static str, done: Option<Result<T, E>>) {
        match done {
            Some(Err(error)) => {
                if self.0.insert(part) {
                    warn!(part, %error, "a part of the board fails");
                }
            }
            Some(Ok(_)) => {
                if self.0.remove(part) {
                    info!(part, "a part of the board works again");
                }
            }
            None => {}
        }
    }
}
