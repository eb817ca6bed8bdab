//! What can only be found by way of the network: does the public URL lead here, does the proxy say
//! for whom it asks, is there a mail server.
//!
//! A server does not look at any of this: it would ask itself, and others at the wish of a client.

use std::io;
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::time::Duration;

use ureq::Agent;
use url::{Host, Url};

use super::Finding;
use super::probe::{PROOF, SEEN, Seen, prove};
use crate::base::addresses::UNIX_PEER;
use crate::base::clock::Clock;
use crate::base::roots::Roots;
use crate::base::shell::shell_word;
use crate::base::unanswered::why;
use crate::mail::message::Sender;
use crate::mail::transport::Smtp;
use crate::mail::trial;
use crate::secret::Secret;

/// How long a response may take.
const TIMEOUT: Duration = Duration::from_secs(5);
/// What the server is known by: it responds while the process lives.
const LIVE: &str = "/livez";
/// Whether it takes reads and writes.
const READY: &str = "/readyz";

/// What there is to reach.
pub(crate) struct Reach {
    /// Where people and programs reach the server, if that is set.
    pub public_url: Option<Url>,
    /// The secret of the server, if it can be read.
    pub secret: Option<Secret>,
    /// Whether the server has a certificate of its own, so that no proxy has to stand in front.
    pub has_certificate: bool,
    /// The mail server, and from whom mail comes.
    pub smtp: Option<(Smtp, Sender)>,
    /// The URL that takes mail.
    pub mail_webhook: Option<Url>,
    /// The authorities that are trusted besides the well-known ones.
    pub roots: Roots,
}

/// What can be found by way of the network. Blocks for some seconds at most.
pub(crate) fn examine(reach: &Reach, is_served: bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(url) = &reach.public_url {
        findings.push(check_name("dns", url, "--public-url"));
        // Where no server runs the URL can lead to none.
        if is_served {
            findings.extend(check_public_url(reach, url));
        }
    }
    if let Some((smtp, sender)) = &reach.smtp {
        findings.push(check_mail_server(smtp, sender, &reach.roots));
    }
    if let Some(url) = &reach.mail_webhook {
        findings.push(check_mail_webhook(url));
    }
    findings
}

/// Whether the host of `url` is known.
fn check_name(name: &'static str, url: &Url, flag: &str) -> Finding {
    let Some(Host::Domain(host)) = url.host() else {
        return Finding::ok(name, format!("{flag} has an address, which needs no name"));
    };
    match addresses(url) {
        Ok(found) => {
            let found: Vec<_> = found.iter().map(|found| found.ip().to_string()).collect();
            Finding::ok(name, format!("{host} is {}", found.join(", ")))
        }
        Err(_) => Finding::bad(
            name,
            format!("the name {host} of {flag} is not found"),
            format!("make an A or AAAA record for it; `dig {host}` shows what there is"),
        ),
    }
}

/// The addresses of the host of `url`.
fn addresses(url: &Url) -> io::Result<Vec<SocketAddr>> {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let port = url.port_or_known_default().unwrap_or_default();
    let found: Vec<_> = (host, port).to_socket_addrs()?.collect();
    if found.is_empty() {
        return Err(io::ErrorKind::NotFound.into());
    }
    Ok(found)
}

/// Whether the public URL leads to this server, and what the proxy in front of it says.
fn check_public_url(reach: &Reach, url: &Url) -> Vec<Finding> {
    let name = "reachable";
    let Some(secret) = &reach.secret else {
        let fix = "run this as the user that the server runs as";
        let detail = "the secret cannot be read, by which the server would be known";
        return vec![Finding::warn(name, detail, fix)];
    };
    let base = url.as_str().trim_end_matches('/');
    let asked = format!("{base}{LIVE}");
    let quoted = shell_word(&asked);
    let (status, seen) = match ask(&asked, secret, &reach.roots) {
        Ok(answer) => answer,
        Err(error) => {
            let fix = format!(
                "try `curl -v {quoted}` here and elsewhere; look at the proxy, its \
                certificate and the firewall"
            );
            let detail = format!("{url} cannot be reached from this machine: {}", why(&error));
            return vec![Finding::warn(name, detail, fix)];
        }
    };
    match seen {
        Some(seen) => {
            let ready = ask(&format!("{base}{READY}"), secret, &reach.roots);
            vec![
                check_version(&seen),
                check_ready(ready.map(|(status, _)| status)),
                check_proxy(reach, &seen),
            ]
        }
        None if status == 200 => vec![Finding::bad(
            name,
            format!("another server responds at {url}, or one with another secret"),
            format!("have the proxy hand {url} on to where this server listens"),
        )],
        None => vec![Finding::bad(
            name,
            format!("{url} responds {status}"),
            format!(
                "try `curl -v {quoted}`; have the proxy hand all paths below {url} on to where \
                this server listens, as they are"
            ),
        )],
    }
}

