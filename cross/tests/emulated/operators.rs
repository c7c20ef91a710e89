//! Updates as operators give them, by the command line: a unit keeps the good ones, and leaves the
//! bad ones by itself, which stops the fleet.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::time::Duration;

use serde_json::{Value, json};

use crate::fixture::{BROKEN, FIRST, NEXT, fixture};
use crate::unit::{Emulated, FALL_BACK_TIME_MAX};

#[test]
#[ignore = "minutes of emulation"]
fn a_good_update_is_confirmed_and_a_bad_canary_falls_back_and_spares_the_fleet() {
    let unit = Emulated::at_work();
    let address = format!("127.0.0.1:{}", unit.ssh_port());

    let key = unit.path("key").display().to_string();
    let (flashed, report) = flash(&unit, NEXT, &["--host", &address, "--ssh-key", &key]);
    assert!(flashed.status.success(), "{flashed:?}\n{}", unit.story());
    assert_eq!(
        report["units"],
        json!([{"wave": "only", "unit": address, "outcome": "updated", "from": FIRST}]),
    );
    assert_eq!(unit.slot_and_version(), ("B".into(), NEXT.into()));
    unit.wait_for_snapshots("from the new slot");

    let fleet = unit.path("fleet.toml");
    // Nobody is asked at the other address.
    let text = format!(
        r#"
key = "key"
[[wave]]
name = "canary"
units = ["{address}"]
[[wave]]
name = "north"
units = ["127.0.0.1:1"]
"#
    );
    fs::write(&fleet, text).unwrap();
    let before = unit.reports("junction/up").len();
    let (flashed, report) = flash(&unit, BROKEN, &["--fleet", fleet.to_str().unwrap()]);
    assert!(!flashed.status.success(), "{flashed:?}\n{}", unit.story());
    assert_eq!(
        report["units"],
        json!([
            {"wave": "canary", "unit": address, "outcome": "fell_back", "version": NEXT},
            {"wave": "north", "unit": "127.0.0.1:1", "outcome": "not_tried"},
        ]),
    );
    assert_eq!(unit.slot_and_version(), ("B".into(), NEXT.into()));
    let silence = longest_silence(&unit, before);
    println!("the broken version fell back: no snapshots for {silence:?}");
    assert!(silence < FALL_BACK_TIME_MAX, "{silence:?}");
}

/// Runs `rsu-image flash`; gives what it wrote, and its report.
fn flash(unit: &Emulated, version: &str, options: &[&str]) -> (Output, Value) {
    let report: PathBuf = unit.path("report.json");
    let output = Command::new(env!("CARGO_BIN_EXE_rsu-image"))
        .env("CARGO_TARGET_DIR", fixture().target())
        .args(["flash", "--board", &fixture().board.name])
        .args(["--image-version", version, "--report"])
        .arg(&report)
        .args(options)
        .output()
        .unwrap();
    let text = fs::read_to_string(report).unwrap_or_else(|error| panic!("{error}: {output:?}"));
    (output, serde_json::from_str(&text).unwrap())
}

/// Longest time between two snapshots, from the one with number `from` on.
fn longest_silence(unit: &Emulated, from: usize) -> Duration {
    let heard: Vec<_> = unit.reports("junction/up").split_off(from);
    let pauses = heard.windows(2).map(|pair| pair[1].at - pair[0].at);
    pauses.max().unwrap()
}
