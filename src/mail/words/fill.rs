//! Sentences with names in them.

use crate::base::html::escape;

/// What stands in braces in a sentence: itself, or the name of a part.
enum Piece<'a> {
    /// Words.
    Text(&'a str),
    /// The name of a part.
    Part(&'a str),
}

/// The pieces of a sentence. A brace that is not closed is a word.
fn pieces(mut sentence: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    while let Some((text, rest)) = sentence.split_once('{')
        && let Some((part, rest)) = rest.split_once('}')
    {
        pieces.extend([Piece::Text(text), Piece::Part(part)]);
        sentence = rest;
    }
    pieces.push(Piece::Text(sentence));
    pieces
}

/// The names of the parts of a sentence, each once, in order of the alphabet.
pub(super) fn parts(sentence: &str) -> Vec<&str> {
    let part = |piece| match piece {
        Piece::Part(name) => Some(name),
        Piece::Text(_) => None,
    };
    let mut parts: Vec<_> = pieces(sentence).into_iter().filter_map(part).collect();
    parts.sort_unstable();
    parts.dedup();
    parts
}

/// Whether a sentence has a brace that is no part's.
pub(super) fn has_stray_brace(sentence: &str) -> bool {
    let is_stray =
        |piece: &Piece<'_>| matches!(piece, Piece::Text(text) if text.contains(['{', '}']));
    pieces(sentence).iter().any(is_stray)
}

/// What a sentence becomes a part of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// A subject, where names are short enough for all of it.
    Subject,
    /// Plain text.
    Text,
    /// HTML: the sentence is escaped, and each name is set apart from the direction of what stands
    /// around it.
    Html,
}

/// What the parts of sentences stand for, by their names.
#[derive(Debug)]
pub(crate) struct Parts<'a>(Vec<(&'a str, String)>);

impl<'a, const COUNT: usize> From<[(&'a str, String); COUNT]> for Parts<'a> {
    fn from(parts: [(&'a str, String); COUNT]) -> Self {
        Self(parts.into())
    }
}

impl Parts<'_> {
    /// `sentence` with what its parts stand for; one that is not known stands for nothing.
    pub(crate) fn fill(&self, sentence: &str, form: Form) -> String {
        let mut filled = String::with_capacity(sentence.len() * 2);
        for piece in pieces(sentence) {
            match (piece, form) {
                (Piece::Text(text), Form::Html) => filled.push_str(&escape(text)),
                (Piece::Part(name), Form::Html) => filled.push_str(&html(name, self.get(name))),
                (Piece::Text(text), _) => filled.push_str(text),
                (Piece::Part(name), _) => filled.push_str(self.get(name)),
            }
        }
        filled
    }

    /// What the part of this name stands for.
    fn get(&self, name: &str) -> &str {
        let part = self.0.iter().find(|(part, _)| *part == name);
        part.map_or("", |(_, value)| value)
    }
}

/// A part as HTML.
fn html(name: &str, value: &str) -> String {
    let value = escape(value);
    match name {
        "organization" | "inviter" => format!("<bdi><strong>{value}</strong></bdi>"),
        "role" => format!("<bdi>{value}</bdi>"),
        "email" => format!("<bdi dir=\"ltr\">{value}</bdi>"),
        _ => value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_into_a_part_is_never_a_part_and_never_markup() {
        let parts = Parts::from([
            ("inviter", "{role}<b>".to_owned()),
            ("role", "admin".to_owned()),
        ]);
        assert_eq!(
            parts.fill("{inviter} & {role}{other}", Form::Text),
            "{role}<b> & admin"
        );
        assert_eq!(
            parts.fill("{inviter} & {role}", Form::Html),
            "<bdi><strong>{role}&lt;b&gt;</strong></bdi> &amp; <bdi>admin</bdi>"
        );
    }

    #[test]
    fn the_parts_of_a_sentence_are_what_stands_in_braces() {
        assert_eq!(parts("{b} and {a}, {b} {open"), ["a", "b"]);
        assert_eq!(parts("none"), [""; 0]);
    }
}
