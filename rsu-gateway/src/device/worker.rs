//! The thread that works the parts.

use std::fmt::Display;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use embedded_hal::digital::OutputPin;
use linux_embedded_hal::I2cdev;
use rsu_firmware::driver::{Contact, Drift, Gnss, Pps, Status, StatusLight, Thermometer, Watchdog};
use rsu_firmware::time::{Span, Timestamp};
use tracing::warn;

use super::gpio::Line;
use super::led::Led;
use super::part::{Part, about};
use super::port::Port;
use super::pulse_file::PulseFile;
use super::watchdog_file::WatchdogFile;
use super::{
    DeviceBoard, DeviceFacts, GnssFacts, GnssSettings, Outside, Settings, ThermometerSettings,
};
use crate::clock::Moment;

/// How often the light, the contact and the receiver are looked at: often enough for the shortest
/// flash, and the fastest line.
const ROUND: Duration = Duration::from_millis(20);

/// How often the watchdogs are fed, the status is asked for and a pulse is looked for: watchdogs wait
/// for a second and more.
const LOOK_INTERVAL: Span = Span::from_millis(250);

/// How often facts are posted, and the temperature is read.
const POST_INTERVAL: Span = Span::from_millis(1_000);

/// How long a contact bounces.
const SETTLE: Span = Span::from_millis(100);

/// Bytes that are taken from the receiver in a round: twice what the fastest line delivers.
const READ_BYTES_MAX: usize = 4_096;

