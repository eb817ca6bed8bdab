//! One POST to an endpoint that others chose: to checked addresses only, without redirects and
//! proxies, within 10 seconds.

use std::io::Read;
use std::time::Duration;

use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};
use ureq::{Agent, Timeout};

use super::guard::Guard;
use crate::base::roots::Roots;
use crate::base::unanswered;

/// How long a request may take in all, with the look-up of the name.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The most bytes of an answer that are read; none of them is kept.
const MAX_ANSWER: u64 = 64 * 1024;
/// The longest head of an answer in bytes.
const MAX_HEAD: usize = 64 * 1024;

/// What sends deliveries.
pub(crate) struct Client(Agent);

/// What an endpoint answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// `Retry-After`, as it was written.
    pub retry_after: Option<String>,
}

/// The headers of a delivery that change.
pub(crate) struct Headers {
    /// `webhook-id`.
    pub id: String,
    /// `webhook-timestamp` in seconds.
    pub timestamp: i64,
    /// `webhook-signature`.
    pub signature: String,
}

impl Client {
    /// A client that reaches what `guard` admits, and trusts `roots`.
    pub(crate) fn new(guard: Guard, roots: &Roots) -> Self {
        Self::with(guard, roots, DefaultResolver::default())
    }

    /// The same with another way to look up names.
    fn with(guard: Guard, roots: &Roots, resolver: impl Resolver) -> Self {
        let config = Agent::config_builder()
            .timeout_global(Some(TIMEOUT))
            .max_redirects(0)
            .proxy(None)
            .tls_config(roots.tls())
            .http_status_as_error(false)
            .max_response_header_size(MAX_HEAD)
            // A connection that is kept is one that is not checked again.
            .max_idle_connections(0)
            .user_agent(concat!("invited/", env!("CARGO_PKG_VERSION")));
        let resolver = Guarded { guard, resolver };
        Self(Agent::with_parts(
            config.build(),
            DefaultConnector::default(),
            resolver,
        ))
    }

    /// Sends `body` to `url`. Returns the answer, once that is read as far as it is going to be.
    /// Blocks for [`TIMEOUT`] at most.
    ///
    /// # Errors
    /// A few words, which quote nothing that others wrote.
    pub(crate) fn post(
        &self,
        url: &str,
        headers: &Headers,
        body: &[u8],
    ) -> Result<Reply, &'static str> {
        let request = self
            .0
            .post(url)
            .content_type("application/json")
            .header("webhook-id", &headers.id)
            .header("webhook-timestamp", headers.timestamp.to_string())
            .header("webhook-signature", &headers.signature);
        let mut answer = request.send(body).map_err(|error| describe(&error))?;
        // It has the delivery, whatever becomes of the rest of its answer.
        let _ = std::io::copy(
            &mut answer.body_mut().as_reader().take(MAX_ANSWER),
            &mut std::io::sink(),
        );
        let retry_after = answer
            .headers()
            .get("retry-after")
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned);
        Ok(Reply {
            status: answer.status().as_u16(),
            retry_after,
        })
    }
}

/// Looks up names, and refuses one if any of its addresses may not be reached. The connection goes
/// to the addresses that were looked at here, so a name that stands for another address a moment
/// later gains nothing.
#[derive(Debug)]
struct Guarded<R> {
    /// What may be reached.
    guard: Guard,
    /// What looks up names.
    resolver: R,
}

impl<R: Resolver> Resolver for Guarded<R> {
    fn resolve(
        &self,
        uri: &Uri,
        config: &ureq::config::Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let is_plain = uri.scheme_str() != Some("https");
        let addresses =
            self.resolver
                .resolve(uri, config, timeout)
                .map_err(|error| match error {
                    // What the system says of a look-up is no more than this, but reads as if a
                    // connection had been made.
                    ureq::Error::Io(_) => ureq::Error::HostNotFound,
                    other => other,
                })?;
        if addresses
            .iter()
            .all(|address| self.guard.admits(address.ip(), is_plain))
        {
            Ok(addresses)
        } else {
            Err(ureq::Error::Other(Box::new(Refused)))
        }
    }
}

/// An address that may not be reached.
#[derive(Debug, thiserror::Error)]
#[error("the address is not allowed")]
struct Refused;

