//! What comes down in JSON.

use clap::ValueEnum;
use proptest::collection::vec;
use proptest::prelude::*;
use rsu_firmware::time::Span;
use serde_json::{Value, json};

use super::super::samples::{NOW, command, dialect};
use super::super::{DialectName, Report, Stream};
use super::refusal;
use crate::downlink::{Answer, Command, CommandKind, Downlink, InformationSubject, Unreadable};

const JSON_DIALECTS: [DialectName; 3] = [
    DialectName::Tits0180,
    DialectName::Tits0117,
    DialectName::OpenV2x,
];

fn read(name: DialectName, topic: &str, payload: &Value) -> Result<Downlink, Unreadable> {
    dialect(name).read(topic, payload.to_string().as_bytes())
}

/// The topics of the three JSON dialects for the same kinds of command.
const COMMANDS: [(CommandKind, [&str; 3]); 7] = [
    (
        CommandKind::Sampling,
        [
            "rsu/R1/config/down",
            "V2X.RSU.CONFIG.DOWN",
            "V2X/RSU/E1/CONFIG/DOWN",
        ],
    ),
    (
        CommandKind::Map,
        ["rsu/R1/map/down", "V2X.RSU.MAP.DOWN", "V2X/RSU/E1/MAP/DOWN"],
    ),
    (
        CommandKind::Rsi,
        ["rsu/R1/rsi/down", "V2X.RSU.RSI.DOWN", "V2X/RSU/E1/RSI/DOWN"],
    ),
    (
        CommandKind::Rsm,
        ["rsu/R1/rsm/down", "V2X.RSU.RSM.DOWN", "V2X/RSU/E1/RSM/DOWN"],
    ),
    (
        CommandKind::Operations,
        [
            "rsu/R1/om-config/down",
            "V2X.RSU.MNG.DOWN",
            "V2X/RSU/E1/MNG/DOWN",
        ],
    ),
    (
        CommandKind::Information,
        [
            "rsu/R1/info/query",
            "V2X.RSU.INFOQuery",
            "V2X/RSU/E1/INFOQuery",
        ],
    ),
    (
        CommandKind::LogUpload,
        ["rsu/R1/log/down", "V2X.RSU.Log.UP", "V2X/RSU/E1/Log/UP"],
    ),
];

#[test]
fn the_same_command_is_read_the_same_in_every_dialect() {
    for (kind, topics) in COMMANDS {
        let read = |name: DialectName, topic| {
            let downlink = read(name, topic, &command(kind));
            downlink.unwrap_or_else(|error| panic!("{topic}: {error}"))
        };
        let expected = read(JSON_DIALECTS[0], topics[0]);
        assert_eq!(expected.command.kind(), kind);
        assert!(expected.wants_answer);
        for (name, topic) in JSON_DIALECTS.into_iter().zip(topics) {
            assert_eq!(read(name, topic), expected, "{topic}");
        }
    }
}

#[test]
fn every_command_of_a_contract_is_subscribed_to_and_answered_at_its_topic() {
    for name in JSON_DIALECTS {
        let dialect = dialect(name);
        for topic in dialect.downlink_filters() {
            match dialect.read(&topic, b"[]") {
                Err(Unreadable::Command { kind, .. }) => {
                    let answer = Answer {
                        kind,
                        seq_num: None,
                        refusal: None,
                    };
                    let answer_topic = dialect.topics().of(&Report::Answer(&answer)).unwrap();
                    let suffix = answer_topic.strip_prefix(&topic).unwrap();
                    assert!(matches!(suffix, "/ack" | ".ACK" | "/ACK"), "{answer_topic}");
                }
                Err(Unreadable::Acknowledgement(_)) => {
                    assert!(topic.to_lowercase().ends_with("ack"), "{topic}");
                }
                // What comes to all units of OpenV2X says nothing.
                Ok(downlink) => assert_eq!(downlink.command, Command::Introduction),
                Err(Unreadable::UnknownTopic) => panic!("{topic}"),
            }
        }
    }
}

