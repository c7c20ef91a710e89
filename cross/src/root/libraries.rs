//! Shared libraries: which ones a program needs, and where they lie.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::error::{Doing, Error};
use crate::process::{output, program};

use super::install;

/// What programs and libraries begin with.
const ELF: &[u8] = b"\x7fELF";

/// Where Debian's packages put libraries: below these, or in a folder named after the processor.
const FOLDERS: [&str; 3] = ["lib", "usr/lib", "lib64"];

/// The libraries that a program or library names itself; a script names none.
pub(super) fn needed(file: &Path) -> Result<Vec<String>, Error> {
    if !fs::read(file).doing("read", file)?.starts_with(ELF) {
        return Ok(Vec::new());
    }
    let mut readelf = program("readelf", ["--dynamic", "--wide"]);
    let told = output(readelf.arg(file))?;
    let name = |line: &str| {
        let (_, name) = line.split_once("Shared library: [")?;
        Some(name.strip_suffix(']')?.to_owned())
    };
    Ok(told
        .lines()
        .filter_map(|line| name(line.trim_end()))
        .collect())
}

/// Copies libraries, and those that they need, into one folder.
pub(super) fn copy_all(packages: &Path, names: Vec<String>, to: &Path) -> Result<(), Error> {
    let mut waiting = names;
    let mut done = BTreeSet::new();
    while let Some(name) = waiting.pop() {
        if !done.insert(name.clone()) {
            continue;
        }
        let from = find(packages, &name)?;
        let copied = to.join(&name);
        install(&from, &copied)?;
        waiting.extend(needed(&copied)?);
    }
    Ok(())
}

fn find(packages: &Path, name: &str) -> Result<std::path::PathBuf, Error> {
    for folder in FOLDERS.map(|folder| packages.join(folder)) {
        let inner = fs::read_dir(&folder).into_iter().flatten().flatten();
        let folders = std::iter::once(folder).chain(inner.map(|entry| entry.path()));
        for path in folders.map(|folder| folder.join(name)) {
            // Links in packages may be absolute; within a folder of libraries they never are.
            if let Ok(real) = path.canonicalize() {
                return Ok(real);
            }
        }
    }
    Err(Error::Refused(format!(
        "no package of {} has the library {name}: add the one that has it to debian.toml, and renew \
         the lock",
        packages.display()
    )))
}
