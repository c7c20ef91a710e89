//! Debian's Rust and LLVM's linker, laid out as a toolchain folder: for what runs on units, and for
//! hosts whose own toolchain has no standard library for a target. Nothing is installed; the host's
//! toolchain stays as it is.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::debian::{Lock, Package, fingerprint};
use crate::error::{Doing, Error};
use crate::place;
use crate::process::{output, program};

/// The folder of the toolchain, laid out now if it is not there yet.
///
/// `bin/rustc`, `bin/rustdoc` and `bin/ld.lld` work from anywhere; cargo is the host's.
///
/// # Errors
///
/// A package cannot be fetched, or the disk is full.
pub fn folder() -> Result<PathBuf, Error> {
    let lock = Lock::read()?;
    let packages = lock.set("toolchain")?;
    let folder = place::cache().join(format!("rust-{}", fingerprint(&packages)));
    if !folder.is_dir() {
        eprintln!("Laying out Debian's Rust in {}", folder.display());
        place::complete_folder(&folder, |made| lay_out(&packages, made))?;
    }
    Ok(folder)
}

fn lay_out(packages: &[&Package], toolchain: &Path) -> Result<(), Error> {
    let unpacked = toolchain.join("unpacked");
    for package in packages {
        package.unpack(&unpacked)?;
    }
    let usr = unpacked.join("usr");
    for name in ["bin", "libexec"] {
        place::folder(&toolchain.join(name))?;
    }
    // rustc looks for its standard libraries beside its own library.
    let lib = toolchain.join("lib");
    rename(&usr.join("lib/x86_64-linux-gnu"), &lib)?;
    // A dangling link of rust-web-src, relative to where Debian installs it.
    let src = usr.join("lib/rustlib/src/rust");
    if src.is_symlink() {
        std::fs::remove_file(&src).doing("remove", &src)?;
    }
    rename(&usr.join("lib/rustlib"), &lib.join("rustlib"))?;
    place::folder(&lib.join("rustlib/src/rust"))?;
    let sources = only_child(&usr.join("src"))?;
    rename(
        &sources.join("library"),
        &lib.join("rustlib/src/rust/library"),
    )?;
    for name in ["rustc", "rustdoc"] {
        rename(
            &usr.join("bin").join(name),
            &toolchain.join("libexec").join(name),
        )?;
        wrap(toolchain, name)?;
    }
    rename(
        &usr.join("lib/llvm-22/bin/lld"),
        &toolchain.join("libexec/ld.lld"),
    )?;
    wrap(toolchain, "ld.lld")?;
    self_contained_musl(&unpacked, &lib)?;
    std::fs::remove_dir_all(&unpacked).doing("remove", &unpacked)
}

/// Debian's binaries expect their libraries in the system's folders.
fn wrap(toolchain: &Path, name: &str) -> Result<(), Error> {
    let wrapper = toolchain.join("bin").join(name);
    let text = format!(
        "#!/bin/sh\n\
         here=$(dirname \"$(readlink -f \"$0\")\")/..\n\
         LD_LIBRARY_PATH=$here/lib${{LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}} \\\n  \
         exec \"$here/libexec/{name}\" \"$@\"\n"
    );
    std::fs::write(&wrapper, text).doing("write", &wrapper)?;
    let executable = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(&wrapper, executable).doing("make executable", &wrapper)
}

/// What rustc links a static program for musl with: musl's and gcc's start files and libraries, and
/// LLVM's unwinder, since gcc's needs functions that musl has not.
fn self_contained_musl(unpacked: &Path, lib: &Path) -> Result<(), Error> {
    let folder = lib.join("rustlib/aarch64-unknown-linux-musl/lib/self-contained");
    place::folder(&folder)?;
    let musl = unpacked.join("usr/lib/aarch64-linux-musl");
    for name in ["crt1.o", "crti.o", "crtn.o", "rcrt1.o", "Scrt1.o", "libc.a"] {
        copy(&musl.join(name), &folder)?;
    }
    let unwinder = unpacked.join("usr/lib/llvm-14/lib/libunwind.a");
    copy(&unwinder, &folder)?;
    for name in [
        "crtbegin.o",
        "crtend.o",
        "crtbeginS.o",
        "crtendS.o",
        "crtbeginT.o",
        "libgcc.a",
        "libgcc_eh.a",
    ] {
        let gcc = ["-print-file-name", name].join("=");
        let path = output(&mut program("aarch64-linux-gnu-gcc", [gcc]))?;
        copy(Path::new(path.trim()), &folder)?;
    }
    Ok(())
}

fn rename(from: &Path, to: &Path) -> Result<(), Error> {
    std::fs::rename(from, to).doing("move", from)
}

fn copy(file: &Path, folder: &Path) -> Result<(), Error> {
    let name = file.file_name().unwrap_or_default();
    std::fs::copy(file, folder.join(name))
        .doing("copy", file)
        .map(drop)
}

fn only_child(folder: &Path) -> Result<PathBuf, Error> {
    let mut entries = std::fs::read_dir(folder).doing("read", folder)?;
    match (entries.next(), entries.next()) {
        (Some(Ok(entry)), None) => Ok(entry.path()),
        _ => Err(Error::content(
            folder,
            "holds something else than one folder",
        )),
    }
}
