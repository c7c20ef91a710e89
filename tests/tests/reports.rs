//! A whole trace through the core and the platform part, without a network: what goes up is what
//! came in, and what the schema says.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use rsu_firmware::message::MessageFrame;
use rsu_firmware::rsu::{self, Rsu};
use rsu_gateway::clock::ClockQuality;
use rsu_gateway::platform::{Due, Outgoing, Platform, RsuId, Settings, Tits0180, Unit};
use rsu_gateway::radio::Radio;
use rsu_gateway::radio::trace::{Pace, Trace};
use serde_json::Value;
use tests::truth;

const SCHEMA: &str = include_str!("../../rsu-gateway/schema/junction.schema.json");

/// What a unit reports while the trace is played.
struct Played {
    /// The payloads by stream.
    reports: BTreeMap<&'static str, Vec<Vec<u8>>>,
    /// The messages that came in, as they were on the air.
    received: Vec<Vec<u8>>,
    /// What did not go up, by reason.
    left_out: BTreeMap<&'static str, u64>,
}

async fn play(trace: &str) -> Played {
    let mut trace = Trace::open(&truth::capture(trace), Pace::Max).unwrap();
    // More than there are vehicles in the traces.
    let mut rsu = Box::new(Rsu::<64>::new(rsu::Settings::default()));
    let id: RsuId = "R1".parse().unwrap();
    let unit = Unit::named(id);
    let dialect = Box::new(Tits0180::new(&unit));
    let mut platform = Platform::new(Settings::new(unit), dialect);
    let mut reports: BTreeMap<_, Vec<_>> = BTreeMap::new();
    let mut received = Vec::new();
    let sink = &mut |report: Outgoing<'_>| {
        let payloads = reports.entry(report.stream.name()).or_default();
        payloads.push(report.payload.to_vec());
    };
    while let Some(frame) = trace.receive().await.unwrap() {
        let now = frame.received.time;
        while let Some(due) = platform.handle_timeout(now, sink) {
            if due == Due::Junctions {
                let picture = rsu.fusion_mut().snapshot(now);
                platform.junctions(&picture, ClockQuality::default(), sink);
            }
        }
        let heard = rsu.handle_frame(&frame.received).unwrap();
        received.push(heard.bytes.to_vec());
        platform.handle_message(now, heard.bytes, &heard.message, sink);
    }
    let left_out = platform.counters().entries().into();
    Played {
        reports,
        received,
        left_out,
    }
}

fn is_bsm(message: &[u8]) -> bool {
    let decoded = MessageFrame::decode(message, rsu::Settings::default().profile);
    matches!(decoded, Ok(MessageFrame::Bsm(_)))
}

/// The binary list of T/ITS 0117: a count, as many lengths of two bytes, as many messages.
fn listed(list: &[u8]) -> Vec<&[u8]> {
    let (lengths, mut rest) = list[1..].split_at(2 * usize::from(list[0]));
    let mut messages = Vec::new();
    for length in lengths.as_chunks().0 {
        let (message, behind) = rest.split_at(usize::from(u16::from_be_bytes(*length)));
        messages.push(message);
        rest = behind;
    }
    assert!(rest.is_empty());
    messages
}

#[tokio::test]
async fn every_junction_snapshot_of_a_trace_follows_its_schema() {
    /// Of the eleven hundred in the trace.
    const EVERY: usize = 10;
    let schema = serde_json::from_str(SCHEMA).unwrap();
    let schema = jsonschema::options()
        .should_validate_formats(true)
        .build(&schema)
        .unwrap();
    let snapshots = &play("arterial").await.reports["junction"];
    // The first MAP comes within the first second of the 110.
    assert!(
        (1_085..=1_100).contains(&snapshots.len()),
        "{}",
        snapshots.len()
    );
    let mut vehicles = 0;
    let mut lights = 0;
    for payload in snapshots.iter().step_by(EVERY) {
        let snapshot: Value = serde_json::from_slice(payload).unwrap();
        if let Err(error) = schema.validate(&snapshot) {
            panic!("{error} at {}: {snapshot}", error.instance_path());
        }
        vehicles += snapshot["vehicles"].as_array().unwrap().len();
        lights += snapshot["phases"].as_array().unwrap().len();
    }
    // Each has its twelve phases, and more often than not some vehicles.
    assert_eq!(lights, 12 * snapshots.len().div_ceil(EVERY));
    assert!(vehicles > snapshots.len(), "{vehicles}");
}

#[tokio::test]
async fn bsms_go_up_as_they_came_in_or_are_counted() {
    let played = play("arterial").await;
    let lists = &played.reports["bsm"];
    let up: Vec<&[u8]> = lists.iter().flat_map(|list| listed(list)).collect();
    let mut received = played.received.iter().filter(|message| is_bsm(message));
    let count = received.clone().count() as u64;
    let in_order = up
        .iter()
        .all(|message| received.any(|sent| sent == message));
    assert!(
        in_order,
        "a message that did not come in, or not in this order"
    );
    let left_out = played.left_out["bsm_not_sampled"] + played.left_out["bsm_over_limit"];
    // The last list still waits.
    let waiting = count - left_out - up.len() as u64;
    assert!(waiting < 255, "{waiting}");
    assert!(
        up.len() as u64 * 100 > count * 99,
        "{} of {count}",
        up.len()
    );
}
