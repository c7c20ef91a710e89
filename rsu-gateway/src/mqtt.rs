//! The uplink: an MQTT 3.1.1 client that loses nothing it promised to keep and never blocks
//! who hands it something.
//!
//! Two kinds of traffic share one connection. *Live* traffic ([`Live`]) is worth something only
//! while it is new: short queues drop their oldest, QoS 0. *Records* come from an [`Outbox`]:
//! in order, QoS 1, again on every fresh connection until the broker acknowledged them. Each
//! connection gets a fresh client; what makes one end is a reason to wait (exponential back-off
//! with jitter) and to connect anew, never to stop.
//!
//! ```no_run
//! # use std::sync::Arc;
//! # use rsu_gateway::mqtt::*;
//! # async fn example(spool: Arc<dyn Outbox>) -> Result<(), Box<dyn std::error::Error>> {
//! let settings = Settings::new("mqtt://broker.example".parse()?, "rsu-R1");
//! let mut uplink = Uplink::new(settings, vec![("durable", spool)])?;
//! let spat = uplink.live("spat", LiveLimits { queue_max: 16, latest_per_topic: false });
//! tokio::spawn(uplink.run(async { drop(tokio::signal::ctrl_c().await) }));
//! spat.publish(Publish::new("rsu/R1/spat/up", "{}"));
//! # Ok(()) }
//! ```

mod address;
mod back_off;
mod backfill;
mod brokers;
mod connection;
mod fault;
mod lanes;
mod live;
mod monitor;
mod outbox;
mod poison;
mod publish;
mod received;
mod session;
mod settings;
mod shared;
mod stats;
mod tls;
mod uplink;
mod window;

pub use address::{AddressError, BrokerAddress, Login};
pub use fault::Fault;
pub use live::{LiveLimits, LiveStats};
pub use monitor::Monitor;
pub use outbox::{Outbox, OutboxRecord, OutboxStats, Poison};
pub use publish::{Publish, Refusal};
pub use received::Received;
pub use settings::{Settings, SettingsError};
pub use shared::{Controls, Live, OUTBOXES_MAX, Observer, TooManyOutboxes};
pub use stats::{OnConnectStats, OutboxTraffic, ReceivedStats, UplinkStats};
pub use tls::{CertificateFault, ClientIdentity, TlsSettings, TlsSettingsError};
pub use uplink::Uplink;
