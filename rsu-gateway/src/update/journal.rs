//! What an update must not forget: one small file on the data partition, replaced whole at every
//! step, which both slots read and write.

use std::collections::VecDeque;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use semver::Version;
use serde::{Deserialize, Serialize};
use tracing::warn;

use super::installer::Installation;
use super::status::UpdateStatus;
use crate::downlink::{SeqNum, Upgrade};
use crate::spool::fs::{self, Fs};

/// Statuses that wait to be told; the oldest make way.
const UNTOLD_MAX: usize = 32;

/// Longest file that is read; far more than all limits together allow.
const FILE_BYTES_MAX: usize = 256 << 10;

/// All that is remembered.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct State {
    pub(super) underway: Option<Underway>,
    /// The latest order, to know it again.
    pub(super) latest: Option<Order>,
    /// What the platform has not been told durably.
    pub(super) untold: VecDeque<Untold>,
    next_untold: u64,
    /// The installation that has proven itself last.
    pub(super) confirmed: Option<Installation>,
}

/// A command, with its number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Order {
    pub(super) seq_num: SeqNum,
    pub(super) upgrade: Upgrade,
}

/// An update that has not ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Underway {
    /// Whose it is; none, if the slot was installed by hand.
    pub(super) order: Option<Order>,
    pub(super) version: Version,
    pub(super) stage: Stage,
}

/// What is to be done next.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Stage {
    Download(Position),
    Verify,
    Install,
    AwaitReboot,
    Trial(TrialStage),
}

/// How much of a bundle is on disk for certain.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Position {
    pub(super) received: u64,
    pub(super) total: Option<u64>,
    /// What tells whether the server still has the same file: `ETag` or `Last-Modified`.
    pub(super) validator: Option<String>,
}

/// A slot that is to be started, or was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct TrialStage {
    /// The slot, as the boot loader calls it.
    pub(super) slot: String,
    /// The boot that ordered it; the slot runs in a later one.
    pub(super) ordered_in: String,
    /// How often its program was started.
    pub(super) starts: u32,
    /// Why it was given up.
    pub(super) fault: Option<String>,
}

/// A status that the platform has not been told durably.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Untold {
    pub(super) number: u64,
    /// The status.
    pub status: UpdateStatus,
}

impl State {
    /// Adds a status that is to be told. Another percentage takes the place of the one before it.
    pub(super) fn tell(&mut self, status: UpdateStatus) -> Untold {
        let is_superseded =
            |last: &Untold| last.status.state == status.state && status.percent.is_some();
        if self.untold.back().is_some_and(is_superseded) {
            self.untold.pop_back();
        }
        if self.untold.len() >= UNTOLD_MAX
            && let Some(lost) = self.untold.pop_front()
        {
            warn!(status = ?lost.status, "a status of an update was never told");
        }
        self.next_untold = self.next_untold.wrapping_add(1);
        let untold = Untold {
            number: self.next_untold,
            status,
        };
        self.untold.push_back(untold.clone());
        untold
    }
}

/// The file.
#[derive(Debug)]
pub(super) struct Journal {
    fs: Arc<dyn Fs>,
    path: PathBuf,
    state: State,
}

impl Journal {
    /// Reads what is there; as on a new unit where there is nothing.
    ///
    /// # Errors
    /// The file is there, and cannot be read or is damaged.
    pub(super) fn open(fs: Arc<dyn Fs>, path: PathBuf) -> io::Result<Self> {
        let state = match fs::read(&*fs, &path, FILE_BYTES_MAX) {
            Ok(bytes) => serde_json::from_slice(&bytes)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => State::default(),
            Err(error) => return Err(error),
        };
        Ok(Self { fs, path, state })
    }

    /// A journal that begins anew, in place of one that cannot be read.
    pub(super) fn anew(fs: Arc<dyn Fs>, path: PathBuf) -> Self {
        let state = State::default();
        Self { fs, path, state }
    }

    pub(super) fn state(&self) -> &State {
        &self.state
    }

    /// Changes the state, durably.
    ///
    /// # Errors
    /// Those of the file system; the state is as it was then.
    pub(super) fn change<T>(&mut self, change: impl FnOnce(&mut State) -> T) -> io::Result<T> {
        let mut state = self.state.clone();
        let changed = change(&mut state);
        if state != self.state {
            fs::replace(&*self.fs, &self.path, &serde_json::to_vec(&state)?)?;
            self.state = state;
        }
        Ok(changed)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::status::UpdateState;
    use super::*;
    use crate::spool::fs::Memory;

    fn status(state: UpdateState, percent: Option<u8>) -> UpdateStatus {
        UpdateStatus {
            upgrade_seq_num: None,
            update_version: Version::new(0, 2, 0),
            state,
            percent,
            reason: None,
            time_ms: 0,
        }
    }

    fn states(state: &State) -> Vec<(UpdateState, Option<u8>)> {
        let told = state.untold.iter();
        told.map(|told| (told.status.state, told.status.percent))
            .collect()
    }

    #[test]
    fn a_percentage_takes_the_place_of_the_one_before() {
        use UpdateState::{Downloading, Received, Verifying};
        let mut state = State::default();
        state.tell(status(Received, None));
        for percent in [0, 10, 20] {
            state.tell(status(Downloading, Some(percent)));
        }
        let last = state.tell(status(Verifying, None));
        let told = [(Received, None), (Downloading, Some(20)), (Verifying, None)];
        assert_eq!(states(&state), told);
        assert_eq!(last.number, 5, "numbers are never used again");
        for _ in 0..100 {
            state.tell(status(Verifying, None));
        }
        assert_eq!(state.untold.len(), UNTOLD_MAX);
    }

    #[test]
    fn what_was_changed_is_there_after_a_restart() {
        let fs: Arc<dyn Fs> = Arc::new(Memory::new());
        fs.create_folder("/data".as_ref()).unwrap();
        let open = || Journal::open(fs.clone(), "/data/update.json".into());
        let mut journal = open().unwrap();
        assert_eq!(*journal.state(), State::default());
        let change = |state: &mut State| state.tell(status(UpdateState::Received, None));
        journal.change(change).unwrap();
        assert_eq!(open().unwrap().state(), journal.state());
    }

    #[test]
    fn a_damaged_file_is_an_error_and_can_be_begun_anew() {
        let fs: Arc<dyn Fs> = Arc::new(Memory::new());
        fs.create_folder("/data".as_ref()).unwrap();
        let path = PathBuf::from("/data/update.json");
        fs::replace(&*fs, &path, b"{\"underway\"").unwrap();
        assert!(Journal::open(fs.clone(), path.clone()).is_err());
        let mut journal = Journal::anew(fs.clone(), path.clone());
        let change = |state: &mut State| state.tell(status(UpdateState::Received, None));
        journal.change(change).unwrap();
        let again = Journal::open(fs, path).unwrap();
        assert_eq!(again.state(), journal.state());
    }
}
