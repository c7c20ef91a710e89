//! Power that goes away in the middle of an installation.

use std::collections::BTreeSet;
use std::time::Duration;

use rsu_image::flash::{Outcome, update};

use crate::fixture::{FIRST, NEXT, fixture};
use crate::unit::{Emulated, START_TIME_MAX};

/// When the power goes, from the begin of the installation: while the bundle is checked, while the
/// slot is written, and about when it is marked.
const CUTS_S: [u64; 4] = [1, 4, 9, 15];

/// Durable records by number, each with the spool that it is of.
fn records(unit: &Emulated) -> BTreeSet<(String, u64)> {
    let number = |report: &crate::broker::Report| {
        let record = &report.json["record"];
        let durable = record["class"] == "durable";
        durable.then(|| {
            Some((
                record["spool"].as_str()?.to_owned(),
                record["seq"].as_u64()?,
            ))
        })?
    };
    unit.broker.heard().iter().filter_map(number).collect()
}

#[test]
#[ignore = "minutes of emulation"]
fn a_power_cut_during_an_installation_leaves_a_good_slot_and_all_records() {
    let mut unit = Emulated::at_work();
    let bundle = fixture().bundle(NEXT);
    unit.run("mkdir -p /data/incoming");
    unit.host()
        .send(&bundle, "/data/incoming/cut.raucb", &mut |_| {})
        .unwrap();

    for after_s in CUTS_S {
        let host = unit.host();
        let install = std::thread::spawn(move || host.run("rauc install /data/incoming/cut.raucb"));
        std::thread::sleep(Duration::from_secs(after_s));
        let before = records(&unit);
        unit.cut_power();
        // ssh has nobody to talk to any more; what it says then is of no interest.
        let _ = install.join();

        unit.switch_on();
        let after = unit.wait_for("records behind those of before", START_TIME_MAX, |unit| {
            let after = records(unit);
            (after.last()? > before.last()?).then_some(after)
        });
        assert!(before.is_subset(&after));
        let (_, version) = unit.slot_and_version();
        assert!([FIRST, NEXT].contains(&version.as_str()), "{version}");
    }

    // One spool all along, and none of its numbers is missing.
    let records = records(&unit);
    let spools: BTreeSet<_> = records.iter().map(|(spool, _)| spool).collect();
    assert_eq!(spools.len(), 1, "{spools:?}");
    let numbers: Vec<u64> = records.iter().map(|(_, number)| *number).collect();
    let gaps: Vec<_> = numbers
        .windows(2)
        .filter(|pair| pair[1] != pair[0] + 1)
        .collect();
    assert!(gaps.is_empty(), "{gaps:?}");

    // And an update still works.
    let outcome = update(&unit.host(), &bundle, NEXT, &mut |_| {});
    let good = [Outcome::Updated { from: FIRST.into() }, Outcome::UpToDate];
    assert!(good.contains(&outcome), "{outcome:?}\n{}", unit.story());
}
