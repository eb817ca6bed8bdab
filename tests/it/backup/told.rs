//! Who is told of the backups that a server makes: its checks, its metrics, its console; and what
//! it refuses to begin with.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use serde_json::Value;

use super::scheduled::{app, backups, stopped, wait_until};
use super::{on, text};
use crate::support::TestApp;
use crate::support::process::{Server, run, skipped};

/// An hour.
const HOUR: Duration = Duration::from_secs(60 * 60);

/// What the checks of a server say of its backups.
fn finding(app: &TestApp) -> Value {
    of_backups(&app.get("/v1/findings").json())
}

/// The finding of backups.
fn of_backups(findings: &Value) -> Value {
    let mut all = findings.as_array().expect("an array").iter();
    let found = all.find(|one| one["name"] == "backup");
    found.unwrap_or_else(|| panic!("{findings}")).clone()
}

/// The value of a metric; none: it is not told.
fn metric(app: &TestApp, name: &str) -> Option<f64> {
    let page = app.get("/metrics").text();
    let line = page.lines().find(|line| {
        line.strip_prefix(name)
            .is_some_and(|rest| rest.starts_with(' '))
    });
    line.map(|line| {
        line.rsplit(' ')
            .next()
            .expect("a value")
            .parse()
            .expect("a number")
    })
}

/// The page of health, to somebody with the admin key.
fn page(app: &TestApp) -> String {
    crate::console::Person::with_key(app, &app.key).page("/console/health")
}

#[test]
fn who_asks_is_told_of_the_last_backup_and_of_the_next() {
    let folder = tempfile::tempdir().expect("a folder");
    let app = app(folder.path(), 3).with_backups_every(HOUR, stopped(0));
    wait_until("it is noted", || {
        metric(&app, "invited_backup_last_duration_seconds").is_some()
    });
    let found = finding(&app);
    assert_eq!(found["state"], "ok", "{found}");
    let detail = found["detail"].as_str().expect("a text");
    let begins = "1 is there, the newest of 2026-11-23T02:43:00.000Z (1 MiB)";
    assert!(detail.starts_with(begins), "{detail}");
    // Both lie in temporary folders.
    assert!(detail.contains("on the disk of the data file"), "{detail}");
    let at = metric(&app, "invited_backup_last_success_timestamp_seconds").expect("a time");
    assert!((at - 1_795_401_780.123).abs() < 0.01, "{at}");
    let took = metric(&app, "invited_backup_last_duration_seconds").expect("a duration");
    assert!(took > 0.0 && took < 20.0, "{took}");
    assert_eq!(metric(&app, "invited_backup_failures_total"), Some(0.0));
    app.advance_to(20 * 60 * 1000);
    let page = page(&app);
    for words in [
        "<h2 id=\"backups\">Backups</h2>",
        "<dt>Last</dt><dd>20 min ago",
        "<dt>Its size</dt><dd class=\"num\">",
        "<dt>Next</dt><dd>in 59 min",
        "<dt>Every</dt><dd>1 h, 3 stay",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    assert!(!page.contains("<dt>Failed</dt>"), "{page}");
}

#[test]
fn a_server_that_makes_none_says_so() {
    let app = TestApp::serve();
    let found = finding(&app);
    assert_eq!(found["state"], "ok");
    assert!(
        text_of(&found, "detail").contains("--backup-dir"),
        "{found}"
    );
    assert_eq!(metric(&app, "invited_backup_failures_total"), None);
    assert!(!page(&app).contains("id=\"backups\""));
}

/// A member of a finding.
fn text_of(finding: &Value, name: &str) -> String {
    finding[name].as_str().unwrap_or_default().to_owned()
}

#[test]
fn a_backup_that_fails_is_told_and_tried_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = folder.path().join("backups");
    fs::create_dir(&place).expect("a folder");
    let app = app(&place, 3).with_backups_every(HOUR, stopped(0));
    wait_until("the first one", || backups(&place).len() == 1);
    // The disk of the backups is gone.
    let away = folder.path().join("away");
    fs::rename(&place, &away).expect("it moves");
    app.advance_to(90 * 60 * 1000);
    let app = restarted_without(app, &place, &away);
    wait_until("it fails", || {
        metric(&app, "invited_backup_failures_total").is_some_and(|count| count >= 2.0)
    });
    let found = finding(&app);
    assert_eq!(found["state"], "bad", "{found}");
    let shown = page(&app);
    assert!(shown.contains("<dt>Failed</dt>"), "{shown}");
    assert!(shown.contains("name a file in a folder"), "{shown}");
    let hidden = place.to_string_lossy();
    assert!(!shown.contains(&*hidden) && !found.to_string().contains(&*hidden));
    // A folder without the newest backup, and one with it.
    fs::create_dir(&place).expect("a folder");
    wait_until("it is made", || backups(&place).len() == 1);
    wait_until("it is noted", || finding(&app)["state"] == "ok");
    assert!(!page(&app).contains("<dt>Failed</dt>"));
}

