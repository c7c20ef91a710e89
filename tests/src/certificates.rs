//! An authority of our own, and certificates that are right or wrong in a certain way.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
};

const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);

/// An authority that vouches for certificates.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

/// A certificate and its key, as PEM.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The certificate.
    pub cert: String,
    /// Its private key.
    pub key: String,
}

/// When a certificate is valid, in days from now; it ends an hour earlier, so that the whole days
/// left are the same throughout a test.
#[derive(Debug, Clone, Copy)]
pub struct ValidDays(pub i64, pub i64);

/// For a year, since yesterday.
pub const VALID: ValidDays = ValidDays(-1, 364);
/// Until yesterday.
pub const EXPIRED: ValidDays = ValidDays(-30, -1);
/// From tomorrow.
pub const NOT_YET_VALID: ValidDays = ValidDays(1, 30);

impl Authority {
    /// A new authority.
    ///
    /// # Panics
    /// Never, with the names that tests use.
    pub fn new(name: &str) -> Self {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key).expect("a certificate").pem();
        Self {
            issuer: Issuer::new(params, key),
            pem,
        }
    }

    /// Its own certificate, as PEM.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// A certificate for the host or client `name`.
    ///
    /// # Panics
    /// When `name` is no host name or address.
    pub fn issue(&self, name: &str, ValidDays(from, until): ValidDays) -> Identity {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new([name.to_owned()]).expect("a host name");
        params.distinguished_name.push(DnType::CommonName, name);
        params.extended_key_usages = vec![
            ExtendedKeyUsagePurpose::ServerAuth,
            ExtendedKeyUsagePurpose::ClientAuth,
        ];
        params.not_before = in_days(from).into();
        params.not_after = (in_days(until) - HOUR).into();
        let cert = params.signed_by(&key, &self.issuer).expect("a certificate");
        Identity {
            cert: cert.pem(),
            key: key.serialize_pem(),
        }
    }
}

impl Identity {
    /// Writes `NAME.pem` and `NAME.key` there and returns their paths.
    ///
    /// # Panics
    /// When they cannot be written.
    pub fn write(&self, folder: &Path, name: &str) -> (PathBuf, PathBuf) {
        let (cert, key) = (
            folder.join(format!("{name}.pem")),
            folder.join(format!("{name}.key")),
        );
        fs::write(&cert, &self.cert).expect("the certificate can be written");
        fs::write(&key, &self.key).expect("the key can be written");
        (cert, key)
    }
}

fn in_days(days: i64) -> SystemTime {
    let distance = DAY * u32::try_from(days.unsigned_abs()).expect("a few days");
    match days < 0 {
        true => SystemTime::now() - distance,
        false => SystemTime::now() + distance,
    }
}
