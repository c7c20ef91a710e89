//! `rsu run`: the service, from datagrams to publishes.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use quinn_udp::{Transmit, UdpSocketState};
use rsu_firmware::network::{self, Adaptation, Aid, DSM_LENGTH_MAX, MessageKind};
use rsu_gateway::demo_broker::DemoBroker;
use serde_json::{Value, json};
use tokio::net::UdpSocket;
use tokio::time::sleep;

use crate::data::{self, YDT3709_2020};
use crate::process::{Ended, PATIENCE, Running, rsu};
use crate::subscriber::{Heard, Subscriber};

/// A configuration that lets everything through.
pub(crate) fn configuration(broker: SocketAddr) -> String {
    format!(
        r#"
[unit]
id = "R1"
esn = "E1"
[radio]
listen = "127.0.0.1:0"
[mqtt]
brokers = ["mqtt://{broker}"]
[reports]
heartbeat_interval_s = 1
running_information_interval_s = 1
junction_rate_hz = 10
[sampling]
bsm_mode = "ByAll"
bsm_rate = 10000
bsm_up_limit = 10000
map_up_limit = -1
spat_up_limit = -1
rsm_up_limit = -1
"#
    )
}

/// A configuration that nobody will connect with.
fn offline() -> String {
    configuration(([127, 0, 0, 1], 1).into())
}

/// The service at work, and the radio that feeds it.
pub(crate) struct Service {
    pub(crate) program: Running,
    radio: UdpSocket,
}

impl Service {
    pub(crate) async fn start(test: &str, configuration: &str, arguments: &[&str]) -> Self {
        let config = write_configuration(test, configuration);
        let arguments = [&["run", "--config", config.to_str().unwrap()], arguments].concat();
        let mut program = Running::start(&arguments);
        let receiving = program.stderr_line_with("receiving");
        let (_, address) = receiving.rsplit_once("listen=").unwrap();
        let address: SocketAddr = address.trim().parse().unwrap();
        let radio = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        radio.connect(address).await.unwrap();
        Self { program, radio }
    }

    /// Delivers frames, slowly enough for the socket's buffer.
    async fn deliver(&self, frames: &[Vec<u8>]) {
        for some in frames.chunks(8) {
            for frame in some {
                self.radio.send(frame).await.unwrap();
            }
            sleep(Duration::from_millis(4)).await;
        }
    }

    /// Delivers frames of one length so that the kernel hands them over in one piece.
    fn deliver_bundle(&self, frames: &[Vec<u8>]) {
        let state = UdpSocketState::new((&self.radio).into()).unwrap();
        let bundle = Transmit {
            destination: self.radio.peer_addr().unwrap(),
            ecn: None,
            contents: &frames.concat(),
            segment_size: frames.first().map(Vec::len),
            src_ip: None,
        };
        state.try_send((&self.radio).into(), &bundle).unwrap();
    }

    pub(crate) async fn stop(self) -> Ended {
        self.program.terminate();
        let program = self.program;
        tokio::task::spawn_blocking(|| program.end()).await.unwrap()
    }
}

/// The configuration, with a data folder of the test's own.
fn write_configuration(test: &str, configuration: &str) -> PathBuf {
    let folder = data::folder(test);
    let storage = format!(
        "[storage]\nfolder = {:?}\nfree_bytes_min = 0\n",
        folder.join("data")
    );
    let path = folder.join("rsu.toml");
    fs::write(&path, format!("{configuration}{storage}")).unwrap();
    path
}

async fn recorded_frames(count: usize) -> Vec<Vec<u8>> {
    let mut frames = data::frames(Path::new(&data::trace("arterial"))).await;
    frames.truncate(count);
    frames
}

/// The messages of that kind.
fn messages(frames: &[Vec<u8>], kind: MessageKind) -> Vec<Vec<u8>> {
    let parse = |frame| network::parse(frame, Adaptation::Present, DSM_LENGTH_MAX).unwrap();
    let dsms = frames.iter().map(|frame| parse(frame));
    let fitting = dsms.filter(|dsm| dsm.kind() == Ok(kind));
    fitting.map(|dsm| dsm.payload.to_vec()).collect()
}

