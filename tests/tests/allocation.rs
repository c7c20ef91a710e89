//! The codec never allocates: not to decode, to look at everything, to encode, or to refuse. Nor does
//! the radio path of the whole unit for a frame; only what is published takes memory of its own.

use std::collections::BTreeSet;
use std::fmt::Debug;

use allocation_counter::measure;
use rsu_firmware::message::MessageFrame;
use rsu_firmware::pc5::Received;
use rsu_firmware::rsu::Settings;
use rsu_firmware::time::{Span, Timestamp};
use rsu_gateway::station::{Reporting, Station};
use rsu_gateway::{mqtt, platform};
use tests::traffic::Traffic;
use tests::vectors::{PLAIN, UNKNOWN_ADDITIONS, Vector, read};
use tests::walk::{Each, walk};

/// Longer than any vector.
const MESSAGE_BYTES_MAX: usize = 1 << 16;

#[test]
fn the_counter_counts() {
    let allocations = measure(|| {
        std::hint::black_box(Box::new(1));
    });
    assert_eq!(allocations.count_total, 1);
}

#[test]
fn decoding_and_walking_every_list_do_not_allocate() {
    let mut elements = 0;
    with_every_vector(|vector, _| {
        if let Ok(message) = MessageFrame::decode(&vector.uper, vector.profile) {
            walk(&message, &mut Each(|_: &dyn Debug| elements += 1));
        }
    });
    assert!(elements > 10_000, "{elements}");
}

#[test]
fn visiting_every_element_while_decoding_does_not_allocate() {
    let mut elements = 0;
    with_every_vector(|vector, _| {
        let mut visitor = Each(|_: &dyn Debug| elements += 1);
        let visited = MessageFrame::visit(&vector.uper, vector.profile, &mut visitor);
        assert!(visited.is_ok());
    });
    assert!(elements > 10_000, "{elements}");
}

#[test]
fn encoding_does_not_allocate() {
    with_every_vector(|vector, buffer| {
        let message = MessageFrame::decode(&vector.uper, vector.profile);
        let length = message.map(|message| message.encode(buffer, vector.profile));
        assert!(length.is_ok_and(|length| length.is_ok()));
    });
}

#[test]
fn refusing_does_not_allocate() {
    with_every_vector(|vector, _| {
        let (half, _) = vector.uper.split_at(vector.uper.len() / 2);
        assert!(MessageFrame::decode(half, vector.profile).is_err());
        let message = MessageFrame::decode(&vector.uper, vector.profile);
        let refused = message.map(|message| message.encode(&mut [], vector.profile));
        assert!(refused.is_ok_and(|refused| refused.is_err()));
    });
}

/// Frames come every 2 ms from fifty vehicles, with lights and a map. What is published is made of
/// memory of its own; the unit looks at itself once a second.
#[test]
fn a_frame_does_not_allocate_on_its_way_from_the_radio_into_the_picture() {
    let mut station = station();
    let mut traffic = Traffic::new(50);
    let begin = Timestamp::from_millis(1_700_000_000_000);
    let (warm_up, seconds) = (5_000, 20);
    let (mut published, mut looks, mut silent) = (published_by(&mut station), 0, 0);
    for number in 0..warm_up + seconds * 500 {
        let now = begin + Span::from_millis(2) * number;
        let (_, bytes) = traffic.next(now);
        let received = Received {
            time: now,
            rssi_dbm: None,
            bytes,
        };
        let mut is_delivered = false;
        let allocations = measure(|| is_delivered = station.handle_frame(&received).is_ok());
        assert!(is_delivered);
        let published_now = published_by(&mut station);
        let is_silent = std::mem::replace(&mut published, published_now) == published_now;
        if number >= warm_up && is_silent {
            silent += 1;
            looks += u64::from(allocations.count_total > 0);
        }
    }
    assert!(silent > 4_000, "{silent}");
    assert!(
        looks <= seconds.unsigned_abs() + 1,
        "{looks} of {silent} frames allocate"
    );
}

fn station() -> Station {
    let unit = platform::Unit::named("R1".parse().expect("an identifier"));
    let broker = "mqtt://127.0.0.1:1".parse().expect("an address");
    let uplink = mqtt::Settings::new(broker, "rsu-R1");
    let (reporting, _) =
        Reporting::in_memory(platform::Settings::new(unit), uplink).expect("a unit");
    Station::new(Settings::default(), Some(reporting))
}

fn published_by(station: &mut Station) -> u64 {
    let reporting = station.reporting().expect("it reports");
    reporting
        .published()
        .entries()
        .map(|(_, count)| count)
        .sum()
}

fn with_every_vector(mut run: impl FnMut(&Vector, &mut [u8])) {
    let mut buffer = vec![0; MESSAGE_BYTES_MAX];
    let mut kinds = BTreeSet::new();
    for vector in PLAIN.into_iter().chain([UNKNOWN_ADDITIONS]).flat_map(read) {
        let allocations = measure(|| run(&vector, &mut buffer));
        assert_eq!(allocations.count_total, 0, "{}", vector.jer);
        kinds.extend(
            vector
                .jer
                .as_object()
                .into_iter()
                .flat_map(|jer| jer.keys().cloned()),
        );
    }
    assert_eq!(kinds.len(), 5, "{kinds:?}");
}
