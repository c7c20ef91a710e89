//! Changing the software: from the platform's order to a slot that has proven itself.
//!
//! ```text
//! upgrade/down -> Judge -> Updater::take -> Journal: on disk, then answered
//!     the updater's thread: download -> verify -> install -> reboot
//! ================================ the machine starts the other slot ================================
//!     trial: the self-check is good for a minute  -> the slot is marked good: confirmed
//!            the deadline passes                  -> marked bad, reboot: the old slot tells why
//! every state -> Journal -> upgrade-status/up, until its record is in the spool
//! ```
//!
//! Every step is written to the journal on the data partition before it is taken, and can be taken
//! again: after a power cut at any point the thread goes on where it was, in whichever slot it
//! finds itself. The old software never overwrites itself: what does not start, or does not come to
//! be healthy, is left by U-Boot's boot counter or by the trial, whichever is first.
//!
//! A slot is on trial when RAUC has installed it and it was not confirmed since; by an order, or by
//! hand. Any other is marked good as soon as the program runs, so that reboots during an outage of
//! the uplink do not use up its boot attempts.

mod download;
mod installer;
mod journal;
mod machine;
mod rauc;
mod status;
#[cfg(test)]
mod test_bench;
mod trial;
mod updater;
mod verify;
mod worker;

pub use download::{Downloader, Pace};
pub use installer::{Installation, Installer, InstallerError, Manifest, Mark, Slot, Slots};
pub use journal::Untold;
pub use machine::{Host, Machine, VersionError, version_at_work};
pub use rauc::Rauc;
pub use status::{UpdateState, UpdateStatus};
pub use trial::TrialSettings;
pub use updater::{Outside, Settings, Updater};
