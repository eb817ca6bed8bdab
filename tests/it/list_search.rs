//! What a list is searched for: a part of the address, times.

use invited::base::clock::Timestamp;
use invited::base::mode::Mode;
use serde_json::{Value, json};

use crate::support::life::wrong;
use crate::support::{Answer, START, TestApp, invitations};

/// The addresses of acme's list with `query`, newest first.
fn found(app: &TestApp, query: &str) -> Vec<String> {
    let answer = app.get(&format!("{}?{query}", invitations("acme")));
    assert_eq!(answer.status, 200, "{query}: {}", answer.text());
    emails(&answer)
}

/// The addresses of a list.
fn emails(answer: &Answer) -> Vec<String> {
    let rows = answer.json();
    let email = |row: &Value| row["email"].as_str().expect("an address").to_owned();
    rows.as_array()
        .expect("an array")
        .iter()
        .map(email)
        .collect()
}

/// The time `millis` after the start, as it stands in a query.
fn at(millis: i64) -> String {
    Timestamp::from_millis(START + millis).to_string()
}

#[test]
fn a_part_of_the_address_is_found_wherever_it_stands_and_in_any_case() {
    let app = TestApp::serve();
    let all = [
        "ada@example.com",
        "ada+x@b.co",
        "x@ada.dev",
        "y@xn--bcher-kva.de",
    ];
    for email in all {
        app.invite("acme", email);
    }
    app.invite("globex", "ada@example.com");
    for (query, expected) in [
        ("q=ada", vec![2, 1, 0]),
        ("q=ADA@", vec![0]),
        ("q=@", vec![3, 2, 1, 0]),
        ("q=a%2Bx", vec![1]),
        ("q=ada%2Bx@b.co", vec![1]),
        ("q=B%C3%BCcher.DE", vec![3]),
        ("q=Y@b%C3%BCcher.de", vec![3]),
        ("q=ada&order=asc", vec![0, 1, 2]),
        ("q=ada&role=other", vec![]),
        ("q=ada&email=x@ada.dev", vec![2]),
        ("q=nobody", vec![]),
    ] {
        let expected: Vec<_> = expected
            .into_iter()
            .map(|place: usize| all[place])
            .collect();
        assert_eq!(found(&app, query), expected, "{query}");
    }
}

#[test]
fn signs_that_are_wildcards_elsewhere_stand_for_themselves() {
    let app = TestApp::serve();
    for email in [
        "a_b@b.co",
        "acb@b.co",
        "a*b@b.co",
        "o'hara@b.co",
        "a?b@b.co",
    ] {
        app.invite("acme", email);
    }
    for (query, expected) in [
        ("q=a_b", vec!["a_b@b.co"]),
        ("q=a*b", vec!["a*b@b.co"]),
        ("q=a?b", vec!["a?b@b.co"]),
        ("q=o'h", vec!["o'hara@b.co"]),
        ("q=%25", vec![]),
        ("q=a%25b", vec![]),
        ("q=%5C", vec![]),
        ("q=%5B", vec![]),
        ("q=%22", vec![]),
        ("q=';DROP", vec![]),
    ] {
        assert_eq!(found(&app, query), expected, "{query}");
    }
}

#[test]
fn what_no_address_can_hold_is_refused_with_the_reason() {
    let app = TestApp::serve();
    let long = "a".repeat(255);
    for (value, code) in [
        ("", "out_of_range"),
        ("%20%20", "invalid_format"),
        ("+tag", "invalid_format"),
        ("b%C3%BCcher.de+", "invalid_format"),
        (&*long, "out_of_range"),
        ("a%20b", "invalid_format"),
        ("a%09b", "invalid_format"),
        ("%C3%BC@b.co", "invalid_format"),
        ("x@b%C3%BCcher..de", "invalid_format"),
        ("a%E2%80%8Bb", "forbidden_character"),
    ] {
        let answer = app.get(&format!("{}?q={value}", invitations("acme")));
        let expected = vec![("q".to_owned(), code.to_owned())];
        assert_eq!((answer.status, wrong(&answer)), (422, expected), "{value}");
    }
    assert_eq!(found(&app, &format!("q={}", "a".repeat(254))), [""; 0]);
}

#[test]
fn an_address_that_was_erased_is_not_found_by_any_part_of_it() {
    let app = TestApp::serve();
    app.invite("acme", "gone@b.co");
    app.invite("acme", "stays@b.co");
    let erased = app
        .request("DELETE", "/v1/invitations?email=gone@b.co")
        .send();
    assert_eq!(erased.status, 200, "{}", erased.text());
    for query in ["q=gone", "q=gone@b.co", "q=one@"] {
        assert_eq!(found(&app, query), [""; 0], "{query}");
    }
    assert_eq!(found(&app, "q=@b.co"), ["stays@b.co"]);
}

