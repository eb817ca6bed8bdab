//! The header of a data file, read without SQLite: whether the file is ours, and of which version.

use std::fs::{self, OpenOptions};
use std::io::Read;
use std::path::{Path, PathBuf};

use super::place::{beside, folder};
use super::refusal::{by_system, damaged, refused};
use super::{connection, schema};
use crate::base::failure::Failure;
use crate::base::shell::shell_word;

/// `pragma application_id` of our files: "invd".
const APPLICATION_ID: u32 = 0x696e_7664;

/// The schema version that this program writes: the number of its migrations.
pub(crate) const SCHEMA_VERSION: u32 = 1;

/// What stands behind the name of a data file in that of the copy from before a schema, whose
/// version comes next.
pub(crate) const COPY_SUFFIX: &str = ".before-schema-";

/// Bytes of the header of an SQLite file.
const HEADER: usize = 100;
/// What it begins with.
const SQLITE: &[u8] = b"SQLite format 3\0";
/// Where the application id is in it.
const APPLICATION_ID_AT: usize = 68;

/// Looks at the file without SQLite: rights, header, application id, schema version, length. The
/// schema may be `newest` at most. Returns its version, behind which that in the log may be.
pub(crate) fn check_header(path: &Path, newest: u32) -> Result<u32, Failure> {
    let mut options = OpenOptions::new();
    check(path, options.read(true).write(true), newest)
}

/// The same for a file that is only read.
pub(crate) fn check_backup(path: &Path, newest: u32) -> Result<u32, Failure> {
    check(path, OpenOptions::new().read(true), newest)
}

/// Looks at the file that `options` open.
fn check(path: &Path, options: &OpenOptions, newest: u32) -> Result<u32, Failure> {
    let mut header = [0; HEADER];
    let mut file = options
        .open(path)
        .map_err(|error| by_system(path, &error))?;
    let length = file
        .metadata()
        .map_err(|error| by_system(path, &error))?
        .len();
    let elsewhere = "name another file";
    if file.read_exact(&mut header).is_err() || !header.starts_with(SQLITE) {
        return Err(refused(path, "it is not an SQLite file", elsewhere));
    }
    let field = |offset: usize| {
        u32::from_be_bytes([
            header[offset],
            header[offset + 1],
            header[offset + 2],
            header[offset + 3],
        ])
    };
    let (application_id, version) = (field(APPLICATION_ID_AT), field(60));
    if is_dump(path, &header, (application_id, version)) {
        return Err(dump(path));
    }
    if application_id != APPLICATION_ID {
        return Err(refused(
            path,
            "it is an SQLite file of another program",
            elsewhere,
        ));
    }
    if version > newest {
        return Err(newer(path, version, newest));
    }
    let page = u64::from(u16::from_be_bytes([header[16], header[17]]));
    let has_log = fs::metadata(beside(path, "-wal")).is_ok_and(|log| log.len() > 0);
    if !has_log && length < page * u64::from(field(28)) {
        return Err(damaged(path, "it is shorter than its header says"));
    }
    Ok(version)
}

/// Whether the file at `path` begins as ours do, whatever its version and its state.
pub(crate) fn is_ours(path: &Path) -> bool {
    let mut header = [0; HEADER];
    let read = fs::File::open(path).and_then(|mut file| file.read_exact(&mut header));
    read.is_ok()
        && header.starts_with(SQLITE)
        && header[APPLICATION_ID_AT..].starts_with(&APPLICATION_ID.to_be_bytes())
}

/// The refusal of a file whose schema is `version`, by a program that knows `newest` at most.
pub(crate) fn newer(path: &Path, version: u32, newest: u32) -> Failure {
    let what = format!(
        "the data file has schema version {version}, newer than the {newest} of invited {} ({})",
        env!("CARGO_PKG_VERSION"),
        path.display()
    );
    let mut hint = "the file was not touched; install the version of invited that wrote it, or a \
                    newer one"
        .to_owned();
    if let Some(copy) = find_copy(path, newest) {
        let [copy, file] = [&copy, path].map(|path| shell_word(&path.to_string_lossy()));
        hint += &format!(
            "; or go back to the copy from before, without what was written since: invited \
             restore {copy} --database {file}"
        );
    }
    Failure::runtime(what, hint)
}

/// The copy beside the file at `path` that was made before it got a schema behind `newest`: of
/// several the one with the latest schema, and of these the last one.
fn find_copy(path: &Path, newest: u32) -> Option<PathBuf> {
    let start = beside(path, COPY_SUFFIX);
    let start = start.file_name()?.to_string_lossy().into_owned();
    let copy = |entry: std::io::Result<fs::DirEntry>| {
        let name = entry.ok()?.file_name().into_string().ok()?;
        let mut parts = name.strip_prefix(&start)?.split('-');
        let schema: u32 = parts.next()?.parse().ok()?;
        // What else stands behind the number is a time, and no name of what SQLite keeps beside it.
        let is_time = |part: &str| part.starts_with(|c: char| c.is_ascii_digit());
        let is_whole = parts.all(|part| is_time(part) && !part.contains('.'));
        (is_whole && schema <= newest + 1).then_some((schema, name))
    };
    let copies = fs::read_dir(folder(path)).ok()?.filter_map(copy);
    copies.max().map(|(_, name)| path.with_file_name(name))
}

/// The refusal of a file whose schema is `version` by a command that never changes one.
pub(crate) fn older(path: &Path, version: u32, newest: u32) -> Failure {
    Failure::runtime(
        format!(
            "the data file has schema version {version}, older than the {newest} of invited {} \
             ({})",
            env!("CARGO_PKG_VERSION"),
            path.display()
        ),
        "start the server of this version once, or run `invited migrate`; the file was not touched",
    )
}

/// Whether a file is a copy of ours that went through SQL text, as `.dump` and `.clone` make it:
/// such a copy has the tables, but not the two numbers of the header. Nothing is left beside a file
/// that keeps no log (1 in its header).
fn is_dump(path: &Path, header: &[u8; HEADER], (application_id, version): (u32, u32)) -> bool {
    let keeps_no_log = header[18] == 1;
    match (application_id, version) {
        (APPLICATION_ID, 0) => true,
        (0, 0) if keeps_no_log => connection::open_reader(path)
            .and_then(|conn| schema::has_our_tables(&conn))
            .unwrap_or(false),
        _ => false,
    }
}

/// The refusal of a copy that went through SQL text, with the command that makes it a data file
/// again.
fn dump(path: &Path) -> Failure {
    let pragmas =
        format!("pragma application_id={APPLICATION_ID}; pragma user_version={SCHEMA_VERSION}");
    let file = shell_word(&path.to_string_lossy());
    refused(
        path,
        "it has our tables, but lacks the application id and the version: a copy by .dump or \
         .clone loses them",
        &format!("if it is a whole copy: sqlite3 {file} '{pragmas}'"),
    )
}
