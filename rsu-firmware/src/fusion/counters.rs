//! What the fusion did not take in, and why.

/// One counter for each reason something was left out. They wrap around after 2^64.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Geometry that contradicts itself; the one before stays in force.
    pub map_contradictory: u64,
    /// Geometry that exceeds a limit of the fusion; the one before stays in force.
    pub map_limit: u64,
    /// Geometry of a junction for which there was no room.
    pub map_junction_limit: u64,
    /// Signal states of a junction whose geometry is not known.
    pub signals_unknown_junction: u64,
    /// Signal states older than what is held.
    pub signals_out_of_order: u64,
    /// Signal states with a time stamp far off; they are used, as of reception.
    pub signals_clock_off: u64,
    /// Phases beyond the limit of a junction.
    pub phase_limit: u64,
    /// Announced lights beyond the limit of a phase.
    pub announcement_limit: u64,
    /// Reports without a usable position; the vehicle is not followed.
    pub vehicle_without_position: u64,
    /// Reports not newer than what is held of the vehicle.
    pub vehicle_out_of_order: u64,
    /// Vehicles whose position jumped; their lane is searched anew.
    pub vehicle_jumped: u64,
    /// Vehicles that made way for another while still being heard of.
    pub vehicle_evicted: u64,
    /// Times that the clock stepped back; vehicles and lights were forgotten.
    pub clock_stepped_back: u64,
}

impl Counters {
    /// The counters with their names.
    pub fn entries(&self) -> [(&'static str, u64); 13] {
        [
            ("map_contradictory", self.map_contradictory),
            ("map_limit", self.map_limit),
            ("map_junction_limit", self.map_junction_limit),
            ("signals_unknown_junction", self.signals_unknown_junction),
            ("signals_out_of_order", self.signals_out_of_order),
            ("signals_clock_off", self.signals_clock_off),
            ("phase_limit", self.phase_limit),
            ("announcement_limit", self.announcement_limit),
            ("vehicle_without_position", self.vehicle_without_position),
            ("vehicle_out_of_order", self.vehicle_out_of_order),
            ("vehicle_jumped", self.vehicle_jumped),
            ("vehicle_evicted", self.vehicle_evicted),
            ("clock_stepped_back", self.clock_stepped_back),
        ]
    }
}
