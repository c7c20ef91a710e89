//! The spool under everything that disks, power and other devices can do to it.

#![allow(clippy::unwrap_used)]

mod handle;
