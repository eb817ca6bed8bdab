//! `invited healthcheck`: whether a server takes requests, for images that have no other client.

use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::Args;
use serde_json::Value;
use socket2::{Domain, SockAddr, Socket, Type};
use ureq::Agent;
use url::Url;

use crate::base::duration;
use crate::base::failure::Failure;
use crate::base::roots::Roots;
use crate::base::unanswered;
use crate::config::listen::{LOOPBACK, Listen, local_url, parse_listen};
use crate::config::places::or_default;
use crate::config::{is_loopback, parse_public_url};

/// What is asked.
const PATH: &str = "/health/ready";
/// How long one try may take at most.
const TIMEOUT: Duration = Duration::from_secs(5);
/// How long it is until the next try, and how long the last one may take at least.
const REST: Duration = Duration::from_millis(200);
/// The most bytes of a response that are read.
const MAX_RESPONSE: usize = 64 * 1024;
/// The longest part of a reason that is told.
const MAX_REASON: usize = 200;

/// The longest wait that differs from one for ever.
const LONGEST: Duration = Duration::from_hours(10 * 365 * 24);

/// Which server is asked, and for how long.
#[derive(Args, Debug)]
pub(crate) struct HealthcheckArgs {
    /// Go on asking until the server is ready, at most for this long, as 30s
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    wait: Option<Duration>,
    /// Where people and programs reach the server [default: where it listens]
    #[arg(long, value_name = "URL", value_parser = parse_public_url, conflicts_with = "listen")]
    url: Option<Url>,
    /// Where the server listens, as its own setting says [default: 127.0.0.1:8080]
    #[arg(long, env = "INVITED_LISTEN", value_name = "PLACE,...", value_delimiter = ',',
        value_parser = parse_listen)]
    listen: Vec<Listen>,
    /// The certificate that the server shows, as its own setting says: it speaks HTTPS then
    #[arg(long, env = "INVITED_TLS_CERT", value_name = "FILE")]
    tls_cert: Option<PathBuf>,
    /// PEM file with the certificates of your own authorities, trusted besides the well-known ones
    #[arg(long, env = "INVITED_CA_FILE", value_name = "FILE")]
    ca_file: Option<PathBuf>,
}

/// Asks until the server is ready or the time is over.
pub(crate) fn run(args: HealthcheckArgs) -> Result<(), Failure> {
    let deadline = args.wait.map(|wait| Instant::now() + wait.min(LONGEST));
    let server = Server::of(args)?;
    loop {
        let left = |deadline: Instant| deadline.saturating_duration_since(Instant::now());
        let limit = deadline.map_or(TIMEOUT, |deadline| left(deadline).clamp(REST, TIMEOUT));
        let Err(why) = server.ask(limit) else {
            return super::print(&format!("ready: {}\n", server.name()));
        };
        if deadline.is_none_or(|deadline| Instant::now() + REST >= deadline) {
            return Err(Failure::runtime(
                format!("not ready: {why} ({})", server.name()),
                "look at the log of the server; name another one with --listen or --url",
            ));
        }
        std::thread::sleep(REST);
    }
}

/// The server that is asked.
enum Server {
    /// By a URL.
    Url {
        /// The URL of the answer.
        url: Url,
        /// The client that asks it.
        agent: Agent,
    },
    /// By a unix socket.
    Unix(PathBuf),
}

impl Server {
    /// The one that `args` name.
    ///
    /// # Errors
    /// When they name none that can be asked.
    fn of(args: HealthcheckArgs) -> Result<Self, Failure> {
        let roots = args.ca_file.as_deref().map(Roots::load).transpose()?;
        let roots = roots.unwrap_or_default();
        if let Some(url) = args.url {
            return Self::by_url(url.as_str(), &roots);
        }
        let places = or_default(&args.listen);
        let place = places
            .iter()
            .find(|place| !matches!(place, Listen::Systemd(_)))
            .ok_or_else(|| unknown("where systemd listens is not known"))?;
        match reachable(place)? {
            Listen::Unix { path, .. } => Ok(Self::Unix(path)),
            place => Self::by_url(&local_url(&[place], args.tls_cert.is_some()), &roots),
        }
    }