fn frame_of(aid: Aid, kind: &str, wanted: impl Fn(&Value) -> bool) -> Vec<u8> {
    let mut vectors = data::vectors(YDT3709_2020).into_iter();
    let fits = |vector: &data::Vector| {
        vector.jer.get(kind).is_some_and(&wanted) && vector.uper.len() / 2 <= DSM_LENGTH_MAX
    };
    let vector = vectors.find(fits).unwrap();
    data::frame(aid, &vector.bytes(), Adaptation::Present)
}

fn schema() -> jsonschema::Validator {
    let schema = include_str!("../../schema/junction.schema.json");
    let schema = serde_json::from_str(schema).unwrap();
    jsonschema::options()
        .should_validate_formats(true)
        .build(&schema)
        .unwrap()
}

fn assert_valid(schema: &jsonschema::Validator, junction: &Value) {
    if let Err(error) = schema.validate(junction) {
        panic!("{error} at {}: {junction}", error.instance_path());
    }
}

#[tokio::test]
async fn of_many_frames_in_one_piece_none_is_too_many_for_the_uplink() {
    let broker = DemoBroker::start().await.unwrap();
    let mut city = Subscriber::connect(broker.address()).await;
    let service = Service::start("bundle", &configuration(broker.address()), &[]).await;
    let _connected = city.hear().await.unwrap();

    let lights = frame_of(Aid::SPAT, "spatFrame", |_| true);
    let bundle = vec![lights; 60];
    let mut heard = Heard::default();
    for bundles in 1..=5 {
        service.deliver_bundle(&bundle);
        city.hear_until(&mut heard, |heard| {
            heard.payloads("rsu/R1/spat/up").len() >= bundles * bundle.len()
        })
        .await;
    }
    service.stop().await.succeeded();
}

#[tokio::test]
async fn frames_come_in_by_udp_and_the_platform_hears_of_them() {
    let broker = DemoBroker::start().await.unwrap();
    let mut city = Subscriber::connect(broker.address()).await;
    let service = Service::start("service", &configuration(broker.address()), &[]).await;

    let first = city.hear().await.unwrap();
    assert_eq!(first.topic, "rsu/R1/info/up", "before anything else");
    let info: Value = serde_json::from_slice(&first.payload).unwrap();
    assert_eq!(
        (&info["rsuId"], &info["rsuEsn"]),
        (&json!("R1"), &json!("E1"))
    );

    let frames = recorded_frames(1_500).await;
    service.deliver(&frames).await;
    let event = frame_of(Aid::RSI_DYNAMIC, "rsiFrame", |rsi| {
        rsi.get("rtes").is_some()
    });
    let participants = frame_of(Aid::RSM, "rsmFrame", |_| true);
    service.deliver(&[event, participants]).await;

    let mut heard = Heard::default();
    let sent = messages(&frames, MessageKind::Bsm);
    let spats = messages(&frames, MessageKind::Spat);
    let streams = ["map", "rsi", "rsm", "heartbeat", "run-status"];
    city.hear_until(&mut heard, |heard| {
        let lists = heard.payloads("rsu/R1/bsm/up");
        let listed: usize = lists.iter().map(|list| usize::from(list[0])).sum();
        let others = streams.map(|stream| heard.payloads(&format!("rsu/R1/{stream}/up")).len());
        let lights = heard.payloads("rsu/R1/spat/up").len();
        listed >= sent.len() && lights >= spats.len() && others.iter().all(|count| *count > 0)
    })
    .await;
    assert!(
        heard.listed_messages("rsu/R1/bsm/up") == sent,
        "the bytes that were sent, in order"
    );

    let map = &heard.json("rsu/R1/map/up")[0];
    assert_eq!(
        map["map"]["nodes"][0]["id"],
        json!({"region": 500, "id": 100})
    );
    assert_eq!(heard.payloads("rsu/R1/spat/up").len(), spats.len());
    assert_eq!(heard.json("rsu/R1/heartbeat/up")[0]["rsuStatus"], "Normal");

    let ended = service.stop().await.succeeded();
    assert_eq!(ended.stdout, "");
    assert!(ended.stderr.contains("stopping"), "{}", ended.stderr);
}

