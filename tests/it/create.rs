//! The options of a create, and its boundaries.

use invited::base::mode::Mode;

use crate::support::{TestApp, invitation, invitations};

/// A minute in milliseconds.
const MINUTE: i64 = 60 * 1000;

/// The body of a create, with more fields.
fn body(email: &str, more: &str) -> String {
    format!(r#"{{"email":"{email}","role":"developer"{more}}}"#)
}

#[test]
fn a_lifetime_is_given_in_seconds_or_as_an_end_or_is_the_servers_default() {
    let app = TestApp::start(Mode::Serve, &["--default-expiry", "12h"]);
    let end = |more: &str, email: &str| {
        app.post(&invitations("acme"), &body(email, more)).json()["expiresAt"].clone()
    };
    assert_eq!(end("", "a@b.co"), "2026-11-23T14:43:00.123Z");
    assert_eq!(
        end(r#","expiresIn":60"#, "b@b.co"),
        "2026-11-23T02:44:00.123Z"
    );
    assert_eq!(
        end(r#","expiresIn":31536000"#, "c@b.co"),
        "2027-11-23T02:43:00.123Z"
    );
    assert_eq!(
        end(r#","expiresAt":"2026-12-24T18:00:00+01:00""#, "d@b.co"),
        "2026-12-24T17:00:00.000Z"
    );
    assert_eq!(
        end(r#","expiresAt":null,"expiresIn":null"#, "e@b.co"),
        "2026-11-23T14:43:00.123Z"
    );
}

#[test]
fn an_invitation_expires_at_its_very_millisecond_without_any_job() {
    let app = TestApp::serve();
    let answer = app
        .post(&invitations("acme"), &body("a@b.co", r#","expiresIn":60"#))
        .json();
    let path = invitation("acme", &answer["id"]);
    for (millis, status) in [
        (MINUTE - 1, "pending"),
        (MINUTE, "expired"),
        (MINUTE + 1, "expired"),
    ] {
        app.advance_to(millis);
        assert_eq!(app.get(&path).json()["status"], status, "{millis}");
        assert_eq!(
            app.get(&format!("{}?status={status}", invitations("acme")))
                .json()[0]["id"],
            answer["id"]
        );
    }
    let unchanged = app.get(&path).json();
    assert_eq!(
        unchanged["updatedAt"], answer["updatedAt"],
        "reading changes nothing"
    );
}

#[test]
fn a_lapsed_invitation_never_blocks_a_new_one() {
    let app = TestApp::serve();
    let lapsed = app
        .post(&invitations("acme"), &body("a@b.co", r#","expiresIn":60"#))
        .json();
    app.advance_to(MINUTE - 1);
    assert_eq!(
        app.post(&invitations("acme"), &body("a@b.co", "")).code(),
        "already_invited"
    );
    app.advance_to(MINUTE);
    let renewed = app.post(&invitations("acme"), &body("A@B.co", ""));
    assert_eq!(renewed.status, 201, "{}", renewed.text());
    assert_ne!(renewed.json()["id"], lapsed["id"]);
    assert_eq!(
        app.get(&invitation("acme", &lapsed["id"])).json()["status"],
        "expired"
    );
    let history = app.db_rows("select type from event order by id");
    let types: Vec<_> = history
        .iter()
        .map(|row| row[0].trim_start_matches("Some(\"invitation."))
        .collect();
    assert_eq!(types, ["created\")", "expired\")", "created\")"]);
}

#[test]
fn a_second_invitation_of_an_address_is_refused_by_default_and_names_the_first() {
    let app = TestApp::serve();
    let first = app.invite("acme", "a@b.co");
    let second = app.post(
        &invitations("acme"),
        &body(" A@B.CO", r#","onConflict":"error""#),
    );
    assert_eq!(
        (second.status, second.code().as_str()),
        (409, "already_invited")
    );
    assert_eq!(second.json()["invitationId"], first["id"]);
    assert_eq!(
        app.get(&invitations("acme"))
            .json()
            .as_array()
            .map(Vec::len),
        Some(1)
    );
    app.invite("globex", "a@b.co");
    app.invite("acme", "a+tag@b.co");
}

#[test]
fn on_conflict_return_answers_the_standing_invitation_as_it_is() {
    let app = TestApp::serve();
    let first = app.invite("acme", "a@b.co");
    let returned = app.post(
        &invitations("acme"),
        r#"{"email":"a@b.co","role":"admin","onConflict":"return"}"#,
    );
    assert_eq!((returned.status, returned.json()), (200, first));
    assert_eq!(returned.header("location"), None);
}

#[test]
fn on_conflict_replace_revokes_the_standing_invitation_and_makes_a_new_one() {
    let app = TestApp::serve();
    let first = app.invite("acme", "a@b.co");
    app.advance_to(5);
    let second = app.post(
        &invitations("acme"),
        &body("a@b.co", r#","onConflict":"replace""#),
    );
    assert_eq!(second.status, 201);
    let revoked = app.get(&invitation("acme", &first["id"])).json();
    assert_eq!(
        (&revoked["status"], &revoked["revokedAt"]),
        (&"revoked".into(), &"2026-11-23T02:43:00.128Z".into())
    );
    assert_eq!(second.json()["status"], "pending");
}

#[test]
fn on_conflict_resend_renews_the_standing_invitation_once_its_cool_down_is_over() {
    let app = TestApp::serve();
    let first = app.invite("acme", "a@b.co");
    let resend = || {
        app.post(
            &invitations("acme"),
            &body("a@b.co", r#","onConflict":"resend""#),
        )
    };
    app.advance_to(MINUTE - 1);
    let early = resend();
    assert_eq!(
        (early.status, early.code().as_str()),
        (429, "resend_too_soon")
    );
    assert_eq!(early.header("retry-after"), Some("1"));
    app.advance_to(MINUTE);
    let renewed = resend();
    assert_eq!(renewed.status, 200);
    let renewed = renewed.json();
    assert_eq!(renewed["id"], first["id"]);
    assert_eq!(renewed["expiresAt"], "2026-11-30T02:44:00.123Z");
    assert_eq!(
        (&renewed["sendCount"], &renewed["lastSentAt"]),
        (&1.into(), &"2026-11-23T02:44:00.123Z".into())
    );
    assert_eq!(
        resend().header("retry-after"),
        Some("60"),
        "the cool-down starts anew"
    );
}

#[test]
fn an_accepted_invitation_blocks_new_ones_until_it_is_deleted() {
    let app = TestApp::start(Mode::Dev, &[]);
    app.fill_with_samples();
    let accepted = app
        .get(&format!("{}?status=accepted", invitations("acme")))
        .json()[0]
        .clone();
    let again = |more: &str| app.post(&invitations("acme"), &body("ada@example.com", more));
    for more in [
        "",
        r#","onConflict":"replace""#,
        r#","onConflict":"resend""#,
    ] {
        let refused = again(more);
        assert_eq!(
            (refused.status, refused.code().as_str()),
            (409, "already_accepted"),
            "{more}"
        );
        assert_eq!(refused.json()["invitationId"], accepted["id"]);
    }
    assert_eq!(again(r#","onConflict":"return""#).json(), accepted);
    assert_eq!(
        app.request("DELETE", &invitation("acme", &accepted["id"]))
            .send()
            .status,
        204
    );
    assert_eq!(again("").status, 201);
}

#[test]
fn numbers_of_metadata_come_back_to_the_last_digit() {
    let app = TestApp::serve();
    for number in [
        "1.2345678901234567e-287",
        "2.2250738585072014e-308",
        "9007199254740993",
        "123456789.12345679",
    ] {
        let more = format!(r#","metadata":{{"n":{number}}},"onConflict":"replace""#);
        let created = app.post(&invitations("acme"), &body("a@b.co", &more));
        assert!(
            created
                .text()
                .contains(&format!(r#""metadata":{{"n":{number}}}"#)),
            "{}",
            created.text()
        );
    }
}

#[test]
fn metadata_inviter_and_redirect_url_come_back_as_they_were_given() {
    let app = TestApp::start(
        Mode::Serve,
        &[
            "--redirect-origins",
            "https://app.example.com,http://localhost:3000",
        ],
    );
    let more = concat!(
        r#","metadata":{"b":1,"a":[true,null,"<ü>"],"n":9007199254740993},"notify":false,"#,
        r#""inviter":{"id":"u_1","name":"=HYPERLINK({{7*7}})"},"#,
        r#""redirectUrl":"https://app.example.com/join?x=1""#
    );
    let created = app.post(&invitations("acme"), &body("a@b.co", more));
    assert_eq!(created.status, 201, "{}", created.text());
    let expected = concat!(
        r#""inviter":{"id":"u_1","name":"=HYPERLINK({{7*7}})"},"#,
        r#""metadata":{"b":1,"a":[true,null,"<ü>"],"n":9007199254740993},"#,
        r#""redirectUrl":"https://app.example.com/join?x=1","delivery":"none"}"#
    );
    assert!(created.text().ends_with(expected), "{}", created.text());
    assert_eq!(
        app.get(&invitation("acme", &created.json()["id"])).text(),
        created.text()
    );
}

#[test]
fn a_redirect_goes_only_to_an_origin_on_the_list_which_is_the_public_url_by_default() {
    let app = TestApp::serve();
    let code = |url: &str| {
        let answer = app.post(
            &invitations("acme"),
            &body("a@b.co", &format!(r#","redirectUrl":"{url}""#)),
        );
        answer.json()["errors"][0]["code"].clone()
    };
    for foreign in [
        "https://invited.test/x",
        "http://invited.test:81/x",
        "http://evil.test",
        "http://invited.test.evil.io",
    ] {
        assert_eq!(code(foreign), "not_allowed", "{foreign}");
    }
    for malformed in [
        "javascript:alert(1)",
        "/relative",
        "http://u:p@invited.test/",
        "http://",
    ] {
        assert_eq!(code(malformed), "invalid_format", "{malformed}");
    }
    let fine = app.post(
        &invitations("acme"),
        &body("a@b.co", r#","redirectUrl":"http://invited.test/welcome""#),
    );
    assert_eq!(fine.json()["redirectUrl"], "http://invited.test/welcome");
}

#[test]
fn a_role_catalogue_is_the_only_source_of_roles() {
    let app = TestApp::start(Mode::Serve, &["--roles", "viewer,developer"]);
    let refused = app.post(&invitations("acme"), r#"{"email":"a@b.co","role":"admin"}"#);
    let error = &refused.json()["errors"][0];
    assert_eq!(
        (refused.status, &error["code"], &error["pointer"]),
        (422, &"unknown_value".into(), &"/role".into())
    );
    assert_eq!(error["detail"], "one of: viewer, developer");
    app.invite("acme", "a@b.co");
}

#[test]
fn metadata_may_be_64_levels_deep() {
    let app = TestApp::start(Mode::Serve, &[]);
    for (levels, status) in [(64, 201), (65, 422), (125, 422)] {
        let lists = levels - 1;
        let more = format!(
            r#","metadata":{{"a\"[{{":{}{}}}"#,
            "[".repeat(lists),
            "]".repeat(lists)
        );
        let made = app.post(
            &invitations("acme"),
            &body(&format!("l{levels}@b.co"), &more),
        );
        assert_eq!(made.status, status, "{levels}: {}", made.text());
    }
}
