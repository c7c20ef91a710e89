//! Updates as the platform orders them: over MQTT, from a server that breaks off.

use std::time::Instant;

use serde_json::{Value, json};

use crate::fixture::{FIRST, NEWEST, NEXT, fixture};
use crate::server::Server;
use crate::unit::{Emulated, FALL_BACK_TIME_MAX, UPDATE_TIME_MAX};

#[test]
#[ignore = "minutes of emulation"]
fn an_ordered_update_is_confirmed_and_one_that_loses_the_uplink_falls_back_and_says_why() {
    let mut unit = Emulated::at_work();
    order(&unit, 1, NEXT);
    let confirmed = wait_for_state(&unit, NEXT, "confirmed");
    assert_eq!(confirmed["upgradeSeqNum"], "1");
    assert_eq!(unit.slot_and_version(), ("B".into(), NEXT.into()));
    assert_eq!(
        states(&unit, NEXT),
        [
            "received",
            "downloading",
            "verifying",
            "installing",
            "waitingForReboot",
            "rebooting",
            "confirming",
            "confirmed"
        ]
    );
    let answer = &unit.reports("upgrade/down/ack")[0].json;
    assert_eq!(answer["errorCode"], 0, "{answer}");

    // An older version is refused at once.
    publish(&unit, 2, FIRST, "http://10.0.2.2:1/never-fetched");
    let refusal = unit.wait_for("refusal", UPDATE_TIME_MAX, |unit| {
        unit.reports("upgrade/down/ack").get(1).cloned()
    });
    assert_eq!(refusal.json["errorCode"], 1, "{}", refusal.json);
    let told = refusal.json["errorDesc"].as_str().unwrap().to_owned();
    assert!(told.contains("updateVersion"), "{told}");

    order(&unit, 3, NEWEST);
    wait_for_state(&unit, NEWEST, "rebooting");
    let rebooting = Instant::now();
    unit.broker.stop();
    let slot_before = ("B".into(), NEXT.into());
    unit.wait_for("trial", FALL_BACK_TIME_MAX, |unit| {
        (unit.try_slot_and_version()? == ("A".into(), NEWEST.into())).then_some(())
    });
    unit.wait_for("fall-back", FALL_BACK_TIME_MAX, |unit| {
        (unit.try_slot_and_version()? == slot_before).then_some(())
    });
    let took = rebooting.elapsed();
    println!("the version without uplink fell back in {took:?}");
    assert!(took < FALL_BACK_TIME_MAX, "fell back after {took:?}");

    unit.broker.start_again();
    let rolled_back = wait_for_state(&unit, NEWEST, "rolledBack");
    let reason = rolled_back["reason"].as_str().unwrap().to_owned();
    assert!(reason.contains("uplink: not connected"), "{reason}");
}

/// Orders an update, whose server breaks off in the middle.
fn order(unit: &Emulated, number: u32, version: &str) {
    let server = Server::start(&fixture().bundle(version));
    publish(unit, number, version, &server.url());
}

fn publish(unit: &Emulated, number: u32, version: &str, url: &str) {
    unit.broker.publish(
        "rsu/R1/upgrade/down",
        &json!({
            "seqNum": number.to_string(), "updateVersion": version, "downloadUrl": url,
            "Updatetime": 0, "ack": true,
        }),
    );
}

fn statuses(unit: &Emulated, version: &str) -> Vec<Value> {
    let statuses = unit.reports("upgrade-status/up").into_iter();
    statuses
        .map(|report| report.json)
        .filter(|status| status["updateVersion"] == version)
        .collect()
}

/// The states in their order, without repetitions: progress is told often, and at least once.
fn states(unit: &Emulated, version: &str) -> Vec<String> {
    let statuses = statuses(unit, version).into_iter();
    let mut states: Vec<_> = statuses
        .map(|status| status["state"].as_str().unwrap_or_default().to_owned())
        .collect();
    states.dedup();
    states
}

fn wait_for_state(unit: &Emulated, version: &str, state: &str) -> Value {
    unit.wait_for(state, UPDATE_TIME_MAX, |unit| {
        let mut statuses = statuses(unit, version).into_iter();
        statuses.find(|status| {
            assert_ne!(status["state"], "failed", "{status}");
            status["state"] == state
        })
    })
}
