//! What the platform sends down: commands, carried out exactly once and answered.
//!
//! ```text
//! Received -> Dialect::read -> Downlink -> Judge -> Verdict
//!                                            |
//!   audit, then journal: on disk             v
//!   State { in force, broadcasts, ledger, pending tasks } <- Entry
//!                                            |
//!   only then: MQTT ack, Effect -> platform, uplink, machine; Transmit -> radio
//! ```
//!
//! A [`Dialect`](crate::platform::Dialect) reads a publish into a [`Downlink`], the same for every
//! contract. The judge decides, without any effect, what is to become of it; the [`Desk`] writes
//! that down in one record of the journal and only then lets it happen. What was accepted and is
//! not done yet (an answer not yet entrusted to the spool, an upload, a reboot) stays pending
//! across restarts; what was taken is known again by kind, number and content. So a crash between
//! any two steps neither loses a command nor carries it out twice nor leaves it unanswered.
//!
//! Invariants: nothing happens that is not on disk; nothing is acknowledged to the broker that is
//! not on disk; the same journal always leads to the same state. Lights and participants that come
//! many times a second are the exception: where the platform asks for no answer they go on the air
//! without being kept.

mod answer;
mod audit;
mod broadcast;
mod command;
mod compose;
mod counters;
mod desk;
mod effect;
mod journal;
mod judge;
mod ledger;
mod service;
mod state;
mod transmit;
mod upload;

pub use answer::{Answer, Refusal, RefusalCode, Unreadable};
pub use audit::{AUDIT_FILE_BYTES_MAX, AUDIT_FILES_MAX};
pub use broadcast::{
    Broadcast, BroadcastClass, BroadcastKey, RSI_BROADCASTS_MAX, TRANSMIT_MESSAGES_MAX,
    broadcasts_max,
};
pub use command::{
    AddressChange, Addressee, Command, CommandKind, Downlink, InformationInterval,
    InformationQuery, InformationSubject, InvalidSeqNum, LogLevel, LogUpload, MapBroadcast,
    Operations, PlatformAcknowledgement, RecordsQuery, RsiBroadcast, RsmBroadcast, SamplingChange,
    SeqNum, Upgrade,
};
pub use compose::sender_id;
pub use counters::DownlinkCounters;
pub use desk::Desk;
pub use effect::{Effect, Order};
pub use judge::Settings;
pub use ledger::{Digest, LEDGER_ENTRIES_MAX};
pub use service::{BATCH_MAX, Observer, Outside, serve};
pub use state::InForce;
pub use transmit::{BroadcastChange, Transmission, Transmit};
pub use upload::{UPLOAD_BYTES_MAX, UPLOAD_TIME_MAX, Uploader};
