//! `invited webhook listen`: it registers itself, hands deliveries on as they came, and removes
//! itself.
//!
//! * [`failures`]: what it says when it fails.
//! * [`stop`]: how it ends where a runner is around it.
//! * [`scripted`]: a server, or an application, that does as it is told.

mod failures;
mod scripted;
mod stop;

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Child, ChildStdout, Stdio};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use invited::base::mode::Mode;
use serde_json::json;
use sha2::Sha256;

use crate::support::process::{self, invited, run};
use crate::support::{Request, TestApp, forged};
use scripted::{Asked, Scripted};

/// A key that no server knows.
fn key() -> String {
    forged(&"0".repeat(16))
}

/// A server that takes every webhook.
fn willing() -> Scripted {
    Scripted::start(|asked| match &*asked.line {
        "POST /v1/webhooks" => (
            201,
            r#"{"id":"hook-1","secret":"whsec_c2VjcmV0","url":"x"}"#.to_owned(),
        ),
        _ => (204, String::new()),
    })
}

/// The command, while it runs.
struct Listening {
    /// The process.
    child: Child,
    /// What it prints.
    printed: BufReader<ChildStdout>,
    /// Where it takes deliveries.
    address: SocketAddr,
    /// What it printed first.
    banner: Vec<String>,
}

impl Listening {
    /// Starts it for the server and the application at these addresses, with `more` words.
    fn start(server: &str, target: &str, more: &[&str]) -> Self {
        let mut command = invited();
        command
            .args(["webhook", "listen", "--url", server, "--forward-to", target])
            .args(more);
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        let mut printed = BufReader::new(child.stdout.take().expect("a pipe"));
        let banner: Vec<_> = (0..3).map(|_| read_line(&mut printed)).collect();
        let url = banner[0]
            .split_whitespace()
            .nth(1)
            .unwrap_or_else(|| panic!("{banner:?}"));
        let address = url
            .trim_start_matches("http://")
            .trim_end_matches("/,")
            .parse()
            .expect("an address");
        Self {
            child,
            printed,
            address,
            banner,
        }
    }

    /// Sends a delivery of `body` as a server does.
    fn deliver(&self, id: &str, body: &str) -> crate::support::Answer {
        let request = Request::new(self.address, "POST", "/")
            .header("webhook-id", id)
            .header("webhook-timestamp", "17");
        request
            .header("webhook-signature", "v1,a= v1,b=")
            .header("X-Other", "x")
            .json(body)
            .send()
    }

    /// Its next line, without the time in front of it.
    fn line(&mut self) -> String {
        let line = read_line(&mut self.printed);
        assert!(
            line.as_bytes()[2] == b':' && line.as_bytes()[8] == b' ',
            "{line}"
        );
        line[9..].to_owned()
    }

    /// Sends it a signal; answers its exit code and what it printed to stderr.
    fn stop(mut self, signal: &str) -> (Option<i32>, String) {
        process::signal(&self.child, signal);
        let mut printed = String::new();
        self.child
            .stderr
            .take()
            .expect("a pipe")
            .read_to_string(&mut printed)
            .expect("stderr reads");
        (self.child.wait().expect("it ends").code(), printed)
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A line of a process.
fn read_line(printed: &mut BufReader<ChildStdout>) -> String {
    let mut line = String::new();
    printed.read_line(&mut line).expect("stdout reads");
    line.trim_end().to_owned()
}

/// The URL of a scripted server.
fn url(server: &Scripted) -> String {
    format!("http://{}", server.address)
}

/// Checks the signature of a delivery, as docs/webhooks.md says it is made.
fn assert_signed(delivered: &Asked, secret: &str) {
    let key = BASE64_STANDARD
        .decode(secret.strip_prefix("whsec_").expect("a secret"))
        .expect("base64");
    let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(&key).expect("a key of any length");
    mac.update(
        format!(
            "{}.{}.",
            header(delivered, "webhook-id"),
            header(delivered, "webhook-timestamp")
        )
        .as_bytes(),
    );
    mac.update(&delivered.message.body);
    let expected = format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes()));
    assert_eq!(header(delivered, "webhook-signature"), expected);
}

