//! What the alarms are judged by: plain facts. Their defaults are those of a unit that is well.

use rsu_firmware::time::{Span, Timestamp};

use crate::clock::{ClockJump, ClockQuality};
use crate::device::DeviceFacts;
use crate::health::previous_run::PreviousRun;

/// The unit at one moment. Counters are since the start of the program.
#[derive(Clone, Debug, Default)]
pub struct Observations<'a> {
    /// The stores of records.
    pub spools: &'a [SpoolFacts<'a>],
    /// Files of accepted messages, settings and states that could not be read.
    pub unreadable_files: &'a [String],
    /// Why the broker refuses the login, while it does.
    pub login_refused: Option<&'a str>,
    /// Commands that were meant for another RSU.
    pub foreign_commands: u64,
    /// Topic filters that the broker refuses.
    pub refused_filters: &'a [String],
    /// The quality of the clock.
    pub clock: ClockQuality,
    /// That the clock was set since the observation before.
    pub clock_jump: Option<ClockJump>,
    /// By how much the times in received SPATs and BSMs are ahead of the own clock, as a median
    /// over at least ten seconds; `None` where nobody is heard.
    pub senders_ahead: Option<Span>,
    /// The certificates that the connection to the broker needs, as far as they are known.
    pub certificates: &'a [CertificateFacts<'a>],
    /// Frames that were dropped because there were too many.
    pub frames_shed: u64,
    /// Commands that were refused because they were too large or too many.
    pub commands_shed: u64,
    /// What the board's own parts say.
    pub device: DeviceFacts,
    /// How the run before this one ended.
    pub previous_run: Option<&'a PreviousRun>,
}

/// A store of records.
#[derive(Clone, Debug, Default)]
pub struct SpoolFacts<'a> {
    /// Its name.
    pub name: &'a str,
    /// Whether it can be written.
    pub state: StorageState,
    /// Why not, where it is known.
    pub error: Option<&'a str>,
    /// Records that were found damaged.
    pub damaged: u64,
    /// Records that were dropped for want of space.
    pub dropped: u64,
    /// Share of the quota that is taken by records that wait, in percent.
    pub filled_percent: u8,
}

/// Whether a store can be written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StorageState {
    /// It can.
    #[default]
    Working,
    /// There is no space left.
    Full,
    /// The file system is mounted read-only.
    ReadOnly,
    /// Writing fails.
    Failing,
}

/// A certificate.
#[derive(Clone, Debug, Default)]
pub struct CertificateFacts<'a> {
    /// Whose it is, such as `client` or `broker`.
    pub name: &'a str,
    /// Until when it is valid, where it could be read.
    pub expires: Option<Timestamp>,
    /// Why it cannot be used, where it cannot.
    pub fault: Option<&'a str>,
}
