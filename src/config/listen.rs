//! Where a server listens: the forms of `--listen`, and how they are printed.

use std::fmt::{self, Display, Formatter};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::unix;
use std::path::PathBuf;
use std::str::FromStr;

use ipnet::IpNet;

use super::parse::parse_network;
use crate::base::addresses::UNIX_PEER;

/// Who may connect to a unix socket unless its mode is named: its user and its group.
const DEFAULT_MODE: u32 = 0o660;
/// What a value that is none could have been.
const FORMS: &str = "as 127.0.0.1:8080, localhost:8080, :8080 for all addresses, \
    unix:/run/invited.sock?mode=660, or systemd: for the sockets that systemd hands over";
/// The port of a server that is told none.
pub(crate) const DEFAULT_PORT: u16 = 8080;
/// Where a server listens that is told nothing.
pub(crate) const DEFAULT: Listen = Listen::Address(SocketAddr::new(
    IpAddr::V4(Ipv4Addr::LOCALHOST),
    DEFAULT_PORT,
));

/// A place to listen on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listen {
    /// `127.0.0.1:8080`, `[::1]:8080`
    Address(SocketAddr),
    /// `localhost:8080`: all addresses of a name.
    Name(String, u16),
    /// `:8080`, `*:8080`: all addresses of this machine.
    All(u16),
    /// `unix:/run/invited.sock?mode=660`
    Unix {
        /// The path of the socket.
        path: PathBuf,
        /// The mode of the socket.
        mode: u32,
    },
    /// `systemd:`, `systemd:NAME`: the sockets that systemd hands over, or those of a name.
    Systemd(Option<String>),
}

impl Listen {
    /// Whether only this machine can connect; sockets of systemd count as open to all.
    pub(crate) fn is_local(&self) -> bool {
        match self {
            Self::Address(address) => address.ip().is_loopback(),
            Self::Name(name, _) => is_localhost(name),
            Self::Unix { .. } => true,
            Self::All(_) | Self::Systemd(_) => false,
        }
    }

    /// Whether nobody can listen on both. Names but `localhost` are not looked up.
    pub(super) fn is_taken_by(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Unix { path, .. }, Self::Unix { path: other, .. }) => path == other,
            _ if self.port().is_some_and(|port| port == 0) => false,
            _ if self == other => true,
            _ if self.port().is_none() || self.port() != other.port() => false,
            (Self::All(_), _) | (_, Self::All(_)) => true,
            (Self::Name(name, _), Self::Address(address))
            | (Self::Address(address), Self::Name(name, _)) => {
                is_localhost(name) && LOOPBACK.contains(&address.ip())
            }
            _ => false,
        }
    }

    /// The port, 0 for any that is free; none: it is no address.
    fn port(&self) -> Option<u16> {
        match self {
            Self::Address(address) => Some(address.port()),
            Self::Name(_, port) | Self::All(port) => Some(*port),
            Self::Unix { .. } | Self::Systemd(_) => None,
        }
    }

    /// The host and the port under which this machine reaches the place; none: it has no port, or
    /// nobody knows it yet.
    fn authority(&self) -> Option<String> {
        match self {
            Self::Address(address) if address.ip().is_unspecified() => {
                Some(format!("localhost:{}", address.port()))
            }
            Self::Address(_) | Self::Name(..) => Some(self.to_string()),
            Self::All(port) => Some(format!("localhost:{port}")),
            Self::Unix { .. } | Self::Systemd(_) => None,
        }
    }
}

impl Listen {
    /// A port of this machine that only the machine itself reaches.
    pub(crate) fn local(port: u16) -> Self {
        Self::Address(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port))
    }
}

impl FromStr for Listen {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(rest) = text.strip_prefix("unix:") {
            return parse_unix(rest);
        }
        if let Some(name) = text.strip_prefix("systemd:") {
            return parse_systemd(name);
        }
        if let Ok(address) = text.parse() {
            return Ok(Self::Address(address));
        }
        let (host, port) = text.rsplit_once(':').ok_or_else(|| without_port(text))?;
        let port = port.parse().map_err(|_| wrong(text))?;
        match host {
            "" | "*" => Ok(Self::All(port)),
            name if is_name(name) => Ok(Self::Name(name.to_owned(), port)),
            _ => Err(wrong(text)),
        }
    }
}

