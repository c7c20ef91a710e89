//! A real broker on a loopback port, and a subscriber that hears what it distributes.

use std::net::SocketAddr;
use std::time::Duration;

use rsu_gateway::mqtt::{BrokerAddress, Settings};
use rumqttc::{AsyncClient, Event, Incoming, MqttOptions, Publish, QoS};
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

pub use rsu_gateway::demo_broker::DemoBroker;

/// No test waits longer than this for anything.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Most publishes that a subscriber holds back for its test.
const HEARD_MAX: usize = 4096;

/// Uplink settings for that broker that reconnect quickly enough for a test.
pub fn settings(address: SocketAddr, client_id: &str) -> Settings {
    let broker: BrokerAddress = format!("mqtt://{address}").parse().expect("an address");
    Settings {
        reconnect_delay_min: Duration::from_millis(2),
        reconnect_delay_max: Duration::from_millis(20),
        connect_timeout: Duration::from_secs(1),
        ..Settings::new(broker, client_id)
    }
}

/// Subscribes there, one subscriber a broker, and returns once the broker confirmed it.
pub async fn subscribe(address: SocketAddr, filter: &str) -> mpsc::Receiver<Publish> {
    let mut options = MqttOptions::new("subscriber", address.ip().to_string(), address.port());
    options.set_max_packet_size(1 << 20, 1 << 20);
    let (client, mut events) = AsyncClient::new(options, 8);
    let request = client.subscribe(filter, QoS::AtLeastOnce).await;
    request.expect("room for one request");
    let (confirm, confirmed) = tokio::sync::oneshot::channel();
    let (heard, hear) = mpsc::channel(HEARD_MAX);
    tokio::spawn(async move {
        let _stays_alive = client;
        let mut confirm = Some(confirm);
        while let Ok(event) = events.poll().await {
            match event {
                Event::Incoming(Incoming::SubAck(_)) => drop(confirm.take().map(|c| c.send(()))),
                Event::Incoming(Incoming::Publish(publish)) => {
                    heard.try_send(publish).expect("the test hears in time");
                }
                _ => {}
            }
        }
    });
    let confirmed = timeout(PATIENCE, confirmed).await;
    confirmed.expect("in time").expect("the broker confirms");
    hear
}

/// The next publish that the subscriber hears.
pub async fn hear(subscriber: &mut mpsc::Receiver<Publish>) -> Publish {
    let heard = timeout(PATIENCE, subscriber.recv()).await;
    heard.expect("in time").expect("the subscriber lives")
}

/// Waits until `condition` holds.
///
/// # Panics
/// When that takes longer than [`PATIENCE`]; `what` tells for what it waited.
pub async fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let holds = async {
        while !condition() {
            sleep(Duration::from_millis(2)).await;
        }
    };
    let in_time = timeout(PATIENCE, holds).await.is_ok();
    assert!(in_time, "waited in vain for: {what}");
}
