//! The unit at work: frames from the radio go through the core, and what the platform shall know
//! goes to the uplink.

mod delivery;
mod reporting;
mod senders;
mod vitals;

use std::time::{Duration, Instant};

use rsu_firmware::pc5::Received;
use rsu_firmware::rsu::{self, Dropped, Heard, Rsu};
use rsu_firmware::stats::FrameKind;
use rsu_firmware::time::Timestamp;
use tracing::{debug, warn};

use crate::health::Stage;

pub use delivery::{Kept, ReplayRefused, Spools};
pub use reporting::{LostOutside, Reporting, UplinkMonitor};
pub use vitals::Vitals;

/// The core and, where there is a platform, what reports to it.
pub struct Station {
    rsu: Box<Rsu>,
    reporting: Option<Reporting>,
    /// The geometry that was refused last, so that it is logged once and not every second.
    refused: Option<String>,
    /// What was lost before it came here.
    lost_outside: LostOutside,
    /// The time of the frames that were received last, and when that was.
    received: Option<(Timestamp, Instant)>,
}

impl Station {
    /// A unit that has heard nothing yet.
    pub fn new(settings: rsu::Settings, reporting: Option<Reporting>) -> Self {
        Self {
            rsu: Box::new(Rsu::new(settings)),
            reporting,
            refused: None,
            lost_outside: LostOutside::default(),
            received: None,
        }
    }

    /// The core.
    pub fn rsu(&mut self) -> &mut Rsu {
        &mut self.rsu
    }

    /// What reports to the platform.
    pub fn reporting(&mut self) -> Option<&mut Reporting> {
        self.reporting.as_mut()
    }

    /// Takes in a frame: first everything that was due before it was received.
    ///
    /// # Errors
    /// Why the frame was dropped; its counter was raised.
    pub fn handle_frame<'a>(&mut self, received: &Received<'a>) -> Result<Heard<'_, 'a>, Dropped> {
        let begin = self.begin(received.time);
        let heard = self.rsu.handle_frame(received);
        match &heard {
            Ok(heard) => {
                if let Some((node, error)) = &heard.refused_node {
                    let refused = format!("MAP of node {node}: {error}");
                    if self.refused.as_ref() != Some(&refused) {
                        warn!("{refused}");
                        self.refused = Some(refused);
                    }
                }
                if let Some(reporting) = &mut self.reporting {
                    let fused = begin.elapsed();
                    let has_reported =
                        reporting.handle_message(received.time, heard.bytes, &heard.message);
                    let latencies = &reporting.vitals().latencies;
                    latencies.record(Stage::Frame, fused);
                    if has_reported {
                        latencies.record(Stage::Report, begin.elapsed());
                    }
                }
            }
            Err(dropped) => debug!(?dropped, "frame dropped"),
        }
        heard
    }

    /// Does what is due before a frame that was received at `time`. Returns when that was. Frames
    /// that were received together have one time, and nothing is due between them.
    fn begin(&mut self, time: Timestamp) -> Instant {
        if let Some((latest, begin)) = self.received
            && latest == time
        {
            return begin;
        }
        self.handle_timeout(time);
        let begin = Instant::now();
        self.received = Some((time, begin));
        begin
    }

    /// Does what is due by `now`.
    pub fn handle_timeout(&mut self, now: Timestamp) {
        if let Some(reporting) = &mut self.reporting {
            reporting.handle_timeout(now, &mut self.rsu, &self.lost_outside);
        }
    }

    /// Sets what was lost before it came here, to be reported with the rest.
    pub fn set_lost_outside(&mut self, lost: LostOutside) {
        self.lost_outside = lost;
    }

    /// When [`Station::handle_timeout`] has something to do next; never, if `None`.
    pub fn poll_timeout(&self) -> Option<Timestamp> {
        self.reporting.as_ref()?.poll_timeout()
    }

    /// Every counter of a drop or omission and how often it was raised, those at zero included.
    pub fn drops(&self) -> Vec<(&'static str, u64)> {
        let platform = self.reporting.iter().flat_map(Reporting::drops);
        let outside = self.lost_outside.counters.iter().copied();
        core_drops(&self.rsu)
            .chain(platform)
            .chain(outside)
            .collect()
    }

    /// What waits for the broker.
    pub fn spools(&self) -> impl Iterator<Item = &Kept> {
        let reporting = self.reporting.iter();
        reporting.flat_map(|reporting| reporting.spools().iter())
    }

    /// Has everything that waits for the disk written, for `patience` at most, and ends the spools.
    /// Returns whether all of it is on disk.
    pub async fn close(&self, patience: Duration) -> bool {
        let mut is_durable = true;
        for kept in self.spools() {
            is_durable &= kept.spool.close(patience).await;
        }
        is_durable
    }

    /// Messages delivered, by kind.
    pub fn delivered(&self) -> impl Iterator<Item = (FrameKind, u64)> + '_ {
        self.rsu.stats().delivered()
    }
}

fn core_drops(rsu: &Rsu) -> impl Iterator<Item = (&'static str, u64)> + '_ {
    let frames = rsu.stats().dropped();
    frames
        .map(|(reason, count)| (reason.name(), count))
        .chain([("trailing_bytes", rsu.stats().trailing())])
        .chain(rsu.fusion().counters().entries())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use ::tests::traffic::Traffic;

    use crate::{mqtt, platform};

    #[test]
    fn a_report_is_timed_where_a_frame_brings_one_about() {
        let unit = platform::Unit::named("R1".parse().unwrap());
        let broker = "mqtt://127.0.0.1:1".parse().unwrap();
        let uplink = mqtt::Settings::new(broker, "rsu-R1");
        let (reporting, _) = Reporting::in_memory(platform::Settings::new(unit), uplink).unwrap();
        let mut station = Station::new(rsu::Settings::default(), Some(reporting));
        let now = Timestamp::from_millis(1_700_000_000_000);
        let mut traffic = Traffic::new(1);
        for _ in 0..100 {
            let received = Received {
                time: now,
                rssi_dbm: None,
                bytes: traffic.spat(now),
            };
            assert!(station.handle_frame(&received).is_ok());
        }
        let stages = station.reporting().unwrap().vitals().latencies.report();
        let count = |stage: Stage| stages[stage as usize].since_start.count;
        assert_eq!(count(Stage::Frame), 100);
        assert_eq!(
            count(Stage::Report),
            3,
            "of 20 SPATs a second so many at once"
        );
    }
}
