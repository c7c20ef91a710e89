//! The audit: a line for every command, whatever became of it. Lights and participants for which
//! no answer is asked are none, and a refusal that is not told again is not written again.
//!
//! `audit.log` holds one JSON object a line; when it is full it becomes `audit.log.1`, and so on,
//! and the oldest is removed. A command is written down before anything follows from it.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;

use super::command::{CommandKind, SeqNum};
use super::ledger::Digest;
use crate::platform::UtcTime;
use crate::spool::fs::{self, File, Fs, Open};

/// Most bytes of one file.
pub const AUDIT_FILE_BYTES_MAX: u64 = 256 << 10;
/// Most files.
pub const AUDIT_FILES_MAX: usize = 4;

const FILE_NAME: &str = "audit.log";

/// What is written down of a command.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AuditLine<'a> {
    pub(super) time: UtcTime,
    pub(super) kind: CommandKind,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) seq_num: Option<&'a SeqNum>,
    /// Of the payload.
    pub(super) digest: Digest,
    pub(super) verdict: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) why: Option<&'a str>,
}

#[derive(Debug)]
pub(super) struct Audit {
    fs: Arc<dyn Fs>,
    folder: PathBuf,
    end: Option<(Box<dyn File>, u64)>,
}

impl Audit {
    pub(super) fn new(fs: Arc<dyn Fs>, folder: &Path) -> Self {
        Self {
            fs,
            folder: folder.into(),
            end: None,
        }
    }

    /// Writes lines down, durably.
    ///
    /// # Errors
    /// Those of the file system; any part of the lines may have been written then.
    pub(super) fn write(&mut self, lines: &[AuditLine<'_>]) -> io::Result<()> {
        let mut text = Vec::new();
        for line in lines {
            serde_json::to_writer(&mut text, line)?;
            text.push(b'\n');
        }
        let (mut file, offset) = match self.end.take() {
            Some(end) => end,
            None => self.open()?,
        };
        fs::write_all_at(&mut *file, &text, offset)?;
        file.sync()?;
        let offset = offset + text.len() as u64;
        if offset < AUDIT_FILE_BYTES_MAX {
            self.end = Some((file, offset));
        } else {
            drop(file);
            self.rotate()?;
        }
        Ok(())
    }

    fn open(&self) -> io::Result<(Box<dyn File>, u64)> {
        let path = self.path(0);
        match self.fs.open(&path, Open::Write) {
            Ok(file) => {
                let offset = file.len()?;
                Ok((file, offset))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let file = self.fs.open(&path, Open::Create)?;
                self.fs.sync_folder(&self.folder)?;
                Ok((file, 0))
            }
            Err(error) => Err(error),
        }
    }

    fn rotate(&self) -> io::Result<()> {
        for older in (1..AUDIT_FILES_MAX).rev() {
            match self.fs.rename(&self.path(older - 1), &self.path(older)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        self.fs.sync_folder(&self.folder)
    }

    fn path(&self, number: usize) -> PathBuf {
        match number {
            0 => self.folder.join(FILE_NAME),
            number => self.folder.join(format!("{FILE_NAME}.{number}")),
        }
    }
}