/// The parts at work; the kernel's watchdog is stopped when this is dropped.
#[derive(Debug)]
pub struct Devices {
    stopping: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// The parts that the board has.
struct Parts {
    watchdog: Option<Part<WatchdogFile>>,
    watchdog_line: Option<Part<Watchdog<Line>>>,
    status_light: Option<Part<StatusLight<Led>>>,
    status_light_line: Option<Part<StatusLight<Line>>>,
    enclosure: Option<Part<Contact<Line>>>,
    thermometer: Option<Warmth>,
    gnss: Option<Receiver>,
    pps: Option<PulseSource>,
    status: Status,
    look: Every,
    post: Every,
    facts: DeviceFacts,
}

struct Warmth {
    thermometer: Part<Thermometer<I2cdev>>,
    celsius_max: f32,
}

struct Receiver {
    port: Part<Port>,
    gnss: Gnss,
    drift: Drift,
    started: Timestamp,
    deviation_m: Option<f64>,
}

struct PulseSource {
    file: Part<PulseFile>,
    pps: Pps,
    last: Option<u64>,
}

/// What is done at intervals.
struct Every {
    interval: Span,
    next: Option<Timestamp>,
}

impl Devices {
    /// Starts to work the parts; `None` if there are none.
    ///
    /// # Errors
    /// The thread cannot be started.
    pub fn start(
        settings: Settings,
        board: DeviceBoard,
        outside: Outside,
    ) -> io::Result<Option<Self>> {
        let mut parts = Parts::new(settings, since_boot(Moment::now()));
        if parts.are_none() {
            return Ok(None);
        }
        let stopping = Arc::new(AtomicBool::new(false));
        let stop = stopping.clone();
        let thread = thread::Builder::new()
            .name("device".into())
            .spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    parts.round(Moment::now(), &outside, &board);
                    thread::sleep(ROUND);
                }
                parts.stop();
            })?;
        Ok(Some(Self {
            stopping,
            thread: Some(thread),
        }))
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
    fn new(settings: Settings, now: Timestamp) -> Self {
        fn part<S: Send + 'static, T>(
            key: &'static str,
            settings: Option<S>,
            open: impl Fn(&S) -> io::Result<T> + Send + 'static,
        ) -> Option<Part<T>> {
            settings.map(|settings| Part::new(key, move || open(&settings)))
        }
        Self {
            watchdog: part("watchdog", settings.watchdog, |path| {
                WatchdogFile::open(path)
            }),
            watchdog_line: part("watchdog_line", settings.watchdog_line, |line| {
                Line::output(line).map(Watchdog::new)
            }),
            status_light: part("status_light", settings.status_light, |path| {
                Led::open(path).map(StatusLight::new)
            }),
            status_light_line: part("status_light_line", settings.status_light_line, |line| {
                Line::output(line).map(StatusLight::new)
            }),
            enclosure: part("enclosure", settings.enclosure, |line| {
                Line::input(line).map(|line| Contact::new(line, SETTLE))
            }),
            thermometer: settings.thermometer.map(Warmth::new),
            gnss: settings.gnss.map(|gnss| Receiver::new(gnss, now)),
            pps: part("pps", settings.pps, |path| PulseFile::open(path)).map(PulseSource::new),
            status: Status::Booting,
            look: Every::new(LOOK_INTERVAL),
            post: Every::new(POST_INTERVAL),
            facts: DeviceFacts::default(),
        }
    }

    fn are_none(&self) -> bool {
        self.counters().is_empty()
    }

    fn round(&mut self, moment: Moment, outside: &Outside, board: &DeviceBoard) {
        let now = since_boot(moment);
        if self.look.is_due(now) {
            let is_alive = (outside.is_alive)();
            if is_alive {
                self.feed(now);
            }
            self.status = match is_alive {
                true => (outside.status)(),
                false => Status::Fault,
            };
            let pps = self.pps.as_mut();
            self.facts.pulse_ahead = pps.and_then(|pps| pps.ahead(now, moment.time));
        }
        shine(&mut self.status_light, self.status, now);
        shine(&mut self.status_light_line, self.status, now);
        if let Some(enclosure) = &mut self.enclosure {
            self.facts.is_open = enclosure.work(now, |contact| {
                contact.handle_timeout(now).map(|_| contact.is_active())
            });
        }
        if let Some(receiver) = &mut self.gnss {
            receiver.round(now);
        }
        if self.post.is_due(now) {
            self.post(now, board);
        }
    }

    fn feed(&mut self, now: Timestamp) {
        if let Some(watchdog) = &mut self.watchdog {
            watchdog.work(now, WatchdogFile::feed);
        }
        if let Some(watchdog) = &mut self.watchdog_line {
            watchdog.work(now, Watchdog::feed);
        }
    }

    fn post(&mut self, now: Timestamp, board: &DeviceBoard) {
        if let Some(warmth) = &mut self.thermometer {
            self.facts.celsius = warmth.read(now);
            let is_too_warm = |celsius| celsius > warmth.celsius_max;
            self.facts.is_too_warm = self.facts.celsius.is_some_and(is_too_warm);
        }
        self.facts.gnss = self.gnss.as_ref().map(|receiver| receiver.facts(now));
        self.facts.counters = self.counters();
        board.post(self.facts.clone());
    }

    /// Of every part that the board has.
    fn counters(&self) -> Vec<(&'static str, u64)> {
        fn failures<T>(part: &Option<Part<T>>) -> Option<u64> {
            part.as_ref().map(Part::failures)
        }
        let thermometer = self.thermometer.as_ref();
        let gnss = self.gnss.as_ref();
        let pps = self.pps.as_ref();
        let received = gnss.map(|receiver| receiver.gnss.counters());
        let counters = [
            ("watchdog_failures", failures(&self.watchdog)),
            ("watchdog_line_failures", failures(&self.watchdog_line)),
            ("status_light_failures", failures(&self.status_light)),
            (
                "status_light_line_failures",
                failures(&self.status_light_line),
            ),
            ("enclosure_failures", failures(&self.enclosure)),
            (
                "thermometer_failures",
                thermometer.map(|warmth| warmth.thermometer.failures()),
            ),
            (
                "gnss_failures",
                gnss.map(|receiver| receiver.port.failures()),
            ),
            (
                "gnss_passed_over",
                received.map(|received| received.passed_over),
            ),
            ("gnss_damaged", received.map(|received| received.damaged)),
            ("gnss_too_long", received.map(|received| received.too_long)),
            ("pps_failures", pps.map(|pulses| pulses.file.failures())),
            ("pps_irregular", pps.map(|pulses| pulses.pps.irregular())),
        ];
        let of_board = counters.into_iter();
        of_board
            .filter_map(|(name, count)| Some((name, count?)))
            .collect()
    }

    fn stop(self) {
        let watchdog = self.watchdog.and_then(Part::into_opened);
        if let Some(Err(error)) = watchdog.map(WatchdogFile::stop) {
            warn!("device.watchdog: {error}; it goes on");
        }
    }
}

