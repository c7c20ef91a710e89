//! Updates from the order to the end, over reboots, in a machine with two slots.

mod bench;
mod machine;

use std::path::Path;
use std::sync::Mutex;

use rsu_firmware::time::Timestamp;
use semver::Version;

use super::*;
use crate::clock::Moment;
use crate::downlink::{SeqNum, Upgrade};
use crate::health::self_check::Need;
use crate::spool::fs::{self, Memory, Open};
use crate::update::installer::{Installation, Manifest, Mark, Slot, Slots};
use crate::update::test_bench::{Behaviour, Server, downloader, upgrade};
use crate::update::trial::TrialSettings;
use crate::update::updater::{Outside, Settings, Updater};
use crate::update::{Untold, UpdateState};

use bench::{Bench, number};
use machine::{Fake, Machinery, SlotState};

use UpdateState::{
    Confirmed, Confirming, Downloading, Failed, Installing, Rebooting, Received, RolledBack,
    Verifying, WaitingForReboot,
};

#[test]
fn a_good_bundle_is_installed_started_and_confirmed() {
    let mut bench = Bench::new("rsu-test 0.2.0 operator");
    bench.install();
    let before = [
        Received,
        Downloading,
        Verifying,
        Installing,
        WaitingForReboot,
        Rebooting,
    ];
    assert_eq!(bench.states(), before);
    bench.reboot();
    assert_eq!(bench.booted(), (1, Version::new(0, 2, 0)));
    bench.run();
    assert_eq!(
        bench.states(),
        [&before[..], &[Confirming, Confirmed]].concat()
    );
    let all_of_it = |status: &UpdateStatus| status.upgrade_seq_num == Some(number(1));
    assert!(bench.heard.iter().all(all_of_it));
    let confirmed_at = bench.machine.with(|machine| machine.now);
    assert!(
        confirmed_at >= Duration::from_secs(70),
        "after a minute of health"
    );
    bench.restart();
    bench.run();
    assert_eq!(bench.last().state, Confirmed, "once");
    let percents = bench
        .heard
        .iter()
        .filter(|status| status.state == Installing);
    let percents: Vec<_> = percents.map(|status| status.percent).collect();
    assert_eq!(percents, [None, Some(20), Some(100)]);
}

#[test]
fn another_update_in_the_same_run_has_to_prove_itself_as_well() {
    let mut bench = Bench::new("rsu-test 0.2.0 operator");
    bench.install();
    bench.reboot();
    bench.run();
    assert_eq!(bench.last().state, Confirmed);
    bench.server.replace(b"rsu-test 0.3.0 operator", "other");
    let next = upgrade("0.3.0", bench.server.url());
    bench.take(&next, 2).unwrap();
    bench.run();
    assert_eq!(bench.last().state, Rebooting, "{:?}", bench.states());
    assert_eq!(bench.machine.with(|machine| machine.reboots_asked), 1);
    bench.machine.with(|machine| machine.is_healthy = false);
    bench.reboot();
    bench.run();
    bench.reboot();
    bench.run();
    assert_eq!(bench.last().state, RolledBack);
    assert_eq!(bench.booted(), (1, Version::new(0, 2, 0)));
}

#[test]
fn what_must_not_be_installed_is_not() {
    for (bundle, why) in [
        ("rsu-test 0.2.0 stranger", "signature verification failed"),
        (
            "rsu-other 0.2.0 operator",
            "for the board rsu-other, this is rsu-test",
        ),
        ("rsu-test 0.3.0 operator", "0.3.0, 0.2.0 was ordered"),
        ("no bundle", "Invalid bundle format"),
    ] {
        let mut bench = Bench::new(bundle);
        bench.take(&bench.order(), 1).unwrap();
        bench.run();
        bench.assert_given_up(why);
        assert!(!bench.states().contains(&Installing));
    }
}

