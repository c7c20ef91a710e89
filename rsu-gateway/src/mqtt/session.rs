//! One connection from CONNECT to its end.

mod events;
mod farewell;
mod returning;
mod sending;

use std::collections::VecDeque;
use std::future::{Future, pending, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::{Duration, Instant};

use tokio::net::lookup_host;
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;
use tokio::time::{MissedTickBehavior, interval, sleep, sleep_until, timeout};
use tracing::{error, info, warn};

use super::address::BrokerAddress;
use super::backfill::Backfill;
use super::connection::{self, Event, Events, REQUESTS_MAX, Requests};
use super::fault::Lost;
use super::lanes::NamedOutbox;
use super::live::Class;
use super::outbox::Poison;
use super::poison::Trial;
use super::publish::Publish;
use super::tls::{Contents, Offer, TlsSettings};
use super::uplink::{ALIVE_INTERVAL, Uplink, while_alive};
use super::window::Window;
use farewell::{Farewell, Leave};

/// Why a session ended.
pub(super) enum End {
    /// As the caller wished.
    Stopped,
    /// In good order, for a better connection.
    Left,
    /// The connection is lost; it lived that long.
    Lost { error: Lost, lived: Duration },
}

/// Connects and serves the connection until it breaks, there is a better one, or `stop`
/// completes.
pub(super) async fn run<S>(uplink: &mut Uplink, mut stop: Pin<&mut S>, clean_session: bool) -> End
where
    S: Future<Output = ()>,
{
    let never_lived = |error| End::Lost {
        error,
        lived: Duration::ZERO,
    };
    uplink.take_controls();
    let Some(broker) = uplink.brokers.current().cloned() else {
        return never_lived(Lost::NoRequests);
    };
    uplink
        .shared
        .update(|stats| stats.broker = Some(broker.to_string()));
    let connect_timeout = uplink.settings.connect_timeout;
    let monitor = uplink.monitor.clone();
    let connected = connect(uplink, &broker, clean_session);
    let connected = while_alive(&*monitor, timeout(connect_timeout, connected));
    let connected = tokio::select! {
        biased;
        () = &mut stop => return End::Stopped,
        connected = connected => connected,
    };
    let connected = connected.unwrap_or(Err(Lost::ConnectTimeout(connect_timeout)));
    let (requests, mut events, session_present) = match connected {
        Ok(connected) => connected,
        Err(error) => return never_lived(error),
    };
    let since = Instant::now();
    info!(%broker, session_present, "connected");
    uplink.shared.update(|stats| {
        stats.connections += 1;
        stats.connected_since = Some(since);
        stats.refused_filters.clear();
    });

    let mut session = Session::new(uplink, requests, since);
    let result = session.serve(&mut events, stop, &broker).await;
    if let Err(Lost::Closed) = result {
        session.draw_conclusions();
    }
    let is_stopping = session.is_stopping();
    session.close();
    if since.elapsed() > uplink.settings.connect_timeout {
        uplink.brokers.settled();
    }
    match result {
        Ok(Leave::Stop) => End::Stopped,
        Ok(Leave::ForBetter) => End::Left,
        Err(error) if is_stopping => {
            warn!(%error, "stopped before everything was sent");
            End::Stopped
        }
        Err(error) => End::Lost {
            error,
            lived: since.elapsed(),
        },
    }
}

/// Returns the connection and whether the broker had a session.
async fn connect(
    uplink: &mut Uplink,
    broker: &BrokerAddress,
    clean_session: bool,
) -> Result<(Requests, Events, bool), Lost> {
    // The client library looks the name up again; here the reason for a failure is plain.
    let resolved = lookup_host((broker.host.as_str(), broker.port)).await;
    drop(resolved.map_err(|error| Lost::Name {
        host: broker.host.clone(),
        error,
    })?);
    let tls = match broker.tls {
        true => {
            let contents = read_certificates(uplink.settings.tls.clone()).await;
            uplink.take_certificates(contents);
            Some(uplink.credentials.config()?)
        }
        false => None,
    };
    let (requests, mut events) = connection::open(&uplink.settings, broker, tls, clean_session);
    loop {
        if let Event::Connected { session_present } = events.next().await? {
            return Ok((requests, events, session_present));
        }
    }
}

async fn read_certificates(settings: TlsSettings) -> Contents {
    let reading = settings.clone();
    let read = spawn_blocking(move || Contents::read(&reading)).await;
    read.unwrap_or_else(|_| Contents::read(&settings))
}

struct Session<'a> {
    uplink: &'a mut Uplink,
    requests: Requests,
    window: Window,
    /// Given to the client library and not yet written, in order. Bounded by [`REQUESTS_MAX`].
    in_hand: VecDeque<InHand>,
    /// The on-connect publishes that still have to go first.
    on_connect: VecDeque<Publish>,
    backfill: Backfill,
    /// When something may go that nothing but the time held back.
    next_turn_at: Option<Instant>,
    /// Live publishes since a record had its turn.
    live_in_a_row: usize,
    /// While set, records go one at a time.
    trial: Option<Trial>,
    acks: mpsc::UnboundedReceiver<u16>,
    ack_sender: mpsc::UnboundedSender<u16>,
    farewell: Farewell,
}

enum InHand {
    Live {
        class: Class,
        bytes: usize,
        since: Instant,
    },
    Record {
        outbox: &'static str,
        bytes: usize,
    },
    OnConnect,
    Other,
}

