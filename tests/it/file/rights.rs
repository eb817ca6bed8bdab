//! Who may read and write the file.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::{advises_a_backup, fresh, invite, make, refused, refused_by, stop};
use crate::support::process::Server;

/// The rights of a file.
fn mode(path: &Path) -> u32 {
    fs::metadata(path)
        .expect("it is there")
        .permissions()
        .mode()
        & 0o777
}

/// Sets the rights of a file.
fn allow(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).expect("rights");
}

#[test]
fn a_file_that_others_may_write_is_refused() {
    let (_folder, database) = fresh();
    make(&database);
    for rights in [0o666, 0o660, 0o602] {
        allow(&database, rights);
        for printed in [
            refused(&database),
            refused_by(&["key", "list"], &database, 1),
        ] {
            assert!(
                printed.contains("others on this machine may write it"),
                "{printed}"
            );
            assert!(
                printed.contains("chmod 600") && !advises_a_backup(&printed),
                "{printed}"
            );
        }
        assert_eq!(mode(&database), rights, "it was not touched");
    }
}

#[test]
fn a_file_that_others_may_read_is_made_private_and_that_is_told_whatever_is_logged() {
    let (_folder, database) = fresh();
    let key = make(&database);
    for rights in [0o644, 0o640, 0o604] {
        allow(&database, rights);
        let file = database.to_string_lossy().into_owned();
        let server = Server::start(&[
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--log",
            "error",
            "--database",
            file.as_str(),
        ]);
        let note = server.banner_value("note").expect("a note");
        assert!(
            note.contains(&format!("{rights:o}")) && note.contains("private"),
            "{note}"
        );
        assert_eq!(invite(&server, &key, &format!("m{rights}@b.co")).0, 201);
        for suffix in ["", "-wal", "-shm"] {
            assert_eq!(
                mode(Path::new(&format!("{file}{suffix}"))),
                0o600,
                "{suffix} of {rights:o}"
            );
        }
        stop(server);
        assert_eq!(
            Server::serve(&database).banner_value("note"),
            None,
            "it is told once"
        );
    }
}

#[test]
fn a_log_that_a_killed_server_left_open_to_others_is_made_private_with_the_file() {
    let (_folder, database) = fresh();
    let key = make(&database);
    let mut server = Server::serve(&database);
    assert_eq!(invite(&server, &key, "a@b.co").0, 201);
    server.child.kill().expect("it is killed");
    server.child.wait().expect("it ends");
    let beside = ["", "-wal", "-shm"].map(|suffix| format!("{}{suffix}", database.display()));
    for path in &beside {
        allow(Path::new(path), 0o644);
    }
    let _server = Server::serve(&database);
    for path in &beside {
        assert_eq!(mode(Path::new(path)), 0o600, "{path}");
    }
}
