//! By which names a file is served.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use super::{
    advises_a_backup, count, fresh, invite, make, names_in, refused, refused_by, serve_new, stop,
};
use crate::support::process::Server;

#[test]
fn a_second_server_by_a_link_to_the_file_is_refused_and_told_who_has_it() {
    let (folder, database) = fresh();
    let (server, _key) = serve_new(&database);
    let (link, chain, relative) = (
        folder.path().join("link.db"),
        folder.path().join("chain.db"),
        folder.path().join("relative.db"),
    );
    symlink(&database, &link).expect("a link");
    symlink(&link, &chain).expect("a link to a link");
    symlink("invited.db", &relative).expect("a relative link");
    let before = names_in(folder.path());
    for name in [&link, &chain, &relative] {
        let printed = refused(name);
        assert!(
            printed.contains(&format!(
                "being served by process {} on ",
                server.child.id()
            )),
            "{printed}"
        );
    }
    assert_eq!(
        names_in(folder.path()),
        before,
        "no lock and no secret of another name"
    );
}

#[test]
fn whoever_serves_a_link_serves_the_file_with_its_secret_and_its_log() {
    let (folder, database) = fresh();
    let key = make(&database);
    let link = folder.path().join("other/link.db");
    fs::create_dir(folder.path().join("other")).expect("a folder");
    symlink("../invited.db", &link).expect("a link");
    let server = Server::serve(&link);
    assert_eq!(
        server.banner_value("data file"),
        Some(database.display().to_string())
    );
    assert_eq!(invite(&server, &key, "second@b.co").0, 201);
    assert_eq!(names_in(link.parent().expect("a folder")), ["link.db"]);
    let listed = refused_by(&["key", "revoke", "0000000000000000"], &link, 1);
    assert!(
        listed.contains("no live key"),
        "commands follow it as well: {listed}"
    );
    stop(server);
    assert_eq!(count(&Server::serve(&database), &key), 2);
}

#[test]
fn a_dangling_link_is_followed_and_the_file_is_made_where_it_points_to() {
    let (folder, database) = fresh();
    let volume = folder.path().join("volume");
    fs::create_dir(&volume).expect("a folder");
    let link_to_link = folder.path().join("second.db");
    for (link, target) in [
        (&database, volume.join("invited.db")),
        (&link_to_link, database.clone()),
    ] {
        symlink(target, link).expect("a link");
    }
    stop(serve_new(&link_to_link).0);
    assert!(
        fs::symlink_metadata(&database)
            .expect("it is there")
            .is_symlink(),
        "the link stays"
    );
    for name in ["invited.db", "invited.db.lock", "invited.db.secret"] {
        assert!(volume.join(name).exists(), "{name}");
    }
    assert_eq!(
        names_in(folder.path()),
        ["invited.db", "second.db", "volume"]
    );
    // An empty file behind a link counts as none, as any empty file does.
    let (empty, behind) = (folder.path().join("empty.db"), volume.join("touched.db"));
    fs::write(&behind, b"").expect("an empty file");
    symlink(&behind, &empty).expect("a link");
    stop(serve_new(&empty).0);
    assert!(
        fs::symlink_metadata(&empty)
            .expect("it is there")
            .is_symlink(),
        "the link stays"
    );
    assert!(fs::metadata(&behind).expect("it is there").len() > 0);
}

#[test]
fn a_link_to_a_folder_that_is_missing_is_refused_and_never_replaced() {
    let (folder, database) = fresh();
    let missing = folder.path().join("not-mounted");
    symlink(missing.join("invited.db"), &database).expect("a link");
    let (data, chain) = (folder.path().join("data"), folder.path().join("chain.db"));
    symlink(&missing, &data).expect("a link to a folder");
    symlink(&database, &chain).expect("a link to a link");
    let before = names_in(folder.path());
    for (place, link) in [
        (database.clone(), &database),
        (data.join("invited.db"), &data),
        (chain, &database),
    ] {
        for printed in [refused(&place), refused_by(&["key", "list"], &place, 1)] {
            assert!(printed.contains(&link.display().to_string()), "{printed}");
            assert!(
                printed.contains(&missing.display().to_string()) && !advises_a_backup(&printed),
                "{printed}"
            );
        }
    }
    assert_eq!(names_in(folder.path()), before);
}

