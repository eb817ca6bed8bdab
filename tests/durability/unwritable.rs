//! R5: a place that cannot be written is told at start, and never replaced by a new empty file.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::Outcome;
use crate::check::{ensure, no_panic, settle};
use crate::faults::{Mount, as_other_user};
use crate::scale::Scale;
use crate::server::{BINARY, Launch};

/// The server gives up within this time.
const GIVE_UP_LIMIT: Duration = Duration::from_secs(2);

/// Files and folders without the right to write.
pub fn unwritable_places_are_refused(_: &Scale) -> Outcome {
    let directory = tempfile::tempdir()?;
    let root = directory.path();
    allow(root, 0o755)?;
    let binary = root.join("binary");
    if fs::hard_link(BINARY, &binary).is_err() {
        fs::copy(BINARY, &binary)?;
    }
    let wrapper = as_other_user();
    for (name, database) in places(root)? {
        refused(&wrapper, &binary, &database, root)
            .map_err(|failed| format!("{name}: {}", failed.message().unwrap_or_default()))?;
    }
    allow(&root.join("closed"), 0o755)
}

/// A file system that is mounted read-only, with a good file on it.
pub fn read_only_mounts_are_refused(_: &Scale) -> Outcome {
    let directory = tempfile::tempdir()?;
    let mount = Mount::tmpfs(&directory.path().join("disk"), "size=16m")?;
    let database = mount.point().join("invited.db");
    Launch::serve(&database).run()?.stop()?;
    settle(&database)?;
    mount.remount("ro")?;
    refused(&[], Path::new(BINARY), &database, directory.path())
}

/// Four places where no server can keep its file, with what is wrong with them.
fn places(root: &Path) -> Outcome<Vec<(&'static str, PathBuf)>> {
    let open = root.join("open");
    fs::create_dir(&open)?;
    let file = open.join("read-only.db");
    Launch::serve(&file).run()?.stop()?;
    settle(&file)?;
    allow(&file, 0o444)?;
    allow(&open, 0o777)?;
    let closed = root.join("closed");
    fs::create_dir(&closed)?;
    allow(&closed, 0o555)?;
    let folder = root.join("folder");
    fs::create_dir(&folder)?;
    Ok(vec![
        ("a read-only file", file),
        ("a read-only folder", closed.join("invited.db")),
        (
            "a missing folder in a read-only one",
            closed.join("missing").join("invited.db"),
        ),
        ("a folder as the file", folder),
    ])
}

/// Sets the rights of a path.
fn allow(path: &Path, mode: u32) -> Outcome {
    Ok(fs::set_permissions(path, Permissions::from_mode(mode))?)
}

/// The start fails soon, in one line that names the path, and leaves everything as it was.
fn refused(wrapper: &[OsString], binary: &Path, database: &Path, root: &Path) -> Outcome {
    let before = tree(root)?;
    let refusal = match Launch::through(wrapper, binary, database).start()? {
        Err(refusal) => refusal,
        Ok(server) => return Err(format!("the server started:\n{}", server.log()).into()),
    };
    let code = refusal.status.and_then(|status| status.code());
    ensure(code.is_some_and(|code| code != 0), || {
        format!("not a refusal: {refusal}")
    })?;
    ensure(refusal.elapsed <= GIVE_UP_LIMIT, || {
        format!("too late: {refusal}")
    })?;
    no_panic(&refusal.stderr)?;
    names_path_and_hint(&refusal.stderr, database)?;
    let after = tree(root)?;
    ensure(before == after, || {
        format!(
            "the start left {:?}",
            after.symmetric_difference(&before).collect::<Vec<_>>()
        )
    })
}

/// One line says what is wrong with which path, the next one what to do.
pub fn names_path_and_hint(stderr: &str, database: &Path) -> Outcome {
    let folder = database.parent().unwrap_or(database).display().to_string();
    let errors: Vec<&str> = stderr
        .lines()
        .filter(|line| line.starts_with("invited: "))
        .collect();
    let good = errors.len() == 1 && errors[0].contains(&folder) && stderr.contains("\n  hint: ");
    ensure(good, || {
        format!(
            "no line that names {} and no hint:\n{stderr}",
            database.display()
        )
    })
}

/// Every path below a folder with its length.
fn tree(root: &Path) -> Outcome<BTreeSet<(PathBuf, u64)>> {
    let mut found = BTreeSet::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let metadata = entry.metadata()?;
            if metadata.is_dir() {
                folders.push(entry.path());
            }
            found.insert((
                entry.path(),
                if metadata.is_dir() { 0 } else { metadata.len() },
            ));
        }
    }
    Ok(found)
}
