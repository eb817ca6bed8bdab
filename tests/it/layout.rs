//! The rules that the sources keep, so that a reader can rely on them.

use std::path::{Path, PathBuf};

/// The modules of the program from the ground up. A file names only modules that stand before its
/// own.
const ORDER: [&str; 31] = [
    "base",
    "oidc",
    "db",
    "audit",
    "secret",
    "purge",
    "idempotency",
    "outbox",
    "key",
    "session",
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
    "transfer",
    "dev",
    "doctor",
    "backup",
    "upgrade",
    "http",
    "metrics",
    "api",
    "config",
    "server",
    "cli",
];
/// What the toolkit may name: it knows who calls, and no other feature.
const TOOLKIT_MAY: [&str; 5] = ["base", "db", "idempotency", "key", "policy"];

/// Whose file has the SQL of a table.
const OWNERS: [(&str, &str); 17] = [
    ("api_key", "key/store.rs"),
    ("audit", "audit/store.rs"),
    ("code", "invitation/code/store.rs"),
    ("event", "event/store/"),
    ("idempotency", "idempotency/store.rs"),
    ("idempotency_use", "idempotency/store.rs"),
    ("invitation", "invitation/store/"),
    ("login", "session/store.rs"),
    ("mail", "outbox/mail/store/"),
    ("mailbox", "mail/mailbox/store.rs"),
    ("organization", "organization/store.rs"),
    ("purge", "purge/store.rs"),
    ("secret", "secret/store.rs"),
    ("session", "session/store.rs"),
    ("tally", "db/tally.rs"),
    ("webhook", "webhook/store.rs"),
    ("webhook_delivery", "outbox/webhook/store.rs"),
];
/// Which other tables a file may name, and why. Everybody may ask in `purge` whether an
/// organization is being deleted.
const EXCEPTIONS: [(&str, &[&str]); 10] = [
    // The newest id of the file, before the first write.
    ("db/ids.rs", &["event", "audit"]),
    // What links and codes were signed with is in use for as long as one of these is.
    ("secret/store.rs", &["invitation", "webhook"]),
    // Whom a mail goes to, and who is to be told of an event.
    ("outbox/mail/store/mod.rs", &["invitation"]),
    ("outbox/mail/store/waiting.rs", &["invitation"]),
    ("outbox/webhook/store.rs", &["webhook"]),
    // An organization counts the invitations that are pending.
    ("organization/store.rs", &["invitation"]),
    // A dry run copies what it may meet.
    ("invitation/batch/store.rs", &["invitation", "organization"]),
    // The log joins what it shows.
    (
        "webhook/delivery/store.rs",
        &["event", "webhook", "webhook_delivery"],
    ),
    // Whoever waits for mail waits for what is queued, too.
    ("mail/mailbox/store.rs", &["invitation", "mail"]),
    // It walks through the table in an order of its own.
    ("retention/store.rs", &["invitation"]),
];
/// What takes rows of everybody out of the file, or looks at all of it: it may name every table.
const OF_EVERYBODY: [&str; 3] = ["backup/store.rs", "deletion/store.rs", "erasure/store.rs"];

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
                let name = path
                    .strip_prefix(&root)
                    .expect("below the root")
                    .to_string_lossy()
                    .into_owned();
                files.push((name, std::fs::read_to_string(&path).expect("text")));
            }
        }
    }
    assert!(!files.is_empty());
    files
}

/// The modules of the crate that the program's own part of a source file names, comments left out.
fn modules_named(text: &str) -> Vec<String> {
    let production = text
        .split("#[cfg(test)]\nmod tests")
        .next()
        .unwrap_or_default();
    let code = production
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    // An import names one module, so that a reader and this test see each.
    let named = code.flat_map(|line| line.split("crate::").skip(1));
    named
        .map(|rest| rest.chars().take_while(char::is_ascii_lowercase).collect())
        .collect()
}

/// Whether the program's own part of a source file has a statement about `table`.
fn has_sql_of(text: &str, table: &str) -> bool {
    let production = text
        .split("#[cfg(test)]\nmod tests")
        .next()
        .unwrap_or_default();
    let code: Vec<_> = production
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect();
    let code = code.join(" ");
    let words: Vec<_> = code
        .split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
        .filter(|word| !word.is_empty())
        .collect();
    let copied = code.contains(&format!("stage.copy(reader, \"{table}\""));
    copied
        || words
            .windows(2)
            .any(|pair| ["from", "into", "update", "join"].contains(&pair[0]) && pair[1] == table)
}

