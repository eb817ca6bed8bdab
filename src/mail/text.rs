//! Words of users in mail: nothing in them steers a mail, hides, or becomes a link.
//!
//! Mail programs make links of whatever looks like one: `https://...`, `www....`, bare domains,
//! addresses. An invitation that brings a link of somebody's choice under the name of the server
//! would be a gift to those who phish. So a word joiner (U+2060, not to be seen) goes behind every
//! character that a link needs: what is written stays readable, and is no link any more.

use crate::base::text::without_hidden;

/// What breaks a link. It is not to be seen.
const WORD_JOINER: char = '\u{2060}';
/// The most characters of a subject.
const MAX_SUBJECT: usize = 150;
/// The most characters of a name in a subject: two of them and the words between them have room.
const MAX_NAME: usize = 60;

/// One line of a user's words for a body: without invisible characters, and without links.
pub(crate) fn defang(line: &str) -> String {
    let line = without_hidden(line);
    let mut harmless = String::with_capacity(line.len());
    let mut characters = line.chars().peekable();
    while let Some(c) = characters.next() {
        harmless.push(c);
        if joins_a_link(c) && characters.peek().is_some_and(|next| !next.is_whitespace()) {
            harmless.push(WORD_JOINER);
        }
    }
    harmless
}

/// A subject: one line without invisible characters, of at most [`MAX_SUBJECT`] characters. Mail
/// programs make no links there, so that only a scheme is taken apart. So is what a header spells
/// other characters with (`=?...?=`, RFC 2047): it would be decoded.
pub(crate) fn subject(text: &str) -> String {
    let text = without_hidden(text)
        .replace("://", ": ")
        .replace("=?", "= ?");
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    shorten(&line, MAX_SUBJECT)
}

/// A user's words as a part of a subject.
pub(crate) fn in_subject(name: &str) -> String {
    shorten(name.trim(), MAX_NAME)
}

/// The beginning of `text`, with an ellipsis where it has more than `max` characters.
fn shorten(text: &str, max: usize) -> String {
    if text.chars().count() <= max {
        return text.to_owned();
    }
    let start: String = text.chars().take(max - 1).collect();
    // The cut may have left a joiner or a tag that joins nothing.
    format!("{}\u{2026}", without_hidden(&start).trim_end())
}

/// Whether a link needs `c` between two other characters. Also what a program may take for a dot, a
/// colon or an at sign.
fn joins_a_link(c: char) -> bool {
    matches!(
        c,
        '.' | ':'
            | '@'
            | '\u{2024}'
            | '\u{3002}'
            | '\u{fe52}'
            | '\u{ff0e}'
            | '\u{ff1a}'
            | '\u{ff20}'
            | '\u{ff61}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_looks_like_a_link_stays_one() {
        for text in [
            "https://evil.example",
            "www.evil.example",
            "evil.co/x",
            "mailto:a@evil.co",
            "javascript:x",
            "a\u{3002}co",
        ] {
            let harmless = defang(text);
            assert!(
                !harmless.contains("://")
                    && !harmless.contains("www.e")
                    && !harmless.contains(".c"),
                "{harmless}"
            );
            assert_eq!(
                harmless.replace(WORD_JOINER, ""),
                text,
                "it reads as it was written"
            );
            assert_ne!(harmless, text);
        }
        assert_eq!(
            defang("Acme Inc. of J. R. Tolkien: yes."),
            "Acme Inc. of J. R. Tolkien: yes."
        );
    }

    #[test]
    fn nothing_invisible_and_no_line_break_comes_through() {
        assert_eq!(defang("a\r\nBcc: x\u{202e}\u{200b}y"), "a  Bcc: x  y");
        assert_eq!(
            subject("a\r\n Bcc:\tx\u{202e} http://b.co"),
            "a Bcc: x http: b.co"
        );
        assert_eq!(subject("=?utf-8?Q?x=0D=0A?="), "= ?utf-8?Q?x=0D=0A?=");
        assert_eq!(subject(&"x".repeat(151)).chars().count(), 150);
    }
}
