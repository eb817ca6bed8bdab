//! Settings: flags, variables, the configuration file, and files that hold secrets.
//!
//! [`layers`]: which of them holds. [`refused`]: what is said of values that are none.
//! [`secrets`]: files for secrets. [`commands`]: `invited config`.
//! [`places`]: where a server listens, taken together.
//! [`documented`]: the table of settings in the documentation.

mod commands;
mod documented;
mod layers;
mod places;
mod refused;
mod secrets;

use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::{Output, Stdio};

use serde_json::Value;

use crate::support::process::invited;

/// A folder with a configuration file.
struct Place {
    /// The file.
    file: PathBuf,
    /// The folder; it goes with the test.
    folder: tempfile::TempDir,
}

impl Place {
    /// A configuration file that holds `text`.
    fn new(text: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("invited.toml");
        std::fs::write(&file, text).expect("it is written");
        Self { file, folder }
    }

    /// A file beside it that holds `bytes`.
    fn beside(&self, name: &str, bytes: &[u8]) -> String {
        let path = self.folder.path().join(name);
        std::fs::write(&path, bytes).expect("it is written");
        path.to_string_lossy().into_owned()
    }

    /// The words that name the file.
    fn words(&self) -> [String; 2] {
        [
            "--config".to_owned(),
            self.file.to_string_lossy().into_owned(),
        ]
    }

    /// The line that a message names it by.
    fn line(&self, line: usize) -> String {
        format!("{}, line {line}", self.file.display())
    }
}

/// Runs the binary with `words` and the variables `environment`.
fn run_with(words: &[&str], environment: &[(&str, &OsStr)]) -> Output {
    invited()
        .args(words)
        .envs(environment.iter().copied())
        .stdin(Stdio::null())
        .output()
        .expect("the binary runs")
}

/// What the binary refuses with exit code 2.
fn refusal(words: &[&str], environment: &[(&str, &OsStr)]) -> String {
    let output = run_with(words, environment);
    let printed = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{words:?}: {printed}");
    printed
}

/// What `invited config show` shows of `key`.
fn shown(key: &str, words: &[&str], environment: &[(&str, &OsStr)]) -> Value {
    let show = ["config", "show", "--output", "json"];
    let output = run_with(&[&show[..], words].concat(), environment);
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{words:?}: {error}");
    let all: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let mut all = all.as_array().expect("an array").iter();
    let found = all.find(|one| one["key"] == key);
    found.unwrap_or_else(|| panic!("no {key}")).clone()
}
