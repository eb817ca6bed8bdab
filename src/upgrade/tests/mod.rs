//! Files of the first release are brought up to schemas that may come one day.

mod kills;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::*;
use crate::base::clock::Clock;
use crate::base::ids::Ids;
use crate::db::trial::{BREAKING, FAILING, LATER, contents, make};
use crate::db::{Db, Options, Replacement, Synchronous};
use crate::secret;

/// The variable that makes this program one that brings the file up to date which it names.
const CHILD: &str = "TEST_OF_UPGRADES";

/// A file of the first release, in a folder of its own.
fn first() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("invited.db");
    make(&path);
    (folder, path)
}

/// Brings the file at `path` up to date.
fn bring_up(path: &Path, migrations: Migrations) -> Result<Option<Migrated>, Failure> {
    migrate(path, migrations, &mut |_| {})
}

/// The names in the folder of `path`, sorted.
fn names_beside(path: &Path) -> Vec<String> {
    let entries = fs::read_dir(path.parent().expect("a folder")).expect("it reads");
    let name = |entry: std::io::Result<fs::DirEntry>| {
        let name = entry.expect("an entry").file_name();
        name.to_string_lossy().into_owned()
    };
    let mut names: Vec<_> = entries.map(name).collect();
    names.sort();
    names
}

#[test]
fn a_file_is_brought_up_to_date_step_by_step_and_kept_as_it_was_before() {
    let (_folder, path) = first();
    let before = contents(&path);
    let mut told = Vec::new();
    let done = migrate(&path, LATER, &mut |step| {
        if let Step::Migrating(name) = step {
            told.push(name);
        }
    });
    let Migrated { plan, copy } = done.expect("it works").expect("there is something to do");
    assert_eq!(
        names_beside(&path),
        ["invited.db", "invited.db.before-schema-2"],
        "neither a lock nor a part is left"
    );
    assert_eq!((plan.from, plan.to), (1, 3));
    assert_eq!(plan.steps, ["0002_organization_note", "0003_key_colour"]);
    assert_eq!(told, plan.steps);
    assert!(plan.counts.organizations > 8_000, "{:?}", plan.counts);
    assert_eq!(copy, beside(&path, ".before-schema-2"));
    assert_eq!(
        contents(&copy),
        before,
        "what was in the log is in the copy"
    );
    assert_eq!(
        fs::metadata(&copy)
            .expect("it is there")
            .permissions()
            .mode()
            & 0o777,
        0o600
    );
    assert_eq!(plan.bytes, fs::metadata(&copy).expect("it is there").len());

    let source = Source::open_with(&path, LATER).expect("its schema is the newest one");
    assert!(!source.is_outdated());
    let report =
        verify::check(&source, &Ask::default(), &mut |_| ()).expect("it is looked through");
    assert_eq!(report.findings.first, Vec::<String>::new());
    assert_eq!(report.counts, plan.counts);
    drop(source);
    assert!(
        bring_up(&path, LATER).expect("it works").is_none(),
        "nothing is left to do"
    );
}

#[test]
fn a_copy_that_is_there_is_used_again_where_it_is_equal_and_never_replaced() {
    let (_folder, path) = first();
    let before = contents(&path);
    for _ in 0..2 {
        bring_up(&path, FAILING).expect_err("the step fails");
        assert_eq!(contents(&path), before);
    }
    let names = ["invited.db", "invited.db-wal", "invited.db.before-schema-2"];
    let kept: Vec<_> = names_beside(&path)
        .into_iter()
        .filter(|name| !name.ends_with("-shm"))
        .collect();
    assert!(
        kept.iter().all(|name| names.contains(&name.as_str())),
        "{kept:?}"
    );
    fs::write(beside(&path, ".before-schema-2"), "mine").expect("it is written");
    let done = bring_up(&path, LATER)
        .expect("it works")
        .expect("there is something to do");
    let name = done.copy.to_string_lossy().into_owned();
    assert!(name.contains("invited.db.before-schema-2-20"), "{name}");
    assert_eq!(contents(&done.copy), before);
    let mine = fs::read(beside(&path, ".before-schema-2")).expect("it is there");
    assert_eq!(mine, b"mine");
}

