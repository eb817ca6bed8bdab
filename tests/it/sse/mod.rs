//! Events as they happen: what a stream tells, from where on, to whom, and how it ends.

mod ends;
mod load;
pub mod reader;

use std::io::Read;
use std::time::{Duration, Instant};

use invited::base::mode::Mode;
use invited::key::Scope;
use serde_json::{Value, json};

use crate::support::{Answer, TestApp, invitation, invitations};
use reader::{Reader, Said, ask};

/// The path of the stream of an organization.
fn path(organization: &str) -> String {
    format!("/v1/organizations/{organization}/events/stream")
}

/// The history of acme, oldest first.
fn history(app: &TestApp) -> Vec<Value> {
    let page = app
        .get("/v1/organizations/acme/events?order=asc&limit=1000")
        .json();
    page.as_array().expect("an array").clone()
}

/// The ids of the history of acme, oldest first.
fn history_ids(app: &TestApp) -> Vec<String> {
    history(app)
        .iter()
        .map(|event| event["id"].as_str().expect("an id").to_owned())
        .collect()
}

/// Invites `count` people to acme in one commit.
fn invite_many(app: &TestApp, prefix: &str, count: usize) {
    let row = |number| json!({ "email": format!("{prefix}{number}@b.co"), "role": "developer" });
    let rows: Vec<_> = (0..count).map(row).collect();
    let answer = app.post(
        &format!("{}/batch", invitations("acme")),
        &json!({ "invitations": rows }).to_string(),
    );
    assert_eq!(
        answer.json()["succeeded"],
        json!(count),
        "{}",
        answer.text()
    );
}

#[test]
fn a_stream_tells_what_comes_after_the_request_as_the_history_shows_it() {
    let app = TestApp::serve();
    app.invite("acme", "before@b.co");
    let mut stream = Reader::of(&app);
    let headers = [
        ("content-type", "text/event-stream"),
        ("cache-control", "no-store"),
        ("x-accel-buffering", "no"),
        ("x-content-type-options", "nosniff"),
    ];
    for (name, value) in headers {
        assert_eq!(stream.head.header(name), Some(value), "{name}");
    }
    assert_eq!(stream.head.header("content-encoding"), None);
    let made = app.invite("acme", "a@b.co");
    app.invite("globex", "b@b.co");
    assert_eq!(
        app.request("DELETE", &invitation("acme", &made["id"]))
            .send()
            .status,
        204
    );
    for event in &history(&app)[1..] {
        let (id, kind) = (
            event["id"].as_str().expect("an id"),
            event["type"].as_str().expect("a type"),
        );
        assert_eq!(
            stream.next(),
            Said::Event(id.to_owned(), kind.to_owned(), event.clone())
        );
    }
    assert_eq!(
        stream.within(Duration::from_millis(300)),
        None,
        "nothing of another organization"
    );
}

#[test]
fn an_organization_that_is_not_known_yet_can_be_waited_for() {
    let app = TestApp::serve();
    let mut stream = Reader::of(&app);
    app.invite("acme", "a@b.co");
    app.invite("acme", "b@b.co");
    assert_eq!(stream.ids(2), history_ids(&app));
}

#[test]
fn a_stream_that_is_resumed_tells_first_what_was_missed_however_much_that_is() {
    let app = TestApp::serve();
    invite_many(&app, "p", 700);
    let ids = history_ids(&app);
    assert_eq!(ids.len(), 700);
    let nil = "00000000-0000-0000-0000-000000000000";
    // Never the id of an event, but between two of them.
    let between = format!("{}f", &ids[99][..35]);
    assert!(
        between > ids[99] && between <= ids[100] || ids[99].ends_with('f'),
        "{between}"
    );
    for (last, from) in [
        (nil, 0),
        (&*ids[0], 1),
        (&ids[99], 100),
        (&between, 100),
        (&ids[698], 699),
    ] {
        for mut stream in [
            Reader::open(&app, &app.key, "", Some(last)),
            Reader::open(&app, &app.key, &format!("?lastEventId={last}"), None),
            Reader::open(
                &app,
                &app.key,
                &format!("?lastEventId={}", ids[5]),
                Some(last),
            ),
        ] {
            assert_eq!(stream.ids(700 - from), ids[from..], "{last}");
        }
    }
    let mut at_the_end = Reader::open(&app, &app.key, "", Some(&ids[699]));
    let mut ahead = Reader::open(
        &app,
        &app.key,
        "",
        Some("ffffffff-ffff-ffff-ffff-ffffffffffff"),
    );
    app.invite("acme", "last@b.co");
    assert_eq!(at_the_end.ids(1), history_ids_from(&app, 700));
    assert_eq!(ahead.within(Duration::from_millis(300)), None);
}

