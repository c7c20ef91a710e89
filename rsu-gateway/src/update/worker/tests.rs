//! Updates from the order to the end, over reboots, in a machine with two slots.

use std::path::Path;
use std::sync::Mutex;

use rsu_firmware::time::Timestamp;
use semver::Version;

use super::*;
use crate::clock::Moment;
use crate::downlink::{SeqNum, Upgrade};
use crate::health::self_check::Need;
use crate::spool::fs::{self, Memory, Open};
use crate::update::installer::{Installation, Manifest, Mark, Slot, Slots};
use crate::update::test_bench::{Behaviour, Server, downloader, upgrade};
use crate::update::trial::TrialSettings;
use crate::update::updater::{Outside, Settings, Updater};
use crate::update::{Untold, UpdateState};

use UpdateState::{
    Confirmed, Confirming, Downloading, Failed, Installing, Rebooting, Received, RolledBack,
    Verifying, WaitingForReboot,
};

/// What stays when the power goes: slots, boot loader and clock.
#[derive(Debug)]
struct Machinery {
    boots: u32,
    booted: usize,
    slots: [SlotState; 2],
    /// Which slot the boot loader starts.
    primary: usize,
    now: Duration,
    is_healthy: bool,
    is_clock_trusted: bool,
    reboots_asked: u32,
    install_fault: Option<String>,
    mark_fault: Option<String>,
    slots_fault: Option<String>,
    disk: Memory,
}

#[derive(Clone, Debug)]
struct SlotState {
    version: Version,
    is_good: bool,
    count: u64,
}

#[derive(Clone, Debug)]
struct Fake(Arc<Mutex<Machinery>>);

impl Fake {
    fn with<T>(&self, work: impl FnOnce(&mut Machinery) -> T) -> T {
        work(&mut self.0.lock().unwrap())
    }
}

impl Machinery {
    fn slot(&self, place: usize) -> Slot {
        let state = &self.slots[place];
        let name = ["A", "B"][place];
        Slot {
            name: name.into(),
            is_good: state.is_good,
            installation: (state.count > 0).then(|| Installation {
                slot: name.into(),
                time: "now".into(),
                count: state.count,
            }),
        }
    }
}

/// A bundle of the tests: `board version signer`.
fn content(bundle: &[u8]) -> Result<Manifest, InstallerError> {
    let error = |text: &str| InstallerError(text.into());
    let text = std::str::from_utf8(bundle).map_err(|_| error("Invalid bundle format"))?;
    let words: Vec<_> = text.split_whitespace().collect();
    match words[..] {
        [board, version, "operator"] => Ok(Manifest {
            compatible: board.into(),
            version: version.parse().unwrap(),
        }),
        [_, _, _] => Err(error(
            "signature verification failed: self-signed certificate",
        )),
        _ => Err(error("Invalid bundle format")),
    }
}

impl Installer for Fake {
    fn slots(&self) -> Result<Slots, InstallerError> {
        self.with(|machine| match machine.slots_fault.clone() {
            Some(fault) => Err(InstallerError(fault)),
            None => Ok(Slots {
                compatible: "rsu-test".into(),
                booted: machine.slot(machine.booted),
                other: Some(machine.slot(1 - machine.booted)),
            }),
        })
    }

    fn inspect(&self, bundle: &Path) -> Result<Manifest, InstallerError> {
        let disk = self.with(|machine| machine.disk.clone());
        content(&fs::read(&disk, bundle, 1 << 20).unwrap())
    }

    fn install(&self, bundle: &Path, progress: &mut dyn FnMut(u8)) -> Result<(), InstallerError> {
        let manifest = self.inspect(bundle)?;
        for percent in [0, 20, 25, 100] {
            progress(percent);
        }
        self.with(|machine| {
            let other = 1 - machine.booted;
            machine.slots[other].is_good = false;
            if let Some(fault) = machine.install_fault.clone() {
                return Err(InstallerError(fault));
            }
            let slot = &mut machine.slots[other];
            slot.version = manifest.version;
            slot.is_good = true;
            slot.count += 1;
            machine.primary = other;
            Ok(())
        })
    }

