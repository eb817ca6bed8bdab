//! What is counted as it changes, against what is there, whatever happens to the server.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::time::Duration;

use invited::base::mode::Mode;
use serde_json::{Value, json};

use super::page::Page;
use crate::support::process::{Server, run};
use crate::support::{Answer, TestApp, invitation, invitations, tally};

/// Organizations of the workload.
const ORGANIZATIONS: [&str; 3] = ["acme", "globex", "initech"];
/// How often the server is killed.
const KILLS: usize = 4;
/// Changes between two kills.
const CHANGES: usize = 60;

/// What changes at random.
struct Workload {
    /// Chance.
    rng: fastrand::Rng,
    /// Invitations that were made, with their organizations.
    made: Vec<(&'static str, String)>,
}

impl Workload {
    /// Asks for something that may or may not be possible.
    fn change(&mut self, server: &Server) {
        let organization = ORGANIZATIONS[self.rng.usize(..ORGANIZATIONS.len())];
        let email = format!("p{}@b.co", self.rng.u8(..30));
        match self.rng.u8(..14) {
            0..=4 => self.create(server, organization, &email),
            5 => self.create_many(server, organization),
            6..=9 => self.change_one(server),
            10 => drop(
                server
                    .request("DELETE", &format!("/v1/invitations?email={email}"))
                    .send(),
            ),
            11 => drop(send(server, "/dev/clock", &json!({ "advance": "36h" }))),
            12 => {
                let body = json!({ "email": email, "role": "developer", "expiresIn": 0 });
                drop(send(server, &invitations(organization), &body));
            }
            _ => drop(
                server
                    .request("DELETE", &format!("/v1/organizations/{organization}"))
                    .send(),
            ),
        }
    }

    /// Invites somebody.
    fn create(&mut self, server: &Server, organization: &'static str, email: &str) {
        let body = json!({ "email": email, "role": "developer", "notify": self.rng.bool() });
        let answer = send(server, &invitations(organization), &body);
        if answer.status == 201 {
            let id = answer.json()["id"].as_str().expect("an id").to_owned();
            self.made.push((organization, id));
        }
    }

    /// Invites some people, and fails as a whole now and then.
    fn create_many(&mut self, server: &Server, organization: &str) {
        let person =
            |number: u8| json!({ "email": format!("p{number}@b.co"), "role": "developer" });
        let people: Vec<_> = (0..8).map(|_| person(self.rng.u8(..30))).collect();
        let body = json!({ "invitations": people, "atomic": self.rng.bool() });
        send(
            server,
            &format!("{}/batch", invitations(organization)),
            &body,
        );
    }

    /// Does something with an invitation that was made.
    fn change_one(&mut self, server: &Server) {
        let Some((organization, id)) = self.rng.choice(&self.made) else {
            return;
        };
        let path = invitation(organization, &json!(id));
        let paths = ["resend", "revoke", "accept", ""];
        match paths[self.rng.usize(..paths.len())] {
            "" => drop(server.request("DELETE", &path).send()),
            "accept" => {
                let shown = server.request("GET", &path).send();
                if shown.status == 200 {
                    let email = shown.json()["email"].clone();
                    let body = json!({ "email": email, "subject": "u1" });
                    send(server, &format!("{path}/accept"), &body);
                }
            }
            what => drop(send(server, &format!("{path}/{what}"), &json!({}))),
        }
    }
}

/// Posts `body`.
fn send(server: &Server, path: &str, body: &Value) -> Answer {
    server.request("POST", path).json(body.to_string()).send()
}

/// An address at which nobody listens.
fn closed_port() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address")
}

/// A server for development on `database` that deletes what was closed three days ago.
fn start(database: &Path) -> Server {
    let database = database.to_string_lossy();
    let words = ["dev", "--listen", "127.0.0.1:0", "--database", &database];
    Server::start(&[&words[..], &["--keep-closed", "3", "--remind-before", "1d"]].concat())
}

#[test]
fn the_counts_are_right_after_any_change_and_any_kill() {
    let folder = tempfile::tempdir().expect("a folder");
    let database = folder.path().join("invited.db");
    let rng = fastrand::Rng::new();
    let mut workload = Workload {
        rng,
        made: Vec::new(),
    };
    let mut counted = 0;
    for _ in 0..KILLS {
        let mut server = start(&database);
        let hook = json!({ "url": format!("http://{}/", closed_port()) });
        assert_eq!(send(&server, "/v1/webhooks", &hook).status, 201);
        for _ in 0..CHANGES {
            workload.change(&server);
            counted = counted.max(tally::check(&database));
        }
        server.child.kill().expect("it is killed");
        let _ = server.child.wait();
        tally::check(&database);
    }
    assert!(counted > 10, "{counted}");
    let copy = folder.path().join("copy.db");
    let [file, copy] = [&database, &copy].map(|path| path.to_string_lossy());
    for words in [["backup", &copy], ["restore", &copy]] {
        let output = run(&[&words[..], &["--database", &file]].concat());
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
    }
    tally::check(&database);
}

