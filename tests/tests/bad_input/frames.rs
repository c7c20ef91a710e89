//! Frames that are none, and messages that break the schema.

use std::collections::{BTreeMap, BTreeSet};

use fastrand::Rng;
use rsu_firmware::network::{Aid, DSM_LENGTH_MAX, MessageKind};
use rsu_firmware::pc5::Received;
use rsu_firmware::rsu;
use rsu_firmware::stats::{DropReason, FrameKind};
use rsu_firmware::uper::{ErrorKind, Profile};
use rsu_gateway::station::Station;
use tests::vectors;

use crate::site::{Site, frame_of, framed, frames};

const BSM: FrameKind = FrameKind::Known(MessageKind::Bsm);
const MAP: FrameKind = FrameKind::Known(MessageKind::Map);
const SPAT: FrameKind = FrameKind::Known(MessageKind::Spat);

fn changed(frame: &[u8], at: usize, byte: u8) -> Vec<u8> {
    let mut frame = frame.to_vec();
    frame[at] = byte;
    frame
}

/// One that breaks each rule, and the counter of that rule.
fn broken(good: &[u8]) -> Vec<(Vec<u8>, &'static str)> {
    let payload = &good[5..];
    vec![
        (vec![], "truncated_header"),
        (good[..4].to_vec(), "truncated_header"),
        (vec![0x00; 40], "ip_packet"),
        (vec![0x05; 40], "ip_packet"),
        (changed(good, 0, 0x09), "unknown_protocol"),
        (good[1..].to_vec(), "ip_packet"),
        (changed(good, 1, 0x20), "unknown_version"),
        (changed(good, 1, 0x01), "reserved_bits"),
        (vec![0x04, 0x10, 0x01, 0x07, 0xFF, 0x00], "bad_extension"),
        (changed(good, 2, 0xFF), "bad_aid"),
        (good[..good.len() - 1].to_vec(), "truncated_payload"),
        (
            framed(Aid::BSM_REGULAR, &vec![0; DSM_LENGTH_MAX + 1]),
            "payload_too_long",
        ),
        (framed(Aid::new(7).unwrap(), payload), "unknown_aid"),
        (framed(Aid::REVOCATION, payload), "security"),
        (framed(Aid::SPAT, payload), "aid_mismatch"),
        (
            framed(Aid::BSM_REGULAR, &payload[..payload.len() / 2]),
            "message_truncated",
        ),
        (framed(Aid::BSM_REGULAR, &[]), "message_truncated"),
        // MessageFrame's index has values to spare.
        (framed(Aid::BSM_REGULAR, &[0x7F; 40]), "message_alternative"),
    ]
}

#[test]
fn every_malformed_frame_raises_one_counter_and_the_next_is_delivered() {
    let mut site = Site::new();
    let good = frame_of(&site.last(BSM), Profile::default());
    for (frame, counter) in broken(&good) {
        let raised = site.raised(|site| assert!(site.receive(&frame).is_err(), "{counter}"));
        assert_eq!(raised, [(counter, 1)].into(), "{frame:02X?}");
        let raised = site.raised(|site| assert!(site.receive(&good).is_ok()));
        // The same again is not newer.
        assert_eq!(raised, [("vehicle_out_of_order", 1)].into());
    }
    site.assert_goes_on();
}

#[test]
fn a_frame_cut_anywhere_is_dropped_once() {
    let mut site = Site::new();
    for kind in [BSM, MAP, SPAT] {
        let frame = frame_of(&site.last(kind), Profile::default());
        let raised = site.raised(|site| {
            for length in 0..frame.len() {
                assert!(
                    site.receive(&frame[..length]).is_err(),
                    "{kind:?} cut at {length}"
                );
            }
        });
        let header = if kind == BSM { 5 } else { 6 };
        let payload = (frame.len() - header) as u64;
        let expected = [
            ("truncated_header", header as u64),
            ("truncated_payload", payload),
        ];
        assert_eq!(raised, expected.into());
    }
    site.assert_goes_on();
}

#[test]
fn bytes_behind_the_message_are_counted_and_do_no_harm() {
    let mut site = Site::new();
    let mut frame = frame_of(&site.last(BSM), Profile::default());
    frame.extend([0; 7]);
    let raised = site.raised(|site| assert!(site.receive(&frame).is_ok()));
    assert_eq!(raised["trailing_bytes"], 1);
    site.assert_goes_on();
}

