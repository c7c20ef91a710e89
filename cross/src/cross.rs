//! The command line of cross-rs: by itself where there is a container engine, else by cargo with
//! Debian's compilers.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::Error;
use crate::place;
use crate::process::{output, program, succeeds};
use crate::toolchain;

/// What a target needs besides Rust.
#[derive(Debug)]
struct Target {
    triple: &'static str,
    /// What the names of its compiler and binutils begin with; nothing is linked without.
    gcc: Option<&'static str>,
    /// The emulator that runs its programs.
    emulator: Option<&'static str>,
    /// Where Debian puts its C library for cross-building.
    libraries: Option<&'static str>,
    /// Whether Debian has its standard library.
    in_debian: bool,
}

const TARGETS: [Target; 4] = [
    Target {
        triple: "aarch64-unknown-linux-gnu",
        gcc: Some("aarch64-linux-gnu-"),
        emulator: Some("qemu-aarch64-static"),
        libraries: Some("/usr/aarch64-linux-gnu"),
        in_debian: true,
    },
    Target {
        triple: "aarch64-unknown-linux-musl",
        gcc: Some("aarch64-linux-gnu-"),
        emulator: Some("qemu-aarch64-static"),
        libraries: None,
        in_debian: false,
    },
    Target {
        triple: "armv7-unknown-linux-gnueabihf",
        gcc: Some("arm-linux-gnueabihf-"),
        emulator: Some("qemu-arm-static"),
        libraries: Some("/usr/arm-linux-gnueabihf"),
        in_debian: false,
    },
    Target {
        triple: "thumbv7em-none-eabihf",
        gcc: None,
        emulator: None,
        libraries: None,
        in_debian: false,
    },
];

/// What carries out `cross ARGUMENTS`, ready to be started.
///
/// # Errors
///
/// The toolchain for the target cannot be laid out.
pub fn command(arguments: &[OsString]) -> Result<Command, Error> {
    if let Some(cross) = container_cross() {
        let mut command = program(cross, arguments);
        command.env("CROSS_CONFIG", place::cross().join("Cross.toml"));
        return Ok(command);
    }
    cargo(arguments, |cargo, target| {
        with_gcc(cargo, target);
        if has_standard_library(target.triple) {
            return Ok(());
        }
        with_locked_rust(cargo)?;
        if !target.in_debian {
            with_std_from_source(cargo, target);
        }
        Ok(())
    })
}

/// Cargo for what runs on units, ready to be started: whatever the host has, with compiler, linker
/// and standard library of debian.lock. The library is built like the rest, and without what
/// it needs to print a stack, which a stripped program has no names for.
///
/// # Errors
///
/// The toolchain cannot be laid out.
pub fn locked(arguments: &[OsString]) -> Result<Command, Error> {
    cargo(arguments, |cargo, target| {
        with_gcc(cargo, target);
        with_locked_rust(cargo)?;
        with_std_from_source(cargo, target);
        cargo.arg("-Zbuild-std-features=");
        // Where gcc looks for a linker first.
        cargo.env("COMPILER_PATH", toolchain::folder()?.join("bin"));
        Ok(())
    })
}

/// Cargo with these arguments, prepared for the target among them. Cargo knows more targets than we
/// do, the host's for one.
fn cargo(
    arguments: &[OsString],
    prepare: impl FnOnce(&mut Command, &Target) -> Result<(), Error>,
) -> Result<Command, Error> {
    let mut command = program("cargo", arguments.iter().take(1));
    let triple = target(arguments);
    let ours = |target: &&Target| Some(target.triple) == triple.as_deref();
    if let Some(target) = TARGETS.iter().find(ours) {
        prepare(&mut command, target)?;
    }
    command.args(arguments.iter().skip(1));
    Ok(command)
}

