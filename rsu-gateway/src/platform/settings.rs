//! What the platform part is told before it starts.

use rsu_firmware::time::Span;
use rsu_firmware::uper::Profile;

use super::classes::Classes;
use super::sampling::{BsmSampling, Limit, Rate, SampleMode, UpFilters};
use super::unit::Unit;

/// How to report to the platform.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Who reports.
    pub unit: Unit,
    /// The edition of the message set that is received.
    pub profile: Profile,
    /// How much goes up.
    pub sampling: Sampling,
    /// How what goes up is treated on its way.
    pub classes: Classes,
    /// When BSMs that wait are published together.
    pub bsm_batch: BatchLimits,
    /// Between two heartbeats; zero: none.
    pub heartbeat_interval: Span,
    /// Between two reports of running information; zero: none.
    pub running_information_interval: Span,
    /// Between two snapshots of the fused junction; zero: none.
    pub junction_interval: Span,
    /// Over which time the traffic on the lanes is summed up; zero: not at all. It is counted in the
    /// snapshots of the fused junction.
    pub traffic_interval: Span,
    /// Ask the platform to acknowledge INFO, MAP and RSI. Only for those who read the answers.
    pub request_acknowledgements: bool,
}

/// How much of what is heard goes up.
#[derive(Clone, Debug)]
pub struct Sampling {
    /// BSM.
    pub bsm: BsmSampling,
    /// MAP; a changed one goes up at once all the same, unless there is to be none.
    pub map: StreamLimits,
    /// SPAT.
    pub spat: StreamLimits,
    /// RSM.
    pub rsm: StreamLimits,
    /// RSI: news only, see [`ALERTS_MAX`](super::ALERTS_MAX).
    pub rsi_up_filters: UpFilters,
}

/// How much of one stream passes.
#[derive(Clone, Debug, PartialEq)]
pub struct StreamLimits {
    /// Towards the platform.
    pub up: Limit,
    /// From the platform.
    pub down: Limit,
    /// Kept and echoed.
    pub up_filters: UpFilters,
}

/// When a batch is published, whichever comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchLimits {
    /// So many messages, at most [`BsmBatch::COUNT_MAX`](super::BsmBatch::COUNT_MAX).
    pub messages_max: usize,
    /// So many bytes of payload.
    pub bytes_max: usize,
    /// So old is the first message. At most 1 s by T/ITS 0180.1.
    pub age_max: Span,
}

impl Settings {
    /// Settings that serve `unit` at one junction.
    pub fn new(unit: Unit) -> Self {
        Self {
            unit,
            profile: Profile::default(),
            sampling: Sampling::default(),
            classes: Classes::default(),
            bsm_batch: BatchLimits::default(),
            heartbeat_interval: Span::from_millis(60_000),
            running_information_interval: Span::from_millis(60_000),
            junction_interval: Span::from_millis(100),
            traffic_interval: Span::from_millis(60_000),
            request_acknowledgements: false,
        }
    }
}

impl Default for Sampling {
    /// All BSMs that 200 vehicles send; the lights and participants of two senders at 10 Hz, since
    /// a limit of just 10 would leave out one now and then that comes a little early; maps at 1 Hz.
    fn default() -> Self {
        Self {
            bsm: BsmSampling {
                mode: SampleMode::ByID,
                rate: rate(10),
                up_limit: rate(2_000),
                up_filters: UpFilters::default(),
            },
            map: StreamLimits::up_to(rate(1)),
            spat: StreamLimits::up_to(rate(20)),
            rsm: StreamLimits::up_to(rate(20)),
            rsi_up_filters: UpFilters::default(),
        }
    }
}

impl StreamLimits {
    /// At most so many towards the platform, any number from it.
    pub fn up_to(rate: Rate) -> Self {
        Self {
            up: Limit::PerSecond(rate),
            down: Limit::Unlimited,
            up_filters: UpFilters::default(),
        }
    }
}

impl Default for BatchLimits {
    fn default() -> Self {
        Self {
            messages_max: super::BsmBatch::COUNT_MAX,
            bytes_max: 32 * 1024,
            age_max: Span::from_millis(100),
        }
    }
}

fn rate(per_second: u16) -> Rate {
    Rate::new(per_second).unwrap_or(Rate::NONE)
}
