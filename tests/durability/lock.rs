//! R7: one server per file, and commands beside it.

use std::fs::{self, File};
use std::path::Path;
use std::thread;
use std::time::Duration;

use crate::check::{Keys, ensure, keys_hold, no_panic, sound};
use crate::faults::Mount;
use crate::scale::Scale;
use crate::server::{Launch, Refusal, Server};
use crate::{Outcome, cli, report};

/// The loser of a race gives up within this time.
const LOSE_LIMIT: Duration = Duration::from_secs(1);

/// Two starts on one file: one serves, the other one names it. Killing the winner frees the file at
/// once.
pub fn one_of_two_servers_wins(scale: &Scale) -> Outcome {
    let directory = tempfile::tempdir()?;
    let mut slowest = Duration::ZERO;
    for race in 0..scale.lock_races {
        // Two races per file: the first one makes it, the second one finds it.
        let database = directory.path().join(format!("race{}.db", race / 2));
        let (winner, loser) = race_for(&database)
            .map_err(|failed| format!("race {race}: {}", failed.message().unwrap_or_default()))?;
        slowest = slowest.max(loser.elapsed);
        let pid = winner.pid();
        no_panic(&winner.kill()?)?;
        let next = Launch::serve(&database).run().map_err(|failed| {
            format!(
                "after {pid} was killed: {}",
                failed.message().unwrap_or_default()
            )
        })?;
        next.wait_ready(Duration::from_secs(10))?;
        next.kill()?;
    }
    report(format!(
        "{} races, one winner each, the loser gone within {slowest:?}",
        scale.lock_races
    ));
    Ok(())
}

/// Starts two servers at once; the winner and the end of the loser.
fn race_for(database: &Path) -> Outcome<(Server, Refusal)> {
    let (first, second) = thread::scope(|scope| {
        let start = || Launch::serve(database).start();
        let (first, second) = (scope.spawn(start), scope.spawn(start));
        (first.join(), second.join())
    });
    let panicked = "a starting thread panicked";
    let first = first.map_err(|_| panicked)??;
    let second = second.map_err(|_| panicked)??;
    let (winner, loser) = match (first, second) {
        (Ok(winner), Err(loser)) | (Err(loser), Ok(winner)) => (winner, loser),
        (Ok(_), Ok(_)) => return Err("both servers started".into()),
        (Err(one), Err(other)) => return Err(format!("no server started: {one} {other}").into()),
    };
    let code = loser.status.and_then(|status| status.code());
    ensure(code.is_some_and(|code| code != 0), || {
        format!("not a refusal: {loser}")
    })?;
    ensure(loser.elapsed <= LOSE_LIMIT, || format!("too late: {loser}"))?;
    no_panic(&loser.stderr)?;
    let pid = winner.pid().to_string();
    let named = loser
        .stderr
        .split(|letter: char| !letter.is_ascii_digit())
        .any(|number| number == pid);
    ensure(named, || format!("the holder {pid} is not named: {loser}"))?;
    winner.wait_ready(Duration::from_secs(10))?;
    Ok((winner, loser))
}

/// A file that is mounted alone has a second name, and its log would lie outside of the mount: it
/// is refused by that name, whether it is a data file or an empty one.
pub fn files_mounted_alone_are_refused(_: &Scale) -> Outcome {
    let directory = tempfile::tempdir()?;
    let database = directory.path().join("invited.db");
    Launch::serve(&database).run()?.stop()?;
    let empty = directory.path().join("empty.db");
    File::create_new(&empty)?;
    for (name, source) in [("data", &database), ("nothing", &empty)] {
        let folder = directory.path().join(name);
        fs::create_dir(&folder)?;
        let mount = Mount::bind(source, &folder.join("invited.db"))?;
        let refusal = match Launch::serve(mount.point()).start()? {
            Err(refusal) => refusal,
            Ok(server) => return Err(format!("{name}: it is served:\n{}", server.log()).into()),
        };
        no_panic(&refusal.stderr)?;
        let is_told = refusal.stderr.contains("mounted as a single file")
            && refusal.stderr.contains("mount its folder");
        ensure(is_told, || format!("{name}: {refusal}"))?;
        let left = fs::read_dir(&folder)?.count();
        ensure(left == 1, || {
            format!("{name}: {left} files where there was one")
        })?;
    }
    Ok(())
}

/// Key commands work beside a running server, and it heeds them at once.
pub fn commands_work_beside_the_server(_: &Scale) -> Outcome {
    let directory = tempfile::tempdir()?;
    let database = directory.path().join("invited.db");
    let server = Launch::serve(&database).run()?;
    let kept = cli::key_create(&database, "kept")?;
    let revoked = cli::key_create(&database, "revoked")?;
    keys_hold(
        &server,
        &Keys {
            made: vec![kept.clone(), revoked.clone()],
            revoked: Vec::new(),
        },
    )?;
    cli::key_revoke(&database, &revoked)?;
    keys_hold(
        &server,
        &Keys {
            made: vec![kept],
            revoked: vec![revoked],
        },
    )?;
    let table = cli::key_list(&database)?;
    ensure(table.contains("kept"), || {
        format!("the new key is not listed:\n{table}")
    })?;
    no_panic(&server.stop()?)?;
    sound(&database)
}
