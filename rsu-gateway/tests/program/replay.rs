//! `rsu replay`: a trace in, vehicles with their lights out, and a summary.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::time::{Duration, Instant};

use rsu_gateway::demo_broker::DemoBroker;
use serde_json::{Value, json};

use crate::data::{self, TCSAE53_2019, description, file, trace, truth};
use crate::process::{Ended, command, rsu, wait};
use crate::subscriber::{Heard, Subscriber};

/// A short trace; it follows the 2019 edition.
const SHORT: &str = "arterial-2019";

fn replay_short(arguments: &[&str]) -> Ended {
    let profile = ["replay", &trace(SHORT), "--profile", TCSAE53_2019];
    rsu(&[&profile, arguments].concat())
}

/// The figures of a summary by their names.
fn figures(summary: &str) -> BTreeMap<&str, u64> {
    let lines = summary.lines().filter_map(|line| line.strip_prefix("  "));
    let figure = |line: &'_ str| {
        line.rsplit_once(' ')
            .map(|(_, figure)| figure.parse().unwrap())
    };
    lines
        .map(|line| (line.split(' ').next().unwrap(), figure(line).unwrap()))
        .collect()
}

fn of_type<'l>(lines: &'l [Value], name: &str) -> Vec<&'l Value> {
    lines.iter().filter(|line| line["type"] == name).collect()
}

#[test]
fn the_summary_tells_kinds_drops_and_speed() {
    let replayed = replay_short(&[]).succeeded();
    assert_eq!(replayed.stdout, "");
    let summary = &replayed.stderr;
    let described = description(SHORT);
    assert!(
        summary.contains(&format!("{} packets, 20.0 s", described["packets"])),
        "{summary}"
    );
    assert!(summary.contains(" frames/s"), "{summary}");
    let figures = figures(summary);
    assert_eq!(json!(figures["bsm"]), described["bsm"]);
    let others = ["map", "spat", "rsi", "rsm", "opaque"];
    let others: u64 = others.iter().map(|kind| figures[kind]).sum();
    assert_eq!(json!(figures["bsm"] + others), described["packets"]);
    // The first SPAT comes before the first MAP.
    assert_eq!(figures["signals_unknown_junction"], 1);
    assert_eq!(figures.len(), 7, "{summary}");
}

#[test]
fn every_bsm_becomes_a_vehicle_under_the_number_of_its_packet() {
    let lines = replay_short(&["--json"]).succeeded().json_lines();
    let vehicles = of_type(&lines, "vehicle");
    let truth = truth(SHORT);
    assert_eq!(vehicles.len(), truth.len());
    let mut links_right = 0;
    for (vehicle, (packet, link)) in vehicles.iter().zip(&truth) {
        assert_eq!(vehicle["packet"], json!(packet));
        links_right += usize::from(vehicle["link"]["id"].as_u64() == *link);
    }
    assert!(links_right * 1_000 >= vehicles.len() * 995, "{links_right}");
}

#[test]
fn a_vehicle_is_told_in_the_members_that_programs_rely_on() {
    let lines = replay_short(&["--json"]).succeeded().json_lines();
    let mut with_light = 0;
    for vehicle in of_type(&lines, "vehicle") {
        let time = vehicle["time"].as_f64().unwrap();
        assert!(
            (1_700_000_000.0..1_700_000_100.0).contains(&time),
            "{vehicle}"
        );
        let id = vehicle["id"].as_str().unwrap();
        assert!(
            id.len() == 16 && id.bytes().all(|digit| digit.is_ascii_hexdigit()),
            "{vehicle}"
        );
        let confidence = vehicle["laneConfidence"].as_f64().unwrap();
        assert!((0.0..=1.0).contains(&confidence), "{vehicle}");
        assert!(vehicle["speed"].as_f64().unwrap() >= 0.0, "{vehicle}");
        let signals = vehicle["signals"].as_array().unwrap();
        if vehicle["link"].is_null() {
            assert!(
                vehicle["lane"].is_null() && vehicle["distanceToStop"].is_null(),
                "{vehicle}"
            );
            assert!(signals.is_empty(), "{vehicle}");
            continue;
        }
        assert_eq!(vehicle["link"]["region"], 500);
        assert!(vehicle["link"]["id"].is_u64(), "{vehicle}");
        assert!(
            vehicle["lane"].is_u64() && vehicle["distanceToStop"].is_f64(),
            "{vehicle}"
        );
        for signal in signals {
            assert!(signal["phaseId"].is_u64(), "{vehicle}");
            assert!(signal["light"].is_string(), "{vehicle}");
            with_light += usize::from(signal["timeToChange"].is_f64());
        }
    }
    assert!(with_light > 1_000, "{with_light}");
}

