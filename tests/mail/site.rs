//! A data file with a mail server of its own.

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::Outcome;
use crate::check::ensure;
use crate::client::{Client, invitations};
use crate::peer::{self, Mail, Peer};
use crate::server::{Launch, Server};

/// Ports of mail servers. No port that the system gives to a client may be among them: while the
/// mail server is down, a connection to its port could come from that very port, and reach itself.
const PORTS: std::ops::Range<u16> = 20_000..30_000;

/// Rows of one batch.
const BATCH: usize = 100;

/// How often something is looked at that is waited for.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// A folder with everything of one server and its mail server.
pub struct Site {
    /// Goes at the end.
    folder: TempDir,
    /// Where the mail server listens.
    port: u16,
}

impl Site {
    /// A site with a port that nobody uses.
    pub fn new() -> Outcome<Self> {
        let is_free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
        let port = (0..100)
            .map(|_| fastrand::u16(PORTS))
            .find(is_free)
            .ok_or("no free port")?;
        Ok(Self {
            folder: tempfile::tempdir()?,
            port,
        })
    }

    /// The data file.
    pub fn database(&self) -> PathBuf {
        self.folder.path().join("invited.db")
    }

    /// The secret that the server has made.
    pub fn secret(&self) -> Outcome<String> {
        let text = std::fs::read_to_string(self.database().with_added_extension("secret"))?;
        Ok(text.trim().to_owned())
    }

    /// Starts the server.
    pub fn serve(&self) -> Outcome<Server> {
        Launch::serve(&self.database())
            .set(
                "INVITED_SMTP_URL",
                &format!("smtp://127.0.0.1:{}?tls=none", self.port),
            )
            .set("INVITED_MAIL_FROM", "invites@example.com")
            .set("INVITED_ACCEPT_URL", "https://app.example.com/join")
            .run()
    }

    /// Starts the mail server.
    pub fn start_peer(&self) -> Outcome<Peer> {
        Peer::start(self.port, &self.mails_path(), &self.control_path())
    }

    /// Has the mail server behave from the next mail on; the words are its own, and none means
    /// well.
    pub fn control(&self, words: &str) -> Outcome {
        let new = self.folder.path().join("control.new");
        std::fs::write(&new, words)?;
        Ok(std::fs::rename(new, self.control_path())?)
    }

    /// What the mail server has taken.
    pub fn mails(&self) -> Outcome<Vec<Mail>> {
        peer::read(&self.mails_path())
    }

    /// Whom the mail server has taken mail for.
    pub fn recipients(&self) -> Outcome<BTreeSet<String>> {
        Ok(self
            .mails()?
            .into_iter()
            .map(|mail| mail.recipient)
            .collect())
    }

    /// The data file, to look at beside the server.
    pub fn look(&self) -> Outcome<Connection> {
        let connection =
            Connection::open_with_flags(self.database(), OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        connection.busy_timeout(Duration::from_secs(10))?;
        Ok(connection)
    }

    /// Waits until no invitation's mail is queued; how long that took.
    pub fn wait_until_sent(&self, limit: Duration) -> Outcome<Duration> {
        let connection = self.look()?;
        let count = "select count(*) from mail where kind = 0";
        wait(limit, "mails are still queued", || {
            Ok(connection.query_row(count, [], |row| row.get(0))?)
        })
    }

    /// Waits until so many people have got mail; how long that took.
    pub fn wait_for_recipients(&self, count: usize, limit: Duration) -> Outcome<Duration> {
        wait(limit, "people have got no mail", || {
            Ok(u32::try_from(
                count.saturating_sub(self.recipients()?.len()),
            )?)
        })
    }

    /// Where the mail server writes.
    fn mails_path(&self) -> PathBuf {
        self.folder.path().join("mails.jsonl")
    }

    /// Where the mail server reads how to behave.
    fn control_path(&self) -> PathBuf {
        self.folder.path().join("control")
    }
}

/// Waits until nothing is left; how long that took. When it takes longer than `limit`, `what` says
/// of what there is too much.
fn wait(limit: Duration, what: &str, left: impl Fn() -> Outcome<u32>) -> Outcome<Duration> {
    let begun = Instant::now();
    loop {
        let left = left()?;
        if left == 0 {
            return Ok(begun.elapsed());
        }
        ensure(begun.elapsed() <= limit, || {
            format!("{left} {what} after {limit:?}")
        })?;
        thread::sleep(LOOK_EVERY);
    }
}

/// Invites `NAME-0@example.org` and so on.
pub fn invite(client: &Client, organization: &str, name: &str, count: usize) -> Outcome {
    let emails: Vec<String> = (0..count)
        .map(|number| format!("{name}-{number}@example.org"))
        .collect();
    for emails in emails.chunks(BATCH) {
        let rows: Vec<Value> = emails
            .iter()
            .map(|email| json!({ "email": email, "role": "member" }))
            .collect();
        let path = format!("{}/batch", invitations(organization));
        let answer = client
            .post(&path, &json!({ "invitations": rows, "atomic": true }))
            .ok_or("no answer")?;
        ensure(answer.row(0).status == 201, || {
            format!("a batch was answered {}", answer.brief())
        })?;
    }
    Ok(())
}

/// The invitations of an organization as the server lists them.
pub fn list(client: &Client, organization: &str) -> Outcome<Vec<Value>> {
    let answer = client.list(organization).ok_or("a list was not answered")?;
    Ok(answer
        .body
        .as_array()
        .ok_or_else(|| format!("a list was answered {}", answer.brief()))?
        .clone())
}

/// Every invitation of an organization is shown as sent.
pub fn all_are_sent(client: &Client, organization: &str) -> Outcome {
    let unsent = list(client, organization)?
        .into_iter()
        .find(|item| item["delivery"] != "sent");
    ensure(unsent.is_none(), || {
        format!("not shown as sent: {}", unsent.unwrap_or_default())
    })
}
