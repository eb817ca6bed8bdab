//! The operator's folder of templates and words.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::{HINT, TEMPLATES};
use crate::base::failure::Failure;
use crate::base::json;
use crate::base::locale::normal_locale;

/// The most bytes of a file.
const MAX_BYTES: u64 = 1024 * 1024;

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
    let text = || read_text(path).map_err(|why| failed(path, &why));
    if let Some(language) = language(&name) {
        check_language(language).map_err(|why| failed(path, &why))?;
        files.catalogues.push((language.to_owned(), text()?));
    } else if TEMPLATES.iter().any(|(known, _)| *known == name) {
        files.templates.push((name, text()?));
    } else {
        return Err(failed(path, "there is no template of this name"));
    }
    Ok(())
}

/// Reads a file. Only regular ones: others may never end, or never begin.
fn read_text(path: &Path) -> Result<String, String> {
    let unreadable = |error: std::io::Error| error.to_string();
    if !path.metadata().map_err(unreadable)?.is_file() {
        return Err("it is no regular file".to_owned());
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(unreadable)?;
    file.take(MAX_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err("it is larger than 1 MiB".to_owned());
    }
    let text = json::without_mark(&bytes).to_vec();
    String::from_utf8(text).map_err(|_| "it is not UTF-8".to_owned())
}

/// Checks the language of a catalogue. Only its normal case will do, so that no two files are for
/// one language.
fn check_language(language: &str) -> Result<(), String> {
    match normal_locale(language) {
        Some(normal) if normal == language => Ok(()),
        Some(normal) => Err(format!("its name must be words.{normal}.json")),
        None => Err(format!("`{language}` is no language tag, as de or pt-BR")),
    }
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
