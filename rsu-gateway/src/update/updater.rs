//! The updater as the rest of the program sees it: takes orders, tells statuses.

use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use semver::Version;
use tracing::{info, warn};

use super::download::Downloader;
use super::installer::Installer;
use super::journal::{Journal, Order, Position, Stage, State, Underway, Untold};
use super::machine::Machine;
use super::status::{UpdateState, UpdateStatus};
use super::trial::TrialSettings;
use super::verify;
use super::worker::{Next, Worker};
use crate::downlink::{Refusal, SeqNum, Upgrade};
use crate::health::self_check::Check;
use crate::http::{self, Scheme};
use crate::spool::fs::Fs;

/// How updates are done.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where journal and bundle are kept: on the data partition, which both slots share.
    pub folder: PathBuf,
    /// The version of the image at work, or why it is not known.
    pub at_work: Result<Version, String>,
    /// Of the machine, where known.
    pub hardware_version: Option<String>,
    /// How bundles are fetched.
    pub downloader: Downloader,
    /// How a slot proves itself.
    pub trial: TrialSettings,
}

/// What the updater needs from outside.
pub struct Outside {
    /// What writes the other slot.
    pub installer: Box<dyn Installer>,
    /// The machine.
    pub machine: Box<dyn Machine>,
    /// How the unit is right now.
    pub checks: Box<dyn Fn() -> Vec<Check> + Send>,
    /// Gets what the platform is to be told; says so by [`Updater::told`] when it is durable. Must
    /// not block.
    pub tell: Box<dyn Fn(Untold) + Send + Sync>,
}

/// Takes orders for the updater's thread.
#[derive(Clone)]
pub struct Updater(Arc<Shared>);

/// What the thread shares with those who order.
pub(super) struct Shared {
    pub(super) settings: Settings,
    journal: Mutex<Journal>,
    tell: Box<dyn Fn(Untold) + Send + Sync>,
    wake: SyncSender<()>,
    stopping: AtomicBool,
}

const JOURNAL_NAME: &str = "update.json";
const BUNDLE_NAME: &str = "bundle.raucb";

impl Updater {
    /// Goes on where the last run was. The second value says what could not be read.
    ///
    /// # Errors
    /// The folder cannot be made, or no thread be started.
    pub fn start(
        fs: Arc<dyn Fs>,
        settings: Settings,
        outside: Outside,
    ) -> io::Result<(Self, Option<String>)> {
        let (updater, mut worker, woken, unreadable) = Self::open(fs, settings, outside)?;
        let shared = updater.0.clone();
        thread::Builder::new()
            .name("update".into())
            .spawn(move || {
                while !shared.is_stopping() {
                    if let Next::Wait(long) = worker.step() {
                        // Woken or not, the worker looks again.
                        let _ = woken.recv_timeout(long);
                    }
                }
            })?;
        Ok((updater, unreadable))
    }

    pub(super) fn open(
        fs: Arc<dyn Fs>,
        settings: Settings,
        outside: Outside,
    ) -> io::Result<(Self, Worker, Receiver<()>, Option<String>)> {
        fs.create_folder(&settings.folder)?;
        let path = settings.folder.join(JOURNAL_NAME);
        let (journal, unreadable) = match Journal::open(fs.clone(), path.clone()) {
            Ok(journal) => (journal, None),
            Err(error) => {
                let told = format!("{}: {error}", path.display());
                (Journal::anew(fs.clone(), path), Some(told))
            }
        };
        let (wake, woken) = mpsc::sync_channel(1);
        let bundle = settings.folder.join(BUNDLE_NAME);
        let shared = Arc::new(Shared {
            settings,
            journal: Mutex::new(journal),
            tell: outside.tell,
            wake,
            stopping: AtomicBool::new(false),
        });
        let worker = Worker::new(
            shared.clone(),
            fs,
            bundle,
            outside.installer,
            outside.machine,
            outside.checks,
        );
        for untold in shared.state().untold {
            (shared.tell)(untold);
        }
        Ok((Self(shared), worker, woken, unreadable))
    }

