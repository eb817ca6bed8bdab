//! R4: a full disk stops writes only, and room heals it without a restart. A server starts on a
//! full disk, too. R13: a backup that finds no room leaves nothing.

use std::fs::{self, File};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::check::{answers_hold, ensure, no_panic, nothing_lost, nothing_resurfaced, sound};
use crate::client::{Answer, Client, invitations};
use crate::faults::Mount;
use crate::ledger::{Change, Entry, Reply};
use crate::load::{Load, entries};
use crate::scale::Scale;
use crate::server::Launch;
use crate::{Outcome, cli, report};

/// Concurrent writers while the disk fills up.
const WRITERS: usize = 16;

/// Close to the largest metadata that an invitation may carry.
const PADDING: usize = 3500;

/// The disk is full well before this.
const FILL_LIMIT: Duration = Duration::from_mins(1);

/// Bytes that make a row of a batch large, and the batch not too large to be taken.
const BATCH_PADDING: usize = 900;

/// How long the disk stays full under load.
const FULL_FOR: Duration = Duration::from_secs(2);

/// Writes work again within this time after there is room.
const HEAL_LIMIT: Duration = Duration::from_secs(5);

/// More writes than the log that a killed server leaves has room for.
const MOST_WRITES: usize = 20_000;

/// Fills the disk under load, makes room again, and looks at what was answered.
pub fn full_disk_stops_writes_only(scale: &Scale) -> Outcome {
    let directory = tempfile::tempdir()?;
    let mount = Mount::tmpfs(&directory.path().join("disk"), "size=8m")?;
    let database = mount.point().join("data").join("invited.db");
    let mut server = Launch::serve(&database).run()?;
    let key = server.admin_key()?;
    let seed = scale.random(4).u64(..);
    let load = Load {
        name: "full".to_owned(),
        writers: WRITERS,
        seed,
        padding: PADDING,
    };
    let mut probe = Probe {
        client: Client::new(&server.base, &key),
        entries: Vec::new(),
    };
    let (healed, told) = load.run(&server, &key, || {
        probe.wait_until(FILL_LIMIT, |answer| answer.status == 503)?;
        let full = Instant::now();
        while full.elapsed() < FULL_FOR {
            probe.reads_go_on()?;
        }
        mount.remount("size=64m")?;
        probe.wait_until(HEAL_LIMIT, |answer| answer.status == 201)
    })?;
    let mut entries = entries(told);
    ensure(server.exited()?.is_none(), || {
        format!("the server ended:\n{}", server.log())
    })?;
    entries.extend(probe.entries);
    let refused = only_storage_full(&entries)?;
    no_panic(&server.kill()?)?;
    let server = Launch::serve(&database).run()?;
    let mut organizations = load.organizations();
    organizations.push(Probe::ORGANIZATION.to_owned());
    let findings = answers_hold(&server, &key, &organizations, &entries)?;
    nothing_lost(&findings)?;
    nothing_resurfaced(&findings)?;
    no_panic(&server.kill()?)?;
    starts_on_a_full_disk(&database, &key)?;
    nothing_is_left_of_a_failed_start(mount.point())?;
    sound(&database)?;
    report(format!(
        "full disk: {refused} writes refused, reads went on, healed within {healed:?}"
    ));
    Ok(())
}

/// A server that was killed starts on the full disk and reads; it writes again as soon as there is
/// room.
fn starts_on_a_full_disk(database: &Path, key: &str) -> Outcome {
    let filler = fill_up(database.parent().ok_or("no folder")?)?;
    let server = Launch::serve(database).run()?;
    let client = Client::new(&server.base, key);
    for path in ["/v1/organizations/probe/invitations", "/health/ready"] {
        let status = client.status(path);
        ensure(status == Some(200), || {
            format!("{path} after a start on a full disk: {status:?}")
        })?;
    }
    let create = |name: &str| {
        let body = json!({ "email": format!("{name}@probe.example"), "role": "viewer",
            "metadata": { "pad": "x".repeat(PADDING) } });
        client
            .create(Probe::ORGANIZATION, &body)
            .map(|answer| answer.status)
    };
    let mut statuses = Vec::new();
    // The log that was left has some room of its own.
    while statuses.len() < MOST_WRITES && statuses.last() != Some(&Some(503)) {
        statuses.push(create(&format!("full{}", statuses.len())));
    }
    ensure(statuses.last() == Some(&Some(503)), || {
        format!("writes on a full disk: {statuses:?}")
    })?;
    a_batch_is_told_that_the_disk_is_full(&client)?;
    fs::remove_file(filler)?;
    let status = create("room");
    ensure(status == Some(201), || {
        format!("a write once there is room: {status:?}")
    })?;
    no_panic(&server.stop()?)
}

