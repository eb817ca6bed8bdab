//! The language of mail: whose it is, what it falls back to, and words of the operator.

use invited::base::mode::Mode;
use invited::outbox::mail::Kind;
use serde_json::{Value, json};

use super::content::compose;
use super::injection::LANGUAGES;
use super::settings::fails;
use crate::support::life::path_of;
use crate::support::{TestApp, invitations};

/// Makes an invitation of `acme` of this language.
fn invite(app: &TestApp, email: &str, locale: Option<&str>) -> Value {
    let inviter = json!({ "name": "Ada", "email": "ada@acme.test" });
    let body = json!({ "email": email, "role": "developer", "locale": locale,
        "inviter": inviter });
    let answer = app.post(&invitations("acme"), &body.to_string());
    assert_eq!(answer.status, 201, "{}", answer.text());
    answer.json()
}

/// Gives the organization these settings.
fn put(app: &TestApp, settings: &Value) {
    app.request("PUT", "/v1/organizations/acme")
        .json(settings.to_string())
        .send();
}

/// The newest mail of a kind to an address, with all that is in it.
fn mail(app: &TestApp, email: &str, kind: &str) -> Value {
    let query = format!("/dev/mailbox?to={email}&kind={kind}&wait=10s");
    let kept = app.get(&query).json()[0].clone();
    let id = kept["id"].as_str().expect("a mail");
    app.get(&format!("/dev/mailbox/{id}")).json()
}

/// The subject of a mail.
fn subject(mail: &Value) -> &str {
    mail["subject"].as_str().expect("a subject")
}

#[test]
fn an_invitation_is_mailed_in_its_language_with_its_date_and_its_direction() {
    let app = TestApp::start(Mode::Dev, &[]);
    for (language, line, end, button) in [
        (
            "en",
            "Ada invited you to join acme",
            "UTC",
            "Accept or decline",
        ),
        (
            "de",
            "Ada lädt Sie zu acme ein",
            "Uhr (UTC)",
            "Annehmen oder ablehnen",
        ),
        (
            "fr",
            "Ada vous invite à rejoindre acme",
            " à ",
            "Accepter ou refuser",
        ),
        (
            "es",
            "Ada le invita a unirse a acme",
            " de ",
            "Aceptar o rechazar",
        ),
        (
            "ar",
            "دعوة من Ada للانضمام إلى acme",
            "، الساعة ",
            "القبول أو الرفض",
        ),
        (
            "ja",
            "Adaさんからacmeへの招待が届いています",
            "年",
            "承諾または辞退する",
        ),
    ] {
        let email = format!("{language}@example.com");
        invite(&app, &email, Some(language));
        let mail = mail(&app, &email, "invitation");
        let (text, html) = (mail["text"].to_string(), mail["html"].to_string());
        assert_eq!(subject(&mail), line);
        for part in [end, &email] {
            assert!(
                text.contains(part) && html.contains(part),
                "{part}: {text}{html}"
            );
        }
        assert!(html.contains(&format!(">{button}</font>")), "{html}");
        let is_rtl = language == "ar";
        let start = format!(
            "<html lang=\\\"{language}\\\"{}",
            if is_rtl { " dir" } else { ">" }
        );
        assert!(html.contains(&start), "{html}");
        assert_eq!(
            html.matches("dir=\\\"rtl\\\"").count(),
            if is_rtl { 3 } else { 0 }
        );
        assert_eq!(text.contains("Not expecting"), language == "en", "{text}");
    }
}

#[test]
fn every_kind_of_mail_has_words_in_every_language() {
    for kind in Kind::ALL {
        let mut subjects = Vec::new();
        for language in LANGUAGES {
            let mail = compose(kind, |letter| letter.locales = vec![language.to_owned()]);
            for shown in [&mail.subject, &mail.text, &mail.html] {
                assert!(
                    !shown.contains(['{', '}']) || shown == &mail.html,
                    "{shown}"
                );
            }
            assert!(mail.html.contains(&format!("<html lang=\"{language}\"")));
            subjects.push(mail.subject);
        }
        subjects.sort();
        subjects.dedup();
        assert_eq!(subjects.len(), LANGUAGES.len(), "{subjects:?}");
    }
}

