//! How the run before this one ended: a file that says "running" until the program stops by itself.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::alarm::Severity;
use crate::spool::fs::{self, Fs};

/// How the run before this one ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PreviousRun {
    /// There was none.
    None,
    /// By itself.
    Stopped,
    /// Killed, most likely by the watchdog, because the task made no progress.
    Stalled {
        /// The task.
        task: String,
        /// Runs in a row that did not stop by themselves.
        unclean_runs: u32,
    },
    /// Killed, or crashed.
    Crashed {
        /// Runs in a row that did not stop by themselves.
        unclean_runs: u32,
    },
    /// With the machine: the power went, or it was reset.
    PowerLost,
}

/// A run that is begun after many that ended badly waits no longer than this.
pub const BACK_OFF_MAX: Duration = Duration::from_secs(120);

impl PreviousRun {
    /// How long this run shall wait before it begins its work, so that a crash loop does not wear
    /// out the flash: nothing after two bad ends, then 2 s, doubled each time.
    pub fn back_off(&self) -> Duration {
        match self.unclean_runs() {
            ..=2 => Duration::ZERO,
            runs => Duration::from_secs(1)
                .saturating_mul(1 << (runs - 2).min(7))
                .min(BACK_OFF_MAX),
        }
    }

    fn unclean_runs(&self) -> u32 {
        match self {
            Self::None | Self::Stopped | Self::PowerLost => 0,
            Self::Stalled { unclean_runs, .. } | Self::Crashed { unclean_runs } => *unclean_runs,
        }
    }

    /// The fault that it was; `None` where it was none.
    pub(super) fn as_fault(&self) -> Option<(Severity, String)> {
        let severity = |unclean_runs: u32| match unclean_runs {
            ..=2 => Severity::Minor,
            _ => Severity::Critical,
        };
        match self {
            Self::None | Self::Stopped => None,
            Self::PowerLost => Some((
                Severity::Warning,
                "the machine went down while the program ran".into(),
            )),
            Self::Crashed { unclean_runs } => Some((
                severity(*unclean_runs),
                format!("the program was killed or crashed, {unclean_runs} times in a row"),
            )),
            Self::Stalled { task, unclean_runs } => Some((
                severity(*unclean_runs).max(Severity::Major),
                format!("the task {task} made no progress, {unclean_runs} unclean ends in a row"),
            )),
        }
    }
}

/// The file of the run at work.
#[derive(Clone, Debug)]
pub struct RunFile {
    fs: Arc<dyn Fs>,
    path: PathBuf,
    boot_id: String,
    unclean_runs: u32,
}

const FILE_BYTES_MAX: usize = 4 << 10;

#[derive(Debug, Serialize, Deserialize)]
struct Saved {
    boot_id: String,
    end: End,
    /// Runs before this one, in a row, that did not stop by themselves.
    unclean_runs: u32,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum End {
    Running,
    Stalled(String),
    Stopped,
}

impl RunFile {
    /// Begins a run in the boot `boot_id`: reads how the one before ended, and says "running" from
    /// here on. A file that cannot be understood counts as none.
    ///
    /// # Errors
    /// The file cannot be read or replaced.
    pub fn begin(
        fs: Arc<dyn Fs>,
        path: impl Into<PathBuf>,
        boot_id: &str,
    ) -> io::Result<(Self, PreviousRun)> {
        let path = path.into();
        let saved = match fs::read(&*fs, &path, FILE_BYTES_MAX) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            read => serde_json::from_slice::<Saved>(&read?).ok(),
        };
        let previous = saved.map_or(PreviousRun::None, |saved| saved.previous(boot_id));
        let unclean_runs = previous.unclean_runs();
        let file = Self {
            fs,
            path,
            boot_id: boot_id.into(),
            unclean_runs,
        };
        file.save(End::Running)?;
        Ok((file, previous))
    }

    /// Notes that a task makes no progress, before the watchdog ends the run. Waits for the disk.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn stalled(&self, task: &str) -> io::Result<()> {
        self.save(End::Stalled(task.into()))
    }

    /// Notes that all tasks make progress again. Waits for the disk.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn recovered(&self) -> io::Result<()> {
        self.save(End::Running)
    }

    /// Notes that the program stops by itself. Waits for the disk.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn stopped(&self) -> io::Result<()> {
        self.save(End::Stopped)
    }

    fn save(&self, end: End) -> io::Result<()> {
        let saved = Saved {
            boot_id: self.boot_id.clone(),
            end,
            unclean_runs: self.unclean_runs,
        };
        fs::replace(&*self.fs, &self.path, &serde_json::to_vec(&saved)?)
    }
}

