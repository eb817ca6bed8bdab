//! What the binary says of itself: its version, its manual pages, what shells complete.

use std::io::Write;
use std::process::{Command, Stdio};

use super::refused;
use crate::support::process::{run, skipped};

/// What a command prints that must not fail.
fn printed(words: &[&str]) -> String {
    let output = run(words);
    assert!(output.status.success(), "{words:?}: {output:?}");
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn the_version_is_told_to_people_and_to_programs() {
    let version: serde_json::Value =
        serde_json::from_str(&printed(&["version", "--json"])).expect("JSON");
    assert_eq!(version["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(version["schema"], 1);
    let told = printed(&["version"]);
    for part in [
        format!("invited {}\n", env!("CARGO_PKG_VERSION")),
        "schema 1\n".to_owned(),
        format!(
            "SQLite {}\n",
            version["sqlite"].as_str().expect("a version")
        ),
        format!("{}\n", version["target"].as_str().expect("a target")),
    ] {
        assert!(told.contains(&part), "{part:?} in {told}");
    }
    assert_eq!(
        printed(&["--version"]),
        format!("invited {}\n", env!("CARGO_PKG_VERSION"))
    );
}

#[test]
fn every_command_has_a_manual_page() {
    let folder = tempfile::tempdir().expect("a folder");
    printed(&["man", folder.path().to_str().expect("text")]);
    let page = |name: &str| std::fs::read_to_string(folder.path().join(name)).expect("a page");
    let help = printed(&["--help"]);
    let commands = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let commands: Vec<_> = commands
        .take_while(|line| line.starts_with("  "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|command| *command != "help")
        .collect();
    assert!(commands.len() > 10, "{commands:?}");
    for command in commands {
        assert!(
            page(&format!("invited-{command}.1")).starts_with(".ie"),
            "{command}"
        );
    }
    assert!(page("invited-key-create.1").contains("expires"));
    assert!(
        printed(&["man"]) == page("invited.1"),
        "one page of the program"
    );
}

#[test]
fn manual_pages_are_written_into_a_folder_that_is_there_only() {
    let (code, told) = refused(&["man", "/nonexistent/folder"]);
    assert_eq!(code, Some(1));
    assert!(told.contains("/nonexistent/folder"), "{told}");
    assert!(told.contains("name a folder that is there"), "{told}");
}

#[test]
fn shells_complete_commands_and_flags() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = printed(&["completions", shell]);
        for word in ["backup", "expires-in", "database"] {
            assert!(script.contains(word), "{word} in {shell}'s");
        }
    }
    assert_eq!(refused(&["completions", "cmd"]).0, Some(2));
}

#[test]
fn bash_completes_what_begins_like_a_command() {
    let script = printed(&["completions", "bash"])
        + "\nCOMP_WORDS=(invited bac); COMP_CWORD=1; _invited invited bac invited; echo ${COMPREPLY[@]}\n";
    let started = Command::new("bash")
        .args(["--norc", "-s"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut bash) = started else {
        return skipped("completions in bash: it is not installed");
    };
    let written = bash
        .stdin
        .take()
        .expect("stdin")
        .write_all(script.as_bytes());
    written.expect("bash reads");
    let output = bash.wait_with_output().expect("bash ends");
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "backup\n",
        "{output:?}"
    );
}
