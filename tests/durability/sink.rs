//! Who is told of what happens: a mail server, and an endpoint of webhooks. Both take everything,
//! and keep nothing but its count.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags};
use serde_json::json;

use crate::Outcome;
use crate::check::ensure;
use crate::client::{Answer, Client};
use crate::server::Launch;

/// How long what is queued when a load ends may take to arrive.
const ARRIVAL_LIMIT: Duration = Duration::from_mins(2);
/// How often that is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// What is on its way still.
const QUEUED: &str = "select (select count(*) from mail where kind = 0) \
                      + (select count(*) from webhook_delivery where state = 0)";
/// Invitations that wait for an answer, and whose mail was not sent.
const UNSENT: &str = "select count(*) from invitation where state = 0 and delivery <> 2";
/// Invitations whose mail was sent.
const SENT: &str = "select count(*) from invitation where delivery = 2";
/// Events of which the webhook was not told.
const UNTOLD: &str = "select count(*) from event where not exists \
                      (select 1 from webhook_delivery told \
                       where told.id = event.id and told.state = 1)";
/// Events of which the webhook was told.
const TOLD: &str = "select count(*) from webhook_delivery where state = 1";

/// The mail server and the endpoint of one server.
pub struct Sinks {
    /// Takes its mail.
    mail: Sink,
    /// Takes what its webhook is told.
    webhook: Sink,
}

impl Sinks {
    /// Starts both.
    pub fn start() -> Outcome<Self> {
        Ok(Self {
            mail: Sink::start(take_mails)?,
            webhook: Sink::start(take_deliveries)?,
        })
    }

    /// Has the server send its mail here, and lets it reach the endpoint.
    pub fn connect(&self, launch: Launch) -> Launch {
        let url = format!("smtp://{}?tls=none", self.mail.address);
        launch
            .set("INVITED_SMTP_URL", &url)
            .set("INVITED_MAIL_FROM", "invites@example.com")
            .set("INVITED_ACCEPT_URL", "https://app.example.com/join")
            .set("INVITED_WEBHOOK_ALLOW", "127.0.0.1")
    }

    /// Has the endpoint told of every event from now on.
    pub fn listen(&self, client: &Client) -> Outcome {
        let url = format!("http://{}/hook", self.webhook.address);
        let answer = client.post("/v1/webhooks", &json!({ "url": url }));
        ensure(
            answer.as_ref().is_some_and(|answer| answer.status == 201),
            || {
                let answer = answer.as_ref().map(Answer::brief);
                format!("a webhook is answered {answer:?}")
            },
        )
    }

    /// Waits until nothing is on its way, and checks that all of it came. Returns what came.
    pub fn all_came(&self, database: &Path) -> Outcome<String> {
        let connection = Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        connection.busy_timeout(Duration::from_secs(10))?;
        let count = |sql: &str| -> Outcome<usize> {
            let count: u32 = connection.query_row(sql, [], |row| row.get(0))?;
            Ok(usize::try_from(count)?)
        };
        let begun = Instant::now();
        loop {
            let queued = count(QUEUED)?;
            if queued == 0 {
                break;
            }
            ensure(begun.elapsed() < ARRIVAL_LIMIT, || {
                format!("{queued} mails and deliveries are queued after {ARRIVAL_LIMIT:?}")
            })?;
            thread::sleep(LOOK_EVERY);
        }
        let (unsent, untold) = (count(UNSENT)?, count(UNTOLD)?);
        ensure(unsent == 0 && untold == 0, || {
            format!("no mail for {unsent} invitations, no webhook for {untold} events")
        })?;
        let (sent, told) = (count(SENT)?, count(TOLD)?);
        let (mails, webhooks) = (self.mail.taken(), self.webhook.taken());
        ensure(0 < sent && sent <= mails, || {
            format!("{mails} mails came, and {sent} invitations have one")
        })?;
        ensure(0 < told && told <= webhooks, || {
            format!("{webhooks} webhooks came, and {told} are said to have come")
        })?;
        Ok(format!("{mails} mails and {webhooks} webhooks came"))
    }
}

/// What its connections share.
#[derive(Default)]
struct Shared {
    /// How much was taken.
    taken: AtomicUsize,
    /// Whether it is over.
    is_over: AtomicBool,
}

/// A server on a free port of this machine that takes everything.
struct Sink {
    /// Where it listens.
    address: SocketAddr,
    /// What its connections share.
    shared: Arc<Shared>,
}

impl Sink {
    /// A server that does this with each connection.
    fn start(serve: fn(&TcpStream, &AtomicUsize) -> io::Result<()>) -> Outcome<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let (address, shared) = (listener.local_addr()?, Arc::new(Shared::default()));
        let of_thread = Arc::clone(&shared);
        thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                if of_thread.is_over.load(Ordering::SeqCst) {
                    return;
                }
                let shared = Arc::clone(&of_thread);
                // The client may close whenever it likes.
                thread::spawn(move || drop(serve(&stream, &shared.taken)));
            }
        });
        Ok(Self { address, shared })
    }

    /// How much was taken so far.
    fn taken(&self) -> usize {
        self.shared.taken.load(Ordering::SeqCst)
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::SeqCst);
        // Wakes the thread that accepts.
        drop(TcpStream::connect(self.address));
    }
}

/// Takes the mails of one connection.
fn take_mails(mut stream: &TcpStream, taken: &AtomicUsize) -> io::Result<()> {
    let mut lines = BufReader::new(stream).split(b'\n');
    stream.write_all(b"220 sink ESMTP\r\n")?;
    while let Some(line) = lines.next().transpose()? {
        let answer: &[u8] = match line.get(..4).unwrap_or_default() {
            b"EHLO" => b"250-sink\r\n250 8BITMIME\r\n",
            b"DATA" => {
                stream.write_all(b"354 go on\r\n")?;
                while lines.next().transpose()?.is_some_and(|line| line != b".\r") {}
                taken.fetch_add(1, Ordering::SeqCst);
                b"250 taken\r\n"
            }
            b"QUIT" => return stream.write_all(b"221 bye\r\n"),
            _ => b"250 ok\r\n",
        };
        stream.write_all(answer)?;
    }
    Ok(())
}

/// Takes the requests of one connection, whose bodies have a length.
fn take_deliveries(mut stream: &TcpStream, taken: &AtomicUsize) -> io::Result<()> {
    let mut reader = BufReader::new(stream);
    loop {
        let mut length = 0;
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line)? == 0 {
                return Ok(());
            }
            let line = line.trim_end().to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            if let Some(given) = line.strip_prefix("content-length:") {
                length = given.trim().parse().unwrap_or_default();
            }
        }
        reader.read_exact(&mut vec![0; length])?;
        taken.fetch_add(1, Ordering::SeqCst);
        stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n")?;
    }
}
