//! What people see of a mail in whatever program they read it with, and whom a reply goes to.

use invited::invitation::Status;
use invited::mail::context::MailContext;
use invited::mail::message::Message;
use invited::outbox::mail::Kind;
use serde_json::json;

use super::injection::{composer, letter};
use super::{app, invite, wait_idle};
use crate::support::smtp::Smtp;

/// A mail of Ada to join Acme, unless `change` has it otherwise.
pub(super) fn compose(kind: Kind, change: impl FnOnce(&mut MailContext)) -> Message {
    let mut letter = letter(kind, "Acme", 0);
    letter.inviter_name = Some("Ada".to_owned());
    letter.role = "developer".to_owned();
    change(&mut letter);
    let mut message = composer().compose(&letter).expect("a mail");
    message.html = message.html.replace("&#x2f;", "/");
    message
}

#[test]
fn a_subject_says_who_invites_to_what() {
    let subject = |kind, inviter: Option<&str>, organization: &str| {
        compose(kind, |letter| {
            letter.inviter_name = inviter.map(str::to_owned);
            letter.organization_name = Some(organization.to_owned());
        })
        .subject
    };
    let invitation = |inviter, organization| subject(Kind::Invitation, inviter, organization);
    assert_eq!(
        invitation(Some("Ada"), "Acme"),
        "Ada invited you to join Acme"
    );
    assert_eq!(invitation(None, "Acme"), "You are invited to join Acme");
    assert_eq!(
        invitation(
            Some("\u{5e9}\u{5e8}\u{5d4}"),
            "Caf\u{e9} & S\u{f6}hne, Inc."
        ),
        "\u{5e9}\u{5e8}\u{5d4} invited you to join Caf\u{e9} & S\u{f6}hne, Inc."
    );
    assert_eq!(
        subject(Kind::Reminder, Some("Ada"), "Acme"),
        "Your invitation to join Acme expires soon"
    );
    assert_eq!(
        subject(Kind::Code, Some("Ada"), "Acme"),
        "Your code for Acme"
    );
}

#[test]
fn long_names_leave_a_subject_short_and_whole() {
    let developer = "\u{1f469}\u{200d}\u{1f4bb}";
    for (inviter, organization) in [
        ("A".repeat(100), "O".repeat(100)),
        (
            developer.repeat(33),
            "\u{1f3f4}\u{e0067}\u{e0062}\u{e007f}".repeat(25),
        ),
        ("\u{e9}".repeat(61), "Acme".to_owned()),
    ] {
        let subject = compose(Kind::Invitation, |letter| {
            letter.inviter_name = Some(inviter.clone());
            letter.organization_name = Some(organization.clone());
        })
        .subject;
        assert!(subject.chars().count() <= 150, "{subject}");
        let (first, second) = subject.split_once(" invited you to join ").expect("whole");
        assert!(
            first.ends_with('\u{2026}') && inviter.starts_with(&first[..4]),
            "{first}"
        );
        assert!(
            second.ends_with('\u{2026}') || second == organization,
            "{second}"
        );
        assert!(
            !invited::base::text::hides_something(&subject),
            "{subject:?}"
        );
    }
}

#[test]
fn a_reply_to_an_invitation_goes_to_the_inviter_and_to_nobody_else_s_mail() {
    let smtp = Smtp::start();
    let app = app(&smtp, &["--notify-inviters"]);
    let from = |email: &str| json!({"inviter": {"name": "Ada", "email": email}});
    for (number, (given, replied)) in [
        ("Ada@Example.com", "ada@example.com"),
        ("o'brien+tag@example.com", "o'brien+tag@example.com"),
        ("grace@b\u{fc}cher.example", "grace@xn--bcher-kva.example"),
    ]
    .into_iter()
    .enumerate()
    {
        invite(&app, &format!("new{number}@example.com"), &from(given));
        assert_eq!(smtp.wait(number + 1)[number].headers("Reply-To"), [replied]);
    }
    invite(
        &app,
        "alone@example.com",
        &json!({"inviter": {"name": "Ada"}}),
    );
    assert!(smtp.wait(4)[3].headers("Reply-To").is_empty());
    let made = invite(&app, "last@example.com", &from("ada@example.com"));
    smtp.wait(5);
    app.change(&made, "accept", &json!({"email": "last@example.com"}));
    let notice = smtp.wait(6).remove(5);
    assert!(
        notice.headers("Reply-To").is_empty(),
        "the invited person's address"
    );
    for given in [
        "ada@example.com\r\nBcc: eve@evil.test",
        "a@b.co, c@d.co",
        "Ada <a@b.co>",
    ] {
        let body = json!({"email": "x@example.com", "role": "r", "inviter": {"email": given}});
        let answer = app.post(&crate::support::invitations("acme"), &body.to_string());
        assert_eq!(answer.status, 422, "{given}");
    }
    wait_idle(&app);
    assert_eq!(smtp.received().len(), 6);
}

#[test]
fn the_invited_address_can_be_copied_out_of_every_body() {
    let smtp = Smtp::start();
    let app = app(&smtp, &["--notify-inviters"]);
    let inviter = json!({"inviter": {"email": "ada@example.com"}});
    for (number, address) in [
        "grace.m@example.com",
        "o'neil@example.com",
        "x+y@a.b.example",
    ]
    .into_iter()
    .enumerate()
    {
        let made = invite(&app, address, &inviter);
        let invitation = smtp.wait(2 * number + 1).remove(2 * number);
        app.change(&made, "accept", &json!({"email": address}));
        let notice = smtp.wait(2 * number + 2).remove(2 * number + 1);
        for mail in [invitation, notice] {
            let bodies = mail.decoded().replace("&#x27;", "'");
            let bodies = bodies
                .split_once("\r\n\r\n")
                .map_or("", |(_, bodies)| bodies);
            assert_eq!(bodies.matches(address).count(), 2, "in both: {bodies}");
        }
    }
}

