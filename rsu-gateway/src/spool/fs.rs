//! The little that durable stores ask of a file system, behind a trait, so that a test can cut
//! the power or fill the disk at any operation.
//!
//! What counts as durable is what POSIX promises and no more: the bytes of a file after
//! [`File::sync`], its name after [`Fs::sync_folder`]. After a failed sync nothing is known
//! about the bytes it covered; a second sync that succeeds does not bring them back.

mod memory;
mod os;

use std::ffi::OsString;
use std::fmt::Debug;
use std::io;
use std::path::{Path, PathBuf};

pub use memory::Memory;
pub use os::Os;

/// A file system.
pub trait Fs: Debug + Send + Sync {
    /// Makes a folder, and those above it, durably. No error if it is there.
    fn create_folder(&self, folder: &Path) -> io::Result<()>;

    /// The names of what is in a folder, in any order. Names that are not UTF-8 are left out.
    fn list(&self, folder: &Path) -> io::Result<Vec<String>>;

    /// Opens a file.
    fn open(&self, path: &Path, how: Open) -> io::Result<Box<dyn File>>;

    /// Gives a file another name in the same folder, replacing what has it.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file. Those who have it open can go on.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Makes durable which names are in a folder.
    fn sync_folder(&self, folder: &Path) -> io::Result<()>;

    /// Bytes that can still be written on the folder's file system without privileges.
    fn free_bytes(&self, folder: &Path) -> io::Result<u64>;
}

/// What a file is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Open {
    /// To read; it must exist.
    Read,
    /// To read and write; it must exist.
    Write,
    /// To read and write; it begins empty.
    Create,
}

/// An open file.
#[allow(clippy::len_without_is_empty, reason = "nobody asks")]
pub trait File: Debug + Send {
    /// Its length in bytes.
    fn len(&self) -> io::Result<u64>;

    /// Reads from `offset`; 0 bytes at the end of the file only, and fewer than asked at any time.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;

    /// Writes from `offset`; fewer bytes than given at any time.
    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<usize>;

    /// Cuts the file, or fills it up with zeros.
    fn set_len(&mut self, len: u64) -> io::Result<()>;

    /// Makes the bytes and the length durable (fdatasync).
    fn sync(&mut self) -> io::Result<()>;
}

/// Writes all of `bytes` from `offset`.
///
/// # Errors
/// Those of the file; any part of `bytes` may have been written then.
pub fn write_all_at(file: &mut dyn File, mut bytes: &[u8], mut offset: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        match file.write_at(bytes, offset) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => {
                bytes = bytes.get(written..).unwrap_or_default();
                offset += written as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Reads from `offset` until the buffer is full or the file ends; returns how many bytes.
///
/// # Errors
/// Those of the file.
pub fn read_full_at(file: &dyn File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, offset + filled as u64) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// Reads a whole file of at most `bytes_max`.
///
/// # Errors
/// Those of the file system; `FileTooLarge` for a longer file.
pub fn read(fs: &dyn Fs, path: &Path, bytes_max: usize) -> io::Result<Vec<u8>> {
    let file = fs.open(path, Open::Read)?;
    let too_large = || io::Error::from(io::ErrorKind::FileTooLarge);
    let len = usize::try_from(file.len()?).map_err(|_| too_large())?;
    if len > bytes_max {
        return Err(too_large());
    }
    let mut bytes = vec![0; len];
    let read = read_full_at(&*file, &mut bytes, 0)?;
    bytes.truncate(read);
    Ok(bytes)
}

/// Replaces the content of a file durably and at once: whatever happens, it holds the old
/// content or the new one. Uses the file's name with `.new` behind it.
///
/// # Errors
/// Those of the file system; after an error the file holds either content.
pub fn replace(fs: &dyn Fs, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut name = OsString::from(path);
    name.push(".new");
    let new = PathBuf::from(name);
    let mut file = fs.open(&new, Open::Create)?;
    write_all_at(&mut *file, bytes, 0)?;
    file.sync()?;
    drop(file);
    fs.rename(&new, path)?;
    fs.sync_folder(path.parent().unwrap_or(Path::new(".")))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// What every file system must do, shown on one.
    fn behaves(fs: &dyn Fs, root: &Path) {
        let folder = root.join("a/b");
        fs.create_folder(&folder).unwrap();
        fs.create_folder(&folder).unwrap();
        assert_eq!(fs.list(&folder).unwrap(), Vec::<String>::new());
        assert!(fs.free_bytes(&folder).unwrap() > 0);

        let path = folder.join("file");
        let absent = fs.open(&path, Open::Write).unwrap_err();
        assert_eq!(absent.kind(), io::ErrorKind::NotFound);
        let mut file = fs.open(&path, Open::Create).unwrap();
        write_all_at(&mut *file, b"0123456789", 0).unwrap();
        write_all_at(&mut *file, b"xy", 4).unwrap();
        file.sync().unwrap();
        fs.sync_folder(&folder).unwrap();
        let mut buffer = [0; 6];
        assert_eq!(read_full_at(&*file, &mut buffer, 3).unwrap(), 6);
        assert_eq!(&buffer, b"3xy678");
        assert_eq!(read_full_at(&*file, &mut buffer, 8).unwrap(), 2);
        assert_eq!(read_full_at(&*file, &mut buffer, 80).unwrap(), 0);
        file.set_len(5).unwrap();
        assert_eq!(file.len().unwrap(), 5);
        file.set_len(6).unwrap();
        assert_eq!(read(fs, &path, 6).unwrap(), b"0123x\0");
        assert_eq!(
            read(fs, &path, 5).unwrap_err().kind(),
            io::ErrorKind::FileTooLarge
        );

        replace(fs, &path, b"new").unwrap();
        assert_eq!(read(fs, &path, 9).unwrap(), b"new");
        assert_eq!(file.len().unwrap(), 6, "who has the old one open keeps it");
        assert_eq!(fs.list(&folder).unwrap(), ["file"]);

        let mut reader = fs.open(&path, Open::Read).unwrap();
        assert!(reader.write_at(b"z", 0).is_err());
        fs.remove(&path).unwrap();
        assert_eq!(reader.len().unwrap(), 3);
        assert_eq!(fs.list(&folder).unwrap(), Vec::<String>::new());
        let absent = fs.remove(&path).unwrap_err();
        assert_eq!(absent.kind(), io::ErrorKind::NotFound);
        let absent = fs.list(&root.join("c")).unwrap_err();
        assert_eq!(absent.kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn memory_behaves() {
        behaves(&Memory::new(), Path::new("/spool"));
    }

    #[test]
    fn the_operating_system_behaves() {
        let root = std::env::temp_dir().join(format!("rsu-fs-{}", std::process::id()));
        behaves(&Os, &root);
        std::fs::remove_dir_all(&root).unwrap();
    }
}
