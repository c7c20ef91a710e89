//! Why a connection could not be made or did not last.

use std::io;
use std::time::Duration;

use rumqttc::mqttbytes::Error as PacketError;
use rumqttc::{ConnectReturnCode, ConnectionError, StateError, TlsError};

use super::tls::CertificateFault;
use super::window::JoinError;

/// The kind of a failure, for alarms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fault {
    /// The host name has no address, or cannot be looked up.
    NameResolution,
    /// Nobody accepts the connection.
    Unreachable,
    /// The broker did not answer in time, or the link is dead.
    NoAnswer,
    /// The broker refuses the login or this client.
    NotAuthorized,
    /// A certificate, ours or the broker's, is wrong.
    Certificate,
    /// The broker is there and takes no clients now.
    Unavailable,
    /// What came is no MQTT 3.1.1, or not what it says now.
    Protocol,
    /// The broker lives and does not acknowledge.
    AckTimeout,
    /// More came down than can be held.
    Flooded,
    /// The broker ended the connection.
    Closed,
    /// The broker ends connection after connection, as it does when two clients have the same
    /// client id.
    TakenOver,
}

/// Why a connection is given up.
#[derive(Debug, thiserror::Error)]
pub(super) enum Lost {
    #[error("{host} cannot be resolved: {error}")]
    Name { host: String, error: io::Error },
    #[error("{0}")]
    Certificate(#[from] CertificateFault),
    #[error("{0}")]
    Client(#[source] Box<ConnectionError>),
    #[error("the broker refused the connection: {}", refusal(*.0))]
    Refused(ConnectReturnCode),
    #[error("the broker closed the connection")]
    Closed,
    #[error("the broker closed the connection before it answered{hint}")]
    ClosedUnanswered { hint: &'static str },
    #[error("the answer is no MQTT 3.1.1 ({error}){hint}")]
    NoMqtt {
        error: Box<ConnectionError>,
        hint: &'static str,
    },
    #[error("no connection within {0:?}")]
    ConnectTimeout(Duration),
    #[error("no acknowledgement for {0:?}")]
    AckTimeout(Duration),
    #[error("the client library waits for the acknowledgement of packet id {0}")]
    Jammed(u16),
    #[error(transparent)]
    Join(#[from] JoinError),
    #[error("more came down than can be held")]
    Flooded,
    #[error("the client library takes no more requests")]
    NoRequests,
}

/// What is known about a connection when it fails.
#[derive(Debug, Clone, Copy)]
pub(super) struct Circumstances {
    /// With TLS: whether we present a certificate.
    pub(super) tls: Option<bool>,
    /// CONNACK has come.
    pub(super) is_connected: bool,
}

impl Lost {
    /// What an error of the client library means.
    pub(super) fn of(error: ConnectionError, circumstances: Circumstances) -> Self {
        if let ConnectionError::ConnectionRefused(code) = error {
            return Self::Refused(code);
        }
        let Circumstances { tls, is_connected } = circumstances;
        if is_connected {
            return match is_closed(&error) {
                true => Self::Closed,
                false => Self::Client(Box::new(error)),
            };
        }
        let tls_error = io_error(&error).and_then(io::Error::get_ref);
        if let Some(has_own) = tls
            && let Some(tls_error) = tls_error.and_then(|e| e.downcast_ref::<rustls::Error>())
        {
            return CertificateFault::of(tls_error, has_own).into();
        }
        let is_handshake = matches!(error, ConnectionError::Tls(_));
        match (tls, is_closed(&error)) {
            (Some(_), true) if is_handshake => CertificateFault::ClosedInHandshake.into(),
            (Some(true), true) => Self::ClosedUnanswered {
                hint: ": it may refuse our certificate",
            },
            (Some(false), true) => Self::ClosedUnanswered {
                hint: ": it may ask for a client certificate",
            },
            (None, true) => Self::ClosedUnanswered {
                hint: ": it may expect TLS (mqtts://)",
            },
            (_, false) if is_no_mqtt(&error) => Self::NoMqtt {
                error: Box::new(error),
                hint: match tls {
                    Some(_) => "",
                    None => ": it may expect TLS (mqtts://)",
                },
            },
            (_, false) => Self::Client(Box::new(error)),
        }
    }

    pub(super) fn fault(&self) -> Fault {
        match self {
            Self::Name { .. } => Fault::NameResolution,
            Self::Certificate(_) => Fault::Certificate,
            Self::Refused(
                ConnectReturnCode::BadUserNamePassword
                | ConnectReturnCode::NotAuthorized
                | ConnectReturnCode::BadClientId,
            ) => Fault::NotAuthorized,
            Self::Refused(ConnectReturnCode::ServiceUnavailable) => Fault::Unavailable,
            Self::Closed | Self::ClosedUnanswered { .. } => Fault::Closed,
            Self::ConnectTimeout(_) => Fault::NoAnswer,
            Self::AckTimeout(_) => Fault::AckTimeout,
            Self::Flooded => Fault::Flooded,
            Self::Client(error) => match &**error {
                ConnectionError::NetworkTimeout
                | ConnectionError::FlushTimeout
                | ConnectionError::MqttState(StateError::AwaitPingResp) => Fault::NoAnswer,
                error if io_error(error).is_some() => Fault::Unreachable,
                _ => Fault::Protocol,
            },
            Self::Refused(_)
            | Self::NoMqtt { .. }
            | Self::Jammed(_)
            | Self::Join(_)
            | Self::NoRequests => Fault::Protocol,
        }
    }

    /// The broker sent a packet above the hard limit; it would send it again to this session.
    pub(super) fn is_oversize_packet(&self) -> bool {
        let Self::Client(error) = self else {
            return false;
        };
        let oversize =
            |error: &PacketError| matches!(error, PacketError::PayloadSizeLimitExceeded(_));
        matches!(&**error, ConnectionError::MqttState(StateError::Deserialization(e)) if oversize(e))
    }
}

fn refusal(code: ConnectReturnCode) -> &'static str {
    match code {
        ConnectReturnCode::Success => "no reason given",
        ConnectReturnCode::RefusedProtocolVersion => "it does not speak MQTT 3.1.1",
        ConnectReturnCode::BadClientId => "it does not accept the client id",
        ConnectReturnCode::ServiceUnavailable => "service unavailable",
        ConnectReturnCode::BadUserNamePassword => "bad user name or password",
        ConnectReturnCode::NotAuthorized => "not authorized",
    }
}

fn io_error(error: &ConnectionError) -> Option<&io::Error> {
    match error {
        ConnectionError::Io(error)
        | ConnectionError::Tls(TlsError::Io(error))
        | ConnectionError::MqttState(
            StateError::Io(error) | StateError::Deserialization(PacketError::Io(error)),
        ) => Some(error),
        _ => None,
    }
}

/// The other side ended the connection, as opposed to falling silent.
fn is_closed(error: &ConnectionError) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    let by_kind = |error: &io::Error| {
        matches!(
            error.kind(),
            UnexpectedEof | ConnectionReset | ConnectionAborted | BrokenPipe
        )
    };
    matches!(
        error,
        ConnectionError::MqttState(StateError::ConnectionAborted)
    ) || io_error(error).is_some_and(by_kind)
}

fn is_no_mqtt(error: &ConnectionError) -> bool {
    let by_state = |error: &StateError| !matches!(error, StateError::AwaitPingResp);
    match error {
        ConnectionError::NotConnAck(_) => true,
        ConnectionError::MqttState(error) => by_state(error),
        _ => false,
    }
}
