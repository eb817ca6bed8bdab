//! The page of one invitation.

use invited::base::mode::Mode;
use invited::key::Scope;
use serde_json::json;

use super::{Person, dev};
use crate::support::smtp::Smtp;
use crate::support::{TestApp, invitations};

/// The path of the page of an invitation of `acme`.
fn page_of(invitation: &serde_json::Value) -> String {
    let id = invitation["id"].as_str().expect("an id");
    format!("/console/organizations/acme/invitations/{id}")
}

/// The version that a form has been filled in for.
fn seen(page: &str) -> String {
    let rest = page
        .split("name=\"seen\" value=\"")
        .nth(1)
        .expect("a version");
    rest.split('"').next().unwrap_or_default().to_owned()
}

#[test]
fn the_page_says_what_the_invitation_is_and_what_happened_to_it() {
    let app = dev();
    let body = json!({
        "email": "grace@example.com", "role": "developer", "note": "See you <there>",
        "inviter": {"name": "Ada \"The\" Lovelace"}, "metadata": {"team": "kernel"},
    });
    let made = app.post(&invitations("acme"), &body.to_string()).json();
    let page = Person::of_development(&app).page(&page_of(&made));
    for words in [
        "<h1>grace@example.com</h1>",
        "Pending",
        "Ada &quot;The&quot; Lovelace",
        "See you &lt;there&gt;",
        "&quot;team&quot;: &quot;kernel&quot;",
        "Invited by development",
        made["id"].as_str().expect("an id"),
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
}

#[test]
fn an_invitation_is_sent_again_revoked_and_deleted() {
    let app = TestApp::serve();
    let person = Person::with_key(&app, &app.key);
    let made = app.invite("acme", "grace@example.com");
    let page = page_of(&made);
    // It was sent a moment ago.
    let refused = person.post(&format!("{page}/resend"), &[]);
    assert_eq!(refused.status, 429);
    assert!(refused.header("retry-after").is_some());
    assert!(
        refused.text().contains("resend_too_soon"),
        "{}",
        refused.text()
    );
    assert!(refused.text().contains("<h1>grace@example.com</h1>"));

    app.advance_to(2 * 60 * 1000);
    let sent = person.post(&format!("{page}/resend"), &[]);
    assert_eq!(sent.status, 303, "{}", sent.text());
    let end = sent.header("location").expect("a location").to_owned();
    assert!(end.ends_with("?did=resent&n=1"), "{end}");
    assert!(
        person
            .page(&format!("{page}?did=resent&n=1"))
            .contains("1 invitation sent again.")
    );

    assert!(
        person
            .page(&format!("{page}/revoke"))
            .contains("Revoke this invitation?")
    );
    assert_eq!(
        app.get(&page.replace("/console", "/v1")).json()["status"],
        "pending"
    );
    assert_eq!(person.post(&format!("{page}/revoke"), &[]).status, 303);
    assert_eq!(
        app.get(&page.replace("/console", "/v1")).json()["status"],
        "revoked"
    );
    assert_eq!(person.post(&format!("{page}/revoke"), &[]).status, 409);

    assert!(
        person
            .page(&format!("{page}/delete"))
            .contains("Delete this invitation?")
    );
    assert_eq!(person.post(&format!("{page}/delete"), &[]).status, 303);
    assert_eq!(app.get(&page.replace("/console", "/v1")).status, 404);
    let gone = person.get(&page);
    assert_eq!(gone.status, 404);
    assert!(gone.text().contains("not_found"));
}

#[test]
fn a_change_is_refused_at_its_field_and_keeps_what_was_typed() {
    let app = dev();
    let person = Person::of_development(&app);
    let made = app.invite("acme", "grace@example.com");
    let change = format!("{}/change", page_of(&made));
    for (name, value, pointer) in [
        ("role", "team lead", "role"),
        ("days", "9999", "expiresIn"),
        ("days", "soon", "expiresIn"),
        ("metadata", "[1]", "metadata"),
        ("metadata", "{", "metadata"),
        ("locale", "no language", "locale"),
    ] {
        let fields = [("role", "viewer"), (name, value)];
        let fields = if name == "role" {
            &fields[1..]
        } else {
            &fields[..]
        };
        let answer = person.post(&change, fields);
        let page = answer.text();
        assert_eq!(answer.status, 422, "{name}: {page}");
        assert!(
            page.contains(&format!("id=\"wrong-{pointer}\"")),
            "{name}: {page}"
        );
        let typed = value.replace('"', "&quot;");
        assert!(page.contains(&typed), "{name}: {page}");
    }
    let seen = seen(&person.page(&change));
    let fields = [
        ("seen", &*seen),
        ("role", "viewer"),
        ("days", "30"),
        ("metadata", "{\"a\": 1}"),
        ("locale", "de"),
    ];
    assert_eq!(person.post(&change, &fields).status, 303);
    let changed = app.get(&page_of(&made).replace("/console", "/v1")).json();
    assert_eq!(changed["role"], "viewer");
    assert_eq!(
        (&changed["metadata"]["a"], &changed["locale"]),
        (&json!(1), &json!("de"))
    );
    // Who has not seen that change does not undo it.
    let late = person.post(&change, &fields);
    assert_eq!(late.status, 412, "{}", late.text());
    assert!(
        late.text().contains("Somebody has changed this invitation"),
        "{}",
        late.text()
    );
    // What is empty is unset; the end stays where it is.
    let seen = self::seen(&person.page(&change));
    let fields = [("seen", &*seen), ("role", "viewer"), ("metadata", "")];
    assert_eq!(person.post(&change, &fields).status, 303);
    let emptied = app.get(&page_of(&made).replace("/console", "/v1")).json();
    assert_eq!(emptied["expiresAt"], changed["expiresAt"]);
    assert!(emptied.get("metadata").is_none() && emptied.get("locale").is_none());
}

#[test]
fn a_change_of_something_else_leaves_the_metadata_as_they_were_written() {
    let app = dev();
    let person = Person::of_development(&app);
    let made = app.invite("acme", "grace@example.com");
    let api = page_of(&made).replace("/console", "/v1");
    let metadata = r#"{"z":1,"a":{"y":"1","b":2},"m":100,"e":1e2,"f":1.50,"s":1e-7,
        "u":18446744073709551615,"n":12345678901234567890123}"#;
    let body = format!(r#"{{"metadata":{metadata}}}"#);
    assert_eq!(app.request("PATCH", &api).json(body).send().status, 200);
    let written = app.get(&api).json()["metadata"].to_string();
    let change = format!("{}/change", page_of(&made));
    let page = person.page(&change);
    let area = super::people::between(&page, "<textarea id=\"metadata\"", "</textarea>");
    let (_, shown) = area.split_once(">\n").expect("its text");
    for (locale, line_break) in [("de", "\r\n"), ("fr", "\n")] {
        let seen = seen(&person.page(&change));
        let typed = shown.replace('\n', line_break);
        let fields = [
            ("seen", &*seen),
            ("role", "developer"),
            ("locale", locale),
            ("metadata", &*typed),
        ];
        let answer = person.post(&change, &fields);
        assert_eq!(answer.status, 303, "{}", answer.text());
        let changed = app.get(&api).json();
        assert_eq!(changed["metadata"].to_string(), written);
        assert_eq!(changed["locale"], locale);
    }
    let events = app.get("/v1/organizations/acme/events").json();
    let events = events.as_array().expect("a list");
    let changes = events
        .iter()
        .filter(|one| one["after"]["locale"].is_string());
    for change in changes {
        assert_eq!(change["after"].get("metadataChanged"), None, "{change}");
    }
}

#[test]
fn the_secret_link_is_shown_on_request_and_only_while_it_opens_something() {
    let app = dev();
    let person = Person::of_development(&app);
    let made = app.invite("acme", "grace@example.com");
    let page = page_of(&made);
    assert!(!person.page(&page).contains("ivt_"));
    let shown = person.post(&format!("{page}/link"), &[]);
    assert_eq!(shown.status, 200);
    let link = app
        .post(&format!("{}/link", page.replace("/console", "/v1")), "")
        .json();
    assert!(shown.text().contains(link["url"].as_str().expect("a URL")));
    person.post(&format!("{page}/revoke"), &[]);
    let refused = person.post(&format!("{page}/link"), &[]);
    assert_eq!(refused.status, 409);
    assert!(!refused.text().contains("ivt_"));
}

#[test]
fn the_mail_is_shown_in_each_language_without_a_link_that_opens_anything() {
    let app = dev();
    let person = Person::of_development(&app);
    let page = page_of(&app.invite("acme", "grace@example.com"));
    let english = person.page(&format!("{page}/mail"));
    assert!(english.contains("sandbox src="), "{english}");
    let german = person.page(&format!("{page}/mail?language=de"));
    assert!(german.contains("aria-current=\"page\">de</a>"), "{german}");
    assert!(german.contains("Einladung"), "{german}");
    let html = person.get(&format!("{page}/mail/html?language=de"));
    assert!(
        html.header("content-security-policy")
            .is_some_and(|policy| policy.ends_with("sandbox"))
    );
    for text in [english, german, html.text()] {
        assert!(!text.contains("ivt_") && !text.contains("ivm_"), "{text}");
    }
    // A language that there are no words in is not taken for an error.
    assert!(
        person
            .page(&format!("{page}/mail?language=xx"))
            .contains("grace@example.com")
    );

    let silent = TestApp::serve();
    let made = silent.invite("acme", "grace@example.com");
    let admin = Person::with_key(&silent, &silent.key);
    assert!(!admin.page(&page_of(&made)).contains("See the mail"));
    let answer = admin.get(&format!("{}/mail", page_of(&made)));
    assert_eq!(answer.status, 404);
    assert!(answer.text().contains("sends no mail"), "{}", answer.text());
}

#[test]
fn a_narrow_key_sees_no_button_that_it_may_not_press() {
    let app = TestApp::serve();
    let made = app.invite("acme", "grace@example.com");
    let page = page_of(&made);
    let reader = app.key(&[Scope::Read], &["acme"], None);
    let reader = Person::with_key(&app, &reader);
    let html = reader.page(&page);
    for button in [
        "Get link",
        "Send again",
        "Revoke",
        "Change",
        "Delete",
        "Keys",
        "Health",
    ] {
        assert!(!html.contains(&format!(">{button}")), "{button}");
    }
    for (method, way) in [
        ("POST", "link"),
        ("POST", "resend"),
        ("GET", "revoke"),
        ("POST", "revoke"),
        ("GET", "change"),
        ("POST", "change"),
        ("GET", "delete"),
        ("POST", "delete"),
    ] {
        let path = format!("{page}/{way}");
        let answer = match method {
            "GET" => reader.get(&path),
            _ => reader.post(&path, &[("role", "viewer")]),
        };
        assert_eq!(answer.status, 403, "{method} {way}");
    }
    let foreign = app.key(&[Scope::Read, Scope::Write], &["globex"], None);
    let foreign = Person::with_key(&app, &foreign);
    for way in ["", "/change", "/mail", "/delete"] {
        assert_eq!(foreign.get(&format!("{page}{way}")).status, 404, "{way}");
    }
    assert_eq!(foreign.post(&format!("{page}/revoke"), &[]).status, 404);
    assert_eq!(
        app.get(&page.replace("/console", "/v1")).json()["status"],
        "pending"
    );
}

#[test]
fn a_key_sees_no_button_for_a_role_that_it_may_not_grant_and_a_reader_no_note() {
    let app = TestApp::serve();
    let body = json!({"email": "a@example.com", "role": "owner", "note": "Between us"});
    let owner = app.post(&invitations("acme"), &body.to_string()).json();
    let developer = app.invite("acme", "b@example.com");
    let narrow = json!({
        "name": "narrow", "scopes": ["invitations:read", "invitations:write"],
        "roles": ["developer"],
    });
    let narrow = app.post("/v1/keys", &narrow.to_string()).json();
    let narrow = Person::with_key(&app, narrow["key"].as_str().expect("a key"));
    let page = narrow.page(&page_of(&owner));
    for button in ["Send again", "Change", "Revoke", "Delete"] {
        assert!(!page.contains(&format!(">{button}")), "{button}: {page}");
    }
    assert!(page.contains("Between us"), "{page}");
    let page = narrow.page(&page_of(&developer));
    for button in ["Send again", "Change", "Revoke", "Delete"] {
        assert!(page.contains(&format!(">{button}")), "{button}: {page}");
    }
    let form = narrow.page(&format!("{}/change", page_of(&developer)));
    assert!(
        form.contains("<option selected>developer</option>"),
        "{form}"
    );
    assert!(!form.contains("owner"), "{form}");
    let reader = app.key(&[Scope::Read], &[], None);
    let page = Person::with_key(&app, &reader).page(&page_of(&owner));
    assert!(!page.contains("Between us"), "{page}");
}

#[test]
fn the_mail_is_shown_with_the_page_of_its_organization() {
    let app = TestApp::start(Mode::Dev, &["--redirect-origins", "http://app.test"]);
    let settings = json!({"acceptUrl": "http://app.test/join"});
    let put = app.request("PUT", "/v1/organizations/acme");
    let put = put.json(settings.to_string()).send();
    assert_eq!(put.status, 201, "{}", put.text());
    let page = page_of(&app.invite("acme", "grace@example.com"));
    let mail = Person::of_development(&app).page(&format!("{page}/mail"));
    assert!(
        mail.contains("http://app.test/join#only-the-mail-itself"),
        "{mail}"
    );
}

#[test]
fn the_mail_has_the_note_for_those_only_who_could_have_written_it() {
    let smtp = Smtp::start();
    let words = ["--smtp-url", &smtp.url(), "--mail-from", "a@acme.test"];
    let app = TestApp::start(Mode::Serve, &words);
    let body = json!({"email": "a@example.com", "role": "owner", "note": "Between us"});
    let made = app.post(&invitations("acme"), &body.to_string()).json();
    let reader = app.key(&[Scope::Read], &[], None);
    for (key, has_note) in [(&app.key, true), (&reader, false)] {
        let person = Person::with_key(&app, key);
        for way in ["mail", "mail/html"] {
            let page = person.page(&format!("{}/{way}", page_of(&made)));
            assert_eq!(page.contains("Between us"), has_note, "{way}: {page}");
        }
    }
}

#[test]
fn the_page_explains_why_an_address_cannot_accept() {
    let app = dev();
    let person = Person::of_development(&app);
    let page = page_of(&app.invite("acme", "grace@example.com"));
    let explain = format!("{page}/explain");
    let other = person.post(&explain, &[("email", "<b>grace@example.org")]);
    assert_eq!(other.status, 200);
    assert!(other.text().contains("This person cannot accept."));
    assert!(
        other
            .text()
            .contains("value=\"&lt;b&gt;grace@example.org\"")
    );
    let right = person.post(&explain, &[("email", "Grace@Example.com")]);
    assert!(right.text().contains("This person can accept."));
    assert_eq!(person.post(&explain, &[("email", " ")]).status, 422);
    assert_eq!(
        app.get(&page.replace("/console", "/v1")).json()["status"],
        "pending"
    );
}
