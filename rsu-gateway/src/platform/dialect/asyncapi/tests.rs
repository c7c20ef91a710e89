#![allow(clippy::unwrap_used)]

use jsonschema::Validator;

use super::super::samples::{NOW, command, dialect, everything};
use super::super::{DialectName, Form};
use super::*;
use crate::clock::ClockQuality;
use crate::platform::{Place, schema_file};

#[test]
fn the_contract_that_is_checked_in_is_the_one_of_the_types() {
    schema_file::assert_current("asyncapi.json", &document());
}

/// A validator for the payload of one message of the document.
fn validator(document: &Value, message: &Value) -> Validator {
    let schema = json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "allOf": [message["payload"]],
        "components": document["components"],
    });
    jsonschema::options()
        .should_validate_formats(true)
        .build(&schema)
        .unwrap()
}

/// The message that goes over `topic`.
fn message<'a>(document: &'a Value, topic: &str) -> &'a Value {
    let address = topic.replace("rsu/R1/", "rsu/{rsuId}/");
    let mut channels = document["channels"].as_object().unwrap().values();
    let channel = channels.find(|channel| channel["address"] == *address);
    let channel = channel.unwrap_or_else(|| panic!("no channel for {topic}"));
    let messages = channel["messages"].as_object().unwrap();
    let [reference] = messages.values().collect::<Vec<_>>()[..] else {
        panic!("{messages:?}");
    };
    resolve(document, reference)
}

fn resolve<'a>(document: &'a Value, reference: &Value) -> &'a Value {
    let pointer = reference["$ref"].as_str().unwrap();
    let target = document.pointer(pointer.strip_prefix('#').unwrap());
    target.unwrap_or_else(|| panic!("{pointer} leads nowhere"))
}

