//! Inviting people from the console, alone and from a list; what is done to several of them; and
//! the file of them.

use invited::key::Scope;
use serde_json::{Value, json};

use super::{Person, dev};
use crate::support::{TestApp, invitations};

/// The place of the organization of these tests.
const HERE: &str = "/console/organizations/acme";

/// A server with an organization that has settings.
fn with_acme(settings: &Value) -> TestApp {
    let app = TestApp::serve();
    let put = app.request("PUT", "/v1/organizations/acme");
    assert_eq!(put.json(settings.to_string()).send().status, 201);
    app
}

/// The invitations of the organization, the newest first.
fn all(app: &TestApp) -> Vec<Value> {
    let list = app.get(&invitations("acme")).json();
    list.as_array().expect("a list").clone()
}

/// What stands between `start` and `end` in `page`, as text.
fn between(page: &str, start: &str, end: &str) -> String {
    let rest = page
        .split(start)
        .nth(1)
        .unwrap_or_else(|| panic!("no {start}: {page}"));
    let text = rest.split(end).next().unwrap_or_default();
    text.replace("&quot;", "\"")
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&")
}

#[test]
fn a_few_people_are_invited_by_one_form() {
    let app = with_acme(&json!({"roles": ["admin", "viewer"]}));
    let person = Person::with_key(&app, &app.key);
    let page = person.page(&format!("{HERE}/invite"));
    assert!(page.contains("<option>viewer</option>"), "{page}");
    let sent = person.post(
        &format!("{HERE}/invite"),
        &[
            (
                "email",
                "ada@example.com, Grace H <grace@example.com>\r\nlinus@example.org",
            ),
            ("role", "viewer"),
            ("note", "See you"),
            ("expiresIn", "86400"),
            ("inviterName", "Barbara"),
            ("inviterEmail", "barbara@example.com"),
            ("locale", "de"),
            ("metadata", "{\"team\":\"red\"}"),
        ],
    );
    assert_eq!(sent.status, 303, "{}", sent.text());
    let end = sent.header("location").expect("a location").to_owned();
    assert!(end.ends_with("organizations/acme?did=invited&n=3"), "{end}");
    let list = all(&app);
    assert_eq!(list.len(), 3);
    for made in &list {
        assert_eq!(made["role"], "viewer");
        assert_eq!(made["expiresAt"], "2026-11-24T02:43:00.123Z");
        assert_eq!(
            made["inviter"],
            json!({"name": "Barbara", "email": "barbara@example.com"})
        );
        assert_eq!(made["locale"], "de");
        assert_eq!(made["metadata"], json!({"team": "red"}));
    }
    assert!(list.iter().any(|made| made["email"] == "grace@example.com"));
}