#[test]
fn a_step_that_fails_leaves_a_whole_file_and_names_itself_and_the_copy() {
    for (migrations, reached, named) in [
        (FAILING, 1, ["0002_half", "no such table"]),
        (BREAKING, 2, ["0003_broken", "would refer to nothing"]),
    ] {
        let (_folder, path) = first();
        let before = contents(&path);
        let failure = bring_up(&path, migrations)
            .expect_err("the step fails")
            .to_string();
        for word in named {
            assert!(failure.contains(word), "{failure}");
        }
        let copy = beside(&path, ".before-schema-2");
        assert!(failure.contains(&copy.display().to_string()), "{failure}");
        assert!(
            failure.contains(&format!("schema version {reached}")),
            "{failure}"
        );
        assert_eq!(contents(&copy), before);
        assert_eq!(contents(&path).0, reached);
        assert_eq!(contents(&path) == before, reached == 1);
        let source = Source::open_with(&path, LATER).expect("it is whole");
        let report =
            verify::check(&source, &Ask::default(), &mut |_| ()).expect("it is looked through");
        assert_eq!(report.findings.count, 0);
        assert!(report.is_outdated);
    }
}

#[test]
fn a_rehearsal_does_all_of_it_on_a_copy_and_leaves_every_byte_of_the_file() {
    let (_folder, path) = first();
    let bytes = || {
        (
            fs::read(&path).expect("it reads"),
            fs::read(beside(&path, "-wal")).expect("it reads"),
        )
    };
    let files = || {
        names_beside(&path)
            .into_iter()
            .filter(|name| !name.ends_with("-shm"))
            .collect::<Vec<_>>()
    };
    let (before, names) = (bytes(), files());
    // What a kill of another rehearsal left.
    fs::write(beside(&path, ".dry-run.part-wal"), "old").expect("it is written");
    let mut checks = 0;
    let plan = rehearse(&path, LATER, &mut |step| {
        checks += u32::from(matches!(step, Step::Checking));
    });
    let plan = plan.expect("it works").expect("there is something to do");
    assert_eq!((plan.from, plan.to, plan.steps.len(), checks), (1, 3, 2, 2));
    assert!(plan.free.is_some());
    for migrations in [FAILING, BREAKING] {
        let failure = rehearse(&path, migrations, &mut |_| {}).expect_err("a step fails");
        assert!(failure.to_string().contains("migration 000"), "{failure}");
    }
    assert!(bytes() == before);
    assert_eq!(files(), names);
    assert!(
        rehearse(&path, Migrations::RELEASED, &mut |_| {})
            .expect("it works")
            .is_none()
    );
}

#[test]
fn a_file_that_is_served_is_rehearsed_and_not_changed() {
    let (_folder, path) = first();
    let options = Options {
        workers: 1,
        synchronous: Synchronous::Full,
        clock: Clock::System,
        ids: Ids::Random,
    };
    let server = Db::open(&path, &options).expect("it is served by the version of before");
    let failure = bring_up(&path, LATER)
        .expect_err("it is served")
        .to_string();
    assert!(failure.contains("is being served by"), "{failure}");
    let plan = rehearse(&path, LATER, &mut |_| {}).expect("it works");
    assert_eq!(plan.expect("there is something to do").to, 3);
    drop(server);
    assert_eq!(contents(&path).0, 1);
}

#[test]
fn a_program_of_before_refuses_the_file_and_names_the_copy_which_it_can_put_back() {
    let (_folder, path) = first();
    let before = contents(&path);
    bring_up(&path, LATER).expect("it works");
    let newer = fs::read(&path).expect("it reads");
    let copy = beside(&path, ".before-schema-2");
    let failure = Source::open(&path).err().expect("it is newer").to_string();
    for word in [
        "schema version 3, newer than the 1 of invited 0.1.0",
        "install the version of invited that wrote it, or a newer one",
        "without what was written since: invited restore",
        &copy.display().to_string(),
    ] {
        assert!(failure.contains(word), "{word}: {failure}");
    }
    assert!(
        fs::read(&path).expect("it reads") == newer,
        "it was not touched"
    );

    let place = Replacement::claim(&path).expect("nobody serves it");
    let secrets = secret::Source::File(beside(&path, ".secret"));
    let restored = backup::restore::restore(&copy, place, &secrets, true, &mut |_| {});
    restored.expect("it is put back");
    assert_eq!(contents(&path), before);
}

