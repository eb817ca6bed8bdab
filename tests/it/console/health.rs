//! The place of health: what is wrong with the server, and its numbers.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use invited::base::mode::Mode;
use invited::key::Scope;

use super::{Person, dev};
use crate::support::TestApp;
use crate::support::smtp::{Act, Smtp};

/// A server that has nothing to complain of but that its public URL has no TLS.
fn app() -> TestApp {
    let settings = ["--accept-url", "https://app.example.com/join"];
    TestApp::start(Mode::Serve, &settings)
}

/// Gives the data file of a server rights that others have, too.
fn open_to_others(app: &TestApp) {
    fs::set_permissions(&app.database, Permissions::from_mode(0o644)).expect("it can be set");
}

#[test]
fn each_finding_is_shown_with_its_fix_the_worst_first() {
    let app = app();
    let person = Person::with_key(&app, &app.key);
    let page = person.page("/console/health");
    assert!(page.contains("All works. 1 check says"), "{page}");
    let findings = app.get("/v1/findings").json();
    let findings = findings.as_array().expect("an array");
    assert_eq!(page.matches("<td class=\"state\">").count(), findings.len());
    open_to_others(&app);
    let secret = app.database.with_added_extension("secret");
    fs::set_permissions(&secret, Permissions::from_mode(0o620)).expect("it can be set");
    let page = person.page("/console/health");
    assert!(
        page.contains("1 check says that something does not work"),
        "{page}"
    );
    let place = |words: &str| {
        page.find(words)
            .unwrap_or_else(|| panic!("{words}: {page}"))
    };
    assert!(place("may write the secret file") < place("may open the data file"));
    assert!(place("may open the data file") < place("writes are taken"));
    assert!(page.contains("chmod 600 the data file"), "{page}");
    let folder = app.database.parent().expect("a folder").to_string_lossy();
    assert!(!page.contains(&*folder), "{page}");
}

#[test]
fn numbers_versions_and_settings_are_shown() {
    let app = app();
    app.invite("acme", "ada@example.com");
    app.invite("hooli", "bob@example.com");
    app.invite("hooli", "eve@example.com");
    let page = Person::with_key(&app, &app.key).page("/console/health");
    for words in [
        "<dt>Organizations</dt><dd class=\"num\">2</dd>",
        "<dt>Invitations</dt><dd class=\"num\">3</dd>",
        "<dt>Streams open</dt><dd class=\"num\">0</dd>",
        concat!(
            "<dt>invited</dt><dd class=\"num\">",
            env!("CARGO_PKG_VERSION"),
            "</dd>"
        ),
        "<dt>Schema</dt><dd class=\"num\">1</dd>",
        "<dd>http://invited.test</dd>",
        "Mail is off",
        "<dd>for ever</dd>",
        "KiB</b><span>data file",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
}

#[test]
fn words_of_a_mail_server_stay_text() {
    let smtp = Smtp::start();
    smtp.script(&[Act::Answer("451 4.7.1 <script>alert(1)</script> {{7*7}}"); 9]);
    let url = smtp.url();
    let words = ["--smtp-url", &url, "--mail-from", "invitations@acme.test"];
    let app = TestApp::start(Mode::Serve, &words);
    app.invite("acme", "ada@example.com");
    let person = Person::with_key(&app, &app.key);
    let deadline = Instant::now() + Duration::from_secs(10);
    let page = loop {
        let page = person.page("/console/health");
        if page.contains("&lt;script&gt;") && page.contains("put off</dd>") {
            break page;
        }
        assert!(Instant::now() < deadline, "{page}");
        std::thread::sleep(Duration::from_millis(10));
    };
    assert!(page.contains("{{7*7}}"), "{page}");
    assert!(!page.contains("<script>alert"), "{page}");
}

#[test]
fn a_key_that_is_bound_or_without_admin_finds_no_health() {
    let app = app();
    for (organizations, status) in [(&["acme"][..], 404), (&[], 200)] {
        let key = app.key(&[Scope::Read, Scope::Admin], organizations, None);
        let person = Person::with_key(&app, &key);
        assert_eq!(
            person.get("/console/health").status,
            status,
            "{organizations:?}"
        );
        let is_led_to = person.page("/console").contains("console/health");
        assert_eq!(is_led_to, status == 200, "{organizations:?}");
    }
    let key = app.key(&[Scope::Read], &[], None);
    let person = Person::with_key(&app, &key);
    assert_eq!(person.get("/console/health").status, 403);
    assert!(!person.page("/console").contains("console/health"));
}

#[test]
fn the_foot_of_every_page_says_how_the_server_stands() {
    let app = app();
    let person = Person::with_key(&app, &app.key);
    let foot = |path: &str, words: &str| {
        let page = person.page(path);
        assert!(page.contains(&format!(">{words}</a>")), "{words}: {page}");
    };
    foot("/console", "1 finding");
    open_to_others(&app);
    // What was found is kept for a minute.
    foot("/console", "1 finding");
    foot("/console/health", "2 findings");
    foot("/console", "2 findings");
    let mut app = dev();
    app.restart_with(|settings| settings.public_url = None);
    let person = Person::of_development(&app);
    assert!(person.page("/console").contains(">All fine</a>"));
    assert!(
        person
            .page("/console/health")
            .contains("All checks are fine.")
    );
}
