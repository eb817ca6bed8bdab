//! What tests are written with: a server of their own, and a client that sends exactly what it is
//! told.

pub mod client;
pub mod endpoint;
pub mod kept;
pub mod life;
pub mod log_gate;
mod others;
pub mod process;
pub mod smtp;
pub mod tally;
pub mod terminal;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use clap::Parser;
use invited::base::clock::{Clock, Timestamp};
use invited::base::email::Hosts;
use invited::base::mode::Mode;
use invited::base::organization_id::OrganizationId;
use invited::base::origin::Origin;
use invited::config::{Config, Settings};
use invited::dev::seed::Start;
use invited::http::connection::Deadlines;
use invited::invitation::actor::Actor;
use invited::key::token::PlainKey;
use invited::key::{self, NewKey, Rights, Scope};
use invited::policy::acceptance::Acceptance;
use invited::policy::{Rules, Sending};
use invited::server::{self, Program};
use tempfile::TempDir;
use tokio::sync::oneshot;

pub use client::{Answer, Request};

/// A key whose checksum is right and whose secret nobody was given.
pub fn forged(id: &str) -> String {
    let start = format!("ivk_{id}_{}", "0123456789abcdef".repeat(4));
    let key = format!("{start}{:08x}", crc32fast::hash(start.as_bytes()));
    assert!(PlainKey::parse(&key).is_some(), "only the secret is wrong");
    key
}

/// 2026-11-23T02:43:00.123Z: when every test server starts its clock.
pub const START: i64 = 1_795_401_780_123;

/// The settings as the command line reads them.
#[derive(Parser)]
struct CommandLine {
    /// The settings.
    #[command(flatten)]
    settings: Settings,
}

/// A real server in this process, on port 0, with its own file and a clock that stands still.
pub struct TestApp {
    /// Where it listens.
    pub address: SocketAddr,
    /// An admin key; empty in development.
    pub key: String,
    /// Its clock.
    pub clock: Clock,
    /// Its data file.
    pub database: PathBuf,
    /// How it was started.
    config: Config,
    /// Stops it.
    stop: Option<oneshot::Sender<()>>,
    /// The thread that runs it.
    thread: Option<JoinHandle<()>>,
    /// The folder of its file.
    _folder: TempDir,
}

impl TestApp {
    /// `invited serve`, with default settings.
    pub fn serve() -> Self {
        Self::start(Mode::Serve, &[])
    }

    /// A server in `mode`, with settings as on the command line.
    pub fn start(mode: Mode, settings: &[&str]) -> Self {
        let mut app = Self::prepare(mode, settings);
        app.key = app.run();
        app
    }

    /// A server that does not run yet.
    fn prepare(mode: Mode, settings: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let database = folder.path().join("invited.db");
        let words = [
            "invited",
            "--listen",
            "127.0.0.1:0",
            "--public-url",
            "http://invited.test",
        ];
        log_gate::install();
        let asked: &[&str] = if settings.contains(&"--access-log") {
            &[]
        } else {
            &["--access-log", "on"]
        };
        let words = words.iter().chain(asked).chain(settings);
        let settings = CommandLine::parse_from(words).settings;
        let mut config = Config::new(settings, &database, mode).expect("a good configuration");
        config.clock = Clock::manual(Timestamp::from_millis(START));
        config.workers = 2;
        // What a test reads in the file changes by its requests alone.
        config.last_use_every = Duration::from_secs(60 * 60);
        config.lapse_every = Duration::from_secs(60 * 60);
        let (clock, stop) = (config.clock.clone(), None);
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        Self {
            address,
            key: String::new(),
            clock,
            database,
            config,
            stop,
            thread: None,
            _folder: folder,
        }
    }

    /// Stops the server and starts it again on the same file, on another port; the clock stands
    /// where it stood.
    pub fn restart(&mut self) {
        self.restart_after(|_| ());
    }

