//! Programs that tests start, installed when they are missing.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The program `name`. Where it is missing, `install-programs.sh` is run, once.
///
/// # Panics
/// When the program is missing after that; what the script said is in the message.
pub fn require(name: &str) -> PathBuf {
    if let Some(found) = find(name) {
        return found;
    }
    static INSTALLED: OnceLock<String> = OnceLock::new();
    let said = INSTALLED.get_or_init(|| {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("install-programs.sh");
        match Command::new(&script).output() {
            Ok(output) => String::from_utf8_lossy(&output.stderr).into_owned(),
            Err(error) => format!("{}: {error}", script.display()),
        }
    });
    find(name).unwrap_or_else(|| panic!("{name} is missing and could not be installed: {said}"))
}

fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    // Debian puts services where only root's PATH looks.
    let folders = std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
    folders
        .map(|folder| folder.join(name))
        .find(|path| path.is_file())
}