/// The ids of the history of acme from the `first` on, which is on its newest page.
fn history_ids_from(app: &TestApp, first: usize) -> Vec<String> {
    history_ids(app).split_off(first)
}

#[test]
fn an_id_that_is_none_and_other_bad_queries_are_refused_with_what_is_wrong() {
    let app = TestApp::serve();
    app.invite("acme", "a@b.co");
    let id = "019a0c5e-7b1c-7cc3-98c4-dc0c0c07398f";
    let refused = |more: &str, last: Option<&str>| {
        let mut bytes = Vec::new();
        let mut socket = ask(&app, &app.key, more, last);
        socket
            .set_read_timeout(Some(Duration::from_millis(300)))
            .expect("a timeout can be set");
        let _ = socket.read_to_end(&mut bytes);
        let answer = Answer::parse(&bytes);
        (answer.status, answer.code())
    };
    let upper = id.to_uppercase();
    let (simple, braced) = (id.replace('-', ""), format!("{{{id}}}"));
    for wrong in [
        "",
        "0",
        "last",
        &id[1..],
        &upper,
        &simple,
        &braced,
        "é",
        "c1019a0c5e",
    ] {
        if !wrong.is_empty() {
            assert_eq!(
                refused("", Some(wrong)),
                (400, "bad_request".to_owned()),
                "{wrong}"
            );
        }
        let query = format!(
            "?lastEventId={}",
            wrong
                .replace('é', "%C3%A9")
                .replace('{', "%7B")
                .replace('}', "%7D")
        );
        assert_eq!(
            refused(&query, None),
            (422, "validation_failed".to_owned()),
            "{wrong}"
        );
    }
    let twice = format!("{id}\r\nLast-Event-ID: {id}");
    assert_eq!(refused("", Some(&twice)), (400, "bad_request".to_owned()));
    for (query, status, code) in [
        ("?limit=10", 400, "invalid_query"),
        ("?since=2026-11-23T02:43:00Z", 400, "invalid_query"),
        ("?lastEventId=a&lastEventId=b", 400, "invalid_query"),
        ("?type=invitation.made", 422, "validation_failed"),
        ("?invitationId=x", 422, "validation_failed"),
    ] {
        assert_eq!(refused(query, None), (status, code.to_owned()), "{query}");
    }
    let body = app
        .get(&format!(
            "{}?type=x&invitationId=y&lastEventId=z",
            path("acme")
        ))
        .json();
    let pointers: Vec<_> = body["errors"]
        .as_array()
        .expect("errors")
        .iter()
        .map(|error| error["pointer"].clone())
        .collect();
    assert_eq!(pointers, ["type", "invitationId", "lastEventId"]);
}

