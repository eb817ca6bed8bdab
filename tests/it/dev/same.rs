//! The same requests in the same order get the same answers to the byte, by a seed and a clock that
//! stands still.

use std::net::SocketAddr;

use serde_json::Value;

use crate::support::process::{Server, run};
use crate::support::{Request, invitations};

/// A server whose ids follow from `seed`.
fn seeded(seed: &str) -> Server {
    Server::start(&[
        "dev",
        "--port",
        "0",
        "--public-url",
        "http://invited.test",
        "--clock",
        "2026-01-01T00:00:00Z",
        "--seed-ids",
        seed,
    ])
}

/// A story that is told to a server, and its answers.
struct Story {
    /// The server.
    address: SocketAddr,
    /// Each answer: the status, the headers but for the machine's date, sorted, the body.
    answers: Vec<String>,
}

impl Story {
    /// Sends a request, and keeps its answer.
    fn send(&mut self, method: &str, path: &str, body: &str) -> Value {
        let request = Request::new(self.address, method, path);
        let answer = if body.is_empty() {
            request.send()
        } else {
            request.json(body).send()
        };
        let headers = answer.headers.iter().filter(|(name, _)| name != "date");
        let mut headers: Vec<_> = headers
            .map(|(name, value)| format!("{name}: {value}"))
            .collect();
        headers.sort();
        let text = answer.text();
        self.answers.push(format!(
            "{method} {path}\n{}\n{}\n{text}",
            answer.status,
            headers.join("\n")
        ));
        serde_json::from_str(&text).unwrap_or_default()
    }

