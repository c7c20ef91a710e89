//! The parts at work, in virtual time: files stand for what the kernel offers, a pseudo terminal for
//! the receiver's line, and a simulated chip for the lines where the kernel has one.

use std::fs;
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use super::super::gpio::simulated::Simulated;
use super::super::port::tests::line;
use super::*;
use rsu_firmware::driver::DriftSettings;

/// A folder of the test's own; it goes with the value.
struct Folder(PathBuf);

impl Folder {
    fn new(test: &str) -> Self {
        let path = std::env::temp_dir().join(format!("rsu-device-{test}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, "").unwrap();
        path
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.0.join(name)).unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

/// The parts, what they are told, and the time.
struct Bench {
    parts: Parts,
    board: DeviceBoard,
    is_alive: Arc<AtomicBool>,
    outside: Outside,
    elapsed: Duration,
}

const START: Timestamp = Timestamp::from_millis(1_800_000_000_000);

impl Bench {
    fn new(settings: Settings, status: Status) -> Self {
        let is_alive = Arc::new(AtomicBool::new(true));
        let alive = is_alive.clone();
        Self {
            parts: Parts::new(settings, Timestamp::from_millis(0)),
            board: DeviceBoard::default(),
            is_alive,
            outside: Outside {
                is_alive: Box::new(move || alive.load(Ordering::Relaxed)),
                status: Box::new(move || status),
            },
            elapsed: Duration::ZERO,
        }
    }

    fn round(&mut self) {
        let elapsed_ms = i64::try_from(self.elapsed.as_millis()).unwrap();
        let moment = Moment {
            time: START + Span::from_millis(elapsed_ms),
            since_boot: self.elapsed,
        };
        self.parts.round(moment, &self.outside, &self.board);
        self.elapsed += ROUND;
    }

    fn run(&mut self, millis: u64) {
        let until = self.elapsed + Duration::from_millis(millis);
        while self.elapsed < until {
            self.round();
        }
    }

    /// The lengths in ms of the light's phases, with what the file said in each.
    fn watch(&mut self, millis: u64, level: impl Fn() -> String) -> Vec<(String, u64)> {
        let mut phases: Vec<(String, u64)> = Vec::new();
        for _ in 0..millis / 20 {
            self.round();
            let level = level();
            match phases.last_mut() {
                Some((before, long)) if *before == level => *long += 20,
                _ => phases.push((level, 20)),
            }
        }
        phases
    }

    fn counter(&self, name: &str) -> u64 {
        let counters = self.board.latest().counters;
        let found = counters.iter().find(|(counter, _)| *counter == name);
        found.unwrap_or_else(|| panic!("{counters:?}")).1
    }
}

fn phases(expected: &[(&str, u64)]) -> Vec<(String, u64)> {
    let owned = |(level, long): &(&str, u64)| ((*level).to_owned(), *long);
    expected.iter().map(owned).collect()
}

#[test]
fn the_watchdog_is_fed_while_everything_makes_progress_and_stopped_in_the_end() {
    let folder = Folder::new("watchdog");
    let settings = Settings {
        watchdog: Some(folder.file("watchdog")),
        ..Settings::default()
    };
    let mut bench = Bench::new(settings, Status::Healthy);
    bench.run(1_000);
    assert_eq!(folder.read("watchdog"), "\0".repeat(4));
    bench.is_alive.store(false, Ordering::Relaxed);
    bench.run(60_000);
    assert_eq!(folder.read("watchdog"), "\0".repeat(4), "it may bite");
    bench.is_alive.store(true, Ordering::Relaxed);
    bench.run(500);
    bench.parts.stop();
    assert_eq!(folder.read("watchdog"), "\0".repeat(6) + "V");
}

#[test]
fn a_watchdog_that_was_never_fed_is_never_started() {
    let folder = Folder::new("idle");
    let settings = Settings {
        watchdog: Some(folder.file("watchdog")),
        ..Settings::default()
    };
    Bench::new(settings, Status::Healthy).parts.stop();
    assert_eq!(folder.read("watchdog"), "");
}

#[test]
fn the_light_tells_the_status_and_a_fault_when_a_task_hangs() {
    let folder = Folder::new("light");
    folder.file("brightness");
    fs::write(folder.0.join("trigger"), "heartbeat").unwrap();
    let settings = Settings {
        status_light: Some(folder.0.clone()),
        ..Settings::default()
    };
    let mut bench = Bench::new(settings, Status::NoUplink);
    let no_uplink = [("1", 200), ("0", 300), ("1", 200), ("0", 1_500)];
    let seen = bench.watch(2_200, || folder.read("brightness"));
    assert_eq!(seen, phases(&no_uplink));
    assert_eq!(folder.read("trigger"), "none");
    bench.is_alive.store(false, Ordering::Relaxed);
    bench.run(300);
    let seen = bench.watch(6_000, || folder.read("brightness"));
    let fault = [("1", 1_000), ("0", 300), ("1", 200), ("0", 1_500)];
    let whole = seen.windows(4).any(|some| some == phases(&fault));
    assert!(whole, "{seen:?}");
}

#[test]
fn a_receiver_that_goes_away_is_looked_for_again() {
    let folder = Folder::new("receiver");
    let port = folder.0.join("gnss");
    let settings = Settings {
        gnss: Some(GnssSettings {
            port: port.clone(),
            baud: 9_600,
            drift: DriftSettings {
                reference: None,
                distance_m_max: 20.0,
                holds: Span::from_millis(1_000),
            },
        }),
        ..Settings::default()
    };
    let mut bench = Bench::new(settings, Status::Healthy);
    bench.run(6_100);
    assert_eq!(bench.counter("gnss_failures"), 2, "at 0 s and at 5 s");
    for silent_s in [0, 8] {
        let (mut receiver, path) = line();
        symlink(path, &port).unwrap();
        bench.run(5_000);
        let silent = bench.board.latest().gnss.unwrap().silent_s;
        assert!(silent > silent_s, "{silent}");
        receiver
            .write_all(b"$GPGGA,123519,2943.300,N,10633.742,E,1,08,0.9,245.4,M,46.9,M,,*4B\r\n")
            .unwrap();
        let heard = (0..10_000).any(|_| {
            bench.run(1_000);
            bench.board.latest().gnss.unwrap().silent_s < 2
        });
        assert!(heard);
        drop(receiver);
        fs::remove_file(&port).unwrap();
        bench.run(4_000);
    }
    let latest = bench.board.latest().gnss.unwrap();
    assert!(latest.fix.unwrap().position.is_some(), "the latest is kept");
}

#[test]
fn the_clock_is_compared_with_the_pulses() {
    let folder = Folder::new("pulses");
    let file = folder.file("assert");
    fs::write(&file, "0.000000000#0").unwrap();
    let settings = Settings {
        pps: Some(file.clone()),
        ..Settings::default()
    };
    let mut bench = Bench::new(settings, Status::Healthy);
    bench.run(1_000);
    assert_eq!(bench.board.latest().pulse_ahead, None);
    for number in 1..=3 {
        let seconds = START.as_millis() / 1_000 + number;
        fs::write(&file, format!("{seconds}.070000000#{number}")).unwrap();
        bench.run(1_000);
    }
    let ahead = Some(Span::from_millis(70));
    assert_eq!(bench.board.latest().pulse_ahead, ahead);
    bench.run(4_000);
    assert_eq!(bench.board.latest().pulse_ahead, None);
    fs::write(&file, "noise").unwrap();
    bench.run(1_100);
    assert_eq!(bench.counter("pps_failures"), 1);
}

#[test]
fn what_is_not_there_takes_nothing_from_the_rest() {
    let folder = Folder::new("missing");
    let nowhere = PathBuf::from("/nowhere/chip");
    let line = Some(super::super::LineSettings {
        chip: nowhere.clone(),
        line: 0,
        active_low: false,
    });
    let settings = Settings {
        watchdog: Some(folder.file("watchdog")),
        watchdog_line: line.clone(),
        status_light: Some(nowhere.clone()),
        status_light_line: line.clone(),
        enclosure: line,
        thermometer: Some(ThermometerSettings {
            bus: nowhere,
            address: 0x48,
            celsius_max: 85.0,
        }),
        gnss: None,
        pps: None,
    };
    let mut bench = Bench::new(settings, Status::Healthy);
    bench.run(1_100);
    assert_eq!(folder.read("watchdog").len(), 5);
    let facts = bench.board.latest();
    assert_eq!((facts.is_open, facts.celsius), (None, None));
    let failed = facts.counters.iter().filter(|(_, count)| *count == 1);
    let failed: Vec<_> = failed.map(|(name, _)| *name).collect();
    let expected = [
        "watchdog_line_failures",
        "status_light_failures",
        "status_light_line_failures",
        "enclosure_failures",
        "thermometer_failures",
    ];
    assert_eq!(failed, expected);
}

#[test]
fn a_board_without_parts_has_no_thread() {
    let outside = Bench::new(Settings::default(), Status::Healthy).outside;
    let devices = Devices::start(Settings::default(), DeviceBoard::default(), outside);
    assert!(devices.unwrap().is_none());
}

#[test]
fn lines_are_worked_on_a_simulated_chip() {
    let Some(chip) = Simulated::new("parts") else {
        return;
    };
    let settings = Settings {
        watchdog_line: Some(chip.line(0, false)),
        status_light_line: Some(chip.line(1, true)),
        enclosure: Some(chip.line(2, true)),
        ..Settings::default()
    };
    chip.pull(2, "pull-up");
    let mut bench = Bench::new(settings, Status::NoUplink);
    let seen = bench.watch(2_200, || chip.level(1));
    let inverted = [("0", 200), ("1", 300), ("0", 200), ("1", 1_500)];
    assert_eq!(seen, phases(&inverted));
    assert_eq!(bench.board.latest().is_open, Some(false));
    chip.pull(2, "pull-down");
    let fed = bench.watch(2_000, || chip.level(0));
    assert!(fed.len() >= 8, "{fed:?}");
    assert_eq!(bench.board.latest().is_open, Some(true));
    bench.is_alive.store(false, Ordering::Relaxed);
    let starved = bench.watch(2_000, || chip.level(0));
    assert!(starved.len() <= 2, "{starved:?}");
}
