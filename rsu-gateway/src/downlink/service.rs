//! The task around the desk: from the uplink's channel to the desk's disk and back.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::task::{JoinError, spawn_blocking};
use tokio::time::{MissedTickBehavior, interval};

use super::answer::Refusal;
use super::command::LogUpload;
use super::counters::DownlinkCounters;
use super::desk::{Desk, Ordered};
use super::effect::{Done, Effect, Finished, Order};
use super::judge::{Arrival, Now};
use super::ledger::Digest;
use super::upload::Uploader;
use crate::clock::{self, ClockQuality, Synchronization};
use crate::mqtt::Received;
use crate::platform::Dialect;

/// Most publishes that are taken in at a time, and made durable together.
pub const BATCH_MAX: usize = 64;

/// How often is looked at what has ended or is due.
const TICK: Duration = Duration::from_secs(1);

/// What the task needs from outside.
pub struct Outside {
    /// Asks how good the clock is. It may be slow.
    pub clock_quality: Box<dyn Fn() -> ClockQuality + Send>,
    /// The last lines of the log.
    pub log: Arc<dyn Fn() -> Vec<u8> + Send + Sync>,
    /// Puts them where the platform can read them.
    pub uploader: Uploader,
    /// Told at least every two seconds while there is progress.
    pub pulse: Box<dyn FnMut() + Send>,
}

/// Reads what became of what was sent down, from anywhere.
#[derive(Clone, Debug, Default)]
pub struct Observer(Arc<Mutex<DownlinkCounters>>);

impl Observer {
    /// What became of what was sent down.
    pub fn counters(&self) -> DownlinkCounters {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Who works at the desk, off the async thread.
struct Clerk {
    desk: Desk,
    dialect: Box<dyn Dialect>,
    clock_quality: Box<dyn Fn() -> ClockQuality + Send>,
    observer: Observer,
}

/// Serves the platform's commands until the uplink has ended. `carry_out` gets what follows from
/// them, in order, and must not block.
///
/// A publish is acknowledged to the broker after what follows from it is durable. While too much
/// is underway nothing is taken from `received`: the rest waits there, and with the broker.
///
/// # Errors
/// The clerk has panicked; nothing that was accepted is lost, but nothing more is either taken.
pub async fn serve(
    mut received: mpsc::Receiver<Received>,
    dialect: Box<dyn Dialect>,
    desk: Desk,
    observer: Observer,
    outside: Outside,
    mut carry_out: impl FnMut(Order),
) -> Result<(), JoinError> {
    let Outside {
        clock_quality,
        log,
        uploader,
        mut pulse,
    } = outside;
    let mut clerk = Clerk {
        desk,
        dialect,
        clock_quality,
        observer,
    };
    let (finished, mut finishes) = mpsc::unbounded_channel();
    let uploads = Uploads {
        log,
        uploader,
        one_at_a_time: Arc::new(Semaphore::new(1)),
    };
    let mut tick = interval(TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut batch = Vec::with_capacity(BATCH_MAX);
    let mut done = Vec::new();
    loop {
        let has_room = clerk.desk.has_room();
        let mut is_over = false;
        tokio::select! {
            count = received.recv_many(&mut batch, BATCH_MAX), if has_room => is_over = count == 0,
            Some(one) = finishes.recv() => done.push(one),
            _ = tick.tick() => {}
        }
        take_waiting(&mut finishes, &mut done);
        let publishes = std::mem::take(&mut batch);
        let finished_now = std::mem::take(&mut done);
        let worked = spawn_blocking(move || {
            let ordered = clerk.work(&publishes, finished_now);
            (clerk, publishes, ordered)
        });
        let (back, publishes, ordered) = worked.await?;
        clerk = back;
        for publish in publishes {
            publish.ack();
        }
        for order in ordered {
            let order = order_of(order, &finished);
            match &order.effect {
                Effect::LogUpload(to) => uploads.start(to.clone(), order),
                _ => carry_out(order),
            }
        }
        pulse();
        if is_over {
            take_waiting(&mut finishes, &mut done);
            clerk.desk.finish(done);
            return Ok(());
        }
    }
}

impl Clerk {
    fn work(&mut self, publishes: &[Received], finished: Vec<Finished>) -> Vec<Ordered> {
        let now = Now {
            time: clock::now(),
            is_trusted: (self.clock_quality)().synchronization == Synchronization::Synchronized,
        };
        self.desk.finish(finished);
        let arrivals = publishes.iter().map(|publish| Arrival {
            read: self.dialect.read(&publish.topic, &publish.payload),
            digest: Digest::of(&publish.payload),
            is_retained: publish.retain,
        });
        let mut ordered = self.desk.handle(now, arrivals.collect());
        ordered.extend(self.desk.handle_timeout(now));
        ordered.extend(self.desk.poll_tasks());
        let counters = &self.observer.0;
        *counters.lock().unwrap_or_else(PoisonError::into_inner) = self.desk.counters();
        ordered
    }
}

fn order_of((effect, task): Ordered, finished: &UnboundedSender<Finished>) -> Order {
    let finished = || finished.clone();
    let done = task.map(|task| Done {
        task,
        finished: finished(),
    });
    Order { effect, done }
}

fn take_waiting(finishes: &mut UnboundedReceiver<Finished>, done: &mut Vec<Finished>) {
    while let Ok(one) = finishes.try_recv() {
        done.push(one);
    }
}

/// Uploads wait for one another, at most as many as tasks may be underway.
struct Uploads {
    log: Arc<dyn Fn() -> Vec<u8> + Send + Sync>,
    uploader: Uploader,
    one_at_a_time: Arc<Semaphore>,
}

impl Uploads {
    fn start(&self, to: LogUpload, order: Order) {
        let log = self.log.clone();
        let uploader = self.uploader.clone();
        let one_at_a_time = self.one_at_a_time.clone();
        tokio::spawn(async move {
            let turn = one_at_a_time.acquire_owned().await;
            let uploaded = spawn_blocking(move || uploader.upload(&to, &log())).await;
            drop(turn);
            order.finish(uploaded.unwrap_or_else(|error| {
                Err(Refusal::local_error(format!("the upload failed: {error}")))
            }));
        });
    }
}
