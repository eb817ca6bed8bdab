//! The seed's four operations: list, create, get and delete, to the byte.

use crate::support::{START, TestApp, invitation, invitations};

#[test]
fn start_is_the_time_of_the_contracts_example() {
    assert_eq!(
        invited::base::clock::Timestamp::from_millis(START).to_string(),
        "2026-11-23T02:43:00.123Z"
    );
}

#[test]
fn an_unknown_organization_has_an_empty_array_of_invitations() {
    let app = TestApp::serve();
    let answer = app.get(&invitations("nobody"));
    assert_eq!((answer.status, answer.text().as_str()), (200, "[]"));
    assert_eq!(answer.header("content-type"), Some("application/json"));
}

#[test]
fn a_created_invitation_has_the_seeds_five_fields_first_and_every_byte_of_the_contract() {
    let app = TestApp::serve();
    let answer = app.post(
        &invitations("acme"),
        r#"{"email":"  New.User@Example.COM ","role":"developer"}"#,
    );
    assert_eq!(answer.status, 201);
    let id = answer.json()["id"].as_str().expect("an id").to_owned();
    let expected = format!(
        concat!(
            r#"{{"role":"developer","id":"{id}","email":"new.user@example.com","#,
            r#""createdAt":"2026-11-23T02:43:00.123Z","expiresAt":"2026-11-30T02:43:00.123Z","#,
            r#""organizationId":"acme","status":"pending","#,
            r#""updatedAt":"2026-11-23T02:43:00.123Z","delivery":"none"}}"#
        ),
        id = id
    );
    assert_eq!(answer.text(), expected);
    let path = format!("{}/{id}", invitations("acme"));
    assert_eq!(
        answer.header("location"),
        Some(format!("http://invited.test{path}").as_str())
    );

    let read = app.get(&path);
    assert_eq!((read.status, read.text()), (200, expected.clone()));
    assert_eq!(read.header("etag"), answer.header("etag"));
    assert_eq!(
        app.get(&invitations("acme")).text(),
        format!("[{expected}]")
    );
}

