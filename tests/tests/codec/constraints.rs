//! What the schema forbids is refused with the kind of the rule, the first bit of the value and the
//! way to the field; the greatest value that it allows is delivered.
//!
//! Where a field lies is found without counting: two messages that differ only in the field's
//! topmost bit differ there first.

use super::bits::Bits;
use super::{encode, from_jer, messages, to_jer};
use rsu_firmware::message::MessageFrame;
use rsu_firmware::uper::ErrorKind::{self, Alternative, Enumeration, Range, Size};
use rsu_firmware::uper::Profile::{self, Tcsae53_2019, Ydt3709_2020};
use serde_json::{Value, json};

#[test]
fn of_bsm() {
    let offset = |id: &str| json!({ id: { "lon": 0, "lat": 0 } });
    let height = |id: &str| json!({ id: 0 });
    let crumbs = |count| vec![messages::crumb(); count].into();
    let fields = [
        integer("pos/lat", -900_000_000..=900_000_001),
        integer("pos/long", -1_799_999_999..=1_800_000_001),
        integer("heading", 0..=28_800),
        integer("angle", -126..=127),
        integer("accelSet/long", -2_000..=2_001),
        integer("accelSet/lat", -2_000..=2_001),
        integer("accelSet/vert", -127..=127),
        integer("accelSet/yaw", -32_767..=32_767),
        enumerated(
            "timeConfidence",
            39,
            ["unavailable", "time-000-000-000-002"],
        ),
        enumerated("brakes/brakePadel", 2, ["unavailable", "on"]),
        enumerated("brakes/brakeBoost", 2, ["unavailable", "on"]),
        integer(
            "safetyExt/pathHistory/initialPosition/utcTime/month",
            0..=12,
        ),
        integer(
            "safetyExt/pathHistory/initialPosition/utcTime/minute",
            0..=60,
        ),
        integer(
            "safetyExt/pathHistory/initialPosition/pos/lat",
            -900_000_000..=900_000_001,
        ),
        size("safetyExt/pathHistory/crumbData", 1..=23, crumbs),
        choice(
            "safetyExt/pathHistory/crumbData/0/llvOffset/offsetLL",
            6,
            [offset("position-LL1"), offset("position-LL5")],
        ),
        choice(
            "safetyExt/pathHistory/crumbData/0/llvOffset/offsetV",
            6,
            [height("offset1"), height("offset5")],
        ),
        integer("safetyExt/pathHistory/crumbData/0/timeOffset", 1..=65_535),
        integer("safetyExt/pathHistory/crumbData/0/heading", 0..=240),
        integer("safetyExt/pathPrediction/radiusOfCurve", -32_767..=32_767),
        integer("safetyExt/pathPrediction/confidence", 0..=200),
        enumerated(
            "emergencyExt/responseType",
            6,
            ["notInUseOrNotEquipped", "stationary"],
        )
        .extensible(),
    ];
    for profile in Profile::ALL {
        refuse("bsmFrame", messages::bsm(), profile, &fields);
    }
}

#[test]
fn of_bsm_where_the_editions_differ() {
    let hour = "safetyExt/pathHistory/initialPosition/utcTime/hour";
    let offset = "safetyExt/pathHistory/initialPosition/utcTime/offset";
    let in_2019 = [integer(hour, 0..=24), integer(offset, -720..=721)];
    refuse("bsmFrame", messages::bsm(), Tcsae53_2019, &in_2019);
    let since = [integer(offset, -840..=840)];
    refuse("bsmFrame", messages::bsm(), Ydt3709_2020, &since);
}

