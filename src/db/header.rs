//! The header of a data file, read without SQLite: whether the file is ours, and of which version.

use std::fs::{self, OpenOptions};
use std::io::Read;
use std::path::Path;

use super::place::beside;
use super::refusal::{by_system, damaged, refused, shell_word};
use super::{connection, schema};
use crate::base::failure::Failure;

/// `pragma application_id` of our files: "invd".
const APPLICATION_ID: u32 = 0x696e_7664;

/// The schema version that this program writes: one step a release that changed it.
pub(crate) const SCHEMA_VERSION: u32 = 1;

/// Bytes of the header of an SQLite file.
const HEADER: usize = 100;

/// Looks at the file without SQLite: rights, header, application id, schema version, length.
pub(crate) fn check_header(path: &Path) -> Result<(), Failure> {
    let mut options = OpenOptions::new();
    check(path, options.read(true).write(true))
}

/// The same for a file that is only read.
pub(crate) fn check_backup(path: &Path) -> Result<(), Failure> {
    check(path, OpenOptions::new().read(true))
}

/// Looks at the file that `options` open.
fn check(path: &Path, options: &OpenOptions) -> Result<(), Failure> {
    let mut header = [0; HEADER];
    let mut file = options
        .open(path)
        .map_err(|error| by_system(path, &error))?;
    let length = file
        .metadata()
        .map_err(|error| by_system(path, &error))?
        .len();
    let elsewhere = "give another path with --database";
    if file.read_exact(&mut header).is_err() || !header.starts_with(b"SQLite format 3\0") {
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
    let (application_id, version) = (field(68), field(60));
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
    if version > SCHEMA_VERSION {
        let what = format!(
            "the data file has schema version {version}, newer than this program's \
             {SCHEMA_VERSION} ({})",
            path.display()
        );
        return Err(Failure::runtime(
            what,
            "use the newer version of invited that made it; the file was not touched",
        ));
    }
    let page = u64::from(u16::from_be_bytes([header[16], header[17]]));
    let has_log = fs::metadata(beside(path, "-wal")).is_ok_and(|log| log.len() > 0);
    if !has_log && length < page * u64::from(field(28)) {
        return Err(damaged(path, "it is shorter than its header says"));
    }
    Ok(())
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
