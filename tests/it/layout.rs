//! The rules that the sources keep, so that a reader can rely on them.

use std::path::{Path, PathBuf};

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

/// Whether a line of `text` that is no comment names `word`.
fn names(text: &str, word: &str) -> bool {
    text.lines().any(|line| !line.trim_start().starts_with("//") && line.contains(word))
}

#[test]
fn rusqlite_is_named_only_in_db_and_in_stores() {
    for (name, text) in sources("src") {
        let may = name.starts_with("db/") || name.ends_with("/store.rs");
        assert!(may || !names(&text, "rusqlite::"), "{name}");
    }
}

#[test]
fn actix_web_is_named_only_in_http_files() {
    for (name, text) in sources("src") {
        let may = name.starts_with("http/") || name.ends_with("/routes.rs") || name.starts_with("app/");
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