#[test]
fn of_map() {
    let speed_limits = |count| vec![json!({ "type": "unknown", "speed": 0 }); count].into();
    let points = |count| vec![messages::road_point(); count].into();
    let fields = [
        integer("timeStamp", 0..=527_040),
        size("nodes/0/name", 1..=63, text),
        integer("nodes/0/refPos/lat", -900_000_000..=900_000_001),
        size("nodes/0/inLinks/0/name", 1..=63, text),
        size("nodes/0/inLinks/0/speedLimits", 1..=9, speed_limits),
        enumerated(
            "nodes/0/inLinks/0/speedLimits/0/type",
            12,
            ["unknown", "truckMaxSpeed"],
        )
        .extensible(),
        size("nodes/0/inLinks/0/points", 2..=31, points),
        size("nodes/0/inLinks/0/lanes/0/speedLimits", 1..=9, speed_limits),
        size("nodes/0/inLinks/0/lanes/0/points", 2..=31, points),
        integer(
            "nodes/0/inLinks/0/lanes/0/points/1/posOffset/offsetLL/position-LatLon/lon",
            -1_799_999_999..=1_800_000_001,
        ),
    ];
    for profile in Profile::ALL {
        refuse("mapFrame", messages::map(), profile, &fields);
    }
    let nodes = |count| vec![messages::node(); count].into();
    let in_2019 = [size("nodes", 1..=63, nodes)];
    refuse("mapFrame", messages::map(), Tcsae53_2019, &in_2019);
}

#[test]
fn of_rsm() {
    let fields = [
        integer("refPos/long", -1_799_999_999..=1_800_000_001),
        enumerated("participants/1/ptcType", 4, ["unknown", "rsu"]).extensible(),
        integer("participants/1/heading", 0..=28_800),
        integer("participants/1/angle", -126..=127),
        integer("participants/1/accelSet/vert", -127..=127),
    ];
    for profile in Profile::ALL {
        refuse("rsmFrame", messages::rsm(), profile, &fields);
    }
}

#[test]
fn of_spat() {
    let counting = "intersections/0/phases/1/phaseStates/0/timing/counting";
    let utc_timing = "intersections/0/phases/1/phaseStates/1/timing/utcTiming";
    let in_counting = |member: &str| integer(format!("{counting}/{member}"), 0..=36_001);
    let in_utc_timing = |member: &str| integer(format!("{utc_timing}/{member}"), 0..=36_001);
    let fields = [
        integer("moy", 0..=527_040),
        size("name", 1..=63, text),
        integer("intersections/0/moy", 0..=527_040),
        enumerated(
            "intersections/0/timeConfidence",
            39,
            ["unavailable", "time-000-000-000-002"],
        ),
        enumerated(
            "intersections/0/phases/1/phaseStates/0/light",
            8,
            ["unavailable", "flashing-yellow"],
        )
        .extensible(),
        in_counting("startTime"),
        in_counting("minEndTime"),
        in_counting("maxEndTime"),
        in_counting("likelyEndTime"),
        integer(format!("{counting}/timeConfidence"), 0..=200),
        in_counting("nextStartTime"),
        in_counting("nextDuration"),
        in_utc_timing("startUTCTime"),
        in_utc_timing("minEndUTCTime"),
        in_utc_timing("maxEndUTCTime"),
        in_utc_timing("likelyEndUTCTime"),
        in_utc_timing("nextStartUTCTime"),
        in_utc_timing("nextEndUTCTime"),
    ];
    for profile in Profile::ALL {
        refuse("spatFrame", messages::spat(), profile, &fields);
    }
}

#[test]
fn of_rsi() {
    let octets = |count| "B5".repeat(count).into();
    let path = |count| vec![messages::offset(); count].into();
    let fields = [
        integer("moy", 0..=527_040),
        enumerated("rtes/0/eventSource", 5, ["unknown", "internet"]).extensible(),
        size("rtes/0/description/textGB2312", 2..=512, octets),
        integer("rtes/0/timeDetails/startTime", 0..=527_040),
        integer("rtes/0/timeDetails/endTime", 0..=527_040),
        integer("rtes/0/eventConfidence", 0..=200),
    ];
    for profile in Profile::ALL {
        refuse("rsiFrame", messages::rsi(), profile, &fields);
    }
    let since = [size("rtes/0/referencePaths/0/activePath", 2..=32, path)];
    refuse("rsiFrame", messages::rsi(), Ydt3709_2020, &since);
}

#[test]
fn of_the_frame_itself() {
    for index in 5..8_u8 {
        let uper = [index << 4, 0, 0, 0];
        let error = MessageFrame::decode(&uper, Profile::default());
        let text = error.map_err(|error| error.to_string());
        let expected = "bit 0, MessageFrame: the choice has no such alternative";
        assert_eq!(text, Err(expected.to_owned()));
    }
    let error = MessageFrame::decode(&[], Profile::default());
    let text = error.map_err(|error| error.to_string());
    let expected = "bit 0, MessageFrame: the bytes end before the message does";
    assert_eq!(text, Err(expected.to_owned()));
}

