//! B47, B48: how long an invitation may live.

use serde_json::json;

use super::fields::{refused, wrong_type};
use super::{Expected, Table, body_with};
use crate::support::{TestApp, invitations};

#[test]
fn an_end_outside_of_a_minute_to_a_year_is_refused() {
    let mut table = Table::new();
    let ends = [
        ("2020-01-01T00:00:00Z", "out_of_range"),
        ("2026-11-23T02:43:00.122Z", "out_of_range"),
        ("2026-11-23T02:43:00.123Z", "out_of_range"),
        ("2026-11-23T02:43:00.124Z", "out_of_range"),
        ("2026-11-23T02:44:00.122Z", "out_of_range"),
        ("2027-11-23T02:43:00.124Z", "out_of_range"),
        ("9999-12-31T23:59:59.999Z", "out_of_range"),
        ("+275760-09-13T00:00:00.001Z", "invalid_format"),
        ("+275761-01-01T00:00:00Z", "invalid_format"),
        ("2026-11-30", "invalid_format"),
        ("2026-11-30T02:43:00", "invalid_format"),
        ("2026-02-30T00:00:00Z", "invalid_format"),
        ("1795401900", "invalid_format"),
        ("tomorrow", "invalid_format"),
        ("", "invalid_format"),
    ];
    for (end, code) in ends {
        table.create(
            "B47",
            &body_with(&json!({ "expiresAt": end })),
            refused("/expiresAt", code),
        );
    }
    for seconds in [i64::MIN, -1, 0, 1, 59, 31_536_001, i64::MAX] {
        table.create(
            "B47",
            &body_with(&json!({ "expiresIn": seconds })),
            refused("/expiresIn", "out_of_range"),
        );
    }
    let both = json!({ "expiresIn": 3600, "expiresAt": "2026-11-30T02:43:00Z" });
    table.create("B47", &body_with(&both), refused("/expiresAt", "conflict"));
}

#[test]
fn an_end_of_exactly_a_minute_or_a_year_is_accepted() {
    let mut table = Table::new();
    let rows = [
        (
            json!({ "expiresAt": "2026-11-23T02:44:00.123Z" }),
            "2026-11-23T02:44:00.123Z",
        ),
        (
            json!({ "expiresAt": "2027-11-23T03:43:00.123+01:00" }),
            "2027-11-23T02:43:00.123Z",
        ),
        (json!({ "expiresIn": 60 }), "2026-11-23T02:44:00.123Z"),
        (
            json!({ "expiresIn": 31_536_000 }),
            "2027-11-23T02:43:00.123Z",
        ),
    ];
    for (index, (mut fields, end)) in rows.into_iter().enumerate() {
        fields["email"] = json!(format!("e{index}@b.co"));
        let answer = table.create("B47", &body_with(&fields), Expected::Done(201));
        assert_eq!(answer.json()["expiresAt"], end, "{fields}");
    }
}

#[test]
fn a_whole_number_is_one_however_it_is_written() {
    let app = TestApp::serve();
    for (index, seconds) in ["3600", "3600.0", "36e2", "3.6E+3", "3600.000"]
        .iter()
        .enumerate()
    {
        let body = format!(r#"{{"email":"e{index}@b.co","role":"dev","expiresIn":{seconds}}}"#);
        let answer = app.post(&invitations("acme"), &body);
        assert_eq!(
            answer.json()["expiresAt"],
            "2026-11-23T03:43:00.123Z",
            "{seconds}"
        );
    }
    let put = |body: &str| {
        let request = app.request("PUT", "/v1/organizations/acme").json(body);
        request.send()
    };
    let answer = put(r#"{"maxPending":7.0,"defaultExpiresIn":86400.0}"#);
    let settings = answer.json();
    assert_eq!(
        (&settings["maxPending"], &settings["defaultExpiresIn"]),
        (&json!(7), &json!(86400))
    );
    for wrong in [
        r#"{"maxPending":7.5}"#,
        r#"{"maxPending":1e30}"#,
        r#"{"defaultExpiresIn":86400.1}"#,
    ] {
        assert_eq!(put(wrong).code(), "invalid_json", "{wrong}");
    }
}

#[test]
fn a_lifetime_is_a_whole_number_and_an_end_a_text() {
    let mut table = Table::new();
    let lifetime =
        |value: &str| format!(r#"{{"email":"new@b.co","role":"developer","expiresIn":{value}}}"#);
    for value in [
        "\"3600\"",
        "3600.5",
        "36e-3",
        "99999999999999999999",
        "true",
        "[3600]",
        "{}",
        "1e400",
    ] {
        table.create(
            "B48",
            &lifetime(value),
            Expected::Problem(400, "invalid_json"),
        );
    }
    for value in ["NaN", "Infinity", "+3600", "03600", "3600.", "0x10", "-"] {
        table.create(
            "B48",
            &lifetime(value),
            Expected::Problem(400, "invalid_json"),
        );
    }
    table.create("B48", &lifetime("\"3600\""), wrong_type("/expiresIn"));
    table.create(
        "B48",
        &lifetime("-0"),
        Expected::Problem(422, "validation_failed"),
    );
    for value in [
        json!(1_795_488_180_123_i64),
        json!(1.5),
        json!(["2026-11-30T02:43:00Z"]),
    ] {
        table.create(
            "B48",
            &body_with(&json!({ "expiresAt": value })),
            wrong_type("/expiresAt"),
        );
    }
}
