//! The log of a server: its two formats, the line of each request, traces, and what no line holds.

use serde_json::Value;
use tempfile::TempDir;

use crate::support::client::Request;
use crate::support::process::Server;
use crate::support::{Answer, invitation, invitations};

/// A trace as a client names it, and its id.
const TRACEPARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// A server whose log is text, with its file and its admin key.
fn serve(settings: &[&str]) -> (TempDir, Server, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let database = folder.path().join("invited.db");
    let database = database.to_string_lossy();
    let words = ["serve", "--listen", "127.0.0.1:0", "--database", &database];
    let server = Server::start(&[&words, settings].concat());
    let key = server.admin_key().expect("an admin key");
    (folder, server, key)
}

/// A server whose log is JSON, with its file and an admin key.
fn serve_json(settings: &[&str]) -> (TempDir, Server, String) {
    let (folder, server, key) = serve(&[]);
    drop(server);
    let database = folder.path().join("invited.db");
    let database = database.to_string_lossy();
    let words = [
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--database",
        &database,
        "--log-format",
        "json",
        "--access-log",
        "on",
    ];
    let server = Server::start(&[&words, settings].concat());
    (folder, server, key)
}

/// Stops the server. Returns what it has logged since its start.
fn log_of(server: Server) -> String {
    server.signal("TERM");
    server.wait().2
}

/// Stops the server. Returns the lines of its log since its start, each of which must be JSON.
fn records_of(server: Server) -> Vec<Value> {
    let log = log_of(server);
    let parse =
        |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    log.lines().map(parse).collect()
}

/// Those of the access log.
fn accesses(records: &[Value]) -> Vec<&Value> {
    let is_access = |record: &&Value| record["target"] == "invited::access";
    records.iter().filter(is_access).collect()
}

