//! Binary envelopes, in both directions.

use serde_json::{Value, json};

use super::super::DialectName;
use super::super::samples::{NOW, bsm, dialect, encoded, map, rsi, rsm, spat};
use super::{refusal, said};
use crate::downlink::{Command, CommandKind, Unreadable};

#[test]
fn the_envelope_holds_who_when_and_what_was_received() {
    let said = said(DialectName::Envelope);
    let time = 1_767_225_600_000_i64.to_le_bytes();
    let message = |message: Value| {
        let bytes = encoded(message);
        let length = u16::try_from(bytes.len()).unwrap().to_le_bytes();
        [&length[..], &bytes].concat()
    };
    for (topic, expected) in [
        ("V2X.RSU.MAP.UP", map()),
        ("V2X.RSU.SPAT.UP", spat()),
        ("V2X.RSU.RSM.UP", rsm()),
        // Once, although it holds two events.
        ("V2X.RSU.RSI.UP", rsi()),
    ] {
        let expected = [b"R1\0\0\0\0\0\0", &time[..], &message(expected)].concat();
        assert_eq!(said[topic].len(), 1, "{topic}");
        assert_eq!(said[topic][0].payload, expected, "{topic}");
    }
    let sent = 1_767_225_600_200_i64.to_le_bytes();
    let bsms = [&message(bsm(1))[..], &message(bsm(2))].concat();
    let list = [b"R1\0\0\0\0\0\0", &sent[..], &[2], &bsms].concat();
    assert_eq!(said["V2X.RSU.BSM.UP"][0].payload, list);
    assert_eq!(
        said["V2X.RSU.STATE.UP"][0].json(),
        json!({"base": {"tm": 1_767_225_600_000_i64, "ID": "R1"}, "errList": []})
    );
    assert_eq!(said.len(), 6);
}

#[test]
fn an_envelope_by_hand() {
    // rsuId, 1 ms after 1970 began, one byte which is no message.
    let payload = b"R1\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\x01\0\xFF";
    let read = |payload: &[u8]| dialect(DialectName::Envelope).read("V2X.RSU.MAP.R1.DOWN", payload);
    assert!(refusal(read(payload).unwrap_err()).contains("the message"));
    assert!(refusal(read(&payload[..18]).unwrap_err()).contains("length: 1, and 0 bytes follow"));
    assert!(refusal(read(&payload[..10]).unwrap_err()).contains("10 bytes are no envelope"));
    let other = [b"R2\0\0\0\0\0\0", &payload[8..]].concat();
    assert_eq!(read(&other), Err(Unreadable::UnknownTopic));
}

#[test]
fn what_goes_up_in_envelopes_may_come_down_in_them() {
    let said = said(DialectName::Envelope);
    let read =
        |up: &str, down: &str| dialect(DialectName::Envelope).read(down, &said[up][0].payload);
    let map = read("V2X.RSU.MAP.UP", "V2X.RSU.MAP.R1.DOWN").unwrap();
    assert_eq!(map.issued, Some(NOW));
    assert!(matches!(map.command, Command::Map(map) if map.map.nodes.len() == 1));
    let spat = read("V2X.RSU.SPAT.UP", "V2X.RSU.SPAT.R1.DOWN").unwrap();
    assert_eq!(spat.command.kind(), CommandKind::Spat);
    let rsm = read("V2X.RSU.RSM.UP", "V2X.RSU.RSM.R1.DOWN").unwrap();
    assert_eq!(rsm.command.kind(), CommandKind::Rsm);
    let two_events = read("V2X.RSU.RSI.UP", "V2X.RSU.RSI.R1.DOWN").unwrap_err();
    assert!(refusal(two_events).contains("2 events and signs"));
    let not_a_map = read("V2X.RSU.RSM.UP", "V2X.RSU.MAP.R1.DOWN").unwrap_err();
    assert!(refusal(not_a_map).contains("no map"));

    let mut one = rsi();
    one["rsiFrame"]["rtes"].as_array_mut().unwrap().pop();
    let bytes = encoded(one);
    let length = u16::try_from(bytes.len()).unwrap().to_le_bytes();
    let payload = [b"R1\0\0\0\0\0\0", &[0; 8][..], &length, &bytes].concat();
    let read = dialect(DialectName::Envelope).read("V2X.RSU.RSI.R1.DOWN", &payload);
    assert!(matches!(
        read.unwrap().command,
        Command::Rsi(rsi) if rsi.alert.alert_id == "3132333435363738-rte-1"
    ));
}
