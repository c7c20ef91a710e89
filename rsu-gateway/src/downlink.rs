//! What the platform sends down: commands, carried out exactly once and answered.
//!
//! A [`Dialect`](crate::platform::Dialect) reads a publish into a [`Downlink`], the same for every
//! contract.

mod answer;
mod command;

pub use answer::{Answer, Refusal, RefusalCode, Unreadable};
pub use command::{
    Addressee, AddressChange, Command, CommandKind, Downlink, InformationInterval,
    InformationQuery, InformationSubject, InvalidSeqNum, LogLevel, LogUpload, MapBroadcast,
    Operations, PlatformAcknowledgement, RecordsQuery, RsiBroadcast, RsmBroadcast, SamplingChange,
    SeqNum,
};
