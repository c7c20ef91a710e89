//! What uploads and downloads over HTTP have in common: which addresses are spoken, and whom to
//! trust.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{fs, io};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use ureq::http::Uri;
use ureq::tls::{PemItem, RootCerts, TlsConfig, parse_pem};

/// Most bytes of an address.
pub const URL_BYTES_MAX: usize = 1_024;

/// How an address is to be spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// In the clear.
    Http,
    /// Over TLS.
    Https,
}

/// Checks an address, and tells how it is spoken to.
///
/// # Errors
/// What is wrong with it.
pub fn scheme_of(url: &str) -> Result<Scheme, String> {
    if url.len() > URL_BYTES_MAX {
        return Err(format!("is longer than {URL_BYTES_MAX} bytes"));
    }
    let Ok(uri) = url.parse::<Uri>() else {
        return Err("is no URL".into());
    };
    let has_host = uri.host().is_some_and(|host| !host.is_empty());
    match uri.scheme_str() {
        Some("http" | "https") if !has_host => Err("names no host".into()),
        Some("http") => Ok(Scheme::Http),
        Some("https") => Ok(Scheme::Https),
        Some(other) => Err(format!(
            "transport {other} is not supported, http and https are"
        )),
        None => Err("names no transport".into()),
    }
}

/// The authorities that the system trusts, where Debian keeps them.
pub fn system_roots() -> PathBuf {
    PathBuf::from("/etc/ssl/certs/ca-certificates.crt")
}

/// TLS that trusts the certificates in `roots_file`, PEM. Where there is no such file, nobody.
///
/// # Errors
/// The file cannot be read, or is no PEM.
pub fn tls(roots_file: &Path) -> io::Result<TlsConfig> {
    let pem = match fs::read(roots_file) {
        Ok(pem) => pem,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(error),
    };
    let mut roots = Vec::new();
    for item in parse_pem(&pem) {
        if let PemItem::Certificate(root) = item.map_err(io::Error::other)? {
            roots.push(root);
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    Ok(TlsConfig::builder()
        .root_certs(RootCerts::Specific(Arc::new(roots)))
        .unversioned_rustls_crypto_provider(provider)
        .build())
}

/// The header `Authorization` of a user and a password.
pub fn basic_authorization(user: &str, password: &str) -> String {
    let login = BASE64_STANDARD.encode(format!("{user}:{password}"));
    format!("Basic {login}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_http_is_spoken() {
        let refused = |url: &str| scheme_of(url).unwrap_err();
        assert_eq!(
            refused("ftp://host/log"),
            "transport ftp is not supported, http and https are"
        );
        assert_eq!(refused("host/log"), "is no URL");
        assert_eq!(refused("/log"), "names no transport");
        assert_eq!(refused(""), "is no URL");
        assert!(refused(&format!("http://{}", "x".repeat(2_000))).contains("longer"));
        assert_eq!(
            scheme_of("https://platform.example:8443/logs/R1"),
            Ok(Scheme::Https)
        );
        assert_eq!(scheme_of("http://127.0.0.1/"), Ok(Scheme::Http));
    }
}
