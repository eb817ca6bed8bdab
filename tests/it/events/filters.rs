//! The filters of a history: by type, by invitation and by time, and which of them are refused.

use serde_json::Value;

use super::{at, emails, events, field};
use crate::support::{TestApp, invitation};

#[test]
fn filters_by_type_and_invitation_combine() {
    let app = TestApp::serve();
    let (one, two) = (app.invite("acme", "a@b.co"), app.invite("acme", "b@b.co"));
    assert_eq!(
        app.request("DELETE", &invitation("acme", &one["id"]))
            .send()
            .status,
        204
    );
    let types = |query: &str| field(&app.get(&format!("{}?{query}", events("acme"))), "type");
    let (created, deleted) = ("invitation.created", "invitation.deleted");
    assert_eq!(types("type=invitation.created"), [created, created]);
    assert_eq!(
        types("type=invitation.deleted,invitation.created"),
        [deleted, created, created]
    );
    assert_eq!(
        types("type=invitation.deleted,invitation.deleted"),
        [deleted]
    );
    assert_eq!(types("type=invitation.accepted"), [""; 0]);
    let of =
        |invitation: &Value| format!("invitationId={}", invitation["id"].as_str().expect("an id"));
    assert_eq!(types(&of(&one)), [deleted, created]);
    assert_eq!(
        types(&format!("{}&order=asc", of(&one))),
        [created, deleted]
    );
    assert_eq!(types(&of(&two)), [created]);
    assert_eq!(
        types(&format!("{}&type=invitation.deleted", of(&two))),
        [""; 0]
    );
    assert_eq!(
        types("invitationId=019a0c5e-7b1c-7cc3-98c4-dc0c0c07398f"),
        [""; 0]
    );
}

#[test]
fn since_takes_its_own_millisecond_and_until_does_not() {
    let app = TestApp::serve();
    for (number, millis) in [1_000, 2_000, 3_000].into_iter().enumerate() {
        app.advance_to(millis);
        app.invite("acme", &format!("p{number}@b.co"));
    }
    let count = |query: &str| {
        let count =
            |order| emails(&app.get(&format!("{}?{query}&order={order}", events("acme")))).len();
        assert_eq!(count("asc"), count("desc"), "{query}");
        count("asc")
    };
    for (millis, since, until) in [(1_999, 2, 1), (2_000, 2, 1), (2_001, 1, 2)] {
        assert_eq!(
            count(&format!("since={}", at(millis))),
            since,
            "since {millis}"
        );
        assert_eq!(
            count(&format!("until={}", at(millis))),
            until,
            "until {millis}"
        );
    }
    for (since, until, expected) in [
        (2_000, 2_000, 0),
        (2_000, 2_001, 1),
        (1_000, 3_000, 2),
        (1_000, 3_001, 3),
    ] {
        assert_eq!(
            count(&format!("since={}&until={}", at(since), at(until))),
            expected,
            "{since} to {until}"
        );
    }
    // 2026-11-23T02:43:02.123Z, and what is finer than a millisecond, in another zone.
    assert_eq!(count("since=2026-11-23T03:43:02.1239%2B01:00"), 2);
    assert_eq!(count("until=1970-01-01T00:00:00Z"), 0);
    assert_eq!(count("since=9999-12-31T23:59:59.999Z"), 0);
}

#[test]
fn times_are_those_of_the_events_also_where_the_clock_went_back() {
    let app = TestApp::serve();
    // The ids of what happens after the step back bear the time before it, since ids only grow.
    for (email, millis) in [
        ("a@b.co", 5_000),
        ("b@b.co", 1_000),
        ("c@b.co", 5_001),
        ("d@b.co", 2_000),
    ] {
        app.advance_to(millis);
        app.invite("acme", email);
    }
    let list = |query: &str| emails(&app.get(&format!("{}?{query}", events("acme"))));
    assert_eq!(
        list("limit=9"),
        ["d@b.co", "c@b.co", "b@b.co", "a@b.co"],
        "the order is that in which things happened"
    );
    assert_eq!(list(&format!("until={}", at(1_001))), ["b@b.co"]);
    assert_eq!(
        list(&format!("until={}&order=asc", at(2_001))),
        ["b@b.co", "d@b.co"]
    );
    assert_eq!(list(&format!("since={}", at(2_001))), ["c@b.co", "a@b.co"]);
    assert_eq!(
        list(&format!("since={}&order=asc", at(2_000))),
        ["a@b.co", "c@b.co", "d@b.co"]
    );
    assert_eq!(
        list(&format!("since={}&until={}", at(1_000), at(5_000))),
        ["d@b.co", "b@b.co"]
    );
}

#[test]
fn what_a_query_may_not_say_is_refused_all_at_once() {
    let app = TestApp::serve();
    app.invite("acme", "a@b.co");
    let refused = |query: &str| {
        let answer = app.get(&format!("{}?{query}", events("acme")));
        let errors = answer.json()["errors"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let named =
            |error: &Value| format!("{} {}", error["pointer"], error["code"]).replace('"', "");
        (
            answer.status,
            answer.code(),
            errors.iter().map(named).collect::<Vec<_>>().join(", "),
        )
    };
    let invalid = |errors: &str| (422, "validation_failed".to_owned(), errors.to_owned());
    let long = ["invitation.created"; 100].join(",");
    for value in [
        "",
        "created",
        "invitation.created,",
        "Invitation.created",
        "invitation.*",
        &long,
    ] {
        assert_eq!(
            refused(&format!("type={value}")),
            invalid("type unknown_value"),
            "{value}"
        );
    }
    for value in [
        "",
        "x",
        "019A0C5E-7B1C-7CC3-98C4-DC0C0C07398F",
        "5f0c1f4e-6f4e-4c4e-8c5b-7a3b0e7c9a11",
    ] {
        assert_eq!(
            refused(&format!("invitationId={value}")),
            invalid("invitationId invalid_format"),
            "{value}"
        );
    }
    for value in [
        "",
        "now",
        "2026-11-23",
        "1795401780123",
        "2026-11-23T02:43:00+01:00",
        "1969-12-31T23:59:59Z",
    ] {
        assert_eq!(
            refused(&format!("since={value}")),
            invalid("since invalid_format"),
            "{value}"
        );
        assert_eq!(
            refused(&format!("until={value}")),
            invalid("until invalid_format"),
            "{value}"
        );
    }
    for value in ["", "0", "1001", "-1", "1e2", "%2B1"] {
        assert_eq!(
            refused(&format!("limit={value}")),
            invalid("limit out_of_range"),
            "{value}"
        );
    }
    assert_eq!(refused("order=newest"), invalid("order unknown_value"));
    assert_eq!(
        refused(&format!("since={}&until={}", at(1), at(0))),
        invalid("until conflict")
    );
    assert_eq!(
        refused("limit=0&type=x&order=y"),
        invalid("limit out_of_range, type unknown_value, order unknown_value")
    );
    for query in [
        "status=pending",
        "email=a@b.co",
        "Type=x",
        "limit=1&limit=1",
        "actor=dev",
    ] {
        assert_eq!(refused(query).1, "invalid_query", "{query}");
    }
    assert_eq!(app.post(&events("acme"), "{}").status, 405);
    assert_eq!(app.request("DELETE", &events("acme")).send().status, 405);
}
