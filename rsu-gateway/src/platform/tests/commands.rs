//! What commands change.

use super::*;
use crate::downlink::{Effect, PlatformAcknowledgement, SamplingChange};

fn carry_out(bench: &mut Bench, now: Timestamp, effect: &Effect) -> Vec<Published> {
    bench.during(|platform, sink| assert!(platform.handle_effect(now, effect, sink)))
}

fn rsm(sender: &str) -> Value {
    json!({"rsmFrame": {
        "msgCnt": 0, "id": sender, "refPos": {"lat": 0, "long": 0},
        "participants": [{
            "ptcType": "motor", "ptcId": 7, "source": "lidar", "secMark": 100,
            "pos": {"offsetLL": {"position-LL1": {"lon": 10, "lat": -20}}},
            "posConfidence": {"pos": "a1m"}, "speed": 500, "heading": 7200,
            "size": {"width": 180, "length": 450},
        }],
    }})
}

#[test]
fn sampling_changes_at_once_and_only_as_it_says() {
    let mut bench = Bench::new(settings());
    let change = SamplingChange {
        spat_up: Some(Limit::PerSecond(Rate::NONE)),
        ..SamplingChange::default()
    };
    let info = carry_out(&mut bench, at(0), &Effect::Sampling(change));
    let [info] = info.as_slice() else {
        panic!("{info:?}");
    };
    assert_eq!(info.topic, "rsu/R1/info/up");
    let config = &info.json()["config"];
    assert_eq!(config["spatConfig"]["upLimit"], 0);
    assert_eq!(config["rsmConfig"]["upLimit"], 20);
    assert_eq!(bench.receive(at(1), spat()), []);
    assert_eq!(bench.platform.counters().spat_over_limit, 1);
    assert_eq!(bench.receive(at(2), rsm("3132333435363738")).len(), 1);
}

#[test]
fn what_the_unit_sends_itself_does_not_go_up() {
    let mut bench = Bench::new(settings());
    // "R1" behind zeros.
    assert_eq!(bench.receive(at(0), rsm("0000000000005231")), []);
    assert_eq!(bench.platform.counters().own_message, 1);
}

#[test]
fn an_event_is_reported_again_until_the_platform_has_acknowledged_it() {
    let mut settings = Settings {
        request_acknowledgements: true,
        heartbeat_interval: Span::default(),
        running_information_interval: Span::default(),
        junction_interval: Span::default(),
        ..settings()
    };
    settings.sampling.map.up = Limit::PerSecond(Rate::NONE);
    let mut bench = Bench::new(settings);
    let first = bench.receive(at(0), rsi());
    assert_eq!(first.len(), 2);
    assert_eq!(bench.platform.poll_timeout(), Some(at(2_000)));
    let again = bench.time_out(at(2_000));
    assert!(again.iter().all(|publish| publish.class == Class::Live));
    let payloads = |publishes: &[Published]| -> Vec<Vec<u8>> {
        publishes
            .iter()
            .map(|publish| publish.payload.clone())
            .collect()
    };
    assert_eq!(payloads(&again), payloads(&first));
    for seq_num in 1..=2 {
        let acknowledgement = PlatformAcknowledgement {
            stream: Stream::Rsi,
            seq_num,
            fault: None,
        };
        carry_out(
            &mut bench,
            at(2_001),
            &Effect::Acknowledged(acknowledgement),
        );
    }
    assert_eq!(bench.time_out(at(9_000)), []);
}

#[test]
fn running_information_comes_when_asked_for_even_if_it_never_does() {
    let mut bench = Bench::new(Settings {
        running_information_interval: Span::default(),
        heartbeat_interval: Span::default(),
        junction_interval: Span::default(),
        ..settings()
    });
    assert_eq!(bench.platform.poll_timeout(), None);
    assert_eq!(carry_out(&mut bench, at(0), &Effect::RunStatus), []);
    assert!(
        bench
            .platform
            .poll_timeout()
            .is_some_and(|due| due <= at(0))
    );
    let due = bench.platform.handle_timeout(at(0), &mut |_| {});
    assert_eq!(due, Some(Due::RunningInformation));
}

#[test]
fn intervals_change_at_once() {
    let mut bench = Bench::new(Settings {
        running_information_interval: Span::default(),
        junction_interval: Span::default(),
        ..settings()
    });
    assert_eq!(bench.time_out(at(0)).len(), 1);
    let interval = Span::from_millis(5_000);
    carry_out(&mut bench, at(100), &Effect::HeartbeatInterval(interval));
    let beats = (0..20).map(|second| bench.time_out(at(1_000 + second * 1_000)).len());
    assert_eq!(beats.sum::<usize>(), 4);
    carry_out(
        &mut bench,
        at(30_000),
        &Effect::HeartbeatInterval(Span::default()),
    );
    assert_eq!(bench.time_out(at(100_000)), []);
}
