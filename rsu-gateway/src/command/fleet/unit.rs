//! A virtual unit: the real code, with a transposed recording for a radio.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rsu_firmware::rsu;
use tokio::sync::{oneshot, watch};
use tokio::time::{Instant, sleep, sleep_until};

use super::radio::{Counts, VirtualRadio};
use super::recording::Recording;
use super::transposition::Transposition;
use crate::clock;
use crate::command::Failure;
use crate::mqtt;
use crate::platform::{self, Stream};
use crate::radio::Radio;
use crate::station::{Reporting, Station};

/// What a unit needs to begin.
pub(super) struct Unit {
    pub(super) platform: platform::Settings,
    pub(super) uplink: mqtt::Settings,
    pub(super) rsu: rsu::Settings,
    pub(super) transposition: Transposition,
    pub(super) recording: Arc<Recording>,
    /// How far into the recording it begins.
    pub(super) phase: Duration,
    /// When it begins.
    pub(super) begin: Instant,
    pub(super) log_book: LogBook,
}

/// Where a unit writes down its figures, once a second.
#[derive(Clone, Default)]
pub(super) struct LogBook(Arc<Mutex<UnitFigures>>);

/// Of each stream.
pub(super) type ByStream = [u64; Stream::ALL.len()];

/// What a unit has done since it began.
#[derive(Clone, Debug, Default)]
pub(super) struct UnitFigures {
    /// Publishes made.
    pub(super) made: ByStream,
    /// Publishes that gave way in its own queues.
    pub(super) shed: u64,
    /// What its radio did.
    pub(super) radio: Counts,
    /// Frames dropped by the core, as the recording unit would have.
    pub(super) frames_dropped: u64,
    /// Connections made.
    pub(super) connections: u64,
    /// Why it was not connected last.
    pub(super) fault: Option<String>,
}

const WRITE_DOWN_INTERVAL: Duration = Duration::from_secs(1);
const CONNECTED_POLL_INTERVAL: Duration = Duration::from_millis(50);
/// How long the end may take to commit what waits.
const COMMIT_TIME_MAX: Duration = Duration::from_secs(3);

impl LogBook {
    pub(super) fn read(&self) -> UnitFigures {
        self.figures().clone()
    }

    fn figures(&self) -> MutexGuard<'_, UnitFigures> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Unit {
    /// Works until `stop` changes. Must run in a `LocalSet`.
    pub(super) async fn run(self, stop: watch::Receiver<bool>) {
        let log_book = self.log_book.clone();
        if let Err(error) = self.work(stop).await {
            log_book.figures().fault = Some(error.to_string());
        }
    }

    async fn work(self, mut stop: watch::Receiver<bool>) -> Result<(), Failure> {
        tokio::select! {
            _ = stop.changed() => return Ok(()),
            () = sleep_until(self.begin) => {}
        }
        let (reporting, uplink) = Reporting::in_memory(self.platform, self.uplink)?;
        let mut on_duty = OnDuty {
            // The last will is no publish of the unit's.
            made_before: made(&reporting),
            station: Station::new(self.rsu, Some(reporting)),
            log_book: self.log_book,
        };
        let (stop_uplink, stopped) = oneshot::channel::<()>();
        let uplink = tokio::task::spawn_local(uplink.run(async { drop(stopped.await) }));
        if on_duty.is_connected(&mut stop).await {
            let mut radio =
                VirtualRadio::new(self.recording, self.phase, self.transposition, self.rsu);
            on_duty.listen(&mut radio, &mut stop).await?;
            on_duty.write_down(radio.counts());
            on_duty.say_farewell().await;
        }
        drop(stop_uplink);
        uplink.await?;
        on_duty.station.close(COMMIT_TIME_MAX).await;
        Ok(())
    }
}

/// A unit at work.
struct OnDuty {
    station: Station,
    made_before: ByStream,
    log_book: LogBook,
}

impl OnDuty {
    /// Waits for the broker; false at the stop.
    async fn is_connected(&mut self, stop: &mut watch::Receiver<bool>) -> bool {
        loop {
            self.write_down(Counts::default());
            if self.log_book.figures().connections > 0 {
                return true;
            }
            tokio::select! {
                _ = stop.changed() => return false,
                () = sleep(CONNECTED_POLL_INTERVAL) => {}
            }
        }
    }

    async fn listen(
        &mut self,
        radio: &mut VirtualRadio,
        stop: &mut watch::Receiver<bool>,
    ) -> Result<(), Failure> {
        let mut next_write = Instant::now();
        loop {
            if Instant::now() >= next_write {
                next_write = Instant::now() + WRITE_DOWN_INTERVAL;
                self.write_down(radio.counts());
            }
            tokio::select! {
                biased;
                _ = stop.changed() => return Ok(()),
                frame = radio.receive() => {
                    let Some(frame) = frame? else { return Ok(()) };
                    let is_dropped = self.station.handle_frame(&frame.received).is_err();
                    self.log_book.figures().frames_dropped += u64::from(is_dropped);
                }
                () = sleep(self.until_timeout()) => self.station.handle_timeout(clock::now()),
            }
        }
    }

    fn until_timeout(&self) -> Duration {
        let due = self.station.poll_timeout();
        let wait_us = due.map_or(i64::MAX, |due| (due - clock::now()).as_micros());
        Duration::from_micros(wait_us.max(0).unsigned_abs()).min(WRITE_DOWN_INTERVAL)
    }

    /// Hands everything over that was made.
    async fn say_farewell(&mut self) {
        if let Some(reporting) = self.station.reporting() {
            reporting.durable().flush(COMMIT_TIME_MAX).await;
            reporting.say_farewell(clock::now());
            let made_now = made(reporting);
            self.log_book.figures().made = less(made_now, self.made_before);
        }
    }

    fn write_down(&mut self, radio: Counts) {
        let Some(reporting) = self.station.reporting() else {
            return;
        };
        let uplink = reporting.uplink();
        let mut figures = self.log_book.figures();
        figures.made = less(made(reporting), self.made_before);
        figures.shed = uplink
            .live_sum(|live| live.dropped_oldest + live.dropped_superseded + live.dropped_cut);
        figures.radio = radio;
        figures.connections = uplink.connections;
        figures.fault = uplink.last_error;
    }
}

fn made(reporting: &Reporting) -> ByStream {
    let mut made = ByStream::default();
    for (sum, (_, count)) in made.iter_mut().zip(reporting.published().entries()) {
        *sum = count;
    }
    made
}

fn less(mut counts: ByStream, before: ByStream) -> ByStream {
    for (count, before) in counts.iter_mut().zip(before) {
        *count = count.saturating_sub(before);
    }
    counts
}
