//! Pages of other origins, as a browser tells of them: who may read what.

use actix_web::http::Method;
use invited::api::{self, Offer};
use invited::base::mode::Mode;
use serde_json::{Value, json};

use crate::support::{Answer, Request, TestApp, invitation, invitations};

/// The page that links lead to.
const APP: &str = "https://app.test";
/// A page that the operator names.
const NAMED: &str = "http://named.test:3000";
/// A page that organizations may lead to.
const TENANT: &str = "https://tenant.test";
/// The operations by token.
const BY_TOKEN: [&str; 4] = [
    "/v1/invitations/lookup",
    "/v1/invitations/code",
    "/v1/invitations/accept",
    "/v1/invitations/decline",
];

/// A server with all three pages.
fn serve(more: &[&str]) -> TestApp {
    let accept = format!("{APP}/join");
    let pages = [
        "--accept-url",
        &accept,
        "--cors-origins",
        NAMED,
        "--redirect-origins",
        TENANT,
    ];
    TestApp::start(Mode::Serve, &[&pages, more].concat())
}

/// Sends what a page of `origin` asks for.
fn from(request: Request, origin: &str) -> Answer {
    request.header("Origin", origin).send()
}

/// A lookup by a page of `origin`.
fn look_up(app: &TestApp, origin: &str) -> Answer {
    let request = app.anonymous("POST", BY_TOKEN[0]);
    from(request.json(r#"{"token":"ivt_none"}"#), origin)
}

/// A question of a browser before a page of `origin` sends `method`.
fn preflight(app: &TestApp, (method, path): (&str, &str), origin: &str) -> Answer {
    let request = app.anonymous("OPTIONS", path);
    from(
        request.header("Access-Control-Request-Method", method),
        origin,
    )
}

/// The origin whose pages may read `answer`.
fn reader(answer: &Answer) -> Option<&str> {
    let credentials = answer.header("access-control-allow-credentials");
    assert_eq!(credentials, None, "nobody is known by a cookie");
    answer.header("access-control-allow-origin")
}

/// Whether `answer` says anything to pages of other origins.
fn says_anything(answer: &Answer) -> bool {
    let is_about_pages = |(name, value): &(String, String)| {
        name.starts_with("access-control-") || (name == "vary" && value.contains("Origin"))
    };
    answer.headers.iter().any(is_about_pages)
}

#[test]
fn only_operations_by_token_are_for_pages_and_those_never_with_a_key() {
    let app = serve(&[]);
    let mut open = Vec::new();
    for route in api::routes(Offer::all(Mode::Serve)) {
        let path = route.path.replace(['{', '}'], "");
        for method in route.methods.iter().chain([&Method::OPTIONS]) {
            let name = method.as_str();
            let with_key = from(app.request(name, &path), NAMED);
            assert_eq!(reader(&with_key), None, "{name} {path} with a key");
            let without = from(app.anonymous(name, &path), APP);
            if reader(&without).is_some() {
                open.push(format!("{name} {path}"));
            } else {
                assert!(!says_anything(&without), "{name} {path}");
            }
        }
    }
    let expected = BY_TOKEN
        .iter()
        .flat_map(|path| ["POST", "OPTIONS"].map(|method| format!("{method} {path}")));
    assert_eq!(open, expected.collect::<Vec<_>>());
}

#[test]
fn a_page_of_exactly_an_allowed_origin_may_read() {
    let app = serve(&[]);
    for origin in [APP, NAMED] {
        let answer = look_up(&app, origin);
        assert_eq!((answer.status, reader(&answer)), (404, Some(origin)));
        assert_eq!(answer.header("vary"), Some("Origin"));
    }
    for origin in [
        "null",
        "*",
        "",
        "http://app.test",
        "https://app.test:8443",
        "https://app.test.evil.test",
        "https://evil.app.test",
        "https://app.test/",
        "https://APP.test",
        "http://named.test",
        "http://127.0.0.1:3000",
        TENANT,
        "\u{fc}",
    ] {
        let answer = look_up(&app, origin);
        assert_eq!((answer.status, reader(&answer)), (404, None), "{origin}");
        assert_eq!(answer.header("vary"), Some("Origin"), "{origin}");
        let asked = preflight(&app, ("POST", BY_TOKEN[0]), origin);
        assert_eq!(reader(&asked), None, "{origin}");
        assert_eq!(asked.header("access-control-allow-methods"), None);
    }
    let no_page = app.anonymous("POST", BY_TOKEN[0]).json("{}").send();
    assert!(!says_anything(&no_page), "{no_page:?}");
}

#[test]
fn the_page_of_an_organization_may_read_for_as_long_as_links_lead_there() {
    let app = serve(&[]);
    let put = |settings: &Value| {
        let request = app.request("PUT", "/v1/organizations/acme");
        let answer = request.json(settings.to_string()).send();
        assert!(answer.status < 300, "{}", answer.text());
    };
    let is_open = || reader(&look_up(&app, TENANT)).is_some();
    assert!(!is_open(), "nobody has a page there");
    let page = json!({"acceptUrl": format!("{TENANT}/join")});
    put(&page);
    assert!(is_open());
    put(&json!({"name": "Acme Ltd."}));
    assert!(!is_open(), "it has none any more");
    put(&page);
    assert!(is_open());
    let deleted = app.request("DELETE", "/v1/organizations/acme").send();
    assert_eq!(deleted.status, 204);
    assert!(!is_open(), "the organization is gone");
}

#[test]
fn settings_that_cannot_be_read_shut_no_page_of_others() {
    let app = serve(&[]);
    let body = json!({"acceptUrl": format!("{TENANT}/join")}).to_string();
    for organization in ["acme", "globex"] {
        let path = format!("/v1/organizations/{organization}");
        assert_eq!(app.request("PUT", &path).json(&body).send().status, 201);
    }
    let conn = rusqlite::Connection::open(&app.database).expect("the file opens");
    let damage = "update organization set settings = '{' where id = 'acme'";
    assert_eq!(conn.execute(damage, []), Ok(1));
    assert_eq!(reader(&look_up(&app, TENANT)), Some(TENANT));
}

#[test]
fn origins_that_were_found_stay_open_while_they_cannot_be_looked_for() {
    let app = serve(&[]);
    let put = |organization: &str, settings: &Value| {
        let request = app.request("PUT", &format!("/v1/organizations/{organization}"));
        assert_eq!(request.json(settings.to_string()).send().status, 201);
    };
    put("acme", &json!({"acceptUrl": format!("{TENANT}/join")}));
    assert_eq!(reader(&look_up(&app, TENANT)), Some(TENANT));
    put("globex", &json!({}));
    let conn = rusqlite::Connection::open(&app.database).expect("the file opens");
    let rename = |from: &str, to: &str| {
        let rename = format!("alter table organization rename column {from} to {to}");
        conn.execute_batch(&rename).expect("it is renamed");
    };
    rename("settings", "elsewhere");
    assert_eq!(reader(&look_up(&app, TENANT)), Some(TENANT));
    rename("elsewhere", "settings");
    assert_eq!(reader(&look_up(&app, TENANT)), Some(TENANT));
}

#[test]
fn a_request_with_two_origins_is_of_no_page_that_is_allowed() {
    let (app, dev) = (serve(&[]), TestApp::start(Mode::Dev, &[]));
    let twice = |request: Request, origins: [&str; 2]| {
        let request = request.header("Origin", origins[0]);
        let answer = request.header("Origin", origins[1]).send();
        assert_eq!(reader(&answer), None, "{origins:?}");
        answer.status
    };
    let (local, list) = ("http://localhost:3000", invitations("acme"));
    for origins in [
        [APP, APP],
        [APP, "https://evil.test"],
        [local, "https://evil.test"],
    ] {
        twice(app.anonymous("POST", BY_TOKEN[0]).json("{}"), origins);
        twice(dev.anonymous("POST", BY_TOKEN[0]).json("{}"), origins);
        twice(dev.anonymous("GET", &list), origins);
        let create = dev.anonymous("POST", &list).json(r#"{"email":"a@b.co"}"#);
        assert_eq!(twice(create, origins), 403);
    }
}

#[test]
fn a_page_that_is_refused_in_development_is_told_what_opens_it() {
    let app = TestApp::start(Mode::Dev, &[]);
    for (path, origin, says) in [
        (invitations("acme"), APP, "--cors-origins https://app.test"),
        (invitations("acme"), "null", "call this from a terminal"),
        ("/dev/reset".to_owned(), APP, "call this from a terminal"),
        (
            "/dev/reset".to_owned(),
            "http://localhost:3000",
            "call this from a terminal",
        ),
    ] {
        let answer = from(app.anonymous("POST", &path).json("{}"), origin);
        let (status, code) = (answer.status, answer.code());
        assert_eq!((status, &*code), (403, "origin_not_allowed"), "{path}");
        assert!(answer.text().contains(says), "{path}: {}", answer.text());
    }
}

#[test]
fn errors_can_be_read_too() {
    let app = serve(&["--limit-address", "7"]);
    let [lookup, .., decline] = BY_TOKEN;
    let large = format!(r#"{{"token":"{}"}}"#, "x".repeat(100_000));
    let long = format!("{lookup}?{}", "x".repeat(9_000));
    let unknown = format!("ivt_{}_{}", "0".repeat(32), "0".repeat(64));
    let without_email = format!(r#"{{"code":"000000","token":"{unknown}"}}"#);
    let post = |path: &str| app.anonymous("POST", path);
    for (request, status) in [
        (post(lookup).json("{"), 400),
        (post(lookup).json(r#"{"token":"ivt_none"}"#), 404),
        (post(lookup).json(&large), 413),
        (
            post(lookup).header("Content-Type", "text/plain").body("{}"),
            415,
        ),
        (post(decline).json("{}"), 401),
        (post(decline).json(&without_email), 422),
        (post(&long).json("{}"), 414),
        (app.anonymous("PUT", lookup), 405),
        (post(lookup).json("{}"), 422),
        (post(lookup).json("{}"), 429),
    ] {
        let answer = from(request, APP);
        assert_eq!(
            (answer.status, reader(&answer)),
            (status, Some(APP)),
            "{}",
            answer.text()
        );
        let exposed = answer.header("access-control-expose-headers");
        for name in ["X-Request-Id", "Retry-After"] {
            assert!(exposed.is_some_and(|names| names.contains(name)), "{name}");
        }
    }
}

#[test]
fn a_browser_is_told_before_a_request_what_a_page_may_send() {
    let app = serve(&[]);
    for path in BY_TOKEN {
        let answer = preflight(&app, ("POST", path), APP);
        let told = |name: &str| answer.header(&format!("access-control-{name}"));
        assert_eq!((answer.status, reader(&answer)), (204, Some(APP)), "{path}");
        assert_eq!(told("allow-methods"), Some("POST, OPTIONS"));
        assert_eq!(
            told("allow-headers"),
            Some("Content-Type, Idempotency-Key, Traceparent, X-Request-Id")
        );
        assert_eq!(told("max-age"), Some("7200"));
    }
}

#[test]
fn development_is_open_to_pages_of_this_machine() {
    let app = TestApp::start(Mode::Dev, &["--cors-origins", NAMED]);
    let path = invitation("acme", &app.invite("acme", "new@example.com")["id"]);
    for origin in [
        "http://localhost:5173",
        "https://localhost",
        "http://127.0.0.1:3000",
        "http://app.localhost:3000",
        "http://[::1]:3000",
        NAMED,
    ] {
        let answer = from(app.anonymous("GET", &path), origin);
        assert_eq!((answer.status, reader(&answer)), (200, Some(origin)));
        let request = app.anonymous("POST", &format!("{path}/resend"));
        let answer = from(request.header("Sec-Fetch-Site", "cross-site"), origin);
        assert_eq!((answer.status, reader(&answer)), (200, Some(origin)));
        let asked = preflight(&app, ("DELETE", &path), origin);
        let told = |name: &str| {
            asked
                .header(&format!("access-control-{name}"))
                .unwrap_or("")
        };
        assert_eq!(reader(&asked), Some(origin));
        assert!(told("allow-methods").contains("DELETE"), "{asked:?}");
        assert!(told("allow-headers").contains("Authorization"), "{asked:?}");
    }
}

#[test]
fn development_stays_shut_to_every_other_page() {
    let app = TestApp::start(Mode::Dev, &["--accept-url", "https://app.test/join"]);
    let path = invitation("acme", &app.invite("acme", "new@example.com")["id"]);
    for origin in [
        APP,
        "https://evil.test",
        "https://localhost.evil.test",
        "http://10.0.0.1",
        "file://localhost",
        "null",
        "http://evil.test@localhost",
        "http://localhost:3000/",
        "http://evil.test@localhost/a",
        "http://LOCALHOST:3000",
    ] {
        let read = from(app.anonymous("GET", &path), origin);
        assert_eq!(reader(&read), None, "{origin}");
        let asked = preflight(&app, ("POST", &path), origin);
        assert_eq!(reader(&asked), None, "{origin}");
        let changed = from(app.anonymous("DELETE", &path), origin);
        assert_eq!((changed.status, reader(&changed)), (403, None), "{origin}");
        let answer = look_up(&app, origin);
        assert_eq!(
            (answer.status, reader(&answer)),
            (404, Some(origin)),
            "the token is the proof"
        );
    }
    let of_this_machine = "http://localhost:3000";
    for path in ["/dev/mailbox", "/dev/clock", "/console", "/"] {
        let answer = from(app.anonymous("GET", path), of_this_machine);
        assert!(!says_anything(&answer), "{path}: {answer:?}");
    }
    let reset = from(app.anonymous("POST", "/dev/reset"), of_this_machine);
    assert_eq!((reset.status, reader(&reset)), (403, None));
    assert_eq!(app.get(&path).status, 200, "nothing was changed");
}
