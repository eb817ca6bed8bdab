//! Codes, reminders, notices to the inviter.

use serde_json::json;

use super::{app, invite, wait_idle, wait_until};
use crate::support::TestApp;
use crate::support::life::path_of;
use crate::support::smtp::{Received, Smtp};

/// An hour in milliseconds.
const HOUR: i64 = 3_600_000;

/// The mails whose Message-ID begins with `kind`.
fn of_kind(smtp: &Smtp, kind: &str) -> Vec<Received> {
    let begins = |mail: &Received| mail.headers("Message-ID")[0].starts_with(&format!("<{kind}."));
    smtp.received().into_iter().filter(begins).collect()
}

#[test]
fn a_code_goes_only_to_the_invited_address_whoever_asks() {
    let smtp = Smtp::start();
    let app = app(&smtp, &[]);
    app.set_present();
    let made = invite(&app, "ada@example.com", &json!({"notify": false}));
    let token = app.token_of(&made);
    app.ask_code(&token, "eve@example.com");
    wait_idle(&app);
    assert_eq!(
        smtp.received().len(),
        0,
        "not even to the address that was given"
    );
    app.ask_code(&token, "Ada@Example.com");
    let mails = smtp.wait(1);
    wait_idle(&app);
    assert_eq!(mails[0].to, ["ada@example.com"]);
    let code = app.code_for(&made, "ada@example.com").expect("a code");
    assert!(mails[0].decoded().contains(&code) && !mails[0].headers("Subject")[0].contains(&code));
    assert!(
        !mails[0].decoded().contains("/accept") && !mails[0].decoded().contains(&token[4..36]),
        "the mail of a code brings no link"
    );
    let accepted = app.person(
        "accept",
        &json!({"token": token, "email": "ada@example.com", "code": code}),
    );
    assert_eq!(accepted.status, 200, "{}", accepted.text());
    assert_eq!(
        app.look(&made)["delivery"],
        "none",
        "a code is not the invitation"
    );
    assert_eq!(smtp.received().len(), 1);
}

#[test]
fn the_link_of_a_reminder_accepts_as_that_of_the_invitation() {
    let smtp = Smtp::start();
    let (app, made) = reminding(&smtp);
    app.advance_to(HOUR);
    let token = app.mailed_token_of(&made);
    let mails = smtp.wait(2);
    assert!(mails.iter().all(|mail| mail.decoded().contains(&token)));
    let answer = app.person("accept", &json!({ "token": token }));
    assert_eq!(answer.status, 200, "{}", answer.text());
}

/// A server that reminds an hour before the end, and an invitation of two hours whose mail is out.
fn reminding(smtp: &Smtp) -> (TestApp, serde_json::Value) {
    let app = app(smtp, &["--remind-before", "1h"]);
    let made = invite(
        &app,
        "ada@example.com",
        &json!({"expiresIn": 7200, "note": "Do come."}),
    );
    wait_until(&app, &made, "sent");
    (app, made)
}

#[test]
fn a_pending_invitation_is_reminded_of_once_with_its_link() {
    let smtp = Smtp::start();
    let (app, made) = reminding(&smtp);
    app.advance_to(HOUR - 1);
    std::thread::sleep(std::time::Duration::from_millis(700));
    assert_eq!(smtp.received().len(), 1);
    app.advance_to(HOUR);
    let reminder = smtp.wait(2).remove(1);
    assert_eq!(
        reminder.headers("Message-ID"),
        [format!(
            "<reminder.{}.0@acme.test>",
            made["id"].as_str().expect("an id")
        )]
    );
    assert!(
        reminder.decoded().contains(&app.mailed_token_of(&made))
            && reminder.decoded().contains("Do come.")
    );
    app.advance_to(2 * HOUR);
    wait_idle(&app);
    assert_eq!(smtp.received().len(), 2);
}

