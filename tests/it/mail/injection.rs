//! Nothing that users write steers a mail: neither its headers, nor its recipients, nor what its
//! links lead to.
//!
//! With `INVITED_MAIL_DUMP=FOLDER` the mails are written there, for `.ci/mail_headers.py` to read
//! with another parser.

use invited::base::clock::Timestamp;
use invited::base::email::Email;
use invited::base::organization_id::OrganizationId;
use invited::invitation::Status;
use invited::mail::context::MailContext;
use invited::mail::message::{Composer, Sender};
use invited::mail::template::Templates;
use invited::outbox::mail::Kind;
use serde_json::json;
use uuid::Uuid;

use super::app;
use crate::support::smtp::{Received, Smtp};
use crate::support::{TestApp, invitations};

/// The one link that a mail may bring.
const LINK: &str = "https://invites.acme.test/accept#ivm_token";

/// The languages that mail has words in.
pub(super) const LANGUAGES: [&str; 6] = ["en", "de", "fr", "es", "ar", "ja"];

/// What somebody might try.
const PAYLOADS: [&str; 40] = [
    "x\r\nBcc: eve@evil.test",
    "x\nBcc: eve@evil.test",
    "x\rBcc: eve@evil.test",
    "x\r\n\r\n<script>alert(1)</script>",
    "x\r\nContent-Type: text/html\r\n\r\nhi",
    "x\r\n.\r\nMAIL FROM:<eve@evil.test>\r\nRCPT TO:<eve@evil.test>\r\nDATA",
    "\r\n.\r\n",
    ".",
    "\r\nSubject: other",
    "\r\n To: eve@evil.test",
    "x\u{b}Bcc: eve@evil.test",
    "x\u{c}Bcc: eve@evil.test",
    "x\u{85}Bcc: eve@evil.test",
    "x\u{2028}Bcc: eve@evil.test",
    "x\u{2029}Bcc: eve@evil.test",
    "x\0Bcc: eve@evil.test",
    "=?utf-8?Q?x=0D=0ABcc:_eve@evil.test?=",
    "=?utf-8?B?DQpCY2M6IGV2ZUBldmlsLnRlc3Q=?=",
    "x%0d%0aBcc: eve@evil.test",
    "\u{10a}Bcc: eve@evil.test\u{10d}",
    "\" <eve@evil.test>, \"x",
    "x>, <eve@evil.test",
    "x, eve@evil.test",
    "(comment) eve@evil.test",
    "\\\" eve@evil.test \\",
    "--boundary\r\nContent-Type: text/html",
    "https://evil.test/login",
    "HTTP://EVIL.TEST",
    "www.evil.test",
    "evil.test/path?x=1",
    "evil\u{3002}test \u{ff45}\u{ff56}\u{ff49}\u{ff4c}\u{ff0e}test",
    "mailto:eve@evil.test",
    "javascript:alert(1)",
    "<a href=\"https://evil.test\">click</a>",
    "</p><img src=x onerror=alert(1)><p>",
    "'\"><script src=//evil.test></script>",
    "{{ 7*7 }}{% include 'layout.html' %}{{ link }}",
    "&lt;script&gt;&#60;b&#62;",
    "\u{202e}tset.live//:sptth\u{202c}\u{200b}\u{feff}\u{2066}",
    "A very long name that goes on and on and on and on and on and on and on and on and on and \
     on, \u{1f600} \u{5d0}\u{5d1} and on",
];

/// A letter of `kind` with `payload` wherever users write.
pub(super) fn letter(kind: Kind, payload: &str, number: i64) -> MailContext {
    MailContext {
        kind,
        to: Email::from_stored("new.user@example.com"),
        reply_to: None,
        email: Email::from_stored("new.user@example.com"),
        organization: OrganizationId::parse("acme").expect("an id"),
        organization_name: Some(payload.to_owned()),
        sender_name: Some(payload.to_owned()),
        color: None,
        locales: vec![LANGUAGES[usize::try_from(number).expect("a number") % 6].to_owned()],
        inviter_name: Some(payload.to_owned()),
        note: Some(format!("{payload}\n{payload}")),
        role: payload.to_owned(),
        status: Status::Accepted,
        expires_at: Timestamp::from_millis(1_795_401_780_123),
        link: Some(LINK.to_owned()),
        code: Some("123456".to_owned()),
        invitation: Uuid::nil(),
        number,
        sent_at: Timestamp::from_millis(1_795_401_780_123),
    }
}

/// Writes letters in our own words.
pub(super) fn composer() -> Composer {
    let sender = Sender::parse("Acme <invitations@acme.test>").expect("a sender");
    Composer {
        sender,
        templates: Templates::load(None).expect("good templates"),
    }
}

