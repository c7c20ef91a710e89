//! Packages of Debian: which ones (`debian.toml`), in which version (`debian.lock`), and their files.

mod lock;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};

pub use lock::renew;

use crate::error::{Doing, Error};
use crate::place;
use crate::process::{output, program};

/// Debian's archives; `$RSU_DEBIAN_MIRROR` stands in for it.
const MIRROR: &str = "http://deb.debian.org";

/// `debian.toml`: what is wanted.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// Code name of the release.
    release: String,
    sets: BTreeMap<String, WantedSet>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WantedSet {
    /// Of packages that name none.
    architecture: String,
    packages: Vec<String>,
}

/// `debian.lock`: exactly what is used.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Lock {
    #[serde(rename = "package")]
    packages: Vec<Package>,
}

/// One package in one version.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Package {
    /// The set of `debian.toml` that wants it.
    pub set: String,
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The processors that it is for.
    pub architecture: String,
    /// Below the mirror's root.
    pub path: String,
    /// Of the file, in hexadecimal.
    pub sha256: String,
}

impl Lock {
    /// Reads `debian.lock`.
    ///
    /// # Errors
    ///
    /// The file cannot be read or understood.
    pub fn read() -> Result<Self, Error> {
        let path = lock_path();
        let text = std::fs::read_to_string(&path).doing("read", &path)?;
        toml::from_str(&text).map_err(|error| Error::content(&path, error))
    }

    /// The packages of a set.
    ///
    /// # Errors
    ///
    /// The lock has none.
    pub fn set(&self, set: &str) -> Result<Vec<&Package>, Error> {
        let packages: Vec<_> = self
            .packages
            .iter()
            .filter(|package| package.set == set)
            .collect();
        if packages.is_empty() {
            let problem =
                format!("no packages of the set {set}; renew it with `cross/rsu-image lock`");
            return Err(Error::content(&lock_path(), problem));
        }
        Ok(packages)
    }
}

impl Package {
    /// The package's file, downloaded unless it is in the cache.
    ///
    /// # Errors
    ///
    /// The mirror no longer has it, or the bytes are not those of the lock.
    pub fn fetch(&self) -> Result<PathBuf, Error> {
        let folder = place::cache().join("debs");
        place::folder(&folder)?;
        let file = folder.join(format!("{}.deb", self.sha256));
        if file.is_file() && sha256(&file)? == self.sha256 {
            return Ok(file);
        }
        let mirror = std::env::var("RSU_DEBIAN_MIRROR").unwrap_or_else(|_| MIRROR.to_owned());
        let url = format!("{}/{}", mirror.trim_end_matches('/'), self.path);
        let part = tempfile::NamedTempFile::new_in(&folder).doing("write in", &folder)?;
        let part = part.into_temp_path();
        eprintln!(
            "Fetching {} {} {}",
            self.name, self.version, self.architecture
        );
        // apt's own downloader knows the host's proxies; an unfinished file would be continued.
        std::fs::remove_file(&part).doing("remove", &part)?;
        let mut helper = program("/usr/lib/apt/apt-helper", ["download-file", &url]);
        helper.arg(&part);
        output(&mut helper).map_err(|error| self.unavailable(&url, &error))?;
        let found = sha256(&part)?;
        if found != self.sha256 {
            return Err(Error::Refused(format!(
                "{url} has SHA-256 {found}, and debian.lock says {}: the mirror gives something \
                 else than what was locked",
                self.sha256
            )));
        }
        part.persist(&file)
            .map_err(|error| error.error)
            .doing("write", &file)?;
        Ok(file)
    }

    /// Unpacks the package's files below `folder`.
    ///
    /// # Errors
    ///
    /// As [`Package::fetch`]; or the file is damaged.
    pub fn unpack(&self, folder: &Path) -> Result<(), Error> {
        let file = self.fetch()?;
        let mut unpack = program("dpkg-deb", ["--extract"]);
        output(unpack.arg(file).arg(folder)).map(drop)
    }

    fn unavailable(&self, url: &str, error: &Error) -> Error {
        Error::Refused(format!(
            "cannot fetch {url}\n{error}\n\
             If the mirror can be reached, then it no longer has {} {}: Debian drops a version when \
             a newer one repairs it. Renew the lock with `cross/rsu-image lock`, build, test, and \
             commit debian.lock.",
            self.name, self.version
        ))
    }
}

fn lock_path() -> PathBuf {
    place::cross().join("debian.lock")
}

/// The folder with the unpacked packages of a set, in the cache.
///
/// # Errors
///
/// The lock has no such set, or a package cannot be fetched.
pub fn unpacked(lock: &Lock, set: &str) -> Result<PathBuf, Error> {
    let packages = lock.set(set)?;
    let folder = place::cache().join(format!("{set}-{}", fingerprint(&packages)));
    if !folder.is_dir() {
        place::complete_folder(&folder, |made| {
            packages.iter().try_for_each(|package| package.unpack(made))
        })?;
    }
    Ok(folder)
}

/// Says which packages a folder holds.
pub fn fingerprint(packages: &[&Package]) -> String {
    let all: String = packages
        .iter()
        .map(|package| package.sha256.as_str())
        .collect();
    hexadecimal(
        digest(&SHA256, all.as_bytes())
            .as_ref()
            .get(..6)
            .unwrap_or_default(),
    )
}

/// The SHA-256 of a file, in hexadecimal.
///
/// # Errors
///
/// The file cannot be read.
pub fn sha256(file: &Path) -> Result<String, Error> {
    let bytes = std::fs::read(file).doing("read", file)?;
    Ok(hexadecimal(digest(&SHA256, &bytes).as_ref()))
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
