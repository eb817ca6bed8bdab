//! The history of an organization: what is in it, its filters, its pages, and whose it is.

use invited::base::clock::Timestamp;
use invited::base::mode::Mode;
use invited::key::Scope;
use invited::key::token::PlainKey;
use serde_json::{Value, json};

use crate::support::{Answer, START, TestApp, invitation, invitations};

/// The path of an organization's history.
fn events(organization: &str) -> String {
    format!("/v1/organizations/{organization}/events")
}

/// The time `millis` after the start, as it is written.
fn at(millis: i64) -> String {
    Timestamp::from_millis(START + millis).to_string()
}

/// One field of every event of an answer that must be a list.
fn field(answer: &Answer, name: &str) -> Vec<String> {
    let rows = answer.json();
    let rows = rows
        .as_array()
        .unwrap_or_else(|| panic!("{}", answer.text()));
    rows.iter()
        .map(|row| row[name].as_str().unwrap_or_default().to_owned())
        .collect()
}

/// The addresses that the events of an answer name as made.
fn emails(answer: &Answer) -> Vec<String> {
    let rows = answer.json();
    let rows = rows
        .as_array()
        .unwrap_or_else(|| panic!("{}", answer.text()));
    rows.iter()
        .map(|row| {
            row["after"]["email"]
                .as_str()
                .unwrap_or_default()
                .to_owned()
        })
        .collect()
}

/// The path and query behind `rel="next"`.
fn next(answer: &Answer) -> Option<String> {
    let url = answer
        .header("link")?
        .strip_prefix('<')?
        .strip_suffix(">; rel=\"next\"")?;
    Some(
        url.strip_prefix("http://invited.test")
            .expect("the public URL")
            .to_owned(),
    )
}

/// Invites `email` to acme under a request id.
fn create(app: &TestApp, request_id: &str, fields: &Value) -> Value {
    let mut body = json!({ "role": "developer" });
    for (name, value) in fields.as_object().expect("an object") {
        body[name] = value.clone();
    }
    let request = app
        .request("POST", &invitations("acme"))
        .header("X-Request-Id", request_id);
    let answer = request.json(body.to_string()).send();
    assert!(matches!(answer.status, 200 | 201), "{}", answer.text());
    answer.json()
}

#[test]
fn every_change_of_an_invitation_is_there_with_who_did_it_in_which_request_and_what_changed() {
    let app = TestApp::serve();
    let actor = PlainKey::parse(&app.key)
        .expect("a key")
        .id
        .as_str()
        .to_owned();
    let first = create(
        &app,
        "r-1",
        &json!({ "email": "a@b.co", "expiresIn": 3600 }),
    );
    app.advance_to(60_000);
    create(
        &app,
        "r-2",
        &json!({ "email": "a@b.co", "expiresIn": 3600, "onConflict": "resend" }),
    );
    app.advance_to(60_001);
    let second = create(
        &app,
        "r-3",
        &json!({ "email": "a@b.co", "expiresIn": 60, "onConflict": "replace" }),
    );
    app.advance_to(200_000);
    let third = create(
        &app,
        "r-4",
        &json!({ "email": "a@b.co", "expiresIn": 3600 }),
    );
    app.advance_to(200_001);
    let delete = app
        .request("DELETE", &invitation("acme", &third["id"]))
        .header("X-Request-Id", "r-5")
        .send();
    assert_eq!(delete.status, 204);

    let made = |expires: i64| {
        json!({ "email": "a@b.co", "role": "developer", "status": "pending",
        "expiresAt": at(expires) })
    };
    let (none, pending) = (Value::Null, json!({ "status": "pending" }));
    let gone = json!({ "email": "a@b.co", "role": "developer", "status": "pending" });
    let renewed = [3_600_000, 3_660_000].map(|end| json!({ "expiresAt": at(end) }));
    let expected = [
        ("created", &first, "r-1", 0, none.clone(), made(3_600_000)),
        (
            "renewed",
            &first,
            "r-2",
            60_000,
            renewed[0].clone(),
            renewed[1].clone(),
        ),
        (
            "revoked",
            &first,
            "r-3",
            60_001,
            pending.clone(),
            json!({ "status": "revoked" }),
        ),
        (
            "created",
            &second,
            "r-3",
            60_001,
            none.clone(),
            made(120_001),
        ),
        (
            "expired",
            &second,
            "r-4",
            200_000,
            pending,
            json!({ "status": "expired" }),
        ),
        (
            "created",
            &third,
            "r-4",
            200_000,
            none.clone(),
            made(3_800_000),
        ),
        ("deleted", &third, "r-5", 200_001, gone, none),
    ];
    let answer = app.get(&format!("{}?order=asc", events("acme")));
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (200, Some("application/json"))
    );
    let rows = answer.json();
    assert_eq!(
        rows.as_array().map(Vec::len),
        Some(expected.len()),
        "{}",
        answer.text()
    );
    for (row, (name, of, request_id, millis, before, after)) in
        rows.as_array().expect("rows").iter().zip(expected)
    {
        assert_eq!(row["type"], format!("invitation.{name}"));
        assert_eq!(
            (&row["invitationId"], &row["organizationId"]),
            (&of["id"], &json!("acme")),
            "{row}"
        );
        assert_eq!(
            (&row["actor"], &row["requestId"]),
            (&json!(actor), &json!(request_id)),
            "{row}"
        );
        assert_eq!(
            (&row["createdAt"], &row["before"], &row["after"]),
            (&json!(at(millis)), &before, &after),
            "{row}"
        );
    }
}

