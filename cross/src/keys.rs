//! Who may sign bundles: an authority that units know, and a signer whom it vouches for.

use std::path::{Path, PathBuf};

use crate::error::{Doing, Error};
use crate::place;
use crate::process::{output, program};

/// A folder with certificates and private keys, PEM.
#[derive(Clone, Debug)]
pub struct Keys {
    folder: PathBuf,
}

impl Keys {
    /// Those in `folder`, or in the user's own one.
    pub fn new(folder: Option<&Path>) -> Self {
        Self {
            folder: folder.map_or_else(own_folder, Path::to_owned),
        }
    }

    /// The authority's certificate: it goes into images.
    pub fn authority(&self) -> PathBuf {
        self.folder.join("authority.pem")
    }

    /// The signer's certificate: it goes into bundles.
    pub fn certificate(&self) -> PathBuf {
        self.folder.join("signer.pem")
    }

    /// The signer's private key. RAUC takes a PKCS#11 address as well, for keys in hardware.
    pub fn private_key(&self) -> PathBuf {
        self.folder.join("signer.key")
    }

    /// Fails unless the keys are there.
    ///
    /// # Errors
    ///
    /// One is missing.
    pub fn check(&self) -> Result<(), Error> {
        for file in [self.authority(), self.certificate(), self.private_key()] {
            if !file.is_file() {
                return Err(Error::content(
                    &file,
                    "there is none; `cross/rsu-image keys` makes keys for development, and --keys \
                     names the folder of others",
                ));
            }
        }
        Ok(())
    }

    /// Makes an authority and a signer for development.
    ///
    /// # Errors
    ///
    /// There are keys already: bundles signed with new ones would be refused by every unit.
    pub fn make(&self) -> Result<(), Error> {
        if self.authority().exists() {
            return Err(Error::content(
                &self.authority(),
                "is there already, and stays",
            ));
        }
        place::folder(&self.folder)?;
        private(&self.folder, 0o700)?;
        let authority_key = self.folder.join("authority.key");
        self.certify(
            "/CN=Authority for development",
            &authority_key,
            &self.authority(),
            &[
                "basicConstraints=critical,CA:TRUE",
                "keyUsage=critical,keyCertSign,cRLSign",
            ],
            None,
        )?;
        self.certify(
            "/CN=Signer for development",
            &self.private_key(),
            &self.certificate(),
            &[
                "basicConstraints=critical,CA:FALSE",
                "keyUsage=critical,digitalSignature",
                "extendedKeyUsage=codeSigning,emailProtection",
            ],
            Some((&self.authority(), &authority_key)),
        )
    }

    fn certify(
        &self,
        subject: &str,
        key: &Path,
        certificate: &Path,
        extensions: &[&str],
        issuer: Option<(&Path, &Path)>,
    ) -> Result<(), Error> {
        let mut openssl = program(
            "openssl",
            [
                "req",
                "-x509",
                "-new",
                "-nodes",
                "-sha256",
                "-days",
                "3650",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
                "-subj",
                subject,
            ],
        );
        // openssl wants a section even where everything is on the command line.
        let configuration = self.folder.join("openssl.cnf");
        std::fs::write(&configuration, "[req]\ndistinguished_name = req\n")
            .doing("write", &configuration)?;
        openssl.arg("-config").arg(&configuration);
        for extension in extensions {
            openssl.args(["-addext", extension]);
        }
        openssl.arg("-keyout").arg(key).arg("-out").arg(certificate);
        if let Some((certificate, key)) = issuer {
            openssl.arg("-CA").arg(certificate).arg("-CAkey").arg(key);
        }
        let made = output(&mut openssl);
        std::fs::remove_file(&configuration).doing("remove", &configuration)?;
        made?;
        private(key, 0o600)
    }
}

fn own_folder() -> PathBuf {
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    variable("XDG_CONFIG_HOME")
        .map(PathBuf::from)
        .or_else(|| variable("HOME").map(|home| Path::new(&home).join(".config")))
        .unwrap_or_else(std::env::temp_dir)
        .join("rsu-image/keys")
}

fn private(path: &Path, mode: u32) -> Result<(), Error> {
    use std::os::unix::fs::PermissionsExt;
    let mode = std::fs::Permissions::from_mode(mode);
    std::fs::set_permissions(path, mode).doing("protect", path)
}