/// `html` as a program shows it that takes no style from elements of this name.
fn without_style(html: &str, element: &str) -> String {
    let begin = format!("<{element} ");
    let mut parts = html.split(&begin);
    let mut shown = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (tag, rest) = part.split_once('>').expect("a tag");
        let tag = tag
            .split_once(" style=\"")
            .map_or(tag.to_owned(), |(before, style)| {
                let after = style.split_once('"').map_or("", |(_, after)| after);
                format!("{before}{after}")
            });
        shown += &format!("<{element} {tag}>{rest}");
    }
    shown
}

/// How much two colours differ (WCAG 2.2, contrast ratio).
fn contrast(one: &str, other: &str) -> f64 {
    let light = |colour: &str| {
        let part = |at: usize| {
            let byte = u8::from_str_radix(&colour[at..at + 2], 16).expect("a colour");
            let part = f64::from(byte) / 255.0;
            if part <= 0.04045 {
                part / 12.92
            } else {
                ((part + 0.055) / 1.055).powf(2.4)
            }
        };
        0.2126 * part(1) + 0.7152 * part(3) + 0.0722 * part(5) + 0.05
    };
    let (one, other) = (light(one), light(other));
    one.max(other) / one.min(other)
}

#[test]
fn the_button_can_be_read_and_the_address_followed_without_the_style_of_links() {
    for kind in [Kind::Invitation, Kind::Reminder] {
        let mail = compose(kind, |_| ());
        let html = without_style(&without_style(&mail.html, "a"), "td");
        let link = mail.link.expect("a link");
        let button = html.split_once("<td ").expect("a cell").1;
        let button = button.split_once("</td>").expect("its end").0;
        assert!(button.contains("bgcolor=\"#3451d1\""), "{button}");
        assert!(
            button.contains(&format!(
                "<a href=\"{link}\"><font class=\"label\" color=\"#ffffff\">"
            )),
            "{button}"
        );
        assert!(contrast("#3451d1", "#ffffff") >= 4.5);
        assert!(
            html.contains(&format!(">{link}</a>")),
            "the visible address is a link: {html}"
        );
        assert!(mail.text.contains(&format!("\n{link}\n")), "{}", mail.text);
    }
}

#[test]
fn every_mail_names_its_language_its_title_and_both_colour_schemes() {
    for kind in Kind::ALL {
        for name in [
            "Acme",
            "<b>\"A\" & B",
            "\u{645}\u{624}\u{633}\u{633}\u{629}",
        ] {
            let mail = compose(kind, |letter| {
                letter.organization_name = Some(name.to_owned());
            });
            let escaped = mail
                .subject
                .replace('&', "&amp;")
                .replace('<', "&lt;")
                .replace('>', "&gt;")
                .replace('"', "&quot;");
            for part in [
                "<html lang=\"en\">",
                &format!("<title>{escaped}</title>"),
                "<meta name=\"color-scheme\" content=\"light dark\">",
                "prefers-color-scheme: dark",
                "overflow-wrap:anywhere;word-break:break-word",
            ] {
                let shown = mail.html.replace('\u{2060}', "");
                assert!(shown.contains(part), "{part}: {shown}");
            }
        }
    }
}

#[test]
fn names_and_lines_of_a_note_run_in_their_own_direction() {
    let name = "\u{645}\u{624}\u{633}\u{633}\u{629} (2024)!";
    for (kind, status, names) in [
        (Kind::Invitation, Status::Pending, 3),
        (Kind::Reminder, Status::Pending, 3),
        (Kind::Code, Status::Pending, 1),
        (Kind::Notice, Status::Accepted, 2),
    ] {
        let mail = compose(kind, |letter| {
            letter.status = status;
            letter.organization_name = Some(name.to_owned());
            letter.note = Some(format!("{name}\n\n{name}"));
        });
        assert_eq!(mail.html.matches("<bdi>").count(), names, "{}", mail.html);
        assert!(
            mail.html
                .contains(&format!("<bdi><strong>{name}</strong></bdi>"))
        );
        let lines = mail.html.matches("<div dir=\"auto\">").count();
        assert_eq!(lines, if names == 3 { 3 } else { 0 }, "{}", mail.html);
    }
}

#[test]
fn text_stands_out_from_what_is_behind_it_in_light_and_in_dark() {
    let html = compose(Kind::Invitation, |_| ()).html;
    for (text, behind) in [
        ("#16181d", "#ffffff"),
        ("#16181d", "#f1f2f4"),
        ("#565c67", "#ffffff"),
        ("#565c67", "#f7f7f8"),
        ("#3451d1", "#ffffff"),
        ("#eceef1", "#181b20"),
        ("#eceef1", "#111317"),
        ("#a9b0bb", "#181b20"),
        ("#a9b0bb", "#111317"),
        ("#98aafc", "#181b20"),
        ("#0e1330", "#98aafc"),
    ] {
        assert!(
            html.contains(text) && html.contains(behind),
            "{text} on {behind}"
        );
        assert!(contrast(text, behind) >= 4.5, "{text} on {behind}");
    }
}