#[test]
fn an_id_is_a_lowercase_hyphenated_uuid_v7_and_no_other_spelling_finds_it() {
    let app = TestApp::serve();
    let id = app.invite("acme", "a@b.co")["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    let parsed = uuid::Uuid::parse_str(&id).expect("a UUID");
    assert_eq!(
        (parsed.get_version_num(), parsed.to_string()),
        (7, id.clone())
    );
    for spelling in [
        id.to_uppercase(),
        id.replace('-', ""),
        format!("{{{id}}}"),
        format!("urn:uuid:{id}"),
    ] {
        assert_eq!(
            app.get(&format!("{}/{spelling}", invitations("acme")))
                .status,
            404,
            "{spelling}"
        );
    }
}

#[test]
fn a_deleted_invitation_is_gone_and_frees_the_address_while_its_history_stays() {
    let app = TestApp::serve();
    let invited = app.invite("acme", "a@b.co");
    let path = invitation("acme", &invited["id"]);
    let deleted = app.request("DELETE", &path).send();
    assert_eq!((deleted.status, deleted.body.len()), (204, 0));
    assert_eq!(app.get(&path).status, 404);
    assert_eq!(app.request("DELETE", &path).send().status, 404);
    assert_eq!(app.get(&invitations("acme")).text(), "[]");
    app.invite("acme", "a@b.co");
    let history = app.db_rows("select type from event order by id");
    let types: Vec<_> = history.iter().map(|row| row[0].as_str()).collect();
    let created = "Some(\"invitation.created\")";
    assert_eq!(types, [created, "Some(\"invitation.deleted\")", created]);
}

#[test]
fn every_change_writes_its_organization_and_its_event_with_actor_and_request_id() {
    let app = TestApp::serve();
    let body = r#"{"email":"a@b.co","role":"viewer"}"#;
    let answer = app
        .request("POST", &invitations("acme"))
        .header("X-Request-Id", "trace-1")
        .json(body)
        .send();
    assert_eq!(answer.header("x-request-id"), Some("trace-1"));
    let actor = format!("Some({:?})", &app.key[4..20]);
    let event = &app
        .db_rows("select organization_id, type, actor, request_id, before, after from event")[0];
    assert_eq!(
        event[0..5],
        [
            "Some(\"acme\")",
            "Some(\"invitation.created\")",
            &actor,
            "Some(\"trace-1\")",
            "None"
        ]
    );
    assert!(
        event[5].contains("a@b.co") && event[5].contains("viewer"),
        "{event:?}"
    );
    assert_eq!(
        app.db_rows("select id from organization"),
        [["Some(\"acme\")"]]
    );
}

#[test]
fn head_answers_the_headers_of_get_without_its_body_and_options_answers_allow() {
    let app = TestApp::serve();
    let one = invitation("acme", &app.invite("acme", "a@b.co")["id"]);
    for path in [invitations("acme"), one.clone()] {
        let (get, head) = (app.get(&path), app.request("HEAD", &path).send());
        assert_eq!((head.status, head.body.len()), (200, 0));
        for name in ["content-length", "content-type", "etag", "cache-control"] {
            assert_eq!(head.header(name), get.header(name), "{name}");
        }
    }
    let options = app.anonymous("OPTIONS", &invitations("acme")).send();
    assert_eq!(
        (options.status, options.header("allow")),
        (204, Some("GET, POST, HEAD, OPTIONS"))
    );
    let options = app.anonymous("OPTIONS", &one).send();
    assert_eq!(
        (options.status, options.header("allow")),
        (204, Some("GET, PATCH, DELETE, HEAD, OPTIONS"))
    );
}

#[test]
fn a_caller_who_has_the_present_version_gets_304_until_it_changes() {
    let app = TestApp::serve();
    let path = invitation("acme", &app.invite("acme", "a@b.co")["id"]);
    let tag = app.get(&path).header("etag").expect("a tag").to_owned();
    let ask = |tag: &str| {
        app.request("GET", &path)
            .header("If-None-Match", tag)
            .send()
    };
    let unchanged = ask(&tag);
    assert_eq!(
        (
            unchanged.status,
            unchanged.body.len(),
            unchanged.header("etag")
        ),
        (304, 0, Some(tag.as_str()))
    );
    assert_eq!(ask(&format!("\"other\", W/{tag}")).status, 304);
    assert_eq!(ask("*").status, 304);
    assert_eq!(ask("\"other\"").status, 200);
    // Only the clock has moved: the status is another, and so is the tag.
    app.advance_to(7 * 24 * 60 * 60 * 1000);
    assert_eq!(ask(&tag).json()["status"], "expired");
}

#[test]
fn a_version_has_the_same_tag_after_a_restart_and_another_one_under_another_secret() {
    let mut app = TestApp::serve();
    let made = app.invite("acme", "a@b.co");
    let path = invitation("acme", &made["id"]);
    let tag = |app: &TestApp| app.get(&path).header("etag").map(str::to_owned);
    let first = tag(&app);
    assert!(first.as_ref().is_some_and(|tag| tag.len() == 34));
    app.restart();
    assert_eq!(tag(&app), first);
    std::fs::write(app.secret_file(), "0123456789abcdef".repeat(4)).expect("it writes");
    app.restart_with(|settings| settings.new_secret = true);
    assert_ne!(tag(&app), first);
}

#[test]
fn a_delete_that_names_another_version_is_refused_and_changes_nothing() {
    let app = TestApp::serve();
    let path = invitation("acme", &app.invite("acme", "a@b.co")["id"]);
    let tag = app.get(&path).header("etag").expect("a tag").to_owned();
    let refused = app
        .request("DELETE", &path)
        .header("If-Match", "\"other\"")
        .send();
    assert_eq!(
        (refused.status, refused.code().as_str()),
        (412, "precondition_failed")
    );
    let weak = app
        .request("DELETE", &path)
        .header("If-Match", "W/\"other\"")
        .send();
    assert_eq!(weak.status, 412);
    let garbage = app
        .request("DELETE", &path)
        .header("If-Match", "no tag")
        .send();
    assert_eq!(
        (garbage.status, garbage.code().as_str()),
        (400, "bad_request")
    );
    assert_eq!(app.get(&path).status, 200);
    assert_eq!(
        app.request("DELETE", &path)
            .header("If-Match", &tag)
            .send()
            .status,
        204
    );
}

#[test]
fn every_answer_says_that_it_is_not_to_be_kept_or_guessed_at() {
    let app = TestApp::serve();
    let paths = [
        "/health/live",
        "/openapi.json",
        "/problems",
        "/nowhere",
        "/v1/organizations/acme/invitations",
    ];
    for path in paths {
        let answer = app.anonymous("GET", path).send();
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{path}");
        assert_eq!(
            answer.header("x-content-type-options"),
            Some("nosniff"),
            "{path}"
        );
        assert_eq!(
            answer.header("x-request-id").map(str::len),
            Some(36),
            "{path}"
        );
    }
}