    /// Makes an invitation, and waits for its mail. Returns the token of its link.
    fn invite(&mut self, email: &str) -> String {
        let body = format!(r#"{{"email":"{email}","role":"developer"}}"#);
        self.send("POST", &invitations("hooli"), &body);
        let mails = self.send("GET", &format!("/dev/mailbox?to={email}&wait=10"), "");
        let link = mails[0]["link"].as_str().unwrap_or_default().to_owned();
        let id = mails[0]["id"].as_str().unwrap_or_default();
        self.send("GET", &format!("/dev/mailbox/{id}"), "");
        link.split('#').nth(1).unwrap_or_default().to_owned()
    }
}

/// Tells the whole story. Returns the answers.
fn tell(server: &Server) -> Vec<String> {
    let address = server.address;
    let mut story = Story {
        address,
        answers: Vec::new(),
    };
    // Two of the samples have mail, which goes out in any order.
    for email in ["linus@example.com", "milton@initech.example"] {
        let path = format!("/dev/mailbox?to={email}&wait=10");
        let mails = server.request("GET", &path).send().json();
        assert_eq!(mails.as_array().map(Vec::len), Some(1), "{mails}");
    }
    story.send("GET", &invitations("acme"), "");
    let token = story.invite("ada@example.com");
    story.send(
        "POST",
        "/v1/invitations/accept",
        &format!(r#"{{"token":"{token}"}}"#),
    );
    story.send("PUT", "/v1/organizations/hooli", r#"{"acceptance":"code"}"#);
    let token = story.invite("grace@example.com");
    story.send(
        "POST",
        "/v1/invitations/code",
        &format!(r#"{{"token":"{token}"}}"#),
    );
    story.send(
        "GET",
        "/dev/mailbox?to=grace@example.com&kind=code&wait=10",
        "",
    );
    let hook = r#"{"url":"http://127.0.0.1:9/hook","types":["key.created"]}"#;
    story.send("POST", "/v1/webhooks", hook);
    let hook = r#"{"url":"http://127.0.0.1:9/hook"}"#;
    story.send("POST", "/v1/webhooks", &hook.replace("hook", "other"));
    story.send(
        "POST",
        "/v1/keys",
        r#"{"name":"ci","scopes":["invitations:read"]}"#,
    );
    story.send("POST", &invitations("hooli"), r#"{"email":"x"}"#);
    story.send("GET", "/nowhere", "");
    let snapshot = story.send("POST", "/dev/snapshot", "{}")["id"].to_string();
    story.invite("alan@example.com");
    story.send("POST", "/dev/clock", r#"{"advance":"8d"}"#);
    story.send("GET", "/v1/organizations/hooli/events", "");
    story.send("GET", "/v1/organizations/acme/events", "");
    story.send("POST", "/dev/restore", &format!(r#"{{"id":{snapshot}}}"#));
    story.invite("alan@example.com");
    story.send("GET", &invitations("hooli"), "");
    story.send("GET", "/v1/audit", "");
    story.answers
}

/// Compares two tellings, answer by answer.
fn assert_same(one: &[String], other: &[String]) {
    assert_eq!(one.len(), other.len());
    for (one, other) in one.iter().zip(other) {
        assert_eq!(one, other);
    }
}

#[test]
fn two_servers_answer_one_story_in_the_same_way_and_each_of_them_again_after_a_reset() {
    let (one, other) = (seeded("7"), seeded("7"));
    let told = tell(&one);
    assert_same(&told, &tell(&other));
    assert_eq!(other.request("POST", "/dev/reset").send().status, 204);
    assert_same(&told, &tell(&other));
    assert!(
        told.iter()
            .any(|answer| answer.contains("invitation.expired"))
    );
}

#[test]
fn another_seed_has_other_ids_and_without_one_no_two_servers_have_the_same() {
    let body = r#"{"email":"ada@example.com","role":"developer"}"#;
    let id = |server: &Server| {
        let request = server.request("POST", &invitations("hooli")).json(body);
        request.send().json()["id"].to_string()
    };
    let random = || Server::start(&["dev", "--port", "0", "--clock", "2026-01-01T00:00:00Z"]);
    let ids = [seeded("7"), seeded("8"), random(), random()].map(|server| id(&server));
    for (place, one) in ids.iter().enumerate() {
        assert!(one.len() > 30 && !ids[..place].contains(one), "{ids:?}");
    }
}

#[test]
fn a_reset_puts_the_clock_back_to_where_it_stood_at_the_start() {
    let server = seeded("1");
    let clock = |method: &str, body: &str| {
        let request = server.request(method, "/dev/clock");
        let request = if body.is_empty() {
            request
        } else {
            request.json(body)
        };
        request.send().text()
    };
    let start = r#"{"now":"2026-01-01T00:00:00.000Z","frozen":true}"#;
    assert_eq!(clock("GET", ""), start);
    for change in [
        r#"{"advance":"8d"}"#,
        r#"{"free":true}"#,
        r#"{"set":"1999-01-01T00:00:00Z"}"#,
    ] {
        assert_ne!(clock("POST", change), start);
        assert_eq!(server.request("POST", "/dev/reset").send().status, 204);
        assert_eq!(clock("GET", ""), start, "{change}");
    }
}

#[test]
fn a_seed_of_ids_is_for_development_and_a_file_that_begins_empty() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder
        .path()
        .join("invited.db")
        .to_string_lossy()
        .into_owned();
    for words in [
        vec!["dev", "--port", "0", "--seed-ids", "7", "--database", &file],
        vec!["dev", "--port", "0", "--seed-ids", "x"],
        vec!["dev", "--port", "0", "--clock", "tomorrow"],
        vec!["serve", "--seed-ids", "7"],
        vec!["serve", "--clock", "2026-01-01T00:00:00Z"],
    ] {
        assert_eq!(run(&words).status.code(), Some(2), "{words:?}");
    }
    assert!(!folder.path().join("invited.db").exists());
}

#[test]
fn a_restore_puts_the_snapshot_back_that_was_taken_after_the_last_reset() {
    let server = seeded("5");
    let post = |path: &str, body: &str| server.request("POST", path).json(body).send();
    let invite = |email: &str| {
        let body = format!(r#"{{"email":"{email}","role":"developer"}}"#);
        assert_eq!(post(&invitations("new"), &body).status, 201);
    };
    let take = || post("/dev/snapshot", "{}").json()["id"].to_string();
    invite("first@example.com");
    take();
    assert_eq!(server.request("POST", "/dev/reset").send().status, 204);
    invite("second@example.com");
    let second = take();
    invite("third@example.com");
    let restored = post("/dev/restore", &format!(r#"{{"id":{second}}}"#));
    assert_eq!(restored.status, 204);
    let listed = server.request("GET", &invitations("new")).send().json();
    let emails = listed.as_array().expect("a list").iter();
    let emails: Vec<_> = emails.map(|one| one["email"].clone()).collect();
    assert_eq!(emails, ["second@example.com"]);
}