#[test]
fn an_event_has_its_fields_in_one_order_and_leaves_out_what_it_does_not_have() {
    let app = TestApp::serve();
    let made = create(&app, "r-1", &json!({ "email": "a@b.co" }));
    app.request("DELETE", &invitation("acme", &made["id"]))
        .header("X-Request-Id", "r-2")
        .send();
    let answer = app.get(&events("acme"));
    let (ids, text) = (field(&answer, "id"), answer.text());
    let (actor, invitation, start, end) = (
        &app.key[4..20],
        made["id"].as_str().expect("an id"),
        at(0),
        at(604_800_000),
    );
    let head = |id: &str, kind: &str, request: &str| {
        format!(
            r#"{{"id":"{id}","type":"invitation.{kind}","organizationId":"acme","invitationId":"{invitation}","actor":"{actor}","requestId":"{request}","createdAt":"{start}""#
        )
    };
    let deleted = head(&ids[0], "deleted", "r-2")
        + r#","before":{"email":"a@b.co","role":"developer","status":"pending"}}"#;
    let after = format!(
        r#","after":{{"email":"a@b.co","role":"developer","status":"pending","expiresAt":"{end}"}}}}"#
    );
    assert_eq!(
        text,
        format!("[{deleted},{}{after}]", head(&ids[1], "created", "r-1"))
    );
    // What is not about an invitation names none.
    let conn = rusqlite::Connection::open(&app.database).expect("it opens");
    conn.execute("update event set invitation_id = null", [])
        .expect("it writes");
    assert!(app.get(&events("acme")).json()[0]["invitationId"].is_null());
    assert!(!app.get(&events("acme")).text().contains("invitationId"));
}

#[test]
fn pages_follow_each_other_by_link_and_hold_every_event_once() {
    let app = TestApp::serve();
    for number in 0..7 {
        app.invite("acme", &format!("p{number}@b.co"));
    }
    let newest: Vec<_> = (0..7)
        .rev()
        .map(|number| format!("p{number}@b.co"))
        .collect();
    let oldest: Vec<_> = newest.iter().rev().cloned().collect();
    let since = format!("since={}", at(0));
    let cases = [
        ("limit=3".to_owned(), 3, &newest),
        ("limit=3&order=asc".to_owned(), 3, &oldest),
        ("limit=7".to_owned(), 1, &newest),
        ("limit=6&type=invitation.created".to_owned(), 2, &newest),
        (
            format!("limit=2&order=asc&{since}&until={}", at(1)),
            4,
            &oldest,
        ),
        (format!("limit=2&order=desc&{since}"), 4, &newest),
    ];
    for (query, expected, order) in cases {
        let mut path = Some(format!("{}?{query}", events("acme")));
        let (mut seen, mut pages) = (Vec::new(), 0);
        while let Some(page) = path.map(|path| app.get(&path)) {
            seen.extend(emails(&page));
            pages += 1;
            path = next(&page);
        }
        assert_eq!((pages, &seen), (expected, order), "{query}");
    }
}

#[test]
fn a_page_has_a_hundred_events_when_nothing_says_otherwise_and_a_thousand_at_most() {
    let app = TestApp::start(Mode::Serve, &["--limit-recipient", "0"]);
    let body = r#"{"email":"a@b.co","role":"developer","onConflict":"replace"}"#;
    for _ in 0..51 {
        assert_eq!(app.post(&invitations("acme"), body).status, 201);
    }
    let first = app.get(&events("acme"));
    assert_eq!(field(&first, "id").len(), 100);
    let second = app.get(&next(&first).expect("the 101st"));
    assert_eq!(
        (field(&second, "type"), next(&second)),
        (vec!["invitation.created".to_owned()], None)
    );
    let all = app.get(&format!("{}?limit=1000", events("acme")));
    assert_eq!((field(&all, "id").len(), next(&all)), (101, None));
}