/// The server once more, whose folder at `place` is there at the start, and at `away` afterwards.
fn restarted_without(mut app: TestApp, place: &std::path::Path, away: &std::path::Path) -> TestApp {
    fs::rename(away, place).expect("it moves");
    app.restart();
    fs::rename(place, away).expect("it moves");
    app
}

#[test]
fn backups_that_did_not_come_are_a_finding_beside_the_server_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = folder.path().join("backups");
    fs::create_dir(&place).expect("a folder");
    let database = folder.path().join("invited.db");
    drop(Server::serve(&database));
    let path = place.to_string_lossy();
    let look = |every: &str| {
        let words = ["doctor", "--output", "json", "--backup-dir", &path];
        let output = on(
            &database,
            &[&words[..], &["--backup-every", every]].concat(),
        );
        of_backups(&serde_json::from_slice(&output.stdout).expect("JSON"))
    };
    let found = look("1d");
    assert_eq!(found["state"], "warn");
    assert_eq!(found["detail"], "there is no backup yet");
    fs::write(place.join("invited-20200101T000000Z.db"), "x").expect("it is written");
    let found = look("1d");
    assert_eq!(found["state"], "warn", "{found}");
    assert!(text_of(&found, "fix").contains("log"), "{found}");
    let now = invited::base::clock::Clock::System.now().to_string();
    let name = now[..19].replace(['-', ':'], "");
    fs::write(place.join(format!("invited-{name}Z.db")), "x").expect("it is written");
    assert_eq!(look("1m")["state"], "ok");
}

#[test]
fn a_folder_that_cannot_be_used_is_refused_at_the_start() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("file");
    fs::write(&file, "x").expect("it is written");
    let mut wrong = vec![
        (folder.path().join("missing"), "No such file"),
        (file, "no folder"),
    ];
    let closed = folder.path().join("closed");
    fs::create_dir(&closed).expect("a folder");
    fs::set_permissions(&closed, Permissions::from_mode(0o500)).expect("it can be set");
    if rustix::process::geteuid().is_root() {
        skipped("a folder that cannot be written: root may write everywhere");
    } else {
        wrong.push((closed, "denied"));
    }
    let database = folder.path().join("invited.db");
    for (place, why) in wrong {
        for command in [&["serve"][..], &["config", "check"]] {
            let place = place.to_string_lossy();
            let output = on(&database, &[command, &["--backup-dir", &place]].concat());
            let said = [text(&output.stdout), text(&output.stderr)].concat();
            assert_eq!(output.status.code(), Some(2), "{said}");
            assert!(said.contains("cannot make backups in "), "{said}");
            assert!(said.contains(why), "{said}");
        }
    }
    assert!(!database.exists());
}

#[test]
fn settings_of_backups_that_make_no_sense_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = folder.path().to_string_lossy();
    for (words, why) in [
        (vec!["--backup-dir", &place, "--backup-every", "59s"], "1m"),
        (vec!["--backup-dir", &place, "--backup-every", "31d"], "30d"),
        (
            vec!["--backup-dir", &place, "--backup-every", "90500ms"],
            "whole",
        ),
        (
            vec!["--backup-dir", &place, "--backup-keep", "0"],
            "from 1 to 1000",
        ),
        (
            vec!["--backup-dir", &place, "--backup-keep", "1001"],
            "from 1 to 1000",
        ),
    ] {
        let output = run(&[&["serve"][..], &words].concat());
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{words:?}: {said}");
        assert!(said.contains(why), "{words:?}: {said}");
    }
}

#[test]
fn two_servers_do_not_share_a_folder_and_one_disk_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = folder.path().join("backups");
    fs::create_dir(&place).expect("a folder");
    let (path, other) = (place.to_string_lossy(), folder.path().join("other.db"));
    let database = folder.path().join("invited.db");
    let database = database.to_string_lossy();
    let words = ["serve", "--listen", "127.0.0.1:0", "--backup-dir", &path];
    let server = Server::start(&[&words[..], &["--database", &database]].concat());
    let banner = server.banner.join("\n");
    assert!(banner.contains("do not survive its loss"), "{banner}");
    let output = on(&other, &words);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("another server has its backups in"), "{said}");
    drop(server);
    let _in_turn = Server::start(&[&words[..], &["--database", &database]].concat());
}
