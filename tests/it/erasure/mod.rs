//! Erasure: what is left in the file of an address, or of an organization.
//!
//! * [`mentions`]: what it takes out of invitations of others. [`scope`]: what it does not touch.

mod mentions;
mod scope;

use std::process::Command;

use invited::base::mode::Mode;
use serde_json::{Value, json};

use crate::support::{Answer, TestApp, anybody, invitation, invitations, rules};

/// The answer to an erasure of an address that nothing holds.
const NOTHING: &str = r#"{"invitations":0,"events":0,"answers":0,"pending":[]}"#;

/// Erases `email` with the admin key.
fn erase(app: &TestApp, email: &str) -> Answer {
    app.request("DELETE", &format!("/v1/invitations?email={email}"))
        .send()
}

/// The bytes of the file and what belongs to it, in lowercase. Another process reads them: closing
/// the file in this one would drop SQLite's locks on it.
pub fn bytes(app: &TestApp) -> Vec<u8> {
    let mut bytes = Vec::new();
    for end in ["", "-wal", "-shm"] {
        let path = format!("{}{end}", app.database.display());
        bytes.extend(
            Command::new("cat")
                .arg(path)
                .output()
                .expect("cat runs")
                .stdout,
        );
    }
    assert!(bytes.starts_with(b"SQLite format 3"));
    bytes.to_ascii_lowercase()
}

/// How often `text` is in `bytes`.
pub fn count(bytes: &[u8], text: &str) -> usize {
    bytes
        .windows(text.len())
        .filter(|window| *window == text.as_bytes())
        .count()
}

/// Makes and deletes many invitations whose addresses lie around those that will be erased, in no
/// order; a fifth of them in the organization `guest`.
fn churn(app: &TestApp, seed: u64, guest: &str) {
    use invited::invitation::{create, new};
    let mut random = fastrand::Rng::with_seed(seed);
    let (rules, by) = (rules(), anybody());
    let job = |tx: &invited::db::WriteTx<'_>| {
        for _ in 0..1_500 {
            let number = random.u8(0..20);
            let organization = if number < 4 {
                guest.to_owned()
            } else {
                format!("org-{number}")
            };
            let email = format!(
                "{}rika{}.{organization}@example.com",
                random.char('a'..='h'),
                random.u32(..)
            );
            let organization = invited::base::organization_id::OrganizationId::parse(&organization)
                .expect("an id");
            let name = "n".repeat(random.usize(1..90));
            let body = json!({ "email": email, "role": "developer", "metadata": { "name": name } });
            let body: new::CreateBody = serde_json::from_value(body).expect("a body");
            let new = new::NewInvitation::parse(organization, body, &rules, tx.now).expect("fine");
            let show = |made: &invited::invitation::Invitation<'_>, _| Ok(made.id);
            let (_, id) = create::create(tx, &new, &by, show)?;
            if random.u8(0..3) == 0 {
                invited::invitation::delete::delete(tx, &new.organization, id, &by, |_| Ok(()))?;
            }
        }
        Ok(())
    };
    invited::db::write_file(&app.database, job).expect("it churns");
}

/// A create with everything that could hold the address once more; the answer is stored.
fn invite_with_all(app: &TestApp, organization: &str, email: &str) -> Value {
    let body = json!({ "email": email.to_uppercase(), "role": "developer",
        "inviter": { "id": email, "name": format!("Friend of {email}") },
        "metadata": { "mail": email.to_uppercase(), "long": "x".repeat(2_000) },
        "redirectUrl": format!("http://invited.test/welcome?to={}", email.replace('@', "%40")) });
    let request = app
        .request("POST", &invitations(organization))
        .header("Idempotency-Key", email);
    let answer = request.json(body.to_string()).send();
    assert_eq!(answer.status, 201, "{}", answer.text());
    answer.json()
}

/// Invites `email` in one organization for each way in which an invitation can stand, or be gone.
/// Returns how many are there.
fn in_every_status(app: &TestApp, email: &str) -> usize {
    let change = |organization: &str, change: &str, body: &Value| {
        let made = invite_with_all(app, organization, email);
        let path = format!("{}/{change}", invitation(organization, &made["id"]));
        assert_eq!(app.post(&path, &body.to_string()).status, 200, "{change}");
        made
    };
    invite_with_all(app, "pending", email);
    change(
        "accepted",
        "accept",
        &json!({ "email": email, "subject": email }),
    );
    change("revoked", "revoke", &json!({}));
    let deleted = invite_with_all(app, "deleted", email);
    assert_eq!(
        app.request("DELETE", &invitation("deleted", &deleted["id"]))
            .send()
            .status,
        204
    );
    let linked = change("declined", "link", &json!({}));
    let link = app
        .post(
            &format!("{}/link", invitation("declined", &linked["id"])),
            "{}",
        )
        .json();
    let proof = json!({ "token": link["token"], "email": email }).to_string();
    let declined = app
        .request("POST", "/v1/invitations/decline")
        .header("Idempotency-Key", email)
        .json(proof)
        .send();
    assert_eq!(declined.status, 200, "{}", declined.text());
    let moved = json!({ "redirectUrl": format!("http://invited.test/{email}") }).to_string();
    let pending = invite_with_all(app, "updated", email);
    assert_eq!(
        app.request("PATCH", &invitation("updated", &pending["id"]))
            .json(moved)
            .send()
            .status,
        200
    );
    5
}

