//! The seam to the client library: one TCP connection's worth of MQTT 3.1.1. Apart from what an
//! error means ([`super::fault`]), no other file speaks to rumqttc.
//!
//! rumqttc loses QoS 1 publishes when one of its event loops is used for a second connection
//! (it clears its pending list when the broker has no session, replays past its own in-flight
//! limit, and waits for ever after a packet id collision). So each connection gets a fresh
//! client and event loop, which are dropped at the first error; nothing is left in them that
//! the outbox does not still hold.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use rumqttc::{
    AsyncClient, EventLoop, Incoming, LastWill, MqttOptions, NetworkOptions, Outgoing, QoS,
    SubscribeFilter, SubscribeReasonCode, TlsConfiguration, Transport,
};
use rustls::ClientConfig;

use super::address::BrokerAddress;
use super::fault::{Circumstances, Lost};
use super::publish::Publish;
use super::settings::Settings;

/// Most requests that may wait inside the client library. The session counts them: while fewer
/// wait, a request is taken without delay.
pub(super) const REQUESTS_MAX: usize = 16;

/// Packets above this cut the connection; those between it and `received_bytes_max` are
/// dropped one by one.
const INCOMING_PACKET_BYTES_MAX: usize = 4 << 20;

/// The client library counts SUBSCRIBE packets into its packet ids.
const SUBSCRIBE_PACKETS: u16 = 1;

/// Opens nothing yet: the connection is made while [`Events::next`] is awaited.
pub(super) fn open(
    settings: &Settings,
    broker: &BrokerAddress,
    tls: Option<Arc<ClientConfig>>,
    clean_session: bool,
) -> (Requests, Events) {
    // With TLS the library takes the host for a server name, which has no brackets; the
    // resolver takes both.
    let mut options = MqttOptions::new(&settings.client_id, &broker.host, broker.port);
    options.set_keep_alive(settings.keep_alive);
    options.set_clean_session(clean_session);
    options.set_inflight(settings.window + SUBSCRIBE_PACKETS + 1);
    options.set_max_packet_size(INCOMING_PACKET_BYTES_MAX, settings.packet_bytes_max);
    options.set_manual_acks(true);
    if let Some(login) = &broker.login {
        options.set_credentials(&login.username, &login.password);
    }
    if let Some(will) = &settings.last_will {
        options.set_last_will(LastWill {
            topic: will.topic.clone(),
            message: will.payload.clone(),
            qos: QoS::AtLeastOnce,
            retain: will.retain,
        });
    }
    let mut network = NetworkOptions::new();
    network.set_tcp_nodelay(true);
    let timeout = settings.connect_timeout + Duration::from_millis(999);
    network.set_connection_timeout(timeout.as_secs());

    let circumstances = Circumstances {
        tls: tls.as_ref().map(|_| settings.tls.client.is_some()),
        is_connected: false,
    };
    if let Some(config) = tls {
        options.set_transport(Transport::Tls(TlsConfiguration::Rustls(config)));
    }

    let (client, mut event_loop) = AsyncClient::new(options, REQUESTS_MAX);
    event_loop.set_network_options(network);
    let events = Events {
        event_loop,
        circumstances,
        lost: None,
    };
    (Requests(client), events)
}

/// What a connection tells.
#[derive(Debug)]
pub(super) enum Event {
    /// CONNACK: the broker took us.
    Connected { session_present: bool },
    /// The oldest QoS 0 publish handed over was written.
    WrittenLive,
    /// The oldest QoS 1 publish handed over was written under this packet id.
    Written { packet_id: u16 },
    /// SUBSCRIBE or PUBACK was written.
    WrittenOther,
    /// DISCONNECT was written.
    Disconnected,
    /// PUBACK.
    Acknowledged { packet_id: u16 },
    /// SUBACK, with the places of the refused filters in SUBSCRIBE.
    Subscribed { refused: Vec<usize> },
    /// PUBLISH.
    Received(IncomingPublish),
    /// Nothing that matters here.
    Other,
}

/// A received PUBLISH.
#[derive(Debug)]
pub(super) struct IncomingPublish {
    pub(super) topic: String,
    pub(super) payload: Bytes,
    pub(super) retain: bool,
    pub(super) duplicate: bool,
    /// What to acknowledge, at QoS 1.
    pub(super) packet_id: Option<u16>,
}

