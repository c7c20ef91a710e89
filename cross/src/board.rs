//! Boards: what differs between one kind of unit and another, from `cross/boards/*.toml`.

use std::path::PathBuf;

use serde::Deserialize;

use crate::error::{Doing, Error};
use crate::place;

/// A kind of unit.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Board {
    /// The name of its file.
    #[serde(skip)]
    pub name: String,
    /// What rustc calls its processor and system.
    pub target: String,
    /// Cargo features of the program.
    pub features: Vec<String>,
    /// The kernel.
    pub kernel: Kernel,
    /// The boot loader.
    pub boot: Boot,
    /// Sizes of the partitions.
    pub slots: Slots,
    /// How it is flashed.
    pub flash: Flash,
    /// How it is emulated, if it can be.
    pub emulation: Option<Emulation>,
}

/// Kernel and modules.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kernel {
    /// The set of `debian.toml` with the kernel's package.
    pub packages: String,
    /// Device of the console, without `/dev/`.
    pub console: String,
    /// Needed to reach the disk.
    pub disk_modules: Vec<String>,
    /// All others: `name`, or `name option=value`.
    pub modules: Vec<String>,
    /// Path of the device tree in the kernel's package below `/usr/lib/linux-image-*`; without, the
    /// boot loader's is used.
    pub device_tree: Option<String>,
}

/// What the boot script has to know.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Boot {
    /// The disk as U-Boot calls it, such as `mmc 2`.
    pub disk: String,
    /// Address of memory that is free while the script runs.
    pub scratch_address: String,
}

/// Sizes of the partitions, MiB.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Slots {
    /// The boot script's.
    pub boot_mib: u64,
    /// Each of the two root file systems.
    pub root_mib: u64,
    /// What survives updates.
    pub data_mib: u64,
}

/// How the first image gets onto a unit.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Flash {
    /// What bmaptool writes to.
    pub medium: Medium,
}

/// Where an image is written to.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Medium {
    /// A memory card in a reader.
    Card,
    /// The unit's own memory, offered over USB by its boot loader (`ums`).
    Emmc,
    /// The disk of a virtual machine.
    File,
}

/// A virtual machine that is the board.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Emulation {
    /// QEMU for its processor.
    pub program: String,
    /// QEMU's options for the machine.
    pub machine: Vec<String>,
    /// U-Boot.
    pub firmware: PathBuf,
}

/// Debian's names for a processor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Processor {
    /// Of packages.
    pub debian: &'static str,
    /// Of the loader's file.
    pub loader: &'static str,
    /// U-Boot's command that starts a kernel.
    pub boot: &'static str,
}

impl Board {
    /// Reads the description of a board.
    ///
    /// # Errors
    ///
    /// There is none of that name, or it is wrong.
    pub fn named(name: &str) -> Result<Self, Error> {
        let path = folder().join(format!("{name}.toml"));
        if !path.is_file() {
            let known = Self::names()?.join(", ");
            return Err(Error::Refused(format!(
                "there is no board {name:?}; there are {known}"
            )));
        }
        let text = std::fs::read_to_string(&path).doing("read", &path)?;
        let mut board: Self =
            toml::from_str(&text).map_err(|error| Error::content(&path, error))?;
        board.name = name.to_owned();
        board.processor()?;
        Ok(board)
    }

    /// All boards, in alphabetical order.
    ///
    /// # Errors
    ///
    /// The folder cannot be read.
    pub fn names() -> Result<Vec<String>, Error> {
        let folder = folder();
        let mut names: Vec<_> = std::fs::read_dir(&folder)
            .doing("read", &folder)?
            .filter_map(|entry| {
                let name = entry.ok()?.file_name().into_string().ok()?;
                Some(name.strip_suffix(".toml")?.to_owned())
            })
            .collect();
        names.sort_unstable();
        Ok(names)
    }

    /// What RAUC compares before it installs a bundle.
    pub fn compatible(&self) -> String {
        format!("rsu-{}", self.name)
    }

    /// The processor that the target means.
    ///
    /// # Errors
    ///
    /// No image can be made for it.
    pub fn processor(&self) -> Result<Processor, Error> {
        match self.target.split('-').next() {
            Some("aarch64") => Ok(Processor {
                debian: "arm64",
                loader: "ld-linux-aarch64.so.1",
                boot: "booti",
            }),
            Some("armv7") => Ok(Processor {
                debian: "armhf",
                loader: "ld-linux-armhf.so.3",
                boot: "bootz",
            }),
            _ => Err(Error::content(
                &folder().join(format!("{}.toml", self.name)),
                format!(
                    "target {:?}: images are made for aarch64 and armv7",
                    self.target
                ),
            )),
        }
    }
}

fn folder() -> PathBuf {
    place::cross().join("boards")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_board_is_well_described() {
        for name in Board::names().unwrap() {
            let board = Board::named(&name).unwrap();
            assert_eq!(board.compatible(), format!("rsu-{name}"));
            assert!(board.boot.disk.split_once(' ').is_some(), "{name}");
        }
    }

    #[test]
    fn an_unknown_board_is_answered_with_the_known_ones() {
        let told = Board::named("toaster").unwrap_err().to_string();
        assert!(
            told.contains("\"toaster\"") && told.contains("qemu-arm64"),
            "{told}"
        );
    }
}
