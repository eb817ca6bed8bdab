//! Logins by a token of an identity provider instead of a password.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use super::{app_at, invite, wait_for, wait_until};
use crate::support::process::invited;
use crate::support::smtp::{Act, Smtp};
use crate::support::{TestApp, invitation, invitations};

/// An identity provider that answers one request after the other.
struct Provider {
    /// Where it listens.
    address: SocketAddr,
    /// The bodies of what came.
    asked: Arc<Mutex<Vec<String>>>,
}

impl Provider {
    /// One that answers with this status and body.
    fn that_says(status: u16, body: &'static str) -> Self {
        Self::that_says_after(Duration::ZERO, status, body)
    }

    /// One that takes its time for that.
    fn that_says_after(time: Duration, status: u16, body: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let asked: Arc<Mutex<Vec<String>>> = Arc::default();
        let kept = Arc::clone(&asked);
        std::thread::spawn(move || {
            while let Ok((mut stream, _)) = listener.accept() {
                let (mut request, mut buffer) = (String::new(), [0; 4096]);
                while !request.contains("scope=") {
                    let read = stream.read(&mut buffer).unwrap_or_default();
                    if read == 0 {
                        break;
                    }
                    request += &String::from_utf8_lossy(&buffer[..read]);
                }
                let form = request.split("\r\n\r\n").nth(1).unwrap_or_default();
                kept.lock().expect("a lock").push(form.to_owned());
                std::thread::sleep(time);
                let length = body.len();
                let _ = stream.write_all(
                    format!(
                        "HTTP/1.1 {status} x\r\nContent-Type: application/json\r\nContent-Length: \
                         {length}\r\nConnection: close\r\n\r\n{body}"
                    )
                    .as_bytes(),
                );
            }
        });
        Self { address, asked }
    }

    /// What was asked.
    fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("a lock").clone()
    }
}

/// A server that logs in at `smtp` by a token of `provider`.
fn app(smtp: &Smtp, provider: &Provider) -> TestApp {
    let token_url = format!("http://{}/token", provider.address);
    let url = format!(
        "smtp://invites%40acme.test:s3cret-of-client@{}?tls=none",
        smtp.address
    );
    app_at(
        &url,
        &[
            "--smtp-token-url",
            &token_url,
            "--smtp-client-id",
            "client-7",
        ],
    )
}

/// A mail server that takes tokens only.
fn tokens_only(answer: &'static str) -> Smtp {
    let smtp = Smtp::start();
    smtp.offer_logins("XOAUTH2");
    smtp.answer_logins(answer);
    smtp
}

#[test]
fn the_secret_of_the_client_gets_a_token_that_is_used_until_it_ends() {
    let smtp = tokens_only("235 2.7.0 welcome");
    let provider = Provider::that_says(
        200,
        r#"{"token_type":"Bearer","expires_in":3599,"access_token":"t0ken"}"#,
    );
    let app = app(&smtp, &provider);
    for number in 0..3 {
        let made = invite(&app, &format!("p{number}@example.com"), &json!({}));
        wait_until(&app, &made, "sent");
    }
    let asked = provider.asked();
    assert_eq!(
        asked,
        [
            "grant_type=client_credentials&client_id=client-7&client_secret=s3cret-of-client&scope=\
          https%3A%2F%2Foutlook.office365.com%2F.default"
        ]
    );
    let said = smtp.logins().remove(0);
    let said = said.strip_prefix("AUTH XOAUTH2 ").expect("the mechanism");
    let said = BASE64_STANDARD.decode(said).expect("base64");
    assert_eq!(
        String::from_utf8(said).expect("text"),
        "user=invites@acme.test\u{1}auth=Bearer t0ken\u{1}\u{1}"
    );
}

