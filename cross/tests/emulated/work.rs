//! The unit at its work.

use std::time::Duration;

use crate::fixture::FIRST;
use crate::unit::Emulated;

#[test]
#[ignore = "minutes of emulation"]
fn from_u_boot_to_fused_snapshots_at_the_broker() {
    let unit = Emulated::at_work();
    let vehicles = unit.wait_for("vehicle on a lane", Duration::from_secs(30), |unit| {
        let reports = unit.reports("junction/up");
        let vehicles = reports.last()?.json["vehicles"].as_array()?.clone();
        vehicles
            .into_iter()
            .find(|vehicle| vehicle["lane"].is_u64())
    });
    assert!(vehicles["signals"].is_array(), "{vehicles}");
    assert_eq!(unit.slot_and_version(), ("A".into(), FIRST.into()));

    // The time comes from outside, and the program knows how good it is.
    unit.wait_for("synchronized clock", Duration::from_secs(60), |unit| {
        let reports = unit.reports("junction/up");
        (reports.last()?.json["clock"]["synchronization"] == "synchronized").then_some(())
    });
    // Nothing but the data partition can be written.
    assert!(unit.host().run("touch /etc/written").is_err());
    // Nobody gets in without a key.
    let listening = unit.run("netstat -ltn | grep -c LISTEN");
    assert_eq!(
        listening, "2",
        "ssh, and the program's health on the loopback"
    );
}
