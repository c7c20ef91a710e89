//! The uplink's task: one connection after the other, to one broker or another.

use std::collections::VecDeque;
use std::future::Future;
use std::hash::{BuildHasher, RandomState};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, mpsc};
use tokio::time::{MissedTickBehavior, interval, sleep};
use tracing::{debug, info, warn};

use super::back_off::BackOff;
use super::brokers::Brokers;
use super::fault::{Fault, Lost};
use super::lanes::Lanes;
use super::live::LiveLimits;
use super::monitor::{Monitor, Unmonitored};
use super::outbox::Outbox;
use super::poison::Suspicions;
use super::publish::Publish;
use super::received::Received;
use super::session::{self, End};
use super::settings::{Settings, SettingsError};
use super::shared::{Controls, Live, Observer, Shared};
use super::tls::{Contents, Credentials, Offer};

/// How often a task that only waits says that it is alive.
pub(super) const ALIVE_INTERVAL: Duration = Duration::from_millis(500);

/// So many connections in a row, each soon ended by the broker, are no accident.
const TAKEN_OVER_AFTER: u32 = 3;

/// The client, before and while it runs.
pub struct Uplink {
    pub(super) settings: Arc<Settings>,
    pub(super) shared: Arc<Shared>,
    pub(super) filters: Vec<String>,
    pub(super) reader: Option<mpsc::Sender<Received>>,
    /// In bytes.
    pub(super) received_room: Arc<Semaphore>,
    pub(super) monitor: Arc<dyn Monitor>,
    pub(super) brokers: Brokers,
    pub(super) credentials: Credentials,
    pub(super) lanes: Lanes,
    pub(super) suspicions: Suspicions,
    on_connect: Box<dyn FnMut() -> Vec<Publish> + Send>,
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
        let shared = Arc::new(Shared::default());
        for (name, store) in outboxes {
            shared.add_outbox(name, store, false)?;
        }
        Ok(Self {
            brokers: Brokers::new(settings.brokers.clone(), settings.return_interval),
            shared,
            filters: Vec::new(),
            reader: None,
            received_room: Arc::new(Semaphore::new(settings.received_queue_bytes_max)),
            settings: Arc::new(settings),
            monitor: Arc::new(Unmonitored),
            credentials: Credentials::default(),
            lanes: Lanes::default(),
            suspicions: Suspicions::default(),
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

    /// Tells `monitor` how long things took and that the task is alive.
    pub fn monitor(&mut self, monitor: Arc<dyn Monitor>) {
        self.monitor = monitor;
    }

    /// A view on the uplink for those who show how it is doing.
    pub fn observer(&self) -> Observer {
        Observer(self.shared.clone())
    }

    /// What changes the uplink while it runs.
    pub fn controls(&self) -> Controls {
        Controls {
            settings: self.settings.clone(),
            shared: self.shared.clone(),
        }
    }

    /// Keeps a connection to a broker until `stop` completes, then sends what waits for at
    /// most [`Settings::flush_timeout`] and says farewell.
    pub async fn run(mut self, stop: impl Future<Output = ()>) {
        let mut stop = pin!(stop);
        let mut back_off = BackOff::new(
            self.settings.reconnect_delay_min,
            self.settings.reconnect_delay_max,
        );
        let mut failures = Failures::default();
        let mut clean_session = self.settings.clean_session;
        loop {
            let (error, lived) = match session::run(&mut self, stop.as_mut(), clean_session).await {
                End::Stopped => break,
                End::Left => {
                    failures = Failures::default();
                    continue;
                }
                End::Lost { error, lived } => (error, lived),
            };
            // A persistent session would bring a packet above the hard limit again and again.
            let is_oversize = error.is_oversize_packet();
            clean_session = self.settings.clean_session || is_oversize;

            let broker = self.brokers.current().map(ToString::to_string);
            let broker = broker.unwrap_or_default();
            let lasted = lived > self.settings.connect_timeout;
            let all_had_their_turn = lasted || self.brokers.pass_on();
            let delay = match all_had_their_turn {
                true => back_off.next_delay(lived, random()),
                false => back_off.first_delay(random()),
            };
            let text = failures.add(&error, lived, lasted, &self.settings.client_id);
            failures.log(&broker, &text, delay);
            self.shared.update(|stats| {
                stats.failures += 1;
                stats.received.too_large += u64::from(is_oversize);
                stats.last_error = Some(text);
                stats.fault = Some(failures.fault(&error));
            });
            if self.wait(delay, stop.as_mut()).await.is_break() {
                break;
            }
        }
        info!("uplink stopped");
    }

    /// Waits until the next attempt; a new list of brokers is worth one at once. Breaks at the
    /// stop.
    async fn wait<S>(&mut self, delay: Duration, stop: Pin<&mut S>) -> std::ops::ControlFlow<()>
    where
        S: Future<Output = ()>,
    {
        let shared = self.shared.clone();
        let monitor = self.monitor.clone();
        let ends = async {
            tokio::select! {
                biased;
                () = stop => std::ops::ControlFlow::Break(()),
                () = shared.controlled.notified() => std::ops::ControlFlow::Continue(()),
                () = sleep(delay) => std::ops::ControlFlow::Continue(()),
            }
        };
        let ended = while_alive(&*monitor, ends).await;
        self.take_controls();
        ended
    }

    /// Takes in what [`Controls`] changed. Returns whether the present connection is still the
    /// one to have.
    pub(super) fn take_controls(&mut self) -> bool {
        self.lanes.update(&self.shared.outboxes());
        match self.shared.take_new_brokers() {
            Some(list) => {
                info!(?list, "the brokers are others now");
                self.brokers.replace(list)
            }
            None => true,
        }
    }

    /// Takes in what the certificate files hold now.
    pub(super) fn take_certificates(&mut self, contents: Contents) -> Offer {
        let settings = &self.settings.tls;
        let offer = self.credentials.offer(settings, contents);
        let fault = self
            .credentials
            .fault(settings)
            .map(|fault| fault.to_string());
        let days_left = self.credentials.days_left();
        self.shared.update(|stats| {
            if let Some(fault) = fault.as_ref().filter(|_| stats.certificate_fault != fault) {
                warn!("{fault}");
            }
            stats.certificate_fault = fault;
            stats.certificate_days_left = days_left;
        });
        offer
    }

    pub(super) fn on_connect_publishes(&mut self) -> VecDeque<Publish> {
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

/// Failures since something last went well.
#[derive(Debug, Default)]
struct Failures {
    in_a_row: u32,
    /// Connections in a row that the broker ended soon after they were made.
    cut_soon: u32,
}

impl Failures {
    /// Returns what to tell about it.
    fn add(&mut self, error: &Lost, lived: Duration, lasted: bool, client_id: &str) -> String {
        self.in_a_row = match lasted {
            true => 1,
            false => self.in_a_row.saturating_add(1),
        };
        self.cut_soon = match (error, lasted) {
            (Lost::Closed, false) => self.cut_soon.saturating_add(1),
            (Lost::Closed, true) => 1,
            // Between two cuts the broker may be away for a moment.
            _ if lived.is_zero() => self.cut_soon,
            _ => 0,
        };
        match self.is_taken_over(error) {
            true => format!(
                "{error}, {} times in a row: perhaps another client has the client id \
                 {client_id:?}, too",
                self.cut_soon
            ),
            false => error.to_string(),
        }
    }

    fn is_taken_over(&self, error: &Lost) -> bool {
        matches!(error, Lost::Closed) && self.cut_soon >= TAKEN_OVER_AFTER
    }

    fn fault(&self, error: &Lost) -> Fault {
        match self.is_taken_over(error) {
            true => Fault::TakenOver,
            false => error.fault(),
        }
    }

    /// Less and less often: a broker may be away for days.
    fn log(&self, broker: &str, error: &str, delay: Duration) {
        let failures = self.in_a_row;
        if failures.is_power_of_two() {
            warn!(
                broker,
                error,
                ?delay,
                failures,
                "not connected, trying again"
            );
        } else {
            debug!(broker, error, ?delay, failures, "still not connected");
        }
    }
}

/// Waits for it, and tells the monitor meanwhile that this task is alive.
pub(super) async fn while_alive<T>(monitor: &dyn Monitor, future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let mut ticks = interval(ALIVE_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            done = &mut future => return done,
            _ = ticks.tick() => monitor.alive(),
        }
    }
}

/// Good enough for jitter: the standard library seeds its hasher from the system.
fn random() -> u64 {
    RandomState::new().hash_one(())
}
