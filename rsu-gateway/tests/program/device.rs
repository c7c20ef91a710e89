//! The board's own parts. Files stand for what the kernel offers, a pseudo terminal for the line of
//! the GNSS receiver.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use rsu_gateway::demo_broker::DemoBroker;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use serde_json::Value;
use tokio::time::sleep;

use crate::data;
use crate::process::PATIENCE;
use crate::service::{Service, configuration};
use crate::subscriber::{Heard, Subscriber};

/// Where the unit stands, in degrees and as a receiver says it.
const POSITION: &str = "longitude_deg = 106.562367\nlatitude_deg = 29.721667\n";
const LATITUDE: &str = "2943.300";
/// A tenth of a minute of arc to the north.
const LATITUDE_185_M_OFF: &str = "2943.400";

/// A unit with its parts.
struct Board {
    service: Service,
    watchdog: PathBuf,
    light: PathBuf,
    pulses: PathBuf,
    receiver: Receiver,
}

impl Board {
    async fn start(test: &str, broker: &DemoBroker) -> Self {
        let folder = data::folder(&format!("{test}-parts"));
        let file = |name: &str, content: &str| {
            let path = folder.join(name);
            fs::write(&path, content).unwrap();
            path
        };
        let watchdog = file("watchdog", "");
        let light = file("brightness", "");
        file("trigger", "");
        let pulses = file("assert", &pulse(0, 0));
        let (receiver, port) = Receiver::start();
        let unit = format!("esn = \"E1\"\n{POSITION}");
        let configuration = configuration(broker.address()).replace("esn = \"E1\"\n", &unit);
        let configuration = format!(
            r#"{configuration}
[device]
watchdog = {watchdog:?}
status_light = {folder:?}
gnss = {{ port = "{port}", drift_m_max = 20.0, drift_s = 1 }}
pps = {pulses:?}
"#
        );
        Self {
            service: Service::start(test, &configuration, &[]).await,
            watchdog,
            light,
            pulses,
            receiver,
        }
    }

    fn fed(&self) -> Vec<u8> {
        fs::read(&self.watchdog).unwrap()
    }

    /// The kernel catches a pulse every second, 300 ms late.
    async fn pulse_late(&self) {
        // In one write, for the program must not see half of it.
        let mut file = OpenOptions::new().write(true).open(&self.pulses).unwrap();
        for number in 1..=9_999 {
            let since = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap();
            file.write_all(pulse(since.as_secs(), number).as_bytes())
                .unwrap();
            std::io::Seek::rewind(&mut file).unwrap();
            sleep(Duration::from_secs(1)).await;
        }
    }
}

fn pulse(seconds: u64, number: u64) -> String {
    format!("{seconds:010}.300000000#{number:04}\n")
}

/// A receiver that tells its latitude five times a second, until this is dropped.
struct Receiver {
    latitude: mpsc::Sender<&'static str>,
}

impl Receiver {
    /// The receiver, and the port that it is at.
    fn start() -> (Self, String) {
        // The program must not inherit the receiver's end, or the line never breaks.
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let line = openpt(flags).unwrap();
        grantpt(&line).unwrap();
        unlockpt(&line).unwrap();
        let port = ptsname(&line, Vec::new()).unwrap();
        let (latitude, moves) = mpsc::channel();
        std::thread::spawn(move || {
            let mut line = File::from(line);
            let mut latitude = LATITUDE;
            loop {
                match moves.recv_timeout(Duration::from_millis(200)) {
                    Ok(moved) => latitude = moved,
                    Err(RecvTimeoutError::Timeout) => {}
                    Err(RecvTimeoutError::Disconnected) => return,
                }
                line.write_all(gga(latitude).as_bytes()).unwrap();
            }
        });
        (Self { latitude }, port.into_string().unwrap())
    }
}

fn gga(latitude: &str) -> String {
    let content = format!("GNGGA,101500,{latitude},N,10633.742,E,1,11,0.8,245.4,M,0.0,M,,");
    let sum = content.bytes().fold(0, |sum, byte| sum ^ byte);
    format!("${content}*{sum:02X}\r\n")
}

async fn until(what: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "{what}");
        sleep(Duration::from_millis(10)).await;
    }
}

