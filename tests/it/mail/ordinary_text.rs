//! Emoji, and languages that are spelled with invisible characters, are ordinary text. What hides
//! in a text is refused.

use invited::base::text::hides_something;
use proptest::prelude::*;
use serde_json::json;

use super::app;
use crate::support::smtp::Smtp;
use crate::support::{TestApp, invitations};

/// What people write, invisible characters and all.
const ORDINARY: [&str; 15] = [
    "Welcome aboard \u{2764}\u{fe0f}",
    "\u{2764}\u{fe0f}\u{200d}\u{1f525} Team",
    "1\u{fe0f}\u{20e3} first",
    "\u{260e}\u{fe0e} Desk",
    "\u{639}\u{644}\u{6cc}\u{200c}\u{631}\u{636}\u{627}",
    "\u{645}\u{6cc}\u{200c}\u{62e}\u{648}\u{627}\u{647}\u{645}",
    "\u{1f469}\u{200d}\u{1f4bb} Devs",
    "\u{1f469}\u{1f3fd}\u{200d}\u{1f680}",
    "\u{1f3f3}\u{fe0f}\u{200d}\u{1f308}",
    "\u{915}\u{94d}\u{200d}\u{937}",
    "\u{dc1}\u{dca}\u{200d}\u{dbb}\u{dd3}",
    "\u{1f3f4}\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f} England",
    "\u{1f3f4}\u{e0075}\u{e0073}\u{e0063}\u{e0061}\u{e007f}",
    "\u{845b}\u{e0100}\u{57ce}",
    "\u{182d}\u{180b}\u{1820}",
];

/// What is not to be seen, and spells nothing.
const HIDDEN: [&str; 19] = [
    "a\u{fe0f}b",
    "\u{fe0f}",
    "1\u{fe0f}2",
    "\u{2764}\u{fe0f}\u{fe0f}",
    "Ad\u{200c}a",
    "Ad\u{200d}a",
    "\u{43e}\u{200d}\u{43e}",
    "\u{639}\u{200c}",
    "\u{639}\u{200c}\u{200c}\u{631}",
    "\u{639}\u{fe0f}\u{200d}\u{631}",
    "\u{200d}\u{1f4bb}",
    "\u{1f3f4}\u{e0067}\u{e0062}",
    "\u{1f3f4}\u{e007f}",
    "\u{1f3f4}\u{e0061}\u{e0062}\u{e0063}\u{e0064}\u{e0065}\u{e0066}\u{e0067}\u{e007f}",
    "x\u{e0061}\u{e007f}",
    "a\u{e0100}",
    "\u{202e}x\u{202c}",
    "\u{5d0}\u{2067}\u{200f}",
    "\u{61c}\u{34f}x",
];

/// Sends `text` wherever people write one. Returns the statuses.
fn everywhere(app: &TestApp, number: usize, text: &str) -> [(&'static str, u16); 5] {
    let post = |path: &str, body: serde_json::Value| app.post(path, &body.to_string()).status;
    let organization = format!("o{number}");
    let mail = |name: &str| format!("{name}.{number}@example.com");
    let put = app
        .request("PUT", &format!("/v1/organizations/{organization}"))
        .json(json!({ "name": text }).to_string())
        .send();
    let path = invitations(&organization);
    let noted = json!({"email": mail("note"), "role": "r", "note": text});
    let named = json!({"email": mail("name"), "role": "r", "inviter": {"name": text}});
    let key = json!({"name": text, "scopes": ["invitations:read"]});
    let hook = json!({"url": "https://app.example.com/hooks", "description": text});
    [
        ("organization", put.status),
        ("note", post(&path, noted)),
        ("inviter", post(&path, named)),
        ("key", post("/v1/keys", key)),
        ("webhook", post("/v1/webhooks", hook)),
    ]
}

#[test]
fn emoji_and_spelling_are_kept_wherever_people_write_and_come_by_mail_as_they_are() {
    let smtp = Smtp::start();
    let app = app(&smtp, &["--max-webhooks", "1000"]);
    for (number, text) in ORDINARY.iter().enumerate() {
        let statuses = everywhere(&app, number, text);
        assert!(
            statuses.iter().all(|(_, status)| *status == 201),
            "{text:?}: {statuses:?}"
        );
    }
    let mails = smtp.wait(2 * ORDINARY.len());
    for text in ORDINARY {
        let is_told = |part: &str| mails.iter().any(|mail| mail.decoded().contains(part));
        assert!(is_told(&format!("\r\n> {text}\r\n")), "note {text:?}");
        assert!(is_told(&format!("join {text} as r")), "name {text:?}");
    }
}

#[test]
fn what_hides_in_a_text_is_refused_wherever_people_write() {
    let smtp = Smtp::start();
    let app = app(&smtp, &[]);
    for (number, text) in HIDDEN.iter().enumerate() {
        let statuses = everywhere(&app, number, text);
        assert!(
            statuses.iter().all(|(_, status)| *status == 422),
            "{text:?}: {statuses:?}"
        );
    }
}

#[test]
fn an_id_of_the_application_has_no_invisible_character_at_all() {
    let smtp = Smtp::start();
    let app = app(&smtp, &[]);
    for (number, text) in ORDINARY.iter().enumerate() {
        let body = json!({"email": format!("a{number}@example.com"), "role": "r",
            "inviter": {"id": text}});
        let answer = app.post(&invitations("acme"), &body.to_string());
        assert_eq!(answer.status, 422, "{text:?}");
    }
}

#[test]
fn a_note_that_was_pasted_is_kept_without_what_came_along() {
    let smtp = Smtp::start();
    let app = app(&smtp, &[]);
    for (number, (pasted, kept)) in [
        ("a\tb", "a b"),
        ("one\u{2028}two\u{2029}three", "one two three"),
        ("Will\u{ad}kom\u{ad}men", "Willkommen"),
        ("\u{feff}Hello", "Hello"),
        ("a\u{200b}b\u{2060}c", "abc"),
    ]
    .into_iter()
    .enumerate()
    {
        let body = json!({"email": format!("a{number}@example.com"), "role": "r", "note": pasted});
        let answer = app.post(&invitations("acme"), &body.to_string());
        assert_eq!(answer.status, 201, "{pasted:?}: {}", answer.text());
        let mails = smtp.wait(number + 1);
        let text = mails[number].decoded();
        assert!(
            text.contains(&format!("\r\n> {kept}\r\n")),
            "{pasted:?}: {text}"
        );
    }
}

/// Characters that matter here, close together.
fn close_together() -> impl Strategy<Value = String> {
    let some = "[a1#\u{2764}\u{1f469}\u{1f3f4}\u{639}\u{94d}\u{845b}\u{fe0f}\u{200c}\u{200d}\u{20e3}\
        \u{e0061}\u{e007f}\u{e0100}\u{202e} ]{0,12}";
    proptest::string::string_regex(some).expect("an expression")
}

proptest! {
    #[test]
    fn a_subject_hides_nothing_and_keeps_what_hides_nothing(text in close_together()) {
        let letter = super::injection::letter(
            invited::outbox::mail::Kind::Invitation, &text, 0);
        let message = super::injection::composer().compose(&letter).expect("a mail");
        prop_assert!(!hides_something(&message.subject), "{:?}", message.subject);
        let text_hides = message.text.lines().any(hides_something);
        prop_assert!(!text_hides, "{:?}", message.text);
        if !hides_something(&text) {
            let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
            prop_assert!(message.subject.contains(&words), "{:?}", message.subject);
        }
    }
}
