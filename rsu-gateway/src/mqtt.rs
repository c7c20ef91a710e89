//! The uplink: an MQTT 3.1.1 client that loses nothing it promised to keep and never blocks
//! who hands it something.
//!
//! Two kinds of traffic share one connection. *Live* traffic ([`Live`]) is worth something only
//! while it is new: short queues drop their oldest, QoS 0. *Records* come from an [`Outbox`]:
//! in order, QoS 1, again on every fresh connection until the broker acknowledged them. Each connection gets a fresh client; what makes one end is a reason to wait
//! (exponential back-off with jitter) and to connect anew, never to stop.
//!
//! ```no_run
//! # use std::sync::Arc;
//! # use rsu_gateway::mqtt::*;
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let settings = Settings::new("mqtt://broker.example".parse()?, "rsu-R1");
//! let limits = OutboxLimits { records_max: 1000, bytes_max: 1 << 20, packet_bytes_max: settings.packet_bytes_max };
//! let outbox = Arc::new(MemoryOutbox::new(limits));
//! let mut uplink = Uplink::new(settings, vec![("durable", outbox.clone())])?;
//! let spat = uplink.live("spat", LiveLimits { queue_max: 16, latest_per_topic: false });
//! tokio::spawn(uplink.run(async { drop(tokio::signal::ctrl_c().await) }));
//! spat.publish(Publish::new("rsu/R1/spat/up", "{}"));
//! outbox.append(Publish::new("rsu/R1/rsi/up", "{}"))?;
//! # Ok(()) }
//! ```

mod address;
mod back_off;
mod connection;
mod live;
mod outbox;
mod publish;
mod received;
mod session;
mod settings;
mod stats;
mod window;

use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::hash::{BuildHasher, RandomState};
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, mpsc};
use tokio::time::sleep;
use tracing::{debug, info, warn};

pub use address::{AddressError, BrokerAddress, Login};
pub use live::{LiveLimits, LiveStats};
pub use outbox::{MemoryOutbox, Outbox, OutboxLimits, OutboxRecord, OutboxStats, Poison};
pub use publish::{Publish, Refusal};
pub use received::Received;
pub use settings::{Settings, SettingsError};
pub use stats::{OnConnectStats, OutboxTraffic, ReceivedStats, UplinkStats};

use back_off::BackOff;
use live::{Class, LiveQueues};
use session::End;

/// The client, before and while it runs.
pub struct Uplink {
    settings: Settings,
    shared: Arc<Shared>,
    filters: Vec<String>,
    reader: Option<mpsc::Sender<Received>>,
    on_connect: Box<dyn FnMut() -> Vec<Publish> + Send>,
    /// The highest sequence number of each outbox that any connection took.
    taken_up_to: Vec<u64>,
}

