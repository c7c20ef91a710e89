//! One run: so many frames a second for a while, and what became of them.

use std::collections::BTreeMap;
use std::io;
use std::thread::sleep;
use std::time::{Duration, Instant};

use tests::traffic::{Kind, Traffic};

use crate::offer::Offer;
use crate::sink::{Arrival, Sink};
use crate::subject::{Program, Subject};

/// Vehicles send ten times a second.
pub(crate) const FRAMES_PER_VEHICLE: u32 = 10;

/// More vehicles than can be around an intersection: beyond, each sends more often.
pub(crate) const VEHICLES_MAX: usize = 1_000;

/// What became of the frames of a run.
pub(crate) struct Outcome {
    /// Frames that were offered per second; fewer than were to be where the sender has no time.
    pub(crate) rate: f64,
    pub(crate) sent: usize,
    /// Frames that were not published, nor left out because of the contract's limit.
    pub(crate) lost: usize,
    /// What the kernel dropped because the program did not fetch it in time, and what the program
    /// says it has dropped.
    pub(crate) dropped: BTreeMap<String, u64>,
    /// From the send to UDP until the publish is read from the broker's socket, in ascending
    /// order; none where frames were not published.
    pub(crate) latencies: Vec<Duration>,
    /// Share of one processor.
    pub(crate) cpu: f64,
    pub(crate) resident_bytes: u64,
    /// From the start of the program until the first frame came out.
    pub(crate) first_frame: Duration,
}

impl Outcome {
    /// The share of the frames that was lost.
    pub(crate) fn loss(&self) -> f64 {
        self.lost as f64 / self.sent.max(1) as f64
    }

    /// The latency that so large a share of the frames does not exceed.
    pub(crate) fn latency(&self, share: f64) -> Option<Duration> {
        let last = self.latencies.len().checked_sub(1)?;
        self.latencies
            .get((share * last as f64).round() as usize)
            .copied()
    }
}

/// Offers `rate` frames per second to `program` for `time`.
pub(crate) fn run(program: Program, rate: u32, time: Duration) -> io::Result<Outcome> {
    let sink = Sink::start()?;
    let subject = Subject::start(program, sink.address())?;
    let vehicles = ((rate / FRAMES_PER_VEHICLE) as usize).clamp(1, VEHICLES_MAX);
    let mut offer = Offer::new(Traffic::new(vehicles), subject.listen)?;
    let first_frame = until_heard(&mut offer, &sink, &subject)?;
    let warm_up = offer.prepare(rate, WARM_UP);
    offer.send(&warm_up)?;
    settle(&sink);

    let prepared = offer.prepare(rate, time);
    sink.take();
    let dropped_before = dropped(&subject)?;
    let cpu = subject.cpu_time()?;
    let began = Instant::now();
    let sent = offer.send(&prepared)?;
    let took = began.elapsed().as_secs_f64();
    let cpu = (subject.cpu_time()? - cpu).as_secs_f64() / took;
    let resident_bytes = subject.resident_bytes()?;
    settle(&sink);
    let arrivals = sink.take();
    let mut dropped = dropped(&subject)?;
    for (reason, count) in &mut dropped {
        *count -= dropped_before.get(reason).copied().unwrap_or(0);
    }
    let left_out = LEFT_OUT.map(|reason| dropped.get(reason).copied().unwrap_or(0));
    let left_out = left_out.iter().sum::<u64>() as usize;

    let came: usize = arrivals.iter().map(|arrival| arrival.messages).sum();
    let lost = sent.len().saturating_sub(came + left_out);
    let latencies = match came == sent.len() {
        true => latencies(&sent, &arrivals),
        false => Vec::new(),
    };
    Ok(Outcome {
        rate: sent.len() as f64 / took,
        sent: sent.len(),
        lost,
        dropped,
        latencies,
        cpu,
        resident_bytes,
        first_frame,
    })
}

/// What the limits of the contract leave out.
const LEFT_OUT: [&str; 4] = [
    "bsm_not_sampled",
    "bsm_over_limit",
    "map_over_limit",
    "spat_over_limit",
];

fn dropped(subject: &Subject) -> io::Result<BTreeMap<String, u64>> {
    let mut dropped = subject.dropped()?;
    dropped.insert("receive buffer".to_owned(), subject.overflowed()?);
    Ok(dropped)
}

const WARM_UP: Duration = Duration::from_millis(1_500);
const START_MAX: Duration = Duration::from_secs(10);
/// The metrics are a second old at most, and what is under way takes less.
const SETTLE: Duration = Duration::from_millis(1_200);

fn settle(sink: &Sink) {
    loop {
        let before = sink.count();
        sleep(SETTLE);
        if sink.count() == before {
            return;
        }
    }
}

/// Sends until something comes out. Nobody listens at first.
fn until_heard(offer: &mut Offer, sink: &Sink, subject: &Subject) -> io::Result<Duration> {
    while sink.count() == 0 {
        offer.try_spat();
        sleep(Duration::from_micros(500));
        if subject.started.elapsed() > START_MAX {
            return Err(io::Error::other("nothing comes out"));
        }
    }
    Ok(subject.started.elapsed())
}

/// The frames of a kind come out in the order in which they went in.
fn latencies(sent: &[(Kind, Instant)], arrivals: &[Arrival]) -> Vec<Duration> {
    let mut latencies = Vec::with_capacity(sent.len());
    for kind in [Kind::Bsm, Kind::Spat, Kind::Map] {
        let of_kind = arrivals.iter().filter(|arrival| arrival.kind == kind);
        let came = of_kind.flat_map(|arrival| std::iter::repeat_n(arrival.at, arrival.messages));
        let went = sent.iter().filter(|(of, _)| *of == kind);
        latencies.extend(went.zip(came).map(|((_, went), came)| came - *went));
    }
    latencies.sort_unstable();
    latencies
}
