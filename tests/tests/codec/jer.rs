//! JER that is not a message is refused with a text that names what is wrong.

use super::messages;
use rsu_firmware::message::MessageFrame;
use serde_json::{Value, json};

#[test]
fn the_messages_are_messages() {
    for (frame, message) in [
        ("bsmFrame", messages::bsm()),
        ("mapFrame", messages::map()),
        ("rsmFrame", messages::rsm()),
        ("spatFrame", messages::spat()),
        ("rsiFrame", messages::rsi()),
    ] {
        let jer = json!({ frame: message });
        assert_eq!(super::to_jer(&super::from_jer(&jer)), jer);
    }
}

#[test]
fn members_are_those_of_the_standard() {
    refused(
        "bsm with a member of another name",
        edited(&["brakes"], json!({ "brakePedal": "on" })),
        &["unknown field `brakePedal`", "brakePadel"],
    );
    refused(
        "bsm without a mandatory member",
        edited(&["heading"], Value::Null),
        &["invalid type: null"],
    );
    refused(
        "bsm of msgCnt alone",
        json!({ "bsmFrame": { "msgCnt": 0 } }),
        &["missing field `id`"],
    );
    refused_text(
        "a member twice",
        r#"{"spatFrame":{"msgCnt":0,"msgCnt":0,"intersections":[]}}"#,
        &["duplicate field `msgCnt`", "line 1"],
    );
}

#[test]
fn values_are_of_their_type_and_range() {
    let cases: [(&[&str], Value, &[&str]); 14] = [
        (
            &["msgCnt"],
            json!("0"),
            &["invalid type: string \"0\"", "i64"],
        ),
        (
            &["msgCnt"],
            json!(128),
            &["range: 128 is not within 0..127"],
        ),
        (&["msgCnt"], json!(-1), &["range: -1 is not within 0..127"]),
        (
            &["msgCnt"],
            json!(0.5),
            &["invalid type: floating point `0.5`"],
        ),
        (&["msgCnt"], json!(u64::MAX), &["18446744073709551615"]),
        (
            &["heading"],
            json!(28_801),
            &["range: 28801 is not within 0..28800"],
        ),
        (
            &["pos", "lat"],
            json!(-900_000_001),
            &["-900000001 is not within -900000000..900000001"],
        ),
        (
            &["transmission"],
            json!("drive"),
            &["enumeration: TransmissionState has no value \"drive\""],
        ),
        (
            &["transmission"],
            json!("extension:0"),
            &["no value \"extension:0\""],
        ),
        (&["transmission"], json!(2), &["invalid type: integer `2`"]),
        (
            &["id"],
            json!("001122334455667"),
            &["even number of hex digits"],
        ),
        (&["id"], json!("00112233445566GG"), &["hex digits"]),
        (
            &["id"],
            json!("00112233445566"),
            &["size: 7 octets where 8 are demanded"],
        ),
        (
            &["brakes"],
            json!({ "wheelBrakes": "FF" }),
            &["size: hex of 5 bits, padded with zero bits"],
        ),
    ];
    for (path, value, parts) in cases {
        refused(&path.join("."), edited(path, value), parts);
    }
}

#[test]
fn bit_strings_are_as_long_as_they_say() {
    let lights = |value: Value| edited(&["safetyExt"], json!({ "lights": value }));
    let jer = lights(json!({ "value": "80", "length": 9 }));
    refused(
        "too few octets",
        jer,
        &["size: 1 octets do not hold 9 bits"],
    );
    let jer = lights(json!({ "value": "800000", "length": 9 }));
    refused(
        "too many octets",
        jer,
        &["size: 3 octets do not hold 9 bits"],
    );
    let jer = lights(json!({ "value": "80FF", "length": 9 }));
    refused("padded with ones", jer, &["padded with zero bits"]);
    refused(
        "as hex alone",
        lights(json!("8000")),
        &["invalid type: string"],
    );
    refused(
        "without a length",
        lights(json!({ "value": "8000" })),
        &["missing field `length`"],
    );
    let jer = lights(json!({ "value": "8000", "length": 9, "bits": 9 }));
    refused("with more", jer, &["unknown field `bits`"]);
    refused(
        "of negative length",
        lights(json!({ "value": "", "length": -1 })),
        &["-1"],
    );
}

#[test]
fn a_choice_has_one_alternative_that_exists() {
    refused(
        "no alternative",
        json!({}),
        &["alternative: MessageFrame has none"],
    );
    let jer = json!({ "pamFrame": {} });
    refused(
        "unknown alternative",
        jer,
        &["alternative: MessageFrame has no \"pamFrame\""],
    );
    let jer = json!({ "spatFrame": messages::spat(), "rsmFrame": messages::rsm() });
    refused(
        "two alternatives",
        jer,
        &[
            "alternative: MessageFrame has both",
            "spatFrame",
            "rsmFrame",
        ],
    );
    refused(
        "a list",
        json!([]),
        &["an object with one alternative of MessageFrame"],
    );
    refused(
        "a string",
        json!("spatFrame"),
        &["an object with one alternative of MessageFrame"],
    );
    let extension = json!({ "extension:4294967296": "00" });
    refused(
        "an index that nothing can hold",
        extension,
        &["has no \"extension:4294967296\""],
    );
    refused(
        "an index with a sign",
        json!({ "extension:+1": "00" }),
        &["has no \"extension:+1\""],
    );
    refused(
        "a padded index",
        json!({ "extension:01": "00" }),
        &["has no \"extension:01\""],
    );
}

#[test]
fn an_accuracy_is_of_one_edition_or_the_other() {
    let history = |accuracy: Value| {
        let mut bsm = messages::bsm();
        bsm["safetyExt"]["pathHistory"]["initialPosition"]["posAccuracy"] = accuracy;
        json!({ "bsmFrame": bsm })
    };
    let jer = history(json!({ "pos": "a1m", "semiMajor": 1, "semiMinor": 1, "orientation": 0 }));
    refused("both", jer, &["PosAccuracy"]);
    refused("neither", history(json!({})), &["PosAccuracy"]);
}

/// A BSM with the member at `path` replaced.
fn edited(path: &[&str], value: Value) -> Value {
    let mut jer = json!({ "bsmFrame": messages::bsm() });
    let pointer = format!("/bsmFrame/{}", path.join("/"));
    match jer.pointer_mut(&pointer) {
        Some(slot) => *slot = value,
        None => panic!("{pointer}"),
    }
    jer
}

fn refused(what: &str, jer: Value, parts: &[&str]) {
    refused_text(what, &jer.to_string(), parts);
}

fn refused_text(what: &str, jer: &str, parts: &[&str]) {
    let Err(error) = serde_json::from_str::<MessageFrame<'_>>(jer) else {
        panic!("{what} is accepted: {jer}");
    };
    let text = error.to_string();
    for part in parts {
        assert!(text.contains(part), "{what}: {text:?} lacks {part:?}");
    }
}
