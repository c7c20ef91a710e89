//! Renewing `debian.lock`: the newest versions, from indices that Debian has signed.
//!
//! apt works in a folder of its own, with the lists of all architectures; the host's apt is neither
//! asked nor changed.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use super::{Lock, MIRROR, Package, Wanted, lock_path};
use crate::error::{Doing, Error};
use crate::place;
use crate::process::{output, program};

/// Signs Debian's indices; of the package debian-archive-keyring.
const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// Finds the newest version of every wanted package and writes `debian.lock`.
///
/// Gives what changed, one line a package.
///
/// # Errors
///
/// `debian.toml` is wrong, a package is not there, or the mirror cannot be reached.
pub fn renew() -> Result<Vec<String>, Error> {
    let path = place::cross().join("debian.toml");
    let text = std::fs::read_to_string(&path).doing("read", &path)?;
    let wanted: Wanted = toml::from_str(&text).map_err(|error| Error::content(&path, error))?;

    let folder = tempfile::tempdir().doing("make a folder in", &std::env::temp_dir())?;
    let apt = Apt::new(folder.path(), &wanted.release)?;
    let mut packages = Vec::new();
    for (set, wanted) in &wanted.sets {
        let names = wanted
            .packages
            .iter()
            .map(|package| apt.resolve(package, &wanted.architecture))
            .collect::<Result<Vec<_>, _>>()?;
        packages.extend(apt.newest(set, &names)?);
    }
    let before = Lock::read().map_or_else(|_| Vec::new(), |lock| lock.packages);
    let changes = changes(&before, &packages);
    let lock =
        toml::to_string(&Lock { packages }).map_err(|error| Error::content(&lock_path(), error))?;
    let text = format!("# Written by `cross/rsu-image lock` from debian.toml.\n\n{lock}");
    std::fs::write(lock_path(), text).doing("write", &lock_path())?;
    Ok(changes)
}

fn changes(before: &[Package], after: &[Package]) -> Vec<String> {
    let version = |packages: &[Package], of: &Package| {
        let same = |package: &&Package| {
            (&package.set, &package.name, &package.architecture)
                == (&of.set, &of.name, &of.architecture)
        };
        packages
            .iter()
            .find(same)
            .map(|package| package.version.clone())
    };
    let mut changes = Vec::new();
    for package in after {
        match version(before, package) {
            Some(old) if old == package.version => {}
            Some(old) => changes.push(format!("{} {old} -> {}", package.name, package.version)),
            None => changes.push(format!("{} {} is new", package.name, package.version)),
        }
    }
    for package in before {
        if version(after, package).is_none() {
            changes.push(format!("{} {} is gone", package.name, package.version));
        }
    }
    changes
}

/// apt with lists of its own.
struct Apt {
    configuration: std::path::PathBuf,
}

impl Apt {
    fn new(folder: &Path, release: &str) -> Result<Self, Error> {
        let write = |name: &str, text: &str| {
            let path = folder.join(name);
            std::fs::write(&path, text)
                .doing("write", &path)
                .map(|()| path)
        };
        for name in ["state/lists/partial", "cache/archives/partial"] {
            place::folder(&folder.join(name))?;
        }
        write("state/status", "")?;
        let mut sources = String::new();
        for (archive, suite, architectures) in [
            ("debian", release.to_owned(), "amd64,arm64,armhf"),
            ("debian", format!("{release}-updates"), "amd64,arm64,armhf"),
            (
                "debian-security",
                format!("{release}-security"),
                "amd64,arm64",
            ),
        ] {
            let options = format!("arch={architectures} signed-by={KEYRING}");
            let _ = writeln!(sources, "deb [{options}] {MIRROR}/{archive} {suite} main");
        }
        write("sources.list", &sources)?;
        let root = folder.display();
        let configuration = write(
            "apt.conf",
            &format!(
                r#"Dir::State "{root}/state";
Dir::State::status "{root}/state/status";
Dir::Cache "{root}/cache";
Dir::Etc::sourcelist "{root}/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
APT::Architecture "amd64";
APT::Architectures {{ "amd64"; "arm64"; "armhf"; }};
APT::Sandbox::User "";
Acquire::Languages "none";
"#
            ),
        )?;
        let apt = Self { configuration };
        output(&mut apt.program("apt-get", &["update", "--error-on=any"]))?;
        Ok(apt)
    }

    fn program(&self, name: &str, arguments: &[&str]) -> Command {
        let mut command = program(name, arguments);
        command.env("APT_CONFIG", &self.configuration);
        command
    }

    /// Follows "a/b" to the package that a depends on and whose name begins with b; gives it with
    /// its architecture.
    fn resolve(&self, wanted: &str, architecture: &str) -> Result<String, Error> {
        let mut steps = wanted.split('/');
        let mut name = qualified(steps.next().unwrap_or_default(), architecture);
        for prefix in steps {
            let dependencies = output(&mut self.program("apt-cache", &["depends", &name]))?;
            let found = dependencies
                .lines()
                .filter_map(|line| line.trim().strip_prefix("Depends: "))
                .find(|dependency| dependency.starts_with(prefix));
            let missing = || Error::Refused(format!("{name} depends on no package {prefix}*"));
            name = qualified(found.ok_or_else(missing)?, architecture);
        }
        Ok(name)
    }

    /// The newest versions of packages.
    fn newest(&self, set: &str, names: &[String]) -> Result<Vec<Package>, Error> {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let show = [&["show", "--no-all-versions"], &names[..]].concat();
        let shown = output(&mut self.program("apt-cache", &show))?;
        // Lines of 'URL' FILE BYTES SHA256:HASH.
        let download = [&["download", "--print-uris"], &names[..]].concat();
        let addresses = output(&mut self.program("apt-get", &download))?;
        let packages = shown
            .split("\n\n")
            .filter(|about| !about.trim().is_empty())
            .map(|about| package(set, about, &addresses))
            .collect::<Result<Vec<_>, _>>()?;
        if packages.len() != names.len() {
            let problem = format!(
                "apt knows {} of {} packages of {set}",
                packages.len(),
                names.len()
            );
            return Err(Error::Refused(problem));
        }
        Ok(packages)
    }
}

/// A package from what apt tells about it.
fn package(set: &str, about: &str, addresses: &str) -> Result<Package, Error> {
    let field = |name: &str| {
        about
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
            .map(str::to_owned)
            .ok_or_else(|| Error::Refused(format!("apt-cache tells no {name}:\n{about}")))
    };
    let sha256 = field("SHA256")?;
    let path = addresses
        .lines()
        .find(|line| line.ends_with(&sha256))
        .and_then(|line| {
            line.split('\'')
                .nth(1)?
                .strip_prefix(MIRROR)?
                .strip_prefix('/')
        })
        .ok_or_else(|| Error::Refused(format!("apt-get tells no address:\n{about}")))?;
    Ok(Package {
        set: set.to_owned(),
        name: field("Package")?,
        version: field("Version")?,
        architecture: field("Architecture")?,
        path: path.to_owned(),
        sha256,
    })
}

fn qualified(name: &str, architecture: &str) -> String {
    match name.contains(':') {
        true => name.to_owned(),
        false => format!("{name}:{architecture}"),
    }
}
