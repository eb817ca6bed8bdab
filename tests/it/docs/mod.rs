//! The pages against the program: what they show is what it does today.
//!
//! * [`lines`]: each command line of each page is run, or said where it is run.
//!   [`stage`] is what they are run in, [`shape`] how their output is compared.
//! * [`elsewhere`]: the lines that cannot run there, each with the step or the test that runs it.
//! * [`reference`]: the lists of commands, events, actions and findings are those of the program.
//! * [`json`]: what commands print for programs is what the page says.
//! * [`pages`]: links between pages, files and messages that they name.

mod elsewhere;
mod json;
mod lines;
mod pages;
mod reference;
mod shape;
mod stage;

use std::path::{Path, PathBuf};

/// A page for readers.
struct Page {
    /// Its path in the repository.
    name: String,
    /// What it says.
    text: String,
}

/// The folder of the repository.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A file of the repository.
fn read(name: &str) -> String {
    std::fs::read_to_string(root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// What is in a folder of the repository.
fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    entries
        .map(|entry| entry.expect("an entry").path())
        .collect()
}

/// Every page: the README, how to contribute, `docs/`, and what stands beside clients and examples.
fn pages() -> Vec<Page> {
    let in_root = ["README.md", "CONTRIBUTING.md", "examples/README.md"];
    let folders = ["clients", "examples"].map(|name| entries(&root().join(name)));
    let in_folders = folders.concat().into_iter();
    let in_folders = in_folders.map(|folder| folder.join("README.md"));
    let mut paths: Vec<PathBuf> = entries(&root().join("docs"))
        .into_iter()
        .chain(in_root.map(|name| root().join(name)))
        .chain(in_folders)
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .filter(|path| path.is_file())
        .collect();
    paths.sort();
    let page = |path: &PathBuf| {
        let name = path.strip_prefix(root()).expect("below the root");
        let name = name.to_string_lossy().into_owned();
        Page {
            text: read(&name),
            name,
        }
    };
    paths.iter().map(page).collect()
}

/// The blocks of `page` in a language, without their fences.
fn blocks<'a>(page: &'a Page, language: &str) -> Vec<&'a str> {
    let fence = format!("```{language}\n");
    let after = page.text.split(fence.as_str()).skip(1);
    after
        .map(|rest| rest.split("```").next().unwrap_or_default())
        .collect()
}

/// Every source of the program below `folder`, as its compiler reads long texts.
fn sources(folder: &Path) -> String {
    let mut text = String::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            text += &sources(&path);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let source = std::fs::read_to_string(&path).expect("text");
            let mut pieces = source.split("\\\n");
            text += pieces.next().unwrap_or_default();
            pieces.for_each(|piece| text += piece.trim_start());
        }
    }
    text
}
