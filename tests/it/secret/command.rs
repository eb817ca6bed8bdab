//! `invited secret rotate`, as people call it.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::time::Duration;

use super::{OTHER, Place, SECRET, ended, lookup, notes, refused, stop, token, write};
use crate::support::process::{Server, invited};

/// The secrets of a place, newest first.
fn secrets(place: &Place) -> Vec<String> {
    let text = fs::read_to_string(place.secret_file()).expect("it reads");
    text.lines().map(str::to_owned).collect()
}

#[test]
fn a_rotation_beside_a_running_server_counts_from_its_next_start() {
    let place = Place::new();
    let served = place.begin();
    let before = token(&served.server, &served.key, &served.invitation);
    let old = secrets(&place);
    let (code, printed) = place.rotate(&[]);
    assert_eq!(code, Some(0), "{printed}");
    for word in ["restart the server", "invited.db.secret", "work until 20"] {
        assert!(printed.contains(word), "{printed}");
    }
    assert_eq!(
        (secrets(&place).len(), &secrets(&place)[1..]),
        (2, &old[..])
    );
    assert!(
        !printed.contains(&secrets(&place)[0]),
        "the secret is not shown"
    );
    assert_eq!(
        token(&served.server, &served.key, &served.invitation),
        before,
        "the server signs as it did"
    );
    let (key, invitation) = served.stop();
    let server = place.serve();
    assert!(
        notes(&server)[0].contains("links by an earlier secret work until 20"),
        "{:?}",
        server.banner
    );
    let after = token(&server, &key, &invitation);
    assert_ne!(after, before);
    assert_eq!(
        (lookup(&server, &before), lookup(&server, &after)),
        (200, 200)
    );
}

#[test]
fn a_secret_that_is_kept_no_longer_opens_nothing_after_the_restart() {
    let place = Place::new();
    let served = place.begin();
    let before = token(&served.server, &served.key, &served.invitation);
    assert_eq!(place.rotate(&["--keep-old", "0s"]).0, Some(0));
    assert_eq!(
        lookup(&served.server, &before),
        200,
        "the server signs with it until then"
    );
    let (key, invitation) = served.stop();
    let server = place.serve();
    assert_eq!(
        notes(&server),
        ["earlier secrets that nothing needs any more: 1"]
    );
    assert_eq!(lookup(&server, &before), 404);
    assert_eq!(lookup(&server, &token(&server, &key, &invitation)), 200);
    stop(server);
    // Nothing needs it any more, so the next rotation drops it.
    assert_eq!(place.rotate(&[]).0, Some(0));
    assert_eq!(secrets(&place).len(), 2);
    assert_eq!(notes(&place.serve()).len(), 1);
}

#[test]
fn a_second_rotation_shortens_what_the_first_left() {
    let place = Place::new();
    let served = place.begin();
    let links = [token(&served.server, &served.key, &served.invitation)];
    served.stop();
    assert_eq!(place.rotate(&["--keep-old", "30d"]).0, Some(0));
    let server = place.serve();
    assert_eq!(lookup(&server, &links[0]), 200);
    stop(server);
    assert_eq!(place.rotate(&["--keep-old", "0s"]).0, Some(0));
    assert_eq!(lookup(&place.serve(), &links[0]), 404);
}

#[test]
fn rotations_without_a_start_between_lose_nothing() {
    let place = Place::new();
    let served = place.begin();
    let before = token(&served.server, &served.key, &served.invitation);
    for _ in 0..3 {
        assert_eq!(place.rotate(&[]).0, Some(0));
    }
    served.stop();
    assert_eq!(lookup(&place.serve(), &before), 200);
    assert!(secrets(&place).len() <= 3, "what never signed is dropped");
}

#[test]
fn rotations_at_the_same_time_lose_nothing() {
    let place = Place::new();
    let served = place.begin();
    let before = token(&served.server, &served.key, &served.invitation);
    std::thread::scope(|scope| {
        let rotations: Vec<_> = (0..4).map(|_| scope.spawn(|| place.rotate(&[]))).collect();
        for rotation in rotations {
            let (code, printed) = rotation.join().expect("it ends");
            assert_eq!(code, Some(0), "{printed}");
        }
    });
    served.stop();
    assert_eq!(lookup(&place.serve(), &before), 200);
}