    fn mark(&self, mark: Mark) -> Result<(), InstallerError> {
        self.with(|machine| {
            if let Some(fault) = machine.mark_fault.clone() {
                return Err(InstallerError(fault));
            }
            let booted = machine.booted;
            machine.slots[booted].is_good = mark == Mark::Good;
            if mark == Mark::Bad {
                machine.primary = 1 - booted;
            }
            Ok(())
        })
    }
}

impl Machine for Fake {
    fn boot_id(&self) -> String {
        self.with(|machine| machine.boots.to_string())
    }

    fn now(&self) -> Moment {
        self.with(|machine| Moment {
            time: Timestamp::from_millis(1_800_000_000_000 + machine.now.as_millis() as i64),
            since_boot: machine.now,
        })
    }

    fn trusted_time(&self) -> Option<Timestamp> {
        let now = self.now().time;
        self.with(|machine| machine.is_clock_trusted.then_some(now))
    }

    fn reboot(&self) -> Result<(), String> {
        self.with(|machine| machine.reboots_asked += 1);
        Ok(())
    }
}

/// A unit at work, with what the platform has heard of it.
struct Bench {
    machine: Fake,
    disk: Memory,
    server: Server,
    allow_downgrade: bool,
    /// Whether the spool takes what is told.
    is_spool_working: bool,
    told: Arc<Mutex<Vec<Untold>>>,
    heard: Vec<UpdateStatus>,
    updater: Updater,
    worker: Worker,
}

const URL_VERSION: &str = "0.2.0";

fn number(number: u32) -> SeqNum {
    number.to_string().try_into().unwrap()
}

impl Bench {
    /// A unit as it left the factory, at 0.1.0, and a server with this bundle.
    fn new(bundle: &str) -> Self {
        let disk = Memory::new();
        let slot = SlotState {
            version: Version::new(0, 1, 0),
            is_good: true,
            count: 0,
        };
        let machine = Fake(Arc::new(Mutex::new(Machinery {
            boots: 1,
            booted: 0,
            slots: [slot.clone(), slot],
            primary: 0,
            now: Duration::from_secs(10),
            is_healthy: true,
            is_clock_trusted: true,
            reboots_asked: 0,
            install_fault: None,
            mark_fault: None,
            slots_fault: None,
            disk: disk.clone(),
        })));
        let told = Arc::default();
        let (updater, worker) = start(&machine, &disk, false, &told);
        Self {
            machine,
            disk,
            server: Server::start(bundle.as_bytes()),
            allow_downgrade: false,
            is_spool_working: true,
            told,
            heard: Vec::new(),
            updater,
            worker,
        }
    }

    fn order(&self) -> Upgrade {
        upgrade(URL_VERSION, self.server.url())
    }

    fn take(&self, upgrade: &Upgrade, seq_num: u32) -> Result<(), String> {
        let taken = self.updater.take(upgrade, &number(seq_num), 0);
        taken.map_err(|refusal| refusal.text().to_owned())
    }

    /// One step, and the time that it wants to wait.
    fn step(&mut self) -> Next {
        let next = self.worker.step();
        if let Next::Wait(long) = next {
            let long = long.min(Duration::from_secs(1));
            self.machine.with(|machine| machine.now += long);
        }
        self.hear();
        next
    }

    fn hear(&mut self) {
        let told = std::mem::take(&mut *self.told.lock().unwrap());
        if !self.is_spool_working {
            return;
        }
        for untold in told {
            self.updater.told(&untold);
            self.heard.push(untold.status);
        }
    }

    /// Steps, until the machine is to reboot or nothing happens any more.
    fn run(&mut self) {
        for _ in 0..2_000 {
            if self.step() == Next::Wait(IDLE) {
                return;
            }
            if self.machine.with(|machine| machine.reboots_asked) > 0 {
                return;
            }
        }
        panic!("no end: {:?}", self.states());
    }

