//! What mails say: headers, bodies, links, templates.

use serde_json::json;

use super::{app, invite, wait_until};
use crate::support::smtp::Smtp;

#[test]
fn an_invitation_says_who_invites_whom_to_what_until_when() {
    let smtp = Smtp::start();
    let app = app(&smtp, &[]);
    let settings = json!({"name": "Acme & Söhne"}).to_string();
    app.request("PUT", "/v1/organizations/acme")
        .json(settings)
        .send();
    let body = json!({"inviter": {"name": "Ada <Lovelace>"}, "note": "Hello!\r\nSee \
        www.evil.test, it is \"good\"."});
    let made = invite(&app, "new@example.com", &body);
    assert_eq!(made["note"], json!(null), "no answer shows it");
    let mail = smtp.wait(1).remove(0);
    assert_eq!(
        mail.headers("From"),
        ["=?utf-8?b?QWNtZSwgTHRkLg==?= <invitations@acme.test>"]
    );
    assert_eq!(mail.headers("To"), ["new@example.com"]);
    assert_eq!(mail.headers("Date"), ["Mon, 23 Nov 2026 02:43:00 +0000"]);
    assert_eq!(mail.headers("Auto-Submitted"), ["auto-generated"]);
    assert_eq!(mail.headers("MIME-Version"), ["1.0"]);
    assert!(mail.headers("Content-Type")[0].starts_with("multipart/alternative;"));
    assert!(
        mail.raw.is_ascii() && mail.raw.split("\r\n").all(|line| line.len() <= 78),
        "{}",
        mail.raw
    );
    let text = mail.decoded();
    for part in [
        "Ada <Lovelace> invited you to join Acme & Söhne as developer.",
        "> Hello!\r\n> See www.\u{2060}evil.\u{2060}test, it is \"good\".",
        "30 November 2026, 02:43 UTC",
        "<strong>Ada &lt;Lovelace&gt;</strong>",
        "Acme &amp; Söhne",
        "<div dir=\"auto\">Hello!</div>",
        &app.mailed_token_of(&made),
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    assert!(
        text.contains("forward this mail.\r\n\r\nNot expecting this?"),
        "the last words stand apart: {text}"
    );
    assert!(
        text.contains("\r\nhttp://invited.test/accept#ivm_"),
        "the link stands alone: {text}"
    );
}

#[test]
fn an_organization_may_have_an_accept_page_of_its_own_on_an_allowed_origin() {
    let smtp = Smtp::start();
    let app = app(
        &smtp,
        &[
            "--redirect-origins",
            "https://app.acme.test,http://invited.test",
        ],
    );
    let put = |url: &str| {
        app.request("PUT", "/v1/organizations/acme")
            .json(json!({"acceptUrl": url}).to_string())
            .send()
    };
    for (url, code) in [
        ("https://evil.test/join", "not_allowed"),
        ("https://app.acme.test.evil.test/join", "not_allowed"),
        ("https://app.acme.test:8443/join", "not_allowed"),
        ("https://user@app.acme.test/join", "invalid_format"),
        ("https://app.acme.test/join#x", "invalid_format"),
        ("https://app.acme.test/join#", "invalid_format"),
        ("javascript:alert(1)", "invalid_format"),
        ("/join", "invalid_format"),
        (
            &format!("https://app.acme.test/{}", "x".repeat(2048)),
            "too_long",
        ),
    ] {
        let answer = put(url);
        assert_eq!(
            (answer.status, crate::support::life::wrong(&answer)),
            (422, vec![("/acceptUrl".to_owned(), code.to_owned())]),
            "{url}"
        );
    }
    let answer = put("https://APP.acme.test/join?from=mail");
    assert_eq!(
        answer.json()["acceptUrl"],
        "https://app.acme.test/join?from=mail"
    );
    let made = invite(&app, "ada@example.com", &json!({}));
    let page = "https://app.acme.test/join?from=mail";
    let given = format!("{page}#{}", app.token_of(&made));
    assert_eq!(app.change(&made, "link", &json!({})).json()["url"], given);
    let mailed = format!("{page}#{}", app.mailed_token_of(&made));
    assert!(smtp.wait(1)[0].decoded().contains(&mailed));
    app.request("PUT", "/v1/organizations/acme")
        .json("{}")
        .send();
    app.change(&made, "resend", &json!({}));
    assert!(
        smtp.wait(2)[1]
            .decoded()
            .contains("http://invited.test/accept#ivm_"),
        "unset again"
    );
}

#[test]
fn templates_of_the_operator_take_the_place_of_ours_file_by_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let write =
        |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("a file");
    write(
        "invitation.subject.txt",
        "Willkommen bei {{ organization }}\n",
    );
    write("invitation.txt", "{{ inviter or 'Jemand' }}: {{ link }}");
    write(".hidden", "{% nonsense");
    let smtp = Smtp::start();
    let app = app(
        &smtp,
        &["--templates-dir", &folder.path().to_string_lossy()],
    );
    let made = invite(
        &app,
        "ada@example.com",
        &json!({"inviter": {"name": "<b>Ada</b>"}}),
    );
    wait_until(&app, &made, "sent");
    let mail = smtp.received().remove(0);
    assert_eq!(mail.headers("Subject"), ["Willkommen bei acme"]);
    assert!(
        mail.decoded()
            .contains("<b>Ada</b>: http://invited.test/accept#ivm_")
    );
    assert!(
        mail.decoded().contains("<strong>&lt;b&gt;Ada"),
        "the HTML is still ours"
    );
}

#[test]
fn a_note_has_at_most_500_characters_and_nothing_invisible() {
    let smtp = Smtp::start();
    let app = app(&smtp, &[]);
    let path = crate::support::invitations("acme");
    let create = |note: serde_json::Value, inviter: &str| {
        let email = format!("{}@example.com", fastrand::u64(..));
        app.post(
            &path,
            &json!({"email": email, "role": "r", "note": note, "inviter": {"email": inviter}})
                .to_string(),
        )
    };
    for note in [
        "\u{e9}".repeat(500),
        "a\nb\r\n\r\nc".to_owned(),
        "\r\n".repeat(499) + "x",
    ] {
        assert_eq!(create(json!(note), "g@example.com").status, 201, "{note:?}");
    }
    for (note, code) in [
        ("\u{e9}".repeat(501), "too_long"),
        ("a\rb".to_owned(), "forbidden_character"),
        ("a\u{202e}b".to_owned(), "forbidden_character"),
        ("a\u{2066}b".to_owned(), "forbidden_character"),
        ("a\u{200f}b".to_owned(), "forbidden_character"),
        ("a\u{fe0f}b".to_owned(), "forbidden_character"),
        ("a\u{200d}b".to_owned(), "forbidden_character"),
        ("\u{feff}\u{ad}".to_owned(), "invalid_format"),
        ("\n \n".to_owned(), "invalid_format"),
        (String::new(), "invalid_format"),
    ] {
        let answer = create(json!(note), "g@example.com");
        assert_eq!(
            crate::support::life::wrong(&answer),
            [("/note".to_owned(), code.to_owned())],
            "{note:?}"
        );
    }
    assert_eq!(create(json!(7), "g@example.com").status, 400);
    assert_eq!(
        crate::support::life::wrong(&create(json!(null), "nobody")),
        [("/inviter/email".to_owned(), "invalid_email".to_owned())]
    );
}
