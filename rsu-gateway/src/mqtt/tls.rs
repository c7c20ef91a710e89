//! TLS towards the broker: whom to trust, who we are, and what to say when either is wrong.
//!
//! Without a CA file the authorities of the operating system vouch for brokers
//! (rustls-native-certs): they are kept up to date with it, and no list of them has to be
//! compiled into the program.

mod fault;
mod files;
mod verifier;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustls::client::WebPkiServerVerifier;
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use x509_cert::der::Decode;

pub use fault::CertificateFault;
pub(super) use files::Contents;

use verifier::NamedVerifier;

/// How `mqtts://` brokers are told from others, and how the unit proves who it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsSettings {
    /// PEM file with the certificates of the authorities that vouch for brokers; `None` for
    /// those of the operating system.
    pub ca_file: Option<PathBuf>,
    /// The unit's own certificate, for brokers that ask for one.
    pub client: Option<ClientIdentity>,
    /// Name that the broker's certificate must be for, where it is not the host of the URL.
    pub server_name: Option<String>,
    /// How often the files are read again while connected. A valid new certificate is used
    /// at once, through a graceful reconnect; an invalid one changes nothing and is reported.
    pub check_interval: Duration,
}

/// The files of the unit's own certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientIdentity {
    /// PEM file with the unit's certificate, followed by those of intermediate authorities.
    pub cert_file: PathBuf,
    /// PEM file with its private key: PKCS #8, PKCS #1 or SEC 1, not encrypted.
    pub key_file: PathBuf,
}

/// A TLS setting that cannot work.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum TlsSettingsError {
    #[error("server_name: {0:?} is no valid host name or address")]
    InvalidServerName(String),
    #[error("check_interval must be above zero")]
    NoCheckInterval,
}

impl Default for TlsSettings {
    fn default() -> Self {
        Self {
            ca_file: None,
            client: None,
            server_name: None,
            check_interval: Duration::from_secs(5),
        }
    }
}

impl TlsSettings {
    pub(super) fn check(&self) -> Result<(), TlsSettingsError> {
        if self.check_interval.is_zero() {
            return Err(TlsSettingsError::NoCheckInterval);
        }
        self.server_name().map(drop)
    }

    fn server_name(&self) -> Result<Option<ServerName<'static>>, TlsSettingsError> {
        let Some(name) = &self.server_name else {
            return Ok(None);
        };
        let invalid = |_| TlsSettingsError::InvalidServerName(name.clone());
        ServerName::try_from(name.clone())
            .map(Some)
            .map_err(invalid)
    }
}

/// What the files amount to, and the best that they ever amounted to.
#[derive(Debug, Default)]
pub(super) struct Credentials {
    loaded: Option<Loaded>,
    seen: Option<Contents>,
    fault: Option<CertificateFault>,
}

#[derive(Debug)]
struct Loaded {
    config: Arc<ClientConfig>,
    own: Option<Validity>,
}

/// When a certificate is valid, seconds since 1970.
#[derive(Debug, Clone, Copy)]
struct Validity {
    not_before_s: u64,
    not_after_s: u64,
}

/// What new contents of the files meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Offer {
    /// The files are as they were.
    Unchanged,
    /// A connection made now would use other certificates.
    Taken,
    /// The files are wrong; what was taken before stays.
    Refused,
}

impl Credentials {
    /// Takes the contents in, if they are of use.
    pub(super) fn offer(&mut self, settings: &TlsSettings, contents: Contents) -> Offer {
        if self.seen.as_ref() == Some(&contents) {
            return Offer::Unchanged;
        }
        let loaded = load(settings, &contents);
        self.seen = Some(contents);
        let present = self.loaded.as_ref();
        let serves = |loaded: &Loaded| validity_fault(settings, loaded.own).is_none();
        match loaded {
            Ok(new) if serves(&new) || !present.is_some_and(serves) => {
                self.loaded = Some(new);
                self.fault = None;
                Offer::Taken
            }
            Ok(new) => {
                self.fault = validity_fault(settings, new.own);
                Offer::Refused
            }
            Err(fault) => {
                self.fault = Some(fault);
                Offer::Refused
            }
        }
    }

    /// What a connection uses.
    pub(super) fn config(&self) -> Result<Arc<ClientConfig>, CertificateFault> {
        match (&self.loaded, &self.fault) {
            (Some(loaded), _) => Ok(loaded.config.clone()),
            (None, Some(fault)) => Err(fault.clone()),
            (None, None) => Err(CertificateFault::NotLoaded),
        }
    }

