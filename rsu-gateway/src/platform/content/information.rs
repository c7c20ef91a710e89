//! V2X.RSU.INFOQuery.Response: an answer to a question about the unit.

use serde::Serialize;

use super::Header;
use crate::downlink::InformationSubject;
use crate::health::system::SystemSample;

/// The answer to one question.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct InformationResponse<'a> {
    /// Who and when; `seqNum` is that of the question.
    #[serde(flatten)]
    pub header: Header<'a>,
    /// What the question was about: 0 running information, 1 V2X statistics, 2 devices.
    #[serde(rename = "Infotype")]
    pub info_type: u8,
    /// The answer.
    #[serde(rename = "InfoValue")]
    pub info_value: InformationValue<'a>,
}

/// What was asked for.
#[derive(Clone, Copy, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum InformationValue<'a> {
    /// How the machine is doing.
    RunningInformation(&'a SystemSample),
    /// How many messages of each kind were received.
    V2xStatistics(MessageTotals),
    /// The devices that the unit is made of.
    Devices(&'a [DeviceStatus<'a>]),
}

/// Messages received, by kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "UPPERCASE")]
#[allow(missing_docs, reason = "the names say it")]
pub struct MessageTotals {
    pub rsi: u64,
    pub map: u64,
    pub rsm: u64,
    pub spat: u64,
    pub bsm: u64,
}

/// One device of the unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct DeviceStatus<'a> {
    /// Its name within the unit.
    #[serde(rename = "deviceId")]
    pub device_id: &'a str,
    /// What it is.
    #[serde(rename = "devicetype")]
    pub device_type: &'a str,
    /// How it is; a list of one, as in the draft.
    #[serde(rename = "Status")]
    pub status: [DeviceState; 1],
}

/// How a device is, as far as it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct DeviceState {
    /// 1 working, 2 offline, 3 starting anew.
    pub run_status: u8,
    /// 1 off, 2 on, 3 data is good, 4 data is bad.
    pub network_status: u8,
}

impl<'a> InformationResponse<'a> {
    /// The answer to a question about `subject`.
    pub fn new(
        header: Header<'a>,
        subject: InformationSubject,
        info_value: InformationValue<'a>,
    ) -> Self {
        let info_type = match subject {
            InformationSubject::RunningInformation => 0,
            InformationSubject::V2xStatistics => 1,
            InformationSubject::Devices => 2,
        };
        Self {
            header,
            info_type,
            info_value,
        }
    }
}
