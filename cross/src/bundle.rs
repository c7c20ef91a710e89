//! Signed updates: a root file system, its version, and for which boards it is.

use std::fs;
use std::path::Path;

use crate::error::{Doing, Error};
use crate::image::commit_time_s;
use crate::keys::Keys;
use crate::process::{output, program};

/// What goes into a bundle.
#[derive(Clone, Copy, Debug)]
pub struct Bundle<'a> {
    /// The file system for a slot.
    pub root: &'a Path,
    /// What a unit must be to take it.
    pub compatible: &'a str,
    /// Semantic version.
    pub version: &'a str,
    /// Who signs.
    pub keys: &'a Keys,
}

impl Bundle<'_> {
    /// Writes the bundle.
    ///
    /// # Errors
    ///
    /// Root or keys are missing, or RAUC refuses them.
    pub fn write(&self, to: &Path) -> Result<(), Error> {
        self.keys.check()?;
        let parent = to.parent().unwrap_or(to);
        let folder = tempfile::tempdir_in(parent).doing("make a folder in", parent)?;
        let content = folder.path();
        let root = content.join("root.ext4");
        fs::hard_link(self.root, &root)
            .or_else(|_| fs::copy(self.root, &root).map(drop))
            .doing("copy", self.root)?;
        let manifest = format!(
            "[update]\ncompatible={}\nversion={version}\n\n[bundle]\nformat=verity\n\n\
             [image.rootfs]\nfilename=root.ext4\n",
            self.compatible,
            version = self.version,
        );
        // The version for itself is what the unit's own check reads.
        let files = [
            ("manifest.raucm", manifest),
            ("version", format!("{}\n", self.version)),
        ];
        for (name, text) in files {
            let path = content.join(name);
            fs::write(&path, text).doing("write", &path)?;
        }
        if to.exists() {
            fs::remove_file(to).doing("remove", to)?;
        }
        let mut rauc = program("rauc", ["bundle", "--cert"]);
        rauc.arg(self.keys.certificate())
            .arg("--key")
            .arg(self.keys.private_key());
        rauc.arg("--keyring")
            .arg(self.keys.authority())
            .arg(content)
            .arg(to);
        rauc.env("SOURCE_DATE_EPOCH", commit_time_s()?.to_string());
        output(&mut rauc).map(drop)
    }
}
