//! V2X.RSU.OTA.DOWN, which T/ITS 0180.1 sends to `upgrade/down`.

use semver::Version;
use serde::Deserialize;

use super::lenient::Lenient;
use super::utc;
use crate::downlink::{Refusal, Upgrade};

/// What the draft has, and `downloadSize` and `downloadSha256`, which are ours. Fields that a form
/// left empty count as left out.
#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct UpgradeDown {
    /// MAJOR.MINOR.PATCH.
    #[serde(rename = "updateVersion")]
    update_version: String,
    /// Of the bundle.
    #[serde(rename = "downloadUrl")]
    download_url: String,
    #[serde(rename = "OTAUserId", alias = "otaUserId")]
    user_id: Option<String>,
    #[serde(rename = "OTApassword", alias = "otaPassword")]
    password: Option<String>,
    /// Must agree with the URL.
    #[serde(rename = "OTAtransprotocal", alias = "otaTransprotocal")]
    transport: Option<String>,
    /// 32 hex digits.
    #[serde(rename = "downloadMd5")]
    md5: Option<String>,
    /// 64 hex digits.
    #[serde(rename = "downloadSha256")]
    sha256: Option<String>,
    /// Bytes.
    #[serde(rename = "downloadSize")]
    size: Option<Lenient<u64>>,
    /// The hardware that it is for.
    #[serde(rename = "hardwareVersion")]
    hardware_version: Option<String>,
    /// When to start it: 0 at once, else since 1970.
    #[serde(rename = "Updatetime", alias = "updateTime", alias = "updatetime")]
    time: Option<Lenient<u64>>,
}

impl TryFrom<UpgradeDown> for Upgrade {
    type Error = Refusal;

    fn try_from(upgrade: UpgradeDown) -> Result<Self, Refusal> {
        let version = match Version::parse(&upgrade.update_version) {
            Ok(version) => version,
            Err(error) => {
                let text = format!("{:?} is no version: {error}", upgrade.update_version);
                return refused("updateVersion", text);
            }
        };
        let url = upgrade.download_url;
        let scheme = url.split_once("://").map_or("", |(scheme, _)| scheme);
        if let Some(transport) = filled(upgrade.transport)
            && !transport.eq_ignore_ascii_case(scheme)
        {
            let text = format!("{transport} is not how downloadUrl begins");
            return refused("OTAtransprotocal", text);
        }
        let user = filled(upgrade.user_id);
        Ok(Self {
            version,
            login: user.map(|user| (user, upgrade.password.unwrap_or_default())),
            bytes: upgrade.size.map(|size| size.0),
            md5: hex_digits("downloadMd5", upgrade.md5, 32)?,
            sha256: hex_digits("downloadSha256", upgrade.sha256, 64)?,
            hardware_version: filled(upgrade.hardware_version),
            at_ms: utc::millis(upgrade.time),
            url,
        })
    }
}

fn filled(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

fn hex_digits(member: &str, text: Option<String>, count: usize) -> Result<Option<String>, Refusal> {
    let Some(text) = filled(text) else {
        return Ok(None);
    };
    let is_hex = text.len() == count && text.bytes().all(|digit| digit.is_ascii_hexdigit());
    match is_hex {
        true => Ok(Some(text.to_ascii_lowercase())),
        false => refused(member, format!("{text:?} are not {count} hex digits")),
    }
}

fn refused<T>(member: &str, what: String) -> Result<T, Refusal> {
    Err(Refusal::bad_parameter(format!("{member}: {what}")))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn read(members: Value) -> Result<Upgrade, Refusal> {
        super::super::part::<UpgradeDown>(&members)?.try_into()
    }

    fn least() -> Value {
        json!({"updateVersion": "0.2.0", "downloadUrl": "https://u.example/rsu.raucb"})
    }

    #[test]
    fn version_and_address_are_enough() {
        let upgrade = read(least()).unwrap();
        assert_eq!(upgrade.version, Version::new(0, 2, 0));
        assert_eq!(upgrade.url, "https://u.example/rsu.raucb");
        assert_eq!((upgrade.login, upgrade.at_ms), (None, None));
    }

    #[test]
    fn everything_that_the_draft_has_is_read() {
        let mut members = least();
        for (member, value) in [
            ("OTAUserId", json!("ota")),
            ("OTApassword", json!("secret")),
            ("OTAtransprotocal", json!("HTTPS")),
            ("downloadMd5", json!("D41D8CD98F00B204E9800998ECF8427E")),
            ("downloadSize", json!("1048576")),
            ("hardwareVersion", json!("2.1")),
            ("Updatetime", json!(1_767_225_600)),
        ] {
            members[member] = value;
        }
        let upgrade = read(members).unwrap();
        assert_eq!(upgrade.login, Some(("ota".into(), "secret".into())));
        let md5 = upgrade.md5.as_deref();
        assert_eq!(md5, Some("d41d8cd98f00b204e9800998ecf8427e"));
        assert_eq!(upgrade.bytes, Some(1 << 20));
        assert_eq!(upgrade.hardware_version.as_deref(), Some("2.1"));
        assert_eq!(upgrade.at_ms, Some(1_767_225_600_000));
    }

    #[test]
    fn what_is_wrong_is_named_by_its_member() {
        for (member, value, told) in [
            ("updateVersion", json!("latest"), "is no version"),
            ("updateVersion", json!("1.2"), "is no version"),
            ("updateVersion", Value::Null, "null"),
            ("downloadUrl", json!(7), "string"),
            ("OTAtransprotocal", json!("ftp"), "ftp is not how"),
            ("downloadMd5", json!("abc"), "not 32 hex digits"),
            ("downloadSha256", json!("x".repeat(64)), "not 64 hex digits"),
            ("downloadSize", json!(-1), "negative"),
            ("Updatetime", json!("tomorrow"), "no integer"),
        ] {
            let mut members = least();
            members[member] = value;
            let text = read(members).unwrap_err().text().to_owned();
            let names = text.starts_with(&format!("{member}: "));
            assert!(names && text.contains(told), "{member}: {text}");
        }
        for member in ["updateVersion", "downloadUrl"] {
            let mut members = least();
            members.as_object_mut().unwrap().remove(member);
            let text = read(members).unwrap_err().text().to_owned();
            assert!(text.contains(member), "{text}");
        }
    }
}