#[test]
fn an_event_of_a_real_server_arrives_signed_and_nothing_is_left_behind() {
    let app = TestApp::start(Mode::Dev, &[]);
    let target = willing();
    let server = format!("http://{}", app.address);
    let more = ["--organization", "acme", "--types", "invitation.created"];
    let mut listening = Listening::start(&server, &url(&target), &more);
    let secret = listening.banner[2]
        .split_whitespace()
        .nth(1)
        .expect("a secret")
        .to_owned();
    app.invite("globex", "no@b.co");
    let made = app.invite("acme", "a@b.co");
    let delivered = target.next();
    let body = delivered.message.json();
    assert_eq!(
        (&body["type"], &body["data"]["invitationId"]),
        (&json!("invitation.created"), &made["id"])
    );
    assert_signed(&delivered, &secret);
    let line = listening.line();
    assert!(
        line.starts_with(&format!(
            "invitation.created {} -> 204 in ",
            header(&delivered, "webhook-id")
        )),
        "{line}"
    );
    assert_eq!(
        app.get("/v1/webhooks").json().as_array().map(Vec::len),
        Some(1)
    );
    assert_eq!(listening.stop("INT"), (Some(0), String::new()));
    assert_eq!(app.get("/v1/webhooks").text(), "[]");
    assert!(target.is_silent());
}

#[test]
fn a_server_for_everybody_says_why_it_does_not_reach_this_machine_and_does_where_it_may() {
    let target = willing();
    let app = TestApp::serve();
    let server = format!("http://{}", app.address);
    let (exit, printed) = refused(&[
        "--url",
        &server,
        "--forward-to",
        &url(&target),
        "--key",
        &app.key,
    ]);
    assert_eq!(exit, Some(1));
    assert!(
        printed.contains("/url")
            && printed.contains("hint: ")
            && printed.contains("--webhook-allow"),
        "{printed}"
    );
    let app = TestApp::start(Mode::Serve, &["--webhook-allow", "127.0.0.1"]);
    let listening = Listening::start(
        &format!("http://{}", app.address),
        &url(&target),
        &["--key", &app.key],
    );
    app.invite("acme", "a@b.co");
    assert_eq!(
        target.next().message.json()["data"]["organizationId"],
        "acme"
    );
    assert_eq!(listening.stop("TERM"), (Some(0), String::new()));
}

/// A header of what was asked.
fn header<'a>(asked: &'a Asked, name: &str) -> &'a str {
    asked.message.header(name).unwrap_or_default()
}

