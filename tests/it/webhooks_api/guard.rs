//! Which addresses are never spoken to, however they are spelled.
//!
//! A trap on this machine counts who comes.

use std::net::TcpListener;

use serde_json::{Value, json};

use super::trap::Trap;
use super::{URL, WEBHOOKS, list, make, patch, send_test, tried};
use crate::support::TestApp;
use crate::support::life::wrong;

/// Hosts that stand for this machine or for internal networks, and the code with which they are
/// refused.
const HOSTS: &[(&str, &str)] = &[
    ("127.0.0.1", "not_allowed"),
    ("127.0.0.2", "not_allowed"),
    ("127.255.255.254", "not_allowed"),
    ("127.1", "not_allowed"),
    ("127.0.1", "not_allowed"),
    ("0", "not_allowed"),
    ("0.0.0.0", "not_allowed"),
    ("0x0", "not_allowed"),
    ("2130706433", "not_allowed"),
    ("017700000001", "not_allowed"),
    ("0x7f000001", "not_allowed"),
    ("0x7f.1", "not_allowed"),
    ("0x7F.0x0.0x0.0x1", "not_allowed"),
    ("0177.1", "not_allowed"),
    ("0177.0.0.01", "not_allowed"),
    ("127.0.0.1.", "not_allowed"),
    ("%31%32%37.0.0.1", "not_allowed"),
    ("127%2e0%2e0%2e1", "not_allowed"),
    ("\u{ff11}\u{ff12}\u{ff17}.0.0.1", "not_allowed"),
    ("127\u{3002}0\u{3002}0\u{3002}1", "not_allowed"),
    ("\u{2460}\u{2461}\u{2466}.0.0.1", "not_allowed"),
    ("localhost", "not_allowed"),
    ("localhost.", "not_allowed"),
    ("LOCALHOST", "not_allowed"),
    ("LocalHost.", "not_allowed"),
    ("app.localhost", "not_allowed"),
    ("%6cocalhost", "not_allowed"),
    ("localhost%2e", "not_allowed"),
    ("\u{24db}ocalhost", "not_allowed"),
    ("local\u{ad}host", "forbidden_character"),
    ("a@127.0.0.1", "invalid_format"),
    ("app.example.com:443@127.0.0.1", "invalid_format"),
    ("a@localhost", "invalid_format"),
    ("4294967296", "invalid_format"),
    ("[::]", "not_allowed"),
    ("[::1]", "not_allowed"),
    ("[0:0:0:0:0:0:0:1]", "not_allowed"),
    ("[::ffff:127.0.0.1]", "not_allowed"),
    ("[::ffff:7f00:1]", "not_allowed"),
    ("[::7f00:1]", "not_allowed"),
    ("[::ffff:0:7f00:1]", "not_allowed"),
    ("[64:ff9b::7f00:1]", "not_allowed"),
    ("[64:ff9b::127.0.0.1]", "not_allowed"),
    ("[64:ff9b:1::7f00:1]", "not_allowed"),
    ("[2002:7f00:1::]", "not_allowed"),
    ("[2001:0:7f00:1::1]", "not_allowed"),
    ("[::1%25lo]", "invalid_format"),
    ("[::1%lo]", "invalid_format"),
    ("[fe80::1%25lo]", "invalid_format"),
    ("[fe80::1]", "not_allowed"),
    ("[fec0::1]", "not_allowed"),
    ("[fd00::1]", "not_allowed"),
    ("[fd00:ec2::254]", "not_allowed"),
    ("[ff02::1]", "not_allowed"),
    ("[2001:db8::1]", "not_allowed"),
    ("[100::1]", "not_allowed"),
    ("10.0.0.1", "not_allowed"),
    ("172.16.0.1", "not_allowed"),
    ("192.168.0.1", "not_allowed"),
    ("100.64.0.1", "not_allowed"),
    ("169.254.169.254", "not_allowed"),
    ("0xa9fea9fe", "not_allowed"),
    ("198.18.0.1", "not_allowed"),
    ("192.0.2.1", "not_allowed"),
    ("198.51.100.1", "not_allowed"),
    ("203.0.113.1", "not_allowed"),
    ("224.0.0.1", "not_allowed"),
    ("255.255.255.255", "not_allowed"),
];

/// Every URL that is to be refused, with the code.
fn urls(port: u16) -> Vec<(String, &'static str)> {
    let hosts = HOSTS.iter().flat_map(|(host, code)| {
        ["http", "https"].map(|scheme| (format!("{scheme}://{host}:{port}/hook"), *code))
    });
    let odd = [
        "http:127.0.0.1",
        "https:/127.0.0.1",
        "https:\\\\127.0.0.1",
        "https:////127.0.0.1",
        "HtTpS://127.0.0.1",
    ]
    .map(|text| (format!("{text}:{port}/"), "not_allowed"));
    let ends = [
        (
            format!("https://127.0.0.1:{port}#@app.example.com/"),
            "invalid_format",
        ),
        (
            format!("https://127.0.0.1:{port}\\@app.example.com/"),
            "not_allowed",
        ),
        (format!("https://127.0.0.1:0{port}/"), "not_allowed"),
        (
            format!("https://127.0.0.1:{port}?@app.example.com/"),
            "not_allowed",
        ),
        (
            format!("https://127.0.0\t.1:{port}/"),
            "forbidden_character",
        ),
        (format!(" https://127.0.0.1:{port}/"), "forbidden_character"),
    ];
    hosts.chain(odd).chain(ends).collect()
}

