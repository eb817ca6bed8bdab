//! What becomes of a mail, whatever the mail server does.

use serde_json::json;

use super::{app, app_at, invite, wait_for, wait_idle, wait_until};
use crate::support::smtp::{Act, Smtp};
use crate::support::{TestApp, invitations};

/// The types of the events of an invitation that a mail caused.
fn failures(app: &TestApp) -> Vec<serde_json::Value> {
    let events = app
        .get("/v1/organizations/acme/events?type=invitation.delivery_failed")
        .json();
    events.as_array().cloned().expect("an array")
}

#[test]
fn an_invitation_is_queued_with_its_create_and_sent_once_to_its_address() {
    let smtp = Smtp::start();
    let app = app(&smtp, &[]);
    let made = invite(&app, "Ada@Example.com", &json!({}));
    assert_eq!(made["delivery"], "queued");
    let sent = wait_until(&app, &made, "sent");
    assert_eq!(
        (&sent["deliveryAttempts"], &sent["deliveryError"]),
        (&json!(null), &json!(null))
    );
    let mails = smtp.received();
    assert_eq!(mails.len(), 1);
    assert_eq!(
        (mails[0].from.as_str(), &mails[0].to[..]),
        ("invitations@acme.test", &["ada@example.com".to_owned()][..])
    );
    assert!(mails[0].decoded().contains(&app.mailed_token_of(&made)));
}

#[test]
fn a_refusal_for_now_is_tried_again_and_shown_until_then() {
    let smtp = Smtp::start();
    smtp.script(&[
        Act::Answer("451 4.7.1 <ADA@example.com> greylisted, come back"),
        Act::Take,
    ]);
    let app = app(&smtp, &[]);
    let made = invite(&app, "ada@example.com", &json!({}));
    let waits = wait_for(&app, &made, |now| now["deliveryAttempts"] == 1);
    assert_eq!(waits["delivery"], "queued");
    let error = waits["deliveryError"].as_str().expect("an error");
    assert!(
        error.contains("451") && error.contains("greylisted"),
        "{error}"
    );
    assert!(!error.to_lowercase().contains("ada@example.com"), "{error}");
    assert_eq!(smtp.received().len(), 0);
    app.advance_to(7_000);
    let sent = wait_until(&app, &made, "sent");
    assert_eq!(
        (&sent["deliveryAttempts"], &sent["deliveryError"]),
        (&json!(2), &json!(null))
    );
    assert_eq!(smtp.received().len(), 1);
}

#[test]
fn a_refusal_for_good_fails_at_once_with_an_event_and_holds_up_no_other() {
    let smtp = Smtp::start();
    smtp.script(&[Act::Answer("550 5.1.1 no such user")]);
    let app = app(&smtp, &[]);
    let made = invite(&app, "ada@example.com", &json!({}));
    let failed = wait_until(&app, &made, "failed");
    assert_eq!(
        (&failed["deliveryAttempts"], &failed["status"]),
        (&json!(1), &json!("pending"))
    );
    assert!(
        failed["deliveryError"]
            .as_str()
            .is_some_and(|error| error.contains("no such user")),
        "{failed}"
    );
    let events = failures(&app);
    assert_eq!(events.len(), 1);
    assert_eq!(
        (&events[0]["actor"], &events[0]["invitationId"]),
        (&json!("mail"), &made["id"])
    );
    assert_eq!(
        (&events[0]["before"], &events[0]["after"]),
        (
            &json!({"delivery": "queued"}),
            &json!({"delivery": "failed"})
        )
    );
    let other = invite(&app, "bob@example.com", &json!({}));
    wait_until(&app, &other, "sent");
    app.change(&made, "resend", &json!({}));
    let sent = wait_until(&app, &made, "sent");
    assert_eq!(
        (&sent["deliveryAttempts"], &sent["deliveryError"]),
        (&json!(null), &json!(null))
    );
}

#[test]
fn a_server_that_cannot_be_reached_costs_nothing_but_time() {
    let gone = Smtp::start();
    let (address, url) = (gone.address, gone.url());
    drop(gone);
    let app = app_at(&url, &[]);
    let made = invite(&app, "ada@example.com", &json!({}));
    let waits = wait_for(&app, &made, |now| now["deliveryAttempts"] == 1);
    assert_eq!(waits["delivery"], "queued");
    let back = Smtp::start_at(address);
    app.advance_to(2_000);
    wait_until(&app, &made, "sent");
    assert_eq!(back.received().len(), 1);
    assert!(failures(&app).is_empty());
}

