//! `rsu inspect`: bytes in, JER out.

use std::io::Write;
use std::slice;

use rsu_firmware::network::{Adaptation, Aid};
use serde_json::{Value, json};

use crate::data::{self, PROFILES, TCSAE53_2019, YDT3709_2020, file, hex, vector, vectors};
use crate::process::{Running, rsu, rsu_fed};

#[test]
fn a_message_in_hex_is_shown() {
    for kind in ["bsmFrame", "mapFrame", "rsmFrame", "spatFrame", "rsiFrame"] {
        let vector = vector(YDT3709_2020, kind);
        let shown = rsu(&["inspect", &vector.uper]).succeeded();
        assert_eq!(shown.json_lines(), [vector.jer]);
        assert_eq!(shown.stderr, "");
    }
}

#[test]
fn a_frame_is_told_from_a_message_by_its_header() {
    let vector = vector(YDT3709_2020, "spatFrame");
    for adaptation in [Adaptation::Present, Adaptation::Absent] {
        let frame = data::frame(Aid::SPAT, &vector.bytes(), adaptation);
        let shown = rsu(&["inspect", &hex(&frame)]).succeeded();
        assert_eq!(shown.json_lines(), slice::from_ref(&vector.jer));
        assert!(shown.stderr.contains("AID 3619"), "{}", shown.stderr);
    }
}

#[test]
fn the_profile_decides_what_the_bytes_mean() {
    let vector = vector(TCSAE53_2019, "mapFrame");
    let shown = rsu(&["inspect", "--profile", TCSAE53_2019, &vector.uper]).succeeded();
    assert_eq!(shown.json_lines(), slice::from_ref(&vector.jer));
    let misread = rsu(&["inspect", &vector.uper]);
    assert!(misread.code == Some(1) || misread.json_lines() != [vector.jer]);
}

#[test]
fn a_file_may_hold_hex_lines_raw_bytes_or_a_capture() {
    let spat = vector(YDT3709_2020, "spatFrame");
    let bsm = vector(YDT3709_2020, "bsmFrame");

    let lines = file(
        "inspect-hex",
        format!("{}\n\n  0x{}\r\n", spat.uper, bsm.uper),
    );
    let shown = rsu(&["inspect", &lines]).succeeded();
    assert_eq!(shown.json_lines(), [spat.jer.clone(), bsm.jer]);

    let raw = file("inspect-raw", spat.bytes());
    assert_eq!(rsu(&["inspect", &raw]).succeeded().json_lines(), [spat.jer]);

    let capture = data::trace("arterial-2019");
    let shown = rsu(&["inspect", "--profile", TCSAE53_2019, &capture]).succeeded();
    let described = data::description("arterial-2019");
    assert_eq!(json!(shown.stdout.lines().count()), described["packets"]);
    let bsms = shown
        .json_lines()
        .into_iter()
        .filter(|line| line.get("bsmFrame").is_some());
    assert_eq!(json!(bsms.count()), described["bsm"]);
}

#[test]
fn stdin_may_hold_what_a_file_may() {
    let spat = vector(YDT3709_2020, "spatFrame");
    let capture = std::fs::read(data::trace("arterial-2019")).unwrap();
    for arguments in [&["inspect"][..], &["inspect", "-"]] {
        let shown = rsu_fed(arguments, spat.uper.as_bytes()).succeeded();
        assert_eq!(shown.json_lines(), slice::from_ref(&spat.jer));
        let shown = rsu_fed(arguments, &spat.bytes()).succeeded();
        assert_eq!(shown.json_lines(), slice::from_ref(&spat.jer));
        let arguments = [arguments, &["--profile", TCSAE53_2019]].concat();
        let shown = rsu_fed(&arguments, &capture).succeeded();
        let packets = &data::description("arterial-2019")["packets"];
        assert_eq!(json!(shown.stdout.lines().count()), *packets);
    }
}

#[test]
fn a_refused_message_is_told_with_bit_field_and_reason() {
    let vector = vector(YDT3709_2020, "spatFrame");
    let half = &vector.uper[..vector.uper.len() / 4 * 2];
    let refused = rsu(&["inspect", half]);
    assert_eq!(refused.stdout, "");
    let told = format!("bit {}, spatFrame.", half.len() * 4);
    assert!(refused.stderr.contains(&told), "{}", refused.stderr);
    assert!(
        refused.stderr.contains("the bytes end before the message"),
        "{}",
        refused.stderr
    );
    assert_eq!(refused.failed(), "1 of 1 messages refused");
}

