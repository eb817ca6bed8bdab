//! What a text that people will read may hold.

use super::error::{FieldCode, FieldError};

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
    if text.chars().any(is_invisible) {
        let detail = "control, invisible and direction characters are not allowed";
        return Some(FieldError::new(
            pointer,
            FieldCode::ForbiddenCharacter,
            detail,
        ));
    }
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
