//! R23: a bug in a change ends the process, so that nothing half made is ever served.

use std::io::Write as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::Command;

use invited::base::clock::Clock;
use invited::base::error::Result;
use invited::base::ids::Ids;
use invited::db::{Db, Options, Synchronous, WriteTx};

/// The variable that makes this program the one that has the bug, with its file.
const CHILD: &str = "TEST_OF_PANICS";

/// SIGABRT.
const ABORTED: i32 = 6;

/// The file at `path`.
fn open(path: &Path) -> Db {
    let options = Options {
        workers: 1,
        synchronous: Synchronous::Full,
        clock: Clock::System,
        ids: Ids::Random,
    };
    Db::open(path, &options).expect("it opens")
}

/// Adds an organization.
fn add(tx: &WriteTx<'_>, id: &str) -> Result<()> {
    let sql = "insert into organization (id, created_at, updated_at) values (?1, 0, 0)";
    tx.execute(sql, [id])?;
    Ok(())
}

/// Tells the test that started this program.
fn say(what: &str) {
    writeln!(std::io::stdout(), "{what}").expect("the test reads");
}

/// Makes one change, and then one that panics in its middle.
fn have_a_bug(path: &Path) {
    let db = open(path);
    invited::server::block_on(async {
        db.write(|tx| add(tx, "whole")).await.expect("it is made");
        say("acknowledged");
        let broken = db.write(|tx| -> Result<()> {
            add(tx, "half")?;
            panic!("a bug")
        });
        let outcome = broken.await;
        say(&format!("answered: {outcome:?}"));
    });
}

#[test]
fn a_change_that_panics_ends_the_process_and_leaves_nothing_of_itself() {
    if let Some(path) = std::env::var_os(CHILD) {
        return have_a_bug(Path::new(&path));
    }
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("invited.db");
    let test = "writer_panic::a_change_that_panics_ends_the_process_and_leaves_nothing_of_itself";
    let program = std::env::current_exe().expect("this program");
    let mut command = Command::new(program);
    command.args(["--exact", "--nocapture", test]);
    let ended = command.env(CHILD, &path).output().expect("it runs");
    let printed = String::from_utf8_lossy(&ended.stdout);
    assert_eq!(ended.status.signal(), Some(ABORTED), "{printed}");
    assert!(printed.contains("acknowledged"), "{printed}");
    assert!(!printed.contains("answered: Ok"), "{printed}");

    let ids = open(&path).read(|reader| {
        let mut statement = reader.prepare("select id from organization")?;
        let ids = statement.query_map([], |row| row.get::<_, String>(0))?;
        Ok(ids.collect::<rusqlite::Result<Vec<_>>>()?)
    });
    assert_eq!(ids.expect("it reads"), ["whole"]);
}
