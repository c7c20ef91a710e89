//! A disk that can lose its power at any operation.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use crate::spool::fs::{File, Fs, Open};

/// What is left of what was not synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unsynced {
    Lost,
    Kept,
    /// Of what was appended to a file, the first half.
    Torn,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Disk(Arc<Mutex<Surface>>);

#[derive(Clone, Debug, Default)]
struct Surface {
    contents: Vec<Content>,
    names: BTreeMap<PathBuf, usize>,
    synced_names: BTreeMap<PathBuf, usize>,
    operations: usize,
    cut_at: Option<usize>,
}

#[derive(Clone, Debug, Default)]
struct Content {
    written: Vec<u8>,
    synced: Vec<u8>,
}

impl Disk {
    /// From the operation numbered `operations` on, everything fails.
    pub(super) fn cut_after(&self, operations: usize) {
        self.surface().cut_at = Some(operations);
    }

    pub(super) fn operations(&self) -> usize {
        self.surface().operations
    }

    /// An operation that is none of the disk's, but may be the last one all the same.
    pub(super) fn step(&self) -> io::Result<()> {
        self.surface().step()
    }

    pub(super) fn is_cut(&self) -> bool {
        let surface = self.surface();
        surface.cut_at.is_some_and(|cut| surface.operations > cut)
    }

    /// The disk as it is found when the power is back.
    pub(super) fn after_the_cut(&self, unsynced: Unsynced) -> Self {
        let mut surface = self.surface().clone();
        surface.operations = 0;
        surface.cut_at = None;
        if unsynced == Unsynced::Lost {
            surface.names = surface.synced_names.clone();
        }
        for content in &mut surface.contents {
            match unsynced {
                Unsynced::Lost => content.written = content.synced.clone(),
                Unsynced::Kept => {}
                Unsynced::Torn => {
                    let (synced, written) = (content.synced.len(), content.written.len());
                    content
                        .written
                        .truncate(synced.min(written).midpoint(written));
                }
            }
            content.synced = content.written.clone();
        }
        surface.synced_names = surface.names.clone();
        Self(Arc::new(Mutex::new(surface)))
    }

    /// Flips one bit of a file.
    pub(super) fn flip(&self, path: &Path, bit: usize) {
        let mut surface = self.surface();
        let place = surface.names[path];
        let content = &mut surface.contents[place].written;
        content[bit / 8] ^= 1 << (bit % 8);
    }

    fn surface(&self) -> MutexGuard<'_, Surface> {
        self.0.lock().unwrap()
    }
}

impl Surface {
    fn step(&mut self) -> io::Result<()> {
        self.operations += 1;
        match self.cut_at {
            Some(cut) if self.operations > cut => Err(io::Error::other("no power")),
            _ => Ok(()),
        }
    }

    fn place(&self, path: &Path) -> io::Result<usize> {
        let place = self.names.get(path).copied();
        place.ok_or(io::ErrorKind::NotFound.into())
    }
}

impl Fs for Disk {
    fn create_folder(&self, _: &Path) -> io::Result<()> {
        self.step()
    }

    fn list(&self, _: &Path) -> io::Result<Vec<String>> {
        self.step()?;
        Ok(Vec::new())
    }

    fn open(&self, path: &Path, how: Open) -> io::Result<Box<dyn File>> {
        let mut surface = self.surface();
        surface.step()?;
        if how == Open::Create {
            let place = surface.contents.len();
            surface.contents.push(Content::default());
            surface.names.insert(path.into(), place);
        }
        let place = surface.place(path)?;
        Ok(Box::new(Opened(self.clone(), place)))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut surface = self.surface();
        surface.step()?;
        let place = surface.place(from)?;
        surface.names.remove(from);
        surface.names.insert(to.into(), place);
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut surface = self.surface();
        surface.step()?;
        surface.names.remove(path);
        Ok(())
    }

    fn sync_folder(&self, _: &Path) -> io::Result<()> {
        let mut surface = self.surface();
        surface.step()?;
        surface.synced_names = surface.names.clone();
        Ok(())
    }

    fn free_bytes(&self, _: &Path) -> io::Result<u64> {
        Ok(u64::MAX)
    }
}

#[derive(Debug)]
struct Opened(Disk, usize);

impl File for Opened {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.surface().contents[self.1].written.len() as u64)
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let surface = self.0.surface();
        let rest = &surface.contents[self.1].written[offset as usize..];
        let read = rest.len().min(buffer.len());
        buffer[..read].copy_from_slice(&rest[..read]);
        Ok(read)
    }

    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        let mut surface = self.0.surface();
        let is_cut = surface.step();
        let written = &mut surface.contents[self.1].written;
        written.truncate(offset as usize);
        // The power goes in the middle of the last one.
        let arrives = if is_cut.is_ok() {
            bytes.len()
        } else {
            bytes.len() / 2
        };
        written.extend_from_slice(&bytes[..arrives]);
        is_cut.map(|()| bytes.len())
    }

    fn set_len(&mut self, len: u64) -> io::Result<()> {
        let mut surface = self.0.surface();
        surface.step()?;
        surface.contents[self.1].written.resize(len as usize, 0);
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        let mut surface = self.0.surface();
        surface.step()?;
        let content = &mut surface.contents[self.1];
        content.synced = content.written.clone();
        Ok(())
    }
}
