//! The table of what commands print with `--output json`, against the commands.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;

use super::read;
use crate::support::client::Request;
use crate::support::process::{Server, invited};
use crate::support::smtp::Smtp;

/// The members that a row names, each with those of its own that it names.
type Members = Vec<(String, BTreeSet<String>)>;

/// The rows of the table: the command, and what it prints.
fn rows() -> BTreeMap<String, String> {
    let page = read("docs/operations.md");
    let (_, behind) = page
        .split_once("\n### Output for programs\n")
        .expect("the heading");
    let table = behind.lines().skip_while(|line| !line.starts_with('|'));
    let rows = table.take_while(|line| line.starts_with('|')).skip(2);
    rows.map(|row| {
        let cells: Vec<_> = row.trim_matches('|').splitn(2, '|').collect();
        let command = cells[0].trim().trim_matches('`');
        let words = command.split(' ').filter(|word| *word != "FILE");
        let command: Vec<_> = words.skip(1).collect();
        (command.join(" "), cells[1].trim().to_owned())
    })
    .collect()
}

/// The members that a cell names between backticks; those in brackets belong to the one before.
fn members(cell: &str) -> Members {
    let (mut members, mut depth) = (Members::new(), 0_u32);
    for (place, part) in cell.split('`').enumerate() {
        if place % 2 == 0 {
            for letter in part.chars() {
                match letter {
                    '(' => depth += 1,
                    ')' => depth -= 1,
                    _ => {}
                }
            }
        } else if depth == 0 {
            members.push((part.to_owned(), BTreeSet::new()));
        } else if let Some((_, own)) = members.last_mut() {
            own.insert(part.to_owned());
        }
    }
    members
}

/// The names of the members of an object.
fn names(value: &Value) -> BTreeSet<String> {
    let object = value.as_object().unwrap_or_else(|| panic!("{value}"));
    object.keys().cloned().collect()
}

/// Checks what a command printed against what its row names.
fn compare(command: &str, value: &Value, documented: &Members, known: &mut Vec<Members>) {
    let elements = value.as_array().cloned();
    let elements = elements.unwrap_or_else(|| vec![value.clone()]);
    assert!(!elements.is_empty(), "{command}: nothing to compare");
    let expected: BTreeSet<_> = documented.iter().map(|(name, _)| name.clone()).collect();
    for element in &elements {
        assert_eq!(names(element), expected, "{command}");
        for (name, own) in documented {
            let inner = match &element[name] {
                Value::Array(several) if several.first().is_some_and(Value::is_object) => {
                    &several[0]
                }
                inner => inner,
            };
            if !inner.is_object() {
                continue;
            }
            let found = names(inner);
            let is_known = known
                .iter()
                .flatten()
                .any(|(other, members)| other == name && *members == found);
            assert!(*own == found || is_known, "{command}: {name} has {found:?}");
        }
    }
    known.push(documented.clone());
}

/// A server with an invitation, whose file commands look at.
struct Place {
    /// The folder of its files.
    folder: tempfile::TempDir,
    /// The server; none: it was stopped.
    server: Option<Server>,
    /// Its first key.
    key: String,
    /// A mail server.
    smtp: Smtp,
}

