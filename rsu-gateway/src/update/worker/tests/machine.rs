//! A machine with two slots, a boot loader and an installer, whose power can go at any time.

use super::*;

/// What stays when the power goes: slots, boot loader and clock.
#[derive(Debug)]
pub(super) struct Machinery {
    pub(super) boots: u32,
    pub(super) booted: usize,
    pub(super) slots: [SlotState; 2],
    /// Which slot the boot loader starts.
    pub(super) primary: usize,
    pub(super) now: Duration,
    pub(super) is_healthy: bool,
    pub(super) is_clock_trusted: bool,
    pub(super) reboots_asked: u32,
    pub(super) install_fault: Option<String>,
    pub(super) mark_fault: Option<String>,
    pub(super) slots_fault: Option<String>,
    pub(super) disk: Memory,
}

#[derive(Clone, Debug)]
pub(super) struct SlotState {
    pub(super) version: Version,
    pub(super) is_good: bool,
    pub(super) count: u64,
}

#[derive(Clone, Debug)]
pub(super) struct Fake(pub(super) Arc<Mutex<Machinery>>);

impl Fake {
    pub(super) fn with<T>(&self, work: impl FnOnce(&mut Machinery) -> T) -> T {
        work(&mut self.0.lock().unwrap())
    }
}

impl Machinery {
    pub(super) fn slot(&self, place: usize) -> Slot {
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
pub(super) fn content(bundle: &[u8]) -> Result<Manifest, InstallerError> {
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
