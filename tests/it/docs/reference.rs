//! Lists in pages that have to be those of the program.

use std::collections::BTreeSet;

use super::{read, root, sources};
use crate::support::TestApp;
use crate::support::process::run;

#[test]
fn the_reference_of_commands_is_that_of_the_program() {
    let output = run(&["man", "--markdown"]);
    assert!(output.status.success());
    let made = String::from_utf8(output.stdout).expect("text");
    assert!(
        read("docs/commands.md") == made,
        "run: cargo run -- man --markdown > docs/commands.md"
    );
}

/// What stands between backticks in the first cells of the table behind `heading` of a page.
fn first_cells(page: &str, heading: &str) -> BTreeSet<String> {
    let text = read(page);
    let (_, behind) = text.split_once(heading).expect("the heading");
    let table = behind.lines().skip_while(|line| !line.starts_with('|'));
    let rows = table.take_while(|line| line.starts_with('|')).skip(2);
    let cells = rows.filter_map(|row| row.split('|').nth(1));
    let names = cells.flat_map(|cell| cell.split('`').skip(1).step_by(2));
    names.map(str::to_owned).collect()
}

/// The values that a query of `path` takes, as the refusal of another one lists them.
fn taken(path: &str) -> BTreeSet<String> {
    let refused = TestApp::serve().get(path).json();
    let detail = refused["errors"][0]["detail"].as_str().expect("a list");
    let (_, values) = detail.split_once(": ").expect("values");
    values.split(", ").map(str::to_owned).collect()
}

#[test]
fn the_types_of_events_and_the_actions_of_the_server_are_those_of_the_program() {
    let types = first_cells("docs/api.md", "\n## Events\n");
    assert_eq!(types, taken("/v1/organizations/acme/events?type=none"));
    let actions = first_cells("docs/api.md", "\n## The history of the server\n");
    assert_eq!(actions, taken("/v1/audit?action=none"));
}

#[test]
fn each_finding_has_a_row_and_each_row_is_a_finding() {
    let rows = first_cells("docs/operations.md", "\n## What is wrong\n");
    // They only say how things are.
    let plain = ["version", "sqlite", "schema", "retention"];
    let findings = TestApp::serve().get("/v1/findings").json();
    for finding in findings.as_array().expect("an array") {
        let name = finding["name"].as_str().expect("a name");
        assert!(rows.contains(name) || plain.contains(&name), "{name}");
    }
    let sources = sources(&root().join("src"));
    for name in rows.iter().filter(|name| !name.starts_with("--")) {
        assert!(sources.contains(&format!("\"{name}\"")), "{name}");
    }
    assert!(rows.len() > 15, "{rows:?}");
}
