//! The mailbox of development: what was kept, waiting for it, what is in one mail, deleting.

use std::time::{Duration, Instant};

use invited::base::mode::Mode;
use serde_json::{Value, json};

use crate::support::client::raw;
use crate::support::{Answer, TestApp, invitation};

/// A server for development.
fn dev() -> TestApp {
    TestApp::start(Mode::Dev, &[])
}

/// The mail that a query finds.
fn mail(app: &TestApp, query: &str) -> Vec<Value> {
    let answer = app.get(&format!("/dev/mailbox?{query}"));
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json().as_array().expect("an array").clone()
}

/// A field of every mail.
fn field<'a>(mails: &'a [Value], name: &str) -> Vec<&'a str> {
    mails
        .iter()
        .map(|mail| mail[name].as_str().unwrap_or_default())
        .collect()
}

#[test]
fn the_mail_of_an_invitation_is_kept_with_its_link() {
    let app = dev();
    let made = app.invite("acme", "Ada@Example.com");
    let mails = mail(&app, "to=ADA@example.com&wait=5s");
    assert_eq!(mails.len(), 1);
    let kept = &mails[0];
    assert_eq!(
        (&kept["to"], &kept["kind"]),
        (&json!("ada@example.com"), &json!("invitation"))
    );
    assert_eq!(kept["sentAt"], "2026-11-23T02:43:00.123Z");
    assert!(
        kept["subject"]
            .as_str()
            .is_some_and(|subject| subject.contains("acme")),
        "{kept}"
    );
    let link = format!("http://invited.test/accept#{}", app.mailed_token_of(&made));
    assert_eq!(kept["link"], link);
    assert_eq!(kept.get("code"), None);
    assert_eq!(
        app.get(&invitation("acme", &made["id"])).json()["delivery"],
        "sent"
    );
}

#[test]
fn the_newest_mail_comes_first_and_a_query_narrows_it() {
    let app = dev();
    for address in ["a@b.co", "b@b.co", "c@b.co"] {
        app.invite("acme", address);
        mail(&app, &format!("to={address}&wait=5s"));
    }
    assert_eq!(field(&mail(&app, ""), "to"), ["c@b.co", "b@b.co", "a@b.co"]);
    assert_eq!(field(&mail(&app, "limit=2"), "to"), ["c@b.co", "b@b.co"]);
    assert_eq!(field(&mail(&app, "to=b@b.co"), "to"), ["b@b.co"]);
    assert_eq!(mail(&app, "kind=code"), Vec::<Value>::new());
    assert_eq!(mail(&app, "kind=invitation&wait=0s").len(), 3);
}

#[test]
fn who_waits_is_answered_as_soon_as_there_is_mail() {
    let app = dev();
    let start = Instant::now();
    std::thread::scope(|threads| {
        let waiting = threads.spawn(|| mail(&app, "to=a@b.co&wait=30s"));
        std::thread::sleep(Duration::from_millis(300));
        app.invite("acme", "other@b.co");
        std::thread::sleep(Duration::from_millis(300));
        assert!(
            !waiting.is_finished(),
            "mail to another address is not what was waited for"
        );
        app.invite("acme", "a@b.co");
        assert_eq!(field(&waiting.join().expect("an answer"), "to"), ["a@b.co"]);
    });
    assert!(
        start.elapsed() < Duration::from_secs(10),
        "{:?}",
        start.elapsed()
    );
}

#[test]
fn who_waits_in_vain_is_answered_when_the_time_is_over() {
    let app = dev();
    app.invite("acme", "a@b.co");
    let start = Instant::now();
    assert_eq!(mail(&app, "to=nobody@b.co&wait=1s"), Vec::<Value>::new());
    let waited = start.elapsed();
    assert!((1..4).contains(&waited.as_secs()), "{waited:?}");
    let start = Instant::now();
    assert_eq!(mail(&app, "to=nobody@b.co"), Vec::<Value>::new());
    assert!(start.elapsed() < Duration::from_millis(900));
}

#[test]
fn mail_that_is_on_its_way_is_waited_for_although_there_is_older_mail() {
    let app = dev();
    let made = app.invite("acme", "a@b.co");
    for sent in 1..=5 {
        assert_eq!(mail(&app, "to=a@b.co&wait=5s").len(), sent);
        let again = app
            .request(
                "POST",
                &format!("{}/resend", invitation("acme", &made["id"])),
            )
            .send();
        assert_eq!(again.status, 200, "{}", again.text());
    }
    let links = mail(&app, "to=a@b.co&wait=5s");
    let newest = format!("http://invited.test/accept#{}", app.mailed_token_of(&made));
    assert_eq!(links[0]["link"], newest);
    assert!(links[1..].iter().all(|older| older["link"] != newest));
}

