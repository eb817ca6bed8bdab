//! The true cause of a refusal, and the command that helps.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use super::{advises_a_backup, count, edit, follow_hint, fresh, make, refused, refused_by, stop};
use crate::support::process::{Server, invited};

#[test]
fn a_file_that_another_program_holds_is_busy_and_not_damaged() {
    let (_folder, database) = fresh();
    make(&database);
    let conn = rusqlite::Connection::open(&database).expect("it opens");
    conn.execute_batch(
        "pragma locking_mode = exclusive; begin exclusive; update api_key set name = name",
    )
    .expect("it is held");
    let printed = [
        refused(&database),
        refused_by(&["key", "list"], &database, 1),
        refused_by(&["key", "create"], &database, 1),
    ];
    for printed in printed {
        assert!(
            printed.contains("another program holds the data file"),
            "{printed}"
        );
        assert!(
            printed.contains("fuser") && !advises_a_backup(&printed),
            "{printed}"
        );
    }
}

#[test]
fn a_key_command_beside_a_write_transaction_of_another_program_is_told_so() {
    let (_folder, database) = fresh();
    make(&database);
    let conn = rusqlite::Connection::open(&database).expect("it opens");
    conn.execute_batch("begin immediate").expect("it is held");
    for words in [
        ["key", "create"].as_slice(),
        &["key", "revoke", "0000000000000000"],
    ] {
        let printed = refused_by(words, &database, 1);
        assert!(
            printed.contains("another program holds the data file"),
            "{printed}"
        );
        assert!(!printed.contains("folder"), "{printed}");
    }
}

/// A user and a group without rights.
const NOBODY: u32 = 65534;

#[test]
fn a_folder_that_cannot_be_written_is_told_to_be_that() {
    let is_root = rustix::process::geteuid().is_root();
    let (folder, database) = fresh();
    make(&database);
    let binary = folder.path().join("binary");
    // A program is not started while another test's child holds it open for writing, which it would
    // if this process wrote it.
    let mut copy = Command::new("cp");
    copy.arg(env!("CARGO_BIN_EXE_invited")).arg(&binary);
    assert!(copy.status().expect("cp runs").success());
    let data = folder.path().join("data");
    fs::create_dir(&data).expect("a folder");
    for (path, mode) in [(folder.path(), 0o755), (&binary, 0o755)] {
        fs::set_permissions(path, Permissions::from_mode(mode)).expect("rights");
    }
    for name in ["invited.db", "invited.db.lock", "invited.db.secret"] {
        let place = data.join(name);
        fs::rename(folder.path().join(name), &place).expect("it moves");
        if is_root {
            std::os::unix::fs::chown(&place, Some(NOBODY), Some(NOBODY)).expect("another owner");
        }
    }
    fs::set_permissions(&data, Permissions::from_mode(0o555)).expect("rights");
    let database = data.join("invited.db");
    for words in [
        ["serve", "--listen", "127.0.0.1:0"].as_slice(),
        &["key", "list"],
    ] {
        // Root may write in any folder.
        let mut command = Command::new(if is_root {
            "setpriv".as_ref()
        } else {
            binary.as_path()
        });
        if is_root {
            let (user, group) = (format!("--reuid={NOBODY}"), format!("--regid={NOBODY}"));
            command.args([&user, &group, "--clear-groups"]).arg(&binary);
        }
        command.args(words);
        let output = command
            .arg("--database")
            .arg(&database)
            .output()
            .expect("setpriv runs");
        let printed = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{printed}");
        assert!(
            printed.contains("folder cannot be written") && !advises_a_backup(&printed),
            "{printed}"
        );
    }
    fs::set_permissions(&data, Permissions::from_mode(0o755)).expect("rights");
}

#[test]
fn a_copy_that_went_through_sql_text_is_told_to_be_one_and_the_command_makes_it_start() {
    let (folder, database) = fresh();
    let key = make(&database);
    let copy = folder.path().join("copy.db");
    dump(&database, &copy);
    for printed in [refused(&copy), refused_by(&["key", "list"], &copy, 1)] {
        assert!(
            printed.contains(".dump") && !advises_a_backup(&printed),
            "{printed}"
        );
    }
    edit(&copy, "pragma application_id = 1768846948");
    assert!(
        refused(&copy).contains(".dump"),
        "the version is missing still"
    );
    follow_hint(&refused(&copy));
    fs::copy(
        database.with_added_extension("secret"),
        copy.with_added_extension("secret"),
    )
    .expect("a copy");
    assert_eq!(count(&Server::serve(&copy), &key), 1);
    // An SQLite file of another program is not taken for such a copy.
    let foreign = folder.path().join("foreign.db");
    edit(&foreign, "create table invitation (id)");
    let printed = refused(&foreign);
    assert!(
        printed.contains("another program") && !printed.contains(".dump"),
        "{printed}"
    );
    assert!(!advises_a_backup(&printed), "{printed}");
}

/// Copies a file through SQL text, as `.dump` does.
fn dump(from: &Path, to: &Path) {
    let source = rusqlite::Connection::open(from).expect("it opens");
    let mut objects = source
        .prepare("select sql from sqlite_schema where sql is not null")
        .expect("good SQL");
    let sql = objects
        .query_map([], |row| row.get::<_, String>(0))
        .expect("it runs");
    let sql: Vec<_> = sql.map(|sql| sql.expect("text")).collect();
    edit(to, &sql.join(";\n"));
    let mut tables = source
        .prepare("select name from sqlite_schema where type = 'table'")
        .expect("good SQL");
    let tables = tables
        .query_map([], |row| row.get::<_, String>(0))
        .expect("it runs");
    for table in tables.map(|table| table.expect("text")) {
        // Columns that the database makes itself are left out.
        let names: String = source
            .query_row(
                "select group_concat(name) from pragma_table_info(?1)",
                [&table],
                |row| row.get(0),
            )
            .expect("columns");
        let place = from.display();
        edit(
            to,
            &format!(
                "attach '{place}' as source;
                 insert into main.{table} ({names}) select {names} from source.{table}"
            ),
        );
    }
}

#[test]
fn only_what_sqlite_calls_damaged_is_called_so() {
    let (folder, database) = fresh();
    make(&database);
    let good = fs::read(&database).expect("bytes");
    let place = folder.path().join("other.db");
    let text = b"This is a letter, not a database.\n".repeat(200);
    let mut flipped = good.clone();
    // The root page of the schema, behind the header.
    flipped[100..108].fill(0xff);
    for (bytes, is_damaged) in [
        (&good[..good.len() / 2], true),
        (&flipped[..], true),
        (&text[..], false),
    ] {
        fs::write(&place, bytes).expect("a file");
        let printed = refused(&place);
        assert_eq!(printed.contains("damaged"), is_damaged, "{printed}");
        assert_eq!(
            printed.contains("restore a backup"),
            is_damaged,
            "{printed}"
        );
    }
    fs::write(&place, b"").expect("a file");
    fs::write(folder.path().join("other.db-wal"), b"a log").expect("a file");
    let printed = refused(&place);
    assert!(
        printed.contains("-wal") && !advises_a_backup(&printed),
        "{printed}"
    );
}

#[test]
fn a_bad_public_url_of_an_address_makes_no_file_and_no_key() {
    let (folder, database) = fresh();
    let mut command = invited();
    command
        .args(["serve", "--listen", "[fe80::1%1]:0", "--database"])
        .arg(&database);
    let output = command.output().expect("it runs");
    assert_eq!(
        output.status.code(),
        Some(1),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert_eq!(super::names_in(folder.path()), Vec::<String>::new());
    stop(super::serve_new(&database).0);
}