#[test]
fn an_older_version_and_the_same_again_are_refused() {
    let bench = Bench::new("rsu-test 0.1.0 operator");
    for version in ["0.1.0", "0.0.9"] {
        let refused = bench.take(&upgrade(version, bench.server.url()), 1);
        let refused = refused.unwrap_err();
        let begin = format!("updateVersion: {version} is not newer than 0.1.0");
        assert!(refused.starts_with(&begin), "{refused}");
    }
}

#[test]
fn orders_that_cannot_be_carried_out_are_refused_by_member() {
    let bench = Bench::new("");
    let refused = |change: fn(&mut Upgrade)| {
        let mut upgrade = bench.order();
        change(&mut upgrade);
        bench.take(&upgrade, 1).unwrap_err()
    };
    let text = refused(|order| order.hardware_version = Some("1.0".into()));
    assert_eq!(text, "hardwareVersion: it is for 1.0, this is 2.1");
    let text = refused(|order| order.bytes = Some(1 << 40));
    assert!(text.starts_with("downloadSize: "), "{text}");
    let text = refused(|order| order.login = Some(("ota".into(), "secret".into())));
    assert_eq!(text, "OTApassword: is not sent without TLS");
}

#[test]
fn a_download_that_fails_is_told() {
    let mut bench = Bench::new("rsu-test 0.2.0 operator");
    bench.server.script(&[Behaviour::Status(404)]);
    bench.take(&bench.order(), 1).unwrap();
    bench.run();
    bench.assert_given_up("404");
    let mut order = bench.order();
    order.md5 = Some("0".repeat(32));
    bench.take(&order, 2).unwrap();
    bench.run();
    bench.assert_given_up("downloadMd5: the bundle has ");
    order.md5 = None;
    order.bytes = Some(22);
    bench.take(&order, 3).unwrap();
    bench.run();
    bench.assert_given_up("downloadSize: ");
}

#[test]
fn an_installation_that_fails_leaves_the_slot_that_runs() {
    let mut bench = Bench::new("rsu-test 0.2.0 operator");
    let fault = "Failed updating slot rootfs.1: Input/output error";
    bench
        .machine
        .with(|machine| machine.install_fault = Some(fault.into()));
    bench.take(&bench.order(), 1).unwrap();
    bench.run();
    bench.assert_given_up("Input/output error");
    bench.machine.with(|machine| machine.install_fault = None);
    bench.take(&bench.order(), 2).unwrap();
    bench.run();
    assert_eq!(bench.last().state, Rebooting);
}

#[test]
fn an_unhealthy_slot_falls_back_and_the_old_one_tells_why() {
    let mut bench = Bench::new("rsu-test 0.2.0 operator");
    bench.install();
    bench.machine.with(|machine| machine.is_healthy = false);
    bench.reboot();
    bench.run();
    assert_eq!(bench.booted().0, 1);
    let given_up_at = bench.machine.with(|machine| machine.now);
    assert!(
        (131..170).contains(&given_up_at.as_secs()),
        "{given_up_at:?}"
    );
    bench.reboot();
    assert_eq!(bench.booted(), (0, Version::new(0, 1, 0)));
    bench.run();
    assert_eq!(bench.last().state, RolledBack);
    let why = "after 121 s the self-check says uplink: not connected";
    assert_eq!(bench.reason(), why);
    assert!(!bench.updater.is_at_work());
    bench.restart();
    bench.run();
    let rolled_back = |status: &&UpdateStatus| status.state == RolledBack;
    assert_eq!(bench.heard.iter().filter(rolled_back).count(), 1);
}

#[test]
fn a_slot_that_never_comes_up_is_told_by_the_old_one() {
    let mut bench = Bench::new("rsu-test 0.2.0 operator");
    bench.install();
    // The boot loader has counted its attempts.
    bench.machine.with(|machine| machine.primary = 0);
    bench.reboot();
    bench.run();
    assert_eq!(bench.last().state, RolledBack);
    assert_eq!(
        bench.reason(),
        "the new slot never came to start its program"
    );
}

