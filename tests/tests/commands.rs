//! Commands over a real broker: sent down by a platform, carried out, answered.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex};

use rsu_firmware::uper::Profile;
use rsu_gateway::clock::{self, ClockQuality, Synchronization};
use rsu_gateway::downlink::{self, Desk, Effect, Observer, Order, Outside, Uploader};
use rsu_gateway::mqtt::{Publish, Uplink};
use rsu_gateway::platform::{Outgoing, Platform, Settings, Tits0180, Unit};
use rsu_gateway::spool::fs::Memory;
use rumqttc::{AsyncClient, MqttOptions, QoS};
use serde_json::{Value, json};
use tests::broker::{DemoBroker, PATIENCE, settings, subscribe, wait_until};
use tests::mosquitto::Mosquitto;
use tests::outbox::{MemoryOutbox, OutboxLimits};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::timeout;

fn unit() -> Unit {
    Unit::named("R1".parse().unwrap())
}

/// A unit that takes commands.
struct Rsu {
    observer: Observer,
    effects: Arc<Mutex<Vec<Effect>>>,
    stop: oneshot::Sender<()>,
    uplink: JoinHandle<()>,
    commands: JoinHandle<()>,
}

impl Rsu {
    fn start(broker: std::net::SocketAddr, data: &Memory) -> Self {
        let desk = Desk::open(
            Arc::new(data.clone()),
            Path::new("/data/commands"),
            downlink::Settings {
                unit: unit(),
                profile: Profile::default(),
                age_max: None,
                boot_id: "a boot".into(),
            },
        )
        .unwrap();
        let mut platform = Platform::new(Settings::new(unit()), Box::new(Tits0180::new(&unit())));
        platform.set_transmit(desk.transmit());
        let mqtt = settings(broker, "rsu-R1");
        let outbox = Arc::new(MemoryOutbox::new(OutboxLimits {
            records_max: 100_000,
            bytes_max: 64 << 20,
            packet_bytes_max: mqtt.packet_bytes_max,
        }));
        let mut uplink = Uplink::new(mqtt, vec![("durable", outbox.clone() as _)]).unwrap();
        let received = uplink.subscribe(platform.downlink_filters()).unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let observer = Observer::default();
        let effects = Arc::new(Mutex::new(Vec::new()));
        let outside = Outside {
            clock_quality: Box::new(|| ClockQuality {
                synchronization: Synchronization::Synchronized,
                ..ClockQuality::default()
            }),
            log: Arc::new(|| b"a line\n".to_vec()),
            uploader: Uploader::default(),
            pulse: Box::new(|| {}),
        };
        let noted = effects.clone();
        let carry_out = move |order: Order| {
            let mut sink = |outgoing: Outgoing<'_>| {
                let payload = outgoing.payload.to_vec();
                outbox
                    .append(Publish::new(outgoing.topic, payload))
                    .unwrap();
            };
            platform.handle_effect(clock::now(), &order.effect, &mut sink);
            noted.lock().unwrap().push(order.effect.clone());
            order.finish(Ok(()));
        };
        let dialect = Box::new(Tits0180::new(&unit()));
        let seen = observer.clone();
        let serve = downlink::serve(received, dialect, desk, seen, outside, carry_out);
        Self {
            observer,
            effects,
            stop,
            uplink: tokio::spawn(uplink.run(async { drop(stopped.await) })),
            commands: tokio::spawn(async { serve.await.unwrap() }),
        }
    }

    async fn stop(self) {
        drop(self.stop);
        timeout(PATIENCE, self.uplink).await.unwrap().unwrap();
        timeout(PATIENCE, self.commands).await.unwrap().unwrap();
    }
}

/// The platform: sends commands and hears answers.
struct CloudPlatform {
    client: AsyncClient,
    heard: mpsc::Receiver<rumqttc::Publish>,
}

impl CloudPlatform {
    async fn connect(broker: std::net::SocketAddr) -> Self {
        let heard = subscribe(broker, "rsu/#").await;
        let mut options = MqttOptions::new("platform", broker.ip().to_string(), broker.port());
        options.set_max_packet_size(1 << 20, 1 << 20);
        let (client, mut events) = AsyncClient::new(options, 16);
        tokio::spawn(async move { while events.poll().await.is_ok() {} });
        Self { client, heard }
    }

    async fn send(&self, topic: &str, payload: &Value) {
        let topic = format!("rsu/R1/{topic}");
        let payload = payload.to_string();
        let sent = self.client.publish(topic, QoS::AtLeastOnce, false, payload);
        sent.await.unwrap();
    }

    /// The next publish of the unit on `topic`; others are passed over.
    async fn hear(&mut self, topic: &str) -> Value {
        let wanted = format!("rsu/R1/{topic}");
        let heard = async {
            loop {
                let publish = self.heard.recv().await.unwrap();
                if publish.topic == wanted {
                    return serde_json::from_slice(&publish.payload).unwrap();
                }
            }
        };
        let heard = timeout(PATIENCE, heard).await;
        heard.unwrap_or_else(|_| panic!("nothing on {topic}"))
    }
}

/// Returns once the unit hears commands: a broker forgets what comes before that.
async fn is_listening(platform: &mut CloudPlatform, rsu: &Rsu) {
    for _ in 0..200 {
        platform.send("versions/query", &json!({})).await;
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        if rsu.observer.counters().accepted > 0 {
            return;
        }
    }
    panic!("the unit hears nothing");
}

