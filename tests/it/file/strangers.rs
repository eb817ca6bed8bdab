//! Objects of other programs in the schema.

use std::path::Path;

use super::{
    advises_a_backup, edit, follow_hint, fresh, invite, make, refused, refused_by, serve_new, stop,
};
use crate::support::process::{Server, run};

/// A file that is refused because of `sql`, naming what `sql` made; the command of the hint makes
/// it start.
fn is_refused_and_mended(sql: &str, named: &str) {
    let (folder, database) = fresh();
    make(&database);
    edit(&database, sql);
    let copy = folder.path().join("copy/invited.db");
    std::fs::create_dir(folder.path().join("copy")).expect("a folder");
    std::fs::copy(&database, &copy).expect("a copy");
    for printed in [
        refused_by(&["key", "list"], &copy, 1),
        refused(&copy),
        refused(&database),
    ] {
        assert!(
            printed.contains(named) && !advises_a_backup(&printed),
            "{sql}: {printed}"
        );
    }
    let left = ["lock", "secret", "new"].map(|name| copy.with_added_extension(name).exists());
    assert_eq!(left, [false; 3], "a file that is refused gets no company");
    follow_hint(&refused(&database));
    stop(Server::serve(&database));
}

#[test]
fn tables_and_indexes_of_other_programs_are_let_be() {
    let (_folder, database) = fresh();
    let (server, key) = serve_new(&database);
    // What Litestream makes while it runs.
    edit(
        &database,
        "create table _litestream_seq (id integer primary key, seq integer);
         create table _litestream_lock (id integer)",
    );
    assert_eq!(invite(&server, &key, "a@b.co").0, 201);
    stop(server);
    edit(
        &database,
        "create table \"a note's\" (id integer primary key autoincrement, text text unique, a as
         (text || 'x'));
         create index note_text on \"a note's\" (lower(text)) where text is not null;
         create table child (id references \"a note's\" (id)); insert into child values (null);
         analyze; vacuum; reindex",
    );
    assert!(
        run(&["key", "list", "--database", &database.to_string_lossy()])
            .status
            .success()
    );
    let server = Server::serve(&database);
    assert_eq!(invite(&server, &key, "b@b.co").0, 201);
}

#[test]
fn a_trigger_or_view_is_refused_by_its_name_with_the_statement_that_drops_it() {
    for (sql, named) in [
        (
            "create trigger evil after insert on invitation begin select 1; end",
            "trigger that this program does not make: evil",
        ),
        (
            "create view \"my view's\" as select id from invitation",
            "view that this program does not make: my view's",
        ),
        (
            "create table mine (id); create trigger own after insert on mine begin select 1; end",
            "trigger that this program does not make: own",
        ),
        (
            "create virtual table words using fts5 (word)",
            "virtual table that this program does not make: words",
        ),
    ] {
        is_refused_and_mended(sql, named);
    }
}

/// Puts a row into the schema, past all that SQLite looks at.
fn plant(database: &Path, values: &str) {
    edit(
        database,
        &format!("pragma writable_schema = on; insert into sqlite_schema values ({values})"),
    );
}

#[test]
fn a_trigger_that_hides_under_another_name_or_type_is_refused() {
    let evil = "after insert on invitation begin delete from api_key; end";
    for values in [
        format!(
            "'trigger', 'sqlite_stat_evil', 'invitation', 0, 'CREATE TRIGGER sqlite_stat_evil \
             {evil}'"
        ),
        format!("'table', 'harmless', 'harmless', 0, 'CREATE TRIGGER harmless {evil}'"),
        format!("'table', 'sqlite_stat1', 'sqlite_stat1', 0, 'create /**/ trigger evil {evil}'"),
        format!("'index', 'invitation_id', 'invitation', 0, 'CREATE TRIGGER evil {evil}'"),
        "'table', 'harmless', 'harmless', 0, cast('CREATE VIEW harmless as select 1' as blob)"
            .to_owned(),
    ] {
        let (_folder, database) = fresh();
        make(&database);
        plant(&database, &values);
        let printed = refused(&database);
        let named = [
            "sqlite_stat_evil",
            "harmless",
            "sqlite_stat1",
            "invitation_id",
        ];
        assert!(
            named.iter().any(|name| printed.contains(name)),
            "{values}: {printed}"
        );
    }
}

#[test]
fn an_index_on_our_tables_or_a_foreign_key_to_them_is_refused_with_the_statement_that_drops_it() {
    for (sql, named) in [
        (
            "create index mine on invitation (role)",
            "index on invitation that this program does not make: mine",
        ),
        (
            "create unique index \"my own\" on event (id)",
            "index on event that this program does not make: my own",
        ),
        (
            "create table child (organization text references organization (id) on delete \
             restrict)",
            "foreign key to organization that this program does not make: child",
        ),
        (
            "create table other (k references API_KEY (id))",
            "foreign key to api_key that this program does not make: other",
        ),
    ] {
        is_refused_and_mended(sql, named);
    }
}

#[test]
fn a_table_or_index_of_ours_that_is_changed_or_missing_is_named() {
    is_refused_and_mended(
        "drop index invitation_standing",
        "index invitation_standing is missing",
    );
    for (sql, named) in [
        (
            "alter table invitation add column mine text",
            "table invitation is not the one",
        ),
        (
            "alter table api_key rename column name to title",
            "table api_key is not the one",
        ),
        ("drop table code", "table code is missing"),
        (
            "drop index invitation_id; create index invitation_id on invitation (email)",
            "index invitation_id is not the one",
        ),
    ] {
        let (_folder, database) = fresh();
        make(&database);
        edit(&database, sql);
        let printed = refused(&database);
        assert!(
            printed.contains(named) && !advises_a_backup(&printed),
            "{sql}: {printed}"
        );
    }
}
