//! The commands for keys: `invited key create`, `list` and `revoke`, beside a running server.

use std::fs::OpenOptions;
use std::process::Stdio;

use super::{fresh, refused};
use crate::support::invitations;
use crate::support::process::{Server, invited, run};

#[test]
fn keys_are_made_listed_and_revoked_beside_a_running_server() {
    let (_folder, database) = fresh();
    let server = Server::serve(&database);
    let file = database.to_string_lossy().into_owned();
    // What is said twice is held once.
    let scopes = ["--scope", "invitations:read", "--scope", "invitations:read"];
    let words = [
        "key",
        "create",
        "--name",
        "ci",
        "--organization",
        "acme",
        "--database",
        &file,
    ];
    let key = String::from_utf8(run(&[&words[..], &scopes].concat()).stdout)
        .expect("text")
        .trim()
        .to_owned();
    let ask = |organization: &str| {
        server
            .request("GET", &invitations(organization))
            .bearer(&key)
            .send()
            .status
    };
    assert_eq!((ask("acme"), ask("globex")), (200, 404));
    let list = String::from_utf8(run(&["key", "list", "--database", &file]).stdout).expect("text");
    let line = list
        .lines()
        .find(|line| line.starts_with(&key[4..20]))
        .expect("the key is listed");
    for cell in ["live", "invitations:read", "acme", "ci"] {
        assert!(line.contains(cell), "{line}");
    }
    assert!(!list.contains(&key[21..]), "the secret is not shown again");
    assert!(
        run(&["key", "revoke", &key[4..20], "--database", &file])
            .status
            .success()
    );
    assert_eq!(
        ask("acme"),
        401,
        "revocation holds from the next request on"
    );
    let (code, printed) = refused(&["key", "revoke", &key[4..20], "--database", &file]);
    assert_eq!((code, printed.contains("hint: ")), (Some(1), true));
}

#[test]
fn a_key_works_for_whole_seconds_and_at_most_ten_years() {
    let (_folder, database) = fresh();
    let _server = Server::serve(&database);
    let file = database.to_string_lossy().into_owned();
    let create = |lifetime: &str| {
        run(&[
            "key",
            "create",
            "--expires-in",
            lifetime,
            "--database",
            &file,
        ])
        .status
        .code()
    };
    for (lifetime, code) in [
        ("0s", 2),
        ("1s", 0),
        ("1500ms", 2),
        ("10y", 0),
        ("10y 1s", 2),
        ("soon", 2),
    ] {
        assert_eq!(create(lifetime), Some(code), "{lifetime}");
    }
}

#[test]
fn a_key_command_never_makes_a_data_file() {
    let (folder, database) = fresh();
    let (code, printed) = refused(&["key", "list", "--database", &database.to_string_lossy()]);
    assert_eq!(code, Some(1));
    assert!(
        printed.contains(&database.display().to_string()) && printed.contains("hint: "),
        "{printed}"
    );
    assert_eq!(
        std::fs::read_dir(folder.path()).expect("a folder").count(),
        0
    );
}

#[test]
fn a_key_that_could_not_be_printed_is_revoked_and_named() {
    let (_folder, database) = fresh();
    drop(Server::serve(&database));
    let file = database.to_string_lossy().into_owned();
    let full = || {
        Stdio::from(
            OpenOptions::new()
                .write(true)
                .open("/dev/full")
                .expect("it opens"),
        )
    };
    let unread = || Stdio::from(std::io::pipe().expect("a pipe").1);
    let json: &[&str] = &["--output", "json"];
    let kinds: [(Stdio, &[&str]); 4] = [
        (full(), &[]),
        (full(), json),
        (unread(), &[]),
        (unread(), json),
    ];
    for (stdout, words) in kinds {
        let mut command = invited();
        command
            .args(["key", "create", "--database", &file])
            .args(words);
        let output = command.stdout(stdout).output().expect("it runs");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{said}");
        let (_, rest) = said
            .split_once("the key ")
            .unwrap_or_else(|| panic!("{said}"));
        assert!(
            rest[16..].starts_with(" was made, and is revoked again"),
            "{said}"
        );
        let list = run(&["key", "list", "--database", &file]).stdout;
        let list = String::from_utf8(list).expect("text");
        let line = list.lines().find(|line| line.starts_with(&rest[..16]));
        assert!(line.expect("it is listed").contains("revoked"), "{list}");
    }
}
