//! The platform's side: one subscriber, in a thread and on a connection of its own.

use std::io;
use std::thread;
use std::time::Duration;

use tokio::runtime;
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};

use super::tally::Tally;
use crate::clock;
use crate::mqtt::{self, BrokerAddress, Observer, Publish, Uplink};

/// Hears everything that the units of a fleet publish; it ends when this is dropped.
pub(super) struct Subscriber {
    observer: Observer,
    _stop: oneshot::Sender<()>,
}

/// Why there is no subscription.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unsubscribed {
    #[error("{broker}: {reason}; is the broker running there, and does it let this client in?")]
    Unreachable { broker: String, reason: String },
    #[error("{broker}: does not let this client subscribe to {FILTER}")]
    Refused { broker: String },
    #[error(transparent)]
    Settings(#[from] mqtt::SettingsError),
    #[error("no thread can be started: {0}")]
    Thread(#[from] io::Error),
}

const FILTER: &str = "rsu/+/#";
const QUEUE_MAX: usize = 1 << 16;
const QUEUE_BYTES_MAX: usize = 64 << 20;
const PATIENCE: Duration = Duration::from_secs(15);
const POLL_INTERVAL: Duration = Duration::from_millis(20);

impl Subscriber {
    /// Subscribes for `client_id`, and returns once the broker sends what is published.
    pub(super) async fn start(
        broker: &BrokerAddress,
        client_id: &str,
        tally: Tally,
    ) -> Result<Self, Unsubscribed> {
        let settings = mqtt::Settings {
            received_queue_max: QUEUE_MAX,
            received_queue_bytes_max: QUEUE_BYTES_MAX,
            received_bytes_max: mqtt::Settings::RECEIVED_BYTES_MAX,
            ..mqtt::Settings::new(broker.clone(), client_id)
        };
        let mut uplink = Uplink::new(settings, Vec::new())?;
        // A broker reads SUBSCRIBE first: who hears this hears everything that follows.
        let probe = format!("{client_id}/subscribed");
        let received = uplink.subscribe(vec![FILTER.to_owned(), probe.clone()])?;
        let publish = Publish::new(probe.clone(), "");
        uplink.on_connect(move || vec![publish.clone()]);

        let observer = uplink.observer();
        let (stop, stopped) = oneshot::channel::<()>();
        let (subscribed, is_subscribed) = oneshot::channel::<()>();
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let hear = listen(received, tally, probe, subscribed);
        thread::Builder::new()
            .name("subscriber".to_owned())
            .spawn(move || {
                runtime.block_on(async {
                    tokio::join!(uplink.run(async { drop(stopped.await) }), hear)
                })
            })?;
        let subscriber = Self {
            observer,
            _stop: stop,
        };
        tokio::select! {
            Ok(Ok(())) = timeout(PATIENCE, is_subscribed) => Ok(subscriber),
            why = subscriber.why_not(broker) => Err(why),
        }
    }

    /// Publishes that came and found the queue full: lost here, not on the way.
    pub(super) fn overflowed(&self) -> u64 {
        let received = self.observer.snapshot().received;
        received.dropped_full + received.too_large
    }

    async fn why_not(&self, broker: &BrokerAddress) -> Unsubscribed {
        let broker = broker.to_string();
        let waited = async {
            loop {
                let stats = self.observer.snapshot();
                if !stats.refused_filters.is_empty() {
                    return Unsubscribed::Refused {
                        broker: broker.clone(),
                    };
                }
                if let Some(reason) = stats.last_error {
                    return Unsubscribed::Unreachable {
                        broker: broker.clone(),
                        reason,
                    };
                }
                sleep(POLL_INTERVAL).await;
            }
        };
        let waited = timeout(PATIENCE, waited).await;
        waited.unwrap_or_else(|_| Unsubscribed::Unreachable {
            broker: broker.clone(),
            reason: format!("nothing comes back within {PATIENCE:?}"),
        })
    }
}

async fn listen(
    mut received: tokio::sync::mpsc::Receiver<mqtt::Received>,
    tally: Tally,
    probe: String,
    subscribed: oneshot::Sender<()>,
) {
    let mut subscribed = Some(subscribed);
    while let Some(publish) = received.recv().await {
        if publish.topic == probe {
            // Nobody waits for it when it comes again.
            let _ = subscribed.take().map(|subscribed| subscribed.send(()));
        } else if !publish.retain {
            tally.hear(clock::now(), &publish.topic, &publish.payload);
        }
        publish.ack();
    }
}
