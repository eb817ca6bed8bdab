//! The operator's folder of templates and words.

use std::path::Path;

use super::{HINT, TEMPLATES};
use crate::base::failure::Failure;
use crate::base::locale::is_locale;

/// The files of a folder: name or language, and text.
#[derive(Default)]
pub(super) struct Files {
    /// Templates, by name.
    pub templates: Vec<(String, String)>,
    /// Words, by language tag.
    pub catalogues: Vec<(String, String)>,
}

/// Reads the files in `folder`, whose names begin with no dot.
pub(super) fn read(folder: &Path) -> Result<Files, Failure> {
    let unreadable = |error: std::io::Error| failed(folder, &error.to_string());
    let mut files = Files::default();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let name = path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default();
        if !name.starts_with('.') {
            sort(&path, name, &mut files)?;
        }
    }
    Ok(files)
}

/// Reads a file and puts it where its name says.
fn sort(path: &Path, name: String, files: &mut Files) -> Result<(), Failure> {
    let text = || std::fs::read_to_string(path).map_err(|error| failed(path, &error.to_string()));
    if let Some(language) = language(&name) {
        if !is_locale(language) {
            let why = format!("`{language}` is no language tag, as de or pt-BR");
            return Err(failed(path, &why));
        }
        files.catalogues.push((language.to_owned(), text()?));
    } else if TEMPLATES.iter().any(|(known, _)| *known == name) {
        files.templates.push((name, text()?));
    } else {
        return Err(failed(path, "there is no template of this name"));
    }
    Ok(())
}

/// The language of a catalogue of this name.
fn language(name: &str) -> Option<&str> {
    name.strip_prefix("words.")?.strip_suffix(".json")
}

/// Where the template or the catalogue `name` lies: in `folder`, unless it is one of ours that does
/// not fit one of theirs.
pub(super) fn place(folder: Option<&Path>, name: &str) -> String {
    folder
        .map(|folder| folder.join(name))
        .filter(|file| file.exists())
        .map_or_else(|| name.to_owned(), |file| file.display().to_string())
}

/// The error of a file that cannot be used.
fn failed(path: &Path, why: &str) -> Failure {
    Failure::usage(format!("cannot use {}: {why}", path.display()), HINT)
}