/// A batch is told what a create is told, also where all of it is made or nothing.
fn a_batch_is_told_that_the_disk_is_full(client: &Client) -> Outcome {
    let row = |number| {
        json!({ "email": format!("b{number}@probe.example"), "role": "viewer",
            "metadata": { "pad": "x".repeat(BATCH_PADDING) } })
    };
    for (rows, more) in [(100, json!(false)), (900, json!(false)), (900, json!(true))] {
        let rows: Vec<_> = (0..rows).map(row).collect();
        let body = json!({ "invitations": rows, "atomic": more });
        let path = format!("{}/batch", invitations(Probe::ORGANIZATION));
        let answer = client.post(&path, &body).ok_or("no answer to a batch")?;
        ensure(answer.code() == "storage_full", || {
            format!("a batch on a full disk: {}", answer.brief())
        })?;
    }
    Ok(())
}

/// A first start on a full disk says so, and leaves nothing behind.
fn nothing_is_left_of_a_failed_start(disk: &Path) -> Outcome {
    let filler = fill_up(disk)?;
    let folder = disk.join("second");
    match Launch::serve(&folder.join("invited.db")).start()? {
        Ok(server) => {
            return Err(format!("a new file on a full disk is served:\n{}", server.log()).into());
        }
        Err(refusal) => ensure(refusal.stderr.contains("the disk is full"), || {
            format!("{refusal}")
        })?,
    }
    ensure(!folder.exists(), || {
        format!("the start left {}", folder.display())
    })?;
    Ok(fs::remove_file(filler)?)
}

/// Fills the disk of a folder with one file.
fn fill_up(folder: &Path) -> Outcome<PathBuf> {
    let path = folder.join("filler");
    let mut file = File::create(&path)?;
    loop {
        match file.write(&[0; 4096]) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::StorageFull => return Ok(path),
            Err(error) => return Err(error.into()),
        }
    }
}

/// Watches from outside whether reads and writes work.
struct Probe {
    /// Its connection.
    client: Client,
    /// What it wrote and was told.
    entries: Vec<Entry>,
}

impl Probe {
    /// Where it writes.
    const ORGANIZATION: &'static str = "probe";

    /// Writes until an answer is the expected one; how long that took.
    fn wait_until(
        &mut self,
        limit: Duration,
        expected: impl Fn(&Answer) -> bool,
    ) -> Outcome<Duration> {
        let begun = Instant::now();
        loop {
            let email = format!("probe{}@probe.example", self.entries.len());
            let body = json!({ "email": email, "role": "viewer" });
            let answer = self.client.create(Self::ORGANIZATION, &body);
            let answer = answer.ok_or("the server no longer answers")?;
            let change = Change::Create {
                email,
                role: "viewer".to_owned(),
                batch: None,
            };
            self.entries.push(Entry {
                change,
                reply: Reply::of(Some(&answer), &[201], &[]),
            });
            if expected(&answer) {
                return Ok(begun.elapsed());
            }
            ensure(begun.elapsed() < limit, || {
                format!("still {answer:?} after {limit:?}")
            })?;
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Lists and health answer as always while the disk is full.
    fn reads_go_on(&self) -> Outcome {
        for path in ["/v1/organizations/probe/invitations", "/health/live"] {
            let status = self.client.status(path);
            ensure(status == Some(200), || {
                format!("{path} on a full disk: {status:?}")
            })?;
        }
        thread::sleep(Duration::from_millis(10));
        Ok(())
    }
}

/// Every refused write names the full disk; how many there are.
fn only_storage_full(entries: &[Entry]) -> Outcome<usize> {
    let mut refused = 0;
    for answer in entries.iter().filter_map(Entry::failure) {
        refused += 1;
        ensure(answer == "503 storage_full", || {
            format!("a full disk is answered {answer}")
        })?;
    }
    Ok(refused)
}

/// Makes backups to a disk that is too small, and to one that has room.
pub fn backups_without_room_leave_nothing(_: &Scale) -> Outcome {
    let directory = tempfile::tempdir()?;
    let mount = Mount::tmpfs(&directory.path().join("disk"), "size=64k")?;
    let database = directory.path().join("data").join("invited.db");
    let server = Launch::serve(&database).run()?;
    let file = mount.point().join("backup.db");
    let length = fs::metadata(&database)?.len();
    ensure(length > 64 << 10, || format!("{length} bytes fit"))?;
    let refused = cli::backup(&database, &file, &[])?;
    ensure(refused.contains("make room there"), || refused.clone())?;
    let left = fs::read_dir(mount.point())?.count();
    ensure(left == 0, || format!("{left} files are left"))?;
    mount.remount("size=256k")?;
    let told = cli::backup(&database, &file, &[])?;
    ensure(told.is_empty(), || told.clone())?;
    // There is room for one, but not for a second beside it.
    let whole = fs::read(&file)?;
    mount.remount(&format!("size={}", whole.len() + (32 << 10)))?;
    let refused = cli::backup(&database, &file, &["--force"])?;
    ensure(refused.contains("make room there"), || refused.clone())?;
    ensure(fs::read(&file)? == whole, || "another backup".to_owned())?;
    no_panic(&server.kill()?)?;
    sound(&file)
}