#[test]
fn no_text_of_an_erased_address_is_left_whatever_became_of_its_invitations() {
    let app = TestApp::start(
        invited::base::mode::Mode::Serve,
        &["--limit-recipient", "0"],
    );
    let victims: Vec<_> = (0..8)
        .map(|number| {
            format!(
                "{}rika.mustermann.{number}@example.com",
                (b'a' + number) as char
            )
        })
        .collect();
    for (seed, email) in victims.iter().enumerate() {
        churn(&app, seed as u64, "org-0");
        let expected = in_every_status(&app, email);
        assert_eq!(
            app.get(&format!("{}?email={email}", invitations("pending")))
                .json()
                .as_array()
                .map(Vec::len),
            Some(1)
        );
        assert_eq!(expected, 5);
    }
    let lapsed = invite_with_all(&app, "lapsed", &victims[0]);
    app.advance_to(8 * 24 * 60 * 60 * 1000);
    let flipped = app.invite("lapsed", &victims[0]);
    assert_ne!(lapsed["id"], flipped["id"]);
    churn(&app, 99, "org-0");
    assert!(count(&bytes(&app), "rika.mustermann") > 100);
    for (number, email) in victims.iter().enumerate() {
        let answer = erase(&app, &email.to_uppercase());
        assert_eq!(answer.status, 200, "{}", answer.text());
        let more = if number == 0 { 2 } else { 0 };
        assert_eq!(answer.json()["invitations"], 5 + more);
        // Created six times and deleted once, accepted by it, and sent elsewhere.
        assert_eq!(answer.json()["events"], 9 + more);
        assert_eq!(answer.json()["answers"], 7 + more / 2);
        let bytes = bytes(&app);
        for text in [
            email.as_str(),
            &email.replace('@', "%40"),
            email.split('@').next().expect("a name"),
        ] {
            assert_eq!(count(&bytes, text), 0, "{text}");
        }
        assert_eq!(erase(&app, email).text(), NOTHING);
    }
    assert_eq!(count(&bytes(&app), "mustermann"), 0, "nor a piece of one");
    assert_eq!(app.db_rows("pragma integrity_check"), [[r#"Some("ok")"#]]);
    let events = app
        .get("/v1/organizations/deleted/events?limit=1000&order=asc")
        .json();
    let events: Vec<_> = events.as_array().expect("an array").iter().collect();
    assert_eq!(
        events.len(),
        3 * victims.len(),
        "the history keeps that something happened"
    );
    assert_eq!(
        (&events[0]["type"], &events[0]["after"]["email"]),
        (&json!("invitation.created"), &Value::Null)
    );
    assert_eq!(events[0]["after"]["role"], "developer");
    let erased = events.last().expect("an event");
    assert_eq!(
        (&erased["type"], &erased["invitationId"]),
        (&json!("invitation.erased"), &Value::Null)
    );
    assert_eq!(erased["actor"].as_str(), app.key.split('_').nth(1));
}

#[test]
fn mails_to_the_address_go_from_the_mailbox_of_development_and_others_stay() {
    let app = TestApp::start(Mode::Dev, &[]);
    for email in ["erika.mustermann@example.com", "max@example.com"] {
        app.invite_by_mail("acme", email);
    }
    let recipients = || app.db_rows("select recipient from mailbox order by id");
    assert_eq!(recipients().len(), 2);
    assert_eq!(erase(&app, "erika.mustermann@example.com").status, 200);
    assert_eq!(recipients(), [["Some(\"max@example.com\")"]]);
    assert_eq!(count(&bytes(&app), "mustermann"), 0);
}

#[test]
fn a_deleted_organization_leaves_no_text_but_its_id() {
    let app = TestApp::serve();
    let settings =
        json!({ "name": "Vandelay Industries", "blockedDomains": ["soup.example"] }).to_string();
    let path = "/v1/organizations/vandelay-1";
    assert_eq!(app.request("PUT", path).json(settings).send().status, 201);
    for number in 0..60 {
        if number % 20 == 0 {
            churn(&app, number, "vandelay-1");
        }
        let email = format!(
            "{}rika{number}.varnsen@latex.example",
            char::from(b'a' + (number % 8) as u8)
        );
        if number % 4 > 0 {
            app.invite("vandelay-1", &email);
            continue;
        }
        let made = invite_with_all(&app, "vandelay-1", &email);
        let link = app
            .post(
                &format!("{}/link", invitation("vandelay-1", &made["id"])),
                "{}",
            )
            .json();
        let body = json!({ "token": link["token"], "email": email }).to_string();
        let request = app
            .request("POST", "/v1/invitations/accept")
            .header("Idempotency-Key", &number.to_string());
        assert_eq!(request.json(body).send().status, 200);
    }
    churn(&app, 99, "vandelay-1");
    assert!(count(&bytes(&app), "vandelay") > 60);
    assert_eq!(app.request("DELETE", path).send().status, 204);
    let bytes = bytes(&app);
    for text in [
        "vandelay i",
        "soup.example",
        "latex.example",
        "varnsen",
        "friend of",
    ] {
        assert_eq!(count(&bytes, text), 0, "{text}");
    }
    // The history of the server names it twice: as the subject of its deletion, and as what that
    // concerns.
    assert_eq!(count(&bytes, "vandelay"), 2);
    assert_eq!(app.db_rows("pragma integrity_check"), [[r#"Some("ok")"#]]);
    assert!(count(&bytes, "org-1") > 100, "others stay");
}