#[test]
fn the_platform_acknowledges_info_map_and_rsi() {
    let acknowledgement = json!({"seqNum": "12", "errorCode": 0});
    for (name, topics) in [
        (
            DialectName::Tits0180,
            [
                "rsu/R1/info/up/ack",
                "rsu/R1/map/up/ack",
                "rsu/R1/rsi/up/ack",
            ],
        ),
        (
            DialectName::Tits0117,
            [
                "V2X.RSU.INFO.UP.ACK",
                "V2X.RSU.MAP.UP.ACK",
                "V2X.RSU.RSI.UP.ACK",
            ],
        ),
    ] {
        for (topic, stream) in topics
            .into_iter()
            .zip([Stream::Info, Stream::Map, Stream::Rsi])
        {
            match read(name, topic, &acknowledgement).unwrap().command {
                Command::Acknowledgement(read) => {
                    assert_eq!((read.stream, read.seq_num), (stream, 12));
                }
                other => panic!("{other:?}"),
            }
        }
    }
}

#[test]
fn what_is_for_others_is_no_topic_of_ours() {
    for (name, topic) in [
        (DialectName::Tits0180, "rsu/R2/config/down"),
        (DialectName::Tits0180, "rsu/R1/config/down/ack"),
        (DialectName::Tits0117, "V2X/RSU/CONFIG/DOWN"),
        (DialectName::OpenV2x, "V2X/RSU/E2/CONFIG/DOWN"),
        (DialectName::Envelope, "V2X.RSU.MAP.R2.DOWN"),
    ] {
        let error = read(name, topic, &command(CommandKind::Sampling)).unwrap_err();
        assert_eq!(error, Unreadable::UnknownTopic, "{topic}");
    }
    // The topics are shared, the contents tell.
    let mut elsewhere = command(CommandKind::Sampling);
    for (member, name) in [("rsuId", "R2"), ("rsuEsn", "E2")] {
        elsewhere[member] = name.into();
        let error = read(DialectName::Tits0117, "V2X.RSU.CONFIG.DOWN", &elsewhere).unwrap_err();
        assert_eq!(error, Unreadable::UnknownTopic);
        elsewhere[member] = Value::Null;
    }
    elsewhere["rsuId"] = "R1".into();
    assert!(read(DialectName::Tits0117, "V2X.RSU.CONFIG.DOWN", &elsewhere).is_ok());
}

#[test]
fn what_openv2x_says_differently_is_understood() {
    let read = |topic: &str, payload| read(DialectName::OpenV2x, topic, &payload).unwrap();

    let operations = read(
        "V2X/RSU/E1/MNG/DOWN",
        json!({
            "rsuName": "n", "rsuEsn": "E1", "protocolVersion": "V1.0", "hbRate": 7,
            "runningInfoRate": 0, "addressChg": {"cssUrl": "", "time": 0}, "logLevel": "NOLog",
            "reboot": 0, "extendConfig": "",
        }),
    );
    assert!(matches!(
        operations.command,
        Command::Operations(o) if o.heartbeat_interval == Some(Span::from_millis(7_000))
    ));

    let query = read(
        "V2X/RSU/E1/INFOQuery",
        json!({
            "rsuId": "R1", "rsuEsn": "E1", "timestamp": 1_767_225_600, "protocolVersion": "V1.0",
            "infoId": 0, "interval": 1, "ack": true, "seqNum": "4",
        }),
    );
    assert_eq!(query.issued, Some(NOW), "seconds there");
    assert!(matches!(
        query.command,
        Command::Information(q) if q.subject == InformationSubject::RunningInformation
    ));

    let position = json!({"lat": 319_353_853, "lon": 1_188_218_217});
    let rsi = read(
        "V2X/RSU/E1/RSI/DOWN",
        json!({
            "rsiSourceType": "integrated", "rsiSourceId": "CmRa1635",
            "rsiDatas": [{
                "alertID": "1", "duration": 0, "eventStatus": true,
                "timeStamp": "2022-05-20T03:18:23.500Z", "eventClass": "AbnormalTraffic",
                "eventType": 707, "eventSource": "detection", "eventPosition": position,
            }],
        }),
    );
    assert!(matches!(
        rsi.command,
        Command::Rsi(rsi) if rsi.alert.alert_id == "1" && rsi.alert.event_position.len() == 1
    ));

    let participant = json!({
        "ptcType": "motor", "ptcId": 6, "global_track_id": "ad6de", "source": 3, "secMark": 43_500,
        "pos": {"lat": 319_352_212, "lon": 1_188_230_488, "ele": null}, "speed": 393,
        "heading": 21_144, "lane": "eastin_4",
    });
    let rsm = read(
        "V2X/RSU/E1/RSM/DOWN",
        json!({"name": null, "id": null, "content": {"rsms": [{
            "refPos": {"lat": 319_348_466, "lon": 1_188_213_963, "ele": null},
            "participants": [participant],
        }]}}),
    );
    assert!(matches!(rsm.command, Command::Rsm(rsm) if rsm.messages.len() == 1));

    let introduction = dialect(DialectName::OpenV2x)
        .read("V2X/RSU/REG/TICE", b"[{}]")
        .unwrap();
    assert_eq!(introduction.command, Command::Introduction);
}

