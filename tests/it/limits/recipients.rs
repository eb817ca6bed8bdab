//! How much mail one recipient gets, and how much one organization sends.

use invited::base::mode::Mode;

use super::{assert_refused, invite, mailing};
use crate::support::{TestApp, invitation, invitations};

#[test]
fn a_recipient_gets_a_days_quota_of_mail_from_each_organization_and_tags_share_it() {
    let app = mailing(&["--limit-recipient", "3"]);
    assert_eq!(invite(&app, "acme", "a@b.co", "").status, 201);
    assert_eq!(invite(&app, "acme", "a+tag@b.co", "").status, 201);
    assert_eq!(invite(&app, "acme", "A+other@B.co", "").status, 201);
    assert_refused(
        &invite(&app, "acme", "a+more@b.co", ""),
        "recipient",
        3,
        86_400,
    );
    assert_eq!(
        app.get(&invitations("acme"))
            .json()
            .as_array()
            .map(Vec::len),
        Some(3)
    );
    assert_eq!(invite(&app, "acme", "other@b.co", "").status, 201);
    assert_eq!(
        invite(&app, "initech", "a@b.co", "").status,
        201,
        "another organization"
    );
}

#[test]
fn a_server_without_mail_counts_none() {
    let app = TestApp::start(Mode::Serve, &["--limit-recipient", "1"]);
    assert_eq!(
        ["a", "a+one", "a+two"]
            .map(|name| invite(&app, "acme", &format!("{name}@b.co"), "").status),
        [201; 3]
    );
}

#[test]
fn what_makes_no_invitation_costs_nothing() {
    let app = mailing(&["--limit-recipient", "2", "--limit-organization", "3"]);
    let id = invite(&app, "acme", "a@b.co", "").json()["id"].clone();
    for _ in 0..5 {
        assert_eq!(invite(&app, "acme", "a@b.co", "").status, 409);
        assert_eq!(
            invite(&app, "acme", "a@b.co", r#","expiresIn":1"#).status,
            422
        );
        assert_eq!(
            invite(&app, "acme", "a@b.co", r#","onConflict":"return""#).status,
            200
        );
        assert_eq!(
            invite(&app, "acme", "a@b.co", r#","onConflict":"resend""#).code(),
            "resend_too_soon"
        );
    }
    assert_eq!(
        app.request("DELETE", &invitation("acme", &id))
            .send()
            .status,
        204
    );
    let body = r#"{"email":"a@b.co","role":"developer"}"#;
    let again = || {
        app.request("POST", &invitations("acme"))
            .header("Idempotency-Key", "k")
            .json(body)
            .send()
    };
    assert_eq!(
        [(); 3].map(|()| again().status),
        [201; 3],
        "the stored answer costs nothing"
    );
    assert_refused(
        &invite(&app, "acme", "a+tag@b.co", ""),
        "recipient",
        2,
        86_400,
    );
    assert_eq!(
        invite(&app, "acme", "c@b.co", "").status,
        201,
        "the organization has one left"
    );
    assert_refused(
        &invite(&app, "acme", "d@b.co", ""),
        "organization",
        3,
        86_400,
    );
}

#[test]
fn sending_again_and_replacing_count_and_a_refused_one_leaves_the_standing_one_as_it_was() {
    let app = mailing(&["--limit-recipient", "3", "--resend-cooldown", "0s"]);
    assert_eq!(invite(&app, "acme", "a@b.co", "").status, 201);
    assert_eq!(
        invite(&app, "acme", "a@b.co", r#","onConflict":"resend""#).status,
        200
    );
    assert_eq!(
        invite(&app, "acme", "a@b.co", r#","onConflict":"replace""#).status,
        201
    );
    // The mail server is away: how often it was tried meanwhile is another matter.
    let columns =
        "select hex(id), cast(state as text), cast(send_count as text), cast(updated_at as text)";
    let standing_rows = || app.db_rows(&format!("{columns} from invitation order by id"));
    let (standing, events) = (standing_rows(), app.db_rows("select id from event").len());
    app.advance_to(1_000);
    for more in [r#","onConflict":"resend""#, r#","onConflict":"replace""#] {
        assert_refused(
            &invite(&app, "acme", "a@b.co", more),
            "recipient",
            3,
            86_400,
        );
    }
    assert_eq!(standing_rows(), standing);
    assert_eq!(app.db_rows("select id from event").len(), events);
    // The clock of invitations is not that of limits: setting it frees nobody.
    app.advance_to(8 * 86_400_000);
    assert_refused(&invite(&app, "acme", "a@b.co", ""), "recipient", 3, 86_400);
}

#[test]
fn an_organization_has_its_own_quota_when_one_is_set() {
    let app = TestApp::start(Mode::Serve, &["--limit-organization", "2"]);
    assert_eq!(
        [1, 2].map(|number| invite(&app, "acme", &format!("p{number}@b.co"), "").status),
        [201; 2]
    );
    assert_refused(
        &invite(&app, "acme", "p3@b.co", ""),
        "organization",
        2,
        86_400,
    );
    assert_eq!(invite(&app, "globex", "p3@b.co", "").status, 201);
    let dialect = app.post(
        "/clickhouse/v1/organizations/acme/invitations",
        r#"{"email":"p4@b.co"}"#,
    );
    assert_eq!(dialect.status, 429);
    assert!(
        dialect.json()["error"]
            .as_str()
            .unwrap_or_default()
            .starts_with("RATE_LIMITED: "),
        "{}",
        dialect.text()
    );
    assert_eq!(
        dialect.header("ratelimit-policy"),
        Some("\"organization\";q=2;w=86400")
    );
}
