//! A task that makes no progress, in a program that systemd watches.

use std::io::{BufRead, BufReader};
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use rsu_gateway::health::{Pulses, Watchdog, systemd};
use rsu_gateway::logging;

const WATCHDOG: Duration = Duration::from_millis(400);

/// systemd's end of the notify socket, which is always read.
struct Supervisor {
    told: mpsc::Receiver<String>,
    path: PathBuf,
}

impl Supervisor {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("rsu-notify-{name}-{}", std::process::id()));
        let socket = UnixDatagram::bind(&path).unwrap();
        let (sender, told) = mpsc::channel();
        thread::spawn(move || {
            let mut buffer = [0; 4_096];
            while let Ok(length) = socket.recv(&mut buffer) {
                let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
                if sender.send(text).is_err() {
                    break;
                }
            }
        });
        Self { told, path }
    }

    /// Runs one of the programs below, as systemd runs a service.
    fn start(&self, program: &str) -> Running {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", program, "--ignored", "--nocapture"])
            .env("NOTIFY_SOCKET", &self.path)
            .env("WATCHDOG_USEC", WATCHDOG.as_micros().to_string())
            .env_remove("WATCHDOG_PID")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (sender, log) = mpsc::channel();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        thread::spawn(move || {
            stderr
                .lines()
                .map_while(Result::ok)
                .try_for_each(|l| sender.send(l))
        });
        Running { child, log }
    }

    /// What the program says next, if it says anything in time.
    fn told_within(&self, time: Duration) -> Option<String> {
        self.told.recv_timeout(time).ok()
    }

    fn expect(&self, line: &str) {
        let told = self.told_within(Duration::from_secs(60));
        assert_eq!(told.as_deref(), Some(format!("{line}\n").as_str()));
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

struct Running {
    child: Child,
    log: mpsc::Receiver<String>,
}

impl Running {
    fn says(&self, what: &str) -> String {
        let mut lines = std::iter::from_fn(|| self.log.recv_timeout(Duration::from_secs(60)).ok());
        let found = lines.find(|line| line.contains(what));
        found.unwrap_or_else(|| panic!("nothing is said of \"{what}\""))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        self.child.wait().unwrap();
    }
}

#[test]
fn a_task_in_a_deadlock_is_named_and_the_watchdog_is_not_fed_any_more() {
    let supervisor = Supervisor::new("deadlock");
    let program = supervisor.start("watchdog::program_with_a_deadlock");
    supervisor.expect("READY=1");
    supervisor.expect("WATCHDOG=1");
    supervisor.expect("WATCHDOG=1");
    let line = program.says("makes no progress");
    assert!(line.contains("radio") && !line.contains("uplink"), "{line}");
    // What was told before may still be under way.
    thread::sleep(WATCHDOG);
    while supervisor.told.try_recv().is_ok() {}
    assert_eq!(supervisor.told_within(3 * WATCHDOG), None);
}

#[test]
fn a_program_at_work_feeds_the_watchdog_in_time() {
    let supervisor = Supervisor::new("work");
    let mut program = supervisor.start("watchdog::program_at_work");
    supervisor.expect("READY=1");
    supervisor.expect("STATUS=two lines");
    for _ in 0..10 {
        supervisor.expect("WATCHDOG=1");
    }
    drop(program.child.stdin.take());
    let told = std::iter::repeat_with(|| supervisor.told_within(Duration::from_secs(60)));
    let mut last = told.skip_while(|told| told.as_deref() == Some("WATCHDOG=1\n"));
    assert_eq!(last.next().flatten().as_deref(), Some("STOPPING=1\n"));
}

/// The limit of both tasks: far longer than a busy machine keeps a thread waiting.
const SILENT_MAX: Duration = Duration::from_secs(3);

fn beat_for_ever(pulses: &Pulses, name: &'static str) {
    let pulse = pulses.register(name, SILENT_MAX);
    thread::spawn(move || {
        loop {
            pulse.beat();
            thread::sleep(Duration::from_millis(10));
        }
    });
}

#[test]
#[ignore = "started by a test above, in a process of its own, which it does not end"]
fn program_with_a_deadlock() {
    logging::start(logging::Settings {
        filter: "info".parse().unwrap(),
        json: false,
        site_limit: None,
    })
    .unwrap();
    let pulses = Pulses::default();
    beat_for_ever(&pulses, "uplink");
    let radio = pulses.register("radio", SILENT_MAX);
    let _watchdog = Watchdog::start(pulses, None).unwrap();
    systemd::ready();
    radio.beat();
    // Waits for itself.
    let (_sender, receiver) = mpsc::channel::<()>();
    let _ = receiver.recv();
}

#[test]
#[ignore = "started by a test above, in a process of its own"]
fn program_at_work() {
    let pulses = Pulses::default();
    beat_for_ever(&pulses, "radio");
    beat_for_ever(&pulses, "uplink");
    systemd::ready();
    let watchdog = Watchdog::start(pulses, None).unwrap();
    watchdog.set_status("two\nlines".into());
    // Until stdin is closed.
    let _ = std::io::stdin().lines().count();
    drop(watchdog);
    systemd::stopping();
}
