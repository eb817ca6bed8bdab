//! R29: deletions are bounded. The deletion of a large organization holds nobody up, and one that
//! is cut off anywhere is finished by the next start.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags};
use serde_json::{Value, json};

use crate::check::{ensure, list, no_panic, sound};
use crate::client::{Client, invitations};
use crate::scale::Scale;
use crate::server::{Launch, Server};
use crate::{Outcome, report};

/// The organization that is deleted. Its name and this domain are in every text of it.
const DOOMED: &str = "vandelay";

/// The organization that stays.
const KEPT: &str = "kramerica";

/// Rows of a batch.
const BATCH: usize = 1_000;

/// Invitations of the organization that stays.
const KEPT_ROWS: usize = 500;

/// Longer than a deletion takes on a busy machine.
const PATIENCE: Duration = Duration::from_mins(10);

/// The longest that a create elsewhere may take meanwhile, on an idle machine.
const PAUSE_LIMIT: Duration = Duration::from_millis(250);
/// How long the deletion of a share of the rows may take, the log that others write to included.
const END_LIMIT: Duration = Duration::from_secs(20);

/// How many writers create elsewhere meanwhile.
const WRITERS: usize = 4;

/// Kills the server while it deletes, at one point after the other, each time on the same file.
pub fn deletions_survive_kill(scale: &Scale) -> Outcome {
    let directory = tempfile::tempdir()?;
    let original = directory.path().join("original.db");
    let key = fill(&original, scale.deleted_rows)?;
    let whole = {
        let copy = copy(&original, directory.path(), "whole")?;
        let server = Launch::serve(&copy).run()?;
        let begun = Instant::now();
        delete(&server, &key)?;
        wait_until_gone(&copy)?;
        let whole = begun.elapsed();
        no_panic(&server.stop()?)?;
        whole
    };
    let (mut cut_off, mut untouched) = (0, 0);
    for point in 0..scale.deletion_kills {
        let database = copy(&original, directory.path(), &format!("point{point}"))?;
        // From before the first commit until after the last one.
        let delay = whole.mul_f64(f64::from(point) / f64::from(scale.deletion_kills) * 1.1);
        if kill_and_check(&database, &key, delay, scale.deleted_rows)? {
            cut_off += 1;
        } else {
            untouched += 1;
        }
        for end in ["", "-wal", "-shm", ".secret", ".lock"] {
            let _ = std::fs::remove_file(format!("{}{end}", database.display()));
        }
    }
    report(format!(
        "a deletion of {} ({whole:?}) killed at {} points: {cut_off} finished by the next start, \
         {untouched} not begun",
        scale.deleted_rows, scale.deletion_kills
    ));
    ensure(cut_off > 0, || "no kill met a deletion".to_owned())
}

/// Kills the server that long after the request, and checks what the next start makes of it.
/// Returns whether the organization is gone.
fn kill_and_check(database: &Path, key: &str, delay: Duration, rows: usize) -> Outcome<bool> {
    let server = Launch::serve(database).run()?;
    thread::scope(|scope| {
        // It is not answered where the server dies first.
        scope.spawn(|| Client::new(&server.base, key).delete(&path(DOOMED)));
        thread::sleep(delay);
        server.strike()
    })?;
    no_panic(&server.kill()?)?;
    let server = Launch::serve(database).run()?;
    let client = Client::new(&server.base, key);
    let is_gone = match client.status(&path(DOOMED)) {
        Some(404) => true,
        Some(200) => false,
        other => return Err(format!("after a kill at {delay:?} it is answered {other:?}").into()),
    };
    let found = list(&client, DOOMED)?.len();
    let expected = if is_gone { 0 } else { rows };
    ensure(found == expected, || {
        format!("{found} of {rows} are found after a kill at {delay:?}")
    })?;
    let kept = list(&client, KEPT)?.len();
    ensure(kept == KEPT_ROWS, || {
        format!("{kept} of {KEPT_ROWS} of the other organization are found")
    })?;
    wait_until_gone(database)?;
    if is_gone {
        no_text_is_left(database)?;
    }
    no_panic(&server.stop()?)?;
    sound(database)?;
    Ok(is_gone)
}

/// Creates elsewhere while a large organization is deleted, and looks for the longest pause.
pub fn deletions_hold_nobody_up(scale: &Scale) -> Outcome {
    let directory = tempfile::tempdir()?;
    let database = directory.path().join("invited.db");
    let key = fill(&database, scale.deleted_rows)?;
    let server = Launch::serve(&database).run()?;
    let quiet = longest_pause(&server, &key, "before", || {
        thread::sleep(Duration::from_secs(2));
        Ok(())
    })?;
    let begun = Instant::now();
    let pause = longest_pause(&server, &key, "during", || {
        delete(&server, &key)?;
        wait_until_gone(&database)
    })?;
    let took = begun.elapsed();
    no_text_is_left(&database)?;
    no_panic(&server.stop()?)?;
    sound(&database)?;
    report(format!(
        "a deletion of {} took {took:?}; the longest create elsewhere {pause:?} meanwhile, \
         {quiet:?} without it",
        scale.deleted_rows
    ));
    ensure(scale.is_full || took <= END_LIMIT, || {
        format!("a deletion of {} took {took:?}", scale.deleted_rows)
    })?;
    // A share of the figure runs beside whatever else a build does.
    ensure(!scale.is_full || pause <= PAUSE_LIMIT, || {
        format!("a create elsewhere took {pause:?}")
    })
}

