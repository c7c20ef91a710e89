//! Each way a certificate can be wrong, in words that tell what to do.

use std::path::PathBuf;

use rustls::AlertDescription as Alert;
use rustls::CertificateError as Invalid;
use rustls::pki_types::UnixTime;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// What is wrong with a certificate, the broker's or our own. Times are seconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum CertificateFault {
    #[error("the certificate files have not been read yet")]
    NotLoaded,
    #[error("{}: {error}", file.display())]
    Unreadable { file: PathBuf, error: String },
    #[error("{}: not a PEM file: no \"-----BEGIN\" line in it", file.display())]
    NotPem { file: PathBuf },
    #[error("{}: holds no certificate", file.display())]
    NoCertificate { file: PathBuf },
    #[error("{}: holds no private key that can be read (it must not be encrypted)", file.display())]
    NoKey { file: PathBuf },
    #[error("{}: a certificate in it is malformed", file.display())]
    Malformed { file: PathBuf },
    #[error("{}: the private key cannot be used: {error}", file.display())]
    UnusableKey { file: PathBuf, error: String },
    #[error(
        "{}: this private key does not belong to the certificate in {}",
        key_file.display(), cert_file.display()
    )]
    KeyMismatch {
        cert_file: PathBuf,
        key_file: PathBuf,
    },
    #[error(
        "{}: our certificate expired at {} (own clock: {})",
        file.display(), utc(*not_after_s), utc(*now_s)
    )]
    OwnExpired {
        file: PathBuf,
        not_after_s: u64,
        now_s: u64,
    },
    #[error(
        "{}: our certificate is valid only from {} (own clock: {}, is it right?)",
        file.display(), utc(*not_before_s), utc(*now_s)
    )]
    OwnNotYetValid {
        file: PathBuf,
        not_before_s: u64,
        now_s: u64,
    },
    #[error("the operating system has no certificates of authorities ({0}): set ca_file")]
    NoSystemRoots(String),
    #[error(
        "the broker's certificate expired at {} (own clock: {}, is it right?)",
        utc(*not_after_s), utc(*now_s)
    )]
    BrokerExpired { not_after_s: u64, now_s: u64 },
    #[error(
        "the broker's certificate is valid only from {} (own clock: {}, is it right?)",
        utc(*not_before_s), utc(*now_s)
    )]
    BrokerNotYetValid { not_before_s: u64, now_s: u64 },
    #[error("no authority that we trust vouches for the broker's certificate: check ca_file")]
    UnknownAuthority,
    #[error("the broker's certificate is for {presented}, not for {expected}")]
    WrongName { expected: String, presented: String },
    #[error("the broker's certificate is not valid: {0}")]
    BrokerInvalid(String),
    #[error("the broker asks for a client certificate: set cert_file and key_file")]
    ClientCertificateDemanded,
    #[error("the broker refuses our certificate ({0})")]
    ClientCertificateRefused(&'static str),
    #[error("the broker speaks no TLS on this port: check the port, or use mqtt://")]
    NotTls,
    #[error(
        "the broker closed the connection during the TLS handshake: it may refuse our \
         certificate, or speak no TLS on this port"
    )]
    ClosedInHandshake,
    #[error("TLS: {0}")]
    Tls(String),
}

impl CertificateFault {
    /// What an error of the TLS library means. `has_own` tells whether we present a certificate.
    pub(in crate::mqtt) fn of(error: &rustls::Error, has_own: bool) -> Self {
        match error {
            rustls::Error::InvalidCertificate(invalid) => Self::of_broker(invalid),
            rustls::Error::AlertReceived(alert) => match (alert, has_own) {
                (Alert::CertificateRequired, _) | (Alert::HandshakeFailure, false) => {
                    Self::ClientCertificateDemanded
                }
                (Alert::BadCertificate, true) => Self::ClientCertificateRefused("bad certificate"),
                (Alert::UnsupportedCertificate, true) => {
                    Self::ClientCertificateRefused("unsupported certificate")
                }
                (Alert::CertificateRevoked, true) => Self::ClientCertificateRefused("revoked"),
                (Alert::CertificateExpired, true) => Self::ClientCertificateRefused("expired"),
                (Alert::UnknownCA, true) => Self::ClientCertificateRefused("unknown authority"),
                (Alert::CertificateUnknown, true) => {
                    Self::ClientCertificateRefused("certificate unknown")
                }
                (Alert::AccessDenied, true) => Self::ClientCertificateRefused("access denied"),
                (Alert::DecryptError, true) => Self::ClientCertificateRefused("decrypt error"),
                _ => Self::Tls(error.to_string()),
            },
            rustls::Error::InvalidMessage(_) => Self::NotTls,
            _ => Self::Tls(error.to_string()),
        }
    }

    fn of_broker(invalid: &Invalid) -> Self {
        let seconds = UnixTime::as_secs;
        match invalid {
            Invalid::ExpiredContext { time, not_after } => Self::BrokerExpired {
                not_after_s: seconds(not_after),
                now_s: seconds(time),
            },
            Invalid::NotValidYetContext { time, not_before } => Self::BrokerNotYetValid {
                not_before_s: seconds(not_before),
                now_s: seconds(time),
            },
            Invalid::UnknownIssuer => Self::UnknownAuthority,
            Invalid::NotValidForNameContext {
                expected,
                presented,
            } => Self::WrongName {
                expected: expected.to_str().into_owned(),
                presented: match presented.as_slice() {
                    [] => "no name at all".to_owned(),
                    names => names.join(", "),
                },
            },
            other => Self::BrokerInvalid(other.to_string()),
        }
    }
}

fn utc(seconds: u64) -> String {
    let time = OffsetDateTime::from_unix_timestamp(seconds.cast_signed());
    let text = time.ok().and_then(|time| time.format(&Rfc3339).ok());
    text.unwrap_or_else(|| format!("{seconds} s after 1970"))
}