    /// The program starts again, in the same boot.
    fn restart(&mut self) {
        self.told.lock().unwrap().clear();
        let at = (&self.machine, &self.disk, self.allow_downgrade, &self.told);
        (self.updater, self.worker) = start(at.0, at.1, at.2, at.3);
        self.hear();
    }

    /// The machine starts what the boot loader says.
    fn reboot(&mut self) {
        self.machine.with(|machine| {
            machine.boots += 1;
            machine.booted = machine.primary;
            machine.now = Duration::from_secs(10);
            machine.reboots_asked = 0;
        });
        self.restart();
    }

    fn states(&self) -> Vec<UpdateState> {
        let mut states: Vec<_> = self.heard.iter().map(|status| status.state).collect();
        states.dedup();
        states
    }

    fn last(&self) -> &UpdateStatus {
        self.heard.last().unwrap()
    }

    fn reason(&self) -> &str {
        self.last().reason.as_deref().unwrap()
    }

    fn booted(&self) -> (usize, Version) {
        self.machine.with(|machine| {
            (
                machine.booted,
                machine.slots[machine.booted].version.clone(),
            )
        })
    }

    /// Takes the order and works until the new slot is to be started.
    fn install(&mut self) {
        self.take(&self.order(), 1).unwrap();
        self.run();
        assert_eq!(self.last().state, Rebooting, "{:?}", self.heard);
    }

    /// Nothing was changed, and the unit can be updated again.
    fn assert_given_up(&mut self, why: &str) {
        assert_eq!(self.last().state, Failed, "{:?}", self.states());
        assert!(self.reason().contains(why), "{}", self.reason());
        assert_eq!(self.booted(), (0, Version::new(0, 1, 0)));
        assert_eq!(self.machine.with(|machine| machine.primary), 0);
        let bundle = self
            .disk
            .open("/data/update/bundle.raucb".as_ref(), Open::Read);
        assert!(bundle.is_err(), "its room is free again");
        assert!(!self.updater.is_at_work());
    }
}

fn start(
    machine: &Fake,
    disk: &Memory,
    allow_downgrade: bool,
    told: &Arc<Mutex<Vec<Untold>>>,
) -> (Updater, Worker) {
    let at_work = machine.with(|machine| machine.slots[machine.booted].version.clone());
    let settings = Settings {
        folder: "/data/update".into(),
        at_work: Ok(at_work),
        hardware_version: Some("2.1".into()),
        allow_downgrade,
        downloader: downloader(),
        trial: TrialSettings {
            healthy_for: Duration::from_secs(60),
            deadline: Duration::from_secs(180),
            needs: Need::ALL.to_vec(),
        },
    };
    let (health, told) = (machine.clone(), told.clone());
    let outside = Outside {
        installer: Box::new(machine.clone()),
        machine: Box::new(machine.clone()),
        checks: Box::new(move || {
            let is_healthy = health.with(|machine| machine.is_healthy);
            let check = |need| match is_healthy || need != Need::Uplink {
                true => Check::good(need, ""),
                false => Check::bad(need, "not connected", "connect it"),
            };
            Need::ALL.map(check).to_vec()
        }),
        tell: Box::new(move |untold| told.lock().unwrap().push(untold)),
    };
    let (updater, worker, _, unreadable) =
        Updater::open(Arc::new(disk.clone()), settings, outside).unwrap();
    assert_eq!(unreadable, None);
    (updater, worker)
}

#[test]
fn a_good_bundle_is_installed_started_and_confirmed() {
    let mut bench = Bench::new("rsu-test 0.2.0 operator");
    bench.install();
    let before = [
        Received,
        Downloading,
        Verifying,
        Installing,
        WaitingForReboot,
        Rebooting,
    ];
    assert_eq!(bench.states(), before);
    bench.reboot();
    assert_eq!(bench.booted(), (1, Version::new(0, 2, 0)));
    bench.run();
    assert_eq!(
        bench.states(),
        [&before[..], &[Confirming, Confirmed]].concat()
    );
    let all_of_it = |status: &UpdateStatus| status.upgrade_seq_num == Some(number(1));
    assert!(bench.heard.iter().all(all_of_it));
    let confirmed_at = bench.machine.with(|machine| machine.now);
    assert!(
        confirmed_at >= Duration::from_secs(70),
        "after a minute of health"
    );
    bench.restart();
    bench.run();
    assert_eq!(bench.last().state, Confirmed, "once");
    let percents = bench
        .heard
        .iter()
        .filter(|status| status.state == Installing);
    let percents: Vec<_> = percents.map(|status| status.percent).collect();
    assert_eq!(percents, [None, Some(20), Some(100)]);
}