#[test]
fn a_program_that_crashes_on_trial_is_given_up() {
    let mut bench = Bench::new("rsu-test 0.2.0 operator");
    bench.install();
    bench.reboot();
    for _ in 0..3 {
        bench.step();
        bench.restart();
    }
    bench.run();
    assert_eq!(bench.machine.with(|machine| machine.reboots_asked), 1);
    bench.reboot();
    assert_eq!(bench.booted().0, 0);
    bench.run();
    assert!(
        bench.reason().contains("started 4 times"),
        "{}",
        bench.reason()
    );
}

#[test]
fn a_slot_that_cannot_ask_the_installer_is_left() {
    let mut bench = Bench::new("rsu-test 0.2.0 operator");
    bench.install();
    bench
        .machine
        .with(|machine| machine.slots_fault = Some("no D-Bus".into()));
    bench.reboot();
    bench.run();
    let asked_at = bench.machine.with(|machine| machine.now);
    assert!(asked_at >= Duration::from_secs(130), "{asked_at:?}");
    // The boot loader has counted its attempts.
    bench.machine.with(|machine| {
        machine.slots_fault = None;
        machine.primary = 0;
    });
    bench.reboot();
    bench.run();
    assert_eq!(bench.last().state, RolledBack);
    assert_eq!(bench.reason(), "the installer cannot be asked: no D-Bus");
}

#[test]
fn without_a_good_slot_to_fall_back_to_it_stays() {
    let mut bench = Bench::new("rsu-test 0.2.0 operator");
    bench.install();
    bench.machine.with(|machine| {
        machine.is_healthy = false;
        machine.slots[0].is_good = false;
    });
    bench.reboot();
    bench.run();
    assert_eq!(bench.last().state, Failed);
    assert!(
        bench.reason().contains("no good slot"),
        "{}",
        bench.reason()
    );
    assert_eq!(bench.machine.with(|machine| machine.reboots_asked), 0);
    bench.restart();
    bench.run();
    assert_eq!(bench.booted().0, 1, "and does not try again and again");
}

#[test]
fn a_slot_installed_by_hand_is_on_trial_too() {
    let mut bench = Bench::new("");
    bench.machine.with(|machine| {
        machine.slots[1].count = 1;
        machine.slots[1].version = Version::new(0, 3, 0);
        machine.primary = 1;
    });
    bench.reboot();
    bench.run();
    assert_eq!(bench.states(), [Confirming, Confirmed]);
    assert_eq!(bench.last().upgrade_seq_num, None);
    assert_eq!(bench.last().update_version, Version::new(0, 3, 0));
    bench.machine.with(|machine| machine.is_healthy = false);
    bench.reboot();
    bench.run();
    assert_eq!(
        bench.states(),
        [Confirming, Confirmed],
        "an outage is no trial"
    );
    assert!(bench.machine.with(|machine| machine.slots[1].is_good));
}

#[test]
fn a_slot_installed_by_hand_during_a_trial_is_on_trial_itself() {
    let mut bench = Bench::new("rsu-test 0.2.0 operator");
    bench.install();
    bench.reboot();
    bench.step();
    bench.machine.with(|machine| {
        machine.slots[0].count = 1;
        machine.slots[0].version = Version::new(0, 3, 0);
        machine.primary = 0;
        machine.is_healthy = false;
    });
    bench.reboot();
    bench.run();
    let confirming = |status: &&UpdateStatus| status.state == Confirming;
    let versions = bench.heard.iter().filter(confirming);
    let versions: Vec<_> = versions.map(|status| &status.update_version).collect();
    assert_eq!(versions, [&Version::new(0, 2, 0), &Version::new(0, 3, 0)]);
    let asked = bench.machine.with(|machine| machine.reboots_asked);
    assert_eq!(asked, 1, "it has not proven itself");
}

