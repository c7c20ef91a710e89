//! A unit that speaks to OpenV2X over a real broker. The platform is simulated: it does with its
//! units what the device service of OpenV2X does.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};

use rsu_firmware::time::{Span, Timestamp};
use rsu_firmware::uper::Profile;
use rsu_gateway::clock::{self, ClockQuality};
use rsu_gateway::downlink::{self, Desk, Effect, Observer, Order, Outside, Uploader};
use rsu_gateway::mqtt::{Publish, Uplink};
use rsu_gateway::platform::dialect::{Dialect, DialectName, named};
use rsu_gateway::platform::{Outgoing, Platform, Settings, Unit};
use rsu_gateway::spool::fs::Memory;
use rumqttc::{AsyncClient, MqttOptions, QoS};
use serde_json::{Value, json};
use tests::broker::{DemoBroker, PATIENCE, settings, subscribe};
use tests::outbox::{MemoryOutbox, OutboxLimits};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::timeout;

fn unit() -> Unit {
    Unit {
        esn: "E1".into(),
        ..Unit::named("R1".parse().unwrap())
    }
}

fn openv2x() -> Box<dyn Dialect> {
    named(DialectName::OpenV2x, &unit(), Profile::default()).unwrap()
}

/// What the platform does with its units.
struct Dandelion {
    client: AsyncClient,
    heard: mpsc::Receiver<rumqttc::Publish>,
    /// Serial numbers that somebody has accepted.
    devices: BTreeSet<String>,
    /// Serial numbers that have told of themselves.
    candidates: BTreeSet<String>,
    /// Until when, by the time of the last heartbeat.
    online_until_ms: BTreeMap<String, i64>,
}

/// For so long a device is online after a heartbeat.
const ONLINE_MS: i64 = 15_000;

impl Dandelion {
    async fn start(broker: SocketAddr) -> Self {
        let heard = subscribe(broker, "V2X/RSU/#").await;
        let options = MqttOptions::new("dandelion", broker.ip().to_string(), broker.port());
        let (client, mut events) = AsyncClient::new(options, 16);
        tokio::spawn(async move { while events.poll().await.is_ok() {} });
        Self {
            client,
            heard,
            devices: BTreeSet::new(),
            candidates: BTreeSet::new(),
            online_until_ms: BTreeMap::new(),
        }
    }

    /// At QoS 0, as everything of this platform.
    async fn send(&self, topic: &str, payload: impl Into<Vec<u8>>) {
        let sent = self.client.publish(topic, QoS::AtMostOnce, false, payload);
        sent.await.unwrap();
    }

    /// Takes in what is published until something comes on `wanted`.
    async fn hear(&mut self, wanted: &str) -> Value {
        let found = timeout(PATIENCE, async {
            loop {
                let publish = self.heard.recv().await.unwrap();
                if let Ok(content) = serde_json::from_slice::<Value>(&publish.payload) {
                    self.take_in(&publish.topic, &content);
                    if publish.topic == wanted {
                        return content;
                    }
                }
            }
        });
        let found = found.await;
        found.unwrap_or_else(|_| panic!("nothing on {wanted}"))
    }

    fn take_in(&mut self, topic: &str, content: &Value) {
        let esn = content["rsuEsn"].as_str().unwrap_or_default().to_owned();
        match topic {
            "V2X/RSU/INFO/UP" if !self.devices.contains(&esn) => {
                // What a candidate is stored with.
                for member in ["rsuId", "rsuName", "version", "rsuStatus"] {
                    assert!(content[member].is_string(), "{content}");
                }
                assert!(content["location"]["lon"].is_number());
                assert!(content["config"].is_object());
                self.candidates.insert(esn);
            }
            "V2X/RSU/HB/UP" if self.devices.contains(&esn) => {
                let time = content["timestamp"].as_i64().unwrap();
                self.online_until_ms.insert(esn, time + ONLINE_MS);
            }
            _ => {}
        }
    }

