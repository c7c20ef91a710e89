//! What an uplink is told before it starts.

use std::time::Duration;

use super::address::BrokerAddress;
use super::publish::{Publish, Refusal, STRING_BYTES_MAX};
use super::shared::TooManyOutboxes;
use super::tls::{TlsSettings, TlsSettingsError};

/// How to reach the broker and how much to entrust to the connection.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where the brokers are, in order of preference: 1 to [`Settings::BROKERS_MAX`]. The next
    /// one is tried after a failed attempt.
    pub brokers: Vec<BrokerAddress>,
    /// How `mqtts://` brokers are told from others, and how the unit proves who it is.
    pub tls: TlsSettings,
    /// Connected to a less preferred broker: how often to look whether a preferred one is back.
    pub return_interval: Duration,
    /// Client identifier; unique at the broker.
    pub client_id: String,
    /// The broker forgets subscriptions and waiting commands when the connection ends.
    pub clean_session: bool,
    /// Quiet time after which the broker is asked whether it is still there: whole seconds,
    /// 1 s to 18 h. A half-open link is noticed after two of them.
    pub keep_alive: Duration,
    /// Longest time for name look-up, TCP and CONNACK together, and for one write to make
    /// progress, rounded up to seconds there.
    pub connect_timeout: Duration,
    /// Longest time that the oldest QoS 1 publish may wait for its PUBACK.
    pub ack_timeout: Duration,
    /// First wait before connecting again; doubles with every failure.
    pub reconnect_delay_min: Duration,
    /// Longest wait before connecting again.
    pub reconnect_delay_max: Duration,
    /// Most QoS 1 publishes under way, 1 to [`Settings::WINDOW_MAX`].
    pub window: u16,
    /// Most payload and topic bytes a second of records that waited in an outbox when the
    /// connection was made; `None` for no limit.
    pub backfill_bytes_per_second_max: Option<u64>,
    /// Most bytes of such records under way: what a live publish may have to wait behind.
    /// One record goes even when it is larger.
    pub backfill_in_flight_bytes_max: usize,
    /// Largest packet sent, bytes; larger ones are refused at the door.
    pub packet_bytes_max: usize,
    /// Largest payload received, bytes, at most [`Settings::RECEIVED_BYTES_MAX`]; larger ones
    /// are acknowledged and dropped.
    pub received_bytes_max: usize,
    /// Received publishes that may wait for their reader.
    pub received_queue_max: usize,
    /// Bytes of received publishes that may be held, from their arrival until they are
    /// acknowledged. Beyond either limit what came at QoS 0 is dropped, and at QoS 1 the
    /// connection is ended: a broker that has a session brings it again.
    pub received_queue_bytes_max: usize,
    /// Longest time that a stop may take to send what waits.
    pub flush_timeout: Duration,
    /// What the broker publishes, at QoS 1, when the connection dies without a farewell.
    pub last_will: Option<Publish>,
}