/// A field of which the wire can say more than the schema allows.
struct Field {
    /// The way to it in its message, in the notation of a JSON pointer.
    pointer: String,
    /// The rule that numbers above the greatest break.
    kind: ErrorKind,
    greatest: u64,
    /// The values that are written as 0 and as the topmost bit alone.
    low_and_high: [Value; 2],
    /// Whether a bit before the number tells additions of a later edition from the root.
    extensible: bool,
}

impl Field {
    fn extensible(self) -> Self {
        let extensible = true;
        Self { extensible, ..self }
    }

    fn width(&self) -> u32 {
        u64::BITS - self.greatest.leading_zeros()
    }

    /// As in an error.
    fn path(&self, frame: &str) -> String {
        let steps = self.pointer.split('/').map(|step| {
            if step.bytes().all(|c| c.is_ascii_digit()) {
                format!("[{step}]")
            } else {
                format!(".{step}")
            }
        });
        [frame.to_owned()].into_iter().chain(steps).collect()
    }
}

fn integer(pointer: impl Into<String>, range: std::ops::RangeInclusive<i64>) -> Field {
    let (min, max) = range.into_inner();
    let greatest = max.abs_diff(min);
    Field {
        pointer: pointer.into(),
        kind: Range,
        greatest,
        low_and_high: [json!(min), json!(min + (1 << greatest.ilog2()))],
        extensible: false,
    }
}

fn enumerated(pointer: &str, greatest: u64, low_and_high: [&str; 2]) -> Field {
    Field {
        pointer: pointer.to_owned(),
        kind: Enumeration,
        greatest,
        low_and_high: low_and_high.map(|id| json!(id)),
        extensible: false,
    }
}

fn choice(pointer: &str, greatest: u64, low_and_high: [Value; 2]) -> Field {
    Field {
        pointer: pointer.to_owned(),
        kind: Alternative,
        greatest,
        low_and_high,
        extensible: false,
    }
}

/// Of a list in elements, or of a string in characters or octets.
fn size(
    pointer: &str,
    range: std::ops::RangeInclusive<usize>,
    of_size: impl Fn(usize) -> Value,
) -> Field {
    let (min, max) = range.into_inner();
    let greatest = max - min;
    Field {
        pointer: pointer.to_owned(),
        kind: Size,
        greatest: greatest as u64,
        low_and_high: [of_size(min), of_size(min + (1 << greatest.ilog2()))],
        extensible: false,
    }
}

fn text(characters: usize) -> Value {
    "x".repeat(characters).into()
}

fn refuse(frame: &str, message: Value, profile: Profile, fields: &[Field]) {
    let jer = json!({ frame: message });
    for field in fields {
        let path = field.path(frame);
        let [low, high] = field.low_and_high.each_ref().map(|value| {
            let mut jer = jer.clone();
            let pointer = format!("/{frame}/{}", field.pointer);
            match jer.pointer_mut(&pointer) {
                Some(slot) => *slot = value.clone(),
                None => panic!("{pointer} is not in {jer}"),
            }
            Bits::of(&encode(&from_jer(&jer), profile))
        });
        let number = low
            .first_difference(&high)
            .unwrap_or_else(|| panic!("{path}"));
        let value = number - usize::from(field.extensible);
        let end = number + field.width() as usize;
        let with = |raw| {
            let raw = Bits::default().bits(raw, field.width());
            high.clone().replaced(number..end, &raw).octets()
        };

        if !matches!(field.kind, Size | Alternative) {
            let uper = with(field.greatest);
            let message = MessageFrame::decode(&uper, profile);
            let message = message.unwrap_or_else(|error| panic!("{path}: {error}"));
            let pointer = format!("/{frame}/{}", field.pointer);
            assert!(to_jer(&message).pointer(&pointer).is_some(), "{path}");
        }
        for raw in [field.greatest + 1, (1 << field.width()) - 1] {
            let Err(error) = MessageFrame::decode(&with(raw), profile) else {
                panic!("{path} is delivered with {raw}");
            };
            let expected = (value, path.clone(), field.kind);
            assert_eq!((error.bit, error.field.to_string(), error.kind), expected);
        }
    }
}
