#![allow(clippy::unwrap_used)]

use rsu_firmware::fusion::Fusion;
use rsu_firmware::message::observe;
use rsu_firmware::time::Span;
use rsu_firmware::uper::Profile;
use serde_json::{Value, json};

use crate::downlink::{Downlink, Unreadable};

use super::dialect::{Contract, Topics};
use super::sampling::{BsmSampling, SampleMode, UpFilters};
use super::*;
use crate::health::alarm::{AlarmKind, AlarmState, Severity};
use crate::health::system::Cpu;

mod commands;

#[derive(Clone, Debug, PartialEq, Eq)]
struct Published {
    class: Class,
    topic: String,
    payload: Vec<u8>,
}

impl Published {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.payload).unwrap()
    }
}

struct Bench {
    platform: Platform,
    published: Vec<Published>,
}

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(1_767_225_600_000 + millis)
}

fn settings() -> Settings {
    Settings::new(Unit {
        id: "R1".parse().unwrap(),
        esn: "E1".into(),
        name: "Crossing 1".into(),
        software_version: "0.1.0".into(),
        hardware_version: None,
        region_id: Some("500112".into()),
        position: None,
        map_slice: "1".into(),
    })
}

impl Bench {
    fn new(settings: Settings) -> Self {
        let dialect = Box::new(Tits0180::new(&settings.unit));
        Self {
            platform: Platform::new(settings, dialect),
            published: Vec::new(),
        }
    }

