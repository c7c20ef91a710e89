//! A unit in a virtual machine, with its broker, its time server and its radio module.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use rsu_image::emulate::{HOST_ADDRESS, Machine, Ports};
use rsu_image::flash::provisioned_disk;
use rsu_image::provision::Unit;
use rsu_image::ssh::Host;
use tempfile::TempDir;

use crate::broker::{Broker, Report};
use crate::fixture::{FIRST, fixture};
use crate::time;
use crate::traffic::Traffic;

/// From power on to the first report, on a busy machine.
pub(crate) const START_TIME_MAX: Duration = Duration::from_secs(120);
/// From the restart for a bad update until the version from before runs again.
pub(crate) const FALL_BACK_TIME_MAX: Duration = Duration::from_secs(120);
/// From the order of an update to its confirmation.
pub(crate) const UPDATE_TIME_MAX: Duration = Duration::from_secs(300);

pub(crate) struct Emulated {
    machine: Option<Machine>,
    ports: Ports,
    pub(crate) broker: Broker,
    folder: TempDir,
    _traffic: Traffic,
}

impl Emulated {
    /// A new unit out of its box, first flashed, switched on, and at work.
    pub(crate) fn at_work() -> Self {
        let mut unit = Self::out_of_the_box();
        unit.switch_on();
        unit.wait_for("the first snapshot", START_TIME_MAX, |unit| {
            unit.reports("junction/up").last().cloned()
        });
        unit
    }

    fn out_of_the_box() -> Self {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let broker = Broker::start();
        make_key(&folder.path().join("key"));
        let description = folder.path().join("unit.toml");
        let text = format!(
            r#"
id = "R1"
serial = "E1"
brokers = ["mqtt://{HOST_ADDRESS}:{broker}"]
authorized_keys = "key.pub"
time_sources = ["server {HOST_ADDRESS} port {time} iburst minpoll 0 maxpoll 2"]
[configuration.mqtt]
reconnect_delay_s_max = 2
[configuration.update]
allow_http = true
download_bytes_per_s_max = 0
[configuration.reports]
traffic_interval_s = 5
[configuration.device]
status_light_line = {{ chip = "/dev/gpiochip0", line = 4 }}
"#,
            broker = broker.port,
            time = time::serve(),
        );
        fs::write(&description, text).unwrap();
        let unit = Unit::read(&description).unwrap();
        provisioned_disk(
            &fixture().image(FIRST),
            &unit,
            &folder.path().join("disk.img"),
        )
        .unwrap();
        let ports = Ports::free().unwrap();
        Self {
            machine: None,
            ports,
            broker,
            _traffic: Traffic::start(ports.radio),
            folder,
        }
    }

    pub(crate) fn switch_on(&mut self) {
        let (disk, console) = (self.path("disk.img"), self.path("console.log"));
        let machine = Machine::start(fixture().board, &disk, self.ports, &console).unwrap();
        self.machine = Some(machine);
    }

    /// As when somebody pulls the plug: what was not on the disk is gone.
    pub(crate) fn cut_power(&mut self) {
        self.machine.take().unwrap().cut_power();
    }

    /// A private key that the unit does not know.
    pub(crate) fn strangers_key(&self) -> PathBuf {
        let key = self.path("strangers-key");
        make_key(&key);
        key
    }

    /// The way in by ssh.
    pub(crate) fn host(&self) -> Host {
        self.machine.as_ref().unwrap().host(&self.path("key"))
    }

    /// Runs a command line on the unit.
    pub(crate) fn run(&self, line: &str) -> String {
        self.host()
            .run(line)
            .unwrap_or_else(|error| panic!("{error}\n{}", self.story()))
            .trim()
            .to_owned()
    }

    /// TCP port on the host's loopback that leads to sshd.
    pub(crate) fn ssh_port(&self) -> u16 {
        self.ports.ssh
    }

    /// The slot that runs, and its version.
    pub(crate) fn slot_and_version(&self) -> (String, String) {
        slot_and_version(&self.run(SLOT_AND_VERSION))
    }

    /// As [`Emulated::slot_and_version`], of a unit that may be down.
    pub(crate) fn try_slot_and_version(&self) -> Option<(String, String)> {
        let told = self.host().run(SLOT_AND_VERSION).ok()?;
        Some(slot_and_version(&told))
    }

    /// Waits until snapshots come again.
    pub(crate) fn wait_for_snapshots(&self, which: &str) {
        let before = self.reports("junction/up").len();
        self.wait_for(&format!("snapshots {which}"), START_TIME_MAX, |unit| {
            (unit.reports("junction/up").len() > before + 10).then_some(())
        });
    }

    /// Waits until the slot that runs is marked good.
    pub(crate) fn wait_until_proven(&self) {
        self.wait_for("mark", START_TIME_MAX, |unit| {
            let left = unit.host().run(ATTEMPTS_LEFT).ok()?;
            (left.trim() == "3").then_some(())
        });
    }

    /// What has been heard on a topic.
    pub(crate) fn reports(&self, topic: &str) -> Vec<Report> {
        self.broker
            .heard()
            .into_iter()
            .filter(|report| report.topic == topic)
            .collect()
    }

    /// Waits until `found` finds something.
    pub(crate) fn wait_for<T>(
        &self,
        what: &str,
        patience: Duration,
        found: impl Fn(&Self) -> Option<T>,
    ) -> T {
        let deadline = Instant::now() + patience;
        loop {
            if let Some(found) = found(self) {
                return found;
            }
            assert!(
                Instant::now() < deadline,
                "no {what} in {patience:?}\n{}",
                self.story()
            );
            std::thread::sleep(Duration::from_millis(500));
        }
    }

    /// What the unit says about itself, for those who have to find out why a test failed.
    pub(crate) fn story(&self) -> String {
        let console = fs::read(self.path("console.log")).unwrap_or_default();
        let console = String::from_utf8_lossy(&console);
        let lines: Vec<_> = console.lines().collect();
        let console = lines[lines.len().saturating_sub(40)..].join("\n");
        let log = self.machine.as_ref().map(|machine| {
            let host = machine.host(&self.path("key"));
            host.run("grep -v dropbear /data/log/messages | tail -n 60; fw_printenv")
                .unwrap_or_else(|error| error.to_string())
        });
        format!(
            "--- console\n{console}\n--- log\n{}",
            log.unwrap_or_default()
        )
    }

    /// A file of the test's own.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

fn make_key(path: &Path) {
    let made = Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-f"])
        .arg(path)
        .status();
    assert!(made.unwrap().success());
}

const ATTEMPTS_LEFT: &str =
    "fw_printenv -n BOOT_$(sed -n 's/.*rauc.slot=\\([AB]\\).*/\\1/p' /proc/cmdline)_LEFT";

const SLOT_AND_VERSION: &str =
    "sed -n 's/.*rauc.slot=//p' /proc/cmdline; sed -n 's/VERSION_ID=//p' /etc/os-release";

fn slot_and_version(told: &str) -> (String, String) {
    let (slot, version) = told.trim().split_once('\n').unwrap();
    (slot.trim().to_owned(), version.to_owned())
}
