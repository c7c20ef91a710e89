//! A disk in memory whose power can be cut, that can be full and that can fail.
//!
//! It keeps apart what was written and what is durable. A power cut leaves of what was not synced:
//! of each file none, all, the first writes, or any of its 512-byte sectors, and of the folder the
//! first changes. A failed sync loses what it covered for good, as Linux does: the pages are
//! clean, a second sync succeeds.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};

use fastrand::Rng;
use rsu_gateway::spool::fs::{File, Fs, Open};

const SECTOR_BYTES: u64 = 512;

/// A disk with one folder. Clones are the same disk.
#[derive(Clone, Debug, Default)]
pub(crate) struct SimulatedDisk(Arc<Mutex<Disk>>);

#[derive(Debug, Default)]
struct Disk {
    names: BTreeMap<String, usize>,
    names_durable: BTreeMap<String, usize>,
    names_pending: Vec<NameChange>,
    inodes: Vec<Inode>,
    capacity: Option<u64>,
    operations: u64,
    cut_at: Option<u64>,
    is_off: bool,
    fault: Option<Fault>,
}

#[derive(Debug, Default)]
struct Inode {
    content: Vec<u8>,
    durable: Vec<u8>,
    pending: Vec<Change>,
}

#[derive(Clone, Debug)]
enum Change {
    Write { offset: u64, bytes: Vec<u8> },
    Len(u64),
}

#[derive(Clone, Debug)]
enum NameChange {
    Link(String, usize),
    Unlink(String),
}

/// What an operation does to the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Read,
    Create,
    Write,
    Rename,
    Remove,
    Sync,
    SyncFolder,
}

/// Operations that fail.
#[derive(Clone, Debug)]
pub(crate) struct Fault {
    pub(crate) on: &'static [Operation],
    /// How many of these succeed before.
    pub(crate) after: u64,
    /// How many of these fail then.
    pub(crate) count: u64,
    pub(crate) error: io::ErrorKind,
    /// A write that fails has written a half.
    pub(crate) is_short: bool,
}

/// Everything that changes the disk.
pub(crate) const CHANGES: &[Operation] = &[
    Operation::Create,
    Operation::Write,
    Operation::Rename,
    Operation::Remove,
    Operation::Sync,
    Operation::SyncFolder,
];

impl SimulatedDisk {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn with_capacity(bytes: u64) -> Self {
        let disk = Self::new();
        disk.lock().capacity = Some(bytes);
        disk
    }

    pub(crate) fn set_capacity(&self, bytes: u64) {
        self.lock().capacity = Some(bytes);
    }

    pub(crate) fn fs(&self) -> Arc<dyn Fs> {
        Arc::new(self.clone())
    }

    /// The power goes off after so many more operations that change something.
    pub(crate) fn cut_after(&self, operations: u64) {
        let mut disk = self.lock();
        disk.cut_at = Some(disk.operations + operations);
    }

    pub(crate) fn is_off(&self) -> bool {
        self.lock().is_off
    }

    pub(crate) fn set_fault(&self, fault: Option<Fault>) {
        self.lock().fault = fault;
    }

    /// Whether all of the fault's failures have come.
    pub(crate) fn is_fault_over(&self) -> bool {
        self.lock()
            .fault
            .as_ref()
            .is_none_or(|fault| fault.count == 0)
    }

    /// What is there after the power came back.
    pub(crate) fn after_power_cut(&self, random: &mut Rng) -> Self {
        let old = self.lock();
        let mut names = old.names_durable.clone();
        let kept = random.usize(..=old.names_pending.len());
        for change in &old.names_pending[..kept] {
            change.apply(&mut names);
        }
        let inodes = old.inodes.iter().map(|inode| inode.after_power_cut(random));
        Self(Arc::new(Mutex::new(Disk {
            names_durable: names.clone(),
            names,
            inodes: inodes.collect(),
            capacity: old.capacity,
            ..Disk::default()
        })))
    }