#[test]
fn nobody_is_invited_where_one_cannot_be_and_the_form_says_who_and_why() {
    let app = with_acme(&json!({"allowedDomains": ["example.com"]}));
    app.invite("acme", "ada@example.com");
    let person = Person::with_key(&app, &app.key);
    let typed = "ada@example.com\nx@gmail.com\nnobody\nnew@example.com";
    let form = [("email", typed), ("role", "viewer"), ("note", "<b>")];
    let refused = person.post(&format!("{HERE}/invite"), &form);
    let page = refused.text();
    assert_eq!(refused.status, 422, "{page}");
    for words in [
        "ada@example.com: Has a pending invitation already",
        "x@gmail.com: this organization does not invite addresses of this domain",
        "nobody: an address needs an @",
        "new@example.com</textarea>",
        "&lt;b&gt;</textarea>",
        "id=\"wrong-email\"",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    assert_eq!(all(&app).len(), 1);
    for (field, value, pointer) in [
        ("role", "no role", "role"),
        ("metadata", "[1]", "metadata"),
        ("locale", "no language", "locale"),
        ("inviterEmail", "barbara", "inviter/email"),
        ("redirectUrl", "https://elsewhere.test", "redirectUrl"),
        ("expiresIn", "soon", "expiresIn"),
        ("onConflict", "quarrel", "onConflict"),
    ] {
        let form = [
            ("email", "new@example.com"),
            (field, value),
            ("role", "viewer"),
        ];
        let refused = person.post(&format!("{HERE}/invite"), &form);
        let page = refused.text();
        assert_eq!(refused.status, 422, "{field}: {page}");
        assert!(
            page.contains(&format!("id=\"wrong-{pointer}\"")),
            "{field}: {page}"
        );
    }
    let nobody = person.post(&format!("{HERE}/invite"), &[("role", "viewer")]);
    assert_eq!(nobody.status, 422);
    let crowd: String = (0..1_001).map(|n| format!("p{n}@example.com\n")).collect();
    let crowd = [("email", &*crowd), ("role", "viewer")];
    let crowd = person.post(&format!("{HERE}/invite"), &crowd);
    assert_eq!(crowd.status, 422);
    assert!(crowd.text().contains("at most 1,000 addresses"));
    assert_eq!(all(&app).len(), 1);
    // Who is named twice is invited once, and who is there already is not counted as new.
    let form = [
        ("email", "ADA@example.com new@example.com New@Example.com"),
        ("role", "viewer"),
        ("onConflict", "return"),
    ];
    let sent = person.post(&format!("{HERE}/invite"), &form);
    let end = sent.header("location").expect("a location").to_owned();
    assert!(end.ends_with("?did=invited&n=1"), "{end}");
    assert_eq!(all(&app).len(), 2);
}

#[test]
fn a_list_is_checked_before_anything_is_sent_and_then_its_good_rows_are_invited() {
    let app = with_acme(&json!({"roles": ["admin", "viewer"]}));
    app.post(
        &invitations("acme"),
        r#"{"email":"old@example.com","role":"viewer"}"#,
    );
    let person = Person::with_key(&app, &app.key);
    let way = format!("{HERE}/import");
    let list = "\u{feff}E-Mail;Rolle;Name;Team\r\nada@example.com;admin;\"Lovelace; Ada\";red\r\n\
        OLD@example.com;viewer;;\r\nnobody;viewer;;\r\nAda@Example.com;viewer;;\r\n\
        linus@example.org;;;\r\nx@example.org;boss;;\r\n";
    let checked = person.post(&way, &[("list", list), ("role", "viewer"), ("note", "Hi")]);
    let page = checked.text();
    assert_eq!(checked.status, 200, "{page}");
    for words in [
        "2 people will be invited, 4 rows will not",
        "Invite 2 people",
        "Columns that are not used: <bdi>Team</bdi>",
        "Has a pending invitation already",
        "An address needs an @",
        "Stands in the list twice: in line 2, too",
        "Role: one of: admin, viewer",
        "<td class=\"num end quiet\">7</td>",
        "Lovelace; Ada",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    assert_eq!(all(&app).len(), 1, "nothing is sent");

    let rows = between(&page, "aria-label=\"The rows\">\n", "</textarea>");
    let fields = [("rows", &*rows), ("role", "viewer"), ("note", "Hi")];
    let edit = [&fields[..], &[("step", "edit"), ("list", list)]].concat();
    let form = person.post(&way, &edit).text();
    assert!(form.contains("E-Mail;Rolle;Name;Team"), "{form}");
    let send = [&fields[..], &[("step", "send")]].concat();
    let sent = person.post(&way, &send);
    assert_eq!(sent.status, 303, "{}", sent.text());
    let end = sent.header("location").expect("a location").to_owned();
    assert!(end.ends_with("organizations/acme?did=invited&n=2"), "{end}");
    let made = all(&app);
    assert_eq!(made.len(), 3);
    let ada = made
        .iter()
        .find(|made| made["email"] == "ada@example.com")
        .expect("Ada");
    assert_eq!(ada["role"], "admin");
    assert_eq!(ada["metadata"], json!({"name": "Lovelace; Ada"}));

    // The rows are checked anew: a page that was left open sends nothing twice.
    let again = person.post(&way, &send);
    let page = again.text();
    assert_eq!(again.status, 200, "{page}");
    assert!(page.contains("Not all were invited"), "{page}");
    assert!(page.contains("0 invited, 2 not"), "{page}");
    assert_eq!(all(&app).len(), 3);
}

#[test]
fn a_list_that_is_empty_too_long_or_no_list_of_addresses_is_refused() {
    let app = with_acme(&json!({}));
    let person = Person::with_key(&app, &app.key);
    let way = format!("{HERE}/import");
    let address = |number| format!("p{number}@example.com\n");
    let long: String = (0..1_001).map(address).collect();
    for (list, words) in [
        ("", "addresses, one a line"),
        ("Person;Team\nAda;Red", "a column that is called email"),
        (&*long, "this list has 1001"),
    ] {
        let refused = person.post(&way, &[("list", list), ("role", "viewer")]);
        let page = refused.text();
        assert_eq!(refused.status, 422, "{page}");
        assert!(
            page.contains(words) && page.contains("id=\"wrong-list\""),
            "{words}: {page}"
        );
    }
    let most: String = (0..1_000).map(address).collect();
    let checked = person.post(&way, &[("list", &most), ("role", "viewer")]);
    assert!(
        checked.text().contains("Invite 1\u{202f}000 people"),
        "{}",
        checked.text()
    );
}

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
        page.contains("sent a moment ago already. Try again in 60 s."),
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

    for fields in [
        &[("act", "revoke")][..],
        &[("act", "burn"), ("id", &ids[0])],
    ] {
        assert_eq!(person.post(&way, fields).status, 422, "{fields:?}");
    }
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
fn a_long_file_comes_in_parts_and_whole() {
    let app = with_acme(&json!({}));
    let rows: Vec<_> = (0..1_000)
        .map(|number| json!({"email": format!("p{number}@example.com"), "role": "viewer"}))
        .collect();
    let batch = format!("{}/batch", invitations("acme"));
    app.post(&batch, &json!({"invitations": rows}).to_string());
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