#[test]
fn a_file_with_more_than_one_name_is_refused_by_each_of_them() {
    let (folder, database) = fresh();
    make(&database);
    let other = folder.path().join("elsewhere.db");
    fs::hard_link(&database, &other).expect("a second name");
    let link = folder.path().join("link.db");
    symlink(&other, &link).expect("a link");
    let before = names_in(folder.path());
    for name in [&database, &other, &link] {
        for printed in [refused(name), refused_by(&["key", "list"], name, 1)] {
            assert!(
                printed.contains("more than one name") && printed.contains("-samefile"),
                "{printed}"
            );
            assert!(!advises_a_backup(&printed), "{printed}");
        }
    }
    assert_eq!(names_in(folder.path()), before);
    fs::remove_file(&other).expect("it goes");
    stop(Server::serve(&database));
}

#[test]
fn what_is_no_regular_file_is_refused_and_stays() {
    let (folder, fifo) = fresh();
    assert!(
        Command::new("mkfifo")
            .arg(&fifo)
            .status()
            .expect("mkfifo runs")
            .success()
    );
    let (link, socket) = (
        folder.path().join("link.db"),
        folder.path().join("socket.db"),
    );
    symlink(&fifo, &link).expect("a link");
    let _listener = std::os::unix::net::UnixListener::bind(&socket).expect("a socket");
    for place in [&fifo, &link, &socket] {
        let printed = refused(place);
        assert!(
            printed.contains("no regular file") && !advises_a_backup(&printed),
            "{printed}"
        );
    }
    let printed = refused(folder.path());
    assert!(printed.contains("directory"), "{printed}");
    assert_eq!(
        names_in(folder.path()),
        ["invited.db", "link.db", "socket.db"]
    );
}

#[test]
fn an_uri_of_sqlite_is_a_wrong_call_and_leaves_nothing_behind() {
    let folder = tempfile::tempdir().expect("a folder");
    let before = names_in(&std::env::current_dir().expect("a folder"));
    for uri in [
        ":memory:",
        "file:x.db",
        "file::memory:?cache=shared",
        "file:///tmp/x.db?mode=memory",
    ] {
        for words in [
            ["serve", "--listen", "127.0.0.1:0"].as_slice(),
            &["key", "list"],
        ] {
            let printed = refused_by(words, uri.as_ref(), 2);
            assert!(
                printed.contains("URI") && printed.contains(uri),
                "{printed}"
            );
        }
    }
    assert_eq!(
        names_in(&std::env::current_dir().expect("a folder")),
        before
    );
    // Names are taken as they are, whatever they mean to SQLite or to a shell.
    for name in [
        "file:x.db",
        "a?b=c.db",
        "a%2Fb.db",
        "a#b.db",
        "--x.db",
        " a b.db",
        "ä\n.db",
    ] {
        let database = folder.path().join(name);
        stop(serve_new(&database).0);
        assert!(database.exists(), "{name}");
    }
}

#[test]
fn a_failed_first_start_leaves_nothing_behind_and_makes_no_key() {
    let (folder, _) = fresh();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let listen = taken.local_addr().expect("an address").to_string();
    let database = folder.path().join("new/invited.db");
    refused_by(&["serve", "--listen", &listen], &database, 1);
    assert_eq!(names_in(folder.path()), Vec::<String>::new());
    // No name of a file can be as long as that of the unfinished file beside this one.
    let long = folder
        .path()
        .join("new/folders")
        .join(format!("{}.db", "n".repeat(245)));
    refused(&long);
    assert_eq!(names_in(folder.path()), Vec::<String>::new());
    drop(taken);
    assert!(Server::serve(&database).admin_key().is_some());
}
