//! The program as those who call it see it: what goes in, what comes out, and how it ends.
#![allow(clippy::unwrap_used)]

mod command_line;
mod conservation;
mod data;
mod demo;
mod device;
mod encode;
mod fleet;
mod inspect;
mod process;
mod replay;
mod self_check;
mod service;
mod subscriber;
mod update;
