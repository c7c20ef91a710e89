//! One connection from CONNECT to its end.

use std::collections::VecDeque;
use std::future::{Future, pending, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio::time::{sleep_until, timeout};
use tracing::{info, warn};

use super::connection::{self, Event, Events, IncomingPublish, Lost, REQUESTS_MAX, Requests};
use super::live::Class;
use super::publish::Publish;
use super::received::Received;
use super::window::{Place, Window};
use super::{NamedOutbox, Uplink};

/// How long the farewell may take after the time for flushing is over.
const FAREWELL_MAX: Duration = Duration::from_millis(500);

/// Why a session ended.
pub(super) enum End {
    /// As the caller wished.
    Stopped,
    /// The connection is lost; it lived that long.
    Lost { error: Lost, lived: Duration },
}

/// Connects and serves the connection until it breaks or `stop` completes.
pub(super) async fn run<S>(uplink: &mut Uplink, mut stop: Pin<&mut S>, clean_session: bool) -> End
where
    S: Future<Output = ()>,
{
    let (requests, mut events) = connection::open(&uplink.settings, clean_session);
    let connected = tokio::select! {
        biased;
        () = &mut stop => return End::Stopped,
        connected = connect(&mut events, uplink.settings.connect_timeout) => connected,
    };
    let session_present = match connected {
        Ok(session_present) => session_present,
        Err(error) => {
            let lived = Duration::ZERO;
            return End::Lost { error, lived };
        }
    };
    let since = Instant::now();
    info!(broker = %uplink.settings.broker, session_present, "connected");
    uplink.shared.update(|stats| {
        stats.connections += 1;
        stats.connected_since = Some(since);
    });

    let mut session = Session::new(uplink, requests);
    let result = session.serve(&mut events, stop).await;
    session.close();
    match result {
        Ok(()) => End::Stopped,
        Err(error) => End::Lost {
            error,
            lived: since.elapsed(),
        },
    }
}

/// Returns whether the broker had a session.
async fn connect(events: &mut Events, connect_timeout: Duration) -> Result<bool, Lost> {
    let connected = async {
        loop {
            if let Event::Connected { session_present } = events.next().await? {
                return Ok(session_present);
            }
        }
    };
    timeout(connect_timeout, connected)
        .await
        .unwrap_or(Err(Lost::ConnectTimeout(connect_timeout)))
}

struct Session<'a> {
    uplink: &'a mut Uplink,
    requests: Requests,
    window: Window,
    /// Given to the client library and not yet written, in order. Bounded by [`REQUESTS_MAX`].
    in_hand: VecDeque<InHand>,
    /// The on-connect publishes that still have to go first.
    on_connect: VecDeque<Publish>,
    /// The last record of each outbox that this connection took.
    taken_up_to: Vec<u64>,
    acks: mpsc::Receiver<u16>,
    ack_sender: mpsc::Sender<u16>,
    farewell: Farewell,
}

enum InHand {
    Live(Class, usize),
    Record { outbox: usize, bytes: usize },
    OnConnect,
    Other,
}

/// How far the end of the connection has come.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Farewell {
    NotYet,
    Flushing { until: Instant },
    Said { until: Instant },
}

impl<'a> Session<'a> {
    fn new(uplink: &'a mut Uplink, requests: Requests) -> Self {
        let (ack_sender, acks) = mpsc::channel(uplink.settings.received_queue_max);
        let window = Window::new(uplink.settings.window.into());
        let on_connect = uplink.on_connect_publishes();
        let taken_up_to = vec![0; uplink.shared.outboxes.len()];
        Self {
            uplink,
            requests,
            window,
            in_hand: VecDeque::with_capacity(REQUESTS_MAX),
            on_connect,
            taken_up_to,
            acks,
            ack_sender,
            farewell: Farewell::NotYet,
        }
    }

