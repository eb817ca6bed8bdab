//! R1: an acknowledged change survives any death of the process.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use crate::check::{
    History, Keys, answers_hold, ensure, keys_hold, no_panic, nothing_failed, nothing_lost, sound,
};
use crate::ledger::Entry;
use crate::load::{Load, entries};
use crate::scale::Scale;
use crate::server::{Launch, Server};
use crate::{Outcome, cli, report};

/// Concurrent writers.
const WRITERS: usize = 64;

/// The server is killed this long after the writers start.
const KILL_AFTER_MS: std::ops::RangeInclusive<u64> = 5..=400;

/// 99 of 100 restarts are ready within this time.
const READY_LIMIT: Duration = Duration::from_millis(500);

/// No restart takes longer than this.
const READY_CEILING: Duration = Duration::from_secs(10);

/// Kills the server in the middle of a mixed load, again and again, on one file.
pub fn acknowledged_changes_survive_kill(scale: &Scale) -> Outcome {
    let directory = tempfile::tempdir()?;
    let database = directory.path().join("invited.db");
    let mut random = scale.random(1);
    let mut server = Launch::serve(&database).run()?;
    let key = server.admin_key()?;
    let mut ready_times = Vec::new();
    let mut all_keys = Keys::default();
    let mut history = History::default();
    for cycle in 0..scale.kill_cycles {
        let load = Load {
            name: format!("kill{cycle}"),
            writers: WRITERS,
            seed: random.u64(..),
            padding: 0,
        };
        let delay = Duration::from_millis(random.u64(KILL_AFTER_MS));
        let (keys, entries) = load_until_killed(server, &key, &load, delay)?;
        nothing_failed(&entries)?;
        server = Launch::serve(&database).run()?;
        ready_times.push(server.wait_ready(READY_CEILING)?);
        nothing_lost(&answers_hold(
            &server,
            &key,
            &load.organizations(),
            &entries,
        )?)?;
        keys_hold(&server, &keys)?;
        sound(&database)?;
        history.add(&load, entries);
        all_keys.add(keys);
    }
    keys_hold(&server, &all_keys)?;
    let acknowledged = history.holds(&server, &key)?;
    no_panic(&server.stop()?)?;
    sound(&database)?;
    let ready = percentile_99(&mut ready_times);
    report(format!(
        "{} kills, {acknowledged} and {} by key commands, 0 lost; ready again within {ready:?} \
         (p99)",
        scale.kill_cycles,
        all_keys.changes()
    ));
    ensure(ready <= READY_LIMIT, || {
        format!("ready again only after {ready:?} (p99)")
    })
}

/// Runs the writers and the key commands until the server is killed.
fn load_until_killed(
    server: Server,
    key: &str,
    load: &Load,
    delay: Duration,
) -> Outcome<(Keys, Vec<Entry>)> {
    let stop = AtomicBool::new(false);
    let (keys, entries) = thread::scope(|scope| {
        let commands = scope.spawn(|| make_keys(&server.database, &stop));
        let loaded = load.run(&server, key, || {
            thread::sleep(delay);
            server.strike()
        });
        stop.store(true, Ordering::Relaxed);
        let keys = commands.join().map_err(|_| "the key commands panicked")??;
        Outcome::Ok((keys, entries(loaded?.1)))
    })?;
    no_panic(&server.kill()?)?;
    Ok((keys, entries))
}

/// Makes keys beside the server and revokes every other one.
fn make_keys(database: &Path, stop: &AtomicBool) -> Outcome<Keys> {
    let mut keys = Keys::default();
    while !stop.load(Ordering::Relaxed) {
        let first = cli::key_create(database, "kept")?;
        let second = cli::key_create(database, "revoked")?;
        cli::key_revoke(database, &second)?;
        keys.made.push(first);
        keys.revoked.push(second);
    }
    Ok(keys)
}

/// The time within which 99 of 100 fall.
fn percentile_99(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    let index = (times.len() * 99).div_ceil(100).saturating_sub(1);
    times.get(index).copied().unwrap_or_default()
}
