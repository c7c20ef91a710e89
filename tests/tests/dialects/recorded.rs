//! Payloads that others have recorded. They are not ours to hand on: they are read from beside the
//! workspace, and where they are missing the tests say so and pass.
#![expect(
    clippy::print_stdout,
    reason = "how many payloads were read is part of the result"
)]

use std::fs;
use std::path::Path;

use rsu_firmware::message::MessageFrame;
use rsu_firmware::time::{Span, Timestamp};
use rsu_firmware::uper::Profile;
use rsu_gateway::downlink::{Command, Downlink, Unreadable};
use rsu_gateway::platform::dialect::{Dialect, DialectName, named};
use rsu_gateway::platform::{Form, Outgoing, Platform, Settings, Stream, Unit};
use serde_json::{Value, json};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/recorded/cn");

/// The text of a recording, or a notice that there is none.
fn recording(name: &str) -> Option<String> {
    let text = fs::read_to_string(Path::new(FOLDER).join(name)).ok();
    println!(
        "{name}: {}",
        if text.is_some() { "read" } else { "not there" }
    );
    text
}

fn json_recording(name: &str) -> Option<Value> {
    let text = recording(&format!("mqtt-json/openv2x-{name}.json"))?;
    Some(serde_json::from_str(&text).unwrap())
}

fn unit(id: &str, esn: &str) -> Unit {
    Unit {
        esn: esn.into(),
        ..Unit::named(id.parse().unwrap())
    }
}

fn openv2x() -> Box<dyn Dialect> {
    let unit = unit("R328328", "R328328");
    named(DialectName::OpenV2x, &unit, Profile::default()).unwrap()
}

fn read(topic: &str, payload: &Value) -> Result<Downlink, Unreadable> {
    openv2x().read(topic, payload.to_string().as_bytes())
}

fn map_down(map: &Value) -> Value {
    json!({"mapSlice": "1", "map": map, "eTag": "a", "ack": false, "seqNum": "1"})
}

#[test]
fn the_default_map_of_the_platform_is_read_and_goes_up_as_it_came() {
    let Some(recorded) = json_recording("dandelion-default_map") else {
        return;
    };
    let downlink = read("V2X/RSU/R328328/MAP/DOWN", &map_down(&recorded)).unwrap();
    let Command::Map(down) = downlink.command else {
        panic!("{downlink:?}")
    };
    assert_eq!(down.map.nodes.len(), 5);
    let node = down.map.nodes.iter().next().unwrap();
    assert_eq!(node.ref_pos.lat.value(), 319_348_466);

    let mut bytes = vec![0; 16_384];
    let message = MessageFrame::Map(down.map);
    let length = message.encode(&mut bytes, Profile::default()).unwrap();
    let message = MessageFrame::decode(&bytes[..length], Profile::default()).unwrap();
    let settings = Settings::new(unit("R328328", "R328328"));
    let mut platform = Platform::new(settings, openv2x());
    let mut up = Vec::new();
    let sink = &mut |out: Outgoing<'_>| {
        assert_eq!(out.topic, "V2X/RSU/R328328/MAP/UP");
        up.push(serde_json::from_slice::<Value>(out.payload).unwrap());
    };
    platform.handle_message(Timestamp::from_millis(0), &bytes[..length], &message, sink);
    assert_eq!(of_one(up[0]["map"].take()), of_one(recorded));
}

/// The recording writes a list of one element now as that element, now as a list: here it is always
/// the element.
fn of_one(value: Value) -> Value {
    match value {
        Value::Array(mut list) if list.len() == 1 => of_one(list.remove(0)),
        Value::Array(list) => list.into_iter().map(of_one).collect(),
        Value::Object(members) => {
            let member = |(name, value)| (name, of_one(value));
            members.into_iter().map(member).collect()
        }
        value => value,
    }
}

#[test]
fn the_map_of_the_portal_a_single_node_is_read() {
    let Some(recorded) = json_recording("edgeview-MapExample") else {
        return;
    };
    let downlink = read("V2X/RSU/R328328/MAP/DOWN", &map_down(&recorded)).unwrap();
    let Command::Map(down) = downlink.command else {
        panic!("{downlink:?}")
    };
    let node = down.map.nodes.iter().next().unwrap();
    assert_eq!(node.ref_pos.long.value(), 1_188_408_970);
    assert_eq!(node.in_links.map(|links| links.len()), Some(4));
    let mut bytes = vec![0; 16_384];
    MessageFrame::Map(down.map)
        .encode(&mut bytes, Profile::default())
        .unwrap();
}

