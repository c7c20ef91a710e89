//! The part of the work that spans a reboot: which slot this is, and whether it proves itself.

use std::time::Duration;

use semver::Version;
use tracing::{info, warn};

use super::{HINDERED, Hindrance, LOOK_INTERVAL, Next, Worker};
use crate::update::installer::{Mark, Slots};
use crate::update::journal::{Order, Stage, State, TrialStage, Underway};
use crate::update::status::{UpdateState, UpdateStatus};
use crate::update::trial::{Trial, Verdict};

/// So often a program on trial may be started: one that crashes never comes to its deadline.
const TRIAL_STARTS_MAX: u32 = 3;

/// Longest time that a reboot waits until what was to be told is in the spool.
const FAREWELL_MAX: Duration = Duration::from_secs(20);

/// A reboot that has not happened after this is asked for again.
const REBOOT_TIME_MAX: Duration = Duration::from_secs(60);

impl Worker {
    /// Finds out which slot this is, and what that means for what was under way.
    pub(super) fn settle(&mut self) -> Result<(), Hindrance> {
        let slots = self.installer.slots()?;
        let state = self.shared.state();
        let boot_id = self.machine.boot_id();
        match state.underway {
            Some(Underway {
                stage: Stage::Trial(trial),
                order,
                version,
            }) => {
                if trial.slot == slots.booted.name {
                    self.begin_trial(trial, order.as_ref(), &version)
                } else if trial.ordered_in == boot_id {
                    // The reboot is still to come.
                    Ok(())
                } else {
                    self.tell_roll_back(&trial, order.as_ref(), &version)?;
                    // What runs may be newer than what failed.
                    self.settle()
                }
            }
            underway if is_unproven(&slots, &state.confirmed) => {
                let version = match &self.shared.settings.at_work {
                    Ok(version) => version.clone(),
                    // Nobody will compare it.
                    Err(_) => Version::new(0, 0, 0),
                };
                let trial = TrialStage {
                    slot: slots.booted.name,
                    ordered_in: String::new(),
                    starts: 0,
                    fault: None,
                };
                let order = underway
                    .as_ref()
                    .and_then(|underway| underway.order.as_ref());
                let is_ordered = underway.as_ref().is_some_and(|underway| {
                    let is_written = matches!(underway.stage, Stage::Install | Stage::AwaitReboot);
                    is_written && underway.version == version
                });
                if is_ordered {
                    // The machine went down between installing and rebooting.
                    return self.begin_trial(trial, order, &version);
                }
                if let Some(order) = order {
                    let why = "other software was installed meanwhile, by hand";
                    self.fail(order, why.into())?;
                }
                self.begin_trial(trial, None, &version)
            }
            underway => {
                self.installer.mark(Mark::Good)?;
                if underway.is_none() {
                    self.remove_bundle();
                }
                Ok(())
            }
        }
    }

    /// New software that cannot even ask the installer is left, too: by the boot loader, which
    /// counts how often it starts a slot that nobody marks good.
    pub(super) fn stay_unsettled(&mut self, hindrance: Hindrance) -> Result<Next, Hindrance> {
        let now = self.machine.now().since_boot;
        let since = *self.unsettled_since.get_or_insert(now);
        let settings = &self.shared.settings;
        if now.saturating_sub(since) < settings.trial.patience() {
            return Err(hindrance);
        }
        let Some(Underway {
            stage: Stage::Trial(mut trial),
            version,
            ..
        }) = self.shared.state().underway
        else {
            return Err(hindrance);
        };
        let is_new = trial.ordered_in != self.machine.boot_id();
        if !is_new || settings.at_work.as_ref() != Ok(&version) {
            return Err(hindrance);
        }
        trial.fault = Some(format!("the installer cannot be asked: {hindrance}"));
        self.shared.change(|state| {
            if let Some(underway) = &mut state.underway {
                underway.stage = Stage::Trial(trial);
            }
        })?;
        Ok(self.reboot())
    }

    fn begin_trial(
        &mut self,
        mut trial: TrialStage,
        order: Option<&Order>,
        version: &Version,
    ) -> Result<(), Hindrance> {
        trial.starts = trial.starts.saturating_add(1);
        let is_first = trial.starts == 1;
        if trial.starts > TRIAL_STARTS_MAX && trial.fault.is_none() {
            trial.fault = Some(format!(
                "its program was started {} times and never came to the end of its trial",
                trial.starts
            ));
        }
        let now = self.machine.now().since_boot;
        self.trial = Some(Trial::new(self.shared.settings.trial.clone(), now));
        let underway = Underway {
            order: order.cloned(),
            version: version.clone(),
            stage: Stage::Trial(trial),
        };
        let set = |state: &mut State| state.underway = Some(underway);
        match is_first {
            true => {
                let status = self.status_of(order, version, UpdateState::Confirming);
                self.shared.change_and_tell(status, set)?;
            }
            false => self.shared.change(set)?,
        }
        Ok(())
    }

