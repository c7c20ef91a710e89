//! What the platform part left out, and why.

use super::dialect::Stream;

/// One counter for each reason that something did not go up, since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// BSMs that are not part of the sample.
    pub bsm_not_sampled: u64,
    /// BSMs beyond the limit in all.
    pub bsm_over_limit: u64,
    /// BSMs longer than the list form can say.
    pub bsm_too_long: u64,
    /// MAPs that say nothing new and are beyond the limit; all, where the limit is none.
    pub map_over_limit: u64,
    /// MAPs too long to be told apart.
    pub map_too_long: u64,
    /// SPATs beyond the limit.
    pub spat_over_limit: u64,
    /// RSMs beyond the limit.
    pub rsm_over_limit: u64,
    /// Events and signs that say nothing new.
    pub rsi_repeated: u64,
    /// Events and signs forgotten because others came; their end is not told.
    pub rsi_evicted: u64,
    /// Vehicles whose pace was forgotten because others came.
    pub bsm_vehicle_evicted: u64,
    /// Reports that the dialect could not write.
    pub report_unwritable: u64,
    /// RSIs and RSMs received that this unit sends itself.
    pub own_message: u64,
    /// Reports not sent again, though not acknowledged, because others came.
    pub unacknowledged_evicted: u64,
    /// Questions of the platform beyond those that may wait.
    pub question_dropped: u64,
}

impl Counters {
    /// The counters with their names.
    pub fn entries(&self) -> [(&'static str, u64); 14] {
        [
            ("bsm_not_sampled", self.bsm_not_sampled),
            ("bsm_over_limit", self.bsm_over_limit),
            ("bsm_too_long", self.bsm_too_long),
            ("map_over_limit", self.map_over_limit),
            ("map_too_long", self.map_too_long),
            ("spat_over_limit", self.spat_over_limit),
            ("rsm_over_limit", self.rsm_over_limit),
            ("rsi_repeated", self.rsi_repeated),
            ("rsi_evicted", self.rsi_evicted),
            ("bsm_vehicle_evicted", self.bsm_vehicle_evicted),
            ("report_unwritable", self.report_unwritable),
            ("own_message", self.own_message),
            ("unacknowledged_evicted", self.unacknowledged_evicted),
            ("question_dropped", self.question_dropped),
        ]
    }
}

/// Publishes handed over since the start, by stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Published([u64; Stream::ALL.len()]);

impl Published {
    /// The counters with the names of the streams.
    pub fn entries(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        Stream::ALL.iter().map(|stream| stream.name()).zip(self.0)
    }

    pub(super) fn count(&mut self, stream: Stream) {
        if let Some(count) = self.0.get_mut(stream as usize) {
            *count += 1;
        }
    }
}
