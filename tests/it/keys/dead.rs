//! Keys that are no longer, or never were, good; and that no secret is ever stored.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;

use invited::base::clock::Timestamp;
use invited::key::Scope;
use invited::key::token::PlainKey;
use serde_json::json;

use super::{basic, comparable, revoked, rows, send, spellings};
use crate::support::process::{Server, run};
use crate::support::{START, TestApp, forged, invitations};

#[test]
fn every_dead_key_gets_the_same_bytes() {
    let app = TestApp::serve();
    let live_id = app.key[4..20].to_owned();
    let mut altered = app.key.clone().into_bytes();
    altered[30] = if altered[30] == b'0' { b'1' } else { b'0' };
    let dead = [
        ("unknown", forged(&"f".repeat(16))),
        ("the right id with another secret", forged(&live_id)),
        (
            "expired",
            app.key(&[Scope::Admin], &[], Some(Timestamp::from_millis(START))),
        ),
        ("revoked", revoked(&app)),
    ];
    let operations = [
        ("GET", invitations("acme")),
        ("POST", invitations("acme")),
        ("GET", "/nowhere".to_owned()),
    ];
    let broken = [
        String::from_utf8(altered).expect("ASCII"),
        // The id of one with the secret of another.
        format!("ivk_{live_id}_{}", &revoked(&app)[21..]),
    ];
    for (method, path) in operations {
        assert_eq!(send(&app, (method, &path), None).status, 401);
        let unknown = format!("Bearer {}", dead[0].1);
        let expected = comparable(&send(&app, (method, &path), Some(&unknown)));
        assert_eq!(expected.0, 401);
        // What cannot be a key is told so: its checksum does not match, which anybody can see.
        for authorization in broken.iter().flat_map(|key| spellings(key)) {
            let answer = send(&app, (method, &path), Some(&authorization));
            let code = answer.code();
            assert_eq!((answer.status, code.as_str()), (401, "unauthorized"));
        }
        for (what, key) in &dead {
            for authorization in spellings(key) {
                let answer = send(&app, (method, &path), Some(&authorization));
                assert_eq!(comparable(&answer), expected, "{what}: {method} {path}");
            }
        }
    }
    assert_eq!(rows(&app), Vec::<Vec<String>>::new());
}

#[test]
fn a_key_ends_with_the_millisecond_that_it_names() {
    let app = TestApp::serve();
    let key = app.key(
        &[Scope::Read],
        &[],
        Some(Timestamp::from_millis(START + 5_000)),
    );
    for (millis, status) in [
        (0, 200),
        (4_999, 200),
        (5_000, 401),
        (5_001, 401),
        (4_999, 200),
    ] {
        app.advance_to(millis);
        for authorization in spellings(&key) {
            let answer = send(&app, ("GET", &invitations("acme")), Some(&authorization));
            assert_eq!(answer.status, status, "at {millis} ms");
        }
    }
}

/// Sends a GET on a connection that stays open; answers its status.
fn get_again(connection: &mut BufReader<TcpStream>, path: &str, key: &str) -> u16 {
    let head = format!("GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n\r\n");
    connection
        .get_mut()
        .write_all(head.as_bytes())
        .expect("the request is sent");
    let (mut status, mut length) = (0, 0);
    loop {
        let mut line = String::new();
        connection.read_line(&mut line).expect("the answer reads");
        match line.trim_end().split_once([' ', ':']) {
            None => break,
            Some(("HTTP/1.1", rest)) => status = rest[..3].parse().expect("a status"),
            Some(("content-length", value)) => length = value.trim().parse().expect("a length"),
            Some(_) => {}
        }
    }
    std::io::copy(&mut connection.take(length), &mut std::io::sink()).expect("the body reads");
    status
}

#[test]
fn a_revoked_key_is_dead_at_its_next_request_also_on_a_connection_that_it_has_opened() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let database = folder.path().join("invited.db");
    let server = Server::serve(&database);
    let words = |words: &[&'static str]| [words, &["--database"]].concat();
    let path = database.to_string_lossy().into_owned();
    let command = |first: &[&'static str], last: &[&str]| {
        let output = run(&[&words(first)[..], &[path.as_str()], last].concat());
        (
            output.status.success(),
            String::from_utf8(output.stdout).expect("text"),
        )
    };
    for by_whole_key in [false, true] {
        let (made, key) = command(&["key", "create"], &["--scope", "invitations:read"]);
        let key = key.trim().to_owned();
        assert!(made && PlainKey::parse(&key).is_some(), "{key}");
        let stream = TcpStream::connect(server.address).expect("the server accepts");
        let mut connection = BufReader::new(stream);
        for _ in 0..2 {
            assert_eq!(get_again(&mut connection, &invitations("acme"), &key), 200);
        }
        let id = key[4..20].to_owned();
        let (done, said) = command(&["key", "revoke"], &[if by_whole_key { &key } else { &id }]);
        assert_eq!((done, said), (true, format!("revoked {id}\n")));
        assert_eq!(get_again(&mut connection, &invitations("acme"), &key), 401);
        assert_eq!(
            server
                .request("GET", &invitations("acme"))
                .bearer(&key)
                .send()
                .status,
            401
        );
        let (again, _) = command(&["key", "revoke"], &[&id]);
        assert!(!again, "there is no live key to revoke any more");
    }
}

/// The files of a folder, by name.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = std::fs::read_dir(folder)
        .expect("the folder reads")
        .map(|entry| entry.expect("an entry").path());
    entries
        .map(|path| {
            (
                path.to_string_lossy().into_owned(),
                std::fs::read(&path).expect("the file reads"),
            )
        })
        .collect()
}

#[test]
fn the_secret_of_a_key_is_stored_nowhere() {
    let app = TestApp::serve();
    let keys = [
        app.key.clone(),
        app.key(&[Scope::Admin], &[], None),
        revoked(&app),
    ];
    for key in &keys {
        for authorization in spellings(key) {
            send(&app, ("POST", &invitations("acme")), Some(&authorization));
            send(
                &app,
                ("GET", &format!("{}?token={key}", invitations("acme"))),
                Some(&authorization),
            );
            app.post(
                &invitations("acme"),
                &json!({ "token": key, "email": key, "role": key }).to_string(),
            );
            let repeated = app
                .request("POST", &invitations("acme"))
                .header("Idempotency-Key", "once");
            repeated
                .json(r#"{"email":"once@b.co","role":"developer"}"#)
                .send();
        }
    }
    let files = files(app.database.parent().expect("a folder"));
    assert!(
        files.keys().any(|name| name.ends_with("-wal")),
        "{:?}",
        files.keys()
    );
    let holds = |needle: &[u8]| {
        files
            .values()
            .any(|bytes| bytes.windows(needle.len()).any(|window| window == needle))
    };
    assert!(holds(b"once@b.co"), "what is stored is found");
    for key in keys {
        let (id, secret) = (&key[4..20], &key[21..]);
        assert!(holds(id.as_bytes()), "the id is found");
        let digit = |at: usize| u8::from_str_radix(&secret[at..at + 2], 16).expect("hex");
        let random: Vec<u8> = (0..64).step_by(2).map(digit).collect();
        let encoded = basic(&key);
        let needles = [
            &secret.as_bytes()[..16],
            &secret.as_bytes()[48..],
            &random[..8],
            &encoded.as_bytes()[40..60],
        ];
        for needle in needles {
            assert!(
                !holds(needle),
                "a part of a secret is stored: {:?}",
                String::from_utf8_lossy(needle)
            );
        }
    }
}
