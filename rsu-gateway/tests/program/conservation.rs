//! Nothing is lost: the broker and the unit are killed over and over while events happen, and the
//! platform ends up with every record, once it drops the duplicates and asks for what the killed
//! broker had acknowledged and forgotten.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use rsu_firmware::message::MessageFrame;
use rsu_firmware::network::{Adaptation, Aid};
use rsu_firmware::uper::Profile;
use rumqttc::{AsyncClient, Event, Incoming, MqttOptions, QoS};
use serde_json::{Value, json};
use tests::mosquitto::Mosquitto;
use tokio::net::UdpSocket;
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

use crate::data;
use crate::process::{PATIENCE, Running};

/// Rounds of killing; `RSU_CONSERVATION_ROUNDS` sets another number.
const ROUNDS: u32 = 12;
const LIFE_MS_MIN: u64 = 250;
const LIFE_MS_SPAN: u64 = 500;
const EVENTS_PER_SECOND: u64 = 100;

fn rounds() -> u32 {
    std::env::var("RSU_CONSERVATION_ROUNDS")
        .map_or(ROUNDS, |rounds| rounds.parse().expect("a number of rounds"))
}

fn configuration(broker: SocketAddr, folder: &str) -> String {
    format!(
        r#"
[unit]
id = "R1"
esn = "E1"
[radio]
listen = "127.0.0.1:0"
[mqtt]
brokers = ["mqtt://{broker}"]
reconnect_delay_s_max = 1
[storage]
folder = "{folder}"
free_bytes_min = 0
"#
    )
}

/// The frame of an event that nobody else tells of.
fn event(number: u64) -> Vec<u8> {
    let jer = json!({"rsiFrame": {
        "msgCnt": number % 128, "id": format!("{number:016X}"),
        "refPos": {"lat": 296_000_000, "long": 1_065_000_000},
        "rtes": [{"rteId": 1, "eventType": 401, "eventSource": "detection"}],
    }});
    let text = jer.to_string();
    let message: MessageFrame<'_> = serde_json::from_str(&text).unwrap();
    let mut bytes = [0; 256];
    let length = message.encode(&mut bytes, Profile::default()).unwrap();
    data::frame(Aid::RSI_DYNAMIC, &bytes[..length], Adaptation::Present)
}

/// What the platform has: payloads by number, in the order of their first arrival.
#[derive(Default)]
struct Ledger {
    spool: Option<String>,
    payloads: BTreeMap<u64, Value>,
    arrivals: Vec<u64>,
    duplicates: u64,
    /// Numbers that the unit never gave out, as it says.
    unused: Vec<std::ops::RangeInclusive<u64>>,
}

impl Ledger {
    fn take(&mut self, payload: &[u8]) {
        let mut payload: Value = serde_json::from_slice(payload).expect("JSON");
        let record = payload["record"].take();
        if record["class"] != "durable" || record["seq"].is_null() {
            return;
        }
        let spool = record["spool"].as_str().unwrap().to_owned();
        assert_eq!(
            *self.spool.get_or_insert(spool.clone()),
            spool,
            "one unit, one spool"
        );
        let number = record["seq"].as_u64().unwrap();
        if let (Some(from), Some(to)) = (payload["from"].as_u64(), payload["to"].as_u64()) {
            assert_eq!(
                payload["reason"], "unfinished",
                "nothing that was committed is lost"
            );
            self.unused.push(from..=to);
        }
        match self.payloads.get(&number) {
            None => {
                self.payloads.insert(number, payload);
                self.arrivals.push(number);
            }
            Some(known) => {
                assert_eq!(*known, payload, "record {number} came with two contents");
                self.duplicates += 1;
            }
        }
    }

    fn missing(&self) -> Vec<u64> {
        let last = self.payloads.keys().next_back().copied().unwrap_or(0);
        let is_unused = |number: &u64| self.unused.iter().any(|unused| unused.contains(number));
        (1..=last)
            .filter(|number| !self.payloads.contains_key(number) && !is_unused(number))
            .collect()
    }

    fn events(&self) -> impl Iterator<Item = u64> {
        let payloads = self.payloads.values();
        payloads.filter_map(|payload| {
            let id = payload["rsi"]["alertID"].as_str()?;
            u64::from_str_radix(id.split('-').next()?, 16).ok()
        })
    }
}

/// The platform's client: it comes back whenever the broker does.
struct City {
    heard: mpsc::UnboundedReceiver<Vec<u8>>,
    ask: mpsc::Sender<Value>,
}

impl City {
    fn start(broker: SocketAddr) -> Self {
        let (hear, heard) = mpsc::unbounded_channel();
        let (ask, mut asked) = mpsc::channel::<Value>(8);
        tokio::spawn(async move {
            while !hear.is_closed() {
                let mut options = MqttOptions::new("city", broker.ip().to_string(), broker.port());
                options.set_max_packet_size(1 << 20, 1 << 20);
                let (client, mut events) = AsyncClient::new(options, 64);
                for filter in ["rsu/R1/+/up", "rsu/R1/records/query/ack"] {
                    client.subscribe(filter, QoS::AtLeastOnce).await.unwrap();
                }
                loop {
                    tokio::select! {
                        event = events.poll() => match event {
                            Ok(Event::Incoming(Incoming::Publish(publish))) => {
                                _ = hear.send(publish.payload.to_vec());
                            }
                            Ok(_) => {}
                            Err(_) => break,
                        },
                        Some(query) = asked.recv() => {
                            let topic = "rsu/R1/records/query";
                            let sent = client.publish(topic, QoS::AtLeastOnce, false, query.to_string());
                            sent.await.unwrap();
                        }
                    }
                }
                sleep(Duration::from_millis(20)).await;
            }
        });
        Self { heard, ask }
    }

