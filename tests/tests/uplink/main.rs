//! The uplink against real brokers and against one that misbehaves by script.

#![allow(clippy::unwrap_used)]

mod backfill;
mod bad_brokers;
mod conservation;
mod delivery;
mod latency;
mod nats_cluster;
mod poison;
mod received;
mod running;
mod several_brokers;
mod takeover;
mod tls;