fn shine<P: OutputPin<Error: Display>>(
    light: &mut Option<Part<StatusLight<P>>>,
    status: Status,
    now: Timestamp,
) {
    if let Some(light) = light {
        light.work(now, |light| {
            light.set(status);
            light.handle_timeout(now)
        });
    }
}

impl Warmth {
    fn new(settings: ThermometerSettings) -> Self {
        let ThermometerSettings {
            bus,
            address,
            celsius_max,
        } = settings;
        let open = move || {
            let opened = about(&bus, I2cdev::new(&bus))?;
            Ok(Thermometer::new(opened, address))
        };
        Self {
            thermometer: Part::new("thermometer", open),
            celsius_max,
        }
    }

    fn read(&mut self, now: Timestamp) -> Option<f32> {
        self.thermometer.work(now, Thermometer::read_celsius)
    }
}

impl Receiver {
    fn new(settings: GnssSettings, now: Timestamp) -> Self {
        let GnssSettings { port, baud, drift } = settings;
        Self {
            port: Part::new("gnss", move || Port::open(&port, baud)),
            gnss: Gnss::new(),
            drift: Drift::new(drift),
            started: now,
            deviation_m: None,
        }
    }

    fn round(&mut self, now: Timestamp) {
        let mut buffer = [0; READ_BYTES_MAX];
        let read = self.port.work(now, |port| port.read(&mut buffer));
        let bytes = buffer.get(..read.unwrap_or_default()).unwrap_or_default();
        if self.gnss.handle_bytes(now, bytes) {
            let position = self.gnss.fix().and_then(|fix| fix.position);
            self.deviation_m = position.and_then(|position| self.drift.observe(now, position));
        }
    }

    fn facts(&self, now: Timestamp) -> GnssFacts {
        let fix = self.gnss.fix().copied();
        let silent = now - fix.map_or(self.started, |fix| fix.received);
        let counters = self.gnss.counters();
        GnssFacts {
            fix,
            silent_s: (silent.as_millis() / 1_000).unsigned_abs(),
            damaged: counters.damaged.saturating_add(counters.too_long),
            deviation_m: self.deviation_m,
        }
    }
}

impl PulseSource {
    fn new(file: Part<PulseFile>) -> Self {
        Self {
            file,
            pps: Pps::new(),
            last: None,
        }
    }

    /// By how much the wall clock is ahead of the pulses.
    fn ahead(&mut self, now: Timestamp, wall: Timestamp) -> Option<Span> {
        if let Some(pulse) = self.file.work(now, PulseFile::read).flatten()
            && self.last.replace(pulse.number) != Some(pulse.number)
        {
            self.pps.handle_pulse(pulse.time);
        }
        self.pps.offset(wall)
    }
}

impl Every {
    fn new(interval: Span) -> Self {
        Self {
            interval,
            next: None,
        }
    }

    fn is_due(&mut self, now: Timestamp) -> bool {
        let is_due = self.next.is_none_or(|next| now >= next);
        if is_due {
            self.next = Some(now + self.interval);
        }
        is_due
    }
}

/// What the drivers take for the time: nobody sets it.
fn since_boot(moment: Moment) -> Timestamp {
    Timestamp::from_micros(i64::try_from(moment.since_boot.as_micros()).unwrap_or(i64::MAX))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
