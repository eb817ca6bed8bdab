//! The files that others made: what is in the repository, and what is served. That they are those
//! of the packages is checked by `.ci/vendored.py`.

use std::collections::BTreeSet;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::support::TestApp;

/// The folder of the files.
fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/api/vendor")
}

/// Every file that the manifest names, with the hash of its content.
fn listed() -> Vec<(String, String)> {
    let manifest = fs::read(folder().join("vendor.json")).expect("a manifest");
    let manifest: Value = serde_json::from_slice(&manifest).expect("JSON");
    let packages = manifest["packages"].as_array().expect("packages").clone();
    let files = packages
        .iter()
        .flat_map(|package| package["files"].as_array());
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let named = files
        .flatten()
        .map(|file| (text(&file["path"]), text(&file["sha256"])));
    named.collect()
}

/// The content of a file, unpacked where its name says so.
fn content(name: &str) -> Vec<u8> {
    let bytes = fs::read(folder().join(name)).expect("a file");
    if !name.ends_with(".gz") {
        return bytes;
    }
    let mut text = Vec::new();
    GzDecoder::new(&bytes[..])
        .read_to_end(&mut text)
        .expect("gzip");
    text
}

/// The hash of `content`, as the manifest writes it.
fn hash_of(content: &[u8]) -> String {
    let hash = Sha256::digest(content);
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn every_file_is_in_the_manifest_with_the_hash_of_its_content() {
    let listed = listed();
    for (name, hash) in &listed {
        assert_eq!(&hash_of(&content(name)), hash, "{name}");
    }
    let files = fs::read_dir(folder()).expect("the folder");
    let names = files.map(|file| file.expect("a file").file_name().into_string());
    let mut names: BTreeSet<_> = names.map(|name| name.expect("a name")).collect();
    assert!(names.remove("mod.rs") && names.remove("vendor.json"));
    let listed: BTreeSet<_> = listed.into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, listed);
}

#[test]
fn what_is_served_is_the_published_content_with_gzip_and_without() {
    let app = TestApp::serve();
    for (path, file) in [
        ("/docs/swagger-ui.js", "swagger-ui-bundle.js.gz"),
        ("/docs/swagger-ui.css", "swagger-ui.css.gz"),
    ] {
        let plain = app.anonymous("GET", path).send();
        assert_eq!(plain.header("content-encoding"), None, "{path}");
        assert!(plain.body == content(file), "{path}");
        let get = app.anonymous("GET", path).header("Accept-Encoding", "gzip");
        let packed = get.send();
        assert_eq!(packed.header("content-encoding"), Some("gzip"), "{path}");
        assert!(
            packed.body == fs::read(folder().join(file)).expect("a file"),
            "{path}"
        );
    }
}
