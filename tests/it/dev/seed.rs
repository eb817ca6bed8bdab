//! Seed documents: what they fill a file with, and what is refused.

use invited::base::clock::Timestamp;
use serde_json::{Value, json};

use super::dev;
use crate::support::{Answer, invitations};

/// A seed document with the invitations of one organization.
pub fn acme(invitations: &Value) -> String {
    json!({"organizations": [{"id": "acme", "invitations": invitations}]}).to_string()
}

/// Pointers and codes of the errors of a problem document.
fn errors(answer: &Answer) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let problem = answer.json();
    let listed = problem["errors"].as_array().cloned().unwrap_or_default();
    listed
        .iter()
        .map(|error| (text(&error["pointer"]), text(&error["code"])))
        .collect()
}

#[test]
fn an_invitation_of_a_seed_that_names_no_end_lives_as_long_as_its_organization_says() {
    let app = dev();
    let day = 86_400;
    for (lifetime, invitation, status) in [
        (day, json!({"email": "a@b.co", "role": "viewer"}), "pending"),
        (
            day,
            json!({"email": "a@b.co", "role": "viewer", "age": "2d", "status": "expired"}),
            "expired",
        ),
        (
            30 * day,
            json!({"email": "a@b.co", "role": "viewer", "age": "10d"}),
            "pending",
        ),
    ] {
        let settings = json!({ "defaultExpiresIn": lifetime });
        let acme = json!({ "id": "acme", "settings": settings, "invitations": [invitation] });
        let seeded = app.post("/dev/seed", &json!({ "organizations": [acme] }).to_string());
        assert_eq!(seeded.status, 200, "{}", seeded.text());
        let made = app.get(&invitations("acme")).json()[0].clone();
        let time = |name: &str| {
            made[name]
                .as_str()
                .and_then(Timestamp::parse)
                .expect("a time")
        };
        assert_eq!(made["status"], status);
        assert_eq!(time("createdAt").plus_seconds(lifetime), time("expiresAt"));
    }
}