#[tokio::test]
async fn every_kind_of_command_is_answered() {
    let broker = DemoBroker::start().await.unwrap();
    let mut platform = CloudPlatform::connect(broker.address()).await;
    let rsu = Rsu::start(broker.address(), &Memory::new());
    is_listening(&mut platform, &rsu).await;

    let ok = |number: &str| json!({"seqNum": number, "errorCode": 0});
    let config = json!({"spatConfig": {"upLimit": 2}, "ack": true, "seqNum": "1"});
    platform.send("config/down", &config).await;
    let info = platform.hear("info/up").await;
    assert_eq!(info["config"]["spatConfig"]["upLimit"], 2);
    assert_eq!(platform.hear("config/down/ack").await, ok("1"));

    let node = json!({"id": {"id": 7}, "refPos": {"lat": 0, "long": 0}});
    let map = json!({
        "mapSlice": "1", "eTag": "e", "map": {"msgCnt": 0, "nodes": [node]},
        "ack": true, "seqNum": "2",
    });
    platform.send("map/down", &map).await;
    let state = platform.hear("broadcast/up").await;
    assert_eq!(
        (&state["kind"], &state["state"]),
        (&json!("map"), &json!("waiting"))
    );
    assert_eq!(platform.hear("map/down/ack").await, ok("2"));

    let event = json!({"rsi": {
        "alertID": "A", "duration": 0, "eventStatus": true,
        "timeStamp": "2026-01-01T00:00:00Z", "eventClass": "AbnormalTraffic", "eventType": 501,
        "eventSource": "police", "eventPosition": [{"lat": 295_000_002, "lon": 1_065_000_001}],
    }, "ack": true, "seqNum": "3"});
    platform.send("rsi/down", &event).await;
    assert_eq!(platform.hear("rsi/down/ack").await, ok("3"));

    let manage = json!({"seqNum": "4", "HBRate": 5, "ack": true, "rsuId": "R1"});
    platform.send("om-config/down", &manage).await;
    assert_eq!(platform.hear("om-config/down/ack").await, ok("4"));

    platform
        .send("versions/query", &json!({"seqNum": "5"}))
        .await;
    let versions = loop {
        let versions = platform.hear("versions/up").await;
        if versions["seqNum"] == "5" {
            break versions;
        }
    };
    assert_eq!(versions["softwareVersion"], env!("CARGO_PKG_VERSION"));

    platform
        .send("info/query", &json!({"seqNum": "6", "InfoId": 1}))
        .await;
    let response = platform.hear("info/query/response").await;
    assert_eq!(
        (&response["seqNum"], &response["Infotype"]),
        (&json!("6"), &json!(1))
    );
    assert_eq!(response["InfoValue"]["MAP"], 0);

    platform.send("upgrade/down", &json!({"seqNum": "7"})).await;
    let refused = platform.hear("upgrade/down/ack").await;
    assert_eq!(
        (&refused["seqNum"], &refused["errorCode"]),
        (&json!("7"), &json!(1))
    );

    platform
        .send("spat/down", &json!({"intersections": []}))
        .await;
    let refused = platform.hear("spat/down/ack").await;
    assert_eq!(refused["errorCode"], 1);
    assert!(
        refused["errorDesc"]
            .as_str()
            .unwrap()
            .contains("spatFrame.intersections"),
        "{refused}"
    );
    rsu.stop().await;
}

#[tokio::test]
async fn a_restarted_unit_knows_what_it_had_accepted() {
    let broker = DemoBroker::start().await.unwrap();
    let mut platform = CloudPlatform::connect(broker.address()).await;
    let data = Memory::new();
    let rsu = Rsu::start(broker.address(), &data);
    is_listening(&mut platform, &rsu).await;
    let reboot = json!({"seqNum": "1", "reboot": 1, "ack": true});
    platform.send("om-config/down", &reboot).await;
    platform.hear("om-config/down/ack").await;
    wait_until("the reboot", || {
        rsu.effects.lock().unwrap().contains(&Effect::Reboot)
    })
    .await;
    rsu.stop().await;

    let rsu = Rsu::start(broker.address(), &data);
    is_listening(&mut platform, &rsu).await;
    platform.send("om-config/down", &reboot).await;
    let again = platform.hear("om-config/down/ack").await;
    assert_eq!(again, json!({"seqNum": "1", "errorCode": 0}));
    assert_eq!(rsu.observer.counters().repeated, 1);
    assert!(!rsu.effects.lock().unwrap().contains(&Effect::Reboot));
    rsu.stop().await;
}

#[tokio::test]
async fn thousands_of_commands_at_once_are_all_answered() {
    const COMMANDS: u64 = 2_000;
    let broker = Mosquitto::start("");
    let mut platform = CloudPlatform::connect(broker.address()).await;
    let rsu = Rsu::start(broker.address(), &Memory::new());
    is_listening(&mut platform, &rsu).await;
    let (client, heard) = (platform.client.clone(), &mut platform.heard);
    let sending = tokio::spawn(async move {
        for number in 0..COMMANDS {
            let payload =
                json!({"rsmConfig": {"upLimit": number % 100}, "ack": true, "seqNum": number});
            let topic = "rsu/R1/config/down";
            let sent = client.publish(topic, QoS::AtLeastOnce, false, payload.to_string());
            sent.await.unwrap();
        }
    });
    let mut answered = BTreeSet::new();
    while (answered.len() as u64) < COMMANDS {
        let publish = timeout(PATIENCE, heard.recv()).await;
        let publish = publish
            .unwrap_or_else(|_| panic!("{} answers of {COMMANDS}", answered.len()))
            .unwrap();
        if publish.topic == "rsu/R1/config/down/ack" {
            let answer: Value = serde_json::from_slice(&publish.payload).unwrap();
            assert_eq!(answer["errorCode"], 0, "{answer}");
            answered.insert(answer["seqNum"].as_str().unwrap().to_owned());
        }
    }
    sending.await.unwrap();
    rsu.stop().await;
}
