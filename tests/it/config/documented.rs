//! The table of settings in the documentation is that of the program.

use std::path::Path;

use serde_json::Value;

use crate::support::process::run;

/// The names in a cell of the table, between backticks.
fn names(cell: &str) -> Vec<String> {
    cell.split('`')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect()
}

#[test]
fn each_setting_has_one_row_with_its_flag_its_variable_and_its_default() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/operations.md");
    let text = std::fs::read_to_string(path).expect("text");
    let table = text
        .lines()
        .skip_while(|line| !line.starts_with("| flag |"))
        .skip(2);
    let table = table.take_while(|line| line.starts_with('|'));
    let rows: Vec<Vec<&str>> = table
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
        .collect();
    let output = run(&["config", "show", "--output", "json"]);
    let shown: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let shown = shown.as_array().expect("an array");
    for setting in shown {
        let flag = format!("--{}", setting["key"].as_str().expect("a key"));
        let variable = setting["variable"].as_str().expect("a variable").to_owned();
        let of_it: Vec<_> = rows
            .iter()
            .filter(|row| names(row[0]).contains(&flag))
            .collect();
        assert_eq!(of_it.len(), 1, "{flag} {of_it:?}");
        assert!(names(of_it[0][1]).contains(&variable), "{of_it:?}");
        if let Some(default) = setting["value"].as_str().filter(|&value| value != "off") {
            let is_named = of_it[0][2].contains(default) || default.starts_with("https://");
            assert!(is_named, "{default}: {of_it:?}");
        }
    }
    let known = |flag: &String| {
        let of_one_command = [
            "--seed",
            "--new-secret",
            "--allow-host",
            "--clock",
            "--seed-ids",
            "--port-file",
        ];
        let dev = of_one_command.contains(&flag.as_str());
        dev || shown
            .iter()
            .any(|one| format!("--{}", one["key"].as_str().unwrap_or("")) == *flag)
    };
    for row in &rows {
        assert!(row.len() == 4 && !row[3].is_empty(), "{row:?}");
        assert!(names(row[0]).iter().all(known), "{row:?}");
    }
}
