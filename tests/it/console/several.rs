//! What is done to several invitations from the console, the page of many of them, and their file.

use invited::key::Scope;
use serde_json::json;

use super::organizations::put;
use super::people::{HERE, all, between, with_acme};
use super::{Person, dev};
use crate::support::{TestApp, invitations};

#[test]
fn several_invitations_are_changed_after_a_question_and_each_has_its_outcome() {
    let app = with_acme(&json!({}));
    let ids: Vec<_> = ["ada@example.com", "grace@example.com", "linus@example.org"]
        .iter()
        .map(|email| {
            app.invite("acme", email)["id"]
                .as_str()
                .expect("an id")
                .to_owned()
        })
        .collect();
    let person = Person::with_key(&app, &app.key);
    let way = format!("{HERE}/chosen");
    let choose = |act, ids: &[String]| {
        let mut fields = vec![("act", act), ("back", "status=pending")];
        fields.extend(ids.iter().map(|id| ("id", &**id)));
        let asked = person.post(&way, &fields);
        assert_eq!(asked.status, 200, "{}", asked.text());
        fields.push(("sure", "yes"));
        (asked.text(), person.post(&way, &fields))
    };
    // They were sent a moment ago.
    let (asked, done) = choose("resend", &ids[..2]);
    assert!(asked.contains("Send 2 invitations again?"), "{asked}");
    assert!(asked.contains("grace@example.com"), "{asked}");
    assert!(!asked.contains("linus@example.org"), "{asked}");
    let page = done.text();
    assert!(page.contains("0 sent again, 2 not"), "{page}");
    assert!(
        page.contains(
            "can be sent again in 60 s: 60 s must lie between two sendings (--resend-cooldown).<"
        ),
        "{page}"
    );
    assert!(page.contains("acme?status=pending"), "{page}");

    let (asked, done) = choose("revoke", &ids[..1]);
    assert!(asked.contains("Revoke 1 invitation?"), "{asked}");
    assert_eq!(done.status, 303, "{}", done.text());
    let end = done.header("location").expect("a location").to_owned();
    assert!(
        end.ends_with("organizations/acme?status=pending&did=revoked&n=1"),
        "{end}"
    );
    let (_, done) = choose("revoke", &ids[..2]);
    let page = done.text();
    assert!(page.contains("1 revoked, 1 not"), "{page}");
    assert!(
        page.contains("The invitation is revoked and cannot be revoked any more."),
        "{page}"
    );

    app.advance_to(2 * 60 * 1000);
    let (_, done) = choose("resend", &ids);
    assert!(
        done.text().contains("1 sent again, 2 not"),
        "{}",
        done.text()
    );
    let (asked, done) = choose("delete", &ids);
    assert!(asked.contains("Delete 3 invitations?"), "{asked}");
    assert_eq!(done.status, 303, "{}", done.text());
    assert!(all(&app).is_empty());

    let burn = person.post(&way, &[("act", "burn"), ("id", &ids[0])]);
    assert_eq!(burn.status, 422);
    // Who chose nothing, or what is gone, is back at the list.
    let nothing = [("act", "revoke"), ("back", "status=pending")];
    let gone = [("act", "delete"), ("id", &*ids[0])];
    for (fields, end) in [
        (&nothing[..], "acme?status=pending&did=nothing-chosen"),
        (&gone, "acme?did=gone"),
    ] {
        let sent = person.post(&way, fields);
        let to = sent.header("location").expect("a location").to_owned();
        assert!(sent.status == 303 && to.ends_with(end), "{end}: {to}");
    }
    let page = person.page(&format!("{HERE}?did=nothing-chosen"));
    assert!(page.contains("Choose at least one invitation."), "{page}");
    // Only what a list knows comes back with the browser.
    let made = app.invite("acme", "new@example.com");
    let fields = [
        ("act", "delete"),
        ("sure", "yes"),
        ("id", made["id"].as_str().expect("an id")),
        ("back", "q=x\r\nSet-Cookie: a=b&did=seeded&next=//evil.test"),
    ];
    let done = person.post(&way, &fields);
    assert_eq!((done.status, done.header("set-cookie")), (303, None));
    let end = done.header("location").expect("a location").to_owned();
    assert!(
        end.ends_with("acme?q=x%0D%0ASet-Cookie%3A+a%3Db&did=deleted&n=1"),
        "{end}"
    );
    let back = person.get(&way);
    assert_eq!(
        (back.status, back.header("location")),
        (303, Some("../acme"))
    );
}

#[test]
fn what_is_chosen_of_another_organization_is_not_touched() {
    let app = with_acme(&json!({}));
    let foreign = app.invite("globex", "ada@example.com");
    let id = foreign["id"].as_str().expect("an id");
    let key = app.key(&[Scope::Read, Scope::Write], &["acme"], None);
    let person = Person::with_key(&app, &key);
    let fields = [("act", "delete"), ("sure", "yes"), ("id", id)];
    let done = person.post(&format!("{HERE}/chosen"), &fields);
    assert!(done.text().contains("0 deleted, 1 not"), "{}", done.text());
    assert!(!done.text().contains("ada@example.com"));
    assert_eq!(
        app.get(&crate::support::invitation("globex", &foreign["id"]))
            .status,
        200
    );
}

