//! Sessions of the console: how they begin and end, and what their forms must prove.

use invited::key::Scope;

use super::{ORIGIN, Person, cookie, form, sign_in};
use crate::support::TestApp;
use crate::support::process::run;

/// Milliseconds in an hour.
const HOUR: i64 = 60 * 60 * 1000;

/// The status of the first page for whoever sends this cookie.
fn status_with(app: &TestApp, cookie: &str) -> u16 {
    let request = app.anonymous("GET", "/console");
    request.header("Cookie", cookie).send().status
}

/// The sign-in link that `invited login` prints.
fn link(app: &TestApp, words: &[&str]) -> String {
    let database = app.database.to_str().expect("a plain path");
    let mut all = vec!["login", "--database", database];
    all.extend(words);
    let output = run(&all);
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout)
        .expect("text")
        .trim()
        .to_owned()
}

/// The key that the session of `person` stands for, as its page says.
fn key_of(person: &Person<'_>) -> String {
    let page = person.page("/console");
    let (_, rest) = page
        .split_once("signed in by key <span class=\"mono\">")
        .expect("a key");
    rest[..16].to_owned()
}

#[test]
fn without_a_session_every_page_is_401_and_asks_to_sign_in() {
    let app = TestApp::serve();
    for path in [
        "/console",
        "/console/organizations/acme/invitations/x",
        "/console/sign-out",
    ] {
        let method = if path.ends_with("out") { "POST" } else { "GET" };
        let answer = app.anonymous(method, path).header("Origin", ORIGIN).send();
        assert_eq!(answer.status, 401, "{path}");
        assert!(answer.text().contains("name=\"key\""), "{path}");
        assert!(answer.header("set-cookie").is_none(), "{path}");
        // Who only opens a page has done nothing wrong; a form that was sent is lost.
        let is_told = answer.text().contains("role=\"alert\"");
        assert_eq!(is_told, method == "POST", "{path}");
    }
    // A key is for the API: a page of another site could not send it, and a browser has none.
    let answer = app.get("/console");
    assert_eq!(answer.status, 401);
}

#[test]
fn a_key_opens_a_session_that_only_its_cookie_carries() {
    let app = TestApp::serve();
    let answer = sign_in(&app, &format!(" {}\n", app.key));
    assert_eq!(answer.status, 303, "{}", answer.text());
    assert_eq!(answer.header("location"), Some("../console?did=signed-in"));
    let set = answer.header("set-cookie").expect("a cookie").to_owned();
    assert!(set.starts_with("invited-80="), "{set}");
    assert!(
        set.ends_with("; Path=/; Max-Age=604800; HttpOnly; SameSite=Strict"),
        "{set}"
    );
    let page = app
        .anonymous("GET", "/console")
        .header("Cookie", &cookie(&answer))
        .send();
    assert_eq!(page.status, 200);
    assert!(
        page.text().contains(&app.key[4..20]),
        "the page names the key"
    );
    assert!(!page.text().contains(&app.key), "the page has no secret");
    // Nor has the file.
    let token = cookie(&answer);
    let token = token.trim_start_matches("invited-80=");
    let bytes = std::fs::read(&app.database).expect("the file");
    assert!(
        !bytes
            .windows(32)
            .any(|window| window == &token.as_bytes()[..32])
    );
}

#[test]
fn over_https_the_cookie_is_bound_to_its_host() {
    let mut app = TestApp::serve();
    let url = url::Url::parse("https://id.example.com/invites").expect("a URL");
    app.restart_with(|settings| settings.public_url = Some(url));
    let answer = app
        .anonymous("POST", "/console/sign-in")
        .header("Origin", "https://id.example.com")
        .header("Content-Type", "application/x-www-form-urlencoded")
        .body(form(&[("key", &app.key), ("next", "/console/keys")]))
        .send();
    let set = answer.header("set-cookie").expect("a cookie");
    assert!(set.starts_with("__Host-invited="), "{set}");
    assert!(
        set.ends_with("; Path=/; Max-Age=604800; HttpOnly; SameSite=Strict; Secure"),
        "{set}"
    );
    assert_eq!(answer.header("location"), Some("../console/keys"));
}

