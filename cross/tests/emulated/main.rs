//! A unit from U-Boot to the broker, in a virtual machine: at work, updated, attacked, hung, and
//! without power. Minutes of emulation, hence ignored by default:
//!
//!     cargo test -p rsu-image --test emulated -- --ignored --test-threads 2
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod broker;
mod fixture;
mod operators;
mod platform;
mod power;
mod refusals;
mod server;
mod time;
mod traffic;
mod unit;
mod watchdog;
mod work;
