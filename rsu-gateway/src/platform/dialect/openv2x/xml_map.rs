//! The MAP of OpenV2X: JSON that was made from XML, element by element.
//!
//! | | JER | here |
//! |---|---|---|
//! | number | `17` | `"17"` |
//! | list | `"lanes": [..]` | `"lanes": {"Lane": [..]}`; of one element `{"Lane": {..}}` |
//! | enumerated | `"vehicleMaxSpeed"` | `{"vehicleMaxSpeed": null}` |
//! | bit string | hex: `"8000"` | binary: `"100000000000"` |
//!
//! Its tools also write a single node in place of the MAP, bare lists, numbers as such, and in
//! `refPos` degrees and the names `lon` and `ele`. All that is read, and JER as well.

use serde_json::{Map, Value, json};

/// Lists, and what their elements are called.
const LISTS: [(&str, &str); 7] = [
    ("nodes", "Node"),
    ("inLinks", "Link"),
    ("speedLimits", "RegulatorySpeedLimit"),
    ("points", "RoadPoint"),
    ("movements", "Movement"),
    ("lanes", "Lane"),
    ("connectsTo", "Connection"),
];

/// Bit strings of a fixed size.
const BIT_STRINGS: [(&str, usize); 10] = [
    ("maneuvers", 12),
    ("maneuver", 12),
    ("shareWith", 10),
    ("crosswalk", 16),
    ("bikeLane", 16),
    ("sidewalk", 16),
    ("median", 16),
    ("striping", 16),
    ("trackedVehicle", 16),
    ("parking", 16),
];

/// The bit string whose size may grow: `{value, length}` in JER.
const FLEXIBLE_BIT_STRING: &str = "vehicle";
const ENUMERATED: &str = "type";
const TEXT: &str = "name";

/// Writes a MapData that is given in JER.
pub(super) fn from_jer(jer: Value) -> Value {
    match jer {
        Value::Object(members) => {
            let members = members.into_iter();
            let written = members.map(|(name, value)| {
                let value = write_member(&name, value);
                (name, value)
            });
            written.collect()
        }
        Value::Number(number) => number.to_string().into(),
        other => other,
    }
}

fn write_member(name: &str, value: Value) -> Value {
    match value {
        Value::Array(list) => {
            let mut list: Vec<_> = list.into_iter().map(from_jer).collect();
            let single = if list.len() == 1 { list.pop() } else { None };
            match element_of(name) {
                Some(element) => json!({element: single.unwrap_or(Value::Array(list))}),
                None => Value::Array(list),
            }
        }
        Value::String(id) if name == ENUMERATED => json!({id: null}),
        Value::String(hex) => match size_of(name).and_then(|size| binary(&hex, size)) {
            Some(bits) => bits.into(),
            None => hex.into(),
        },
        Value::Object(bits) if name == FLEXIBLE_BIT_STRING => {
            let length = bits.get("length").and_then(Value::as_u64).unwrap_or(0);
            let length = usize::try_from(length).unwrap_or(0);
            let hex = bits.get("value").and_then(Value::as_str);
            match hex.and_then(|hex| binary(hex, length)) {
                Some(bits) => bits.into(),
                None => Value::Object(bits),
            }
        }
        other => from_jer(other),
    }
}

/// Makes a MapData in JER of what may be one. What is not as expected stays, for the reader of JER
/// to say what is wrong with it.
pub(super) fn to_jer(xml: Value) -> Value {
    let mut map = match read_member("", xml) {
        Value::Object(node) if node.contains_key("refPos") => {
            Map::from_iter([("nodes".to_owned(), json!([node]))])
        }
        Value::Object(map) => map,
        other => return other,
    };
    map.entry("msgCnt").or_insert(json!(0));
    Value::Object(map)
}

fn read_member(name: &str, value: Value) -> Value {
    if let Some(element) = element_of(name) {
        return read_list(element, value);
    }
    match value {
        Value::Object(mut members) if name == ENUMERATED && members.len() == 1 => {
            let id = std::mem::take(&mut members).into_iter().next();
            id.map_or(Value::Null, |(id, _)| id.into())
        }
        Value::Object(bits) if name == FLEXIBLE_BIT_STRING => Value::Object(bits),
        Value::Object(members) => {
            let members = members.into_iter();
            let mut read: Map<_, _> = members
                .map(|(name, value)| {
                    let value = read_member(&name, value);
                    (name, value)
                })
                .collect();
            if name == "refPos" {
                read_position(&mut read);
            }
            Value::Object(read)
        }
        Value::Array(list) => list
            .into_iter()
            .map(|value| read_member("", value))
            .collect(),
        Value::String(text) => read_text(name, text),
        other => other,
    }
}

fn read_list(element: &str, value: Value) -> Value {
    let list = match value {
        Value::Object(mut wrapped) => match wrapped.remove(element) {
            Some(list) => list,
            None => Value::Object(wrapped),
        },
        list => list,
    };
    match list {
        Value::Array(list) => list
            .into_iter()
            .map(|value| read_member("", value))
            .collect(),
        single => json!([read_member("", single)]),
    }
}

