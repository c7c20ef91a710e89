//! What the uplink's task shares with those who hand over, observe and control.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::address::BrokerAddress;
use super::lanes::NamedOutbox;
use super::live::{Class, LiveQueues};
use super::outbox::Outbox;
use super::publish::{Publish, Refusal};
use super::settings::{Settings, SettingsError};
use super::stats::{OutboxTraffic, UplinkStats};

/// Outboxes that an uplink sends from at most.
pub const OUTBOXES_MAX: usize = 8;

/// Where one class of live traffic is handed over.
#[derive(Clone)]
pub struct Live {
    pub(super) class: Class,
    pub(super) packet_bytes_max: usize,
    pub(super) shared: Arc<Shared>,
}

impl Live {
    /// Hands a publish over. Never blocks; what is dropped, now or later, is counted in
    /// [`LiveStats`](super::LiveStats).
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
pub struct Observer(pub(super) Arc<Shared>);

impl Observer {
    /// Whether a broker has accepted the connection.
    pub fn is_connected(&self) -> bool {
        self.0.stats().connected_since.is_some()
    }

    /// How the uplink is doing. Cheap: a few numbers are copied.
    pub fn snapshot(&self) -> UplinkStats {
        let mut stats = self.0.stats().clone();
        stats.live = self.0.live().stats();
        for outbox in self.0.outboxes() {
            let held = outbox.store.stats();
            let known = stats
                .outboxes
                .iter_mut()
                .find(|(name, _)| *name == outbox.name);
            match known {
                Some((_, traffic)) => traffic.held += held,
                None => {
                    let traffic = OutboxTraffic {
                        held,
                        ..OutboxTraffic::default()
                    };
                    stats.outboxes.push((outbox.name, traffic));
                }
            }
        }
        stats
    }
}

/// Changes a running uplink.
#[derive(Clone)]
pub struct Controls {
    pub(super) settings: Arc<Settings>,
    pub(super) shared: Arc<Shared>,
}

/// [`OUTBOXES_MAX`] outboxes are being sent from already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{OUTBOXES_MAX} outboxes are being sent from already")]
pub struct TooManyOutboxes;

impl Controls {
    /// Replaces the brokers. If the one that is connected is not the first of them, the uplink
    /// moves over: what is under way is acknowledged first, for at most
    /// [`Settings::flush_timeout`].
    ///
    /// # Errors
    /// When the uplink could not have been started with them.
    pub fn set_brokers(&self, brokers: Vec<BrokerAddress>) -> Result<(), SettingsError> {
        self.settings.check_brokers(&brokers)?;
        *lock(&self.shared.new_brokers) = Some(brokers);
        self.shared.controlled.notify_one();
        Ok(())
    }

    /// Sends the records of one more outbox, after all others and at the pace of back-fill, and
    /// forgets it once it holds none.
    ///
    /// # Errors
    /// When there are too many.
    pub fn send_also(
        &self,
        name: &'static str,
        store: Arc<dyn Outbox>,
    ) -> Result<(), TooManyOutboxes> {
        self.shared.add_outbox(name, store, true)?;
        self.shared.controlled.notify_one();
        Ok(())
    }
}

/// Its locks are held for a few instructions, never across a wait.
#[derive(Default)]
pub(super) struct Shared {
    live: Mutex<LiveQueues>,
    pub(super) live_added: Notify,
    outboxes: Mutex<Outboxes>,
    new_brokers: Mutex<Option<Vec<BrokerAddress>>>,
    /// [`Controls`] changed something.
    pub(super) controlled: Notify,
    /// Without `live` and what the outboxes hold, which are added in a snapshot.
    stats: Mutex<UplinkStats>,
}

#[derive(Default)]
struct Outboxes {
    list: Vec<NamedOutbox>,
    ids: usize,
}

impl Shared {
    pub(super) fn live(&self) -> MutexGuard<'_, LiveQueues> {
        lock(&self.live)
    }

    pub(super) fn stats(&self) -> MutexGuard<'_, UplinkStats> {
        lock(&self.stats)
    }

    pub(super) fn update(&self, change: impl FnOnce(&mut UplinkStats)) {
        change(&mut self.stats());
    }

    pub(super) fn update_outbox(
        &self,
        name: &'static str,
        change: impl FnOnce(&mut OutboxTraffic),
    ) {
        let mut stats = self.stats();
        if let Some((_, traffic)) = stats.outboxes.iter_mut().find(|(known, _)| *known == name) {
            change(traffic);
        }
    }

    pub(super) fn outboxes(&self) -> Vec<NamedOutbox> {
        lock(&self.outboxes).list.clone()
    }

    pub(super) fn add_outbox(
        &self,
        name: &'static str,
        store: Arc<dyn Outbox>,
        is_passing: bool,
    ) -> Result<(), TooManyOutboxes> {
        let mut outboxes = lock(&self.outboxes);
        if outboxes.list.len() >= OUTBOXES_MAX {
            return Err(TooManyOutboxes);
        }
        let id = outboxes.ids;
        outboxes.ids += 1;
        outboxes.list.push(NamedOutbox {
            id,
            name,
            store,
            is_passing,
        });
        drop(outboxes);
        let mut stats = self.stats();
        if !stats.outboxes.iter().any(|(known, _)| *known == name) {
            stats.outboxes.push((name, OutboxTraffic::default()));
        }
        Ok(())
    }

    /// Forgets the outboxes that were to be sent once and hold nothing any more. Returns
    /// whether there were any.
    pub(super) fn forget_empty_outboxes(&self) -> bool {
        let mut outboxes = lock(&self.outboxes);
        let before = outboxes.list.len();
        let stays = |outbox: &NamedOutbox| !outbox.is_passing || outbox.store.stats().records > 0;
        outboxes.list.retain(stays);
        outboxes.list.len() < before
    }

    pub(super) fn take_new_brokers(&self) -> Option<Vec<BrokerAddress>> {
        lock(&self.new_brokers).take()
    }
}

/// What another thread that panicked left behind is whole: each change is a single assignment
/// or a few counters.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}
