//! Looking, from a less preferred broker, whether a preferred one is back.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsConnector;
use tracing::{debug, info};

use crate::mqtt::address::BrokerAddress;
use crate::mqtt::uplink::Uplink;

/// Completes with the place of the preferred broker that answers; never while there is none.
pub(super) fn preferred_is_back(uplink: &Uplink) -> impl Future<Output = usize> + use<> {
    let preferred = uplink.brokers.preferred().to_vec();
    let delay = uplink.brokers.return_delay();
    let tls = uplink.credentials.config().ok();
    let patience = uplink.settings.connect_timeout;
    async move {
        loop {
            sleep(delay).await;
            for (index, broker) in preferred.iter().enumerate() {
                if answers(broker, tls.as_ref(), patience).await {
                    info!(%broker, "a preferred broker is back");
                    return index;
                }
                debug!(%broker, "a preferred broker is still away");
            }
        }
    }
}

/// Whether it takes a connection, with TLS where it has to.
async fn answers(
    broker: &BrokerAddress,
    tls: Option<&Arc<ClientConfig>>,
    patience: Duration,
) -> bool {
    let connect = async {
        let stream = TcpStream::connect((broker.host.as_str(), broker.port))
            .await
            .ok()?;
        if broker.tls {
            let name = ServerName::try_from(broker.host.clone()).ok()?;
            let connector = TlsConnector::from(tls?.clone());
            connector.connect(name, stream).await.ok()?;
        }
        Some(())
    };
    timeout(patience, connect)
        .await
        .is_ok_and(|answer| answer.is_some())
}
