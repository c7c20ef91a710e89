//! Whether a bundle may be installed: intact, signed, for this board, and newer.

use std::path::Path;

use md5::{Digest, Md5};
use semver::Version;

use super::installer::{Installer, Manifest};
use crate::downlink::Upgrade;
use crate::spool::fs::{File, Fs, Open};

/// What a bundle is held against.
#[derive(Debug)]
pub(super) struct Expected<'a> {
    pub(super) order: &'a Upgrade,
    /// The board.
    pub(super) compatible: &'a str,
    pub(super) at_work: &'a Version,
}

/// Says why a bundle must not be installed.
pub(super) fn verify(
    disk: &dyn Fs,
    bundle: &Path,
    expected: &Expected<'_>,
    installer: &dyn Installer,
) -> Result<(), String> {
    let unreadable = |error: std::io::Error| format!("the bundle cannot be read: {error}");
    let file = disk.open(bundle, Open::Read).map_err(unreadable)?;
    let order = expected.order;
    let length = file.len().map_err(unreadable)?;
    if let Some(bytes) = order.bytes.filter(|bytes| *bytes != length) {
        return Err(format!(
            "downloadSize: {length} bytes came, {bytes} were ordered"
        ));
    }
    if order.md5.is_some() || order.sha256.is_some() {
        let (md5, sha256) = digests(&*file).map_err(unreadable)?;
        for (member, told, found) in [
            ("downloadMd5", &order.md5, md5),
            ("downloadSha256", &order.sha256, sha256),
        ] {
            if let Some(told) = told.as_ref().filter(|told| **told != found) {
                return Err(format!("{member}: the bundle has {found}, not {told}"));
            }
        }
    }
    let manifest = installer.inspect(bundle);
    check(&manifest.map_err(|error| error.to_string())?, expected)
}

fn check(manifest: &Manifest, expected: &Expected<'_>) -> Result<(), String> {
    let (board, own) = (&manifest.compatible, expected.compatible);
    if board != own {
        return Err(format!(
            "the bundle is for the board {board}, this is {own}"
        ));
    }
    let (version, ordered) = (&manifest.version, &expected.order.version);
    if version != ordered {
        return Err(format!(
            "the bundle is version {version}, {ordered} was ordered"
        ));
    }
    check_newer(version, expected.at_work)
}

/// An older version may have holes that were mended since, and be signed all the same.
pub(super) fn check_newer(version: &Version, at_work: &Version) -> Result<(), String> {
    // What comes behind a '+' is no order.
    match version.cmp_precedence(at_work).is_gt() {
        true => Ok(()),
        false => Err(format!(
            "{version} is not newer than {at_work}, which is at work"
        )),
    }
}

/// MD5 and SHA-256, in hex.
fn digests(file: &dyn File) -> std::io::Result<(String, String)> {
    let mut md5 = Md5::new();
    let mut sha256 = ring::digest::Context::new(&ring::digest::SHA256);
    let mut buffer = vec![0; 64 << 10];
    let mut offset = 0;
    loop {
        let read = file.read_at(&mut buffer, offset)?;
        let Some(bytes) = buffer.get(..read).filter(|bytes| !bytes.is_empty()) else {
            break;
        };
        md5.update(bytes);
        sha256.update(bytes);
        offset += read as u64;
    }
    Ok((hex(&md5.finalize()), hex(sha256.finish().as_ref())))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::spool::fs::{self, Memory};

    #[test]
    fn newer_means_newer() {
        let version = |text: &str| Version::parse(text).unwrap();
        let newer = |to: &str, from: &str| check_newer(&version(to), &version(from)).is_ok();
        assert!(newer("0.2.0", "0.1.9") && newer("0.10.0", "0.9.0"));
        assert!(newer("1.0.0", "1.0.0-rc.1"));
        assert!(!newer("0.2.0", "0.2.0") && !newer("0.1.9", "0.2.0"));
        assert!(!newer("1.0.0-rc.1", "1.0.0"));
        assert!(!newer("1.0.0+2", "1.0.0+1"), "the same, built again");
    }

    #[test]
    fn the_digests_are_those_of_the_whole_file() {
        let disk = Memory::new();
        disk.create_folder("/d".as_ref()).unwrap();
        fs::replace(&disk, "/d/b".as_ref(), b"abc").unwrap();
        let file = disk.open("/d/b".as_ref(), Open::Read).unwrap();
        let (md5, sha256) = digests(&*file).unwrap();
        assert_eq!(md5, "900150983cd24fb0d6963f7d28e17f72");
        assert!(sha256.starts_with("ba7816bf8f01cfea414140de5dae2223"));
        fs::replace(&disk, "/d/b".as_ref(), &[7; 200_000]).unwrap();
        let file = disk.open("/d/b".as_ref(), Open::Read).unwrap();
        let whole = ring::digest::digest(&ring::digest::SHA256, &[7; 200_000]);
        assert_eq!(digests(&*file).unwrap().1, hex(whole.as_ref()));
    }
}