#[test]
fn answers_about_the_service_or_the_login_give_no_mail_up() {
    let smtp = Smtp::start();
    smtp.script(&[
        Act::Answer("421 4.3.2 going down"),
        Act::Answer("530 5.7.0 authentication required"),
        Act::Take,
    ]);
    let app = app(&smtp, &[]);
    let made = invite(&app, "ada@example.com", &json!({}));
    // A refused login is the operator's to mend: the next try comes after a minute.
    for (attempt, later) in [(1, 2_000), (2, 77_000)] {
        let waits = wait_for(&app, &made, |now| now["deliveryAttempts"] == attempt);
        assert_eq!(waits["delivery"], "queued");
        app.advance_to(later);
    }
    wait_until(&app, &made, "sent");
}

#[test]
fn a_mail_that_may_have_arrived_comes_again_with_the_same_message_id() {
    let smtp = Smtp::start();
    smtp.script(&[Act::Drop, Act::Drop, Act::Take]);
    let app = app(&smtp, &[]);
    let made = invite(&app, "ada@example.com", &json!({}));
    for (attempt, later) in [(1, 7_000), (2, 26_000)] {
        wait_for(&app, &made, |now| now["deliveryAttempts"] == attempt);
        app.advance_to(later);
    }
    wait_until(&app, &made, "sent");
    let ids: Vec<_> = smtp
        .received()
        .iter()
        .map(|mail| mail.headers("Message-ID"))
        .collect();
    assert_eq!(ids.len(), 3);
    let id = format!(
        "<invitation.{}.0@acme.test>",
        made["id"].as_str().expect("an id")
    );
    assert!(ids.iter().all(|given| *given == [id.clone()]), "{ids:?}");
}

#[test]
fn a_server_that_stands_still_holds_up_no_other_mail() {
    let smtp = Smtp::start();
    smtp.script_for("ada@example.com", Act::Stall);
    let app = app(&smtp, &[]);
    let stalled = invite(&app, "ada@example.com", &json!({}));
    std::thread::sleep(std::time::Duration::from_millis(300));
    let other = invite(&app, "bob@example.com", &json!({}));
    wait_until(&app, &other, "sent");
    assert_eq!(app.look(&stalled)["delivery"], "queued");
    wait_for(&app, &stalled, |now| now["deliveryAttempts"] == 1);
    app.advance_to(7_000);
    wait_until(&app, &stalled, "sent");
}

#[test]
fn a_resend_kills_the_old_link_and_the_mail_has_the_new_one() {
    let smtp = Smtp::start();
    let app = app(&smtp, &[]);
    let made = invite(&app, "ada@example.com", &json!({}));
    let old = app.mailed_token_of(&made);
    wait_until(&app, &made, "sent");
    let again = app.change(&made, "resend", &json!({})).json();
    assert_eq!(again["delivery"], "queued");
    let mails = smtp.wait(2);
    let new = app.mailed_token_of(&made);
    assert!(mails[1].decoded().contains(&new) && !mails[1].decoded().contains(&old));
    assert_ne!(
        mails[0].headers("Message-ID"),
        mails[1].headers("Message-ID")
    );
    wait_until(&app, &made, "sent");
    app.change(&made, "resend", &json!({"notify": false}));
    assert_eq!(app.look(&made)["delivery"], "none");
}