#[test]
fn many_who_wait_hold_up_nobody() {
    let app = dev();
    std::thread::scope(|threads| {
        let waiting: Vec<_> = (0..40)
            .map(|_| threads.spawn(|| mail(&app, "kind=code&wait=30s")))
            .collect();
        std::thread::sleep(Duration::from_millis(500));
        let start = Instant::now();
        app.invite("acme", "a@b.co");
        let token = token_of(&mail(&app, "to=a@b.co&wait=5s")[0]);
        let body = json!({ "token": token, "email": "a@b.co" }).to_string();
        assert_eq!(app.post("/v1/invitations/code", &body).status, 202);
        for waiting in waiting {
            assert_eq!(waiting.join().expect("an answer").len(), 1);
        }
        assert!(
            start.elapsed() < Duration::from_secs(10),
            "{:?}",
            start.elapsed()
        );
    });
}

/// The token of the link that a mail brings.
fn token_of(mail: &Value) -> String {
    mail["link"]
        .as_str()
        .and_then(|link| link.split_once('#'))
        .expect("a link with a token")
        .1
        .to_owned()
}

#[test]
fn a_code_comes_by_mail_to_the_invited_address_only() {
    let app = TestApp::start(Mode::Dev, &["--acceptance", "code"]);
    app.invite("acme", "a@b.co");
    let token = token_of(&mail(&app, "to=a@b.co&wait=5s")[0]);
    let ask = |email: &str| {
        let body = json!({ "token": token, "email": email }).to_string();
        assert_eq!(app.post("/v1/invitations/code", &body).status, 202);
    };
    ask("eve@b.co");
    assert_eq!(mail(&app, "kind=code&wait=1s"), Vec::<Value>::new());
    ask("a@b.co");
    let codes = mail(&app, "to=a@b.co&kind=code&wait=5s");
    let shown = app.get("/dev/codes?email=a@b.co").json();
    assert_eq!((codes.len(), &codes[0]["code"]), (1, &shown[0]["code"]));
    let body = json!({ "token": token, "email": "a@b.co", "code": codes[0]["code"] }).to_string();
    assert_eq!(
        app.post("/v1/invitations/accept", &body).json()["status"],
        "accepted"
    );
}

#[test]
fn one_mail_is_shown_whole_and_in_its_parts() {
    let app = dev();
    app.invite("acme", "a@b.co");
    let summary = mail(&app, "wait=5s").remove(0);
    let path = format!("/dev/mailbox/{}", summary["id"].as_str().expect("an id"));
    let whole = app.get(&path).json();
    for (name, value) in summary.as_object().expect("an object") {
        assert_eq!(&whole[name], value, "{name}");
    }
    for (part, kind) in [
        ("text", "text/plain; charset=utf-8"),
        ("html", "text/html; charset=utf-8"),
        ("raw", "message/rfc822"),
    ] {
        let answer = app.get(&format!("{path}/{part}"));
        assert_eq!(
            (answer.status, answer.header("content-type")),
            (200, Some(kind))
        );
        assert_eq!(answer.text(), whole[part].as_str().expect("text"));
        assert!(
            answer.text().contains("acme") || answer.text().contains("ivm_"),
            "{part}: {}",
            answer.text()
        );
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    }
    let policy = app.get(&format!("{path}/html"));
    let policy = policy.header("content-security-policy").expect("a policy");
    assert!(
        policy.starts_with("default-src 'none'; style-src 'unsafe-inline'")
            && policy.ends_with("; sandbox")
    );
    assert_eq!(app.request("HEAD", &path).send().status, 200);
}