    /// What is wrong with the files or with the own certificate now.
    pub(super) fn fault(&self, settings: &TlsSettings) -> Option<CertificateFault> {
        let own = self.loaded.as_ref().and_then(|loaded| loaded.own);
        self.fault.clone().or_else(|| validity_fault(settings, own))
    }

    /// For how long the own certificate is still valid, whole days; negative when it is not.
    pub(super) fn days_left(&self) -> Option<i64> {
        const DAY_S: i64 = 86_400;
        let not_after_s = self.loaded.as_ref()?.own?.not_after_s;
        Some(
            not_after_s
                .cast_signed()
                .saturating_sub(now_s().cast_signed())
                .div_euclid(DAY_S),
        )
    }
}

/// An own certificate outside of its time is used nevertheless: own clock may be wrong, and it is
/// for the broker to judge.
fn validity_fault(settings: &TlsSettings, own: Option<Validity>) -> Option<CertificateFault> {
    let (file, own, now_s) = (&settings.client.as_ref()?.cert_file, own?, now_s());
    let file = file.clone();
    if now_s > own.not_after_s {
        let not_after_s = own.not_after_s;
        return Some(CertificateFault::OwnExpired {
            file,
            not_after_s,
            now_s,
        });
    }
    if now_s < own.not_before_s {
        let not_before_s = own.not_before_s;
        return Some(CertificateFault::OwnNotYetValid {
            file,
            not_before_s,
            now_s,
        });
    }
    None
}

fn load(settings: &TlsSettings, contents: &Contents) -> Result<Loaded, CertificateFault> {
    let provider = Arc::new(ring::default_provider());
    let broken = |error: rustls::Error| CertificateFault::Tls(error.to_string());
    let roots = Arc::new(roots(contents)?);
    let web_pki = WebPkiServerVerifier::builder_with_provider(roots.clone(), provider.clone())
        .build()
        .map_err(|error| CertificateFault::Tls(error.to_string()))?;
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(broken)?;
    let name = settings.server_name().ok().flatten();
    let builder = match name {
        Some(name) => builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(NamedVerifier { name, web_pki })),
        None => builder.with_webpki_verifier(web_pki),
    };
    let Some((cert_file, key_file)) = &contents.client else {
        let config = Arc::new(builder.with_no_client_auth());
        return Ok(Loaded { config, own: None });
    };
    let chain = cert_file.certificates()?;
    let own = chain.first().and_then(validity);
    let own = own.ok_or_else(|| CertificateFault::Malformed {
        file: cert_file.path.clone(),
    })?;
    let config = builder
        .with_client_auth_cert(chain, key_file.key()?)
        .map_err(|error| match error {
            rustls::Error::InconsistentKeys(_) => CertificateFault::KeyMismatch {
                cert_file: cert_file.path.clone(),
                key_file: key_file.path.clone(),
            },
            error => CertificateFault::UnusableKey {
                file: key_file.path.clone(),
                error: error.to_string(),
            },
        })?;
    Ok(Loaded {
        config: Arc::new(config),
        own: Some(own),
    })
}

fn roots(contents: &Contents) -> Result<RootCertStore, CertificateFault> {
    let mut roots = RootCertStore::empty();
    if let Some(file) = &contents.ca {
        for certificate in file.certificates()? {
            roots
                .add(certificate)
                .map_err(|_| CertificateFault::Malformed {
                    file: file.path.clone(),
                })?;
        }
        return Ok(roots);
    }
    let system = rustls_native_certs::load_native_certs();
    roots.add_parsable_certificates(system.certs);
    if roots.is_empty() {
        let errors: Vec<String> = system.errors.iter().map(ToString::to_string).collect();
        return Err(CertificateFault::NoSystemRoots(errors.join("; ")));
    }
    Ok(roots)
}

fn validity(certificate: &CertificateDer<'_>) -> Option<Validity> {
    let certificate = x509_cert::Certificate::from_der(certificate).ok()?;
    let validity = certificate.tbs_certificate.validity;
    Some(Validity {
        not_before_s: validity.not_before.to_unix_duration().as_secs(),
        not_after_s: validity.not_after.to_unix_duration().as_secs(),
    })
}

fn now_s() -> u64 {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH);
    since_1970.unwrap_or_default().as_secs()
}
