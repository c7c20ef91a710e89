//! What the schema of the configured edition forbids is not encoded, and a buffer is never overrun.

use super::{MESSAGE_BYTES_MAX, encode, from_jer, messages};
use rsu_firmware::message::{MessageFrame, MinuteOfTheYear, MsgCount, Phase, PhaseId, Spat};
use rsu_firmware::uper::ErrorKind::{self, BufferFull, Range, Size};
use rsu_firmware::uper::Profile::{self, Tcsae53_2019, Ydt3709_2020};
use rsu_firmware::uper::SequenceOf;
use serde_json::{Value, json};
use tests::vectors::{PLAIN, read};

const HISTORY: &str = "bsmFrame/safetyExt/pathHistory";
const POSITION: &str = "bsmFrame/safetyExt/pathHistory/initialPosition";
const LINK: &str = "mapFrame/nodes/0/inLinks/0";

#[test]
fn what_only_one_edition_allows_is_refused_in_the_other() {
    let confidence = json!({ "pos": "a1m" });
    let ellipse = json!({ "semiMajor": 1, "semiMinor": 1, "orientation": 0 });
    let connection = json!({ "remoteIntersection": { "id": 3 } });
    let nodes = |count| vec![messages::node(); count].into();
    let path = |count| vec![messages::offset(); count].into();
    let utc_time = |member: &str| format!("{POSITION}/utcTime/{member}");

    only_in(Ydt3709_2020, &utc_time("hour"), json!(25), Range);
    only_in(Ydt3709_2020, &utc_time("offset"), json!(-721), Range);
    only_in(Ydt3709_2020, &utc_time("offset"), json!(722), Range);
    only_in(
        Ydt3709_2020,
        &format!("{POSITION}/posAccuracy"),
        confidence.clone(),
        ErrorKind::Profile,
    );
    only_in(
        Tcsae53_2019,
        &format!("{POSITION}/posAccuracy"),
        ellipse,
        ErrorKind::Profile,
    );
    only_in(
        Tcsae53_2019,
        &format!("{POSITION}/posConficence"),
        confidence,
        ErrorKind::Profile,
    );
    only_in(
        Tcsae53_2019,
        &format!("{LINK}/linkWidth"),
        Value::Null,
        ErrorKind::Profile,
    );
    only_in(Tcsae53_2019, "mapFrame/nodes", nodes(33), Size);
    only_in(Tcsae53_2019, "mapFrame/nodes", nodes(63), Size);
    only_in(
        Tcsae53_2019,
        &format!("{LINK}/lanes/0/connectsTo"),
        vec![connection.clone(); 9].into(),
        Size,
    );
    only_in(
        Tcsae53_2019,
        &format!("{LINK}/lanes/0/connectsTo"),
        vec![connection; 16].into(),
        Size,
    );
    only_in(
        Tcsae53_2019,
        "rsiFrame/rtes/0/referencePaths/0/activePath",
        path(1),
        Size,
    );
}

#[test]
fn lists_and_strings_of_forbidden_sizes_are_refused() {
    let crumbs = |count| vec![messages::crumb(); count].into();
    let points = |count| vec![messages::road_point(); count].into();
    let octets = |count| "B5".repeat(count).into();
    let text = |count| "x".repeat(count).into();
    let nothing = || json!([]);

    in_no_edition(&format!("{HISTORY}/crumbData"), nothing(), Size);
    in_no_edition(&format!("{HISTORY}/crumbData"), crumbs(24), Size);
    in_no_edition("mapFrame/nodes", nothing(), Size);
    in_no_edition("mapFrame/nodes", vec![messages::node(); 64].into(), Size);
    in_no_edition(&format!("{LINK}/lanes"), nothing(), Size);
    in_no_edition(&format!("{LINK}/points"), points(1), Size);
    in_no_edition(&format!("{LINK}/points"), points(32), Size);
    in_no_edition(&format!("{LINK}/name"), text(0), Size);
    in_no_edition(&format!("{LINK}/name"), text(64), Size);
    in_no_edition(&format!("{LINK}/name"), json!("人民路"), Range);
    in_no_edition("spatFrame/intersections", nothing(), Size);
    in_no_edition("spatFrame/intersections/0/phases", nothing(), Size);
    in_no_edition(
        "spatFrame/intersections/0/phases/0/phaseStates",
        vec![json!({ "light": "red" }); 17].into(),
        Size,
    );
    in_no_edition("rsmFrame/participants", nothing(), Size);
    in_no_edition("rsiFrame/rtes/0/description/textGB2312", octets(1), Size);
    in_no_edition("rsiFrame/rtes/0/description/textGB2312", octets(513), Size);
    in_no_edition("rsiFrame/rtss/0/description/textString", text(513), Size);
}

