//! The platform contracts against what others have recorded, and against a platform.

#![allow(clippy::unwrap_used)]

mod dandelion;
mod recorded;
