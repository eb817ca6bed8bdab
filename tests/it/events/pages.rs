//! The pages of a history: each event is on one of them, and a cursor belongs to one history.

use invited::base::mode::Mode;

use super::{at, emails, events, field};
use crate::support::{Answer, TestApp, invitations};

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
