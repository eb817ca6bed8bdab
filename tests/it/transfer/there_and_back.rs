//! What an export has, and what an import makes of it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use invited::base::clock::Timestamp;
use invited::base::mode::Mode;
use serde_json::{Value, json};

use super::{Place, export, failed, import, import_text, records, succeeded, word};
use crate::support::process::{Server, run};
use crate::support::{START, TestApp, invitation, invitations, scale};

/// The variable that selects the full figure when it says `full`.
const SCALE_VARIABLE: &str = "INVITED_MODEL";
/// The organizations of a state.
const ORGANIZATIONS: [&str; 3] = ["acme", "globex", "Zeta.1~x"];
/// An hour in milliseconds.
const HOUR: i64 = 60 * 60 * 1000;

/// Does something by chance to the invitations of a server.
fn step(app: &TestApp, random: &mut fastrand::Rng, now: &mut i64) {
    let organization = ORGANIZATIONS[random.usize(0..3)];
    let list = app.get(&format!("{}?limit=1000", invitations(organization)));
    let list = list.json();
    let list = list.as_array().map_or(&[][..], Vec::as_slice);
    let one = list.get(random.usize(0..list.len().max(1))).cloned();
    let path = one.as_ref().map(|one| invitation(organization, &one["id"]));
    let path = path.unwrap_or_default();
    match random.u8(0..12) {
        0..=4 => {
            let body = json!({
                "email": format!("Person{}@example.com", random.u8(0..8)),
                "role": (["admin", "a:b"])[random.usize(0..2)],
                "expiresIn": random.u32(60..300_000),
                "metadata": random.bool().then(|| json!({"ä": [1, 2.50, "\n\u{1f600}"], "b": {}})),
                "inviter": random.bool().then(|| json!({"name": "Ada \"L\""})),
                "note": random.bool().then_some("Hello\nthere"),
                "locale": random.bool().then_some("de-CH"),
                "redirectUrl": random.bool().then_some("http://invited.test/ü?a=b"),
                "onConflict": (["replace", "resend", "error"])[random.usize(0..3)],
            });
            app.post(&invitations(organization), &body.to_string());
        }
        5 => {
            let email = one.map_or(Value::Null, |one| one["email"].clone());
            let body = json!({"email": email, "subject": "user_7"});
            app.post(&format!("{path}/accept"), &body.to_string());
        }
        6 => drop(app.request("POST", &format!("{path}/revoke")).send()),
        7 => drop(app.request("POST", &format!("{path}/resend")).send()),
        8 => {
            let body = json!({"role": "owner", "metadata": null, "expiresIn": 3_600});
            let patch = app.request("PATCH", &path).json(body.to_string());
            patch.send();
        }
        9 => {
            let body = json!({
                "name": "Ümlaut & Co",
                "maxPending": random.bool().then_some(50),
                "blockedDomains": ["evil.example"],
                "color": random.bool().then_some("#0B7A5B"),
            });
            let path = format!("/v1/organizations/{organization}");
            app.request("PUT", &path).json(body.to_string()).send();
        }
        10 => {
            *now += random.i64(0..200) * HOUR;
            app.advance_to(*now);
        }
        _ if random.u8(0..4) == 0 => {
            let email = format!("person{}@example.com", random.u8(0..8));
            let path = format!("/v1/invitations?email={email}");
            app.request("DELETE", &path).send();
        }
        _ => {
            let fault = json!({"mail": {"next": 1, "do": 550}});
            app.post("/dev/faults", &fault.to_string());
            drop(app.request("DELETE", &path).send());
        }
    }
}