/// The profile is configured and never guessed; what the bytes then mean is nothing, or wrong.
#[test]
fn the_wrong_profile_is_counted_and_stops_nothing() {
    let replayed = rsu(&["replay", &trace(SHORT), "--json"]).succeeded();
    let lines = replayed.json_lines();
    let described = description(SHORT);
    let kinds = ["vehicle", "message", "dropped"].map(|kind| of_type(&lines, kind).len());
    assert_eq!(json!(kinds.iter().sum::<usize>()), described["packets"]);
    assert_eq!(
        json!(kinds[0]),
        described["bsm"],
        "both editions have the same BSM"
    );
    let dropped = of_type(&lines, "dropped");
    assert!(!dropped.is_empty(), "{}", replayed.stderr);
    let figures = figures(&replayed.stderr);
    let mut reasons = BTreeMap::new();
    for line in dropped {
        *reasons.entry(line["reason"].as_str().unwrap()).or_insert(0) += 1;
        assert!(
            line["error"]["bit"].is_u64() && line["error"]["field"].is_string(),
            "{line}"
        );
    }
    for (reason, count) in reasons {
        assert_eq!(figures[reason], count, "{}", replayed.stderr);
    }
    let no_geometry = of_type(&lines, "vehicle")
        .iter()
        .all(|vehicle| vehicle["link"].is_null());
    assert!(
        no_geometry,
        "geometry of another edition must not be believed"
    );
}

#[test]
fn a_trace_that_cannot_be_opened_is_named() {
    let reason = rsu(&["replay", "/no/such.pcapng"]).failed();
    assert!(reason.starts_with("/no/such.pcapng: "), "{reason}");
    let folder = data::folder("replay-folder");
    let reason = rsu(&["replay", folder.to_str().unwrap()]).failed();
    assert!(reason.contains("replay-folder"), "{reason}");
}

#[test]
fn a_file_that_is_no_trace_is_refused_at_its_first_byte() {
    let text = file("replay-text", "BSM, SPAT and MAP\n");
    let ended = rsu(&["replay", &text, "--json"]);
    assert_eq!(ended.stdout, "");
    let reason = ended.failed();
    assert!(
        reason.contains("byte 0: neither pcap nor pcapng"),
        "{reason}"
    );
    let empty = file("replay-empty", "");
    rsu(&["replay", &empty]).failed();
}

#[test]
fn what_lies_before_a_fault_is_delivered_before_the_fault_is_told() {
    let whole = replay_short(&["--json"]).succeeded();
    let mut capture = fs::read(trace(SHORT)).unwrap();
    capture.truncate(capture.len() / 2);
    let cut = file("replay-cut", &capture);
    let ended = rsu(&["replay", &cut, "--json", "--profile", TCSAE53_2019]);
    assert!(
        whole.stdout.starts_with(&ended.stdout),
        "the same up to the fault"
    );
    assert!(ended.stdout.lines().count() > 1_000);
    assert!(
        ended.stderr.contains("messages:"),
        "the summary is told all the same"
    );
    let reason = ended.failed();
    let (_, rest) = reason
        .split_once(", byte ")
        .unwrap_or_else(|| panic!("{reason}"));
    let (offset, _) = rest.split_once(": the file ends inside").unwrap();
    let offset: usize = offset.parse().unwrap();
    assert!(
        (capture.len() - 4_096..capture.len()).contains(&offset),
        "{reason}"
    );
}

#[test]
fn the_recorded_pace_is_that_of_the_recording() {
    // The 20 s of the trace, 40 times as fast; it may take longer, but not less.
    let started = Instant::now();
    let replayed = replay_short(&["--pace", "40"]).succeeded();
    assert!(
        started.elapsed() >= Duration::from_millis(499),
        "{:?}",
        started.elapsed()
    );
    assert!(
        replayed.stderr.contains("20.0 s recorded"),
        "{}",
        replayed.stderr
    );
}

#[test]
fn frames_without_the_adaptation_byte_are_told_so() {
    let replayed = replay_short(&["--no-adaptation"]).succeeded();
    let figures = figures(&replayed.stderr);
    assert_eq!(
        json!(figures["reserved_bits"]),
        description(SHORT)["packets"]
    );
}

#[test]
fn a_reader_that_has_seen_enough_ends_the_replay_in_peace() {
    let mut child = command(&["replay", &trace("arterial"), "--json"])
        .spawn()
        .unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    stdout.read_line(&mut line).unwrap();
    drop(stdout);
    let code = wait(&mut child);
    let stderr = std::io::read_to_string(child.stderr.take().unwrap()).unwrap();
    assert_eq!((code, &*stderr), (Some(0), ""));
}

#[tokio::test]
async fn a_replay_reports_to_a_platform() {
    let broker = DemoBroker::start().await.unwrap();
    let mut city = Subscriber::connect(broker.address()).await;
    let url = format!("mqtt://{}", broker.address());
    let replayed = tokio::task::spawn_blocking(move || {
        replay_short(&["--pace", "20", "--mqtt", &url, "--rsu-id", "R1"])
    });
    let mut heard = Heard::default();
    let topics = ["info", "map", "spat", "bsm", "junction"].map(|name| format!("rsu/R1/{name}/up"));
    city.hear_until(&mut heard, |heard| {
        topics.iter().all(|topic| !heard.payloads(topic).is_empty())
    })
    .await;
    let summary = replayed.await.unwrap().succeeded().stderr;
    let figures = figures(&summary);
    assert!(figures["junction"] > 0 && figures["bsm"] > 0, "{summary}");
    assert!(summary.contains("0 still waiting"), "{summary}");
}

#[test]
fn a_replay_does_not_hang_on_a_broker_that_is_not_there() {
    // Nobody listens on the port of an address that is bound but does not listen.
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let url = format!("mqtt://{}", socket.local_addr().unwrap());
    let replayed = replay_short(&["--mqtt", &url]).succeeded();
    assert!(
        replayed.stderr.contains("never connected"),
        "{}",
        replayed.stderr
    );
}
