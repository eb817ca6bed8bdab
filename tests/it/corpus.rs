//! What fuzzing starts from, and what it has found: every input of the corpus keeps its properties.

use std::path::Path;

#[path = "../../fuzz/src/lib.rs"]
mod properties;

/// Hands each input of a folder of the corpus to `check`, which panics where a property does not
/// hold.
fn replay(folder: &str, check: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz/corpus")
        .join(folder);
    let mut inputs = 0;
    for entry in std::fs::read_dir(&folder).expect("a folder of the corpus") {
        check(&std::fs::read(entry.expect("an entry").path()).expect("an input"));
        inputs += 1;
    }
    assert!(inputs > 10, "{} has {inputs} inputs", folder.display());
}

#[test]
fn addresses_keep_their_properties() {
    replay("addresses", properties::addresses::check);
}

#[test]
fn bodies_keep_their_properties() {
    replay("bodies", properties::bodies::check);
}

#[test]
fn cursors_keep_their_properties() {
    replay("cursors", properties::cursors::check);
}

#[test]
fn idempotency_keys_keep_their_properties() {
    replay("idempotency_keys", properties::idempotency_keys::check);
}

#[test]
fn imports_keep_their_properties() {
    replay("imports", properties::imports::check);
}

#[test]
fn queries_keep_their_properties() {
    replay("queries", properties::queries::check);
}

#[test]
fn settings_keep_their_properties() {
    replay("settings", properties::settings::check);
}

#[test]
fn tokens_keep_their_properties() {
    replay("tokens", properties::tokens::check);
}
