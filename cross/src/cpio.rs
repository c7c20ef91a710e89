//! Archives in the format "newc", which the kernel unpacks its first root from.

use std::fs;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::error::{Doing, Error};
use crate::root::entries;

/// Packs a folder: everything belongs to root and is of the year 1970, in alphabetical order.
///
/// # Errors
///
/// A file cannot be read, or the archive cannot be written.
pub fn write(folder: &Path, archive: &Path) -> Result<(), Error> {
    let mut packed = Vec::new();
    let mut number = 1;
    append_all(folder, folder, &mut number, &mut packed)?;
    append(&mut packed, "TRAILER!!!".as_bytes(), 0, 0, &[]);
    fs::write(archive, packed).doing("write", archive)
}

fn append_all(
    top: &Path,
    folder: &Path,
    number: &mut u32,
    packed: &mut Vec<u8>,
) -> Result<(), Error> {
    for path in entries(folder)? {
        let about = fs::symlink_metadata(&path).doing("read", &path)?;
        let name = path
            .strip_prefix(top)
            .unwrap_or(&path)
            .as_os_str()
            .as_bytes();
        let mode = about.permissions().mode();
        let content = if about.is_symlink() {
            let target = fs::read_link(&path).doing("read", &path)?;
            target.as_os_str().as_bytes().to_vec()
        } else if about.is_file() {
            fs::read(&path).doing("read", &path)?
        } else {
            Vec::new()
        };
        append(packed, name, mode, *number, &content);
        *number += 1;
        if about.is_dir() {
            append_all(top, &path, number, packed)?;
        }
    }
    Ok(())
}

fn append(packed: &mut Vec<u8>, name: &[u8], mode: u32, number: u32, content: &[u8]) {
    let links = 1;
    let name_length = name.len() + 1;
    // magic, inode, mode, uid, gid, links, time, size, device and its node (2 each), name, checksum
    let header = format!(
        "070701{number:08x}{mode:08x}{0:08x}{0:08x}{links:08x}{0:08x}{size:08x}\
         {0:08x}{0:08x}{0:08x}{0:08x}{name_length:08x}{0:08x}",
        0,
        size = content.len(),
    );
    // Writing to a Vec cannot fail.
    let _ = packed.write_all(header.as_bytes());
    packed.extend_from_slice(name);
    packed.push(0);
    packed.resize(packed.len().next_multiple_of(4), 0);
    packed.extend_from_slice(content);
    packed.resize(packed.len().next_multiple_of(4), 0);
}