impl Saved {
    fn previous(self, boot_id: &str) -> PreviousRun {
        let unclean_runs = self.unclean_runs.saturating_add(1);
        match self.end {
            End::Stopped => PreviousRun::Stopped,
            End::Stalled(task) => PreviousRun::Stalled { task, unclean_runs },
            End::Running if self.boot_id == boot_id => PreviousRun::Crashed { unclean_runs },
            End::Running => PreviousRun::PowerLost,
        }
    }
}

/// What the kernel calls this boot; empty where it does not say.
pub fn boot_id() -> String {
    let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    id.trim().into()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::spool::fs::Memory;

    struct Unit(Arc<dyn Fs>);

    impl Unit {
        fn new() -> Self {
            let fs = Memory::new();
            fs.create_folder("/data".as_ref()).unwrap();
            Self(Arc::new(fs))
        }

        fn begin(&self, boot_id: &str) -> (RunFile, PreviousRun) {
            RunFile::begin(self.0.clone(), "/data/run.json", boot_id).unwrap()
        }
    }

    #[test]
    fn a_run_that_stops_by_itself_leaves_nothing_to_say() {
        let unit = Unit::new();
        let (run, previous) = unit.begin("a");
        assert_eq!(previous, PreviousRun::None);
        run.stopped().unwrap();
        let (_, previous) = unit.begin("a");
        assert_eq!(previous, PreviousRun::Stopped);
        assert_eq!(previous.as_fault(), None);
    }

    #[test]
    fn a_crash_loop_is_counted_and_gets_worse() {
        let unit = Unit::new();
        unit.begin("a");
        for unclean_runs in 1..=5 {
            let (_, previous) = unit.begin("a");
            assert_eq!(previous, PreviousRun::Crashed { unclean_runs });
            let is_critical = previous.as_fault().unwrap().0 == Severity::Critical;
            assert_eq!(is_critical, unclean_runs > 2);
        }
        unit.begin("a").0.stopped().unwrap();
        unit.begin("a");
        let (_, previous) = unit.begin("a");
        assert_eq!(previous, PreviousRun::Crashed { unclean_runs: 1 });
    }

    #[test]
    fn a_crash_loop_slows_down() {
        let waits = (1..=12).map(|unclean_runs| PreviousRun::Crashed { unclean_runs }.back_off());
        let seconds: Vec<_> = waits.map(|wait| wait.as_secs()).collect();
        assert_eq!(seconds, [0, 0, 2, 4, 8, 16, 32, 64, 120, 120, 120, 120]);
        let for_ever = PreviousRun::Crashed {
            unclean_runs: u32::MAX,
        };
        assert_eq!(for_ever.back_off(), BACK_OFF_MAX);
        assert_eq!(PreviousRun::PowerLost.back_off(), Duration::ZERO);
    }

    #[test]
    fn the_task_that_stalled_is_named_unless_it_went_on() {
        let unit = Unit::new();
        let (run, _) = unit.begin("a");
        run.stalled("radio").unwrap();
        let (run, previous) = unit.begin("a");
        let (_, text) = previous.as_fault().unwrap();
        assert!(text.contains("radio"), "{text}");
        run.stalled("uplink").unwrap();
        run.recovered().unwrap();
        let (_, previous) = unit.begin("a");
        assert_eq!(previous, PreviousRun::Crashed { unclean_runs: 2 });
    }

    #[test]
    fn a_run_that_another_boot_left_open_lost_its_power() {
        let unit = Unit::new();
        unit.begin("a");
        let (_, previous) = unit.begin("b");
        assert_eq!(previous, PreviousRun::PowerLost);
        assert_eq!(previous.as_fault().unwrap().0, Severity::Warning);
    }

    #[test]
    fn a_damaged_file_is_no_run_and_is_replaced() {
        let unit = Unit::new();
        fs::replace(&*unit.0, "/data/run.json".as_ref(), b"{\"boot").unwrap();
        let (_, previous) = unit.begin("a");
        assert_eq!(previous, PreviousRun::None);
        let (_, previous) = unit.begin("a");
        assert_eq!(previous, PreviousRun::Crashed { unclean_runs: 1 });
    }
}
