//! How much of what is heard goes up: the limits of T/ITS 0117, section "sampling".
//!
//! A limit of N messages per second is kept in every second, wherever it begins: see [`Limiter`].
//! BSMs are sampled of all (`ByAll`) or of each vehicle (`ByID`), see [`BsmSampler`]. Sans-IO:
//! time is an argument.

mod by_id;
mod limiter;

use std::fmt;

use rsu_firmware::message::TemporaryId;
use rsu_firmware::time::Timestamp;
use serde::{Deserialize, Serialize};

pub use by_id::VEHICLES_MAX;
use by_id::VehiclePacer;
pub use limiter::Limiter;

/// Messages per second, 0..=10000; 0 means none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(extend("minimum" = 0, "maximum" = Rate::MAX)))]
#[serde(try_from = "i64", into = "i64")]
pub struct Rate(u16);

/// How many messages of a stream may pass per second: on the wire 0 none, -1 unlimited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(extend("minimum" = UNLIMITED, "maximum" = Rate::MAX)))]
#[serde(try_from = "i64", into = "i64")]
pub enum Limit {
    /// As many as there are.
    Unlimited,
    /// At most so many in any second.
    PerSecond(Rate),
}

/// Not a [`Rate`] or [`Limit`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfRange {
    value: i64,
    min: i64,
}

impl fmt::Display for OutOfRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { value, min } = self;
        write!(
            f,
            "{value} is not within {min}..={} messages per second",
            Rate::MAX
        )
    }
}

impl std::error::Error for OutOfRange {}

impl Rate {
    /// The highest rate of the standard.
    pub const MAX: u16 = 10_000;
    /// Nothing at all.
    pub const NONE: Self = Self(0);

    /// A rate, if it is within 0..=10000.
    pub const fn new(per_second: u16) -> Option<Self> {
        if per_second <= Self::MAX {
            Some(Self(per_second))
        } else {
            None
        }
    }

    /// Messages per second.
    pub const fn per_second(self) -> u16 {
        self.0
    }
}

impl TryFrom<i64> for Rate {
    type Error = OutOfRange;

    fn try_from(value: i64) -> Result<Self, OutOfRange> {
        let rate = u16::try_from(value).ok().and_then(Self::new);
        rate.ok_or(OutOfRange { value, min: 0 })
    }
}

impl From<Rate> for i64 {
    fn from(rate: Rate) -> Self {
        Self::from(rate.0)
    }
}

const UNLIMITED: i64 = -1;

impl TryFrom<i64> for Limit {
    type Error = OutOfRange;

    fn try_from(value: i64) -> Result<Self, OutOfRange> {
        if value == UNLIMITED {
            return Ok(Self::Unlimited);
        }
        let min = UNLIMITED;
        let rate = Rate::try_from(value).map_err(|_| OutOfRange { value, min })?;
        Ok(Self::PerSecond(rate))
    }
}

impl From<Limit> for i64 {
    fn from(limit: Limit) -> Self {
        match limit {
            Limit::Unlimited => UNLIMITED,
            Limit::PerSecond(rate) => rate.into(),
        }
    }
}

/// Of what BSMs are a sample.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum SampleMode {
    /// `sampleRate` messages per second of all vehicles together.
    ByAll,
    /// `sampleRate` messages per second of each vehicle, evenly.
    #[default]
    ByID,
}

/// Which messages the platform asks for: one of the entries must hold, all conditions of it.
///
/// The draft does not say what a condition may refer to, so filters are kept and echoed in INFO
/// and nothing is filtered by them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct UpFilters(Vec<serde_json::Map<String, serde_json::Value>>);

impl UpFilters {
    /// Whether nothing is asked for in particular.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// How BSMs are sampled.
#[derive(Clone, Debug)]
pub struct BsmSampling {
    /// Of all, or of each vehicle.
    pub mode: SampleMode,
    /// Messages per second of that.
    pub rate: Rate,
    /// Messages per second in all.
    pub up_limit: Rate,
    /// Kept and echoed.
    pub up_filters: UpFilters,
}

/// What becomes of a BSM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It goes up.
    Taken,
    /// It is not part of the sample.
    NotSampled,
    /// It would be, but the limit in all is reached.
    OverLimit,
}

/// Chooses the BSMs that go up.
///
/// `ByID` paces each vehicle. When all vehicles together would exceed `up_limit`, each gets an even
/// share of it; what the share is now, [`BsmSampler::actual_rate`] tells.
#[derive(Debug)]
pub struct BsmSampler {
    mode: SampleMode,
    rate: Rate,
    up_limit: Rate,
    all: Limiter,
    vehicles: VehiclePacer,
}

impl BsmSampler {
    /// A sampler that has heard nothing yet.
    pub fn new(sampling: &BsmSampling) -> Self {
        let BsmSampling {
            mode,
            rate,
            up_limit,
            ..
        } = *sampling;
        let all = match mode {
            SampleMode::ByAll => rate.min(up_limit),
            SampleMode::ByID => up_limit,
        };
        Self {
            mode,
            rate,
            up_limit,
            all: Limiter::new(Limit::PerSecond(all)),
            vehicles: VehiclePacer::default(),
        }
    }

    /// Decides on a BSM of the vehicle `id`, heard at `now`.
    pub fn handle(&mut self, now: Timestamp, id: TemporaryId) -> Verdict {
        match self.mode {
            SampleMode::ByAll => match self.all.admit(now) {
                true => Verdict::Taken,
                false if self.rate <= self.up_limit => Verdict::NotSampled,
                false => Verdict::OverLimit,
            },
            SampleMode::ByID => {
                let (rate, limit) = (self.rate, self.up_limit);
                let Some(due) = self.vehicles.due(now, id, rate, limit) else {
                    return Verdict::NotSampled;
                };
                if !self.all.admit(now) {
                    return Verdict::OverLimit;
                }
                due.take();
                Verdict::Taken
            }
        }
    }

    /// Messages per second (of all, or of each vehicle) that `up_limit` leaves now, rounded up.
    pub fn actual_rate(&self) -> Rate {
        match self.mode {
            SampleMode::ByAll => self.rate.min(self.up_limit),
            SampleMode::ByID => self.vehicles.actual_rate(self.rate, self.up_limit),
        }
    }

    /// Vehicles forgotten while still being heard of, because of [`VEHICLES_MAX`] others.
    pub fn vehicles_evicted(&self) -> u64 {
        self.vehicles.evicted()
    }
}

#[cfg(test)]
mod tests;
