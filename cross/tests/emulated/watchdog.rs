//! A program that hangs is killed and started again; whatever else hangs, the machine is reset.

use std::time::Duration;

use crate::unit::{Emulated, START_TIME_MAX};

/// Until a silent program counts as hung, and is killed.
const HANG_TIME_MAX: Duration = Duration::from_secs(60);
/// The kernel's watchdog waits a minute.
const RESET_TIME_MAX: Duration = Duration::from_secs(90);

#[test]
#[ignore = "minutes of emulation"]
fn a_hung_program_is_started_again_and_a_hung_supervisor_resets_the_machine() {
    let unit = Emulated::at_work();
    let (boot, program) = (boot_id(&unit), unit.run("pidof rsu"));
    unit.run("kill -STOP $(pidof rsu)");
    unit.wait_for("other run of the program", HANG_TIME_MAX, |unit| {
        let now = unit.host().run("pidof rsu").ok()?;
        (!now.trim().is_empty() && now.trim() != program).then_some(())
    });
    unit.wait_for_snapshots("of the program's other run");
    assert_eq!(boot_id(&unit), boot);

    unit.run("kill -STOP $(pidof supervise)");
    unit.wait_for("reset", RESET_TIME_MAX + START_TIME_MAX, |unit| {
        (unit
            .host()
            .run("cat /proc/sys/kernel/random/boot_id")
            .ok()?
            .trim()
            != boot)
            .then_some(())
    });
    unit.wait_for_snapshots("after the reset");
}

fn boot_id(unit: &Emulated) -> String {
    unit.run("cat /proc/sys/kernel/random/boot_id")
}
