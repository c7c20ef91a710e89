//! The core of the roadside unit: no clock, no socket, no thread, no allocation.
#![no_std]
#[cfg(feature = "serde")]
extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod driver;
pub mod fusion;
#[cfg(feature = "serde")]
mod jer;
pub mod message;
pub mod network;
pub mod pc5;
pub mod rsu;
pub mod stats;
pub mod time;
pub mod uper;
