//! Mail that came back after the mail server had taken it, and lists by how far mail has come.

use invited::key::Scope;
use serde_json::{Value, json};

use super::{app, invite, wait_idle, wait_until};
use crate::support::life::{path_of, wrong};
use crate::support::smtp::{Act, Smtp};
use crate::support::{Answer, TestApp, invitations};

const HOUR: i64 = 3_600_000;

/// Reports a bounce.
pub(super) fn report(app: &TestApp, body: &Value) -> Answer {
    app.post("/v1/bounces", &body.to_string())
}

/// The Message-ID of the newest of `count` mails.
fn message_id(smtp: &Smtp, count: usize) -> String {
    let mail = smtp.wait(count).remove(count - 1);
    mail.headers("Message-ID").remove(0)
}

/// The events that tell of mail that came back.
fn bounces(app: &TestApp) -> Vec<Value> {
    let path = "/v1/organizations/acme/events?type=invitation.bounced&order=asc";
    app.get(path).json().as_array().expect("a list").clone()
}

#[test]
fn a_mail_that_came_back_is_told_by_its_message_id_as_providers_write_it() {
    let smtp = Smtp::start();
    let app = app(&smtp, &[]);
    let reason = "smtp; 550-5.1.1 <Ada@Example.com>:\r\n\tno such user\u{202e}";
    for (number, email) in ["ada@example.com", "bob@example.com", "cy@example.com"]
        .iter()
        .enumerate()
    {
        let made = invite(&app, email, &json!({}));
        wait_until(&app, &made, "sent");
        let id = message_id(&smtp, number + 1);
        // As in the mail, as Mailgun and as SendGrid write it.
        let written = [
            id.clone(),
            id.trim_matches(['<', '>']).to_owned(),
            format!(" {id}\r\n"),
        ][number]
            .clone();
        let answer = report(&app, &json!({ "messageId": written, "reason": reason }));
        assert_eq!(answer.status, 200, "{}", answer.text());
        let expected = json!({ "organizationId": "acme", "invitationId": made["id"],
            "delivery": "bounced" });
        assert_eq!(answer.json(), expected);
        let shown = app.look(&made);
        assert_eq!(shown["delivery"], "bounced");
        let error = shown["deliveryError"]
            .as_str()
            .expect("a reason")
            .to_owned();
        if number == 0 {
            assert_eq!(error, "smtp; 550-5.1.1 <...>: no such user");
        }
        assert_eq!(shown["status"], "pending", "its link works as before");
    }
    let told = bounces(&app);
    assert_eq!(told.len(), 3);
    assert_eq!(
        (&told[0]["before"], &told[0]["after"], &told[0]["actor"]),
        (
            &json!({ "delivery": "sent" }),
            &json!({ "delivery": "bounced" }),
            &json!(&app.key[4..20])
        )
    );
}

#[test]
fn one_that_comes_again_late_or_of_another_mail_changes_nothing() {
    let smtp = Smtp::start();
    let app = app(&smtp, &["--notify-inviters"]);
    let made = invite(
        &app,
        "ada@example.com",
        &json!({ "inviter": { "email": "boss@acme.test" } }),
    );
    wait_until(&app, &made, "sent");
    let first = message_id(&smtp, 1);
    for _ in 0..3 {
        let answer = report(&app, &json!({ "messageId": first, "reason": "gone" }));
        assert_eq!(
            (answer.status, &answer.json()["delivery"]),
            (200, &json!("bounced"))
        );
    }
    assert_eq!(bounces(&app).len(), 1);
    // Sent again, it has a mail of its own, about which the first one says nothing.
    assert_eq!(app.change(&made, "resend", &json!({})).status, 200);
    let sent = wait_until(&app, &made, "sent");
    assert_eq!(sent["deliveryError"], Value::Null);
    let before = app.contents();
    let late = report(&app, &json!({ "messageId": first, "reason": "late" }));
    assert_eq!(
        (late.status, &late.json()["delivery"]),
        (200, &json!("sent"))
    );
    assert_eq!(app.contents(), before);
    // What the inviter does not get says nothing of the invited person.
    app.change(&made, "decline", &json!({}));
    let accept = json!({ "email": "ada@example.com" });
    assert_eq!(app.change(&made, "accept", &accept).status, 200);
    wait_idle(&app);
    let notice = message_id(&smtp, 3);
    assert!(notice.starts_with("<notice."), "{notice}");
    let before = app.contents();
    assert_eq!(report(&app, &json!({ "messageId": notice })).status, 200);
    assert_eq!(app.contents(), before);
    let second = message_id(&smtp, 2);
    assert_eq!(report(&app, &json!({ "messageId": second })).status, 200);
    let shown = app.look(&made);
    assert_eq!(
        (&shown["delivery"], &shown["deliveryError"]),
        (&json!("bounced"), &json!("the mail came back"))
    );
    assert_eq!(bounces(&app).len(), 2);
}

