//! Tells systemd that the program makes progress, as long as every task does.
//!
//! The thread that watches does nothing else, so it is not held up by what it watches. When a task
//! stalls, it is named in the log and in the [`RunFile`], and systemd is told nothing more: after
//! `WatchdogSec` it ends the program and starts it again.

use std::io;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use sd_notify::NotifyState;
use tracing::{debug, error, info, warn};

use super::previous_run::RunFile;
use super::pulse::{PulseState, Pulses};

/// What systemd, or who acts for it, is told; without `NOTIFY_SOCKET` it is nobody. Waits until it
/// takes it.
pub mod systemd {
    use super::{Duration, NotifyState, tell};

    /// The program is at work.
    pub fn ready() {
        tell(NotifyState::Ready);
    }

    /// The program ends what it has begun, and stops.
    pub fn stopping() {
        tell(NotifyState::Stopping);
    }

    /// Whether systemd, or who acts for it, started the program, and starts it again when it ends.
    pub fn is_supervising() -> bool {
        std::env::var_os("NOTIFY_SOCKET").is_some()
    }

    /// How often a sign of life is expected at least: `WatchdogSec` of the unit.
    pub fn watchdog_interval() -> Option<Duration> {
        sd_notify::watchdog_enabled()
    }
}

fn tell(state: NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        debug!(%error, "systemd was not told");
    }
}

/// Looks at the pulses at least this often.
const PERIOD_MAX: Duration = Duration::from_secs(1);

/// The thread that watches; it ends when this is dropped.
#[derive(Debug)]
pub struct Watchdog {
    stop: Option<mpsc::Sender<()>>,
    thread: Option<JoinHandle<()>>,
    status: Status,
}

/// What systemd shall be told next.
type Status = Arc<Mutex<Option<String>>>;

impl Watchdog {
    /// Watches `pulses` until it is dropped, and keeps `run` informed.
    ///
    /// # Errors
    /// The thread cannot be started.
    pub fn start(pulses: Pulses, run: Option<RunFile>) -> io::Result<Self> {
        let interval = systemd::watchdog_interval();
        if let Some(interval) = interval {
            info!(interval_s = interval.as_secs_f64(), "systemd watches");
        }
        // Four times in each interval: three may come late.
        let period = interval.map_or(PERIOD_MAX, |interval| (interval / 4).min(PERIOD_MAX));
        let (stop, stopped) = mpsc::channel();
        let mut watch = Watch::default();
        let status = Status::default();
        let next_status = status.clone();
        let thread = thread::Builder::new()
            .name("watchdog".into())
            .spawn(move || {
                while stopped.recv_timeout(period) == Err(RecvTimeoutError::Timeout) {
                    if let Some(line) = lock(&next_status).take() {
                        tell(NotifyState::Status(&line));
                    }
                    if watch.look(&pulses.states(), run.as_ref()) && interval.is_some() {
                        tell(NotifyState::Watchdog);
                    }
                }
            })?;
        Ok(Self {
            stop: Some(stop),
            thread: Some(thread),
            status,
        })
    }

    /// Sets what `systemctl status` says of the program: one line for people. Unlike what
    /// [`systemd`] does, this never waits.
    pub fn set_status(&self, line: String) {
        *lock(&self.status) = Some(line.replace('\n', " "));
    }
}

fn lock(status: &Status) -> MutexGuard<'_, Option<String>> {
    status.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic there was logged when it happened, and leaves nothing to be done here.
            let _ = thread.join();
        }
    }
}

/// What is known of the tasks.
#[derive(Debug, Default)]
struct Watch {
    stalled: Vec<&'static str>,
}

impl Watch {
    /// Looks at the pulses, and says whether every task makes progress.
    fn look(&mut self, pulses: &[PulseState], run: Option<&RunFile>) -> bool {
        let before = std::mem::take(&mut self.stalled);
        for pulse in pulses.iter().filter(|pulse| pulse.is_stalled()) {
            self.stalled.push(pulse.name);
            if !before.contains(&pulse.name) {
                let silent_s = pulse.silent_for.as_secs_f64();
                error!(task = pulse.name, silent_s, "a task makes no progress");
                note(run.map(|run| run.stalled(pulse.name)));
            }
        }
        if self.stalled.is_empty() && !before.is_empty() {
            warn!(tasks = before.join(", "), "all tasks make progress again");
            note(run.map(RunFile::recovered));
        }
        self.stalled.is_empty()
    }
}

fn note(noted: Option<io::Result<()>>) {
    if let Some(Err(error)) = noted {
        warn!(%error, "the file of the run cannot be written");
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::health::previous_run::PreviousRun;
    use crate::spool::fs::{Fs, Memory};

    fn pulses(silent_s: [u64; 2]) -> [PulseState; 2] {
        let [radio, uplink] = silent_s.map(Duration::from_secs);
        let state = |name, silent_for| PulseState {
            name,
            silent_for,
            limit: Duration::from_secs(10),
        };
        [state("radio", radio), state("uplink", uplink)]
    }

    #[test]
    fn one_task_without_progress_is_enough_to_stay_silent() {
        let mut watch = Watch::default();
        assert!(watch.look(&[], None));
        assert!(watch.look(&pulses([10, 0]), None));
        assert!(!watch.look(&pulses([0, 11]), None));
        assert_eq!(watch.stalled, ["uplink"]);
        assert!(!watch.look(&pulses([11, 12]), None));
        assert_eq!(watch.stalled, ["radio", "uplink"]);
        assert!(watch.look(&pulses([0, 0]), None));
    }

    #[test]
    fn the_next_run_learns_which_task_it_was() {
        let memory = Memory::new();
        memory.create_folder("/data".as_ref()).unwrap();
        let fs: Arc<dyn Fs> = Arc::new(memory);
        let begin = || RunFile::begin(fs.clone(), "/data/run.json", "boot").unwrap();
        let (run, _) = begin();
        Watch::default().look(&pulses([0, 11]), Some(&run));
        let (_, previous) = begin();
        assert_eq!(
            previous,
            PreviousRun::Stalled {
                task: "uplink".into(),
                unclean_runs: 1
            }
        );
    }
}
