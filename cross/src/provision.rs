//! What makes a unit this unit: written once, at its first flash, and never part of an image.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::error::{Doing, Error};
use crate::place;

/// A unit, as an operator describes it. Paths are relative to the file that names them.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unit {
    /// The rsuId.
    pub id: String,
    /// Electronic serial number.
    pub serial: String,
    /// `mqtts://HOST[:PORT]`, in the order of preference.
    pub brokers: Vec<String>,
    /// Authorities of the brokers, PEM.
    pub ca_file: Option<PathBuf>,
    /// Certificate of the unit, PEM.
    pub cert_file: Option<PathBuf>,
    /// Private key of the unit, PEM.
    pub key_file: Option<PathBuf>,
    /// Public keys of those who may log in.
    pub authorized_keys: PathBuf,
    /// Time sources in the words of chrony.conf, such as `server ntp.example iburst`.
    #[serde(default)]
    pub time_sources: Vec<String>,
    /// More of the program's configuration, as in `rsu.example.toml`.
    #[serde(default)]
    pub configuration: toml::Table,
    #[serde(skip)]
    folder: PathBuf,
}

impl Unit {
    /// Reads the description of a unit.
    ///
    /// # Errors
    ///
    /// The file cannot be read or understood.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let text = fs::read_to_string(path).doing("read", path)?;
        let mut unit: Self = toml::from_str(&text).map_err(|error| Error::content(path, error))?;
        unit.folder = path.parent().unwrap_or(Path::new("")).to_owned();
        if unit.brokers.is_empty() {
            return Err(Error::content(path, "brokers: at least one is needed"));
        }
        if unit.cert_file.is_some() != unit.key_file.is_some() {
            return Err(Error::content(path, "cert_file and key_file go together"));
        }
        Ok(unit)
    }

    /// Lays out what goes into the data partition, in an empty folder.
    ///
    /// # Errors
    ///
    /// A named file is missing, or the configuration contradicts what is derived here.
    pub fn lay_out(&self, data: &Path) -> Result<(), Error> {
        let rsu = data.join("rsu");
        let ssh = data.join("ssh");
        for folder in [&rsu, &rsu.join("time"), &ssh] {
            place::folder(folder)?;
            mode(folder, 0o700)?;
        }
        let mut tls = toml::Table::new();
        for (key, file, name) in [
            ("ca_file", &self.ca_file, "ca.pem"),
            ("cert_file", &self.cert_file, "unit.pem"),
            ("key_file", &self.key_file, "unit.key"),
        ] {
            if let Some(file) = file {
                self.copy(file, &rsu.join(name))?;
                tls.insert(key.into(), format!("/data/rsu/{name}").into());
            }
        }
        self.copy(&self.authorized_keys, &ssh.join("authorized_keys"))?;
        let sources = self.time_sources.iter().map(|source| format!("{source}\n"));
        write(&rsu.join("time/unit.sources"), &sources.collect::<String>())?;
        write(
            &rsu.join("hostname"),
            &format!("{}\n", self.id.to_lowercase()),
        )?;
        write(&rsu.join("rsu.toml"), &self.configuration(tls)?)
    }

    /// The program's configuration.
    fn configuration(&self, tls: toml::Table) -> Result<String, Error> {
        let mut all = self.configuration.clone();
        let mut set = |section: &str, key: &str, value: toml::Value| {
            let table = all
                .entry(section)
                .or_insert_with(|| toml::Table::new().into());
            let table = table.as_table_mut().ok_or_else(|| {
                Error::Refused(format!("configuration.{section} is not a section"))
            })?;
            match table.insert(key.into(), value) {
                None => Ok(()),
                Some(_) => Err(Error::Refused(format!(
                    "configuration.{section}.{key}: this is set from the unit's own members"
                ))),
            }
        };
        set("unit", "id", self.id.clone().into())?;
        set("unit", "esn", self.serial.clone().into())?;
        set("mqtt", "brokers", self.brokers.clone().into())?;
        if !tls.is_empty() {
            set("mqtt", "tls", tls.into())?;
        }
        set("storage", "folder", "/data/spool".into())?;
        set("health", "listen", "127.0.0.1:9464".into())?;
        set("platform", "reboot_command", vec!["reboot"].into())?;
        let device = all.get("device").and_then(toml::Value::as_table);
        if device.is_some_and(|device| device.contains_key("watchdog")) {
            return Err(Error::Refused(
                "configuration.device.watchdog: the image's own supervision feeds the \
                 watchdog, and watches the program"
                    .into(),
            ));
        }
        // Everything that the radio module delivers, unless the operator says otherwise.
        let radio = all
            .entry("radio")
            .or_insert_with(|| toml::Table::new().into());
        if let Some(radio) = radio.as_table_mut() {
            radio.entry("listen").or_insert_with(|| "[::]:30299".into());
        }
        // Without this section the platform's updates are refused.
        all.entry("update")
            .or_insert_with(|| toml::Table::new().into());
        toml::to_string(&all).map_err(|error| Error::Refused(format!("configuration: {error}")))
    }

    fn copy(&self, from: &Path, to: &Path) -> Result<(), Error> {
        let from = self.folder.join(from);
        let text = fs::read_to_string(&from).doing("read", &from)?;
        write(to, &text)
    }
}

fn write(path: &Path, text: &str) -> Result<(), Error> {
    fs::write(path, text).doing("write", path)?;
    mode(path, 0o600)
}

fn mode(path: &Path, mode: u32) -> Result<(), Error> {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).doing("protect", path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn configuration(more: &str) -> Result<String, Error> {
        let text = format!(
            "id = \"R1\"\nserial = \"E1\"\nbrokers = [\"mqtt://b\"]\nauthorized_keys = \"k\"\n{more}"
        );
        let unit: Unit = toml::from_str(&text).unwrap();
        unit.configuration(toml::Table::new())
    }

    #[test]
    fn what_the_image_decides_cannot_be_decided_otherwise() {
        let own = configuration("[configuration.unit]\nname = \"North\"").unwrap();
        assert!(
            own.contains("id = \"R1\"") && own.contains("name = \"North\""),
            "{own}"
        );
        for (more, member) in [
            ("[configuration.unit]\nid = \"R2\"", "configuration.unit.id"),
            (
                "[configuration.storage]\nfolder = \"/tmp\"",
                "configuration.storage.folder",
            ),
            (
                "[configuration.device]\nwatchdog = \"/dev/watchdog\"",
                "configuration.device.watchdog",
            ),
        ] {
            let told = configuration(more).unwrap_err().to_string();
            assert!(told.starts_with(member), "{told}");
        }
    }
}
