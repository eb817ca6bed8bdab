//! What an organization gives its mail: the sender's name and the colour of the button.

use invited::base::color::Color;
use invited::outbox::mail::Kind;
use serde_json::{Value, json};

use super::content::compose;
use super::{app, invite};
use crate::support::TestApp;
use crate::support::life::wrong;
use crate::support::smtp::Smtp;

/// Gives the organization these settings.
fn put(app: &TestApp, settings: &Value) -> crate::support::Answer {
    app.request("PUT", "/v1/organizations/acme")
        .json(settings.to_string())
        .send()
}

#[test]
fn mail_comes_from_the_name_of_the_organization_and_from_the_address_of_the_server() {
    let smtp = Smtp::start();
    let app = app(&smtp, &[]);
    let names = [
        ("Hooli Invitations", "\"Hooli Invitations\""),
        ("B\u{fc}ro Nord", "=?utf-8?b?QsO8cm8gTm9yZA==?="),
        ("Acme.com", "\"Acme.com\""),
        ("Acme Inc.", "\"Acme Inc.\""),
        // A name that would be decoded is none.
        ("=?utf-8?Q?Bank?=", "=?utf-8?b?PSA/dXRmLTg/UT9CYW5rPz0=?="),
    ];
    for (count, (name, written)) in names.into_iter().enumerate() {
        let shown = put(&app, &json!({ "mailFromName": name })).json();
        assert_eq!(shown["mailFromName"], name);
        invite(&app, &format!("u{count}@example.com"), &json!({}));
        let mail = smtp.wait(count + 1).remove(count);
        assert_eq!(
            mail.headers("From"),
            [format!("{written} <invitations@acme.test>")]
        );
        assert_eq!(mail.from, "invitations@acme.test");
    }
    put(&app, &json!({}));
    invite(&app, "last@example.com", &json!({}));
    let mail = smtp.wait(names.len() + 1).remove(names.len());
    assert_eq!(
        mail.headers("From"),
        ["=?utf-8?b?QWNtZSwgTHRkLg==?= <invitations@acme.test>"],
        "unset again"
    );
}

#[test]
fn the_button_has_the_colour_of_the_organization_and_a_text_that_can_be_read() {
    for (color, label) in [
        ("#0b7a5b", "#ffffff"),
        ("#ffe600", "#000000"),
        ("#ffffff", "#000000"),
        ("#000000", "#ffffff"),
    ] {
        let color_of = |text: &str| Color::parse(text).expect("a colour");
        let mail = compose(Kind::Invitation, |letter| {
            letter.color = Some(color_of(color));
        });
        let button = mail.html.split_once("<td ").expect("a cell").1;
        let button = button.split_once("</td>").expect("its end").0;
        for part in [
            format!("bgcolor=\"{color}\""),
            format!("background:{color};border:1px solid #"),
            format!("color=\"{label}\""),
        ] {
            assert!(button.contains(&part), "{part}: {button}");
        }
        assert!(color_of(color).contrast(color_of(label)) >= 4.5, "{color}");
        let dark = format!(".button {{ background: {color} !important;");
        assert!(mail.html.contains(&dark), "{}", mail.html);
    }
    let pale = compose(Kind::Reminder, |letter| {
        letter.color = Color::parse("#fffff0");
    });
    assert!(
        pale.html.contains("border:1px solid #80868f"),
        "a pale button has a line around it"
    );
}

#[test]
fn no_mail_loads_anything() {
    for kind in Kind::ALL {
        let html = compose(kind, |letter| letter.color = Color::parse("#0b7a5b")).html;
        for loader in ["src=", "url(", "@import", "<link", "background=", "<script"] {
            assert!(!html.contains(loader), "{loader}: {html}");
        }
    }
}

#[test]
fn the_colour_goes_from_the_settings_into_the_mail_in_lowercase() {
    let smtp = Smtp::start();
    let app = app(&smtp, &[]);
    assert_eq!(
        put(&app, &json!({"color": "#0B7A5B"})).json()["color"],
        "#0b7a5b"
    );
    let shown = app.get("/v1/organizations/acme").json();
    assert_eq!(shown["color"], "#0b7a5b");
    invite(&app, "ada@example.com", &json!({}));
    let text = smtp.wait(1)[0].decoded();
    assert!(text.contains("bgcolor=\"#0b7a5b\""), "{text}");
}

#[test]
fn what_is_no_name_and_no_colour_is_refused() {
    let app = TestApp::serve();
    for (settings, pointer, code) in [
        (
            json!({"mailFromName": "a\r\nBcc: eve@evil.test"}),
            "/mailFromName",
            "forbidden_character",
        ),
        (
            json!({"mailFromName": "a\u{202e}b"}),
            "/mailFromName",
            "forbidden_character",
        ),
        (
            json!({"mailFromName": " "}),
            "/mailFromName",
            "invalid_format",
        ),
        (
            json!({"mailFromName": "x".repeat(101)}),
            "/mailFromName",
            "too_long",
        ),
        (json!({"color": "red"}), "/color", "invalid_format"),
        (json!({"color": "#fff"}), "/color", "invalid_format"),
        (json!({"color": "#ffffff;x:y"}), "/color", "invalid_format"),
        (json!({"color": ""}), "/color", "invalid_format"),
    ] {
        let answer = put(&app, &settings);
        assert_eq!(answer.status, 422, "{settings}");
        assert_eq!(
            wrong(&answer),
            [(pointer.to_owned(), code.to_owned())],
            "{settings}"
        );
    }
}
