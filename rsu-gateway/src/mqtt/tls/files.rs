//! The certificate files, read as they are now.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::{CertificateFault, TlsSettings};

/// A bundle of all public authorities is about 200 KB.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// What was in the files at one time.
#[derive(Clone, PartialEq, Eq)]
pub(in crate::mqtt) struct Contents {
    pub(super) ca: Option<PemFile>,
    /// Certificate and key.
    pub(super) client: Option<(PemFile, PemFile)>,
}

/// One file, or why it could not be read.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct PemFile {
    pub(super) path: PathBuf,
    bytes: Result<Vec<u8>, String>,
}

impl Contents {
    /// Reads the files. Waits for the disk.
    pub(in crate::mqtt) fn read(settings: &TlsSettings) -> Self {
        let client = settings.client.as_ref();
        Self {
            ca: settings.ca_file.as_deref().map(PemFile::read),
            client: client.map(|c| (PemFile::read(&c.cert_file), PemFile::read(&c.key_file))),
        }
    }
}

impl std::fmt::Debug for Contents {
    /// Without the private key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Contents").finish_non_exhaustive()
    }
}

impl PemFile {
    fn read(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            bytes: read(path).map_err(|error| error.to_string()),
        }
    }

    /// All certificates in the file, at least one.
    pub(super) fn certificates(&self) -> Result<Vec<CertificateDer<'static>>, CertificateFault> {
        let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(self.pem()?).collect();
        match certificates {
            Ok(certificates) if !certificates.is_empty() => Ok(certificates),
            Ok(_) => Err(CertificateFault::NoCertificate {
                file: self.path.clone(),
            }),
            Err(_) => Err(CertificateFault::Malformed {
                file: self.path.clone(),
            }),
        }
    }

    /// The first private key in the file.
    pub(super) fn key(&self) -> Result<PrivateKeyDer<'static>, CertificateFault> {
        PrivateKeyDer::from_pem_slice(self.pem()?).map_err(|_| CertificateFault::NoKey {
            file: self.path.clone(),
        })
    }

    fn pem(&self) -> Result<&[u8], CertificateFault> {
        let bytes = self
            .bytes
            .as_ref()
            .map_err(|error| CertificateFault::Unreadable {
                file: self.path.clone(),
                error: error.clone(),
            })?;
        let begin = b"-----BEGIN ";
        match bytes.windows(begin.len()).any(|window| window == begin) {
            true => Ok(bytes),
            false => Err(CertificateFault::NotPem {
                file: self.path.clone(),
            }),
        }
    }
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?
        .take(FILE_BYTES_MAX + 1)
        .read_to_end(&mut bytes)?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(io::Error::other(format!(
            "larger than {FILE_BYTES_MAX} bytes"
        )));
    }
    Ok(bytes)
}
