//! R3: no success is reported for a commit of which a write or a sync failed.
//!
//! strace makes the n-th write or sync of the data file or its log fail, in each thread of the
//! server.

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::json;

use crate::check::{answers_hold, ensure, no_panic, none, nothing_lost, settle, sound};
use crate::client::Client;
use crate::faults::CallFault;
use crate::injection::{Injection, injected_at};
use crate::ledger::{Change, Entry, Reply};
use crate::load::{Load, entries};
use crate::scale::Scale;
use crate::server::{Launch, Server};
use crate::writer::Writer;
use crate::{Outcome, report};

/// Where single creations look whether the server has healed.
const ORGANIZATION: &str = "healing";

/// Each writer stops after this many requests, fault or not.
const REQUESTS: usize = 150;

/// Each writer stops after so many failures: enough to see whether the server stays closed.
const FAILURES: usize = 5;

/// Writes work again within this time after a fault that passes.
const HEAL_LIMIT: Duration = Duration::from_secs(5);

/// A file system that fails to sync or write, and one that is full for a moment.
const FAULTS: [CallFault; 3] = [
    CallFault {
        calls: "fsync,fdatasync",
        error: "EIO",
    },
    CallFault {
        calls: "write,pwrite64",
        error: "EIO",
    },
    CallFault {
        calls: "write,pwrite64",
        error: "ENOSPC",
    },
];

/// A write request under a fault.
struct Request {
    /// Seconds since 1970 when it was sent.
    begun: f64,
    /// Seconds since 1970 when its answer had arrived.
    ended: f64,
    /// For the ledger: what it asked for. Several rows share the answer to a batch.
    entries: Vec<Entry>,
}

impl Request {
    /// Whether anything was acknowledged.
    fn is_done(&self) -> bool {
        self.entries.iter().any(|entry| entry.reply.is_done())
    }

    /// Whether it was answered 5xx.
    fn is_failed(&self) -> bool {
        self.entries.iter().any(|entry| entry.failure().is_some())
    }
}

/// What one run under a fault was like.
#[derive(Default)]
struct Tally {
    /// Runs in which a call failed while the server was up.
    reached: usize,
    /// Runs in which the server did not start because of the fault.
    refused_starts: usize,
    /// Requests answered 503.
    failed: usize,
    /// Changes that were acknowledged.
    acknowledged: usize,
    /// Changes answered 503 that are there after a restart.
    resurfaced: Vec<String>,
}

/// Every position of every fault, each on a copy of the same file.
pub fn failed_calls_are_never_acknowledged(scale: &Scale) -> Outcome {
    let directory = tempfile::tempdir()?;
    let template = directory.path().join("template.db");
    let server = Launch::serve(&template).run()?;
    let key = server.admin_key()?;
    server.stop()?;
    settle(&template)?;
    let mut random = scale.random(5);
    let mut resurfaced = Vec::new();
    for (number, fault) in FAULTS.into_iter().enumerate() {
        let mut tally = Tally::default();
        for position in scale.fault_positions.iter().copied() {
            let database = directory
                .path()
                .join(format!("fault{number}-{position}.db"));
            fs::copy(&template, &database)?;
            fs::copy(
                template.with_added_extension("secret"),
                database.with_added_extension("secret"),
            )?;
            // One writer at odd positions, where a request is a commit, and several that share
            // commits at even ones.
            let writers = if position % 2 == 1 { 1 } else { 4 };
            let load = Load {
                name: "faults".to_owned(),
                writers,
                seed: random.u64(..),
                padding: 0,
            };
            let run = Run {
                fault,
                position,
                database,
                key: &key,
                load,
            };
            run.go(&mut tally).map_err(|failed| {
                format!(
                    "{fault:?} at call {position}: {}",
                    failed.message().unwrap_or_default()
                )
            })?;
        }
        tally.report(fault);
        let struck = tally.reached + tally.refused_starts;
        ensure(struck == scale.fault_positions.len(), || {
            format!("{fault:?} struck only {struck} times")
        })?;
        resurfaced.extend(tally.resurfaced);
    }
    none("refused, yet there after a restart", &resurfaced)
}

impl Tally {
    /// Shows it.
    fn report(&self, fault: CallFault) {
        let Self {
            reached,
            refused_starts,
            failed,
            acknowledged,
            resurfaced,
        } = self;
        report(format!(
            "{} on {}: struck {reached} servers and {refused_starts} starts; {acknowledged} \
             changes acknowledged, {failed} requests refused, 0 false successes, {} refused ones \
             there after a restart",
            fault.error,
            fault.calls,
            resurfaced.len()
        ));
    }
}

/// One server under one fault.
struct Run<'a> {
    /// What fails.
    fault: CallFault,
    /// Which call of each thread.
    position: u32,
    /// A file of its own.
    database: PathBuf,
    /// Opens the server.
    key: &'a str,
    /// Who writes.
    load: Load,
}

