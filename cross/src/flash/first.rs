//! The first flash: an image with the identity of one unit, onto a card, an eMMC, or into a file.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Seek, SeekFrom};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;

use crate::disk;
use crate::error::{Doing, Error};
use crate::image::{Image, data_partition};
use crate::place;
use crate::process::{program, shown};
use crate::provision::Unit;

/// Writes an image with a unit's identity to a card, an eMMC, or a file.
///
/// # Errors
///
/// The image is not built, the unit's files are wrong, the disk is absent, in use or too small, or
/// bmaptool fails.
pub fn first(image: &Image<'_>, unit: &Unit, to: &Path) -> Result<(), Error> {
    check_room(to, image.disk_bytes()?)?;
    let folder = tempfile::tempdir_in(&image.folder).doing("make a folder in", &image.folder)?;
    let disk = folder.path().join("disk.img");
    provisioned_disk(image, unit, &disk)?;
    let map = folder.path().join("disk.img.bmap");
    disk::map(&disk, &map)?;
    let mut bmaptool = program("bmaptool", ["copy", "--bmap"]);
    shown(bmaptool.arg(&map).arg(&disk).arg(to))
}

/// Makes a copy of the disk's image with a unit's identity in it.
///
/// # Errors
///
/// The image is not built, or the unit's files are wrong.
pub fn provisioned_disk(image: &Image<'_>, unit: &Unit, disk: &Path) -> Result<(), Error> {
    let folder = tempfile::tempdir().doing("make a folder in", &std::env::temp_dir())?;
    let content = folder.path().join("content");
    place::folder(&content)?;
    unit.lay_out(&content)?;
    let data = folder.path().join("data.ext4");
    data_partition(image.board, &content, &data)?;
    disk::with_data(image.board, &image.disk(), &data, disk)
}

/// Refuses what would destroy something else, or end half-way.
fn check_room(to: &Path, image_bytes: u64) -> Result<(), Error> {
    let kind = match to.metadata() {
        Ok(about) => about.file_type(),
        // Whoever writes to /dev means a disk, and does not want a file there.
        Err(error) if error.kind() == ErrorKind::NotFound && !to.starts_with("/dev") => {
            return Ok(());
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Err(Error::content(to, "there is no such device; see `lsblk`"));
        }
        Err(error) => return Err(error).doing("write to", to),
    };
    if kind.is_file() {
        return Ok(());
    }
    if !kind.is_block_device() {
        return Err(Error::content(to, "is neither a disk nor a file"));
    }
    let bytes = open_alone(to)?
        .seek(SeekFrom::End(0))
        .doing("find the size of", to)?;
    if bytes < image_bytes {
        let problem = format!("holds {bytes} bytes, and the image takes {image_bytes}");
        return Err(Error::content(to, problem));
    }
    Ok(())
}

/// Opens a disk, of which nothing may be in use: it is most likely the host's own otherwise.
fn open_alone(disk: &Path) -> Result<File, Error> {
    /// For a block device: fails while it or one of its partitions is mounted, or otherwise taken.
    const O_EXCL: i32 = 0o200;
    let opened = OpenOptions::new()
        .read(true)
        .write(true)
        .custom_flags(O_EXCL)
        .open(disk);
    opened.map_err(|source| match source.kind() {
        ErrorKind::ResourceBusy => Error::content(
            disk,
            "is in use: something of it is mounted, swap, or part of an array; see `lsblk`",
        ),
        ErrorKind::PermissionDenied => {
            Error::content(disk, "you may not write to it; run the same line with sudo")
        }
        _ => Error::File {
            action: "write to",
            path: disk.to_owned(),
            source,
        },
    })
}