/// Invites somebody.
fn invite(server: &Server, key: &str) -> Answer {
    let request = server.request("POST", &invitations("acme")).bearer(key);
    let answer = request
        .json(r#"{"email":"ada@example.com","role":"developer"}"#)
        .send();
    assert_eq!(answer.status, 201, "{}", answer.text());
    answer
}

#[test]
fn a_line_of_the_access_log_has_what_there_is_to_know_of_a_request() {
    let (_folder, server, key) = serve_json(&["--trusted-proxies", "127.0.0.1"]);
    let invited = invite(&server, &key).json();
    let path = invitation("acme", &invited["id"]);
    let asked = server.request("GET", &path).bearer(&key);
    let answer = asked
        .header("X-Request-Id", "asked-7")
        .header("traceparent", TRACEPARENT)
        .header("X-Forwarded-For", "203.0.113.7")
        .header("User-Agent", "curl/8.14")
        .send();
    assert_eq!(answer.status, 200);
    let records = records_of(server);
    let line = accesses(&records)[1];
    for (name, value) in [
        ("level", "INFO"),
        ("method", "GET"),
        (
            "route",
            "/v1/organizations/{organizationId}/invitations/{invitationId}",
        ),
        ("organization", "acme"),
        ("key", &key[4..20]),
        ("client", "203.0.113.0/24"),
        ("userAgent", "curl/8.14"),
        ("requestId", "asked-7"),
        ("traceId", TRACE),
    ] {
        assert_eq!(line[name], value, "{line}");
    }
    assert_eq!(line["status"], 200);
    assert_eq!(line["bytes"], answer.body.len(), "{line}");
    assert!(
        line["durationMs"].as_f64().is_some_and(|took| took > 0.0),
        "{line}"
    );
    assert!(line["code"].is_null(), "{line}");
    let message = line["message"].as_str().expect("a message");
    assert!(
        message.starts_with(&format!("GET {path} 200 in ")),
        "{line}"
    );
    let time = line["time"].as_str().expect("a time");
    assert!(time.len() == 24 && time.ends_with('Z'), "{line}");
}

#[test]
fn lists_bare_answers_and_errors_have_a_line_with_what_was_sent() {
    let (_folder, server, key) = serve_json(&[]);
    invite(&server, &key);
    let path = invitations("acme");
    let list = server.request("GET", &path).bearer(&key).send();
    server.request("HEAD", &path).bearer(&key).send();
    let page = server.request("GET", "/docs").send();
    server
        .request("GET", "/nowhere/ada@example.com?q=ada")
        .bearer(&key)
        .send();
    let records = records_of(server);
    let shown = |line: &Value| (line["status"].clone(), line["bytes"].clone());
    let lines = accesses(&records);
    assert_eq!(shown(lines[1]), (200.into(), list.body.len().into()));
    assert_eq!(shown(lines[2]), (200.into(), 0.into()));
    assert_eq!(shown(lines[3]), (200.into(), page.body.len().into()));
    assert!(lines[3]["key"].is_null(), "{}", lines[3]);
    assert_eq!(
        (&lines[4]["status"], &lines[4]["code"]),
        (&404.into(), &"not_found".into())
    );
    assert_eq!(lines[4]["route"], "(no route)");
}

#[test]
fn a_stream_has_its_line_when_it_ends() {
    let (_folder, server, key) = serve_json(&[]);
    let path = "/v1/organizations/acme/events/stream";
    let stream = server.request("GET", path).bearer(&key).send();
    assert_eq!(stream.status, 200);
    let records = records_of(server);
    let line = accesses(&records)[0];
    assert_eq!(
        line["route"],
        "/v1/organizations/{organizationId}/events/stream"
    );
    assert!(
        line["bytes"].as_u64().is_some_and(|bytes| bytes > 0),
        "{line}"
    );
}

#[test]
fn whatever_a_client_sends_the_log_keeps_its_lines_and_has_no_secret() {
    let hostile = [
        "a\u{1b}[31m",
        "a\u{202e}b\u{85}",
        "ada@example.com",
        "ivk_0123456789abcdef_secret",
        "x\", \"level\":\"ERROR",
    ];
    for format in ["json", "text"] {
        let (_folder, server, key) = match format {
            "json" => serve_json(&["--log", "trace"]),
            _ => serve(&["--access-log", "on", "--log", "trace"]),
        };
        for words in hostile {
            let request = server.request("GET", "/v1/keys").bearer(&key);
            let request = request
                .header("User-Agent", words)
                .header("X-Request-Id", words);
            // The parser takes no escape in a header.
            let status = if words.contains('\u{1b}') { 400 } else { 200 };
            let answer = request.header("Cookie", words).send();
            assert_eq!(answer.status, status, "{words:?}");
        }
        let token = format!("/accept/ivt_{}?email=ada@example.com", "0a".repeat(32));
        server.request("GET", &token).send();
        server
            .request("GET", "/v1/organizations/ivk_0a_0b/invitations")
            .send();
        let log = log_of(server);
        // The banner ends with an empty line.
        for line in log.lines().filter(|line| !line.is_empty()) {
            let is_line = match format {
                "json" => {
                    serde_json::from_str::<Value>(line).is_ok_and(|line| line["level"] != "ERROR")
                }
                _ => line.starts_with("[20") && line.contains("] "),
            };
            assert!(is_line, "{line}");
            let has_control = line.contains(|c: char| c.is_control() || c == '\u{202e}');
            assert!(!has_control, "{line:?}");
        }
        for secret in ["ada@", "secret", "0a0a", "0a_0b", &key[21..]] {
            assert!(!log.contains(secret), "{secret}: {log}");
        }
        assert!(log.contains("TRACE"), "the control: {log}");
    }
}

#[test]
fn the_log_has_as_much_of_addresses_as_the_settings_say() {
    for (how, v4, v6) in [
        ("masked", Some("203.0.113.0/24"), Some("2001:db8:1::/48")),
        ("full", Some("203.0.113.7"), Some("2001:db8:1:2::3")),
        ("none", None, None),
    ] {
        let (_folder, server, _) =
            serve_json(&["--trusted-proxies", "127.0.0.1", "--log-addresses", how]);
        for client in ["203.0.113.7", "2001:db8:1:2::3"] {
            let request = server.request("GET", "/v1/keys");
            assert_eq!(request.header("X-Forwarded-For", client).send().status, 401);
        }
        let records = records_of(server);
        let lines = accesses(&records);
        assert_eq!(
            (lines[0]["client"].as_str(), lines[1]["client"].as_str()),
            (v4, v6)
        );
        let refusals = records.iter().filter(|record| record["level"] == "WARN");
        let from: Vec<_> = refusals
            .map(|record| {
                record["message"]
                    .as_str()
                    .and_then(|text| Some(text.rsplit_once(" from ")?.1))
            })
            .collect();
        assert_eq!(from, [v4, v6], "{records:?}");
    }
}

#[test]
fn a_trace_is_named_in_every_line_of_its_request_and_changes_no_answer() {
    let (_folder, server, _) = serve_json(&["--log", "debug"]);
    let invalid = TRACEPARENT.replace("00-4bf", "ff-4bf");
    for (traceparent, id) in [(TRACEPARENT, "good"), (&invalid, "bad")] {
        let request = server.request("GET", "/v1/keys").header("X-Request-Id", id);
        let answer = request.header("traceparent", traceparent).send();
        assert!(!answer.text().contains(TRACE) && answer.status == 401);
        let names = answer.headers.iter().map(|(name, _)| name.as_str());
        assert!(!names.clone().any(|name| name.starts_with("trace")));
    }
    let twice = server
        .request("GET", "/v1/keys")
        .header("X-Request-Id", "twice");
    twice
        .header("traceparent", TRACEPARENT)
        .header("traceparent", TRACEPARENT)
        .send();
    let records = records_of(server);
    let of = |id: &'static str| {
        records
            .iter()
            .filter(move |record| record["requestId"] == id)
    };
    // The refusal is told once a minute, of the first one.
    for (id, lines) in [("good", 4), ("bad", 3), ("twice", 3)] {
        assert_eq!(of(id).count(), lines, "{id}: {records:?}");
    }
    assert!(of("good").all(|record| record["traceId"] == TRACE));
    assert!(
        of("bad")
            .chain(of("twice"))
            .all(|record| record["traceId"].is_null())
    );
}