#[test]
fn what_must_not_be_installed_is_not() {
    for (bundle, why) in [
        ("rsu-test 0.2.0 stranger", "signature verification failed"),
        (
            "rsu-other 0.2.0 operator",
            "for the board rsu-other, this is rsu-test",
        ),
        ("rsu-test 0.3.0 operator", "0.3.0, 0.2.0 was ordered"),
        ("no bundle", "Invalid bundle format"),
    ] {
        let mut bench = Bench::new(bundle);
        bench.take(&bench.order(), 1).unwrap();
        bench.run();
        bench.assert_given_up(why);
        assert!(!bench.states().contains(&Installing));
    }
}

#[test]
fn an_older_version_is_refused_unless_the_operator_allows_it() {
    let mut bench = Bench::new("rsu-test 0.1.0 operator");
    for version in ["0.1.0", "0.0.9"] {
        let refused = bench.take(&upgrade(version, bench.server.url()), 1);
        let refused = refused.unwrap_err();
        let begin = format!("updateVersion: {version} is not newer than 0.1.0");
        assert!(refused.starts_with(&begin), "{refused}");
    }
    bench.allow_downgrade = true;
    bench.restart();
    bench
        .take(&upgrade("0.1.0", bench.server.url()), 1)
        .unwrap();
    bench.run();
    assert_eq!(bench.last().state, Rebooting);
}

#[test]
fn orders_that_cannot_be_carried_out_are_refused_by_member() {
    let bench = Bench::new("");
    let refused = |change: fn(&mut Upgrade)| {
        let mut upgrade = bench.order();
        change(&mut upgrade);
        bench.take(&upgrade, 1).unwrap_err()
    };
    let text = refused(|order| order.hardware_version = Some("1.0".into()));
    assert_eq!(text, "hardwareVersion: it is for 1.0, this is 2.1");
    let text = refused(|order| order.bytes = Some(1 << 40));
    assert!(text.starts_with("downloadSize: "), "{text}");
    let text = refused(|order| order.login = Some(("ota".into(), "secret".into())));
    assert_eq!(text, "OTApassword: is not sent without TLS");
}

#[test]
fn a_download_that_fails_is_told() {
    let mut bench = Bench::new("rsu-test 0.2.0 operator");
    bench.server.script(&[Behaviour::Status(404)]);
    bench.take(&bench.order(), 1).unwrap();
    bench.run();
    bench.assert_given_up("404");
    let mut order = bench.order();
    order.md5 = Some("0".repeat(32));
    bench.take(&order, 2).unwrap();
    bench.run();
    bench.assert_given_up("downloadMd5: the bundle has ");
    order.md5 = None;
    order.bytes = Some(22);
    bench.take(&order, 3).unwrap();
    bench.run();
    bench.assert_given_up("downloadSize: ");
}

#[test]
fn an_installation_that_fails_leaves_the_slot_that_runs() {
    let mut bench = Bench::new("rsu-test 0.2.0 operator");
    let fault = "Failed updating slot rootfs.1: Input/output error";
    bench
        .machine
        .with(|machine| machine.install_fault = Some(fault.into()));
    bench.take(&bench.order(), 1).unwrap();
    bench.run();
    bench.assert_given_up("Input/output error");
    bench.machine.with(|machine| machine.install_fault = None);
    bench.take(&bench.order(), 2).unwrap();
    bench.run();
    assert_eq!(bench.last().state, Rebooting);
}