#[test]
fn a_page_starts_behind_its_cursor_when_more_has_happened_since() {
    let app = TestApp::serve();
    for number in 0..4 {
        app.invite("acme", &format!("p{number}@b.co"));
    }
    let first = app.get(&format!("{}?limit=2", events("acme")));
    app.invite("acme", "newer@b.co");
    assert_eq!(
        emails(&app.get(&next(&first).expect("a next page"))),
        ["p1@b.co", "p0@b.co"]
    );
}

#[test]
fn a_cursor_belongs_to_one_history_and_is_refused_everywhere_else() {
    let app = TestApp::serve();
    for number in 0..3 {
        let made = app.invite("acme", &format!("p{number}@b.co"));
        assert_eq!(made["status"], "pending");
    }
    app.invite("globex", "secret@b.co");
    let cursor_of = |path: &str| {
        let link = next(&app.get(path)).expect("a next page");
        link.split("cursor=").nth(1).expect("a cursor").to_owned()
    };
    let cursor = cursor_of(&format!("{}?limit=1", events("acme")));
    let flip = |place: usize| {
        let mut flipped = cursor.clone().into_bytes();
        flipped[place] ^= 1;
        String::from_utf8(flipped).expect("text")
    };
    let of_invitations = cursor_of(&format!("{}?limit=1", invitations("acme")));
    let id = app.get(&invitations("acme")).json()[0]["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    let mut cases = vec![
        format!("{}?cursor={cursor}", events("globex")),
        format!("{}?cursor={cursor}", invitations("acme")),
        format!("{}?cursor={of_invitations}", events("acme")),
        format!("{}?cursor={cursor}&order=asc", events("acme")),
        format!("{}?cursor={cursor}&type=invitation.created", events("acme")),
        format!("{}?cursor={cursor}&invitationId={id}", events("acme")),
        format!("{}?cursor={cursor}&since={}", events("acme"), at(0)),
        format!("{}?cursor={cursor}&until={}", events("acme"), at(1)),
        format!("{}?cursor=", events("acme")),
        format!("{}?cursor=c1", events("acme")),
        format!("{}?cursor=c2{}", events("acme"), &cursor[2..]),
        format!("{}?cursor={cursor}0", events("acme")),
        format!("{}?cursor={}", events("acme"), "%C3%BC".repeat(30)),
    ];
    cases.extend(
        (0..cursor.len()).map(|place| format!("{}?cursor={}", events("acme"), flip(place))),
    );
    for path in cases {
        let answer = app.get(&path);
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (400, "invalid_cursor"),
            "{path}"
        );
    }
    let spelled = [
        format!("limit=2&cursor={cursor}"),
        format!("order=desc&cursor={cursor}&limit=2"),
    ];
    for query in spelled {
        assert_eq!(
            emails(&app.get(&format!("{}?{query}", events("acme")))),
            ["p1@b.co", "p0@b.co"],
            "{query}"
        );
    }
}

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

#[test]
fn a_history_is_seen_only_by_who_may_see_the_organization() {
    let app = TestApp::serve();
    app.invite("acme", "a@b.co");
    app.invite("globex", "g@b.co");
    assert_eq!(app.get(&events("unknown")).text(), "[]");
    let reader = app.key(&[Scope::Read], &["globex"], None);
    let get = |path: &str| app.anonymous("GET", path).bearer(&reader).send();
    assert_eq!(emails(&get(&events("globex"))), ["g@b.co"]);
    let missing = get(&format!(
        "{}/019a0c5e-7b1c-7cc3-98c4-dc0c0c07398f",
        invitations("globex")
    ));
    for organization in ["acme", "unknown", "GLOBEX", "globex2"] {
        for query in ["", "?limit=1", "?type=invitation.created"] {
            let answer = get(&format!("{}{query}", events(organization)));
            assert_eq!(
                (answer.status, answer.without_request_id()),
                (404, missing.without_request_id())
            );
        }
    }
    let writer = app.key(&[Scope::Write, Scope::Accept, Scope::Link], &["acme"], None);
    assert_eq!(
        app.anonymous("GET", &events("acme"))
            .bearer(&writer)
            .send()
            .code(),
        "insufficient_scope"
    );
    assert_eq!(app.anonymous("GET", &events("acme")).send().status, 401);
}

#[test]
fn one_organization_never_shows_the_events_of_another_on_any_page() {
    let app = TestApp::serve();
    for number in 0..6 {
        app.invite(
            if number % 2 == 0 { "acme" } else { "acme2" },
            &format!("p{number}@b.co"),
        );
    }
    let mut path = Some(format!("{}?limit=1", events("acme")));
    let mut seen = Vec::new();
    while let Some(page) = path.map(|path| app.get(&path)) {
        seen.extend(emails(&page));
        path = next(&page);
    }
    assert_eq!(seen, ["p4@b.co", "p2@b.co", "p0@b.co"]);
}
