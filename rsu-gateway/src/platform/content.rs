//! What the messages to the platform contain: T/ITS 0117 (2020 consultation draft), whose field
//! names are kept as they are, mixed case included.
//!
//! The draft does not fix an encoding; T/ITS 0180.1 takes it as JSON. Where the draft names a type
//! of the message set (MAP, timing), that is written in JER (ITU-T X.697); enumerated values are
//! written as the identifiers of the message set; numbers are in the units of the message set
//! (1e-7 degrees, 0.02 m/s, 0.0125 degrees, cm). What the draft leaves open is decided, and said,
//! where the type is defined.

mod alarm;
mod alert;
mod answer;
mod broadcast;
mod command;
mod delivery;
mod information;
mod map;
mod position;
mod rsi_down;
mod rsm;
mod rsm_down;
#[cfg(test)]
pub(super) mod schema;
mod spat;
mod spat_down;
mod status;
mod upgrade;
mod versions;

pub use alarm::AlarmUp;
pub use alert::{Alert, AlertClass, AlertId, AlertPath, RsiUp};
pub use answer::{AnswerContent, read_acknowledgement};
pub use broadcast::{BroadcastState, BroadcastStatus};
pub use command::read_command;
#[cfg(test)]
pub(super) use command::schema::command_schema;
pub use delivery::{GapUp, Presence, PresenceUp};
pub use information::{
    DeviceState, DeviceStatus, InformationResponse, InformationValue, MessageTotals,
};
pub use map::MapUp;
pub use position::{Location, OutOfRange, location_at, offset_to};
pub use rsm::{Participant, ParticipantSize, RsmContent, RsmUp};
pub use spat::{IntersectionContent, PhaseContent, SpatUp};
pub use status::{
    BasicStatus, BsmConfig, Config, DownRsi, GeographicPosition, Header, Heartbeat, Info,
    InfoLocation, MapConfig, PROTOCOL_VERSION, RsiConfig, RsuStatus, RunningInformation,
    StreamConfig,
};
pub use upgrade::UpgradeStatus;
pub use versions::Versions;

use serde::Serialize;
use serde::ser::SerializeMap;

/// Whether the platform shall acknowledge, and by which number: the members `ack` and, with it,
/// `seqNum` (a string, as in annex A).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Acknowledgement {
    /// The number that the acknowledgement will carry; none is asked for without.
    pub seq_num: Option<u64>,
}

impl Serialize for Acknowledgement {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("ack", &self.seq_num.is_some())?;
        if let Some(seq_num) = self.seq_num {
            map.serialize_entry("seqNum", &seq_num.to_string())?;
        }
        map.end()
    }
}
