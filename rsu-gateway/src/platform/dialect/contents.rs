//! The contents of T/ITS 0117 as JSON, which several contracts share.

use super::topics::Subject;
use super::{Form, Report, Unwritable};
use crate::downlink::{Downlink, Unreadable};
use crate::platform::content;

/// Appends the content of `report` to `payload`: JSON, but for BSMs, which are a binary list.
pub(super) fn write(report: &Report<'_>, payload: &mut Vec<u8>) -> Result<Form, Unwritable> {
    match report {
        Report::Info(info) => serde_json::to_writer(payload, info)?,
        Report::BasicStatus(status) => serde_json::to_writer(payload, status)?,
        Report::Heartbeat(heartbeat) => serde_json::to_writer(payload, heartbeat)?,
        Report::RunningInformation(info) => serde_json::to_writer(payload, info)?,
        Report::Map(map) => serde_json::to_writer(payload, &content::MapUp::from(map))?,
        Report::Spat(spat) => {
            serde_json::to_writer(payload, &content::SpatUp::from(spat.message))?;
        }
        Report::Bsm(batch) => {
            batch.write(payload);
            return Ok(Form::Complete);
        }
        Report::Rsm(rsm) => serde_json::to_writer(payload, &content::RsmUp::from(rsm.message))?,
        Report::Rsi(rsi) => serde_json::to_writer(payload, &content::RsiUp::from(rsi))?,
        Report::Junction(snapshot) => {
            serde_json::to_writer(payload, snapshot)?;
            return Ok(Form::Complete);
        }
        Report::Answer(answer) => {
            serde_json::to_writer(payload, &content::AnswerContent::from(*answer))?;
        }
        Report::Versions(versions) => serde_json::to_writer(payload, versions)?,
        Report::Information(response) => serde_json::to_writer(payload, response)?,
        Report::Broadcast(status) => serde_json::to_writer(payload, status)?,
        Report::Traffic(traffic) => serde_json::to_writer(payload, traffic)?,
        Report::Alarm(alarm) => serde_json::to_writer(payload, alarm)?,
        Report::Gap(gap) => serde_json::to_writer(payload, gap)?,
        Report::Presence(presence) => serde_json::to_writer(payload, presence)?,
        Report::Upgrade(status) => serde_json::to_writer(payload, status)?,
    }
    Ok(Form::Object)
}

/// Reads a command or an acknowledgement.
pub(super) fn read(subject: Subject, payload: &[u8]) -> Result<Downlink, Unreadable> {
    match subject {
        Subject::Command(kind) => content::read_command(kind, payload),
        Subject::Acknowledgement(stream) => content::read_acknowledgement(stream, payload),
    }
}