/// Runs the command with `words`, which must fail; answers its exit code and what it printed.
fn refused(words: &[&str]) -> (Option<i32>, String) {
    let output = run(&[&["webhook", "listen"], words].concat());
    assert_eq!(output.stdout, b"", "{words:?}");
    (
        output.status.code(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    )
}

#[test]
fn it_registers_itself_hands_deliveries_on_as_they_came_and_removes_itself() {
    for signal in ["INT", "TERM"] {
        let (server, target) = (
            willing(),
            Scripted::start(|_| (202, r#"{"taken":true}"#.to_owned())),
        );
        let (at, key) = (format!("{}/hooks?a=b", url(&target)), key());
        let more = [
            "--key",
            &*key,
            "--organization",
            "acme",
            "--types",
            "invitation.created,invitation.accepted",
        ];
        let mut listening = Listening::start(&url(&server), &at, &more);
        let asked = server.next();
        assert_eq!(
            (&*asked.line, header(&asked, "authorization")),
            ("POST /v1/webhooks", &*format!("Bearer {key}"))
        );
        let expected = json!({
            "url": format!("http://{}/", listening.address),
            "organizationId": "acme",
            "types": ["invitation.created", "invitation.accepted"],
            "description": "invited webhook listen",
        });
        assert_eq!(asked.message.json(), expected);
        assert_eq!(
            listening.banner[1..],
            [
                format!("forwarding  to {at}"),
                "secret      whsec_c2VjcmV0".to_owned()
            ]
        );

        // The signature is over the very bytes.
        let body = "{ \"type\" : \"invitation.created\",\n \"data\":{\"email\":\"ü@b.co\"}}";
        let answer = listening.deliver("msg_1", body);
        assert_eq!(
            (answer.status, answer.text().as_str()),
            (202, r#"{"taken":true}"#)
        );
        assert_eq!(answer.header("content-type"), Some("application/json"));
        let delivered = target.next();
        assert_eq!(
            (&*delivered.line, &*delivered.message.text()),
            ("POST /hooks?a=b", body)
        );
        let names = [
            "webhook-id",
            "webhook-timestamp",
            "webhook-signature",
            "content-type",
            "x-other",
        ];
        let values = names.map(|name| header(&delivered, name));
        assert_eq!(
            values,
            ["msg_1", "17", "v1,a= v1,b=", "application/json", ""]
        );
        let line = listening.line();
        assert!(
            line.starts_with("invitation.created msg_1 -> 202 in ") && line.ends_with(" ms"),
            "{line}"
        );

        assert_eq!(listening.stop(signal), (Some(0), String::new()), "{signal}");
        assert_eq!(server.next().line, "DELETE /v1/webhooks/hook-1");
        assert!(server.is_silent());
    }
}

#[test]
fn without_options_it_asks_for_everything_and_sends_no_key() {
    let (server, target) = (willing(), willing());
    let listening = Listening::start(&format!("{}/", url(&server)), &url(&target), &[]);
    let asked = server.next();
    assert_eq!(
        (&*asked.line, header(&asked, "authorization")),
        ("POST /v1/webhooks", "")
    );
    let own = format!("http://{}/", listening.address);
    assert_eq!(
        asked.message.json(),
        json!({ "url": own, "description": "invited webhook listen" })
    );
}

#[test]
fn what_the_application_answers_goes_back_and_where_it_cannot_be_reached_that_is_502() {
    let server = willing();
    for status in [200, 302, 404, 410, 500, 503] {
        let target = Scripted::start(move |_| (status, "said".to_owned()));
        let mut listening = Listening::start(&url(&server), &url(&target), &[]);
        let answer = listening.deliver("msg_1", r#"{"type":"invitation.deleted"}"#);
        assert_eq!((answer.status, answer.text().as_str()), (status, "said"));
        assert!(
            listening
                .line()
                .starts_with(&format!("invitation.deleted msg_1 -> {status} in "))
        );
    }
    let nobody = std::net::TcpListener::bind("127.0.0.1:0")
        .expect("a port")
        .local_addr()
        .expect("an address");
    let mut listening = Listening::start(&url(&server), &format!("http://{nobody}/hook"), &[]);
    assert_eq!(listening.deliver("msg_2", "not JSON").status, 502);
    let line = listening.line();
    assert!(
        line.starts_with("- msg_2 -> 502 in ")
            && line.contains(&format!("cannot reach http://{nobody}/hook")),
        "{line}"
    );
}

#[test]
fn what_is_no_delivery_is_not_handed_on() {
    let (server, target) = (willing(), willing());
    let listening = Listening::start(&url(&server), &url(&target), &[]);
    let post = Request::new(listening.address, "POST", "/")
        .json("{}")
        .send();
    assert_eq!(post.status, 400);
    for (method, path) in [("GET", "/"), ("POST", "/other"), ("OPTIONS", "/")] {
        let answer = Request::new(listening.address, method, path)
            .header("webhook-id", "x")
            .send();
        assert_eq!(answer.status, 404, "{method} {path}");
    }
    assert!(target.is_silent());
}
