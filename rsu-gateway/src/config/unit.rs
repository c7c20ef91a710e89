//! `[unit]` and `[radio]`: who the unit is, and where its radio delivers.

use std::net::SocketAddr;

use rsu_firmware::network::{self, Adaptation};
use rsu_firmware::rsu;
use rsu_firmware::uper::Profile;
use serde::Deserialize;

use super::value::{Parsed, Within, WithinFloat};
use crate::platform::{RsuId, Unit, UnitPosition};

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UnitSection {
    pub(super) id: Parsed<RsuId>,
    esn: String,
    #[serde(default)]
    name: String,
    hardware_version: Option<String>,
    region_id: Option<String>,
    #[serde(default)]
    map_slice: String,
    longitude_deg: Option<WithinFloat<-180, 180>>,
    latitude_deg: Option<WithinFloat<-90, 90>>,
    altitude_m: Option<WithinFloat<-500, 9_000>>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RadioSection {
    pub(super) listen: SocketAddr,
    #[serde(default)]
    profile: ProfileName,
    #[serde(default = "super::yes")]
    adaptation_byte: bool,
    #[serde(default = "payload_bytes_max")]
    payload_bytes_max: Within<1, 65_535>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
enum ProfileName {
    #[default]
    #[serde(rename = "ydt3709-2020")]
    Ydt3709_2020,
    #[serde(rename = "tcsae53-2019")]
    Tcsae53_2019,
}

impl UnitSection {
    pub(super) fn contradiction(&self) -> Option<&'static str> {
        let is_half = self.longitude_deg.is_some() != self.latitude_deg.is_some();
        is_half.then_some("unit.longitude_deg and unit.latitude_deg go together")
    }

    pub(super) fn hardware_version(&self) -> Option<&str> {
        self.hardware_version.as_deref()
    }

    pub(super) fn to_unit(&self) -> Unit {
        let position = self.longitude_deg.as_ref().zip(self.latitude_deg.as_ref());
        Unit {
            esn: self.esn.clone(),
            name: self.name.clone(),
            hardware_version: self.hardware_version.clone(),
            region_id: self.region_id.clone(),
            map_slice: self.map_slice.clone(),
            position: position.map(|(longitude, latitude)| UnitPosition {
                longitude_deg: longitude.0,
                latitude_deg: latitude.0,
                altitude_m: self.altitude_m.as_ref().map(|altitude| altitude.0),
            }),
            ..Unit::named(self.id.0.clone())
        }
    }
}

impl RadioSection {
    pub(super) fn to_settings(&self) -> rsu::Settings {
        rsu::Settings {
            profile: self.profile(),
            adaptation: if self.adaptation_byte {
                Adaptation::Present
            } else {
                Adaptation::Absent
            },
            payload_length_max: self.payload_bytes_max.size(),
        }
    }

    pub(super) fn profile(&self) -> Profile {
        match self.profile {
            ProfileName::Ydt3709_2020 => Profile::Ydt3709_2020,
            ProfileName::Tcsae53_2019 => Profile::Tcsae53_2019,
        }
    }
}

fn payload_bytes_max() -> Within<1, 65_535> {
    Within(network::DSM_LENGTH_MAX as i64)
}