#[test]
fn the_invitation_may_be_named_instead_and_a_temporary_one_only_leaves_its_reason() {
    let smtp = Smtp::start();
    smtp.script(&[Act::Answer("550 no")]);
    let app = app(&smtp, &[]);
    let of = |made: &Value, kind: &str| {
        json!({ "organizationId": "acme", "invitationId": made["id"], "kind": kind,
            "reason": "452 mailbox full" })
    };
    let failed = invite(&app, "failed@example.com", &json!({}));
    wait_until(&app, &failed, "failed");
    let sent = invite(&app, "sent@example.com", &json!({}));
    wait_until(&app, &sent, "sent");
    // Whoever mails the link themselves gets bounces, too.
    let own = invite(&app, "own@example.com", &json!({ "notify": false }));
    let delivery = |made: &Value, kind: &str| {
        let answer = report(&app, &of(made, kind));
        assert_eq!(answer.status, 200, "{}", answer.text());
        (
            answer.json()["delivery"].clone(),
            app.look(made)["deliveryError"].clone(),
        )
    };
    let full = json!("452 mailbox full");
    assert_eq!(delivery(&sent, "temporary"), (json!("sent"), full.clone()));
    assert_eq!(bounces(&app).len(), 0);
    assert_eq!(
        delivery(&sent, "permanent"),
        (json!("bounced"), full.clone())
    );
    assert_eq!(delivery(&own, "permanent"), (json!("bounced"), full));
    let (unchanged, why) = delivery(&failed, "permanent");
    assert_eq!(unchanged, "failed");
    assert!(why.as_str().is_some_and(|why| why.contains("550")), "{why}");
    assert_eq!(bounces(&app).len(), 2);
}

#[test]
fn an_address_whose_mail_came_back_gets_no_reminder() {
    let smtp = Smtp::start();
    let app = app(&smtp, &["--remind-before", "1h"]);
    let [bounced, fine] = ["a@example.com", "b@example.com"].map(|email| {
        let made = invite(&app, email, &json!({ "expiresIn": 7200 }));
        wait_until(&app, &made, "sent");
        made
    });
    let body = json!({ "organizationId": "acme", "invitationId": bounced["id"] });
    assert_eq!(report(&app, &body).status, 200);
    app.advance_to(HOUR);
    let reminder = smtp.wait(3).remove(2);
    wait_idle(&app);
    assert_eq!(reminder.to, ["b@example.com"]);
    assert_eq!(smtp.received().len(), 3);
    assert_eq!(app.look(&fine)["delivery"], "sent");
}

#[test]
fn what_names_no_invitation_or_too_much_is_told_with_its_place() {
    let app = TestApp::serve();
    let made = app.invite("acme", "a@b.co");
    let (organization, id) = ("acme", made["id"].as_str().expect("an id"));
    let long = "x".repeat(999);
    for (body, pointer, code) in [
        (json!({}), "/messageId", "required"),
        (
            json!({ "reason": "x", "kind": "permanent" }),
            "/messageId",
            "required",
        ),
        (
            json!({ "organizationId": organization }),
            "/invitationId",
            "required",
        ),
        (json!({ "invitationId": id }), "/organizationId", "required"),
        (
            json!({ "messageId": "<a@b>", "invitationId": id }),
            "/messageId",
            "conflict",
        ),
        (json!({ "messageId": long }), "/messageId", "too_long"),
        (
            json!({ "messageId": "<a@b>", "kind": "Permanent" }),
            "/kind",
            "unknown_value",
        ),
        (
            json!({ "messageId": "<a@b>", "kind": "" }),
            "/kind",
            "unknown_value",
        ),
        (
            json!({ "messageId": "<a@b>", "reason": "x".repeat(2_001) }),
            "/reason",
            "too_long",
        ),
    ] {
        let answer = report(&app, &body);
        assert_eq!(answer.status, 422, "{body}");
        assert_eq!(
            wrong(&answer),
            [(pointer.to_owned(), code.to_owned())],
            "{body}"
        );
    }
    for body in [
        json!({ "messageId": 7 }),
        json!({ "messageId": "<a@b>", "email": "a@b.co" }),
        json!([]),
    ] {
        assert_eq!(report(&app, &body).status, 400, "{body}");
    }
}

