//! The spool: what was promised to the platform waits here, on disk, until it has arrived.

pub mod fs;