/// The half that hears.
pub(super) struct Events {
    event_loop: EventLoop,
    circumstances: Circumstances,
    /// The connection is over; what was heard before comes first.
    lost: Option<Lost>,
}

impl Events {
    /// The next event. Must not be dropped half-way, except to give the connection up: a
    /// request could vanish between the client library and the wire.
    pub(super) async fn next(&mut self) -> Result<Event, Lost> {
        if self.lost.is_none() {
            match self.event_loop.poll().await {
                Ok(event) => {
                    self.circumstances.is_connected = true;
                    return translate(event);
                }
                Err(error) => self.lost = Some(Lost::of(error, self.circumstances)),
            }
        }
        // The client library reads several packets at a time and reports an error before them:
        // acknowledgements that came just before the end still count.
        match self.event_loop.state.events.pop_front() {
            Some(event) => translate(event),
            None => Err(self.lost.take().unwrap_or(Lost::NoRequests)),
        }
    }
}

fn translate(event: rumqttc::Event) -> Result<Event, Lost> {
    match event {
        rumqttc::Event::Incoming(packet) => Ok(incoming(packet)),
        rumqttc::Event::Outgoing(packet) => outgoing(packet),
    }
}

fn incoming(packet: Incoming) -> Event {
    match packet {
        Incoming::ConnAck(connack) => Event::Connected {
            session_present: connack.session_present,
        },
        Incoming::PubAck(puback) => Event::Acknowledged {
            packet_id: puback.pkid,
        },
        Incoming::SubAck(suback) => {
            let codes = suback.return_codes.iter().enumerate();
            let refused = codes.filter(|(_, code)| **code == SubscribeReasonCode::Failure);
            Event::Subscribed {
                refused: refused.map(|(index, _)| index).collect(),
            }
        }
        Incoming::Publish(publish) => Event::Received(IncomingPublish {
            topic: publish.topic,
            payload: publish.payload,
            retain: publish.retain,
            duplicate: publish.dup,
            packet_id: (publish.qos == QoS::AtLeastOnce).then_some(publish.pkid),
        }),
        _ => Event::Other,
    }
}

fn outgoing(packet: Outgoing) -> Result<Event, Lost> {
    match packet {
        Outgoing::Publish(0) => Ok(Event::WrittenLive),
        Outgoing::Publish(packet_id) => Ok(Event::Written { packet_id }),
        Outgoing::Subscribe(_) | Outgoing::PubAck(_) => Ok(Event::WrittenOther),
        Outgoing::Disconnect => Ok(Event::Disconnected),
        Outgoing::AwaitAck(packet_id) => Err(Lost::Jammed(packet_id)),
        _ => Ok(Event::Other),
    }
}

/// The half that speaks. Its methods do not wait as long as fewer than [`REQUESTS_MAX`]
/// requests have not been reported as written.
pub(super) struct Requests(AsyncClient);

impl Requests {
    pub(super) async fn publish_live(&self, publish: Publish) -> Result<(), Lost> {
        self.publish(publish, QoS::AtMostOnce).await
    }

    pub(super) async fn publish_reliable(&self, publish: Publish) -> Result<(), Lost> {
        self.publish(publish, QoS::AtLeastOnce).await
    }

    async fn publish(&self, publish: Publish, qos: QoS) -> Result<(), Lost> {
        let Publish {
            topic,
            payload,
            retain,
        } = publish;
        let taken = self.0.publish_bytes(topic, qos, retain, payload).await;
        taken.map_err(|_| Lost::NoRequests)
    }

    pub(super) async fn subscribe(&self, filters: &[String]) -> Result<(), Lost> {
        let at_qos_1 = |filter: &String| SubscribeFilter::new(filter.clone(), QoS::AtLeastOnce);
        let taken = self.0.subscribe_many(filters.iter().map(at_qos_1)).await;
        taken.map_err(|_| Lost::NoRequests)
    }

    pub(super) async fn acknowledge(&self, packet_id: u16) -> Result<(), Lost> {
        let mut received = rumqttc::Publish::new("", QoS::AtLeastOnce, Vec::new());
        received.pkid = packet_id;
        self.0.ack(&received).await.map_err(|_| Lost::NoRequests)
    }

    pub(super) async fn disconnect(&self) -> Result<(), Lost> {
        self.0.disconnect().await.map_err(|_| Lost::NoRequests)
    }
}