#[test]
fn a_foreign_invitation_is_answered_like_a_missing_mail_to_the_byte_and_no_other_scope_will_do() {
    let app = TestApp::serve();
    let made = app.invite("acme", "a@b.co");
    let id = made["id"].as_str().expect("an id");
    let message_id = |id: &str, number: u32| format!("<invitation.{id}.{number}@b.co>");
    let bodies = [
        json!({ "messageId": message_id(id, 0) }),
        json!({ "messageId": message_id("019a0c5e-7b1c-7cc3-98c4-dc0c0c07398f", 0) }),
        json!({ "messageId": "<somebody.else@b.co>" }),
        json!({ "messageId": "" }),
        json!({ "organizationId": "acme", "invitationId": id }),
        json!({ "organizationId": "globex", "invitationId": id }),
        json!({ "organizationId": "-", "invitationId": "x" }),
    ];
    let foreign = app.key(&[Scope::Deliveries], &["globex"], None);
    let send = |key: &str, body: &Value| {
        app.anonymous("POST", "/v1/bounces")
            .bearer(key)
            .json(body.to_string())
            .send()
    };
    let before = app.contents();
    let answers: Vec<_> = bodies
        .iter()
        .map(|body| send(&foreign, body))
        .map(|answer| (answer.status, answer.without_request_id()))
        .collect();
    assert!(
        answers.iter().all(|answer| answer == &answers[0]),
        "{answers:?}"
    );
    assert_eq!(answers[0].0, 404);
    let rest = [Scope::Read, Scope::Write, Scope::Accept, Scope::Link];
    let unfit = app.key(&rest, &[], None);
    assert_eq!(send(&unfit, &bodies[0]).status, 403);
    let now = app.contents();
    for table in ["invitation", "event", "mail", "idempotency"] {
        assert_eq!(now[table], before[table], "{table}");
    }
    let own = app.key(&[Scope::Deliveries], &["acme"], None);
    assert_eq!(send(&own, &bodies[0]).status, 200);
    let list = app.anonymous("GET", &path_of(&made)).bearer(&own).send();
    assert_eq!(list.status, 403, "it reports, and nothing else");
    let shown = app.get(&path_of(&made)).json();
    assert_eq!(shown["delivery"], "bounced");
}

#[test]
fn a_list_shows_only_those_whose_mail_has_come_so_far_page_by_page() {
    let app = TestApp::serve();
    let all: Vec<_> = (0..60)
        .map(|number| app.invite("acme", &format!("p{number}@b.co"))["id"].clone())
        .collect();
    for id in all.iter().step_by(2) {
        let body = json!({ "organizationId": "acme", "invitationId": id });
        assert_eq!(report(&app, &body).status, 200);
    }
    let ids = |query: &str| -> Vec<Value> {
        let answer = app.get(&format!("{}?{query}", invitations("acme")));
        assert_eq!(answer.status, 200, "{}", answer.text());
        let rows = answer.json();
        rows.as_array()
            .expect("a list")
            .iter()
            .map(|row| row["id"].clone())
            .collect()
    };
    let bounced: Vec<_> = all.iter().step_by(2).cloned().collect();
    let others: Vec<_> = all.iter().skip(1).step_by(2).cloned().collect();
    assert_eq!(ids("delivery=bounced&order=asc"), bounced);
    assert_eq!(ids("delivery=none,queued&order=asc"), others);
    assert_eq!(ids("delivery=bounced,none&order=asc"), all);
    assert_eq!(ids("delivery=queued,sent,failed"), [] as [Value; 0]);
    assert_eq!(ids("delivery=bounced&email=p4%40b.co"), [all[4].clone()]);
    assert_eq!(ids("delivery=bounced&status=accepted"), [] as [Value; 0]);
    let (mut path, mut pages) = (
        format!("{}?delivery=bounced&order=asc&limit=7", invitations("acme")),
        Vec::new(),
    );
    loop {
        let answer = app.get(&path);
        pages.extend(answer.json().as_array().expect("a list").clone());
        let Some(next) = answer.header("link") else {
            break;
        };
        let (_, rest) = next.split_once("invited.test").expect("a URL");
        rest.split('>')
            .next()
            .expect("a path")
            .clone_into(&mut path);
    }
    let pages: Vec<_> = pages.iter().map(|row| row["id"].clone()).collect();
    assert_eq!(pages, bounced);
    for wrong in ["", "Sent", "pending", "sent,", "sent;failed", "0"] {
        let answer = app.get(&format!("{}?delivery={wrong}", invitations("acme")));
        assert_eq!(answer.status, 422, "{wrong}");
    }
}
