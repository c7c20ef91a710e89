//! The commands of T/ITS 0117 as JSON.
//!
//! Members that the draft does not know are passed over; those that it knows must be as it says,
//! and a fault is told with the path of the member. What the draft spells in two ways is read in
//! both, and a number may come as text, as the draft has it in places.

mod lenient;
mod operations;
mod queries;
mod sampling;
#[cfg(test)]
pub(super) mod schema;
mod upgrade;
mod utc;

use rsu_firmware::time::Timestamp;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

pub(super) use lenient::{Lenient, OneOrMany};

use super::map::MapDown;
use super::rsi_down::RsiDown;
use super::rsm_down::RsmDown;
use super::spat_down::SpatDown;
use crate::downlink::{Addressee, Command, CommandKind, Downlink, Refusal, SeqNum, Unreadable};
use crate::json;

/// Reads a command of the given kind.
///
/// # Errors
/// The member that is missing or wrong, by its path.
pub fn read_command(kind: CommandKind, payload: &[u8]) -> Result<Downlink, Unreadable> {
    let unreadable = |seq_num| {
        move |refusal| Unreadable::Command {
            kind,
            seq_num,
            refusal,
        }
    };
    let members = members(payload).map_err(unreadable(None))?;
    let seq_num = seq_num(&members).map_err(unreadable(None))?;
    let header = part::<CommandHeader>(&members).map_err(unreadable(seq_num.clone()))?;
    let command = command(kind, &members).map_err(unreadable(seq_num.clone()))?;
    let time = |millis: Option<Lenient<i64>>| millis.map(|ms| Timestamp::from_millis(ms.0));
    Ok(Downlink {
        seq_num,
        addressee: Addressee {
            rsu_id: header.rsu_id,
            rsu_esn: header.rsu_esn,
        },
        issued: time(header.timestamp),
        expires: time(header.expires),
        wants_answer: header.ack.is_some_and(|ack| ack.0),
        command,
    })
}

/// What any command may say beside what is to be done. `expires` is ours.
#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
struct CommandHeader {
    rsu_id: Option<String>,
    rsu_esn: Option<String>,
    /// Milliseconds since 1970.
    #[serde(alias = "Timestamp")]
    timestamp: Option<Lenient<i64>>,
    /// Milliseconds since 1970.
    expires: Option<Lenient<i64>>,
    ack: Option<Lenient<bool>>,
}

fn command(kind: CommandKind, members: &Value) -> Result<Command, Refusal> {
    Ok(match kind {
        CommandKind::Sampling => Command::Sampling(part::<sampling::ConfigDown>(members)?.into()),
        CommandKind::Map => Command::Map(part::<MapDown>(members)?.into()),
        CommandKind::Rsi => Command::Rsi(part::<RsiDown>(members)?.into()),
        CommandKind::Rsm => Command::Rsm(part::<RsmDown>(members)?.into()),
        CommandKind::Spat => Command::Spat(part::<SpatDown>(members)?.into()),
        CommandKind::Versions => Command::Versions,
        CommandKind::RunStatus => Command::RunStatus,
        CommandKind::Operations => {
            Command::Operations(part::<operations::OperationsDown>(members)?.into())
        }
        CommandKind::LogUpload => Command::LogUpload(part::<queries::LogDown>(members)?.into()),
        CommandKind::Information => {
            Command::Information(part::<queries::InformationDown>(members)?.into())
        }
        CommandKind::Records => {
            Command::Records(part::<queries::RecordsDown>(members)?.try_into()?)
        }
        CommandKind::Introduction => Command::Introduction,
        CommandKind::Upgrade => {
            Command::Upgrade(part::<upgrade::UpgradeDown>(members)?.try_into()?)
        }
        CommandKind::Acknowledgement => {
            return Err(Refusal::bad_parameter("an acknowledgement is no command"));
        }
    })
}

/// The object that the payload is; an empty one, if there is none, as a mere question may be.
pub(super) fn members(payload: &[u8]) -> Result<Value, Refusal> {
    if payload.is_empty() {
        return Ok(Value::Object(Map::new()));
    }
    match serde_json::from_slice(payload) {
        Ok(object @ Value::Object(_)) => Ok(object),
        Ok(_) => Err(Refusal::bad_parameter("the payload is no JSON object")),
        Err(error) => Err(Refusal::bad_parameter(format!("the payload: {error}"))),
    }
}

/// Reads those members of an object that `T` knows.
pub(super) fn part<T: DeserializeOwned>(members: &Value) -> Result<T, Refusal> {
    let text =
        serde_json::to_vec(members).map_err(|error| Refusal::bad_parameter(error.to_string()))?;
    json::read(&text).map_err(|error| Refusal::bad_parameter(error.to_string()))
}

fn seq_num(members: &Value) -> Result<Option<SeqNum>, Refusal> {
    let text = match members.get("seqNum") {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        Some(_) => return Err(Refusal::bad_parameter("seqNum: neither text nor a number")),
    };
    let seq_num = SeqNum::try_from(text);
    let seq_num = seq_num.map_err(|error| Refusal::bad_parameter(format!("seqNum: {error}")))?;
    Ok(Some(seq_num))
}

#[cfg(test)]
mod tests;