#[test]
fn an_unhealthy_slot_falls_back_and_the_old_one_tells_why() {
    let mut bench = Bench::new("rsu-test 0.2.0 operator");
    bench.install();
    bench.machine.with(|machine| machine.is_healthy = false);
    bench.reboot();
    bench.run();
    assert_eq!(bench.booted().0, 1);
    let given_up_at = bench.machine.with(|machine| machine.now);
    assert!(
        (190..230).contains(&given_up_at.as_secs()),
        "{given_up_at:?}"
    );
    bench.reboot();
    assert_eq!(bench.booted(), (0, Version::new(0, 1, 0)));
    bench.run();
    assert_eq!(bench.last().state, RolledBack);
    let why = "after 180 s the self-check says uplink: not connected";
    assert_eq!(bench.reason(), why);
    assert!(!bench.updater.is_at_work());
    bench.restart();
    bench.run();
    let rolled_back = |status: &&UpdateStatus| status.state == RolledBack;
    assert_eq!(bench.heard.iter().filter(rolled_back).count(), 1);
}

#[test]
fn a_slot_that_never_comes_up_is_told_by_the_old_one() {
    let mut bench = Bench::new("rsu-test 0.2.0 operator");
    bench.install();
    // The boot loader has counted its attempts.
    bench.machine.with(|machine| machine.primary = 0);
    bench.reboot();
    bench.run();
    assert_eq!(bench.last().state, RolledBack);
    assert_eq!(
        bench.reason(),
        "the new slot never came to start its program"
    );
}

#[test]
fn a_program_that_crashes_on_trial_is_given_up() {
    let mut bench = Bench::new("rsu-test 0.2.0 operator");
    bench.install();
    bench.reboot();
    for _ in 0..3 {
        bench.step();
        bench.restart();
    }
    bench.run();
    assert_eq!(bench.machine.with(|machine| machine.reboots_asked), 1);
    bench.reboot();
    assert_eq!(bench.booted().0, 0);
    bench.run();
    assert!(
        bench.reason().contains("started 4 times"),
        "{}",
        bench.reason()
    );
}

#[test]
fn a_slot_that_cannot_ask_the_installer_is_left() {
    let mut bench = Bench::new("rsu-test 0.2.0 operator");
    bench.install();
    bench
        .machine
        .with(|machine| machine.slots_fault = Some("no D-Bus".into()));
    bench.reboot();
    bench.run();
    let asked_at = bench.machine.with(|machine| machine.now);
    assert!(asked_at >= Duration::from_secs(190), "{asked_at:?}");
    // The boot loader has counted its attempts.
    bench.machine.with(|machine| {
        machine.slots_fault = None;
        machine.primary = 0;
    });
    bench.reboot();
    bench.run();
    assert_eq!(bench.last().state, RolledBack);
    assert_eq!(bench.reason(), "the installer cannot be asked: no D-Bus");
}

#[test]
fn without_a_good_slot_to_fall_back_to_it_stays() {
    let mut bench = Bench::new("rsu-test 0.2.0 operator");
    bench.install();
    bench.machine.with(|machine| {
        machine.is_healthy = false;
        machine.slots[0].is_good = false;
    });
    bench.reboot();
    bench.run();
    assert_eq!(bench.last().state, Failed);
    assert!(
        bench.reason().contains("no good slot"),
        "{}",
        bench.reason()
    );
    assert_eq!(bench.machine.with(|machine| machine.reboots_asked), 0);
    bench.restart();
    bench.run();
    assert_eq!(bench.booted().0, 1, "and does not try again and again");
}

#[test]
fn a_slot_installed_by_hand_is_on_trial_too() {
    let mut bench = Bench::new("");
    bench.machine.with(|machine| {
        machine.slots[1].count = 1;
        machine.slots[1].version = Version::new(0, 3, 0);
        machine.primary = 1;
    });
    bench.reboot();
    bench.run();
    assert_eq!(bench.states(), [Confirming, Confirmed]);
    assert_eq!(bench.last().upgrade_seq_num, None);
    assert_eq!(bench.last().update_version, Version::new(0, 3, 0));
    bench.machine.with(|machine| machine.is_healthy = false);
    bench.reboot();
    bench.run();
    assert_eq!(
        bench.states(),
        [Confirming, Confirmed],
        "an outage is no trial"
    );
    assert!(bench.machine.with(|machine| machine.slots[1].is_good));
}