impl<'a> Session<'a> {
    fn new(uplink: &'a mut Uplink, requests: Requests, now: Instant) -> Self {
        let (ack_sender, acks) = mpsc::unbounded_channel();
        let settings = &uplink.settings;
        let backfill = Backfill::new(
            settings.backfill_bytes_per_second_max,
            settings.backfill_in_flight_bytes_max,
            now,
        );
        let window = Window::new(settings.window.into());
        let on_connect = uplink.on_connect_publishes();
        uplink.lanes.start_over();
        Self {
            trial: uplink.suspicions.trial(now),
            uplink,
            requests,
            window,
            in_hand: VecDeque::with_capacity(REQUESTS_MAX),
            on_connect,
            backfill,
            next_turn_at: None,
            live_in_a_row: 0,
            acks,
            ack_sender,
            farewell: Farewell::NotYet,
        }
    }

    async fn serve<S>(
        &mut self,
        events: &mut Events,
        mut stop: Pin<&mut S>,
        broker: &BrokerAddress,
    ) -> Result<Leave, Lost>
    where
        S: Future<Output = ()>,
    {
        if !self.uplink.filters.is_empty() {
            self.requests.subscribe(&self.uplink.filters).await?;
            self.in_hand.push_back(InHand::Other);
        }
        let shared = self.uplink.shared.clone();
        let settings = self.uplink.settings.clone();
        let ack_timeout = settings.ack_timeout;
        let mut ticks = interval(ALIVE_INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut back = pin!(returning::preferred_is_back(self.uplink));
        let mut certificates = pin!(certificates_later(settings.tls.clone()));
        loop {
            let event = {
                let mut next = pin!(events.next());
                loop {
                    self.hand_over().await?;
                    self.say_farewell().await?;
                    let can_hand = self.in_hand.len() < REQUESTS_MAX;
                    let is_staying = self.farewell == Farewell::NotYet;
                    tokio::select! {
                        event = &mut next => break event?,
                        () = shared.live_added.notified(), if can_hand => {}
                        () = any_changed(self.uplink.lanes.outboxes()), if can_hand => {}
                        () = at(self.next_turn_at) => {}
                        Some(packet_id) = self.acks.recv(), if can_hand => {
                            self.requests.acknowledge(packet_id).await?;
                            self.in_hand.push_back(InHand::Other);
                        }
                        () = at(self.window.overdue_at(ack_timeout)) => {
                            return Err(Lost::AckTimeout(ack_timeout));
                        }
                        _ = ticks.tick() => self.tick(),
                        () = shared.controlled.notified(), if is_staying => {
                            if !self.uplink.take_controls() {
                                self.leave(Leave::ForBetter);
                            }
                        }
                        contents = &mut certificates, if broker.tls && is_staying => {
                            certificates.set(certificates_later(settings.tls.clone()));
                            if self.uplink.take_certificates(contents) == Offer::Taken {
                                info!("the certificates are others now");
                                self.leave(Leave::ForBetter);
                            }
                        }
                        index = &mut back, if is_staying && self.has_preferred() => {
                            self.uplink.brokers.move_to(index);
                            self.leave(Leave::ForBetter);
                        }
                        () = &mut stop, if !self.is_stopping() => self.leave(Leave::Stop),
                        why = self.farewell.overdue() => {
                            if matches!(self.farewell, Farewell::Said { .. }) || !can_hand {
                                warn!("left before everything was sent");
                                return Ok(why);
                            }
                        }
                    }
                }
            };
            if let (Event::Disconnected, Farewell::Said { why, .. }) = (&event, self.farewell) {
                return Ok(why);
            }
            self.handle(event)?;
            let in_flight = self.window.in_flight();
            shared.update(|stats| stats.in_flight = in_flight);
        }
    }

    fn tick(&mut self) {
        self.uplink.monitor.alive();
        if self.uplink.shared.forget_empty_outboxes() {
            self.uplink.take_controls();
        }
    }

    fn has_preferred(&self) -> bool {
        !self.uplink.brokers.preferred().is_empty()
    }

    /// The broker cut the connection: was it over a record?
    fn draw_conclusions(&mut self) {
        let under_way = self.window.under_way();
        if self.trial.is_none() {
            self.uplink.suspicions.cut(&under_way);
            return;
        }
        let alone = under_way.first().map(|under_way| under_way.oldest);
        let Some(culprit) = self.uplink.suspicions.cut_trial(alone) else {
            return;
        };
        let (sequence, connections) = (culprit.place.sequence, culprit.connections);
        if let Some(NamedOutbox { name, store, .. }) = self.uplink.lanes.store(culprit.place.outbox)
        {
            error!(
                outbox = name,
                sequence, connections, "put aside: the broker cuts over it"
            );
            store.quarantine(sequence, &Poison::CutsConnection { connections });
        }
    }

    /// Counts what the connection takes with it.
    fn close(self) {
        let mut live = self.uplink.shared.live();
        for request in self.in_hand {
            if let InHand::Live { class, .. } = request
                && let Some(stats) = live.stats_mut(class)
            {
                stats.dropped_cut += 1;
            }
        }
        drop(live);
        self.uplink.shared.update(|stats| {
            stats.connected_since = None;
            stats.in_flight = 0;
        });
    }
}

async fn certificates_later(settings: TlsSettings) -> Contents {
    sleep(settings.check_interval).await;
    read_certificates(settings).await
}

/// Any of the outboxes may have more to give.
async fn any_changed(outboxes: impl Iterator<Item = &NamedOutbox>) {
    let changes = outboxes.map(|outbox| outbox.store.changed());
    let mut changes: Vec<_> = changes.map(|change| Box::pin(change.notified())).collect();
    poll_fn(|context| {
        let mut polled = changes
            .iter_mut()
            .map(|change| change.as_mut().poll(context));
        match polled.any(|poll| poll.is_ready()) {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    })
    .await;
}

/// Sleeps until then, or for ever.
async fn at(instant: Option<Instant>) {
    match instant {
        Some(instant) => sleep_until(instant.into()).await,
        None => pending().await,
    }
}