impl Place {
    /// A server with an invitation.
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let server = Server::serve(&folder.path().join("invited.db"));
        let key = server.admin_key().expect("a key");
        let body = r#"{"email":"a@b.co","role":"developer"}"#;
        let path = "/v1/organizations/acme/invitations";
        let made = server.request("POST", path).bearer(&key).json(body).send();
        assert_eq!(made.status, 201, "{}", made.text());
        Self {
            folder,
            server: Some(server),
            key,
            smtp: Smtp::start(),
        }
    }

    /// A path in the folder.
    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_string_lossy().into_owned()
    }

    /// What a request is answered.
    fn get(&self, path: &str) -> Value {
        let server = self.server.as_ref().expect("a server");
        let request: Request = server.request("GET", path);
        request.bearer(&self.key).send().json()
    }

    /// Stops the server.
    fn stop(&mut self) {
        if let Some(server) = self.server.take() {
            server.signal("TERM");
            server.wait();
        }
    }

    /// What a command prints on the data file `database`.
    fn json(&self, command: &str, words: &[&str], database: &str) -> Value {
        let mut run = invited();
        run.args(command.split(' '))
            .args(words)
            .args(["--output", "json"]);
        run.env("INVITED_DATABASE", Path::new(database));
        let smtp = format!("smtp://{}?tls=none", self.smtp.address);
        run.env("INVITED_SMTP_URL", smtp);
        run.env("INVITED_MAIL_FROM", "a@acme.test");
        run.env("INVITED_PUBLIC_URL", "https://invites.example.com");
        let output = run.output().expect("it runs");
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
            panic!(
                "{command}: {error}: {}",
                String::from_utf8_lossy(&output.stderr)
            )
        })
    }
}

#[test]
fn every_command_that_prints_json_has_its_row_and_prints_what_that_says() {
    let (rows, mut place) = (rows(), Place::new());
    let [database, copy, text, other] =
        ["invited.db", "copy.db", "all.jsonl", "other.db"].map(|name| place.path(name));
    let wrong = place.path("wrong.toml");
    std::fs::write(&wrong, "nonsense = 1\n").expect("it is written");
    let mut known = Vec::new();
    let mut compared = BTreeSet::new();
    // In an order in which each finds what the one before made. Two need a file without a server.
    for (command, words, database) in [
        ("key generate", &[][..], &database),
        ("backup", &[&*copy, "--with-secret"], &database),
        ("verify", &[], &database),
        ("export", &[&*text], &database),
        ("import", &[&*text], &other),
        ("migrate", &[], &other),
        ("secret rotate", &[], &database),
        ("mail test", &["ada@example.com"], &database),
        ("config show", &[], &database),
        ("config check", &[], &database),
        ("config check", &["--config", &wrong], &database),
        ("status", &[], &database),
    ] {
        let value = place.json(command, words, database);
        let row = rows.get(command).unwrap_or_else(|| panic!("{command}"));
        compare(command, &value, &members(row), &mut known);
        compared.insert(command);
    }
    // Keys and findings are what the API shows.
    let shown = names(&place.get("/v1/keys")[0]);
    let made = names(&place.json("key create", &[], &database));
    let difference: Vec<_> = made.difference(&shown).cloned().collect();
    let documented = members(&rows["key create"]);
    assert_eq!(difference, [documented[0].0.clone()]);
    assert_eq!(names(&place.json("key list", &[], &database)[0]), shown);
    let of_any = |elements: &Value| -> BTreeSet<String> {
        let elements = elements.as_array().expect("an array");
        elements.iter().flat_map(names).collect()
    };
    let history = place.json("audit", &[], &database);
    assert_eq!(of_any(&history), of_any(&place.get("/v1/audit")));
    let shown = place.get("/v1/findings");
    let found = place.json("doctor", &["--offline"], &database);
    assert_eq!(of_any(&found), of_any(&shown));
    place.stop();
    let words = [&*copy, "--new-secret"];
    let restored = place.json("restore", &words, &database);
    compare("restore", &restored, &members(&rows["restore"]), &mut known);
    compared.extend(["key create", "key list", "audit", "doctor", "restore"]);
    let table: BTreeSet<_> = rows.keys().map(String::as_str).collect();
    assert_eq!(compared, table);
    // The reference of commands is made from the command line itself.
    let reference = read("docs/commands.md");
    let sections = reference.split("\n## invited ").skip(1);
    let with_output = sections.filter(|section| section.contains("| `--output <OUTPUT>` |"));
    let with_output: BTreeSet<_> = with_output.filter_map(|one| one.lines().next()).collect();
    assert_eq!(table, with_output);
}
