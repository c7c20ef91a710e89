//! What later editions put behind the extension markers: of any length, any number, any index. What
//! is known beside it is delivered.

use super::bits::Bits;
use super::{assert_means, decode, encode, from_jer, messages, to_jer};
use rsu_firmware::message::MessageFrame;
use rsu_firmware::uper::{ErrorKind, Profile};
use serde_json::{Value, json};

/// In units of what is counted: each form of a length determinant at both its ends.
const LENGTHS: [usize; 16] = [
    1, 2, 127, 128, 129, 16_383, 16_384, 16_385, 32_768, 49_152, 49_153, 65_535, 65_536, 65_537,
    81_920, 147_455,
];

#[test]
fn additions_of_any_length_are_passed_over() {
    for length in LENGTHS {
        let octets = vec![0xA5; length];
        let state = Bits::default()
            .bits(0b10, 2)
            .then(&red())
            .additions(&[Some(&octets)]);
        assert_means(
            &spat(&state),
            Profile::default(),
            &spat_jer(&json!({ "light": "red" })),
        );
    }
}

#[test]
fn any_number_of_additions_is_passed_over() {
    let octets: &[u8] = &[0xFF; 3];
    for count in [1, 2, 63, 64, 65, 127, 128, 1_000, 16_383] {
        // Every third one is absent.
        let additions: Vec<_> = (0..count)
            .map(|at| (at % 3 != 1).then_some(octets))
            .collect();
        let state = Bits::default()
            .bits(0b10, 2)
            .then(&red())
            .additions(&additions);
        assert_means(
            &spat(&state),
            Profile::default(),
            &spat_jer(&json!({ "light": "red" })),
        );
    }
}

#[test]
fn additions_are_truncated_wherever_they_are_cut() {
    let octets = vec![0xA5; 40_000];
    let additions = [
        Some(&octets[..5]),
        None,
        Some(&octets[..300]),
        Some(&octets[..]),
    ];
    let state = Bits::default()
        .bits(0b10, 2)
        .then(&red())
        .additions(&additions);
    let uper = spat(&state);
    for length in 0..uper.len() {
        let error = MessageFrame::decode(&uper[..length], Profile::default());
        let error = error.map_err(|error| (error.kind, error.bit));
        assert_eq!(error, Err((ErrorKind::Truncated, length * 8)));
    }
}

#[test]
fn a_count_of_additions_that_x691_or_reason_forbids_is_refused() {
    let none = Bits::default().bits(1, 1).bits(0, 8);
    let fragmented = Bits::default()
        .bits(1, 1)
        .bits(0xC1, 8)
        .then(&Bits::of(&[0; 2_049]));
    for count in [none, fragmented] {
        let state = Bits::default().bits(0b10, 2).then(&red());
        let start = SPAT_HEAD + state.len();
        refuse(
            &spat(&state.then(&count)),
            ErrorKind::Length,
            start,
            "spatFrame.intersections[0].phases[0].phaseStates[0]",
        );
    }
}

#[test]
fn a_length_determinant_that_x691_does_not_know_is_refused() {
    for blocks in [0, 5, 63] {
        let state = Bits::default()
            .bits(0b10, 2)
            .then(&red())
            .bits(0, 7)
            .bits(1, 1);
        let start = SPAT_HEAD + state.len();
        let determinant = Bits::default()
            .bits(0xC0 | blocks, 8)
            .then(&Bits::of(&[0; 100]));
        refuse(
            &spat(&state.then(&determinant)),
            ErrorKind::Length,
            start,
            "spatFrame.intersections[0].phases[0].phaseStates[0]",
        );
    }
}