    fn lock(&self) -> MutexGuard<'_, Disk> {
        self.0.lock().unwrap()
    }
}

impl Inode {
    fn with(content: Vec<u8>) -> Self {
        Self {
            durable: content.clone(),
            content,
            pending: Vec::new(),
        }
    }

    fn after_power_cut(&self, random: &mut Rng) -> Self {
        let mut content = self.durable.clone();
        match random.u8(..4) {
            0 => {}
            1 => self
                .pending
                .iter()
                .for_each(|change| change.apply(&mut content)),
            2 => {
                let kept = random.usize(..=self.pending.len());
                let kept = &self.pending[..kept];
                kept.iter().for_each(|change| change.apply(&mut content));
            }
            _ => {
                let sectors = self.pending.iter().flat_map(Change::sectors);
                let kept: Vec<_> = sectors.filter(|_| random.bool()).collect();
                kept.iter().for_each(|change| change.apply(&mut content));
                if random.bool() {
                    // The length was written before the bytes: zeros.
                    content.resize(self.content.len(), 0);
                }
            }
        }
        Self::with(content)
    }
}

impl Change {
    fn apply(&self, content: &mut Vec<u8>) {
        match self {
            Self::Len(len) => content.resize(*len as usize, 0),
            Self::Write { offset, bytes } => {
                let (begin, end) = (*offset as usize, *offset as usize + bytes.len());
                content.resize(content.len().max(end), 0);
                content[begin..end].copy_from_slice(bytes);
            }
        }
    }

    fn sectors(&self) -> Vec<Self> {
        let Self::Write { offset, bytes } = self else {
            return vec![self.clone()];
        };
        let (mut offset, mut rest) = (*offset, &bytes[..]);
        let mut sectors = Vec::new();
        while !rest.is_empty() {
            let len = rest
                .len()
                .min((SECTOR_BYTES - offset % SECTOR_BYTES) as usize);
            let (bytes, after) = rest.split_at(len);
            sectors.push(Self::Write {
                offset,
                bytes: bytes.to_vec(),
            });
            (offset, rest) = (offset + len as u64, after);
        }
        sectors
    }
}

impl NameChange {
    fn apply(&self, names: &mut BTreeMap<String, usize>) {
        match self {
            Self::Link(name, inode) => names.insert(name.clone(), *inode),
            Self::Unlink(name) => names.remove(name),
        };
    }
}

impl Disk {
    /// Lets an operation happen or fail.
    fn begin(&mut self, operation: Operation) -> io::Result<()> {
        if operation != Operation::Read {
            self.operations += 1;
            self.is_off |= self.cut_at.is_some_and(|cut_at| self.operations > cut_at);
        }
        if self.is_off {
            return Err(io::Error::other("the power is off"));
        }
        if let Some(fault) = &mut self.fault
            && fault.on.contains(&operation)
        {
            if fault.after > 0 {
                fault.after -= 1;
            } else if fault.count > 0 {
                fault.count -= 1;
                return Err(fault.error.into());
            }
        }
        Ok(())
    }

    fn change_name(&mut self, change: NameChange) {
        change.apply(&mut self.names);
        self.names_pending.push(change);
    }

    fn find(&self, path: &Path) -> io::Result<usize> {
        let found = self.names.get(&name(path)).copied();
        found.ok_or(io::ErrorKind::NotFound.into())
    }

    fn free_bytes(&self) -> u64 {
        let used: usize = self
            .names
            .values()
            .map(|&inode| self.inodes[inode].content.len())
            .sum();
        self.capacity
            .map_or(u64::MAX, |capacity| capacity.saturating_sub(used as u64))
    }
}

fn name(path: &Path) -> String {
    path.file_name().unwrap().to_str().unwrap().to_owned()
}

impl Fs for SimulatedDisk {
    fn create_folder(&self, _folder: &Path) -> io::Result<()> {
        Ok(())
    }

    fn list(&self, _folder: &Path) -> io::Result<Vec<String>> {
        let mut disk = self.lock();
        disk.begin(Operation::Read)?;
        Ok(disk.names.keys().cloned().collect())
    }

