//! Where things lie on the host.

use std::path::{Path, PathBuf};

use crate::error::{Doing, Error};

/// The folder `cross`, as it was when this tool was built.
pub fn cross() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The folder of the workspace.
pub fn workspace() -> &'static Path {
    cross().parent().unwrap_or(cross())
}

/// Where downloads and toolchains are kept: `$RSU_IMAGE_CACHE`, or `rsu-image` in the user's cache.
pub fn cache() -> PathBuf {
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    variable("RSU_IMAGE_CACHE").map_or_else(
        || {
            variable("XDG_CACHE_HOME")
                .map(PathBuf::from)
                .or_else(|| variable("HOME").map(|home| Path::new(&home).join(".cache")))
                .unwrap_or_else(std::env::temp_dir)
                .join("rsu-image")
        },
        PathBuf::from,
    )
}

/// Makes a folder with all above it.
///
/// # Errors
///
/// The operating system refuses.
pub fn folder(path: &Path) -> Result<(), Error> {
    std::fs::create_dir_all(path).doing("make the folder", path)
}

/// Makes a folder that is there completely or not at all: `fill` gets a temporary one beside it.
///
/// # Errors
///
/// Those of `fill`, and of the operating system.
pub fn complete_folder(
    path: &Path,
    fill: impl FnOnce(&Path) -> Result<(), Error>,
) -> Result<(), Error> {
    let parent = path.parent().unwrap_or(path);
    folder(parent)?;
    let made = tempfile::tempdir_in(parent).doing("make a folder in", parent)?;
    fill(made.path())?;
    if path.exists() {
        std::fs::remove_dir_all(path).doing("remove", path)?;
    }
    std::fs::rename(made.keep(), path).doing("make the folder", path)
}