/// The longest create of some writers in the organization that stays, while `scenario` runs.
fn longest_pause(
    server: &Server,
    key: &str,
    name: &str,
    scenario: impl FnOnce() -> Outcome,
) -> Outcome<Duration> {
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let create = |writer: usize| {
            let (client, stop) = (Client::new(&server.base, key), &stop);
            scope.spawn(move || {
                let (mut longest, mut number) = (Duration::ZERO, 0);
                while !stop.load(Ordering::Relaxed) {
                    let body = json!({ "email": format!("{name}{writer}.{number}@kept.example"),
                        "role": "developer" });
                    let begun = Instant::now();
                    let status = client.create(KEPT, &body).map(|answer| answer.status);
                    longest = longest.max(begun.elapsed());
                    if status != Some(201) {
                        return Err(format!("a create elsewhere was answered {status:?}"));
                    }
                    number += 1;
                    thread::sleep(Duration::from_millis(2));
                }
                Ok(longest)
            })
        };
        let writers: Vec<_> = (0..WRITERS).map(create).collect();
        let outcome = scenario();
        stop.store(true, Ordering::Relaxed);
        let mut longest = Duration::ZERO;
        for writer in writers {
            longest = longest.max(writer.join().map_err(|_| "a writer panicked")??);
        }
        outcome.map(|()| longest)
    })
}

/// Makes a file with both organizations, and stops its server. Returns the admin key.
fn fill(database: &Path, rows: usize) -> Outcome<String> {
    let server = Launch::serve(database).run()?;
    let key = server.admin_key()?;
    let client = Client::new(&server.base, &key);
    // Turn by turn, so that pages hold rows of both.
    for batch in 0..rows.div_ceil(BATCH) {
        let from = batch * BATCH;
        create(&client, DOOMED, from..rows.min(from + BATCH))?;
        create(
            &client,
            KEPT,
            KEPT_ROWS.min(batch * 10)..KEPT_ROWS.min(batch * 10 + 10),
        )?;
    }
    create(
        &client,
        KEPT,
        KEPT_ROWS.min(rows.div_ceil(BATCH) * 10)..KEPT_ROWS,
    )?;
    no_panic(&server.stop()?)?;
    Ok(key)
}

/// Creates invitations with text that can be found again.
fn create(client: &Client, organization: &str, numbers: std::ops::Range<usize>) -> Outcome {
    if numbers.is_empty() {
        return Ok(());
    }
    let count = numbers.len();
    let row = |number: usize| {
        // The addresses are in no order.
        let name = number.wrapping_mul(2_654_435_761) % 1_000_003;
        json!({ "email": format!("{name}.{number}@{organization}.example"), "role": "developer",
            "metadata": { "of": organization } })
    };
    let rows: Vec<Value> = numbers.map(row).collect();
    let answer = client.post(
        &format!("{}/batch", invitations(organization)),
        &json!({ "invitations": rows }),
    );
    let succeeded = answer
        .as_ref()
        .and_then(|answer| answer.body["succeeded"].as_u64());
    ensure(succeeded == Some(count as u64), || {
        format!(
            "a batch was answered {:?}",
            answer.map(|answer| answer.brief())
        )
    })
}

/// A copy of a stopped server's file, with its secret.
fn copy(original: &Path, folder: &Path, name: &str) -> Outcome<std::path::PathBuf> {
    let copy = folder.join(format!("{name}.db"));
    for end in ["", ".secret"] {
        std::fs::copy(
            format!("{}{end}", original.display()),
            format!("{}{end}", copy.display()),
        )?;
    }
    Ok(copy)
}

/// The path of an organization.
fn path(organization: &str) -> String {
    format!("/v1/organizations/{organization}")
}

/// Deletes the organization; it must work.
fn delete(server: &Server, key: &str) -> Outcome {
    let answer = Client::new(&server.base, key).delete(&path(DOOMED));
    ensure(
        answer
            .as_ref()
            .is_some_and(|answer| matches!(answer.status, 200 | 204)),
        || {
            format!(
                "the deletion was answered {:?}",
                answer.map(|answer| answer.brief())
            )
        },
    )
}

/// Waits until nothing is to leave the file any more.
fn wait_until_gone(database: &Path) -> Outcome {
    let begun = Instant::now();
    loop {
        let connection = Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        connection.busy_timeout(Duration::from_secs(10))?;
        let left: u32 = connection.query_row("select count(*) from purge", [], |row| row.get(0))?;
        drop(connection);
        if left == 0 {
            return Ok(());
        }
        ensure(begun.elapsed() < PATIENCE, || {
            format!("{left} deletions are still under way")
        })?;
        thread::sleep(Duration::from_millis(20));
    }
}

/// Neither the file nor its log holds text of the organization, but the one row in the history of
/// the server, which names it twice.
fn no_text_is_left(database: &Path) -> Outcome {
    for (end, expected) in [("", 2), ("-wal", 0)] {
        let bytes = std::fs::read(format!("{}{end}", database.display())).unwrap_or_default();
        let found = bytes
            .windows(DOOMED.len())
            .filter(|window| *window == DOOMED.as_bytes())
            .count();
        ensure(found == expected, || {
            format!("text of it is in the file{end} {found} times")
        })?;
    }
    Ok(())
}