/// Puts a URL into the file as it is: as if it had been allowed once.
fn plant(app: &TestApp, webhook: &Value, url: &str) {
    let id = webhook["id"].as_str().expect("an id").replace('-', "");
    let job = |tx: &invited::db::WriteTx<'_>| {
        Ok(tx.execute(
            "update webhook set url = ?2 where id = unhex(?1)",
            [&*id, url],
        )?)
    };
    assert_eq!(invited::db::write_file(&app.database, job), Ok(1));
}

#[test]
fn internal_addresses_are_refused_in_every_spelling_when_made_and_when_changed() {
    let (app, trap) = (TestApp::serve(), Trap::set());
    let made = make(&app, &json!({ "url": URL }));
    let before = app.contents();
    for (url, code) in urls(trap.port) {
        let body = json!({ "url": url });
        for answer in [
            app.post(WEBHOOKS, &body.to_string()),
            patch(&app, &made, &body),
        ] {
            assert_eq!(answer.status, 422, "{url}: {}", answer.text());
            assert_eq!(
                wrong(&answer),
                [("/url".to_owned(), code.to_owned())],
                "{url}: {}",
                answer.text()
            );
        }
    }
    assert_eq!(app.contents(), before);
    trap.check_empty("when made");
}

#[test]
fn internal_addresses_are_refused_in_every_spelling_when_something_is_sent() {
    let (app, trap) = (TestApp::serve(), Trap::set());
    let urls = urls(trap.port);
    // What is no URL is in no row: it was never written.
    let readable: Vec<_> = urls
        .iter()
        .filter(|(url, _)| url::Url::parse(url).is_ok())
        .collect();
    assert!(readable.len() > 120, "{}", readable.len());
    for some in readable.chunks(64) {
        let sent: Vec<_> = some
            .iter()
            .map(|(url, _)| {
                let made = make(&app, &json!({ "url": URL, "types": ["invitation.erased"] }));
                plant(&app, &made, url);
                (url, send_test(&app, &made))
            })
            .collect();
        for (url, path) in sent {
            let delivery = tried(&app, &path);
            assert_eq!(
                (&delivery["state"], delivery.get("answerStatus")),
                (&json!("waiting"), None),
                "{url}: {delivery}"
            );
            let error = delivery["error"].as_str().unwrap_or_default();
            let refused = [
                "the host has an address that may not be reached",
                "the host was not found",
                "the request failed",
            ];
            assert!(refused.contains(&error), "{url}: {error}");
            let is_plain_address = HOSTS[..3]
                .iter()
                .any(|(host, _)| url.ends_with(&format!("://{host}:{}/hook", trap.port)));
            assert!(!is_plain_address || error == refused[0], "{url}: {error}");
        }
        for webhook in list(&app) {
            app.request("DELETE", &super::path_of(&webhook)).send();
        }
    }
    trap.check_empty("when sent");
}

#[test]
fn names_that_stand_for_this_machine_are_refused_when_something_is_sent() {
    let (app, trap) = (TestApp::serve(), Trap::set());
    let hosts = std::fs::read_to_string("/etc/hosts").unwrap_or_default();
    let lines = hosts.lines().map(|line| {
        line.split('#')
            .next()
            .unwrap_or_default()
            .split_whitespace()
    });
    let mut names: Vec<&str> = lines
        .flat_map(|line| line.skip(1))
        .filter(|name| *name != "localhost")
        .collect();
    names.sort_unstable();
    names.dedup();
    let is_here = |name: &&str| {
        let addresses = std::net::ToSocketAddrs::to_socket_addrs(&(*name, trap.port))
            .into_iter()
            .flatten();
        let mut addresses = addresses.peekable();
        addresses.peek().is_some()
            && addresses.all(|address| TcpListener::bind((address.ip(), 0)).is_ok())
    };
    for name in names.into_iter().filter(is_here) {
        let made = app.post(
            WEBHOOKS,
            &json!({ "url": format!("https://{name}:{}/", trap.port) }).to_string(),
        );
        assert_eq!(
            made.status,
            201,
            "a name is looked up when something is sent: {}",
            made.text()
        );
        let delivery = tried(&app, &send_test(&app, &made.json()));
        assert_eq!(
            delivery["error"], "the host has an address that may not be reached",
            "{name}"
        );
    }
    trap.check_empty("by a name");
}