/// Waits until no mail is under way and nothing is being deleted.
fn settle(app: &TestApp) {
    let deadline = Instant::now() + Duration::from_secs(20);
    let waits = "select 1 from mail where kind = 0 union all select 1 from purge";
    while !app.db_rows(waits).is_empty() {
        assert!(Instant::now() < deadline, "something waits still");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// What a server shows of its organizations, all of their invitations and events.
fn shown(app: &TestApp) -> Vec<String> {
    let mut all = vec![app.get("/v1/organizations?limit=1000").text()];
    for organization in ORGANIZATIONS {
        all.push(
            app.get(&format!("{}?limit=1000", invitations(organization)))
                .text(),
        );
        let events = format!("/v1/organizations/{organization}/events?limit=1000");
        all.push(app.get(&events).text());
    }
    all
}

/// Takes the data file at `database` away, and imports `export` in its place.
fn replace(database: &Path, export: &Path) {
    for suffix in ["", "-wal", "-shm"] {
        let _ = fs::remove_file(format!("{}{suffix}", database.display()));
    }
    let told = succeeded(&import(database, &[&word(export)]));
    assert!(told.contains("the checksum is right"), "{told}");
}

#[test]
fn what_a_server_shows_is_the_same_after_the_way_there() {
    for seed in 0..scale(SCALE_VARIABLE, 3, 50) {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("export.jsonl");
        let (from, mut to) = (
            TestApp::start(Mode::Dev, &[]),
            TestApp::start(Mode::Dev, &[]),
        );
        let (mut random, mut now) = (fastrand::Rng::with_seed(seed), 0);
        for _ in 0..150 {
            step(&from, &mut random, &mut now);
        }
        settle(&from);
        succeeded(&export(&from.database, &[&word(&file)]));
        to.restart_after(|database| replace(database, &file));
        to.clock.set(Timestamp::from_millis(START + now));
        assert_eq!(shown(&to), shown(&from), "seed {seed}");
        succeeded(&run(&["verify", "--database", &word(&to.database)]));
        let again = succeeded(&export(&to.database, &["-"]));
        let text = fs::read_to_string(&file).expect("text");
        assert_eq!(records(&again), records(&text), "seed {seed}");
        let counts = "select what, state, count from tally where what = 'invitation'";
        assert_eq!(to.db_rows(counts), from.db_rows(counts), "seed {seed}");
        // Whatever comes next comes behind all that was imported.
        let newest =
            "select hex(max(id)) from (select id from event union select id from invitation)";
        let before = to.db_rows(newest);
        let made = to.invite("acme", "next@example.com");
        let id = made["id"]
            .as_str()
            .expect("an id")
            .replace('-', "")
            .to_uppercase();
        assert!(format!("Some({id:?})") > before[0][0], "{before:?}");
        assert_eq!(
            to.get(&format!("{}?limit=1", invitations("acme"))).json()[0]["id"],
            made["id"]
        );
    }
}

#[test]
fn an_export_is_private_and_never_takes_the_place_of_a_file_that_is_there() {
    let folder = tempfile::tempdir().expect("a folder");
    let (database, file) = (folder.path().join("i.db"), folder.path().join("out.jsonl"));
    let server = Server::serve(&database);
    let told = succeeded(&export(&database, &[&word(&file)]));
    assert!(
        told.contains("organizations 0, invitations 0, events 0\n"),
        "{told}"
    );
    assert!(
        told.contains("not in it: API keys, webhooks, the secret, mail"),
        "{told}"
    );
    let mode = fs::metadata(&file)
        .expect("it is there")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    let refused = export(&database, &[&word(&file)]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("is there already"));
    succeeded(&export(&database, &[&word(&file), "--force"]));
    let other = folder.path().join("other");
    for text in ["", "log = \"info\"\n", "{\"invited\":1}\n"] {
        fs::write(&other, text).expect("it is written");
        let said = failed(&export(&database, &[&word(&other), "--force"]));
        assert!(
            said.contains("is no export, so it is not replaced"),
            "{said}"
        );
        assert_eq!(fs::read_to_string(&other).expect("it reads"), text);
    }
    let own = export(&database, &[&word(&database), "--force"]);
    assert_eq!(own.status.code(), Some(2), "{own:?}");
    let unknown = export(&database, &["-", "--organization", "nobody"]);
    assert_eq!(unknown.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("no organization nobody"));
    assert!(!folder.path().join("out.jsonl.part").exists());
    drop(server);
}

#[test]
fn only_the_organizations_that_are_named_are_exported_and_others_can_be_left_out() {
    let place = Place::new();
    let (from, to) = (place.path("from.db"), place.path("to.db"));
    let words = ["-", "--organization", "globex"];
    let globex = succeeded(&export(&from, &words));
    assert!(records(&globex).iter().all(|line| line.contains("globex")));
    let some = records(&globex).len();
    assert!(some > 2 && some < records(&place.text).len(), "{some}");
    succeeded(&import_text(&to, &globex));
    let said = failed(&import_text(&to, &place.text));
    assert!(
        said.contains("the organization globex is there already"),
        "{said}"
    );
    let file = place.path("all.jsonl");
    fs::write(&file, &place.text).expect("it is written");
    let words = [&word(&file), "--skip-existing", "--output", "json"];
    let told: Value = serde_json::from_str(&succeeded(&import(&to, &words))).expect("JSON");
    assert_eq!(
        (&told["skipped"], &told["dryRun"]),
        (&json!(1), &json!(false))
    );
    assert_eq!(told["counts"]["organizations"], 2);
    let again = succeeded(&export(&to, &["-"]));
    assert_eq!(records(&again), records(&place.text));
}

#[test]
fn a_link_opens_there_with_a_copy_of_the_secret_and_only_then() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    let server = Server::serve(&path("from.db"));
    let key = server.admin_key().expect("a key");
    let post = |path: &str, body: &Value| {
        let request = server.request("POST", path).bearer(&key);
        request.json(body.to_string()).send().json()
    };
    let made = post(
        &invitations("acme"),
        &json!({"email": "ada@example.com", "role": "admin"}),
    );
    let link = post(
        &format!("{}/link", invitation("acme", &made["id"])),
        &json!({}),
    );
    let text = succeeded(&export(&path("from.db"), &["-"]));
    for (name, status) in [("with.db", 200), ("without.db", 404)] {
        succeeded(&import_text(&path(name), &text));
        if status == 200 {
            fs::copy(path("from.db.secret"), path("with.db.secret")).expect("a copy");
        }
        let there = Server::serve(&path(name));
        let body = json!({"token": link["token"]}).to_string();
        let lookup = there.request("POST", "/v1/invitations/lookup").json(body);
        assert_eq!(lookup.send().status, status, "{name}");
    }
}

#[test]
fn mail_that_waits_is_not_sent_by_the_server_of_the_import() {
    let folder = tempfile::tempdir().expect("a folder");
    let app = TestApp::start(Mode::Dev, &[]);
    app.post("/dev/faults", r#"{"mail":{"next":9,"do":450}}"#);
    let made = app.invite("acme", "ada@example.com");
    assert_eq!(made["delivery"], "queued");
    let text = succeeded(&export(&app.database, &["-"]));
    assert!(text.contains(r#""delivery":"queued""#), "{text}");
    let database = folder.path().join("to.db");
    let told = succeeded(&import_text(&database, &text));
    assert!(told.contains("whose mail still waited: 1"), "{told}");
    let again = succeeded(&export(&database, &["-"]));
    assert!(again.contains(r#""delivery":"none""#), "{again}");
}
