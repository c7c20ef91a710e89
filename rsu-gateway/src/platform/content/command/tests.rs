#![allow(clippy::unwrap_used)]

use serde_json::json;

use super::*;
use crate::downlink::{InformationInterval, InformationSubject, LogLevel, SamplingChange};
use crate::platform::sampling::{Limit, Rate, SampleMode};
use rsu_firmware::time::Span;

fn read(kind: CommandKind, payload: Value) -> Downlink {
    read_command(kind, payload.to_string().as_bytes()).unwrap_or_else(|error| panic!("{error}"))
}

fn refusal(kind: CommandKind, payload: &str) -> String {
    match read_command(kind, payload.as_bytes()) {
        Err(Unreadable::Command { refusal, .. }) => refusal.text().to_owned(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_configuration_in_both_spellings_with_numbers_as_text() {
    let down = read(
        CommandKind::Sampling,
        json!({
            "bsmConfig": {"sampleMode": "ByID", "sampleRate": "10", "upLimit": 500, "upFilters": []},
            "rsiConfig": {"upFilters": null},
            "spatConfig": {"upLimit": -1},
            "mapconfig": {"upLimit": "0", "upFilters": ""},
            "ack": "true", "seqNum": 12, "vendor": {"extra": 1},
        }),
    );
    assert_eq!(down.seq_num.unwrap().as_ref(), "12");
    assert!(down.wants_answer);
    let wanted = SamplingChange {
        bsm_mode: Some(SampleMode::ByID),
        bsm_rate: Rate::new(10),
        bsm_up_limit: Rate::new(500),
        map_up: Some(Limit::PerSecond(Rate::NONE)),
        spat_up: Some(Limit::Unlimited),
        rsm_up: None,
    };
    assert_eq!(down.command, Command::Sampling(wanted));
}

#[test]
fn what_is_known_must_be_as_the_draft_says() {
    let sampling = |payload| refusal(CommandKind::Sampling, payload);
    assert_eq!(
        sampling(r#"{"bsmConfig":{"sampleMode":"ByLuck"}}"#),
        "bsmConfig.sampleMode: unknown variant `ByLuck`, expected `ByAll` or `ByID`"
    );
    assert_eq!(
        sampling(r#"{"rsmConfig":{"upLimit":"many"}}"#),
        "rsmConfig.upLimit: \"many\" is no integer"
    );
    assert_eq!(
        sampling(r#"{"spatConfig":{"upLimit":-2}}"#),
        "spatConfig.upLimit: -2 is not within -1..=10000 messages per second"
    );
    assert_eq!(
        sampling(r#"{"rsiConfig":{"upFilters":[{"eventType":1}]}}"#),
        "rsiConfig.upFilters: filters are not supported"
    );
    assert!(sampling(r#"{"spatConfig":7}"#).starts_with("spatConfig: invalid type"));
    assert_eq!(sampling("[]"), "the payload is no JSON object");
    assert!(sampling("{").starts_with("the payload: EOF"));
    assert_eq!(sampling(r#"{"ack":2}"#), "ack: 2 is neither 0 nor 1");
    assert_eq!(
        sampling(r#"{"seqNum":""}"#),
        "seqNum: 0 characters, not 1 to 64"
    );
    assert_eq!(
        sampling(r#"{"seqNum":{}}"#),
        "seqNum: neither text nor a number"
    );
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(sampling(&deep).contains("recursion limit"));
}

#[test]
fn a_refusal_carries_the_number_of_its_command() {
    let payload = br#"{"seqNum":"9","bsmConfig":{"upLimit":-1}}"#;
    match read_command(CommandKind::Sampling, payload) {
        Err(Unreadable::Command { seq_num, .. }) => assert_eq!(seq_num.unwrap().as_ref(), "9"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn operations_in_both_spellings() {
    let operations = |payload| match read(CommandKind::Operations, payload).command {
        Command::Operations(operations) => operations,
        other => panic!("{other:?}"),
    };
    let draft = operations(json!({
        "HBRate": "30", "RunningInfoRate": 0, "logLevel": "NOLog", "reboot": "1",
        "addressChg": {"cssUrl": "mqtt://b", "time": 1_800_000_000}, "extendConfig": "",
    }));
    assert_eq!(draft.heartbeat_interval, Some(Span::from_millis(30_000)));
    assert_eq!(draft.running_information_interval, Some(Span::default()));
    assert_eq!(draft.log_level, Some(LogLevel::Off));
    assert!(draft.reboot);
    let address = draft.address_change.unwrap();
    assert_eq!(address.at_ms, Some(1_800_000_000_000), "seconds, if so few");
    let openv2x = operations(json!({
        "hbRate": 60, "runningInfoRate": 60, "logLevel": "INFO", "reboot": false,
        "addressChg": {"cssUrl": "", "time": 0},
    }));
    assert_eq!(openv2x.heartbeat_interval, Some(Span::from_millis(60_000)));
    assert!(!openv2x.reboot && openv2x.address_change.is_none());
    let error = |payload| refusal(CommandKind::Operations, payload);
    assert_eq!(
        error(r#"{"HBRate":86401}"#),
        "HBRate: 86401 is not within 0..=86400 s"
    );
    assert_eq!(error(r#"{"reboot":7}"#), "reboot: 7 is neither 0 nor 1");
    assert_eq!(
        error(r#"{"extendConfig":{"a":1}}"#),
        "extendConfig: not supported"
    );
    assert_eq!(
        error(r#"{"addressChg":{}}"#),
        "addressChg: missing field `cssUrl`"
    );
}

#[test]
fn queries() {
    let command = |kind, payload| read(kind, payload).command;
    match command(
        CommandKind::Information,
        json!({"InfoId": "2", "Interval": 1}),
    ) {
        Command::Information(query) => {
            assert_eq!(query.subject, InformationSubject::Devices);
            assert_eq!(query.interval, InformationInterval::LastDay);
        }
        other => panic!("{other:?}"),
    }
    match command(
        CommandKind::LogUpload,
        json!({"uploadUrl": "http://h/p", "UserId": "u", "password": "p"}),
    ) {
        Command::LogUpload(upload) => assert_eq!(upload.login, Some(("u".into(), "p".into()))),
        other => panic!("{other:?}"),
    }
    let records = json!({"class": "durable", "from": 3, "to": "5"});
    match command(CommandKind::Records, records) {
        Command::Records(query) => assert_eq!((query.from, query.to), (3, 5)),
        other => panic!("{other:?}"),
    }
    assert_eq!(
        refusal(
            CommandKind::Records,
            r#"{"class":"durable","from":9,"to":5}"#
        ),
        "to: 5 is below from, 9"
    );
    assert_eq!(
        refusal(CommandKind::Information, r#"{"InfoId":3}"#),
        "InfoId: 3 is not within 0..=2"
    );
    let empty = read_command(CommandKind::Versions, b"").unwrap();
    assert_eq!(empty, Downlink::new(Command::Versions));
}

#[test]
fn who_is_meant_and_how_long() {
    let down = read(
        CommandKind::Versions,
        json!({"rsuId": "R1", "rsuEsn": "E1", "timestamp": "1767225600000", "expires": 1}),
    );
    assert_eq!(down.addressee.rsu_id.as_deref(), Some("R1"));
    assert_eq!(down.addressee.rsu_esn.as_deref(), Some("E1"));
    assert_eq!(down.issued, Some(Timestamp::from_millis(1_767_225_600_000)));
    assert_eq!(down.expires, Some(Timestamp::from_millis(1)));
}