    /// Runs the server. Returns the admin key, if this start made the first one.
    fn run(&mut self) -> String {
        let config = self.config.clone();
        let (stop, stopped) = oneshot::channel::<()>();
        let (started, start) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            server::block_on(async {
                let program = Program::build(&config).await.expect("the server starts");
                let key = program
                    .admin_key
                    .as_ref()
                    .map(|key| key.reveal())
                    .unwrap_or_default();
                started
                    .send((program.address().expect("it has a port"), key))
                    .expect("the test waits");
                program
                    .run_until(async { drop(stopped.await) })
                    .await
                    .expect("the server stops well");
            });
        });
        let (address, key) = start.recv().expect("the server starts");
        log_gate::remember_file(&self.database.with_added_extension("secret"));
        (self.address, self.stop, self.thread) = (address, Some(stop), Some(thread));
        key
    }

    /// Stops the server.
    fn stop(&mut self) {
        drop(self.stop.take());
        let stopped = self.thread.take().map(JoinHandle::join);
        if !std::thread::panicking() {
            assert!(matches!(stopped, Some(Ok(()))), "the server stopped badly");
        }
    }

    /// The same server with streams of events that are silent for at most `heartbeat`.
    pub fn with_heartbeat(mut self, heartbeat: Duration) -> Self {
        self.config.heartbeat = heartbeat;
        self.restart();
        self
    }

    /// The same server, which writes `every` so often when keys were last used.
    pub fn with_last_use_every(mut self, every: Duration) -> Self {
        self.config.last_use_every = every;
        self.restart();
        self
    }

    /// The same server, which looks at once for invitations whose time has passed.
    pub fn with_lapses(mut self) -> Self {
        self.config.lapse_every = Duration::from_millis(10);
        self.restart();
        self
    }

    /// The same server with another clock, which makes backups `every` so often, the first at once.
    pub fn with_backups_every(mut self, every: Duration, clock: Clock) -> Self {
        let plan = self.config.backups.as_mut().expect("--backup-dir");
        (plan.every, [plan.first_after, plan.retry_after]) = (every, [Duration::from_millis(9); 2]);
        (self.config.clock, self.clock) = (clock.clone(), clock);
        self.restart();
        self
    }

    /// The same server, whose peers may take so long.
    pub fn with_deadlines(mut self, deadlines: Deadlines) -> Self {
        self.config.deadlines = deadlines;
        self.restart();
        self
    }

    /// The same server on the same file with other settings.
    pub fn restart_with(&mut self, change: impl FnOnce(&mut Settings)) {
        change(&mut self.config.settings);
        self.restart();
    }

    /// Moves the clock to `millis` after the start.
    pub fn advance_to(&self, millis: i64) {
        self.clock.set(Timestamp::from_millis(START + millis));
    }

    /// A request with the admin key.
    pub fn request(&self, method: &str, path: &str) -> Request {
        let request = self.anonymous(method, path);
        if self.key.is_empty() {
            request
        } else {
            request.bearer(&self.key)
        }
    }

    /// A request without a key.
    pub fn anonymous(&self, method: &str, path: &str) -> Request {
        Request::new(self.address, method, path)
    }

    /// GET with the admin key.
    pub fn get(&self, path: &str) -> Answer {
        self.request("GET", path).send()
    }

    /// POST of a JSON body with the admin key.
    pub fn post(&self, path: &str, body: &str) -> Answer {
        self.request("POST", path).json(body).send()
    }

    /// Invites `email` to `organization`; it must work. Returns the invitation.
    pub fn invite(&self, organization: &str, email: &str) -> serde_json::Value {
        let body = serde_json::json!({ "email": email, "role": "developer" }).to_string();
        let answer = self.post(&invitations(organization), &body);
        assert_eq!(answer.status, 201, "{}", answer.text());
        answer.json()
    }

    /// Invites `email` to `organization`, and waits until its mail has gone out.
    pub fn invite_by_mail(&self, organization: &str, email: &str) -> serde_json::Value {
        let invited = self.invite(organization, email);
        self.delivered(&invitation(organization, &invited["id"]))
    }

    /// The invitation at `path`, once no mail of it is under way.
    pub fn delivered(&self, path: &str) -> serde_json::Value {
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            let invitation = self.get(path).json();
            if invitation["delivery"] != "queued" {
                return invitation;
            }
            assert!(
                Instant::now() < deadline,
                "its mail stays queued: {invitation}"
            );
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Makes a key as `invited key create` does, beside the running server.
    pub fn key(
        &self,
        scopes: &[Scope],
        organizations: &[&str],
        expires_at: Option<Timestamp>,
    ) -> String {
        let bound: Vec<_> = organizations
            .iter()
            .filter_map(|id| OrganizationId::parse(id))
            .collect();
        let organizations = Some(bound).filter(|bound| !bound.is_empty());
        let rights = Rights {
            scopes: scopes.iter().copied().collect(),
            organizations,
            roles: None,
        };
        self.insert_key(&NewKey {
            name: "test".to_owned(),
            rights,
            expires_at,
        })
    }

    /// Fills an empty file with the samples, beside the running server.
    pub fn fill_with_samples(&self) {
        let (ground, origin) = (life::ground(), anybody().origin);
        let fill = |tx: &invited::db::WriteTx<'_>| Start::Samples.fill(tx, &ground, &origin);
        invited::db::write_file(&self.database, fill).expect("samples");
    }

    /// Makes any key, beside the running server.
    pub fn insert_key(&self, new: &NewKey) -> String {
        let key = invited::db::write_file(&self.database, |tx| {
            key::manage::create_as(tx, new, invited::audit::By::CLI)
        });
        key.expect("the key is made").reveal()
    }

    /// Reads the file directly: only for what no operation shows.
    pub fn db_rows(&self, sql: &str) -> Vec<Vec<String>> {
        let conn = rusqlite::Connection::open(&self.database).expect("the file opens");
        let mut statement = conn.prepare(sql).expect("good SQL");
        let columns = statement.column_count();
        let row_of = |row: &rusqlite::Row<'_>| {
            (0..columns)
                .map(|column| {
                    Ok(format!(
                        "{:?}",
                        row.get_ref(column)?.as_str_or_null().ok().flatten()
                    ))
                })
                .collect()
        };
        let rows = statement.query_map([], row_of).expect("the query runs");
        rows.collect::<Result<_, _>>().expect("every row reads")
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        self.stop();
        log_gate::check();
    }
}

