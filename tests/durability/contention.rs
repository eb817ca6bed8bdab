//! R9: clients never see a lock.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use crate::check::{answers_hold, ensure, no_panic, nothing_failed, nothing_lost, sound};
use crate::client::Client;
use crate::ledger::Change;
use crate::load::{Load, entries};
use crate::scale::Scale;
use crate::server::{Launch, Server};
use crate::{Outcome, cli, report};

/// Concurrent writers.
const WRITERS: usize = 64;

/// Concurrent readers.
const READERS: usize = 64;

/// Writers, readers and key commands at once: no answer is an error of the server, and no log line
/// speaks of a lock.
pub fn clients_never_see_a_lock(scale: &Scale) -> Outcome {
    let directory = tempfile::tempdir()?;
    let database = directory.path().join("invited.db");
    let server = Launch::serve(&database).run()?;
    let key = server.admin_key()?;
    let seed = scale.random(9).u64(..);
    let load = Load {
        name: "meeting".to_owned(),
        writers: WRITERS,
        seed,
        padding: 0,
    };
    let organizations = load.organizations();
    let (counts, told) = load.run(&server, &key, || {
        meet(&server, &key, &organizations, scale.contention)
    })?;
    let entries = entries(told);
    nothing_failed(&entries)?;
    let findings = answers_hold(&server, &key, &organizations, &entries)?;
    nothing_lost(&findings)?;
    let acknowledged = findings.acknowledged;
    ensure(acknowledged.0.len() == Change::KINDS, || {
        format!("a kind of change is missing: {acknowledged}")
    })?;
    let log = server.stop()?;
    no_panic(&log)?;
    let spoken = log.lines().find(|line| {
        [" locked", " busy"]
            .iter()
            .any(|word| line.to_lowercase().contains(word))
    });
    ensure(spoken.is_none(), || {
        format!("the log speaks of a lock: {}", spoken.unwrap_or_default())
    })?;
    sound(&database)?;
    let (reads, commands) = counts;
    report(format!(
        "{acknowledged}, {reads} reads and {commands} key commands met"
    ));
    Ok(())
}

/// Reads and runs commands for a while; how many reads and commands there were.
fn meet(
    server: &Server,
    key: &str,
    organizations: &[String],
    time: Duration,
) -> Outcome<(usize, usize)> {
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let readers: Vec<_> = (0..READERS)
            .map(|number| {
                let client = Client::new(&server.base, key);
                let organization = &organizations[number % organizations.len()];
                let stop = &stop;
                scope.spawn(move || read_until(&client, organization, stop))
            })
            .collect();
        let commands = scope.spawn(|| command_until(server, &stop));
        thread::sleep(time);
        stop.store(true, Ordering::Relaxed);
        let mut reads = 0;
        for reader in readers {
            reads += reader.join().map_err(|_| "a reader panicked")??;
        }
        Ok((
            reads,
            commands.join().map_err(|_| "the commands panicked")??,
        ))
    })
}

/// Lists and gets until told to stop.
fn read_until(client: &Client, organization: &str, stop: &AtomicBool) -> Outcome<usize> {
    let path = format!("/v1/organizations/{organization}/invitations");
    let page = format!("{path}?limit=20");
    let mut reads = 0;
    while !stop.load(Ordering::Relaxed) {
        let answer = client.get(&page).ok_or("a list was not answered")?;
        ensure(answer.status == 200, || {
            format!("a list is answered {answer:?}")
        })?;
        let id = answer.body[0]["id"].as_str().unwrap_or("none").to_owned();
        let status = client.status(&format!("{path}/{id}"));
        // The newest one may have been deleted since.
        ensure(matches!(status, Some(200 | 404)), || {
            format!("one is answered {status:?}")
        })?;
        reads += 2;
    }
    Ok(reads)
}

/// Makes, lists and revokes keys until told to stop.
fn command_until(server: &Server, stop: &AtomicBool) -> Outcome<usize> {
    let mut commands = 0;
    while !stop.load(Ordering::Relaxed) {
        let key = cli::key_create(&server.database, "beside")?;
        cli::key_list(&server.database)?;
        cli::key_revoke(&server.database, &key)?;
        commands += 3;
    }
    Ok(commands)
}