/// What went wrong, in our own words.
fn describe(error: &ureq::Error) -> &'static str {
    match error {
        ureq::Error::Timeout(Timeout::Resolve) => {
            "the host name was not resolved within 10 seconds"
        }
        ureq::Error::Timeout(_) => "there was no answer within 10 seconds",
        ureq::Error::Other(other) if other.is::<Refused>() => {
            "the host has an address that may not be reached"
        }
        error => unanswered::why(error),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::net::{SocketAddr, TcpListener};
    use std::sync::Mutex;

    use super::*;

    /// Names that stand for other addresses each time they are looked up.
    #[derive(Debug)]
    struct Rebinding(Mutex<Vec<Vec<SocketAddr>>>);

    impl Resolver for Rebinding {
        fn resolve(
            &self,
            _: &Uri,
            _: &ureq::config::Config,
            _: NextTimeout,
        ) -> Result<ResolvedSocketAddrs, ureq::Error> {
            let next = self
                .0
                .lock()
                .map(|mut answers| answers.remove(0))
                .unwrap_or_default();
            let mut addresses = self.empty();
            next.into_iter().for_each(|address| addresses.push(address));
            Ok(addresses)
        }
    }

    fn post(client: &Client, url: &str) -> Result<u16, &'static str> {
        let headers = Headers {
            id: String::new(),
            timestamp: 0,
            signature: String::new(),
        };
        client.post(url, &headers, b"{}").map(|reply| reply.status)
    }

    #[test]
    fn a_name_that_stands_for_an_internal_address_is_refused_each_time_and_in_any_company()
    -> std::io::Result<()> {
        let trap = TcpListener::bind("127.0.0.1:0")?;
        trap.set_nonblocking(true)?;
        let inside = trap.local_addr()?;
        let outside = SocketAddr::from(([192, 0, 0, 9], inside.port()));
        let refused = Err("the host has an address that may not be reached");
        let public = SocketAddr::from(([1, 1, 1, 1], 9));
        let answers = vec![
            vec![inside],
            vec![public, inside],
            vec![inside, public],
            vec![outside],
        ];
        let client = Client::with(
            Guard::default(),
            &Roots::default(),
            Rebinding(Mutex::new(answers)),
        );
        for _ in 0..4 {
            assert_eq!(
                post(
                    &client,
                    &format!("https://rebinding.example.com:{}/", inside.port())
                ),
                refused
            );
        }
        assert!(trap.accept().is_err(), "nothing may arrive");
        Ok(())
    }

    #[test]
    fn the_connection_goes_to_the_address_that_was_checked() -> std::io::Result<()> {
        let (endpoint, trap) = (
            TcpListener::bind("127.0.0.2:0")?,
            TcpListener::bind("127.0.0.1:0")?,
        );
        trap.set_nonblocking(true)?;
        let addresses = [endpoint.local_addr()?, trap.local_addr()?];
        let answering = std::thread::spawn(move || -> std::io::Result<()> {
            let (mut stream, _) = endpoint.accept()?;
            let mut request = Vec::new();
            while !request.ends_with(b"{}") {
                let mut byte = [0];
                stream.read_exact(&mut byte)?;
                request.extend(byte);
            }
            stream.write_all(b"HTTP/1.1 204 X\r\nConnection: close\r\n\r\n")
        });
        let allowed = [ipnet::IpNet::from(addresses[0].ip())];
        let answers = addresses.map(|address| vec![address]).to_vec();
        let client = Client::with(
            Guard::new(&allowed, false),
            &Roots::default(),
            Rebinding(Mutex::new(answers)),
        );
        assert_eq!(
            post(&client, "http://rebinding.example.com/"),
            Ok(204),
            "what it stood for when it was checked"
        );
        assert_eq!(
            post(&client, "http://rebinding.example.com/"),
            Err("the host has an address that may not be reached"),
            "what it stands for now"
        );
        assert!(trap.accept().is_err(), "nothing may arrive");
        assert!(matches!(answering.join(), Ok(Ok(()))));
        Ok(())
    }

    #[test]
    fn a_name_that_cannot_be_looked_up_is_not_found() {
        let client = Client::new(Guard::default(), &Roots::default());
        assert_eq!(
            post(&client, "https://name.invalid/"),
            Err("the host was not found")
        );
    }
}
