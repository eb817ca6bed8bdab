//! Processor instructions a request: the one figure that neither the machine nor its neighbours
//! change, so it is what is held tightest.
//!
//! The real server runs under valgrind's callgrind, and requests come one after the other over one
//! connection. What a run with [`MANY`] requests takes more than one with [`FEW`] is what the
//! requests took: start, stop and the first use of everything fall out. Only the threads that serve
//! requests count, since others tick by wall time.

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use ureq::http::Response;
use ureq::{Agent, Body};

use crate::process::Server;
use crate::seed::{Layout, Seed};
use crate::table::{self, Goal, Row, Unit, thousands};
use crate::{Result, SMALL};

/// Requests of the short run.
const FEW: u32 = 100;
/// Requests of the long run.
const MANY: u32 = 1_100;
/// A function that only those threads call which serve connections.
const WORKER: &str = "actix_http::h1::dispatcher";
/// A function that only the thread calls which writes.
const WRITER: &str = "invited::db::job::Job";

/// A kind of request, and what it may cost.
struct Request {
    /// What it is called.
    name: &'static str,
    /// The functions by which its threads are known.
    threads: &'static [&'static str],
    /// Instructions above which `--check` fails: what was measured, and a twentieth more at most.
    limit: u32,
    /// The goals of the design.
    goal: Goal,
    /// Sends the request with this number.
    send: fn(&Client, usize) -> Result<Response<Body>>,
}

/// All that are measured.
const REQUESTS: [Request; 4] = [
    Request {
        name: "GET /health/live",
        threads: &[WORKER],
        limit: LIMIT_LIVE,
        goal: Goal::at_most(28_000.0, 22_000.0),
        send: |client, _| client.get("/health/live"),
    },
    Request {
        name: "get one",
        threads: &[WORKER],
        limit: LIMIT_GET,
        goal: Goal::at_most(55_000.0, 45_000.0),
        send: Client::get_one,
    },
    Request {
        name: "list 20",
        threads: &[WORKER],
        limit: LIMIT_LIST,
        goal: Goal::at_most(130_000.0, 105_000.0),
        send: Client::list,
    },
    Request {
        name: "create, one at a time",
        threads: &[WORKER, WRITER],
        limit: LIMIT_CREATE,
        goal: Goal::at_most(200_000.0, 170_000.0),
        send: Client::create,
    },
];

// What the release profile takes, and a twentieth more at most.
/// See [`Request::limit`].
const LIMIT_LIVE: u32 = 30_800;
/// See [`Request::limit`].
const LIMIT_GET: u32 = 59_400;
/// See [`Request::limit`].
const LIMIT_LIST: u32 = 207_600;
/// See [`Request::limit`]. Each event carries the hash of the one before, and each commit writes
/// the counts of rows: together a tenth of a create that is alone in its commit.
const LIMIT_CREATE: u32 = 233_900;

