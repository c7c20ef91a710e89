//! File systems made from folders, without mounting anything: the same folder gives the same bytes.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use ring::digest::{SHA256, digest};

use crate::error::{Doing, Error};
use crate::process::{output, output_of, program};
use crate::root::entries;

/// How a file system is to be.
#[derive(Debug)]
pub struct FileSystem<'a> {
    /// Its label, up to 16 bytes.
    pub label: &'a str,
    /// Its size, MiB.
    pub size_mib: u64,
    /// Whether it is only read; then it has no journal, and nothing that boot loaders stumble over.
    pub read_only: bool,
    /// Seconds since 1970: when everything in it was made.
    pub time_s: u64,
}

impl FileSystem<'_> {
    /// Makes the file system in `file`, with the content of `folder`, which all belongs to root.
    ///
    /// # Errors
    ///
    /// The content does not fit, or the disk is full.
    pub fn make(&self, folder: &Path, file: &Path) -> Result<(), Error> {
        let image = fs::File::create(file).doing("write", file)?;
        image.set_len(self.size_mib << 20).doing("write", file)?;
        let uuid = uuid(&format!("ext4 {}", self.label));
        let mut mkfs = program(
            "mkfs.ext4",
            ["-q", "-F", "-m", "0", "-L", self.label, "-U", &uuid],
        );
        mkfs.env("E2FSPROGS_FAKE_TIME", self.time_s.to_string());
        mkfs.args(["-E", &format!("hash_seed={uuid},root_owner=0:0")]);
        // Blocks of zeros are not written to a card, and must not matter where it had something else:
        // no room to grow, and tables that say how far they are used.
        mkfs.arg("-O").arg(match self.read_only {
            true => "^resize_inode,^has_journal,^metadata_csum,^64bit,uninit_bg",
            false => "^resize_inode",
        });
        output(mkfs.arg("-d").arg(folder).arg(file)).map_err(|error| {
            Error::Refused(format!(
                "{} does not get its {} MiB: {error}",
                self.label, self.size_mib
            ))
        })?;
        self.settle(folder, file)
    }

    /// Owner and times of every file: mkfs takes them from the folder, as whoever built it left them.
    fn settle(&self, folder: &Path, file: &Path) -> Result<(), Error> {
        let mut paths = vec!["/".to_owned(), "/lost+found".to_owned()];
        paths_below(folder, "", &mut paths)?;
        let mut commands = String::new();
        for path in paths {
            for field in ["atime", "ctime", "mtime", "crtime"] {
                let _ = writeln!(
                    commands,
                    "set_inode_field \"{path}\" {field} @{}",
                    self.time_s
                );
            }
            for field in ["uid", "gid"] {
                let _ = writeln!(commands, "set_inode_field \"{path}\" {field} 0");
            }
        }
        let mut debugfs = program("debugfs", ["-w", "-f", "-"]);
        debugfs.env("E2FSPROGS_FAKE_TIME", self.time_s.to_string());
        output_of(debugfs.arg(file), &commands).map(drop)
    }
}

fn paths_below(folder: &Path, name: &str, paths: &mut Vec<String>) -> Result<(), Error> {
    for path in entries(folder)? {
        let file_name = path.file_name().unwrap_or_default().to_string_lossy();
        let name = format!("{name}/{file_name}");
        paths.push(name.clone());
        if path.is_dir() && !path.is_symlink() {
            paths_below(&path, &name, paths)?;
        }
    }
    Ok(())
}

/// A UUID that is always the same for a name.
pub fn uuid(name: &str) -> String {
    let digest = digest(&SHA256, name.as_bytes());
    let hex: String = digest
        .as_ref()
        .iter()
        .take(16)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let part = |range| hex.get(range).unwrap_or_default();
    // Version 8, of RFC 9562: made in a way of its own.
    format!(
        "{}-{}-8{}-8{}-{}",
        part(0..8),
        part(8..12),
        part(13..16),
        part(17..20),
        part(20..32)
    )
}
