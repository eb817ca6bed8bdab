//! The words of mail by language: one catalogue of sentences for each.
//!
//! * [`mod@file`] reads a catalogue, ours or the operator's, and checks it.
//! * [`fill`] puts names into a sentence.
//!
//! A sentence names its parts in braces (`{organization}`), and is plain text: the same sentence
//! stands in a subject, in a text and in HTML.

mod file;
mod fill;

use std::collections::BTreeMap;

use time::OffsetDateTime;

use crate::base::clock::Timestamp;
use crate::base::locale::fallbacks;

pub(crate) use fill::{Form, Parts};

/// The language that is there whatever else is missing.
const ENGLISH: &str = "en";
/// Our other catalogues, by language.
const OURS: [(&str, &str); 5] = [
    ("de", include_str!("de.json")),
    ("fr", include_str!("fr.json")),
    ("es", include_str!("es.json")),
    ("ar", include_str!("ar.json")),
    ("ja", include_str!("ja.json")),
];

/// The words of one language.
#[derive(Clone, Debug)]
pub(crate) struct Words {
    /// Its language tag, in normal case.
    pub language: String,
    /// Which way it is written: `ltr` or `rtl`.
    pub direction: &'static str,
    /// What stands between two sentences.
    pub space: String,
    /// How a time is written: a sentence of `day`, `month`, `year` and `time`.
    date: String,
    /// The names of the months.
    months: [String; 12],
    /// How the first day of a month is written.
    first_day: String,
    /// The sentences.
    pub sentences: BTreeMap<String, String>,
}

impl Words {
    /// A time as people read it, in UTC.
    pub(crate) fn long(&self, time: Timestamp) -> String {
        let seconds = time.as_millis().div_euclid(1000);
        let Ok(time) = OffsetDateTime::from_unix_timestamp(seconds) else {
            return String::new();
        };
        let month = self.months.get(usize::from(u8::from(time.month())) - 1);
        let day = match time.day() {
            1 => self.first_day.clone(),
            day => day.to_string(),
        };
        let clock = format!("{:02}:{:02}", time.hour(), time.minute());
        let parts = [
            ("day", day),
            ("month", month.cloned().unwrap_or_default()),
            ("year", time.year().to_string()),
            ("time", clock),
        ];
        Parts::from(parts).fill(&self.date, Form::Text)
    }
}

/// The words of every language that there are any in.
#[derive(Debug)]
pub(crate) struct Catalogues {
    /// The English ones, for whoever reads none of the others.
    english: Words,
    /// The others, by language tag in lowercase.
    others: BTreeMap<String, Words>,
}

impl Catalogues {
    /// Ours, with those of `files` besides or in place of them, by language tag. A file for a
    /// language of ours may have only some of the words.
    ///
    /// # Errors
    /// The language whose file cannot be used, and why.
    pub(crate) fn load(files: Vec<(String, String)>) -> Result<Self, (String, String)> {
        let ours = OURS.map(|(tag, text)| (tag.to_owned(), text.to_owned()));
        Self::parse(include_str!("en.json"), ours.into_iter().chain(files))
    }

    /// The English words of a file, and those of `others`, by language tag.
    ///
    /// # Errors
    /// The language whose file cannot be used, and why.
    pub(crate) fn parse(
        english: &str,
        others: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, (String, String)> {
        let reference =
            file::parse(ENGLISH, english, None, None).map_err(|why| (ENGLISH.to_owned(), why))?;
        let mut all = Self {
            english: reference.clone(),
            others: BTreeMap::new(),
        };
        for (tag, text) in others {
            let words = file::parse(&tag, &text, all.get(&tag), Some(&reference))
                .map_err(|why| (tag.clone(), why))?;
            all.insert(&tag, words);
        }
        Ok(all)
    }

    /// The words in the first of `locales`, or in what it falls back to, that there are any in; else
    /// the English ones.
    pub(crate) fn find(&self, locales: &[String]) -> &Words {
        let mut tags = locales.iter().flat_map(|locale| fallbacks(locale));
        tags.find_map(|tag| self.get(tag)).unwrap_or(&self.english)
    }

    /// The words of every language, for trying templates with each.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Words> {
        std::iter::once(&self.english).chain(self.others.values())
    }

