//! The words of the page that links lead to, by language: catalogues in the form of those of mail.

use std::sync::LazyLock;

use actix_web::HttpRequest;
use actix_web::http::header::{AcceptLanguage, Header, Preference};

use crate::base::error::{Error, Result};
use crate::mail::words::{Catalogues, Words};

/// The English words.
const ENGLISH: &str = include_str!("words/en.json");
/// Those of other languages.
const OTHERS: [(&str, &str); 5] = [
    ("de", include_str!("words/de.json")),
    ("fr", include_str!("words/fr.json")),
    ("es", include_str!("words/es.json")),
    ("ar", include_str!("words/ar.json")),
    ("ja", include_str!("words/ja.json")),
];

/// Every catalogue.
static CATALOGUES: LazyLock<std::result::Result<Catalogues, (String, String)>> =
    LazyLock::new(|| {
        let others = OTHERS.map(|(tag, text)| (tag.to_owned(), text.to_owned()));
        Catalogues::parse(ENGLISH, others)
    });

/// The words in every language.
///
/// # Errors
/// None that depends on anything but the program.
pub(super) fn catalogues() -> Result<&'static Catalogues> {
    CATALOGUES
        .as_ref()
        .map_err(|(language, why)| Error::internal(format!("{language}: {why}")))
}

/// The words in the first of `locales` that there are any in, else in the English ones.
///
/// # Errors
/// Those of [`catalogues`].
pub(super) fn find(locales: &[String]) -> Result<&'static Words> {
    catalogues().map(|catalogues| catalogues.find(locales))
}

/// The languages that a browser asks for, the dearest first.
pub(super) fn wished(request: &HttpRequest) -> Vec<String> {
    let Ok(wishes) = AcceptLanguage::parse(request) else {
        return Vec::new();
    };
    let specific = |wish: Preference<_>| match wish {
        Preference::Specific(tag) => Some(ToString::to_string(&tag)),
        Preference::Any => None,
    };
    wishes.ranked().into_iter().filter_map(specific).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_has_every_sentence() {
        let catalogues = catalogues().expect("good catalogues");
        assert_eq!(catalogues.all().count(), 6);
        let english = catalogues.find(&[]);
        for words in catalogues.all() {
            let names = words.sentences.keys();
            assert!(names.eq(english.sentences.keys()), "{}", words.language);
        }
    }
}
