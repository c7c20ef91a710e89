//! Something of everything that a unit says, in the words of any dialect.
#![allow(clippy::unwrap_used)]

use rsu_firmware::fusion::Fusion;
use rsu_firmware::message::{MapData, MessageFrame, observe};
use rsu_firmware::time::Timestamp;
use rsu_firmware::uper::Profile;
use semver::Version;
use serde_json::{Value, json};

use super::{Class, Dialect, DialectName, Form, Report, Stream, named};
use crate::clock::ClockQuality;
use crate::downlink::{Answer, CommandKind, InformationSubject, Refusal, SeqNum};
use crate::health::SpoolFigures;
use crate::health::alarm::{AlarmChange, AlarmKind, AlarmState, Severity};
use crate::health::system::{Cpu, SystemSample};
use crate::platform::content::{
    BroadcastState, BroadcastStatus, Header, InformationResponse, InformationValue, MessageTotals,
    Versions,
};
use crate::platform::junction::Node;
use crate::platform::traffic::{LaneTraffic, Traffic};
use crate::platform::{Outgoing, Platform, Presence, Running, Settings, Unit, UnitPosition};
use crate::spool::{Gap, Reason, SpoolId};
use crate::update::{UpdateState, UpdateStatus};

pub(super) const NOW: Timestamp = Timestamp::from_millis(1_767_225_600_000);

/// A publish, for keeps.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Said {
    pub(super) stream: Stream,
    pub(super) class: Class,
    pub(super) form: Form,
    pub(super) topic: String,
    pub(super) payload: Vec<u8>,
}

impl Said {
    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.payload).unwrap()
    }

    fn new(out: Outgoing<'_>) -> Self {
        Self {
            stream: out.stream,
            class: out.class,
            form: out.form,
            topic: out.topic.to_owned(),
            payload: out.payload.to_vec(),
        }
    }
}

pub(super) fn unit() -> Unit {
    Unit {
        esn: "E1".into(),
        name: "Crossing 1".into(),
        region_id: Some("500112".into()),
        position: Some(UnitPosition {
            longitude_deg: 106.5,
            latitude_deg: 29.5,
            altitude_m: None,
        }),
        map_slice: "1".into(),
        ..Unit::named("R1".parse().unwrap())
    }
}

pub(super) fn dialect(name: DialectName) -> Box<dyn Dialect> {
    named(name, &unit(), Profile::default()).unwrap()
}

/// A MessageFrame in UPER.
pub(super) fn encoded(message: Value) -> Vec<u8> {
    let message: MessageFrame<'_> = serde_json::from_value(message).unwrap();
    let mut bytes = vec![0; 2_000];
    let length = message.encode(&mut bytes, Profile::default()).unwrap();
    bytes.truncate(length);
    bytes
}

pub(super) fn bsm(number: u8) -> Value {
    json!({"bsmFrame": {
        "msgCnt": 0, "id": format!("{number:016X}"), "secMark": 0, "pos": {"lat": 0, "long": 0},
        "transmission": "forwardGears", "speed": 0, "heading": 0,
        "accelSet": {"long": 0, "lat": 0, "vert": 0, "yaw": 0},
        "brakes": {}, "size": {"width": 180, "length": 400},
        "vehicleClass": {"classification": 10},
    }})
}

pub(super) fn map() -> Value {
    let point = |lat: i32| {
        let ll = json!({"position-LL5": {"lon": 0, "lat": lat}});
        json!({"posOffset": {"offsetLL": ll}})
    };
    json!({"mapFrame": {"msgCnt": 3, "nodes": [{
        "name": "7",
        "id": {"region": 10, "id": 7},
        "refPos": {"lat": 295_000_000, "long": 1_065_000_000, "elevation": 2500},
        "inLinks": [{
            "upstreamNodeId": {"id": 1}, "linkWidth": 350,
            "lanes": [{
                "laneID": 1, "maneuvers": "8000",
                "points": [point(-20_000), point(-2_000)],
            }],
        }],
    }]}})
}

pub(super) fn spat() -> Value {
    let timing = json!({"counting": {"startTime": 0, "likelyEndTime": 120}});
    let later = json!({"counting": {"startTime": 120, "likelyEndTime": 300}});
    json!({"spatFrame": {
        "msgCnt": 0, "moy": 10, "timeStamp": 500, "name": "Crossing",
        "intersections": [{
            "intersectionId": {"region": 10, "id": 7}, "status": "0500",
            "phases": [{"id": 33, "phaseStates": [
                {"light": "red", "timing": timing},
                {"light": "protected-green", "timing": later},
            ]}],
        }],
    }})
}

