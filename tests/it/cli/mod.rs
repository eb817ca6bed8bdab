//! The binary as people meet it: its banner, its files, its exit codes and its signals.
//!
//! * [`about`]: what the binary says of itself. [`json`]: what commands tell programs. [`keys`]: the
//!   commands for keys. [`first_key`]: how the first key reaches its owner.

mod about;
mod closed;
mod first_key;
mod json;
mod keys;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::support::process::{Server, invited, run};
use crate::support::{Answer, invitations};

/// A file that is not there yet, in a folder that is not there yet.
fn fresh() -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let database = folder.path().join("data/invited.db");
    (folder, database)
}

/// The rights of a file or folder.
fn mode(path: &Path) -> u32 {
    std::fs::metadata(path)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
        .permissions()
        .mode()
        & 0o777
}

/// Runs a command that must fail; answers its exit code and what it printed.
fn refused(words: &[&str]) -> (Option<i32>, String) {
    let output = run(words);
    assert_eq!(output.stdout, b"", "{words:?}");
    (
        output.status.code(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    )
}

#[test]
fn a_first_start_makes_folder_and_files_for_their_owner_alone_and_one_admin_key() {
    let (_folder, database) = fresh();
    let server = Server::serve(&database);
    assert_eq!(
        server.banner[0],
        format!("invited {}", env!("CARGO_PKG_VERSION"))
    );
    assert_eq!(
        server.banner_value("data file"),
        Some(database.display().to_string())
    );
    let key = server.admin_key().expect("an admin key");
    assert_eq!((key.len(), key.starts_with("ivk_")), (93, true));
    let answer = server
        .request("GET", &invitations("acme"))
        .bearer(&key)
        .send();
    assert_eq!((answer.status, answer.text().as_str()), (200, "[]"));
    assert_eq!(mode(database.parent().expect("a folder")), 0o700);
    for name in [
        "invited.db",
        "invited.db-wal",
        "invited.db-shm",
        "invited.db.lock",
        "invited.db.admin-key",
    ] {
        assert_eq!(mode(&database.with_file_name(name)), 0o600, "{name}");
    }
    server.signal("TERM");
    assert_eq!(server.wait().0.code(), Some(0));
    assert_eq!(
        Server::serve(&database).admin_key(),
        None,
        "it is made once"
    );
}

#[test]
fn the_bare_binary_serves_and_settings_come_from_flag_then_environment_then_default() {
    let (_folder, database) = fresh();
    let mut bare = invited();
    bare.env("INVITED_LISTEN", "127.0.0.1:0")
        .env("INVITED_DATABASE", &database)
        .env("INVITED_ROLES", "viewer");
    let server = Server::spawn(bare.args(["--roles", "developer"]));
    let key = server.admin_key().expect("an admin key");
    let create = |role: &str| {
        let body = format!(r#"{{"email":"{role}@b.co","role":"{role}"}}"#);
        server
            .request("POST", &invitations("acme"))
            .bearer(&key)
            .json(body)
            .send()
            .status
    };
    assert_eq!((create("developer"), create("viewer")), (201, 422));
}

#[test]
fn a_signal_lets_requests_finish_and_empties_the_log() {
    for signal in ["TERM", "INT"] {
        let (_folder, database) = fresh();
        let server = Server::serve(&database);
        let key = server.admin_key().expect("an admin key");
        let body = r#"{"email":"a@b.co","role":"developer"}"#;
        let mut stream = TcpStream::connect(server.address).expect("it accepts");
        let head = format!(
            "POST {} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Bearer \
             {key}\r\n\
             Content-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: {}\r\n\r\n",
            invitations("acme"),
            body.len()
        );
        stream.write_all(head.as_bytes()).expect("the head goes");
        // Now it is known that the request was received.
        let mut interim = [0; b"HTTP/1.1 100 Continue\r\n\r\n".len()];
        stream
            .read_exact(&mut interim)
            .expect("the server asks for the body");
        stream
            .write_all(&body.as_bytes()[..10])
            .expect("a part of the body goes");
        server.signal(signal);
        std::thread::sleep(Duration::from_millis(200));
        stream
            .write_all(&body.as_bytes()[10..])
            .expect("the rest of the body goes");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("an answer");
        assert_eq!(Answer::parse(&answer).status, 201, "{signal}");
        let (status, took, _) = server.wait();
        assert!(
            status.code() == Some(0) && took < Duration::from_secs(10),
            "{signal}: {status} after {took:?}"
        );
        let log =
            std::fs::metadata(database.with_file_name("invited.db-wal")).map_or(0, |log| log.len());
        assert_eq!(log, 0, "{signal}");
    }
}

#[test]
fn a_signal_right_after_the_banner_stops_well_and_leaves_an_empty_log() {
    let (_folder, database) = fresh();
    for round in 0..20 {
        let server = Server::serve(&database);
        server.signal("TERM");
        assert_eq!(server.wait().0.code(), Some(0), "round {round}");
        let log =
            std::fs::metadata(database.with_file_name("invited.db-wal")).map_or(0, |log| log.len());
        assert_eq!(log, 0, "round {round}");
    }
}

#[test]
fn what_a_crash_left_of_a_new_file_does_not_hinder_the_next_start() {
    let (_folder, database) = fresh();
    std::fs::create_dir(database.parent().expect("a folder")).expect("it is made");
    for name in ["invited.db.new", "invited.db.new-journal"] {
        std::fs::write(database.with_file_name(name), b"half of a file").expect("it is written");
    }
    let server = Server::serve(&database);
    assert!(server.admin_key().is_some());
    assert!(!database.with_file_name("invited.db.new").exists());
}

#[test]
fn a_second_signal_stops_at_once() {
    let (_folder, database) = fresh();
    let server = Server::serve(&database);
    let mut stream = TcpStream::connect(server.address).expect("it accepts");
    stream
        .write_all(b"POST /v1/organizations/acme/invitations HTTP/1.1\r\nHost: localhost\r\n")
        .expect("a part goes");
    std::thread::sleep(Duration::from_millis(100));
    server.signal("TERM");
    std::thread::sleep(Duration::from_millis(200));
    server.signal("TERM");
    let (_, took, _) = server.wait();
    assert!(took < Duration::from_secs(1), "{took:?}");
}

#[test]
fn a_second_server_on_the_file_is_refused_and_told_who_has_it() {
    let (_folder, database) = fresh();
    let server = Server::serve(&database);
    let start = Instant::now();
    let words = [
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--database",
        &database.to_string_lossy(),
    ];
    let (code, printed) = refused(&words);
    assert!(start.elapsed() < Duration::from_secs(1));
    assert_eq!(code, Some(1));
    assert!(
        printed.contains(&format!("process {}", server.child.id())),
        "{printed}"
    );
    assert!(printed.contains("hint: "), "{printed}");
}

#[test]
fn a_port_that_is_taken_is_told_with_what_to_do() {
    let (_folder, database) = fresh();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    let (code, printed) = refused(&[
        "serve",
        "--listen",
        &address,
        "--database",
        &database.to_string_lossy(),
    ]);
    assert_eq!(code, Some(1));
    assert!(
        printed.contains(&address) && printed.contains("--listen"),
        "{printed}"
    );
}

#[test]
fn a_bad_setting_is_exit_code_2_and_names_the_setting_and_the_value() {
    let cases = [
        ("--listen", "nowhere"),
        ("--public-url", "ftp://x"),
        ("--public-url", "https://:password@x.test/"),
        ("--accept-url", "https://:password@x.test/"),
        ("--default-expiry", "5s"),
        ("--default-expiry", "366d"),
        ("--roles", "a b"),
        ("--redirect-origins", "https://x.test/path"),
        ("--redirect-origins", "https://:password@x.test/"),
        ("--log", "loud=very"),
    ];
    for (flag, value) in cases {
        let (code, printed) = refused(&["serve", flag, value]);
        assert_eq!(code, Some(2), "{flag} {value}: {printed}");
        assert!(
            printed.contains(flag) && printed.contains(value),
            "{printed}"
        );
    }
    assert_eq!(refused(&["no-such-command"]).0, Some(2));
}

#[test]
fn dev_needs_no_key_has_samples_and_listens_to_this_machine_only() {
    let server = Server::start(&["dev", "--listen", "127.0.0.1:0"]);
    assert_eq!(server.admin_key(), None);
    let samples = server.request("GET", &invitations("acme")).send().json();
    let statuses: Vec<_> = samples
        .as_array()
        .expect("an array")
        .iter()
        .map(|row| row["status"].clone())
        .collect();
    assert_eq!(
        statuses,
        ["pending", "pending", "revoked", "expired", "accepted"]
    );
    let file = server.banner_value("data file").expect("a file");
    assert!(Path::new(&file).exists());
    server.signal("INT");
    assert_eq!(server.wait().0.code(), Some(0));
    assert!(
        !Path::new(&file).exists(),
        "a temporary file goes with its server"
    );
    let (code, printed) = refused(&["dev", "--listen", "0.0.0.0:0"]);
    assert_eq!(code, Some(2));
    assert!(
        printed.contains("0.0.0.0:0") && printed.contains("hint: "),
        "{printed}"
    );
}

#[test]
fn a_closed_stdout_is_no_error_and_version_is_printed() {
    let mut child = invited()
        .arg("openapi")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(
        (output.status.code(), output.stderr.as_slice()),
        (Some(0), b"".as_slice())
    );
    let version = String::from_utf8(run(&["--version"]).stdout).expect("text");
    assert_eq!(version, format!("invited {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn a_file_is_known_by_its_tables_and_not_by_the_comments_of_the_version_that_made_it() {
    let (_folder, database) = fresh();
    let server = Server::serve(&database);
    server.signal("TERM");
    server.wait();
    let edit = |from: &str, to: &str| {
        let conn = rusqlite::Connection::open(&database).expect("it opens");
        conn.execute_batch("pragma writable_schema = on")
            .expect("it is allowed");
        let sql = "update sqlite_schema set sql = replace(sql, ?1, ?2) where name = 'api_key'";
        assert_eq!(conn.execute(sql, [from, to]).expect("it is edited"), 1);
    };
    edit("-- What the operator calls it.", "-- Its name.");
    drop(Server::serve(&database));
    edit("name          text", "title         text");
    let (code, printed) = refused(&[
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--database",
        &database.to_string_lossy(),
    ]);
    assert_eq!(code, Some(1));
    assert!(
        printed.contains("table api_key is not the one"),
        "{printed}"
    );
}