#[test]
fn times_bound_a_list_to_the_millisecond_from_the_first_on_and_up_to_the_last() {
    let app = TestApp::serve();
    for (place, millis) in [0, 1, 1_000, 1_000, 60_000].into_iter().enumerate() {
        app.advance_to(millis);
        app.invite("acme", &format!("p{place}@b.co"));
    }
    for (query, expected) in [
        (format!("createdAfter={}", at(0)), "43210"),
        (format!("createdAfter={}", at(1)), "4321"),
        (format!("createdAfter={}", at(2)), "432"),
        (format!("createdAfter={}", at(60_001)), ""),
        (format!("createdBefore={}", at(0)), ""),
        (format!("createdBefore={}", at(1)), "0"),
        (format!("createdBefore={}", at(1_000)), "10"),
        (format!("createdBefore={}", at(60_001)), "43210"),
        (format!("createdAfter={0}&createdBefore={0}", at(1)), ""),
        (
            format!("createdAfter={}&createdBefore={}", at(1), at(60_000)),
            "321",
        ),
        (
            format!(
                "order=asc&createdAfter={}&createdBefore={}",
                at(1),
                at(60_000)
            ),
            "123",
        ),
        (format!("order=asc&createdAfter={}", at(1_000)), "234"),
        (format!("createdAfter={}&q=p3", at(1)), "3"),
    ] {
        let places: String = found(&app, &query)
            .iter()
            .map(|email| email[1..2].to_owned())
            .collect();
        assert_eq!(places, expected, "{query}");
    }
}

#[test]
fn the_end_of_an_invitation_bounds_a_list_whatever_became_of_it() {
    let app = TestApp::serve();
    let make = |email: &str, seconds: i64| {
        let body = json!({ "email": email, "role": "r", "expiresIn": seconds });
        let answer = app.post(&invitations("acme"), &body.to_string());
        assert_eq!(answer.status, 201, "{}", answer.text());
        answer.json()
    };
    make("hour@b.co", 3_600);
    let revoked = make("revoked@b.co", 3_600);
    make("day@b.co", 86_400);
    app.change(&revoked, "revoke", &json!({}));
    let before = |millis| format!("expiresBefore={}", at(millis));
    assert_eq!(found(&app, &before(3_600_000)), [""; 0]);
    let ended = ["revoked@b.co", "hour@b.co"];
    assert_eq!(found(&app, &before(3_600_001)), ended);
    assert_eq!(
        found(&app, &(before(3_600_001) + "&status=pending")),
        ["hour@b.co"]
    );
    app.advance_to(3_600_000);
    assert_eq!(found(&app, &before(3_600_001)), ended);
    assert_eq!(
        found(&app, &(before(3_600_001) + "&status=expired")),
        ["hour@b.co"]
    );
    assert_eq!(found(&app, &before(86_400_001)).len(), 3);
}

#[test]
fn an_invitation_whose_id_bears_a_later_time_than_its_creation_is_found_by_its_creation() {
    let app = TestApp::serve();
    app.advance_to(10_000);
    app.invite("acme", "late@b.co");
    // The clock goes back; ids go on.
    app.advance_to(1_000);
    app.invite("acme", "early@b.co");
    for order in ["asc", "desc"] {
        let list = |query: String| found(&app, &format!("order={order}&{query}"));
        assert_eq!(list(format!("createdBefore={}", at(5_000))), ["early@b.co"]);
        assert_eq!(list(format!("createdAfter={}", at(5_000))), ["late@b.co"]);
    }
    let app = TestApp::start(Mode::Dev, &[]);
    let old = |email: &str, age: &str| json!({ "email": email, "role": "r", "age": age, "status": "revoked" });
    let seed = json!({ "organizations": [{ "id": "acme", "invitations": [
        old("week@b.co", "7d"), old("hour@b.co", "1h"), old("day@b.co", "1d")] }] });
    let answer = app.post("/dev/seed", &seed.to_string());
    assert_eq!(answer.status, 200, "{}", answer.text());
    let hours = |hours: i64| at(-hours * 3_600_000);
    assert_eq!(
        found(&app, &format!("createdBefore={}", hours(48))),
        ["week@b.co"]
    );
    assert_eq!(
        found(&app, &format!("createdAfter={}", hours(12))),
        ["hour@b.co"]
    );
    let day = format!("createdAfter={}&createdBefore={}", hours(30), hours(20));
    assert_eq!(found(&app, &day), ["day@b.co"]);
}

