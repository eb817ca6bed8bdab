//! What all pages of the console share: where their forms may come from, what they may load, and
//! where the console is.

use invited::base::mode::Mode;

use super::{ORIGIN, Person, dev, form};
use crate::support::{Answer, TestApp};

/// The status of the first page for whoever sends this cookie.
fn status_with(app: &TestApp, cookie: &str) -> u16 {
    let request = app.anonymous("GET", "/console");
    request.header("Cookie", cookie).send().status
}

/// Sends the form that signs out, with these headers.
fn sign_out(app: &TestApp, cookie: &str, headers: &[(&str, &str)]) -> Answer {
    let request = app
        .anonymous("POST", "/console/sign-out")
        .header("Cookie", cookie);
    let with_header = |request: crate::support::Request, (name, value): &(&str, &str)| {
        request.header(name, value)
    };
    headers.iter().fold(request, with_header).send()
}

#[test]
fn only_a_page_of_this_server_may_send_its_forms() {
    let app = TestApp::serve();
    let cookie = Person::with_key(&app, &app.key).cookie.expect("a cookie");
    let refused: &[&[(&str, &str)]] = &[
        &[],
        &[("Origin", "null")],
        &[("Origin", "https://invited.test")],
        &[("Origin", "http://evil.test")],
        &[("Origin", "http://invited.test:8080")],
        &[("Origin", "http://invited.test.evil.test")],
        &[("Origin", ORIGIN), ("Origin", "http://evil.test")],
        &[("Sec-Fetch-Site", "cross-site")],
        &[("Sec-Fetch-Site", "same-site")],
        &[("Sec-Fetch-Site", "none")],
        &[("Origin", ORIGIN), ("Sec-Fetch-Site", "cross-site")],
        &[("Referer", "http://invited.test/console")],
    ];
    for headers in refused {
        let answer = sign_out(&app, &cookie, headers);
        assert_eq!(answer.status, 403, "{headers:?}");
        assert!(answer.text().contains("origin_not_allowed"), "{headers:?}");
    }
    assert_eq!(status_with(&app, &cookie), 200);
    // Another name of the server is known by its `Host`, but not by another scheme.
    for (origin, status) in [("https", 403), ("http", 401)] {
        let origin = format!("{origin}://{}", app.address);
        let answer = sign_out(&app, "a=b", &[("Origin", &origin)]);
        assert_eq!(answer.status, 401, "{origin}");
        let answer = app
            .anonymous("POST", "/console/sign-in")
            .header("Origin", &origin)
            .header("Content-Type", "application/x-www-form-urlencoded")
            .body(form(&[("key", "hello")]))
            .send();
        assert_eq!(answer.status, status, "{origin}");
    }
    // Nor may another page sign somebody in: what they did would be seen by who owns the key.
    let forged = app
        .anonymous("POST", "/console/sign-in")
        .header("Origin", "http://evil.test")
        .header("Content-Type", "application/x-www-form-urlencoded")
        .body(form(&[("key", &app.key)]))
        .send();
    assert_eq!(forged.status, 403);
    let taken = sign_out(
        &app,
        &cookie,
        &[("Origin", ORIGIN), ("Sec-Fetch-Site", "same-origin")],
    );
    assert_eq!(taken.status, 303, "{}", taken.text());
}

#[test]
fn the_root_leads_people_to_the_console_and_tells_programs_nothing() {
    let app = TestApp::serve();
    let person = app
        .anonymous("GET", "/")
        .header("Accept", "text/html,*/*")
        .send();
    assert_eq!(
        (person.status, person.header("location")),
        (303, Some("console"))
    );
    assert_eq!(app.anonymous("GET", "/").send().code(), "unauthorized");
    assert_eq!(app.get("/").code(), "not_found");

    let off = TestApp::start(Mode::Serve, &["--console", "off"]);
    for path in ["/", "/console", "/console/sign-in", "/console/style.css"] {
        let answer = off
            .anonymous("GET", path)
            .header("Accept", "text/html")
            .send();
        assert_eq!(answer.status, 401, "{path}");
        assert_eq!(off.get(path).code(), "not_found", "{path}");
    }
}

#[test]
fn development_asks_nobody_to_sign_in_and_refuses_pages_of_others_all_the_same() {
    let app = dev();
    let person = Person::of_development(&app);
    assert!(person.page("/console").contains("Development"));
    assert_eq!(person.get("/console/sign-in").status, 303);
    let answer = sign_out(&app, "a=b", &[("Origin", "http://evil.test")]);
    assert_eq!(answer.status, 403);
    for site in ["cross-site", "same-site"] {
        for (dest, status) in [
            ("iframe", 403),
            ("empty", 403),
            ("image", 403),
            ("document", 200),
        ] {
            let request = app
                .anonymous("GET", "/console")
                .header("Sec-Fetch-Site", site);
            let answer = request.header("Sec-Fetch-Dest", dest).send();
            assert_eq!(answer.status, status, "{site} {dest}");
        }
    }
}

#[test]
fn pages_let_nothing_in_from_elsewhere() {
    let app = dev();
    let answer = Person::of_development(&app).get("/console");
    let policy = answer.header("content-security-policy").expect("a policy");
    for part in [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "frame-ancestors 'none'",
    ] {
        assert!(policy.contains(part), "{policy}");
    }
    assert!(!policy.contains("unsafe"), "{policy}");
    assert_eq!(answer.header("referrer-policy"), Some("same-origin"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let page = answer.text();
    for forbidden in [" style=", "<style", " onclick", "javascript:", "//cdn"] {
        assert!(!page.contains(forbidden), "{forbidden}");
    }
}

#[test]
fn a_page_is_compressed_for_browsers_that_take_that() {
    let app = dev();
    let person = Person::of_development(&app);
    let plain = person.get("/console");
    let packed = person
        .request("GET", "/console")
        .header("Accept-Encoding", "gzip")
        .send();
    assert_eq!(packed.header("content-encoding"), Some("gzip"));
    assert!(packed.body.len() * 2 < plain.body.len());
}
