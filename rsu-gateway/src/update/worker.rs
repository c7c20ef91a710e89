//! The updater's thread, step by step; each is noted before it is taken, and can be taken again.

mod proving;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tracing::warn;

use super::download::{End, Watch};
use super::installer::{Installer, InstallerError};
use super::journal::{Order, Position, Stage, State, TrialStage, Underway};
use super::machine::Machine;
use super::status::{UpdateState, UpdateStatus};
use super::trial::Trial;
use super::updater::Shared;
use super::verify::{self, Expected};
use crate::health::self_check::Check;
use crate::spool::fs::Fs;

/// Works on what is under way.
pub(super) struct Worker {
    shared: Arc<Shared>,
    fs: Arc<dyn Fs>,
    bundle: PathBuf,
    installer: Box<dyn Installer>,
    machine: Box<dyn Machine>,
    checks: Box<dyn Fn() -> Vec<Check> + Send>,
    /// Whether it has been found out which slot this is.
    is_settled: bool,
    /// Of the slot that runs, until it has ended.
    trial: Option<Trial>,
    /// Since when, after the boot, that could not be found out.
    unsettled_since: Option<Duration>,
    /// Since when, after the boot, a reboot waits for what is to be told.
    reboot_due: Option<Duration>,
    /// Installations that found the installer at work.
    busy: u32,
}

/// What the thread does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    Again,
    Wait(Duration),
}

/// Why a step was not taken.
#[derive(Debug, thiserror::Error)]
enum Hindrance {
    #[error("the journal of updates cannot be written: {0}")]
    Disk(#[from] io::Error),
    #[error(transparent)]
    Installer(#[from] InstallerError),
}

/// How long to wait where nothing is under way; an order wakes.
const IDLE: Duration = Duration::from_secs(3_600);

/// How long to wait after a hindrance.
const HINDERED: Duration = Duration::from_secs(10);

/// How long to wait where the installer cannot be asked yet: it starts beside this program.
const UNSETTLED: Duration = Duration::from_secs(2);

/// How often to look at clock and health.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// Percentages are told in steps of this.
const PERCENT_STEP: u8 = 10;

/// Installations that are tried while the installer is busy with another.
const BUSY_MAX: u32 = 60;

impl Worker {
    pub(super) fn new(
        shared: Arc<Shared>,
        fs: Arc<dyn Fs>,
        bundle: PathBuf,
        installer: Box<dyn Installer>,
        machine: Box<dyn Machine>,
        checks: Box<dyn Fn() -> Vec<Check> + Send>,
    ) -> Self {
        Self {
            shared,
            fs,
            bundle,
            installer,
            machine,
            checks,
            is_settled: false,
            trial: None,
            unsettled_since: None,
            reboot_due: None,
            busy: 0,
        }
    }

    /// Takes the next step.
    pub(super) fn step(&mut self) -> Next {
        match self.try_step() {
            Ok(next) => next,
            Err(hindrance) => {
                warn!(%hindrance, "updates wait");
                Next::Wait(if self.is_settled { HINDERED } else { UNSETTLED })
            }
        }
    }

    fn try_step(&mut self) -> Result<Next, Hindrance> {
        if !self.is_settled {
            if let Err(hindrance) = self.settle() {
                return self.stay_unsettled(hindrance);
            }
            self.is_settled = true;
        }
        let Some(Underway {
            order,
            version,
            stage,
        }) = self.shared.state().underway
        else {
            return Ok(Next::Wait(IDLE));
        };
        match (stage, order) {
            (Stage::Trial(trial), order) => self.prove(&trial, order.as_ref(), &version),
            (Stage::Download(position), Some(order)) => self.download(&order, position),
            (Stage::Verify, Some(order)) => self.verify(&order),
            (Stage::Install, Some(order)) => self.install(&order),
            (Stage::AwaitReboot, Some(order)) => self.await_reboot(&order),
            // Only slots that were installed by hand have no order, and are on trial.
            (_, None) => {
                self.shared.change(|state| state.underway = None)?;
                Ok(Next::Again)
            }
        }
    }

    fn download(&mut self, order: &Order, position: Position) -> Result<Next, Hindrance> {
        let mut watch = Progress {
            worker: self,
            order,
            told: None,
        };
        watch.saved(&position)?;
        let downloader = &self.shared.settings.downloader;
        let mut watch = Progress {
            worker: self,
            order,
            told: percent(&position),
        };
        let upgrade = &order.upgrade;
        match downloader.download(&*self.fs, &self.bundle, upgrade, position, &mut watch) {
            Ok(()) => self.go_on(order, Stage::Verify, UpdateState::Verifying),
            Err(End::Stopped) => Ok(Next::Again),
            Err(End::Failed(why)) => self.fail(order, why),
        }
    }

    fn verify(&mut self, order: &Order) -> Result<Next, Hindrance> {
        let settings = &self.shared.settings;
        let slots = self.installer.slots()?;
        let at_work = match &settings.at_work {
            Ok(version) => version,
            Err(error) => return self.fail(order, format!("the version at work: {error}")),
        };
        let expected = Expected {
            order: &order.upgrade,
            compatible: &slots.compatible,
            at_work,
        };
        match verify::verify(&*self.fs, &self.bundle, &expected, &*self.installer) {
            Ok(()) => self.go_on(order, Stage::Install, UpdateState::Installing),
            Err(why) => self.fail(order, why),
        }
    }

    fn install(&mut self, order: &Order) -> Result<Next, Hindrance> {
        let mut told = 0;
        let mut progress = |percent: u8| {
            if percent < told + PERCENT_STEP {
                return;
            }
            told = percent;
            let status = UpdateStatus {
                percent: Some(percent),
                ..self.status(order, UpdateState::Installing)
            };
            if let Err(error) = self.shared.change_and_tell(status, |_| {}) {
                warn!(%error, "the progress of an update is not told");
            }
        };
        match self.installer.install(&self.bundle, &mut progress) {
            Ok(()) => {
                let next = self.go_on(order, Stage::AwaitReboot, UpdateState::WaitingForReboot)?;
                self.remove_bundle();
                Ok(next)
            }
            // That of a run before this one, which was killed.
            Err(error) if is_busy(&error) && self.busy < BUSY_MAX => {
                self.busy += 1;
                Ok(Next::Wait(HINDERED))
            }
            Err(error) => self.fail(order, error.to_string()),
        }
    }

    fn await_reboot(&mut self, order: &Order) -> Result<Next, Hindrance> {
        if let Some(at_ms) = order.upgrade.at_ms {
            // A clock that was never set would come to any time at once, or never.
            let Some(now) = self.machine.trusted_time() else {
                return Ok(Next::Wait(LOOK_INTERVAL));
            };
            if now.as_millis() < at_ms {
                return Ok(Next::Wait(LOOK_INTERVAL));
            }
        }
        let Some(other) = self.installer.slots()?.other else {
            return self.fail(order, "there is no other slot".into());
        };
        let stage = Stage::Trial(TrialStage {
            slot: other.name,
            ordered_in: self.machine.boot_id(),
            starts: 0,
            fault: None,
        });
        self.go_on(order, stage, UpdateState::Rebooting)
    }

    fn go_on(&self, order: &Order, stage: Stage, state: UpdateState) -> Result<Next, Hindrance> {
        let set = |kept: &mut State| {
            if let Some(underway) = &mut kept.underway {
                underway.stage = stage;
            }
        };
        self.shared
            .change_and_tell(self.status(order, state), set)?;
        Ok(Next::Again)
    }

    /// Gives an update up before it ran.
    fn fail(&mut self, order: &Order, why: String) -> Result<Next, Hindrance> {
        // First, since the journal may need its room.
        self.remove_bundle();
        self.busy = 0;
        let status = UpdateStatus {
            reason: Some(why),
            ..self.status(order, UpdateState::Failed)
        };
        let end = |state: &mut State| state.underway = None;
        self.shared.change_and_tell(status, end)?;
        Ok(Next::Again)
    }

    fn remove_bundle(&self) {
        match self.fs.remove(&self.bundle) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                warn!(%error, "a bundle that is not needed any more stays");
            }
            _ => {}
        }
    }

