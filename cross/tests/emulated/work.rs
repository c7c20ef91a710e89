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
    // The light at a line of the machine's PL061 tells it: on, with a blink every two seconds.
    unit.run("mount -t debugfs none /sys/kernel/debug");
    let watch = "for look in $(seq 80); do grep '|rsu ' /sys/kernel/debug/gpio; usleep 50000; done";
    unit.wait_for("light of a healthy unit", Duration::from_secs(60), |unit| {
        let levels = unit.run(watch);
        let share = |level| levels.lines().filter(|line| line.contains(level)).count();
        let (on, off) = (share("out hi"), share("out lo"));
        (on > 8 * off && off > 0).then_some(())
    });
    // Nothing but the data partition can be written.
    assert!(unit.host().run("touch /etc/written").is_err());
    // Bursts from the radio may wait in a buffer of the size that the program asks for.
    let told = unit.run("cat /data/log/messages");
    assert!(told.contains("receiving"), "{told}");
    assert!(!told.contains("receive buffer"), "{told}");
    // From outside only ssh can be reached; the program's health is on the loopback.
    let listening = unit.run("netstat -ltn | awk '/LISTEN/ { print $4 }' | sort");
    assert_eq!(
        listening.lines().collect::<Vec<_>>(),
        ["0.0.0.0:22", "127.0.0.1:9464", ":::22"]
    );
    // ... and nobody gets in without a key.
    let mut stranger = unit.host();
    stranger.key = Some(unit.strangers_key());
    let told = stranger.run("true").unwrap_err().to_string();
    assert!(told.contains("Permission denied"), "{told}");
}