#[test]
fn without_room_for_the_copy_and_the_log_nothing_is_begun() {
    let path = Path::new("/srv/invited.db");
    assert_eq!(judge_room(path, 2_048, Some(2_048)), Ok(Some(2_048)));
    assert_eq!(judge_room(path, 2_048, None), Ok(None));
    let failure = judge_room(path, 2_048, Some(1_024))
        .expect_err("too little")
        .to_string();
    assert!(
        failure.contains("needs 2.00 KiB beside it, and 1.00 KiB are free"),
        "{failure}"
    );
    assert!(failure.contains("make room"), "{failure}");
}

#[test]
fn the_room_that_is_asked_for_is_that_of_the_copy_and_of_the_longest_step() {
    let (_folder, path) = first();
    let copy = beside(&path, ".before-schema-2");
    let size = |path: &Path| fs::metadata(path).map_or(0, |found| found.len());
    let source = Source::open_with(&path, LATER).expect("it opens");
    let bytes = source.size().expect("it has one");
    drop(source);
    assert!(!copy::is_like(&copy, bytes), "there is none yet");
    bring_up(&path, FAILING).expect_err("the step fails");
    assert!(copy::is_like(&copy, bytes), "it is used again");
    assert!(!copy::is_like(&copy, bytes + 1), "that of another file");
    bring_up(&path, LATER).expect("it works");
    assert!(size(&path) <= bytes * (1 + GROWS));
}

#[test]
fn a_file_of_before_is_backed_up_as_it_is() {
    let (folder, path) = first();
    let before = contents(&path);
    let source = Source::open_with(&path, LATER).expect("it opens");
    let place = folder.path().join("backup.db");
    let made = backup::make(&source, &place, None, false, &mut |_| {}).expect("it is made");
    assert!(made.counts.organizations > 8_000, "{:?}", made.counts);
    assert_eq!(contents(&place), before);
    assert_eq!(contents(&path), before);
    bring_up(&place, LATER).expect("it is brought up to date as the file is");
    assert_eq!(contents(&place).0, 3);
}

#[test]
fn an_upgrade_whose_log_cannot_be_moved_is_done_and_the_next_start_moves_it() {
    let two_steps = Migrations(&LATER.0[..2]);
    if let Some(path) = std::env::var_os(CHILD) {
        let done = bring_up(Path::new(&path), two_steps).expect("it is done");
        assert_eq!(done.expect("there is something to do").plan.to, 2);
        return;
    }
    let ((_folder, path), (_other, whole)) = (first(), first());
    bring_up(&whole, two_steps).expect("it works");
    let length = fs::metadata(&whole).expect("a file").len();
    // The log may be written, and the file not as far as its new end.
    let limit = (length - 8_192) / 512;
    let test =
        "upgrade::tests::an_upgrade_whose_log_cannot_be_moved_is_done_and_the_next_start_moves_it";
    let script = format!("trap '' XFSZ; ulimit -f {limit}; exec \"$0\" --exact {test}");
    let program = std::env::current_exe().expect("this program");
    let mut shell = Command::new("sh");
    let shell = shell.args(["-c", &script]).arg(program).env(CHILD, &path);
    let output = shell.output().expect("a shell");
    assert!(output.status.success(), "{output:?}");
    let log = fs::metadata(beside(&path, "-wal")).expect("a log").len();
    assert!(log > 0, "it was not moved");
    assert!(bring_up(&path, two_steps).expect("it works").is_none());
    assert_eq!(contents(&path), contents(&whole));
}