    fn open(&self, path: &Path, how: Open) -> io::Result<Box<dyn File>> {
        let mut disk = self.lock();
        let found = disk.find(path);
        let inode = match (how, found) {
            (Open::Create, Ok(inode)) => {
                disk.begin(Operation::Create)?;
                disk.inodes[inode].content.clear();
                disk.inodes[inode].pending.push(Change::Len(0));
                inode
            }
            (Open::Create, Err(_)) => {
                disk.begin(Operation::Create)?;
                let inode = disk.inodes.len();
                disk.inodes.push(Inode::default());
                disk.change_name(NameChange::Link(name(path), inode));
                inode
            }
            (_, found) => {
                disk.begin(Operation::Read)?;
                found?
            }
        };
        Ok(Box::new(OpenFile {
            disk: self.clone(),
            inode,
        }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut disk = self.lock();
        let inode = disk.find(from)?;
        disk.begin(Operation::Rename)?;
        disk.change_name(NameChange::Link(name(to), inode));
        disk.change_name(NameChange::Unlink(name(from)));
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut disk = self.lock();
        disk.find(path)?;
        disk.begin(Operation::Remove)?;
        disk.change_name(NameChange::Unlink(name(path)));
        Ok(())
    }

    fn sync_folder(&self, _folder: &Path) -> io::Result<()> {
        let mut disk = self.lock();
        let synced = disk.begin(Operation::SyncFolder);
        if synced.is_ok() {
            disk.names_durable = disk.names.clone();
            disk.names_pending.clear();
        }
        synced
    }

    fn free_bytes(&self, _folder: &Path) -> io::Result<u64> {
        Ok(self.lock().free_bytes())
    }
}

#[derive(Debug)]
struct OpenFile {
    disk: SimulatedDisk,
    inode: usize,
}

impl File for OpenFile {
    fn len(&self) -> io::Result<u64> {
        Ok(self.disk.lock().inodes[self.inode].content.len() as u64)
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut disk = self.disk.lock();
        disk.begin(Operation::Read)?;
        let content = &disk.inodes[self.inode].content;
        let rest = content.get(offset as usize..).unwrap_or_default();
        let read = buffer.len().min(rest.len());
        buffer[..read].copy_from_slice(&rest[..read]);
        Ok(read)
    }

    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        let mut disk = self.disk.lock();
        let begun = disk.begin(Operation::Write);
        let len = disk.inodes[self.inode].content.len() as u64;
        let fits = len.saturating_add(disk.free_bytes()).saturating_sub(offset);
        let is_short = disk.fault.as_ref().is_some_and(|fault| fault.is_short) && !disk.is_off;
        let written = match &begun {
            Ok(()) => (bytes.len() as u64).min(fits) as usize,
            Err(_) if is_short => bytes.len() / 2,
            Err(_) => 0,
        };
        if written > 0 {
            let change = Change::Write {
                offset,
                bytes: bytes[..written].to_vec(),
            };
            let inode = &mut disk.inodes[self.inode];
            change.apply(&mut inode.content);
            inode.pending.push(change);
        }
        begun?;
        if written == 0 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        Ok(written)
    }

    fn set_len(&mut self, len: u64) -> io::Result<()> {
        let mut disk = self.disk.lock();
        disk.begin(Operation::Write)?;
        let inode = &mut disk.inodes[self.inode];
        inode.content.resize(len as usize, 0);
        inode.pending.push(Change::Len(len));
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        let mut disk = self.disk.lock();
        let synced = disk.begin(Operation::Sync);
        let is_off = disk.is_off;
        let inode = &mut disk.inodes[self.inode];
        let pending = if is_off {
            Vec::new()
        } else {
            std::mem::take(&mut inode.pending)
        };
        if synced.is_ok() {
            pending
                .iter()
                .for_each(|change| change.apply(&mut inode.durable));
        }
        synced
    }
}
