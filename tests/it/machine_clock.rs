//! The clock of the machine, moved by libfaketime where that is there.

use std::path::Path;
use std::process::Command;

use crate::support::process::{Server, invited, skipped};
use crate::support::{Request, invitations};

/// Where Debian puts the library.
const LIBRARIES: [&str; 2] = [
    "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1",
    "/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1",
];

/// `invited serve` on a new file, on a machine whose clock shows `time`; none where that cannot be
/// done.
fn serve_at(time: &str, folder: &Path) -> Option<Command> {
    let Some(library) = LIBRARIES.into_iter().find(|path| Path::new(path).exists()) else {
        skipped("the clock of the machine: libfaketime is not there");
        return None;
    };
    let mut command = invited();
    command
        .env("LD_PRELOAD", library)
        .env("FAKETIME", format!("@{time}"))
        .env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    command
        .args(["serve", "--listen", "127.0.0.1:0", "--database"])
        .arg(folder.join("invited.db"));
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
        let output = command.env("TZ", "UTC").output().expect("it runs");
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
        let server = Server::spawn(command.env("TZ", "UTC"));
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
