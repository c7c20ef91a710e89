//! Makes the commands of OpenV2X those of T/ITS 0117.
//!
//! Only what is there is rewritten. What is missing or wrong is for the reader of T/ITS 0117 to
//! tell.

use rsu_firmware::message::SourceType;
use serde_json::{Map, Value, json};

use super::xml_map;
use crate::downlink::CommandKind;

/// The content of a command as T/ITS 0117 has it; `None` where it is the same already.
pub(super) fn translated(kind: CommandKind, payload: &[u8]) -> Option<Vec<u8>> {
    let Ok(Value::Object(mut members)) = serde_json::from_slice(payload) else {
        return None;
    };
    if let Some(timestamp) = members.get_mut("timestamp") {
        translate_time(timestamp);
    }
    match kind {
        CommandKind::Map => translate_map(&mut members),
        CommandKind::Rsi => translate_rsi(&mut members),
        CommandKind::Rsm => translate_rsm(&mut members),
        _ => {}
    }
    serde_json::to_vec(&members).ok()
}

/// Seconds since 1970 become milliseconds. A time before 1973 in milliseconds is one of today in
/// seconds.
fn translate_time(timestamp: &mut Value) {
    const SECONDS_BELOW: i64 = 100_000_000_000;
    if let Some(seconds) = timestamp
        .as_i64()
        .filter(|time| (0..SECONDS_BELOW).contains(time))
    {
        *timestamp = (seconds * 1_000).into();
    }
}

fn translate_map(members: &mut Map<String, Value>) {
    if let Some(map) = members.get_mut("map") {
        *map = xml_map::to_jer(map.take());
    }
}

/// `rsiDatas`, a list of events, becomes `rsi`, if it is a list of one. A position may come without
/// the list around it.
fn translate_rsi(members: &mut Map<String, Value>) {
    match members.get_mut("rsiDatas").map(Value::take) {
        Some(Value::Array(mut events)) if events.len() == 1 => {
            members.insert("rsi".to_owned(), events.swap_remove(0));
        }
        Some(Value::Array(events)) => {
            let text = format!("{} events in rsiDatas, not one", events.len());
            members.insert("rsi".to_owned(), text.into());
        }
        _ => {}
    }
    let position = members
        .get_mut("rsi")
        .and_then(|rsi| rsi.get_mut("eventPosition"));
    if let Some(position) = position.filter(|position| position.is_object()) {
        *position = json!([position.take()]);
    }
}

/// `content.rsms` becomes `rsms`, numbers of sources become names, and a size that is not told
/// is unknown.
fn translate_rsm(members: &mut Map<String, Value>) {
    let content = members.get_mut("content").map(Value::take);
    if let Some(Value::Object(mut content)) = content
        && let Some(rsms) = content.remove("rsms")
    {
        members.insert("rsms".to_owned(), rsms);
    }
    let messages = members.get_mut("rsms").and_then(Value::as_array_mut);
    for message in messages.into_iter().flatten() {
        let participants = message
            .get_mut("participants")
            .and_then(Value::as_array_mut);
        for participant in participants.into_iter().flatten() {
            if let Value::Object(participant) = participant {
                translate_participant(participant);
            }
        }
    }
}

fn translate_participant(participant: &mut Map<String, Value>) {
    if let Some(source) = participant.get_mut("source")
        && let Some(number) = source.as_u64()
    {
        let mut sources = SourceType::ALL.iter();
        let named = sources.find(|source| source.index() == number);
        if let Some(id) = named.and_then(|source| source.id()) {
            *source = id.into();
        }
    }
    let size = participant.entry("size").or_insert(Value::Null);
    if size.is_null() {
        *size = json!({"width": 0, "length": 0});
    }
}