#[test]
fn what_goes_wrong_is_told_without_the_secret_and_mail_waits() {
    let token = r#"{"expires_in":3599,"access_token":"t0ken"}"#;
    let refused = r#"{"error":"invalid_client","error_description":"AADSTS7000215: Invalid client secret provided: s3cret-of-client"}"#;
    for (status, body, answer, offered, words) in [
        (
            401,
            refused,
            "235 welcome",
            "XOAUTH2",
            "the login has no token: 401 invalid_client",
        ),
        (
            200,
            "{}",
            "235 welcome",
            "XOAUTH2",
            "the login has no token: 200 its answer has no access_token",
        ),
        (
            200,
            r#"{"access_token":7,"error":[],"error_description":{}}"#,
            "235 welcome",
            "XOAUTH2",
            "the login has no token: 200 its answer has no access_token",
        ),
        (
            302,
            "",
            "235 welcome",
            "XOAUTH2",
            "the login has no token: 302 a redirect, which is not followed",
        ),
        (
            500,
            "<html>",
            "235 welcome",
            "XOAUTH2",
            "is --smtp-token-url right?: the login has no token: 500 its answer is no JSON",
        ),
        (
            400,
            r#"{"error":"invalid_scope","error_description":null}"#,
            "235 welcome",
            "XOAUTH2",
            "check --smtp-token-url, --smtp-client-id, --smtp-scope and the secret: the login has \
             no token: 400 invalid_scope",
        ),
        (
            200,
            token,
            "454 4.7.0 Temporary authentication failure",
            "XOAUTH2",
            "the mail server takes no login now: ",
        ),
        (
            200,
            token,
            "535 5.7.3 Authentication unsuccessful",
            "XOAUTH2",
            "5.7.3",
        ),
        (
            200,
            token,
            "334 eyJzdGF0dXMiOiI0MDAifQ==",
            "XOAUTH2",
            "the mail server refuses the token",
        ),
        (
            200,
            token,
            "235 welcome",
            "PLAIN LOGIN",
            "offers no login by a token",
        ),
    ] {
        let smtp = tokens_only(answer);
        smtp.offer_logins(offered);
        let app = app(&smtp, &Provider::that_says(status, body));
        let made = invite(&app, "ada@example.com", &json!({}));
        let tried = wait_for(&app, &made, |now| now["deliveryAttempts"] == 1);
        let error = tried["deliveryError"].as_str().unwrap_or_default();
        assert!(error.contains(words), "{words}: {error}");
        assert!(
            !error.contains("s3cret") && !error.contains("t0ken"),
            "{error}"
        );
        assert_eq!(tried["delivery"], "queued");
        assert!(smtp.received().is_empty());
    }
}

#[test]
fn mails_that_wait_for_one_token_share_what_becomes_of_it() {
    let smtp = tokens_only("235 2.7.0 welcome");
    let provider = Provider::that_says_after(Duration::from_secs(2), 503, "{}");
    let app = app(&smtp, &provider);
    let made: Vec<_> = (0..8)
        .map(|number| {
            let invitations = invitations(&format!("o{number}"));
            let body = json!({ "email": format!("a@d{number}.example"), "role": "viewer" });
            app.post(&invitations, &body.to_string()).json()
        })
        .collect();
    let tried = || {
        let path = |made: &Value| {
            let organization = made["organizationId"].as_str().expect("an id");
            invitation(organization, &made["id"])
        };
        let is_tried = |made: &&Value| app.get(&path(made)).json()["deliveryAttempts"] == 1;
        made.iter().filter(is_tried).count()
    };
    let began = Instant::now();
    while tried() <= 2 {
        let is_early = began.elapsed() < Duration::from_secs(30);
        assert!(is_early, "they began together: {}", tried());
        std::thread::sleep(Duration::from_millis(20));
    }
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(provider.asked().len(), 1);
}

