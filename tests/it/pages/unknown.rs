//! Addresses that nothing is at: a person gets a page in words, a program a problem document, both
//! the same status.

use invited::base::mode::Mode;

use crate::support::{Answer, TestApp};

/// What browsers send when a person opens an address.
const BROWSERS: [&str; 3] = [
    "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
    "text/html",
    " Text/HTML;q=1, */*",
];
/// What programs send.
const PROGRAMS: [&str; 5] = [
    "*/*",
    "application/json",
    "application/json, text/html",
    "text/htmlx",
    "",
];
/// Addresses that nothing is at.
const PATHS: [&str; 5] = [
    "/nothing",
    "/accept/x",
    "/v1/nothing?x=1",
    "/a%3Cb%3E//c",
    "/clickhouse/x",
];

/// Asks for `path` as a caller that accepts `accept`.
fn ask(app: &TestApp, method: &str, path: &str, accept: &str) -> Answer {
    app.anonymous(method, path).header("Accept", accept).send()
}

#[test]
fn a_person_gets_a_page_in_words_with_the_status_of_the_problem_document() {
    for (app, status) in [
        (TestApp::serve(), 401),
        (TestApp::start(Mode::Dev, &[]), 404),
    ] {
        for path in PATHS {
            for accept in BROWSERS {
                let answer = ask(&app, "GET", path, accept);
                let kind = answer.header("content-type");
                assert_eq!(
                    (answer.status, kind),
                    (status, Some("text/html; charset=utf-8")),
                    "{path} {accept}"
                );
                super::policy(&answer);
                assert_eq!(answer.header("vary"), Some("Accept"));
                let html = answer.text();
                let id = answer.header("x-request-id").expect("an id");
                assert!(
                    html.contains("<h1>There is no page here</h1>") && html.contains(id),
                    "{html}"
                );
                let (before_query, _) = path.split_once('?').unwrap_or((path, ""));
                let root = "../".repeat(before_query.matches('/').count() - 1);
                assert!(
                    html.contains(&format!("href=\"{root}accept/style.css")),
                    "{html}"
                );
            }
            let head = ask(&app, "HEAD", path, "text/html");
            assert_eq!((head.status, head.text().len()), (status, 0));
        }
    }
}

#[test]
fn a_program_gets_a_problem_document() {
    for (app, status) in [
        (TestApp::serve(), 401),
        (TestApp::start(Mode::Dev, &[]), 404),
    ] {
        for path in ["/nothing", "/accept/x", "/v1/nothing"] {
            let mut answers: Vec<_> = PROGRAMS
                .iter()
                .map(|accept| ask(&app, "GET", path, accept))
                .collect();
            answers.push(app.anonymous("GET", path).send());
            answers.push(ask(&app, "POST", path, "text/html"));
            for answer in answers {
                let kind = answer.header("content-type");
                assert_eq!(
                    (answer.status, kind),
                    (status, Some("application/problem+json"))
                );
            }
        }
    }
    let app = TestApp::serve();
    let with_key = app.request("GET", "/nothing").header("Accept", "text/html");
    let answer = with_key.send();
    assert_eq!(
        (answer.status, answer.code()),
        (404, "not_found".to_owned())
    );
}

#[test]
fn whoever_opens_too_many_gets_the_words_for_that_and_when_to_come_again() {
    let app = TestApp::start(Mode::Serve, &["--limit-address", "2"]);
    for _ in 0..2 {
        assert_eq!(ask(&app, "GET", "/x", "text/html").status, 401);
    }
    let answer = ask(&app, "GET", "/x", "text/html");
    assert_eq!(answer.status, 429);
    assert!(answer.header("retry-after").is_some());
    assert!(
        answer.text().contains("This does not work now"),
        "{}",
        answer.text()
    );
}