/// Whether a line of `text` that is no comment names `word`.
fn names(text: &str, word: &str) -> bool {
    text.lines()
        .any(|line| !line.trim_start().starts_with("//") && line.contains(word))
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
fn the_docs_show_the_order_of_modules_and_name_files_that_are_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let docs = std::fs::read_to_string(root.join("docs/architecture.md")).expect("text");
    let picture = docs.split("```").nth(1).unwrap_or_default();
    let mut shown: Vec<_> = picture
        .lines()
        .skip(1)
        .filter_map(|line| line.split(' ').next())
        .collect();
    shown.reverse();
    assert_eq!(shown, ORDER);
    let named = docs
        .split('`')
        .filter(|word| word.contains('/') && word.ends_with(".rs"));
    let mut count = 0;
    for name in named {
        assert!(
            root.join("src").join(name).is_file() || root.join(name).is_file(),
            "{name}"
        );
        count += 1;
    }
    assert!(count > 30, "{count}");
}

#[test]
fn rusqlite_is_named_only_in_db_and_in_stores() {
    for (name, text) in sources("src") {
        let may =
            name.starts_with("db/") || name.ends_with("/store.rs") || name.contains("/store/");
        assert!(may || !names(&text, "rusqlite::"), "{name}");
    }
}

#[test]
fn the_sql_of_a_table_is_in_the_file_of_its_owner() {
    let schema = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("schema.sql"))
        .expect("text");
    let tables = schema
        .lines()
        .filter_map(|line| line.strip_prefix("create table ")?.split(' ').next());
    let mut tables: Vec<_> = tables.collect();
    tables.sort_unstable();
    assert_eq!(
        tables,
        OWNERS.map(|(table, _)| table),
        "each table has an owner"
    );
    let mut used: Vec<(&str, &str)> = Vec::new();
    let mut faults = Vec::new();
    for (name, text) in sources("src") {
        // Elsewhere is no SQL, as the test before this one says.
        if !names(&text, "rusqlite::") || OF_EVERYBODY.contains(&name.as_str()) {
            continue;
        }
        let allowed = EXCEPTIONS.iter().find(|(file, _)| *file == name);
        for (table, owner) in OWNERS
            .iter()
            .filter(|(table, _)| *table != "purge" && has_sql_of(&text, table))
        {
            match allowed.and_then(|(file, tables)| {
                Some((*file, *tables.iter().find(|other| *other == table)?))
            }) {
                _ if name.starts_with(owner) => {}
                Some(exception) => used.push(exception),
                None => faults.push(format!("src/{name} has SQL of {table}")),
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    for (file, tables) in EXCEPTIONS {
        for table in tables {
            assert!(
                used.contains(&(file, table)),
                "{file} needs no exception for {table}"
            );
        }
    }
}

#[test]
fn actix_web_is_named_only_where_http_is() {
    for (name, text) in sources("src") {
        let may = ["http/", "api/", "server/", "cli/listen/"]
            .iter()
            .any(|folder| name.starts_with(folder));
        assert!(may || !names(&text, "actix_web"), "{name}");
    }
}

#[test]
fn the_clock_is_read_in_one_file_only() {
    for (name, text) in sources("src") {
        assert!(
            name == "base/clock.rs" || !names(&text, "SystemTime"),
            "{name}"
        );
    }
}

#[test]
fn write_transactions_begin_immediate_and_connections_are_opened_in_one_place() {
    for (name, text) in sources("src") {
        let production = text.split("#[cfg(test)]").next().unwrap_or_default();
        assert!(
            !names(production, ".transaction()"),
            "{name}: a deferred transaction can fail where it first writes"
        );
        let may = name == "db/connection.rs" || name == "db/file.rs";
        assert!(may || !names(production, "Connection::open"), "{name}");
    }
}

#[test]
fn no_source_file_has_more_than_400_lines_and_the_median_has_at_most_150() {
    for folder in ["src", "tests", "benches"] {
        let mut lengths: Vec<_> = sources(folder)
            .iter()
            .map(|(name, text)| (text.lines().count(), name.clone()))
            .collect();
        lengths.sort();
        let longest = lengths.last().expect("files");
        assert!(
            longest.0 <= 400,
            "{folder}/{} has {} lines",
            longest.1,
            longest.0
        );
        assert!(
            folder != "src" || lengths[lengths.len() / 2].0 <= 150,
            "{lengths:?}"
        );
    }
}

#[test]
fn main_has_fewer_than_40_lines() {
    let main = sources("src")
        .into_iter()
        .find(|(name, _)| name == "main.rs")
        .expect("main.rs");
    assert!(main.1.lines().count() < 40);
}
