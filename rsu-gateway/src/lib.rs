//! The gateway around the core: radio inputs, platform, program.

pub mod demo_broker;
pub mod mqtt;
pub mod radio;
