//! What one person is sent: each mail counts, first for its organization, and no refusal tells what
//! other organizations send.

use std::time::{Duration, Instant};

use invited::base::mode::Mode;
use serde_json::{Value, json};

use crate::support::smtp::Smtp;
use crate::support::{Answer, TestApp, invitation, invitations};

/// A server that sends its mail to `smtp`.
fn start(smtp: &Smtp, settings: &[&str]) -> TestApp {
    let url = smtp.url();
    let words = [
        "--smtp-url",
        &url,
        "--mail-from",
        "invitations@acme.test",
        "--resend-cooldown",
        "0s",
    ];
    TestApp::start(Mode::Serve, &[&words, settings].concat())
}

/// Invites `email` to `organization`, with `more` fields.
fn invite(app: &TestApp, organization: &str, email: &str, more: &str) -> Answer {
    app.post(
        &invitations(organization),
        &format!(r#"{{"email":"{email}","role":"developer"{more}}}"#),
    )
}

/// Waits until nothing is queued that is due.
fn wait_idle(app: &TestApp) {
    let deadline = Instant::now() + Duration::from_secs(20);
    let due = || {
        format!(
            "select kind from mail where due_at <= {} or lease is not null",
            app.clock.now().as_millis()
        )
    };
    while !app.db_rows(&due()).is_empty() {
        assert!(Instant::now() < deadline, "{:?}", app.contents()["mail"]);
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// How many mails `smtp` got for `recipient`.
fn count(smtp: &Smtp, recipient: &str) -> usize {
    smtp.received()
        .iter()
        .filter(|mail| mail.to == [recipient])
        .count()
}

#[test]
fn what_is_not_mailed_counts_for_nobody_and_another_organization_is_not_refused() {
    let smtp = Smtp::start();
    let app = start(&smtp, &["--limit-recipient", "3"]);
    for _ in 0..10 {
        let made = invite(&app, "acme", "victim@b.co", r#","notify":false"#);
        assert_eq!(made.status, 201, "{}", made.text());
        assert_eq!(
            app.request("DELETE", &invitation("acme", &made.json()["id"]))
                .send()
                .status,
            204
        );
    }
    for tag in ["", "+one", "+two"] {
        assert_eq!(
            invite(&app, "acme", &format!("victim{tag}@b.co"), "").status,
            201
        );
    }
    let refused = invite(&app, "acme", "victim+three@b.co", "");
    assert_eq!(
        (refused.status, refused.header("ratelimit-policy")),
        (429, Some("\"recipient\";q=3;w=86400"))
    );
    assert_eq!(
        invite(&app, "acme", "victim+three@b.co", r#","notify":false"#).status,
        201,
        "nothing is sent"
    );
    for tag in ["", "+one", "+two"] {
        assert_eq!(
            invite(&app, "globex", &format!("victim{tag}@b.co"), "").status,
            201,
            "others see nothing of it"
        );
    }
    assert_eq!(invite(&app, "globex", "victim+three@b.co", "").status, 429);
}

#[test]
fn beyond_what_all_may_send_mail_waits_and_no_answer_says_so() {
    let smtp = Smtp::start();
    let mut app = start(&smtp, &["--limit-mailbox", "4"]);
    app.set_present();
    let made: Vec<Value> = (0..6)
        .map(|number| invite(&app, &format!("o{number}"), "victim@b.co", "").json())
        .collect();
    let shape = |made: &Value| {
        made.as_object()
            .map(|fields| fields.keys().cloned().collect::<Vec<_>>())
    };
    assert!(
        made.iter()
            .all(|one| shape(one) == shape(&made[0]) && one["delivery"] == "queued"),
        "{made:?}"
    );
    smtp.wait(4);
    wait_idle(&app);
    assert_eq!(count(&smtp, "victim@b.co"), 4);
    let due = app.db_rows(&format!(
        "select cast((due_at - {}) / 3600000 as text) from mail order by due_at",
        app.clock.now().as_millis()
    ));
    assert_eq!(
        due.concat(),
        [r#"Some("5")"#, r#"Some("11")"#],
        "a quarter of a day apart, as what is refilled"
    );
    // Neither a start nor a clock that is put right sends all of it at once.
    app.restart();
    app.clock.set(app.clock.now().plus_seconds(-2));
    std::thread::sleep(Duration::from_millis(1_500));
    wait_idle(&app);
    assert_eq!(count(&smtp, "victim@b.co"), 4);
    assert_eq!(invite(&app, "o6", "other@b.co", "").status, 201);
    smtp.wait(5);
}

#[test]
fn codes_count_as_mail_and_asking_looks_the_same_when_they_are_enough() {
    let smtp = Smtp::start();
    let app = start(&smtp, &["--limit-recipient", "2", "--limit-codes", "0"]);
    app.set_present();
    let made = invite(&app, "acme", "victim@b.co", r#","notify":false"#).json();
    let token = app.token_of(&made);
    let ask = |email: &str| app.person("code", &json!({ "token": token, "email": email }));
    for _ in 0..5 {
        let (right, wrong) = (ask("victim@b.co"), ask("eve@b.co"));
        assert_eq!((right.status, right.text()), (202, wrong.text()));
        wait_idle(&app);
    }
    assert_eq!((count(&smtp, "victim@b.co"), smtp.received().len()), (2, 2));
}

#[test]
fn notices_to_one_inviter_are_bounded_and_the_answers_are_not() {
    let smtp = Smtp::start();
    let app = start(&smtp, &["--limit-recipient", "3", "--notify-inviters"]);
    for number in 0..6 {
        let more = r#","notify":false,"inviter":{"email":"victim@b.co"}"#;
        let made = invite(&app, "acme", &format!("p{number}@b.co"), more).json();
        let accepted = app.change(&made, "accept", &json!({ "email": made["email"] }));
        assert_eq!(accepted.status, 200, "{}", accepted.text());
        wait_idle(&app);
    }
    assert_eq!(count(&smtp, "victim@b.co"), 3);
}

#[test]
fn reminders_count_too() {
    let smtp = Smtp::start();
    let app = start(&smtp, &["--limit-recipient", "3", "--remind-before", "1h"]);
    for email in ["victim@b.co", "victim+tag@b.co"] {
        assert_eq!(
            invite(&app, "acme", email, r#","expiresIn":7200"#).status,
            201
        );
        wait_idle(&app);
    }
    smtp.wait(2);
    wait_idle(&app);
    app.advance_to(3_600_000);
    smtp.wait(3);
    wait_idle(&app);
    assert_eq!(smtp.received().len(), 3);
}
