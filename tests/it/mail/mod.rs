//! Mail as a mail server meets it: what goes out and what does not, what it says, and what becomes
//! of it.
//!
//! * [`bounces`]: mail that came back, and lists by how far mail has come. [`bounce_rules`]: which
//!   of it counts. [`providers`]: how providers tell of it.
//! * [`delivery`]: what becomes of a mail whatever the server does. [`fair`]: whose mail goes
//!   first, and what waits for the server. [`kinds`]: codes, reminders, notices.
//! * [`languages`]: whose language a mail is in.
//! * [`queue`]: what waits, as an operator sees it, and trying it now.
//! * [`ordinary_text`]: emoji and languages that are spelled with invisible characters.
//! * [`brand`]: what an organization gives its mail.
//! * [`content`]: what people see of a mail, and whom a reply goes to.
//! * [`words`]: headers, bodies, templates. [`injection`]: nothing that users write steers a mail.
//! * [`settings`]: what the binary says at its start. [`trouble`]: what is said of a mail server
//!   that cannot be used. [`trial`]: what `invited mail test` tells.
//!   [`words_files`]: words and templates that cannot be used.
//!   [`webhook`]: mail that is handed to a URL. [`oauth`]: logins by a token.

mod bounce_rules;
mod bounces;
mod brand;
mod content;
mod delivery;
mod fair;
mod injection;
mod kinds;
mod languages;
mod oauth;
mod ordinary_text;
mod providers;
mod queue;
mod settings;
mod trial;
mod trouble;
mod webhook;
mod words;
mod words_files;

use std::time::{Duration, Instant};

use invited::base::mode::Mode;
use serde_json::{Value, json};

use crate::support::smtp::Smtp;
use crate::support::{TestApp, invitations};

/// Whom mail comes from here.
const FROM: &str = "Acme, Ltd. <invitations@acme.test>";

/// A server that sends its mail to `smtp`.
fn app(smtp: &Smtp, settings: &[&str]) -> TestApp {
    app_at(&smtp.url(), settings)
}

/// A server that sends its mail to a URL.
fn app_at(url: &str, settings: &[&str]) -> TestApp {
    let words = [
        "--smtp-url",
        url,
        "--mail-from",
        FROM,
        "--resend-cooldown",
        "0s",
    ];
    TestApp::start(Mode::Serve, &[&words, settings].concat())
}

/// Makes an invitation of `body` with an address and a role besides.
fn invite(app: &TestApp, email: &str, body: &Value) -> Value {
    let mut whole = json!({ "email": email, "role": "developer" });
    let (whole_object, more) = (
        whole.as_object_mut().expect("an object"),
        body.as_object().cloned(),
    );
    whole_object.extend(more.expect("an object"));
    let answer = app.post(&invitations("acme"), &whole.to_string());
    assert_eq!(answer.status, 201, "{}", answer.text());
    answer.json()
}

/// Waits until the delivery of an invitation passes `check`; answers the invitation.
fn wait_for(app: &TestApp, invitation: &Value, check: impl Fn(&Value) -> bool) -> Value {
    let deadline = Instant::now() + Duration::from_secs(40);
    loop {
        let now = app.look(invitation);
        if check(&now) {
            return now;
        }
        assert!(Instant::now() < deadline, "{now}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Waits until the delivery of an invitation is `state`; answers the invitation.
fn wait_until(app: &TestApp, invitation: &Value, state: &str) -> Value {
    wait_for(app, invitation, |now| now["delivery"] == state)
}

/// Waits until nothing is queued that is due.
fn wait_idle(app: &TestApp) {
    let deadline = Instant::now() + Duration::from_secs(20);
    let now = app.clock.now().as_millis();
    while !app
        .db_rows(&format!(
            "select kind from mail where due_at <= {now} or lease is not null"
        ))
        .is_empty()
    {
        assert!(Instant::now() < deadline, "{:?}", app.contents()["mail"]);
        std::thread::sleep(Duration::from_millis(10));
    }
}
