//! Digits as people type and copy them.

use super::proof::CODE_LEN;
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

/// The digits of the code in `text` as 0 to 9, whatever their script is: where six of them stand
/// together, these, and else all that there are.
pub(crate) fn find_code(text: &str) -> String {
    let all: Vec<char> = text.chars().filter(|c| !is_mark(*c)).collect();
    let runs = (0..all.len()).filter_map(|start| run_at(&all, start));
    runs.into_iter()
        .find(|run| run.len() == CODE_LEN)
        .unwrap_or_else(|| all.iter().copied().filter_map(digit).collect())
}

/// The digits that begin at `start`, with at most one space or hyphen between two of them; none
/// where they begin before it.
fn run_at(all: &[char], start: usize) -> Option<String> {
    let is_start = start == 0 || digit(all[start - 1]).is_none();
    let mut run = String::new();
    run.push(digit(all[start]).filter(|_| is_start)?);
    let mut rest = &all[start + 1..];
    loop {
        rest = match *rest {
            [next, ref rest @ ..] if digit(next).is_some() => {
                run.extend(digit(next));
                rest
            }
            [between, next, ref rest @ ..]
                if (between.is_whitespace() || is_hyphen(between)) && run.len() < CODE_LEN =>
            {
                let Some(next) = digit(next) else {
                    return Some(run);
                };
                run.push(next);
                rest
            }
            _ => return Some(run),
        };
    }
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
    fn a_code_is_found_among_what_was_copied_with_it() {
        for text in [
            "123456",
            " 123456\n",
            "123 456",
            "123-456",
            "1 2 3 4 5 6",
            "Code: 123456",
            "Step 2: 123456. It is good for 10 minutes.",
            "١٢٣٤٥٦",
            "１２３\u{3000}４５６",
            "\u{200f}123456\u{200e}",
            "12\u{2060}3456",
        ] {
            assert_eq!(find_code(text), "123456", "{text}");
        }
        for (text, digits) in [("12345", "12345"), ("1234567", "1234567"), ("no", "")] {
            assert_eq!(find_code(text), digits, "{text}");
        }
    }

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
