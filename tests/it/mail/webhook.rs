//! Mail that is handed to a URL of the operator instead of a mail server.

use invited::base::mode::Mode;
use serde_json::{Value, json};
use standardwebhooks::Webhook;
use ureq::http::HeaderMap;

use super::{invite, wait_for, wait_idle, wait_until};
use crate::support::endpoint::{Act, Endpoint, Received};
use crate::support::process::invited;
use crate::support::{TestApp, invitation};

/// A server that hands its mail to `url`.
fn app(url: &str, settings: &[&str]) -> TestApp {
    let words = [
        "--mail-webhook",
        url,
        "--mail-from",
        "Acme, Ltd. <invitations@acme.test>",
        "--resend-cooldown",
        "0s",
    ];
    TestApp::start(Mode::Serve, &[&words, settings].concat())
}

/// The body of a request.
fn body(received: &Received) -> Value {
    received.message.json()
}

/// The secret of the mail webhook of a server, as the command prints it.
fn secret(app: &TestApp) -> String {
    let output = invited()
        .args([
            "mail",
            "secret",
            "--database",
            &app.database.to_string_lossy(),
        ])
        .output()
        .expect("it runs");
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).expect("text");
    text.trim_end().to_owned()
}

/// Whether a request is signed with `secret`, by the reference implementation.
fn is_signed(received: &Received, secret: &str) -> bool {
    let mut headers = HeaderMap::new();
    for name in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
        let value = received.header(name).parse().expect("a value");
        headers.insert(name, value);
    }
    let webhook = Webhook::new(secret).expect("a secret");
    webhook.verify(&received.message.body, &headers).is_ok()
}

#[test]
fn every_kind_of_mail_comes_signed_with_all_that_it_takes_to_send_it() {
    let endpoint = Endpoint::start();
    let app = app(&endpoint.url(), &["--notify-inviters"]);
    app.set_present();
    let inviter = json!({ "inviter": { "name": "Bob", "email": "bob@acme.test" } });
    let made = invite(&app, "ada@example.com", &inviter);
    wait_until(&app, &made, "sent");
    let first = endpoint.wait(1).remove(0);
    assert!(is_signed(&first, &secret(&app)));
    let id = first.header("webhook-id");
    assert!(
        id.starts_with("msg_invitation_") && !id.contains('.'),
        "{id}"
    );
    let mut forged = first.clone();
    forged.message.body.push(b' ');
    assert!(!is_signed(&forged, &secret(&app)));
    let (mail, mailed) = (body(&first), app.mailed_token_of(&made));
    let data = &mail["data"];
    assert_eq!(
        (&mail["type"], &data["kind"]),
        (&json!("mail"), &json!("invitation"))
    );
    assert_eq!(
        (&data["to"], &data["replyTo"], &data["from"]),
        (
            &json!("ada@example.com"),
            &json!("bob@acme.test"),
            &json!("\"Acme, Ltd.\" <invitations@acme.test>")
        )
    );
    assert_eq!(
        (&data["organizationId"], &data["invitationId"]),
        (&json!("acme"), &made["id"])
    );
    let id = made["id"].as_str().expect("an id");
    let message_id = format!("<invitation.{id}.0@acme.test>");
    assert_eq!(data["messageId"], json!(message_id));
    for name in ["text", "html", "link"] {
        let text = data[name].as_str().expect("a text");
        assert!(text.contains(&mailed), "{name}: {text}");
    }
    assert!(
        data["subject"]
            .as_str()
            .expect("a subject")
            .starts_with("Bob invited you")
    );
    assert!(data["code"].is_null());

    let token = app.token_of(&made);
    app.ask_code(&token, "ada@example.com");
    let second = endpoint.wait(2).remove(1);
    let code = app.code_for(&made, "ada@example.com").expect("a code");
    assert_eq!(
        (
            &body(&second)["data"]["kind"],
            &body(&second)["data"]["code"]
        ),
        (&json!("code"), &json!(code))
    );
    assert!(
        ![token, mailed]
            .iter()
            .any(|token| body(&second).to_string().contains(token)),
        "one mail alone accepts nothing"
    );
    let accept = json!({ "email": "ada@example.com" });
    assert_eq!(app.change(&made, "accept", &accept).status, 200);
    let notice = body(&endpoint.wait(3)[2]);
    assert_eq!(
        (&notice["data"]["kind"], &notice["data"]["to"]),
        (&json!("notice"), &json!("bob@acme.test"))
    );
    // What the provider learns later comes back by the same id.
    let bounce = json!({ "messageId": message_id, "reason": "no such user" });
    assert_eq!(app.post("/v1/bounces", &bounce.to_string()).status, 200);
    assert_eq!(
        app.get(&invitation("acme", &made["id"])).json()["delivery"],
        "bounced"
    );
}