async fn changes(light: &Path) {
    let level = || fs::read_to_string(light).unwrap();
    for wanted in ["1", "0", "1"] {
        until("the light blinks", || level() == wanted).await;
    }
}

fn alarm<'a>(heard: &'a [Value], kind: &str) -> Option<&'a Value> {
    heard.iter().find(|alarm| alarm["kind"] == kind)
}

#[tokio::test]
async fn parts_are_worked_and_what_they_find_is_an_alarm() {
    const ALARMS: &str = "rsu/R1/alarm/up";
    let broker = DemoBroker::start().await.unwrap();
    let mut city = Subscriber::connect(broker.address()).await;
    let board = Board::start("device-work", &broker).await;
    until("the watchdog is fed", || board.fed().len() > 8).await;
    changes(&board.light).await;

    let mut heard = Heard::default();
    let heard_of = |heard: &Heard, kind| alarm(&heard.json(ALARMS), kind).cloned();
    let has_run = |heard: &Heard| heard.payloads("rsu/R1/run-status/up").len() > 2;
    city.hear_until(&mut heard, has_run).await;
    assert_eq!(heard_of(&heard, "gnssDeviation"), None, "it stands there");
    board.receiver.latitude.send(LATITUDE_185_M_OFF).unwrap();
    let has_moved = |heard: &Heard| heard_of(heard, "gnssDeviation").is_some();
    city.hear_until(&mut heard, has_moved).await;
    let moved = heard_of(&heard, "gnssDeviation").unwrap();
    assert_eq!(moved["severity"], "major");
    let text = moved["text"].as_str().unwrap();
    assert!(text.contains("186 m") || text.contains("185 m"), "{text}");

    let is_late = |heard: &Heard| heard_of(heard, "timeSourceMismatch").is_some();
    tokio::select! {
        () = board.pulse_late() => {}
        () = city.hear_until(&mut heard, is_late) => {}
    }
    let late = heard_of(&heard, "timeSourceMismatch").unwrap();
    let text = late["text"].as_str().unwrap();
    assert_eq!(text, "the clock is +300.0 ms ahead of the receiver's pulse");

    let Board {
        service,
        watchdog,
        receiver,
        ..
    } = board;
    drop(receiver);
    let is_gone = |heard: &Heard| {
        let last = heard.json("rsu/R1/run-status/up").pop();
        last.is_some_and(|last| last["drops"]["gnss_failures"].as_u64() > Some(0))
    };
    city.hear_until(&mut heard, is_gone).await;

    let ended = service.stop().await.succeeded();
    assert!(ended.stderr.contains("device.gnss:"), "{}", ended.stderr);
    let fed = fs::read(watchdog).unwrap();
    assert!(fed.ends_with(b"\0V"), "a stop that was wanted stops it");
}

#[tokio::test]
async fn a_program_that_is_killed_leaves_the_watchdog_running() {
    let broker = DemoBroker::start().await.unwrap();
    let board = Board::start("device-killed", &broker).await;
    until("the watchdog is fed", || !board.fed().is_empty()).await;
    let watchdog = board.watchdog.clone();
    drop(board);
    assert!(!fs::read(watchdog).unwrap().contains(&b'V'));
}

#[tokio::test]
async fn a_part_that_is_not_there_is_named_and_the_unit_works_without_it() {
    let broker = DemoBroker::start().await.unwrap();
    let configuration = format!(
        r#"{}
[device]
status_light_line = {{ chip = "/nowhere/gpiochip7", line = 3 }}
gnss = {{ port = "/nowhere/ttyS7" }}
"#,
        configuration(broker.address())
    );
    let service = Service::start("device-missing", &configuration, &[]).await;
    let mut city = Subscriber::connect(broker.address()).await;
    let mut heard = Heard::default();
    let has_run = |heard: &Heard| heard.payloads("rsu/R1/run-status/up").len() > 2;
    city.hear_until(&mut heard, has_run).await;
    let stderr = service.stop().await.succeeded().stderr;
    for named in [
        "device.status_light_line: line 3 of /nowhere/gpiochip7",
        "device.gnss: /nowhere/ttyS7",
    ] {
        assert!(stderr.contains(named), "{stderr}");
    }
}