    async fn serve<S>(&mut self, events: &mut Events, mut stop: Pin<&mut S>) -> Result<(), Lost>
    where
        S: Future<Output = ()>,
    {
        if !self.uplink.filters.is_empty() {
            self.requests.subscribe(&self.uplink.filters).await?;
            self.in_hand.push_back(InHand::Other);
        }
        let shared = self.uplink.shared.clone();
        let ack_timeout = self.uplink.settings.ack_timeout;
        loop {
            let event = {
                let mut next = pin!(events.next());
                loop {
                    self.hand_over().await?;
                    self.say_farewell().await?;
                    let can_hand = self.in_hand.len() < REQUESTS_MAX;
                    let farewell_until = self.farewell_until();
                    let overdue_at = self.window.overdue_at(ack_timeout);
                    tokio::select! {
                        event = &mut next => break event?,
                        () = shared.live_added.notified(), if can_hand => {}
                        () = any_changed(&shared.outboxes), if can_hand => {}
                        Some(packet_id) = self.acks.recv(), if can_hand => {
                            self.requests.acknowledge(packet_id).await?;
                            self.in_hand.push_back(InHand::Other);
                        }
                        () = at(overdue_at) => return Err(Lost::AckTimeout(ack_timeout)),
                        () = &mut stop, if farewell_until.is_none() => {
                            let until = Instant::now() + self.uplink.settings.flush_timeout;
                            self.farewell = Farewell::Flushing { until };
                        }
                        () = at(farewell_until) => {
                            if matches!(self.farewell, Farewell::Said { .. }) || !can_hand {
                                warn!("stopped before everything was sent");
                                return Ok(());
                            }
                        }
                    }
                }
            };
            if matches!(event, Event::Disconnected) {
                return Ok(());
            }
            self.handle(event)?;
            let in_flight = self.window.in_flight();
            shared.update(|stats| stats.in_flight = in_flight);
        }
    }

    /// Gives the client library what may go: first the on-connect publishes, then live
    /// traffic and records in turn.
    async fn hand_over(&mut self) -> Result<(), Lost> {
        if matches!(self.farewell, Farewell::Said { .. }) {
            return Ok(());
        }
        while self.can_hand_reliable()
            && let Some(publish) = self.on_connect.pop_front()
        {
            self.window.hand(None);
            self.in_hand.push_back(InHand::OnConnect);
            self.requests.publish_reliable(publish).await?;
        }
        if !self.on_connect.is_empty() {
            return Ok(());
        }
        loop {
            let handed_live = self.hand_live().await?;
            let handed_record = self.hand_record().await?;
            if !handed_live && !handed_record {
                return Ok(());
            }
        }
    }

    fn can_hand_reliable(&self) -> bool {
        self.in_hand.len() < REQUESTS_MAX && !self.window.is_full()
    }

    async fn hand_live(&mut self) -> Result<bool, Lost> {
        if self.in_hand.len() >= REQUESTS_MAX {
            return Ok(false);
        }
        let Some((class, publish)) = self.uplink.shared.live().pop() else {
            return Ok(false);
        };
        let bytes = publish.payload.len();
        self.in_hand.push_back(InHand::Live(class, bytes));
        self.requests.publish_live(publish).await?;
        Ok(true)
    }

    async fn hand_record(&mut self) -> Result<bool, Lost> {
        if !self.can_hand_reliable() {
            return Ok(false);
        }
        let shared = self.uplink.shared.clone();
        let mut next = None;
        for (index, outbox) in shared.outboxes.iter().enumerate() {
            let after = self.taken_up_to.get(index).copied().unwrap_or_default();
            if let Some(record) = outbox.store.next_after(after) {
                next = Some((index, outbox, record));
                break;
            }
        }
        let Some((index, outbox, record)) = next else {
            return Ok(false);
        };
        let sequence = record.sequence;
        let place = Place {
            outbox: index,
            sequence,
        };
        if let Some(taken_up_to) = self.taken_up_to.get_mut(index) {
            *taken_up_to = sequence;
        }
        if let Err(refusal) = record.publish.check(self.uplink.settings.packet_bytes_max) {
            warn!(outbox = outbox.name, sequence, %refusal, "quarantined a record");
            outbox.store.quarantine(sequence, &refusal.into());
            if let Some(prefix) = self.window.skip(place, Instant::now()) {
                outbox.store.ack(prefix.sequence);
            }
            return Ok(true);
        }
        if let Some(taken_up_to) = self.uplink.taken_up_to.get_mut(index) {
            if sequence <= *taken_up_to {
                shared.update_outbox(index, |traffic| traffic.resent += 1);
            }
            *taken_up_to = sequence.max(*taken_up_to);
        }
        let bytes = record.publish.payload.len();
        self.window.hand(Some(place));
        self.in_hand.push_back(InHand::Record {
            outbox: index,
            bytes,
        });
        self.requests.publish_reliable(record.publish).await?;
        Ok(true)
    }