#[test]
fn what_is_not_taken_is_tried_again_under_the_same_id_and_what_is_refused_is_given_up() {
    let endpoint = Endpoint::start();
    let app = app(&endpoint.url(), &[]);
    let told = |act: Act, email: &str, state: &str, words: &str| {
        endpoint.script(&[act]);
        let made = invite(&app, email, &json!({}));
        let tried = wait_for(&app, &made, |now| now["deliveryAttempts"] == 1);
        assert_eq!(tried["delivery"], state, "{tried}");
        let error = tried["deliveryError"].as_str().unwrap_or_default();
        assert!(error.contains(words), "{error}");
        made
    };
    told(
        Act::Status(422),
        "a@example.com",
        "failed",
        "the mail webhook answered 422",
    );
    let mut now = 0;
    for (act, words) in [
        (Act::Status(400), "the mail webhook answered 400"),
        (Act::Status(500), "the mail webhook answered 500"),
        (Act::Status(503), "the mail webhook answered 503"),
        (Act::Status(401), "the mail webhook answered 401"),
        (Act::Status(404), "the mail webhook answered 404"),
        (
            Act::Redirect(endpoint.address),
            "the mail webhook answered 307",
        ),
        (Act::Drop, "the connection was closed without an answer"),
    ] {
        let before = endpoint.received().len();
        let made = told(act, &format!("p{before}@example.com"), "queued", words);
        now += 10 * 60_000;
        app.advance_to(now);
        wait_until(&app, &made, "sent");
        let tries = endpoint.received().split_off(before);
        let (first, last) = (&tries[0], &tries[tries.len() - 1]);
        assert_eq!(first.header("webhook-id"), last.header("webhook-id"));
        assert_eq!(
            body(first)["data"]["messageId"],
            body(last)["data"]["messageId"]
        );
    }
    wait_idle(&app);
}

#[test]
fn while_the_endpoint_is_away_one_mail_is_tried_and_all_go_out_when_it_is_back() {
    let endpoint = Endpoint::that_does(Act::Status(503));
    let app = app(&endpoint.url(), &[]);
    for number in 0..50 {
        invite(&app, &format!("p{number}@example.com"), &json!({}));
    }
    std::thread::sleep(std::time::Duration::from_secs(1));
    let tries = endpoint.received().len();
    assert!(tries <= 12, "{tries} tries");
    endpoint.always(Act::Status(204));
    app.advance_to(60_000);
    wait_idle(&app);
    assert!(
        app.db_rows("select delivery from invitation where delivery <> 2")
            .is_empty()
    );
}

#[test]
fn an_endpoint_that_asks_to_be_left_alone_is_for_that_long_and_an_hour_at_most() {
    for (asked, quiet, seconds) in [
        ("120", 115, 122),
        ("Mon, 23 Nov 2026 02:48:00 GMT", 290, 302),
        ("999999999", 3_590, 3_602),
        ("0", 0, 61),
    ] {
        let endpoint = Endpoint::start();
        let app = app(&endpoint.url(), &[]);
        endpoint.script(&[Act::Later(503, asked)]);
        let made = invite(&app, "ada@example.com", &json!({}));
        wait_for(&app, &made, |now| now["deliveryAttempts"] == 1);
        if quiet > 0 {
            app.advance_to(quiet * 1000);
            std::thread::sleep(std::time::Duration::from_millis(700));
            assert_eq!(endpoint.received().len(), 1, "{asked}");
        }
        app.advance_to(seconds * 1000);
        wait_until(&app, &made, "sent");
    }
}

#[test]
fn a_url_that_could_be_read_on_the_way_or_a_second_way_is_refused_and_never_repeated() {
    let from = ["--mail-from", "a@acme.test"];
    let public = ["--public-url", "https://invites.test"];
    for (url, words, part) in [
        (
            "http://mail.test/hunter2",
            [&from[..], &public].concat(),
            "https URL",
        ),
        (
            "https://user:hunter2@mail.test/",
            [&from[..], &public].concat(),
            "https URL",
        ),
        (
            "https://mail.test/#hunter2",
            [&from[..], &public].concat(),
            "https URL",
        ),
        (
            "ftp://127.0.0.1/hunter2",
            [&from[..], &public].concat(),
            "https URL",
        ),
        ("hunter2", [&from[..], &public].concat(), "https URL"),
        ("https://mail.test/hunter2", public.to_vec(), "--mail-from"),
        ("https://mail.test/hunter2", from.to_vec(), "--public-url"),
        (
            "https://mail.test/hunter2",
            [
                &from[..],
                &public,
                &["--smtp-url", "smtp://127.0.0.1?tls=none"],
            ]
            .concat(),
            "both --smtp-url and --mail-webhook",
        ),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let database = folder.path().join("invited.db");
        let output = invited()
            .env("INVITED_MAIL_WEBHOOK", url)
            .args(["serve", "--listen", "127.0.0.1:0", "--database"])
            .arg(&database)
            .args(&words)
            .output()
            .expect("it runs");
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{url}: {error}");
        assert!(
            error.contains(part) && !error.contains("hunter2"),
            "{error}"
        );
        assert!(!database.exists());
    }
    let nowhere = invited()
        .args(["mail", "secret", "--database", "/nowhere/invited.db"])
        .output()
        .expect("it runs");
    assert_eq!(nowhere.status.code(), Some(1));
}

#[test]
fn it_comes_from_the_name_of_the_organization_in_the_language_of_the_invitation() {
    let endpoint = Endpoint::start();
    let app = app(&endpoint.url(), &[]);
    app.set_present();
    app.request("PUT", "/v1/organizations/acme")
        .json(r#"{"mailFromName":"Acme Nord"}"#)
        .send();
    invite(&app, "ada@example.com", &json!({ "locale": "de" }));
    let mail = body(&endpoint.wait(1)[0]);
    assert_eq!(
        (&mail["data"]["from"], &mail["data"]["subject"]),
        (
            &json!("Acme Nord <invitations@acme.test>"),
            &json!("Einladung zu acme")
        )
    );
}
