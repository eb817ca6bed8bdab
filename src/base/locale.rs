//! The language that a person reads: a language tag (BCP 47, RFC 5646).

use language_tags::LanguageTag;

use super::error::{Checked, FieldCode, FieldError};

/// The most characters of a tag: room for language, script, region and two variants (RFC 5646,
/// 4.4.1).
const MAX_LOCALE: usize = 35;

/// Checks a language tag, and brings it to its normal case: `de-ch` is `de-CH`. Every well-formed
/// tag is taken, also one of a language that mail has no words in.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn parse_locale(text: Option<&str>) -> Checked<Option<String>> {
    let Some(text) = text else {
        return Ok(None);
    };
    if text.len() > MAX_LOCALE {
        let detail = format!("at most {MAX_LOCALE} characters");
        return Err(FieldError::new("/locale", FieldCode::TooLong, detail));
    }
    let wrong = |_| {
        let detail = "a language tag (BCP 47) as de or pt-BR";
        FieldError::new("/locale", FieldCode::InvalidFormat, detail)
    };
    let tag = LanguageTag::parse(text).map_err(wrong)?;
    Ok(Some(tag.into_string()))
}

/// Whether `text` is a well-formed language tag.
pub(crate) fn is_locale(text: &str) -> bool {
    matches!(parse_locale(Some(text)), Ok(Some(_)))
}

/// `locale` and what it falls back to, the most exact first: `de-CH-1996`, `de-CH`, `de` (RFC 4647,
/// 3.4). A letter that begins an extension goes with what follows it.
pub fn fallbacks(locale: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(locale), |tag| shorter(tag))
}

/// `tag` without its last part.
fn shorter(tag: &str) -> Option<&str> {
    let (rest, _) = tag.rsplit_once('-')?;
    match rest.rsplit_once('-') {
        Some((start, letter)) if letter.len() == 1 => Some(start),
        _ => Some(rest),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_tag_in_its_normal_case_stays_as_it_is(
            text in "(?i)[a-z]{2,3}(-[a-z]{4})?(-[a-z]{2}|-[0-9]{3})?(-[a-z0-9]{5,8})?(-u-[a-z0-9]{2,8})?(-x-[a-z0-9]{1,8})?",
        ) {
            if let Ok(Some(tag)) = parse_locale(Some(&text)) {
                prop_assert!(tag.eq_ignore_ascii_case(&text));
                prop_assert_eq!(parse_locale(Some(&tag)).ok().flatten(), Some(tag));
            }
        }
    }

    #[test]
    fn a_well_formed_tag_is_taken_in_its_normal_case() {
        for (text, tag) in [
            ("de", "de"),
            ("DE-ch", "de-CH"),
            ("zh-hant-tw", "zh-Hant-TW"),
            ("ar-EG-u-nu-latn", "ar-EG-u-nu-latn"),
            ("tlh", "tlh"),
            ("x-klingon", "x-klingon"),
            ("i-default", "i-default"),
        ] {
            assert_eq!(parse_locale(Some(text)).expect(text).as_deref(), Some(tag));
        }
        for text in [
            "",
            " ",
            "d",
            "de_CH",
            "de-",
            "-de",
            "de--CH",
            "de\r\n",
            "ä",
            "german1234",
        ] {
            assert!(parse_locale(Some(text)).is_err(), "{text:?}");
        }
        let long = format!("de-x{}", "-abcdefgh".repeat(4));
        assert!(parse_locale(Some(&long)).is_err(), "{long}");
    }

    #[test]
    fn a_tag_falls_back_part_by_part() {
        let all = |tag| fallbacks(tag).collect::<Vec<_>>();
        assert_eq!(all("de-CH-1996"), ["de-CH-1996", "de-CH", "de"]);
        assert_eq!(all("ar-u-nu-latn"), ["ar-u-nu-latn", "ar-u-nu", "ar"]);
        assert_eq!(all("ja"), ["ja"]);
    }
}