    fn tell_roll_back(
        &mut self,
        trial: &TrialStage,
        order: Option<&Order>,
        version: &Version,
    ) -> Result<(), Hindrance> {
        let starts = trial.starts;
        let why = trial.fault.clone().unwrap_or_else(|| match starts {
            0 => "the new slot never came to start its program".into(),
            _ => format!("the new slot started its program {starts} times and did not confirm"),
        });
        let status = UpdateStatus {
            reason: Some(why),
            ..self.status_of(order, version, UpdateState::RolledBack)
        };
        let end = |state: &mut State| state.underway = None;
        self.shared.change_and_tell(status, end)?;
        Ok(())
    }

    /// Goes on with a slot that is to be started, or runs on trial.
    pub(super) fn prove(
        &mut self,
        trial: &TrialStage,
        order: Option<&Order>,
        version: &Version,
    ) -> Result<Next, Hindrance> {
        let Some(running) = &mut self.trial else {
            // This is the slot from before.
            return Ok(self.reboot());
        };
        if let Some(fault) = &trial.fault {
            return self.leave(fault, order, version);
        }
        let now = self.machine.now().since_boot;
        match running.observe(now, &(self.checks)()) {
            Verdict::Undecided => Ok(Next::Wait(LOOK_INTERVAL)),
            Verdict::Passed => self.confirm(order, version),
            Verdict::Failed(fault) => {
                let trial = TrialStage {
                    fault: Some(fault),
                    ..trial.clone()
                };
                self.shared.change(|state| {
                    if let Some(underway) = &mut state.underway {
                        underway.stage = Stage::Trial(trial);
                    }
                })?;
                Ok(Next::Again)
            }
        }
    }

    fn confirm(&mut self, order: Option<&Order>, version: &Version) -> Result<Next, Hindrance> {
        self.installer.mark(Mark::Good)?;
        let installation = self.installer.slots()?.booted.installation;
        let status = self.status_of(order, version, UpdateState::Confirmed);
        self.shared.change_and_tell(status, |state| {
            state.underway = None;
            state.confirmed = installation;
        })?;
        self.trial = None;
        Ok(Next::Again)
    }

    /// Leaves this slot for the other one, where that would start.
    fn leave(
        &mut self,
        fault: &str,
        order: Option<&Order>,
        version: &Version,
    ) -> Result<Next, Hindrance> {
        let slots = self.installer.slots()?;
        if !slots.other.is_some_and(|other| other.is_good) {
            self.installer.mark(Mark::Good)?;
            let status = UpdateStatus {
                reason: Some(format!(
                    "{fault}; there is no good slot to fall back to, so this one stays"
                )),
                ..self.status_of(order, version, UpdateState::Failed)
            };
            self.shared.change_and_tell(status, |state| {
                state.underway = None;
                state.confirmed = slots.booted.installation;
            })?;
            self.trial = None;
            return Ok(Next::Again);
        }
        if let Err(error) = self.installer.mark(Mark::Bad) {
            // The boot loader gives it up by counting, then.
            warn!(%error, "the slot cannot be marked bad");
        }
        Ok(self.reboot())
    }

    /// Starts the machine anew, when what was to be told is in the spool.
    fn reboot(&mut self) -> Next {
        let now = self.machine.now().since_boot;
        let due = *self.reboot_due.get_or_insert(now);
        let has_told = self.shared.state().untold.is_empty();
        if !has_told && now.saturating_sub(due) < FAREWELL_MAX {
            return Next::Wait(LOOK_INTERVAL);
        }
        info!("rebooting");
        match self.machine.reboot() {
            Ok(()) => Next::Wait(REBOOT_TIME_MAX),
            Err(error) => {
                warn!(%error, "the machine does not reboot");
                Next::Wait(HINDERED)
            }
        }
    }

    fn status_of(
        &self,
        order: Option<&Order>,
        version: &Version,
        state: UpdateState,
    ) -> UpdateStatus {
        UpdateStatus {
            upgrade_seq_num: order.map(|order| order.seq_num.clone()),
            update_version: version.clone(),
            state,
            percent: None,
            reason: None,
            time_ms: self.machine.now().time.as_millis(),
        }
    }
}

/// Whether what runs was installed and has not proven itself since.
fn is_unproven(slots: &Slots, confirmed: &Option<crate::update::installer::Installation>) -> bool {
    slots.booted.installation.is_some() && slots.booted.installation != *confirmed
}
