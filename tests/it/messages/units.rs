//! Values of another form than the field takes: times, numbers of something, URLs.

use invited::base::mode::Mode;
use serde_json::json;

use super::Record;
use crate::support::{TestApp, invitation, invitations};

#[test]
fn a_time_that_is_no_text_is_told_its_form() {
    let mut record = Record::of(TestApp::start(Mode::Dev, &[]));
    let form = r#"must be an RFC 3339 time in a string, as "2026-12-01T00:00:00Z", and is "#;
    let seeded = |field: &str| {
        let invitation = json!({ "email": "a@b.co", "role": "a", field: 1_796_092_985 });
        let organization = json!({ "id": "acme", "invitations": [invitation] });
        json!({ "organizations": [organization] })
    };
    let number = json!(1_796_092_985);
    let of_seed = |field| format!("organizations/0/invitations/0/{field}");
    let seeds = ["createdAt", "acceptedAt", "declinedAt", "revokedAt"];
    let seeds = seeds.map(|field| ("/dev/seed".to_owned(), seeded(field), of_seed(field)));
    let mut rows = vec![
        (
            invitations("acme"),
            json!({ "expiresAt": number }),
            "expiresAt".to_owned(),
        ),
        (
            "/v1/keys".to_owned(),
            json!({ "expiresAt": number }),
            "expiresAt".to_owned(),
        ),
        (
            "/dev/clock".to_owned(),
            json!({ "set": number }),
            "set".to_owned(),
        ),
    ];
    rows.extend(seeds);
    for (path, body, name) in rows {
        let request = record.app.request("POST", &path).json(body.to_string());
        let says = format!("{name} {form}a whole number (line 1, column ");
        record.says(request, 400, "invalid_json", &says);
    }
    let request = record.app.request("POST", "/dev/clock");
    let says = format!("set {form}true or false");
    record.says(request.json(r#"{"set":true}"#), 400, "invalid_json", &says);
    let made = record.app.invite("acme", "a@b.co");
    let path = invitation("acme", &made["id"]);
    for (method, path) in [("PATCH", path.clone()), ("POST", path + "/resend")] {
        let body = json!({ "expiresAt": number }).to_string();
        let request = record.app.request(method, &path).json(body);
        let says = format!("expiresAt {form}a whole number");
        record.says(request, 400, "invalid_json", &says);
    }
    // Without one, and with null, there is none.
    for body in [
        json!({ "email": "b@b.co", "role": "a", "expiresAt": null }),
        json!({ "email": "c@b.co", "role": "a" }),
    ] {
        let answer = record.app.post(&invitations("acme"), &body.to_string());
        assert_eq!(answer.status, 201, "{body}");
    }
}

#[test]
fn a_number_that_is_out_of_range_is_told_its_unit() {
    let mut record = Record::of(TestApp::serve());
    let lifetime = "60 to 31536000 seconds (a minute to 365 days)";
    let accepted = json!({ "email": "a@b.co", "role": "a", "expiresIn": 5 });
    for (method, path, body, says) in [
        (
            "PUT",
            "/v1/organizations/acme",
            json!({ "defaultExpiresIn": 5 }),
            format!("defaultExpiresIn: {lifetime}."),
        ),
        (
            "PUT",
            "/v1/organizations/acme",
            json!({ "maxPending": 0 }),
            "maxPending: 1 to 1000000 invitations.".to_owned(),
        ),
        (
            "POST",
            &*invitations("acme"),
            accepted,
            format!("expiresIn: {lifetime}."),
        ),
    ] {
        let request = record.app.request(method, path).json(body.to_string());
        record.says(request, 422, "validation_failed", &says);
    }
}

#[test]
fn a_url_of_a_webhook_without_its_scheme_is_told_one_that_is_allowed() {
    let plain = "url: an http or https URL, which begins with its scheme, as \
        http://localhost:3000/webhooks.";
    let https =
        "url: an https URL, which begins with its scheme, as https://app.example.com/hooks.";
    let allowed = ["--webhook-allow", "10.0.0.0/8"];
    for (app, says) in [
        (TestApp::start(Mode::Dev, &[]), plain),
        (TestApp::start(Mode::Serve, &allowed), plain),
        (TestApp::serve(), https),
    ] {
        let mut record = Record::of(app);
        for url in [
            "localhost:3000",
            "localhost",
            "127.0.0.1:3000/hooks",
            "/hooks",
            "",
        ] {
            let body = json!({ "url": url }).to_string();
            let request = record.app.request("POST", "/v1/webhooks").json(body);
            record.says(request, 422, "validation_failed", says);
        }
    }
}