#[test]
fn a_seed_replaces_everything_and_its_invitations_are_as_old_and_as_far_as_it_says() {
    let app = dev();
    app.invite_by_mail("globex", "gone@b.co");
    let answer = app.post(
        "/dev/seed",
        &acme(&json!([
            {"email": "New@B.co", "role": "developer", "metadata": {"team": "core"},
                "inviter": {"name": "Ada"}},
            {"email": "in@b.co", "role": "admin", "age": "30d", "status": "accepted",
                "acceptedBy": "user_7"},
            {"email": "no@b.co", "role": "viewer", "age": 86400, "status": "declined"},
            {"email": "off@b.co", "role": "viewer", "age": "2d", "status": "revoked"},
            {"email": "late@b.co", "role": "viewer", "age": "1h", "expiresIn": 3600,
                "status": "expired"},
        ])),
    );
    assert_eq!(
        (answer.status, answer.text().as_str()),
        (200, r#"{"organizations":1,"invitations":5}"#)
    );
    assert_eq!(app.get(&invitations("globex")).text(), "[]");
    let list = app.get(&invitations("acme")).json();
    let rows: Vec<_> = list.as_array().expect("an array").iter().collect();
    let shown: Vec<_> = rows
        .iter()
        .filter_map(|row| Some((row["email"].as_str()?, row["status"].as_str()?)))
        .collect();
    let expected = [
        ("new@b.co", "pending"),
        ("late@b.co", "expired"),
        ("no@b.co", "declined"),
        ("off@b.co", "revoked"),
        ("in@b.co", "accepted"),
    ];
    assert_eq!(
        shown, expected,
        "newest first, whatever the order of the document"
    );
    assert_eq!(
        (&rows[0]["metadata"], &rows[0]["inviter"]),
        (&json!({"team": "core"}), &json!({"name": "Ada"}))
    );
    assert_eq!(rows[0]["createdAt"], "2026-11-23T02:43:00.123Z");
    assert_eq!(rows[1]["expiresAt"], "2026-11-23T02:43:00.123Z");
    let then = json!("2026-10-24T02:43:00.123Z");
    assert_eq!(
        (&rows[4]["createdAt"], &rows[4]["acceptedAt"]),
        (&then, &then)
    );
    assert_eq!(rows[4]["acceptedBy"], "user_7");
    assert_eq!(rows[2]["declinedAt"], "2026-11-22T02:43:00.123Z");
    let events = app.db_rows("select type from event order by rowid");
    let events: Vec<_> = events
        .iter()
        .map(|row| row[0].trim_start_matches("Some(\"invitation."))
        .collect();
    let types: Vec<_> = events
        .iter()
        .map(|event| event.trim_end_matches("\")"))
        .collect();
    assert_eq!(
        types,
        [
            "created", "accepted", "created", "revoked", "created", "declined", "created",
            "created", "expired"
        ]
    );
}

#[test]
fn the_example_of_the_guide_is_a_seed_and_organizations_without_invitations_are_known() {
    let guide = include_str!("../../../docs/dev.md");
    let example = guide
        .split("```json\n")
        .nth(1)
        .and_then(|rest| rest.split("```").next())
        .expect("an example");
    let app = dev();
    let answer = app.post("/dev/seed", example);
    assert_eq!(
        (answer.status, answer.text().as_str()),
        (200, r#"{"organizations":2,"invitations":3}"#)
    );
    assert_eq!(app.db_rows("select id from organization").len(), 2);
}

#[test]
fn addresses_that_come_twice_follow_the_rule_of_a_create() {
    let app = dev();
    let document = acme(&json!([
        {"email": "a@b.co", "role": "developer", "onConflict": "replace"},
        {"email": "a@b.co", "role": "viewer", "age": "1d"},
        {"email": "c@b.co", "role": "viewer", "age": "10d", "status": "expired"},
        {"email": "c@b.co", "role": "viewer", "age": "1d", "status": "revoked"},
        {"email": "d@b.co", "role": "viewer", "age": "2d"},
        {"email": "d@b.co", "role": "viewer", "age": "1d", "onConflict": "resend"},
    ]));
    assert_eq!(
        app.post("/dev/seed", &document).text(),
        r#"{"organizations":1,"invitations":5}"#
    );
    let list = app.get(&invitations("acme")).json();
    let count = |status: &str| {
        list.as_array()
            .into_iter()
            .flatten()
            .filter(|row| row["status"] == status)
            .count()
    };
    assert_eq!(
        (count("pending"), count("revoked"), count("expired")),
        (2, 2, 1)
    );
    let resent = app
        .get(&format!("{}?email=d@b.co", invitations("acme")))
        .json()[0]
        .clone();
    assert_eq!(resent["sendCount"], 1);
}

#[test]
fn a_seed_that_is_wrong_anywhere_changes_nothing_and_is_told_everything() {
    let app = dev();
    app.invite_by_mail("acme", "stays@b.co");
    let before = app.get(&invitations("acme")).text();
    let bad = json!({"organizations": [
        {"id": "acme", "invitations": [
            {"email": "good@b.co", "role": "developer"},
            {"email": "nonsense", "age": "8x", "status": "lapsed"},
            {"email": "b@b.co", "role": "developer", "status": "expired", "age": "6d"},
            {"email": "c@b.co", "role": "developer", "age": "7d"},
            {"email": "d@b.co", "role": "developer", "acceptedBy": "user_7"},
            {"email": "e@b.co", "role": "developer", "status": "accepted",
                "acceptedBy": "\u{200b}"},
            {"email": "f@b.co", "role": "developer", "age": "100years"},
            {"email": "g@b.co", "role": "developer", "age": -1, "expiresIn": 1,
                "inviter": {"id": ""}},
        ]},
        {"id": "acme"},
        {"id": "-"},
        {},
    ]});
    let answer = app.post("/dev/seed", &bad.to_string());
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (422, "validation_failed"),
        "{}",
        answer.text()
    );
    let expected = [
        ("/organizations/0/invitations/1/age", "invalid_format"),
        ("/organizations/0/invitations/1/status", "unknown_value"),
        ("/organizations/0/invitations/1/email", "invalid_email"),
        ("/organizations/0/invitations/1/role", "required"),
        ("/organizations/0/invitations/2/age", "out_of_range"),
        ("/organizations/0/invitations/3/age", "out_of_range"),
        ("/organizations/0/invitations/4/acceptedBy", "conflict"),
        (
            "/organizations/0/invitations/5/acceptedBy",
            "forbidden_character",
        ),
        ("/organizations/0/invitations/6/age", "out_of_range"),
        ("/organizations/0/invitations/7/age", "out_of_range"),
        ("/organizations/0/invitations/7/expiresIn", "out_of_range"),
        (
            "/organizations/0/invitations/7/inviter/id",
            "invalid_format",
        ),
        ("/organizations/1/id", "conflict"),
        ("/organizations/2/id", "invalid_format"),
        ("/organizations/3/id", "required"),
    ];
    let expected: Vec<_> = expected
        .map(|(pointer, code)| (pointer.to_owned(), code.to_owned()))
        .into();
    assert_eq!(errors(&answer), expected);
    let twice = acme(&json!([{"email": "x@b.co", "role": "a"}, {"email": "X@b.co", "role": "a"}]));
    let answer = app.post("/dev/seed", &twice);
    assert_eq!(answer.status, 422);
    assert_eq!(
        errors(&answer),
        [(
            "/organizations/0/invitations/1/email".to_owned(),
            "conflict".to_owned()
        )]
    );
    let (problem, end) = (
        answer.json(),
        "`onConflict` can return, replace or resend it",
    );
    for (detail, end) in [
        (&problem["errors"][0]["detail"], end.to_owned()),
        (&problem["detail"], format!("{end}.")),
    ] {
        assert!(
            detail.as_str().is_some_and(|detail| detail.ends_with(&end)),
            "{problem}"
        );
    }
    assert_eq!(app.get(&invitations("acme")).text(), before);
    assert_eq!(app.db_rows("select id from event").len(), 1);
}

#[test]
fn a_seed_of_another_shape_is_refused_with_its_place() {
    let app = dev();
    let cases = [
        ("{}", 422, "/organizations", "required"),
        (
            r#"{"organizations":{}}"#,
            400,
            "/organizations",
            "wrong_type",
        ),
        (
            r#"{"organizations":[["acme",[]]]}"#,
            400,
            "/organizations/0",
            "wrong_type",
        ),
        (
            r#"{"organizations":[],"version":1}"#,
            400,
            "/version",
            "unknown_field",
        ),
        (
            r#"{"organizations":[{"id":"acme","name":"Acme"}]}"#,
            400,
            "/organizations/0/name",
            "unknown_field",
        ),
        (
            r#"{"organizations":[{"id":"acme","invitations":[{"mail":"a@b.co"}]}]}"#,
            400,
            "/organizations/0/invitations/0/mail",
            "unknown_field",
        ),
        (
            r#"{"organizations":[{"id":"acme","invitations":[{"age":true}]}]}"#,
            400,
            "/organizations/0/invitations/0/age",
            "wrong_type",
        ),
    ];
    for (body, status, pointer, code) in cases {
        let answer = app.post("/dev/seed", body);
        assert_eq!(answer.status, status, "{body}: {}", answer.text());
        assert_eq!(
            errors(&answer),
            [(pointer.to_owned(), code.to_owned())],
            "{body}"
        );
    }
}

#[test]
fn a_seed_may_have_a_mebibyte_and_no_byte_more() {
    let app = dev();
    let of_size = |body: &str, size: usize| body.to_owned() + &" ".repeat(size - body.len());
    let (seed, free) = (r#"{"organizations":[]}"#, r#"{"free":true}"#);
    assert_eq!(
        app.post("/dev/seed", &of_size(seed, 1024 * 1024)).status,
        200
    );
    let refused = app.post("/dev/seed", &of_size(seed, 1024 * 1024 + 1));
    assert_eq!(
        (refused.status, refused.code().as_str()),
        (413, "body_too_large")
    );
    assert!(refused.text().contains("1048576"), "{}", refused.text());
    assert_eq!(app.post("/dev/clock", &of_size(free, 65_537)).status, 413);
    assert_eq!(app.post("/dev/clock", &of_size(free, 65_536)).status, 200);
}

#[test]
fn thousands_of_invitations_are_seeded_at_once() {
    let app = dev();
    let many: Vec<_> = (0..5000)
        .map(|number| json!({"email": format!("u{number}@b.co"), "role": "viewer"}))
        .collect();
    assert_eq!(
        app.post("/dev/seed", &acme(&many.into())).text(),
        r#"{"organizations":1,"invitations":5000}"#
    );
    assert_eq!(
        app.get(&invitations("acme"))
            .json()
            .as_array()
            .map(Vec::len),
        Some(5000)
    );
}
