//! The errors as pages for people, and as text for programs.

use invited::base::error::{ERRORS, FIELD_ERRORS};
use serde_json::Value;

use super::BROWSER;
use crate::support::{Answer, TestApp};

/// Asks for `path` as a browser.
fn open(app: &TestApp, method: &str, path: &str) -> Answer {
    app.anonymous(method, path).header("Accept", BROWSER).send()
}

/// The text of a page: without its marks, and with what was escaped as it was.
fn text_of(page: &Answer) -> String {
    let html = page.text();
    let parts = html
        .split('<')
        .map(|part| part.split_once('>').map_or(part, |(_, text)| text));
    let text = parts.collect::<String>();
    [
        ("&quot;", "\""),
        ("&#x27;", "'"),
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&amp;", "&"),
    ]
    .iter()
    .fold(text, |text, (escaped, plain)| text.replace(escaped, plain))
}

/// The body of the example on a page.
fn example_of(page: &Answer) -> Value {
    let text = text_of(page);
    let (_, rest) = text.split_once("\n\n{").expect("an example");
    let (body, _) = rest.split_once("\n}\n").expect("the end of the example");
    serde_json::from_str(&format!("{{{body}}}")).expect("JSON")
}

#[test]
fn every_error_is_a_page_with_an_example_and_what_to_do() {
    let app = TestApp::serve();
    for row in ERRORS {
        let path = format!("/problems/{}", row.name);
        let page = open(&app, "GET", &path);
        assert_eq!(
            (page.status, page.header("content-type")),
            (200, Some("text/html; charset=utf-8")),
            "{path}"
        );
        let (text, plain) = (text_of(&page), |text: &str| text.replace('`', ""));
        for part in [
            row.title,
            row.name,
            &plain(row.meaning),
            &plain(row.code.remedy()),
        ] {
            assert!(text.contains(part), "{path}: {part}: {text}");
        }
        let example = example_of(&page);
        assert_eq!(example["type"], path);
        assert_eq!(example["status"], row.status);
        assert_eq!(
            (&example["code"], &example["title"]),
            (&row.name.into(), &row.title.into())
        );
        assert!(
            text.contains(&format!("HTTP/1.1 {} ", row.status)),
            "{text}"
        );
        let head = open(&app, "HEAD", &path);
        assert_eq!((head.status, head.text().len()), (200, 0), "{path}");
    }
}

#[test]
fn an_example_has_what_only_its_error_has() {
    let app = TestApp::serve();
    let page = |name: &str| open(&app, "GET", &format!("/problems/{name}"));
    assert_eq!(
        example_of(&page("status_conflict"))["invitationStatus"],
        "revoked"
    );
    assert!(example_of(&page("already_invited"))["invitationId"].is_string());
    let wrong = page("validation_failed");
    let codes = example_of(&wrong)["errors"]
        .as_array()
        .expect("errors")
        .len();
    assert_eq!(codes, 2);
    assert!(
        FIELD_ERRORS
            .iter()
            .all(|(_, name, _)| text_of(&wrong).contains(name))
    );
    for (name, header) in [
        ("unauthorized", "www-authenticate: Bearer"),
        ("method_not_allowed", "allow: GET"),
        ("rate_limited", "ratelimit-policy: "),
        ("storage_busy", "retry-after: "),
    ] {
        assert!(text_of(&page(name)).contains(header), "{name}");
    }
}

#[test]
fn the_list_leads_to_every_error() {
    let app = TestApp::serve();
    let page = open(&app, "GET", "/problems");
    assert_eq!(
        page.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    for row in ERRORS {
        let link = format!("href=\"problems/{}\"", row.name);
        assert!(page.text().contains(&link), "{link}");
    }
}

#[test]
fn the_pages_have_a_policy_and_a_tag_and_depend_on_what_is_accepted() {
    let app = TestApp::serve();
    for (path, root) in [("/problems", "\""), ("/problems/not_found", "\"../")] {
        let page = open(&app, "GET", path);
        assert_eq!(
            page.header("content-security-policy"),
            Some(
                "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'; \
                 form-action 'none'"
            ),
            "{path}"
        );
        assert!(
            page.text()
                .contains(&format!("href={root}docs/style.css?v=")),
            "{path}"
        );
        let tag = page.header("etag").expect("a tag");
        let again = app.anonymous("GET", path).header("Accept", BROWSER);
        assert_eq!(
            again.header("If-None-Match", tag).send().status,
            304,
            "{path}"
        );
        for answer in [&page, &app.anonymous("GET", path).send()] {
            let varies = |(name, value): &(String, String)| {
                name.eq_ignore_ascii_case("vary") && value == "Accept"
            };
            assert!(answer.headers.iter().any(varies), "{path}");
        }
    }
}

#[test]
fn a_program_gets_text_whatever_it_accepts_second() {
    let app = TestApp::serve();
    for path in ["/problems", "/problems/not_found"] {
        let plain = app.anonymous("GET", path).send();
        assert_eq!(
            plain.header("content-type"),
            Some("text/plain; charset=utf-8")
        );
        for accept in [
            "*/*",
            "application/json, text/html",
            "text/plain",
            "text/htmlx",
        ] {
            let answer = app.anonymous("GET", path).header("Accept", accept).send();
            assert_eq!(answer.body, plain.body, "{path} {accept}");
        }
        let with_key = app.request("GET", path).header("Accept", BROWSER).send();
        assert_eq!(
            with_key.body, plain.body,
            "{path}: a key belongs to a program"
        );
    }
}

#[test]
fn an_unknown_code_is_404_in_both_forms() {
    let app = TestApp::serve();
    for name in ["nothing", "NOT_FOUND", "not_found%20", "%3Cb%3E"] {
        let path = format!("/problems/{name}");
        let page = open(&app, "GET", &path);
        assert_eq!(page.status, 404, "{path}");
        assert!(page.text().contains("There is no page here"), "{path}");
        let problem = app.anonymous("GET", &path).send();
        assert_eq!(
            (problem.status, problem.code()),
            (404, "not_found".to_owned())
        );
    }
}
