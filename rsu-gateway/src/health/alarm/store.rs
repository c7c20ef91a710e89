//! The alarms that are set, kept over a restart, so that their end is told too.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{ActiveAlarm, AlarmKind, Alarms, Entry, Settings};
use crate::spool::fs::{self, Fs};

/// The file with the state of all alarms.
#[derive(Clone, Debug)]
pub struct AlarmFile {
    fs: Arc<dyn Fs>,
    path: PathBuf,
}

/// Fourteen alarms with the longest texts are far shorter.
const FILE_BYTES_MAX: usize = 64 << 10;

#[derive(Debug, Serialize, Deserialize)]
struct Saved {
    active: Vec<ActiveAlarm>,
    counts: Vec<(AlarmKind, u64)>,
}

impl AlarmFile {
    /// The file at `path`, which need not exist.
    pub fn new(fs: Arc<dyn Fs>, path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        Self { fs, path }
    }

    /// The alarms as they were saved; as on a new unit where there is no file.
    ///
    /// # Errors
    /// The file is there, and cannot be read or is damaged.
    pub fn load(&self, settings: Settings) -> io::Result<Alarms> {
        let bytes = match fs::read(&*self.fs, &self.path, FILE_BYTES_MAX) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Alarms::new(settings));
            }
            read => read?,
        };
        let saved = serde_json::from_slice::<Saved>(&bytes)?;
        let mut alarms = Alarms::new(settings);
        for (kind, count) in saved.counts {
            alarms.entry(kind, |entry| entry.count = count);
        }
        for alarm in saved.active {
            alarms.entry(alarm.kind, |entry| entry.active = Some(alarm));
        }
        Ok(alarms)
    }

    /// Saves the alarms, durably. Waits for the disk.
    ///
    /// # Errors
    /// Those of the file system; the file is as it was then.
    pub fn save(&self, alarms: &Alarms) -> io::Result<()> {
        let saved = Saved {
            active: alarms.active().cloned().collect(),
            counts: AlarmKind::ALL.into_iter().zip(alarms.counts()).collect(),
        };
        fs::replace(&*self.fs, &self.path, &serde_json::to_vec(&saved)?)
    }
}

impl Alarms {
    fn entry(&mut self, kind: AlarmKind, set: impl FnOnce(&mut Entry)) {
        if let Some(entry) = self.entries.get_mut(kind as usize) {
            set(entry);
        }
    }
}