impl Display for Listen {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => write!(f, "{address}"),
            Self::Name(name, port) => write!(f, "{name}:{port}"),
            Self::All(port) => write!(f, ":{port}"),
            Self::Unix { path, mode } => write!(f, "unix:{}?mode={mode:o}", path.display()),
            Self::Systemd(name) => write!(f, "systemd:{}", name.as_deref().unwrap_or_default()),
        }
    }
}

/// Reads a place to listen on.
pub(crate) fn parse_listen(text: &str) -> Result<Listen, String> {
    text.parse()
}

/// Reads the name of a host, as a Host header has it without its port.
pub(super) fn parse_host(text: &str) -> Result<String, String> {
    let name = text.strip_suffix('.').unwrap_or(text);
    if !name.is_empty() && (is_name(name) || name.parse::<Ipv4Addr>().is_ok()) {
        Ok(name.to_ascii_lowercase())
    } else {
        Err("a name without scheme and port, as invited or invited.test".to_owned())
    }
}

/// Reads a place that has a port.
pub(super) fn parse_port(text: &str) -> Result<Listen, String> {
    let place = text.parse();
    match place {
        Ok(Listen::Unix { .. } | Listen::Systemd(_)) => {
            Err("an address and a port, as 127.0.0.1:9187, or :9187 for all addresses".to_owned())
        }
        place => place,
    }
}

/// Reads a proxy that is trusted: a network, or `unix` for whoever comes by a unix socket.
pub(super) fn parse_proxy(text: &str) -> Result<IpNet, String> {
    if text == "unix" {
        return Ok(IpNet::from(UNIX_PEER));
    }
    parse_network(text).map_err(|error| format!("{error}, or unix"))
}

/// Whether a name is one of this machine itself, whatever resolves names (RFC 6761, 6.3).
pub(crate) fn is_localhost(name: &str) -> bool {
    name.eq_ignore_ascii_case("localhost")
}

/// The loopback addresses.
pub(crate) const LOOPBACK: [IpAddr; 2] = [
    IpAddr::V4(Ipv4Addr::LOCALHOST),
    IpAddr::V6(Ipv6Addr::LOCALHOST),
];

/// Whether `host` is a name: one that looks like an address is a broken one.
fn is_name(host: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    let is_number = |byte: u8| byte.is_ascii_digit() || byte == b'.';
    host.bytes().all(is_plain) && !host.bytes().all(is_number)
}

/// Reads what stands behind `unix:`.
fn parse_unix(rest: &str) -> Result<Listen, String> {
    let (path, mode) = match rest.rsplit_once("?mode=") {
        Some((path, mode)) => (path, parse_mode(mode)?),
        None => (rest, DEFAULT_MODE),
    };
    if path.is_empty() || path.ends_with('/') || path.contains('\0') {
        return Err("unix: needs a path, as unix:/run/invited.sock?mode=660".to_owned());
    }
    if unix::net::SocketAddr::from_pathname(path).is_err() {
        return Err("a shorter path: Linux has room for 107 bytes".to_owned());
    }
    Ok(Listen::Unix {
        path: PathBuf::from(path),
        mode,
    })
}

/// Reads a mode in octal digits.
fn parse_mode(text: &str) -> Result<u32, String> {
    let is_octal = text.bytes().all(|byte| (b'0'..=b'7').contains(&byte));
    let mode = u32::from_str_radix(text, 8).ok();
    mode.filter(|mode| is_octal && (0o600..=0o777).contains(mode))
        .ok_or_else(|| {
            "a mode has three octal digits and lets its own user in, as 600, 660 or 666".to_owned()
        })
}

/// Reads what stands behind `systemd:`.
fn parse_systemd(name: &str) -> Result<Listen, String> {
    let is_plain = |char: char| char.is_ascii_graphic() && char != ':';
    match name {
        "" => Ok(Listen::Systemd(None)),
        name if name.chars().all(is_plain) => Ok(Listen::Systemd(Some(name.to_owned()))),
        _ => Err("a name of FileDescriptorName=, as systemd:invited".to_owned()),
    }
}

