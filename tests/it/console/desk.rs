//! The desk: what only development has.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;

use invited::base::mode::Mode;
use serde_json::json;

use super::{Person, dev};
use crate::support::{TestApp, invitations};

#[test]
fn mail_is_found_by_address_and_kind_and_its_links_open_tabs_of_their_own() {
    let app = dev();
    let person = Person::of_development(&app);
    assert!(person.page("/console/desk").contains("No mail yet"));
    app.invite_by_mail("acme", "grace@example.com");
    app.invite_by_mail("acme", "linus@example.com");
    let all = person.page("/console/desk");
    assert!(all.contains("grace@example.com") && all.contains("linus@example.com"));
    let found = person.page("/console/desk?to=Grace%40Example.com&kind=invitation");
    assert!(found.contains("grace@example.com") && !found.contains("linus@example.com"));
    assert!(
        person
            .page("/console/desk?to=&kind=code")
            .contains("No such mail")
    );
    let refused = person.get("/console/desk?to=%3Cb%3Egrace");
    assert_eq!(refused.status, 422);
    assert!(
        refused.text().contains("value=\"&lt;b&gt;grace\""),
        "{}",
        refused.text()
    );

    let id = app.get("/dev/mailbox?to=grace@example.com").json()[0]["id"].clone();
    let path = format!("/console/desk/mail/{}", id.as_str().expect("an id"));
    let page = person.page(&path);
    for words in [
        "#ivm_",
        "target=\"_blank\"",
        "What a mail server would get",
        "sandbox=",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    let html = person.get(&format!("{path}/html"));
    assert!(html.text().contains("<base target=\"_blank\">"));
    let policy = html.header("content-security-policy").expect("a policy");
    assert!(policy.contains("sandbox allow-popups"), "{policy}");
    assert!(!policy.contains("allow-scripts"), "{policy}");
    assert_eq!(person.post(&format!("{path}/delete"), &[]).status, 303);
    assert_eq!(person.get(&path).status, 404);
    assert_eq!(person.post("/console/desk/mail/delete", &[]).status, 303);
    assert!(person.page("/console/desk").contains("No mail yet"));
}

#[test]
fn requests_are_shown_with_status_and_code_but_not_those_of_the_console() {
    let app = dev();
    let person = Person::of_development(&app);
    assert!(
        person
            .page("/console/desk/requests")
            .contains("No requests yet")
    );
    app.get("/v1/organizations/acme/invitations");
    app.get("/v1/nothing?token=ivt_0123");
    let page = person.page("/console/desk/requests");
    assert!(
        page.contains("/v1/organizations/acme/invitations"),
        "{page}"
    );
    assert!(page.contains("404 not_found"), "{page}");
    assert!(!page.contains("ivt_0123"), "{page}");
    assert!(!page.contains("</b> /console"), "{page}");
}

#[test]
fn events_of_all_organizations_or_of_one_are_shown_with_their_json() {
    let app = dev();
    let person = Person::of_development(&app);
    app.invite("acme", "grace@example.com");
    app.invite("hooli", "linus@example.com");
    let all = person.page("/console/desk/events");
    assert!(
        all.contains("grace@example.com") && all.contains("linus@example.com"),
        "{all}"
    );
    assert!(
        all.contains("&quot;type&quot;: &quot;invitation.created&quot;"),
        "{all}"
    );
    let one = person.page("/console/desk/events?organization=hooli");
    assert!(
        one.contains("linus@example.com") && !one.contains("grace@example.com"),
        "{one}"
    );
}

#[test]
fn the_clock_is_moved_set_and_let_go() {
    let app = dev();
    let person = Person::of_development(&app);
    let now = || app.get("/dev/clock").json();
    let before = app.clock.now();
    assert_eq!(
        person
            .post("/console/desk/clock", &[("advance", "7d")])
            .status,
        303
    );
    assert_eq!(app.clock.now(), before.plus_seconds(7 * 24 * 3600));
    assert_eq!(
        person
            .post("/console/desk/clock", &[("set", "2027-01-02T03:04")])
            .status,
        303
    );
    assert_eq!(now()["now"], "2027-01-02T03:04:00.000Z");
    assert!(person.page("/console/desk/state").contains("Stands still"));
    let refused = person.post("/console/desk/clock", &[("set", "tomorrow")]);
    assert_eq!(refused.status, 422);
    assert_eq!(now()["now"], "2027-01-02T03:04:00.000Z");
    assert_eq!(person.post("/console/desk/clock", &[]).status, 303);
    assert_eq!(now()["frozen"], false);
}

#[test]
fn faults_are_set_and_taken_back() {
    let app = dev();
    let person = Person::of_development(&app);
    let faults = || app.get("/dev/faults").json();
    let fields = [
        ("next", "2"),
        ("target", "webhooks"),
        ("do", "status"),
        ("status", "503"),
    ];
    assert_eq!(person.post("/console/desk/faults", &fields).status, 303);
    assert_eq!(faults()["webhooks"], json!({"next": 2, "do": 503}));
    for fields in [
        [("next", "x"), ("target", "mail"), ("do", "fail")],
        [("next", "1"), ("target", "pigeons"), ("do", "fail")],
        [("next", "1"), ("target", "mail"), ("do", "explode")],
    ] {
        let refused = person.post("/console/desk/faults", &fields);
        assert!(
            [400, 422].contains(&refused.status),
            "{fields:?}: {}",
            refused.text()
        );
    }
    assert_eq!(
        person
            .post("/console/desk/faults", &[("clear", "yes")])
            .status,
        303
    );
    assert_eq!(faults(), json!({}));
}

#[test]
fn everything_is_kept_put_back_planted_and_reset() {
    let app = dev();
    let person = Person::of_development(&app);
    let count = |organization: &str| {
        app.get(&invitations(organization))
            .json()
            .as_array()
            .map(Vec::len)
    };
    app.invite("mine", "grace@example.com");
    assert_eq!(person.post("/console/desk/snapshot", &[]).status, 303);
    let id = app.get("/dev/snapshots").json()[0]["id"].clone();
    app.invite("mine", "linus@example.com");
    let restore = [("id", id.as_str().expect("an id"))];
    assert_eq!(person.post("/console/desk/restore", &restore).status, 303);
    assert_eq!(count("mine"), Some(1));
    assert_eq!(
        person
            .post("/console/desk/restore", &[("id", "none")])
            .status,
        422
    );

    let seed = json!({"organizations": [{"id": "planted", "invitations": [
        {"email": "ada@example.com", "role": "admin"}]}]});
    let answer = person.post("/console/desk/seed", &[("seed", &seed.to_string())]);
    assert_eq!(answer.status, 303, "{}", answer.text());
    assert_eq!((count("planted"), count("mine")), (Some(1), Some(0)));
    let refused = person.post(
        "/console/desk/seed",
        &[("seed", "{\"organizations\": 1}</textarea>")],
    );
    assert_eq!(refused.status, 400);
    assert!(
        refused.text().contains("1}&lt;/textarea&gt;</textarea>"),
        "{}",
        refused.text()
    );
    assert_eq!(count("planted"), Some(1));
    assert_eq!(person.post("/console/desk/reset", &[]).status, 303);
    assert_eq!(count("planted"), Some(0));
}

#[test]
fn a_page_is_told_of_each_change_as_it_comes() {
    let app = dev();
    for (feed, act) in [
        ("events", "POST /v1/organizations/acme/invitations"),
        ("requests", "GET /v1/nothing"),
    ] {
        let mut stream = TcpStream::connect(app.address).expect("a connection");
        let request = format!("GET /console/desk/live/{feed} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        stream.write_all(request.as_bytes()).expect("it is sent");
        let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
        assert!(lines.any(|line| line == "retry: 2000"), "{feed}");
        match act.split_once(' ') {
            Some(("POST", _)) => drop(app.invite("acme", &format!("{feed}@example.com"))),
            _ => drop(app.get("/v1/nothing")),
        }
        assert!(lines.any(|line| line == "event: change"), "{feed}");
    }
    assert_eq!(
        Person::of_development(&app)
            .get("/console/desk/live/none")
            .status,
        404
    );
}

#[test]
fn nothing_of_it_is_on_a_server_for_everybody() {
    let app = TestApp::start(Mode::Serve, &[]);
    let person = Person::with_key(&app, &app.key);
    assert!(!person.page("/console").contains(">Desk<"));
    for path in [
        "/console/desk",
        "/console/desk/state",
        "/console/desk/live/mail",
    ] {
        assert_eq!(person.get(path).status, 404, "{path}");
    }
    assert_eq!(person.post("/console/desk/reset", &[]).status, 404);
}
