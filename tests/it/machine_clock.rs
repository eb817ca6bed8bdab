//! The clock of the machine, moved by libfaketime where that is there.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::process::{Server, invited, skipped};
use crate::support::{Request, invitation, invitations};

/// Where Debian puts the library.
const LIBRARIES: [&str; 2] = [
    "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1",
    "/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1",
];

/// `invited serve` on a new file, on a machine whose clock is moved; none where that cannot be
/// done.
fn serve(folder: &Path) -> Option<Command> {
    let Some(library) = LIBRARIES.into_iter().find(|path| Path::new(path).exists()) else {
        skipped("the clock of the machine: libfaketime is not there");
        return None;
    };
    let mut command = invited();
    command
        .env("LD_PRELOAD", library)
        .env("TZ", "UTC")
        .env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    command
        .args(["serve", "--listen", "127.0.0.1:0", "--database"])
        .arg(folder.join("invited.db"));
    Some(command)
}

/// The same, where the clock of the machine shows `time`.
fn serve_at(time: &str, folder: &Path) -> Option<Command> {
    let mut command = serve(folder)?;
    command.env("FAKETIME", format!("@{time}"));
    Some(command)
}

#[test]
fn a_clock_that_shows_what_cannot_be_written_is_told_at_the_start_and_nothing_is_made() {
    for time in [
        "1969-12-31 23:00:00",
        "1969-06-01 00:00:00",
        "1930-01-01 00:00:00",
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let Some(mut command) = serve_at(time, folder.path()) else {
            return;
        };
        let output = command.output().expect("it runs");
        let printed = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{time}: {printed}");
        assert!(
            printed.contains("before 1970") && printed.contains("hint: set the clock"),
            "{time}: {printed}"
        );
        assert_eq!(
            std::fs::read_dir(folder.path()).expect("a folder").count(),
            0,
            "{time}"
        );
    }
}

#[test]
fn the_first_hours_of_1970_and_times_far_ahead_are_served() {
    for time in [
        "1970-01-01 00:10:00",
        "2038-01-20 00:00:00",
        "2250-01-01 00:00:00",
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let Some(mut command) = serve_at(time, folder.path()) else {
            return;
        };
        let server = Server::spawn(&mut command);
        let key = server.admin_key().expect("an admin key");
        let body = r#"{"email":"a@b.co","role":"developer"}"#;
        let made = Request::new(server.address, "POST", &invitations("acme"))
            .bearer(&key)
            .json(body)
            .send();
        assert_eq!(made.status, 201, "{time}: {}", made.text());
        assert!(
            made.json()["createdAt"]
                .as_str()
                .is_some_and(|shown| shown[..4] == time[..4]),
            "{}",
            made.text()
        );
        server.signal("TERM");
        assert_eq!(server.wait().0.code(), Some(0), "{time}");
    }
}

/// A server on a machine whose clock jumps.
struct Jumping {
    /// The server.
    server: Server,
    /// Its admin key.
    key: String,
    /// Where it reads how far its clock is off.
    offset: PathBuf,
}

impl Jumping {
    /// A server in `folder`; none where clocks cannot be moved.
    fn start(folder: &Path) -> Option<Self> {
        let offset = folder.join("offset");
        fs::write(&offset, "+0").expect("it is written");
        let mut command = serve(folder)?;
        command
            .env("FAKETIME_TIMESTAMP_FILE", &offset)
            .env("FAKETIME_NO_CACHE", "1");
        let server = Server::spawn(&mut command);
        let key = server.admin_key().expect("an admin key");
        Some(Self {
            server,
            key,
            offset,
        })
    }

    /// Sets the clock: `+30d` from now on this machine, or `@` and a time that it shows first.
    fn set(&self, time: &str) {
        let next = self.offset.with_extension("next");
        fs::write(&next, time).expect("it is written");
        fs::rename(next, &self.offset).expect("it is moved");
    }

    /// Asks with the admin key, and must be answered soon, and not with an error of the server.
    fn ask(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let begun = Instant::now();
        let request = self.server.request(method, path).bearer(&self.key);
        let answer = match body {
            Value::Null => request.send(),
            body => request.json(body.to_string()).send(),
        };
        let took = begun.elapsed();
        assert!(answer.status < 500, "{path}: {}", answer.text());
        assert!(took < Duration::from_secs(5), "{path} took {took:?}");
        let body = if answer.text().is_empty() {
            Value::Null
        } else {
            answer.json()
        };
        (answer.status, body)
    }

