//! `rsu encode`: JER lines in, hex lines out.

use crate::data::{self, PROFILES, vectors};
use crate::process::rsu_fed;
use serde_json::json;

#[test]
fn jer_is_encoded_to_the_bytes_of_the_standard_in_both_profiles() {
    for profile in PROFILES {
        let vectors = vectors(profile);
        let jer: String = vectors
            .iter()
            .map(|vector| format!("{}\n", vector.jer))
            .collect();
        let encoded = rsu_fed(&["encode", "--profile", profile], jer.as_bytes()).succeeded();
        assert_eq!(encoded.stderr, "");
        assert_eq!(encoded.stdout.lines().count(), vectors.len());
        for (line, vector) in encoded.stdout.lines().zip(&vectors) {
            assert!(line.eq_ignore_ascii_case(&vector.uper), "{}", vector.jer);
        }
    }
}

#[test]
fn what_was_inspected_is_encoded_to_what_it_was() {
    let vectors = vectors(data::YDT3709_2020);
    let hex: String = vectors
        .iter()
        .map(|vector| format!("{}\n", vector.uper))
        .collect();
    let jer = rsu_fed(&["inspect", "--lines"], hex.as_bytes()).succeeded();
    let encoded = rsu_fed(&["encode"], format!("{}\n", jer.stdout).as_bytes()).succeeded();
    assert!(encoded.stdout.eq_ignore_ascii_case(hex.trim_end()));
}

#[test]
fn every_line_is_answered_and_a_wrong_one_names_its_field() {
    let spat = data::vector(data::YDT3709_2020, "spatFrame");
    let altered = |alter: fn(&mut serde_json::Value)| {
        let mut jer = spat.jer.clone();
        alter(&mut jer);
        jer.to_string()
    };
    let msg_cnt = |jer: &mut serde_json::Value| jer["spatFrame"]["msgCnt"] = json!(128);
    let list = |jer: &mut serde_json::Value| jer["spatFrame"]["intersections"] = json!([]);
    let stranger = |jer: &mut serde_json::Value| jer["spatFrame"]["colour"] = json!("red");
    let wrong = [
        (altered(msg_cnt), "spatFrame.msgCnt", "range"),
        (altered(list), "spatFrame.intersections", "size"),
        (altered(stranger), "spatFrame.colour", "schema"),
        (r#"{"spatFrame":{}}"#.to_owned(), "spatFrame", "schema"),
        (
            r#"{"camFrame":{}}"#.to_owned(),
            "MessageFrame",
            "alternative",
        ),
        (r#"{"spatFrame":"#.to_owned(), "spatFrame", "json"),
        (format!("{} {}", spat.jer, spat.jer), "MessageFrame", "json"),
        ("red".to_owned(), "MessageFrame", "json"),
        (String::new(), "MessageFrame", "json"),
    ];
    let lines = wrong
        .iter()
        .map(|(line, ..)| format!("{line}\n{}\n", spat.jer));
    let answered = rsu_fed(&["encode"], lines.collect::<String>().as_bytes()).succeeded();
    let answers: Vec<&str> = answered.stdout.lines().collect();
    assert_eq!(answers.len(), 2 * wrong.len());
    for (answers, (line, field, kind)) in answers.chunks(2).zip(&wrong) {
        let answer: serde_json::Value = serde_json::from_str(answers[0]).unwrap();
        let error = &answer["error"];
        assert_eq!(
            (&error["field"], &error["kind"]),
            (&json!(field), &json!(kind)),
            "{line}: {answer}"
        );
        assert!(error.as_object().unwrap().contains_key("bit"));
        assert!(answers[1].eq_ignore_ascii_case(&spat.uper), "after {line}");
    }
}

#[test]
fn bytes_that_are_no_text_are_answered_too() {
    let answered = rsu_fed(&["encode"], b"\xFF\xFE\x00\n").succeeded();
    assert_eq!(answered.json_lines()[0]["error"]["kind"], "json");
}