/// Two events, the second with everything that an event may have.
pub(super) fn rsi() -> Value {
    let offset = json!({"offsetLL": {"position-LL1": {"lon": 1, "lat": 2}}});
    let link = json!({
        "upstreamNodeId": {"id": 1}, "downstreamNodeId": {"id": 2}, "referenceLanes": "6000",
    });
    json!({"rsiFrame": {
        "msgCnt": 0, "moy": 10, "id": "3132333435363738",
        "refPos": {"lat": 295_000_000, "long": 1_065_000_000},
        "rtes": [
            {"rteId": 1, "eventType": 707, "eventSource": "detection"},
            {
                "rteId": 2, "eventType": 904, "eventSource": "police",
                "eventPos": offset, "eventRadius": 300,
                "description": {"textString": "closed"},
                "timeDetails": {"startTime": 10, "endTime": 12}, "priority": "A0",
                "referencePaths": [{"activePath": [offset, offset], "pathRadius": 40}],
                "referenceLinks": [link], "eventConfidence": 180,
            },
        ],
    }})
}

pub(super) fn rsm() -> Value {
    let participant = |number: u8| {
        json!({
            "ptcType": "motor", "ptcId": number, "source": "video", "secMark": 500,
            "pos": {"offsetLL": {"position-LL1": {"lon": 10, "lat": -20}}},
            "posConfidence": {"pos": "a1m"}, "speed": 500, "heading": 7200,
            "size": {"width": 180, "length": 450, "height": 30},
        })
    };
    json!({"rsmFrame": {
        "msgCnt": 0, "id": "3132333435363738",
        "refPos": {"lat": 295_000_000, "long": 1_065_000_000},
        "participants": [participant(7), participant(8)],
    }})
}

/// Everything that a unit says in this dialect, and how many reports it could not say.
pub(super) fn everything(name: DialectName) -> (Vec<Said>, u64) {
    let mut settings = Settings::new(unit());
    settings.request_acknowledgements = true;
    let mut platform = Platform::new(settings, dialect(name));
    let mut said = Vec::new();
    let sink = &mut |out: Outgoing<'_>| said.push(Said::new(out));

    platform.introduce(NOW, sink);
    for message in [map(), spat(), rsm(), rsi(), bsm(1), bsm(2)] {
        let bytes = encoded(message);
        let message = MessageFrame::decode(&bytes, Profile::default()).unwrap();
        platform.handle_message(NOW, &bytes, &message, sink);
    }
    while platform.handle_timeout(NOW, sink).is_some() {}
    let sample = SystemSample {
        cpu: Some(Cpu {
            load: 0.5,
            utilization_percent: Some(12.34),
        }),
        temperatures_c: vec![("cpu".into(), 51.5)],
        ..SystemSample::default()
    };
    let spools = [SpoolFigures {
        name: "durable",
        ..SpoolFigures::default()
    }];
    let running = Running {
        machine: &sample,
        drops: &[("unknown_aid", 3)],
        stages: &[("frames", 9)],
        spools: &spools,
        latency: Some(&Default::default()),
    };
    platform.running_information(NOW, &running, sink);
    let alarm = AlarmChange {
        kind: AlarmKind::TimeSourceLost,
        state: AlarmState::Set,
        severity: Severity::Major,
        since_ms: 1,
        time_ms: 2,
        text: "no reference".into(),
        count: 1,
    };
    platform.alarm(NOW, &alarm, sink);
    let gap = Gap {
        first: 3,
        last: 9,
        reason: Reason::Damaged,
    };
    platform.gap(NOW, Class::Durable, SpoolId(7), gap, sink);
    platform.presence(NOW, Presence::Online, sink);
    let status = UpdateStatus {
        upgrade_seq_num: SeqNum::try_from("9".to_owned()).ok(),
        update_version: Version::new(0, 2, 0),
        state: UpdateState::RolledBack,
        percent: None,
        reason: Some("uplink: not connected".into()),
        time_ms: 2,
    };
    platform.update_status(NOW, &status, sink);
    let mut fusion = Box::new(Fusion::<16>::new());
    let map: MapData<'_> = serde_json::from_value(map()["mapFrame"].take()).unwrap();
    observe::map(&mut *fusion, NOW, &map, |node, error| {
        panic!("{node:?}: {error:?}")
    });
    platform.junctions(&fusion.snapshot(NOW), ClockQuality::default(), sink);
    while platform
        .handle_timeout(NOW + rsu_firmware::time::Span::from_millis(200), sink)
        .is_some()
    {}

    let unwritable = platform.counters().report_unwritable;
    said.extend(asked_for(&*dialect(name), &sample));
    (said, unwritable)
}

