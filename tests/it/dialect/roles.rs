//! The roles of the dialect: ours, with ids.

use invited::base::mode::Mode;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{NAMESPACE, at, each, join, result};
use crate::support::{TestApp, invitations};

/// The id of a role, as anybody can work it out.
fn id(name: &str) -> Value {
    json!(Uuid::new_v5(&NAMESPACE, format!("role:{name}").as_bytes()))
}

/// The roles of `acme` as the list has them.
fn list(app: &TestApp) -> Value {
    result(&app.get(&at("acme", "roles")))
}

/// The answer to an invitation of `email` to `acme` with roles by id.
fn create(app: &TestApp, email: &str, ids: &Value) -> crate::support::Answer {
    let body = json!({ "email": email, "assignedRoleIds": ids });
    app.post(&at("acme", "invitations"), &body.to_string())
}

#[test]
fn a_role_that_the_clients_do_not_know_is_developer_to_them_and_stands_in_assigned_roles() {
    let app = TestApp::serve();
    for (number, (name, legacy, shown, kind)) in [
        ("viewer", "developer", "viewer", "custom"),
        ("billing:manager", "developer", "billing:manager", "custom"),
        ("ADMIN", "developer", "ADMIN", "custom"),
        ("admin", "admin", "Admin", "system"),
        ("developer", "developer", "Developer", "system"),
    ]
    .into_iter()
    .enumerate()
    {
        let body = json!({ "email": format!("p{number}@b.co"), "role": name });
        let made = result(&app.post(&at("acme", "invitations"), &body.to_string()));
        let assigned = json!([{ "roleId": id(name), "roleName": shown, "roleType": kind }]);
        assert_eq!(
            (&made["role"], &made["assignedRoles"]),
            (&json!(legacy), &assigned),
            "{name}"
        );
        let one = at(
            "acme",
            &format!("invitations/{}", made["id"].as_str().expect("an id")),
        );
        assert_eq!(result(&app.get(&one)), made);
        assert_eq!(result(&app.get(&at("acme", "invitations")))[0], made);
        let user = join(&app, &format!("m{number}@b.co"), name, None);
        let member = result(&app.get(&at("acme", &format!("members/{user}"))));
        assert_eq!(
            (&member["role"], &member["assignedRoles"]),
            (&json!(legacy), &assigned)
        );
        assert_eq!(result(&app.get(&at("acme", "members")))[0], member);
    }
}

#[test]
fn every_role_that_is_listed_can_be_got_and_granted_by_its_id_and_is_echoed() {
    let app = TestApp::serve();
    app.post(
        &invitations("acme"),
        r#"{"email":"a@b.co","role":"viewer"}"#,
    );
    join(&app, "b@b.co", "billing:manager", None);
    app.post(
        &invitations("globex"),
        r#"{"email":"a@b.co","role":"owner"}"#,
    );
    let roles = list(&app);
    assert_eq!(
        each(&roles, "name"),
        ["Admin", "Developer", "billing:manager", "viewer"]
    );
    assert_eq!(
        each(&roles, "type"),
        ["system", "system", "custom", "custom"]
    );
    for (number, (name, role)) in ["admin", "developer", "billing:manager", "viewer"]
        .into_iter()
        .zip(roles.as_array().expect("an array"))
        .enumerate()
    {
        assert_eq!(role["id"], id(name), "{name}");
        let path = at(
            "acme",
            &format!("roles/{}", role["id"].as_str().expect("an id")),
        );
        assert_eq!(&result(&app.get(&path)), role);
        let made = result(&create(
            &app,
            &format!("p{number}@b.co"),
            &json!([role["id"]]),
        ));
        assert_eq!(made["assignedRoles"][0]["roleId"], role["id"]);
        let native = format!(
            "{}/{}",
            invitations("acme"),
            made["id"].as_str().expect("an id")
        );
        assert_eq!(app.get(&native).json()["role"], name);
    }
    let owner = at(
        "acme",
        &format!("roles/{}", id("owner").as_str().expect("an id")),
    );
    for unknown in [owner, at("acme", "roles/viewer"), at("acme", "roles/%20")] {
        assert_eq!(app.get(&unknown).status, 404, "{unknown}");
    }
}

