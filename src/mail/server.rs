//! The mail server that is handed all mail, as a URL names it.

use std::fmt;

use percent_encoding::percent_decode_str;
use url::{Host, Url};

use super::oauth::TokenSource;

/// What a URL has to look like.
const FORM: &str = "smtp://[user:password@]host[:port]?tls=starttls, or tls=tls, or tls=none, or \
    smtps://... (tls=tls); in user name and password write # as %23, / as %2F, ? as %3F, % as %25 \
    and @ as %40";

/// How the connection to a mail server is kept secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// Not at all: for a server on this machine, or in a network that is trusted.
    None,
    /// By STARTTLS, which the server must offer.
    StartTls,
    /// By TLS from the first byte on.
    Tls,
}

impl Security {
    /// As it is written in a URL.
    fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::StartTls => "starttls",
            Self::Tls => "tls",
        }
    }

    /// The port that is meant where none is named.
    fn port(self) -> u16 {
        match self {
            Self::None => 25,
            Self::StartTls => 587,
            Self::Tls => 465,
        }
    }
}

/// A user name and its password.
#[derive(Clone)]
pub struct Login {
    /// The user name.
    pub user: String,
    /// The password.
    pub password: String,
}

/// A mail server. Debug output and text hide the password.
#[derive(Clone)]
pub struct Server {
    /// Its name or address; the certificate is checked against it.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is kept secret.
    pub security: Security,
    /// Who we are there; none: it does not ask.
    pub login: Option<Login>,
    /// Where a token comes from that takes the place of the password, which is the secret for it
    /// then; none: there is no need of one.
    pub tokens: Option<TokenSource>,
}

impl Server {
    /// Reads a URL.
    ///
    /// # Errors
    /// What is wrong, and what to do about it. Neither repeats any of the URL: it may hold a
    /// password.
    pub(crate) fn parse(text: &str) -> Result<Self, (&'static str, &'static str)> {
        let url = Url::parse(text).map_err(|_| ("is not a URL", FORM))?;
        if !matches!(url.scheme(), "smtp" | "smtps")
            || url.fragment().is_some()
            || !matches!(url.path(), "" | "/")
        {
            return Err(("is not the URL of a mail server", FORM));
        }
        let security = match (url.scheme(), url.query()) {
            ("smtp", Some("tls=none")) => Security::None,
            ("smtp", Some("tls=starttls")) => Security::StartTls,
            (_, Some("tls=tls")) | ("smtps", None) => Security::Tls,
            ("smtps", _) => {
                let hint = "smtps:// means tls=tls: leave the rest out, or write smtp://";
                return Err(("says in two ways how the connection is secured", hint));
            }
            _ => {
                return Err((
                    "does not say how the connection is secured",
                    "end it with ?tls=starttls, ?tls=tls or ?tls=none",
                ));
            }
        };
        let host = match url.host() {
            Some(Host::Ipv6(address)) => address.to_string(),
            Some(host) => host.to_string(),
            None => return Err(("names no host", FORM)),
        };
        let login = login(&url)?;
        if login.is_some() && security == Security::None && !is_this_machine(&host) {
            let hint = "use tls=starttls or tls=tls, or a server that takes mail from this \
                machine without a password";
            return Err(("would send the password in the clear", hint));
        }
        Ok(Self {
            host,
            port: url.port().unwrap_or(security.port()),
            security,
            login,
            tokens: None,
        })
    }
}

/// The user name and the password in a URL; both or none.
fn login(url: &Url) -> Result<Option<Login>, (&'static str, &'static str)> {
    let decode = |text: &str| percent_decode_str(text).decode_utf8().map(String::from);
    match (url.username(), url.password()) {
        ("", None) => Ok(None),
        (user, Some(password)) if !user.is_empty() => match (decode(user), decode(password)) {
            (Ok(user), Ok(password)) => Ok(Some(Login { user, password })),
            _ => Err(("has a user name or a password that is not UTF-8", FORM)),
        },
        _ => Err((
            "has a user name without a password, or the other way round",
            FORM,
        )),
    }
}

/// Whether `host` is this machine for certain.
fn is_this_machine(host: &str) -> bool {
    host == "localhost"
        || host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

/// Where it is, and how the connection is kept secret: for people.
impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (open, close) = if self.host.contains(':') {
            ("[", "]")
        } else {
            ("", "")
        };
        write!(
            f,
            "{open}{}{close}:{} ({})",
            self.host,
            self.port,
            self.security.name()
        )
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Server({self}, hidden)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_names_host_port_security_and_login() {
        for (text, shown) in [
            (
                "smtp://mail.example.com?tls=starttls",
                "mail.example.com:587 (starttls)",
            ),
            (
                "smtp://mail.example.com/?tls=tls",
                "mail.example.com:465 (tls)",
            ),
            ("smtp://10.0.0.7:2525?tls=none", "10.0.0.7:2525 (none)"),
            ("smtp://[::1]?tls=none", "[::1]:25 (none)"),
            ("smtps://mail.example.com", "mail.example.com:465 (tls)"),
            (
                "smtps://u:p@mail.example.com:2465",
                "mail.example.com:2465 (tls)",
            ),
            (
                "smtps://mail.example.com?tls=tls",
                "mail.example.com:465 (tls)",
            ),
            (
                "smtp://u:p%40ss@127.0.0.1:25?tls=none",
                "127.0.0.1:25 (none)",
            ),
        ] {
            assert_eq!(
                Server::parse(text)
                    .map(|server| server.to_string())
                    .as_deref(),
                Ok(shown),
                "{text}"
            );
        }
        let server = Server::parse("smtp://us%20er:p%40ss%25@mail.example.com?tls=tls").ok();
        let login = server.and_then(|server| server.login);
        assert_eq!(
            login.map(|login| (login.user, login.password)),
            Some(("us er".to_owned(), "p@ss%".to_owned()))
        );
    }

    #[test]
    fn what_leaves_something_open_is_refused_without_repeating_the_password() {
        for text in [
            "smtp://mail.example.com",
            "smtp://mail.example.com?tls=",
            "smtp://mail.example.com?tls=STARTTLS",
            "smtp://mail.example.com?tls=required",
            "smtp://mail.example.com?tls=tls&tls=none",
            "smtp://mail.example.com/path?tls=tls",
            "smtp://mail.example.com?tls=tls#x",
            "smtps://mail.example.com?tls=starttls",
            "smtps://mail.example.com?tls=none",
            "smtps://user:hunter2@mail.example.com/x",
            "https://mail.example.com?tls=tls",
            "smtp:///?tls=none",
            "smtp:mail.example.com?tls=none",
            "mail.example.com:25",
            "smtp://user@mail.example.com?tls=tls",
            "smtp://:hunter2@mail.example.com?tls=tls",
            "smtp://user:hunter2@mail.example.com?tls=none",
            "smtp://user:hunter2%ff@mail.example.com?tls=tls",
            "",
        ] {
            let refused = Server::parse(text).map_err(|(what, hint)| format!("{what} {hint}"));
            assert!(
                refused
                    .as_ref()
                    .is_err_and(|error| !error.contains("hunter2")),
                "{text}: {refused:?}"
            );
        }
        let shown = format!(
            "{:?}",
            Server::parse("smtp://user:hunter2@mail.example.com?tls=tls")
        );
        assert!(
            !shown.contains("hunter2") && !shown.contains("user"),
            "{shown}"
        );
    }
}
