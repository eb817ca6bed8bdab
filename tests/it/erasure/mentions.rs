//! What an erasure takes out of invitations of other addresses.

use serde_json::{Value, json};

use super::{bytes, count, erase};
use crate::support::{TestApp, invitation, invitations};

#[test]
fn invitations_of_others_lose_the_address_as_their_inviter_and_in_their_note() {
    let app = TestApp::serve();
    let create = |email: &str, inviter: &str, note: &str| {
        let body = json!({ "email": email, "role": "r",
            "inviter": { "name": "I", "email": inviter }, "note": note });
        let answer = app.post(&invitations("acme"), &body.to_string());
        assert_eq!(answer.status, 201, "{}", answer.text());
        answer.json()
    };
    let by = create("one@example.com", "Frederika@example.com", "Yours");
    let named = create(
        "two@example.com",
        "xfrederika@example.com",
        "Ask FREDERIKA@example.com.\nSoon",
    );
    let other = create(
        "three@example.com",
        "xfrederika@example.com",
        "Ask xfrederika@example.com",
    );
    assert_eq!(
        erase(&app, "frederika@example.com").json()["invitations"],
        0,
        "none of them is hers"
    );
    let inviter =
        |made: &Value| app.get(&invitation("acme", &made["id"])).json()["inviter"].clone();
    assert_eq!(inviter(&by), json!({ "name": "I" }));
    assert_eq!(
        inviter(&named),
        json!({ "name": "I", "email": "xfrederika@example.com" })
    );
    assert_eq!(inviter(&other), inviter(&named));
    let notes = app
        .db_rows("select note from invitation order by id")
        .concat();
    assert_eq!(
        notes,
        [
            "Some(\"Yours\")",
            "None",
            "Some(\"Ask xfrederika@example.com\")"
        ]
    );
    let bytes = bytes(&app);
    assert_eq!(
        count(&bytes, "frederika@example.com"),
        count(&bytes, "xfrederika@example.com")
    );
}

#[test]
fn invitations_of_others_lose_the_address_as_their_user_and_in_their_redirect_url() {
    let app = TestApp::serve();
    let join = |email: &str, url: &str, user: &str| {
        let body = json!({ "email": email, "role": "r", "redirectUrl": url });
        let made = app.post(&invitations("acme"), &body.to_string());
        assert_eq!(made.status, 201, "{}", made.text());
        let word = json!({ "email": email, "subject": user });
        let joined = app.change(&made.json(), "accept", &word);
        assert_eq!(joined.status, 200, "{}", joined.text());
        made.json()
    };
    let rows = [
        (
            "one@b.co",
            "http://invited.test/?u=victim@b.co",
            "Victim@b.co",
            false,
            false,
        ),
        (
            "two@b.co",
            "http://invited.test/?u=VICTIM%40b.co#x",
            "mail:victim@b.co",
            false,
            false,
        ),
        (
            "three@b.co",
            "http://invited.test/?u=xvictim@b.co",
            "victim@b.co",
            true,
            false,
        ),
        (
            "four@b.co",
            "http://invited.test/victim@b.co",
            "victim@b.com",
            false,
            true,
        ),
    ];
    let made = rows.map(|(email, url, user, ..)| join(email, url, user));
    assert_eq!(
        erase(&app, "victim@b.co").json(),
        json!({ "invitations": 0, "events": 3, "answers": 0, "pending": [] })
    );
    for ((email, url, user, keeps_url, keeps_user), made) in rows.into_iter().zip(&made) {
        let now = app.look(made);
        assert_eq!(now["status"], "accepted", "{email}");
        let kept = |is_kept: bool, text: &str| is_kept.then(|| json!(text));
        assert_eq!(
            now.get("redirectUrl").cloned(),
            kept(keeps_url, url),
            "{email}"
        );
        assert_eq!(
            now.get("acceptedBy").cloned(),
            kept(keeps_user, user),
            "{email}"
        );
    }
    let bytes = bytes(&app);
    assert_eq!(count(&bytes, "victim%40b.co"), 0);
    // What is left is part of a longer address.
    let longer = count(&bytes, "xvictim@b.co") + count(&bytes, "victim@b.com");
    assert_eq!(count(&bytes, "victim@b.co"), longer);
}
