//! The same commit gives the same bytes. Both tests take packages from Debian, and the second builds
//! the program twice:
//!
//!     cargo test -p rsu-image --test reproducible -- --ignored
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use rsu_image::board::Board;
use rsu_image::image::Image;
use rsu_image::keys::Keys;
use rsu_image::place;

const BOARD: &str = "qemu-arm64";

#[test]
#[ignore = "fetches packages from Debian"]
fn two_images_of_one_program_are_the_same() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let keys = Keys::new(Some(&folder.path().join("keys")));
    keys.make().unwrap();
    let board = Board::named(BOARD).unwrap();
    let [one, other] = ["one", "other"].map(|name| {
        let program = folder.path().join(format!("rsu-{name}"));
        fs::write(&program, "#!/bin/sh\n").unwrap();
        let mut image = Image::new(&board, None, keys.clone());
        image.folder = folder.path().join(name);
        image.build_with(&program).unwrap();
        [image.root(), image.disk()].map(|file| fs::read(file).unwrap())
    });
    assert!(one == other);
}

#[test]
#[ignore = "builds the program twice"]
fn two_builds_in_different_folders_are_the_same() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let [one, other] = ["one", "a/second/one"].map(|name| {
        let copy = folder.path().join(name);
        check_out(&copy);
        fs::read(built(&copy)).unwrap()
    });
    assert!(one == other);
}

/// A copy of what was committed last.
fn check_out(to: &Path) {
    let cloned = Command::new("git")
        .args(["clone", "--quiet", "--no-local"])
        .args([place::workspace(), to])
        .status();
    assert!(cloned.unwrap().success());
}

fn built(workspace: &Path) -> PathBuf {
    let target = workspace.join("target");
    let done = Command::new(workspace.join("cross/rsu-image"))
        .args(["build", "--board", BOARD, "--keys"])
        .arg(workspace.join("keys"))
        .env("CARGO_TARGET_DIR", &target)
        .status();
    // Without keys there is a program, and no image.
    assert!(!done.unwrap().success());
    let board = Board::named(BOARD).unwrap();
    target.join(board.target).join("unit/rsu")
}
