//! R26: a write needs nothing outside of the data folder: no temporary folder, no free descriptor.

use std::ffi::OsString;
use std::fs;
use std::io::Write as _;
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::check::{ensure, no_panic, sound};
use crate::client::{Answer, Client, invitations};
use crate::faults::Mount;
use crate::scale::Scale;
use crate::server::{Launch, Server};
use crate::{Outcome, report};

/// Writes work again within this time after there are descriptors.
const HEAL_LIMIT: Duration = Duration::from_secs(2);

/// More clients that do nothing than the server has descriptors for.
const IDLE_CLIENTS: usize = 350;

/// Descriptors of a server that runs out of them.
const FEW_DESCRIPTORS: u32 = 256;

/// Runs a program in a world of its own in which nothing but other mounts can be written: as in a
/// container with a read-only root and one volume.
const READ_ONLY_WORLD: &str = "mount -o remount,bind,ro / &&
    for folder in /tmp /var/tmp /dev/shm; do
      mount --rbind $folder $folder && mount -o remount,bind,ro $folder || exit 1
    done &&
    cd / && exec \"$@\"";

/// Batches of every size, deletions and an erasure where only the data folder can be written.
pub fn writes_need_only_the_data_folder(_: &Scale) -> Outcome {
    let directory = tempfile::tempdir()?;
    let mount = Mount::tmpfs(&directory.path().join("disk"), "size=64m")?;
    let database = mount.point().join("invited.db");
    let words = ["unshare", "--mount", "sh", "-c", READ_ONLY_WORLD, "sh"];
    let wrapper: Vec<OsString> = words.map(OsString::from).into();
    let server = Launch::wrapped(&wrapper, &database).run()?;
    let client = Client::new(&server.base, &server.admin_key()?);
    all_kinds_of_writes_work(&client)?;
    no_panic(&server.kill()?)?;
    sound(&database)
}

/// The same while every descriptor that the process may have is in use.
pub fn writes_need_no_free_descriptor(_: &Scale) -> Outcome {
    let directory = tempfile::tempdir()?;
    let database = directory.path().join("invited.db");
    let server = Launch::serve(&database).run()?;
    let client = Client::new(&server.base, &server.admin_key()?);
    works(&create(&client, "first@b.co"))?;
    // The client keeps its connection. Nothing can be opened from here on.
    let open = fs::read_dir(format!("/proc/{}/fd", server.pid()))?.count();
    limit_descriptors(&server, open)?;
    let refused = TcpStream::connect(server.base.trim_start_matches("http://"));
    all_kinds_of_writes_work(&client)?;
    drop(refused);
    no_panic(&server.kill()?)?;
    sound(&database)
}

/// Clients that open connections and do nothing cost those who work nothing for good.
pub fn idle_clients_close_no_writer(_: &Scale) -> Outcome {
    let directory = tempfile::tempdir()?;
    let database = directory.path().join("invited.db");
    let wrapper: Vec<OsString> = ["prlimit".to_owned(), format!("--nofile={FEW_DESCRIPTORS}")]
        .map(OsString::from)
        .into();
    let server = Launch::wrapped(&wrapper, &database).run()?;
    let client = Client::new(&server.base, &server.admin_key()?);
    works(&create(&client, "first@b.co"))?;
    let address = server
        .base
        .trim_start_matches("http://")
        .parse()
        .map_err(|_| "no address")?;
    let connect = |_| {
        let mut stream = TcpStream::connect_timeout(&address, Duration::from_millis(200)).ok()?;
        // After a whole request the server keeps the connection for longer.
        stream
            .write_all(b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n")
            .ok()?;
        Some(stream)
    };
    let idle: Vec<_> = (0..IDLE_CLIENTS).filter_map(connect).collect();
    let during: Vec<_> = [10, 30, 60, 100, 300, 1000]
        .map(|rows| batch(&client, rows, &json!({})))
        .into();
    let connected = idle.len();
    drop(idle);
    let begun = Instant::now();
    while batch(&client, 100, &json!({})).is_none_or(|answer| answer.status != 200) {
        ensure(begun.elapsed() < HEAL_LIMIT, || {
            "writes have not healed".to_owned()
        })?;
    }
    let healed = begun.elapsed();
    let statuses: Vec<_> = during
        .iter()
        .map(|answer| answer.as_ref().map_or(0, |answer| answer.status))
        .collect();
    ensure(statuses.iter().all(|status| *status == 200), || {
        format!("beside {connected} idle clients: {statuses:?}")
    })?;
    ensure(client.status("/health/ready") == Some(200), || {
        "it is not ready".to_owned()
    })?;
    no_panic(&server.kill()?)?;
    report(format!(
        "{connected} idle clients of a server with {FEW_DESCRIPTORS} descriptors: healed after \
         {healed:?}"
    ));
    sound(&database)
}

/// Takes every descriptor from a process that it has not in use.
fn limit_descriptors(server: &Server, count: usize) -> Outcome {
    let (pid, limit) = (
        server.pid().to_string(),
        format!("--nofile={count}:{count}"),
    );
    let status = Command::new("prlimit")
        .args(["--pid", &pid, &limit])
        .status()?;
    ensure(status.success(), || format!("prlimit: {status}"))
}

/// Why descriptors cannot be taken away here, if so.
pub fn limit_obstacle() -> Option<String> {
    let is_there = Path::new("/proc/self/fd").exists()
        && Command::new("prlimit").arg("--version").output().is_ok();
    (!is_there).then(|| "there is no prlimit or no /proc".to_owned())
}

/// One invitation.
fn create(client: &Client, email: &str) -> Option<Answer> {
    client.create("acme", &json!({ "email": email, "role": "viewer" }))
}

/// So many invitations of new addresses in one request.
fn batch(client: &Client, rows: usize, more: &Value) -> Option<Answer> {
    let row = |_| {
        json!({ "email": format!("u{}@b.co", fastrand::u64(..)), "role": "viewer",
        "inviter": { "name": "Ada" } })
    };
    let mut body = json!({ "invitations": (0..rows).map(row).collect::<Vec<_>>() });
    if let (Some(body), Some(more)) = (body.as_object_mut(), more.as_object()) {
        body.extend(more.clone());
    }
    client.post(&format!("{}/batch", invitations("acme")), &body)
}

/// The answer is one of success.
fn works(answer: &Option<Answer>) -> Outcome {
    let is_fine = answer
        .as_ref()
        .is_some_and(|answer| matches!(answer.status, 200 | 201 | 204));
    ensure(is_fine, || {
        format!("answered {:?}", answer.as_ref().map(Answer::brief))
    })
}

/// Writes of every kind and size are answered with success.
fn all_kinds_of_writes_work(client: &Client) -> Outcome {
    for rows in [1, 5, 20, 100, 300, 1000] {
        for more in [
            json!({}),
            json!({ "atomic": true }),
            json!({ "dryRun": true }),
        ] {
            works(&batch(client, rows, &more)).map_err(|failed| {
                format!(
                    "{rows} rows {more}: {}",
                    failed.message().unwrap_or_default()
                )
            })?;
        }
    }
    let made = create(client, "one@b.co").ok_or("no answer")?;
    let path = format!("{}/{}", invitations("acme"), made.made());
    works(&client.patch(&path, &json!({ "role": "admin" })))?;
    works(&client.post(&format!("{path}/resend"), &json!({})))?;
    works(&client.delete("/v1/invitations?email=one@b.co"))?;
    works(&client.delete("/v1/organizations/acme"))?;
    ensure(client.status("/health/ready") == Some(200), || {
        "it is not ready".to_owned()
    })
}
