//! A small MQTT broker inside the program, for the demo and for tests. Never for production: it
//! keeps nothing on disk, knows no TLS and no users, and listens on the loopback only.

use std::error::Error;
use std::future::{Future, poll_fn};
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::pin::pin;
use std::task::Poll;
use std::thread;

use rumqttd::protocol::v4::V4;
use rumqttd::{ConnectionSettings, LinkType, Router, RouterConfig, Server, ServerSettings};
use tokio::runtime;
use tokio::sync::oneshot;

/// What a log filter needs to keep the broker's chatter out of the program's own log: it
/// reports every client that leaves as an error.
pub const LOG_DIRECTIVE: &str = "rumqttd=off";

/// Another program may take a port between finding it free and listening on it.
const PORT_ATTEMPTS_MAX: usize = 8;

/// Most clients at a time.
const CONNECTIONS_MAX: usize = 64;
/// Largest packet, bytes.
const PACKET_BYTES_MAX: usize = 1 << 20;
/// Packets under way to one client.
const IN_FLIGHT_MAX: usize = 100;
/// Kept for each topic: two segments of this size.
const SEGMENT_BYTES_MAX: usize = 1 << 20;
const SEGMENTS_MAX: usize = 2;

/// A running broker; it ends when this is dropped.
#[derive(Debug)]
pub struct DemoBroker {
    address: SocketAddr,
    _stop: oneshot::Sender<()>,
}

impl DemoBroker {
    /// Starts a broker on a free loopback port and returns once it accepts connections.
    ///
    /// # Errors
    /// When no loopback port can be had or a thread cannot be started.
    pub async fn start() -> io::Result<Self> {
        let mut attempt = 1;
        loop {
            let probe = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
            let address = probe.local_addr()?;
            drop(probe);
            match Self::start_at(address).await {
                Err(error)
                    if error.kind() == io::ErrorKind::AddrInUse && attempt < PORT_ATTEMPTS_MAX =>
                {
                    attempt += 1;
                }
                started => return started,
            }
        }
    }

    /// Starts a broker there and returns once it accepts connections.
    ///
    /// # Errors
    /// As [`DemoBroker::start`], and when the address is taken.
    pub async fn start_at(address: SocketAddr) -> io::Result<Self> {
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let (stop, stopped) = oneshot::channel();
        let (listening, started) = oneshot::channel();
        thread::Builder::new()
            .name("demo-broker".to_owned())
            .spawn(move || runtime.block_on(serve(address, listening, stopped)))?;
        match started.await {
            Ok(Ok(())) => Ok(Self {
                address,
                _stop: stop,
            }),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(io::Error::other("the thread of the demo broker died")),
        }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

async fn serve(
    address: SocketAddr,
    listening: oneshot::Sender<io::Result<()>>,
    stopped: oneshot::Receiver<()>,
) {
    let mut server = Server::new(server_settings(address), router().spawn(), V4);
    let mut server = pin!(server.start(LinkType::Remote));
    // The first poll binds and listens, or fails.
    let first = poll_fn(|context| Poll::Ready(server.as_mut().poll(context))).await;
    let failed = match first {
        Poll::Pending => Ok(()),
        Poll::Ready(Ok(())) => Err(io::Error::other("the demo broker ended at once")),
        Poll::Ready(Err(error)) => Err(io_error(&error)),
    };
    let is_listening = failed.is_ok();
    // Nobody hears it when the starter was dropped; then `stopped` is complete, too.
    drop(listening.send(failed));
    if is_listening {
        tokio::select! {
            _ = server => {}
            _ = stopped => {}
        }
    }
}

fn router() -> Router {
    let config = RouterConfig {
        max_connections: CONNECTIONS_MAX,
        max_outgoing_packet_count: IN_FLIGHT_MAX as u64,
        max_segment_size: SEGMENT_BYTES_MAX,
        max_segment_count: SEGMENTS_MAX,
        ..RouterConfig::default()
    };
    Router::new(0, config)
}

fn server_settings(address: SocketAddr) -> ServerSettings {
    ServerSettings {
        name: "demo".to_owned(),
        listen: address,
        tls: None,
        next_connection_delay_ms: 0,
        connections: ConnectionSettings {
            connection_timeout_ms: 5000,
            max_payload_size: PACKET_BYTES_MAX,
            max_inflight_count: IN_FLIGHT_MAX,
            auth: None,
            external_auth: None,
            dynamic_filters: true,
        },
    }
}

/// The broker's own error type has no public name.
fn io_error(error: &dyn Error) -> io::Error {
    let source = error.source().and_then(|source| source.downcast_ref());
    let kind = source.map_or(io::ErrorKind::Other, io::Error::kind);
    io::Error::new(kind, error.to_string())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use tokio::net::TcpStream;

    #[tokio::test]
    async fn it_accepts_connections_once_started() {
        let broker = DemoBroker::start().await.unwrap();
        assert!(broker.address().ip().is_loopback());
        TcpStream::connect(broker.address()).await.unwrap();
    }

    #[tokio::test]
    async fn a_taken_address_is_an_error() {
        let broker = DemoBroker::start().await.unwrap();
        let error = DemoBroker::start_at(broker.address()).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
    }
}
