//! Seeds in lines of JSON, exports as seeds, and the times that a seed can name.

use invited::base::clock::Clock;
use serde_json::{Value, json};

use super::dev;
use super::seed::acme;
use crate::support::process::{Server, run};
use crate::support::{TestApp, invitations, life};

/// Seeds `lines` by HTTP. Returns the status and the body.
fn seed(app: &TestApp, lines: &str) -> (u16, Value) {
    let request = app.request("POST", "/dev/seed");
    let request = request.header("Content-Type", "application/x-ndjson");
    let answer = request.body(lines).send();
    (answer.status, answer.json())
}

/// Pointers and codes of the errors of a problem document.
fn errors(problem: &Value) -> Vec<(&str, &str)> {
    let listed = problem["errors"].as_array().map_or(&[][..], Vec::as_slice);
    let text = |error: &'_ Value, name: &str| error[name].as_str().map(str::to_owned);
    assert!(listed.iter().all(|error| text(error, "detail").is_some()));
    listed
        .iter()
        .filter_map(|error| Some((error["pointer"].as_str()?, error["code"].as_str()?)))
        .collect()
}

#[test]
fn lines_say_what_a_document_says_in_any_order() {
    let app = dev();
    let lines = [
        r#"{"invitation":{"organizationId":"acme","email":"ada@b.co","role":"admin","age":"2d"}}"#,
        r#"{"organization":{"id":"acme","settings":{"name":"Acme Ltd."}}}"#,
        "",
        r#"{"invitation":{"organizationId":"globex","email":"ada@b.co","role":"admin"}}"#,
        r#"{"organization":{"id":"empty"}}"#,
    ];
    let (status, seeded) = seed(&app, &lines.join("\r\n"));
    assert_eq!(
        (status, &seeded["organizations"]),
        (200, &json!(3)),
        "{seeded}"
    );
    assert_eq!(seeded["invitations"], 2);
    assert_eq!(
        app.get("/v1/organizations/acme").json()["name"],
        "Acme Ltd."
    );
    let list = app.get(&invitations("acme")).json();
    assert_eq!(list[0]["createdAt"], "2026-11-21T02:43:00.123Z");
    // One line by itself, under the type of JSON, is a seed, too; and so is what an editor saved.
    let one = r#"{"organization":{"id":"acme"}}"#;
    assert_eq!(app.post("/dev/seed", one).status, 200);
    assert_eq!(seed(&app, &format!("\u{feff}{one}")).0, 200);
    assert_eq!(app.get(&invitations("acme")).text(), "[]");
}

#[test]
fn what_is_wrong_with_a_line_is_told_with_its_number() {
    let app = dev();
    let lines = [
        r#"{"organization":{"id":"acme"}}"#,
        r#"{"invitation":{"organizationId":"acme","email":"nonsense","role":"admin"}}"#,
        r#"{"invitation":{"organizationId":"acme","email":"a@b.co","role":"admin"}}"#,
        r#"{"invitation":{"organizationId":"acme","email":"A@b.co","role":"admin"}}"#,
        r#"{"organization":{"id":"acme"}}"#,
    ];
    let (status, problem) = seed(&app, &lines.join("\n"));
    assert_eq!(status, 422);
    let expected = [
        ("/lines/2/invitation/email", "invalid_email"),
        ("/lines/5/organization/id", "conflict"),
    ];
    assert_eq!(errors(&problem), expected);
    let (_, problem) = seed(&app, &[lines[0], lines[2], lines[3]].join("\n"));
    assert_eq!(
        errors(&problem),
        [("/lines/3/invitation/email", "conflict")]
    );
    for (line, pointer, code) in [
        (
            r#"{"invitation":{"email":"a@b.co"}}"#,
            "/invitation/organizationId",
            "required",
        ),
        (
            r#"{"invitation":{"mail":"a@b.co"}}"#,
            "/invitation/mail",
            "unknown_field",
        ),
        (
            r#"{"organization":{"id":5}}"#,
            "/organization/id",
            "wrong_type",
        ),
        ("{", "", "wrong_type"),
        ("{}", "", "required"),
    ] {
        let (status, problem) = seed(&app, &format!("{}\n{line}\n", lines[0]));
        assert!([400, 422].contains(&status), "{line}: {problem}");
        assert_eq!(
            errors(&problem),
            [(format!("/lines/2{pointer}").as_str(), code)],
            "{line}"
        );
        let detail = problem["errors"][0]["detail"].as_str();
        assert!(
            detail.is_some_and(|detail| !detail.ends_with('.')),
            "{problem}"
        );
    }
    assert_eq!(app.get("/v1/organizations").text(), "[]");
    let other = app
        .request("POST", "/dev/seed")
        .header("Content-Type", "text/csv");
    assert_eq!(other.body("id,email").send().status, 415);
}