#[tokio::test]
async fn the_fused_junction_goes_up_at_its_rate_and_as_its_schema_says() {
    const SNAPSHOTS: usize = 25;
    let broker = DemoBroker::start().await.unwrap();
    let mut city = Subscriber::connect(broker.address()).await;
    let service = Service::start("service-rate", &configuration(broker.address()), &[]).await;
    let frames = recorded_frames(800).await;
    let feed = async {
        // As long as a vehicle is heard of, it is there.
        loop {
            service.deliver(&frames).await;
        }
    };
    let mut heard = Heard::default();
    let junction = "rsu/R1/junction/up";
    tokio::select! {
        () = feed => {}
        () = city.hear_until(&mut heard, |heard| heard.payloads(junction).len() >= SNAPSHOTS) => {}
    }
    let schema = schema();
    let snapshots = heard.json(junction);
    for (snapshot, number) in snapshots.iter().zip(1..) {
        assert_valid(&schema, snapshot);
        assert_eq!(snapshot["seq"], json!(number), "none is missing");
    }
    let time_ms = |snapshot: &Value| snapshot["timeMs"].as_i64().unwrap();
    let elapsed_ms = time_ms(&snapshots[SNAPSHOTS - 1]) - time_ms(&snapshots[0]);
    let rate_hz = (SNAPSHOTS - 1) as f64 * 1_000.0 / elapsed_ms as f64;
    // A busy machine may leave some out, but makes up for none.
    assert!((5.0..10.5).contains(&rate_hz), "{rate_hz} Hz");
    assert!(
        snapshots
            .iter()
            .any(|snapshot| !snapshot["vehicles"].as_array().unwrap().is_empty())
    );
    service.stop().await.succeeded();
}

#[tokio::test]
async fn what_was_dropped_is_told_in_running_information() {
    let broker = DemoBroker::start().await.unwrap();
    let mut city = Subscriber::connect(broker.address()).await;
    let service = Service::start("service-drops", &configuration(broker.address()), &[]).await;
    let mut frames = recorded_frames(20).await;
    let half = frames[10][..frames[10].len() / 2].to_vec();
    frames.extend([vec![9], vec![9, 9], vec![0x45; 40], vec![0; 40], half]);
    service.deliver(&frames).await;
    let told = |heard: &Heard| {
        let last = heard.json("rsu/R1/run-status/up").pop()?;
        (last["stages"]["frames_received"] == json!(25)).then_some(last)
    };
    let mut heard = Heard::default();
    city.hear_until(&mut heard, |heard| told(heard).is_some())
        .await;
    let drops = &told(&heard).unwrap()["drops"];
    assert_eq!(drops["unknown_protocol"], 3);
    assert_eq!(drops["ip_packet"], 1);
    assert_eq!(drops["truncated_payload"], 1);
    assert_eq!(drops["radio_receive_errors"], 0);
    service.stop().await.succeeded();
}

#[tokio::test]
async fn a_broker_that_comes_back_is_found_again() {
    let mut broker = DemoBroker::start().await.unwrap();
    let address = broker.address();
    let service = Service::start("service-broker", &configuration(address), &[]).await;
    let frames = recorded_frames(400).await;
    for _ in 0..2 {
        let mut city = Subscriber::connect(address).await;
        service.deliver(&frames).await;
        let mut heard = Heard::default();
        city.hear_until(&mut heard, |heard| {
            ["bsm", "junction"]
                .iter()
                .all(|stream| !heard.payloads(&format!("rsu/R1/{stream}/up")).is_empty())
        })
        .await;
        drop(broker);
        broker = start_again(address).await;
    }
    service.stop().await.succeeded();
}

