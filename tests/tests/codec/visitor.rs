//! A visitor sees what a walk over the views sees, in the order of the wire.

use super::{decode, encode, from_jer};
use rsu_firmware::message::MessageFrame;
use rsu_firmware::uper::Profile;
use serde_json::json;
use std::fmt::Debug;
use tests::vectors::{PLAIN, UNKNOWN_ADDITIONS, read};
use tests::walk::{Each, walk};

#[test]
fn the_visitor_sees_every_element_of_every_list_in_order() {
    let mut elements = 0;
    for vector in PLAIN.into_iter().chain([UNKNOWN_ADDITIONS]).flat_map(read) {
        let (is_valid, seen) = visited(&vector.uper, vector.profile);
        assert!(is_valid, "{}", vector.jer);
        let mut walked = Vec::new();
        let mut visitor = Each(|element: &dyn Debug| walked.push(format!("{element:?}")));
        walk(&decode(&vector.uper, vector.profile), &mut visitor);
        assert_eq!(seen, walked, "{}", vector.jer);
        elements += seen.len();
    }
    assert!(elements > 10_000, "{elements}");
}

#[test]
fn the_visitor_does_not_see_the_element_that_breaks_a_rule() {
    let states = ["red", "yellow", "dark"].map(|light| json!({ "light": light }));
    let phases = json!([{ "id": 1, "phaseStates": states }]);
    let intersection = json!({ "intersectionId": { "id": 1 }, "status": "0000", "phases": phases });
    let jer = json!({ "spatFrame": { "msgCnt": 0, "intersections": [intersection] } });
    let profile = Profile::default();
    let uper = encode(&from_jer(&jer), profile);

    let (is_valid, seen) = visited(&uper, profile);
    assert!(is_valid);
    assert_eq!(
        seen.len(),
        5,
        "3 states, their phase and its intersection: {seen:?}"
    );

    let (is_valid, seen) = visited(&uper[..uper.len() - 1], profile);
    assert!(!is_valid);
    assert_eq!(seen.len(), 2, "the states before the end: {seen:?}");
}

/// Whether the message is valid, and the elements that were seen.
fn visited(uper: &[u8], profile: Profile) -> (bool, Vec<String>) {
    let mut seen = Vec::new();
    let mut visitor = Each(|element: &dyn Debug| seen.push(format!("{element:?}")));
    let is_valid = MessageFrame::visit(uper, profile, &mut visitor).is_ok();
    (is_valid, seen)
}