    fn status(&self, order: &Order, state: UpdateState) -> UpdateStatus {
        UpdateStatus {
            upgrade_seq_num: Some(order.seq_num.clone()),
            update_version: order.upgrade.version.clone(),
            state,
            percent: None,
            reason: None,
            time_ms: self.machine.now().time.as_millis(),
        }
    }
}

/// RAUC does one thing at a time.
fn is_busy(error: &InstallerError) -> bool {
    error.0.contains("already processing")
}

/// Notes and tells how far a download has come.
struct Progress<'a> {
    worker: &'a Worker,
    order: &'a Order,
    told: Option<u8>,
}

impl Watch for Progress<'_> {
    fn saved(&mut self, position: &Position) -> io::Result<()> {
        let stage = Stage::Download(position.clone());
        let set = |state: &mut State| {
            if let Some(underway) = &mut state.underway {
                underway.stage = stage;
            }
        };
        let shared = &self.worker.shared;
        let percent = percent(position).unwrap_or_default();
        if self
            .told
            .is_some_and(|told| percent < told + PERCENT_STEP && percent >= told)
        {
            return shared.change(set);
        }
        self.told = Some(percent);
        let status = UpdateStatus {
            percent: Some(percent),
            ..self.worker.status(self.order, UpdateState::Downloading)
        };
        shared.change_and_tell(status, set)
    }

    fn is_stopped(&self) -> bool {
        self.worker.shared.is_stopping()
    }
}

fn percent(position: &Position) -> Option<u8> {
    let total = position.total.filter(|total| *total > 0)?;
    let percent = position.received.saturating_mul(100) / total;
    Some(u8::try_from(percent).unwrap_or(100).min(100))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
