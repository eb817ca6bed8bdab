//! R3 as a loop: for every kind of change its 1st, 2nd, ... n-th call to the disk fails, one at a
//! time, until the change succeeds.
//!
//! What was acknowledged with success is there after the next start. What was refused with 503 is
//! not there. The server answers nothing else.
//!
//! * [`kinds`]: every kind of change.

mod kinds;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::check::{ensure, no_panic, settle, sound};
use crate::client::{Answer, Client};
use crate::faults::CallFault;
use crate::scale::Scale;
use crate::server::{Launch, Server};
use crate::{Outcome, report};
use kinds::{KINDS, Kind};

/// No change makes so many calls of a kind.
const MOST_CALLS: u32 = 120;

/// strace has its hands on every thread within this time.
const ATTACH_LIMIT: Duration = Duration::from_secs(10);

/// Writes work again within this time after a lack of room.
const HEAL_LIMIT: Duration = Duration::from_secs(5);

/// A broken disk, a full one, a quota that is used up, a limit on the size of files.
const FAULTS: [CallFault; 6] = [
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
    CallFault {
        calls: "write,pwrite64",
        error: "EDQUOT",
    },
    CallFault {
        calls: "write,pwrite64",
        error: "EFBIG",
    },
    CallFault {
        calls: "fsync,fdatasync",
        error: "EDQUOT",
    },
];

/// Every kind of change under every fault in the full figures; else each under one of them in turn.
pub fn every_call_of_every_change_may_fail(scale: &Scale) -> Outcome {
    let directory = tempfile::tempdir()?;
    let database = directory.path().join("invited.db");
    let server = Launch::serve(&database).run()?;
    let trial = Trial {
        key: server.admin_key()?,
        database,
    };
    server.stop()?;
    let first = usize::try_from(scale.seed % 6).unwrap_or_default();
    let (mut struck, mut refused) = (0, 0);
    for (number, kind) in KINDS.iter().enumerate() {
        for shift in 0..scale.faults_per_change {
            let fault = FAULTS[(first + number + shift) % FAULTS.len()];
            let counts = trial
                .run(kind, fault, number * 10 + shift)
                .map_err(|failed| {
                    format!(
                        "{} under {fault:?}: {}",
                        kind.name,
                        failed.message().unwrap_or_default()
                    )
                })?;
            (struck, refused) = (struck + counts.0, refused + counts.1);
        }
    }
    report(format!(
        "{} kinds of changes, {} faults each: {struck} calls failed, {refused} changes refused \
         with 503, no other 5xx, 0 false successes, 0 refused ones there after a restart",
        KINDS.len(),
        scale.faults_per_change
    ));
    Ok(())
}

/// What all loops share.
struct Trial {
    /// The admin key.
    key: String,
    /// The data file.
    database: PathBuf,
}

impl Trial {
    /// One loop; how many calls failed, and how many changes were refused.
    fn run(&self, kind: &Kind, fault: CallFault, number: usize) -> Outcome<(usize, usize)> {
        let (mut struck, mut refused) = (0, 0);
        for position in 1..MOST_CALLS {
            let tag = format!("n{number}p{position}");
            let server = self.start()?;
            let client = Client::new(&server.base, &self.key);
            let subject = (kind.prepare)(&client, &tag).ok_or("nothing could be prepared")?;
            let trace = self.database.with_extension("strace");
            let tracer = attach(&server, fault, position, (&self.database, &trace))?;
            let answer = (kind.change)(&client, &tag, &subject).ok_or("no answer")?;
            let was_struck = fs::read_to_string(&trace)?.contains("(INJECTED)");
            let is_success = (200..300).contains(&answer.status);
            struck += usize::from(was_struck);
            refused += usize::from(!is_success);
            ensure(is_success || answer.status == 503, || {
                format!("call {position}: {}", answer.brief())
            })?;
            self.service_is_right(&client, fault, &answer)
                .map_err(|failed| {
                    format!("call {position}: {}", failed.message().unwrap_or_default())
                })?;
            end(tracer)?;
            no_panic(&server.kill()?)?;
            let server = self.start()?;
            let client = Client::new(&server.base, &self.key);
            let is_done = (kind.is_done)(&client, &tag, &subject)
                .ok_or("it cannot be seen whether it is done")?;
            ensure(is_done == is_success, || {
                format!("call {position}: {}, and done: {is_done}", answer.brief())
            })?;
            server.stop()?;
            sound(&self.database)?;
            if !was_struck {
                ensure(is_success, || {
                    format!("refused without a fault: {}", answer.brief())
                })?;
                return Ok((struck, refused));
            }
        }
        Err(format!("still struck by call {MOST_CALLS}").into())
    }

    /// A server that makes no calls of its own for a while: nothing is in its log.
    fn start(&self) -> Outcome<Server> {
        settle(&self.database)?;
        let server = Launch::serve(&self.database)
            .set("INVITED_WEBHOOK_ALLOW", "127.0.0.0/8")
            .run()?;
        server.wait_ready(Duration::from_secs(10))?;
        Ok(server)
    }

    /// Reads go on, and a lack of room passes.
    fn service_is_right(&self, client: &Client, fault: CallFault, answer: &Answer) -> Outcome {
        let list = client.list("acme").map(|answer| answer.status);
        ensure(list == Some(200), || {
            format!("the list is answered {list:?}")
        })?;
        if answer.status != 503 || fault.error == "EIO" {
            return Ok(());
        }
        let begun = Instant::now();
        loop {
            let email = format!("healed{}@b.co", fastrand::u64(..));
            let next = client
                .create("acme", &json!({ "email": email, "role": "viewer" }))
                .ok_or("no answer")?;
            if next.status == 201 {
                return Ok(());
            }
            ensure(begun.elapsed() < HEAL_LIMIT, || {
                format!("still refused: {}", next.brief())
            })?;
        }
    }
}

/// Makes the n-th call of each thread of a running server fail, counted from now.
fn attach(
    server: &Server,
    fault: CallFault,
    position: u32,
    (database, trace): (&Path, &Path),
) -> Outcome<Child> {
    let _ = fs::remove_file(trace);
    let words = fault.strace(position, database, trace);
    // The tracer of a running process is a process beside it.
    let words = words.into_iter().filter(|word| word != "-D");
    let mut words = words.collect::<Vec<_>>().into_iter();
    let program = words.next().unwrap_or_default();
    let mut command = Command::new(program);
    command
        .args(words)
        .arg("-p")
        .arg(server.pid().to_string())
        .stdin(Stdio::null())
        .stderr(Stdio::null());
    let tracer = command.spawn()?;
    let begun = Instant::now();
    while !is_traced(server.pid())? {
        ensure(begun.elapsed() < ATTACH_LIMIT, || {
            "strace did not attach".to_owned()
        })?;
        thread::sleep(Duration::from_millis(2));
    }
    Ok(tracer)
}

/// Whether every thread of a process is traced.
fn is_traced(pid: u32) -> Outcome<bool> {
    for task in fs::read_dir(format!("/proc/{pid}/task"))? {
        // A thread may end meanwhile.
        let status = fs::read_to_string(task?.path().join("status")).unwrap_or_default();
        if status.contains("TracerPid:\t0\n") {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Ends a tracer; what it traced goes on.
fn end(mut tracer: Child) -> Outcome {
    tracer.kill()?;
    tracer.wait()?;
    Ok(())
}