#[test]
fn one_refused_message_does_not_hide_the_others() {
    let vector = vector(YDT3709_2020, "spatFrame");
    let lines = format!("{0}\n00\n{0}\n", vector.uper);
    let shown = rsu_fed(&["inspect"], lines.as_bytes());
    assert_eq!(shown.json_lines(), [vector.jer.clone(), vector.jer]);
    assert!(shown.stderr.contains("stdin:2: bit 8"), "{}", shown.stderr);
    assert_eq!(shown.failed(), "1 of 3 messages refused");
}

#[test]
fn input_that_is_nothing_known_is_named() {
    for (arguments, stdin, told) in [
        (
            &["inspect", "no-such-file"][..],
            "",
            "\"no-such-file\" is neither a file nor hex",
        ),
        (&["inspect", "04006"], "", "an odd number of hex digits"),
        (&["inspect"], "", "no message in the input"),
        (
            &["inspect"],
            "0400\nhello\n",
            "neither a capture nor hex: line 2, character 1",
        ),
    ] {
        let ended = rsu_fed(arguments, stdin.as_bytes());
        assert_eq!(ended.stdout, "", "{arguments:?}");
        let reason = ended.failed();
        assert!(reason.contains(told), "{arguments:?}: {reason}");
    }
}

#[test]
fn a_capture_that_ends_early_is_shown_up_to_there() {
    let capture = std::fs::read(data::trace("arterial-2019")).unwrap();
    let cut = file("inspect-cut", &capture[..capture.len() / 2]);
    let shown = rsu(&["inspect", "--profile", TCSAE53_2019, &cut]);
    assert!(shown.stdout.lines().count() > 1_000);
    let reason = shown.failed();
    assert!(
        reason.contains(", byte ") && reason.contains("ends inside"),
        "{reason}"
    );
}

#[test]
fn every_line_is_answered_by_its_jer_in_both_profiles() {
    for profile in PROFILES {
        let vectors = vectors(profile);
        let hex: String = vectors
            .iter()
            .map(|vector| format!("{}\n", vector.uper))
            .collect();
        let arguments = ["inspect", "--lines", "--profile", profile];
        let answered = rsu_fed(&arguments, hex.as_bytes()).succeeded();
        assert_eq!(answered.stderr, "");
        let expected: Vec<Value> = vectors.into_iter().map(|vector| vector.jer).collect();
        assert!(answered.json_lines() == expected);
    }
}

#[test]
fn a_line_that_is_no_message_is_answered_by_bit_field_and_kind() {
    let vector = vector(YDT3709_2020, "spatFrame");
    let half = &vector.uper[..vector.uper.len() / 4 * 2];
    let lines = format!("{half}\n{}\n\nhello\n{}", vector.uper, vector.uper);
    let answers = rsu_fed(&["inspect", "--lines", "-"], lines.as_bytes()).succeeded();
    let answers = answers.json_lines();
    let error = &answers[0]["error"];
    assert_eq!(error["bit"], json!(half.len() * 4));
    assert!(error["field"].as_str().unwrap().starts_with("spatFrame."));
    assert_eq!(error["kind"], "truncated");
    assert_eq!(error.as_object().unwrap().len(), 3);
    assert_eq!(answers[1], vector.jer);
    assert_eq!(
        answers[2]["error"]["bit"], 0,
        "nothing is too short for any message"
    );
    assert_eq!(answers[2]["error"]["kind"], "truncated");
    assert_eq!(answers[3]["error"]["kind"], "hex");
    assert_eq!(answers[4], vector.jer, "the last line needs no end");
}

#[test]
fn a_line_is_answered_before_the_next_is_asked() {
    let vectors = vectors(YDT3709_2020);
    let mut running = Running::start(&["inspect", "--lines"]);
    let mut stdin = running.stdin();
    for vector in vectors.iter().take(5) {
        writeln!(stdin, "{}", vector.uper).unwrap();
        let answer: Value = serde_json::from_str(&running.stdout_line()).unwrap();
        assert_eq!(answer, vector.jer);
    }
    drop(stdin);
    running.end().succeeded();
}

#[test]
fn lines_come_from_stdin_only() {
    rsu(&["inspect", "--lines", "00"]).misused();
}
