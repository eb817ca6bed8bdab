//! What a text that people will read may hold.

use super::error::{FieldCode, FieldError};

/// Ends the tags of a flag.
const CANCEL_TAG: char = '\u{e007f}';
/// The most tags of a flag: a country and its part, as `usca`.
const MAX_TAGS: usize = 6;

/// Whether `c` changes how a text looks, or where it ends, without being seen: control characters,
/// zero-width and direction marks, variation selectors, tags. (Unicode's
/// `Default_Ignorable_Code_Point` and `Bidi_Control`, and the Braille pattern without a dot, which
/// is no space by its properties and looks like one.)
pub fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e0fff}')
}

/// Whether `text` holds an invisible character that is no part of its spelling. Emoji are spelled
/// with selectors, joiners and tags; Persian, Hindi and their neighbours with joiners; Japanese
/// names and Mongolian with selectors. A phone's keyboard writes all of them.
pub fn hides_something(text: &str) -> bool {
    text.chars().any(is_invisible) && without_hidden(text) != text
}

/// `text` with a space in place of every invisible character that is no part of its spelling.
pub(crate) fn without_hidden(text: &str) -> String {
    let all: Vec<char> = text.chars().collect();
    let shown = |(at, c): (usize, &char)| {
        let is_hidden = is_invisible(*c) && !is_spelling(*c, &all[..at], &all[at + 1..]);
        if is_hidden { ' ' } else { *c }
    };
    all.iter().enumerate().map(shown).collect()
}

/// Whether the invisible `c` is a part of the spelling of what stands before and behind it.
fn is_spelling(c: char, before: &[char], after: &[char]) -> bool {
    let next = after.first().copied().unwrap_or(' ');
    match c {
        '\u{fe0e}' | '\u{fe0f}' => before.last().is_some_and(|last| {
            is_emoji(*last) || (matches!(last, '0'..='9' | '#' | '*') && next == '\u{20e3}')
        }),
        '\u{200c}' | '\u{200d}' => {
            let takes = match before {
                [.., emoji, '\u{fe0e}' | '\u{fe0f}'] => is_emoji(*emoji),
                [.., last] => takes_joiner(*last),
                [] => false,
            };
            takes && takes_joiner(next)
        }
        '\u{e0100}'..='\u{e01ef}' => before.last().is_some_and(|last| is_han(*last)),
        '\u{180b}'..='\u{180f}' => before.last().is_some_and(|last| is_mongolian(*last)),
        tag if is_tag(tag) || tag == CANCEL_TAG => is_in_flag(tag, before, after),
        _ => false,
    }
}

/// Whether `tag` is one of the tags of a black flag, all of which are there up to their end. Of more
/// tags than any flag has no more are counted: a text may consist of nothing else.
fn is_in_flag(tag: char, before: &[char], after: &[char]) -> bool {
    let most = MAX_TAGS + 1;
    let tags_before = before.iter().rev().take(most).take_while(|c| is_tag(**c));
    let tags_before = tags_before.count();
    let flag = before.iter().rev().nth(tags_before);
    let tags_after = after.iter().take(most).take_while(|c| is_tag(**c)).count();
    let (tags, is_closed) = if tag == CANCEL_TAG {
        (tags_before, true)
    } else {
        let end = after.get(tags_after);
        (tags_before + 1 + tags_after, end == Some(&CANCEL_TAG))
    };
    flag == Some(&'\u{1f3f4}') && is_closed && (1..=MAX_TAGS).contains(&tags)
}

/// Whether `c` is a tag that the name of a region is written with.
fn is_tag(c: char) -> bool {
    matches!(c, '\u{e0030}'..='\u{e0039}' | '\u{e0061}'..='\u{e007a}')
}

/// Whether `c` can be an emoji: the blocks that have any.
fn is_emoji(c: char) -> bool {
    let has_block =
        matches!(c, '\u{a9}' | '\u{ae}' | '\u{203c}'..='\u{3299}' | '\u{1f000}'..='\u{1faff}');
    has_block && !is_invisible(c) && !c.is_whitespace()
}

/// Whether a joiner may stand beside `c`: emoji, and the scripts in which it changes the spelling.
/// In Latin, Greek and Cyrillic it would only make two names of one.
fn takes_joiner(c: char) -> bool {
    let joins = matches!(c, '\u{600}'..='\u{1cff}' | '\u{a800}'..='\u{abff}' | '\u{fb50}'..='\u{fdff}'
        | '\u{fe70}'..='\u{fefc}' | '\u{10a00}'..='\u{11fff}' | '\u{1e900}'..='\u{1e95f}');
    is_emoji(c) || (joins && !is_invisible(c) && !c.is_whitespace())
}

/// Whether `c` is a Chinese character, of which Japanese names have variants.
fn is_han(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

/// Whether `c` is a Mongolian letter.
fn is_mongolian(c: char) -> bool {
    matches!(c, '\u{1820}'..='\u{18aa}')
}

/// Whether there is anything to see in `text`: not only spaces and combining marks.
pub fn is_visible(text: &str) -> bool {
    text.chars()
        .any(|c| !c.is_whitespace() && !is_invisible(c) && !matches!(c, '\u{300}'..='\u{36f}'))
}

/// Checks a text that people will read, of at most `max` characters.
pub(crate) fn check_name(
    pointer: &'static str,
    text: Option<&str>,
    max: usize,
) -> Option<FieldError> {
    let text = text?;
    if hides_something(text) {
        return Some(forbidden(pointer));
    }
    check_length(pointer, text, max)
}

/// Checks an id that an application gave, of at most `max` characters: no two look the same by an
/// invisible character.
pub(crate) fn check_id(
    pointer: &'static str,
    text: Option<&str>,
    max: usize,
) -> Option<FieldError> {
    let text = text?;
    if text.chars().any(is_invisible) {
        return Some(forbidden(pointer));
    }
    check_length(pointer, text, max)
}

/// The error of a text with a character that is not to be seen.
fn forbidden(pointer: &'static str) -> FieldError {
    let detail = "control, invisible and direction characters are not allowed";
    FieldError::new(pointer, FieldCode::ForbiddenCharacter, detail)
}

/// Checks that a text has something to see, and at most `max` characters.
fn check_length(pointer: &'static str, text: &str, max: usize) -> Option<FieldError> {
    if text.chars().count() > max {
        return Some(FieldError::new(
            pointer,
            FieldCode::TooLong,
            format!("at most {max} characters"),
        ));
    }
    let empty = || {
        FieldError::new(
            pointer,
            FieldCode::InvalidFormat,
            "there is nothing to see in it",
        )
    };
    (!is_visible(text)).then(empty)
}
