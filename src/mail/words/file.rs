//! A catalogue as a file: JSON.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, Visitor};

use super::Words;
use super::fill::{has_stray_brace, parts};
use crate::base::json;

/// The parts of a time.
const OF_A_TIME: [&str; 4] = ["day", "month", "time", "year"];

/// A catalogue as it is written. What is absent stays as it is in ours of that language.
#[derive(Deserialize)]
struct File {
    /// Which way the language is written.
    direction: Option<Direction>,
    /// What stands between two sentences; absent: a space.
    space: Option<String>,
    /// How a time is written.
    date: Option<String>,
    /// The names of the months.
    months: Option<[String; 12]>,
    /// How the first day of a month is written; absent: as the others.
    first_day: Option<String>,
    /// The sentences.
    #[serde(default, deserialize_with = "each_once")]
    words: BTreeMap<String, String>,
}

/// Reads the sentences. None of them may be there twice: one of the two would be lost in silence.
fn each_once<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<String, String>, D::Error> {
    deserializer.deserialize_map(EachOnce)
}

/// Takes the sentences.
struct EachOnce;

impl<'de> Visitor<'de> for EachOnce {
    type Value = BTreeMap<String, String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("sentences by name")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut sentences = BTreeMap::new();
        while let Some((name, sentence)) = map.next_entry::<String, String>()? {
            if sentences.contains_key(&name) {
                return Err(A::Error::custom(format!(
                    "sentences with names of their own: `{name}` is there twice"
                )));
            }
            sentences.insert(name, sentence);
        }
        Ok(sentences)
    }
}

/// Which way a language is written.
#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Direction {
    /// From left to right.
    Ltr,
    /// From right to left.
    Rtl,
}

impl Direction {
    /// As HTML writes it.
    fn name(&self) -> &'static str {
        match self {
            Self::Ltr => "ltr",
            Self::Rtl => "rtl",
        }
    }
}

/// Reads the catalogue of the language `tag`. What it lacks is that of `present`; every sentence is
/// checked against the one in `english`.
///
/// # Errors
/// What is wrong with it.
pub(super) fn parse(
    tag: &str,
    text: &str,
    present: Option<&Words>,
    english: Option<&Words>,
) -> Result<Words, String> {
    let file: File = json::parse_file(text.as_bytes())?;
    if let Some(english) = english {
        check_sentences(&file.words, english)?;
    }
    check_texts(&file)?;
    let mut words = match present {
        Some(present) => present.clone(),
        None => begin(tag, &file)?,
    };
    file.date.iter().try_for_each(|date| check_date(date))?;
    words.direction = file
        .direction
        .map_or(words.direction, |direction| direction.name());
    words.space = file.space.unwrap_or(words.space);
    words.date = file.date.unwrap_or(words.date);
    words.months = file.months.unwrap_or(words.months);
    words.first_day = file.first_day.unwrap_or(words.first_day);
    words.sentences.extend(file.words);
    check_whole(&words, english)?;
    Ok(words)
}

/// The words of a language that there is nothing of, but for what every file may leave out.
fn begin(tag: &str, file: &File) -> Result<Words, String> {
    for (name, is_there) in [
        ("direction", file.direction.is_some()),
        ("date", file.date.is_some()),
        ("months", file.months.is_some()),
    ] {
        if !is_there {
            return Err(format!("`{name}` is missing"));
        }
    }
    Ok(Words {
        language: tag.to_owned(),
        direction: "ltr",
        space: " ".to_owned(),
        date: String::new(),
        months: <[String; 12]>::default(),
        first_day: "1".to_owned(),
        sentences: BTreeMap::new(),
    })
}

/// Checks what is no sentence: months and first day are there, and nothing breaks a line.
fn check_texts(file: &File) -> Result<(), String> {
    let months = file.months.iter().flatten().map(|text| ("months", text));
    let first_day = file.first_day.iter().map(|text| ("first_day", text));
    for (name, text) in months.chain(first_day) {
        if text.trim().is_empty() {
            return Err(format!("`{name}` has an empty text"));
        }
        check_characters(name, text)?;
    }
    file.space
        .iter()
        .try_for_each(|space| check_characters("space", space))
}

/// Checks that nothing in a text of this name breaks a line or steers a terminal.
fn check_characters(name: &str, text: &str) -> Result<(), String> {
    let is_control = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    if text.contains(is_control) {
        return Err(format!("`{name}` has a control character"));
    }
    Ok(())
}

/// Checks that every sentence is one of ours, and names no other parts.
fn check_sentences(sentences: &BTreeMap<String, String>, english: &Words) -> Result<(), String> {
    for (name, sentence) in sentences {
        let Some(ours) = english.sentences.get(name) else {
            return Err(format!("`words` has no `{name}`"));
        };
        if sentence.trim().is_empty() {
            return Err(format!("`{name}` is empty"));
        }
        check_parts(name, sentence, &parts(ours))?;
    }
    Ok(())
}

/// Checks how a time is written.
fn check_date(date: &str) -> Result<(), String> {
    check_parts("date", date, &OF_A_TIME)?;
    let missing = OF_A_TIME
        .into_iter()
        .find(|part| !parts(date).contains(part));
    missing.map_or(Ok(()), |part| Err(format!("`date` lacks {{{part}}}")))
}

/// Checks that a sentence names only these parts, and has no other brace and no control character.
fn check_parts(name: &str, sentence: &str, may: &[&str]) -> Result<(), String> {
    check_characters(name, sentence)?;
    if has_stray_brace(sentence) {
        return Err(format!("`{name}` has a brace without the other one"));
    }
    let Some(other) = parts(sentence).into_iter().find(|part| !may.contains(part)) else {
        return Ok(());
    };
    let may = may
        .iter()
        .map(|part| format!("{{{part}}}"))
        .collect::<Vec<_>>();
    let may = if may.is_empty() {
        "nothing".to_owned()
    } else {
        may.join(", ")
    };
    Err(format!("`{name}` names {{{other}}}; it may name {may}"))
}

/// Checks that no sentence is missing.
fn check_whole(words: &Words, english: Option<&Words>) -> Result<(), String> {
    let all = english.map(|english| english.sentences.keys());
    let missing = |name: &&String| !words.sentences.contains_key(*name);
    let missing: Vec<_> = all
        .into_iter()
        .flatten()
        .filter(missing)
        .map(|name| format!("`{name}`"))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(format!("`words` lacks {}", missing.join(", ")))
}