/// Asks a server. Returns the status, and what the server of this secret saw.
fn ask(url: &str, secret: &Secret, roots: &Roots) -> Result<(u16, Option<Seen>), ureq::Error> {
    let config = Agent::config_builder()
        .timeout_global(Some(TIMEOUT))
        .max_redirects(0)
        .proxy(None)
        .tls_config(roots.tls())
        .http_status_as_error(false);
    let agent: Agent = config.build().into();
    let proof = prove(secret, Clock::System.now());
    let response = agent.get(url).header(PROOF, proof).call()?;
    let seen = response.headers().get(SEEN);
    let seen = seen.and_then(|seen| serde_json::from_slice(seen.as_bytes()).ok());
    Ok((response.status().as_u16(), seen))
}

/// Whether the server that runs is of this version.
fn check_version(seen: &Seen) -> Finding {
    let (name, own) = ("reachable", env!("CARGO_PKG_VERSION"));
    if seen.version == own {
        Finding::ok(name, "the public URL leads to this server")
    } else {
        let detail = format!(
            "the server that runs is {}, and this program {own}",
            seen.version
        );
        Finding::warn(name, detail, "restart the server")
    }
}

/// Whether the server takes reads and writes, by the status of its response.
fn check_ready(status: Result<u16, ureq::Error>) -> Finding {
    let name = "ready";
    let fix =
        "look at the log of the server, which says why; `GET /v1/findings` shows what it knows";
    match status {
        Ok(200) => Finding::ok(name, "the server takes reads and writes"),
        Ok(status) => Finding::bad(
            name,
            format!("{READY} of the server responds {status}"),
            fix,
        ),
        Err(error) => Finding::bad(name, format!("{READY} of the server: {}", why(&error)), fix),
    }
}

/// Whether the clients behind a proxy are told apart, by what the server saw of a request.
fn check_proxy(reach: &Reach, seen: &Seen) -> Finding {
    let name = "proxies";
    let url = reach.public_url.as_ref();
    let is_https = url.is_some_and(|url| url.scheme() == "https");
    let peer = if seen.peer == UNIX_PEER {
        "unix".to_owned()
    } else {
        seen.peer.to_string()
    };
    if seen.is_forwarded && seen.is_trusted {
        Finding::ok(
            name,
            format!("the proxy at {peer} is believed, and says for whom it asks"),
        )
    } else if seen.is_forwarded {
        Finding::warn(
            name,
            format!(
                "the proxy at {peer} says for whom it asks, and is not believed: all who have \
                no key share one limit"
            ),
            format!("--trusted-proxies {peer}"),
        )
    } else if is_https && !reach.has_certificate {
        Finding::warn(
            name,
            format!(
                "the proxy at {peer} does not say for whom it asks: all who have no key share \
                one limit"
            ),
            "have it send X-Forwarded-For (nginx: proxy_set_header X-Forwarded-For \
                $remote_addr), and name it with --trusted-proxies",
        )
    } else {
        Finding::ok(name, "requests by the public URL come without a proxy")
    }
}

/// Whether the mail server greets, and takes the login.
fn check_mail_server(smtp: &Smtp, sender: &Sender, roots: &Roots) -> Finding {
    let name = "mail_server";
    match trial::greet(smtp, sender, roots) {
        Ok(()) => Finding::ok(
            name,
            "it greets, and takes TLS and the login as they are set",
        ),
        Err(failure) => {
            let fix = format!(
                "{}; `invited mail test ADDRESS` shows each step",
                failure.hint()
            );
            Finding::bad(name, failure.what(), fix)
        }
    }
}

/// Whether anybody is where mail is told of.
fn check_mail_webhook(url: &Url) -> Finding {
    let name = "mail_server";
    let connected = addresses(url).and_then(|found| {
        let mut tried = found
            .iter()
            .map(|address| TcpStream::connect_timeout(address, TIMEOUT));
        let first = tried.find(Result::is_ok).or_else(|| tried.next());
        first.unwrap_or_else(|| Err(io::ErrorKind::ConnectionRefused.into()))
    });
    match connected {
        Ok(_) => Finding::ok(name, "--mail-webhook takes connections"),
        Err(error) => Finding::bad(
            name,
            format!("--mail-webhook takes no connections: {error}"),
            "see that what takes mail there runs; mail waits until then",
        ),
    }
}