/// Its port is free as soon as the broker's thread has ended.
async fn start_again(address: SocketAddr) -> DemoBroker {
    let again = async {
        loop {
            match DemoBroker::start_at(address).await {
                Ok(broker) => return broker,
                Err(_) => sleep(Duration::from_millis(10)).await,
            }
        }
    };
    tokio::time::timeout(PATIENCE, again)
        .await
        .expect("the port is free again")
}

#[tokio::test]
async fn a_recording_of_the_service_replays_as_what_was_received() {
    let folder = data::folder("service-recordings");
    let record = ["--record", folder.to_str().unwrap()];
    let service = Service::start("service-record", &offline(), &record).await;
    let mut frames = recorded_frames(600).await;
    frames.push(b"no frame, and recorded all the same".to_vec());
    service.deliver(&frames).await;
    // Sent is not yet received.
    sleep(Duration::from_millis(300)).await;
    service.stop().await.succeeded();

    let mut recordings: Vec<_> = fs::read_dir(&folder)
        .unwrap()
        .map(|file| file.unwrap().path())
        .collect();
    let recording = recordings.pop().unwrap();
    assert!(recordings.is_empty());
    assert!(data::frames(&recording).await == frames);
    let replayed = rsu(&["replay", recording.to_str().unwrap()]).succeeded();
    assert!(
        replayed.stderr.contains("601 packets"),
        "{}",
        replayed.stderr
    );
    assert!(
        replayed.stderr.contains("unknown_protocol"),
        "{}",
        replayed.stderr
    );
}

#[test]
fn the_example_configuration_is_valid() {
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/rsu.example.toml");
    let checked = rsu(&["run", "--check", "--config", example]).succeeded();
    assert_eq!(checked.stdout, "");
    assert!(
        checked.stderr.ends_with("rsu.example.toml: valid"),
        "{}",
        checked.stderr
    );
}

#[test]
fn a_wrong_configuration_is_refused_by_file_line_and_key() {
    for (test, from, to, told) in [
        ("unknown", "esn = ", "serial = ", &["line 4", "serial"][..]),
        (
            "section",
            "[sampling]",
            "[sampler]",
            &["line 13", "sampler"],
        ),
        (
            "range",
            "junction_rate_hz = 10",
            "junction_rate_hz = 51",
            &["line 12", "junction_rate_hz", "from 0 to 50"],
        ),
        (
            "type",
            "bsm_rate = 10000",
            "bsm_rate = \"all\"",
            &["line 15", "bsm_rate"],
        ),
        ("missing", "esn = \"E1\"\n", "", &["line 2", "esn"]),
        ("listen", "127.0.0.1:0", "127.0.0.1", &["line 6", "listen"]),
        ("broker", "mqtt://127", "http://127", &["line 8", "broker"]),
        ("twice", "esn = \"E1\"", "id = \"R2\"", &["line 4", "id"]),
        ("toml", "[unit]", "[unit", &["line 2"]),
    ] {
        let text = offline();
        assert!(text.contains(from), "{test}");
        let path = write_configuration(&format!("config-{test}"), &text.replacen(from, to, 1));
        for check in [&["--check"][..], &[]] {
            let arguments = [&["run", "--config", path.to_str().unwrap()], check].concat();
            let ended = rsu(&arguments);
            assert_eq!(
                (ended.code, &*ended.stdout),
                (Some(1), ""),
                "{test}: {}",
                ended.stderr
            );
            let told = [&[path.to_str().unwrap()], told].concat();
            assert!(
                told.iter().all(|told| ended.stderr.contains(told)),
                "{test}: {}",
                ended.stderr
            );
        }
    }
}

#[test]
fn a_configuration_that_is_not_there_is_named() {
    let reason = rsu(&["run", "--config", "/no/rsu.toml"]).failed();
    assert!(reason.starts_with("/no/rsu.toml: "), "{reason}");
}

#[test]
fn an_address_that_is_taken_is_named_with_its_key() {
    let taken = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let text = offline().replace("127.0.0.1:0", &address);
    let path = write_configuration("config-taken", &text);
    let reason = rsu(&["run", "--config", path.to_str().unwrap()]).failed();
    assert!(
        reason.contains(&format!("radio.listen {address}")),
        "{reason}"
    );
}
