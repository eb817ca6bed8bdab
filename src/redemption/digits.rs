//! Digits as people type and copy them.

use crate::base::text::is_invisible;

/// The zeros of the Basic Multilingual Plane's decimal digits (Unicode 14, general category `Nd`).
/// The other nine digits of a script follow its zero.
const ZEROS: [u32; 37] = [
    0x0030, 0x0660, 0x06f0, 0x07c0, 0x0966, 0x09e6, 0x0a66, 0x0ae6, 0x0b66, 0x0be6, 0x0c66, 0x0ce6,
    0x0d66, 0x0de6, 0x0e50, 0x0ed0, 0x0f20, 0x1040, 0x1090, 0x17e0, 0x1810, 0x1946, 0x19d0, 0x1a80,
    0x1a90, 0x1b50, 0x1bb0, 0x1c40, 0x1c50, 0xa620, 0xa8d0, 0xa900, 0xa9d0, 0xa9f0, 0xaa50, 0xabf0,
    0xff10,
];

/// The digits of `text` as 0 to 9, whatever their script is. Spaces, hyphens, and marks that come
/// along with a copy mean nothing; none: something else is in it.
pub(super) fn parse_digits(text: &str) -> Option<String> {
    let means_something = |c: &char| !(c.is_whitespace() || is_hyphen(*c) || is_mark(*c));
    text.chars().filter(means_something).map(digit).collect()
}

/// The decimal digit `c` as one of 0 to 9.
fn digit(c: char) -> Option<char> {
    let zero = ZEROS.iter().rfind(|&&zero| zero <= u32::from(c))?;
    char::from_digit(u32::from(c) - zero, 10)
}

/// Whether `c` is a hyphen, a dash or a minus.
fn is_hyphen(c: char) -> bool {
    matches!(
        c,
        '-' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{fe58}' | '\u{fe63}' | '\u{ff0d}'
    )
}

/// Whether `c` is not to be seen, and no control character.
fn is_mark(c: char) -> bool {
    is_invisible(c) && !c.is_control()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_decimal_digit_is_read_and_nothing_else() {
        for zero in ZEROS {
            let of = |offset| char::from_u32(zero + offset).expect("a character");
            let digits: String = (0..10).map(of).collect();
            assert_eq!(parse_digits(&digits).as_deref(), Some("0123456789"));
        }
        for other in [
            "/", ":", "a", "\u{65f}", "\u{66a}", "²", "①", "Ⅷ", "+1", "1.", "\u{0}",
        ] {
            assert_eq!(parse_digits(other), None, "{other}");
        }
    }
}
