//! From source to a unit at work: cross-building, image, bundle, flashing, emulation.
//!
//! What goes into an image lies as plain files in `cross/image`, what differs between boards in
//! `cross/boards`; this package only puts them together. Nothing needs root or a loop device.
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod board;
pub mod bundle;
pub mod cpio;
pub mod cross;
pub mod debian;
pub mod disk;
pub mod emulate;
pub mod error;
pub mod ext4;
pub mod flash;
pub mod image;
pub mod keys;
pub mod place;
pub mod process;
pub mod provision;
pub mod root;
pub mod sizes;
pub mod ssh;
pub mod toolchain;