#[test]
fn a_page_says_what_the_file_counts_and_a_key_of_another_process_changes_nothing() {
    let app = TestApp::start(Mode::Dev, &[]);
    let [ann, bob, _] = ["ann@b.co", "bob@b.co", "cy@b.co"].map(|email| app.invite("acme", email));
    assert_eq!(app.change(&ann, "revoke", &json!({})).status, 200);
    let body = json!({ "email": "bob@b.co", "subject": "u1" });
    assert_eq!(app.change(&bob, "accept", &body).status, 200);
    let counts = |page: &Page| {
        ["pending", "accepted", "declined", "revoked", "expired"].map(|status| {
            page.get("invited_invitations", &[("status", status)])
                .to_string()
        })
    };
    assert_eq!(counts(&Page::of(&app)), ["1", "1", "0", "1", "0"]);
    let database = app.database.to_string_lossy().into_owned();
    let made = run(&[
        "key",
        "create",
        "--name",
        "k",
        "--scope",
        "metrics:read",
        "--database",
        &database,
    ]);
    assert!(made.status.success());
    assert_eq!(counts(&Page::of(&app)), ["1", "1", "0", "1", "0"]);
    tally::check(&app.database);
}

#[test]
fn an_invitation_counts_as_expired_once_its_history_says_so() {
    let app = TestApp::start(Mode::Dev, &[]).with_lapses();
    let pending = app.invite("acme", "ann@b.co");
    let count = |status| Page::of(&app).get("invited_invitations", &[("status", status)]);
    assert!((count("pending") - 1.0).abs() < 0.1);
    app.advance_to(8 * 24 * 60 * 60 * 1000);
    for _ in 0..500 {
        if count("expired") > 0.5 {
            break;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!((count("expired") - 1.0).abs() < 0.1 && count("pending") < 0.1);
    assert_eq!(app.change(&pending, "resend", &json!({})).status, 200);
    assert!((count("pending") - 1.0).abs() < 0.1 && count("expired") < 0.1);
    tally::check(&app.database);
}

#[test]
fn mail_and_deliveries_that_wait_are_counted_with_their_age() {
    let nobody = closed_port();
    let smtp = format!("smtp://{nobody}?tls=none");
    let allow = ["--webhook-allow", "127.0.0.0/8"];
    let words = ["--smtp-url", &smtp, "--mail-from", "a@b.co"];
    let app = TestApp::start(Mode::Serve, &[&words[..], &allow].concat());
    let hook = json!({ "url": format!("http://{nobody}/") }).to_string();
    let made = app.post("/v1/webhooks", &hook);
    assert_eq!(made.status, 201, "{}", made.text());
    let body = json!({ "email": "ann@b.co", "role": "developer" });
    assert_eq!(
        app.post(&invitations("acme"), &body.to_string()).status,
        201
    );
    let items = |page: &Page, queue: &str| -> f64 {
        let states = ["scheduled", "ready", "sending", "retrying"];
        let of = |state| {
            page.find(
                "invited_outbox_items",
                &[("queue", queue), ("state", state)],
            )
        };
        states.iter().filter_map(|state| of(state)).sum()
    };
    let tries = |page: &Page, queue: &str| -> f64 {
        let of = |result| {
            page.get(
                "invited_outbox_tries_total",
                &[("queue", queue), ("result", result)],
            )
        };
        ["taken", "failed", "timed_out", "no_way"]
            .map(of)
            .iter()
            .sum()
    };
    let mut page = Page::of(&app);
    for _ in 0..500 {
        if tries(&page, "mail") > 0.5 && tries(&page, "webhook") > 0.5 {
            break;
        }
        std::thread::sleep(Duration::from_millis(10));
        page = Page::of(&app);
    }
    app.advance_to(60 * 1000);
    let page = Page::of(&app);
    let kinds = [
        ("mail", "invitation", 60.0),
        ("mail", "code", 0.0),
        ("mail", "reminder", 0.0),
        ("mail", "notice", 0.0),
        ("webhook", "event", 60.0),
    ];
    for (queue, kind, expected) in kinds {
        let labels = [("queue", queue), ("kind", kind)];
        let oldest = page.get("invited_outbox_oldest_seconds", &labels);
        assert!((oldest - expected).abs() < 0.1, "{labels:?}: {oldest}");
    }
    for queue in ["mail", "webhook"] {
        assert!((items(&page, queue) - 1.0).abs() < 0.1, "{queue}");
        assert!(tries(&page, queue) > 0.5, "{queue}");
    }
    tally::check(&app.database);
}
