//! A stdout that was closed: what is of use only to whoever reads it there is not made.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use super::fresh;
use crate::file::names_in;
use crate::support::process::{Server, after, run};

/// Runs `command` with `words` on the data file `database`, if that is given.
fn on(mut command: Command, words: &[&str], database: Option<&Path>) -> Output {
    command.args(words);
    if let Some(database) = database {
        command.arg("--database").arg(database);
    }
    command.output().expect("it runs")
}

/// What a command said.
fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The keys of a data file.
fn keys(database: &Path) -> Vec<Value> {
    let file = database.to_string_lossy();
    let output = run(&["key", "list", "--output", "json", "--database", &file]);
    serde_json::from_slice(&output.stdout).expect("JSON")
}

#[test]
fn what_nobody_would_see_is_not_made_and_the_command_says_so() {
    let (_folder, database) = fresh();
    let _server = Server::serve(&database);
    let folder = database.parent().expect("a folder");
    let (before, names) = (keys(&database), names_in(folder));
    let file = Some(&*database);
    for (words, what, file) in [
        (&["key", "create", "--name", "app"][..], "the key", file),
        (&["key", "create", "--output", "json"], "the key", file),
        (&["key", "generate"], "the key", None),
        (&["login"], "the link", file),
        (&["export", "-"], "the export", file),
        (&["backup", "-"], "the backup", file),
        (&["verify", "--heads", "-"], "the heads", file),
        (&["mail", "secret"], "the secret", file),
        (&["config", "init"], "the settings", None),
        (&["openapi"], "the document", None),
        (&["man"], "the page", None),
        (&["man", "--markdown"], "the page", None),
        (&["completions", "bash"], "the script", None),
    ] {
        let output = on(after("exec >&-"), words, file);
        let said = said(&output);
        assert_eq!(output.status.code(), Some(1), "{words:?}: {said}");
        let expected = format!(
            "stdout is closed, or leads nowhere, so nobody would get {what}\n  hint: nothing was made"
        );
        assert!(said.contains(&expected), "{words:?}: {said}");
        // Whoever throws it away has said so.
        let output = on(after("exec >/dev/null"), words, file);
        assert!(output.status.success(), "{words:?}");
    }
    // Two keys and that of the login were thrown away, and none was made with a closed stdout.
    assert_eq!(keys(&database).len(), before.len() + 3);
    assert_eq!(names_in(folder), names);
}

#[test]
fn what_is_done_elsewhere_is_done_with_a_closed_stdout_too() {
    let (folder, database) = fresh();
    drop(Server::serve(&database));
    let [copy, text, settings] =
        ["copy.db", "all.jsonl", "invited.toml"].map(|name| folder.path().join(name));
    for (command, place) in [("backup", &copy), ("export", &text)] {
        let words = [command, &place.to_string_lossy()];
        let output = on(after("exec >&-"), &words, Some(&database));
        assert!(output.status.success(), "{}", said(&output));
        assert!(place.is_file());
    }
    let words = ["config", "init", &settings.to_string_lossy()];
    assert!(on(after("exec >&-"), &words, None).status.success());
    assert!(settings.is_file());
    assert!(
        on(after("exec >&-"), &["status"], Some(&database))
            .status
            .success()
    );
}