    /// The one at `base`.
    fn by_url(base: &str, roots: &Roots) -> Result<Self, Failure> {
        let url = Url::parse(&format!("{}{PATH}", base.trim_end_matches('/')))
            .map_err(|error| unknown(&error.to_string()))?;
        // The way to this machine itself leads nowhere else, and a certificate is for other names.
        let tls = roots.tls_for(is_loopback(&url));
        let config = Agent::config_builder()
            .max_redirects(0)
            .proxy(None)
            .tls_config(tls)
            .http_status_as_error(false);
        Ok(Self::Url {
            url,
            agent: config.build().into(),
        })
    }

    /// How it is named to people.
    fn name(&self) -> String {
        match self {
            Self::Url { url, .. } => url.as_str().trim_end_matches(PATH).to_owned(),
            Self::Unix(path) => format!("unix:{}", path.display()),
        }
    }

    /// Asks it once, for `limit` at most. What is returned as an error is why it is not ready.
    fn ask(&self, limit: Duration) -> Result<(), String> {
        let (status, body) = match self {
            Self::Url { url, agent } => {
                ask_url(url, agent, limit).map_err(|error| unanswered::why(&error))?
            }
            Self::Unix(path) => {
                ask_unix(path, limit).map_err(|error| unanswered::of_system(&error))?
            }
        };
        if status == 200 {
            return Ok(());
        }
        let problem: Value = serde_json::from_slice(&body).unwrap_or_default();
        let part = |name: &str| problem[name].as_str().unwrap_or_default().to_owned();
        let why = format!("{status} {} {}", part("code"), part("detail"));
        Err(why.trim_end().chars().take(MAX_REASON).collect())
    }
}

/// Asks a server by its URL, for `limit` at most.
fn ask_url(url: &Url, agent: &Agent, limit: Duration) -> Result<(u16, Vec<u8>), ureq::Error> {
    let request = agent.get(url.as_str()).config();
    let mut response = request.timeout_global(Some(limit)).build().call()?;
    let status = response.status().as_u16();
    let body = response.body_mut().with_config().limit(MAX_RESPONSE as u64);
    Ok((status, body.read_to_vec()?))
}

/// Asks a server by its unix socket, for `limit` at most: the client for HTTP has no such way.
fn ask_unix(path: &Path, limit: Duration) -> io::Result<(u16, Vec<u8>)> {
    let deadline = Instant::now() + limit;
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    // It bounds the connection, too: that waits where a server that hangs has a full queue.
    socket.set_write_timeout(Some(limit))?;
    socket.connect(&SockAddr::unix(path)?)?;
    let mut stream = UnixStream::from(OwnedFd::from(socket));
    write!(stream, "GET {PATH} HTTP/1.0\r\nHost: localhost\r\n\r\n")?;
    let response = read_until(stream, deadline)?;
    let text = String::from_utf8_lossy(&response);
    let status = text
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok());
    let body = text
        .split_once("\r\n\r\n")
        .map(|(_, body)| body.as_bytes().to_vec());
    status
        .zip(body)
        .ok_or_else(|| io::Error::other("it does not speak HTTP"))
}

/// What `stream` says to its end, which must come before `deadline`, however little it says at a
/// time.
fn read_until(mut stream: UnixStream, deadline: Instant) -> io::Result<Vec<u8>> {
    let (mut response, mut part) = (Vec::new(), [0; 4096]);
    while response.len() < MAX_RESPONSE {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        stream.set_read_timeout(Some(left))?;
        match stream.read(&mut part)? {
            0 => break,
            count => response.extend_from_slice(&part[..count]),
        }
    }
    Ok(response)
}

/// The place by which this machine reaches `place`.
///
/// # Errors
/// When the port is whatever was free.
fn reachable(place: &Listen) -> Result<Listen, Failure> {
    let port = match place {
        Listen::Address(address) => address.port(),
        Listen::Name(_, port) | Listen::All(port) => *port,
        Listen::Unix { .. } | Listen::Systemd(_) => return Ok(place.clone()),
    };
    match place {
        _ if port == 0 => Err(unknown("port 0 is whatever was free")),
        Listen::Address(address) if address.ip().is_unspecified() => {
            let is_like_it = |ip: &IpAddr| ip.is_ipv4() == address.is_ipv4();
            let ip = LOOPBACK.into_iter().find(is_like_it);
            let ip = ip.unwrap_or(address.ip());
            Ok(Listen::Address(SocketAddr::new(ip, port)))
        }
        _ => Ok(place.clone()),
    }
}

/// It is not known which server is meant.
fn unknown(why: &str) -> Failure {
    Failure::usage(
        format!("there is no server to ask: {why}"),
        "name it with --url, or its place with --listen",
    )
}