    /// What is published meanwhile.
    fn during(&mut self, what: impl FnOnce(&mut Platform, &mut Sink<'_>)) -> Vec<Published> {
        let published = &mut self.published;
        what(&mut self.platform, &mut |outgoing| {
            published.push(Published {
                class: outgoing.class,
                topic: outgoing.topic.to_owned(),
                payload: outgoing.payload.to_vec(),
            });
        });
        std::mem::take(&mut self.published)
    }

    /// Receives the message whose JER is `message`.
    fn receive(&mut self, now: Timestamp, message: Value) -> Vec<Published> {
        let bytes = encode(message);
        let message = MessageFrame::decode(&bytes, Profile::default()).unwrap();
        self.during(|platform, sink| platform.handle_message(now, &bytes, &message, sink))
    }

    /// Lets everything happen that is due, without what is needed from outside.
    fn time_out(&mut self, now: Timestamp) -> Vec<Published> {
        self.during(|platform, sink| while platform.handle_timeout(now, sink).is_some() {})
    }
}

fn encode(message: Value) -> Vec<u8> {
    let message: MessageFrame<'_> = serde_json::from_value(message).unwrap();
    let mut bytes = vec![0; 2_000];
    let length = message.encode(&mut bytes, Profile::default()).unwrap();
    bytes.truncate(length);
    bytes
}

fn bsm(id: u64) -> Value {
    json!({"bsmFrame": {
        "msgCnt": 0, "id": format!("{id:016X}"), "secMark": 0, "pos": {"lat": 0, "long": 0},
        "transmission": "forwardGears", "speed": 0, "heading": 0,
        "accelSet": {"long": 0, "lat": 0, "vert": 0, "yaw": 0},
        "brakes": {}, "size": {"width": 180, "length": 400},
        "vehicleClass": {"classification": 10},
    }})
}

fn map(count: u8, latitude: i32) -> Value {
    json!({"mapFrame": {
        "msgCnt": count,
        "nodes": [{"id": {"id": 7}, "refPos": {"lat": latitude, "long": 0}}],
    }})
}

fn spat() -> Value {
    let phase = json!({"id": 1, "phaseStates": [{"light": "red"}]});
    json!({"spatFrame": {
        "msgCnt": 0,
        "intersections": [{"intersectionId": {"id": 7}, "status": "0000", "phases": [phase]}],
    }})
}

fn rsi() -> Value {
    let event = |number: u8| json!({"rteId": number, "eventType": 707, "eventSource": "detection"});
    json!({"rsiFrame": {
        "msgCnt": 0, "id": "3132333435363738", "refPos": {"lat": 0, "long": 0},
        "rtes": [event(1), event(2)],
    }})
}

fn rsm() -> Value {
    json!({"rsmFrame": {
        "msgCnt": 0, "id": "3132333435363738", "refPos": {"lat": 0, "long": 0},
        "participants": [{
            "ptcType": "rsu", "ptcId": 0, "source": "selfinfo", "secMark": 0,
            "pos": {"offsetLL": {"position-LL1": {"lon": 0, "lat": 0}}},
            "posConfidence": {"pos": "a1m"}, "speed": 0, "heading": 0,
            "size": {"width": 0, "length": 0},
        }],
    }})
}

#[test]
fn the_unit_introduces_itself_with_what_is_in_force() {
    let mut settings = settings();
    settings.request_acknowledgements = true;
    settings.sampling.spat.down = Limit::PerSecond(Rate::NONE);
    settings.sampling.rsi_up_filters =
        serde_json::from_value(json!([{"eventClass": "TrafficSign"}])).unwrap();
    let mut bench = Bench::new(settings);
    let published = bench.during(|platform, sink| platform.introduce(at(5), sink));
    let [info, status] = published.as_slice() else {
        panic!("{published:?}");
    };
    assert_eq!(
        (info.topic.as_str(), info.class),
        ("rsu/R1/info/up", Class::Durable)
    );
    assert_eq!(
        info.json(),
        json!({
            "rsuId": "R1", "rsuEsn": "E1", "rsuName": "Crossing 1", "version": "0.1.0",
            "rsuStatus": "Normal",
            "location": {"lon": 180.0000001, "lat": 90.0000001},
            "config": {
                "mapConfig": {"mapSlice": "1", "eTag": ""},
                "bsmConfig": {
                    "sampleMode": "ByID", "sampleRate": 10, "actualSampleRate": 10,
                    "upLimit": 2000,
                },
                "rsiConfig": {
                    "maxRsiNum": 64, "curRsiNum": 0, "downRsis": [],
                    "upFilters": [{"eventClass": "TrafficSign"}],
                },
                "spatConfig": {"upLimit": 20, "downLimit": 0},
                "rsmConfig": {"upLimit": 20, "downLimit": -1},
            },
            "ack": true, "seqNum": 1,
        })
    );
    assert_eq!(status.topic, "rsu/R1/basic-status/up");
    assert_eq!(
        status.json(),
        json!({
            "seqNum": "1", "rsuId": "R1", "rsuEsn": "E1", "timestamp": 1_767_225_600_005_i64,
            "protocolVersion": "V1.0", "regionId": "500112", "rsuStatus": "Normal",
            "transprotocal": "other", "SoftwareVersion": "0.1.0", "ack": false,
        })
    );
}

#[test]
fn a_map_goes_up_when_it_changes_and_then_by_its_limit() {
    let mut bench = Bench::new(settings());
    let first = bench.receive(at(0), map(1, 10));
    assert_eq!(
        (first[0].topic.as_str(), first[0].class),
        ("rsu/R1/map/up", Class::Durable)
    );
    let value = first[0].json();
    assert_eq!(value["mapSlice"], "1");
    assert_eq!(value["map"], map(1, 10)["mapFrame"]);
    assert_eq!(value["ack"], false);

    assert_eq!(bench.receive(at(1), map(2, 10))[0].class, Class::Live);
    assert_eq!(bench.receive(at(2), map(3, 10)), []);
    let changed = bench.receive(at(3), map(4, 11));
    assert_eq!(changed[0].class, Class::Durable);
    assert_ne!(changed[0].json()["eTag"], value["eTag"]);
    assert_eq!(bench.platform.counters().map_over_limit, 1);
}

#[test]
fn no_map_goes_up_where_there_is_to_be_none() {
    let mut settings = settings();
    settings.sampling.map.up = Limit::PerSecond(Rate::NONE);
    let mut bench = Bench::new(settings);
    assert_eq!(bench.receive(at(0), map(1, 10)), []);
    assert_eq!(bench.platform.counters().map_over_limit, 1);
}

#[test]
fn lights_and_participants_go_up_within_their_limits() {
    let mut settings = settings();
    settings.sampling.spat.up = Limit::Unlimited;
    let mut bench = Bench::new(settings);
    let mut topics = Vec::new();
    for n in 0..20 {
        topics.extend(
            bench
                .receive(at(n), spat())
                .into_iter()
                .map(|p| (p.topic, p.class)),
        );
        topics.extend(
            bench
                .receive(at(n), rsm())
                .into_iter()
                .map(|p| (p.topic, p.class)),
        );
    }
    let of = |topic: &str| {
        topics
            .iter()
            .filter(|t| **t == (topic.to_owned(), Class::Live))
            .count()
    };
    assert_eq!(of("rsu/R1/spat/up"), 20);
    assert_eq!(
        of("rsu/R1/rsm/up") as u64,
        20 - bench.platform.counters().rsm_over_limit
    );
    assert!(of("rsu/R1/rsm/up") < 10);
}

#[test]
fn an_event_goes_up_when_it_begins_and_when_it_has_ended() {
    let mut bench = Bench::new(settings());
    let begun = bench.receive(at(0), rsi());
    assert_eq!(begun.len(), 2);
    assert_eq!(
        (begun[0].topic.as_str(), begun[0].class),
        ("rsu/R1/rsi/up", Class::Durable)
    );
    let value = begun[1].json();
    assert_eq!(value["rsiSourceType"], "rsu");
    assert_eq!(value["rsiSourceId"], "3132333435363738");
    assert_eq!(value["rsi"]["alertID"], "3132333435363738-rte-2");
    assert_eq!(value["rsi"]["eventStatus"], true);
    assert_eq!(bench.receive(at(100), rsi()), []);
    assert_eq!(bench.platform.counters().rsi_repeated, 2);
    let ended = bench.time_out(at(100) + ALERT_SILENCE_MAX);
    let ends = ended.iter().filter(|p| p.topic == "rsu/R1/rsi/up");
    assert!(
        ends.clone()
            .all(|p| p.json()["rsi"]["eventStatus"] == false)
    );
    assert_eq!(ends.count(), 2);
}

#[test]
fn bsms_go_up_together_as_they_were_received() {
    let mut bench = Bench::new(settings());
    bench.time_out(at(0));
    assert_eq!(bench.receive(at(0), bsm(1)), []);
    assert_eq!(bench.receive(at(99), bsm(2)), []);
    assert_eq!(bench.platform.poll_timeout(), Some(at(100)));
    let published = bench.time_out(at(100));
    assert_eq!(
        (published[0].topic.as_str(), published[0].class),
        ("rsu/R1/bsm/up", Class::Live)
    );
    let (first, second) = (encode(bsm(1)), encode(bsm(2)));
    let mut list = vec![2, 0, first.len() as u8, 0, second.len() as u8];
    list.extend(first.iter().chain(&second));
    assert_eq!(published[0].payload, list);
    assert!(
        bench
            .time_out(at(200))
            .iter()
            .all(|p| p.topic != "rsu/R1/bsm/up")
    );
}

#[test]
fn a_batch_is_bounded_in_messages_and_bytes() {
    let mut settings = settings();
    settings.bsm_batch.bytes_max = 1 + 3 * (2 + encode(bsm(0)).len());
    let mut bench = Bench::new(settings.clone());
    let published: Vec<_> = (0..7)
        .flat_map(|id| bench.receive(at(0), bsm(id)))
        .collect();
    assert_eq!(published.len(), 2);
    assert!(
        published
            .iter()
            .all(|p| p.payload.len() == settings.bsm_batch.bytes_max)
    );

    settings.bsm_batch.bytes_max = usize::MAX;
    settings.bsm_batch.messages_max = 2;
    let mut bench = Bench::new(settings);
    let published: Vec<_> = (0..7)
        .flat_map(|id| bench.receive(at(0), bsm(id)))
        .collect();
    assert!(published.iter().all(|p| p.payload[0] == 2));
    assert_eq!(published.len(), 3);
}

#[test]
fn a_complete_batch_waits_for_no_further_message() {
    let mut settings = settings();
    settings.bsm_batch.messages_max = 2;
    let mut bench = Bench::new(settings);
    let published: Vec<usize> = (0..4)
        .map(|id| bench.receive(at(0), bsm(id)).len())
        .collect();
    assert_eq!(published, [0, 1, 0, 1]);
}

#[test]
fn bsms_beyond_the_sample_are_counted() {
    let mut settings = settings();
    settings.sampling.bsm = BsmSampling {
        mode: SampleMode::ByAll,
        rate: Rate::NONE,
        up_limit: Rate::new(5).unwrap(),
        up_filters: UpFilters::default(),
    };
    let mut bench = Bench::new(settings);
    assert_eq!(bench.receive(at(0), bsm(1)), []);
    assert_eq!(
        bench
            .time_out(at(500))
            .iter()
            .filter(|p| p.topic.ends_with("bsm/up"))
            .count(),
        0
    );
    assert_eq!(bench.platform.counters().bsm_not_sampled, 1);
}

#[test]
fn heartbeats_come_by_themselves_the_rest_is_asked_for() {
    let mut settings = settings();
    settings.junction_interval = Span::from_millis(30_000);
    let mut bench = Bench::new(settings);
    let mut due = Vec::new();
    let published = bench.during(|platform, sink| {
        for second in 0..=60 {
            while let Some(what) = platform.handle_timeout(at(second * 1_000), sink) {
                due.push((second, what));
            }
        }
    });
    assert_eq!(
        due,
        [
            (0, Due::Junctions),
            (0, Due::RunningInformation),
            (30, Due::Junctions),
            (60, Due::Junctions),
            (60, Due::RunningInformation),
        ]
    );
    let beats: Vec<Value> = published.iter().map(Published::json).collect();
    assert_eq!(published[0].topic, "rsu/R1/heartbeat/up");
    assert_eq!(beats.len(), 2);
    assert_eq!(
        beats[1],
        json!({
            "seqNum": "2", "rsuId": "R1", "rsuEsn": "E1", "timestamp": 1_767_225_660_000_i64,
            "protocolVersion": "V1.0", "rsuStatus": "Normal", "ack": false,
        })
    );
}

#[test]
fn running_information_carries_the_counters() {
    let mut bench = Bench::new(settings());
    let sample = SystemSample {
        cpu: Some(Cpu {
            load: 0.5,
            utilization_percent: Some(12.34),
        }),
        ..SystemSample::default()
    };
    let published = bench.during(|platform, sink| {
        let (drops, stages) = ([("unknown_aid", 3)], [("frames", 9), ("messages", 6)]);
        let spools = [SpoolFigures {
            name: "durable",
            records: 2,
            bytes: 600,
            oldest_age_ms: Some(1_500),
            ..SpoolFigures::default()
        }];
        let running = Running {
            machine: &sample,
            drops: &drops,
            stages: &stages,
            spools: &spools,
            latency: Some(&[StageLatency::default(); Stage::ALL.len()]),
        };
        platform.running_information(at(0), &running, sink);
    });
    assert_eq!(published[0].topic, "rsu/R1/run-status/up");
    let value = published[0].json();
    assert_eq!(
        value["runningInfo"],
        json!({"cpu": {"load": 0.5, "uti": "12.3"}})
    );
    assert_eq!(value["drops"], json!({"unknown_aid": 3}));
    assert_eq!(value["stages"], json!({"frames": 9, "messages": 6}));
    assert_eq!(
        value["spools"],
        json!([{
            "name": "durable", "records": 2, "bytes": 600, "oldestAgeMs": 1_500,
            "dropped": 0, "damaged": 0,
        }])
    );
    let none = json!({"count": 0, "p50Ms": 0.0, "p99Ms": 0.0, "maxMs": 0.0});
    assert_eq!(
        value["latency"]["delivery"],
        json!({"sinceReport": none, "sinceStart": none})
    );
}

#[test]
fn an_alarm_is_durable_and_numbered() {
    let mut bench = Bench::new(settings());
    let change = AlarmChange {
        kind: AlarmKind::Authorization,
        state: AlarmState::Set,
        severity: Severity::Critical,
        since_ms: 1_767_225_600_000,
        time_ms: 1_767_225_600_000,
        text: "the broker refuses the login".into(),
        count: 3,
    };
    let published = bench.during(|platform, sink| platform.alarm(at(0), &change, sink));
    assert_eq!(published[0].class, Class::Durable);
    assert_eq!(published[0].topic, "rsu/R1/alarm/up");
    assert_eq!(
        published[0].json(),
        json!({
            "seqNum": 1, "rsuId": "R1", "kind": "authorization", "state": "set",
            "severity": "critical", "sinceMs": 1_767_225_600_000_i64,
            "timeMs": 1_767_225_600_000_i64, "text": "the broker refuses the login", "count": 3,
        })
    );
}

#[test]
fn every_junction_is_a_publish_of_its_own() {
    let point =
        |lat: i32| json!({"posOffset": {"offsetLL": {"position-LL5": {"lon": 0, "lat": lat}}}});
    let node = |id: u16| {
        json!({
            "id": {"id": id}, "refPos": {"lat": 295_000_000, "long": 1_065_000_000},
            "inLinks": [{
                "upstreamNodeId": {"id": 1}, "linkWidth": 350,
                "lanes": [{"laneID": 1, "points": [point(-20_000), point(-2_000)]}],
            }],
        })
    };
    let map: MapData<'_> =
        serde_json::from_value(json!({"msgCnt": 0, "nodes": [node(7), node(8)]})).unwrap();
    let mut fusion = Box::new(Fusion::<16>::new());
    observe::map(&mut *fusion, at(0), &map, |node, error| {
        panic!("{node:?}: {error:?}")
    });
    let picture = fusion.snapshot(at(0));
    let clock = ClockQuality::default();
    let mut bench = Bench::new(settings());
    let published = bench.during(|platform, sink| platform.junctions(&picture, clock, sink));
    let told: Vec<(Value, Value)> = published
        .iter()
        .map(|p| (p.json()["seq"].clone(), p.json()["node"]["id"].clone()))
        .collect();
    assert_eq!(told, [(json!(1), json!(7)), (json!(2), json!(8))]);
    assert!(
        published
            .iter()
            .all(|p| (p.topic.as_str(), p.class) == ("rsu/R1/junction/up", Class::Live))
    );
}

/// A dialect that writes nothing.
struct Mute(Topics);

impl Mute {
    fn new() -> Box<Self> {
        let contract = Contract {
            reports: &[(Stream::Spat, "spat"), (Stream::Heartbeat, "heartbeat")],
            commands: &[],
            acknowledgements: &[],
            answer_suffix: None,
        };
        Box::new(Self(Topics::new(&contract, &settings().unit)))
    }
}

impl Dialect for Mute {
    fn topics(&self) -> &Topics {
        &self.0
    }

