//! A normal MQTT client that listens to everything a unit publishes.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use rumqttc::{AsyncClient, Event, Incoming, MqttOptions, Publish, QoS};
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::process::PATIENCE;

/// Most publishes that wait for their test.
const HEARD_MAX: usize = 10_000;
const PACKET_BYTES_MAX: usize = 1 << 20;

pub(crate) struct Subscriber {
    heard: mpsc::Receiver<Publish>,
    client: AsyncClient,
}

impl Subscriber {
    /// Subscribes to `rsu/#` there, and returns once the broker has confirmed it.
    pub(crate) async fn connect(broker: SocketAddr) -> Self {
        let mut options = MqttOptions::new("city", broker.ip().to_string(), broker.port());
        options.set_keep_alive(Duration::from_secs(5));
        options.set_max_packet_size(PACKET_BYTES_MAX, PACKET_BYTES_MAX);
        let (client, mut events) = AsyncClient::new(options, 8);
        client.subscribe("rsu/#", QoS::AtLeastOnce).await.unwrap();
        let (hear, heard) = mpsc::channel(HEARD_MAX);
        let (confirm, confirmed) = tokio::sync::oneshot::channel::<()>();
        tokio::spawn(async move {
            let mut confirm = Some(confirm);
            while let Ok(event) = events.poll().await {
                match event {
                    Event::Incoming(Incoming::SubAck(_)) => {
                        _ = confirm.take().map(|confirm| confirm.send(()))
                    }
                    Event::Incoming(Incoming::Publish(publish)) => {
                        hear.try_send(publish).expect("the test hears in time");
                    }
                    _ => {}
                }
            }
        });
        let confirmed = timeout(PATIENCE, confirmed).await;
        confirmed.expect("in time").expect("the broker confirms");
        Self { heard, client }
    }

    /// Commands a unit.
    pub(crate) async fn command(&self, topic: &str, command: &Value) {
        let payload = command.to_string();
        let sent = self.client.publish(topic, QoS::AtLeastOnce, false, payload);
        sent.await.unwrap();
    }

    /// The next publish; `None` when the broker is gone.
    pub(crate) async fn hear(&mut self) -> Option<Publish> {
        let heard = timeout(PATIENCE, self.heard.recv()).await;
        heard.expect("one more publish")
    }

    /// Adds what is published until `enough` says so.
    pub(crate) async fn hear_until(&mut self, heard: &mut Heard, enough: impl Fn(&Heard) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !enough(heard) {
            assert!(
                Instant::now() < deadline,
                "not enough: {:?}",
                heard.counts()
            );
            let publish = self.hear().await.expect("a broker");
            let payloads = heard.0.entry(publish.topic).or_default();
            payloads.push(publish.payload.to_vec());
        }
    }
}

/// Payloads by topic, in the order in which they came.
#[derive(Default)]
pub(crate) struct Heard(BTreeMap<String, Vec<Vec<u8>>>);

impl Heard {
    fn counts(&self) -> Vec<(&str, usize)> {
        let counts = self
            .0
            .iter()
            .map(|(topic, payloads)| (topic.as_str(), payloads.len()));
        counts.collect()
    }

    pub(crate) fn payloads(&self, topic: &str) -> &[Vec<u8>] {
        self.0.get(topic).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn json(&self, topic: &str) -> Vec<Value> {
        let payloads = self.payloads(topic).iter();
        payloads
            .map(|payload| serde_json::from_slice(payload).unwrap())
            .collect()
    }

    /// The messages of all lists in `topic`, in the binary list form of T/ITS 0117.
    pub(crate) fn listed_messages(&self, topic: &str) -> Vec<Vec<u8>> {
        let lists = self.payloads(topic).iter();
        lists
            .flat_map(|list| listed_messages(list).expect("a list"))
            .collect()
    }
}

/// Count, as many lengths of two bytes, as many messages, and nothing behind.
fn listed_messages(list: &[u8]) -> Option<Vec<Vec<u8>>> {
    let (count, rest) = list.split_first()?;
    let (lengths, mut rest) = rest.split_at_checked(2 * usize::from(*count))?;
    let mut messages = Vec::new();
    for length in lengths.as_chunks().0 {
        let (message, behind) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        messages.push(message.to_vec());
        rest = behind;
    }
    rest.is_empty().then_some(messages)
}