#[test]
fn unknown_values_of_enumerations_are_delivered_with_their_index() {
    for index in [
        0,
        1,
        62,
        63,
        64,
        255,
        256,
        300,
        65_535,
        65_536,
        u64::from(u32::MAX),
    ] {
        let light = Bits::default().bits(1, 1).normally_small(index);
        let state = Bits::default().bits(0b00, 2).then(&light);
        let uper = spat(&state);
        let jer = spat_jer(&json!({ "light": format!("extension:{index}") }));
        assert_eq!(assert_means(&uper, Profile::default(), &jer), uper);
    }
}

#[test]
fn an_index_that_nothing_can_hold_is_refused() {
    let at = |index: Bits| Bits::default().bits(0b00, 2).bits(1, 1).then(&index);
    let path = "spatFrame.intersections[0].phases[0].phaseStates[0].light";
    let too_great = at(Bits::default().normally_small(1 << 32));
    refuse(&spat(&too_great), ErrorKind::Length, SPAT_HEAD + 4, path);
    let without_octets = at(Bits::default().bits(1, 1).open_type(&[]));
    refuse(
        &spat(&without_octets),
        ErrorKind::Length,
        SPAT_HEAD + 4,
        path,
    );
}

#[test]
fn unknown_alternatives_are_delivered_with_their_contents() {
    for index in [0, 63, 64, 300, u64::from(u32::MAX)] {
        for length in LENGTHS {
            let octets: Vec<u8> = (0..length).map(|at| at as u8).collect();
            let timing = Bits::default()
                .bits(1, 1)
                .normally_small(index)
                .open_type(&octets);
            let state = Bits::default().bits(0b01, 2).then(&red()).then(&timing);
            let uper = spat(&state);
            let timing = json!({ format!("extension:{index}"): hex::encode_upper(&octets) });
            let jer = spat_jer(&json!({ "light": "red", "timing": timing }));
            assert_eq!(assert_means(&uper, Profile::default(), &jer), uper);
        }
    }
}

#[test]
fn an_unknown_kind_of_lane_leaves_the_map_intact() {
    for profile in Profile::ALL {
        let attributes = |kind: Value| {
            let mut map = messages::map();
            map["nodes"][0]["inLinks"][0]["lanes"][0]["laneAttributes"]["laneType"] = kind;
            json!({ "mapFrame": map })
        };
        let known = [json!({ "crosswalk": "FFFF" }), json!({ "parking": "FFFF" })];
        let [low, high] =
            known.map(|kind| Bits::of(&encode(&from_jer(&attributes(kind)), profile)));
        // The first of the three bits of the index differs; before it is the extension bit, behind
        // it are the 16 bits of the crosswalk.
        let marker = low.first_difference(&high).map(|bit| bit - 1);
        let marker = marker.unwrap_or_else(|| panic!("{low:?}"));
        let unknown = Bits::default()
            .bits(1, 1)
            .normally_small(0)
            .open_type(&[0xCA, 0xFE]);
        let uper = low.replaced(marker..marker + 20, &unknown).octets();
        let jer = attributes(json!({ "extension:0": "CAFE" }));
        assert_means(&uper, profile, &jer);
    }
}

#[test]
fn an_unknown_message_is_passed_on_as_it_is() {
    let uper = [0x80, 0x03, 0x01, 0x02, 0x03];
    let jer = json!({ "extension:0": "010203" });
    assert_eq!(assert_means(&uper, Profile::default(), &jer), uper);
    let MessageFrame::Unknown(0, contents) = decode(&uper, Profile::default()) else {
        panic!("{jer}");
    };
    assert!(contents.octets().eq([1, 2, 3]));

    let truncated = MessageFrame::decode(&uper[..4], Profile::default());
    assert!(truncated.is_err_and(|error| error.kind == ErrorKind::Truncated && error.bit == 32));

    for index in [0, 25, 63, 64, 300] {
        for length in LENGTHS {
            let contents = vec![0xA5; length];
            let bits = Bits::default()
                .bits(1, 1)
                .normally_small(index)
                .open_type(&contents);
            let uper = bits.octets();
            let jer = json!({ format!("extension:{index}"): hex::encode_upper(contents) });
            assert_eq!(assert_means(&uper, Profile::default(), &jer), uper);
        }
    }
}