    fn heartbeat_interval_max(&self) -> Option<Span> {
        Some(Span::from_millis(10_000))
    }

    fn write(&self, _: Timestamp, _: &Report<'_>, _: &mut Vec<u8>) -> Result<Form, Unwritable> {
        Err(Unwritable::NotInContract)
    }

    fn read(&self, _: &str, _: &[u8]) -> Result<Downlink, Unreadable> {
        Err(Unreadable::UnknownTopic)
    }
}

#[test]
fn what_a_contract_does_not_know_is_counted() {
    let mut bench = Bench::new(settings());
    bench.platform = Platform::new(settings(), Mute::new());
    assert_eq!(bench.receive(at(0), spat()), []);
    assert_eq!(bench.platform.counters().report_unwritable, 1);
}

#[test]
fn what_a_contract_never_carries_is_not_even_tried() {
    let mut bench = Bench::new(settings());
    bench.platform = Platform::new(settings(), Mute::new());
    assert_eq!(bench.receive(at(0), rsm()), []);
    assert_eq!(bench.platform.counters().report_unwritable, 0);
}

#[test]
fn a_platform_may_want_heartbeats_more_often() {
    let mut bench = Bench::new(settings());
    bench.platform = Platform::new(settings(), Mute::new());
    for second in 0..=60 {
        bench.time_out(at(second * 1_000));
    }
    // 0, 10, .. 60 s; the running information and the junctions are for others to write.
    assert_eq!(bench.platform.counters().report_unwritable, 7);
}

#[test]
fn the_topics_that_the_platform_sends_down() {
    let bench = Bench::new(settings());
    let filters = bench.platform.downlink_filters();
    assert!(filters.contains(&"rsu/R1/config/down".to_owned()));
}