#[test]
fn where_roles_are_named_those_and_no_others_are_listed_and_granted() {
    let app = TestApp::start(Mode::Serve, &["--roles", "admin,viewer,guest"]);
    assert_eq!(each(&list(&app), "name"), ["Admin", "viewer", "guest"]);
    assert_eq!(
        create(&app, "a@b.co", &json!([id("developer")])).status,
        422
    );
    assert_eq!(create(&app, "a@b.co", &json!([id("guest")])).status, 200);
    let put = app
        .request("PUT", "/v1/organizations/acme")
        .json(r#"{"roles":["viewer"]}"#)
        .send();
    assert_eq!(put.status, 200, "{}", put.text());
    assert_eq!(each(&list(&app), "name"), ["viewer"]);
    for name in ["guest", "admin"] {
        assert_eq!(
            create(&app, "b@b.co", &json!([id(name)])).status,
            422,
            "{name}"
        );
    }
    assert_eq!(create(&app, "b@b.co", &json!([id("viewer")])).status, 200);
}

#[test]
fn ids_that_are_none_or_several_are_refused_and_nothing_is_made() {
    let app = TestApp::serve();
    let missing = "3f2504e0-4f89-41d3-9a0c-0305e82c3301";
    for ids in [
        json!([missing]),
        json!(["viewer"]),
        json!([""]),
        json!([id("admin"), id("developer")]),
        json!([id("admin"), missing]),
        json!([id("admin"), "admin"]),
    ] {
        let answer = create(&app, "a@b.co", &ids);
        let error = answer.json()["error"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        assert!(
            answer.status == 422 && error.starts_with("VALIDATION_FAILED: assignedRoleIds: "),
            "{ids}: {error}"
        );
    }
    assert_eq!(app.get(&invitations("acme")).json(), json!([]));
    let by_both =
        json!({ "email": "a@b.co", "role": "developer", "assignedRoleIds": [id("admin")] });
    let made = result(&app.post(&at("acme", "invitations"), &by_both.to_string()));
    assert_eq!(made["role"], "admin", "the id decides");
}

#[test]
fn one_id_in_several_spellings_is_one_role() {
    let app = TestApp::serve();
    let admin = Uuid::new_v5(&NAMESPACE, b"role:admin");
    let (upper, simple) = (admin.to_string().to_uppercase(), admin.simple().to_string());
    for (number, ids) in [
        json!([admin, admin]),
        json!([admin, upper]),
        json!([simple, admin, upper]),
    ]
    .into_iter()
    .enumerate()
    {
        let made = result(&create(&app, &format!("p{number}@b.co"), &ids));
        assert_eq!(made["role"], "admin", "{ids}");
    }
}

/// The role that an invitation of `email` to `acme` gets by the name `role`, as the API has it.
fn granted(app: &TestApp, email: &str, role: &str) -> Value {
    let body = json!({ "email": email, "role": role }).to_string();
    let made = result(&app.post(&at("acme", "invitations"), &body));
    let id = made["id"].as_str().expect("an id").to_owned();
    let native = format!("{}/{id}", invitations("acme"));
    app.get(&native).json()["role"].clone()
}

#[test]
fn what_a_system_role_is_shown_by_means_that_role_unless_a_catalogue_has_another_of_this_name() {
    let app = TestApp::serve();
    for (email, sent, stored) in [
        ("a@b.co", "Admin", "admin"),
        ("b@b.co", "Developer", "developer"),
        ("c@b.co", "admin", "admin"),
        ("d@b.co", "ADMIN", "ADMIN"),
    ] {
        assert_eq!(granted(&app, email, sent), stored, "{sent}");
    }
    let user = join(&app, "m@b.co", "viewer", None);
    let patch = |role: &Value| {
        let path = at("acme", &format!("members/{user}"));
        let request = app.request("PATCH", &path);
        result(&request.json(json!({ "role": role }).to_string()).send())
    };
    let given = patch(&json!("Admin"));
    assert_eq!(
        (&given["role"], &given["assignedRoles"][0]["roleId"]),
        (&json!("admin"), &id("admin"))
    );
    assert_eq!(
        patch(&given["assignedRoles"][0]["roleName"]),
        given,
        "what is echoed means the same"
    );

    let named = TestApp::start(Mode::Serve, &["--roles", "Admin,developer"]);
    assert_eq!(granted(&named, "a@b.co", "Admin"), "Admin");
    assert_eq!(granted(&named, "b@b.co", "Developer"), "developer");
    let put = named.request("PUT", "/v1/organizations/acme");
    assert!(put.json(r#"{"roles":["developer"]}"#).send().status < 300);
    let refused = named.post(
        &at("acme", "invitations"),
        r#"{"email":"c@b.co","role":"Admin"}"#,
    );
    assert_eq!(refused.status, 422, "{}", refused.text());
}