    /// Somebody accepts the candidate.
    fn accept(&mut self, esn: &str) {
        assert!(self.candidates.remove(esn), "{:?}", self.candidates);
        self.devices.insert(esn.to_owned());
    }

    /// Sends a command as row `id` of its table, and returns the error code of the answer.
    async fn command(&mut self, topic: &str, id: i64, mut content: Value) -> i64 {
        content["seqNum"] = id.to_string().into();
        let topic = format!("V2X/RSU/E1/{topic}");
        self.send(&topic, content.to_string()).await;
        let answer = self.hear(&format!("{topic}/ACK")).await;
        let answered: i64 = answer["seqNum"].as_str().unwrap().parse().unwrap();
        assert_eq!(answered, id);
        answer["errorCode"].as_i64().unwrap()
    }
}

struct Rsu {
    effects: Arc<Mutex<Vec<Effect>>>,
    stop: oneshot::Sender<()>,
    uplink: JoinHandle<()>,
    commands: JoinHandle<()>,
}

impl Rsu {
    fn start(broker: SocketAddr) -> Self {
        let desk = Desk::open(
            Arc::new(Memory::new()),
            Path::new("/data/commands"),
            downlink::Settings {
                unit: unit(),
                profile: Profile::default(),
                age_max: None,
                boot_id: "a boot".into(),
            },
        );
        let mqtt = settings(broker, "rsu-R1");
        let outbox = Arc::new(MemoryOutbox::new(OutboxLimits {
            records_max: 1_000,
            bytes_max: 1 << 20,
            packet_bytes_max: mqtt.packet_bytes_max,
        }));
        let platform = Platform::new(Settings::new(unit()), openv2x());
        let platform = Arc::new(Mutex::new(platform));
        let mut uplink = Uplink::new(mqtt, vec![("durable", outbox.clone() as _)]).unwrap();
        let filters = platform.lock().unwrap().downlink_filters();
        let received = uplink.subscribe(filters).unwrap();
        let introducing = platform.clone();
        uplink.on_connect(move || {
            let mut publishes = Vec::new();
            let sink = &mut |out: Outgoing<'_>| publishes.push(publish(out));
            introducing.lock().unwrap().introduce(clock::now(), sink);
            publishes
        });
        let outside = Outside {
            clock_quality: Box::new(ClockQuality::default),
            log: Arc::new(Vec::new),
            uploader: Uploader::default(),
            pulse: Box::new(|| {}),
        };
        let effects = Arc::new(Mutex::new(Vec::new()));
        let noted = effects.clone();
        let carry_out = move |order: Order| {
            let sink = &mut |out: Outgoing<'_>| _ = outbox.append(publish(out)).unwrap();
            let mut platform = platform.lock().unwrap();
            platform.handle_effect(clock::now(), &order.effect, sink);
            noted.lock().unwrap().push(order.effect.clone());
            order.finish(Ok(()));
        };
        let observer = Observer::default();
        let serve = downlink::serve(
            received,
            openv2x(),
            desk.unwrap(),
            observer,
            outside,
            carry_out,
        );
        let (stop, stopped) = oneshot::channel::<()>();
        Self {
            effects,
            stop,
            uplink: tokio::spawn(uplink.run(async { drop(stopped.await) })),
            commands: tokio::spawn(async { serve.await.unwrap() }),
        }
    }

    async fn stop(self) -> Vec<Effect> {
        drop(self.stop);
        timeout(PATIENCE, self.uplink).await.unwrap().unwrap();
        timeout(PATIENCE, self.commands).await.unwrap().unwrap();
        self.effects.lock().unwrap().clone()
    }
}

fn publish(out: Outgoing<'_>) -> Publish {
    Publish::new(out.topic, out.payload.to_vec())
}