/// A setting that cannot work.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum SettingsError {
    #[error("{0} brokers are given, expected 1 to {max}", max = Settings::BROKERS_MAX)]
    BrokerCount(usize),
    #[error("{broker} is given twice")]
    BrokerTwice { broker: String },
    #[error(transparent)]
    Tls(#[from] TlsSettingsError),
    #[error(transparent)]
    TooManyOutboxes(#[from] TooManyOutboxes),
    #[error("client_id is longer than 65535 bytes or holds a NUL")]
    InvalidClientId,
    #[error("a persistent session (clean_session = false) needs a client_id")]
    PersistentSessionWithoutClientId,
    #[error("keep_alive must be whole seconds from 1 to 65535, is {0:?}")]
    InvalidKeepAlive(Duration),
    #[error("{name} must be above zero")]
    Zero { name: &'static str },
    #[error("reconnect_delay_min ({min:?}) is above reconnect_delay_max ({max:?})")]
    ReconnectDelaysSwapped { min: Duration, max: Duration },
    #[error("{name} must be at most {max}, is {value}")]
    TooLarge {
        name: &'static str,
        value: usize,
        max: usize,
    },
    #[error("last will: {0}")]
    InvalidLastWill(Refusal),
    #[error("{0:?} is no valid topic filter")]
    InvalidFilter(String),
    #[error("the topic filters do not fit in one packet of {max} bytes")]
    TooManyFilters { max: usize },
}

impl Settings {
    /// Most [`Settings::brokers`].
    pub const BROKERS_MAX: usize = 8;
    /// Upper limit of [`Settings::window`].
    pub const WINDOW_MAX: u16 = 1024;
    /// Upper limit of [`Settings::received_bytes_max`].
    pub const RECEIVED_BYTES_MAX: usize = 1 << 20;
    /// Upper limit of [`Settings::packet_bytes_max`]; MQTT itself allows 256 MiB.
    pub const PACKET_BYTES_MAX: usize = 16 << 20;

    /// Settings that serve a roadside unit behind a mobile network.
    pub fn new(broker: BrokerAddress, client_id: impl Into<String>) -> Self {
        Self {
            brokers: vec![broker],
            tls: TlsSettings::default(),
            return_interval: Duration::from_secs(300),
            client_id: client_id.into(),
            clean_session: true,
            keep_alive: Duration::from_secs(20),
            connect_timeout: Duration::from_secs(10),
            ack_timeout: Duration::from_secs(20),
            reconnect_delay_min: Duration::from_secs(1),
            reconnect_delay_max: Duration::from_secs(60),
            window: 64,
            backfill_bytes_per_second_max: Some(256 << 10),
            backfill_in_flight_bytes_max: 32 << 10,
            packet_bytes_max: 512 << 10,
            received_bytes_max: 256 << 10,
            received_queue_max: 16 << 10,
            received_queue_bytes_max: 8 << 20,
            flush_timeout: Duration::from_secs(3),
            last_will: None,
        }
    }

    pub(super) fn check(&self) -> Result<(), SettingsError> {
        self.check_brokers(&self.brokers)?;
        self.tls.check()?;
        if self.client_id.len() > STRING_BYTES_MAX || self.client_id.contains('\0') {
            return Err(SettingsError::InvalidClientId);
        }
        if self.client_id.is_empty() && !self.clean_session {
            return Err(SettingsError::PersistentSessionWithoutClientId);
        }
        let keep_alive_is_whole = self.keep_alive.subsec_nanos() == 0;
        if !keep_alive_is_whole || !(1..=65_535).contains(&self.keep_alive.as_secs()) {
            return Err(SettingsError::InvalidKeepAlive(self.keep_alive));
        }
        if self.reconnect_delay_min > self.reconnect_delay_max {
            return Err(SettingsError::ReconnectDelaysSwapped {
                min: self.reconnect_delay_min,
                max: self.reconnect_delay_max,
            });
        }
        for (name, is_zero) in [
            ("connect_timeout", self.connect_timeout.is_zero()),
            ("ack_timeout", self.ack_timeout.is_zero()),
            ("reconnect_delay_min", self.reconnect_delay_min.is_zero()),
            ("window", self.window == 0),
            ("received_queue_max", self.received_queue_max == 0),
            ("return_interval", self.return_interval.is_zero()),
            (
                "backfill_bytes_per_second_max",
                self.backfill_bytes_per_second_max == Some(0),
            ),
        ] {
            if is_zero {
                return Err(SettingsError::Zero { name });
            }
        }
        for (name, value, max) in [
            ("window", self.window.into(), Self::WINDOW_MAX.into()),
            (
                "packet_bytes_max",
                self.packet_bytes_max,
                Self::PACKET_BYTES_MAX,
            ),
            (
                "received_bytes_max",
                self.received_bytes_max,
                Self::RECEIVED_BYTES_MAX,
            ),
        ] {
            if value > max {
                return Err(SettingsError::TooLarge { name, value, max });
            }
        }
        if let Some(will) = &self.last_will {
            // In CONNECT the will's payload has the length field of a string.
            will.check(STRING_BYTES_MAX)
                .map_err(SettingsError::InvalidLastWill)?;
        }
        Ok(())
    }

    /// Whether these can be [`Settings::brokers`].
    pub(super) fn check_brokers(&self, brokers: &[BrokerAddress]) -> Result<(), SettingsError> {
        if !(1..=Self::BROKERS_MAX).contains(&brokers.len()) {
            return Err(SettingsError::BrokerCount(brokers.len()));
        }
        for (index, broker) in brokers.iter().enumerate() {
            let before = brokers.iter().take(index);
            if before
                .map(BrokerAddress::to_string)
                .any(|other| other == broker.to_string())
            {
                let broker = broker.to_string();
                return Err(SettingsError::BrokerTwice { broker });
            }
            let value = self.connect_packet_bytes(broker);
            let max = self.packet_bytes_max;
            if value > max {
                let name = "the CONNECT packet";
                return Err(SettingsError::TooLarge { name, value, max });
            }
        }
        Ok(())
    }

    fn connect_packet_bytes(&self, broker: &BrokerAddress) -> usize {
        let string = |bytes: usize| 2 + bytes;
        let header = 5 + 10 + string(self.client_id.len());
        let will = self.last_will.as_ref().map_or(0, |will| {
            string(will.topic.len()) + string(will.payload.len())
        });
        let login = broker.login.as_ref().map_or(0, |login| {
            string(login.username.len()) + string(login.password.len())
        });
        header + will + login
    }

    pub(super) fn check_filters(&self, filters: &[String]) -> Result<(), SettingsError> {
        let is_valid = |filter: &&String| {
            filter.len() <= STRING_BYTES_MAX
                && !filter.contains('\0')
                && rumqttc::valid_filter(filter)
        };
        if let Some(invalid) = filters.iter().find(|filter| !is_valid(filter)) {
            return Err(SettingsError::InvalidFilter(invalid.clone()));
        }
        let header = 5 + 2;
        let size: usize = filters.iter().map(|filter| 2 + filter.len() + 1).sum();
        if header + size > self.packet_bytes_max {
            return Err(SettingsError::TooManyFilters {
                max: self.packet_bytes_max,
            });
        }
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn settings() -> Settings {
        Settings::new("mqtt://broker".parse().unwrap(), "rsu")
    }

    fn error(change: impl FnOnce(&mut Settings)) -> SettingsError {
        let mut settings = settings();
        change(&mut settings);
        settings.check().unwrap_err()
    }

    #[test]
    fn the_defaults_work() {
        assert_eq!(settings().check(), Ok(()));
    }

    #[test]
    fn the_brokers_are_few_and_different() {
        let broker = |n: usize| format!("mqtt://broker-{n}").parse().unwrap();
        assert_eq!(error(|s| s.brokers.clear()), SettingsError::BrokerCount(0));
        assert_eq!(
            error(|s| s.brokers = (0..9).map(broker).collect()),
            SettingsError::BrokerCount(9)
        );
        let twice = "mqtt://broker-1:1883".to_owned();
        assert_eq!(
            error(|s| s.brokers = vec![broker(1), broker(2), broker(1)]),
            SettingsError::BrokerTwice { broker: twice }
        );
    }

    #[test]
    fn what_the_client_library_would_panic_over_is_an_error() {
        assert_eq!(
            error(|s| {
                s.client_id.clear();
                s.clean_session = false;
            }),
            SettingsError::PersistentSessionWithoutClientId
        );
        for keep_alive_ms in [0, 999, 1500, 65_536_000] {
            let keep_alive = Duration::from_millis(keep_alive_ms);
            assert_eq!(
                error(|s| s.keep_alive = keep_alive),
                SettingsError::InvalidKeepAlive(keep_alive)
            );
        }
        assert_eq!(
            error(|s| s.window = 0),
            SettingsError::Zero { name: "window" }
        );
        assert_eq!(
            error(|s| s.window = 2000),
            SettingsError::TooLarge {
                name: "window",
                value: 2000,
                max: 1024
            }
        );
    }

    #[test]
    fn a_will_that_does_not_fit_is_an_error() {
        let will = Publish::new("rsu/1/offline", vec![0; 70_000]);
        assert!(matches!(
            error(|s| s.last_will = Some(will)),
            SettingsError::InvalidLastWill(Refusal::TooLarge { .. })
        ));
    }

    #[test]
    fn a_packet_limit_too_small_for_connect_is_an_error() {
        assert!(matches!(
            error(|s| s.packet_bytes_max = 10),
            SettingsError::TooLarge {
                name: "the CONNECT packet",
                ..
            }
        ));
    }

    #[test]
    fn filters_are_checked() {
        let check = |filters: &[&str]| {
            let filters: Vec<String> = filters.iter().map(|&filter| filter.into()).collect();
            settings().check_filters(&filters)
        };
        assert_eq!(check(&["rsu/1/+/down", "rsu/1/#"]), Ok(()));
        let invalid = |filter: &str| Err(SettingsError::InvalidFilter(filter.to_owned()));
        for filter in ["", "a#", "a/#/b", "a/b+", "a\0"] {
            assert_eq!(check(&["a", filter]), invalid(filter));
        }
    }
}
