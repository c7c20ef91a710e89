//! Where a broker is, as a URL: `mqtt://[USER[:PASSWORD]@]HOST[:PORT]`, or `mqtts://` with TLS.

use std::fmt;
use std::net::Ipv6Addr;
use std::str::FromStr;

/// The address of a broker and who logs in there.
#[derive(Clone, PartialEq, Eq)]
pub struct BrokerAddress {
    /// Name, IPv4 address, or IPv6 address without brackets.
    pub host: String,
    /// TCP port; unless the URL says otherwise 1883, with TLS 8883.
    pub port: u16,
    /// The connection is secured with TLS.
    pub tls: bool,
    /// Who logs in, if anybody.
    pub login: Option<Login>,
}

/// User name and password.
#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    /// User name.
    pub username: String,
    /// Password; may be empty.
    pub password: String,
}

/// Why a broker URL cannot be used. None of them repeats the login.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum AddressError {
    #[error("the scheme is missing: expected mqtt://HOST[:PORT] or mqtts://HOST[:PORT]")]
    NoScheme,
    #[error("unknown scheme {0:?}: expected mqtt://HOST[:PORT] or mqtts://HOST[:PORT]")]
    UnknownScheme(String),
    #[error("the host is missing: expected mqtt://HOST[:PORT]")]
    NoHost,
    #[error("{0:?} is no valid host name or address")]
    InvalidHost(String),
    #[error("an IPv6 address needs brackets, as in mqtt://[::1]:1883")]
    Ipv6WithoutBrackets,
    #[error("{0:?} is no valid IPv6 address")]
    InvalidIpv6(String),
    #[error("{0:?} is no port: expected a number from 1 to 65535")]
    InvalidPort(String),
    #[error("unexpected {0:?} after the port: a broker URL has no path, query or fragment")]
    TrailingPart(String),
    #[error("the password needs a user name before it: mqtt://USER:PASSWORD@HOST")]
    PasswordWithoutUser,
    #[error("a % in the user name or password must start a two-digit hexadecimal UTF-8 escape")]
    InvalidEscape,
    #[error("the user name or password is longer than 65535 bytes")]
    LoginTooLong,
}

impl BrokerAddress {
    /// The port of MQTT without TLS.
    pub const DEFAULT_PORT: u16 = 1883;
    /// The port of MQTT with TLS.
    pub const DEFAULT_TLS_PORT: u16 = 8883;

    /// `HOST:PORT` with an IPv6 address in brackets.
    pub fn authority(&self) -> String {
        format!("{}:{}", self.bracketed_host(), self.port)
    }

    fn bracketed_host(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]", self.host)
        } else {
            self.host.clone()
        }
    }
}

impl FromStr for BrokerAddress {
    type Err = AddressError;

    fn from_str(url: &str) -> Result<Self, AddressError> {
        let (scheme, rest) = url.split_once("://").ok_or(AddressError::NoScheme)?;
        let tls = match scheme.to_ascii_lowercase().as_str() {
            "mqtt" | "tcp" => false,
            "mqtts" | "ssl" | "tls" => true,
            other if other.bytes().all(|byte| byte.is_ascii_alphabetic()) => {
                return Err(AddressError::UnknownScheme(scheme.to_owned()));
            }
            _ => return Err(AddressError::NoScheme),
        };
        let (login, rest) = match rest.rsplit_once('@') {
            Some((login, rest)) => (Some(parse_login(login)?), rest),
            None => (None, rest),
        };
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (host_and_port, trailing) = rest.split_at(end);
        if !matches!(trailing, "" | "/") {
            return Err(AddressError::TrailingPart(trailing.to_owned()));
        }
        let (host, port) = split_port(host_and_port)?;
        let default_port = match tls {
            true => Self::DEFAULT_TLS_PORT,
            false => Self::DEFAULT_PORT,
        };
        Ok(Self {
            host,
            port: port.map_or(Ok(default_port), parse_port)?,
            tls,
            login,
        })
    }
}

impl fmt::Display for BrokerAddress {
    /// Without the login: this goes into logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls { "mqtts" } else { "mqtt" };
        write!(f, "{scheme}://{}", self.authority())
    }
}

impl fmt::Debug for BrokerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Login(..)")
    }
}

fn parse_login(text: &str) -> Result<Login, AddressError> {
    let (username, password) = text.split_once(':').unwrap_or((text, ""));
    if username.is_empty() {
        return Err(AddressError::PasswordWithoutUser);
    }
    Ok(Login {
        username: unescape(username)?,
        password: unescape(password)?,
    })
}

fn unescape(text: &str) -> Result<String, AddressError> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || char::from(rest.next()?).to_digit(16);
        let (Some(high), Some(low)) = (digit(), digit()) else {
            return Err(AddressError::InvalidEscape);
        };
        bytes.push(u8::try_from(high * 16 + low).map_err(|_| AddressError::InvalidEscape)?);
    }
    if bytes.len() > super::publish::STRING_BYTES_MAX {
        return Err(AddressError::LoginTooLong);
    }
    String::from_utf8(bytes).map_err(|_| AddressError::InvalidEscape)
}

