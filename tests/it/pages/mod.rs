//! What people see in a browser: the page that links lead to, and those of the mailbox. What a
//! browser makes of them is tested with one, by `.ci/pages`.
//!
//! [`assets`]: what pages load. [`forms`]: the steps of the page as forms. [`links`]: what becomes
//! of links on their way. [`unknown`]: addresses that nothing is at.

mod assets;
pub mod forms;
mod links;
mod unknown;

use invited::base::mode::Mode;
use serde_json::json;

use crate::support::{Answer, TestApp, invitations};

/// The page and what it loads, with their types.
const PUBLIC: [(&str, &str); 3] = [
    ("/accept", "text/html; charset=utf-8"),
    ("/accept/app.js", "text/javascript; charset=utf-8"),
    ("/accept/style.css", "text/css; charset=utf-8"),
];
/// What markup could do harm.
const PAYLOADS: [&str; 5] = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "'\"></title><svg/onload=alert(1)>",
    "{{ 7*7 }}{% raw %}",
    "</textarea><a href=javascript:alert(1)>x</a>",
];

/// Checks the headers that every answer has; answers the policy.
fn policy(answer: &Answer) -> &str {
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let policy = answer.header("content-security-policy").expect("a policy");
    for directive in [
        "default-src 'none'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    ] {
        assert!(
            policy.split("; ").any(|part| part == directive),
            "{directive}: {policy}"
        );
    }
    assert!(policy.contains("form-action 'none'") || policy.contains("form-action 'self'"));
    assert!(
        !policy.contains("unsafe") && !policy.contains('*') && !policy.contains("http"),
        "{policy}"
    );
    policy
}

#[test]
fn the_page_and_what_it_loads_need_no_key_and_bear_their_headers() {
    for app in [TestApp::serve(), TestApp::start(Mode::Dev, &[])] {
        for (path, kind) in PUBLIC {
            let answer = app.anonymous("GET", path).send();
            assert_eq!(
                (answer.status, answer.header("content-type")),
                (200, Some(kind)),
                "{path}"
            );
            policy(&answer);
            let head = app.anonymous("HEAD", path).send();
            assert_eq!((head.status, head.text().len()), (200, 0));
            let put = app.anonymous("PUT", path).send();
            assert_eq!(put.code(), "method_not_allowed");
        }
        let page = app.anonymous("GET", "/accept").send();
        let needed = [
            "script-src 'self'",
            "style-src 'self'",
            "connect-src 'self'",
            "form-action 'self'",
        ];
        assert!(needed.iter().all(|part| policy(&page).contains(part)));
    }
}

#[test]
fn every_answer_says_what_a_browser_may_do_with_it() {
    let app = TestApp::serve();
    let answers = [
        app.get(&invitations("acme")),
        app.anonymous("GET", "/health/live").send(),
        app.anonymous("GET", "/no/such/path").send(),
        app.anonymous("GET", "/problems/not_found").send(),
        app.anonymous("GET", "/openapi.json").send(),
        app.post(&invitations("acme"), "nonsense"),
    ];
    for answer in answers {
        assert!(!policy(&answer).contains("'self'"), "{}", answer.text());
    }
}

#[test]
fn pages_have_nothing_in_them_that_their_policy_refuses() {
    let app = TestApp::start(Mode::Dev, &[]);
    kept_mail(&app, "Acme");
    for path in ["/accept", "/console/desk"] {
        let page = app.get(path).text();
        for refused in [
            "<style",
            " style=",
            " onclick=",
            " onload=",
            "javascript:",
            "http://",
            "https://",
            "<script>",
        ] {
            // The link of the mail is what it is there for.
            let own = page.replace("http://invited.test/accept#", "");
            assert!(!own.contains(refused), "{path}: {refused}");
        }
    }
}

#[test]
fn opening_pages_changes_no_row() {
    let app = TestApp::start(Mode::Dev, &[]);
    let id = kept_mail(&app, "Acme");
    let tables = [
        "invitation",
        "event",
        "mail",
        "mailbox",
        "code",
        "idempotency",
        "organization",
    ];
    let rows = || tables.map(|table| app.db_rows(&format!("select * from {table}")));
    let before = rows();
    for _ in 0..20 {
        for (path, _) in PUBLIC {
            app.anonymous("GET", path).send();
            app.anonymous("HEAD", path).send();
        }
        for path in [
            "/console/desk".to_owned(),
            format!("/console/desk/mail/{id}"),
            format!("/dev/mailbox/{id}/html"),
        ] {
            assert_eq!(app.get(&path).status, 200);
        }
    }
    assert_eq!(rows(), before);
}

/// Invites somebody to an organization with this name, and answers the id of the mail.
fn kept_mail(app: &TestApp, name: &str) -> String {
    assert_eq!(app.request("DELETE", "/dev/mailbox").send().status, 204);
    let put = app
        .request("PUT", "/v1/organizations/acme")
        .json(json!({ "name": name }).to_string())
        .send();
    assert!(put.status < 300, "{}", put.text());
    let body = json!({ "email": "a@b.co", "role": "developer", "inviter": { "name": name },
        "onConflict": "replace" });
    let made = app.post(&invitations("acme"), &body.to_string());
    assert_eq!(made.status, 201, "{}", made.text());
    let mails = app.get("/dev/mailbox?to=a@b.co&wait=5s").json();
    mails[0]["id"].as_str().expect("an id").to_owned()
}

#[test]
fn what_others_wrote_is_text_on_the_pages_of_the_mailbox() {
    let app = TestApp::start(Mode::Dev, &[]);
    for payload in PAYLOADS {
        let id = kept_mail(&app, payload);
        let subject = app.get("/dev/mailbox").json()[0]["subject"]
            .as_str()
            .expect("a subject")
            .to_owned();
        assert!(subject.contains(payload), "{subject}");
        for path in [
            "/console/desk".to_owned(),
            format!("/console/desk/mail/{id}"),
        ] {
            let answer = app.get(&path);
            let page = answer.text();
            assert!(
                !page.contains(payload) || !payload.contains('<'),
                "{path} has {payload}"
            );
            for raw in [
                "<script>",
                "<img",
                "onerror=alert(1)>",
                "<a href=javascript",
            ] {
                assert!(!page.contains(raw), "{path} has {raw}");
            }
        }
    }
}