impl Run<'_> {
    /// Writes until the fault has struck, kills the server, starts it without the fault and
    /// compares.
    fn go(&self, tally: &mut Tally) -> Outcome {
        let trace = self.database.with_extension("strace");
        let wrapper = self.fault.strace(self.position, &self.database, &trace);
        let mut requests = Vec::new();
        match Launch::wrapped(&wrapper, &self.database).start()? {
            Err(refusal) => {
                no_panic(&refusal.stderr)?;
                ensure(injected_at(&trace)?.is_some(), || {
                    format!("no start: {refusal}")
                })?;
                tally.refused_starts += 1;
            }
            Ok(server) => {
                requests = self.write(&server)?;
                if let Some(moment) = injected_at(&trace)? {
                    tally.reached += 1;
                    self.answers_are_true(&requests, moment)?;
                    self.service_is_right(&server, &mut requests)?;
                }
                no_panic(&server.kill()?)?;
            }
        }
        self.compare(requests, tally)
    }

    /// Runs the writers.
    fn write(&self, server: &Server) -> Outcome<Vec<Request>> {
        let stop = AtomicBool::new(false);
        thread::scope(|scope| {
            let threads: Vec<_> = (0..self.load.writers)
                .map(|number| {
                    let (writer, stop) = (self.load.writer(server, self.key, number), &stop);
                    scope.spawn(move || write_until_failures(writer, stop))
                })
                .collect();
            let mut requests = Vec::new();
            for thread in threads {
                requests.extend(thread.join().map_err(|_| "a writer panicked")?);
            }
            Ok(requests)
        })
    }

    /// No request that was in flight alone when the call failed, or came later, was answered with
    /// success.
    fn answers_are_true(&self, requests: &[Request], moment: Injection) -> Outcome {
        let Injection { at, commit } = moment;
        if !commit {
            return Ok(());
        }
        let in_flight: Vec<&Request> = requests
            .iter()
            .filter(|one| one.begun <= at && at <= one.ended)
            .collect();
        let failed = in_flight.iter().any(|one| one.is_failed());
        ensure(in_flight.is_empty() || failed, || {
            "the call failed and no request in flight was told".to_owned()
        })?;
        let later = requests.iter().find(|one| one.begun > at && one.is_done());
        ensure(self.passes() || later.is_none(), || {
            "a write was acknowledged after the log had failed".to_owned()
        })
    }

    /// A full disk may have room again; a failed sync is for good.
    fn passes(&self) -> bool {
        self.fault.error == "ENOSPC"
    }

    /// Reads go on; health and writes tell of a lasting fault, or writes have healed.
    fn service_is_right(&self, server: &Server, requests: &mut Vec<Request>) -> Outcome {
        if !requests.iter().any(Request::is_failed) {
            return Ok(());
        }
        let client = Client::new(&server.base, self.key);
        let list = client.list(ORGANIZATION).map(|answer| answer.status);
        ensure(list == Some(200), || {
            format!("the list is answered {list:?}")
        })?;
        let live = client.status("/health/live");
        ensure(live == Some(200), || {
            format!("/health/live is answered {live:?}")
        })?;
        if self.passes() {
            return heals(&client, requests);
        }
        let ready = client.status("/health/ready");
        ensure(ready == Some(503), || {
            format!("/health/ready is answered {ready:?}")
        })?;
        let request = write(&client, "last@healing.example".to_owned());
        let refused = request
            .entries
            .iter()
            .all(|entry| entry.failure() == Some("503 storage_failed"));
        ensure(refused, || {
            format!("a write after the fault: {:?}", request.entries)
        })?;
        requests.push(request);
        Ok(())
    }

    /// Starts the server without the fault and looks at what is there.
    fn compare(&self, requests: Vec<Request>, tally: &mut Tally) -> Outcome {
        let server = Launch::serve(&self.database).run()?;
        server.wait_ready(Duration::from_secs(10))?;
        tally.failed += requests.iter().filter(|one| one.is_failed()).count();
        let entries: Vec<Entry> = requests
            .into_iter()
            .flat_map(|request| request.entries)
            .collect();
        let mut organizations = self.load.organizations();
        organizations.push(ORGANIZATION.to_owned());
        let findings = answers_hold(&server, self.key, &organizations, &entries)?;
        nothing_lost(&findings)?;
        tally.acknowledged += findings.acknowledged.total();
        let resurfaced = findings.resurfaced.iter();
        tally.resurfaced.extend(resurfaced.map(|text| {
            format!(
                "{} {} {}: {text}",
                self.fault.error, self.fault.calls, self.position
            )
        }));
        sound(&self.database)?;
        no_panic(&server.stop()?)?;
        sound(&self.database)
    }
}

/// Writes again until it works.
fn heals(client: &Client, requests: &mut Vec<Request>) -> Outcome {
    let begun = Instant::now();
    for number in 0.. {
        let request = write(client, format!("healed{number}@healing.example"));
        let is_done = request.is_done();
        let entries = format!("{:?}", request.entries);
        requests.push(request);
        if is_done {
            break;
        }
        ensure(begun.elapsed() < HEAL_LIMIT, || {
            format!("still refused: {entries}")
        })?;
        thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

/// Writes all kinds of changes until enough of them have failed.
fn write_until_failures(mut writer: Writer, stop: &AtomicBool) -> Vec<Request> {
    let mut requests = Vec::new();
    let mut failures = 0;
    for _ in 0..REQUESTS {
        let begun = seconds_since_1970();
        writer.step();
        let request = Request {
            begun,
            ended: seconds_since_1970(),
            entries: entries(writer.take_told()),
        };
        if request.is_failed() || writer.is_cut_off() {
            failures += 1;
            stop.store(failures >= FAILURES, Ordering::Relaxed);
        }
        requests.push(request);
        if stop.load(Ordering::Relaxed) {
            break;
        }
    }
    requests
}

/// One creation and its times.
fn write(client: &Client, email: String) -> Request {
    let begun = seconds_since_1970();
    let answer = client.create(ORGANIZATION, &json!({ "email": email, "role": "viewer" }));
    let change = Change::Create {
        email,
        role: "viewer".to_owned(),
        batch: None,
    };
    let entry = Entry {
        change,
        reply: Reply::of(answer.as_ref(), &[201], &[]),
    };
    Request {
        begun,
        ended: seconds_since_1970(),
        entries: vec![entry],
    }
}

/// The clock that strace prints.
fn seconds_since_1970() -> f64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0.0, |time| time.as_secs_f64())
}
