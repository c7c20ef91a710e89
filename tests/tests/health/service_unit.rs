//! The unit file, read by systemd itself where it is installed.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn unit_text() -> String {
    let unit = Path::new(env!("CARGO_MANIFEST_DIR")).join("../rsu-gateway/systemd/rsu.service");
    std::fs::read_to_string(unit).unwrap()
}

/// The unit file with a program that exists, in a folder of its own.
fn unit(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("rsu-unit-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("rsu.service");
    let text = unit_text();
    assert!(text.contains("ExecStart=/usr/bin/rsu run"));
    std::fs::write(&path, text.replace("/usr/bin/rsu", "/bin/sh")).unwrap();
    path
}

/// `None`, with a notice, where there is no systemd.
fn systemd_analyze(arguments: &[&str], unit: &Path) -> Option<Output> {
    match Command::new("systemd-analyze")
        .args(arguments)
        .arg(unit)
        .output()
    {
        Ok(output) => Some(output),
        Err(error) => {
            eprintln!("systemd-analyze: {error}: the unit file is not checked");
            None
        }
    }
}

#[test]
fn systemd_finds_nothing_wrong_with_it() {
    let unit = unit("verify");
    if let Some(output) = systemd_analyze(&["verify"], &unit) {
        let said = String::from_utf8_lossy(&output.stderr);
        let of_ours: Vec<_> = said.lines().filter(|l| l.contains("rsu.service")).collect();
        assert!(of_ours.is_empty(), "{said}");
        assert!(output.status.success(), "{said}");
    }
    std::fs::remove_dir_all(unit.parent().unwrap()).unwrap();
}

#[test]
fn it_is_exposed_little() {
    let unit = unit("security");
    // In tenths; 20 is what systemd calls OK at most.
    let arguments = ["security", "--offline=true", "--threshold=20"];
    if let Some(output) = systemd_analyze(&arguments, &unit) {
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{said}");
    }
    std::fs::remove_dir_all(unit.parent().unwrap()).unwrap();
}

#[test]
fn it_is_watched_started_again_and_bounded() {
    let text = unit_text();
    for setting in [
        "Type=notify",
        "WatchdogSec=30",
        "Restart=always",
        "StartLimitIntervalSec=0",
        "StateDirectory=rsu",
        "ProtectSystem=strict",
        "NoNewPrivileges=yes",
        "CapabilityBoundingSet=",
        "MemoryMax=256M",
    ] {
        assert!(text.lines().any(|line| line == setting), "{setting}");
    }
    // It would forbid to ask how good the clock is.
    assert!(!text.lines().any(|line| line.starts_with("ProtectClock=")));
}
