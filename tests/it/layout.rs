//! The rules that the sources keep, so that a reader can rely on them.

use std::path::{Path, PathBuf};

/// The modules of the program from the ground up. A file names only modules that stand before its own.
const ORDER: [&str; 24] = [
    "base",
    "oidc",
    "db",
    "secret",
    "purge",
    "idempotency",
    "outbox",
    "key",
    "policy",
    "event",
    "organization",
    "invitation",
    "webhook",
    "mail",
    "redemption",
    "retention",
    "erasure",
    "deletion",
    "dev",
    "http",
    "api",
    "config",
    "server",
    "cli",
];
/// What the toolkit may name: it knows who calls, and no other feature.
const TOOLKIT_MAY: [&str; 5] = ["base", "db", "idempotency", "key", "policy"];

/// Every source file below `folder`, with its path from there.
fn sources(folder: &str) -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut files = Vec::new();
    let mut folders: Vec<PathBuf> = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(&root).expect("below the root").to_string_lossy().into_owned();
                files.push((name, std::fs::read_to_string(&path).expect("text")));
            }
        }
    }
    assert!(!files.is_empty());
    files
}

/// The modules of the crate that the program's own part of a source file names, comments left out.
fn modules_named(text: &str) -> Vec<String> {
    let production = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
    let code = production.lines().filter(|line| !line.trim_start().starts_with("//"));
    // An import names one module, so that a reader and this test see each.
    let named = code.flat_map(|line| line.split("crate::").skip(1));
    named.map(|rest| rest.chars().take_while(char::is_ascii_lowercase).collect()).collect()
}

/// Whether a line of `text` that is no comment names `word`.
fn names(text: &str, word: &str) -> bool {
    text.lines().any(|line| !line.trim_start().starts_with("//") && line.contains(word))
}

#[test]
fn imports_run_one_way() {
    let place = |module: &str| ORDER.iter().position(|known| *known == module);
    let mut faults = Vec::new();
    for (name, text) in sources("src") {
        let own = name.split('/').next().unwrap_or_default();
        if matches!(own, "lib.rs" | "main.rs") {
            continue;
        }
        let own_place = place(own).unwrap_or_else(|| panic!("{own} has no place in ORDER"));
        for named in modules_named(&text) {
            let is_below = named == own || place(&named).is_some_and(|named| named < own_place);
            let is_known = own != "http" || named == own || TOOLKIT_MAY.contains(&named.as_str());
            if !is_below || !is_known {
                faults.push(format!("src/{name} names crate::{named}"));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn rusqlite_is_named_only_in_db_and_in_stores() {
    for (name, text) in sources("src") {
        let may = name.starts_with("db/") || name.ends_with("/store.rs") || name.contains("/store/");
        assert!(may || !names(&text, "rusqlite::"), "{name}");
    }
}

#[test]
fn actix_web_is_named_only_where_http_is() {
    for (name, text) in sources("src") {
        let may = ["http/", "api/", "server/", "cli/listen/"].iter().any(|folder| name.starts_with(folder));
        assert!(may || !names(&text, "actix_web"), "{name}");
    }
}

#[test]
fn the_clock_is_read_in_one_file_only() {
    for (name, text) in sources("src") {
        assert!(name == "base/clock.rs" || !names(&text, "SystemTime"), "{name}");
    }
}

#[test]
fn write_transactions_begin_immediate_and_connections_are_opened_in_one_place() {
    for (name, text) in sources("src") {
        let production = text.split("#[cfg(test)]").next().unwrap_or_default();
        assert!(!names(production, ".transaction()"), "{name}: a deferred transaction can fail where it first writes");
        let may = name == "db/connection.rs" || name == "db/file.rs";
        assert!(may || !names(production, "Connection::open"), "{name}");
    }
}

#[test]
fn no_source_file_has_more_than_400_lines_and_the_median_has_at_most_150() {
    for folder in ["src", "tests", "benches"] {
        let mut lengths: Vec<_> =
            sources(folder).iter().map(|(name, text)| (text.lines().count(), name.clone())).collect();
        lengths.sort();
        let longest = lengths.last().expect("files");
        assert!(longest.0 <= 400, "{folder}/{} has {} lines", longest.1, longest.0);
        assert!(folder != "src" || lengths[lengths.len() / 2].0 <= 150, "{lengths:?}");
    }
}

#[test]
fn main_has_fewer_than_40_lines() {
    let main = sources("src").into_iter().find(|(name, _)| name == "main.rs").expect("main.rs");
    assert!(main.1.lines().count() < 40);
}
