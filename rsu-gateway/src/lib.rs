//! The gateway around the core: radio inputs, platform, program.

pub mod clock;
pub mod command;
pub mod config;
#[cfg(feature = "demo")]
pub mod demo_broker;
pub mod device;
pub mod downlink;
pub mod health;
pub mod http;
mod json;
pub mod logging;
pub mod mqtt;
pub mod platform;
pub mod radio;
pub mod service;
pub mod spool;
pub mod station;
pub mod update;
