//! The folder on disk: what a unit remembers over restarts.
//!
//! ```text
//! durable/     records that wait for the broker, and those that have arrived
//! spilled/     raw messages kept during an outage
//! commands/    what the platform has commanded, and the audit of it
//! update/      the update under way, and its bundle
//! alarms.json  the alarms that are set
//! run.json     whether the last run stopped by itself
//! ```

use std::io;
use std::path::Path;
use std::sync::{Arc, mpsc};
use std::thread;

use tracing::warn;

use super::StartError;
use crate::config::Config;
use crate::downlink::Desk;
use crate::health::Alarms;
use crate::health::alarm::AlarmFile;
use crate::health::previous_run::{PreviousRun, RunFile, boot_id};
use crate::mqtt;
use crate::spool::fs::{Fs, Os};
use crate::station::Spools;

/// The files that are written while the service runs.
pub(super) struct Data {
    pub(super) run: RunFile,
    alarms: AlarmFile,
}

/// What earlier runs have left.
pub(super) struct Kept {
    pub(super) spools: Spools,
    pub(super) desk: Desk,
    pub(super) alarms: Alarms,
    pub(super) previous_run: PreviousRun,
    /// Files that were there and could not be read.
    pub(super) unreadable: Vec<String>,
}

impl Data {
    pub(super) fn open(config: &Config, mqtt: &mqtt::Settings) -> Result<(Self, Kept), StartError> {
        let folder = config.data_folder();
        let failed = |error| StartError::Storage {
            folder: folder.display().to_string(),
            error,
        };
        let fs: Arc<dyn Fs> = Arc::new(Os);
        fs.create_folder(folder).map_err(failed)?;
        let (durable, spilled) = config.spools(mqtt.packet_bytes_max)?;
        let spools = Spools::open(&fs, folder, durable, spilled).map_err(failed)?;
        let boot_id = boot_id();
        let commands = config.commands(boot_id.clone());
        let desk = Desk::open(fs.clone(), &folder.join("commands"), commands).map_err(failed)?;
        let mut unreadable = Vec::new();
        let alarm_file = AlarmFile::new(fs.clone(), folder.join("alarms.json"));
        let alarms = alarm_file.load(config.alarms()).unwrap_or_else(|error| {
            unreadable.push(told(&folder.join("alarms.json"), &error));
            Alarms::new(config.alarms())
        });
        if desk.counters().journal_damaged_bytes > 0 {
            unreadable.push("the journal of commands is damaged".into());
        }
        let path = folder.join("run.json");
        let (run, previous_run) = RunFile::begin(fs, path, &boot_id).map_err(failed)?;
        let data = Self {
            run,
            alarms: alarm_file,
        };
        let kept = Kept {
            spools,
            desk,
            alarms,
            previous_run,
            unreadable,
        };
        Ok((data, kept))
    }

    /// Saves alarms whenever it is called, in a thread of its own: the radio does not wait for the
    /// disk.
    pub(super) fn alarm_keeper(&self) -> io::Result<impl Fn(&Alarms) + Send + use<>> {
        let file = self.alarms.clone();
        let (keep, kept) = mpsc::channel::<Alarms>();
        thread::Builder::new()
            .name("alarms".into())
            .spawn(move || {
                while let Ok(mut alarms) = kept.recv() {
                    while let Ok(newer) = kept.try_recv() {
                        alarms = newer;
                    }
                    if let Err(error) = file.save(&alarms) {
                        warn!(%error, "the alarms cannot be saved");
                    }
                }
            })?;
        Ok(move |alarms: &Alarms| {
            // The thread lives as long as this.
            let _ = keep.send(alarms.clone());
        })
    }
}

fn told(path: &Path, error: &io::Error) -> String {
    warn!(path = %path.display(), %error, "a file cannot be read");
    format!("{}: {error}", path.display())
}
