//! Whose mail goes first, and what all mail waits for.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{FROM, app, app_at, invite, wait_for, wait_until};
use crate::support::smtp::{Act, Smtp};
use crate::support::{TestApp, invitations};

/// Invites `count` people to `organization` in one request.
fn invite_many(app: &TestApp, organization: &str, count: usize) {
    let row =
        |number| json!({ "email": format!("p{number}@{organization}.test"), "role": "developer" });
    let body = json!({ "invitations": (0..count).map(row).collect::<Vec<_>>() }).to_string();
    assert_eq!(
        app.post(&format!("{}/batch", invitations(organization)), &body)
            .status,
        200
    );
}

/// How many mails came before the first one to `recipient`, which comes within a minute.
fn count_before(smtp: &Smtp, recipient: &str) -> usize {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        if let Some(place) = smtp
            .received()
            .iter()
            .position(|mail| mail.to[0] == recipient)
        {
            return place;
        }
        assert!(Instant::now() < deadline, "nothing came for {recipient}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// How many mails were tried.
fn count_tried(app: &TestApp) -> usize {
    app.db_rows("select kind from mail where attempts > 0")
        .len()
}

#[test]
fn a_large_batch_holds_up_neither_a_code_nor_the_mail_of_another_organization() {
    let smtp = Smtp::start();
    let app = app(&smtp, &[]);
    app.set_present();
    let made = invite(&app, "ada@example.com", &json!({ "notify": false }));
    let token = app.token_of(&made);
    smtp.pause(Duration::from_millis(100));
    invite_many(&app, "globex", 300);
    smtp.wait(10);
    app.ask_code(&token, "ada@example.com");
    invite(&app, "bob@example.org", &json!({}));
    let came = smtp.received().len();
    for recipient in ["ada@example.com", "bob@example.org"] {
        let before = count_before(&smtp, recipient);
        assert!(
            before <= came + 40,
            "{recipient} had to wait for {before} mails, {came} of them earlier ones"
        );
    }
}

#[test]
fn twelve_recipients_over_whom_the_server_stands_still_hold_up_nobody_else() {
    let smtp = Smtp::start();
    let app = app(&smtp, &[]);
    let mut alone = Duration::ZERO;
    for number in 0..5 {
        let start = Instant::now();
        let known = invite(&app, &format!("known{number}@example.com"), &json!({}));
        wait_until(&app, &known, "sent");
        alone = alone.max(start.elapsed());
    }
    for number in 0..12 {
        let recipient = format!("p@stalling{number}.test");
        smtp.script_for(&recipient, Act::Stall);
        invite(&app, &recipient, &json!({}));
    }
    std::thread::sleep(Duration::from_millis(500));
    for number in 0..20 {
        let start = Instant::now();
        let other = invite(&app, &format!("p{number}@example.com"), &json!({}));
        wait_until(&app, &other, "sent");
        // What the machine takes for a mail when nothing stalls is nobody's fault.
        let (took, most) = (start.elapsed(), Duration::from_secs(2).max(alone * 3));
        assert!(took < most, "{number}: {took:?} of {most:?}");
    }
}

#[test]
fn one_that_stalls_and_others_that_are_put_off_hold_up_nobody_of_their_own_domain() {
    let smtp = Smtp::start();
    let acts = [
        ("stalls@example.com", Act::Stall),
        ("later@example.com", Act::Answer("451 4.7.1 later")),
        ("unknown@example.com", Act::Answer("550 5.1.1 no such user")),
        ("dropped@example.com", Act::Drop),
    ];
    let app = app(&smtp, &[]);
    let send_twenty = |name: &str| {
        let start = Instant::now();
        for number in 0..20 {
            let other = invite(&app, &format!("{name}{number}@example.com"), &json!({}));
            wait_until(&app, &other, "sent");
        }
        start.elapsed()
    };
    let alone = send_twenty("q");
    for (recipient, act) in acts {
        smtp.script_for(recipient, act);
        invite(&app, recipient, &json!({}));
    }
    let took = send_twenty("p");
    // What the machine takes for twenty mails when nothing stalls is nobody's fault.
    let most = Duration::from_secs(5).max(alone * 3);
    assert!(took < most, "{took:?} of {most:?}");
}

#[test]
fn while_the_server_is_away_one_mail_is_tried_and_all_go_out_when_it_is_back() {
    let gone = Smtp::start();
    let (address, url) = (gone.address, gone.url());
    drop(gone);
    let app = app_at(&url, &[]);
    let first = invite(&app, "first@example.com", &json!({}));
    wait_for(&app, &first, |now| now["deliveryAttempts"] == 1);
    invite_many(&app, "acme", 200);
    std::thread::sleep(Duration::from_millis(1_200));
    assert_eq!(count_tried(&app), 1);
    app.advance_to(1_500);
    std::thread::sleep(Duration::from_millis(1_200));
    assert!((1..=2).contains(&count_tried(&app)), "one more probe");
    let back = Smtp::start_at(address);
    app.advance_to(20_000);
    assert_eq!(back.wait(201).len(), 201);
}

#[test]
fn a_refused_login_is_tried_by_one_mail_a_minute_and_gives_none_up() {
    let smtp = Smtp::start();
    smtp.answer_logins("535 5.7.8 not with s3cretpass");
    let url = format!("smtp://user:s3cretpass@{}?tls=none", smtp.address);
    let app = app_at(&url, &[]);
    let first = invite(&app, "first@example.com", &json!({}));
    let refused = wait_for(&app, &first, |now| now["deliveryAttempts"] == 1);
    let error = refused["deliveryError"].as_str().unwrap_or_default();
    assert!(
        error.contains("535") && !error.contains("s3cretpass"),
        "{refused}"
    );
    invite_many(&app, "acme", 50);
    app.advance_to(45_000);
    std::thread::sleep(Duration::from_millis(1_200));
    assert_eq!((count_tried(&app), smtp.connections()), (1, 1));
    smtp.answer_logins("235 2.7.0 welcome");
    app.advance_to(75_000);
    assert_eq!(smtp.wait(51).len(), 51);
    assert_eq!(
        app.get("/v1/organizations/acme/events?type=invitation.delivery_failed")
            .text(),
        "[]"
    );
}

#[test]
fn a_wrong_password_is_tried_once_however_many_mails_begin_together() {
    for (answer, most) in [
        ("535 5.7.8 no", 1),
        ("534 5.7.9 no", 1),
        // One that may be mended by itself is tried again after a second, and three more.
        ("454 4.7.0 not now", 3),
    ] {
        let smtp = Smtp::start();
        smtp.answer_logins(answer);
        let url = format!("smtp://user:s3cretpass@{}?tls=none", smtp.address);
        let app = app_at(&url, &[]);
        invite_many(&app, "acme", 100);
        let began = Instant::now();
        while count_tried(&app) == 0 {
            assert!(began.elapsed() < Duration::from_secs(30), "none is tried");
            std::thread::sleep(Duration::from_millis(10));
        }
        std::thread::sleep(Duration::from_millis(1_500));
        assert!(
            (1..=most).contains(&smtp.logins().len()),
            "{answer}: {:?}",
            smtp.logins()
        );
        let told = app.db_rows("select distinct error from mail where error is not null");
        assert!(told.concat().join(" ").contains(&answer[..3]), "{told:?}");
        smtp.answer_logins("235 2.7.0 welcome");
        app.advance_to(75_000);
        assert_eq!(smtp.wait(100).len(), 100);
    }
}

#[test]
fn a_server_without_logins_is_told_in_words_that_help() {
    let smtp = Smtp::start();
    let app = app_at(
        &format!("smtp://user:s3cretpass@{}?tls=none", smtp.address),
        &[],
    );
    let made = invite(&app, "ada@example.com", &json!({}));
    let waits = wait_for(&app, &made, |now| now["deliveryAttempts"] == 1);
    assert_eq!(waits["delivery"], "queued");
    let error = waits["deliveryError"].as_str().unwrap_or_default();
    assert!(
        error.contains("offers no login") && error.contains("--smtp-url"),
        "{waits}"
    );
}

#[test]
fn a_sender_that_is_refused_is_no_reason_to_give_a_mail_up() {
    for answer in [
        "553 5.1.8 unknown sender",
        "550 5.7.1 sender refused",
        "501 5.1.7 bad sender",
    ] {
        let smtp = Smtp::start();
        smtp.script(&[Act::Sender(answer)]);
        let app = app(&smtp, &[]);
        let made = invite(&app, "ada@example.com", &json!({}));
        let waits = wait_for(&app, &made, |now| now["deliveryAttempts"] == 1);
        assert_eq!(waits["delivery"], "queued", "{FROM}: {waits}");
        assert!(
            waits["deliveryError"]
                .as_str()
                .is_some_and(|error| error.contains(&answer[..3])),
            "{waits}"
        );
        let other = invite(&app, "bob@example.com", &json!({}));
        app.advance_to(75_000);
        wait_until(&app, &made, "sent");
        wait_until(&app, &other, "sent");
    }
}

#[test]
fn a_server_that_does_not_greet_is_told_as_one_that_did_not_answer_in_time() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!(
        "smtp://{}?tls=none",
        silent.local_addr().expect("an address")
    );
    let app = app_at(&url, &[]);
    let made = invite(&app, "ada@example.com", &json!({}));
    let waits = wait_for(&app, &made, |now| now["deliveryAttempts"] == 1);
    assert_eq!(
        waits["deliveryError"],
        Value::from(
            "there was no answer in time (10 seconds at most): is the port open, and not one for \
             tls=tls (465)?"
        )
    );
}