#[test]
fn the_first_of_several_mistakes_is_named() {
    let phases = [
        Phase {
            id: PhaseId::saturating(1),
            phase_states: SequenceOf::new(&[]),
        },
        Phase {
            id: PhaseId::saturating(2),
            phase_states: SequenceOf::new(&[]),
        },
    ];
    let spat = |intersections| {
        MessageFrame::Spat(Spat {
            msg_cnt: MsgCount::saturating(0),
            moy: Some(MinuteOfTheYear::MAX).and_then(MinuteOfTheYear::new),
            time_stamp: None,
            name: None,
            intersections,
        })
    };
    let refused = |message: &MessageFrame<'_>| {
        let mut buffer = [0; 64];
        let result = message.encode(&mut buffer, Profile::default());
        result.map_err(|error| error.to_string())
    };
    let empty = spat(SequenceOf::new(&[]));
    let expected = "bit 35, spatFrame.intersections: the list or string has a forbidden size";
    assert_eq!(refused(&empty), Err(expected.to_owned()));

    let MessageFrame::Spat(Spat { intersections, .. }) =
        from_jer(&json!({ "spatFrame": messages::spat() }))
    else {
        panic!("a SPAT is expected");
    };
    let mut elements: Vec<_> = intersections.iter().collect();
    for intersection in &mut elements {
        intersection.phases = SequenceOf::new(&phases);
    }
    let error = refused(&spat(SequenceOf::new(&elements)));
    assert!(error.is_err_and(|text| text.contains("intersections[0].phases[0].phaseStates: ")));
}

#[test]
fn a_buffer_that_is_too_small_is_full_and_one_that_just_suffices_suffices() {
    for vector in PLAIN.into_iter().flat_map(read).step_by(7) {
        let message = from_jer(&vector.jer);
        let length = vector.uper.len();
        for too_small in (0..length).step_by(1 + length / 200) {
            let mut buffer = vec![0; too_small];
            let Err(error) = message.encode(&mut buffer, vector.profile) else {
                panic!("{length} bytes were written to {too_small}");
            };
            assert_eq!(
                (error.kind, error.bit),
                (BufferFull, too_small * 8),
                "{error}"
            );
        }
        let mut buffer = vec![0; length];
        assert_eq!(message.encode(&mut buffer, vector.profile), Ok(length));
        assert_eq!(buffer, vector.uper);
    }
}

#[test]
fn what_was_in_the_buffer_does_not_show_through() {
    for vector in PLAIN.into_iter().flat_map(read) {
        let mut buffer = vec![0xFF; MESSAGE_BYTES_MAX];
        let length = from_jer(&vector.jer).encode(&mut buffer, vector.profile);
        assert_eq!(
            length.map(|length| &buffer[..length]),
            Ok(vector.uper.as_slice())
        );
    }
}

/// One of the [`messages`] with the value at `pointer` replaced, or left out where it is null.
fn message_with(pointer: &str, value: Value) -> MessageFrame<'static> {
    let mut jer = match pointer.split('/').next() {
        Some(frame @ "bsmFrame") => json!({ frame: messages::bsm() }),
        Some(frame @ "mapFrame") => json!({ frame: messages::map() }),
        Some(frame @ "rsmFrame") => json!({ frame: messages::rsm() }),
        Some(frame @ "spatFrame") => json!({ frame: messages::spat() }),
        Some(frame @ "rsiFrame") => json!({ frame: messages::rsi() }),
        _ => panic!("{pointer}"),
    };
    let (holder, member) = pointer.rsplit_once('/').unwrap_or_default();
    let Some(holder) = jer.pointer_mut(&format!("/{holder}")) else {
        panic!("{pointer}");
    };
    match value {
        Value::Null => holder.as_object_mut().map(|members| members.remove(member)),
        value => holder
            .as_object_mut()
            .map(|members| members.insert(member.to_owned(), value)),
    };
    from_jer(&jer)
}

fn only_in(profile: Profile, pointer: &str, value: Value, kind: ErrorKind) {
    let message = message_with(pointer, value);
    let uper = encode(&message, profile);
    assert_eq!(super::decode(&uper, profile), message, "{pointer}");
    for other in Profile::ALL.into_iter().filter(|&other| other != profile) {
        assert_refused(&message, other, pointer, kind);
    }
}

fn in_no_edition(pointer: &str, value: Value, kind: ErrorKind) {
    for profile in Profile::ALL {
        assert_refused(
            &message_with(pointer, value.clone()),
            profile,
            pointer,
            kind,
        );
    }
}

fn assert_refused(message: &MessageFrame<'_>, profile: Profile, pointer: &str, kind: ErrorKind) {
    let mut buffer = vec![0; MESSAGE_BYTES_MAX];
    let Err(error) = message.encode(&mut buffer, profile) else {
        panic!("{pointer} is encoded for {}", profile.name());
    };
    let steps = pointer.split('/').map(|step| match step.parse::<usize>() {
        Ok(index) => format!("[{index}]"),
        Err(_) => format!(".{step}"),
    });
    let path: String = steps.collect();
    assert_eq!(
        (format!(".{}", error.field), error.kind),
        (path, kind),
        "{error}"
    );
}