    /// The words of the language `tag`, in any case.
    fn get(&self, tag: &str) -> Option<&Words> {
        match tag.to_ascii_lowercase().as_str() {
            ENGLISH => Some(&self.english),
            tag => self.others.get(tag),
        }
    }

    /// Takes words in place of those that there are of the language `tag`.
    fn insert(&mut self, tag: &str, words: Words) {
        match tag.to_ascii_lowercase() {
            tag if tag == ENGLISH => self.english = words,
            tag => drop(self.others.insert(tag, words)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Our own catalogues.
    fn ours() -> Catalogues {
        Catalogues::load(Vec::new()).expect("good catalogues")
    }

    #[test]
    fn every_language_has_every_sentence_with_the_same_parts() {
        let ours = ours();
        let english = &ours.english;
        assert_eq!(ours.all().count(), 6);
        for words in ours.all() {
            let language = &words.language;
            assert!(
                words.sentences.keys().eq(english.sentences.keys()),
                "{language}"
            );
            for (name, sentence) in &words.sentences {
                assert_eq!(
                    fill::parts(sentence),
                    fill::parts(&english.sentences[name]),
                    "{language}: {name}"
                );
            }
        }
    }

    #[test]
    fn every_subject_for_the_invited_person_has_room_for_the_names_in_it() {
        for words in ours().all() {
            for name in ["invited_by", "invited", "reminder", "code"] {
                let sentence = &words.sentences[&format!("{name}_subject")];
                let around = Parts::from([]).fill(sentence, Form::Text);
                let most = around.chars().count() + 60 * fill::parts(sentence).len();
                assert!(most <= 150, "{}: {name}: {most}", words.language);
            }
        }
    }

    #[test]
    fn a_language_falls_back_to_the_next_wish_and_then_to_english() {
        let ours = ours();
        let find = |locales: &[&str]| {
            let locales: Vec<String> = locales.iter().map(|&locale| locale.to_owned()).collect();
            ours.find(&locales).language.clone()
        };
        for (locales, language) in [
            (&["de-CH-1996"][..], "de"),
            (&["AR-EG"], "ar"),
            (&["tlh", "fr-CA"], "fr"),
            (&["en-GB", "de"], "en"),
            (&["tlh", "x-klingon"], "en"),
            (&[], "en"),
        ] {
            assert_eq!(find(locales), language, "{locales:?}");
        }
    }

    #[test]
    fn times_are_written_as_each_language_writes_them() {
        let ours = ours();
        let times = [1_796_423_040_000, 1_790_813_100_000].map(Timestamp::from_millis);
        for (language, long, first) in [
            (
                "en",
                "4 December 2026, 22:24 UTC",
                "1 October 2026, 00:05 UTC",
            ),
            (
                "de",
                "4. Dezember 2026, 22:24 Uhr (UTC)",
                "1. Oktober 2026, 00:05 Uhr (UTC)",
            ),
            (
                "fr",
                "4 décembre 2026 à 22:24 UTC",
                "1er octobre 2026 à 00:05 UTC",
            ),
            (
                "es",
                "4 de diciembre de 2026, 22:24 UTC",
                "1 de octubre de 2026, 00:05 UTC",
            ),
            (
                "ar",
                "4 ديسمبر 2026، الساعة 22:24 UTC",
                "1 أكتوبر 2026، الساعة 00:05 UTC",
            ),
            (
                "ja",
                "2026年12月4日 22:24（UTC）",
                "2026年10月1日 00:05（UTC）",
            ),
        ] {
            let words = ours.get(language).expect("words");
            assert_eq!(
                times.map(|time| words.long(time)),
                [long, first],
                "{language}"
            );
        }
    }
}