fn read_text(name: &str, text: String) -> Value {
    if name == TEXT || name == ENUMERATED {
        return text.into();
    }
    let is_binary = text.bytes().all(|digit| matches!(digit, b'0' | b'1'));
    match size_of(name) {
        Some(size) if is_binary && text.len() == size => hex(&text).into(),
        Some(_) => text.into(),
        None if name == FLEXIBLE_BIT_STRING && is_binary => {
            json!({"value": hex(&text), "length": text.len()})
        }
        None => match text.trim().parse::<i64>() {
            Ok(number) => number.into(),
            Err(_) => text.into(),
        },
    }
}

/// Degrees become 1e-7 degrees.
fn read_position(position: &mut Map<String, Value>) {
    for (alias, name) in [("lon", "long"), ("ele", "elevation")] {
        if let Some(value) = position.remove(alias) {
            position.entry(name).or_insert(value);
        }
    }
    for name in ["lat", "long"] {
        let degrees = position.get_mut(name).filter(|value| value.is_f64());
        if let Some(value) = degrees {
            let units = value.as_f64().unwrap_or(f64::NAN) * 1e7;
            // Saturates; whatever is no position then is out of range.
            *value = json!(units.round() as i64);
        }
    }
}

fn element_of(list: &str) -> Option<&'static str> {
    let found = LISTS.iter().find(|(name, _)| *name == list);
    found.map(|(_, element)| *element)
}

fn size_of(bit_string: &str) -> Option<usize> {
    let found = BIT_STRINGS.iter().find(|(name, _)| *name == bit_string);
    found.map(|(_, size)| *size)
}

/// The first `size` bits.
fn binary(hex: &str, size: usize) -> Option<String> {
    let digits = hex.chars().map(|digit| digit.to_digit(16));
    let bits: String = digits
        .map(|digit| digit.map(|digit| format!("{digit:04b}")))
        .collect::<Option<_>>()?;
    bits.get(..size).map(str::to_owned)
}

/// Hex of whole octets, padded with zero bits.
fn hex(binary: &str) -> String {
    let bits: Vec<u8> = binary.bytes().map(|digit| digit & 1).collect();
    let octet = |bits: &[u8]| {
        let octet = bits.iter().fold(0_u8, |octet, bit| octet << 1 | bit);
        octet << (8 - bits.len())
    };
    let octets = bits.chunks(8).map(|bits| format!("{:02X}", octet(bits)));
    octets.collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rsu_firmware::message::MapData;
    use serde_json::{from_value, to_value};

    /// A MAP with one node, one link and two lanes in the form of the platform.
    fn xml() -> Value {
        let point = |lat: &str| {
            let ll = json!({"position-LatLon": {"lon": "1188217225", "lat": lat}});
            json!({"posOffset": {"offsetLL": ll}})
        };
        let lane = |id: &str| {
            json!({
                "laneID": id,
                "laneAttributes": {"shareWith": "1000000001", "laneType": {"vehicle": "10000001"}},
                "maneuvers": "100000000001",
                "points": {"RoadPoint": [point("319353148"), point("319353149")]},
            })
        };
        json!({"msgCnt": "1", "nodes": {"Node": {
            "name": "17",
            "id": {"region": "10", "id": "17"},
            "refPos": {"lat": "319348466", "long": "1188203963", "elevation": "-10"},
            "inLinks": {"Link": {
                "upstreamNodeId": {"region": "10", "id": "19"},
                "speedLimits": {"RegulatorySpeedLimit": [
                    {"type": {"vehicleMaxSpeed": null}, "speed": "833"},
                    {"type": {"vehicleMinSpeed": null}, "speed": "0"},
                ]},
                "linkWidth": "1000",
                "lanes": {"Lane": [lane("14"), lane("15")]},
            }},
        }}})
    }

    #[test]
    fn a_map_is_read_and_written_in_the_form_of_the_platform() {
        let map: MapData<'_> = from_value(to_jer(xml())).unwrap();
        let node = map.nodes.iter().next().unwrap();
        assert_eq!(node.ref_pos.lat.value(), 319_348_466);
        assert_eq!(from_jer(to_value(&map).unwrap()), xml());
    }

    #[test]
    fn a_single_node_in_degrees_is_a_map_as_well() {
        let node = json!({
            "id": {"region": 10, "id": 19},
            "refPos": {"lon": 118.840_897, "lat": 31.8833, "ele": 625},
        });
        let map: MapData<'_> = from_value(to_jer(node)).unwrap();
        let node = map.nodes.iter().next().unwrap();
        assert_eq!(
            (node.ref_pos.lat.value(), node.ref_pos.long.value()),
            (318_833_000, 1_188_408_970),
        );
        assert_eq!(node.ref_pos.elevation.unwrap().value(), 625);
    }

    #[test]
    fn jer_stays_what_it_is() {
        let jer = to_jer(xml());
        assert_eq!(to_jer(jer.clone()), jer);
    }

    proptest! {
        #[test]
        fn whatever_comes_is_left_to_the_reader_of_jer(text in "\\PC{0,40}", bits in "[01]{0,40}") {
            for name in ["refPos", "nodes", "type", "vehicle", "maneuvers", "lat", "name", "x"] {
                for value in [json!(text), json!(bits), json!([text, {name: bits}]), json!({name: [bits]})] {
                    let _ = to_jer(json!({"nodes": {"Node": {name: value}}}));
                    let _ = from_jer(json!({name: value}));
                }
            }
        }
    }
}
