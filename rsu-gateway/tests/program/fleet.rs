//! `rsu fleet`: many units at one broker, and what a subscriber hears of them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;
use tests::mosquitto::Mosquitto;

use crate::data::{self, TCSAE53_2019, trace};
use crate::process::{Ended, rsu};
use crate::subscriber::{Heard, Subscriber};

/// A short trace; it follows the 2019 edition.
const SHORT: &str = "arterial-2019";

/// Plays the short trace; what is left out of `arguments` are units and broker.
fn fleet(units: u16, broker: &str, arguments: &[&str]) -> Ended {
    let (units, trace) = (units.to_string(), trace(SHORT));
    let command = ["fleet", "--units", &units, "--mqtt", broker, &trace];
    rsu(&[&command, &["--profile", TCSAE53_2019][..], arguments].concat())
}

/// `made`, `heard` and `lost` of each stream in a summary.
fn streams(summary: &str) -> BTreeMap<&str, [u64; 3]> {
    let table = summary
        .lines()
        .skip_while(|line| !line.starts_with("stream"));
    let rows = table.skip(1).map_while(|line| {
        let fields: Vec<&str> = line.split_ascii_whitespace().collect();
        let number = |place: usize| fields.get(place)?.parse().ok();
        Some((fields[0], [number(1)?, number(2)?, number(8)?]))
    });
    rows.collect()
}

#[tokio::test]
async fn every_unit_is_a_unit_of_its_own_and_nothing_is_lost() {
    let broker = Mosquitto::start("");
    let address = format!("mqtt://{}", broker.address());
    let mut client = Subscriber::connect(broker.address()).await;
    let playing = tokio::task::spawn_blocking(move || {
        fleet(3, &address, &["--duration", "4", "--rate", "2"])
    });
    let mut heard = Heard::default();
    let topic = |unit: u32| format!("rsu/fleet-000{unit}/junction/up");
    client
        .hear_until(&mut heard, |heard| {
            (1..=3).all(|unit| heard.payloads(&topic(unit)).len() >= 4)
        })
        .await;

    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs_f64();
    let (mut nodes, mut vehicles) = (BTreeSet::new(), BTreeSet::new());
    for unit in 1..=3 {
        let junction: Value = heard.json(&topic(unit)).pop().unwrap();
        assert_eq!(junction["rsuId"], format!("fleet-000{unit}"));
        nodes.insert(junction["node"]["region"].as_u64().unwrap());
        let made = junction["timeMs"].as_f64().unwrap() / 1_000.0;
        assert!((now - made).abs() < 60.0, "{made}");
        let ids = junction["vehicles"].as_array().unwrap();
        vehicles.extend(ids.iter().map(|vehicle| vehicle["id"].to_string()));
        let status = &heard.json(&format!("rsu/fleet-000{unit}/basic-status/up"))[0];
        assert!(status.to_string().contains("106."), "a longitude: {status}");
    }
    assert_eq!(nodes, BTreeSet::from([500, 501, 502]));
    assert!(vehicles.len() > 3, "{vehicles:?}");

    let ended = playing.await.unwrap().succeeded();
    let summary = &ended.stdout;
    assert!(
        summary.contains("3 of 3 units connected, 0 connections lost"),
        "{summary}"
    );
    assert!(summary.contains("MB a unit"), "{summary}");
    let streams = streams(summary);
    for stream in ["junction", "spat", "bsm", "map", "presence", "all"] {
        let [made, heard, lost] = streams[stream];
        assert!(
            made > 0 && heard == made && lost == 0,
            "{stream}: {summary}"
        );
    }
    // Two a second of each unit, for four seconds and what it takes to begin and end.
    assert!((20..60).contains(&streams["junction"][0]), "{summary}");
}

/// A broker that takes everything and passes on nothing of the second unit.
#[test]
fn what_the_broker_does_not_pass_on_is_lost_and_a_failure() {
    let rules = data::file(
        "fleet-acl",
        "topic read #\ntopic write rsu/fleet-0001/#\ntopic write rsu-fleet-subscriber/#\n",
    );
    // mosquitto may have dropped its privileges.
    let broker = Mosquitto::start(&format!("acl_file {rules}"));
    let address = format!("mqtt://{}", broker.address());
    let ended = fleet(2, &address, &["--duration", "2"]);
    let streams = streams(&ended.stdout);
    let [made, heard, lost] = streams["all"];
    assert!(
        heard > 0 && lost > 0 && heard + lost == made,
        "{}",
        ended.stdout
    );
    let why = ended.failed();
    assert!(
        why.contains(&format!(
            "{lost} of {made} publishes were lost, of 1 units: "
        )),
        "{why}"
    );
}

#[test]
fn a_broker_that_cannot_be_reached_is_named() {
    let why = fleet(2, "mqtt://127.0.0.1:1", &[]).failed();
    assert!(why.contains("mqtt://127.0.0.1:1: "), "{why}");
    assert!(why.contains("is the broker running"), "{why}");
}

#[test]
fn a_trace_that_cannot_be_played_is_named() {
    let broker = "mqtt://127.0.0.1:1";
    let play = |trace: &str| rsu(&["fleet", "--units", "1", "--mqtt", broker, trace]).failed();
    let why = play("no-such-trace.pcapng");
    assert!(why.contains("no-such-trace.pcapng: No such file"), "{why}");
    let text = data::file("fleet-no-trace", "no trace");
    assert!(play(&text).contains("neither pcap nor pcapng"));
    let first_block = &fs::read(trace(SHORT)).unwrap()[..28];
    let empty = data::file("fleet-empty-trace", first_block);
    assert!(
        play(&empty).contains("there is no frame in it"),
        "{}",
        play(&empty)
    );
}

#[test]
fn too_few_open_files_are_told_with_what_helps() {
    let rsu = env!("CARGO_BIN_EXE_rsu");
    let limited = Command::new("sh")
        .args(["-c", "ulimit -n 100 && exec \"$@\"", "sh", rsu])
        .args([
            "fleet",
            "--units",
            "500",
            "--mqtt",
            "mqtt://127.0.0.1:1",
            &trace(SHORT),
        ])
        .output()
        .unwrap();
    assert_eq!(limited.status.code(), Some(1));
    let why = String::from_utf8(limited.stderr).unwrap();
    assert!(
        why.contains("500 units need 564 open files, and the limit is 100"),
        "{why}"
    );
    assert!(why.contains("ulimit -n 564"), "{why}");
}