    fn handle(&mut self, event: Event) -> Result<(), Lost> {
        match event {
            Event::WrittenLive | Event::WrittenOther => self.count_written(),
            Event::Written { packet_id } => {
                self.window.sent(packet_id, Instant::now())?;
                self.count_written();
            }
            Event::Acknowledged { packet_id } => {
                let shared = &self.uplink.shared;
                let acknowledged = self.window.acknowledged(packet_id, Instant::now())?;
                match acknowledged.record {
                    Some(place) => {
                        shared.update_outbox(place.outbox, |traffic| traffic.acknowledged += 1);
                    }
                    None => shared.update(|stats| stats.on_connect.acknowledged += 1),
                }
                if let Some(prefix) = acknowledged.prefix
                    && let Some(outbox) = shared.outboxes.get(prefix.outbox)
                {
                    outbox.store.ack(prefix.sequence);
                }
            }
            Event::Subscribed { refused } if refused > 0 => {
                warn!(refused, "the broker refused topic filters");
                self.uplink
                    .shared
                    .update(|stats| stats.received.filters_refused += refused as u64);
            }
            Event::Received(publish) => self.receive(publish),
            Event::Subscribed { .. }
            | Event::Connected { .. }
            | Event::Disconnected
            | Event::Other => {}
        }
        Ok(())
    }

    /// The oldest request in hand was written: the client library writes in order.
    fn count_written(&mut self) {
        match self.in_hand.pop_front() {
            Some(InHand::Live(class, bytes)) => {
                if let Some(stats) = self.uplink.shared.live().stats_mut(class) {
                    stats.published += 1;
                    stats.published_bytes += bytes as u64;
                }
            }
            Some(InHand::Record { outbox, bytes }) => {
                self.uplink.shared.update_outbox(outbox, |traffic| {
                    traffic.published += 1;
                    traffic.published_bytes += bytes as u64;
                });
            }
            Some(InHand::OnConnect) => self
                .uplink
                .shared
                .update(|stats| stats.on_connect.published += 1),
            Some(InHand::Other) | None => {}
        }
    }

    fn receive(&mut self, publish: IncomingPublish) {
        let bytes = publish.payload.len();
        let received = Received::new(publish, self.ack_sender.clone(), &self.uplink.shared);
        if bytes > self.uplink.settings.received_bytes_max {
            warn!(topic = received.topic, bytes, "dropped an oversize publish");
            self.uplink
                .shared
                .update(|stats| stats.received.too_large += 1);
            received.ack();
            return;
        }
        let reader = self.uplink.reader.as_ref();
        let is_taken = reader.is_some_and(|reader| reader.try_send(received).is_ok());
        self.uplink.shared.update(|stats| {
            if is_taken {
                stats.received.publishes += 1;
                stats.received.bytes += bytes as u64;
            } else {
                stats.received.dropped_full += 1;
            }
        });
    }

    fn farewell_until(&self) -> Option<Instant> {
        match self.farewell {
            Farewell::NotYet => None,
            Farewell::Flushing { until } | Farewell::Said { until } => Some(until),
        }
    }

    /// While flushing: sends DISCONNECT once nothing waits any more, or the time is over.
    async fn say_farewell(&mut self) -> Result<(), Lost> {
        let Farewell::Flushing { until } = self.farewell else {
            return Ok(());
        };
        let nothing_waits = self.in_hand.is_empty()
            && self.window.is_empty()
            && self.on_connect.is_empty()
            && self.acks.is_empty()
            && self.uplink.shared.live().is_empty();
        let now = Instant::now();
        if self.in_hand.len() < REQUESTS_MAX && (nothing_waits || now >= until) {
            let until = now + FAREWELL_MAX;
            self.farewell = Farewell::Said { until };
            self.requests.disconnect().await?;
            self.in_hand.push_back(InHand::Other);
        }
        Ok(())
    }

    /// Counts what the connection takes with it.
    fn close(self) {
        let mut live = self.uplink.shared.live();
        for request in self.in_hand {
            if let InHand::Live(class, _) = request
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

/// Any of the outboxes may have more to give.
async fn any_changed(outboxes: &[NamedOutbox]) {
    let changes = outboxes.iter().map(|outbox| outbox.store.changed());
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
