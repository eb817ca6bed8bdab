//! Commands that run beside the server.

use std::path::Path;
use std::process::{Command, Output};

use crate::Outcome;
use crate::server::BINARY;

/// Makes a key with the default scopes and returns it.
pub fn key_create(database: &Path, name: &str) -> Outcome<String> {
    let output = key(database, &["create", "--name", name])?;
    Ok(output.trim().to_owned())
}

/// The table of keys.
pub fn key_list(database: &Path) -> Outcome<String> {
    key(database, &["list"])
}

/// Revokes a key by its public part.
pub fn key_revoke(database: &Path, key_text: &str) -> Outcome<String> {
    let id = key_text.split('_').nth(1).ok_or("a key without an id")?;
    key(database, &["revoke", id])
}

/// Makes a backup at `file`. Returns what was said when that was refused; nothing when it worked.
pub fn backup(database: &Path, file: &Path, words: &[&str]) -> Outcome<String> {
    let mut command = Command::new(BINARY);
    command.arg("backup").args(words).arg(file);
    let output = command.arg("--database").arg(database).output()?;
    if output.status.success() {
        return Ok(String::new());
    }
    Ok(String::from_utf8(output.stderr)?)
}

/// Runs one `invited key` command and expects it to succeed.
fn key(database: &Path, words: &[&str]) -> Outcome<String> {
    let Output {
        status,
        stdout,
        stderr,
    } = Command::new(BINARY)
        .arg("key")
        .args(words)
        .arg("--database")
        .arg(database)
        .output()?;
    if !status.success() {
        let stderr = String::from_utf8_lossy(&stderr);
        return Err(format!("`invited key {}`: {status}: {stderr}", words.join(" ")).into());
    }
    Ok(String::from_utf8(stdout)?)
}
