//! A data file and a secret that do not belong together.

use std::fs;

use invited::base::mode::Mode;
use serde_json::json;

use super::{OTHER, Place, SECRET, ended, invite, lookup, notes, refused, stop, token, write};
use crate::support::TestApp;
use crate::support::process::{Server, invited};

#[test]
fn a_data_file_without_its_secret_is_refused_untouched_until_the_secret_is_back() {
    let place = Place::new();
    let served = place.begin();
    let link = token(&served.server, &served.key, &served.invitation);
    invite(&served.server, &served.key, "c@b.co");
    served.stop();
    let aside = place.database.with_file_name("aside");
    fs::rename(place.secret_file(), &aside).expect("it is moved");
    let path = place.secret_file().display().to_string();
    for flags in [&[][..], &["--log", "error"]] {
        refused(
            place.command().args(flags),
            1,
            &["is missing", &path, "--new-secret", "2 pending links"],
        );
        assert!(!place.secret_file().exists(), "no other one is made");
    }
    fs::rename(&aside, place.secret_file()).expect("it is moved back");
    let server = place.serve();
    assert_eq!((lookup(&server, &link), notes(&server)), (200, vec![]));
}

#[test]
fn a_copy_of_the_data_under_another_name_is_refused_without_the_secret_too() {
    let place = Place::new();
    place.begin().stop();
    let copy = place.database.with_file_name("copy.db");
    fs::copy(&place.database, &copy).expect("it is copied");
    let other = Place {
        database: copy,
        _folder: place._folder,
    };
    refused(
        &mut other.command(),
        1,
        &["is missing", "copy.db.secret", "1 pending link opens"],
    );
    let with_its_secret = other.database.with_file_name("invited.db.secret");
    stop(Server::spawn(
        other.command().arg("--secret-file").arg(with_its_secret),
    ));
}

#[test]
fn a_named_secret_file_that_is_missing_is_told_with_what_depends_on_it_and_never_made() {
    let place = Place::new();
    let named = place.database.with_file_name("mounted");
    let serve = || {
        let mut command = place.command();
        command.arg("--secret-file").arg(&named);
        command
    };
    refused(&mut serve(), 1, &["mounted", "--secret-file"]);
    write(&named, SECRET);
    place.begin_by(&mut serve()).stop();
    fs::remove_file(&named).expect("it goes");
    refused(
        &mut serve(),
        1,
        &["is missing", "mounted", "1 pending link opens nothing"],
    );
    refused(
        serve().arg("--new-secret"),
        1,
        &["mounted", "--secret-file"],
    );
    assert!(!named.exists());
}

#[test]
fn another_secret_is_refused_wherever_it_comes_from() {
    let place = Place::new();
    place.begin().stop();
    let other = place.database.with_file_name("other");
    write(&other, OTHER);
    let words = [
        "does not belong",
        "--new-secret",
        "1 pending link opens nothing",
    ];
    refused(
        place.command().env("INVITED_SECRET", OTHER),
        1,
        &[&words[..], &["INVITED_SECRET holds"]].concat(),
    );
    refused(place.command().arg("--secret-file").arg(&other), 1, &words);
    refused(
        place.command().env("INVITED_SECRET_FILE", &other),
        1,
        &words,
    );
    fs::rename(&other, place.secret_file()).expect("it is moved");
    refused(&mut place.command(), 1, &words);
    assert_eq!(
        fs::read_to_string(place.secret_file()).expect("it reads"),
        OTHER,
        "it is not touched"
    );
}

