//! The configuration file: TOML, with the names of the flags as keys.

use std::fs;
use std::ops::Range;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::base::alike::alike;
use crate::base::failure::Failure;

/// What a key may hold.
const VALUES: &str = "a text, a whole number, true, false, or a list of texts";

/// A configuration file.
#[derive(Clone, Debug, Default)]
pub(crate) struct ConfigFile {
    /// Where the file is; none: none is named.
    path: Option<PathBuf>,
    /// What the file holds, in its order.
    entries: Vec<Entry>,
    /// Whether others than the owner may read the file.
    is_readable: bool,
}

/// A key of the file.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// The name of the flag.
    pub key: String,
    /// The values as the command line would have them; none: the key sets nothing.
    pub texts: Vec<String>,
    /// The line of the key, from 1.
    pub line: usize,
}

impl ConfigFile {
    /// Reads the file at `path`, whose keys are among `known`. What is wrong goes to `failures`,
    /// all of it; the rest of the file counts nonetheless.
    pub(crate) fn read(path: &Path, known: &[String], failures: &mut Vec<Failure>) -> Self {
        let mut file = Self {
            path: Some(path.to_owned()),
            ..Self::default()
        };
        let text = match read_text(path) {
            Ok((text, is_readable)) => {
                file.is_readable = is_readable;
                text
            }
            Err(failure) => {
                failures.push(failure);
                return file;
            }
        };
        match DeTable::parse(&text) {
            Ok(table) => {
                let place = Place { path, text: &text };
                file.take(table.get_ref(), &place, known, failures);
            }
            Err(error) => {
                let place = Place { path, text: &text };
                failures.push(place.refused(error.span(), error.message().trim(), "correct it"));
            }
        }
        file
    }

    /// Where the file is; none: none is named.
    pub(crate) fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Whether others than the owner may read the file.
    pub(crate) fn is_readable(&self) -> bool {
        self.is_readable
    }

    /// The entry for the flag `key`, unless that is empty.
    pub(crate) fn find(&self, key: &str) -> Option<&Entry> {
        self.entries
            .iter()
            .find(|entry| entry.key == key && !entry.texts.is_empty())
    }

    /// Takes the keys of `table`.
    fn take(
        &mut self,
        table: &DeTable<'_>,
        place: &Place<'_>,
        known: &[String],
        failures: &mut Vec<Failure>,
    ) {
        let mut keys: Vec<_> = table.iter().collect();
        keys.sort_by_key(|(key, _)| key.span().start);
        for (key, value) in keys {
            match self.entry(key, value, place, known) {
                Ok(entry) => self.entries.push(entry),
                Err(failure) => failures.push(failure),
            }
        }
    }

    /// Checks a key and its value.
    fn entry(
        &self,
        key: &Spanned<std::borrow::Cow<'_, str>>,
        value: &Spanned<DeValue<'_>>,
        place: &Place<'_>,
        known: &[String],
    ) -> Result<Entry, Failure> {
        let (written, span) = (key.get_ref().as_ref(), key.span());
        // Both spellings are taken.
        let name = written.replace('_', "-");
        if matches!(value.get_ref(), DeValue::Table(_)) {
            let what = format!("`{}` is a table", written.escape_debug());
            let hint = "the file has none: each setting stands at the top, also those of `dev`";
            return Err(place.refused(Some(span), &what, hint));
        }
        if !known.contains(&name) {
            let what = format!("unknown key `{}`", written.escape_debug());
            return Err(place.refused(Some(span), &what, &hint_for(&name, known)));
        }
        if self.entries.iter().any(|entry| entry.key == name) {
            let what = format!("`{name}` is given twice");
            return Err(place.refused(Some(span), &what, "keep one of them"));
        }
        let line = place.line(span.start);
        let Some(mut texts) = texts_of(value.get_ref()) else {
            let what = format!("`{name}` cannot be {}", kind(value.get_ref()));
            return Err(place.refused(Some(span), &what, &format!("give {VALUES}")));
        };
        // As an empty variable.
        texts.retain(|text| !text.is_empty());
        Ok(Entry {
            key: name,
            texts,
            line,
        })
    }
}

/// The text of a file, for messages that name places in it.
struct Place<'a> {
    /// Where the file is.
    path: &'a Path,
    /// What the file holds.
    text: &'a str,
}

impl Place<'_> {
    /// The line of a byte, from 1.
    fn line(&self, byte: usize) -> usize {
        let before = self.text.as_bytes().iter().take(byte);
        before.filter(|&&byte| byte == b'\n').count() + 1
    }

    /// What is wrong at `span`.
    fn refused(&self, span: Option<Range<usize>>, what: &str, hint: &str) -> Failure {
        let line = span.map_or(1, |span| self.line(span.start));
        Failure::usage(
            format!("{}, line {line}: {what}", self.path.display()),
            hint,
        )
    }
}

/// The text of the file at `path`, and whether others may read the file.
fn read_text(path: &Path) -> Result<(String, bool), Failure> {
    let read = fs::read(path).and_then(|bytes| Ok((bytes, fs::metadata(path)?)));
    let (bytes, metadata) = read.map_err(|error| {
        Failure::usage(
            format!(
                "cannot read the configuration file {} ({error})",
                path.display()
            ),
            "name another with --config or INVITED_CONFIG; `invited config init` makes one",
        )
    })?;
    let text = String::from_utf8(bytes).map_err(|_| {
        Failure::usage(
            format!("the configuration file {} is not text", path.display()),
            "save the file as plain UTF-8",
        )
    })?;
    let text = text
        .strip_prefix('\u{feff}')
        .map(str::to_owned)
        .unwrap_or(text);
    Ok((text, metadata.permissions().mode() & 0o004 != 0))
}

/// What the command line would have; none: nothing would.
fn texts_of(value: &DeValue<'_>) -> Option<Vec<String>> {
    match value {
        DeValue::Array(list) => list.iter().map(|one| text_of(one.get_ref())).collect(),
        value => text_of(value).map(|text| vec![text]),
    }
}

/// A single value as the command line would have it.
fn text_of(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.clone().into_owned()),
        DeValue::Boolean(is_set) => Some(if *is_set { "on" } else { "off" }.to_owned()),
        DeValue::Integer(number) if number.radix() == 10 => Some(number.as_str().to_owned()),
        _ => None,
    }
}

/// What a value is, in words.
fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::Array(_) => "this list",
        DeValue::Datetime(_) => "a date",
        DeValue::Float(_) => "a number with a fraction",
        _ => "this",
    }
}

/// What to do about a key that is none.
fn hint_for(name: &str, known: &[String]) -> String {
    if name == "new-secret" {
        return "give --new-secret on the command line: it holds for one start".to_owned();
    }
    // The name of a variable may have been taken over, whose underscores are dashes by now.
    let bare = name.strip_prefix("INVITED-").unwrap_or(name);
    match alike(bare, known.iter().map(String::as_str)) {
        Some(alike) => format!("did you mean `{alike}`?"),
        None => "the keys are the names of the flags: see `invited config init`".to_owned(),
    }
}