#[test]
fn a_rotation_that_is_killed_anywhere_leaves_a_start_that_knows_every_link() {
    let place = Place::new();
    let served = place.begin();
    let mut links = vec![token(&served.server, &served.key, &served.invitation)];
    let (key, invitation) = served.stop();
    for round in 0..24 {
        let mut child = invited();
        child
            .args(["secret", "rotate", "--database"])
            .arg(&place.database);
        let mut child = child
            .stdout(std::process::Stdio::null())
            .spawn()
            .expect("it starts");
        std::thread::sleep(Duration::from_micros(500 * round));
        let _ = child.kill();
        let _ = child.wait();
        let server = place.serve();
        links.push(token(&server, &key, &invitation));
        let statuses: Vec<_> = links.iter().map(|link| lookup(&server, link)).collect();
        assert!(
            statuses.iter().all(|&status| status == 200),
            "round {round}: {statuses:?}"
        );
        stop(server);
    }
    let names = fs::read_dir(place.database.parent().expect("a folder")).expect("it reads");
    let names: Vec<_> = names
        .map(|entry| entry.expect("an entry").file_name())
        .collect();
    let ours = |name: &std::ffi::OsString| name.to_string_lossy().starts_with("invited.db");
    assert!(
        names.iter().all(ours) && names.len() <= 7,
        "what kills leave does not pile up: {names:?}"
    );
}

#[test]
fn a_rotation_of_which_only_one_file_is_there_leaves_a_start_that_knows_every_link() {
    let place = Place::new();
    let served = place.begin();
    let before = token(&served.server, &served.key, &served.invitation);
    let (key, invitation) = served.stop();
    let (data, secret) = (
        fs::read(&place.database).expect("it reads"),
        secrets(&place),
    );
    assert_eq!(place.rotate(&["--keep-old", "0s"]).0, Some(0));
    // Only the data: as if the copy of the secret had been put back that there was.
    write(&place.secret_file(), &secret[0]);
    let server = place.serve();
    assert_eq!(
        (token(&server, &key, &invitation), lookup(&server, &before)),
        (before.clone(), 200)
    );
    stop(server);
    assert_eq!(place.rotate(&["--keep-old", "0s"]).0, Some(0));
    // Only the secret: as if the rotation had been killed, or older data been put back.
    fs::write(&place.database, data).expect("it is written");
    let server = place.serve();
    assert!(
        notes(&server)[0].contains("work until 20"),
        "{:?}",
        server.banner
    );
    let after = token(&server, &key, &invitation);
    assert_eq!(
        (
            lookup(&server, &before),
            lookup(&server, &after),
            before == after
        ),
        (200, 200, false)
    );
}

#[test]
fn the_date_of_a_rotation_that_never_came_to_sign_counts_no_more_once_the_old_secret_signs_again() {
    let place = Place::new();
    let served = place.begin();
    let before = token(&served.server, &served.key, &served.invitation);
    served.stop();
    let old = secrets(&place);
    assert_eq!(place.rotate(&["--keep-old", "0s"]).0, Some(0));
    // Its date is over, and still no other secret belongs to the file.
    write(&place.secret_file(), OTHER);
    refused(
        &mut place.command(),
        1,
        &["does not belong", "1 pending link opens nothing"],
    );
    write(&place.secret_file(), &old[0]);
    stop(place.serve());
    // A later rotation by hand keeps it for as long as any.
    write(&place.secret_file(), format!("{OTHER}\n{}\n", old[0]));
    let server = place.serve();
    assert_eq!((lookup(&server, &before), notes(&server).len()), (200, 1));
}

#[test]
fn a_copy_of_the_secret_from_before_a_rotation_is_refused_once_the_new_one_has_signed() {
    let place = Place::new();
    place.begin().stop();
    let old = secrets(&place);
    assert_eq!(place.rotate(&[]).0, Some(0));
    stop(place.serve());
    write(&place.secret_file(), &old[0]);
    refused(
        &mut place.command(),
        1,
        &[
            "an earlier secret",
            "not the last one",
            "1 pending link opens nothing",
        ],
    );
}

#[test]
fn a_rotation_keeps_the_rights_the_owner_and_the_link_of_the_file() {
    let place = Place::new();
    place.begin().stop();
    let real = place.database.with_file_name("real");
    fs::rename(place.secret_file(), &real).expect("it is moved");
    fs::set_permissions(&real, fs::Permissions::from_mode(0o400)).expect("its rights are set");
    // Only root can give a file away.
    let owner =
        std::os::unix::fs::chown(&real, Some(65_534), Some(65_534)).map_or(None, |()| Some(65_534));
    symlink("real", place.secret_file()).expect("a link");
    assert_eq!(place.rotate(&[]).0, Some(0));
    assert!(
        fs::symlink_metadata(place.secret_file())
            .expect("it is there")
            .is_symlink()
    );
    let metadata = fs::metadata(&real).expect("it is there");
    assert_eq!(metadata.permissions().mode() & 0o777, 0o400);
    assert!(owner.is_none_or(|owner| (metadata.uid(), metadata.gid()) == (owner, owner)));
    assert_eq!(secrets(&place).len(), 2);
}

