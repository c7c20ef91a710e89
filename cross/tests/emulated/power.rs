//! Power that goes away in the middle of an installation.

use std::collections::{BTreeMap, BTreeSet};
use std::thread::{sleep, spawn};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rsu_image::error::Error;
use serde_json::Value;

use crate::fixture::{FIRST, NEXT, fixture};
use crate::unit::{Emulated, START_TIME_MAX, UPDATE_TIME_MAX};

/// When the power goes, from the begin of the installation: while the bundle is checked, while the
/// slot is written, and about when it is marked.
const CUTS_S: [u64; 4] = [1, 4, 9, 15];

/// What ssh ends with when its connection does.
const SSH_BROKE_OFF: i32 = 255;

/// So long the broker is away before: some durable records wait on the disk then.
const OUTAGE: Duration = Duration::from_secs(8);

#[test]
#[ignore = "minutes of emulation"]
fn a_power_cut_during_an_installation_leaves_a_good_slot_and_all_records() {
    let mut unit = Emulated::at_work();
    let bundle = fixture().bundle(NEXT);
    unit.run("mkdir -p /data/incoming");
    unit.host()
        .send(&bundle, "/data/incoming/cut.raucb", &mut |_| {})
        .unwrap();
    unit.run("sync");

    let mut interrupted = 0;
    for after_s in CUTS_S {
        let outage_ms = now_ms();
        unit.broker.stop();
        sleep(OUTAGE);
        let cut_ms = now_ms();
        let host = unit.host();
        let install = spawn(move || host.run("rauc install /data/incoming/cut.raucb"));
        sleep(Duration::from_secs(after_s));
        unit.cut_power();
        // ssh had an answer where the installation had come to its end.
        match install.join().unwrap() {
            Ok(_) => {}
            Err(Error::Failed { status, .. }) if status.code() == Some(SSH_BROKE_OFF) => {
                interrupted += 1;
            }
            Err(error) => panic!("{error}"),
        }

        unit.broker.start_again();
        unit.switch_on();
        unit.wait_for("records of the outage", START_TIME_MAX, |unit| {
            let records = durable_records(unit);
            let mut times = records
                .iter()
                .filter_map(|record| record["timeMs"].as_u64());
            times
                .any(|time_ms| (outage_ms..cut_ms).contains(&time_ms))
                .then_some(())
        });
        unit.wait_for_snapshots("after the cut");
        let (slot, version) = unit.slot_and_version();
        println!("power cut {after_s} s into the installation: {version} in slot {slot}");
        if version == NEXT {
            // The cut came too late for this one.
            break;
        }
        assert_eq!(version, FIRST);
        unit.wait_until_proven();
    }
    assert!(interrupted >= 2, "the installation was over too soon");
    assert_all_arrived(&unit);

    // And an update still works.
    if unit.slot_and_version().1 == FIRST {
        unit.run("rauc install /data/incoming/cut.raucb && (sleep 1; reboot) > /dev/null 2>&1 &");
        unit.wait_for(NEXT, UPDATE_TIME_MAX, |unit| {
            let (_, version) = unit.try_slot_and_version()?;
            (version == NEXT).then_some(())
        });
    }
    // As long as it is on trial, nothing overwrites the slot to fall back to.
    let told = unit.run("rauc install /data/incoming/cut.raucb || cat /run/refusal");
    let (slot, _) = unit.slot_and_version();
    let why = format!("refused: {NEXT} in slot {slot} is on trial");
    assert!(told.contains(&why), "{told}");
    unit.wait_for("confirmation", UPDATE_TIME_MAX, |unit| {
        let status = unit.reports("upgrade-status/up").last()?.json.clone();
        (status["state"] == "confirmed" && status["updateVersion"] == NEXT).then_some(())
    });
}

/// One spool all along; of its numbers none is missing but those that the unit says it never used.
fn assert_all_arrived(unit: &Emulated) {
    let mut numbers: BTreeMap<String, BTreeSet<u64>> = BTreeMap::new();
    for record in durable_records(unit) {
        let spool = record["spool"].as_str().unwrap().to_owned();
        numbers
            .entry(spool)
            .or_default()
            .insert(record["seq"].as_u64().unwrap());
    }
    assert_eq!(numbers.len(), 1, "{:?}", numbers.keys());
    let (_, mut numbers) = numbers.pop_first().unwrap();
    for gap in unit.reports("gap/up") {
        assert_eq!(gap.json["reason"], "unfinished", "{}", gap.json);
        let [from, to] = ["from", "to"].map(|name| gap.json[name].as_u64().unwrap());
        if gap.json["class"] == "durable" {
            numbers.extend(from..=to);
        }
    }
    let range = *numbers.first().unwrap()..=*numbers.last().unwrap();
    let missing: Vec<_> = range.filter(|number| !numbers.contains(number)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

/// What durable reports say of themselves.
fn durable_records(unit: &Emulated) -> Vec<Value> {
    let reports = unit.broker.heard().into_iter();
    reports
        .map(|report| report.json["record"].clone())
        .filter(|record| record["class"] == "durable")
        .collect()
}

fn now_ms() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    now.as_millis().try_into().unwrap()
}