/// A command of the kind, as T/ITS 0117 has it.
pub(super) fn command(kind: CommandKind) -> Value {
    let said = |topic: &str| {
        let mut everything = everything(DialectName::Tits0180).0.into_iter();
        let said = everything.rfind(|said| said.topic == topic);
        said.map(|said| said.json()).unwrap()
    };
    let mut command = match kind {
        CommandKind::Sampling => json!({
            "bsmConfig": {"sampleMode": "ByAll", "sampleRate": 5, "upLimit": 100, "upFilters": []},
            "spatConfig": {"upLimit": -1},
        }),
        CommandKind::Map => json!({"mapSlice": "1", "map": map()["mapFrame"], "eTag": "a"}),
        CommandKind::Rsi => {
            json!({"rsi": said("rsu/R1/rsi/up")["rsi"]})
        }
        CommandKind::Rsm => said("rsu/R1/rsm/up"),
        CommandKind::Spat => said("rsu/R1/spat/up"),
        CommandKind::Operations => json!({"HBRate": 10, "logLevel": "DEBUG", "reboot": 0}),
        CommandKind::Information => json!({"InfoId": 1, "Interval": 3}),
        CommandKind::LogUpload => json!({"uploadUrl": "https://logs.example/r1"}),
        CommandKind::Upgrade => json!({
            "updateVersion": "0.2.0", "downloadUrl": "https://u.example/rsu.raucb",
            "OTAtransprotocal": "https", "downloadSize": "20000000", "Updatetime": 0,
            "downloadMd5": "D41D8CD98F00B204E9800998ECF8427E",
        }),
        CommandKind::Records => json!({"class": "durable", "from": 1, "to": "9"}),
        _ => json!({}),
    };
    command["seqNum"] = "9".into();
    command["ack"] = true.into();
    command
}

/// What a unit says only when it is asked, or told to do something.
fn asked_for(dialect: &dyn Dialect, sample: &SystemSample) -> Vec<Said> {
    let unit = unit();
    let header = Header::new(&unit, 9, NOW);
    let seq_num = SeqNum::try_from("9".to_owned()).ok();
    let answer = |kind, refusal: Option<&str>| Answer {
        kind,
        seq_num: seq_num.clone(),
        refusal: refusal.map(Refusal::bad_parameter),
    };
    let answers = [
        answer(CommandKind::Sampling, None),
        answer(CommandKind::Map, Some("map: missing")),
        answer(CommandKind::Operations, None),
    ];
    let question = |subject, value| InformationResponse::new(header, subject, value);
    let informations = [
        question(
            InformationSubject::RunningInformation,
            InformationValue::RunningInformation(sample),
        ),
        question(
            InformationSubject::V2xStatistics,
            InformationValue::V2xStatistics(MessageTotals::default()),
        ),
        question(InformationSubject::Devices, InformationValue::Devices(&[])),
    ];
    let versions = Versions::new(&unit, header);
    let broadcast = BroadcastStatus {
        header,
        kind: CommandKind::Map,
        id: "1",
        state: BroadcastState::Waiting,
    };
    let node = Node {
        region: None,
        id: 7,
    };
    let traffic = Traffic {
        rsu_id: "R1".into(),
        node,
        from_ms: 0,
        to_ms: 60_000,
        lanes: vec![LaneTraffic {
            link: node,
            lane: 1,
            passed: 3,
            mean_speed: None,
            queue_count_max: 2,
            queue_length_m_max: 12.5,
        }],
    };
    let reports = (answers.iter().map(Report::Answer))
        .chain(informations.iter().map(Report::Information))
        .chain([
            Report::Versions(&versions),
            Report::Broadcast(&broadcast),
            Report::Traffic(&traffic),
        ]);
    let carried = reports.filter(|report| dialect.carries(report.stream()));
    let write = |report: Report<'_>| {
        let mut payload = Vec::new();
        let form = dialect.write(NOW, &report, &mut payload).unwrap();
        Said {
            stream: report.stream(),
            class: Class::Durable,
            form,
            topic: dialect.topics().of(&report).unwrap().to_owned(),
            payload,
        }
    };
    carried.map(write).collect()
}