#[test]
fn what_an_invitation_does_not_say_its_organization_says_and_else_it_is_english() {
    let app = TestApp::start(Mode::Dev, &[]);
    let read = |email: &str, locale: Option<&str>| {
        invite(&app, email, locale);
        subject(&mail(&app, email, "invitation")).to_owned()
    };
    let (english, german) = ("Ada invited you to join acme", "Ada lädt Sie zu acme ein");
    let french = "Ada vous invite à rejoindre acme";
    assert_eq!(read("a@example.com", None), english);
    assert_eq!(read("b@example.com", Some("tlh")), english);
    assert_eq!(read("c@example.com", Some("de-CH-1996")), german);
    put(&app, &json!({ "locale": "fr-CA" }));
    assert_eq!(read("d@example.com", None), french);
    assert_eq!(read("e@example.com", Some("tlh")), french);
    assert_eq!(read("f@example.com", Some("DE-at")), german);
    assert_eq!(read("g@example.com", Some("en-GB")), english);
}

#[test]
fn a_changed_language_is_that_of_the_mail_after_it() {
    let app = TestApp::start(Mode::Dev, &[]);
    let made = invite(&app, "ada@example.com", Some("de"));
    assert_eq!(
        subject(&mail(&app, "ada@example.com", "invitation")),
        "Ada lädt Sie zu acme ein"
    );
    app.request("PATCH", &path_of(&made))
        .json(r#"{"locale":"es"}"#)
        .send();
    app.request("DELETE", "/dev/mailbox").send();
    assert_eq!(app.change(&made, "resend", &json!({})).status, 200);
    assert_eq!(
        subject(&mail(&app, "ada@example.com", "invitation")),
        "Ada le invita a unirse a acme"
    );
    app.ask_code(&app.token_of(&app.look(&made)), "ada@example.com");
    let code = mail(&app, "ada@example.com", "code");
    assert_eq!(subject(&code), "Su código para acme");
}

#[test]
fn an_inviter_is_told_in_the_language_of_the_organization() {
    let app = TestApp::start(Mode::Dev, &["--notify-inviters"]);
    put(&app, &json!({ "locale": "ja" }));
    let made = invite(&app, "grace@example.com", Some("de"));
    let accept = json!({ "email": "grace@example.com" });
    assert_eq!(app.change(&made, "accept", &accept).status, 200);
    assert_eq!(
        subject(&mail(&app, "ada@acme.test", "notice")),
        "grace@example.com さんがacmeへの招待を承諾しました"
    );
}

/// A catalogue of the operator for a language that we have none for.
fn portuguese() -> Value {
    let english = include_str!("../../../src/mail/words/en.json");
    let mut words: Value = serde_json::from_str(english).expect("JSON");
    words["date"] = json!("{day} de {month} de {year} às {time} UTC");
    words["words"]["invited_by_subject"] = json!("{inviter} convidou você para {organization}");
    words
}

#[test]
fn words_of_the_operator_are_another_language_or_other_words_of_ours() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, words: &Value| {
        std::fs::write(folder.path().join(name), words.to_string()).expect("a file");
    };
    write("words.pt-BR.json", &portuguese());
    write(
        "words.de.json",
        &json!({ "words": { "accept_or_decline": "Ja oder nein & mehr" } }),
    );
    let path = folder.path().to_string_lossy();
    let app = TestApp::start(Mode::Dev, &["--templates-dir", &path]);
    invite(&app, "p@example.com", Some("pt-br"));
    let portuguese = mail(&app, "p@example.com", "invitation");
    assert_eq!(subject(&portuguese), "Ada convidou você para acme");
    assert!(
        portuguese["text"].to_string().contains(" às "),
        "{portuguese}"
    );
    assert!(
        portuguese["html"]
            .to_string()
            .contains("lang=\\\"pt-BR\\\""),
        "{portuguese}"
    );
    invite(&app, "q@example.com", Some("pt"));
    assert_eq!(
        subject(&mail(&app, "q@example.com", "invitation")),
        "Ada invited you to join acme",
        "Brazilian words are for Brazil"
    );
    invite(&app, "d@example.com", Some("de"));
    let german = mail(&app, "d@example.com", "invitation");
    assert_eq!(subject(&german), "Ada lädt Sie zu acme ein");
    assert!(
        german["html"]
            .to_string()
            .contains(">Ja oder nein &amp; mehr</font>"),
        "{german}"
    );
}