#[tokio::test]
async fn a_unit_registers_and_gets_and_answers_commands() {
    let broker = DemoBroker::start().await.unwrap();
    let mut dandelion = Dandelion::start(broker.address()).await;
    let rsu = Rsu::start(broker.address());

    let info = dandelion.hear("V2X/RSU/INFO/UP").await;
    assert_eq!(info["rsuEsn"], "E1");
    dandelion.hear("V2X/RSU/BaseINFO/UP").await;
    dandelion.accept("E1");

    // The portal has changed something: all units are to tell of themselves again. What comes
    // before the unit has subscribed is lost, as everything at QoS 0.
    for _ in 0..200 {
        dandelion.send("V2X/RSU/REG/TICE", "").await;
        let again = timeout(std::time::Duration::from_millis(50), dandelion.heard.recv()).await;
        if again.is_ok_and(|publish| publish.unwrap().topic == "V2X/RSU/INFO/UP") {
            break;
        }
    }
    assert!(dandelion.candidates.is_empty(), "it is known now");

    let config = json!({
        "bsmConfig": {"sampleMode": "ByAll", "sampleRate": 100, "upLimit": 1_000, "upFilters": []},
        "rsiConfig": {"upFilters": []},
        "spatConfig": {"upLimit": 10, "upFilters": []},
        "rsmConfig": {"upLimit": 10, "upFilters": []},
        "mapConfig": {"upLimit": 1, "upFilters": []},
        "ack": true,
    });
    assert_eq!(dandelion.command("CONFIG/DOWN", 9, config.clone()).await, 0);
    let mut wrong = config;
    wrong["bsmConfig"]["sampleRate"] = 10_001.into();
    assert_eq!(dandelion.command("CONFIG/DOWN", 10, wrong).await, 1);

    let map = json!({"mapSlice": "1", "eTag": "a", "ack": true, "map": {
        "msgCnt": "1",
        "nodes": {"Node": {
            "name": "17", "id": {"region": "10", "id": "17"},
            "refPos": {"lat": "319348466", "long": "1188203963", "elevation": "0"},
        }},
    }});
    assert_eq!(dandelion.command("MAP/DOWN", 11, map).await, 0);

    let operations = json!({
        "rsuName": "", "rsuEsn": "E1", "protocolVersion": "V1.0", "hbRate": 60,
        "runningInfoRate": 60, "addressChg": {"cssUrl": "", "time": 0}, "logLevel": "DEBUG",
        "reboot": 0, "extendConfig": "", "ack": true,
    });
    assert_eq!(dandelion.command("MNG/DOWN", 12, operations).await, 0);

    let effects = rsu.stop().await;
    let told = |told: fn(&Effect) -> bool| effects.iter().filter(|effect| told(effect)).count();
    assert!(told(|effect| *effect == Effect::Introduction) >= 1);
    assert_eq!(told(|effect| matches!(effect, Effect::Sampling(_))), 1);
    let minute = |effect: &Effect| matches!(effect, Effect::HeartbeatInterval(interval) if interval.as_millis() == 60_000);
    assert_eq!(effects.iter().filter(|effect| minute(effect)).count(), 1);
}

/// The portal's own default is a heartbeat every minute, which would be offline most of the time.
#[tokio::test]
async fn a_unit_stays_online() {
    let broker = DemoBroker::start().await.unwrap();
    let mut dandelion = Dandelion::start(broker.address()).await;
    dandelion.devices.insert("E1".into());
    let mut platform = Platform::new(
        Settings {
            heartbeat_interval: Span::from_millis(60_000),
            ..Settings::new(unit())
        },
        openv2x(),
    );
    for second in 0..60 {
        let now = Timestamp::from_millis(1_767_225_600_000 + second * 1_000);
        let mut heartbeat = None;
        let sink = &mut |out: Outgoing<'_>| {
            if out.topic == "V2X/RSU/HB/UP" {
                heartbeat = Some(out.payload.to_vec());
            }
        };
        while platform.handle_timeout(now, sink).is_some() {}
        if let Some(heartbeat) = heartbeat {
            dandelion.send("V2X/RSU/HB/UP", heartbeat).await;
            dandelion.hear("V2X/RSU/HB/UP").await;
        }
        assert!(
            dandelion.online_until_ms["E1"] > now.as_millis(),
            "{second}"
        );
    }
}
