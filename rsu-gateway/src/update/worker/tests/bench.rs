//! A unit at work in such a machine, and what the platform hears of it.

use super::*;

/// A unit at work, with what the platform has heard of it.
pub(super) struct Bench {
    pub(super) machine: Fake,
    pub(super) disk: Memory,
    pub(super) server: Server,
    /// Whether the spool takes what is told.
    pub(super) is_spool_working: bool,
    pub(super) told: Arc<Mutex<Vec<Untold>>>,
    pub(super) heard: Vec<UpdateStatus>,
    pub(super) updater: Updater,
    pub(super) worker: Worker,
}

pub(super) const URL_VERSION: &str = "0.2.0";

pub(super) fn number(number: u32) -> SeqNum {
    number.to_string().try_into().unwrap()
}

impl Bench {
    /// A unit as it left the factory, at 0.1.0, and a server with this bundle.
    pub(super) fn new(bundle: &str) -> Self {
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
        let (updater, worker) = start(&machine, &disk, &told);
        Self {
            machine,
            disk,
            server: Server::start(bundle.as_bytes()),
            is_spool_working: true,
            told,
            heard: Vec::new(),
            updater,
            worker,
        }
    }

    pub(super) fn order(&self) -> Upgrade {
        upgrade(URL_VERSION, self.server.url())
    }

    pub(super) fn take(&self, upgrade: &Upgrade, seq_num: u32) -> Result<(), String> {
        let taken = self.updater.take(upgrade, &number(seq_num), 0);
        taken.map_err(|refusal| refusal.text().to_owned())
    }

    /// One step, and the time that it wants to wait.
    pub(super) fn step(&mut self) -> Next {
        let next = self.worker.step();
        if let Next::Wait(long) = next {
            let long = long.min(Duration::from_secs(1));
            self.machine.with(|machine| machine.now += long);
        }
        self.hear();
        next
    }

    pub(super) fn hear(&mut self) {
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
    pub(super) fn run(&mut self) {
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
    pub(super) fn restart(&mut self) {
        self.told.lock().unwrap().clear();
        (self.updater, self.worker) = start(&self.machine, &self.disk, &self.told);
        self.hear();
    }

    /// The machine starts what the boot loader says.
    pub(super) fn reboot(&mut self) {
        self.machine.with(|machine| {
            machine.boots += 1;
            machine.booted = machine.primary;
            machine.now = Duration::from_secs(10);
            machine.reboots_asked = 0;
        });
        self.restart();
    }

    pub(super) fn states(&self) -> Vec<UpdateState> {
        let mut states: Vec<_> = self.heard.iter().map(|status| status.state).collect();
        states.dedup();
        states
    }

    pub(super) fn last(&self) -> &UpdateStatus {
        self.heard.last().unwrap()
    }

    pub(super) fn reason(&self) -> &str {
        self.last().reason.as_deref().unwrap()
    }

    pub(super) fn booted(&self) -> (usize, Version) {
        self.machine.with(|machine| {
            (
                machine.booted,
                machine.slots[machine.booted].version.clone(),
            )
        })
    }

    /// Takes the order and works until the new slot is to be started.
    pub(super) fn install(&mut self) {
        self.take(&self.order(), 1).unwrap();
        self.run();
        assert_eq!(self.last().state, Rebooting, "{:?}", self.heard);
    }

    /// Nothing was changed, and the unit can be updated again.
    pub(super) fn assert_given_up(&mut self, why: &str) {
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

pub(super) fn start(
    machine: &Fake,
    disk: &Memory,
    told: &Arc<Mutex<Vec<Untold>>>,
) -> (Updater, Worker) {
    let at_work = machine.with(|machine| machine.slots[machine.booted].version.clone());
    let settings = Settings {
        folder: "/data/update".into(),
        at_work: Ok(at_work),
        hardware_version: Some("2.1".into()),
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
