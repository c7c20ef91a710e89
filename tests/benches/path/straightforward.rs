//! The comparison: what one writes in an afternoon with asn1-codecs, serde_json and rumqttc. Each
//! frame is decoded into the types of asn1-compiler, written as JSON and published at QoS 0.

use std::net::SocketAddr;
use std::time::Duration;

use rsu_firmware::network::{self, Adaptation, DSM_LENGTH_MAX};
use rumqttc::{AsyncClient, MqttOptions, QoS};
use tests::reference::ydt3709_2020::{self, MessageFrame};
use tokio::net::UdpSocket;

/// Requests that may wait for the client.
const REQUESTS_MAX: usize = 1_000;

/// Receives at `listen` and publishes to the broker at `broker`, until it is killed.
pub(crate) fn run(
    listen: SocketAddr,
    broker: SocketAddr,
) -> Result<(), Box<dyn std::error::Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(forward(listen, broker))
}

async fn forward(listen: SocketAddr, broker: SocketAddr) -> Result<(), Box<dyn std::error::Error>> {
    let socket = UdpSocket::bind(listen).await?;
    let mut options = MqttOptions::new("straightforward", broker.ip().to_string(), broker.port());
    options.set_keep_alive(Duration::from_secs(60));
    options.set_max_packet_size(1 << 20, 1 << 20);
    let (client, mut events) = AsyncClient::new(options, REQUESTS_MAX);
    let mut network = rumqttc::NetworkOptions::new();
    network.set_tcp_nodelay(true);
    events.set_network_options(network);
    tokio::spawn(async move { while events.poll().await.is_ok() {} });

    let mut datagram = vec![0; 65_536];
    loop {
        let length = socket.recv(&mut datagram).await?;
        let frame = network::parse(&datagram[..length], Adaptation::Present, DSM_LENGTH_MAX);
        let Ok(message) = frame.map(|dsm| ydt3709_2020::decode(dsm.payload)) else {
            continue;
        };
        let message = message?;
        let topic = match &message {
            MessageFrame::BsmFrame(_) => "rsu/comparison/bsm/up",
            MessageFrame::SpatFrame(_) => "rsu/comparison/spat/up",
            _ => "rsu/comparison/map/up",
        };
        let json = serde_json::to_vec(&message)?;
        client.publish(topic, QoS::AtMostOnce, false, json).await?;
    }
}