#[test]
fn an_export_is_a_seed_by_http_and_as_a_file_and_comes_back_with_a_reset() {
    let (from, to) = (dev(), dev());
    from.fill_with_samples();
    let now = Clock::System.now();
    from.clock.set(now);
    to.clock.set(now);
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    let database = from.database.to_string_lossy().into_owned();
    let exported = run(&["export", &path("all.jsonl"), "--database", &database]);
    assert!(exported.status.success(), "{exported:?}");
    let text = std::fs::read_to_string(path("all.jsonl")).expect("text");
    let (status, seeded) = seed(&to, &text);
    assert_eq!(
        (status, &seeded["invitations"]),
        (200, &json!(9)),
        "{seeded}"
    );
    let expected = from.get(&invitations("acme")).text();
    assert_eq!(to.get(&invitations("acme")).text(), expected);
    let cut = &text[..text.len() - 20];
    let (status, problem) = seed(&to, cut);
    assert_eq!(status, 422, "{problem}");
    assert_eq!(to.get(&invitations("acme")).text(), expected);
    let words = [
        "dev",
        "--listen",
        "127.0.0.1:0",
        "--seed",
        &path("all.jsonl"),
    ];
    let server = Server::start(&words);
    let shown = || server.request("GET", &invitations("acme")).send().text();
    assert_eq!(shown(), expected);
    let removed = server.request("DELETE", "/v1/organizations/acme").send();
    assert!(removed.status < 300, "{}", removed.text());
    assert_eq!(server.request("POST", "/dev/reset").send().status, 204);
    assert_eq!(shown(), expected);
    std::fs::write(path("cut.jsonl"), cut).expect("it is written");
    let refused = run(&[
        "dev",
        "--listen",
        "127.0.0.1:0",
        "--seed",
        &path("cut.jsonl"),
    ]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(1));
    assert!(said.contains("\n  line "), "{said}");
}

#[test]
fn a_seed_may_name_the_times_at_which_things_happened() {
    let app = dev();
    let answer = app.post(
        "/dev/seed",
        &acme(&json!([
            {"email": "ada@b.co", "role": "admin", "createdAt": "2026-11-01T10:00:00+02:00",
                "status": "accepted", "acceptedAt": "2026-11-02T08:00:00Z"},
            {"email": "bob@b.co", "role": "admin", "createdAt": "2026-11-01T09:00:00Z",
                "status": "declined", "declinedAt": "2026-11-01T09:00:00Z"},
            {"email": "bob@b.co", "role": "admin", "createdAt": "2026-11-03T09:00:00Z",
                "status": "revoked"},
        ])),
    );
    assert_eq!(answer.status, 200, "{}", answer.text());
    let list = app.get(&invitations("acme")).json();
    assert_eq!(list[2]["createdAt"], "2026-11-01T08:00:00.000Z");
    assert_eq!(list[2]["acceptedAt"], "2026-11-02T08:00:00.000Z");
    assert_eq!(list[1]["declinedAt"], "2026-11-01T09:00:00.000Z");
    assert_eq!(list[0]["revokedAt"], "2026-11-03T09:00:00.000Z");
    let times = app.db_rows("select created_at, id from event order by rowid");
    assert!(times.is_sorted(), "in the order of time: {times:?}");
    for (fields, pointer, code) in [
        (
            json!({"createdAt": "2027-01-01T00:00:00Z"}),
            "createdAt",
            "out_of_range",
        ),
        (
            json!({"createdAt": "yesterday"}),
            "createdAt",
            "invalid_format",
        ),
        (
            json!({"createdAt": "2026-11-20T00:00:00Z", "age": "3d"}),
            "createdAt",
            "conflict",
        ),
        (
            json!({"acceptedAt": "2026-11-20T00:00:00Z"}),
            "acceptedAt",
            "conflict",
        ),
        (
            json!({"status": "revoked", "age": "3d", "revokedAt": "2026-11-01T00:00:00Z"}),
            "revokedAt",
            "out_of_range",
        ),
        (
            json!({"status": "accepted", "age": "8d", "acceptedAt": "2026-11-22T23:00:00Z"}),
            "acceptedAt",
            "out_of_range",
        ),
        (
            json!({"organizationId": "globex"}),
            "organizationId",
            "conflict",
        ),
    ] {
        let mut invitation = json!({"email": "x@b.co", "role": "admin"});
        let members = invitation.as_object_mut().expect("an object");
        members.extend(fields.as_object().expect("an object").clone());
        let answer = app.post("/dev/seed", &acme(&json!([invitation])));
        let expected = (
            format!("/organizations/0/invitations/0/{pointer}"),
            code.to_owned(),
        );
        assert_eq!(life::wrong(&answer), [expected], "{fields}");
    }
}
