//! The root file system: plain files of `cross/image/root`, programs out of Debian's packages with
//! the libraries they need, kernel modules, and `rsu`.

mod kernel;
mod libraries;

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use crate::board::Board;
use crate::debian::{Lock, unpacked};
use crate::error::{Doing, Error};
use crate::place;

pub use kernel::Kernel;

/// What a root is made of.
#[derive(Debug)]
pub struct Contents<'a> {
    /// The kind of unit.
    pub board: &'a Board,
    /// Semantic version of the image.
    pub version: &'a str,
    /// The program `rsu`.
    pub program: &'a Path,
    /// Certificates of those whose bundles are taken, PEM.
    pub keyring: &'a Path,
}

/// Folders that programs mount something on, or expect.
const EMPTY_FOLDERS: [&str; 8] = ["boot", "data", "dev", "proc", "root", "run", "sys", "tmp"];

/// What lies elsewhere, as (link, target).
const LINKS: [(&str, &str); 9] = [
    ("bin", "usr/bin"),
    ("sbin", "usr/bin"),
    ("lib", "usr/lib"),
    ("usr/sbin", "bin"),
    ("var/run", "/run"),
    ("var/lock", "/run"),
    ("var/log", "/data/log"),
    ("etc/dropbear", "/data/ssh"),
    ("etc/resolv.conf", "/run/resolv.conf"),
];

/// Lays the root out in an empty folder.
///
/// # Errors
///
/// A package, library or module is missing, or the disk is full.
pub fn lay_out(contents: &Contents<'_>, root: &Path) -> Result<(), Error> {
    let board = contents.board;
    let processor = board.processor()?;
    let lock = Lock::read()?;
    let packages = unpacked(&lock, &format!("root-{}", processor.debian))?;
    let kernel = Kernel::new(unpacked(&lock, &board.kernel.packages)?)?;

    for folder in EMPTY_FOLDERS
        .iter()
        .chain(&["usr/bin", "usr/lib", "etc/ssl/certs", "var/lib"])
    {
        place::folder(&root.join(folder))?;
    }
    let values = [("@VERSION@", contents.version), ("@BOARD@", &board.name)];
    copy_filled(&place::cross().join("image/root"), root, &values)?;
    for (link, target) in LINKS {
        let link = root.join(link);
        symlink(target, &link).doing("link", &link)?;
    }
    // Where sshd looks for who may log in.
    let link = root.join("root/.ssh");
    symlink("/data/ssh", &link).doing("link", &link)?;

    copy(contents.keyring, &root.join("etc/rauc/keyring.pem"))?;
    authorities(&packages, &root.join("etc/ssl/certs/ca-certificates.crt"))?;
    programs(&packages, contents.program, root, processor.loader)?;

    kernel.install_modules(&board.kernel.modules, &board.kernel.disk_modules, root)?;
    copy(&kernel.image()?, &root.join("boot/kernel"))?;
    if let Some(device_tree) = &board.kernel.device_tree {
        copy(
            &kernel.device_tree(device_tree)?,
            &root.join("boot/device-tree"),
        )?;
    }
    initial(&packages, &kernel, board, &root.join("boot/initrd"))
}

/// The first root, in memory: busybox, the modules for the disk, and a script.
fn initial(packages: &Path, kernel: &Kernel, board: &Board, archive: &Path) -> Result<(), Error> {
    let folder = tempfile::tempdir().doing("make a folder in", &std::env::temp_dir())?;
    let root = folder.path();
    for name in ["bin", "dev", "etc", "proc", "root", "sys"] {
        place::folder(&root.join(name))?;
    }
    copy_filled(&place::cross().join("image/initrd"), root, &[])?;
    install(&packages.join("bin/busybox"), &root.join("bin/busybox"))?;
    applets(&root.join("bin"))?;
    kernel.install_modules(&board.kernel.disk_modules, &[], root)?;
    crate::cpio::write(root, archive)
}