#[test]
fn a_rotation_is_refused_where_it_cannot_work_and_changes_nothing() {
    let place = Place::new();
    let rotate = || {
        let mut command = invited();
        command
            .args(["secret", "rotate", "--database"])
            .arg(&place.database);
        command
    };
    refused(&mut rotate(), 1, &["invited.db.secret", "--secret-file"]);
    write(&place.secret_file(), SECRET);
    refused(&mut rotate(), 1, &["there is no data file"]);
    assert!(!place.database.exists());
    place.begin().stop();
    refused(
        rotate().env("INVITED_SECRET", SECRET),
        2,
        &["INVITED_SECRET", "in front of it", "restart"],
    );
    for bad in [
        ["--keep-old", "366d"],
        ["--keep-old", "1500ms"],
        ["--keep-old", "soon"],
        ["--until", "2020-01-01T00:00:00Z"],
        ["--until", "tomorrow"],
    ] {
        let (code, printed) = place.rotate(&bad);
        assert!(
            code == Some(2) && printed.contains(bad[1]),
            "{bad:?}: {printed}"
        );
    }
    assert_eq!(
        place
            .rotate(&["--keep-old", "1d", "--until", "2099-01-01T00:00:00Z"])
            .0,
        Some(2)
    );
    assert_eq!(secrets(&place), [SECRET]);
    write(&place.secret_file(), OTHER);
    refused(&mut rotate(), 1, &["does not belong"]);
    assert_eq!(secrets(&place), [OTHER]);
}

#[test]
fn a_rotation_that_cannot_write_the_secret_file_changes_neither_file() {
    let place = Place::new();
    place.begin().stop();
    let before = secrets(&place);
    // Nobody can make a file of that name, not even root.
    fs::create_dir(place.database.with_file_name("invited.db.secret.new")).expect("a folder");
    let (code, printed) = place.rotate(&[]);
    assert_eq!(code, Some(1));
    for word in [
        "cannot replace the secret file",
        "invited.db.secret",
        "hint: where it is mounted",
    ] {
        assert!(printed.contains(word), "{printed}");
    }
    assert_eq!(secrets(&place), before);
    let ends = rusqlite::Connection::open(&place.database).and_then(|conn| {
        conn.query_row("select count(verifies_until) from secret", [], |row| {
            row.get::<_, i64>(0)
        })
    });
    assert_eq!(ends, Ok(0));
}

#[test]
fn a_secret_can_be_put_in_front_by_hand_where_a_variable_gives_it() {
    let place = Place::new();
    let served = place.begin_by(place.command().env("INVITED_SECRET", SECRET));
    let before = token(&served.server, &served.key, &served.invitation);
    let (key, invitation) = served.stop();
    let both = format!("{OTHER} {SECRET}");
    let server = Server::spawn(place.command().env("INVITED_SECRET", &both));
    assert!(
        notes(&server)[0].contains("work until"),
        "{:?}",
        server.banner
    );
    let after = token(&server, &key, &invitation);
    assert_ne!(before, after);
    assert_eq!(
        (lookup(&server, &before), lookup(&server, &after)),
        (200, 200)
    );
    stop(server);
    refused(
        place.command().env("INVITED_SECRET", SECRET),
        1,
        &["not the last one"],
    );
    refused(
        place.command().env("INVITED_SECRET", OTHER),
        1,
        &["not an earlier one that is needed"],
    );
    // Swapped, the one before signs again.
    let server = Server::spawn(
        place
            .command()
            .env("INVITED_SECRET", format!("{SECRET}\n{OTHER}")),
    );
    assert_eq!(token(&server, &key, &invitation), before);
    assert_eq!(lookup(&server, &after), 200);
    stop(server);
    // Without the other one its links are dead, and whoever wants that has to say so.
    let mut alone = place.command();
    let server = Server::spawn(alone.env("INVITED_SECRET", SECRET).arg("--new-secret"));
    assert_eq!(
        (lookup(&server, &before), lookup(&server, &after)),
        (200, 404)
    );
    stop(server);
    assert_eq!(
        ended(Place::command(&place).env("INVITED_SECRET", OTHER)).0,
        Some(1)
    );
}
