//! Messages that others have recorded. They are not ours to hand on: they are read from beside the
//! workspace, and where they are missing the tests say so and pass.
#![expect(
    clippy::print_stdout,
    reason = "how many messages were read is part of the result"
)]

use super::{assert_means, decode, encode, to_jer};
use rsu_firmware::message::MessageFrame;
use rsu_firmware::network::{self, Adaptation, DSM_LENGTH_MAX, MessageKind};
use rsu_firmware::uper::Profile;
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/recorded/cn");

#[test]
fn recorded_messages_are_decoded_to_their_jer_and_encoded_to_their_bytes() {
    let mut messages = 0;
    for path in hex_files("uper-recorded") {
        let jer = json_of(&path.with_extension("jer.json"));
        for profile in profiles(&path) {
            let encoded = assert_means(&octets(&path), profile, &jer);
            assert_eq!(encoded, octets(&path), "{}", path.display());
            messages += 1;
        }
    }
    println!("recorded messages read, under each profile they follow: {messages}");
}

/// Under the other edition the same bytes mean something else or nothing: which one is on the air
/// must be configured.
#[test]
fn a_map_of_the_2019_edition_is_no_map_of_the_2020_edition() {
    let maps = hex_files("uper-recorded").filter(|path| path.to_string_lossy().contains("map-"));
    let mut read = 0;
    for path in maps {
        let jer = json_of(&path.with_extension("jer.json"));
        let uper = octets(&path);
        let misread = MessageFrame::decode(&uper, Profile::Ydt3709_2020);
        assert!(misread.is_err() || misread.is_ok_and(|message| to_jer(&message) != jer));
        assert_eq!(to_jer(&decode(&uper, Profile::Tcsae53_2019)), jer);
        read += 1;
    }
    println!("recorded MAPs read: {read}");
}

/// Encoded by others from published values, which are not in JER but nearly.
#[test]
fn derived_messages_hold_the_values_they_were_made_from() {
    let mut messages = 0;
    for path in hex_files("uper-derived") {
        let name = file_name(&path);
        // NAME.PROFILE.hex beside NAME.value.json.
        let value = json_of(&path.with_extension("").with_extension("value.json"));
        for profile in profiles(&path) {
            let uper = octets(&path);
            let message = decode(&uper, profile);
            let (frame, _) = name.split_once('-').unwrap_or_default();
            let jer = to_jer(&message);
            let content = &jer[format!("{frame}Frame")];
            assert_eq!(
                without_lengths(content.clone()),
                as_jer(value.clone()),
                "{name}"
            );
            assert_eq!(encode(&message, profile), uper, "{name}");
            messages += 1;
        }
    }
    println!("derived messages read: {messages}");
}

#[test]
fn messages_of_older_editions_are_refused() {
    let mut messages = 0;
    for path in hex_files("uper-undecoded") {
        for profile in Profile::ALL {
            let uper = octets(&path);
            let Err(error) = MessageFrame::decode(&uper, profile) else {
                panic!("{} is delivered under {}", path.display(), profile.name());
            };
            assert!(error.bit <= uper.len() * 8, "{error}");
            println!("{}, {}: {error}", path.display(), profile.name());
            messages += 1;
        }
    }
    println!("messages of older editions read, under each profile: {messages}");
}

/// rsuID in 8 bytes, time in 8 and length in 2, both least significant byte first, and the message.
#[test]
fn the_message_in_a_platform_envelope_is_the_recorded_one() {
    let mut envelopes = 0;
    for path in hex_files("envelope") {
        let envelope = octets(&path);
        let (head, message) = envelope.split_at(18);
        let length = u16::from_le_bytes([head[16], head[17]]);
        assert_eq!(usize::from(length), message.len(), "{}", path.display());
        let payload = path.with_file_name("../uper-recorded/spat-rsu-envelope-payload.jer.json");
        for profile in Profile::ALL {
            assert_means(message, profile, &json_of(&payload));
        }
        envelopes += 1;
    }
    println!("envelopes read: {envelopes}");
}

#[test]
fn recorded_frames_carry_the_recorded_messages() {
    let mut frames = 0;
    for path in hex_files("dsmp") {
        let frame = octets(&path);
        let dsm = network::parse(&frame, Adaptation::Present, DSM_LENGTH_MAX);
        let dsm = dsm.unwrap_or_else(|dropped| panic!("{}: {dropped:?}", path.display()));
        let name = file_name(&path);
        let (kind, stem) = match name.split('.').next() {
            Some(stem @ "bsm-exp") => (MessageKind::Bsm, stem),
            Some(stem) => (MessageKind::Spat, stem),
            None => panic!("{name}"),
        };
        assert_eq!(dsm.kind(), Ok(kind), "{name}");
        assert_eq!(dsm.trailing_length, 0, "{name}");
        let jer = json_of(&path.with_file_name(format!("../uper-recorded/{stem}.jer.json")));
        assert_means(dsm.payload, Profile::default(), &jer);
        frames += 1;
    }
    println!("frames read: {frames}");
}

fn hex_files(folder: &str) -> impl Iterator<Item = PathBuf> {
    let folder = Path::new(FOLDER).join(folder);
    let entries = fs::read_dir(&folder);
    if entries.is_err() {
        println!("{} is absent: nothing was read", folder.display());
    }
    let mut paths: Vec<_> = entries
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .collect();
    paths.sort();
    paths
        .into_iter()
        .filter(|path| path.extension().is_some_and(|extension| extension == "hex"))
}

fn file_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

fn octets(path: &Path) -> Vec<u8> {
    let text =
        fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    hex::decode(text.trim()).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn json_of(path: &Path) -> Value {
    let text =
        fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Those that a file follows: the one that its name tells, or both.
fn profiles(path: &Path) -> impl Iterator<Item = Profile> {
    let name = file_name(path);
    let only_2019 = name.contains(".tcsae53-");
    let only_2020 = name.contains(".ydt3709-");
    Profile::ALL
        .into_iter()
        .filter(move |profile| match profile {
            Profile::Ydt3709_2020 => !only_2019,
            Profile::Tcsae53_2019 => !only_2020,
        })
}

/// Strings of bits and octets as JER writes them.
fn as_jer(value: Value) -> Value {
    match value {
        Value::Object(members) => match (members.get("bits"), members.get("octets")) {
            (Some(Value::String(bits)), None) => {
                let octet = |bits: &[u8]| {
                    bits.iter()
                        .zip((0..8).rev())
                        .map(|(bit, at)| (bit - b'0') << at)
                        .sum()
                };
                let octets: Vec<u8> = bits.as_bytes().chunks(8).map(octet).collect();
                json!(hex::encode_upper(octets))
            }
            (None, Some(Value::String(octets))) => json!(octets.to_uppercase()),
            _ => members
                .into_iter()
                .map(|(id, member)| (id, as_jer(member)))
                .collect(),
        },
        Value::Array(elements) => elements.into_iter().map(as_jer).collect(),
        other => other,
    }
}

/// The published values do not tell strings of variable size from the others.
fn without_lengths(jer: Value) -> Value {
    match jer {
        Value::Object(members) => match (members.get("value"), members.get("length")) {
            (Some(value), Some(_)) => value.clone(),
            _ => members
                .into_iter()
                .map(|(id, member)| (id, without_lengths(member)))
                .collect(),
        },
        Value::Array(elements) => elements.into_iter().map(without_lengths).collect(),
        other => other,
    }
}