/// How often a test does something: `full` where `variable` says so, else a share that fits into
/// every run.
pub fn scale(variable: &str, share: u64, full: u64) -> u64 {
    if std::env::var(variable).is_ok_and(|value| value == "full") {
        full
    } else {
        share
    }
}

/// A creator who may do everything.
pub fn anybody() -> Actor {
    Actor {
        rights: Rights::ALL.into(),
        origin: Origin {
            actor: "test".to_owned(),
            request_id: "test".to_owned(),
        },
    }
}

/// The rules of a server with default settings.
pub fn rules() -> Rules {
    Rules {
        default_lifetime_seconds: 7 * 24 * 60 * 60,
        roles: Vec::new(),
        redirect_origins: Some(Vec::new()),
        hosts: Hosts::Dotted,
        sending: Sending {
            cooldown_seconds: 60,
            limits: Arc::default(),
            ..Sending::default()
        },
        acceptance: Acceptance::MailedLink,
    }
}

/// The path of an organization's invitations.
pub fn invitations(organization: &str) -> String {
    format!("/v1/organizations/{organization}/invitations")
}

/// The path of one invitation.
pub fn invitation(organization: &str, id: &serde_json::Value) -> String {
    format!(
        "/v1/organizations/{organization}/invitations/{}",
        id.as_str().unwrap_or_default()
    )
}
