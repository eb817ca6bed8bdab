//! What is never replaced, and what is said of it.

use std::fs;
use std::path::Path;

use super::{Place, addresses, back_up, on, refused, text};

/// What a backup to `file` says that must be refused.
fn refused_backup(place: &Place, file: &Path, words: &[&str], code: i32) -> String {
    let file = file.to_string_lossy();
    refused(
        &on(&place.database, &[&["backup", &file], words].concat()),
        code,
    )
}

#[test]
fn a_backup_that_is_there_is_replaced_only_by_force() {
    let place = Place::new();
    place.invite("first@b.co");
    let file = place.path("backup.db");
    back_up(&place.database, &file, &[]);
    place.invite("second@b.co");
    let said = refused_backup(&place, &file, &[], 1);
    assert!(
        said.contains("is there already") && said.contains("--force"),
        "{said}"
    );
    assert_eq!(addresses(&file).len(), 1);
    back_up(&place.database, &file, &["--force"]);
    assert_eq!(addresses(&file).len(), 2);
}

#[test]
fn only_a_backup_is_replaced_by_force() {
    let place = Place::new();
    place.invite("first@b.co");
    let backup = place.path("backup.db");
    back_up(&place.database, &backup, &[]);
    let link = place.path("link.db");
    std::os::unix::fs::symlink(&backup, &link).expect("a link");
    let said = refused_backup(&place, &link, &["--force"], 1);
    assert!(said.contains("is a symbolic link"), "{said}");
    let foreign = {
        let mut bytes = fs::read(&backup).expect("it reads");
        bytes[68] ^= 1;
        bytes
    };
    for bytes in [&b"log = \"info\"\n"[..], b"", &foreign, &foreign[..90]] {
        let file = place.path("other");
        fs::write(&file, bytes).expect("it is written");
        let said = refused_backup(&place, &file, &["--force"], 1);
        assert!(said.contains("is no backup"), "{said}");
        assert_eq!(fs::read(&file).expect("it reads"), bytes);
    }
    // One that is damaged begins as ours do.
    let whole = fs::read(&backup).expect("it reads");
    fs::write(&backup, &whole[..5_000]).expect("it is written");
    back_up(&place.database, &backup, &["--force"]);
    assert_eq!(addresses(&backup).len(), 1);
}

#[test]
fn neither_a_data_file_nor_what_belongs_to_it_is_replaced_by_force() {
    let place = Place::new();
    place.invite("first@b.co");
    let secret = fs::read(place.database.with_added_extension("secret")).expect("it reads");
    let link = place.path("link.db");
    std::os::unix::fs::symlink(&place.database, &link).expect("a link");
    let own = ["", "-wal", "-shm", ".lock", ".secret"].map(|suffix| {
        let mut path = place.database.clone().into_os_string();
        path.push(suffix);
        path.into()
    });
    for file in own.iter().chain([&link]) {
        let said = refused_backup(&place, file, &["--force"], 2);
        assert!(said.contains("belongs to the data file itself"), "{said}");
    }
    let other = Place::new();
    let said = refused_backup(&place, &other.database, &["--force"], 1);
    assert!(
        said.contains("is no backup") && said.contains("invited restore"),
        "{said}"
    );
    let said = refused_backup(&place, place.folder.path(), &["--force"], 2);
    assert!(said.contains("is a folder"), "{said}");
    let said = refused_backup(&place, &place.path("missing/backup.db"), &[], 1);
    assert!(said.contains("cannot write"), "{said}");
    place.invite("second@b.co");
    let now = fs::read(place.database.with_added_extension("secret")).expect("it reads");
    assert_eq!(now, secret);
}

#[test]
fn a_secret_that_is_another_one_is_not_put_beside_a_backup() {
    let place = Place::new();
    let secret = place.database.with_added_extension("secret");
    let file = place.path("backup.db");
    let right = fs::read(&secret).expect("it reads");
    fs::write(&secret, "0123456789abcdef0123456789abcdef").expect("it is written");
    let said = refused_backup(&place, &file, &["--with-secret"], 1);
    assert!(said.contains("does not belong to this data file"), "{said}");
    assert!(!file.exists(), "the backup is not made either");
    fs::write(&secret, &right).expect("it is written");
    back_up(&place.database, &file, &["--with-secret"]);
    let beside = place.path("backup.db.secret");
    assert_eq!(fs::read(&beside).expect("it reads"), right);
    fs::remove_file(&file).expect("it goes");
    fs::write(&beside, "0123456789abcdef0123456789abcdef").expect("it is written");
    let said = refused_backup(&place, &file, &["--with-secret"], 1);
    assert!(said.contains("backup.db.secret is there already"), "{said}");
    let said = refused(&on(&place.database, &["backup", "-", "--with-secret"]), 2);
    assert!(said.contains("stdout is none"), "{said}");
}

#[test]
fn what_is_no_data_file_is_not_copied() {
    let folder = tempfile::tempdir().expect("a folder");
    let (missing, other) = (folder.path().join("no.db"), folder.path().join("other.db"));
    let conn = rusqlite::Connection::open(&other).expect("it opens");
    conn.execute_batch("create table t (x)").expect("a table");
    let file = folder.path().join("backup.db");
    for (database, what) in [
        (&missing, "there is no data file"),
        (&other, "of another program"),
    ] {
        let output = on(database, &["backup", &file.to_string_lossy()]);
        assert!(
            refused(&output, 1).contains(what),
            "{}",
            text(&output.stderr)
        );
        assert!(!file.exists());
    }
    assert!(!missing.exists());
}