impl Uplink {
    /// An uplink that is not connected yet and will send the records of `outboxes`, each in its
    /// order; an outbox goes before the ones behind it.
    ///
    /// # Errors
    /// Names the setting that cannot work.
    pub fn new(
        settings: Settings,
        outboxes: Vec<(&'static str, Arc<dyn Outbox>)>,
    ) -> Result<Self, SettingsError> {
        settings.check()?;
        let named = |(name, store)| NamedOutbox { name, store };
        let outboxes: Vec<_> = outboxes.into_iter().map(named).collect();
        let traffic = |outbox: &NamedOutbox| (outbox.name, OutboxTraffic::default());
        let stats = UplinkStats {
            outboxes: outboxes.iter().map(traffic).collect(),
            ..UplinkStats::default()
        };
        Ok(Self {
            settings,
            taken_up_to: vec![0; outboxes.len()],
            shared: Arc::new(Shared {
                live: Mutex::default(),
                live_added: Notify::new(),
                outboxes,
                stats: Mutex::new(stats),
            }),
            filters: Vec::new(),
            reader: None,
            on_connect: Box::new(Vec::new),
        })
    }

    /// Adds a class of live traffic, with a queue and counters of its own.
    pub fn live(&mut self, name: &'static str, limits: LiveLimits) -> Live {
        Live {
            class: self.shared.live().add_class(name, limits),
            packet_bytes_max: self.settings.packet_bytes_max,
            shared: self.shared.clone(),
        }
    }

    /// Subscribes at QoS 1, on every connection, to `filters`. What comes is read from the
    /// returned channel and must be acknowledged there. A second call replaces the first.
    ///
    /// # Errors
    /// Names the filter that no broker would take.
    pub fn subscribe(
        &mut self,
        filters: Vec<String>,
    ) -> Result<mpsc::Receiver<Received>, SettingsError> {
        self.settings.check_filters(&filters)?;
        let (sender, receiver) = mpsc::channel(self.settings.received_queue_max);
        self.filters = filters;
        self.reader = Some(sender);
        Ok(receiver)
    }

    /// Sets what is published first, at QoS 1, on every connection.
    pub fn on_connect(&mut self, publishes: impl FnMut() -> Vec<Publish> + Send + 'static) {
        self.on_connect = Box::new(publishes);
    }

    /// A view on the uplink for those who show how it is doing.
    pub fn observer(&self) -> Observer {
        Observer(self.shared.clone())
    }

    /// Keeps a connection to the broker until `stop` completes, then sends what waits for at
    /// most [`Settings::flush_timeout`] and says farewell.
    pub async fn run(mut self, stop: impl Future<Output = ()>) {
        let mut stop = pin!(stop);
        let mut back_off = BackOff::new(
            self.settings.reconnect_delay_min,
            self.settings.reconnect_delay_max,
        );
        let mut failures_in_a_row = 0_u32;
        let mut clean_session = self.settings.clean_session;
        loop {
            let (error, lived) = match session::run(&mut self, stop.as_mut(), clean_session).await {
                End::Stopped => break,
                End::Lost { error, lived } => (error, lived),
            };
            // A persistent session would bring a packet above the hard limit again and again.
            let is_oversize = error.is_oversize_packet();
            clean_session = self.settings.clean_session || is_oversize;

            let delay = back_off.next_delay(lived, random());
            let never_connected = lived.is_zero();
            failures_in_a_row = if never_connected {
                failures_in_a_row.saturating_add(1)
            } else {
                1
            };
            let broker = &self.settings.broker;
            if failures_in_a_row == 1 {
                warn!(%broker, %error, ?delay, "not connected, trying again");
            } else {
                debug!(%broker, %error, ?delay, failures_in_a_row, "still not connected");
            }
            self.shared.update(|stats| {
                stats.failures += 1;
                stats.received.too_large += u64::from(is_oversize);
                stats.last_error = Some(error.to_string());
            });
            tokio::select! {
                biased;
                () = &mut stop => break,
                () = sleep(delay) => {}
            }
        }
        info!(broker = %self.settings.broker, "uplink stopped");
    }

    fn on_connect_publishes(&mut self) -> VecDeque<Publish> {
        let mut publishes = VecDeque::from((self.on_connect)());
        publishes.retain(|publish| {
            let check = publish.check(self.settings.packet_bytes_max);
            if let Err(refusal) = check {
                warn!(topic = publish.topic, %refusal, "dropped an on-connect publish");
                self.shared
                    .update(|stats| stats.on_connect.dropped_unsendable += 1);
            }
            check.is_ok()
        });
        publishes
    }
}

/// Where one class of live traffic is handed over.
#[derive(Clone)]
pub struct Live {
    class: Class,
    packet_bytes_max: usize,
    shared: Arc<Shared>,
}

impl Live {
    /// Hands a publish over. Never blocks; what is dropped, now or later, is counted in
    /// [`LiveStats`].
    pub fn publish(&self, publish: Publish) {
        let mut live = self.shared.live();
        match publish.check(self.packet_bytes_max) {
            Ok(()) => live.push(self.class, publish),
            Err(refusal) => {
                if let Some(stats) = live.stats_mut(self.class) {
                    match refusal {
                        Refusal::TooLarge { .. } => stats.too_large += 1,
                        Refusal::InvalidTopic => stats.invalid_topic += 1,
                    }
                }
                return;
            }
        }
        drop(live);
        self.shared.live_added.notify_one();
    }
}

/// A view on a running uplink.
#[derive(Clone)]
pub struct Observer(Arc<Shared>);

impl Observer {
    /// How the uplink is doing. Cheap: a few numbers are copied.
    pub fn snapshot(&self) -> UplinkStats {
        let mut stats = self.0.stats().clone();
        stats.live = self.0.live().stats();
        for ((_, traffic), outbox) in stats.outboxes.iter_mut().zip(&self.0.outboxes) {
            traffic.held = outbox.store.stats();
        }
        stats
    }
}

struct NamedOutbox {
    name: &'static str,
    store: Arc<dyn Outbox>,
}

/// What the uplink shares with those who hand over and observe. Its locks are held for a few
/// instructions, never across a wait.
struct Shared {
    live: Mutex<LiveQueues>,
    live_added: Notify,
    outboxes: Vec<NamedOutbox>,
    /// Without `live` and what the outboxes hold, which are added in a snapshot.
    stats: Mutex<UplinkStats>,
}

impl Shared {
    fn live(&self) -> MutexGuard<'_, LiveQueues> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn stats(&self) -> MutexGuard<'_, UplinkStats> {
        self.stats.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn update(&self, change: impl FnOnce(&mut UplinkStats)) {
        change(&mut self.stats());
    }

    fn update_outbox(&self, index: usize, change: impl FnOnce(&mut OutboxTraffic)) {
        if let Some((_, traffic)) = self.stats().outboxes.get_mut(index) {
            change(traffic);
        }
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}

/// Good enough for jitter: the standard library seeds its hasher from the system.
fn random() -> u64 {
    RandomState::new().hash_one(())
}