#[test]
fn a_new_secret_is_made_when_it_is_asked_for_and_the_start_tells_which_links_die() {
    let place = Place::new();
    let served = place.begin();
    let link = token(&served.server, &served.key, &served.invitation);
    let (key, invitation) = served.stop();
    let old = fs::read_to_string(place.secret_file()).expect("it reads");
    fs::remove_file(place.secret_file()).expect("it goes");
    let server = Server::spawn(place.command().arg("--new-secret"));
    assert!(
        notes(&server)[0].contains("1 pending link opens nothing"),
        "{:?}",
        server.banner
    );
    assert_ne!(
        fs::read_to_string(place.secret_file()).expect("it reads"),
        old
    );
    assert_eq!(lookup(&server, &link), 404);
    let link = token(&server, &key, &invitation);
    assert_eq!(lookup(&server, &link), 200);
    stop(server);
    let server = place.serve();
    assert_eq!(
        (lookup(&server, &link), notes(&server)),
        (200, vec![]),
        "from then on it belongs to the file"
    );
    stop(server);
    write(&place.secret_file(), old);
    refused(&mut place.command(), 1, &["does not belong"]);
}

#[test]
fn a_new_secret_may_be_the_one_that_is_there() {
    let place = Place::new();
    let (key, invitation) = place.begin().stop();
    let mut command = place.command();
    let server = Server::spawn(command.env("INVITED_SECRET", OTHER).arg("--new-secret"));
    let link = token(&server, &key, &invitation);
    stop(server);
    let server = Server::spawn(place.command().env("INVITED_SECRET", OTHER));
    assert_eq!(lookup(&server, &link), 200);
}

#[test]
fn asking_for_a_new_secret_where_the_right_one_is_there_changes_nothing() {
    let place = Place::new();
    let served = place.begin();
    let link = token(&served.server, &served.key, &served.invitation);
    served.stop();
    let server = Server::spawn(place.command().arg("--new-secret"));
    assert_eq!((lookup(&server, &link), notes(&server)), (200, vec![]));
}

#[test]
fn only_invitations_that_can_still_be_answered_are_counted() {
    let place = Place::new();
    let served = place.begin();
    let path = crate::support::invitation("acme", &served.invitation["id"]);
    let revoked = served
        .server
        .request("POST", &format!("{path}/revoke"))
        .bearer(&served.key)
        .send();
    assert_eq!(revoked.status, 200);
    served.stop();
    fs::remove_file(place.secret_file()).expect("it goes");
    refused(&mut place.command(), 1, &["0 pending links"]);
    let server = Server::spawn(place.command().arg("--new-secret"));
    assert!(
        notes(&server)[0].contains("0 pending links open nothing"),
        "it is told all the same"
    );
}

#[test]
fn a_new_data_file_takes_the_secret_that_is_given() {
    let place = Place::new();
    let served = place.begin_by(place.command().env("INVITED_SECRET", SECRET));
    let link = token(&served.server, &served.key, &served.invitation);
    served.stop();
    assert!(!place.secret_file().exists());
    refused(&mut place.command(), 1, &["is missing"]);
    // The same secret in a file is the same secret.
    write(&place.secret_file(), format!("{SECRET}\r\n"));
    assert_eq!(lookup(&place.serve(), &link), 200);
}

#[test]
fn a_refused_start_neither_takes_the_port_nor_makes_an_admin_key() {
    let place = Place::new();
    stop(place.serve());
    let keys = || {
        ended(
            invited()
                .args(["key", "list", "--database"])
                .arg(&place.database),
        )
    };
    let before = keys();
    assert_eq!(before.1.lines().count(), 2);
    fs::remove_file(place.secret_file()).expect("it goes");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    refused(
        place.command().env("INVITED_LISTEN", &address),
        1,
        &["is missing"],
    );
    assert_eq!(keys(), before);
}

#[test]
fn a_reset_keeps_the_secret_of_the_file() {
    let mut app = TestApp::start(Mode::Dev, &[]);
    let known = || app.db_rows("select hex(id) from secret");
    let before = known();
    assert_eq!(app.post("/dev/reset", "").status, 204);
    assert_eq!((known(), before.len()), (before, 1));
    let link = app.token_of(&app.invite("acme", "a@b.co"));
    let hook = app.post(
        "/v1/webhooks",
        &json!({ "url": "http://127.0.0.1:9999/" }).to_string(),
    );
    assert_eq!(hook.status, 201, "{}", hook.text());
    app.restart();
    assert_eq!(app.person("lookup", &json!({ "token": link })).status, 200);
}