    /// Takes an order: it is on disk when this returns. The same order again is taken for the same.
    /// Waits for the disk.
    ///
    /// # Errors
    /// Why it is refused.
    pub fn take(&self, upgrade: &Upgrade, seq_num: &SeqNum, now_ms: i64) -> Result<(), Refusal> {
        let order = Order {
            seq_num: seq_num.clone(),
            upgrade: upgrade.clone(),
        };
        let state = self.0.state();
        if state.latest.as_ref() == Some(&order) {
            return Ok(());
        }
        if let Some(underway) = &state.underway {
            return Err(Refusal::local_error(format!(
                "an update to {} is under way",
                underway.version
            )));
        }
        self.check(upgrade)?;
        info!(version = %upgrade.version, %seq_num, "an update is ordered");
        let status = UpdateStatus {
            upgrade_seq_num: Some(seq_num.clone()),
            update_version: upgrade.version.clone(),
            state: UpdateState::Received,
            percent: None,
            reason: None,
            time_ms: now_ms,
        };
        let taken = self.0.change(|state| {
            // Two may come at once; the first is taken.
            if state.underway.is_some() {
                return None;
            }
            state.latest = Some(order.clone());
            state.underway = Some(Underway {
                version: order.upgrade.version.clone(),
                order: Some(order),
                stage: Stage::Download(Position::default()),
            });
            Some(state.tell(status))
        });
        match taken {
            Ok(Some(untold)) => {
                (self.0.tell)(untold);
                self.0.wake();
                Ok(())
            }
            Ok(None) => Err(Refusal::local_error("another update is under way")),
            Err(error) => Err(Refusal::local_error(format!(
                "it could not be stored: {error}"
            ))),
        }
    }

    fn check(&self, upgrade: &Upgrade) -> Result<(), Refusal> {
        let settings = &self.0.settings;
        let refused =
            |member: &str, what: String| Err(Refusal::bad_parameter(format!("{member}: {what}")));
        let at_work = settings.at_work.as_ref().map_err(|error| {
            Refusal::local_error(format!("the version at work is not known: {error}"))
        })?;
        let newer = verify::check_newer(&upgrade.version, at_work);
        if let Err(what) = newer {
            return refused("updateVersion", what);
        }
        if let (Some(told), Some(own)) = (&upgrade.hardware_version, &settings.hardware_version)
            && told != own
        {
            return refused(
                "hardwareVersion",
                format!("it is for {told}, this is {own}"),
            );
        }
        match http::scheme_of(&upgrade.url) {
            Err(what) => return refused("downloadUrl", what),
            Ok(Scheme::Http) if !settings.downloader.allow_http => {
                return refused("downloadUrl", "https is needed here".into());
            }
            Ok(Scheme::Http) if upgrade.login.is_some() => {
                return refused("OTApassword", "is not sent without TLS".into());
            }
            Ok(_) => {}
        }
        let max = settings.downloader.bytes_max;
        match upgrade.bytes.filter(|bytes| *bytes > max) {
            Some(bytes) => refused("downloadSize", format!("{bytes} is above {max}")),
            None => Ok(()),
        }
    }

    /// Notes that a status has been told durably. Waits for the disk.
    pub fn told(&self, untold: &Untold) {
        let told = self.0.change(|state| {
            state.untold.retain(|held| held.number != untold.number);
        });
        if let Err(error) = told {
            warn!(%error, "a status of an update will be told again");
        }
    }

    /// Has a status told once more.
    pub fn tell_again(&self, untold: Untold) {
        (self.0.tell)(untold);
    }

    /// Ends the thread at its next look, without waiting for it: it may be in the middle of
    /// anything, as at a power cut.
    pub fn stop(&self) {
        self.0.stopping.store(true, Ordering::Relaxed);
        self.0.wake();
    }

    /// Whether an update is at work, for the status light.
    pub fn is_at_work(&self) -> bool {
        self.0.state().underway.is_some()
    }
}

impl Shared {
    pub(super) fn state(&self) -> State {
        self.journal().state().clone()
    }

    pub(super) fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> io::Result<T> {
        self.journal().change(change)
    }

    /// Changes the state, and has a status of it told.
    pub(super) fn change_and_tell(
        &self,
        status: UpdateStatus,
        change: impl FnOnce(&mut State),
    ) -> io::Result<()> {
        info!(
            version = %status.update_version,
            state = ?status.state,
            percent = status.percent,
            reason = status.reason,
            "update"
        );
        let untold = self.change(|state| {
            change(state);
            state.tell(status)
        })?;
        (self.tell)(untold);
        Ok(())
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    fn wake(&self) {
        // One that waits already will do.
        let _ = self.wake.try_send(());
    }

    /// A panic elsewhere leaves the journal whole: each change replaces it.
    fn journal(&self) -> MutexGuard<'_, Journal> {
        self.journal.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