fn split_port(text: &str) -> Result<(String, Option<&str>), AddressError> {
    if let Some(rest) = text.strip_prefix('[') {
        let invalid = || AddressError::InvalidIpv6(text.to_owned());
        let (host, rest) = rest.split_once(']').ok_or_else(invalid)?;
        host.parse::<Ipv6Addr>().map_err(|_| invalid())?;
        return match rest {
            "" => Ok((host.to_owned(), None)),
            _ => Ok((
                host.to_owned(),
                Some(rest.strip_prefix(':').ok_or_else(invalid)?),
            )),
        };
    }
    let (host, port) = match text.split_once(':') {
        Some((_, port)) if port.contains(':') => return Err(AddressError::Ipv6WithoutBrackets),
        Some((host, port)) => (host, Some(port)),
        None => (text, None),
    };
    if host.is_empty() {
        return Err(AddressError::NoHost);
    }
    let is_host_char = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    if !host.chars().all(is_host_char) {
        return Err(AddressError::InvalidHost(host.to_owned()));
    }
    Ok((host.to_owned(), port))
}

fn parse_port(text: &str) -> Result<u16, AddressError> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse::<u16>() {
        Ok(port) if is_number && port != 0 => Ok(port),
        _ => Err(AddressError::InvalidPort(text.to_owned())),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn address(url: &str) -> BrokerAddress {
        url.parse().unwrap()
    }

    fn error(url: &str) -> AddressError {
        url.parse::<BrokerAddress>().unwrap_err()
    }

    #[test]
    fn host_and_port() {
        assert_eq!(address("mqtt://broker").authority(), "broker:1883");
        assert_eq!(
            address("mqtt://10.0.0.1:18830/").authority(),
            "10.0.0.1:18830"
        );
        assert_eq!(address("MQTT://[::1]").authority(), "[::1]:1883");
        assert_eq!(address("tcp://[fe80::2]:99").authority(), "[fe80::2]:99");
        assert_eq!(address("mqtt://[::1]").host, "::1");
    }

    #[test]
    fn tls_has_its_own_scheme_and_port() {
        let broker = address("mqtts://broker");
        assert_eq!((broker.tls, broker.port), (true, 8883));
        assert_eq!(broker.to_string(), "mqtts://broker:8883");
        assert_eq!(address("ssl://broker:1").authority(), "broker:1");
        assert!(!address("mqtt://broker:8883").tls);
    }

    #[test]
    fn login() {
        let login = |url| {
            let login: Login = address(url).login.unwrap();
            (login.username, login.password)
        };
        let pair = |username: &str, password: &str| (username.to_owned(), password.to_owned());
        assert_eq!(login("mqtt://rsu@broker"), pair("rsu", ""));
        assert_eq!(login("mqtt://rsu:pa:ss@broker"), pair("rsu", "pa:ss"));
        assert_eq!(login("mqtt://rsu:p@ss@broker"), pair("rsu", "p@ss"));
        assert_eq!(login("mqtt://r%40u:%E8%B7%AF@broker"), pair("r@u", "路"));
        assert_eq!(login("mqtt://rsu:a/b@broker"), pair("rsu", "a/b"));
    }

    #[test]
    fn the_login_never_shows() {
        let address = address("mqtt://rsu:secret@broker");
        assert_eq!(format!("{address} {address:?}"), {
            "mqtt://broker:1883 mqtt://broker:1883"
        });
        assert!(!format!("{:?}", address.login).contains("secret"));
        for url in [
            "mqtt://rsu:secret@",
            "mqtt://rsu:secret@broker:x",
            "mqtt://:secret@broker",
            "mqtt://rsu:secret%@broker",
            "mqtt://rsu:secret@broker/path",
        ] {
            assert!(!error(url).to_string().contains("secret"), "{url}");
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        use AddressError::*;
        assert_eq!(error("broker:1883"), NoScheme);
        assert_eq!(error("a:secret@b://c"), NoScheme);
        assert_eq!(error("http://broker"), UnknownScheme("http".to_owned()));
        assert_eq!(error("mqtt://"), NoHost);
        assert_eq!(error("mqtt://:1883"), NoHost);
        assert_eq!(error("mqtt://bro ker"), InvalidHost("bro ker".to_owned()));
        assert_eq!(error("mqtt://::1"), Ipv6WithoutBrackets);
        assert_eq!(error("mqtt://[::g]"), InvalidIpv6("[::g]".to_owned()));
        assert_eq!(error("mqtt://[::1"), InvalidIpv6("[::1".to_owned()));
        assert_eq!(
            error("mqtt://[::1]1883"),
            InvalidIpv6("[::1]1883".to_owned())
        );
        for port in ["", "0", "65536", "+5", "1883x"] {
            let url = format!("mqtt://broker:{port}");
            assert_eq!(error(&url), InvalidPort(port.to_owned()));
        }
        assert_eq!(error("mqtt://broker/a"), TrailingPart("/a".to_owned()));
        assert_eq!(error("mqtt://:x@broker"), PasswordWithoutUser);
        for login in ["a%", "a%4", "a%4g", "%FF"] {
            let url = format!("mqtt://{login}@broker");
            assert_eq!(error(&url), InvalidEscape);
        }
    }
}
