//! Shared by the integration tests: where the data lies and how it is read.

pub mod captures;
pub mod generate;
pub mod reference;
pub mod schema;
pub mod vectors;

pub mod broker;
pub mod scripted_broker;
