//! `invited webhook listen`: webhooks for an application on this machine, while it is being
//! developed.
//!
//! It registers itself at a server as a webhook ([`registration`]), takes the deliveries
//! ([`routes`]), hands each on to the application ([`target`]), and takes its registration back
//! when it is stopped.

pub(crate) mod registration;
pub(crate) mod routes;
pub(crate) mod target;

use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;
use std::time::{Duration, Instant};

use url::Url;

use crate::base::clock::Timestamp;
use crate::base::failure::Failure;
use crate::server::Signals;

use registration::{Registration, Server};
use target::{Delivery, Outcome, Target};

/// For how long after a signal others mean the same: what runs the command may pass one on that the
/// terminal has sent to all.
const PATIENCE: Duration = Duration::from_secs(2);
/// Characters of a type and of an id that are printed.
const MAX_PRINTED: usize = 64;

/// What to listen for, and where to hand it on.
pub(crate) struct Listen {
    /// The server that tells.
    pub server: Server,
    /// What is asked of it.
    pub registration: Registration,
    /// The application.
    pub forward_to: Url,
    /// Prints a line.
    pub say: fn(&str),
}

/// Listens until a signal comes.
///
/// # Errors
/// When the server cannot be reached, refuses the webhook, or keeps it at the end.
pub(crate) async fn run(listen: Listen) -> Result<(), Failure> {
    let Listen {
        server,
        registration,
        forward_to,
        say,
    } = listen;
    let mut signals = Signals::listen()?;
    let cannot_listen = |error: std::io::Error| {
        Failure::runtime(
            format!("cannot listen on 127.0.0.1 ({error})"),
            "see whether the machine has ports left",
        )
    };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(cannot_listen)?;
    let own_url = format!("http://{}/", listener.local_addr().map_err(cannot_listen)?);
    let target = Arc::new(Target::new(forward_to.clone()));
    // Before anybody is told of the port, somebody answers on it.
    let handle = routes::start(listener, target, say).map_err(cannot_listen)?;
    let (server, at) = (Arc::new(server), own_url.clone());
    let registered = blocking(&server, move |server| server.register(&registration, &at)).await?;
    say(&format!(
        "listening   {own_url}, as the webhook {}",
        registered.id
    ));
    say(&format!("forwarding  to {forward_to}"));
    say(&format!("secret      {}", registered.secret));
    signals.any().await;
    let id = registered.id.clone();
    let stopped = Instant::now();
    let interrupted = async {
        while stopped.elapsed() < PATIENCE {
            signals.any().await;
        }
    };
    let removed = tokio::select! {
        removed = blocking(&server, move |server| server.remove(&id)) => removed,
        () = interrupted => Err(server.not_removed(&registered.id, "it was interrupted")),
    };
    handle.stop(true).await;
    removed
}

/// Runs a call that waits for the server on a thread that may.
async fn blocking<T: Send + 'static>(
    server: &Arc<Server>,
    call: impl FnOnce(&Server) -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    let server = Arc::clone(server);
    let failed = |error: tokio::task::JoinError| Failure::runtime(error.to_string(), "see the log");
    tokio::task::spawn_blocking(move || call(&server))
        .await
        .map_err(failed)?
}

/// The line about a delivery: `12:03:04 invitation.created msg_1 -> 200 in 12 ms`, in UTC.
fn line(now: Timestamp, delivery: &Delivery, outcome: &Outcome) -> String {
    let time = now.to_string();
    let time = time.get(11..19).unwrap_or_default();
    let (kind, id) = (printable(&delivery.kind()), printable(&delivery.id()));
    let (status, millis) = (outcome.status, outcome.took.as_millis());
    let why = outcome
        .error
        .as_ref()
        .map(|error| format!(": {error}"))
        .unwrap_or_default();
    format!("{time} {kind} {id} -> {status} in {millis} ms{why}")
}

/// A text of a stranger, as far as it can be shown: a terminal takes orders in what is printed.
fn printable(text: &str) -> String {
    let shown: String = text
        .chars()
        .filter(char::is_ascii_graphic)
        .take(MAX_PRINTED)
        .collect();
    if shown.is_empty() {
        "-".to_owned()
    } else {
        shown
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// The line about a delivery with this body and id.
    fn line_of(body: &str, id: &str, outcome: &Outcome) -> String {
        let headers = vec![("webhook-id".to_owned(), id.as_bytes().to_vec())];
        line(
            Timestamp::from_millis(1_795_401_780_123),
            &Delivery {
                headers,
                body: body.into(),
            },
            outcome,
        )
    }

    #[test]
    fn a_line_has_time_type_id_status_and_what_went_wrong() {
        let took = Duration::from_millis(12);
        let fine = Outcome {
            status: 200,
            took,
            error: None,
            content_type: None,
            body: Vec::new(),
        };
        let shown = line_of(r#"{"type":"invitation.created","data":{}}"#, "msg_1", &fine);
        assert_eq!(shown, "02:43:00 invitation.created msg_1 -> 200 in 12 ms");
        let failed = Outcome {
            status: 502,
            error: Some("refused".to_owned()),
            ..fine
        };
        assert_eq!(
            line_of("[", "", &failed),
            "02:43:00 - - -> 502 in 12 ms: refused"
        );
    }

    #[test]
    fn what_a_stranger_sends_gives_the_terminal_no_orders() {
        let fine = Outcome {
            status: 200,
            took: Duration::ZERO,
            error: None,
            content_type: None,
            body: Vec::new(),
        };
        let body = format!(r#"{{"type":"\u001b[2Ja\r\nb{}"}}"#, "x".repeat(100));
        let shown = line_of(&body, "\u{1b}]0;title\u{7}", &fine);
        assert_eq!(
            shown,
            format!("02:43:00 [2Jab{} ]0;title -> 200 in 0 ms", "x".repeat(59))
        );
    }
}