#[test]
fn times_that_cannot_be_read_and_a_period_that_ends_before_it_begins_are_refused() {
    let app = TestApp::serve();
    for key in ["createdAfter", "createdBefore", "expiresBefore"] {
        for value in [
            "",
            "2026",
            "2026-11-23",
            "1764000000",
            "2026-11-23T00:00:60Z",
            "now",
        ] {
            let answer = app.get(&format!("{}?{key}={value}", invitations("acme")));
            let expected = vec![(key.to_owned(), "invalid_format".to_owned())];
            assert_eq!(
                (answer.status, wrong(&answer)),
                (422, expected),
                "{key} {value}"
            );
        }
    }
    let period = format!("createdAfter={}&createdBefore={}", at(1), at(0));
    let answer = app.get(&format!("{}?{period}", invitations("acme")));
    let expected = vec![("createdBefore".to_owned(), "conflict".to_owned())];
    assert_eq!((answer.status, wrong(&answer)), (422, expected));
    assert!(answer.text().contains("createdAfter"), "{}", answer.text());
}

#[test]
fn pages_of_a_search_follow_each_other_and_their_cursors_belong_to_it() {
    let app = TestApp::serve();
    for place in 0..9 {
        app.advance_to(place * 1_000);
        let name = if place % 2 == 0 { "even" } else { "odd" };
        app.invite("acme", &format!("{name}{place}@b.co"));
    }
    let next = |answer: &Answer| -> Option<String> {
        let link = answer
            .header("link")?
            .strip_prefix("<http://invited.test")?;
        Some(link.split('>').next()?.to_owned())
    };
    let from = at(2_000);
    for query in [
        "q=EVEN&limit=2".to_owned(),
        format!("q=even&limit=1&createdAfter={from}&order=asc"),
        format!("limit=2&createdBefore={from}"),
        format!("limit=3&expiresBefore={}", at(8 * 86_400_000)),
    ] {
        let whole = query.split('&').filter(|pair| !pair.starts_with("limit"));
        let whole = found(&app, &whole.collect::<Vec<_>>().join("&"));
        let mut path = Some(format!("{}?{query}", invitations("acme")));
        let mut seen = Vec::new();
        while let Some(page) = path.map(|path| app.get(&path)) {
            assert_eq!(page.status, 200, "{query}: {}", page.text());
            seen.extend(emails(&page));
            path = next(&page);
        }
        assert_eq!(seen, whole, "{query}");
        assert!(seen.len() >= 2, "{query}");
    }
    let first = app.get(&format!("{}?q=even&limit=1", invitations("acme")));
    let cursor = next(&first).expect("a next page");
    let cursor = cursor.split("cursor=").nth(1).expect("a cursor");
    for query in [
        "limit=1".to_owned(),
        "q=odd&limit=1".to_owned(),
        "q=eve&limit=1".to_owned(),
        format!("q=even&limit=1&createdAfter={from}"),
        format!("q=even&limit=1&createdBefore={from}"),
        format!("q=even&limit=1&expiresBefore={from}"),
    ] {
        let path = format!("{}?{query}&cursor={cursor}", invitations("acme"));
        let answer = app.get(&path);
        assert_eq!(
            (answer.status, &*answer.code()),
            (400, "invalid_cursor"),
            "{query}"
        );
    }
}

#[test]
fn a_search_from_a_time_on_steps_over_nothing_that_is_older() {
    let app = TestApp::serve();
    let conn = rusqlite::Connection::open(&app.database).expect("it opens");
    let source = include_str!("../../src/invitation/store/mod.rs");
    let conditions = source.split("const FILTER_SQL: &str = \"").nth(1);
    let conditions = conditions.and_then(|rest| rest.split('"').next());
    let conditions = conditions.expect("the conditions of a filter");
    for (bounds, order) in [
        ("id < ?2 and id > ?4", "desc"),
        ("id > ?2 and id < ?4", "asc"),
    ] {
        let sql = format!(
            "explain query plan select role from invitation where organization_id = ?1 and \
             {bounds} {conditions} order by id {order} limit ?3"
        );
        let mut plan = conn.prepare(&sql).expect(&sql);
        let none = vec![None::<i64>; plan.parameter_count()];
        let steps: Vec<String> = plan
            .query_map(rusqlite::params_from_iter(none), |row| row.get(3))
            .expect(&sql)
            .flatten()
            .collect();
        let search = "SEARCH invitation USING PRIMARY KEY (organization_id=? AND id>? AND id<?)";
        assert_eq!(steps, [search], "{sql}");
    }
}
