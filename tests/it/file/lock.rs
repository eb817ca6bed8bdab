//! One server has a file at a time.

use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::PathBuf;

use super::{advises_a_backup, fresh, make, refused, serve_new, stop};
use crate::support::process::Server;

/// The lock file of a data file.
fn lock_of(database: &std::path::Path) -> PathBuf {
    database.with_added_extension("lock")
}

#[test]
fn the_lock_names_the_process_and_its_host_and_the_inode_of_the_file() {
    let (_folder, database) = fresh();
    let (server, _key) = serve_new(&database);
    let host = fs::read_to_string("/proc/sys/kernel/hostname").expect("a name");
    let holder = format!("process {} on {}", server.child.id(), host.trim());
    let inode = fs::metadata(&database).expect("a file").ino();
    let printed = refused(&database);
    assert!(
        printed.contains(&format!("being served by {holder}")),
        "{printed}"
    );
    assert_eq!(
        fs::read_to_string(lock_of(&database)).expect("text"),
        format!("{} {} {inode}\n", server.child.id(), host.trim())
    );
}

#[test]
fn a_lock_file_that_is_a_link_is_refused_and_what_it_points_to_stays() {
    let (folder, database) = fresh();
    let victim = folder.path().join("victim");
    fs::write(&victim, "precious\n").expect("a file");
    symlink(&victim, lock_of(&database)).expect("a link");
    let printed = refused(&database);
    assert!(
        printed.contains("invited.db.lock") && !advises_a_backup(&printed),
        "{printed}"
    );
    assert_eq!(fs::read_to_string(&victim).expect("text"), "precious\n");
    assert!(!database.exists());
    // Nor is a link followed that leads to nothing.
    fs::remove_file(&victim).expect("it goes");
    refused(&database);
    assert!(!victim.exists() && !database.exists());
}

#[test]
fn a_lock_file_that_is_not_ours_is_refused_and_stays() {
    let (folder, database) = fresh();
    make(&database);
    let (lock, victim) = (lock_of(&database), folder.path().join("victim"));
    fs::write(&lock, "precious\n").expect("a file");
    assert!(refused(&database).contains("not a lock file"));
    assert_eq!(fs::read_to_string(&lock).expect("text"), "precious\n");
    fs::remove_file(&lock).expect("it goes");
    fs::write(&victim, "12 bytes\n").expect("a file");
    fs::hard_link(&victim, &lock).expect("a second name");
    assert!(refused(&database).contains("not a lock file"));
    assert_eq!(fs::read_to_string(&victim).expect("text"), "12 bytes\n");
    fs::remove_file(&lock).expect("it goes");
    // What a server left that was killed is ours, whether or not it could write its name.
    for left in [
        "",
        "4711\n",
        "4711 a-host-with-a-much-longer-name-than-any-other.example\n",
    ] {
        fs::write(&lock, left).expect("a file");
        stop(Server::serve(&database));
    }
}