#[test]
fn what_is_closed_or_gone_before_its_mail_goes_out_is_not_sent() {
    let gone = Smtp::start();
    let (address, url) = (gone.address, gone.url());
    drop(gone);
    let app = app_at(&url, &[]);
    let names = ["revoked", "deleted", "accepted", "lapsed", "sent"];
    let made: Vec<_> = names
        .iter()
        .map(|name| {
            invite(
                &app,
                &format!("{name}@example.com"),
                &json!({"expiresIn": 3600}),
            )
        })
        .collect();
    // One at a time is tried while nobody is there.
    wait_for(&app, &made[0], |now| now["deliveryAttempts"].is_number());
    assert_eq!(app.change(&made[0], "revoke", &json!({})).status, 200);
    assert_eq!(
        app.request("DELETE", &crate::support::life::path_of(&made[1]))
            .send()
            .status,
        204
    );
    assert_eq!(
        app.change(
            &made[2],
            "accept",
            &json!({"email": "accepted@example.com"})
        )
        .status,
        200
    );
    app.change(&made[4], "resend", &json!({}));
    let back = Smtp::start_at(address);
    app.advance_to(3_600_000);
    wait_until(&app, &made[4], "sent");
    wait_idle(&app);
    let to: Vec<_> = back
        .received()
        .into_iter()
        .flat_map(|mail| mail.to)
        .collect();
    assert_eq!(to, ["sent@example.com"]);
    for invitation in [&made[0], &made[2], &made[3]] {
        assert_eq!(app.look(invitation)["delivery"], "none", "{invitation}");
    }
}

#[test]
fn nothing_is_sent_unasked() {
    let smtp = Smtp::start();
    let app = app(&smtp, &[]);
    let silent = invite(&app, "ada@example.com", &json!({"notify": false}));
    assert_eq!(silent["delivery"], "none");
    let rows = json!([{"email": "b@example.com", "role": "r"},
        {"email": "c@example.com", "role": "r"}, {"email": "no", "role": "r"}]);
    let batch = |more: &str| format!("{{\"invitations\":{rows}{more}}}");
    let path = format!("{}/batch", invitations("acme"));
    assert_eq!(app.post(&path, &batch(",\"dryRun\":true")).status, 200);
    app.post(&path, &batch(",\"atomic\":true"));
    wait_idle(&app);
    assert!(app.contents()["mail"].is_empty());
    app.post(&path, &batch(""));
    let to: Vec<_> = smtp.wait(2).into_iter().flat_map(|mail| mail.to).collect();
    wait_idle(&app);
    assert_eq!((to.len(), smtp.received().len()), (2, 2), "{to:?}");
}

#[test]
fn a_mail_that_is_refused_for_a_day_is_given_up_with_an_event() {
    let smtp = Smtp::start();
    smtp.script(&[Act::Answer("450 4.2.0 mailbox busy"); 80]);
    let app = app(&smtp, &[]);
    let made = invite(&app, "ada@example.com", &json!({"expiresIn": 31_536_000}));
    let mut now = 0;
    for attempt in 1.. {
        let shown = wait_for(&app, &made, |now| {
            now["delivery"] == "failed" || now["deliveryAttempts"] == attempt
        });
        if shown["delivery"] == "failed" {
            break;
        }
        assert!(attempt < 80, "{shown}");
        now += 2_200_000;
        app.advance_to(now);
    }
    assert!(now > 60 * 1_800_000, "{now}");
    assert_eq!(failures(&app).len(), 1);
    assert!(app.contents()["mail"].is_empty());
}

#[test]
fn a_mail_that_is_queued_again_is_not_done_with_by_the_try_before_it_even_at_the_same_time() {
    use invited::outbox::mail::{Kind, store};
    use invited::outbox::places::{Lane, Place};
    let app = TestApp::serve();
    let made = app.invite("acme", "a@b.co");
    let id = made["id"]
        .as_str()
        .and_then(|id| uuid::Uuid::try_parse(id).ok())
        .expect("an id");
    let place = Place {
        destination: "b.co".to_owned(),
        organization: Some("acme".to_owned()),
        lane: Lane::First,
    };
    let job = |tx: &invited::db::WriteTx<'_>| {
        let claim = || {
            store::queue(tx, id, Kind::Invitation, &[], tx.now)?;
            let row = store::find_ready(&tx.reader(), &place, 0)?.expect("it is ready");
            Ok::<_, invited::base::error::Error>(store::claim(tx, &[row])?.remove(0))
        };
        let (earlier, later) = (claim()?, claim()?);
        let put_off = store::put_off(tx, &earlier, tx.now, "an error")?;
        Ok([
            put_off,
            store::remove(tx, &earlier)?,
            store::remove(tx, &later)?,
        ])
    };
    assert_eq!(
        invited::db::write_file(&app.database, job).expect("the file"),
        [false, false, true]
    );
}
