//! Shared by the integration tests: where the data lies and how it is read.

pub mod captures;
pub mod figure;
pub mod generate;
pub mod reference;
pub mod schema;
pub mod traffic;
pub mod truth;
pub mod vectors;
pub mod walk;

pub mod broker;
pub mod certificates;
pub mod mosquitto;
pub mod nats;
pub mod outbox;
pub mod process;
pub mod programs;
pub mod scripted_broker;
pub mod tls_front;