#[test]
fn it_is_started_at_the_time_that_was_asked_for() {
    let mut bench = Bench::new("rsu-test 0.2.0 operator");
    let mut order = bench.order();
    order.at_ms = Some(1_800_000_000_000 + 500_000);
    bench
        .machine
        .with(|machine| machine.is_clock_trusted = false);
    bench.take(&order, 1).unwrap();
    for _ in 0..600 {
        bench.step();
    }
    assert_eq!(bench.last().state, WaitingForReboot, "no clock, no time");
    bench.machine.with(|machine| {
        machine.is_clock_trusted = true;
        machine.now = Duration::from_secs(490);
    });
    bench.run();
    let asked_at = bench.machine.with(|machine| machine.now);
    assert!((500..510).contains(&asked_at.as_secs()), "{asked_at:?}");
}

#[test]
fn a_second_order_waits_for_nobody_and_the_same_one_is_the_same() {
    let mut bench = Bench::new("rsu-test 0.2.0 operator");
    let order = bench.order();
    bench.take(&order, 1).unwrap();
    bench.take(&order, 1).unwrap();
    let other = upgrade("0.3.0", bench.server.url());
    let refused = bench.take(&other, 2).unwrap_err();
    assert_eq!(refused, "an update to 0.2.0 is under way");
    bench.run();
    bench.reboot();
    bench.run();
    let received = |status: &&UpdateStatus| status.state == Received;
    assert_eq!(bench.heard.iter().filter(received).count(), 1);
    bench.take(&order, 1).unwrap();
    bench.run();
    assert_eq!(bench.last().state, Confirmed, "it has been carried out");
}

#[test]
fn a_power_cut_after_any_step_changes_nothing_of_the_end() {
    // Without a cut it takes 70 steps or so.
    for cut in 0..90 {
        let mut bench = Bench::new("rsu-test 0.2.0 operator");
        bench.take(&bench.order(), 1).unwrap();
        let mut steps = 0;
        while bench
            .heard
            .last()
            .is_none_or(|last| last.state != Confirmed)
        {
            bench.step();
            steps += 1;
            let is_asked = bench.machine.with(|machine| machine.reboots_asked > 0);
            if steps == cut || is_asked {
                bench.reboot();
            }
            assert!(steps < 1_000, "cut after {cut}: {:?}", bench.states());
        }
        assert_eq!(
            bench.booted(),
            (1, Version::new(0, 2, 0)),
            "cut after {cut}"
        );
        for state in [Received, Verifying, WaitingForReboot, Confirming, Confirmed] {
            let told = |status: &&UpdateStatus| status.state == state;
            let count = bench.heard.iter().filter(told).count();
            assert!(count >= 1, "cut after {cut}: {state:?} was not told");
        }
    }
}

#[test]
fn what_was_not_told_is_told_after_the_reboot() {
    let mut bench = Bench::new("rsu-test 0.2.0 operator");
    bench.is_spool_working = false;
    bench.take(&bench.order(), 1).unwrap();
    bench.run();
    assert_eq!(bench.heard, []);
    bench.is_spool_working = true;
    bench.reboot();
    bench.run();
    for state in [Received, Verifying, WaitingForReboot, Rebooting, Confirmed] {
        assert!(bench.states().contains(&state), "{state:?}");
    }
}

#[test]
fn a_boot_loader_that_cannot_be_told_is_told_again() {
    let mut bench = Bench::new("rsu-test 0.2.0 operator");
    bench.install();
    bench.reboot();
    bench
        .machine
        .with(|machine| machine.mark_fault = Some("no D-Bus".into()));
    for _ in 0..100 {
        bench.step();
    }
    assert_eq!(bench.last().state, Confirming);
    bench.machine.with(|machine| machine.mark_fault = None);
    bench.run();
    assert_eq!(bench.last().state, Confirmed);
}