#[test]
fn in_text_a_line_begins_with_its_request_and_ends_with_what_is_known_besides() {
    let (_folder, server, key) = serve(&["--access-log", "on"]);
    let asked = server.request("GET", "/v1/keys").bearer(&key);
    let asked = asked
        .header("X-Request-Id", "asked-7")
        .header("User-Agent", "a b");
    let bytes = asked.header("traceparent", TRACEPARENT).send().body.len();
    let log = log_of(server);
    let line = log
        .lines()
        .find(|line| line.contains("asked-7"))
        .expect("a line");
    let begins = " INFO  invited::access] request asked-7: GET /v1/keys 200 in ";
    assert!(line.contains(begins), "{line}");
    let id = &key[4..20];
    let ends =
        format!("s bytes={bytes} key={id} client=127.0.0.0/24 userAgent=\"a b\" traceId={TRACE}");
    assert!(line.ends_with(&ends), "{line}");
}

#[test]
fn a_server_for_everybody_logs_requests_only_where_that_is_asked_for() {
    for (settings, expected) in [
        (&[][..], 0),
        (&["--access-log", "on"], 1),
        (&["--access-log", "on", "--log", "warn"], 0),
        (
            &["--access-log", "on", "--log", "warn,invited::access=info"],
            1,
        ),
    ] {
        let (_folder, server, _) = serve(settings);
        server.request("GET", "/health/live").send();
        let log = log_of(server);
        assert_eq!(
            log.matches("GET /health/live 200").count(),
            expected,
            "{log}"
        );
    }
}

#[test]
fn a_start_with_a_log_for_programs_is_a_record_and_shows_no_key() {
    let folder = tempfile::tempdir().expect("a folder");
    let database = folder.path().join("invited.db");
    let words = [
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--log-format",
        "json",
        "--database",
        &database.to_string_lossy(),
    ];
    let server = Server::start(&words);
    let start: Vec<Value> = server
        .banner
        .iter()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let last = start.last().expect("a record");
    assert_eq!(last["message"], "listening");
    assert_eq!(last["url"], format!("http://{}", server.address));
    assert_eq!(last["places"], last["url"]);
    assert_eq!(last["version"], env!("CARGO_PKG_VERSION"));
    let all = format!("{start:?}");
    let file = format!("{}.admin-key", database.display());
    assert!(all.contains(&file), "{all}");
    assert!(!all.contains("ivk_") && !all.contains("ivl_"), "{all}");
    assert_eq!(server.request("GET", "/health/ready").send().status, 200);
}

#[test]
fn a_start_with_a_log_for_programs_is_told_whatever_is_logged() {
    for level in ["error", "off", "warn,invited=error"] {
        let folder = tempfile::tempdir().expect("a folder");
        let database = folder.path().join("invited.db");
        let words = [
            "serve",
            "--listen=127.0.0.1:0",
            "--metrics-listen=127.0.0.1:0",
            "--log-format=json",
            "--log",
            level,
            "--database",
            &database.to_string_lossy(),
        ];
        let server = Server::start(&words);
        let all = server.banner.concat();
        let file = format!("{}.admin-key", database.display());
        assert!(all.contains(&file) && !all.contains("ivk_"), "{all}");
        let start: Value =
            serde_json::from_str(server.banner.last().expect("a record")).expect("JSON");
        let metrics = start["metrics"].as_str().expect("where they are");
        let address = metrics.split('/').nth(2).expect("an address");
        let address = address.parse().expect("an address with a port");
        assert_eq!(Request::new(address, "GET", "/metrics").send().status, 200);
    }
}