    /// Invites an address, which must work. Returns the invitation and the token of its link.
    fn invite(&self, email: &str) -> (Value, Value) {
        let body = json!({ "email": email, "role": "developer" });
        let (status, made) = self.ask("POST", &invitations("acme"), &body);
        assert_eq!(status, 201, "{made}");
        let path = format!("{}/link", invitation("acme", &made["id"]));
        let (status, link) = self.ask("POST", &path, &json!({}));
        assert_eq!(status, 200, "{link}");
        (made["id"].clone(), link["token"].clone())
    }

    /// The status of an invitation.
    fn status(&self, id: &Value) -> String {
        let (_, shown) = self.ask("GET", &invitation("acme", id), &Value::Null);
        shown["status"].as_str().unwrap_or_default().to_owned()
    }

    /// Invites somebody again and again until it is over.
    fn load(&self, writer: usize, is_over: &AtomicBool) {
        for number in 0.. {
            if is_over.load(Ordering::Acquire) {
                return;
            }
            let email = format!("w{writer}-{number}@b.co");
            let body = json!({ "email": email, "role": "developer" });
            let (status, made) = self.ask("POST", &invitations("busy"), &body);
            assert_eq!(status, 201, "{made}");
        }
    }
}

#[test]
fn a_start_with_a_clock_that_is_ahead_deletes_nothing_early() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(place) = Jumping::start(folder.path()) else {
        return;
    };
    let (closed, _) = place.invite("closed@b.co");
    let path = format!("{}/revoke", invitation("acme", &closed));
    assert_eq!(place.ask("POST", &path, &json!({})).0, 200);
    place.server.signal("TERM");
    assert_eq!(place.server.wait().0.code(), Some(0));
    for time in ["2100-01-01 00:00:00", "2250-01-01 00:00:00"] {
        let Some(mut command) = serve_at(time, folder.path()) else {
            return;
        };
        let server = Server::spawn(command.args(["--keep-closed", "1"]));
        // A pass over so few would have been over by now.
        std::thread::sleep(Duration::from_secs(2));
        let shown = server
            .request("GET", &invitation("acme", &closed))
            .bearer(&place.key)
            .send();
        assert_eq!(shown.json()["status"], "revoked", "{time}");
        server.signal("TERM");
        let (status, _, said) = server.wait();
        assert_eq!(status.code(), Some(0));
        assert!(said.contains("nothing is deleted for an hour"), "{said}");
    }
}

#[test]
fn a_clock_that_jumps_under_load_revives_nothing_and_deletes_nothing_early() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(place) = Jumping::start(folder.path()) else {
        return;
    };
    let (used, token) = place.invite("used@b.co");
    let accepted = json!({ "email": "used@b.co" });
    let path = format!("{}/accept", invitation("acme", &used));
    assert_eq!(place.ask("POST", &path, &accepted).0, 200);
    let (revoked, revoked_token) = place.invite("revoked@b.co");
    let path = format!("{}/revoke", invitation("acme", &revoked));
    assert_eq!(place.ask("POST", &path, &json!({})).0, 200);
    let (pending, _) = place.invite("pending@b.co");

    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let (place, is_over) = (&place, &is_over);
            scope.spawn(move || place.load(writer, is_over));
        }
        // A week is how long an invitation lasts, and what a clock says decides.
        for (jump, lasts) in [
            ("-30d", true),
            ("+30d", false),
            ("@2038-01-20 00:00:00", false),
            ("@1970-01-01 00:10:00", true),
            ("@2100-01-01 00:00:00", false),
            ("+0", true),
        ] {
            place.set(jump);
            std::thread::sleep(Duration::from_millis(700));
            for token in [&token, &revoked_token] {
                let body = json!({ "token": token, "email": "used@b.co" });
                let (status, answer) = place.ask("POST", "/v1/invitations/accept", &body);
                assert!((400..500).contains(&status), "{jump}: {status} {answer}");
            }
            assert_eq!(place.status(&used), "accepted", "{jump}");
            assert_eq!(place.status(&revoked), "revoked", "{jump}");
            let expected = if lasts { "pending" } else { "expired" };
            assert_eq!(place.status(&pending), expected, "{jump}");
            let path = "/v1/organizations/acme/events";
            let (_, events) = place.ask("GET", path, &Value::Null);
            assert!(
                events.as_array().is_some_and(|all| all.len() >= 5),
                "{jump}"
            );
        }
        is_over.store(true, Ordering::Release);
    });
    place.server.signal("TERM");
    let (status, _, printed) = place.server.wait();
    assert_eq!(status.code(), Some(0), "{printed}");
    assert!(!printed.contains("panicked"), "{printed}");
}
