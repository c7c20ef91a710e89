//! The unit's health as others see it: systemd, and whoever asks over HTTP.

#![allow(clippy::unwrap_used)]

mod endpoint;
mod service_unit;
mod watchdog;
