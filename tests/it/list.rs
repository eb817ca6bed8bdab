//! Lists: filters, pages, cursors, and all of it at once.

use std::collections::HashSet;

use crate::support::{Answer, TestApp, invitation, invitations, rules};

/// The addresses of a list.
fn emails(answer: &Answer) -> Vec<String> {
    let rows = answer.json();
    let rows = rows
        .as_array()
        .unwrap_or_else(|| panic!("{}", answer.text()));
    rows.iter()
        .map(|row| row["email"].as_str().unwrap_or_default().to_owned())
        .collect()
}

/// The path and query behind `rel="next"`.
fn next(answer: &Answer) -> Option<String> {
    let link = answer.header("link")?;
    let url = link.strip_prefix('<')?.strip_suffix(">; rel=\"next\"")?;
    Some(
        url.strip_prefix("http://invited.test")
            .expect("the public URL")
            .to_owned(),
    )
}

/// An organization with invitations 0 to `count`, of the roles even and odd.
fn filled(count: usize) -> TestApp {
    let app = TestApp::serve();
    for number in 0..count {
        let role = if number % 2 == 0 { "even" } else { "odd" };
        let body = format!(r#"{{"email":"p{number}@b.co","role":"{role}"}}"#);
        assert_eq!(app.post(&invitations("acme"), &body).status, 201);
    }
    app
}

#[test]
fn a_list_comes_newest_first_and_oldest_first_when_asked() {
    let app = filled(3);
    assert_eq!(
        emails(&app.get(&invitations("acme"))),
        ["p2@b.co", "p1@b.co", "p0@b.co"]
    );
    let oldest = app.get("/v1/organizations/acme/invitations?order=asc");
    assert_eq!(emails(&oldest), ["p0@b.co", "p1@b.co", "p2@b.co"]);
}

#[test]
fn pages_follow_each_other_by_link_and_hold_every_invitation_once() {
    let app = filled(7);
    for (query, expected) in [
        ("limit=3", 3),
        ("limit=3&order=asc", 3),
        ("limit=7", 1),
        ("limit=2&role=even", 2),
    ] {
        let mut path = Some(format!("{}?{query}", invitations("acme")));
        let (mut seen, mut pages) = (Vec::new(), 0);
        while let Some(page) = path.map(|path| app.get(&path)) {
            seen.extend(emails(&page));
            pages += 1;
            path = next(&page);
        }
        assert_eq!(pages, expected, "{query}");
        assert_eq!(
            seen.iter().collect::<HashSet<_>>().len(),
            seen.len(),
            "{query}"
        );
        let whole = query
            .replace("limit=3&", "")
            .replace("limit=2&", "")
            .replace("limit=3", "")
            .replace("limit=7", "");
        assert_eq!(
            seen,
            emails(&app.get(&format!("{}?{whole}", invitations("acme")))),
            "{query}"
        );
    }
}

#[test]
fn a_page_starts_behind_its_cursor_even_when_that_invitation_is_gone_and_newer_ones_came() {
    let app = filled(4);
    let first = app.get(&format!("{}?limit=2", invitations("acme")));
    let last = &first.json()[1]["id"];
    assert_eq!(
        app.request("DELETE", &invitation("acme", last))
            .send()
            .status,
        204
    );
    app.invite("acme", "newer@b.co");
    let second = app.get(&next(&first).expect("a next page"));
    assert_eq!(emails(&second), ["p1@b.co", "p0@b.co"]);
}

#[test]
fn filters_combine_and_take_the_address_in_any_spelling() {
    let app = filled(4);
    let list = |query: &str| emails(&app.get(&format!("{}?{query}", invitations("acme"))));
    assert_eq!(list("email=P1@B.co"), ["p1@b.co"]);
    assert_eq!(list("role=odd"), ["p3@b.co", "p1@b.co"]);
    assert_eq!(list("role=odd&email=p2@b.co"), [""; 0]);
    assert_eq!(list("status=pending,expired").len(), 4);
    assert_eq!(list("status=accepted,declined,revoked"), [""; 0]);
    app.advance_to(7 * 24 * 60 * 60 * 1000);
    assert_eq!(list("status=pending"), [""; 0]);
    assert_eq!(list("status=expired").len(), 4);
}

#[test]
fn a_cursor_belongs_to_one_list_and_is_refused_everywhere_else() {
    let app = filled(3);
    app.invite("globex", "secret@b.co");
    let page = app.get(&format!("{}?limit=1", invitations("acme")));
    let link = next(&page).expect("a next page");
    let cursor = link.split("cursor=").nth(1).expect("a cursor");
    let mut flipped = cursor.to_owned().into_bytes();
    flipped[10] ^= 1;
    let flipped = String::from_utf8(flipped).expect("text");
    let cases = [
        format!("{}?limit=1&cursor={cursor}", invitations("globex")),
        format!("{}?limit=1&cursor={cursor}&order=asc", invitations("acme")),
        format!("{}?limit=1&cursor={cursor}&role=odd", invitations("acme")),
        format!("{}?limit=1&cursor={flipped}", invitations("acme")),
        format!("{}?limit=1&cursor=", invitations("acme")),
        format!("{}?limit=1&cursor=c1", invitations("acme")),
        format!(
            "{}?limit=1&cursor={}",
            invitations("acme"),
            "%C3%BC".repeat(30)
        ),
    ];
    for path in cases {
        let answer = app.get(&path);
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (400, "invalid_cursor"),
            "{path}"
        );
    }
    assert_eq!(emails(&app.get(&link)), ["p1@b.co"]);
}

#[test]
fn an_unlimited_list_streams_every_invitation_across_its_inner_pages() {
    let app = TestApp::serve();
    insert_many(&app, 2_500);
    let all = app.get(&invitations("acme"));
    assert_eq!(all.status, 200);
    assert_eq!(all.header("transfer-encoding"), Some("chunked"));
    let expected: Vec<_> = (0..2_500)
        .rev()
        .map(|number| format!("p{number}@b.co"))
        .collect();
    assert_eq!(emails(&all), expected);
    let odd = app.get(&format!("{}?role=odd&order=asc", invitations("acme")));
    assert_eq!(emails(&odd).len(), 1_250);
    let exactly = app.get(&format!("{}?limit=1000", invitations("acme")));
    assert_eq!(
        (emails(&exactly).len(), next(&exactly).is_some()),
        (1_000, true)
    );
}

#[test]
fn an_unlimited_list_of_exactly_one_or_two_inner_pages_is_whole() {
    for count in [1_000, 1_001, 2_000] {
        let app = TestApp::serve();
        insert_many(&app, count);
        assert_eq!(
            emails(&app.get(&invitations("acme"))).len(),
            count,
            "{count}"
        );
    }
}

/// Inserts invitations in one transaction beside the server.
fn insert_many(app: &TestApp, count: usize) {
    use invited::invitation::new::{CreateBody, NewInvitation};
    let organization =
        invited::base::organization_id::OrganizationId::parse("acme").expect("an id");
    let rules = rules();
    let by = crate::support::anybody();
    invited::db::write_file(&app.database, |tx| {
        for number in 0..count {
            let role = if number % 2 == 0 { "even" } else { "odd" };
            let email = Some(format!("p{number}@b.co"));
            let body = CreateBody {
                email,
                role: Some(role.to_owned()),
                ..CreateBody::default()
            };
            let new = NewInvitation::parse(organization.clone(), body, &rules, tx.now)?;
            invited::invitation::create::create(tx, &new, &by, |_, _| Ok(()))?;
        }
        Ok(())
    })
    .expect("the rows are written");
}