/// What is said of a value without a port, or of a port alone: whom it is for is not guessed.
fn without_port(text: &str) -> String {
    match text.parse::<u16>() {
        Ok(port) => format!("127.0.0.1:{port} for this machine only, :{port} for all addresses"),
        Err(_) if !text.is_empty() && is_name(text) => {
            format!("a port is missing, as {text}:8080")
        }
        Err(_) => wrong(text),
    }
}

/// What is said of any other value.
fn wrong(text: &str) -> String {
    let port = text.rsplit_once(':').map_or("", |(_, port)| port);
    let is_number = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse::<IpAddr>() {
        Ok(address) => format!("a port is missing, as {}", SocketAddr::new(address, 8080)),
        Err(_) if is_number && port.parse::<u16>().is_err() => {
            format!("a port is a number from 0 to 65535; {FORMS}")
        }
        Err(_) => FORMS.to_owned(),
    }
}

/// The URL by which this machine reaches a server that listens on `places`.
pub(crate) fn local_url(places: &[Listen], has_tls: bool) -> String {
    let first = places.iter().find_map(Listen::authority);
    let authority = first.unwrap_or_else(|| "localhost".to_owned());
    format!("{}://{authority}", scheme(has_tls))
}

/// The scheme of a server's own URLs.
pub(crate) fn scheme(has_tls: bool) -> &'static str {
    if has_tls { "https" } else { "http" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_read_and_printed_so_that_it_is_read_again() {
        for (text, printed) in [
            ("127.0.0.1:8080", "127.0.0.1:8080"),
            ("[::1]:8080", "[::1]:8080"),
            ("[fe80::1%1]:0", "[fe80::1%1]:0"),
            ("localhost:8080", "localhost:8080"),
            ("invites.example.com:80", "invites.example.com:80"),
            (":8080", ":8080"),
            ("*:8080", ":8080"),
            ("unix:/run/i.sock", "unix:/run/i.sock?mode=660"),
            ("unix:i.sock?mode=0600", "unix:i.sock?mode=600"),
            ("unix:/a?b?mode=666", "unix:/a?b?mode=666"),
            ("systemd:", "systemd:"),
            ("systemd:api", "systemd:api"),
        ] {
            let place: Listen = text.parse().expect(text);
            assert_eq!(place.to_string(), printed);
            assert_eq!(printed.parse(), Ok(place));
        }
    }

    #[test]
    fn what_is_none_names_the_right_forms() {
        for (text, word) in [
            ("8080", ":8080 for all"),
            ("127.0.0.1", "127.0.0.1:8080"),
            ("::1", "[::1]:8080"),
            ("", "localhost:8080"),
            ("localhost", "localhost:8080"),
            (":http", "unix:/run"),
            ("1.2.3:80", "127.0.0.1:8080"),
            ("1.2.3.4.5:80", "127.0.0.1:8080"),
            ("::1:8080:", "127.0.0.1:8080"),
            ("http://127.0.0.1:80", "127.0.0.1:8080"),
            (":70000", "127.0.0.1:8080"),
            ("unix:", "unix:/run/invited.sock"),
            ("unix:/run/", "unix:/run/invited.sock"),
            (&format!("unix:/{}", "x".repeat(107)), "107 bytes"),
            ("unix:/a?mode=", "octal"),
            ("unix:/a?mode=999", "octal"),
            ("unix:/a?mode=+60", "octal"),
            ("unix:/a?mode=060", "octal"),
            ("unix:/a?mode=1777", "octal"),
            ("systemd:a b", "FileDescriptorName"),
        ] {
            let error = text.parse::<Listen>().expect_err(text);
            assert!(error.contains(word), "{text}: {error}");
        }
    }

    #[test]
    fn the_url_of_this_machine_is_that_of_the_first_place_with_a_port() {
        let url = |places: &[&str], has_tls| {
            let places: Vec<_> = places.iter().flat_map(|text| text.parse()).collect();
            local_url(&places, has_tls)
        };
        assert_eq!(url(&["unix:/a", "[::1]:9", ":8"], false), "http://[::1]:9");
        assert_eq!(url(&[":8"], true), "https://localhost:8");
        assert_eq!(url(&["0.0.0.0:8"], false), "http://localhost:8");
        assert_eq!(url(&["unix:/a"], false), "http://localhost");
    }
}
