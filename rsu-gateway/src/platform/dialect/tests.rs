#![allow(clippy::unwrap_used)]

mod commands;
mod envelopes;

use std::collections::{BTreeMap, BTreeSet};

use clap::ValueEnum;
use rsu_firmware::time::Span;
use rsu_firmware::uper::Profile;
use serde_json::{Value, json};

use super::samples::{Said, dialect, everything, unit};
use super::*;
use crate::platform::Unit;

/// What is said, by topic.
fn said(name: DialectName) -> BTreeMap<String, Vec<Said>> {
    let mut by_topic = BTreeMap::<_, Vec<_>>::new();
    for said in everything(name).0 {
        by_topic.entry(said.topic.clone()).or_default().push(said);
    }
    by_topic
}

fn topics(name: DialectName) -> Vec<String> {
    said(name).into_keys().collect()
}

fn refusal(error: Unreadable) -> String {
    match error {
        Unreadable::Command { refusal, .. } => refusal.text().to_owned(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_stream_is_said_in_every_dialect_that_carries_it() {
    for name in DialectName::value_variants() {
        let (said, unwritable) = everything(*name);
        let streams: BTreeSet<_> = said.iter().map(|said| said.stream.name()).collect();
        let dialect = dialect(*name);
        let carried = Stream::ALL
            .into_iter()
            .filter(|stream| dialect.carries(*stream));
        assert_eq!(streams, carried.map(Stream::name).collect(), "{name:?}");
        assert_eq!(unwritable, 0, "{name:?}");
        for said in said {
            let is_binary = said.stream == Stream::Bsm
                || (*name == DialectName::Envelope && said.stream != Stream::Heartbeat);
            let is_json = serde_json::from_slice::<Value>(&said.payload).is_ok();
            assert_eq!(is_json, !is_binary, "{said:?}");
        }
    }
}

#[test]
fn names_are_those_of_the_configuration_and_the_command_line() {
    for (text, name) in [
        ("tits-0180", DialectName::Tits0180),
        ("tits-0117", DialectName::Tits0117),
        ("openv2x", DialectName::OpenV2x),
        ("envelope", DialectName::Envelope),
    ] {
        assert_eq!(
            serde_json::from_value::<DialectName>(json!(text)).unwrap(),
            name
        );
        assert_eq!(DialectName::from_str(text, false), Ok(name));
    }
}

#[test]
fn a_unit_whose_names_do_not_fit_is_told_so() {
    let long = Unit {
        id: "123456789".parse().unwrap(),
        esn: "a/b".into(),
        ..unit()
    };
    let error = |name| {
        named(name, &long, Profile::default())
            .err()
            .unwrap()
            .to_string()
    };
    assert!(error(DialectName::Envelope).contains("\"123456789\""));
    assert!(error(DialectName::OpenV2x).contains("\"a/b\""));
}

#[test]
fn tits_0180_has_a_tree_of_topics_for_each_unit() {
    assert_eq!(
        topics(DialectName::Tits0180),
        [
            "rsu/R1/alarm/up",
            "rsu/R1/basic-status/up",
            "rsu/R1/broadcast/up",
            "rsu/R1/bsm/up",
            "rsu/R1/config/down/ack",
            "rsu/R1/gap/up",
            "rsu/R1/heartbeat/up",
            "rsu/R1/info/query/response",
            "rsu/R1/info/up",
            "rsu/R1/junction/up",
            "rsu/R1/map/down/ack",
            "rsu/R1/map/up",
            "rsu/R1/om-config/down/ack",
            "rsu/R1/presence/up",
            "rsu/R1/rsi/up",
            "rsu/R1/rsm/up",
            "rsu/R1/run-status/up",
            "rsu/R1/spat/up",
            "rsu/R1/traffic/up",
            "rsu/R1/upgrade-status/up",
            "rsu/R1/versions/up",
        ]
    );
}

#[test]
fn tits_0117_shares_topics_and_so_names_the_unit_in_the_contents() {
    let said = said(DialectName::Tits0117);
    for topic in [
        "V2X.RSU.INFO.UP",
        "V2X.RSU.BaseINFO.UP",
        "V2X.RSU.HB.UP",
        "V2X.RSU.RunningInfo.UP",
        "V2X.RSU.MAP.UP",
        "V2X.RSU.SPAT.UP",
        "V2X.RSU.RSM.UP",
        "V2X.RSU.RSI.UP",
        "V2X.RSU.OTA.UP",
        "V2X.RSU.INFOQuery.Response",
        "V2X.RSU.CONFIG.DOWN.ACK",
        "V2X.RSU.MAP.DOWN.ACK",
        "V2X.RSU.MNG.DOWN.ACK",
    ] {
        assert_eq!(said[topic][0].json()["rsuId"], "R1", "{topic}");
    }
    for (topic, said) in said {
        assert!(topic.starts_with("V2X.RSU."), "{topic}");
        if said[0].stream != Stream::Bsm {
            assert_eq!(said[0].json()["rsuId"], "R1", "{topic}");
        }
    }
}

#[test]
fn the_contents_of_both_tits_are_the_same_but_for_the_name_of_the_unit() {
    let (mut of_0180, _) = everything(DialectName::Tits0180);
    // Of units that share a topic, the broker would keep the presence of one.
    of_0180.retain(|said| said.stream != Stream::Presence);
    let (of_0117, _) = everything(DialectName::Tits0117);
    assert_eq!(of_0180.len(), of_0117.len());
    for (old, new) in of_0180.iter().zip(&of_0117) {
        if new.stream == Stream::Bsm {
            assert_eq!(old.payload, new.payload);
            continue;
        }
        let mut old = old.json();
        old["rsuId"] = "R1".into();
        assert_eq!(old, new.json());
    }
}

#[test]
fn openv2x_has_topics_for_all_units_and_for_each() {
    assert_eq!(
        topics(DialectName::OpenV2x),
        [
            "V2X/RSU/BaseINFO/UP",
            "V2X/RSU/E1/CONFIG/DOWN/ACK",
            "V2X/RSU/E1/MAP/DOWN/ACK",
            "V2X/RSU/E1/MNG/DOWN/ACK",
            "V2X/RSU/HB/UP",
            "V2X/RSU/INFO/UP",
            "V2X/RSU/INFOQuery/Response",
            "V2X/RSU/R1/MAP/UP",
            "V2X/RSU/R1/RSI/UP",
            "V2X/RSU/R1/RSM/UP",
            "V2X/RSU/R1/SPAT/UP",
            "V2X/RSU/RunningInfo/UP",
        ]
    );
    // Online for 15 s after each heartbeat.
    let max = dialect(DialectName::OpenV2x).heartbeat_interval_max();
    assert!(max < Some(Span::from_millis(15_000)));
}

#[test]
fn openv2x_has_some_contents_of_its_own() {
    let said = said(DialectName::OpenV2x);
    let content = |topic: &str| said[topic][0].json();

    let map = content("V2X/RSU/R1/MAP/UP");
    let node = &map["map"]["nodes"]["Node"];
    assert_eq!(
        node["refPos"],
        json!({"lat": "295000000", "long": "1065000000", "elevation": "2500"})
    );
    assert_eq!(
        node["inLinks"]["Link"]["lanes"]["Lane"]["maneuvers"],
        "100000000000"
    );
    assert_eq!(
        (&map["mapSlice"], &map["seqNum"]),
        (&json!("1"), &json!("1"))
    );

    assert_eq!(
        content("V2X/RSU/R1/SPAT/UP"),
        json!({"name": "Crossing", "intersections": [{
            "intersectionId": "10-7", "status": true,
            "phases": [{
                "phaseId": "33",
                "phaseStates": {"light": "red", "timing": "2026-01-01 00:00:00"},
            }],
        }]})
    );

    let rsm = content("V2X/RSU/R1/RSM/UP");
    let participants = &rsm["content"]["rsms"][0]["participants"];
    assert_eq!(participants[1]["global_track_id"], "3132333435363738-8");
    assert_eq!(participants[1]["source"], 3);

    let rsi = &said["V2X/RSU/R1/RSI/UP"];
    assert_eq!(rsi.len(), 2);
    assert_eq!(
        rsi[1].json()["rsiDatas"][0]["alertID"],
        "3132333435363738-rte-2"
    );

    let answer = &said["V2X/RSU/E1/CONFIG/DOWN/ACK"][0];
    assert_eq!(answer.json(), json!({"seqNum": "9", "errorCode": 0}));
    let statistics = said["V2X/RSU/INFOQuery/Response"][1].json();
    assert_eq!(
        (&statistics["Infotype"], &statistics["rsuEsn"]),
        (&json!(1), &json!("E1"))
    );
}