/// Copies `rsu` and what `image/programs` names, with the libraries they need.
fn programs(packages: &Path, rsu: &Path, root: &Path, loader: &str) -> Result<(), Error> {
    let list = place::cross().join("image/programs");
    let text = fs::read_to_string(&list).doing("read", &list)?;
    let wanted = text
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty());
    let mut needed = vec![loader.to_owned()];
    for from in wanted.map(|path| packages.join(path)) {
        let name = from.file_name().unwrap_or_default();
        install(&from, &root.join("usr/bin").join(name))?;
        needed.extend(libraries::needed(&from)?);
    }
    install(rsu, &root.join("usr/bin/rsu"))?;
    needed.extend(libraries::needed(rsu)?);
    applets(&root.join("usr/bin"))?;
    libraries::copy_all(packages, needed, &root.join("usr/lib"))
}

/// A link for each of busybox's applets that no program of its own stands in for.
fn applets(folder: &Path) -> Result<(), Error> {
    let list = place::cross().join("image/applets");
    let text = fs::read_to_string(&list).doing("read", &list)?;
    for name in text
        .lines()
        .filter(|line| !line.starts_with('#'))
        .flat_map(str::split_whitespace)
    {
        let link = folder.join(name);
        if !link.exists() {
            symlink("busybox", &link).doing("link", &link)?;
        }
    }
    Ok(())
}

/// The certificate authorities that Debian trusts, for brokers and servers with public names.
fn authorities(packages: &Path, file: &Path) -> Result<(), Error> {
    let folder = packages.join("usr/share/ca-certificates/mozilla");
    let mut all = String::new();
    for path in entries(&folder)? {
        all.push_str(&fs::read_to_string(&path).doing("read", &path)?);
    }
    fs::write(file, all).doing("write", file)
}

/// Copies a folder; in its files, names like `@BOARD@` become values.
pub(crate) fn copy_filled(from: &Path, to: &Path, values: &[(&str, &str)]) -> Result<(), Error> {
    for path in entries(from)? {
        let target = to.join(path.file_name().unwrap_or_default());
        if path.is_dir() {
            place::folder(&target)?;
            copy_filled(&path, &target, values)?;
            continue;
        }
        let text = fs::read_to_string(&path).doing("read", &path)?;
        let text = filled(&path, &text, values)?;
        fs::write(&target, text).doing("write", &target)?;
        let mode = fs::metadata(&path).doing("read", &path)?.permissions();
        fs::set_permissions(&target, mode).doing("write", &target)?;
    }
    Ok(())
}

/// `text` with values for names like `@BOARD@`.
pub(crate) fn filled(path: &Path, text: &str, values: &[(&str, &str)]) -> Result<String, Error> {
    let mut filled = text.to_owned();
    for (name, value) in values {
        filled = filled.replace(name, value);
    }
    let unfilled = filled
        .split('@')
        .skip(1)
        .step_by(2)
        .find(|name| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_uppercase()));
    match unfilled {
        Some(name) => Err(Error::content(
            path,
            format!("nothing is known for @{name}@"),
        )),
        None => Ok(filled),
    }
}

/// The entries of a folder, in alphabetical order.
pub(crate) fn entries(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut paths = fs::read_dir(folder)
        .and_then(|entries| {
            entries
                .map(|entry| Ok(entry?.path()))
                .collect::<Result<Vec<_>, _>>()
        })
        .doing("read", folder)?;
    paths.sort_unstable();
    Ok(paths)
}

pub(crate) fn copy(from: &Path, to: &Path) -> Result<(), Error> {
    fs::copy(from, to).doing("copy", from)?;
    fs::set_permissions(to, fs::Permissions::from_mode(0o644)).doing("write", to)
}

fn install(from: &Path, to: &Path) -> Result<(), Error> {
    fs::copy(from, to).doing("copy", from)?;
    fs::set_permissions(to, fs::Permissions::from_mode(0o755)).doing("write", to)
}
