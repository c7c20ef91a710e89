//! Whatever comes in: nothing stops, nothing grows, everything left out raises its counter, and
//! the vehicles at the junction keep their lanes.
#![allow(clippy::unwrap_used)]

mod clock;
mod frames;
mod map;
mod recorded;
mod site;
mod spat;
mod vehicles;