fn assert_valid(validator: &Validator, payload: &Value) {
    let errors: Vec<_> = validator
        .iter_errors(payload)
        .map(|error| format!("{error} at {}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{errors:#?}\n{payload:#}");
}

#[test]
fn every_report_is_as_the_contract_says() {
    let document = document();
    let mut streams = Vec::new();
    for said in everything(DialectName::Tits0180).0 {
        let message = message(&document, &said.topic);
        streams.push(said.stream);
        if said.stream == Stream::Bsm {
            assert_eq!(message["contentType"], "application/octet-stream");
            continue;
        }
        let validator = validator(&document, message);
        let place = (said.class != Class::Live).then_some(Place { spool: 7, seq: 1 });
        let record = Record::new(said.class, place, NOW, ClockQuality::default());
        let mut sealed = Vec::new();
        record.seal(&said.payload, said.form, &mut sealed);
        let sealed: Value = serde_json::from_slice(&sealed).unwrap();
        assert_valid(&validator, &sealed);
        if said.form == Form::Object {
            assert!(
                !validator.is_valid(&said.json()),
                "without a record: {said:?}"
            );
        }
    }
    for stream in Stream::ALL {
        assert!(streams.contains(&stream), "{}", stream.name());
    }
}

#[test]
fn a_command_that_is_as_the_contract_says_is_read() {
    let document = document();
    let dialect = dialect(DialectName::Tits0180);
    for (kind, address) in CONTRACT.commands {
        let topic = address.replace("{id}", "R1");
        let validator = validator(&document, message(&document, &topic));
        let command = command(*kind);
        assert_valid(&validator, &command);
        let read = dialect.read(&topic, command.to_string().as_bytes());
        assert_eq!(read.unwrap().command.kind(), *kind);

        let refused = json!({"seqNum": "1", "ack": "perhaps"});
        assert!(!validator.is_valid(&refused), "{topic}");
        assert!(
            dialect
                .read(&topic, refused.to_string().as_bytes())
                .is_err()
        );
    }
}

#[test]
fn what_the_contract_forbids_is_refused() {
    let document = document();
    let dialect = dialect(DialectName::Tits0180);
    for (kind, topic, pointer, value) in [
        (
            CommandKind::Sampling,
            "config/down",
            "/bsmConfig/upFilters",
            json!([{"a": 1}]),
        ),
        (
            CommandKind::Sampling,
            "config/down",
            "/bsmConfig/sampleMode",
            json!("ByLot"),
        ),
        (CommandKind::Map, "map/down", "/mapSlice", json!(null)),
        (CommandKind::Map, "map/down", "/map/msgCnt", json!(300)),
        (
            CommandKind::Rsi,
            "rsi/down",
            "/rsi/eventClass",
            json!("Other"),
        ),
        (
            CommandKind::Rsm,
            "rsm/down",
            "/rsms/0/participants/0/ptcType",
            json!("horse"),
        ),
        (
            CommandKind::Spat,
            "spat/down",
            "/intersections/0/phases/0/phaseId",
            json!(256),
        ),
        (
            CommandKind::Operations,
            "om-config/down",
            "/logLevel",
            json!("LOUD"),
        ),
        (
            CommandKind::Records,
            "records/query",
            "/from",
            json!("first"),
        ),
    ] {
        let topic = format!("rsu/R1/{topic}");
        let mut command = command(kind);
        *command.pointer_mut(pointer).unwrap() = value;
        let validator = validator(&document, message(&document, &topic));
        assert!(!validator.is_valid(&command), "{topic} {pointer}");
        let read = dialect.read(&topic, command.to_string().as_bytes());
        assert!(read.is_err(), "{topic} {pointer}");
    }
}

#[test]
fn every_topic_has_a_channel_and_every_reference_a_target() {
    let document = document();
    for filter in dialect(DialectName::Tits0180).downlink_filters() {
        message(&document, &filter);
    }
    let mut references = Vec::new();
    collect(&document, &mut references);
    assert!(references.len() > 100, "{}", references.len());
    for reference in references {
        resolve(&document, reference);
    }
}

/// Everything that refers to something else.
fn collect<'a>(value: &'a Value, references: &mut Vec<&'a Value>) {
    match value {
        Value::Object(members) => {
            if members.contains_key("$ref") {
                references.push(value);
            }
            members
                .values()
                .for_each(|value| collect(value, references));
        }
        Value::Array(list) => list.iter().for_each(|value| collect(value, references)),
        _ => {}
    }
}

/// The essentials of the AsyncAPI 3.0.0 specification.
#[test]
fn the_document_is_an_asyncapi_document() {
    let document = document();
    assert_eq!(document["asyncapi"], "3.0.0");
    for member in ["title", "version"] {
        assert!(document["info"][member].is_string());
    }
    let is_key = |key: &str| {
        key.bytes()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, b'.' | b'-' | b'_'))
    };
    for table in [
        &document["components"]["messages"],
        &document["components"]["schemas"],
    ] {
        assert!(table.as_object().unwrap().keys().all(|key| is_key(key)));
    }
    for (key, channel) in document["channels"].as_object().unwrap() {
        let address = channel["address"].as_str().unwrap();
        let named = address.contains("{rsuId}");
        assert_eq!(named, channel["parameters"]["rsuId"].is_object(), "{key}");
        for message in channel["messages"].as_object().unwrap().values() {
            assert!(resolve(&document, message)["payload"].is_object());
        }
    }
    for (key, operation) in document["operations"].as_object().unwrap() {
        assert!(
            matches!(operation["action"].as_str(), Some("send" | "receive")),
            "{key}"
        );
        assert!(
            matches!(operation["bindings"]["mqtt"]["qos"].as_u64(), Some(0 | 1)),
            "{key}"
        );
        // Messages of an operation are those of its channel.
        for part in [operation, &operation["reply"]] {
            let Some(channel) = part["channel"]["$ref"].as_str() else {
                continue;
            };
            for message in part["messages"].as_array().unwrap() {
                let message = message["$ref"].as_str().unwrap();
                assert!(
                    message.starts_with(&format!("{channel}/messages/")),
                    "{key}"
                );
            }
        }
    }
}