/// Every bit of messages of all kinds, one at a time: what the schema still allows is taken in as
/// it is, however absurd.
#[test]
fn flipped_bits_break_every_rule_and_nothing_else() {
    const VECTORS_PER_KIND: usize = 6;
    let mut site = Site::new();
    let mut taken: BTreeMap<String, usize> = BTreeMap::new();
    let mut reasons = BTreeSet::new();
    for vector in vectors::read(vectors::PLAIN[0]) {
        let kind = vector
            .jer
            .as_object()
            .unwrap()
            .keys()
            .next()
            .unwrap()
            .clone();
        let count = taken.entry(kind).or_default();
        if vector.uper.len() > 300 || *count == VECTORS_PER_KIND {
            continue;
        }
        *count += 1;
        let frame = frame_of(&vector.jer, vector.profile);
        let payload = 8 * (frame.len() - vector.uper.len());
        for bit in payload..8 * frame.len() {
            let byte = frame[bit / 8] ^ (0x80 >> (bit % 8));
            if let Err(reason) = site.receive(&changed(&frame, bit / 8, byte)) {
                reasons.insert(reason.name());
            }
        }
    }
    assert_eq!(taken.values().sum::<usize>(), 5 * VECTORS_PER_KIND);
    let every = [
        ErrorKind::Truncated,
        ErrorKind::Range,
        ErrorKind::Enumeration,
        ErrorKind::Alternative,
        ErrorKind::Size,
        ErrorKind::Length,
    ];
    let every = every.map(|kind| DropReason::Message(kind).name());
    assert!(
        every.iter().all(|reason| reasons.contains(reason)),
        "{reasons:?}"
    );
    site.assert_goes_on();
}

#[test]
fn a_trace_of_the_other_profile_is_counted_to_its_last_frame() {
    let trace = frames("arterial-2019");
    let mut station = Station::new(rsu::Settings::default(), None);
    let mut with_link = 0;
    for (time, bytes) in &trace {
        let received = Received {
            time: *time,
            rssi_dbm: None,
            bytes,
        };
        let heard = station.handle_frame(&received).ok();
        let vehicle = heard.and_then(|heard| heard.vehicle);
        with_link += usize::from(vehicle.is_some_and(|vehicle| vehicle.link().is_some()));
    }
    let delivered: u64 = station.delivered().map(|(_, count)| count).sum();
    let dropped: u64 = station
        .rsu()
        .stats()
        .dropped()
        .map(|(_, count)| count)
        .sum();
    assert_eq!(delivered + dropped, trace.len() as u64);
    assert!(dropped > 0);
    assert_eq!(
        with_link, 0,
        "geometry of another edition must not be believed"
    );
}

#[test]
fn two_hundred_thousand_random_frames_are_each_dropped_or_delivered() {
    const FRAMES: usize = 200_000;
    let mut site = Site::new();
    let templates: Vec<Vec<u8>> = [BSM, MAP, SPAT]
        .map(|kind| frame_of(&site.last(kind), Profile::default()))
        .into();
    let mut random = Rng::with_seed(3);
    let mut dropped = 0;
    for _ in 0..FRAMES {
        let frame = random_frame(&mut random, &templates);
        dropped += usize::from(site.receive(&frame).is_err());
    }
    assert!(dropped > FRAMES / 2 && dropped < FRAMES, "{dropped}");
    site.assert_goes_on();
}

/// Noise, noise behind a header that is right, or a frame of the trace with some bytes changed.
fn random_frame(random: &mut Rng, templates: &[Vec<u8>]) -> Vec<u8> {
    let mut noise = vec![0; random.usize(..120)];
    random.fill(&mut noise);
    match random.u8(..4) {
        0 => noise,
        1 => {
            const AIDS: [Aid; 5] = [
                Aid::BSM_REGULAR,
                Aid::MAP,
                Aid::SPAT,
                Aid::RSI_STATIC,
                Aid::RSM,
            ];
            framed(AIDS[random.usize(..AIDS.len())], &noise)
        }
        _ => {
            let mut frame = templates[random.usize(..templates.len())].clone();
            for _ in 0..random.usize(1..4) {
                let at = random.usize(..frame.len());
                frame[at] = random.u8(..);
            }
            frame
        }
    }
}