#[test]
fn what_openv2x_says_wrongly_is_told() {
    let error =
        |topic: &str, payload| refusal(read(DialectName::OpenV2x, topic, &payload).unwrap_err());
    let two = error("V2X/RSU/E1/RSI/DOWN", json!({"rsiDatas": [{}, {}]}));
    assert!(two.contains("2 events in rsiDatas"), "{two}");
    let map = error(
        "V2X/RSU/E1/MAP/DOWN",
        json!({
            "mapSlice": "1", "eTag": "a", "map": {"nodes": {"Node": {"id": {"id": "7"}}}},
        }),
    );
    assert!(map.contains("refPos"), "{map}");
    let rsm = error("V2X/RSU/E1/RSM/DOWN", json!({"content": {}}));
    assert!(rsm.contains("rsms"), "{rsm}");
}

proptest! {
    #[test]
    fn no_bytes_on_any_topic_are_too_much(
        topic in any::<prop::sample::Index>(),
        payload in vec(any::<u8>(), 0..200),
        text in "[\\[\\]{}\":,a-z0-9 -]{0,60}",
    ) {
        for name in DialectName::value_variants() {
            let dialect = dialect(*name);
            let filters = dialect.downlink_filters();
            let topic = topic.get(&filters);
            let _ = dialect.read(topic, &payload);
            let _ = dialect.read(topic, text.as_bytes());
            let _ = dialect.read(&text, &payload);
            let enveloped = [b"R1\0\0\0\0\0\0", &[0; 8][..], &[payload.len() as u8, 0], &payload].concat();
            let _ = dialect.read(topic, &enveloped);
        }
    }

    #[test]
    fn no_member_of_a_command_is_too_strange(
        (kind, topics) in prop::sample::select(COMMANDS.to_vec()),
        at in any::<prop::sample::Index>(),
        strange in prop::sample::select(vec![
            json!(null), json!([]), json!({}), json!("x"), json!(-1), json!(1e300), json!(u64::MAX),
            json!([[[[]]]]), json!({"Node": 1}), json!(true), json!(""), json!(i64::MIN),
        ]),
    ) {
        let mut command = command(kind);
        let places = pointers(&command, String::new());
        let place: &String = at.get(&places);
        *command.pointer_mut(place).unwrap() = strange;
        for (name, topic) in JSON_DIALECTS.into_iter().zip(topics) {
            match read(name, topic, &command) {
                Ok(downlink) => prop_assert_eq!(downlink.command.kind(), kind),
                Err(error) => prop_assert!(!error.to_string().is_empty()),
            }
        }
    }
}

/// The places of all values within `value`.
fn pointers(value: &Value, at: String) -> Vec<String> {
    let inner: Vec<_> = match value {
        Value::Object(members) => (members.iter())
            .flat_map(|(name, value)| pointers(value, format!("{at}/{name}")))
            .collect(),
        Value::Array(list) => (list.iter().enumerate())
            .flat_map(|(place, value)| pointers(value, format!("{at}/{place}")))
            .collect(),
        _ => Vec::new(),
    };
    [vec![at], inner].concat()
}
