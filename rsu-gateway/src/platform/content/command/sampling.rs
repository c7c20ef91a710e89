//! V2X.RSU.CONFIG.DOWN.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::lenient::{Lenient, OfInteger};
use crate::downlink::SamplingChange;
use crate::platform::sampling::{Limit, Rate, SampleMode};

/// What is left out stays as it is.
#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub(super) struct ConfigDown {
    bsm_config: Option<BsmDown>,
    #[serde(default, rename = "rsiConfig")]
    _rsi_config: Option<RsiDown>,
    spat_config: Option<StreamDown>,
    rsm_config: Option<StreamDown>,
    #[serde(alias = "mapconfig")]
    map_config: Option<StreamDown>,
}

#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "BsmConfigDown"))]
#[serde(rename_all = "camelCase")]
struct BsmDown {
    sample_mode: Option<SampleMode>,
    sample_rate: Option<Lenient<Rate>>,
    up_limit: Option<Lenient<Rate>>,
    #[serde(default, rename = "upFilters")]
    #[cfg_attr(
        test,
        schemars(schema_with = "crate::platform::content::schema::empty")
    )]
    _up_filters: NoFilters,
}

#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "RsiConfigDown"))]
struct RsiDown {
    #[serde(default, rename = "upFilters")]
    #[cfg_attr(
        test,
        schemars(schema_with = "crate::platform::content::schema::empty")
    )]
    _up_filters: NoFilters,
}

#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "StreamConfigDown"))]
#[serde(rename_all = "camelCase")]
struct StreamDown {
    up_limit: Option<Lenient<Limit>>,
    #[serde(default, rename = "upFilters")]
    #[cfg_attr(
        test,
        schemars(schema_with = "crate::platform::content::schema::empty")
    )]
    _up_filters: NoFilters,
}

impl From<ConfigDown> for SamplingChange {
    fn from(config: ConfigDown) -> Self {
        let up = |stream: Option<StreamDown>| Some(stream?.up_limit?.0);
        let bsm = config.bsm_config;
        let bsm = bsm.as_ref();
        Self {
            bsm_mode: bsm.and_then(|bsm| bsm.sample_mode),
            bsm_rate: bsm.and_then(|bsm| Some(bsm.sample_rate?.0)),
            bsm_up_limit: bsm.and_then(|bsm| Some(bsm.up_limit?.0)),
            map_up: up(config.map_config),
            spat_up: up(config.spat_config),
            rsm_up: up(config.rsm_config),
        }
    }
}

impl OfInteger for Rate {
    fn of_integer(number: i64) -> Result<Self, String> {
        Self::try_from(number).map_err(|error| error.to_string())
    }
}

impl OfInteger for Limit {
    fn of_integer(number: i64) -> Result<Self, String> {
        Self::try_from(number).map_err(|error| error.to_string())
    }
}

/// `upFilters`, of which the draft does not say what a condition may refer to: only "no filters"
/// can be taken at its word. Everything else is refused, since to report what was filtered out, or
/// to withhold what was not, would both be wrong.
#[derive(Default)]
struct NoFilters;

impl<'de> Deserialize<'de> for NoFilters {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NoFiltersVisitor)
    }
}

struct NoFiltersVisitor;

impl NoFiltersVisitor {
    fn unless<E: Error>(is_filtered: bool) -> Result<NoFilters, E> {
        match is_filtered {
            false => Ok(NoFilters),
            true => Err(E::custom("filters are not supported")),
        }
    }
}

impl<'de> Visitor<'de> for NoFiltersVisitor {
    type Value = NoFilters;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an empty list")
    }

    fn visit_unit<E: Error>(self) -> Result<NoFilters, E> {
        Ok(NoFilters)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<NoFilters, E> {
        Self::unless(!text.is_empty())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<NoFilters, A::Error> {
        Self::unless(list.next_element::<serde::de::IgnoredAny>()?.is_some())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<NoFilters, A::Error> {
        Self::unless(object.next_key::<serde::de::IgnoredAny>()?.is_some())
    }
}