#[test]
fn a_reminder_follows_the_end_of_its_invitation_and_dies_with_it() {
    let smtp = Smtp::start();
    let (app, longer) = reminding(&smtp);
    let gone = ["revoked", "accepted", "again"];
    let made = gone.map(|name| {
        invite(
            &app,
            &format!("{name}@example.com"),
            &json!({"expiresIn": 7200}),
        )
    });
    made.iter()
        .for_each(|made| drop(wait_until(&app, made, "sent")));
    assert_eq!(
        app.request("PATCH", &path_of(&longer))
            .json(r#"{"expiresIn":14400}"#)
            .send()
            .status,
        200
    );
    app.change(&made[0], "revoke", &json!({}));
    app.change(
        &made[1],
        "accept",
        &json!({"email": "accepted@example.com"}),
    );
    app.change(
        &made[2],
        "resend",
        &json!({"expiresIn": 14400, "notify": false}),
    );
    app.advance_to(2 * HOUR);
    std::thread::sleep(std::time::Duration::from_millis(700));
    wait_idle(&app);
    assert!(
        of_kind(&smtp, "reminder").is_empty(),
        "{:?}",
        app.contents()["mail"]
    );
    app.advance_to(3 * HOUR);
    smtp.wait(5);
    wait_idle(&app);
    let reminders = of_kind(&smtp, "reminder");
    assert_eq!(
        reminders
            .iter()
            .map(|mail| &mail.to[0][..])
            .collect::<Vec<_>>(),
        ["ada@example.com"]
    );
}

#[test]
fn what_ends_sooner_than_a_reminder_comes_gets_none_and_without_the_setting_nobody_does() {
    let smtp = Smtp::start();
    let reminding = app(&smtp, &["--remind-before", "1h"]);
    let silent = app(&smtp, &[]);
    let short = invite(&reminding, "ada@example.com", &json!({"expiresIn": 3600}));
    let long = invite(&silent, "ada@example.com", &json!({"expiresIn": 7200}));
    wait_until(&reminding, &short, "sent");
    wait_until(&silent, &long, "sent");
    assert!(reminding.contents()["mail"].is_empty() && silent.contents()["mail"].is_empty());
}

#[test]
fn inviters_hear_of_answers_by_every_way_where_they_are_to_be_told() {
    let smtp = Smtp::start();
    let app = app(&smtp, &["--notify-inviters"]);
    app.set_present();
    let inviter =
        json!({"inviter": {"name": "Grace", "email": "Grace@Example.com"}, "notify": false});
    let by_id = invite(&app, "by.id@example.com", &inviter);
    assert_eq!(
        by_id["inviter"],
        json!({"name": "Grace", "email": "grace@example.com"})
    );
    let by_link = invite(&app, "by.link@example.com", &inviter);
    let revoked = invite(&app, "revoked@example.com", &inviter);
    let nameless = invite(
        &app,
        "nameless@example.com",
        &json!({"inviter": {"name": "Grace"}, "notify": false}),
    );
    app.change(&by_id, "accept", &json!({"email": "by.id@example.com"}));
    app.change(
        &nameless,
        "accept",
        &json!({"email": "nameless@example.com"}),
    );
    app.change(&revoked, "revoke", &json!({}));
    let first = smtp.wait(1).remove(0);
    let token = app.token_of(&by_link);
    let declined = app.post(
        "/v1/invitations/decline",
        &json!({"token": token, "email": "by.link@example.com"}).to_string(),
    );
    assert_eq!(declined.status, 200, "{}", declined.text());
    let second = smtp.wait(2).remove(1);
    wait_idle(&app);
    assert_eq!(
        (&first.to[..], &second.to[..], smtp.received().len()),
        (&["grace@example.com".to_owned()][..], &first.to[..], 2)
    );
    assert_eq!(
        first.headers("Subject"),
        ["by.id@example.com has accepted the invitation to acme"]
    );
    assert_eq!(
        second.headers("Subject"),
        ["by.link@example.com has declined the invitation to acme"]
    );
    assert!(
        !first.decoded().contains("ivt_") && !first.decoded().contains("ivm_"),
        "no link"
    );
}

#[test]
fn without_the_setting_inviters_hear_nothing() {
    let smtp = Smtp::start();
    let app = app(&smtp, &[]);
    let made = invite(
        &app,
        "ada@example.com",
        &json!({"inviter": {"email": "grace@example.com"}, "notify": false}),
    );
    app.change(&made, "accept", &json!({"email": "ada@example.com"}));
    assert!(app.contents()["mail"].is_empty());
}