#[test]
fn what_opens_nothing_is_told_apart_from_what_is_no_key_at_all() {
    let app = TestApp::serve();
    let revoked = app.key(&[Scope::Read], &[], None);
    let id = &revoked[4..20];
    assert_eq!(
        app.request("DELETE", &format!("/v1/keys/{id}"))
            .send()
            .status,
        204
    );
    for (key, words) in [
        ("", "neither a whole API key"),
        ("hello", "neither a whole API key"),
        (&app.key[..40], "neither a whole API key"),
        (
            &*crate::support::forged("0123456789abcdef"),
            "opens nothing",
        ),
        (&*revoked, "opens nothing"),
        (&*format!("ivl_{}", "0".repeat(64)), "used already"),
    ] {
        let answer = sign_in(&app, key);
        assert_eq!(answer.status, 401, "{key}");
        assert!(answer.text().contains(words), "{key}: {}", answer.text());
        assert!(answer.header("set-cookie").is_none());
    }
    let blind = app.key(&[Scope::Write], &[], None);
    let answer = sign_in(&app, &blind);
    assert_eq!(answer.status, 403);
    assert!(
        answer.text().contains("invitations:read"),
        "{}",
        answer.text()
    );
}

#[test]
fn a_sign_in_link_works_once_and_for_ten_minutes() {
    let app = TestApp::serve();
    let url = link(&app, &["--public-url", ORIGIN]);
    assert!(
        url.starts_with("http://invited.test/console/sign-in#ivl_"),
        "{url}"
    );
    // The commands go by the machine's clock, which is not the server's here.
    app.clock.free();
    let first = sign_in(&app, &url);
    assert_eq!(first.status, 303, "{}", first.text());
    assert_eq!(sign_in(&app, &url).status, 401);
    assert_eq!(status_with(&app, &cookie(&first)), 200);

    let late = link(&app, &[]);
    let now = app.clock.now();
    app.clock.set(now.plus_seconds(10 * 60));
    assert_eq!(sign_in(&app, &late).status, 401);
}

#[test]
fn a_link_for_a_key_ends_with_it_and_one_without_has_a_key_of_its_own() {
    let app = TestApp::serve();
    app.clock.free();
    let reader = app.key(&[Scope::Read], &["acme"], None);
    let url = link(&app, &["--key", &reader[4..20]]);
    let person = Person {
        app: &app,
        cookie: Some(cookie(&sign_in(&app, &url))),
    };
    assert_eq!(key_of(&person), reader[4..20]);

    let own = link(&app, &[]);
    let admin = Person {
        app: &app,
        cookie: Some(cookie(&sign_in(&app, &own))),
    };
    let own_key = key_of(&admin);
    assert_ne!(own_key, app.key[4..20]);
    let path = format!("/v1/keys/{own_key}");
    assert_eq!(app.request("DELETE", &path).send().status, 204);
    assert_eq!(admin.get("/console").status, 401);
    assert_eq!(person.get("/console").status, 200);

    let database = app.database.to_str().expect("a plain path");
    let output = run(&["login", "--database", database, "--key", "0123456789abcdef"]);
    assert!(!output.status.success());
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(words.contains("no live key"), "{words}");
}

#[test]
fn a_session_ends_with_its_key_by_sign_out_and_by_logout_of_all() {
    let app = TestApp::serve();
    let key = app.key(&[Scope::Read, Scope::Write], &[], None);
    let (one, other) = (
        Person::with_key(&app, &key),
        Person::with_key(&app, &app.key),
    );
    assert_eq!(one.get("/console").status, 200);
    let path = format!("/v1/keys/{}", &key[4..20]);
    assert_eq!(app.request("DELETE", &path).send().status, 204);
    let ended = one.get("/console");
    assert_eq!(ended.status, 401);
    assert!(
        ended.text().contains("session has ended"),
        "{}",
        ended.text()
    );

    let third = Person::with_key(&app, &app.key);
    let answer = other.post("/console/sign-out", &[]);
    assert_eq!(
        (answer.status, answer.header("location")),
        (303, Some("sign-in"))
    );
    let set = answer.header("set-cookie").expect("a cookie");
    assert!(set.starts_with("invited-80=; Path=/; Max-Age=0"), "{set}");
    assert_eq!(other.get("/console").status, 401);
    assert_eq!(third.get("/console").status, 200);

    let database = app.database.to_str().expect("a plain path");
    let output = run(&["logout", "--all", "--database", database]);
    // The session of the revoked key has gone unnoticed: it counts.
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "ended 2 sessions\n"
    );
    assert_eq!(third.get("/console").status, 401);
    let history = app.get("/v1/audit?limit=3").json();
    assert_eq!(history[0]["action"], "session.ended", "{history}");
    assert_eq!(history[0]["actor"], "cli");
}