#[test]
fn a_file_has_what_the_page_shows_and_no_formulas() {
    let app = dev();
    let person = Person::of_development(&app);
    for (email, name) in [
        ("a@example.com", "=1+1"),
        ("b@example.com", "Lovelace, \"Ada\""),
        ("+c@example.com", "@sum"),
    ] {
        let body = json!({"email": email, "role": "viewer", "inviter": {"name": name}});
        let made = app.post(&invitations("acme"), &body.to_string());
        assert_eq!(made.status, 201, "{}", made.text());
    }
    let file = person.get(&format!("{HERE}/export.csv?role=viewer"));
    assert_eq!(file.status, 200, "{}", file.text());
    assert_eq!(
        file.header("content-disposition"),
        Some("attachment; filename=\"invitations-acme.csv\"")
    );
    let text = file.text();
    let lines: Vec<_> = text.split("\r\n").collect();
    assert!(lines[0].starts_with("\u{feff}email,role,status,"), "{text}");
    assert_eq!(lines.len(), 5, "{text}");
    assert!(
        lines[1].starts_with("'+c@example.com,viewer,pending,"),
        "{text}"
    );
    assert!(lines[1].contains(",'@sum,"), "{text}");
    assert!(lines[2].contains(",\"Lovelace, \"\"Ada\"\"\","), "{text}");
    assert!(lines[3].contains(",'=1+1,"), "{text}");
    let some = person.get(&format!("{HERE}/export.csv?q=b%40")).text();
    assert_eq!(some.split("\r\n").count(), 3, "{some}");
    assert_eq!(
        person.get(&format!("{HERE}/export.csv?status=x")).status,
        422
    );
    // What was exported is read as a list: each address stands for its person.
    let checked = person
        .post(&format!("{HERE}/import"), &[("list", &*some)])
        .text();
    assert!(
        checked.contains("Has a pending invitation already"),
        "{checked}"
    );
}

#[test]
fn an_export_that_is_imported_elsewhere_invites_the_same_people() {
    let app = with_acme(&json!({}));
    let mut emails = ["+1@b.co", "'=1@b.co", "'a@b.co", "=1+1@b.co", "a'+b@b.co"];
    for email in emails {
        app.invite("acme", email);
    }
    let person = Person::with_key(&app, &app.key);
    let list = person.get(&format!("{HERE}/export.csv")).text();
    put(&app, "globex", &json!({}));
    let way = "/console/organizations/globex/import";
    let checked = person.post(way, &[("list", &*list), ("role", "viewer")]);
    let page = checked.text();
    assert!(page.contains("Invite 5 people"), "{page}");
    let rows = between(&page, "aria-label=\"The rows\">\n", "</textarea>");
    let fields = [("rows", &*rows), ("role", "viewer"), ("step", "send")];
    let sent = person.post(way, &fields);
    assert_eq!(sent.status, 303, "{}", sent.text());
    let there = app.get(&invitations("globex")).json();
    let there = there.as_array().expect("a list");
    let mut there: Vec<_> = there.iter().map(|one| one["email"].as_str()).collect();
    emails.sort_unstable();
    there.sort_unstable();
    assert_eq!(there, emails.map(Some));
}

#[test]
fn a_filter_by_address_holds_and_an_export_with_a_key_that_is_none_is_refused() {
    let app = with_acme(&json!({}));
    app.invite("acme", "ada@example.com");
    app.invite("acme", "grace@example.com");
    let person = Person::with_key(&app, &app.key);
    let query = "email=ADA%40example.com";
    let page = person.page(&format!("{HERE}?{query}"));
    assert!(page.contains("ada@example.com"), "{page}");
    assert!(!page.contains("grace@example.com"), "{page}");
    assert!(
        page.contains("name=\"email\" value=\"ADA@example.com\""),
        "{page}"
    );
    let file = person.get(&format!("{HERE}/export.csv?{query}")).text();
    assert!(file.contains("ada@") && !file.contains("grace@"), "{file}");
    for wrong in ["mail=x", "status=pending&status=revoked", "stat=pending"] {
        let refused = person.get(&format!("{HERE}/export.csv?{wrong}"));
        assert_eq!(refused.status, 400, "{wrong}: {}", refused.text());
        assert!(!refused.text().contains("ada@"), "{wrong}");
    }
}

/// An organization with a thousand invitations whose addresses have little in common.
fn with_a_thousand() -> TestApp {
    let app = with_acme(&json!({}));
    let email = |number: u32| {
        let mixed = number.wrapping_mul(2_654_435_761);
        format!("{mixed:08x}.{number}@{:06x}.example.com", mixed >> 8)
    };
    let rows: Vec<_> = (0..1_000)
        .map(|number| json!({"email": email(number), "role": "viewer"}))
        .collect();
    let batch = format!("{}/batch", invitations("acme"));
    let made = app.post(&batch, &json!({ "invitations": rows }).to_string());
    assert_eq!(made.json()["succeeded"], 1_000);
    app
}

#[test]
fn a_page_of_a_thousand_invitations_travels_in_less_than_60_kb() {
    let app = with_a_thousand();
    let person = Person::with_key(&app, &app.key);
    let page = person
        .request("GET", &format!("{HERE}?limit=1000"))
        .header("Accept-Encoding", "gzip")
        .send();
    assert_eq!(page.header("content-encoding"), Some("gzip"));
    assert!(page.body.len() < 60_000, "{} bytes", page.body.len());
    let whole = person.page(&format!("{HERE}?limit=1000"));
    assert_eq!(whole.matches("name=\"id\"").count(), 1_000);
}

#[test]
fn a_long_file_comes_in_parts_and_whole() {
    let app = with_a_thousand();
    for number in 0..3 {
        app.invite("acme", &format!("q{number}@example.com"));
    }
    let person = Person::with_key(&app, &app.key);
    let text = person.get(&format!("{HERE}/export.csv")).text();
    let lines: Vec<_> = text.trim_end().split("\r\n").skip(1).collect();
    assert_eq!(lines.len(), 1_003);
    let whole: std::collections::HashSet<_> = lines.iter().collect();
    assert_eq!(whole.len(), 1_003);
}