/// cross-rs itself, if it can work: it must not even be asked without a container engine, since it
/// first changes the host's toolchains. `RSU_NO_CONTAINER=1` keeps it out.
fn container_cross() -> Option<PathBuf> {
    if std::env::var_os("RSU_NO_CONTAINER").is_some_and(|value| !value.is_empty()) {
        return None;
    }
    let ours = place::cross().join("bin/cross").canonicalize().ok();
    let path = std::env::var_os("PATH")?;
    let cross = std::env::split_paths(&path)
        .map(|folder| folder.join("cross"))
        .find(|file| file.is_file() && file.canonicalize().ok() != ours)?;
    ["docker", "podman"]
        .iter()
        .any(|engine| succeeds(&mut program("timeout", ["10", engine, "info"])))
        .then_some(cross)
}

/// The target that a command line names.
fn target(arguments: &[OsString]) -> Option<String> {
    let mut words = arguments.iter().map(|word| word.to_string_lossy());
    while let Some(word) = words.next() {
        match word.strip_prefix("--target") {
            Some("") => return words.next().map(Into::into),
            Some(rest) => return rest.strip_prefix('=').map(str::to_owned),
            None if word == "--" => return None,
            None => {}
        }
    }
    None
}

/// Debian's compiler for C, its linker, and the emulator for tests.
fn with_gcc(cargo: &mut Command, target: &Target) {
    let lower = target.triple.replace('-', "_");
    let upper = lower.to_uppercase();
    if let Some(gcc) = target.gcc {
        cargo.env(format!("CARGO_TARGET_{upper}_LINKER"), format!("{gcc}gcc"));
        cargo.env(format!("CC_{lower}"), format!("{gcc}gcc"));
        cargo.env(format!("AR_{lower}"), format!("{gcc}ar"));
    }
    if let Some(emulator) = target.emulator {
        cargo.env(format!("CARGO_TARGET_{upper}_RUNNER"), emulator);
        // For tests that start the program themselves.
        cargo.env("RSU_TEST_RUNNER", emulator);
    }
    if let Some(libraries) = target.libraries {
        cargo.env("QEMU_LD_PREFIX", libraries);
    }
    cargo.env(format!("CARGO_TARGET_{upper}_RUSTFLAGS"), without_paths());
}

fn with_locked_rust(cargo: &mut Command) -> Result<(), Error> {
    let toolchain = toolchain::folder()?;
    for name in ["rustc", "rustdoc"] {
        cargo.env(name.to_uppercase(), toolchain.join("bin").join(name));
    }
    Ok(())
}

/// Debian's compiler is a stable one, which builds its own standard library only when told so.
fn with_std_from_source(cargo: &mut Command, target: &Target) {
    cargo.env("RUSTC_BOOTSTRAP", "1");
    cargo.arg(match target.gcc {
        Some(_) => "-Zbuild-std=std,panic_abort",
        None => "-Zbuild-std=core",
    });
}

/// Whether the host's own toolchain can build for the target.
fn has_standard_library(triple: &str) -> bool {
    let folder = output(&mut program(
        "rustc",
        ["--print", "target-libdir", "--target", triple],
    ));
    folder.is_ok_and(|folder| Path::new(folder.trim()).is_dir())
}

/// Flags that keep the host's folders out of what is built.
fn without_paths() -> OsString {
    let cargo_home = std::env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| Path::new(&home).join(".cargo")));
    let mut flags = OsString::new();
    let folders = [
        (Some(place::workspace().to_owned()), "/rsu"),
        (cargo_home, "/cargo"),
        (Some(place::cache()), "/cache"),
    ];
    for (folder, name) in folders {
        let Some(folder) = folder else { continue };
        flags.push("--remap-path-prefix=");
        flags.push(folder);
        flags.push(OsStr::new("="));
        flags.push(name);
        flags.push(" ");
    }
    flags
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<OsString> {
        line.split(' ').map(OsString::from).collect()
    }

    #[test]
    fn the_target_is_found_however_it_is_written() {
        for line in [
            "build --release --target thumbv7em-none-eabihf",
            "build --target=thumbv7em-none-eabihf --release",
        ] {
            assert_eq!(
                target(&words(line)).as_deref(),
                Some("thumbv7em-none-eabihf")
            );
        }
    }

    #[test]
    fn arguments_of_the_program_name_no_target() {
        assert_eq!(target(&words("run -- --target north")), None);
        assert_eq!(target(&words("build --target")), None);
    }
}