#[test]
fn an_end_that_is_no_number_or_an_odd_one_is_no_reason_to_refuse_a_token() {
    for (body, asked) in [
        (r#"{"access_token":"t0ken","expires_in":"3599"}"#, 1),
        (r#"{"access_token":"t0ken","expires_in":3599.5}"#, 1),
        (
            r#"{"access_token":"t0ken","expires_in":99999999999999,"error":null}"#,
            1,
        ),
        (r#"{"access_token":"t0ken","expires_in":-1,"scope":[]}"#, 2),
        (
            r#"{"access_token":"t0ken","expires_in":null,"token_type":7}"#,
            2,
        ),
        (r#"{"access_token":"t0ken","expires_in":"soon"}"#, 2),
    ] {
        let smtp = tokens_only("235 welcome");
        smtp.script(&[Act::Answer("550 no")]);
        let provider = Provider::that_says(200, body);
        let app = app(&smtp, &provider);
        let made = invite(&app, "ada@example.com", &json!({}));
        // After that the connection is not used again.
        wait_until(&app, &made, "failed");
        let made = invite(&app, "bob@example.com", &json!({}));
        wait_until(&app, &made, "sent");
        assert_eq!(provider.asked().len(), asked, "{body}");
    }
}

#[test]
fn a_token_is_kept_while_the_mail_server_only_takes_no_login_now() {
    for (answer, asked) in [("454 4.7.0 later", 1), ("535 5.7.3 no", 2)] {
        let smtp = tokens_only(answer);
        let token = r#"{"expires_in":3599,"access_token":"t0ken"}"#;
        let provider = Provider::that_says(200, token);
        let app = app(&smtp, &provider);
        let made = invite(&app, "ada@example.com", &json!({}));
        wait_for(&app, &made, |now| now["deliveryAttempts"] == 1);
        smtp.answer_logins("235 welcome");
        std::thread::sleep(std::time::Duration::from_secs(1));
        app.advance_to(10 * 60_000);
        wait_until(&app, &made, "sent");
        assert_eq!(provider.asked().len(), asked, "{answer}");
    }
}

#[test]
fn the_secret_is_hidden_in_every_form_in_which_it_may_be_repeated() {
    for told in [
        "a+b/c=d~e!f*g",
        "a%2Bb%2Fc%3Dd~e%21f%2Ag",
        "a%2Bb%2Fc%3Dd%7Ee%21f%2Ag",
        "a%2bb%2fc%3dd%7ee%21f*g",
        "a%2Bb%2Fc%3Dd~e!f*g",
    ] {
        let body = json!({ "error": "invalid_client", "error_description": told }).to_string();
        let provider = Provider::that_says(401, Box::leak(body.into_boxed_str()));
        let smtp = tokens_only("235 welcome");
        let url = format!(
            "smtp://invites%40acme.test:a%2Bb%2Fc%3Dd~e!f*g@{}?tls=none",
            smtp.address
        );
        let token_url = format!("http://{}/token", provider.address);
        let words = ["--smtp-token-url", &token_url, "--smtp-client-id", "c"];
        let app = app_at(&url, &words);
        let made = invite(&app, "ada@example.com", &json!({}));
        let tried = wait_for(&app, &made, |now| now["deliveryAttempts"] == 1);
        let error = tried["deliveryError"].as_str().unwrap_or_default();
        assert!(error.ends_with("401 invalid_client ..."), "{error}");
    }
}

#[test]
fn settings_of_tokens_without_a_mail_server_are_refused_at_the_start() {
    let token_url = ["--smtp-token-url", "https://id.test/token"];
    let client = ["--smtp-client-id", "c"];
    let smtp = ["--smtp-url", "smtp://u:hunter2@mail.test?tls=tls"];
    let webhook = ["--mail-webhook", "https://mail.test/hunter2"];
    for (words, part) in [
        (token_url.to_vec(), "--smtp-client-id"),
        ([token_url, client].concat(), "--smtp-url"),
        ([smtp, client].concat(), "--smtp-token-url"),
        ([smtp, token_url].concat(), "--smtp-client-id"),
        ([webhook, token_url, client].concat(), "--smtp-url"),
        (client.to_vec(), "--smtp-token-url"),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let output = invited()
            .args(["serve", "--listen", "127.0.0.1:0", "--database"])
            .arg(folder.path().join("invited.db"))
            .args([
                "--public-url",
                "https://invites.test",
                "--mail-from",
                "a@acme.test",
            ])
            .args(&words)
            .output()
            .expect("it runs");
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{words:?}: {error}");
        assert!(
            error.contains(part) && !error.contains("hunter2"),
            "{error}"
        );
    }
}

#[test]
fn settings_that_cannot_work_are_told_at_the_start() {
    let fine = "smtp://user:hunter2@mail.test?tls=tls";
    for (url, words, part) in [
        (
            fine,
            &["--smtp-token-url", "https://id.test/token"][..],
            "--smtp-client-id",
        ),
        (
            fine,
            &[
                "--smtp-token-url",
                "http://id.test/token",
                "--smtp-client-id",
                "c",
            ],
            "--smtp-token-url cannot be used",
        ),
        (
            "smtp://mail.test?tls=tls",
            &[
                "--smtp-token-url",
                "https://id.test/token",
                "--smtp-client-id",
                "c",
            ],
            "--smtp-token-url needs a login",
        ),
    ] {
        let output = invited()
            .env("INVITED_SMTP_URL", url)
            .args(["mail", "test", "a@b.co", "--mail-from", "a@acme.test"])
            .args(words)
            .output()
            .expect("it runs");
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{error}");
        assert!(
            error.contains(part) && !error.contains("hunter2"),
            "{error}"
        );
    }
}