#[test]
fn words_that_cannot_be_used_are_named_at_the_start() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().to_string_lossy().into_owned();
    let mut without_months = portuguese();
    without_months
        .as_object_mut()
        .expect("an object")
        .remove("months");
    let mut without_word = portuguese();
    without_word["words"]
        .as_object_mut()
        .expect("an object")
        .remove("code_subject");
    for (name, text, part) in [
        (
            "words.pt.json",
            without_months.to_string(),
            "`months` is missing",
        ),
        (
            "words.pt.json",
            without_word.to_string(),
            "`words` lacks `code_subject`",
        ),
        (
            "words.pt.json",
            "{\n  \"word\": {}}".to_owned(),
            "json: it has an unknown field: word (did you mean words?)\n",
        ),
        (
            "words.de.json",
            r#"{"months":["Jänner"]}"#.to_owned(),
            "json: months must be an array of length 12, and has 1 (line 1, column 21)\n",
        ),
        (
            "words.de.json",
            "{\n \"space\": }".to_owned(),
            "json: it is not JSON: a value is missing, or is a word without double quotes (line 2, column 11)\n",
        ),
        (
            "words.de.json",
            r#"{"words":{"accept":3}}"#.to_owned(),
            "json: words/accept must be a string, and is a whole number (line 1, column 20)\n",
        ),
        (
            "words.de.json",
            r#"["ltr"]"#.to_owned(),
            "json: it must be a JSON object, and is an array",
        ),
        (
            "words.de.json",
            r#"{"words":{"accept":"x","accept":"y"}}"#.to_owned(),
            "`accept` is there twice",
        ),
        (
            "words.de.json",
            r#"{"direction":"up"}"#.to_owned(),
            "`ltr` or `rtl`",
        ),
        (
            "words.de.json",
            r#"{"date":"{day}. {month}"}"#.to_owned(),
            "`date` lacks {time}",
        ),
        (
            "words.de.json",
            r#"{"words":{"nothing":"x"}}"#.to_owned(),
            "no `nothing`",
        ),
        (
            "words.de.json",
            r#"{"words":{"invited":" "}}"#.to_owned(),
            "`invited` is empty",
        ),
        (
            "words.de.json",
            r#"{"words":{"invited":"{inviter}!"}}"#.to_owned(),
            "`invited` names {inviter}; it may name {organization}, {role}",
        ),
        ("words.d_e.json", "{}".to_owned(), "no language tag"),
        (
            "words.PT-br.json",
            portuguese().to_string(),
            "its name must be words.pt-BR.json",
        ),
        (
            "words.DE.json",
            "{}".to_owned(),
            "its name must be words.de.json",
        ),
        ("words.json", "{}".to_owned(), "no template of this name"),
    ] {
        let file = folder.path().join(name);
        std::fs::write(&file, text).expect("a file");
        let (code, error) = fails(&["--templates-dir", &path], None);
        assert_eq!(code, Some(2), "{error}");
        assert!(
            error.contains(&format!("cannot use {}: ", file.display()))
                && error.contains(part)
                && error.contains("hint"),
            "{part}: {error}"
        );
        std::fs::remove_file(file).expect("it is there");
    }
}