/// Measures all of them and prints the table; with `check`, what is above its limit is a failure.
///
/// # Errors
/// When the server or valgrind fails.
pub fn measure(folder: &Path, check: bool) -> Result<ExitCode> {
    let seed = Seed::get(folder, Layout::spread(SMALL))?;
    let mut rows = Vec::new();
    let mut above = Vec::new();
    for request in &REQUESTS {
        let count = count(folder, &seed, request)?;
        if count > f64::from(request.limit) {
            above.push(request.name);
        }
        rows.push(row(request, count));
    }
    let title = format!(
        "Instructions a request, {} invitations in the file",
        thousands(SMALL)
    );
    table::print(&title, &rows);
    if above.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    println!("Above the limit: {}.", above.join("; "));
    Ok(if check {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

/// The table's line for a request.
fn row(request: &Request, count: f64) -> Row {
    Row {
        against: format!("limit of --check: {}", thousands(request.limit)),
        ..Row::alone(
            request.name.to_owned(),
            count,
            Unit::Instructions,
            request.goal,
        )
    }
}

/// Instructions of one request.
fn count(folder: &Path, seed: &Seed, request: &Request) -> Result<f64> {
    let few = run(folder, seed, request, FEW)?;
    let many = run(folder, seed, request, MANY)?;
    Ok((many - few) / f64::from(MANY - FEW))
}

/// Instructions of a whole run with `times` requests, of the threads that serve them.
fn run(folder: &Path, seed: &Seed, request: &Request, times: u32) -> Result<f64> {
    let counts = folder.join("callgrind");
    if counts.exists() {
        fs::remove_dir_all(&counts)?;
    }
    fs::create_dir(&counts)?;
    let file = folder.join("invited.db");
    seed.copy_to(&file)?;
    let server = Server::counted(&file, &counts)?;
    let client = Client::new(&server, seed)?;
    for number in 0..times as usize {
        (request.send)(&client, number)?.into_body().read_to_vec()?;
    }
    server.terminate()?;
    sum(&counts, request.threads)
}

/// Adds up what the threads took that call one of these functions.
fn sum(counts: &Path, functions: &[&str]) -> Result<f64> {
    let mut sum = 0.0;
    for function in functions {
        let mut found = false;
        for file in fs::read_dir(counts)? {
            let text = String::from_utf8_lossy(&fs::read(file?.path())?).into_owned();
            if text.contains(function) {
                found = true;
                sum += total(&text).ok_or("callgrind wrote no sum")?;
            }
        }
        if !found {
            return Err(format!("no thread called a function named {function}").into());
        }
    }
    Ok(sum)
}

/// The sum in a file that callgrind wrote for a thread.
fn total(text: &str) -> Option<f64> {
    text.lines()
        .find_map(|line| line.strip_prefix("summary: "))?
        .trim()
        .parse()
        .ok()
}

/// Sends requests over one connection.
struct Client {
    /// It keeps the connection.
    agent: Agent,
    /// Where the server is.
    url: String,
    /// What it is shown.
    credential: String,
    /// Invitations that are there: organization and id.
    samples: Vec<(String, String)>,
}

impl Client {
    /// A client of `server`, which has the invitations of `seed`.
    fn new(server: &Server, seed: &Seed) -> Result<Self> {
        let samples = fs::read_to_string(&seed.samples)?;
        let pair = |line: &str| {
            let (organization, id) = line.split_once(' ')?;
            Some((organization.to_owned(), id.to_owned()))
        };
        Ok(Self {
            agent: Agent::new_with_defaults(),
            url: server.url.clone(),
            credential: format!("Bearer {}", server.key.as_deref().unwrap_or_default()),
            samples: samples.lines().filter_map(pair).collect(),
        })
    }

    /// The sampled invitation for the request with this number.
    fn sample(&self, number: usize) -> Result<(&str, &str)> {
        // A prime that divides no number of samples: the next one lies elsewhere.
        let place = (number * 7_919) % self.samples.len().max(1);
        let (organization, id) = self.samples.get(place).ok_or("no samples")?;
        Ok((organization, id))
    }

    /// A GET that must be answered by 200.
    fn get(&self, path: &str) -> Result<Response<Body>> {
        let url = format!("{}{path}", self.url);
        let request = self.agent.get(url);
        Ok(request.header("Authorization", &self.credential).call()?)
    }

    /// Gets a sampled invitation.
    fn get_one(&self, number: usize) -> Result<Response<Body>> {
        let (organization, id) = self.sample(number)?;
        self.get(&format!(
            "/v1/organizations/{organization}/invitations/{id}"
        ))
    }

    /// Lists 20 of the organization of a sampled invitation.
    fn list(&self, number: usize) -> Result<Response<Body>> {
        let (organization, _) = self.sample(number)?;
        self.get(&format!(
            "/v1/organizations/{organization}/invitations?limit=20"
        ))
    }

    /// Invites somebody to the organization of a sampled invitation.
    fn create(&self, number: usize) -> Result<Response<Body>> {
        let (organization, _) = self.sample(number)?;
        let url = format!("{}/v1/organizations/{organization}/invitations", self.url);
        let request = self.agent.post(url);
        Ok(request
            .header("Authorization", &self.credential)
            .header("Content-Type", "application/json")
            .send(format!(
                r#"{{"email":"new.{number}@example.org","role":"developer"}}"#
            ))?)
    }
}