#[test]
fn mail_is_deleted_one_by_one_or_all_at_once() {
    let app = dev();
    for address in ["a@b.co", "b@b.co", "c@b.co"] {
        app.invite("acme", address);
        mail(&app, &format!("to={address}&wait=5s"));
    }
    let id = mail(&app, "to=b@b.co")[0]["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    let delete = |path: &str| -> Answer { app.request("DELETE", path).send() };
    let path = format!("/dev/mailbox/{id}");
    assert_eq!(
        (
            delete(&path).status,
            delete(&path).status,
            app.get(&path).status
        ),
        (204, 404, 404)
    );
    assert_eq!(field(&mail(&app, ""), "to"), ["c@b.co", "a@b.co"]);
    assert_eq!(
        (delete("/dev/mailbox").status, delete("/dev/mailbox").status),
        (204, 204)
    );
    assert_eq!(mail(&app, ""), Vec::<Value>::new());
    for path in [
        "/dev/mailbox/nonsense",
        "/dev/mailbox/019A0C5E-7B1C-7CC3-98C4-DC0C0C07398F",
    ] {
        assert_eq!(
            (
                app.get(path).status,
                app.get(&format!("{path}/html")).status
            ),
            (404, 404),
            "{path}"
        );
    }
}

#[test]
fn a_full_mailbox_loses_the_oldest() {
    let app = dev();
    let rows: Vec<_> = (0..1000)
        .map(|n| json!({ "email": format!("p{n}@b.co"), "role": "developer" }))
        .collect();
    let made = app.post(
        "/v1/organizations/acme/invitations/batch",
        &json!({ "invitations": rows }).to_string(),
    );
    assert_eq!(made.json()["succeeded"], 1000, "{}", made.text());
    let count = || app.db_rows("select 'a row' from mailbox").len();
    let deadline = Instant::now() + Duration::from_secs(60);
    while count() < 1000 {
        assert!(Instant::now() < deadline, "{} mails", count());
        std::thread::sleep(Duration::from_millis(50));
    }
    let oldest = |app: &TestApp| app.db_rows("select recipient from mailbox order by id limit 1");
    let before = oldest(&app);
    app.invite("globex", "last@b.co");
    assert_eq!(mail(&app, "to=last@b.co&wait=10s").len(), 1);
    assert_eq!(count(), 1000);
    assert_ne!(oldest(&app), before);
}

#[test]
fn a_query_that_is_not_acceptable_is_refused_with_all_that_is_wrong() {
    let app = dev();
    let answer = app.get("/dev/mailbox?to=nonsense&kind=letter&wait=31s&limit=0");
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (422, "validation_failed")
    );
    let problem = answer.json();
    let errors: Vec<_> = problem["errors"]
        .as_array()
        .expect("errors")
        .iter()
        .map(|e| &e["pointer"])
        .collect();
    assert_eq!(errors, ["to", "kind", "wait", "limit"]);
    for query in [
        "wait=",
        "wait=5x",
        "wait=-1s",
        "wait=30s1ms",
        "wait=1h",
        "kind=",
        "limit=1001",
    ] {
        assert_eq!(
            app.get(&format!("/dev/mailbox?{query}")).status,
            422,
            "{query}"
        );
    }
    for query in ["from=a@b.co", "to=a@b.co&to=b@b.co"] {
        assert_eq!(
            app.get(&format!("/dev/mailbox?{query}")).status,
            400,
            "{query}"
        );
    }
    assert_eq!(app.get("/dev/mailbox?wait=500ms").status, 200);
}

#[test]
fn pages_of_other_sites_get_none_of_a_mail() {
    let app = dev();
    app.invite("acme", "a@b.co");
    let id = mail(&app, "wait=5s")[0]["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    let paths = ["", "/text", "/html", "/raw"].map(|part| format!("/dev/mailbox/{id}{part}"));
    for path in paths.iter() {
        assert_eq!(app.get(path).status, 200);
        let foreign = app
            .anonymous("GET", path)
            .header("Sec-Fetch-Site", "cross-site")
            .send();
        assert_eq!(
            (foreign.status, foreign.code().as_str()),
            (403, "origin_not_allowed"),
            "{path}"
        );
        let head = format!("GET {path} HTTP/1.1\r\nHost: evil.io\r\nConnection: close\r\n\r\n");
        assert_eq!(
            raw(app.address, head.as_bytes()).code(),
            "host_not_allowed",
            "{path}"
        );
    }
    let foreign = app
        .anonymous("DELETE", &paths[0])
        .header("Origin", "https://evil.io")
        .send();
    assert_eq!(foreign.status, 403);
    assert_eq!(app.get(&paths[0]).status, 200);
}

#[test]
fn an_erased_address_leaves_the_mailbox_too() {
    let app = dev();
    for address in ["a@b.co", "b@b.co"] {
        app.invite("acme", address);
        mail(&app, &format!("to={address}&wait=5s"));
    }
    assert_eq!(
        app.request("DELETE", "/v1/invitations?email=a@b.co")
            .send()
            .status,
        200
    );
    assert_eq!(field(&mail(&app, ""), "to"), ["b@b.co"]);
}
