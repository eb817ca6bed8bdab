//! A flag wins over a variable, a variable over the file, the file over the default.

use std::ffi::OsStr;

use super::{Place, run_with, shown};
use crate::support::invitations;
use crate::support::process::{Server, invited};

#[test]
fn a_server_reads_texts_numbers_switches_and_lists_from_its_file() {
    let place = Place::new("");
    let database = place.folder.path().join("data.db");
    std::fs::write(
        &place.file,
        format!(
            "listen = '127.0.0.1:0'\ndatabase = '{}'\nroles = ['viewer', 'developer']\n\
             limit-key = 1\nconsole = false\nnotify_inviters = true\n",
            database.display()
        ),
    )
    .expect("it is written");
    let words = place.words();
    let mut by_variable = invited();
    by_variable.env("INVITED_CONFIG", &place.file);
    let mut by_flag = invited();
    by_flag.arg("serve").args(&words);
    let mut bare = invited();
    bare.args(&words);
    for mut command in [by_flag, bare, by_variable] {
        let server = Server::spawn(&mut command);
        assert!(database.exists());
        assert_eq!(server.banner_value("console"), None);
    }
    // Commands beside the server find its data file in the same file.
    let made = run_with(&["key", "create", &words[0], &words[1]], &[]);
    let key = String::from_utf8(made.stdout)
        .expect("text")
        .trim()
        .to_owned();
    let server = Server::start(&["serve", &words[0], &words[1]]);
    let create = |role: &str| {
        let body = format!(r#"{{"email":"{role}@b.co","role":"{role}"}}"#);
        let request = server.request("POST", &invitations("acme")).bearer(&key);
        request.json(body).send().status
    };
    assert_eq!((create("admin"), create("viewer")), (422, 429));
}

#[test]
fn each_value_comes_from_the_first_that_gives_one_and_an_empty_one_gives_none() {
    let place = Place::new("\nlog = 'warn'\nroles = []\npublic-url = ''\n");
    let words = place.words();
    let file = [words[0].as_str(), &words[1]];
    let show = |words: &[&str], variable: &str| {
        let value = shown(
            "log",
            &[&file[..], words].concat(),
            &[("INVITED_LOG", OsStr::new(variable))],
        );
        [&value["value"], &value["source"], &value["place"]]
            .map(|one| one.as_str().unwrap_or_default().to_owned())
    };
    assert_eq!(show(&["--log", "error"], "debug"), ["error", "flag", ""]);
    assert_eq!(show(&[], "debug"), ["debug", "variable", "INVITED_LOG"]);
    assert_eq!(show(&[], ""), ["warn", "file", &place.line(2)]);
    let default = shown("log", &[], &[("INVITED_LOG", OsStr::new(""))]);
    assert_eq!(
        (&default["value"], &default["source"], &default["default"]),
        (&"info".into(), &"default".into(), &"info".into())
    );
    for key in ["roles", "public-url"] {
        let value = shown(key, &file, &[]);
        assert_eq!(
            (&value["value"], &value["source"]),
            (&serde_json::Value::Null, &"default".into()),
            "{key}"
        );
    }
}

#[test]
fn every_variable_that_is_empty_is_as_good_as_unset() {
    let all = run_with(&["config", "show", "--output", "json"], &[]);
    let all: serde_json::Value = serde_json::from_slice(&all.stdout).expect("JSON");
    let names = |one: &serde_json::Value| one["variable"].as_str().map(str::to_owned);
    let mut names: Vec<_> = all
        .as_array()
        .expect("an array")
        .iter()
        .filter_map(names)
        .collect();
    assert!(names.len() > 40, "{names:?}");
    names.push("INVITED_SECRET".to_owned());
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = invited();
    command
        .envs(names.iter().map(|name| (name, "")))
        .args(["--listen", "127.0.0.1:0", "--database"])
        .arg(folder.path().join("invited.db"));
    drop(Server::spawn(&mut command));
    let output = run_with(
        &[
            "webhook",
            "listen",
            "--forward-to",
            "http://127.0.0.1:9",
            "--url",
            "http://127.0.0.1:9",
        ],
        &[
            ("INVITED_KEY", OsStr::new("")),
            ("INVITED_CONFIG", OsStr::new("")),
        ],
    );
    let printed = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{printed}");
}

#[test]
fn commands_read_what_they_know_of_the_file_and_let_the_rest_be() {
    let place = Place::new("listen = 'nowhere'\ndatabase = '/no/such/folder/x.db'\n");
    let words = place.words();
    let output = run_with(&["key", "list", &words[0], &words[1]], &[]);
    let printed = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{printed}");
    assert!(printed.contains("/no/such/folder/x.db"), "{printed}");
    // A variable for a data file does not speak against one that is named.
    let folder = tempfile::tempdir().expect("a folder");
    let database = folder.path().join("invited.db");
    drop(Server::serve(&database));
    let verified = run_with(
        &["verify", &database.to_string_lossy()],
        &[("INVITED_DATABASE", OsStr::new("/no/such/file"))],
    );
    let printed = String::from_utf8_lossy(&verified.stderr).into_owned();
    assert_eq!(verified.status.code(), Some(0), "{printed}");
}

#[test]
fn a_variable_that_was_mistyped_is_told_with_the_one_that_was_meant_and_a_start_lets_others_be() {
    let told = |name: &str| {
        let checked = run_with(&["config", "check"], &[(name, OsStr::new("x"))]);
        assert!(checked.status.success(), "{checked:?}");
        String::from_utf8_lossy(&checked.stdout).into_owned()
    };
    for (mistyped, meant) in [
        ("INVITED_LISTENN", "INVITED_LISTEN"),
        ("INVITED_DATABSE", "INVITED_DATABASE"),
        ("INVITED_PUBLIC_ULR", "INVITED_PUBLIC_URL"),
        ("INVITED_SMTP_URL_FIEL", "INVITED_SMTP_URL_FILE"),
    ] {
        let expected = format!("{mistyped} is no setting: did you mean {meant}?");
        assert!(told(mistyped).contains(&expected), "{}", told(mistyped));
    }
    let started = |name: &str| {
        let folder = tempfile::tempdir().expect("a folder");
        let mut command = invited();
        command
            .env(name, "x")
            .args(["--listen", "127.0.0.1:0", "--database"])
            .arg(folder.path().join("invited.db"));
        Server::spawn(&mut command).banner.join("\n")
    };
    let banner = started("INVITED_LOGG");
    assert!(banner.contains("did you mean INVITED_LOG?"), "{banner}");
    for foreign in ["INVITED_URL", "INVITED_KEY", "INVITED_TEST"] {
        let banner = started(foreign);
        assert!(!banner.contains("no setting"), "{banner}");
    }
}