/// What sensors of one vendor send up is for the platform. What the platform makes of it comes
/// down, in the form of T/ITS 0117, which a sensor's form is not.
#[test]
fn what_sensors_send_up_is_no_command() {
    for (name, down) in [("rsi", "RSI"), ("rsm", "RSM")] {
        let Some(recorded) = json_recording(name) else {
            continue;
        };
        let up = recorded["topic"].as_str().unwrap();
        assert_eq!(read(up, &recorded["json"]), Err(Unreadable::UnknownTopic));
        assert_eq!(
            recorded["reply_topic"],
            format!("V2X/RSU/R328328/{down}/DOWN")
        );
        let reply = recorded["reply_topic"].as_str().unwrap();
        match read(reply, &recorded["json"]) {
            Err(Unreadable::Command { refusal, .. }) => println!("{reply}: {refusal}"),
            other => panic!("{other:?}"),
        }
    }
}

/// The recorded values in the form in which the platform hands them on.
#[test]
fn what_the_platform_makes_of_them_is_read() {
    if let Some(recorded) = json_recording("rsi") {
        let event = &recorded["json"]["event_content"][0];
        let rsi = json!({
            "rsiSourceType": recorded["json"]["dev_type"],
            "rsiSourceId": recorded["json"]["dev_id"],
            "rsiDatas": [{
                "alertID": event["event_id"], "duration": 0, "eventStatus": true,
                "timeStamp": "2022-05-20T03:18:23.500Z", "eventClass": "AbnormalTraffic",
                "eventType": event["event_type"], "eventSource": event["event_source"],
                "eventPosition": {"lat": event["latitude"], "lon": event["longitude"]},
            }],
        });
        let downlink = read("V2X/RSU/R328328/RSI/DOWN", &rsi).unwrap();
        assert!(matches!(downlink.command, Command::Rsi(rsi) if rsi.alert.event_type == 707));
    }
    if let Some(recorded) = json_recording("rsm") {
        let (message, participant) = (&recorded["json"][0], &recorded["json"][0]["content"][0]);
        let units = |degrees: &Value| (degrees.as_f64().unwrap() * 1e7) as i64;
        let rsm = json!({"name": null, "id": null, "content": {"rsms": [{
            "refPos": {
                "lat": units(&message["dev_pos"]["lat"]),
                "lon": units(&message["dev_pos"]["lon"]),
                "ele": null,
            },
            "participants": [{
                "ptcType": participant["ptcType"], "ptcId": participant["ptcId"],
                "global_track_id": participant["global_track_id"],
                "source": participant["source"], "secMark": participant["secMark"],
                "pos": {
                    "lat": units(&participant["pos_lat"]),
                    "lon": units(&participant["pos_lon"]),
                    "ele": null,
                },
                "speed": (participant["speed"].as_f64().unwrap() / 0.02) as i64,
                "heading": (participant["heading"].as_f64().unwrap() / 0.0125) as i64,
                "size": {"width": 180, "length": 500, "height": 30},
            }],
        }]}});
        let downlink = read("V2X/RSU/R328328/RSM/DOWN", &rsm).unwrap();
        assert!(matches!(downlink.command, Command::Rsm(rsm) if rsm.messages.len() == 1));
    }
}

/// Requests of vehicles and what is agreed upon with them, radar data, and the memory of a fusion:
/// nothing of that is a topic of a unit, and on the topic of a command it is refused.
#[test]
fn what_belongs_to_later_message_sets_is_refused_with_a_reason() {
    for name in ["clc", "dnp", "sds", "mwr"] {
        let Some(recorded) = json_recording(name) else {
            continue;
        };
        for topic in ["topic", "reply_topic"] {
            let topic = recorded[topic].as_str().unwrap();
            let error = read(topic, &recorded["json"]).unwrap_err();
            assert_eq!(error.to_string(), "no topic of this contract", "{topic}");
        }
        assert_refused_as_a_command(&recorded["json"]);
    }
    if let Some(recorded) = json_recording("cerebrum-msg58") {
        assert_refused_as_a_command(&recorded);
    }
}

