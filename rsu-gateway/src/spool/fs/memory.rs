//! A file system that forgets with the process.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{File, Fs, Open};

/// A file system in memory: for a demo, a replay, and tests. Every sync succeeds.
#[derive(Clone, Debug, Default)]
pub struct Memory(Arc<Mutex<Tree>>);

#[derive(Debug, Default)]
struct Tree {
    folders: BTreeSet<PathBuf>,
    files: BTreeMap<PathBuf, Content>,
}

type Content = Arc<Mutex<Vec<u8>>>;

impl Memory {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }

    fn tree(&self) -> MutexGuard<'_, Tree> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tree {
    fn file(&self, path: &Path) -> io::Result<&Content> {
        self.files.get(path).ok_or(io::ErrorKind::NotFound.into())
    }

    fn has_folder(&self, folder: Option<&Path>) -> io::Result<()> {
        let found = folder.is_some_and(|folder| self.folders.contains(folder));
        found.then_some(()).ok_or(io::ErrorKind::NotFound.into())
    }
}

impl Fs for Memory {
    fn create_folder(&self, folder: &Path) -> io::Result<()> {
        let levels = folder.ancestors().map(Path::to_owned);
        self.tree().folders.extend(levels);
        Ok(())
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<String>> {
        let tree = self.tree();
        tree.has_folder(Some(folder))?;
        let folders = tree.folders.iter();
        let inside = |path: &&PathBuf| path.parent() == Some(folder);
        let paths = folders.chain(tree.files.keys()).filter(inside);
        let name = |path: &PathBuf| Some(path.file_name()?.to_str()?.to_owned());
        Ok(paths.filter_map(name).collect())
    }

    fn open(&self, path: &Path, how: Open) -> io::Result<Box<dyn File>> {
        let mut tree = self.tree();
        if how == Open::Create {
            tree.has_folder(path.parent())?;
            let content = tree.files.entry(path.to_owned()).or_default();
            lock(content).clear();
        }
        Ok(Box::new(Opened {
            content: tree.file(path)?.clone(),
            is_writable: how != Open::Read,
        }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut tree = self.tree();
        let content = tree.file(from)?.clone();
        tree.files.remove(from);
        tree.files.insert(to.to_owned(), content);
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let removed = self.tree().files.remove(path);
        removed.map(drop).ok_or(io::ErrorKind::NotFound.into())
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        self.tree().has_folder(Some(folder))
    }

    /// Unlimited: who stores here sets a quota.
    fn free_bytes(&self, _folder: &Path) -> io::Result<u64> {
        Ok(u64::MAX)
    }
}

#[derive(Debug)]
struct Opened {
    content: Content,
    is_writable: bool,
}

impl Opened {
    fn writable(&self) -> io::Result<MutexGuard<'_, Vec<u8>>> {
        if self.is_writable {
            Ok(lock(&self.content))
        } else {
            Err(io::ErrorKind::PermissionDenied.into())
        }
    }
}

impl File for Opened {
    fn len(&self) -> io::Result<u64> {
        Ok(lock(&self.content).len() as u64)
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let content = lock(&self.content);
        let rest = content.get(position(offset)?..).unwrap_or_default();
        let read = buffer.len().min(rest.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..read), rest.get(..read)) {
            to.copy_from_slice(from);
        }
        Ok(read)
    }

    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        let mut content = self.writable()?;
        let begin = position(offset)?;
        let end = begin
            .checked_add(bytes.len())
            .ok_or(io::ErrorKind::FileTooLarge)?;
        if content.len() < end {
            content.resize(end, 0);
        }
        if let Some(place) = content.get_mut(begin..end) {
            place.copy_from_slice(bytes);
        }
        Ok(bytes.len())
    }

    fn set_len(&mut self, len: u64) -> io::Result<()> {
        self.writable()?.resize(position(len)?, 0);
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn lock(content: &Content) -> MutexGuard<'_, Vec<u8>> {
    content.lock().unwrap_or_else(PoisonError::into_inner)
}

fn position(offset: u64) -> io::Result<usize> {
    usize::try_from(offset).map_err(|_| io::ErrorKind::FileTooLarge.into())
}