#[test]
fn it_is_started_at_the_time_that_was_asked_for() {
    let mut bench = Bench::new("rsu-test 0.2.0 operator");
    let mut order = bench.order();
    order.at_ms = Some(1_800_000_000_000 + 500_000);
    bench
        .machine
        .with(|machine| machine.is_clock_trusted = false);
    bench.take(&order, 1).unwrap();
    for _ in 0..600 {
        bench.step();
    }
    assert_eq!(bench.last().state, WaitingForReboot, "no clock, no time");
    bench.machine.with(|machine| {
        machine.is_clock_trusted = true;
        machine.now = Duration::from_secs(490);
    });
    bench.run();
    let asked_at = bench.machine.with(|machine| machine.now);
    assert!((500..510).contains(&asked_at.as_secs()), "{asked_at:?}");
}

#[test]
fn a_second_order_waits_for_nobody_and_the_same_one_is_the_same() {
    let mut bench = Bench::new("rsu-test 0.2.0 operator");
    let order = bench.order();
    bench.take(&order, 1).unwrap();
    bench.take(&order, 1).unwrap();
    let other = upgrade("0.3.0", bench.server.url());
    let refused = bench.take(&other, 2).unwrap_err();
    assert_eq!(refused, "an update to 0.2.0 is under way");
    bench.run();
    bench.reboot();
    bench.run();
    let received = |status: &&UpdateStatus| status.state == Received;
    assert_eq!(bench.heard.iter().filter(received).count(), 1);
    bench.take(&order, 1).unwrap();
    bench.run();
    assert_eq!(bench.last().state, Confirmed, "it has been carried out");
}

#[test]
fn a_power_cut_after_any_step_changes_nothing_of_the_end() {
    // Without a cut it takes 70 steps or so.
    for cut in 0..90 {
        let mut bench = Bench::new("rsu-test 0.2.0 operator");
        bench.take(&bench.order(), 1).unwrap();
        let mut steps = 0;
        while bench
            .heard
            .last()
            .is_none_or(|last| last.state != Confirmed)
        {
            bench.step();
            steps += 1;
            let is_asked = bench.machine.with(|machine| machine.reboots_asked > 0);
            if steps == cut || is_asked {
                bench.reboot();
            }
            assert!(steps < 1_000, "cut after {cut}: {:?}", bench.states());
        }
        assert_eq!(
            bench.booted(),
            (1, Version::new(0, 2, 0)),
            "cut after {cut}"
        );
        for state in [Received, Verifying, WaitingForReboot, Confirming, Confirmed] {
            let told = |status: &&UpdateStatus| status.state == state;
            let count = bench.heard.iter().filter(told).count();
            assert!(count >= 1, "cut after {cut}: {state:?} was not told");
        }
    }
}

#[test]
fn what_was_not_told_is_told_after_the_reboot() {
    let mut bench = Bench::new("rsu-test 0.2.0 operator");
    bench.is_spool_working = false;
    bench.take(&bench.order(), 1).unwrap();
    bench.run();
    assert_eq!(bench.heard, []);
    bench.is_spool_working = true;
    bench.reboot();
    bench.run();
    for state in [Received, Verifying, WaitingForReboot, Rebooting, Confirmed] {
        assert!(bench.states().contains(&state), "{state:?}");
    }
}

#[test]
fn a_boot_loader_that_cannot_be_told_is_told_again() {
    let mut bench = Bench::new("rsu-test 0.2.0 operator");
    bench.install();
    bench.reboot();
    bench
        .machine
        .with(|machine| machine.mark_fault = Some("no D-Bus".into()));
    for _ in 0..100 {
        bench.step();
    }
    assert_eq!(bench.last().state, Confirming);
    bench.machine.with(|machine| machine.mark_fault = None);
    bench.run();
    assert_eq!(bench.last().state, Confirmed);
}
