//! The place of mail: what waits, why, and trying it now.

use std::time::{Duration, Instant};

use invited::base::mode::Mode;
use invited::key::Scope;

use super::{Person, dev};
use crate::support::TestApp;
use crate::support::smtp::{Act, Smtp};

/// A refusal for now, in words of somebody else.
const NOT_NOW: Act =
    Act::Answer("451 4.7.1 <script>alert(1)</script> \"><img src=x> {{7*7}} greylisted");

/// A server that sends its mail to `smtp`.
fn app(smtp: &Smtp) -> TestApp {
    let url = smtp.url();
    let settings = ["--smtp-url", &url, "--mail-from", "invitations@acme.test"];
    TestApp::start(Mode::Serve, &settings)
}

/// Waits until `count` mails of the queue are in `state`.
fn wait_queue(app: &TestApp, state: &str, count: usize) {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let queue = app.get("/v1/mail-queue").json();
        let mails = queue.as_array().expect("an array");
        if mails.iter().filter(|mail| mail["state"] == state).count() == count {
            return;
        }
        assert!(Instant::now() < deadline, "{queue}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Two mails that were refused for now: one of `acme`, one of `hooli`.
fn put_off(smtp: &Smtp) -> TestApp {
    smtp.script_for("ada@example.com", NOT_NOW);
    smtp.script_for("bob@example.org", NOT_NOW);
    let app = app(smtp);
    app.invite("acme", "ada@example.com");
    app.invite("hooli", "bob@example.org");
    wait_queue(&app, "retrying", 2);
    app
}

#[test]
fn what_waits_is_shown_with_why_and_words_of_a_mail_server_stay_text() {
    let smtp = Smtp::start();
    let app = put_off(&smtp);
    let page = Person::with_key(&app, &app.key).page("/console/mail");
    for words in [
        "ada@example.com",
        "bob@example.org",
        "Put off",
        "&lt;script&gt;alert(1)&lt;/script&gt;",
        "{{7*7}} greylisted",
        "<b class=\"num\">2</b><span>waiting</span>",
        "<b class=\"num\">2</b><span>put off after a failed try</span>",
        "<b class=\"num\">0</b><span>scheduled for later</span>",
        &smtp.address.to_string(),
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    assert!(
        !page.contains("<script>alert") && !page.contains("<img src=x"),
        "{page}"
    );
}

#[test]
fn the_queue_is_filtered_by_organization_and_state() {
    let smtp = Smtp::start();
    let app = put_off(&smtp);
    let person = Person::with_key(&app, &app.key);
    let of_hooli = person.page("/console/mail?organizationId=hooli&state=");
    assert!(of_hooli.contains("bob@example.org") && !of_hooli.contains("ada@example.com"));
    assert!(
        of_hooli.contains("<b class=\"num\">1</b><span>waiting</span>"),
        "{of_hooli}"
    );
    assert!(
        person
            .page("/console/mail?state=retrying")
            .contains("ada@example.com")
    );
    let scheduled = person.page("/console/mail?state=scheduled");
    assert!(!scheduled.contains("ada@example.com") && scheduled.contains("No mail fits"));
    assert!(
        scheduled.contains("<b class=\"num\">2</b><span>waiting</span>"),
        "{scheduled}"
    );
    for query in ["organizationId=%22%3E%3Cimg%3E", "state=%22%3E%3Cimg%3E"] {
        let refused = person.get(&format!("/console/mail?{query}"));
        assert_eq!(refused.status, 422, "{query}");
        let page = refused.text();
        assert!(
            page.contains("aria-invalid=\"true\"") && !page.contains("<img>"),
            "{page}"
        );
        assert!(query.contains("state") || page.contains("value=\"&quot;&gt;&lt;img&gt;\""));
    }
}

#[test]
fn more_mail_than_a_page_has_is_reached_by_the_next_one() {
    let smtp = Smtp::start();
    smtp.script(&[Act::Answer("451 4.7.1 greylisted"); 60]);
    let app = app(&smtp);
    for number in 0..51 {
        app.invite("acme", &format!("p{number}@d{number}.example.com"));
    }
    let person = Person::with_key(&app, &app.key);
    let first = person.page("/console/mail?organizationId=acme");
    let (_, rest) = first
        .split_once("?organizationId=acme&amp;after=")
        .expect("a way on");
    let (cursor, _) = rest.split_once('"').expect("an end");
    let second = person.page(&format!("/console/mail?organizationId=acme&after={cursor}"));
    assert!(
        !first.contains("p50@") && second.contains("p50@"),
        "{second}"
    );
    assert!(!second.contains("p49@"), "{second}");
    assert!(
        second.contains("console/mail?organizationId=acme\">Newest</a>"),
        "{second}"
    );
}

#[test]
fn what_was_put_off_is_tried_now_all_of_it_or_that_of_one_organization_or_one_mail() {
    let smtp = Smtp::start();
    let app = put_off(&smtp);
    let person = Person::with_key(&app, &app.key);
    smtp.script_for("ada@example.com", Act::Take);
    smtp.script_for("bob@example.org", Act::Take);
    let done = person.post("/console/mail/retry", &[("organizationId", "hooli")]);
    assert_eq!(done.status, 303, "{}", done.text());
    let way = done.header("location").expect("a way");
    assert!(
        way.ends_with("console/mail?organizationId=hooli&did=retried&n=1"),
        "{way}"
    );
    wait_queue(&app, "retrying", 1);
    let page = person.page("/console/mail?did=retried&n=1");
    assert!(page.contains("1 mail will be tried now."), "{page}");
    let refused = person.post("/console/mail/retry", &[("invitationId", "<b>")]);
    assert_eq!(refused.status, 422);
    let queue = app.get("/v1/mail-queue").json();
    let id = queue[0]["invitationId"].as_str().expect("an id");
    let done = person.post("/console/mail/retry", &[("invitationId", id)]);
    assert_eq!(done.status, 303);
    wait_queue(&app, "retrying", 0);
    assert_eq!(smtp.wait(2).len(), 2);
    wait_queue(&app, "sending", 0);
    assert!(person.page("/console/mail").contains("No mail waits"));
}

#[test]
fn a_bound_key_sees_and_tries_the_mail_of_its_organizations_and_not_where_it_goes() {
    let smtp = Smtp::start();
    let app = put_off(&smtp);
    let key = app.key(&[Scope::Read, Scope::Admin], &["acme"], None);
    let person = Person::with_key(&app, &key);
    let page = person.page("/console/mail");
    assert!(
        page.contains("ada@example.com") && !page.contains("bob@example.org"),
        "{page}"
    );
    assert!(
        page.contains("<b class=\"num\">1</b><span>waiting</span>"),
        "{page}"
    );
    assert!(!page.contains(&smtp.address.to_string()), "{page}");
    let foreign = person.page("/console/mail?organizationId=hooli");
    assert!(!foreign.contains("bob@example.org") && foreign.contains("No mail fits"));
    let tried = |fields: &[(&str, &str)]| {
        let done = person.post("/console/mail/retry", fields);
        done.header("location").expect("a way").to_owned()
    };
    assert!(tried(&[("organizationId", "hooli")]).ends_with("n=0"));
    assert!(tried(&[]).ends_with("n=1"));
}

#[test]
fn without_admin_there_is_no_mail_in_the_navigation_and_none_by_its_address() {
    let app = TestApp::serve();
    let key = app.key(&[Scope::Read], &[], None);
    let person = Person::with_key(&app, &key);
    assert!(!person.page("/console").contains("console/mail"));
    assert_eq!(person.get("/console/mail").status, 403);
    assert_eq!(person.post("/console/mail/retry", &[]).status, 403);
}

#[test]
fn a_server_without_mail_says_what_that_means_and_a_development_server_where_it_is() {
    let app = TestApp::serve();
    let page = Person::with_key(&app, &app.key).page("/console/mail");
    assert!(
        page.contains("Mail is off.") && page.contains("--smtp-url"),
        "{page}"
    );
    let app = dev();
    let page = Person::of_development(&app).page("/console/mail");
    assert!(
        page.contains("inbox of the desk") && page.contains("No mail waits"),
        "{page}"
    );
}
