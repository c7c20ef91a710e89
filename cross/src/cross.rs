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
    let Some(cross) = container_cross() else {
        return without_container(arguments);
    };
    let mut command = program(cross, arguments);
    command.env("CROSS_CONFIG", place::cross().join("Cross.toml"));
    Ok(command)
}

/// Cargo with Debian's compilers, ready to be started.
///
/// # Errors
///
/// The toolchain for the target cannot be laid out.
pub fn without_container(arguments: &[OsString]) -> Result<Command, Error> {
    let mut command = program("cargo", arguments.iter().take(1));
    let rest = arguments.iter().skip(1);
    if let Some(triple) = target(arguments) {
        with_compilers(&mut command, &triple)?;
    }
    command.args(rest);
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

/// Gives cargo what it needs for a target.
fn with_compilers(cargo: &mut Command, triple: &str) -> Result<(), Error> {
    let Some(target) = TARGETS.iter().find(|target| target.triple == triple) else {
        // cargo knows more targets than we do, the host's for one.
        return Ok(());
    };
    let upper = triple.replace('-', "_").to_uppercase();
    let lower = triple.replace('-', "_");
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
    if has_standard_library(triple) {
        return Ok(());
    }
    let toolchain = toolchain::folder()?;
    for name in ["rustc", "rustdoc"] {
        cargo.env(name.to_uppercase(), toolchain.join("bin").join(name));
    }
    if !target.in_debian {
        // Debian's compiler is a stable one, which builds its own standard library only when told so.
        cargo.env("RUSTC_BOOTSTRAP", "1");
        cargo.arg(match target.gcc {
            Some(_) => "-Zbuild-std=std,panic_abort",
            None => "-Zbuild-std=core",
        });
    }
    Ok(())
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
