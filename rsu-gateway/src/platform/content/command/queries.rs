//! V2X.RSU.Log.UP (which goes down), V2X.RSU.INFOQuery, and our own query for kept records.

use serde::Deserialize;

use super::lenient::{Lenient, OfInteger};
use crate::downlink::{
    InformationInterval, InformationQuery, InformationSubject, LogUpload, RecordsQuery, Refusal,
};
use crate::platform::dialect::Class;

#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct LogDown {
    #[serde(rename = "uploadUrl")]
    upload_url: String,
    #[serde(rename = "UserId", alias = "userId")]
    user_id: Option<String>,
    password: Option<String>,
}

impl From<LogDown> for LogUpload {
    fn from(log: LogDown) -> Self {
        let user = log.user_id.filter(|user| !user.is_empty());
        Self {
            url: log.upload_url,
            login: user.map(|user| (user, log.password.unwrap_or_default())),
        }
    }
}

#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct InformationDown {
    #[serde(rename = "InfoId", alias = "infoId")]
    subject: Lenient<InformationSubject>,
    #[serde(rename = "Interval", alias = "interval")]
    interval: Option<Lenient<InformationInterval>>,
}

impl OfInteger for InformationSubject {
    fn of_integer(number: i64) -> Result<Self, String> {
        match number {
            0 => Ok(Self::RunningInformation),
            1 => Ok(Self::V2xStatistics),
            2 => Ok(Self::Devices),
            _ => Err(format!("{number} is not within 0..=2")),
        }
    }
}

impl OfInteger for InformationInterval {
    fn of_integer(number: i64) -> Result<Self, String> {
        match number {
            0 => Ok(Self::LastHour),
            1 => Ok(Self::LastDay),
            2 => Ok(Self::LastWeek),
            3 => Ok(Self::SinceStart),
            _ => Err(format!("{number} is not within 0..=3")),
        }
    }
}

impl From<InformationDown> for InformationQuery {
    fn from(query: InformationDown) -> Self {
        let interval = query.interval.map(|interval| interval.0);
        Self {
            subject: query.subject.0,
            interval: interval.unwrap_or(InformationInterval::SinceStart),
        }
    }
}

/// `{class, from, to}`: the numbers of the member `record` of what went up.
#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct RecordsDown {
    class: Class,
    from: Lenient<u64>,
    to: Lenient<u64>,
}

impl TryFrom<RecordsDown> for RecordsQuery {
    type Error = Refusal;

    fn try_from(query: RecordsDown) -> Result<Self, Refusal> {
        let RecordsDown { class, from, to } = query;
        if class == Class::Live {
            return Err(Refusal::bad_parameter("class: live records are not kept"));
        }
        if from.0 > to.0 {
            let text = format!("to: {} is below from, {}", to.0, from.0);
            return Err(Refusal::bad_parameter(text));
        }
        Ok(Self {
            class,
            from: from.0,
            to: to.0,
        })
    }
}