#[test]
fn bit_strings_of_any_length_are_delivered() {
    for length in LENGTHS.into_iter().chain([0, 3, 8, 9, 12, 14, 64]) {
        let octets: Vec<u8> = (1..=length.div_ceil(8)).map(|at| at as u8).collect();
        let bits = Bits::of(&octets).first(length);
        let lights = Bits::default().bits(1, 1).counted(&bits, 1);
        let uper = bsm_with_lights(&lights);
        let value = hex::encode_upper(bits.octets());
        let jer = bsm_jer_with_lights(json!({ "value": value, "length": length }));
        assert_eq!(
            assert_means(&uper, Profile::default(), &jer) == uper,
            length != 9
        );

        let MessageFrame::Bsm(bsm) = decode(&uper, Profile::default()) else {
            panic!("{jer}");
        };
        let lights = bsm.safety_ext.and_then(|ext| ext.lights);
        let lights = lights.unwrap_or_else(|| panic!("{jer}"));
        assert_eq!(lights.len(), length);
        for bit in 0..length.min(200) + 2 {
            assert_eq!(
                lights.has(bit as u32),
                bits.at(bit),
                "bit {bit} of {length}"
            );
        }
    }
}

/// Up to the first state of the first phase, in bits.
const SPAT_HEAD: usize = 4 + (1 + 3 + 7 + 5) + (1 + 3 + 1 + 16 + 16 + 4) + (8 + 4);

/// A SPAT whose first phase has the given state (its preamble included) and a yellow one behind it.
fn spat(state: &Bits) -> Vec<u8> {
    let head = Bits::default()
        .bits(0b0011, 4)
        .bits(0, 1 + 3 + 7 + 5)
        .bits(0, 1 + 3 + 1)
        .bits(7, 16)
        .bits(0, 16 + 4)
        .bits(1, 8)
        .bits(2 - 1, 4);
    assert_eq!(head.len(), SPAT_HEAD);
    let yellow = Bits::default().bits(0, 2).bits(7, 5);
    head.then(state).then(&yellow).octets()
}

/// Of the light alone: no addition of a later edition, value 3.
fn red() -> Bits {
    Bits::default().bits(3, 5)
}

fn spat_jer(state: &Value) -> Value {
    let phases = json!([{ "id": 1, "phaseStates": [state, { "light": "yellow" }] }]);
    let intersection = json!({ "intersectionId": { "id": 7 }, "status": "0000", "phases": phases });
    json!({ "spatFrame": { "msgCnt": 0, "intersections": [intersection] } })
}

/// The lights are the last bits of the message: 1 + 9 of them as this edition has them.
fn bsm_with_lights(lights: &Bits) -> Vec<u8> {
    let plain = |value: &str| {
        let jer = bsm_jer_with_lights(json!({ "value": value, "length": 9 }));
        Bits::of(&encode(&from_jer(&jer), Profile::default()))
    };
    let first = plain("0000").first_difference(&plain("8000"));
    let start = first
        .map(|bit| bit - 1)
        .unwrap_or_else(|| panic!("{lights:?}"));
    plain("0000").first(start).then(lights).octets()
}

fn bsm_jer_with_lights(lights: Value) -> Value {
    let mut bsm = messages::bsm();
    bsm["safetyExt"]["lights"] = lights;
    bsm.as_object_mut()
        .map(|members| members.remove("emergencyExt"));
    json!({ "bsmFrame": bsm })
}

fn refuse(uper: &[u8], kind: ErrorKind, bit: usize, path: &str) {
    let Err(error) = MessageFrame::decode(uper, Profile::default()) else {
        panic!("{} is delivered", to_jer(&decode(uper, Profile::default())));
    };
    let found = (error.kind, error.bit, error.field.to_string());
    assert_eq!(found, (kind, bit, path.to_owned()));
}