    /// Takes in what has come, and what comes within `quiet` of the one before.
    async fn take(&mut self, ledger: &mut Ledger, quiet: Duration) {
        while let Ok(Some(payload)) = timeout(quiet, self.heard.recv()).await {
            ledger.take(&payload);
        }
    }
}

/// What the platform shall be sent again.
fn query(number: usize, first: u64, last: u64) -> Value {
    json!({"class": "durable", "from": first, "to": last, "ack": true, "seqNum": number.to_string()})
}

/// Neighbours as ranges.
fn ranges(numbers: &[u64]) -> Vec<(u64, u64)> {
    let mut ranges: Vec<(u64, u64)> = Vec::new();
    for &number in numbers {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == number => *last = number,
            _ => ranges.push((number, number)),
        }
    }
    ranges
}

/// The unit, and what its radio hears.
struct Unit {
    _program: Running,
    radio: UdpSocket,
}

impl Unit {
    async fn start(config: &str) -> Self {
        let config = config.to_owned();
        let started = tokio::task::spawn_blocking(move || {
            let mut program = Running::start(&["run", "--config", &config]);
            let receiving = program.stderr_line_with("receiving");
            let (_, address) = receiving.rsplit_once("listen=").unwrap();
            (program, address.trim().parse::<SocketAddr>().unwrap())
        });
        let (program, address) = started.await.unwrap();
        let radio = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        radio.connect(address).await.unwrap();
        Self {
            _program: program,
            radio,
        }
    }

    /// Lets events happen for so long.
    async fn hear_events(&self, next: &mut u64, how_long: Duration) {
        let until = Instant::now() + how_long;
        while Instant::now() < until {
            *next += 1;
            self.radio.send(&event(*next)).await.unwrap();
            sleep(Duration::from_micros(1_000_000 / EVENTS_PER_SECOND)).await;
        }
    }
}

/// A reproducible generator (SplitMix64).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % limit
    }
}

#[tokio::test]
async fn nothing_is_lost_while_broker_and_unit_are_killed_over_and_over() {
    let mut broker = Mosquitto::start("");
    let folder = data::folder("conservation");
    let config = folder.join("rsu.toml");
    let storage = folder.join("data");
    let text = configuration(broker.address(), storage.to_str().unwrap());
    std::fs::write(&config, text).unwrap();
    let config = config.to_str().unwrap();

    let mut city = City::start(broker.address());
    let mut ledger = Ledger::default();
    let mut random = Random(20_261_122);
    let mut next_event = 0;
    let rounds = rounds();
    for round in 0..rounds {
        let unit = Unit::start(config).await;
        let life = Duration::from_millis(LIFE_MS_MIN + random.below(LIFE_MS_SPAN));
        unit.hear_events(&mut next_event, life).await;
        // In two of three rounds the broker dies, sometimes before the unit, sometimes after it.
        let broker_dies = random.below(3);
        if broker_dies == 0 {
            broker.kill();
            unit.hear_events(&mut next_event, Duration::from_millis(100))
                .await;
        }
        drop(unit);
        if broker_dies == 1 {
            broker.kill();
        }
        if broker_dies < 2 {
            broker.restart();
        }
        city.take(&mut ledger, Duration::from_millis(20)).await;
        if round % 10 == 9 {
            eprintln!(
                "{} of {rounds} rounds, {} records",
                round + 1,
                ledger.payloads.len()
            );
        }
    }

    // In the end both live. What waited comes first, in its order; then what happens now.
    let unit = Unit::start(config).await;
    let settled = next_event;
    let until = Instant::now() + PATIENCE;
    while !ledger.events().any(|event| event > settled) {
        assert!(Instant::now() < until, "fresh events do not flow");
        unit.hear_events(&mut next_event, Duration::from_millis(200))
            .await;
        city.take(&mut ledger, Duration::from_millis(100)).await;
    }
    city.take(&mut ledger, Duration::from_secs(2)).await;

    let (records, late) = (ledger.payloads.len(), ledger.arrivals.clone());
    assert!(late.is_sorted(), "the first arrivals are in order");
    let missing = ledger.missing();
    for (number, (first, last)) in (1..).zip(ranges(&missing)) {
        city.ask.send(query(number, first, last)).await.unwrap();
        city.take(&mut ledger, Duration::from_secs(1)).await;
    }
    let events: std::collections::BTreeSet<_> = ledger.events().collect();
    eprintln!(
        "{rounds} rounds: {next_event} events heard, {} reported; {records} records came by \
         themselves, {} more when asked for, {} duplicates",
        events.len(),
        missing.len(),
        ledger.duplicates
    );
    assert_eq!(ledger.missing(), [0; 0], "every number is there");
    assert!(
        ledger.payloads.len() as u64 > u64::from(rounds),
        "{}",
        ledger.payloads.len()
    );
}
