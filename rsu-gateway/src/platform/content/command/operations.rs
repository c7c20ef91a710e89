//! V2X.RSU.MNG.DOWN.

use rsu_firmware::time::Span;
use serde::Deserialize;
use serde_json::Value;

use super::lenient::{Lenient, OfInteger};
use super::utc;
use crate::downlink::{AddressChange, LogLevel, Operations};

/// What is left out stays as it is.
#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct OperationsDown {
    #[serde(rename = "HBRate", alias = "hbRate")]
    heartbeat: Option<Lenient<Seconds>>,
    #[serde(rename = "RunningInfoRate", alias = "runningInfoRate")]
    running_information: Option<Lenient<Seconds>>,
    #[serde(rename = "logLevel")]
    log_level: Option<Level>,
    reboot: Option<Lenient<bool>>,
    #[serde(rename = "addressChg")]
    address_change: Option<AddressDown>,
    #[serde(rename = "extendConfig", default, deserialize_with = "nothing")]
    #[cfg_attr(
        test,
        schemars(schema_with = "crate::platform::content::schema::empty")
    )]
    _extension: (),
}

/// 0 off, else the interval.
struct Seconds(i64);

/// Most seconds between two reports: a day.
const SECONDS_MAX: i64 = 86_400;

impl OfInteger for Seconds {
    fn of_integer(number: i64) -> Result<Self, String> {
        match number {
            0..=SECONDS_MAX => Ok(Self(number)),
            _ => Err(format!("{number} is not within 0..={SECONDS_MAX} s")),
        }
    }
}

#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "LogLevelDown"))]
enum Level {
    #[serde(rename = "DEBUG")]
    Debug,
    #[serde(rename = "INFO")]
    Info,
    #[serde(rename = "WARN")]
    Warn,
    #[serde(rename = "ERROR")]
    Error,
    #[serde(rename = "NOLog")]
    NoLog,
}

#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct AddressDown {
    #[serde(rename = "cssUrl")]
    css_url: String,
    /// 0 now, else when.
    time: Option<Lenient<u64>>,
}

impl From<OperationsDown> for Operations {
    fn from(operations: OperationsDown) -> Self {
        let interval = |seconds: Option<Lenient<Seconds>>| {
            seconds.map(|Lenient(Seconds(seconds))| Span::from_millis(seconds * 1_000))
        };
        // A form that was left empty changes nothing.
        let address = operations.address_change;
        let address = address.filter(|address| !address.css_url.is_empty());
        Self {
            heartbeat_interval: interval(operations.heartbeat),
            running_information_interval: interval(operations.running_information),
            log_level: operations.log_level.map(LogLevel::from),
            reboot: operations.reboot.is_some_and(|reboot| reboot.0),
            address_change: address.map(AddressChange::from),
        }
    }
}

impl From<Level> for LogLevel {
    fn from(level: Level) -> Self {
        match level {
            Level::Debug => Self::Debug,
            Level::Info => Self::Info,
            Level::Warn => Self::Warn,
            Level::Error => Self::Error,
            Level::NoLog => Self::Off,
        }
    }
}

impl From<AddressDown> for AddressChange {
    fn from(address: AddressDown) -> Self {
        Self {
            url: address.css_url,
            at_ms: utc::millis(address.time),
        }
    }
}

/// What the draft leaves to the manufacturer; this one has nothing there.
fn nothing<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    let is_empty = match Value::deserialize(deserializer)? {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(object) => object.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    };
    match is_empty {
        true => Ok(()),
        false => Err(serde::de::Error::custom("not supported")),
    }
}