#[test]
fn a_filter_lets_through_what_it_lets_through_in_the_history() {
    let app = TestApp::serve();
    let one = app.invite("acme", "a@b.co");
    let id = one["id"].as_str().expect("an id");
    let query = format!("?type=invitation.revoked,invitation.deleted&invitationId={id}");
    let mut both = Reader::open(&app, &app.key, &query, None);
    let mut by_type = Reader::open(&app, &app.key, "?type=invitation.revoked", None);
    let mut nothing = Reader::open(&app, &app.key, "?type=invitation.declined", None);
    // More than one look steps over.
    invite_many(&app, "p", 900);
    let other = app.invite("acme", "b@b.co");
    for made in [&other, &one] {
        assert_eq!(app.change(made, "revoke", &json!({})).status, 200);
    }
    assert_eq!(
        app.request("DELETE", &invitation("acme", &one["id"]))
            .send()
            .status,
        204
    );
    let told = |stream: &mut Reader| {
        let (_, event) = stream.event();
        (event["type"].clone(), event["invitationId"].clone())
    };
    assert_eq!(
        told(&mut both),
        (json!("invitation.revoked"), one["id"].clone())
    );
    assert_eq!(
        told(&mut both),
        (json!("invitation.deleted"), one["id"].clone())
    );
    assert_eq!(
        told(&mut by_type),
        (json!("invitation.revoked"), other["id"].clone())
    );
    assert_eq!(
        told(&mut by_type),
        (json!("invitation.revoked"), one["id"].clone())
    );
    for stream in [&mut both, &mut by_type, &mut nothing] {
        assert_eq!(stream.within(Duration::from_millis(200)), None);
    }
    let mut resumed = Reader::open(
        &app,
        &app.key,
        &query,
        Some("00000000-0000-0000-0000-000000000000"),
    );
    assert_eq!(told(&mut resumed).0, "invitation.revoked");
}

#[test]
fn a_stream_that_has_nothing_to_tell_says_so_and_an_event_puts_that_off() {
    let heartbeat = Duration::from_millis(400);
    let app = TestApp::serve().with_heartbeat(heartbeat);
    let asked = Instant::now();
    let mut stream = Reader::of(&app);
    let mut rests = Vec::new();
    for beat in 1..=5 {
        let start = Instant::now();
        assert_eq!(stream.next(), Said::Beat);
        rests.push(start.elapsed());
        let least = heartbeat * beat;
        assert!(asked.elapsed() >= least, "{beat}: {:?}", asked.elapsed());
    }
    // One that comes late on a busy machine is followed by one that comes soon.
    rests.sort();
    assert!((300..2000).contains(&rests[2].as_millis()), "{rests:?}");
    for number in 0..3 {
        std::thread::sleep(Duration::from_millis(250));
        // Nothing is said earlier than this, so the next heartbeat comes a whole rest after it.
        let said = Instant::now();
        app.invite("acme", &format!("p{number}@b.co"));
        stream.event();
        assert_eq!(stream.next(), Said::Beat);
        assert!(said.elapsed() >= heartbeat, "{:?}", said.elapsed());
    }
}

#[test]
fn head_and_options_answer_and_end() {
    let app = TestApp::serve();
    let head = app.request("HEAD", &path("acme")).send();
    assert_eq!(
        (head.status, head.header("content-type")),
        (200, Some("text/event-stream"))
    );
    assert_eq!(head.body, b"");
    let options = app.anonymous("OPTIONS", &path("acme")).send();
    assert_eq!(
        (options.status, options.header("allow")),
        (204, Some("GET, HEAD, OPTIONS"))
    );
    assert_eq!(app.post(&path("acme"), "{}").status, 405);
}

#[test]
fn whoever_may_not_read_the_organization_hears_nothing() {
    let app = TestApp::serve();
    app.invite("acme", "a@b.co");
    let foreign = app.key(&[Scope::Read], &["globex"], None);
    let answers = ["acme", "nobody", "ACME"].map(|organization| {
        let answer = app
            .anonymous("GET", &path(organization))
            .bearer(&foreign)
            .send();
        (answer.status, answer.without_request_id())
    });
    assert!(
        answers
            .iter()
            .all(|answer| *answer == answers[0] && answer.0 == 404),
        "{answers:?}"
    );
    let writer = app.key(&[Scope::Write], &["acme"], None);
    assert_eq!(
        app.anonymous("GET", &path("acme"))
            .bearer(&writer)
            .send()
            .status,
        403
    );
    assert_eq!(app.anonymous("GET", &path("acme")).send().status, 401);
}

#[test]
fn development_needs_no_key() {
    let app = TestApp::start(Mode::Dev, &[]);
    let mut stream = Reader::open(&app, "", "", None);
    app.invite("acme", "a@b.co");
    assert_eq!(stream.event().1["actor"], "dev");
}