#[test]
fn a_session_ends_twelve_hours_after_its_last_use_and_seven_days_after_its_first() {
    let app = TestApp::serve();
    let idle = Person::with_key(&app, &app.key);
    app.advance_to(12 * HOUR - 1);
    assert_eq!(idle.get("/console").status, 200);

    let mut person = Person::with_key(&app, &app.key);
    let begun = 12 * HOUR - 1;
    for hours in (11..7 * 24).step_by(11) {
        app.advance_to(begun + hours * HOUR);
        let answer = person.get("/console");
        assert_eq!(answer.status, 200, "{hours}");
        person.cookie = Some(cookie(&answer));
    }
    app.advance_to(begun + 7 * 24 * HOUR);
    assert_eq!(person.get("/console").status, 401);

    let idle = Person::with_key(&app, &app.key);
    app.advance_to(begun + 7 * 24 * HOUR + 12 * HOUR);
    assert_eq!(idle.get("/console").status, 401);
}

#[test]
fn the_token_is_replaced_every_ten_minutes_of_use_and_the_old_one_lives_a_minute_longer() {
    let app = TestApp::serve();
    let person = Person::with_key(&app, &app.key);
    app.advance_to(10 * 60 * 1000 - 1);
    assert!(person.get("/console").header("set-cookie").is_none());
    app.advance_to(10 * 60 * 1000);
    let answer = person.get("/console");
    let renewed = Person {
        app: &app,
        cookie: Some(cookie(&answer)),
    };
    assert_ne!(person.cookie, renewed.cookie);
    // A request that was on its way then.
    app.advance_to(11 * 60 * 1000 - 1);
    assert_eq!(person.get("/console").status, 200);
    assert_eq!(renewed.get("/console").status, 200);
    app.advance_to(11 * 60 * 1000);
    assert_eq!(renewed.get("/console").status, 200);
    assert_eq!(person.get("/console").status, 401);
}

#[test]
fn a_browser_that_did_not_get_its_new_token_stays_signed_in_and_gets_another() {
    let app = TestApp::serve();
    let person = Person::with_key(&app, &app.key);
    let minute = 60 * 1000;
    app.advance_to(10 * minute);
    let lost = Person {
        app: &app,
        cookie: Some(cookie(&person.get("/console"))),
    };
    app.advance_to(15 * minute);
    let answer = person.get("/console");
    assert_eq!((answer.status, answer.header("set-cookie")), (200, None));
    app.advance_to(20 * minute);
    let renewed = Person {
        app: &app,
        cookie: Some(cookie(&person.get("/console"))),
    };
    assert_eq!(lost.get("/console").status, 401, "it was never used");
    app.advance_to(21 * minute);
    assert_eq!(renewed.get("/console").status, 200);
    assert_eq!(person.get("/console").status, 401);
}

#[test]
fn a_page_comes_where_the_token_cannot_be_replaced_and_a_key_that_was_just_made_is_shown() {
    let app = TestApp::serve();
    let person = Person::with_key(&app, &app.key);
    // As on a disk that has become full.
    let conn = rusqlite::Connection::open(&app.database).expect("it opens");
    let refuse =
        "create trigger full before update on session begin select raise(abort, 'full'); end";
    conn.execute_batch(refuse).expect("a trigger");
    let minute = 60 * 1000;
    app.advance_to(10 * minute);
    let page = person.get("/console/health");
    assert_eq!((page.status, page.header("set-cookie")), (200, None));
    let made = person.post("/console/keys/new", &[("name", "ci"), ("scopes", "admin")]);
    assert!(
        made.status == 200 && made.text().contains("ivk_"),
        "{}",
        made.text()
    );
    conn.execute_batch("drop trigger full").expect("it goes");
    assert!(person.get("/console").header("set-cookie").is_some());
}

#[test]
fn cookies_that_are_forged_doubled_or_spelled_otherwise_open_nothing() {
    let app = TestApp::serve();
    let good = Person::with_key(&app, &app.key).cookie.expect("a cookie");
    let (name, token) = good.split_once('=').expect("a pair");
    for cookie in [
        format!("{good}; {good}"),
        format!("{name}={}", "0".repeat(64)),
        format!(
            "{name}={}",
            token
                .to_uppercase()
                .replace(|c: char| c.is_ascii_digit(), "A")
        ),
        format!("{name}={}", &token[1..]),
        format!("__Host-invited={token}"),
        format!("invited-8080={token}"),
        format!("{name}="),
        name.to_owned(),
    ] {
        assert_eq!(status_with(&app, &cookie), 401, "{cookie}");
    }
    assert_eq!(status_with(&app, &format!("a=b; {good}; c=d")), 200);
}
