//! `[mqtt]` and `[mqtt.tls]`: how to reach the broker.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

use super::ConfigError;
use super::value::{Parsed, Within};
use crate::mqtt::{BrokerAddress, ClientIdentity, Login, Settings, TlsSettings};

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MqttSection {
    brokers: Vec<Parsed<BrokerAddress>>,
    client_id: Option<String>,
    username: Option<String>,
    password_file: Option<PathBuf>,
    #[serde(default)]
    tls: TlsSection,
    #[serde(default)]
    clean_session: bool,
    #[serde(default = "return_interval_s")]
    return_interval_s: Within<1, 86_400>,
    #[serde(default = "keep_alive_s")]
    keep_alive_s: Within<5, 300>,
    #[serde(default = "connect_timeout_s")]
    connect_timeout_s: Within<1, 120>,
    #[serde(default = "ack_timeout_s")]
    ack_timeout_s: Within<1, 300>,
    #[serde(default = "reconnect_delay_s_min")]
    reconnect_delay_s_min: Within<1, 3_600>,
    #[serde(default = "reconnect_delay_s_max")]
    reconnect_delay_s_max: Within<1, 3_600>,
    #[serde(default = "window")]
    window: Within<1, { Settings::WINDOW_MAX as i64 }>,
    #[serde(default = "packet_bytes_max")]
    packet_bytes_max: Within<4_096, { Settings::PACKET_BYTES_MAX as i64 }>,
    #[serde(default = "backfill_bytes_per_s_max")]
    backfill_bytes_per_s_max: Within<0, { 1 << 30 }>,
    #[serde(default = "backfill_in_flight_bytes_max")]
    backfill_in_flight_bytes_max: Within<1_024, { 16 << 20 }>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct TlsSection {
    ca_file: Option<PathBuf>,
    cert_file: Option<PathBuf>,
    key_file: Option<PathBuf>,
    server_name: Option<String>,
}

impl MqttSection {
    pub(super) fn contradiction(&self) -> Option<&'static str> {
        if self.password_file.is_some() && self.username.is_none() {
            return Some("mqtt.password_file needs mqtt.username");
        }
        let has_login = |broker: &Parsed<BrokerAddress>| broker.0.login.is_some();
        if self.username.is_some() && self.brokers.iter().any(has_login) {
            return Some("mqtt.brokers and mqtt.username both say who logs in");
        }
        if self.reconnect_delay_s_min.0 > self.reconnect_delay_s_max.0 {
            return Some("mqtt.reconnect_delay_s_min is above mqtt.reconnect_delay_s_max");
        }
        if self.tls.cert_file.is_some() != self.tls.key_file.is_some() {
            return Some("mqtt.tls.cert_file and mqtt.tls.key_file go together");
        }
        None
    }

    /// `client_id` is for those who do not name one.
    pub(super) fn to_settings(&self, client_id: String) -> Result<Settings, ConfigError> {
        let login = self.login()?;
        let brokers = self.brokers.iter().map(|Parsed(broker)| BrokerAddress {
            login: broker.login.clone().or(login.clone()),
            ..broker.clone()
        });
        let brokers: Vec<_> = brokers.collect();
        let first = brokers.first().cloned();
        let first = first.ok_or(ConfigError::Mqtt(crate::mqtt::SettingsError::BrokerCount(
            0,
        )))?;
        let seconds = |value: i64| Duration::from_secs(value.unsigned_abs());
        let backfill = self.backfill_bytes_per_s_max.0.unsigned_abs();
        Ok(Settings {
            brokers,
            tls: self.tls.to_settings(),
            return_interval: seconds(self.return_interval_s.0),
            clean_session: self.clean_session,
            keep_alive: seconds(self.keep_alive_s.0),
            connect_timeout: seconds(self.connect_timeout_s.0),
            ack_timeout: seconds(self.ack_timeout_s.0),
            reconnect_delay_min: seconds(self.reconnect_delay_s_min.0),
            reconnect_delay_max: seconds(self.reconnect_delay_s_max.0),
            window: u16::try_from(self.window.0).unwrap_or(Settings::WINDOW_MAX),
            packet_bytes_max: self.packet_bytes_max.size(),
            backfill_bytes_per_second_max: (backfill > 0).then_some(backfill),
            backfill_in_flight_bytes_max: self.backfill_in_flight_bytes_max.size(),
            ..Settings::new(first, self.client_id.clone().unwrap_or(client_id))
        })
    }

    fn login(&self) -> Result<Option<Login>, ConfigError> {
        let Some(username) = &self.username else {
            return Ok(None);
        };
        let password = match &self.password_file {
            None => String::new(),
            Some(path) => fs::read_to_string(path).map_err(|error| ConfigError::Password {
                path: path.clone(),
                error,
            })?,
        };
        Ok(Some(Login {
            username: username.clone(),
            password: password.trim_end_matches(['\r', '\n']).into(),
        }))
    }
}

impl TlsSection {
    fn to_settings(&self) -> TlsSettings {
        let identity = self.cert_file.clone().zip(self.key_file.clone());
        TlsSettings {
            ca_file: self.ca_file.clone(),
            client: identity.map(|(cert_file, key_file)| ClientIdentity {
                cert_file,
                key_file,
            }),
            server_name: self.server_name.clone(),
            ..TlsSettings::default()
        }
    }
}

super::value::defaults! {
    return_interval_s = 300;
    keep_alive_s = 20;
    connect_timeout_s = 10;
    ack_timeout_s = 20;
    reconnect_delay_s_min = 1;
    reconnect_delay_s_max = 60;
    window = 64;
    packet_bytes_max = 512 << 10;
    backfill_bytes_per_s_max = 256 << 10;
    backfill_in_flight_bytes_max = 32 << 10;
}