fn assert_refused_as_a_command(payload: &Value) {
    for (topic, missing) in [("MAP", "mapSlice"), ("RSI", "rsi"), ("RSM", "rsms")] {
        let error = read(&format!("V2X/RSU/R328328/{topic}/DOWN"), payload).unwrap_err();
        let text = error.to_string();
        assert!(text.contains(missing), "{topic}: {text}");
    }
}

/// The publishes of the recording: what kind it says it is, and the octets.
fn published() -> Vec<(String, Vec<u8>)> {
    let Some(text) = recording("envelope/v2x-sample-as-published.utf8.txt") else {
        return Vec::new();
    };
    let hex = |text: &str| hex::decode(text.trim()).ok().filter(|hex| !hex.is_empty());
    let lines = text.lines().filter_map(|line| {
        let (title, payload) = line.split_once('：')?;
        let kind: String = title.chars().take_while(char::is_ascii_uppercase).collect();
        Some((kind, hex(payload)?))
    });
    lines.collect()
}

/// Who sent it, when, and the messages within.
fn opened(kind: &str, payload: &[u8]) -> (String, i64, Vec<Vec<u8>>) {
    let id = String::from_utf8(payload[..8].to_vec()).unwrap();
    let time = i64::from_le_bytes(payload[8..16].try_into().unwrap());
    let mut rest = &payload[if kind == "BSM" { 17 } else { 16 }..];
    let mut messages = Vec::new();
    while let Some((length, behind)) = rest.split_first_chunk() {
        let (message, behind) = behind.split_at(usize::from(u16::from_le_bytes(*length)));
        messages.push(message.to_vec());
        rest = behind;
    }
    (id, time, messages)
}

/// The recorded MAP and RSI are of the edition of 2019, and so is then all of it.
#[test]
fn recorded_envelopes_are_reproduced_byte_for_byte() {
    const PROFILE: Profile = Profile::Tcsae53_2019;
    let mut reproduced = 0;
    for (kind, recorded) in published() {
        let (id, time, messages) = opened(&kind, &recorded);
        let now = Timestamp::from_millis(time);
        let unit = unit(&id, "esn");
        let dialect = named(DialectName::Envelope, &unit, PROFILE).unwrap();
        let settings = Settings {
            profile: PROFILE,
            ..Settings::new(unit)
        };
        // BSMs wait for one another as long as that.
        let wait = match kind.as_str() {
            "BSM" => settings.bsm_batch.age_max,
            _ => Span::default(),
        };
        let mut platform = Platform::new(settings, dialect);
        let mut up = Vec::new();
        let sink = &mut |out: Outgoing<'_>| {
            if out.stream != Stream::Heartbeat {
                assert_eq!(out.form, Form::Complete);
                up.push((out.topic.to_owned(), out.payload.to_vec()));
            }
        };
        for bytes in &messages {
            let message = MessageFrame::decode(bytes, PROFILE).unwrap();
            platform.handle_message(now - wait, bytes, &message, sink);
        }
        while platform.handle_timeout(now, sink).is_some() {}
        let expected = (format!("V2X.RSU.{kind}.UP"), recorded);
        assert_eq!(up, [expected], "{kind}");
        reproduced += 1;
    }
    println!("envelopes reproduced: {reproduced}");
}

#[test]
fn recorded_envelopes_are_commands_if_they_come_down() {
    let mut read = 0;
    for (kind, recorded) in published() {
        let (id, time, _) = opened(&kind, &recorded);
        let dialect = named(
            DialectName::Envelope,
            &unit(&id, "e"),
            Profile::Tcsae53_2019,
        )
        .unwrap();
        let downlink = dialect.read(&format!("V2X.RSU.{kind}.{id}.DOWN"), &recorded);
        if kind == "BSM" {
            assert_eq!(downlink, Err(Unreadable::UnknownTopic));
        } else {
            let downlink = downlink.unwrap_or_else(|error| panic!("{kind}: {error}"));
            assert_eq!(downlink.issued, Some(Timestamp::from_millis(time)));
            assert_eq!(downlink.command.kind().name(), kind.to_lowercase());
            read += 1;
        }
    }
    println!("envelopes read: {read}");
}