/// Checks headers and structure of a mail, and writes it down where that is asked.
fn check(mail: &Received, name: &str) {
    for header in [
        "From",
        "To",
        "Subject",
        "Date",
        "Message-ID",
        "Auto-Submitted",
        "MIME-Version",
        "Content-Type",
    ] {
        assert_eq!(
            mail.headers(header).len(),
            1,
            "{header} of {name}: {}",
            mail.raw
        );
    }
    let head = mail.raw.split("\r\n\r\n").next().unwrap_or_default();
    let is_new = |line: &&str| !line.starts_with([' ', '\t']);
    let own = 8 + mail.headers("Reply-To").len();
    assert_eq!(
        head.split("\r\n").filter(is_new).count(),
        own,
        "{name}: {head}"
    );
    assert!(
        mail.raw.is_ascii() && !mail.raw.replace("\r\n", "").contains(['\r', '\n', '\0']),
        "{name}: {}",
        mail.raw
    );
    let decoded = mail.decoded().to_lowercase();
    let body = decoded.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    let html = body
        .split_once("<!doctype html>")
        .map_or("", |(_, html)| html);
    for link in [
        "http://evil",
        "https://evil",
        "www.evil",
        "evil.test",
        "javascript:a",
        "eve@evil",
    ] {
        assert!(!body.contains(link), "{link} in {name}: {body}");
    }
    for tag in ["<script", "<img", "<a href=\"https://e"] {
        assert!(
            !html.is_empty() && !html.contains(tag),
            "{tag} in {name}: {html}"
        );
    }
    if let Ok(folder) = std::env::var("INVITED_MAIL_DUMP") {
        std::fs::write(format!("{folder}/{name}.eml"), &mail.raw).expect("the folder is there");
    }
}

#[test]
fn forty_payloads_in_every_field_of_every_kind_change_neither_headers_nor_links() {
    let composer = composer();
    for (number, payload) in PAYLOADS.iter().enumerate() {
        for kind in Kind::ALL {
            let letter = letter(kind, payload, i64::try_from(number).expect("few"));
            let message = composer.compose(&letter).expect("a mail");
            assert!(
                !invited::base::text::hides_something(&message.subject)
                    && !message.subject.contains("://"),
                "{:?}",
                message.subject
            );
            let hrefs: Vec<_> = message.html.split("<a href=").skip(1).collect();
            assert!(
                hrefs
                    .iter()
                    .all(|rest| rest.starts_with(&format!("\"{LINK}\""))),
                "{hrefs:?}"
            );
            assert!(
                !message.html.contains("&#x2f;"),
                "services that rewrite links do not decode them: {}",
                message.html
            );
            let again = composer.compose(&letter).expect("a mail");
            let ids = [&message.raw, &again.raw].map(|raw| {
                Received {
                    from: String::new(),
                    to: Vec::new(),
                    raw: raw.clone(),
                }
                .headers("Message-ID")
            });
            assert_eq!(ids[0], ids[1]);
            let mail = Received {
                from: String::new(),
                to: Vec::new(),
                raw: message.raw,
            };
            check(&mail, &format!("{}-{number}", kind.name()));
        }
    }
}

/// Puts the payload into one field of a new invitation, or of its organization. Returns the status.
fn try_field(app: &TestApp, (field, payload): (&str, &str), number: usize) -> u16 {
    let organization = format!("{field}-{number}");
    let email = format!("{field}.{number}@example.com");
    let mut body = json!({"email": email, "role": "developer", "inviter": {}});
    let mut settings = json!({});
    match field {
        "email" | "role" | "note" => body[field] = json!(payload),
        "inviter.name" | "inviter.email" => body["inviter"][&field[8..]] = json!(payload),
        _ => settings[field] = json!(payload),
    }
    let put = app
        .request("PUT", &format!("/v1/organizations/{organization}"))
        .json(settings.to_string())
        .send();
    if put.status != 201 {
        return put.status;
    }
    app.post(&invitations(&organization), &body.to_string())
        .status
}

#[test]
fn through_the_api_every_payload_is_refused_or_makes_a_mail_to_the_one_recipient() {
    let smtp = Smtp::start();
    let app = app(&smtp, &["--limit-recipient", "0"]);
    let mut made = 0;
    for field in [
        "email",
        "role",
        "note",
        "inviter.name",
        "inviter.email",
        "name",
        "acceptUrl",
        "mailFromName",
        "color",
    ] {
        for (number, payload) in PAYLOADS.iter().enumerate() {
            let status = try_field(&app, (field, payload), number);
            assert!(
                matches!(status, 201 | 422),
                "{field}: {payload:?}: {status}"
            );
            made += usize::from(status == 201);
        }
    }
    assert!(made > 50, "{made}");
    let mails = smtp.wait(made);
    super::wait_idle(&app);
    assert_eq!(smtp.received().len(), made);
    for (number, mail) in mails.iter().enumerate() {
        assert_eq!(
            (mail.from.as_str(), mail.to.len()),
            ("invitations@acme.test", 1)
        );
        assert_eq!(mail.headers("To"), mail.to);
        assert!(mail.to[0].ends_with("@example.com"), "{:?}", mail.to);
        check(mail, &format!("api-{number}"));
    }
}
